"""Exercises of lesson 08."""

import numpy as np

from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("8.1", "text")
@hint("Wrapper first. Flags before `compile`, the base's before its layers'.")
@praise("Wrapper, base, BatchNormalization, compile, fit.")
def order_of_the_steps(answer):
    steps = answer.strip().lower()
    if sorted(steps) != list("abcde"):
        return "Use each of the letters a, b, c, d, e once."
    if steps[0] != "b":
        return "A new wrapper needs a rate that would spoil the base. Train it first."
    if steps.index("c") < steps.index("e"):
        return "The base's flag overwrites its layers'. BatchNormalization would train."
    if steps.index("a") < max(steps.index("c"), steps.index("e")):
        return "Flags changed after `compile` have no effect."
    if steps != "becad":
        return "Compile comes before fit."


@exercise("8.2", "number")
@hint("`tuned_at` has a row for each rate. `mean(axis=1)` and `argmax` find it.")
@praise("The top of the hill.")
def best_rate(answer, rates, table):
    means = np.asarray(table).mean(axis=1)
    if not any(is_close(answer, rate) for rate in rates):
        return f"Choose one of {rates}. Not its place in the list, the rate itself."
    place = [is_close(answer, rate) for rate in rates].index(True)
    if place == len(rates) - 1:
        return "That is the cliff: the largest rate, not the best."
    if means[place] < means.max() - 1e-9:
        return "Another rate has a higher mean. Look at the top of the hill."


@exercise("8.3", "number")
@hint("`np.abs(kernels() - before).max()`.")
@praise("Nothing moved. The flags had changed, but nobody compiled.")
def nothing_was_tuned(answer, model):
    if answer > 0 and not freezing.trains(model).stale:
        return "Something moved: the model was compiled again. Run the cell above anew."
    if answer > 0:
        return "Are these the kernels of the base, before and after? They are equal."
    if answer < 0:
        return "A change has a size: take `np.abs` first."
