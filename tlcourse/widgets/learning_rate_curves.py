"""Loss curves of the same training at several learning rates, also in words."""

import numpy as np


class LearningRateCurves:
    """Losses by learning rate, float `(draws, epochs)`, and which of them are chosen.

    At first it is the smallest learning rate.
    """

    def __init__(self, curves):
        _check_curves(curves)
        self.tables = {k: np.asarray(curves[k], float) for k in sorted(curves)}
        self.chosen = (min(curves),)

    def choose(self, learning_rates):
        """Chooses learning rates, or none."""
        self.chosen = tuple(sorted(learning_rates))

    @property
    def sentences(self):
        """Where each chosen curve begins and ends, a list of strings."""
        return [_sentence(rate, self.tables[rate]) for rate in self.chosen]

    @property
    def alt(self):
        """The chosen curves in words."""
        if not self.chosen:
            return "No rate is chosen."
        return "Mean training loss over the epochs. " + " ".join(self.sentences)

    def __str__(self):
        names = ", ".join(f"{rate:g}" for rate in self.tables)
        return f"Loss curves at the rates {names}. {self.alt}"


def _check_curves(curves):
    """Refuses what is not a dict of learning rates to curves of one length each."""
    if not isinstance(curves, dict) or not curves:
        raise ValueError(
            "Expected a dict, learning rate to loss curves, as "
            f"`fine_tuning.compare(..., curves=curves)` fills it. Received: {curves!r}"
        )
    for rate, draws in curves.items():
        if not isinstance(rate, int | float | np.number) or not rate > 0:
            raise ValueError(f"Expected learning rates above 0. Received: {rate!r}")
        lengths = [np.size(draw) for draw in draws]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(
                f"Expected at {rate:g} one curve or more, with a loss for each epoch, "
                f"all of one length. Received: lengths {lengths}"
            )


def _sentence(rate, table):
    mean = table.mean(axis=0)
    draws = f"{len(table)} draws" if len(table) > 1 else "1 draw"
    begins = f"{rate:g} ({draws}): begins at {mean[0]:.3g}"
    if len(mean) == 1:
        return f"{begins} and has one epoch only."
    if not np.isfinite(mean).all():
        at = int(np.argmax(~np.isfinite(mean))) + 1
        return f"{begins} and is no number any more from epoch {at} on."
    ends = f"ends at {mean[-1]:.3g} after {len(mean)} epochs"
    return f"{begins}, {_trend(mean)}, and {ends}."


def _trend(mean):
    first, last = mean[0], mean[-1]
    low, high = mean.min(), mean.max()
    if high > 1.1 * max(first, last) or low < 0.9 * min(first, last):
        return f"wavers between {low:.3g} and {high:.3g}"
    if abs(last - first) < 0.02 * abs(first):
        return "hardly moves"
    return "falls" if last < first else "rises"
