"""A model as the list of its calls, through models inside it, and calls as a model."""

import collections
import dataclasses
import itertools
import math

import keras


@dataclasses.dataclass(frozen=True, eq=False)
class Wire:
    """A tensor of the graph; in a model that is used twice, one for each use.

    Args:
        tensor: `keras.KerasTensor`, its shape and dtype.
    """

    tensor: keras.KerasTensor

    @property
    def size(self):
        """Integer, bytes for one image."""
        numbers = math.prod(side or 1 for side in self.tensor.shape[1:])
        return numbers * (2 if "16" in self.tensor.dtype else 4)


@dataclasses.dataclass(eq=False)
class Call:
    """One use of a layer, of an operation, or of a model inside the model.

    Args:
        node: Keras's record: `operation`, `arguments` and tensors.
        feeds: tuple of `Wire`, what goes in.
        scope: tuple of `Call`, the models around it, outer ones first.
        makes: tuple of `Wire`, what comes out.
    """

    node: object
    feeds: tuple
    scope: tuple
    makes: tuple = ()

    @property
    def layer(self):
        """`keras.Layer`, or an operation without weights."""
        return self.node.operation

    @property
    def is_heavy(self):
        """Whether it has a kernel, so that computing it costs something."""
        weights = getattr(self.layer, "weights", ())
        return any(len(weight.shape) > 1 for weight in weights)


def is_graph(layer):
    """Whether a layer is a functional or Sequential model.

    Args:
        layer: `keras.Layer`.

    Returns:
        Boolean.
    """
    return isinstance(layer, keras.Model) and hasattr(graph(layer), "operations")


def graph(model):
    """The functional model inside a Sequential one; any other as it is.

    Args:
        model: `keras.Model`.

    Returns:
        `keras.Model`.
    """
    return getattr(model, "_functional", None) or model


def read(model, cast=False):
    """Lists the calls of a model, and of the models in it.

    A model without weights that takes any size, such as preprocessing, is one call.

    Args:
        model: Built functional or Sequential `keras.Model`.
        cast: Boolean, whether to look also into models that cast their inputs to
            another type first. They cannot be cut inside.

    Returns:
        Three lists: `Wire` of the inputs; `Call`, each behind those that feed it;
        `Wire` of the outputs.
    """
    outer = graph(model)
    inputs = [Wire(tensor) for tensor in outer.inputs]
    wires = dict(zip(map(id, outer.inputs), inputs, strict=True))
    calls = list(_walk(outer, wires, cast))
    return inputs, calls, [wires[id(tensor)] for tensor in outer.outputs]


def _walk(model, wires, cast, scope=()):
    """The calls of a graph; `wires` says which tensor is which."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            feeds = tuple(wires[id(tensor)] for tensor in node.input_tensors)
            call = Call(node, feeds, scope)
            if _opens(call, cast):
                inner = graph(call.layer)
                inside = dict(zip(map(id, inner.inputs), feeds, strict=True))
                yield from _walk(inner, inside, cast, (*scope, call))
                call.makes = tuple(inside[id(tensor)] for tensor in inner.outputs)
            else:
                call.makes = tuple(map(Wire, node.output_tensors))
                yield call
            wires |= zip(map(id, node.output_tensors), call.makes, strict=True)


def _opens(call, cast):
    """Whether it is a model to look into."""
    if not is_graph(call.layer):
        return False
    inputs = graph(call.layer).inputs
    is_open = any(side is None for tensor in inputs for side in tensor.shape[1:])
    if is_open and not call.layer.weights:
        return False  # preprocessing for any size
    wanted = [(x.dtype, len(x.shape)) for x in inputs]
    return cast or wanted == [(w.tensor.dtype, len(w.tensor.shape)) for w in call.feeds]


def entrances(wires, name=None):
    """Makes a new input for each wire.

    Args:
        wires: Iterable of `Wire`.
        name: String, before the number of each input; None for Keras's choice.

    Returns:
        dict, `Wire` to `keras.KerasTensor`.
    """
    return {
        wire: keras.Input(
            batch_shape=wire.tensor.shape,
            dtype=wire.tensor.dtype,
            name=name and f"{name}_{number}",
        )
        for number, wire in enumerate(wires, start=1)
    }


class Again:
    """Calls layers of a model a second time, on other tensors.

    Models inside stay models: whole where all their calls are among those made
    again, otherwise a new one of the calls that are.

    Args:
        every: list of all the `Call` of the model.
        part: String, behind the name of a model that is not whole.
    """

    def __init__(self, every, part):
        self.inside = collections.Counter(c for call in every for c in call.scope)
        self.part = part
        self.times = collections.Counter()  # a name may be there once only

    def __call__(self, calls, tensors, wanted, depth=0):
        """Makes the calls, and adds what they make to `tensors`.

        Args:
            calls: list of `Call`, in order.
            tensors: dict, `Wire` to `keras.KerasTensor`; gets new entries.
            wanted: Set of `Wire` that is taken from these calls.
            depth: Integer, models around `calls`.
        """
        for call, group in itertools.groupby(calls, lambda c: (*c.scope, c)[depth]):
            group = list(group)
            if len(group) == self.inside.get(call, 1):  # a layer, or a whole model
                made, results = call.makes, _apply(call, tensors)
            else:
                others = (other.feeds for other in calls if other not in group)
                used = wanted.union(*others)
                made = [wire for c in group for wire in c.makes if wire in used]
                results = self._part(call, group, tensors, made, depth + 1)
            tensors.update(zip(made, keras.tree.flatten(results), strict=True))

    def _part(self, around, calls, tensors, made, depth):
        own = {wire for call in calls for wire in call.makes}
        needs = dict.fromkeys(w for call in calls for w in call.feeds if w not in own)
        inner = entrances(needs)
        starts = list(inner.values())
        self(calls, inner, set(made), depth)
        ends = [inner[wire] for wire in made]
        name = f"{around.layer.name}_{self.part}"
        self.times[name] += 1
        name += f"_{self.times[name]}" if self.times[name] > 1 else ""
        return keras.Model(starts, ends, name=name)([tensors[w] for w in needs])


def _apply(call, tensors):
    pairs = zip(call.node.input_tensors, call.feeds, strict=True)
    places = {id(tensor): tensors[wire] for tensor, wire in pairs}
    args, kwargs = call.node.arguments.fill_in(places)
    return call.layer(*args, **kwargs)
