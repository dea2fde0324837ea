"""Vectors as points."""

import numpy as np

from tlcourse.plots.style import COLOURS, axes_or_new, without_formulas


def two_directions(vectors, labels, title="", ax=None):
    """Draws vectors in the two directions in which they differ most; returns the axes.

    Each mark is the number of its class. The title ends with the share of marks that
    have one of their own class as the nearest.

    Args:
        vectors: float `(n, d)`.
        labels: Integers `(n,)`.
        title: String.
    """
    ax = axes_or_new(ax, 6, 4.5)
    labels, centred = np.asarray(labels), vectors - np.mean(vectors, axis=0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    for k in np.unique(labels):
        colour = COLOURS[k % len(COLOURS)]
        at = flat[labels == k].T
        ax.scatter(*at, 40, marker=f"${k}$", color=colour, linewidths=0.4)
    gaps = np.linalg.norm(flat[:, None] - flat, axis=-1)
    np.fill_diagonal(gaps, np.inf)
    share = np.mean(labels[gaps.argmin(axis=1)] == labels)
    ax.set(title=f"{title}: for {share:.0%}, the nearest is of their class")
    ax.set(xlabel="direction 1", ylabel="direction 2", xticks=[], yticks=[])
    return without_formulas(ax)
