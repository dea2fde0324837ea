"""A model as the list of its calls, through models inside it, and calls as a model."""

import collections
import dataclasses
import itertools
import math

import keras

from tlcourse import structure


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


def read(model):
    """Lists the calls of a model, and of the models in it.

    Args:
        model: Built functional or Sequential `keras.Model`.

    Returns:
        Three lists: `Wire` of the inputs; `Call`, each behind those that feed it;
        `Wire` of the outputs.
    """
    graph = structure.graph(model)
    inputs = [Wire(tensor) for tensor in graph.inputs]
    wires = dict(zip(map(id, graph.inputs), inputs, strict=True))
    calls = list(_walk(graph, wires))
    return inputs, calls, [wires[id(tensor)] for tensor in graph.outputs]


def _walk(graph, wires, scope=()):
    """The calls of a graph; `wires` says which tensor is which."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            feeds = tuple(wires[id(tensor)] for tensor in node.input_tensors)
            call = Call(node, feeds, scope)
            if _opens(call):
                inner = structure.graph(call.layer)
                inside = dict(zip(map(id, inner.inputs), feeds, strict=True))
                yield from _walk(inner, inside, (*scope, call))
                call.makes = tuple(inside[id(tensor)] for tensor in inner.outputs)
            else:
                call.makes = tuple(map(Wire, node.output_tensors))
                yield call
            wires |= zip(map(id, node.output_tensors), call.makes, strict=True)


def _opens(call):
    """Whether it is a model that takes its inputs as they come, not cast first."""
    if not structure.is_graph(call.layer):
        return False
    wanted = [(x.dtype, len(x.shape)) for x in structure.graph(call.layer).inputs]
    return wanted == [(w.tensor.dtype, len(w.tensor.shape)) for w in call.feeds]


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
