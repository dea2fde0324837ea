"""Curves: trainings, labels per class, learning rates."""

import itertools

import numpy as np
from matplotlib.ticker import LogLocator

from tlcourse.plots.style import BLUE, COLOURS, MARKERS, ORANGE, _axes


def curves(histories, metric="val_accuracy", title="", ax=None):
    """A quantity of one or more trainings, epoch by epoch.

    Args:
        histories: dict, name to `History` or to its dict of lists.
        metric: String, such as `"loss"` or `"val_accuracy"`.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax)
    styles = zip(itertools.cycle(COLOURS), itertools.cycle(MARKERS))  # noqa: B905
    for (name, history), (colour, marker) in zip(histories.items(), styles):  # noqa: B905
        values = getattr(history, "history", history)[metric]
        every = max(1, len(values) // 10)
        # Fewer values than epochs: it looked at every second, third, ... epoch.
        step = len(getattr(history, "epoch", values)) // len(values)
        epochs = step * np.arange(1, len(values) + 1)
        ax.plot(
            epochs, values, color=colour, marker=marker, markevery=every, label=name
        )
    ax.set(title=title, xlabel="epoch", ylabel=metric.replace("val_", "validation "))
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def steps_curve(losses, n, title="Training", ax=None):
    """The loss step by step, with room for the steps to come.

    Args:
        losses: Sequence of floats, so far.
        n: Integer, steps in all.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 2.4)
    ax.plot(range(1, len(losses) + 1), losses, color=BLUE)
    ax.set(xlim=(0, n + 1), title=title, xlabel="step", ylabel="loss of the step")
    ax.set_ylim(0, 1.05 * max(losses, default=1))
    ax.grid(alpha=0.3)
    return ax


def label_curves(counts, tables, title="", ax=None):
    """Accuracy against labels per class: mean and spread of several draws.

    Args:
        counts: Sequence of integers, labels per class.
        tables: dict, name to float `(len(counts), draws)`, accuracies 0..1;
            NaN where nothing was measured.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    styles = zip(itertools.cycle(COLOURS), itertools.cycle(MARKERS))  # noqa: B905
    for (name, table), (colour, marker) in zip(tables.items(), styles):  # noqa: B905
        mean, spread = np.mean(table, axis=1), np.std(table, axis=1)
        ax.errorbar(
            counts, mean, spread, color=colour, marker=marker, capsize=3, label=name
        )
    ax.set(xscale="log", ylim=(0, 1), title=title)
    ax.set(xlabel="labels per class", ylabel="accuracy on held-out images")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def rate_curve(rates, table, frozen, title="", ax=None):
    """Accuracy after fine-tuning against the learning rate.

    Args:
        rates: Sequence of floats.
        table: float `(len(rates), draws)`, accuracies 0..1.
        frozen: Float, accuracy of the frozen head.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    mean, spread = np.mean(table, axis=1), np.std(table, axis=1)
    ax.errorbar(rates, mean, spread, color=BLUE, marker="o", capsize=3, label="tuned")
    ax.axhline(frozen, color=ORANGE, linestyle="--", label="frozen head")
    ax.set(xscale="log", ylim=(0, 1), title=title)
    ax.set(xlabel="learning rate", ylabel="accuracy on held-out images")
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def loss_curves(tables, shown=None, title="", ax=None):
    """Training loss over the epochs, mean of several draws, for some of the rates.

    The band goes from the lowest draw to the highest. A rate keeps its colour,
    and the scale stays, whichever are shown.

    Args:
        tables: dict, learning rate to float `(draws, epochs)`, losses.
        shown: Sequence of rates, or None for all.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    for place, (rate, table) in enumerate(tables.items()):
        if shown is not None and rate not in shown:
            continue
        table, k = np.asarray(table, float), place % len(COLOURS)
        epochs = np.arange(1, table.shape[1] + 1)
        low, high = table.min(axis=0), table.max(axis=0)
        ax.fill_between(epochs, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        style = {"color": COLOURS[k], "marker": MARKERS[k], "label": f"{rate:g}"}
        line = "-" if place < len(COLOURS) else "--"
        ax.plot(epochs, table.mean(axis=0), line, **style)
    ax.set(title=title, xlabel="epoch", ylabel="training loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    _scale_for_all(ax, tables)
    ax.legend(title="learning rate", loc="upper left", bbox_to_anchor=(1.01, 1))
    ax.grid(alpha=0.3)
    return ax


def _scale_for_all(ax, tables):
    """The same scale whichever rates are shown; logarithmic where they differ much."""
    losses = np.concatenate([np.ravel(table) for table in tables.values()])
    losses = losses[np.isfinite(losses) & (losses > 0)]
    if not losses.size:
        return
    low, high = losses.min(), losses.max()
    if high > 4 * low:
        ax.set(yscale="log", ylim=(low / 1.2, high * 1.2))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    else:
        ax.set_ylim(0, 1.1 * high)
