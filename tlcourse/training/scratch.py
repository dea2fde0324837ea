"""The control: the same architecture, trained from random weights."""

import types

import keras
import numpy as np

from tlcourse._util import assets
from tlcourse.models import heads
from tlcourse.models.freezing import is_batchnorm
from tlcourse.models.nesting import layers_inside
from tlcourse.training import fitting

BATCH = 32


def scratch_model(track):
    """A track's architecture with random weights and a head, all trainable.

    It gets what a network needs that starts from nothing: augmentation, and a
    momentum of BatchNormalization that follows a short training (MobileNetV2's own,
    0.999, would still remember the random start at its end).
    """
    base = track.build_base(weights="random")
    for layer in filter(is_batchnorm, layers_inside(base)):
        layer.momentum = 0.9
    glyphs = track.name == "glyphs"
    augment = heads.augmentation(flip=not glyphs, negative=glyphs)
    return heads.wrap(base, len(track.class_names), "pool", track.preprocess, augment)


def train_from_scratch(track, train, validation, epochs, every=1):
    """Trains the control with a decaying learning rate; its best epoch counts.

    Args:
        track: `Track`.
        train: `Dataset` to learn from.
        validation: `Dataset` to measure on.
        epochs: Integer.
        every: Integer, epochs from one look at the validation set to the next.

    Returns:
        What a `keras.callbacks.History` holds: `.history` and `.epoch`. The
        network is dropped: with its graphs it takes half a gigabyte.
    """
    model = scratch_model(track)
    fitting.check_fit(model, train, validation)
    steps = epochs * -(-len(train) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    options = {"batch_size": BATCH, "validation_freq": every}
    history = fitting.train(model, train, validation, epochs, schedule, **options)
    kept = types.SimpleNamespace(epoch=history.epoch, history=history.history)
    del model, history
    keras.utils.clear_session(free_memory=True)
    return kept


def shipped_scratch(track, counts):
    """Shipped results of `train_from_scratch`, which takes too long to repeat.

    Returns a dict for `plots.label_curves`: `"from scratch"` to float `(counts,
    draws)`, validation accuracies 0..1 of the best epochs; empty for flowers.
    """
    if track.name != "glyphs":
        return {}
    rows = np.loadtxt(assets.shipped("scratch.csv"), delimiter=",", skiprows=1)
    table = [rows[rows[:, 0] == count, 3] for count in counts]
    return {"from scratch": np.array(table)}
