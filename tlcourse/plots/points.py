"""Vectors as points."""

import matplotlib.pyplot as plt
import numpy as np

from tlcourse.plots.style import COLOURS


def two_directions(vectors, labels, names, axes=None):
    """Draws the two directions in which vectors differ most, and returns the axes.

    Each mark is the number of its class; the title says how often the nearest mark
    is of the same class.

    Args:
        vectors: dict, name to float `(n, d)`.
        labels: Integers `(n,)`, below 100.
        names: Those of the dict to draw, side by side.
        axes: Sequence of axes, one for each name, or None.
    """
    if axes is None:
        size = (5 * len(names), 4.5)
        axes = plt.subplots(1, len(names), figsize=size, layout="constrained")[1]
    for ax, name in zip(np.ravel(axes), names, strict=True):
        centred = vectors[name] - np.mean(vectors[name], axis=0)
        flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
        for k in np.unique(labels):
            at, colour = flat[labels == k].T, COLOURS[k % len(COLOURS)]
            ax.scatter(*at, 40, marker=f"${k}$", color=colour, linewidths=0.4)
        gaps = np.linalg.norm(flat[:, None] - flat, axis=-1)
        np.fill_diagonal(gaps, np.inf)
        share = np.mean(labels[gaps.argmin(axis=1)] == labels)
        ax.set(title=f"{name}: {share:.0%} lie next to their class")
        ax.set(xlabel="direction 1", ylabel="direction 2", xticks=[], yticks=[])
    return axes
