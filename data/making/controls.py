"""The control that takes long: the base's architecture, trained from scratch.

    python -m data.making.controls --out data

Half an hour on two CPU cores, resumable: every finished training is a row.
"""

import argparse
import pathlib
import types

import keras

from data.making.tables import read_rows, write_rows
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads
from tlcourse.models.nesting import layers_inside
from tlcourse.training import fitting

COUNTS = (1, 5, 10, 20, 50)
DRAWS = 3
STEPS = 1200  # of 32 images, and at most EPOCHS times through the images
EPOCHS = 300
VALIDATIONS = 15  # of each training; the best of them counts
FIELDS = ("labels_per_class", "draw", "epochs", "validation_accuracy")


def scratch_model(track):
    """A track's architecture with random weights and a head, all trainable.

    It gets what a network needs that starts from nothing: augmentation, and a
    momentum of BatchNormalization that follows a short training (MobileNetV2's own,
    0.999, would still remember the random start at its end).
    """
    base = track.build_base(weights="random")
    for layer in filter(freezing.is_batchnorm, layers_inside(base)):
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
    steps = epochs * -(-len(train) // 32)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    options = {"batch_size": 32, "validation_freq": every}
    history = fitting.train(model, train, validation, epochs, schedule, **options)
    kept = types.SimpleNamespace(epoch=history.epoch, history=history.history)
    del model, history
    keras.utils.clear_session(free_memory=True)
    return kept


def train_once(track, per_class, draw):
    """The row of one training from scratch: the accuracy of its best epoch."""
    keras.utils.set_random_seed(draw)
    few = track.train.few(per_class, seed=draw)
    epochs = min(EPOCHS, STEPS // -(-len(few) // 32))
    every = epochs // VALIDATIONS
    history = train_from_scratch(track, few, track.validation, epochs, every)
    best = max(history.history["val_accuracy"])
    return dict(zip(FIELDS, (per_class, draw, epochs, f"{best:.4f}"), strict=True))


def main(out):
    track, path = load_track("glyphs"), pathlib.Path(out, "scratch.csv")
    rows = read_rows(path)
    done = {(int(row[FIELDS[0]]), int(row[FIELDS[1]])) for row in rows}
    for per_class in COUNTS:
        for draw in range(DRAWS):
            if (per_class, draw) not in done:
                rows.append(train_once(track, per_class, draw))
                write_rows(path, rows, FIELDS)
                print(rows[-1], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
