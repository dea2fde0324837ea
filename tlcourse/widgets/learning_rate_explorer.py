"""The learning rate explorer: loss curves at one learning rate, or at several."""

import ipywidgets
import numpy as np

from tlcourse import plots
from tlcourse.widgets.explorer import Explorer
from tlcourse.widgets.html_images import figure_html


class LearningRateExplorer(Explorer):
    """A list of learning rates; the loss curves of those that are chosen.

    Args:
        curves: dict, learning rate to a list of curves, one for each draw: such as
            `history.history["loss"]` of each `fit`.

    Raises:
        ValueError: If the curves are no curves.
    """

    def __init__(self, curves):
        self.tables = _read_tables(curves)
        options = [(f"{rate:g}", rate) for rate in self.tables]
        self.learning_rates = ipywidgets.SelectMultiple(
            options=options, value=[min(self.tables)], description="Learning rates"
        )
        self.learning_rates.rows = min(8, len(options))
        self.learning_rates.style.description_width = "initial"
        self.curves = ipywidgets.HTML()
        hint = "Several at once: hold Shift or Ctrl (Cmd on a Mac)."
        super().__init__([self.learning_rates], [self.curves], hint)

    def _draw(self):
        chosen, self.curves.value = self.learning_rates.value, ""
        if not chosen:
            return "No rate is chosen."
        each = (_sentence(rate, self.tables[rate]) for rate in chosen)
        said = f"Mean training loss over the epochs. {' '.join(each)}"
        ax = plots.loss_curves(self.tables, chosen, "Loss at each rate")
        self.curves.value = figure_html(ax, said)
        return said

    def __repr__(self):
        names = ", ".join(f"{rate:g}" for rate in self.tables)
        return f"Loss curves at the rates {names}. {self.sentence}"


def _read_tables(curves):
    try:
        found = {float(k): np.array(curves[k], float) for k in sorted(curves)}
    except (TypeError, ValueError, IndexError):  # no dict, or of several lengths
        found = {}
    fit = all(rate > 0 and x.ndim == 2 and x.size for rate, x in found.items())
    if not (found and fit):
        raise ValueError(
            "Expected a dict, learning rate above 0 to one loss curve or more, all of "
            "one length, such as `history.history['loss']` of each `fit`. "
            f"Received: {curves!r}"
        )
    return found


def _sentence(rate, table):
    mean, n = table.mean(axis=0), len(table)
    return (
        f"{rate:g} ({n} draw{'s' * (n > 1)}): begins at {mean[0]:.3g}, ends at "
        f"{mean[-1]:.3g} after {len(mean)} epochs, lies between {mean.min():.3g} and "
        f"{mean.max():.3g}."
    )
