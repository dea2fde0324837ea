"""What a choice of layers costs: gradients, memory, arithmetic, time."""

import dataclasses
import math
import time

import keras
import numpy as np

from tlcourse.models import freezing, nesting, structure

FLOAT = 4  # bytes
SLOTS = {"SGD": 0, "RMSprop": 1, "Adagrad": 1, "Lion": 1}  # others keep two
# Their kernels are put down once for each place or time step of the input.
BY_INPUT = (
    keras.layers.RNN,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@dataclasses.dataclass(frozen=True)
class Costs:
    """What one training step takes: numbers, layers, bytes and operations."""

    trainable: int
    total: int
    passed: set  # positions of the units that a gradient passes through
    batchnorm_training: int  # layers in this mode
    batchnorm_inference: int
    optimizer_bytes: int
    activation_bytes: int  # outputs kept for the backward pass
    flop: int


def step_costs(state, batch_size=32):
    """Counts what one training step of a `FreezeState` takes, as `Costs`.

    The forward pass goes through every layer. The backward pass goes from the
    output to the first layer that trains: at each layer once for its input, and
    once for its weights, if they train.
    """
    found, chosen = state.structure, state.trainable_units
    batchnorm = {i for i, unit in enumerate(found.units) if unit.is_batchnorm}
    passed, kept, flop = _way_back(found, chosen)
    outputs = sum(_size(x.shape[1:]) for i in kept for x in found.calls[i].outputs)
    return Costs(
        trainable=state.trainable_parameters,
        total=sum(unit.parameters for unit in found.units),
        passed=passed,
        batchnorm_training=len(batchnorm & chosen),
        batchnorm_inference=len(batchnorm - chosen),
        optimizer_bytes=FLOAT * _slots(found.model) * state.trainable_parameters,
        activation_bytes=FLOAT * batch_size * outputs,
        flop=batch_size * flop,
    )


def _way_back(found, chosen):
    """Units that a gradient passes, calls whose outputs it needs, operations."""
    positions = {id(unit.layer): i for i, unit in enumerate(found.units)}
    reached, passed, kept, flop = [], set(), set(), 0
    for i, call in enumerate(found.calls):
        unit = positions.get(id(call.layer))
        trains, into = unit in chosen, any(reached[k] for k in call.sources)
        reached.append(trains or into)
        flop += 0 if unit is None else count_flop(call) * (1 + trains + into)
        if trains or into:
            kept |= {i, *call.sources}
            passed |= {unit} - {None}
    return passed, kept, flop


def count_flop(call):
    """Operations of a call for one image: twice each kernel, wherever it is put."""
    layer = call.layer
    if isinstance(layer, keras.layers.Embedding):  # looks up, does not multiply
        return 0
    by_input = any(isinstance(x, BY_INPUT) for x in nesting.layers_inside(layer))
    tensors = call.inputs if by_input else call.outputs
    kernels = [w for w in getattr(layer, "weights", ()) if len(w.shape) > 1]
    return 2 * _size(tensors[0].shape[1:-1]) * freezing.count(kernels)


def _size(sides):
    return math.prod(side or 1 for side in sides)


def _slots(model):
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 2
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # mixed precision
    momentum = bool(getattr(optimizer, "momentum", 0))
    return SLOTS.get(type(optimizer).__name__, 2) + momentum


def seconds_per_step(state, batch_size=32, steps=5):
    """Times steps of a copy of the model: the median, after two that compile."""
    try:
        copy = keras.models.clone_model(state.structure.model)
    except (TypeError, NotImplementedError, ValueError) as error:
        raise ValueError(
            "Expected a model that `keras.models.clone_model` can copy, to time "
            f"the copy. Received: {error}"
        ) from error
    chosen = dataclasses.replace(state, structure=structure.find_structure(copy))
    chosen.apply()
    rng = np.random.default_rng(0)
    x = [rng.integers(0, 2, (batch_size, *t.shape[1:])) for t in copy.inputs]
    y = [np.zeros((batch_size, *t.shape[1:]), "float32") for t in copy.outputs]
    x, y = (each[0] if len(each) == 1 else each for each in (x, y))
    copy.compile(keras.optimizers.Adam(1e-5), "mse", metrics=[])
    step = copy.train_on_batch if chosen.trainable_units else copy.test_on_batch
    seconds = []
    for _ in range(2 + steps):
        start = time.perf_counter()
        step(x, y)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[2:]))
