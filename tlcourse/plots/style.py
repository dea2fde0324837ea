"""What all figures share.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines
differ in their markers too.
"""

import matplotlib.pyplot as plt

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000")
MARKERS = "osD^vPX"


def _axes(ax, width=7, height=3.5):
    return ax or plt.subplots(figsize=(width, height), layout="constrained")[1]
