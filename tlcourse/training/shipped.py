"""Results that ship: the grid of lesson 09, and the control from scratch."""

import csv

import numpy as np

from tlcourse._util import assets

HEAD = "head only"


def shipped_grid(task="near"):
    """The shipped results of lesson 09's whole grid, glyphs track.

    The learning rate of each cell is the best on the validation set, on average.

    Args:
        task: `"near"`, which digit is it, or `"far"`, how many digits are there.

    Returns:
        Names of the rows (what trains), labels per class, and a float array
        `(rows, counts)`: mean test accuracy, 0..1. The first row is the frozen head.

    Raises:
        ValueError: If there is no such task.
    """
    validation, test, firsts, counts = _read_grid(task)
    rate = validation[:, :, 1:].mean(axis=-1).argmax(axis=2) + 1
    tuned = np.take_along_axis(test.mean(axis=-1), rate[..., None], axis=2)[..., 0]
    mean = np.concatenate([test[:1, :, 0].mean(axis=-1), tuned])
    return [HEAD, *(f"from {first}" for first in firsts)], counts, mean


def shipped_gains(task="near"):
    """What a depth gains on the test set that was chosen on the validation set.

    From the shipped grid of lesson 09. Of two that are equally good, the cheaper one
    is taken: the head alone, if nothing beats it. A gain is measured against the head
    alone of the same draw.

    Args:
        task: `"near"` or `"far"`.

    Returns:
        List of Strings, for each number of labels the row of `shipped_grid` that was
        chosen, and a float array `(counts, draws)`, differences of test accuracy.

    Raises:
        ValueError: If there is no such task.
    """
    validation, test, firsts, counts = _read_grid(task)
    chosen, gains = [], []
    for column in range(len(counts)):
        mean = validation[:, column].mean(axis=-1).round(6)
        first, rate = np.unravel_index(mean.argmax(), mean.shape)
        chosen.append(f"from {firsts[first]}" if rate else HEAD)
        gains.append(test[first, column, rate] - test[first, column, 0])
    return chosen, np.array(gains)


def shipped_scratch(track, counts):
    """Shipped results of the base's architecture, trained from random weights.

    Returns a dict for a figure: `"from scratch"` to float `(counts,
    draws)`, validation accuracies 0..1 of the best epochs; empty for flowers.
    """
    if track.name != "glyphs":
        return {}
    rows = np.loadtxt(assets.shipped("scratch.csv"), delimiter=",", skiprows=1)
    table = [rows[rows[:, 0] == count, 3] for count in counts]
    return {"from scratch": np.array(table)}


def _read_grid(task):
    """Validation and test accuracy `(stages, counts, rates, draws)`, names, counts.

    The stages begin with the last one, which is the cheapest to train; the first
    learning rate is that of the frozen head.
    """
    with open(assets.shipped("grid.csv"), newline="") as file:
        every = list(csv.DictReader(file))
    rows = [row for row in every if row["task"] == task]
    if not rows:
        names = sorted({row["task"] for row in every})
        raise ValueError(
            f"Expected a task, one of {', '.join(names)}. Received: {task!r}"
        )
    axes = ("first", str), ("labels_per_class", int), ("rate", float), ("draw", int)
    values = [sorted({kind(row[name]) for row in rows}) for name, kind in axes]
    values[0].reverse()
    found = np.full((2, *map(len, values)), np.nan)
    for row in rows:
        places = zip(axes, values, strict=True)
        place = tuple(known.index(kind(row[name])) for (name, kind), known in places)
        found[(slice(None), *place)] = float(row["validation"]), float(row["test"])
    return *found, *values[:2]
