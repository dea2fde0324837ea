"""Figures of lesson 11: the experiment's curves, copied layers, filters, patches."""

import numpy as np

from tlcourse import plots
from tlcourse.yosinski.experiment import CUTS, LAYERS

STYLES = {  # colour, marker, line, whether the marker is filled
    "BnB": (plots.BLUE, "s", "-", True),
    "BnB+": (plots.BLUE, "s", "--", False),
    "AnB": (plots.RED, "o", "-", True),
    "AnB+": (plots.RED, "o", "--", False),
    "random": ("#000000", "^", ":", True),
}
LEGEND = {
    "BnB": "BnB: copied from B, frozen",
    "BnB+": "BnB+: copied from B, fine-tuned",
    "AnB": "AnB: copied from A, frozen",
    "AnB+": "AnB+: copied from A, fine-tuned",
    "random": "random, frozen",
}
FILL = {"A": plots.RED, "B": plots.BLUE, "random": "#777777", "new": "white"}


def transfer_curves(curves, treatments=None, points=(), title="", ax=None):
    """Accuracy on B against the number of layers that were copied.

    Args:
        curves: `transfer_curves.Curves`.
        treatments: Sequence of strings to show, or None for all.
        points: Sequence of (treatment, cut, accuracy), drawn as large stars if
            their treatment is shown.
        title: String.

    Returns:
        The axes. Error bars are one standard deviation over the seeds.

    Source: Yosinski et al. 2014, figure 2.
    """
    ax = plots._axes(ax, 9, 4)
    base = curves.base.mean()
    ax.axhline(base, color="black", linewidth=0.8)
    ax.errorbar(
        0, base, curves.base.std(), color="black", marker="D", capsize=3, label="base B"
    )
    shown = treatments or [name for name in STYLES if name in curves.tables]
    for name in shown:
        table, style = curves.tables[name], _style(name)
        ax.errorbar(CUTS, table.mean(0), table.std(0), **style, label=LEGEND[name])
    for name, cut, accuracy in (point for point in points if point[0] in shown):
        colour = STYLES[name][0]
        style = {"color": colour, "markersize": 16, "markeredgecolor": "black"}
        ax.plot(cut, accuracy, "*", **style, zorder=5)
    ax.set(title=title, xlabel="n, layers copied")
    ax.set_ylabel("accuracy on B, unseen fonts")
    if "random" in shown:
        ax.set_ylim(0, 1)
    ax.set_xticks((0, *CUTS), ("0", *(f"{n}\n{LAYERS[n - 1]}" for n in CUTS)))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    ax.grid(alpha=0.3)
    return ax


def _style(name):
    colour, marker, line, filled = STYLES[name]
    face = colour if filled else "white"
    style = {"color": colour, "marker": marker, "linestyle": line, "capsize": 3}
    return style | {"markerfacecolor": face}


def losses(curves, title="", ax=None):
    """What frozen copies lose: side by side, for two reasons.

    Args:
        curves: `transfer_curves.Curves`.
        title: String.

    Returns:
        The axes. Error bars are one standard deviation over the seeds.
    """
    ax = plots._axes(ax)
    parts = (
        ("co-adaptation: base B - BnB", curves.co_adaptation, plots.BLUE, ""),
        ("specificity: BnB - AnB", curves.specificity, plots.RED, "//"),
    )
    for place, (label, table, colour, hatch) in enumerate(parts):
        at = np.array(CUTS) + 0.4 * place - 0.2
        style = {"color": colour, "hatch": hatch, "edgecolor": "white", "capsize": 3}
        ax.bar(at, table.mean(0), 0.38, yerr=table.std(0), label=label, **style)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(title=title, xlabel="n, layers copied and frozen", ylabel="accuracy lost")
    ax.legend()
    ax.grid(alpha=0.3, axis="y")
    return ax


def near_and_far(curves, treatment="AnB", title="", ax=None):
    """What copying gains or costs where the tasks are alike, and where they are not.

    Args:
        curves: dict, name to `transfer_curves.Curves`.
        treatment: String.
        title: String.

    Returns:
        The axes. Error bars are one standard deviation over the seeds.

    Source: Yosinski et al. 2014, figure 3.
    """
    ax = plots._axes(ax)
    styles = zip(plots.COLOURS, plots.MARKERS, strict=True)
    for (name, found), (colour, marker) in zip(curves.items(), styles, strict=False):
        table = found.against_base(treatment)
        style = {"color": colour, "marker": marker, "capsize": 3}
        label = f"{treatment}, {name}"
        ax.errorbar(CUTS, table.mean(0), table.std(0), **style, label=label)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(title=title, xlabel="n, layers copied")
    ax.set_ylabel("accuracy against base B")
    ax.set_xticks(CUTS, [f"{n}\n{LAYERS[n - 1]}" for n in CUTS])
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def copied_layers(source, cut, frozen, title="", ax=None):
    """The network as a row of boxes: where each layer comes from, what trains.

    Args:
        source: String, `"A"`, `"B"` or `"random"`.
        cut: Integer, layers copied.
        frozen: Boolean, whether they stay.
        title: String.

    Returns:
        The axes.
    """
    ax = plots._axes(ax, 7.5, 1.3)
    for place, name in enumerate(LAYERS):
        copied = place < cut
        fill = FILL[source if copied else "new"]
        stays = copied and frozen
        hatch = None if stays else "//"
        ax.bar(place, 1, 0.9, color=fill, edgecolor="black", alpha=0.85, hatch=hatch)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        text = f"{name}\n{'frozen' if stays else 'trains'}"
        ax.text(place, 0.5, text, ha="center", va="center", fontsize=9, bbox=box)
    ax.set(xlim=(-0.6, len(LAYERS) - 0.4), ylim=(0, 1), title=title)
    ax.axis("off")
    return ax


def point(state):
    """One point of the figure, and above it the network that it belongs to.

    Args:
        state: `transfer_curves.Point`.

    Returns:
        The axes of the curves.
    """
    layout = {"height_ratios": [1, 4]}
    _, (above, below) = plots.plt.subplots(
        2, 1, figsize=(9, 5.6), layout="constrained", gridspec_kw=layout
    )
    copied_layers(state.source, state.cut, state.frozen, state.name, above)
    stars = []
    if state.measured:
        stars = [(state.treatment, state.cut, state.accuracies.mean())]
    copied = [name for name in STYLES if name in state.of.tables and name != "random"]
    shown = copied if state.source != "random" else None  # its scale hides the others
    return transfer_curves(state.of, shown, stars, f"{state.split} halves", below)


def filters(kernels, names, title="", ax=None):
    """The filters of first layers, a row of tiles for each network.

    Args:
        kernels: Sequence of float `(k, k, 3, n)`.
        names: Sequence of strings.
        title: String.

    Returns:
        The axes.
    """
    count = kernels[0].shape[-1]
    ax = plots._axes(ax, 0.55 * count + 1.2, 0.62 * len(kernels) + 0.5)
    for row, kernel in enumerate(kernels):
        tiles = plots.normalise(np.moveaxis(kernel, -1, 0))
        for column, tile in enumerate(tiles):
            box = (column, column + 0.9, -row - 0.9, -row)
            ax.imshow(tile, extent=box, interpolation="nearest")
        ax.text(-0.2, -row - 0.45, names[row], ha="right", va="center")
    ax.set(xlim=(-0.1, count), ylim=(-len(kernels), 0.1), title=title)
    ax.axis("off")
    return ax


def patches(rows, title="", ax=None):
    """The patches that excite units most: a row for each unit.

    Args:
        rows: dict, a unit's name to uint8 `(n, h, w, 3)`; sizes may differ.
        title: String.

    Returns:
        The axes.
    """
    count = max(map(len, rows.values()))
    ax = plots._axes(ax, 0.8 * count + 1.6, 0.8 * len(rows) + 0.5)
    for row, (name, images) in enumerate(rows.items()):
        for column, image in enumerate(images):
            box = (column, column + 0.94, -row - 0.94, -row)
            ax.imshow(image, extent=box, interpolation="nearest")
        ax.text(-0.1, -row - 0.47, name, ha="right", va="center", fontsize=9)
    ax.set(xlim=(-0.05, count), ylim=(-len(rows), 0.1), title=title)
    ax.axis("off")
    return ax
