"""A right answer and plausible wrong ones for every exercise.

Each function gives what the check sees, the right answer, and a list of pairs: a
wrong answer, and words that the check's message has to have.
"""

import functools
import pathlib
import tempfile
import types

import keras
import numpy as np

from tlcourse.course.tracks import load_track
from tlcourse.models import freezing
from tlcourse.training import clinic, tuning
from tlcourse.yosinski.experiment import TREATMENTS
from tlcourse.yosinski.results import Curves

ANSWERS = {}


def of(name):
    def register(function):
        ANSWERS[name] = function
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


def letters(right, wrong):
    return lambda: ({}, right, wrong)


of("0.1")(lambda: ({}, 42, [(23, "Multiply"), (21, "2 * 21")]))
of("1.1")(
    lambda: ({}, 2.0, [(24, "How often"), (0.436, "Books2"), (0.5, "Upside down")])
)
of("1.2")(lambda: ({}, 2.25e20, [(3.75e19, "six"), (6 * 125 * 300, "millions")]))
of("1.3")(letters("b", [("a", "random numbers"), ("c", "just use"), ("z", "letters")]))
of("2.1")(lambda: ({}, 36_928, [(36_864, "bias"), (640, "all 64"), (7, "Multiply")]))
of("2.2")(
    lambda: (
        {},
        "EfficientNetB3",
        [
            ("ResNet50", "not above 80"),
            ("ConvNeXtBase", "smaller"),
            ("ResNet", "no network"),
        ],
    )
)
of("2.3")(lambda: ({}, 0.7428, [(0.893, "all three"), (0.831, "whole"), (74, "share")]))


@of("3.1")
def _():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("uint8")
    right = image[None].astype("float32") / 127.5 - 1
    wrong = [
        (right[0], "batch"),
        (image[None] / 255.0, "0 to 1"),
        (image[None], "whole"),
    ]
    return {"image": image}, right, [*wrong, (right + 1, "not -1 to 1")]


of("3.2")(lambda: ({"once": 0.8}, 0.02, [(0.8, "scaled once"), (0.5, "Too good")]))


@of("3.3")
def _():
    network = keras.applications.MobileNetV2(
        input_shape=(64, 64, 3), alpha=0.35, weights=None, classes=50
    )
    share = (1280 * 50 + 50) / network.count_params()
    return (
        {"network": network},
        share,
        [(1 - share, "rest"), (share / (1 - share), "whole"), (0.99, "count_params")],
    )


of("4.1")(
    lambda: (
        {},
        (8, 6, 1280),
        [
            ((6, 8, 1280), "Height"),
            ((8, 6, 3), "colours"),
            ((None, 8, 6, 1280), "batch"),
            ((256, 192, 1280), "Divide"),
        ],
    )
)


@of("4.2")
def _():
    ends = [stage.layers[-1].output for stage in freezing.stages(base())]
    right = keras.Model(base().input, ends[2])
    wrong = [
        (base(), "whole base"),
        (keras.Model(base().input, ends[1]), "from 0"),
        (new_base(), "new"),
    ]
    return {"base": base()}, right, wrong


@of("4.3")
def _():
    names = [stage.name for stage in freezing.stages(base())]
    right = {name: 0.2 + 0.1 * i for i, name in enumerate(names)}
    last = right[names[-1]]
    return (
        {"base": base(), "whole": last},
        right,
        [
            ({names[0]: 0.2}, "Missing"),
            (right | {names[0]: 20}, "shares"),
            (right | {names[-1]: 0.1}, "last entry"),
            (dict.fromkeys(names, last), "same"),
        ],
    )


@of("5.1")
def _():
    inner = new_base()
    model, _ = _with_head(inner)
    freezing.unfreeze_from(inner, freezing.stages(inner)[-2].name)
    right = freezing.count(model.trainable_weights)
    head = freezing.count(inner.trainable_weights)
    return {"model": model, "base": inner}, right, [(head, "dense"), (7, "flags are")]


def _with_head(inner):
    layers = [inner, keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
    return model, inner


@of("5.2")
def _():
    last = freezing.stages(base())[-1].layers
    thawed = [x for x in last if not freezing.is_batchnorm(x)]
    flags = sum(freezing.count(x.weights) for x in thawed)
    seen = {"base": base(), "classes": 10}
    wrong = [(0, "never frozen"), (flags + 12_810, "flags"), (9, "compiled and fitted")]
    return seen, 12_810, wrong


@of("5.3")
def _():
    inner = new_base()
    inner.trainable = True
    right = freezing.count(inner.trainable_weights)
    wrong = [(0, "undoes"), (inner.count_params(), "four"), (right + 12_810, "third")]
    return {"base": inner, "classes": 10}, right, [*wrong, (5, "Run the three")]


of("6.1")(lambda: ({}, 130_662, [(130_560, "bias"), (6_397_542, "Flatten")]))


@of("6.2")
def _():
    pool, dense = keras.layers.GlobalAveragePooling2D, keras.layers.Dense
    out = {"units": 10, "activation": "softmax"}

    def wrapper(*layers):
        return keras.Sequential([keras.Input(base().output_shape[1:]), *layers])

    hidden = {"units": 64, "activation": "relu"}
    drop = keras.layers.Dropout
    right = wrapper(pool(), dense(**hidden), drop(0.3), dense(**out))
    wrong = [
        (wrapper(keras.layers.Flatten(), dense(**out)), "small"),
        (wrapper(pool(), dense(**hidden), dense(**out)), "missing"),
        (wrapper(pool(), dense(32), drop(0.3), dense(**out)), "64 units"),
        (wrapper(pool(), dense(**hidden), drop(0.5), dense(**out)), "0.3"),
        (wrapper(pool(), dense(**hidden), drop(0.3), dense(10)), "softmax"),
    ]
    return {"base": base(), "classes": 10}, right, wrong


@of("6.3")
def _():
    losses = keras.losses
    wrong = [
        (losses.SparseCategoricalCrossentropy(from_logits=True), "has done so"),
        (losses.CategoricalCrossentropy(), "integers"),
    ]
    return {}, losses.SparseCategoricalCrossentropy(), wrong


of("7.1")(
    lambda: (
        {"one": 0.7, "five": 0.9},
        0.85,
        [(0.5, "one label"), (0.95, "five labels"), (85, "share")],
    )
)


@of("7.2")
def _():
    values = [0.5, 0.9, 0.7, 0.9, 0.8]
    history = types.SimpleNamespace(history={"val_accuracy": values})
    wrong = [(1, "from 0"), (4, "earlier"), (5, "higher"), (6, "There were")]
    return {"history": history}, 2, wrong


of("7.3")(letters("b", [("a", "pixels"), ("c", "labels")]))
of("8.1")(
    letters(
        "becad",
        [
            ("ebcad", "Train it first"),
            ("bcead", "overwrites"),
            ("baecd", "no effect"),
            ("becda", "before fit"),
            ("abc", "letters"),
        ],
    )
)
of("8.2")(
    lambda: (
        {"rates": [1e-5, 1e-4, 1e-2], "table": [[0.8, 0.8], [0.9, 0.9], [0.1, 0.1]]},
        1e-4,
        [(1e-2, "cliff"), (1e-5, "higher mean"), (1, "rate itself")],
    )
)


@of("8.3")
def _():
    stale, inner = _with_head(new_base())
    freezing.freeze(inner)
    tuning.compile_for(stale, 1e-4)
    stale.optimizer.build(stale.trainable_variables)
    inner.trainable = True
    return {"model": stale}, 0.0, [(0.1, "equal"), (-0.1, "size")]


@of("9.1")
def _():
    found = {(5, 0, 0.0): 0.88, (5, 0, 1e-4): 0.9}
    return {"found": found}, 0.9, [(0.88, "frozen head"), (0.5, "labels, draw, rate")]


of("9.2")(
    lambda: (
        {"names": ["head only", "from stage 5", "from stage 1"]},
        "head only",
        [("from stage 1", "slowest"), ("from stage 5", "cheaper"), ("x", "names")],
    )
)


@of("10.1")
def _():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    vectors = rng.normal(0, 0.1, (60, 8)).astype("float32")
    vectors[np.arange(60), labels] += 3

    def network(units, width, epochs):
        dense = keras.layers.Dense
        layers = [keras.Input((width,)), dense(units, activation="relu")]
        made = keras.Sequential([*layers, dense(3, activation="softmax")])
        made.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        if epochs:
            made.fit(vectors, labels, epochs=epochs, verbose=0)
        return made

    untrained = network(64, 8, 0)
    untrained.layers[-1].set_weights([np.zeros((64, 3)), np.array([0.0, 0.0, 9.0])])
    wrong = [
        (network(64, 9, 0), "not pictures"),
        (network(32, 8, 0), "64 units"),
        (untrained, "fit"),
    ]
    return {"vectors": vectors, "labels": labels}, network(64, 8, 40), wrong


@of("10.2")
def _():
    vectors = np.arange(6.0).reshape(2, 3)
    path = pathlib.Path(tempfile.mkdtemp(), "features.npz")
    np.savez(path, vectors=vectors)
    wrong = [(vectors, "array itself"), (np.zeros(3), "Expected")]
    seen = {"vectors": vectors, "path": path}
    with np.load(path) as box:
        return seen, box["vectors"], wrong


of("10.3")(
    letters(
        "eft",
        [
            ("fft", "One"),
            ("eet", "other pictures"),
            ("ett", "few images"),
            ("efe", "Three"),
            ("e", "letters"),
        ],
    )
)


def experiment():
    """Five seeds that agree: specific from fc6 on."""
    lost = np.array([0, 0, 0, 0, 0.01, 0.05, 0.1])
    tables = {name: np.full((5, 7), 0.8) for name in TREATMENTS}
    tables["AnB"] = tables["BnB"] - lost
    return Curves(np.full(5, 0.8), tables)


of("11.1")(
    lambda: (
        {"curves": experiment()},
        5,
        [(6, "loses more"), (3, "Look further"), (0.5, "number of layers")],
    )
)
of("11.2")(
    lambda: (
        {"curves": experiment(), "mine": {("AnB", 3): 0.8}},
        {("AnB", 6): 0.76},
        [
            ({}, "one point"),
            ({"AnB": 0.7}, "key"),
            ({("AnC", 2): 0.7}, "Treatments"),
            ({("AnB", 3): 0.8}, "already"),
            ({("AnB", 6): 76}, "0 to 1"),
            ({("AnB", 7): 0.8}, "shipped run has 0.700"),
        ],
    )
)
of("11.3")(
    lambda: (
        {},
        "BnB",
        [
            ("b", "one of"),
            ("AnB", "Two reasons"),
            ("BnB+", "frozen"),
            ("random", "nothing"),
        ],
    )
)
of("12.1")(letters("b", [("a", "range"), ("c", "better, not"), ("e", "as compiled")]))
of("12.2")(letters("e", [("a", "still"), ("b", "move"), ("d", "rest")]))
of("12.3")(letters("c", [("b", "labels fit"), ("d", "not better"), ("a", "range")]))


def patients():
    """The three patients of lesson 12, trained now."""
    return {name: clinic.patient(name, track()) for name in "ABC"}


@functools.cache
def known_and_suspects():
    """Ten pictures of noise, and five of which three are the same, lighter."""
    images = np.random.default_rng(0).integers(0, 200, (10, 8, 8, 3), "uint8")
    others = np.random.default_rng(1).integers(0, 200, (2, 8, 8, 3), "uint8")
    return images, np.concatenate([others, images[:3] + 20])


@of("13.1")
def none_of_these():
    known = ("star", "fish")
    said = {"star": 0.3, "fish": 0.1, "other": 0.6}
    wrong = [
        ({"star": 0.7, "fish": 0.3}, "no class more"),
        ({"star": 0.5, "fish": 0.1, "other": 0.4}, "still says star"),
        ("other", "dict"),
    ]
    return {"known": known}, said, wrong


@of("13.2")
def twins():
    images, suspects = known_and_suspects()
    wrong = [([0, 2, 3], "Look at [0]"), ([2, 3], "Three"), ([2, 3, 9], "Three")]
    return {"images": images, "suspects": suspects}, [4, 2, 3], wrong


def small_network(seed, side=4):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((side,)), keras.layers.Dense(2)])


@of("13.3")
def loaded():
    whole, images = small_network(0), np.ones((3, 4))
    again = keras.models.clone_model(whole)
    again.set_weights(whole.get_weights())
    wrong = [
        (whole, "in memory"),
        (small_network(1), "differently"),
        (small_network(0, 5), "input"),
    ]
    return {"whole": whole, "images": images}, again, wrong


of("14.1")(
    lambda: (
        {"rate": 1500.0},
        16,
        [
            (15, "late"),
            (1e9 / 1500 / 43200, "late"),
            (1e9 / 1500, "one machine"),
            (1e9 / 1500 / 12, "12 * 3600"),
            (0.01543, "million"),
            (1000, "Divide"),
        ],
    )
)
of("14.2")(
    lambda: (
        {"width": 1280},
        51_200_000,
        [
            (12_800_000, "How many bytes"),
            (102_400_000, "float64"),
            (409_600_000, "bits"),
            (5_120, "10,000 images"),
        ],
    )
)


class FinishedJob:
    """A job of twelve shards, of which none is missing any more."""

    n_shards = 12

    def missing(self):
        return []


of("14.3")(
    lambda: (
        {"before": [5, 6, 7], "job": FinishedJob()},
        3,
        [(12, "all of them"), (0, "second run"), (4, "Before, 3")],
    )
)
