"""Figures of lesson 11: the experiment's curves, copied layers, filters, patches.

Error bars are one standard deviation over the divisions, and the axis says so.
"""

import keras
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
from tlcourse.yosinski.experiment import CUTS, LAYERS, TREATMENTS, network

STYLES = {  # words, colour, marker, line, face of the marker
    "BnB": ("BnB: copied from B, frozen", BLUE, "s", "-", BLUE),
    "BnB+": ("BnB+: copied from B, fine-tuned", BLUE, "s", "--", "white"),
    "AnB": ("AnB: copied from A, frozen", RED, "o", "-", RED),
    "AnB+": ("AnB+: copied from A, fine-tuned", RED, "o", "--", "white"),
    "random": ("random, frozen", "#777777", "^", ":", "#777777"),
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
    ax.errorbar(0, base.mean(), base.std(ddof=1), label="base B", **style)
    shown = treatments or list(curves.tables)
    if curves.twice is not None and any("+" in name for name in shown):
        style |= {"marker": "D", "markerfacecolor": "white", "linestyle": "none"}
        label, twice = "base B, trained twice as long", curves.twice
        ax.errorbar(0, twice.mean(), twice.std(ddof=1), label=label, **style)
    for name in shown:
        label, colour, marker, line, face = STYLES[name]
        style = {"color": colour, "marker": marker, "markerfacecolor": face}
        _mean_and_spread(ax, curves.tables[name], label, linestyle=line, **style)
    for name, cut, accuracy in (point for point in points if point[0] in shown):
        style = {"color": STYLES[name][1], "markeredgecolor": ink(), "zorder": 5}
        ax.plot(cut, accuracy, "*", markersize=16, **style)
    ax.set(title=title, ylabel="accuracy on B, unseen fonts")
    ax.set_xlabel(f"n, layers copied; {_spread(base)}")
    if "random" in shown:
        ax.set_ylim(0, 1)
    ax.set_xticks((0, *CUTS), ("0", *TICKS))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return with_grid(ax)


def _spread(per_seed):
    return f"bars: one standard deviation over {len(per_seed)} divisions"


def _mean_and_spread(ax, table, label, **style):
    mean, spread = table.mean(0), table.std(0, ddof=1)
    ax.errorbar(CUTS, mean, spread, label=label, capsize=3, **style)


def losses(curves, title="", ax=None):
    """Draws what frozen copies of B lose, and copies of A besides; returns the axes."""
    ax = axes_or_new(ax)
    parts = (
        ("the same task: base B - BnB", curves.freezing_cost, BLUE, "", -0.2),
        ("another task besides: BnB - AnB", curves.specificity, RED, "//", 0.2),
    )
    for label, table, colour, hatch, aside in parts:
        style = {"color": colour, "hatch": hatch, "edgecolor": "white", "capsize": 3}
        style["ecolor"] = ink()
        at, spread = np.array(CUTS) + aside, table.std(0, ddof=1)
        ax.bar(at, table.mean(0), 0.38, yerr=spread, label=label, **style)
    ax.axhline(0, color=ink(), linewidth=0.8)
    ax.set(title=title, ylabel="accuracy lost on B, unseen fonts")
    ax.set_xlabel(f"n, layers copied and frozen; {_spread(curves.base)}")
    ax.set_xticks(CUTS, TICKS)
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
    seeds = next(iter(curves.values())).base
    ax.set(title=title, xlabel=f"n, layers copied; {_spread(seeds)}")
    ax.set_ylabel("accuracy against base B")
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


def first_maps(networks, image, title="", n=8, ax=None):
    """Draws what conv1 makes of an image, n maps for each network; returns the axes.

    `networks` is a dict, name to weights of `experiment.network`; the image is raw
    pixels.
    """
    rows = {}
    for name, weights in networks.items():
        model = network(weights[-1].size)
        model.set_weights(weights)
        conv1 = keras.Model(model.inputs[0], model.get_layer(LAYERS[0]).output)
        maps = keras.ops.convert_to_numpy(conv1(image[None], training=False))[0]
        grey = normalise(np.moveaxis(maps, -1, 0)[:n])
        rows[name] = np.repeat(grey[..., None], 3, axis=-1)
    return patches(rows, title, ax)


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
