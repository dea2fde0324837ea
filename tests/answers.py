"""A right answer and plausible wrong ones for every exercise.

`ANSWERS` has for each name the right answer, the wrong ones, each with words that the
check's message has to have, and what the check sees; or a function that makes these.
"""

import functools
import pathlib
import tempfile
import types

import keras
import numpy as np

from tlcourse.course.tracks import load_track
from tlcourse.models import freezing
from tlcourse.training import compile_for
from tlcourse.yosinski.experiment import TREATMENTS
from tlcourse.yosinski.results import Curves


class FinishedJob:
    """A job of twelve shards, of which none is missing any more."""

    n_shards = 12

    def missing(self):
        return []


def _curves():
    """Five seeds that agree: specific from fc6 on."""
    lost = np.array([0, 0, 0, 0, 0.01, 0.05, 0.1])
    tables = {name: np.full((5, 7), 0.8) for name in TREATMENTS}
    tables["AnB"] = tables["BnB"] - lost
    return Curves(np.full(5, 0.8), tables)


CURVES = _curves()
SWEEP = {"rates": [1e-5, 1e-4, 1e-2], "table": [[0.8, 0.8], [0.9, 0.9], [0.1, 0.1]]}
HISTORY = types.SimpleNamespace(history={"val_accuracy": [0.5, 0.9, 0.7, 0.9, 0.8]})
DEPTHS = ["head only", "from stage 5", "from stage 1"]

ANSWERS = {
    "0.1": (42, {23: "Multiply", 21: "2 * 21"}),
    "1.1": (2.0, {24: "How often", 0.436: "Books2", 0.5: "Upside down"}),
    "1.2": (2.25e20, {3.75e19: "six", 6 * 125 * 300: "millions"}),
    "1.3": ("b", {"a": "random numbers", "c": "just use", "z": "one of a, b, c"}),
    "2.1": (36_928, {36_864: "bias", 640: "all 64", 7: "Multiply"}),
    "2.2": (
        "EfficientNetB3",
        {"ResNet50": "not above 80", "ConvNeXtBase": "smaller", "ResNet": "no network"},
    ),
    "2.3": (0.7428, {0.893: "all three", 0.831: "whole", 74: "share"}),
    "3.2": (0.02, {0.8: "scaled once", 0.5: "Too good"}, {"once": 0.8}),
    "4.1": (
        (8, 6, 1280),
        {
            (6, 8, 1280): "Height",
            (8, 6, 3): "colours",
            (None, 8, 6, 1280): "batch",
            (256, 192, 1280): "Divide",
        },
    ),
    "6.1": (130_662, {130_560: "bias", 6_397_542: "Flatten"}),
    "7.1": (
        0.85,
        {0.5: "one label", 0.95: "five labels", 85: "share"},
        {"one": 0.7, "five": 0.9},
    ),
    "7.2": (
        2,
        {1: "from 0", 4: "earlier", 5: "higher", 6: "There were"},
        {"history": HISTORY},
    ),
    "7.3": ("b", {"a": "pixels", "c": "labels"}),
    "8.1": (
        "becad",
        {
            "ebcad": "Train it first",
            "bcead": "overwrites",
            "baecd": "no effect",
            "becda": "before fit",
            "abc": "letters",
        },
    ),
    "8.2": (1e-4, {1e-2: "cliff", 1e-5: "higher mean", 1: "rate itself"}, SWEEP),
    "9.1": (
        0.9,
        {0.88: "frozen head", 0.5: "labels, draw and"},
        {"found": {(5, 0, 0.0): 0.88, (5, 0, 1e-4): 0.9}},
    ),
    "9.2": (
        "head only",
        {"from stage 1": "slowest", "from stage 5": "cheaper", "x": "names"},
        {"names": DEPTHS},
    ),
    "10.3": (
        "eft",
        {
            "fft": "One",
            "eet": "other pictures",
            "ett": "few images",
            "efe": "Three",
            "e": "letters",
        },
    ),
    "11.1": (
        5,
        {6: "loses more", 3: "Look further", 0.5: "number of layers"},
        {"curves": CURVES},
    ),
    "11.2": (
        {("AnB", 6): 0.76},
        [
            ({}, "one point"),
            ({"AnB": 0.7}, "key"),
            ({("AnC", 2): 0.7}, "treatment (BnB"),
            ({("AnB", 3): 0.8}, "already"),
            ({("AnB", 6): 76}, "0 to 1"),
            ({("AnB", 7): 0.8}, "shipped run has 0.700"),
        ],
        {"curves": CURVES, "mine": {("AnB", 3): 0.8}},
    ),
    "11.3": (
        "BnB",
        {"b": "one of", "AnB": "Two reasons", "BnB+": "frozen", "random": "nothing"},
    ),
    "12.1": ("b", {"a": "range", "c": "better, not", "e": "as compiled"}),
    "12.2": ("e", {"a": "still", "b": "move", "d": "rest"}),
    "12.3": ("c", {"b": "labels fit", "d": "not better", "a": "range"}),
    "13.1": (
        {"star": 0.3, "fish": 0.1, "other": 0.6},
        [
            ({"star": 0.7, "fish": 0.3}, "no class more"),
            ({"star": 0.5, "fish": 0.1, "other": 0.4}, "still says star"),
            ("other", "dict"),
        ],
        {"known": ("star", "fish")},
    ),
    "14.1": (
        16,
        {
            15: "late",
            1e9 / 1500 / 43200: "late",
            1e9 / 1500: "one machine",
            1e9 / 1500 / 12: "12 * 3600",
            0.01543: "million",
            1000: "Divide",
        },
        {"rate": 1500.0},
    ),
    "14.2": (
        51_200_000,
        {
            12_800_000: "How many bytes",
            102_400_000: "float64",
            409_600_000: "bits",
            5_120: "10,000 images",
        },
        {"width": 1280},
    ),
    "14.3": (
        3,
        {12: "all of them", 0: "second run", 4: "missing before"},
        {"before": [5, 6, 7], "job": FinishedJob()},
    ),
}


def answers_to(name):
    """The right answer, a list of wrong ones with words, and what the check sees."""
    found = ANSWERS[name]
    right, wrong, *seen = found() if callable(found) else found
    pairs = list(wrong.items() if isinstance(wrong, dict) else wrong)
    return right, pairs, seen[0] if seen else {}


def of(name):
    def register(function):
        ANSWERS[name] = functools.cache(function)
        return function

    return register


@functools.cache
def track():
    return load_track("glyphs")


def new_base():
    return track().build_base(weights="random")


@functools.cache
def base():
    return new_base()


def with_head(inner):
    layers = [inner, keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])


@of("3.1")
def _():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("uint8")
    right = image[None].astype("float32") / 127.5 - 1
    wrong = [
        (right[0], "batch"),
        (image[None] / 255.0, "0 to 1"),
        (image[None], "from 0 to 255"),
        (right + 1, "not -1 to 1"),
    ]
    return right, wrong, {"image": image}


@of("3.3")
def _():
    network = keras.applications.MobileNetV2((64, 64, 3), 0.35, weights=None, classes=5)
    share = (1280 * 5 + 5) / network.count_params()
    wrong = {1 - share: "rest", share / (1 - share): "whole", 0.99: "count_params"}
    return share, wrong, {"network": network}


@of("4.2")
def _():
    ends = [stage.layers[-1].output for stage in freezing.stages(base())]
    wrong = [
        (base(), "whole base"),
        (keras.Model(base().input, ends[1]), "from 0"),
        (new_base(), "new"),
    ]
    return keras.Model(base().input, ends[2]), wrong, {"base": base()}


@of("4.3")
def _():
    names = [stage.name for stage in freezing.stages(base())]
    right = {name: 0.2 + 0.1 * i for i, name in enumerate(names)}
    last = right[names[-1]]
    wrong = [
        ({names[0]: 0.2}, "Missing"),
        (right | {names[0]: 20}, "shares"),
        (right | {names[-1]: 0.1}, "last entry"),
        (dict.fromkeys(names, last), "same"),
    ]
    return right, wrong, {"base": base(), "whole": last}


@of("5.1")
def _():
    inner = new_base()
    model = with_head(inner)
    freezing.unfreeze_from(inner, freezing.stages(inner)[-2].name)
    wrong = {freezing.count(inner.trainable_weights): "dense", 7: "flags are"}
    seen = {"model": model, "base": inner}
    return freezing.count(model.trainable_weights), wrong, seen


@of("5.2")
def _():
    last = freezing.stages(base())[-1].layers
    learning = [x for x in last if not freezing.is_batchnorm(x)]
    flags = sum(freezing.count(x.weights) for x in learning)
    wrong = {0: "never frozen", flags + 12_810: "flags", 9: "compiled and fitted"}
    return 12_810, wrong, {"base": base(), "classes": 10}


@of("5.3")
def _():
    inner = new_base()
    inner.trainable = True
    right = freezing.count(inner.trainable_weights)
    wrong = {
        0: "undoes",
        inner.count_params(): "four",
        right + 12_810: "third",
        5: "Run the three",
    }
    return right, wrong, {"base": inner, "classes": 10}


@of("6.2")
def _():
    pool, dense = keras.layers.GlobalAveragePooling2D, keras.layers.Dense
    out = {"units": 10, "activation": "softmax"}
    hidden = {"units": 64, "activation": "relu"}
    drop = keras.layers.Dropout

    def wrapper(*layers):
        return keras.Sequential([keras.Input(base().output_shape[1:]), *layers])

    right = wrapper(pool(), dense(**hidden), drop(0.3), dense(**out))
    wrong = [
        (wrapper(keras.layers.Flatten(), dense(**out)), "small"),
        (wrapper(pool(), dense(**hidden), dense(**out)), "Received"),
        (wrapper(pool(), dense(32), drop(0.3), dense(**out)), "64 units"),
        (wrapper(pool(), dense(**hidden), drop(0.5), dense(**out)), "0.3"),
        (wrapper(pool(), dense(**hidden), drop(0.3), dense(10)), "softmax"),
    ]
    return right, wrong, {"base": base(), "classes": 10}


@of("6.3")
def _():
    sparse = keras.losses.SparseCategoricalCrossentropy
    other = keras.losses.CategoricalCrossentropy
    return sparse(), [(sparse(from_logits=True), "has done so"), (other(), "integers")]


@of("8.3")
def _():
    inner = new_base()
    stale = with_head(inner)
    freezing.freeze(inner)
    compile_for(stale, 1e-4)
    stale.optimizer.build(stale.trainable_variables)
    inner.trainable = True
    return 0.0, {0.1: "equal", -0.1: "size"}, {"model": stale}


@of("10.1")
def _():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    vectors = rng.normal(0, 0.1, (60, 8)).astype("float32")
    vectors[np.arange(60), labels] += 3

    def network(units, width):
        hidden = keras.layers.Dense(units, activation="relu")
        softmax = keras.layers.Dense(3, activation="softmax")
        return keras.Sequential([keras.Input((width,)), hidden, softmax])

    right, untrained = network(64, 8), network(64, 8)
    right.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    right.fit(vectors, labels, epochs=40, verbose=0)
    untrained.layers[-1].set_weights([np.zeros((64, 3)), np.array([0.0, 0.0, 9.0])])
    wrong = [
        (network(64, 9), "not pictures"),
        (network(32, 8), "64 units"),
        (untrained, "fit"),
    ]
    return right, wrong, {"vectors": vectors, "labels": labels}


@of("10.2")
def _():
    vectors = np.arange(6.0).reshape(2, 3)
    path = pathlib.Path(tempfile.mkdtemp(), "features.npz")
    np.savez(path, vectors=vectors)
    wrong = [(vectors, "array itself"), (np.zeros(3), "Expected")]
    return vectors.copy(), wrong, {"vectors": vectors, "path": path}


@of("13.2")
def _():
    """Ten images of noise; three of the five suspects are the same, lighter."""
    images = np.random.default_rng(0).integers(0, 200, (10, 8, 8, 3), "uint8")
    others = np.random.default_rng(1).integers(0, 200, (2, 8, 8, 3), "uint8")
    suspects = np.concatenate([others, images[:3] + 20])
    wrong = [([0, 2, 3], "Look at [0]"), ([2, 3], "Three"), ([2, 3, 9], "Three")]
    return [4, 2, 3], wrong, {"images": images, "suspects": suspects}


@of("13.3")
def _():
    def network(seed, side=4):
        keras.utils.set_random_seed(seed)
        return keras.Sequential([keras.Input((side,)), keras.layers.Dense(2)])

    saved = network(0)
    loaded = keras.models.clone_model(saved)
    loaded.set_weights(saved.get_weights())
    wrong = [
        (saved, "in memory"),
        (network(1), "differently"),
        (network(0, 5), "input"),
    ]
    return loaded, wrong, {"whole": saved, "images": np.ones((3, 4))}
