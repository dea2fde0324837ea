"""The learning rate explorer: loss curves at one learning rate, or at several."""

import ipywidgets
import numpy as np

from tlcourse import plots
from tlcourse.widgets.explorer import Explorer
from tlcourse.widgets.html_images import figure_html


class LearningRateExplorer(Explorer):
    """A button for each learning rate; the loss curves of those that are pressed.

    It begins with the smallest rate beside the largest.

    Args:
        curves: dict, learning rate to a list of curves, one for each draw: such as
            `history.history["loss"]` of each `fit`.

    Raises:
        ValueError: If the curves are no curves.
    """

    def __init__(self, curves):
        self.tables = _read_tables(curves)
        ends = {min(self.tables), max(self.tables)}
        self.buttons = {
            rate: ipywidgets.ToggleButton(rate in ends, description=f"{rate:g}")
            for rate in self.tables
        }
        self.curves = ipywidgets.HTML()
        label = ipywidgets.HTML("Learning rates, one or several:")
        super().__init__([label, *self.buttons.values()], [self.curves])

    def _draw(self):
        chosen = [rate for rate, button in self.buttons.items() if button.value]
        self.curves.value = ""
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
