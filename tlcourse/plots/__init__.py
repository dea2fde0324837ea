"""Figures: they know arrays and names, no models.

Every function takes `ax=None`, draws there, and returns the axes. Names are shown
as they are: `$` does not begin a formula.
"""

from tlcourse.plots.charts import bars, catalogue, confusion, grid, stage_bars
from tlcourse.plots.curves import (
    by_size,
    curves,
    learning_rate_curve,
    loss_curves,
    several_draws,
)
from tlcourse.plots.images import feature_maps, filters, tiles, top_answers
from tlcourse.plots.points import two_directions
from tlcourse.plots.style import BLUE, COLOURS, ORANGE, RED

__all__ = [
    "BLUE",
    "COLOURS",
    "ORANGE",
    "RED",
    "bars",
    "by_size",
    "catalogue",
    "confusion",
    "curves",
    "feature_maps",
    "filters",
    "grid",
    "learning_rate_curve",
    "loss_curves",
    "several_draws",
    "stage_bars",
    "tiles",
    "top_answers",
    "two_directions",
]
