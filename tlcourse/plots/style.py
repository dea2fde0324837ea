"""What all figures share: colours, markers, axes, and names shown as they are.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines
differ in their markers, too.
"""

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.text import Text

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000")
CYCLE = plt.cycler(color=COLOURS, marker=list("osD^vPX"))
NAMING = ("FuncFormatter", "StrCategoryFormatter")  # matplotlib's, of named ticks


def axes_or_new(ax, width=7, height=3.5):
    """Returns `ax` or, if it is None, the axes of a new figure, size in inches."""
    return ax or plt.subplots(figsize=(width, height), layout="constrained")[1]


def number(value):
    """A number as people write it: three digits, or whole with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def has_names(axis):
    """Whether the ticks of a matplotlib axis have names instead of numbers."""
    return type(axis.get_major_formatter()).__name__ in NAMING


def without_formulas(ax):
    """Shows all words of the axes literally, `$` included, and returns the axes."""
    for artist in ax.get_children():
        numbers = isinstance(artist, Axis) and not has_names(artist)
        for text in (artist.label if numbers else artist).findobj(Text):
            text.set_parse_math(False)
    return ax


def with_grid(ax):
    """Draws pale lines behind the curves, and ends as `without_formulas`."""
    ax.grid(alpha=0.3)
    return without_formulas(ax)
