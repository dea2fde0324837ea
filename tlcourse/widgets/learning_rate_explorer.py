"""The rate explorer: loss curves at several learning rates, one or some at a time."""

import html

import ipywidgets

from tlcourse import plots
from tlcourse.widgets import rates
from tlcourse.widgets.view import View, picture, told


class RateExplorer(View):
    """A list of learning rates; the loss curves of those that are chosen.

    Args:
        curves: dict, learning rate to a list of curves, one for each draw, as
            `tuning.compare(..., curves=curves)` fills it.
        chosen: Sequence of rates to begin with, or None for the smallest.

    Raises:
        ValueError: If the curves are no curves, or there is no such rate.
    """

    def __init__(self, curves, chosen=None):
        super().__init__()
        self.state = rates.Rates(curves, None if chosen is None else tuple(chosen))
        self.rates = ipywidgets.SelectMultiple(
            options=[(rates.words(rate), rate) for rate in self.state.every],
            value=self.state.chosen,
            rows=min(8, len(self.state.every)),
            description="Learning rates",
            style={"description_width": "initial"},
        )
        self.curves = ipywidgets.HTML()
        self.rates.observe(self._on_rates, names="value")
        hint = ipywidgets.HTML("Several at once: hold Shift or Ctrl (Cmd on a Mac).")
        self.box = ipywidgets.VBox([self.rates, hint, self.message, self.curves])
        self._show()

    @told
    def _on_rates(self, change):
        self.state = self.state.with_chosen(change["new"])
        self._show()

    def _show(self):
        state, self.curves.value = self.state, ""
        if state.chosen:
            ax = plots.loss_curves(state.tables, state.chosen, "Loss at each rate")
            self.curves.value = picture(ax, state.alt)
        self.say(state.alt)

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        return f"<p>{html.escape(self.state.alt)}</p>{self.curves.value}"
