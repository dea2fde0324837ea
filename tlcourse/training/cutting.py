"""Cut a model where its frozen part ends."""

import collections
import dataclasses
import math

import keras

from tlcourse.models import freezing, randomness, structure
from tlcourse.models import graph as graph_calls


@dataclasses.dataclass(frozen=True, eq=False)
class Cut:
    """A model's calls, and which of them are frozen.

    Args:
        model: `keras.Model`.
        calls: list of `Call`; each stands behind those that feed it.
        frozen: list of `Call`, those to compute once.
        inputs: list of `Wire`, of the model.
        crossing: list of `Wire`, what live calls and the outputs take from the
            frozen part.
        outputs: list of `Wire`, of the model.
        blockers: list of pairs of `Call`: one that is restless, and the first
            heavy one that it keeps from being frozen.
    """

    model: keras.Model
    calls: list
    frozen: list
    inputs: list
    crossing: list
    outputs: list
    blockers: list


def split(model):
    """Cuts a model where its frozen part ends.

    What no step of the training changes goes into the frozen part: layers that do
    not train, give the same answer every time, and come after such layers only.
    The rest is live. Where the cut can be shifted over layers without kernels, it
    is where the fewest bytes cross. Both parts share their layers with the model:
    training the live part trains the model.

    Args:
        model: Built functional or Sequential `keras.Model`, compiled since the
            last change of `trainable`, or not compiled yet.

    Returns:
        Pair of `keras.Model`, not compiled: the frozen part, from the model's
        input to a list of the tensors that cross, `(batch, ...)`; the live part,
        from that list to the model's output.

    Raises:
        ValueError: If the layers cannot be seen, if nothing trains, or if the
            flags have changed since `compile`.

    Source: https://keras.io/guides/functional_api/ (models that share layers)
    """
    return build(read(model))


def read(model, augmented=False):
    """Finds out what of a model is frozen.

    Args:
        model: As in `split`.
        augmented: Boolean, whether augmentation may be in the frozen part.

    Returns:
        `Cut`.

    Raises:
        ValueError: As in `split`.
    """
    _check(model)
    inputs, calls, outputs = graph_calls.read(model)
    trained = {id(weight) for weight in model.trainable_weights}
    why = {call: randomness.reason(call.layer, augmented) for call in calls}
    calm = [c for c in calls if not _changes(c, trained)]
    still = _reached([c for c in calm if not why[c]], inputs)
    frozen = _cheapest(still, calls, inputs, outputs)
    crossing = _crossing(frozen, calls, inputs, outputs)
    awake = [c for c in calls if c in calm or randomness.is_awake(c.layer)]
    blockers = list(_blocked(_reached(awake, inputs), why))
    return Cut(model, calls, frozen, inputs, crossing, outputs, blockers)


def _check(model):
    if not (
        isinstance(model, keras.Model) and model.built and structure.is_graph(model)
    ):
        raise ValueError(
            "Expected a built functional or Sequential model, whose layers can be "
            f"seen. Received: {getattr(model, 'name', model)!r}, a "
            f"{type(model).__name__}"
        )
    found = freezing.trains(model)
    if found.stale:
        raise ValueError(
            "Expected a model compiled since the last change of `trainable`. "
            f"Received: {model.name!r}, which {found}, `model.compile(...)`."
        )
    if not model.trainable_weights:
        raise ValueError(
            f"Expected a model that trains something. Received: {model.name!r}: "
            f"{found}. Set `trainable = True` on what should learn, and compile "
            "again."
        )


def _changes(call, trained):
    """Whether it trains, adds to the loss, or hands on a mask, which is not stored."""
    tensors = call.node.output_tensors
    if any(getattr(tensor, "_keras_mask", None) is not None for tensor in tensors):
        return True
    inside = randomness.inside(call.layer)
    weights = [id(w) for layer in inside for w in layer.weights]
    adds = any(layer.activity_regularizer is not None for layer in inside)
    return adds or not trained.isdisjoint(weights)


def _reached(calls, inputs):
    """Those of the calls that take nothing but inputs and each other's results."""
    known, found = set(inputs), []
    for call in calls:
        if known.issuperset(call.feeds):
            known.update(call.makes)
            found.append(call)
    return found


def _blocked(calls, why):
    """Pairs: a restless call, the first heavy one that it keeps from being frozen."""
    behind, seen = {}, set()  # by wire, the restless calls before it
    for call in calls:
        found = [each for wire in call.feeds for each in behind.get(wire, ())]
        found = list(dict.fromkeys(found))
        if call.is_heavy:
            yield from ((each, call) for each in found if each not in seen)
            seen.update(found)
        found += [call] if why[call] else []
        behind |= dict.fromkeys(call.makes, found)


def _crossing(frozen, calls, inputs, outputs):
    live = set(calls).difference(frozen)
    taken = {wire for call in live for wire in call.feeds} | set(outputs)
    known = [*inputs, *(wire for call in frozen for wire in call.makes)]
    return [wire for wire in known if wire in taken]


def _cheapest(frozen, calls, inputs, outputs):
    """Gives light calls to the live part where fewer bytes cross then.

    This is the smallest cut of a network of pipes: to store a tensor costs its
    size, and nothing frozen takes from anything live.
    """
    makers = {wire: call for call in frozen for wire in call.makes}
    pipes = {("source", wire): wire.size for wire in inputs}
    for call in frozen:
        if call.is_heavy:
            pipes["source", call] = math.inf
        pipes |= {(call, wire): wire.size for wire in call.makes}
        for wire in call.feeds:
            pipes[wire, call] = math.inf
            if wire in makers:
                pipes[call, makers[wire]] = math.inf
    for wire in _crossing(frozen, calls, inputs, outputs):
        pipes[wire, "sink"] = math.inf
    live = _sink_side(pipes)
    return [call for call in frozen if call not in live]


def _sink_side(pipes):
    """Places with a way to the sink when the flow is full: Ford and Fulkerson."""
    left = collections.defaultdict(dict)  # by end, what more can flow from a start
    for (start, end), size in pipes.items():
        left[end][start] = size
        left[start].setdefault(end, 0)
    while "source" in (after := _ways(left)):
        path, place = [], "source"
        while place != "sink":
            path.append((place, after[place]))
            place = after[place]
        least = min(left[end][start] for start, end in path)
        for start, end in path:
            left[end][start] -= least
            left[start][end] += least
    return set(after)


def _ways(left):
    """Each place from which more can flow to the sink, with the next on the way."""
    after, waiting = {"sink": None}, collections.deque(["sink"])
    while waiting:
        end = waiting.popleft()
        for start, size in left[end].items():
            if size and start not in after:
                after[start] = end
                waiting.append(start)
    return after


def build(cut):
    """Makes the two models of a cut.

    Args:
        cut: `Cut`.

    Returns:
        Pair of `keras.Model`, as from `split`.
    """
    graph, name = structure.graph(cut.model), cut.model.name
    tensors = dict(zip(cut.inputs, graph.inputs, strict=True))
    again = graph_calls.Again(cut.calls, "frozen")
    again(cut.frozen, tensors, set(cut.crossing))
    crossing = [tensors[wire] for wire in cut.crossing]
    frozen = keras.Model(graph.input, crossing, name=f"{name}_frozen")
    tensors = graph_calls.entrances(cut.crossing, "stored")
    stored = list(tensors.values())
    once = set(cut.frozen)
    again = graph_calls.Again(cut.calls, "live")
    again([c for c in cut.calls if c not in once], tensors, set(cut.outputs))
    ends = [tensors[wire] for wire in cut.outputs]
    ends = keras.tree.pack_sequence_as(graph.output, ends)
    live = keras.Model(stored, ends, name=f"{name}_live")
    live.output_names = getattr(cut.model, "output_names", live.output_names)
    return frozen, live
