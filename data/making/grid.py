"""The grid of lesson 09: depth of unfreezing against number of labels, two tasks.

    python -m data.making.grid --out data

A quarter of an hour on one CPU core, resumable: every finished cell is in the file.
"""

import argparse
import pathlib

import keras
import numpy as np

from data.making.tables import read_rows, write_rows
from tlcourse import data
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing
from tlcourse.training import fine_tuning

FROZEN = 0.0  # in the table, the learning rate of the frozen head
DRAWS = (0, 1, 2)
DEPTHS = ("stage 1", "stage 4", "stage 5")
HEAD_EPOCHS = 40
# Labels per class to epochs; batch, and learning rates, of each task.
EPOCHS = {
    "near": {1: 30, 5: 20, 50: 3},
    "far": {10: 15, 50: 12, 150: 8},
}
BATCH = {"near": 16, "far": 32}
RATES = {"near": (5e-5, 3e-4), "far": (3e-3,)}
FIELDS = ("task", "first", "labels_per_class", "draw", "rate", "validation", "test")


def load_task(name, track):
    """A function that draws training images, and the validation and test images."""
    if name == "near":
        return track.train.few, track.validation, track.test

    def few(per_class, seed):
        return data.load_counting(6 * per_class, seed=seed)

    held_out = ((300, "validation"), (900, "test"))
    return few, *(data.load_counting(n, part) for n, part in held_out)


class Depth:
    """A base that is frozen up to a stage, with a head: the frozen part runs once."""

    def __init__(self, track, first, n_classes, rate):
        keras.utils.set_random_seed(0)
        base = track.build_base()
        freezing.unfreeze_from(base, first)
        stages = {stage.name: stage for stage in freezing.stages(base)}
        cut = stages[first].layers[0]
        cut = cut.output if isinstance(cut, keras.layers.InputLayer) else cut.input
        pooled = keras.layers.GlobalAveragePooling2D()(base.output)
        dense = keras.layers.Dense(n_classes, activation="softmax")
        self.front = keras.Model(base.input, cut)
        self.middle = keras.Model(cut, pooled)
        self.tail = keras.Model(cut, dense(pooled))
        self.tail.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy"
        )
        self.tail.optimizer.build(self.tail.trainable_variables)
        self.start = self.tail.get_weights()

    def begin_again(self, rate, head=()):
        """Takes the tail back to the start, or to that with another head."""
        weights = [*self.start[: len(self.start) - len(head)], *head]
        fine_tuning.begin_again(self.tail, weights)
        self.tail.optimizer.learning_rate = rate

    def pass_front(self, dataset):
        """What the frozen part puts out: computed once, as it stays."""
        return self.front.predict(dataset.images / 127.5 - 1, 64, verbose=0)


def cosine(rate, epochs):
    """A function of the epoch: a learning rate that sinks to nearly nothing."""
    return lambda epoch, _: rate * (1 + np.cos(np.pi * epoch / epochs)) / 2


def train_head(features, labels, n_classes):
    """Kernel and bias of a head on the frozen base's features.

    From the same numbers every time, and in the same order: every depth and learning
    rate of a draw has one start, whatever was trained before in the process.
    """
    dense = keras.layers.Dense(n_classes, activation="softmax", dtype="float32")
    head = keras.Sequential([keras.Input(features.shape[1:]), dense])
    first = keras.initializers.GlorotUniform(seed=0)(head.weights[0].shape)
    head.set_weights([first, np.zeros(n_classes)])
    head.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    head.fit(features, labels, 32, HEAD_EPOCHS, verbose=0, shuffle=False)
    return head.get_weights()


def cells(depth, task, few, held_out, per_class):
    """Yields draw, learning rate, and accuracy on each of the held-out datasets."""
    epochs, batch = EPOCHS[task][per_class], BATCH[task]
    for draw in DRAWS:
        images = few(per_class, draw)
        depth.begin_again(FROZEN)
        x, n_classes = depth.pass_front(images), len(images.class_names)
        features = depth.middle.predict(x, 64, verbose=0)
        head = train_head(features, images.labels, n_classes)
        for rate in (FROZEN, *RATES[task]):
            depth.begin_again(rate, head)
            if rate != FROZEN:
                sinking = keras.callbacks.LearningRateScheduler(cosine(rate, epochs))
                depth.tail.fit(x, images.labels, batch, epochs, 0, callbacks=[sinking])
            found = [depth.tail.predict(each, 64, verbose=0) for each, _ in held_out]
            right = zip(found, (labels for _, labels in held_out), strict=True)
            yield draw, rate, *(np.mean(p.argmax(1) == y) for p, y in right)


def main(out):
    track, path = load_track("glyphs"), pathlib.Path(out, "grid.csv")
    rows = read_rows(path)
    done = {(r["task"], r["first"], int(r["labels_per_class"])) for r in rows}
    for first in DEPTHS:
        for task, counts in reversed(EPOCHS.items()):
            if left := [n for n in counts if (task, first, n) not in done]:
                few, *others = load_task(task, track)
                n_classes = len(others[0].class_names)
                depth = Depth(track, first, n_classes, RATES[task][0])
                held_out = [(depth.pass_front(each), each.labels) for each in others]
                for n in left:
                    for draw, rate, *right in cells(depth, task, few, held_out, n):
                        right = (f"{figure:.4f}" for figure in right)
                        values = (task, first, n, draw, rate, *right)
                        rows.append(dict(zip(FIELDS, values, strict=True)))
                    write_rows(path, rows, FIELDS)
                    print(task, first, n, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
