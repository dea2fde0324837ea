"""The calls of a model's graph, listed by `keras.models.clone_model`."""

import dataclasses

import keras

from tlcourse.models.nesting import is_graph


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One use of a layer or operation.

    `sources` has the positions in the list of the calls that it takes its input from;
    `inputs` and `outputs` are tuples of `keras.KerasTensor`.
    """

    layer: keras.Operation
    sources: tuple
    inputs: tuple
    outputs: tuple


def list_calls(model):
    """Lists the `Call`s of a functional or Sequential model, sources first.

    Models inside it are listed call by call, each time they are used; one without
    weights that takes any size, such as preprocessing, is one call.
    """
    calls = []
    _follow(model, [()] * len(model.inputs), calls)
    return calls


def _follow(model, makers, calls):
    """Appends a model's calls; takes the makers of its inputs, returns its outputs'."""
    graph = keras.Model(model.inputs, model.outputs)
    made_by = dict(zip(map(id, graph.inputs), makers, strict=True))
    tensors = []  # kept, so that no two have the same id

    def call(layer, *args, **kwargs):
        inputs = _symbolic((args, kwargs))
        before = [made_by[id(tensor)] for tensor in inputs]
        outputs = _outputs(layer, inputs, args, kwargs)
        if _opens(layer):
            after = _follow(layer, before, calls)
        else:
            sources = tuple(sorted(set().union(*before)))
            calls.append(Call(layer, sources, tuple(inputs), tuple(outputs)))
            after = [(len(calls) - 1,)] * len(outputs)
        made_by.update(zip(map(id, outputs), after, strict=True))
        tensors.extend(outputs)
        return outputs

    copy = keras.models.clone_model(graph, graph.inputs, lambda layer: layer, call)
    return [made_by[id(tensor)] for tensor in copy.outputs]


def _symbolic(nested):
    leaves = keras.tree.flatten(nested)
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]


def _outputs(layer, inputs, args, kwargs):
    """The tensors that a call made, or new ones where it was not the first call."""
    if not is_graph(layer):
        first = keras.tree.flatten(layer.input)
        if list(map(id, first)) == list(map(id, inputs)):
            return keras.tree.flatten(layer.output)
    return keras.tree.flatten(layer(*args, **kwargs))


def _opens(layer):
    if not is_graph(layer):
        return False
    any_size = any(None in tensor.shape[1:] for tensor in layer.inputs)
    return bool(layer.weights) or not any_size
