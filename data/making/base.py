"""Trains the base network of the glyphs track, resumable, on any backend.

    python -m data.making.base --out data --work build/base

An hour and a half on two CPU cores with TensorFlow; minutes on a GPU
(KERAS_BACKEND=jax or torch). Interrupted, the same command goes on where the
last checkpoint stood.
"""

import argparse
import json
import os
import pathlib
import time

import keras
import numpy as np

from data.making.augment import SIDE, draw_pictures
from data.making.tables import write_json
from tlcourse.data.glyphs import load_glyph_archive

BATCH = 128
STEPS_PER_ROUND = 250
WARM_UP = 300
EASY_STEPS = 2000  # over which the pictures become as hard as they will be


def build(n_classes):
    """Builds MobileNetV2 0.35 with `n_classes` logits."""
    network = keras.applications.MobileNetV2(
        alpha=0.35,
        input_shape=(SIDE, SIDE, 3),
        weights=None,
        classes=n_classes,
        classifier_activation=None,
    )
    for layer in batchnorms(network):
        layer.momentum = 0.99
    return network


def batchnorms(network):
    kind = keras.layers.BatchNormalization
    return [layer for layer in network.layers if isinstance(layer, kind)]


class Batches(keras.utils.PyDataset):
    """Steps `start` to `stop` of the training; step k is the same every time."""

    def __init__(self, glyphs, start, stop, seed=0, soft=True):
        super().__init__()
        self.glyphs, self.start, self.stop = glyphs, start, stop
        self.seed, self.soft = seed, soft

    def __len__(self):
        return self.stop - self.start

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.start + index))
        at = rng.integers(0, len(self.glyphs.labels), BATCH)
        hard = min(1.0, (self.start + index) / EASY_STEPS) if self.soft else 1.0
        images = draw_pictures(self.glyphs.ink(at), rng, self.soft, hard)
        return scale(images), self.glyphs.labels[at]


def scale(images):
    """MobileNetV2's own preprocessing: 0..255 to -1..1."""
    return images.astype("float32") / 127.5 - 1


def compile_for(network, steps, learning_rate):
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - WARM_UP, warmup_target=learning_rate, warmup_steps=WARM_UP
    )
    network.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def train(glyphs, work, steps, learning_rate):
    """Trains for `steps` steps in rounds; each round ends in a checkpoint."""
    work.mkdir(parents=True, exist_ok=True)
    state = work / "state.json"
    done = json.loads(state.read_text())["step"] if state.exists() else 0
    if done:
        network = keras.models.load_model(work / f"step_{done}.keras")
    else:
        network = build(len(glyphs.class_names))
        compile_for(network, steps, learning_rate)
    while done < steps:
        started, stop = time.time(), min(done + STEPS_PER_ROUND, steps)
        history = network.fit(Batches(glyphs, done, stop), verbose=0, shuffle=False)
        network.save(work / f"step_{stop}.keras")
        write_json(state, {"step": stop})
        (work / f"step_{done}.keras").unlink(missing_ok=True)
        done = stop
        accuracy, seconds = history.history["accuracy"][0], time.time() - started
        print(f"step {done}: accuracy {accuracy:.3f}, {seconds:.0f} s", flush=True)
    return network


def recalibrate(network, glyphs, n_batches=200):
    """Replaces the moving statistics by the average over fresh batches."""
    batches = Batches(glyphs, EASY_STEPS, EASY_STEPS + n_batches, seed=1)
    for index in range(n_batches):
        for layer in batchnorms(network):
            layer.momentum = index / (index + 1)
        network(batches[index][0], training=True)


def evaluate(network, glyphs, n_batches=60):
    """Accuracy on glyphs with rotation, scale, colour and clutter."""
    batches = Batches(glyphs, 0, n_batches, seed=2, soft=False)
    right = [
        (network.predict_on_batch(x).argmax(1) == y).mean()
        for x, y in (batches[index] for index in range(n_batches))
    ]
    return float(np.mean(right))


def save(network, out):
    """Writes the weights with the top, and without it; no optimizer."""
    bare = keras.applications.MobileNetV2(
        alpha=0.35, input_shape=(SIDE, SIDE, 3), include_top=False, weights=None
    )
    bare.set_weights(network.get_weights()[:-2])
    complete = build(network.output_shape[-1])
    complete.set_weights(network.get_weights())
    for model, top in ((complete, ""), (bare, "_no_top")):
        path = out / f"glyphs_mobilenet_v2_0.35_64{top}.weights.h5"
        temporary = path.with_name(f"tmp_{path.name}")
        model.save_weights(temporary)
        os.replace(temporary, path)


def main(out, work, steps, learning_rate):
    keras.utils.set_random_seed(0)
    every = load_glyph_archive(out / "glyphs.npz")
    network = train(every.part("training"), work, steps, learning_rate)
    recalibrate(network, every.part("training"))
    accuracy = evaluate(network, every.part("unseen"))
    print(f"accuracy on unseen fonts, {len(every.class_names)} classes: {accuracy:.4f}")
    save(network, out)
    facts = {"steps": steps, "rate": learning_rate, "batch": BATCH}
    facts["unseen_fonts"] = accuracy
    facts |= {"keras": keras.__version__, "backend": keras.backend.backend()}
    write_json(out / "base.json", facts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="build/base")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    arguments = parser.parse_args()
    main(arguments.out, arguments.work, arguments.steps, arguments.learning_rate)
