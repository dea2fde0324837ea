"""Loss curves of the same training at several learning rates."""

import dataclasses

import numpy as np


def check(curves):
    """Refuses what is not loss curves by rate.

    Args:
        curves: Should be a dict, learning rate to a list of curves of one length,
            one for each draw.

    Raises:
        ValueError: With what was expected and received.
    """
    if not isinstance(curves, dict) or not curves:
        raise ValueError(
            "Expected a dict, learning rate to loss curves, as `tuning.compare(..., "
            f"curves=curves)` fills it. Received: {curves!r}"
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


@dataclasses.dataclass(frozen=True, eq=False)
class Rates:
    """Loss curves, and which of them are looked at.

    Args:
        curves: dict, learning rate to a list of curves, one for each draw; a curve
            is a list of losses, one for each epoch.
        chosen: tuple of rates, or None for the smallest.

    Raises:
        ValueError: If the curves are no curves, or there is no such rate.
    """

    curves: dict
    chosen: tuple | None = None

    def __post_init__(self):
        check(self.curves)
        chosen = (min(self.curves),) if self.chosen is None else self.chosen
        unknown = [rate for rate in chosen if rate not in self.curves]
        if unknown:
            raise ValueError(
                f"Expected rates among {', '.join(map(words, self.every))}. "
                f"Received: {unknown}"
            )
        inside = tuple(rate for rate in self.every if rate in chosen)
        object.__setattr__(self, "chosen", inside)

    @property
    def every(self):
        """list of all rates, the smallest first."""
        return sorted(self.curves)

    def with_chosen(self, rates):
        """The same curves, others of them chosen.

        Args:
            rates: Sequence of rates; empty for none.

        Returns:
            `Rates`.
        """
        return dataclasses.replace(self, chosen=tuple(rates))

    @property
    def tables(self):
        """dict, each rate to its losses, float `(draws, epochs)`."""
        return {rate: np.asarray(self.curves[rate], float) for rate in self.every}

    @property
    def lines(self):
        """list of strings: where each chosen curve begins and ends."""
        return [_line(rate, self.tables[rate]) for rate in self.chosen]

    @property
    def alt(self):
        """String, the chosen curves in words."""
        if not self.chosen:
            return "No rate is chosen."
        return "Mean training loss over the epochs. " + " ".join(self.lines)

    def __str__(self):
        every = ", ".join(map(words, self.every))
        return f"Loss curves at the rates {every}. {self.alt}"


def words(rate):
    """A learning rate as it is written in Python.

    Args:
        rate: Float.

    Returns:
        String, such as `"1e-05"`.
    """
    return f"{rate:g}"


def _line(rate, table):
    mean = table.mean(axis=0)
    first, last = mean[0], mean[-1]
    draws = f"{len(table)} draws" if len(table) > 1 else "1 draw"
    begins = f"{words(rate)} ({draws}): begins at {first:.3g}"
    if len(mean) == 1:
        return f"{begins} and has one epoch only."
    if not np.isfinite(mean).all():
        at = int(np.argmax(~np.isfinite(mean))) + 1
        return f"{begins} and is no number any more from epoch {at} on."
    return f"{begins}, {_way(mean)}, and ends at {last:.3g} after {len(mean)} epochs."


def _way(mean):
    first, last = mean[0], mean[-1]
    low, high = mean.min(), mean.max()
    if high > 1.1 * max(first, last) or low < 0.9 * min(first, last):
        return f"wavers between {low:.3g} and {high:.3g}"
    if abs(last - first) < 0.02 * abs(first):
        return "hardly moves"
    return "falls" if last < first else "rises"
