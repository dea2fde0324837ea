"""Curves: over epochs and steps, labels per class, learning rates."""

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from tlcourse.plots.style import (
    BLUE,
    CYCLE,
    ORANGE,
    axes_or_new,
    ink,
    label,
    with_grid,
)


def curves(histories, metric="val_accuracy", title="", ax=None):
    """Draws a quantity of trainings, epoch by epoch, and returns the axes.

    Args:
        histories: dict, name to `History` or to its dict of lists.
        metric: String, such as `"loss"` or `"val_accuracy"`.
        title: String.
    """
    ax = axes_or_new(ax)
    ax.set_prop_cycle(CYCLE)
    for name, history in histories.items():
        values = getattr(history, "history", history)[metric]
        # Fewer values than epochs: validated every second, third, ... epoch.
        step = len(getattr(history, "epoch", values)) // len(values)
        epochs = step * np.arange(1, len(values) + 1)
        ax.plot(epochs, values, markevery=max(1, len(values) // 10), label=label(name))
    ax.set(title=title, xlabel="epoch", ylabel=metric.replace("val_", "validation "))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return with_grid(ax)


def learning_rate_curve(learning_rates, points, title="", ax=None):
    """Draws what tuning gains over the head by learning rate; returns the axes.

    Args:
        learning_rates: Sequence of floats.
        points: float `(len(learning_rates), draws)`, percentage points.
        title: String.
    """
    ax = axes_or_new(ax, 7, 3.4)
    points = np.asarray(points)
    for number, draw in enumerate(points.T, start=1):
        ax.plot(learning_rates, draw, "o", color=BLUE, label=f"draw {number}")
    ax.plot(learning_rates, points.mean(axis=1), color=BLUE, label="mean")
    ax.axhline(0, color=ORANGE, linestyle="--", label="head")
    name = {"xytext": (0, 4), "textcoords": "offset points", "ha": "right"}
    ax.annotate("the head alone", (learning_rates[-1], 0), color=ORANGE, **name)
    ax.set(xscale="log", xlabel="learning rate", title=title)
    ax.set_ylabel("gain over the head, points")
    return with_grid(ax)


def several_draws(tables, title="", ax=None):
    """Draws accuracy over epochs: mean, lowest and highest draw; returns the axes.

    Args:
        tables: dict, name to float `(draws, 1 + epochs)`, accuracies 0..1, the first
            before any epoch.
        title: String.
    """
    ax = axes_or_new(ax, 7, 4)
    ax.set_prop_cycle(CYCLE)
    for name, table in tables.items():
        table = 100 * np.asarray(table)
        epochs = np.arange(table.shape[1])
        (line,) = ax.plot(epochs, table.mean(axis=0), label=label(name))
        band = table.min(axis=0), table.max(axis=0)
        colour = line.get_color()
        ax.fill_between(epochs, *band, color=colour, alpha=0.2, linewidth=0)
    ax.set(title=title, xlabel="epochs after the head was trained")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("new images right, %")
    ax.legend()
    return with_grid(ax)


def by_size(tables, base, title="", ylabel="", ax=None):
    """Draws a quantity over the size of what was shown: mean, lowest, highest draw.

    `tables` has for names sizes and a float array `(sizes, draws)`; `base` is the same
    quantity before anything was shown, `ylabel` what it is, with its unit.
    """
    ax = axes_or_new(ax, 8, 4)
    ax.axhline(base, color=ink(), linestyle="--", linewidth=1)
    ax.set_prop_cycle(CYCLE)
    for name, (sizes, table) in tables.items():
        low, mean, high = table.min(axis=1), table.mean(axis=1), table.max(axis=1)
        spread = [mean - low, high - mean]
        ax.errorbar(sizes, mean, spread, capsize=3, label=label(name))
    named = {"va": "bottom", "ha": "right", "fontsize": "small"}
    ax.annotate("base, untouched", (sizes[-1], base), **named)
    ax.set(xscale="log", xlabel="characters of Keras shown", title=title, ylabel=ylabel)
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return with_grid(ax)


def loss_curves(tables, shown=None, title="", ax=None):
    """Draws `(draws, epochs)` losses of each learning rate: mean, lowest, highest.

    A learning rate keeps its colour, and the scale stays, whichever are `shown`.
    """
    ax = axes_or_new(ax, 7, 4)
    for place, (learning_rate, table) in enumerate(tables.items()):
        if shown is not None and learning_rate not in shown:
            continue
        epochs, name = np.arange(1, np.shape(table)[1] + 1), f"{learning_rate:g}"
        style = list(CYCLE)[place % len(CYCLE)]
        line = "-" if place < len(CYCLE) else "--"
        ax.plot(epochs, np.mean(table, axis=0), linestyle=line, label=name, **style)
        band, colour = (np.min(table, axis=0), np.max(table, axis=0)), style["color"]
        ax.fill_between(epochs, *band, color=colour, alpha=0.2, linewidth=0)
    ax.set(title=title, xlabel="epoch", ylabel="training loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    _scale_for_all(ax, np.concatenate([np.ravel(table) for table in tables.values()]))
    ax.legend(title="learning rate", loc="upper left", bbox_to_anchor=(1.01, 1))
    return with_grid(ax)


def _scale_for_all(ax, losses):
    """The same scale whichever are shown; logarithmic where losses differ much."""
    losses = losses[np.isfinite(losses) & (losses > 0)]
    low, high = losses.min(initial=np.inf), losses.max(initial=0)
    if high > 4 * low:
        ax.set(yscale="log", ylim=(low / 1.2, high * 1.2))
        near = (1, 2, 5) if high < 1000 * low else (1,)
        ax.yaxis.set_major_locator(LogLocator(subs=near))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    else:
        ax.set_ylim(0, 1.1 * high or 1)
