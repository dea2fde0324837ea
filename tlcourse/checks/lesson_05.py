"""Exercises of lesson 05."""

from tlcourse.checks.exercise import exercise, hint, praise
from tlcourse.models import freezing


def _last_stages(base, n):
    return [layer for stage in freezing.stages(base)[-n:] for layer in stage.layers]


@exercise("5.1", "number")
@hint("First `base.trainable = True`. Then set the flag of each layer of `base`.")
@praise("Two stages train, and no average moves by itself.")
def all_but_two_stages(answer, model, base):
    last = _last_stages(base, 2)
    if any(x.trainable_weights and x not in last for x in base.layers):
        return "A layer before the last two stages still says `trainable`."
    if any(freezing.is_batchnorm(x) and x.trainable for x in base.layers):
        return "BatchNormalization layers still train. Freeze those one by one."
    learning = [x for x in last if x.weights and not freezing.is_batchnorm(x)]
    if not all(x.trainable_weights for x in learning):
        return "Some layers of the last two stages are frozen. Order matters."
    wanted = freezing.count(model.trainable_weights)
    if answer == freezing.count(base.trainable_weights):
        return "That is the base alone. `fit` changes the dense layer too."
    if answer != wanted:
        return f"The flags are right. `fit` would change {wanted:,} numbers."


@exercise("5.2", "number")
@hint("When does Keras make up its mind about what trains?")
@praise("The dense layer alone: nobody compiled after the flags changed.")
def stale_compile(answer, base, classes):
    head = base.output_shape[-1] * classes + classes
    unfrozen = [x for x in _last_stages(base, 1) if not freezing.is_batchnorm(x)]
    stage = sum(freezing.count(layer.weights) for layer in unfrozen)
    if answer == 0:
        return "The dense layer was never frozen. It goes on training."
    if answer in (stage, stage + head):
        return "So say the flags. But the optimizer was built before they changed."
    if answer != head:
        return "Which weights were trainable when the model was compiled and fitted?"


@exercise("5.3", "number")
@hint("The second line unfreezes what the first one froze. What does the third do?")
@praise("The base trains, the dense layer does not.")
def three_lines(answer, base, classes):
    base_total = base.count_params()
    norms = [layer for layer in base.layers if freezing.is_batchnorm(layer)]
    statistics = sum(layer.count_params() // 2 for layer in norms)
    head = base.output_shape[-1] * classes + classes
    if answer == 0:
        return "The second line undoes the first."
    if answer == base_total:
        return "Two of the four vectors of a BatchNormalization get no gradients."
    if answer in (head, base_total - statistics + head):
        return "The third line freezes the dense layer."
    if answer != base_total - statistics:
        return "Run the three lines, then count `model.trainable_weights`."
