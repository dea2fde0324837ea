"""Diagrams of an idea: boxes, arrows and small grids of numbers, no measurement."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

from tlcourse.plots import style
from tlcourse.plots.style import BLUE, ORANGE

ON_FILL = {BLUE: "#FFFFFF", ORANGE: "#1B1B1B"}  # words that read on a filled box
PICTURE = np.repeat(
    [[0, 0, 1, 9, 9, 9], [0, 1, 8, 9, 9, 9], [1, 8, 9, 9, 9, 9]], 2, axis=0
)
SIDE = 0.46  # of a cell with a number, inches
EDGES = np.array([[-1, 0, 1]] * 3)  # answers where dark on the left meets light


def transfer(ax=None):
    """Draws how a base moves from its large dataset and task to a small target one.

    Args:
        ax: Axes to draw in, or None for new ones.

    Returns:
        The axes.
    """
    ax = _paper(ax, 9.6, 3.9)
    for low, words, frozen in ((2.5, "base", False), (0.2, "target", True)):
        data = (0.65, low + 0.1, 1.1, 0.9) if frozen else (0.1, low, 2.2, 1.1)
        _box(ax, data, "small\ntarget\ndataset" if frozen else "large base dataset")
        _box(ax, (3.3, low, 1.9, 1.1), "base, frozen" if frozen else "base", BLUE)
        end, fill = ("new head", ORANGE) if frozen else ("top", None)
        _box(ax, (5.2, low, 1.2, 1.1), end, fill)
        _box(ax, (7.4, low, 2.0, 1.1), f"{words} task")
        _arrow(ax, (data[0] + data[2] + 0.05, low + 0.55), (3.25, low + 0.55))
        _arrow(ax, (6.45, low + 0.55), (7.35, low + 0.55))
    _arrow(ax, (4.25, 2.45), (4.25, 1.35), BLUE)
    _words(ax, (4.4, 1.9), "the base's weights are copied", ha="left")
    return _finished(ax, "The base is taken over, the head is new")


def convolution(picture=PICTURE, kernel=EDGES, at=(2, 1), ax=None):
    """Draws a filter over a grid of numbers, and the one output that it gives there.

    Args:
        picture: Array of numbers `(height, width)`.
        kernel: Array of numbers `(rows, columns)`, no larger than `picture`.
        at: Row and column of the picture where the filter's first corner lies.
        ax: Axes to draw in, or None for new ones.

    Returns:
        The axes.
    """
    (rows, columns), (height, width) = kernel.shape, picture.shape
    row, column = at
    window = picture[row : row + rows, column : column + columns]
    output = np.full((height - rows + 1, width - columns + 1), "", object)
    output[row, column] = value = int((window * kernel).sum())
    ax = _paper(ax, 9.6, 3.4)
    patch = {(row + r, column + c) for r in range(rows) for c in range(columns)}
    everywhere = set(np.ndindex(kernel.shape))
    grids = (
        (0.1, picture, patch, "picture", BLUE),
        (3.9, kernel, everywhere, "filter", BLUE),
        (7.0, output, {(row, column)}, "feature map", ORANGE),
    )
    for left, numbers, marked, name, fill in grids:
        _numbers(ax, (left, 1.75), numbers, marked, fill)
        _words(ax, (left + SIDE / 2 * numbers.shape[1], 0.0), name)
        if name == "picture":
            _words(ax, (left + SIDE * numbers.shape[1] + 0.5, 1.75), "×", size=16)
    _arrow(ax, (5.6, 1.75), (6.7, 1.75))
    return _finished(ax, f"{kernel.size} products, added up, make one number: {value}")


def residual_block(side_road="the input, unchanged", ax=None):
    """Draws a block of ResNet: three convolutions, and a road past them.

    Args:
        side_road: What stands on the road past the convolutions.
        ax: Axes to draw in, or None for new ones.

    Returns:
        The axes.
    """
    ax = _paper(ax, 9.6, 2.7)
    names = ("1 x 1\nnarrows", "3 x 3\nlooks around", "1 x 1\nwidens")
    _words(ax, (0.1, 0.75), "input", ha="left")
    for place, name in enumerate(names):
        left = 1.55 + 2.05 * place
        _box(ax, (left, 0.3, 1.5, 0.9), name, BLUE)
        _arrow(ax, (left - (0.8 if place == 0 else 0.5), 0.75), (left - 0.05, 0.75))
    _box(ax, (7.75, 0.5, 0.7, 0.5), "add", ORANGE)
    _arrow(ax, (7.2, 0.75), (7.7, 0.75))
    _arrow(ax, (8.5, 0.75), (9.0, 0.75))
    _words(ax, (9.05, 0.75), "output", ha="left")
    ax.plot([1.05, 1.05, 8.1], [0.75, 2.0, 2.0], color=ORANGE, marker="", lw=2)
    _arrow(ax, (8.1, 2.02), (8.1, 1.05), ORANGE)
    _words(ax, (4.6, 2.08), f"side road: {side_road}", va="bottom")
    return _finished(ax, "Two roads through one block, and their sum")


def base_top_head(ax=None):
    """Draws where base, top and head are in a network.

    Args:
        ax: Axes to draw in, or None for new ones.

    Returns:
        The axes.
    """
    ax = _paper(ax, 9.6, 3.4)
    _box(ax, (0.1, 1.0, 0.9, 1.4), "picture")
    for place, name in enumerate(("stage 1", "stage 2", "stage 3", "last stage")):
        left, height = 1.5 + 1.15 * place, 2.6 - 0.55 * place
        _box(ax, (left, 1.7 - height / 2, 1.05, height), name, BLUE)
    _arrow(ax, (1.05, 1.7), (1.45, 1.7))
    _words(ax, (3.75, 0.1), "base: pictures become features")
    _box(ax, (7.0, 2.2, 2.5, 0.95), "top: its classes,\nremoved", style_of="--")
    _box(ax, (7.0, 0.3, 2.5, 0.95), "head: our classes,\nnew", ORANGE)
    _arrow(ax, (6.1, 1.85), (6.95, 2.65))
    _arrow(ax, (6.1, 1.55), (6.95, 0.8), ORANGE)
    return _finished(ax, "One base, and two ends that fit it")


def _paper(ax, width, height):
    """Axes without a frame, one unit to the inch."""
    ax = style.axes_or_new(ax, width, height + 0.3)
    ax.set(xlim=(0, width), ylim=(-0.15, height), aspect="equal")
    ax.axis("off")
    return ax


def _finished(ax, title):
    ax.set_title(title, loc="left")
    return style.without_formulas(ax)


def _words(ax, place, text, **how):
    ax.text(*place, text, **{"ha": "center", "va": "center", "linespacing": 1.3} | how)


def _box(ax, box, text, fill=None, style_of="-"):
    """A rectangle (left, bottom, width, height) with text in its middle."""
    left, low, width, height = box
    colours = {"facecolor": fill or "none", "edgecolor": fill or style.ink()}
    ax.add_patch(
        Rectangle((left, low), width, height, linestyle=style_of, lw=1.5, **colours)
    )
    middle = (left + width / 2, low + height / 2)
    _words(ax, middle, text, **({"color": ON_FILL[fill]} if fill else {}))


def _arrow(ax, start, end, colour=None):
    look = {"arrowstyle": "-|>", "mutation_scale": 16, "lw": 1.8}
    colour = colour or style.ink()
    ax.add_patch(
        FancyArrowPatch(start, end, color=colour, shrinkA=0, shrinkB=0, **look)
    )


def _numbers(ax, place, numbers, marked, fill):
    """A grid of numbers, `marked` cells filled; `place` is its left and its middle.

    It is a table, so that alternative text says the words, not every number.
    """
    rows, columns = numbers.shape
    (left, middle), (low, high) = place, ax.get_ylim()
    bottom = (middle - SIDE * rows / 2 - low) / (high - low)
    wide = ax.get_xlim()[1]
    size = (SIDE * columns / wide, SIDE * rows / (high - low))
    table = ax.table(numbers, cellLoc="center", bbox=(left / wide, bottom, *size))
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    for key, cell in table.get_celld().items():
        taken = key in marked
        cell.set(facecolor=fill if taken else "none", edgecolor=style.ink())
        cell.get_text().set_color(ON_FILL[fill] if taken else style.ink())
