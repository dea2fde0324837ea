"""Bars, points and tables of numbers."""

import numpy as np

from tlcourse.plots.style import (
    BLUE,
    COLOURS,
    axes_or_new,
    label,
    legible,
    number,
    without_formulas,
)


def bars(values, title="", xlabel="", log=False, colours=BLUE, ax=None):
    """Draws horizontal bars, each with its number, and returns the axes.

    Args:
        values: dict, name to number.
        title: String.
        xlabel: String, with the unit.
        log: Boolean, logarithmic axis.
        colours: A colour, or one for each bar.
    """
    ax = axes_or_new(ax, 7, 0.35 * len(values) + 1)
    drawn = ax.barh(list(values), list(values.values()), color=colours)
    ax.bar_label(drawn, map(number, values.values()), padding=3)
    ax.invert_yaxis()
    ax.set(title=title, xlabel=xlabel, xscale="log" if log else "linear")
    ax.xaxis.set_minor_formatter("")
    ax.margins(x=0.15)
    ax.spines[["top", "right"]].set_visible(False)
    return without_formulas(ax)


def catalogue(networks, ax=None):
    """Draws accuracy against parameters of each `bases.Network`, coloured by year."""
    ax = axes_or_new(ax, 8, 4.5)
    rows = [(network.millions, network.top1, network.year) for network in networks]
    millions, accuracy, years = np.transpose(rows)
    shown = ax.scatter(millions, accuracy, c=years, cmap="viridis", s=60)
    for network, (*at, _) in zip(networks, rows, strict=True):
        # Three points have a neighbour whose name would cover theirs.
        below = network.name in ("VGG16", "ResNet101", "DenseNet201")
        place = (-20, -13) if below else (5, 4)
        ax.annotate(network.name, at, place, textcoords="offset points", fontsize=8)
    ax.figure.colorbar(shown, ax=ax, label="year of the paper")
    ax.margins(x=0.15)
    ax.set(title="keras.applications: accuracy and size", xscale="log")
    ax.set(xlabel="parameters, millions", ylabel="ImageNet top-1 accuracy, %")
    return without_formulas(ax)


def stage_bars(networks, title="", ax=None):
    """Draws the parameters of each stage of one network, or of several side by side.

    `networks` maps a name to stages with `name`, `parameters`, and `size`: the side of
    their maps in pixels.
    """
    rows = max(map(len, networks.values()))
    ax = axes_or_new(ax, 7, 0.32 * rows * len(networks) + 1.4)
    height, hatches = 0.8 / len(networks), ("", "//", "..")
    for place, (name, stages) in enumerate(networks.items()):
        at = np.arange(len(stages)) + (place - (len(networks) - 1) / 2) * height
        millions = [stage.parameters / 1e6 for stage in stages]
        style = {"color": COLOURS[place], "hatch": hatches[place % 3]}
        drawn = ax.barh(
            at, millions, height, label=label(name), edgecolor="white", **style
        )
        sides = [f"maps {stage.size} x {stage.size}" for stage in stages]
        texts = [f"{m:.3g} M, {side}" for m, side in zip(millions, sides, strict=True)]
        ax.bar_label(drawn, texts, padding=3, fontsize=8)
    longest = max(networks.values(), key=len)
    ax.set_yticks(range(rows), [stage.name for stage in longest])
    ax.invert_yaxis()
    ax.margins(x=0.25)
    ax.set(title=title, xlabel="parameters, millions")
    ax.spines[["top", "right"]].set_visible(False)
    if len(networks) > 1:
        ax.legend(loc="upper right")
    return without_formulas(ax)


def grid(table, rows, columns, title="", ax=None, chosen=None, span=0.1):
    """Draws a heat map, the best of each column bold, and returns the axes.

    A column's best is dark. White is `span` or more below it, so that a difference of
    an image or two stays as pale as it should be.

    Args:
        table: float `(len(rows), len(columns))`, accuracies 0..1.
        rows: Sequence of strings, what trains.
        columns: Sequence of integers, labels per class.
        title: String.
        chosen: For each column one of `rows`, to be bold instead of its best.
        span: Float, the difference of accuracy from dark to white.
    """
    table = np.asarray(table)
    ax = axes_or_new(ax, 1.1 * len(columns) + 2.5, 0.55 * len(rows) + 1.4)
    below = table - table.max(axis=0)
    ax.imshow(below, cmap="Blues", aspect="auto", vmin=-span, vmax=0)
    bold = table.argmax(axis=0) if chosen is None else list(map(rows.index, chosen))
    for (row, column), value in np.ndenumerate(table):
        best = row == bold[column]
        ink = "white" if below[row, column] > -0.5 * span else "black"
        weight = "bold" if best else "normal"
        text = f"{value:.3f}" + (" *" if best else "")
        ax.text(column, row, text, ha="center", va="center", color=ink, weight=weight)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(title=title, xlabel="labels per class", ylabel="what trains")
    return without_formulas(ax)


def confusion(true, predicted, class_names, title="", ax=None):
    """Draws which class was taken for which, how often, and returns the axes.

    Args:
        true: int `(n,)`, positions in `class_names`.
        predicted: int `(n,)`, likewise.
        class_names: Sequence of strings.
        title: String.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    n, longest = len(class_names), max(len(legible(name)) for name in class_names)
    side = 0.45 * n + 0.07 * max(0, longest - 8)
    ax = axes_or_new(ax, side + 2, side + 1.2)
    options = {"labels": range(n), "display_labels": class_names, "colorbar": False}
    options["xticks_rotation"] = 45 if n < 10 else 0
    options |= {"cmap": "Blues", "ax": ax}
    ConfusionMatrixDisplay.from_predictions(true, predicted, **options)
    for text in ax.texts[::-1]:
        if text.get_text() == "0":
            text.remove()
    ax.set(title=title, xlabel="predicted", ylabel="true")
    return without_formulas(ax)
