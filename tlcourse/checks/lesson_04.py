"""Exercises of lesson 04."""

import keras

from tlcourse.checks.exercise import exercise, hint, praise
from tlcourse.models import freezing


@exercise("4.1", (tuple, list))
@hint("Divide each side by 32. The number of channels does not depend on the size.")
@praise("The maps follow the picture; the channels do not.")
def shape_of_the_maps(answer):
    answer = tuple(answer)
    if answer[:1] == (None,) or len(answer) == 4:
        return "Leave the batch out: height, width, channels."
    if answer == (6, 8, 1280):
        return "Height comes first, then width."
    if len(answer) == 3 and answer[2] == 3:
        return "Channels are the feature maps that come out, not the three colours."
    if answer != (8, 6, 1280):
        return "Divide height and width by 32. The channels stay as they were above."


@exercise("4.2", keras.Model)
@hint("`stages[2].layers[-1].output` is where the third stage ends.")
@praise("A model is any way through the network, from an input to an output.")
def cut_at_the_third_stage(answer, base):
    ends = [stage.layers[-1].output.shape for stage in freezing.stages(base)]
    own = {id(weight) for weight in base.weights}
    if any(id(weight) not in own for weight in answer.weights):
        return "Its weights are new. Use the tensors of `base`, not another network."
    if tuple(answer.output_shape) == tuple(ends[-1]) and len(ends) > 3:
        return "That is the whole base. Stop earlier."
    if tuple(answer.output_shape) == tuple(ends[1]):
        return "That is the second stage. Python counts from 0."
    if tuple(answer.output_shape) != tuple(ends[2]):
        return f"Expected the output {ends[2]}. Received: {answer.output_shape}."


@exercise("4.3", dict)
@hint("A loop over `freezing.stages(base)` with the lines that made `to_vector`.")
@praise("Neighbours get better on the way up.")
def neighbours_by_depth(answer, base, whole):
    names = [stage.name for stage in freezing.stages(base)]
    missing = [name for name in names if name not in answer]
    if missing:
        return f"An entry for each stage, please. Missing: {', '.join(missing)}."
    if not all(0 <= answer[name] <= 1 for name in names):
        return "The values are shares, from 0 to 1. `same_class` gives them."
    if abs(answer[names[-1]] - whole) > 0.01:
        return "The last entry should be what we counted above. Did you extract anew?"
    if len({round(answer[name], 6) for name in names}) == 1:
        return "All depths are the same. Does each turn of the loop cut elsewhere?"
