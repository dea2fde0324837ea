"""A model's layers, called anew one by one, and where one tensor crosses.

`keras.models.clone_model` does the calling, also of models inside the model.
"""

import dataclasses

import keras

from tlcourse.models.graph import call_layers, symbolic


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer in a graph; `inputs` and `outputs` are symbolic tensors."""

    layer: object
    inputs: list
    outputs: list

    @property
    def variables(self):
        """The layer's variables, seeds and moving statistics among them."""
        own = getattr(self.layer, "variables", [])
        return [*own, *getattr(self.layer, "metrics_variables", [])]

    @property
    def is_heavy(self):
        """Whether the layer has a kernel, so that computing it costs something."""
        return any(len(variable.shape) > 1 for variable in self.variables)

    @property
    def makes_mask(self):
        """Whether the layer makes a mask, which would not be stored."""
        own = getattr(type(self.layer), "compute_mask", None)
        if own in (None, keras.layers.Layer.compute_mask):
            return False
        tensors = self.inputs if len(self.inputs) > 1 else self.inputs[0]
        return self.layer.compute_mask(tensors, None) is not None

    def __str__(self):
        return f"{self.layer.name!r} ({type(self.layer).__name__})"


def is_graph(layer):
    """Whether it is a functional or Sequential model, run by Keras's own code."""
    start = keras.Input((1,))
    functional = type(keras.Model(start, keras.layers.Identity()(start)))
    return type(layer) in (functional, keras.Sequential) and "call" not in vars(layer)


def list_calls(model):
    """Calls a model's layers anew, those of models inside it one by one.

    Returns the new input, a symbolic tensor, and a list of `Call` in order.
    """
    calls = []

    def call(layer, *args, **kwargs):
        if _opens(layer, args, kwargs):
            before = len(calls)
            call_layers(layer, [args[0]], call)
            return calls[-1].outputs[0] if len(calls) > before else args[0]
        found = layer(*args, **kwargs)
        calls.append(Call(layer, symbolic((args, kwargs)), keras.tree.flatten(found)))
        return found

    start = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    call_layers(model, [start], call)
    return start, calls


def _opens(layer, args, kwargs):
    """Whether calling a model's layers gives the same as calling the model."""
    options = {name for name, value in kwargs.items() if value is not None}
    if not is_graph(layer) or not layer.built or options - {"training"}:
        return False
    if len(layer.inputs) != 1 or len(layer.outputs) != 1 or len(args) != 1:
        return False
    wanted, given = layer.inputs[0], args[0]
    if not isinstance(given, keras.KerasTensor) or (
        None in wanted.shape[1:] and not layer.weights
    ):
        return False
    return (wanted.dtype, len(wanted.shape)) == (given.dtype, len(given.shape))


def crossings(start, calls, end):
    """Places up to call `end` that one tensor crosses: pairs (calls before, tensor)."""
    last_use = {id(x): place for place, each in enumerate(calls) for x in each.inputs}
    last_use[id(calls[-1].outputs[0])] = len(calls)  # the model's output
    alive, found = {id(start): start}, []
    for place, each in enumerate(calls[:end], start=1):
        alive |= {id(tensor): tensor for tensor in each.outputs}
        alive = {key: x for key, x in alive.items() if last_use.get(key, -1) >= place}
        if len(alive) == 1:
            found.append((place, *alive.values()))
    return found
