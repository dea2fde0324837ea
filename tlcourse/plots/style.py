"""What all figures share: colours, markers, axes, and names shown as they are.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines
differ in their markers, too.
"""

import io
import pathlib
import struct

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.text import Text

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#7A7A7A")
CYCLE = plt.cycler(color=COLOURS, marker=list("osD^vPX"))
NAMING = ("FuncFormatter", "StrCategoryFormatter")  # matplotlib's, of named ticks
LONGEST, LONGEST_TITLE = 40, 100  # characters of a line; more would leave no room


def use():
    """Draws with the course's style from now on: see course.mplstyle."""
    plt.style.use(pathlib.Path(__file__).with_name("course.mplstyle"))


def ink():
    """The colour of axes: black, or in the lessons one that any page can have."""
    return plt.rcParams["axes.edgecolor"]


def sharp_png(figure, dpi=100):
    """A figure as PNG with two dots for each pixel, and its width in those pixels."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * dpi, bbox_inches="tight")
    return file.getvalue(), struct.unpack(">I", file.getvalue()[16:20])[0] // 2


def axes_or_new(ax, width=7, height=3.5):
    """Returns `ax` or, if it is None, the axes of a new figure, size in inches."""
    return ax or plt.subplots(figsize=(width, height), layout="constrained")[1]


def number(value):
    """A number as people write it: three digits, or whole with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def has_names(axis):
    """Whether the ticks of a matplotlib axis have names instead of numbers."""
    return type(axis.get_major_formatter()).__name__ in NAMING


def legible(text, most=LONGEST):
    """Text that a figure can show: no characters without a form, no endless line."""
    lines = []
    for line in str(text).split("\n"):
        shown = "".join(x if x.isprintable() else repr(x)[1:-1] for x in line)
        lines.append(shown if len(shown) <= most else f"{shown[: most - 1]}…")
    return "\n".join(lines)


def label(name):
    """A name for a legend, which leaves out what is empty or begins with `_`."""
    text = legible(name)
    return f" {text}" if text[:1] in ("", "_") else text


def without_formulas(ax):
    """Shows all words of the axes literally, `$` included, and returns the axes."""
    for axis in filter(has_names, (ax.xaxis, ax.yaxis)):
        names = [legible(text.get_text()) for text in axis.get_ticklabels()]
        axis.set_ticks(axis.get_ticklocs(), names)
    for artist in ax.get_children():
        is_name = artist in ax.texts or artist is ax.get_legend()
        most = LONGEST if is_name else LONGEST_TITLE
        numbers = isinstance(artist, Axis) and not has_names(artist)
        for text in (artist.label if numbers else artist).findobj(Text):
            text.set(parse_math=False, text=legible(text.get_text(), most))
    return ax


def with_grid(ax):
    """Draws pale lines behind the curves, and ends as `without_formulas`."""
    ax.grid(alpha=0.3)
    return without_formulas(ax)
