"""The learning rate explorer: loss curves at one learning rate, or at several."""

import ipywidgets

from tlcourse import plots
from tlcourse.widgets.explorer import Explorer
from tlcourse.widgets.html_images import figure_html
from tlcourse.widgets.learning_rate_curves import LearningRateCurves


class LearningRateExplorer(Explorer):
    """A list of learning rates; the loss curves of those that are chosen.

    Args:
        curves: dict, learning rate to a list of curves, one for each draw, as
            `fine_tuning.compare(..., curves=curves)` fills it.

    Raises:
        ValueError: If the curves are no curves.
    """

    def __init__(self, curves):
        self.state = LearningRateCurves(curves)
        options = [(f"{rate:g}", rate) for rate in self.state.tables]
        self.learning_rates = ipywidgets.SelectMultiple(
            options=options,
            value=self.state.chosen,
            rows=min(8, len(options)),
            description="Learning rates",
            style={"description_width": "initial"},
        )
        self.curves = ipywidgets.HTML()
        hint = "Several at once: hold Shift or Ctrl (Cmd on a Mac)."
        super().__init__([self.learning_rates], [self.curves], hint)

    def choose(self):
        """Takes the learning rates from the list."""
        self.state.choose(self.learning_rates.value)

    def draw(self):
        """Draws the chosen curves, if there are any."""
        state, self.curves.value = self.state, ""
        if state.chosen:
            ax = plots.loss_curves(state.tables, state.chosen, "Loss at each rate")
            self.curves.value = figure_html(ax, state.alt)
        return state.alt
