"""Cuts a model in two: at the last place before what trains where one tensor crosses.

What may be stored is tried, not guessed: a batch passes in both modes.
"""

import keras
import numpy as np

from tlcourse.models.freezing import is_batchnorm
from tlcourse.training.calls import crossings, list_calls


def split(model, batch):
    """Cuts a compiled model into its frozen part and its tail, which share its layers.

    None where nothing is worth storing. Raises ValueError if an unsteady layer, found
    with a `batch` of images, stands before frozen ones with weights.
    """
    start, calls = list_calls(model)
    end = _first_trainable(calls, model.trainable_weights)
    while guilty := _find_unsteady(start, calls, end, batch):
        place, why = guilty
        heavy = [each for each in calls[place + 1 : end] if each.is_heavy]
        if heavy:
            raise ValueError(_refusal(calls[place], why, heavy[0]))
        end = place
    places = crossings(start, calls, end)
    if not places or not any(each.is_heavy for each in calls[: places[-1][0]]):
        return None
    tensor = places[-1][1]
    frozen = keras.Model(start, tensor, name=f"{model.name}_frozen")
    tail = keras.Model(tensor, calls[-1].outputs[0], name=f"{model.name}_tail")
    # In the same order, or the optimizer's averages and norms would not be `fit`'s.
    if list(map(id, tail.trainable_weights)) != list(map(id, model.trainable_weights)):
        raise ValueError(
            "Expected a model whose tail trains the same weights in the same order. "
            f"Received: {model.name!r}, in which models run side by side, or flags "
            "contradict each other. Train it with `model.fit`."
        )
    return frozen, tail


def _first_trainable(calls, weights):
    """Place of the first call that trains; a BatchNormalization alone does not count.

    In training mode before frozen layers it is nearly always a mistake.
    """
    wanted = set(map(id, weights))
    places = [
        place
        for place, each in enumerate(calls)
        if not is_batchnorm(each.layer) and wanted & set(map(id, each.variables))
    ]
    return min(places, default=0)


def _find_unsteady(start, calls, end, batch):
    """Place of the first call before `end` that may not be stored, and why; or None.

    The batch passes in both modes, whole and in half: the outputs have to be equal,
    no variable may move, no loss be added, no mask be made.
    """
    places = crossings(start, calls, end)
    if not places:
        return None
    region = calls[: places[-1][0]]
    moved, adds, outputs = _try(start, [places[-1][1]], region, batch)
    for place, each in enumerate(region):
        if moved & set(map(id, each.variables)):
            if is_batchnorm(each.layer):
                return place, "takes its statistics from each batch"
            return place, "is random or keeps a state in training"
        if id(each.layer) in adds:
            return place, "adds to the loss"
        if each.makes_mask:
            return place, "makes a mask, which is not stored"
    if _first_difference(*outputs) is None:
        return None
    tensors = [tensor for _, tensor in places]
    found = _first_difference(*_try(start, tensors, region, batch[::2])[2])
    first = len(places) - 1 if found is None else found
    begin = places[first - 1][0] if first else 0
    place = _suspect(calls, begin, places[first][0] - 1)
    return place, "does not give an image the same output"


def _suspect(calls, begin, end):
    """The likeliest of calls `begin` to `end`: the last whose code is not Keras's."""
    own = [
        place
        for place in range(begin, end + 1)
        if not type(calls[place].layer).__module__.startswith("keras.")
        or isinstance(calls[place].layer, keras.layers.Lambda)
    ]
    return own[-1] if own else end


def _try(start, tensors, calls, batch):
    """Passes a batch up to some tensors; all variables are put back afterwards.

    Returns ids of variables that moved, ids of layers that added to the loss, and
    lists of outputs: in training mode, in inference mode, half by half from the end.
    """
    probe = keras.Model(start, tensors)
    variables = list({id(v): v for each in calls for v in each.variables}.values())
    before = [np.copy(variable.numpy()) for variable in variables]
    batch = np.resize(batch, (max(2, len(batch)), *batch.shape[1:]))
    halves = np.array_split(batch[::-1], 2)  # other company, other places
    try:
        taught = probe(batch, training=True)
        adds = {id(c.layer) for c in calls if getattr(c.layer, "losses", None)}
        runs = [taught, *(probe(x, training=False) for x in (batch, *halves))]
        runs = [list(map(_numbers, keras.tree.flatten(run))) for run in runs]
        halved = list(map(np.concatenate, zip(*runs[2:], strict=True)))
        moved = {
            id(variable)
            for variable, old in zip(variables, before, strict=True)
            if not np.array_equal(variable.numpy(), old)
        }
    finally:
        for variable, old in zip(variables, before, strict=True):
            variable.assign(old)
    return moved, adds, (*runs[:2], halved)


def _numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def _first_difference(taught, plain, halved):
    """Number of the first output that mode or company changes, or None."""
    for number, (one, two, few) in enumerate(zip(taught, plain, halved, strict=True)):
        if not (is_close(one, two, 50) and is_close(few, two[::-1], 5000)):
            return number
    return None


def is_close(one, two, steps):
    """Whether arrays agree to some steps of their precision, NaN included."""
    one, two = one.astype("float64"), two.astype("float64")
    size = np.nanmax(np.abs(two), initial=0)
    return np.allclose(one, two, 0, steps * 1.2e-7 * size, equal_nan=True)


def _refusal(guilty, why, heavy):
    advice = "Take it out."
    if is_batchnorm(guilty.layer) and guilty.layer.trainable:
        advice = "Freeze it, `layer.trainable = False`, and compile again."
    elif hasattr(guilty.layer, "rate"):
        advice = "Set its `rate` to 0 and compile again."
    return (
        "Expected frozen layers that give an image the same output in every epoch. "
        f"Received: {guilty}, which {why}, before {heavy.layer.name!r}, which is "
        f"frozen. {advice} Or train with `model.fit`."
    )
