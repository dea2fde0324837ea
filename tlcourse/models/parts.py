"""The parts of a model that a panel shows: stages of its base, head, and the rest."""

import dataclasses

from tlcourse.models import nesting
from tlcourse.models.stages import block, stages


@dataclasses.dataclass(frozen=True)
class Part:
    """A stage of the base, or what lies before or behind it."""

    name: str
    note: str  # its blocks or layers
    size: int | None  # output height and width in pixels
    units: tuple  # positions in `Structure.units`


def find_parts(model, weighted):
    """Cuts a model into `Part`s, given its layers with weights from input to output."""
    positions = {id(layer): i for i, layer in enumerate(weighted)}
    return tuple(part for part in _parts(model, positions) if part.units)


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
    if any(map(_has_maps, model.layers)):
        return [
            _part(stage.name, stage.size, stage.layers, positions)
            for stage in stages(model)
        ]
    return [_part(x.name, None, [x], positions) for x in model.layers if x.weights]


def _has_maps(layer):
    return len(getattr(layer.output, "shape", ())) == 4


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
