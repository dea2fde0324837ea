"""Any model as a row of parts: its layers with weights, and what feeds what."""

import dataclasses

import keras

from tlcourse.models import freezing, graph, nesting, parts


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """A layer with weights: the smallest thing that is frozen or trains."""

    path: str  # the names of the models around it and its own, with slashes
    layer: keras.Layer
    parameters: int  # all its numbers
    learnable: int  # those that get gradients where the layer trains

    @property
    def is_batchnorm(self):
        """Whether it keeps moving statistics."""
        return freezing.is_batchnorm(self.layer)


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
    """Finds the parts of a built model and the way through them, as a `Structure`.

    Raises ValueError if the model has no layers to show, and says what to do about it.
    """
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

    All flags are set for a moment, and put back: those of weights last, as low-rank
    adaptation, for one, sets them below a layer's own.
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


def check_model(model):
    """Refuses what has no layers to show, with what was expected and what to do."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a `keras.Model`. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"Expected a built model. Received: {model.name!r}, which does not know "
            "its input yet. Give it one: `keras.Input((height, width, 3))` as its "
            "first layer, or `model.build((None, height, width, 3))`."
        )
    if not nesting.is_graph(model):
        raise ValueError(
            "Expected a functional or Sequential model, whose layers can be seen. "
            f"Received: {type(model).__name__}, a class of its own. Its flags can be "
            "set one by one: `for layer in model.layers: layer.trainable = ...`"
        )
    _check_sizes(model)
    if not model.weights:
        raise ValueError(
            f"Expected a model with weights. Received: {model.name!r}, which has "
            "none: there is nothing to freeze."
        )


def _check_sizes(model):
    nested = [each for each in nesting.nested_models(model) if each.weights]
    for each in [model, *nested]:  # preprocessing may take any size
        shapes = [tensor.shape[1:] for tensor in each.inputs]
        if any(side is None for shape in shapes for side in shape):
            raise ValueError(
                f"Expected a fixed input size. Received: {each.name!r} with input "
                f"{shapes}. Give every side a number, for pictures "
                "`input_shape=(height, width, 3)`: what a step costs depends on it."
            )
