"""Curves: over epochs and steps, labels per class, learning rates."""

import numpy as np
from matplotlib.ticker import LogLocator

from tlcourse.plots.style import (
    BLUE,
    COLOURS,
    MARKERS,
    ORANGE,
    axes_or_new,
    line_styles,
    without_formulas,
)


def curves(histories, metric="val_accuracy", title="", ax=None):
    """Draws a quantity of one or more trainings, epoch by epoch.

    Args:
        histories: dict, name to `History` or to its dict of lists.
        metric: String, such as `"loss"` or `"val_accuracy"`.
        title: String.

    Returns:
        The axes.
    """
    ax = axes_or_new(ax)
    for (name, history), (colour, marker) in zip(  # noqa: B905
        histories.items(), line_styles()
    ):
        values = getattr(history, "history", history)[metric]
        # Fewer values than epochs: validated every second, third, ... epoch.
        step = len(getattr(history, "epoch", values)) // len(values)
        epochs = step * np.arange(1, len(values) + 1)
        style = {"color": colour, "marker": marker, "label": name}
        ax.plot(epochs, values, markevery=max(1, len(values) // 10), **style)
    ax.set(title=title, xlabel="epoch", ylabel=metric.replace("val_", "validation "))
    ax.legend()
    return _with_grid(ax)


def steps_curve(losses, n, title="Training", ax=None):
    """Draws the losses of the first of `n` steps, with room for those to come."""
    ax = axes_or_new(ax, 7, 2.4)
    ax.plot(range(1, len(losses) + 1), losses, color=BLUE)
    ax.set(xlim=(0, n + 1), title=title, xlabel="step", ylabel="loss of the step")
    ax.set_ylim(0, 1.05 * max(losses, default=1))
    return _with_grid(ax)


def label_curves(counts, tables, title="", ax=None):
    """Draws accuracy against labels per class: mean and spread of several draws.

    Args:
        counts: Sequence of integers, labels per class.
        tables: dict, name to float `(len(counts), draws)`, accuracies 0..1;
            NaN where nothing was measured.
        title: String.

    Returns:
        The axes.
    """
    ax = axes_or_new(ax, 7, 4)
    for (name, table), (colour, marker) in zip(tables.items(), line_styles()):  # noqa: B905
        _mean_and_spread(ax, counts, table, color=colour, marker=marker, label=name)
    ax.set(xlabel="labels per class", title=title)
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.legend()
    return _with_grid(ax)


def learning_rate_curve(learning_rates, table, frozen, title="", ax=None):
    """Draws accuracy after fine-tuning against the learning rate.

    Args:
        learning_rates: Sequence of floats.
        table: float `(len(learning_rates), draws)`, accuracies 0..1.
        frozen: Float, accuracy of the head on the frozen base.
        title: String.

    Returns:
        The axes.
    """
    ax = axes_or_new(ax, 7, 4)
    style = {"color": BLUE, "marker": "o", "label": "tuned"}
    _mean_and_spread(ax, learning_rates, table, **style)
    ax.axhline(frozen, color=ORANGE, linestyle="--", label="frozen head")
    ax.set(xlabel="learning rate", title=title)
    ax.legend()
    return _with_grid(ax)


def _mean_and_spread(ax, x, table, **style):
    mean, spread = np.mean(table, axis=1), np.std(table, axis=1)
    ax.errorbar(x, mean, spread, capsize=3, **style)
    ax.set(xscale="log", ylim=(0, 1), ylabel="accuracy on held-out images")


def loss_curves(tables, shown=None, title="", ax=None):
    """Draws `(draws, epochs)` losses of each learning rate: mean, lowest, highest.

    A learning rate keeps its colour, and the scale stays, whichever are `shown`.
    """
    ax = axes_or_new(ax, 7, 4)
    for place, (learning_rate, table) in enumerate(tables.items()):
        if shown is not None and learning_rate not in shown:
            continue
        table, k = np.asarray(table, float), place % len(COLOURS)
        epochs = np.arange(1, table.shape[1] + 1)
        low, high = table.min(axis=0), table.max(axis=0)
        ax.fill_between(epochs, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        style = {"marker": MARKERS[k], "label": f"{learning_rate:g}"}
        line = "-" if place < len(COLOURS) else "--"
        ax.plot(epochs, table.mean(axis=0), line, color=COLOURS[k], **style)
    ax.set(title=title, xlabel="epoch", ylabel="training loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    _scale_for_all(ax, tables)
    ax.legend(title="learning rate", loc="upper left", bbox_to_anchor=(1.01, 1))
    return _with_grid(ax)


def _scale_for_all(ax, tables):
    """The same scale whichever are shown; logarithmic where losses differ much."""
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


def _with_grid(ax):
    ax.grid(alpha=0.3)
    return without_formulas(ax)
