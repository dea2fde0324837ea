"""Any model as a row of parts: its layers, what feeds what, what each costs."""

import dataclasses
import math

import keras

from tlcourse.models import freezing, randomness
from tlcourse.models import graph as graph_calls
from tlcourse.models.graph import graph, is_graph

# Their kernels are put down once for each place or time step of the input.
BY_INPUT = (
    keras.layers.RNN,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """A layer with weights: the smallest thing that is frozen or trains.

    Args:
        path: String, names of the models around it and its own, with slashes.
        layer: `keras.Layer`.
        parameters: Integer, all its numbers.
        learnable: Integer, those that get gradients where the layer trains.
    """

    path: str
    layer: keras.Layer
    parameters: int
    learnable: int

    @property
    def is_batchnorm(self):
        """Whether it keeps moving statistics."""
        return freezing.is_batchnorm(self.layer)


@dataclasses.dataclass(frozen=True)
class Call:
    """One place of the graph where a layer or an operation is applied.

    Args:
        unit: Integer, position in `Structure.units`; None without weights.
        feeds: tuple of integers, the calls that it takes its input from.
        flop: Integer, multiplications and additions of its kernels, one image.
        outputs: Integer, numbers that it puts out for one image.
        random: Boolean, whether it draws random numbers in training.
    """

    unit: int | None
    feeds: tuple
    flop: int
    outputs: int
    random: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """A stage of the base, or what lies before or behind it.

    Args:
        name: String, such as `"stage 2"` or `"head"`.
        note: String, its blocks or layers.
        size: Integer, output height and width, pixels; None where it has none.
        units: tuple of integers, positions in `Structure.units`.
    """

    name: str
    note: str
    size: int | None
    units: tuple


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """What a model is made of.

    Args:
        model: `keras.Model`.
        units: tuple of `Unit`, from input to output.
        calls: tuple of `Call`; each stands behind those that feed it.
        parts: tuple of `Part`, from input to output.
    """

    model: keras.Model
    units: tuple
    calls: tuple
    parts: tuple

    def parameters(self, part):
        """Integer, numbers in a part."""
        return sum(self.units[i].parameters for i in part.units)

    @property
    def n_layers(self):
        """Integer, layers with weights or without; inputs do not count."""
        inside = [layer for inner in models(self.model) for layer in inner.layers]
        inputs = keras.layers.InputLayer
        return len(
            {id(x) for x in inside if not (is_graph(x) or isinstance(x, inputs))}
        )


def read(model):
    """Finds the parts of a model and the way through them.

    Args:
        model: Functional or Sequential `keras.Model`, built, with a fixed input
            size; its base may be a model inside it.

    Returns:
        `Structure`.

    Raises:
        ValueError: If the model has no layers to show, and what to do about it.
    """
    check(model)
    units = tuple(units_of(model))
    places = {id(unit.layer): i for i, unit in enumerate(units)}
    parts = [p for p in _parts(model, places) if p.units]
    return Structure(model, units, tuple(_calls(model, places)), tuple(parts))


def check(model):
    """Refuses what has no layers to show.

    Args:
        model: Should be a built `keras.Model` made of layers.

    Raises:
        ValueError: With what was expected and what to do.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a `keras.Model`. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"Expected a built model. Received: {model.name!r}, which does not know "
            "its input yet. Give it one: `keras.Input((height, width, 3))` as its "
            "first layer, or `model.build((None, height, width, 3))`."
        )
    if not is_graph(model):
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
    for inner in models(model):
        if inner is not model and not inner.weights:
            continue  # preprocessing may take any size
        shapes = [tensor.shape[1:] for tensor in graph(inner).inputs]
        if any(side is None for shape in shapes for side in shape):
            raise ValueError(
                f"Expected a fixed input size. Received: {inner.name!r} with input "
                f"{shapes}. Give every side a number, for pictures "
                "`input_shape=(height, width, 3)`: what a step costs depends on it."
            )


def models(model):
    """A model and all that are nested in it, each once, outer ones first.

    Args:
        model: Functional or Sequential `keras.Model`.

    Returns:
        list of `keras.Model`.
    """
    found = [model]
    for layer in filter(is_graph, model.layers):
        found += [inner for inner in models(layer) if inner not in found]
    return found


def units_of(model, around=""):
    """The layers with weights, each once, also where it is used twice.

    Args:
        model: Functional or Sequential `keras.Model`.
        around: String, put before each path.

    Returns:
        Generator of `Unit`, from input to output.
    """
    seen = set()
    for layer in model.layers:
        if is_graph(layer):
            inner = units_of(layer, f"{around}{layer.name}/")
        else:
            numbers = layer.count_params() if layer.built else 0
            unit = Unit(around + layer.name, layer, numbers, learnable(layer))
            inner = [unit] if numbers else []
        for unit in inner:
            if id(unit.layer) not in seen:
                seen.add(id(unit.layer))
                yield unit


def learnable(layer):
    """Numbers of a layer that get gradients where it trains, frozen now or not.

    Args:
        layer: `keras.Layer`.

    Returns:
        Integer.
    """
    inside = layer._flatten_layers()
    return sum(freezing.count(each._trainable_variables) for each in inside)


def _calls(model, places):
    """The uses of layers, each with those that it takes its input from."""
    inputs, every, _ = graph_calls.read(model, cast=True)
    ends, calls = dict.fromkeys(inputs), []  # which call made a tensor
    for call in every:
        calls.append(_call(call, ends, places))
        ends |= dict.fromkeys(call.makes, len(calls) - 1)
    return calls


def _call(call, ends, places):
    sources = {ends[wire] for wire in call.feeds} - {None}
    outputs = sum(_size(tensor) for tensor in call.node.output_tensors)
    place = places.get(id(call.layer))
    flop = 0 if place is None else _flop(call.node)
    random = any(map(randomness.is_random, randomness.inside(call.layer)))
    return Call(place, tuple(sorted(sources)), flop, outputs, random)


def _size(tensor):
    return math.prod(side or 1 for side in tensor.shape[1:])


def _flop(node):
    """Twice the numbers of a kernel, at each place where it is put down."""
    layer = node.operation
    if isinstance(layer, keras.layers.Embedding):  # looks up, does not multiply
        return 0
    by_input = isinstance(layer, BY_INPUT)
    shape = (node.input_tensors if by_input else node.output_tensors)[0].shape
    places = math.prod(side or 1 for side in shape[1:-1])
    kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
    return 2 * places * freezing.count(kernels)


def _parts(model, places):
    """The parts of a model: those of the bases in it, and the rest."""
    bases = _bases(model)
    if not bases:
        return _own_parts(model, places)
    before, parts, after = [], [], []
    for layer in model.layers:
        if layer in bases:
            around = f"{layer.name}, " if len(bases) > 1 else ""
            inner = _parts(layer, places)
            parts += [dataclasses.replace(p, name=around + p.name) for p in inner]
        else:
            (after if parts else before).append(layer)
    return [
        _part("before the base", None, before, places),
        *parts,
        _part("head", None, after, places),
    ]


def _bases(model):
    """Nested models that are most of a model; ConvNeXt's stem is not one."""
    nested = [layer for layer in model.layers if is_graph(layer) and layer.weights]
    inside = sum(len(list(units_of(layer))) for layer in nested)
    return nested if 2 * inside >= len(list(units_of(model))) else []


def _own_parts(model, places):
    if any(map(_has_maps, model.layers)):
        return [
            _part(stage.name, stage.size, stage.layers, places)
            for stage in freezing.stages(model)
        ]
    return [_part(x.name, None, [x], places) for x in model.layers if x.weights]


def _has_maps(layer):
    return len(getattr(layer.output, "shape", ())) == 4


def _part(name, size, layers, places):
    inside = [
        places[id(unit.layer)]
        for layer in layers
        for unit in (units_of(layer) if is_graph(layer) else _alone(layer))
        if id(unit.layer) in places
    ]
    return Part(name, _note(layers), size, tuple(sorted(set(inside))))


def _alone(layer):
    return [Unit(layer.name, layer, 0, 0)]


def _note(layers):
    """`block_3 to block_5`, or the first layer and the last."""
    weighty = [layer for layer in layers if layer.weights]
    names = [freezing.block(layer) or layer.name for layer in weighty]
    if not names:
        return ""
    return names[0] if names[0] == names[-1] else f"{names[0]} to {names[-1]}"
