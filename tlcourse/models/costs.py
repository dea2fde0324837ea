"""What a choice of layers costs: gradients, memory, arithmetic, time."""

import dataclasses
import time

import keras
import numpy as np

from tlcourse.models import freeze_state

FLOAT = 4  # bytes
SLOTS = {"SGD": 0, "RMSprop": 1, "Adagrad": 1, "Lion": 1}  # others keep two
MB = 1e6
DEPTHS = ("head only", "last stage", "all but BatchNorm")


@dataclasses.dataclass(frozen=True)
class Costs:
    """What one training step takes.

    Args:
        trainable: Integer, numbers that get gradients.
        total: Integer, all numbers of the model.
        passed: frozenset of integers, units that a gradient passes through.
        norms_awake: Integer, BatchNormalization layers that train.
        norms_asleep: Integer, those in inference mode.
        optimizer_bytes: Integer, what the optimizer keeps.
        activation_bytes: Integer, outputs kept for the backward pass.
        flop: Integer, multiplications and additions of one step.
        backward: Float, work of the backward pass alone, in no unit.
        ahead: Float, share of the forward pass that is the same in every epoch,
            0..1: what lies before the first layer that trains.
    """

    trainable: int
    total: int
    passed: frozenset
    norms_awake: int
    norms_asleep: int
    optimizer_bytes: int
    activation_bytes: int
    flop: int
    backward: float
    ahead: float = 0.0


def of(state, batch_size=32):
    """Counts what one training step of a model takes.

    The forward pass goes through every layer. The backward pass goes from the
    output to the first layer that trains: at each layer once for its input, and
    once for its weights, if they train.

    Args:
        state: `freeze_state.FreezeState`.
        batch_size: Integer, images in a step.

    Returns:
        `Costs`.
    """
    units, calls = state.structure.units, state.structure.calls
    reached, kept, passes, backward = [], set(), 0, 0.0
    for place, call in enumerate(calls):
        trains = call.unit in state.free
        into = any(reached[source] for source in call.feeds)
        reached.append(trains or into)
        passes += call.flop * (1 + trains + into)
        backward += (trains + into) * _work(call)
        if trains or into:
            kept |= {place, *call.feeds}
    norms = [i for i, unit in enumerate(units) if unit.is_batchnorm]
    awake = len(state.free & set(norms))
    through = {c.unit for c, hit in zip(calls, reached, strict=True) if hit} - {None}
    return Costs(
        trainable=state.trainable,
        total=sum(unit.parameters for unit in units),
        passed=frozenset(through),
        norms_awake=awake,
        norms_asleep=len(norms) - awake,
        optimizer_bytes=FLOAT * _slots(state.structure.model) * state.trainable,
        activation_bytes=FLOAT * batch_size * sum(calls[i].outputs for i in kept),
        flop=batch_size * passes,
        backward=backward,
        ahead=_ahead(calls, reached),
    )


def _ahead(calls, reached):
    """Share of the forward pass that can be computed once."""
    still = [call for call, hit in zip(calls, reached, strict=True) if not hit]
    first = next((i for i, call in enumerate(still) if call.random), len(still))
    heavy = [place for place, call in enumerate(still) if call.unit is not None]
    if not heavy or heavy[-1] > first:  # behind a random one, never the same twice
        return 0.0
    return sum(map(_work, still)) / sum(map(_work, calls))


def _work(call):
    """Arithmetic, and numbers to be moved: on a CPU one weighs like sixty."""
    return call.flop + 60 * call.outputs


def _slots(model):
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 2
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # mixed precision
    momentum = bool(getattr(optimizer, "momentum", 0))
    return SLOTS.get(type(optimizer).__name__, 2) + momentum


@dataclasses.dataclass(frozen=True)
class Timing:
    """Measured on this machine: what a step of `fit` is made of.

    Args:
        batch_size: Integer.
        forward: Float, seconds of a step that trains nothing.
        work: Float, seconds for each unit of `Costs.backward`.
        update: Float, seconds for each number that the optimizer changes.
        overhead: Float, seconds that `fit` needs besides its steps.
    """

    batch_size: int
    forward: float
    work: float
    update: float
    overhead: float

    def epoch(self, found, images, once=False):
        """Estimates an epoch.

        Args:
            found: `Costs` of what trains.
            images: Integer, in an epoch.
            once: Boolean, whether the frozen part was computed before.

        Returns:
            Float, seconds.
        """
        forward = self.forward * (1 - found.ahead if once else 1)
        step = forward + self.work * found.backward + self.update * found.trainable
        return float(self.overhead + images / self.batch_size * step)


def measure(state, batch_size=32, report=lambda share: None):
    """Times training steps of a copy of the model, for three choices.

    The head alone, the last stage (many numbers, a short way back), and everything
    but BatchNormalization (the whole way back). The model itself stays as it is. It
    takes as long as the first epochs of three trainings: each choice has to be
    compiled anew.

    Args:
        state: `freeze_state.FreezeState`.
        batch_size: Integer, images in a step.
        report: Function of a share, 0 to 1, called as it gets on.

    Returns:
        `Timing`.

    Raises:
        ValueError: If Keras can't copy the model.
    """
    copy = _copy(state.structure.model)
    start = freeze_state.read(copy)
    rows, seconds, overheads = [], [], []
    choices = [each for each in map(start.preset, DEPTHS) if each.free]
    for number, chosen in enumerate(choices):
        chosen.apply()
        step, overhead = _step_seconds(copy, batch_size)
        found = of(chosen, batch_size)
        rows.append([1.0, found.backward, found.trainable])
        seconds.append(step)
        overheads.append(overhead)
        report((number + 1) / len(choices))
    forward, work, update = _solve(np.array(rows), np.array(seconds))
    return Timing(batch_size, forward, work, update, float(np.median(overheads)))


def _copy(model):
    try:
        return keras.models.clone_model(model)
    except (TypeError, NotImplementedError, ValueError) as error:
        raise ValueError(
            "Expected a model that `keras.models.clone_model` can copy, to time "
            f"the copy. Received: {error}"
        ) from error


def _solve(rows, seconds):
    """What three steps have in common; no part of it takes less than nothing."""
    from scipy.optimize import nnls

    scale = np.maximum(rows.max(axis=0), 1e-12)
    # A relative error counts the same, whether a step is short or long.
    found, _ = nnls(rows / scale / seconds[:, None], np.ones(len(seconds)))
    return (found / scale).tolist()


def _step_seconds(model, batch_size, steps=4):
    """Seconds of one step, and of calling `fit` at all."""
    shapes = [tensor.shape[1:] for tensor in model.inputs]
    rng = np.random.default_rng(0)
    n = batch_size * (steps + 1)
    x = [rng.integers(0, 2, (n, *shape)).astype("float32") for shape in shapes]
    y = [np.zeros((n, *tensor.shape[1:]), "float32") for tensor in model.outputs]
    x, y = (each[0] if len(each) == 1 else each for each in (x, y))
    model.compile(keras.optimizers.Adam(1e-5), "mse", metrics=[])
    model.optimizer.build(model.trainable_variables)
    few = _first(x, batch_size), _first(y, batch_size)
    model.fit(*few, batch_size, verbose=0)  # the first one is slow
    one = np.median([_seconds(model, *few, batch_size) for _ in range(3)])
    many = np.median([_seconds(model, x, y, batch_size) for _ in range(3)])
    step = max((many - one) / steps, 1e-6)
    return step, max(one - step, 0.0)


def _first(arrays, n):
    return [a[:n] for a in arrays] if isinstance(arrays, list) else arrays[:n]


def _seconds(model, x, y, batch_size):
    start = time.perf_counter()
    model.fit(x, y, batch_size, verbose=0)
    return time.perf_counter() - start
