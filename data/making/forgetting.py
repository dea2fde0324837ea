"""The numbers of the picture "Forgetting dial": what tuning does at each rate.

    python -m data.making.forgetting --out data

Ten minutes on two CPU cores. Interrupted, it goes on where it was.
"""

import argparse
import base64
import json
import pathlib

import keras
import numpy as np

from data.making.curves import sheet
from tlcourse import data
from tlcourse._util import atomic
from tlcourse.course.tracks import load_track

NAME = "forgetting.json"
RATES = [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
STEPS = [0, 1, 2, 5, 10, 20, 50, 100, 200]
LABELS, BATCH_SIZE = 5, 10
QUERIES, POOL, NEAREST = 3, 60, 5  # validation images, and how many are near
LETTERS = 300  # of the base's own task
SHOT = 48  # pixels of an image that is shown


class Tuning:
    """A base with a trained head; `run` tunes both at one rate."""

    def __init__(self):
        keras.utils.set_random_seed(0)
        self.track = load_track("glyphs")
        self.train = self.track.train.few(LABELS)
        self.held_out = self.track.validation
        self.complete, _ = self.track.build_complete()
        self.letters = data.load_glyphs(LETTERS)
        self.base = self.track.build_base()
        self.base.trainable = False
        pool = keras.layers.GlobalAveragePooling2D()
        head = keras.layers.Dense(len(self.track.class_names), activation="softmax")
        parts = [keras.Input(self.track.input_shape), self.track.preprocess, self.base]
        self.model = keras.Sequential([*parts, pool, head])
        self._train_head(pool, head)
        for layer in self.base.layers:
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
        self.model.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.start = self.model.get_weights()
        self.describe = keras.Model(self.model.inputs, self.model.layers[-2].output)

    def _train_head(self, pool, head):
        """On what the base says, computed once; not to the end: the loss shall fall."""
        described = keras.Sequential([*self.model.layers[:2], pool])
        vectors = described.predict(self.train.images, verbose=0)
        small = keras.Sequential([keras.Input(vectors.shape[1:]), head])
        small.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
        small.fit(vectors, self.train.labels, epochs=8, verbose=0)

    def run(self, rate, steps=STEPS):
        """What is seen after each of `steps`: a list of dicts."""
        self.model.set_weights(self.start)
        for state in self.model.optimizer.variables:
            state.assign(keras.ops.zeros_like(state))
        self.model.optimizer.learning_rate = rate
        rng, order, seen = np.random.default_rng(0), [], []
        for step in range(steps[-1] + 1):
            if step in steps:
                seen.append(self.look())
            if len(order) < BATCH_SIZE:
                order = rng.permutation(len(self.train)).tolist()
            at, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
            self.model.train_on_batch(self.train.images[at], self.train.labels[at])
        return seen

    def look(self):
        """Losses, accuracies, filters and neighbours, as they are now."""
        loss, right = self.model.evaluate(
            self.train.images, self.train.labels, verbose=0
        )
        held_out = self.model.predict(self.held_out.images, verbose=0).argmax(axis=1)
        kernel = self.base.layers[1].get_weights()[0]
        return {
            "loss": round(min(float(loss), 99.0), 4),
            "training": round(float(right), 4),
            "held_out": round(float(np.mean(held_out == self.held_out.labels)), 4),
            "own": self.own_task(),
            "filters": as_text(kernel),
            "nearest": self.nearest(),
        }

    def own_task(self):
        """Share of letters that the base still reads, with the top it came with."""
        network, weights = self.complete.layers[-1], self.base.get_weights()
        network.set_weights([*weights, *network.get_weights()[len(weights) :]])
        read = self.complete.predict(self.letters.images, verbose=0).argmax(axis=1)
        return round(float(np.mean(read == self.letters.labels)), 4)

    def nearest(self):
        """The images of the pool that lie nearest to each query, by cosine."""
        vectors = self.describe.predict(self.held_out.images[:POOL], verbose=0)
        vectors = np.nan_to_num(vectors)
        long = np.linalg.norm(vectors, axis=1, keepdims=True)
        alike = (vectors / np.maximum(long, 1e-9)) @ (
            vectors / np.maximum(long, 1e-9)
        ).T
        np.fill_diagonal(alike, -np.inf)
        order = np.argsort(-alike[:QUERIES], axis=1, kind="stable")
        return order[:, :NEAREST].tolist()


def as_text(kernel):
    """Filters `(3, 3, 3, n)` as bytes `(n, 3, 3, 3)`, each from its own darkest to
    its brightest, in base64."""
    each = np.nan_to_num(np.moveaxis(kernel, -1, 0))
    low, high = (f(each, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    scaled = (each - low) / np.maximum(high - low, 1e-9)
    return base64.b64encode((255 * scaled).round().astype("uint8").tobytes()).decode()


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    path = parser.parse_args(arguments).out / NAME
    begun = path.with_suffix(".begun.json")
    runs = json.loads(begun.read_text("utf-8")) if begun.exists() else {}
    tuning = Tuning()
    for rate in RATES:
        if f"{rate:g}" in runs:
            continue
        runs[f"{rate:g}"] = seen = tuning.run(rate)
        with atomic.write_file(begun) as file:
            file.write(json.dumps(runs).encode())
        for name in ("loss", "held_out", "own"):
            print(f"{rate:g} {name}", seen[0][name], seen[-1][name], flush=True)
    pool = tuning.held_out.images[None, :POOL]
    made = {
        "rates": RATES,
        "steps": STEPS,
        "runs": [runs[f"{rate:g}"] for rate in RATES],
        "labels": tuning.held_out.labels[:POOL].tolist(),
        "classes": tuning.track.class_names,
        "pool": sheet(pool, SHOT),
    }
    with atomic.write_file(path) as file:
        file.write(json.dumps(made).encode() + b"\n")
    begun.unlink()


if __name__ == "__main__":
    main()
