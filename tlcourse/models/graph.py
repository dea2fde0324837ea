"""The calls of a model's graph, listed by `keras.models.clone_model`."""

import dataclasses

import keras

from tlcourse.models.nesting import is_graph


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One use of a layer or operation."""

    layer: keras.Operation
    sources: tuple  # positions of the calls that it takes its input from
    inputs: tuple  # of `keras.KerasTensor`
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
    made_by = dict(zip(map(id, model.inputs), makers, strict=True))
    tensors = []  # kept, so that no two have the same id

    def call(layer, *args, **kwargs):
        inputs = symbolic((args, kwargs))
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

    copy = call_layers(model, model.inputs, call)
    return [made_by[id(tensor)] for tensor in copy.outputs]


def call_layers(model, inputs, call):
    """Runs a model's graph on tensors, `call` in place of each layer's call."""
    graph = keras.Model(model.inputs, model.outputs)
    return keras.models.clone_model(graph, inputs, lambda layer: layer, call)


def symbolic(nested):
    """Lists the symbolic tensors among the arguments of a call."""
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
    return is_graph(layer) and (
        bool(layer.weights) or all(None not in x.shape[1:] for x in layer.inputs)
    )
