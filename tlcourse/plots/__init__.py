"""Figures: they know arrays and names, no models.

Every function takes `ax=None`, draws there, and returns the axes.
"""

from tlcourse.plots.charts import bars, catalogue, confusion, grid, stage_bars
from tlcourse.plots.curves import (
    curves,
    label_curves,
    loss_curves,
    rate_curve,
    steps_curve,
)
from tlcourse.plots.images import (
    feature_maps,
    filters,
    normalise,
    tiles,
    top_answers,
)
from tlcourse.plots.style import (
    BLUE,
    COLOURS,
    GREEN,
    MARKERS,
    ORANGE,
    RED,
    _axes,
    plt,
)

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "MARKERS",
    "ORANGE",
    "RED",
    "_axes",
    "bars",
    "catalogue",
    "confusion",
    "curves",
    "feature_maps",
    "filters",
    "grid",
    "label_curves",
    "loss_curves",
    "normalise",
    "plt",
    "rate_curve",
    "stage_bars",
    "steps_curve",
    "tiles",
    "top_answers",
]
