"""Any model as a row of parts: its layers with weights, and what feeds what."""

import dataclasses
import functools

import keras
import numpy as np

from tlcourse.models import freezing, graph, nesting
from tlcourse.models.nesting import check_model
from tlcourse.models.stages import block, stages


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


@dataclasses.dataclass(frozen=True)
class Part:
    """A stage of the base, or what lies before or behind it."""

    name: str
    note: str  # its blocks or layers
    size: int | None  # output height and width in pixels
    units: tuple  # positions in `Structure.units`


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """A model, its `Unit`s, its `graph.Call`s and its `Part`s, in order."""

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
    positions = {id(unit.layer): i for i, unit in enumerate(units)}
    found = tuple(part for part in _parts(model, positions) if part.units)
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


def _parts(model, positions):
    bases = nesting.bases_in(model)
    if not bases:
        return _own_parts(model, positions)
    before, parts, after = [], [], []
    for layer in model.layers:
        if layer in bases:
            around = f"{layer.name}, " if len(bases) > 1 else ""
            inner = _parts(layer, positions)
            parts += [dataclasses.replace(p, name=around + p.name) for p in inner]
        else:
            (after if parts else before).append(layer)
    return [
        _part("before the base", None, before, positions),
        *parts,
        _part("head", None, after, positions),
    ]


def _own_parts(model, positions):
    if any(len(getattr(x.output, "shape", ())) == 4 for x in model.layers):  # maps
        return [
            _part(stage.name, stage.size, stage.layers, positions)
            for stage in stages(model)
        ]
    return [_part(x.name, None, [x], positions) for x in model.layers if x.weights]


def _part(name, size, layers, positions):
    inside = set()
    for layer in layers:
        each = nesting.leaves(layer) if nesting.is_graph(layer) else [layer]
        inside |= {positions[id(leaf)] for leaf in each if id(leaf) in positions}
    return Part(name, _note(layers), size, tuple(sorted(inside)))


def _note(layers):
    """`block_3 to block_5`, or the first layer and the last."""
    names = [block(layer) or layer.name for layer in layers if layer.weights]
    if not names:
        return ""
    return names[0] if names[0] == names[-1] else f"{names[0]} to {names[-1]}"


@dataclasses.dataclass(frozen=True)
class Movement:
    """Of one part: changes as shares of what was there, by length; None without any."""

    weights: float | None  # what can learn
    averages: float | None  # the moving statistics of BatchNormalization


def movement(structure, before):
    """A `Movement` for each part of a `Structure`, since these `get_weights`."""
    weights = structure.model.weights
    then = {id(weight): old for weight, old in zip(weights, before, strict=True)}
    found = []
    for part in structure.parts:
        inside = [w for i in part.units for w in structure.units[i].layer.weights]
        averages = [w for w in inside if w.path.endswith(("/moving_mean", "_variance"))]
        ids = set(map(id, averages))
        others = [w for w in inside if id(w) not in ids]
        found.append(Movement(_change(others, then), _change(averages, then)))
    return found


def _change(weights, then):
    if not weights:
        return None
    old = [then[id(weight)] for weight in weights]
    away = (np.sum((w.numpy() - x) ** 2) for w, x in zip(weights, old, strict=True))
    return float(np.sqrt(sum(away) / max(sum(np.sum(x**2) for x in old), 1e-30)))
