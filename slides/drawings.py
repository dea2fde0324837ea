"""The deck's figures that show an idea and no measurement."""

import canvas
import numpy as np
from matplotlib.patches import Rectangle

from tlcourse import plots
from tlcourse.yosinski import figures as pictures

FROZEN, INK = "#E3E3E3", "#1B1B1B"


def _box(ax, box, text, fill="white", ink=INK, hatch=None):
    """A rectangle (left, bottom, width, height) with text in its middle."""
    left, low, width, height = box
    ax.add_patch(
        Rectangle(
            (left, low), width, height, facecolor=fill, edgecolor=INK, hatch=hatch
        )
    )
    middle = (left + width / 2, low + height / 2)
    ax.text(*middle, text, ha="center", va="center", color=ink, linespacing=1.3)


def _arrow(ax, start, end, colour=INK):
    """From one point to another."""
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2.5, "mutation_scale": 24}
    ax.annotate("", end, start, arrowprops=style)


def _paper(width, height):
    """Axes without frame, one unit to the inch."""
    ax = canvas.axes(width, height)
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return ax


def words():
    """Base and target: dataset, network, task."""
    ax = _paper(11.6, 4.4)
    rows = ((2.7, "base"), (0.2, "target"))
    for low, name in rows:
        _box(ax, (0, low, 3.1, 1.4), f"{name} dataset", FROZEN)
        fill, ink = (plots.BLUE, "white") if name == "base" else ("white", INK)
        text = "base network" if name == "base" else "what it learnt,\nand a new end"
        _box(ax, (4.2, low, 3.1, 1.4), text, fill, ink)
        _box(ax, (8.4, low, 3.1, 1.4), f"{name} task", FROZEN)
        _arrow(ax, (3.15, low + 0.7), (4.15, low + 0.7))
        _arrow(ax, (7.35, low + 0.7), (8.35, low + 0.7))
    _arrow(ax, (5.75, 2.65), (5.75, 1.65), plots.RED)
    ax.text(5.95, 2.15, "repurposed", va="center", color=INK)
    return ax


STEPS = (
    ("architecture", "02"),
    ("parameters", "03"),
    ("remove the\nlast layer", "04"),
    ("freeze", "05"),
    ("add a\nwrapper", "06"),
    ("train", "07"),
    ("fine-tune,\nif it pays", "08"),
)


def workflow():
    """Seven steps, each with the lesson that teaches it."""
    ax = _paper(12.0, 4.6)
    for place, (text, lesson) in enumerate(STEPS):
        left, low = 3.0 * (place % 4), 2.7 - 2.6 * (place // 4)
        given = place < 3
        _box(
            ax,
            (left, low, 2.5, 1.5),
            text,
            plots.BLUE if given else "white",
            "white" if given else INK,
        )
        ax.text(left + 0.05, low + 1.56, f"lesson {lesson}", va="bottom")
        if place % 4 < 3 and place < len(STEPS) - 1:
            _arrow(ax, (left + 2.52, low + 0.75), (left + 2.98, low + 0.75))
    return ax


def _row(ax, low, parts):
    """A network as a row of boxes: (text, kind) from input to output."""
    fills = {"frozen": (FROZEN, INK, None), "trains": (plots.BLUE, "white", None)}
    fills |= {"gone": ("white", INK, "//")}
    for place, (text, kind) in enumerate(parts):
        fill, ink, hatch = fills[kind]
        _box(ax, (1.95 * place, low, 1.85, 1.3), f"{text}\n{kind}", fill, ink, hatch)


def frozen():
    """The base is frozen, the wrapper trains."""
    ax = _paper(11.7, 2.5)
    stages = [(f"stage {number}", "frozen") for number in range(1, 6)]
    _row(ax, 1.1, [*stages, ("wrapper", "trains")])
    _arrow(ax, (11.6, 0.6), (9.8, 0.6), plots.RED)
    ax.text(9.6, 0.6, "gradients stop here", ha="right", va="center")
    return ax


def sketch():
    """The validation loss before and after the moment of unfreezing: no numbers."""
    ax = canvas.axes(11.0, 4.6)
    first, second = np.linspace(0, 6, 100), np.linspace(6, 10, 60)
    loss = 0.35 + 0.6 * np.exp(-first)
    ax.plot(first, loss, color=plots.BLUE)
    ax.plot(second, 0.27 + (loss[-1] - 0.27) * np.exp(6 - second), color=plots.BLUE)
    ax.axvline(6, color=plots.RED, linestyle="--")
    ax.text(6.15, 0.7, "unfrozen, a very\nsmall learning rate", va="center")
    ax.text(1.7, 0.7, "the wrapper alone", va="center")
    ax.text(9.9, 0.98, "a sketch", ha="right", va="top", style="italic")
    ax.set(xlabel="epoch", ylabel="validation loss", xticks=[], yticks=[])
    ax.set_ylim(0.2, 1)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def anb():
    """Yosinski's A5B: five layers copied from A and frozen, three new."""
    ax = pictures.copied_layers("A", 5, True, ax=canvas.axes(12, 1.9))
    for text in ax.texts:
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 3})
    return ax


def extraction():
    """All images once through the base; then only vectors."""
    ax = _paper(11.8, 4.2)
    _box(ax, (0, 2.5, 2.4, 1.4), "all images", FROZEN)
    _box(ax, (3.4, 2.5, 2.8, 1.4), "base, frozen", plots.BLUE, "white")
    _box(ax, (7.2, 2.5, 2.4, 1.4), "vectors", FROZEN)
    _arrow(ax, (2.45, 3.2), (3.35, 3.2))
    _arrow(ax, (6.25, 3.2), (7.15, 3.2))
    ax.text(9.8, 3.2, "once", va="center", weight="bold")
    _box(ax, (3.4, 0.2, 2.8, 1.4), "small network")
    _box(ax, (7.2, 0.2, 2.4, 1.4), "classes", FROZEN)
    ax.plot([8.4, 8.4, 1.2, 1.2, 1.3], [2.45, 2.05, 2.05, 0.9, 0.9], color=INK, lw=2.5)
    _arrow(ax, (1.2, 0.9), (3.35, 0.9))
    _arrow(ax, (6.25, 0.9), (7.15, 0.9))
    ax.text(9.8, 0.9, "every epoch", va="center", weight="bold")
    return ax
