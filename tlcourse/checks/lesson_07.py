"""Exercises of lesson 07."""

import numpy as np

from tlcourse.checks.exercise import choice, exercise, hint, praise


@exercise("7.1", "share")
@hint("Build the pair of vectors and dataset for `features`, as in the loop.")
@praise("It lies between its neighbours on the curve.")
def three_labels_a_class(answer, one, five):
    if answer <= one:
        return "Not better than one label a class. Are these the features?"
    if answer >= five:
        return "As good as five labels a class. Did you ask for three?"


@exercise("7.2", "number")
@hint("`np.argmax` finds the best place. It counts from 0, and epochs from 1.")
@praise("Validation decides, not training.")
def when_to_stop(answer, history):
    values = np.asarray(history.history["val_accuracy"])
    best = int(values.argmax()) + 1
    if answer == best:
        return None
    if answer == best - 1:
        return "Python counts from 0, epochs from 1."
    if not 1 <= answer <= len(values):
        return f"There were {len(values)} epochs."
    if values[int(answer) - 1] == values.max():
        return "As good, but an earlier epoch was as good already."
    return "Another epoch has a higher validation accuracy."


choice(
    "7.3",
    "b",
    hint="What do the two bases share? What is the only thing that differs?",
    praise="A control that changes the weights alone speaks about the weights.",
    a="Both bases saw more than pixels: they computed features of them.",
    c="Both had the same labels. That cannot make a difference.",
)
