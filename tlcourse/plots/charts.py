"""Bars, points and tables of numbers."""

import numpy as np

from tlcourse.plots.style import BLUE, COLOURS, _axes


def bars(values, title="", xlabel="", log=False, colours=BLUE, ax=None):
    """Horizontal bars, each with its number.

    Args:
        values: dict, name to number.
        title: String.
        xlabel: String, with the unit.
        log: Boolean, logarithmic axis.
        colours: A colour, or one for each bar.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 0.35 * len(values) + 1)
    drawn = ax.barh(list(values), list(values.values()), color=colours)
    texts = [f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in values.values()]
    ax.bar_label(drawn, texts, padding=3)
    ax.invert_yaxis()
    ax.set(title=title, xlabel=xlabel, xscale="log" if log else "linear")
    ax.xaxis.set_minor_formatter("")
    ax.margins(x=0.15)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def catalogue(networks, ax=None):
    """Published accuracy against parameters, colour by year.

    Args:
        networks: Sequence of `bases.Network`.

    Returns:
        The axes.
    """
    ax = _axes(ax, 8, 4.5)
    shown = ax.scatter(
        [network.millions for network in networks],
        [network.top1 for network in networks],
        c=[network.year for network in networks],
        cmap="viridis",
        s=60,
    )
    for network in networks:
        at = (network.millions, network.top1)
        # Three points have a neighbour whose name would cover theirs.
        below = network.name in ("VGG16", "ResNet101", "DenseNet201")
        place = (-20, -13) if below else (5, 4)
        ax.annotate(network.name, at, place, textcoords="offset points", fontsize=8)
    ax.figure.colorbar(shown, ax=ax, label="year of the paper")
    ax.margins(x=0.15)
    ax.set(
        xscale="log",
        title="keras.applications: what an accuracy costs",
        xlabel="parameters, millions",
        ylabel="ImageNet top-1 accuracy, %",
    )
    return ax


def stage_bars(networks, title="", ax=None):
    """Parameters of each stage, of one network or of several side by side.

    Args:
        networks: dict, a network's name to a sequence of its stages, each with
            `name`, `size` (side of its maps, pixels) and `parameters`.
        title: String.

    Returns:
        The axes.
    """
    rows = max(map(len, networks.values()))
    ax = _axes(ax, 7, 0.32 * rows * len(networks) + 1.4)
    height, hatches = 0.8 / len(networks), ("", "//", "..")
    for place, (name, stages) in enumerate(networks.items()):
        at = np.arange(len(stages)) + (place - (len(networks) - 1) / 2) * height
        millions = [stage.parameters / 1e6 for stage in stages]
        style = {"color": COLOURS[place], "hatch": hatches[place % 3]}
        drawn = ax.barh(at, millions, height, label=name, edgecolor="white", **style)
        texts = [f"{s.parameters / 1e6:.3g} M, maps {s.size}" for s in stages]
        ax.bar_label(drawn, texts, padding=3, fontsize=8)
    longest = max(networks.values(), key=len)
    ax.set_yticks(range(rows), [stage.name for stage in longest])
    ax.invert_yaxis()
    ax.margins(x=0.25)
    ax.set(title=title, xlabel="parameters, millions")
    ax.spines[["top", "right"]].set_visible(False)
    if len(networks) > 1:
        ax.legend(loc="upper right")
    return ax


def grid(table, rows, columns, title="", ax=None):
    """A heat map with its numbers; the best of each column has a frame.

    Args:
        table: float `(len(rows), len(columns))`, accuracies 0..1.
        rows: Sequence of strings.
        columns: Sequence of labels per class.
        title: String.

    Returns:
        The axes.
    """
    table = np.asarray(table)
    ax = _axes(ax, 1.1 * len(columns) + 2.5, 0.55 * len(rows) + 1.4)
    below = table - table.max(axis=0)
    ax.imshow(below, cmap="Blues", aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        best = row == table[:, column].argmax()
        ink = "white" if below[row, column] > 0.5 * below.min() else "black"
        weight = "bold" if best else "normal"
        text = f"{value:.3f}" + (" *" if best else "")
        ax.text(column, row, text, ha="center", va="center", color=ink, weight=weight)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(title=title, xlabel="labels per class", ylabel="what trains")
    return ax


def confusion(true, predicted, class_names, title="", ax=None):
    """Which class is taken for which.

    Args:
        true: int `(n,)`.
        predicted: int `(n,)`.
        class_names: Sequence of strings.
        title: String.

    Returns:
        The axes.
    """
    n = len(class_names)
    table = np.zeros((n, n), int)
    np.add.at(table, (true, predicted), 1)
    ax = _axes(ax, 0.45 * n + 2, 0.45 * n + 1.2)
    ax.imshow(table, cmap="Blues")
    for row, column in zip(*np.nonzero(table), strict=True):
        dark = table[row, column] > 0.5 * table.max()
        ink = "white" if dark else "black"
        ax.text(column, row, table[row, column], ha="center", va="center", color=ink)
    ax.set_xticks(range(n), class_names, rotation=45 if n < 10 else 0)
    ax.set_yticks(range(n), class_names)
    ax.set(title=title, xlabel="predicted", ylabel="true")
    return ax
