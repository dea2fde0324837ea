"""How far the weights of a model's parts have moved since an earlier moment."""

import dataclasses

import numpy as np


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
