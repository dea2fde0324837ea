"""Any model as a row of parts: its layers with weights, and what feeds what."""

import dataclasses
import functools

import keras

from tlcourse.models import freezing, graph, nesting, parts
from tlcourse.models.nesting import check_model


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """A layer with weights: the smallest thing that is frozen or trains."""

    path: str  # the names of the models around it and its own, with slashes
    layer: keras.Layer
    parameters: int  # all its numbers
    learnable: int  # those that get gradients where the layer trains

    @functools.cached_property
    def is_batchnorm(self):
        """Whether it keeps moving statistics, or a layer inside it does."""
        return any(map(freezing.is_batchnorm, nesting.layers_inside(self.layer)))


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """A model, its `Unit`s, its `graph.Call`s and its `parts.Part`s, in order."""

    model: keras.Model
    units: tuple
    calls: tuple
    parts: tuple

    def parameters(self, part):
        """Counts the numbers in a part."""
        return sum(self.units[i].parameters for i in part.units)

    @property
    def n_layers(self):
        """Number of layers with weights or without; inputs do not count."""
        inputs = keras.layers.InputLayer
        return sum(not isinstance(x, inputs) for x in nesting.leaves(self.model))


def find_structure(model):
    """Finds the parts of a built model and the way through them, as a `Structure`."""
    check_model(model)
    learnable = _learnable(model)
    units = []
    for path, layer in _paths(model):
        chosen = [weight for weight in layer.weights if id(weight) in learnable]
        numbers = layer.count_params(), freezing.count(chosen)
        units.append(Unit(path, layer, *numbers))
    found = parts.find_parts(model, [unit.layer for unit in units])
    return Structure(model, tuple(units), tuple(graph.list_calls(model)), found)


def _paths(model, around=""):
    """Paths and layers of a model, those with weights, each layer once."""
    found = {}
    for layer in model.layers:
        if nesting.is_graph(layer):
            inner = _paths(layer, f"{around}{layer.name}/")
        else:
            inner = [(around + layer.name, layer)] if layer.weights else []
        for path, leaf in inner:
            found.setdefault(id(leaf), (path, leaf))
    return list(found.values())


def _learnable(model):
    """Ids of the weights that get gradients where everything trains.

    Flags are set for a moment, and put back: those of weights last, for LoRA.
    """
    layers = nesting.layers_inside(model)
    flags = [(each, each.trainable) for each in (*layers, *model.weights)]
    try:
        for flag in (False, True):  # TensorFlow skips an assignment without a change
            for layer in layers:
                layer.trainable = flag
        return set(map(id, model.trainable_weights))
    finally:
        for each, flag in flags:
            each.trainable = flag
