"""Figures of lesson 11: the experiment's curves, copied layers, filters, patches.

Error bars are one standard deviation over the seeds.
"""

import matplotlib.pyplot as plt
import numpy as np

from tlcourse.plots.images import normalise
from tlcourse.plots.style import (
    BLUE,
    CYCLE,
    RED,
    axes_or_new,
    ink,
    with_grid,
    without_formulas,
)
from tlcourse.yosinski.experiment import CUTS, LAYERS, TREATMENTS

STYLES = {  # words, colour, marker, line, face of the marker
    "BnB": ("BnB: copied from B, frozen", BLUE, "s", "-", BLUE),
    "BnB+": ("BnB+: copied from B, fine-tuned", BLUE, "s", "--", "white"),
    "AnB": ("AnB: copied from A, frozen", RED, "o", "-", RED),
    "AnB+": ("AnB+: copied from A, fine-tuned", RED, "o", "--", "white"),
    "random": ("random, frozen", "#000000", "^", ":", "#000000"),
}
FILL = {"A": RED, "B": BLUE, "random": "#777777", "new": "white"}
TICKS = [f"{n}\n{LAYERS[n - 1]}" for n in CUTS]


def transfer_curves(curves, treatments=None, points=(), title="", ax=None):
    """Draws accuracy on B against layers copied, and returns the axes.

    Args:
        curves: `results.Curves`.
        treatments: Sequence of strings to show, or None for all.
        points: Sequence of (treatment, cut, accuracy), drawn as large stars if
            their treatment is shown.
        title: String.

    Source: Yosinski et al. 2014, figure 2.
    """
    ax = axes_or_new(ax, 9, 4)
    base, style = curves.base, {"color": ink(), "marker": "D", "capsize": 3}
    ax.axhline(base.mean(), color=ink(), linewidth=0.8)
    ax.errorbar(0, base.mean(), base.std(), label="base B", **style)
    shown = treatments or list(curves.tables)
    for name in shown:
        label, colour, marker, line, face = STYLES[name]
        style = {"color": colour, "marker": marker, "markerfacecolor": face}
        _mean_and_spread(ax, curves.tables[name], label, linestyle=line, **style)
    for name, cut, accuracy in (point for point in points if point[0] in shown):
        style = {"color": STYLES[name][1], "markeredgecolor": ink(), "zorder": 5}
        ax.plot(cut, accuracy, "*", markersize=16, **style)
    ax.set(title=title, xlabel="n, layers copied", ylabel="accuracy on B, unseen fonts")
    if "random" in shown:
        ax.set_ylim(0, 1)
    ax.set_xticks((0, *CUTS), ("0", *TICKS))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return with_grid(ax)


def _mean_and_spread(ax, table, label, **style):
    mean, spread = table.mean(0), table.std(0)
    ax.errorbar(CUTS, mean, spread, label=label, capsize=3, **style)


def losses(curves, title="", ax=None):
    """Draws what frozen copies lose, for two reasons, and returns the axes."""
    ax = axes_or_new(ax)
    parts = (
        ("co-adaptation: base B - BnB", curves.co_adaptation, BLUE, "", -0.2),
        ("specificity: BnB - AnB", curves.specificity, RED, "//", 0.2),
    )
    for label, table, colour, hatch, aside in parts:
        style = {"color": colour, "hatch": hatch, "edgecolor": "white", "capsize": 3}
        at, spread = np.array(CUTS) + aside, table.std(0)
        ax.bar(at, table.mean(0), 0.38, yerr=spread, label=label, **style)
    ax.axhline(0, color=ink(), linewidth=0.8)
    ax.set(title=title, xlabel="n, layers copied and frozen", ylabel="accuracy lost")
    ax.legend()
    ax.grid(alpha=0.3, axis="y")
    return without_formulas(ax)


def near_and_far(curves, title="", ax=None):
    """Draws what frozen copies of A gain or cost near and far, and returns the axes.

    `curves` is a dict, name to `results.Curves`. Source: the paper's figure 3.
    """
    ax = axes_or_new(ax)
    ax.set_prop_cycle(CYCLE)
    for name, found in curves.items():
        _mean_and_spread(ax, found.against_base("AnB"), f"AnB, {name}")
    ax.axhline(0, color=ink(), linewidth=0.8)
    ax.set(title=title, xlabel="n, layers copied", ylabel="accuracy against base B")
    ax.set_xticks(CUTS, TICKS)
    ax.legend()
    return with_grid(ax)


def copied_layers(source, cut, frozen, title="", ax=None):
    """Draws the network as a row of boxes: where layers come from, and what trains."""
    ax = axes_or_new(ax, 7.5, 1.3)
    for place, name in enumerate(LAYERS):
        copied = place < cut
        stays = copied and frozen
        style = {"color": FILL[source if copied else "new"], "edgecolor": ink()}
        ax.bar(place, 1, 0.9, alpha=0.85, hatch=None if stays else "//", **style)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        text = f"{name}\n{'frozen' if stays else 'trains'}"
        ax.text(place, 0.5, text, ha="center", va="center", fontsize=9, bbox=box)
    ax.set(xlim=(-0.6, len(LAYERS) - 0.4), ylim=(0, 1), title=title)
    ax.axis("off")
    return without_formulas(ax)


def point(state):
    """Draws a `results.Point` on its curve, and above it its network as boxes."""
    options = {"layout": "constrained", "gridspec_kw": {"height_ratios": [1, 4]}}
    _, (above, below) = plt.subplots(2, 1, figsize=(9, 5.6), **options)
    source, frozen = TREATMENTS[state.treatment]
    copied_layers(source, state.cut, frozen, state.name, above)
    curves, stars = state.split_curves, []
    if state.measured:
        stars = [(state.treatment, state.cut, state.accuracies.mean())]
    # The scale of random layers hides the others.
    shown = [name for name in curves.tables if name != "random" or source == "random"]
    return transfer_curves(curves, shown, stars, f"{state.split} halves", below)


def filters(kernels, names, title="", ax=None):
    """Draws filters, float `(k, k, 3, n)`, a row for each network; returns the axes."""
    tiles = [normalise(np.moveaxis(kernel, -1, 0)) for kernel in kernels]
    ax = axes_or_new(ax, 0.55 * len(tiles[0]) + 1.2, 0.62 * len(kernels) + 0.5)
    rows = dict(zip(names, tiles, strict=True))
    return _image_rows(ax, rows, title, 0.9, -0.2)


def patches(rows, title="", ax=None):
    """Draws a row of patches, uint8 `(n, h, w, 3)`, for each unit; returns the axes."""
    count = max(map(len, rows.values()))
    ax = axes_or_new(ax, 0.8 * count + 1.6, 0.8 * len(rows) + 0.5)
    return _image_rows(ax, rows, title, 0.94, -0.1, fontsize=9)


def _image_rows(ax, rows, title, side, left, **style):
    """Draws images `side` wide in rows, one apart; each row's name begins at `left`."""
    for row, (name, images) in enumerate(rows.items()):
        for column, image in enumerate(images):
            box = (column, column + side, -row - side, -row)
            ax.imshow(image, extent=box, interpolation="nearest")
        ax.text(left, -row - side / 2, name, ha="right", va="center", **style)
    count = max(map(len, rows.values()))
    ax.set(xlim=(left / 2, count), ylim=(-len(rows), 0.1), title=title)
    ax.axis("off")
    return without_formulas(ax)
