"""Three patients for lesson 12: trainings with one mistake each.

Look at them before you read on: this file knows what they have.
"""

import dataclasses

import numpy as np

from tlcourse import data
from tlcourse.models import freezing
from tlcourse.training import fine_tuning
from tlcourse.training.fitting import compile_for
from tlcourse.training.probes import vectors

PER_CLASS = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Patient:
    """A training that went wrong: its compiled model, and all there is to examine."""

    symptom: str
    model: object
    train: data.Dataset
    held_out: data.Dataset


def patient(name, track):
    """Admits `Patient` "A", "B" or "C" of a `Track`: the training runs now."""
    makers = {"A": _first, "B": _second, "C": _third}
    if name not in makers:
        raise ValueError(f"Expected a patient 'A', 'B' or 'C'. Received: {name!r}")
    return makers[name](track)


def _fitted(track, train):
    """A model whose wrapper was trained on `train`, and its accuracy there."""
    model, base = fine_tuning.wrapped(track)
    wrapper = model.get_layer("classes")
    seen = vectors(track, train, "features")
    probe = fine_tuning.small_head(seen.shape[1:], len(track.class_names))
    compile_for(probe, 1e-2).fit(seen, train.labels, epochs=30, verbose=0)
    wrapper.set_weights(probe.get_weights())
    return compile_for(model, 1e-2), base


def _first(track):
    few = track.train.few(PER_CLASS)
    mixed = data.Dataset(few.images, np.roll(few.labels, 7), few.class_names)
    model, _ = _fitted(track, mixed)
    right = fine_tuning.accuracy(model, track.validation)
    symptom = f"right on held-out images: {right:.2f}, as if it guessed"
    return Patient(symptom, model, mixed, track.validation)


def _second(track):
    few = track.train.few(PER_CLASS)
    model, base = _fitted(track, few)
    model.fit(few.images, few.labels, verbose=0)
    before, saved = base.get_weights(), model.get_weights()
    freezing.unfreeze_from(base, freezing.stages(base)[0].name)
    if not freezing.trains(model).stale:
        raise RuntimeError("Expected a stale compile. Received a fresh one.")
    try:
        model.fit(few.images, few.labels, verbose=0)
    except ValueError:  # on PyTorch and JAX; on JAX, a `fit` that stops loses weights
        model.set_weights(saved)
    moved = max(
        np.abs(a - b).max() for a, b in zip(before, base.get_weights(), strict=True)
    )
    symptom = f"base unfrozen, yet the largest change of its weights is {moved:.1f}"
    return Patient(symptom, model, few, track.validation)


def _third(track):
    few, tested = track.train.few(PER_CLASS), track.validation.few(PER_CLASS)
    both = data.Dataset(
        np.concatenate([few.images, tested.images]),
        np.concatenate([few.labels, tested.labels]),
        few.class_names,
    )
    model, _ = _fitted(track, both)
    right = fine_tuning.accuracy(model, tested)
    symptom = f"right on held-out images: {right:.2f}, better than ever"
    return Patient(symptom, model, both, tested)
