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

from data.making import words_base
from tlcourse import data
from tlcourse.checks import lessons_0_to_4
from tlcourse.course.tracks import load_track
from tlcourse.data import symbols, words
from tlcourse.data.dataset import Dataset
from tlcourse.models import freezing
from tlcourse.teachable import GrowingClassifier
from tlcourse.training import (
    clinic,
    compile_for,
    embedder,
    shipped_gains,
    shipped_grid,
)
from tlcourse.yosinski.experiment import TREATMENTS, fresh
from tlcourse.yosinski.experiment import network as yosinski_network
from tlcourse.yosinski.results import Curves


class FinishedJob:
    """A job of twelve shards, of which none is missing any more."""

    n_shards = 12

    def missing(self):
        return []


def _curves(at_conv5=0.01):
    """Five seeds that agree: specific from fc6 on, or from conv5 on."""
    lost = np.array([0, 0, 0, 0, at_conv5, 0.05, 0.1])
    tables = {name: np.full((5, 7), 0.8) for name in TREATMENTS}
    tables["AnB"] = tables["BnB"] - lost
    return Curves(np.full(5, 0.8), tables)


CURVES = _curves()
SWEEP = [[0.9, 0.79], [0.89, 0.8], [0.1, 0.1]]


def _history(losses):
    """What `fit` returns, with such validation losses."""
    made = keras.callbacks.History()
    made.history = {"val_loss": losses} if losses else {"loss": [1.0]}
    return made


ANSWERS = {
    "0.1": (42, {23: "2 plus 21", 21: "2 * 21"}),
    "1.2": (
        588,
        {
            98: "about six",
            126: "300 billion",
            1470: "of GPT-3",
            588 * 365 * 24 * 3600: "seconds",
            5.88e23: "How long",
            7: "Six times",
        },
        {"per_second": 1e21 / (365 * 24 * 3600)},
    ),
    "1.3": (
        "bef",
        {
            "abef": "random",
            "bf": "Look at e",
            "bcef": "just use",
            "bdef": "architecture",
            "b": "Look at e",
            "z": "from a to f",
        },
    ),
    "2.3": (
        "EfficientNetB3",
        {"ResNet50": "not above 80", "ConvNeXtBase": "smaller", "ResNet": "no network"},
    ),
    "6.1": (130_662, {130_560: "bias", 6_397_542: "Flatten"}),
    "7.1": (
        0.85,
        {0.7: "for 1 per", 0.9: "for 5 per", 0.8: "not that", 85: "share"},
        {
            "sweep": lambda x, held, n: np.array([{1: 0.7, 3: 0.85, 5: 0.9}[n[0]]]),
            "vectors": {"trained base": (None, None)},
        },
    ),
    "7.2": (
        _history([3, 2, 1, 2, 2, 2]),
        [
            (_history([]), "no `val_loss`"),
            (_history([*range(300, 0, -1)]), "all 300"),
            (_history([3, 2, 1, 2, 2]), "2 epochs"),
        ],
    ),
    "7.3": (
        [0.1, 0.09, 0.12, 0.1, 0.08],
        [
            ([0.9, 0.91, 0.89, 0.9, 0.92], "As good as"),
            ([0.1] * 5, "equal"),
            ([0.1, 0.2], "five accuracies"),
            ([0.7, 0.6, 0.8, 0.7, 0.7], "Too good"),
            ([0.0, 0.01, 0.0, 0.0, 0.0], "Worse"),
        ],
        {"real": np.array([0.9, 0.91, 0.89, 0.9, 0.92]), "guess": 0.1},
    ),
    "8.2": (
        1e-4,
        {1e-2: "lost 80.0 points", 1e-5: "safe, too", 3: "rate itself"},
        {"rates": [1e-5, 1e-4, 1e-2], "table": SWEEP, "head": np.array([0.9, 0.8])},
    ),
    "8.3": (
        [0.1, 0.5, 0.88],
        [
            ([0.1, 0.9], "each of 3 epochs"),
            ([0.9, 0.9, 0.9], "where a trained head is"),
            ([0.1, 0.1, 0.2], "has not arrived"),
            ([10, 50, 90], "between 0 and 1"),
        ],
        {"head": 0.89, "epochs": 3},
    ),
    "9.3": (
        2,
        {6: "mean of each column", 1: "far task alone", 3: "Count the columns"},
        {
            "gains": {
                "near": {5: np.array([3.0, 3.0, 3.0]), 50: np.array([0.0, 0.0, 1.0])},
                "far": {5: np.array([9.0, 9.0, 8.0]), 9: np.array([1.0, 1.0, 1.0])},
            }
        },
    ),
    "11.1": (
        {"near": 5, "far": 4},
        [
            ({"near": 6, "far": 4}, "near: Copying so many loses more"),
            ({"near": 5, "far": 3}, "far: That is cheap"),
            ({"near": 0.5, "far": 4}, "1 to 7"),
            ({"near": 5}, "for each of near, far"),
        ],
        {"curves": {"near": CURVES, "far": _curves(0.03)}},
    ),
    "11.3": (
        "B7B",
        {"x": "Expected one of", "AnB": "another task", "BnB+": "Nothing is frozen"},
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


def _grey_judge(*biases):
    """Names the grey of a picture, 0, 100 or 200, by its mean."""
    dense = keras.layers.Dense(3)
    pooled = [keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(), dense]
    judge = keras.Sequential(pooled)
    dense.set_weights([np.ones((3, 3)) * [0, 1, 2] / 3, np.array(biases)])
    return judge


@of("1.1")
def _more_pictures():
    labels = np.arange(9) % 3
    images = np.ones((9, 8, 8, 3)) * 100 * labels[:, None, None, None]
    held_out = Dataset(images.astype("uint8"), labels, ("0", "1", "2"))
    model, other = _grey_judge(9e3, 0, 0), _grey_judge(9e3, 0, 0)
    two = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    wrong = [(model, "ten pictures each"), (other, "67% wrong"), (two, "outputs")]
    return _grey_judge(0, -50, -200), wrong, {"model": model, "held_out": held_out}


def with_head(inner):
    layers = [inner, keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])


@of("2.1")
def _():
    def model(*convolution, shape=(56, 56, 64), **options):
        layer = keras.layers.Conv2D(*convolution, **options)
        return keras.Sequential([keras.Input(shape), layer])

    wrong = [
        (model(64, 3), "padding"),
        (model(64, 1, padding="same"), "(1, 1)"),
        (model(10, 3, padding="same"), "10 maps"),
        (model(64, 3, shape=(56, 56, 3)), "56 x 56 x 64"),
        (model(64, 3, padding="same", use_bias=False), "36,864"),
        (keras.Sequential([keras.layers.Dense(3)]), "one Conv2D"),
        (keras.Sequential([keras.layers.Conv2D(64, 3)]), "could not look"),
        (36_928, "Model"),
    ]
    return model(64, 3, padding="same"), wrong, {}


@of("2.2")
def _():
    def block(side_road=True, size=3, maps=64):
        pixels = keras.Input((16, 16, 64))
        x = keras.layers.Conv2D(16, 1, activation="relu")(pixels)
        x = keras.layers.Conv2D(16, size, activation="relu", padding="same")(x)
        x = keras.layers.Conv2D(maps, 1)(x)
        return keras.Model(pixels, keras.layers.add([pixels, x]) if side_road else x)

    wrong = [
        (block(side_road=False), "side road"),
        (block(size=1), "[1, 1, 1]"),
        (block(side_road=False, maps=32), "16 x 16 x 64"),
        (keras.Sequential(), "Received: []"),
    ]
    return block(), wrong, {}


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


@of("3.2")
def _():
    shape = (32, 32, 3)
    network = keras.applications.MobileNetV2(shape, 0.35, weights=None, classes=5)
    for weight in network.weights:  # a new one answers the same, whatever it is shown
        if weight.name == "kernel":
            weight.assign(weight * 3)
    images = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype("uint8")

    def model(*scales, inner=network):
        layers = [keras.layers.Rescaling(*scale) for scale in scales]
        return keras.Sequential([keras.Input(shape), *layers, inner])

    once = (1 / 127.5, -1)
    other = keras.applications.MobileNetV2(shape, 0.35, weights=None, classes=5)
    wrong = [
        (model(), "raw pixels"),
        (model(once, once), "twice"),
        (model((1 / 255,)), "0 to 1"),
        (model((1 / 50, -3)), "no scale"),
        (model(once, inner=other), "`network` itself"),
        (0.0133, "Model"),
    ]
    return model(once), wrong, {"network": network, "images": images}


@of("3.3")
def _():
    network = keras.applications.MobileNetV2((64, 64, 3), 0.35, weights=None, classes=5)
    share = (1280 * 5 + 5) / network.count_params()
    wrong = {1 - share: "rest", share / (1 - share): "whole", 0.99: "count_params"}
    return share, wrong, {"network": network}


def base_for(height, width, **options):
    """The glyph base, built for pictures of another size."""
    return keras.applications.MobileNetV2(
        **{
            "input_shape": (height, width, 3),
            "alpha": 0.35,
            "include_top": False,
            "weights": load_track("glyphs").weights,
        }
        | options
    )


@of("4.1")
def _():
    wrong = [
        (base_for(192, 256), "Height"),
        (base_for(64, 64), "64 x 64"),
        (base_for(256, 192, include_top=True, weights=None), "top"),
        (base_for(256, 192, alpha=0.5, weights=None), "alpha"),
        (base_for(256, 192, weights=None), "numbers"),
    ]
    return base_for(256, 192), wrong, {"base": base_for(64, 64)}


@of("4.2")
def _():
    stages = freezing.stages(base())
    ends = [stage.layers[-1].output for stage in stages]
    wrong = [
        (base(), "whole base"),
        (keras.Model(base().input, ends[1]), "from 0"),
        (new_base(), "new"),
        (keras.Model(base().input, stages[2].layers[-10].output), "not where"),
    ]
    return keras.Model(base().input, ends[2]), wrong, {"base": base()}


@of("4.3")
def _():
    names = [stage.name for stage in freezing.stages(base())]
    few, trained = track().train.few(10), track().build_base()

    def shares(scale, offset):
        prepare = keras.layers.Rescaling(scale, offset)
        return lessons_0_to_4._neighbours_by_stage(trained, few, prepare)

    right = dict(zip(names, shares(1 / 127.5, -1), strict=True))
    wrong = [
        ({names[0]: 0.2}, "Missing"),
        (right | {names[0]: 20}, "shares"),
        (right | {names[-1]: 0.0}, names[-1]),
        (dict.fromkeys(names, 0.5), "same"),
        (dict(zip(names, shares(1, 0), strict=True)), "raw pixels"),
        (dict(zip(names, list(right.values())[::-1], strict=True)), "another stage"),
    ]
    return right, wrong, {"base": trained, "data": few}


@of("5.1")
def _():
    inner = new_base()
    model = with_head(inner)
    for layer in inner.layers:
        layer.trainable = isinstance(layer, keras.layers.DepthwiseConv2D)
    wrong = {freezing.count(inner.trainable_weights): "dense", 7: "flags are"}
    seen = {"model": model, "base": inner}
    return freezing.count(model.trainable_weights), wrong, seen


def two_steps(base_first, compiles):
    """A function as 5.2 wants it, or with one of its two mistakes."""

    def run(base, model, images, labels):
        base.trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, labels, verbose=0)
        if base_first:
            base.trainable = True
        for layer in filter(freezing.is_batchnorm, base.layers):
            layer.trainable = False
        base.trainable = True if not base_first else base.trainable
        if compiles:
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(images, labels, verbose=0)

    return run


@of("5.2")
def _():
    wrong = [
        (two_steps(False, True), "set last"),
        (two_steps(True, False), "know of its flags"),
        (lambda *_: None, "call `fit`"),
        (lambda: None, "Python says"),
    ]
    return two_steps(True, True), wrong, {}


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
    loss = keras.losses.SparseCategoricalCrossentropy

    def network(*layers, loss="sparse_categorical_crossentropy", units=3):
        dense = keras.layers.Dense(units)
        model = keras.Sequential([keras.Input((4,)), dense, *layers])
        if loss:
            model.compile("adam", loss)
        return model

    soft = keras.layers.Softmax
    wrong = [
        (network(soft(), soft()), "more than once"),
        (network(soft(), loss=loss(from_logits=True)), "has done so already"),
        (network(), "They are logits"),
        (network(soft(), loss=None), "Compile"),
        (network(soft(), units=5), "Keep one Dense"),
    ]
    return network(soft()), wrong, {"classes": 3}


@of("8.1")
def _():
    pretrained = base().get_weights()

    def tuned(learning_rate=1e-4, awake=False, moved=True):
        inner = new_base()
        inner.set_weights(pretrained)
        model = with_head(inner)
        compile_for(model, learning_rate)
        found = inner.get_weights()
        for weight, value in zip(inner.weights, found, strict=True):
            if {"kernel": moved, "gamma": awake}.get(weight.name):
                value += 0.01
        inner.set_weights(found)
        return model

    wrong = [
        (tuned(1e-2), "rate of a head"),
        (tuned(awake=True), "was awake"),
        (tuned(moved=False), "No kernel"),
        (with_head(keras.Sequential([keras.Input((4, 4, 3))])), "with its base"),
        (keras.Sequential([keras.layers.Dense(2)]), "with its base"),
    ]
    return tuned(), wrong, {"pretrained": pretrained}


@of("9.1")
def _():
    held_out = track().test.take(slice(0, 20))
    inner = new_base()
    model = with_head(inner)
    freezing.unfreeze_from(inner, "stage 4")
    found = model.predict(held_out.images, verbose=0).argmax(axis=1)
    right = float(np.mean(found == held_out.labels))
    others = [(1 - right, "another number"), (2, "between 0 and 1")]
    return right, others, {"model": model, "held_out": held_out}


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
        (keras.Sequential([keras.layers.Dense(64)]), "no weights yet"),
        (untrained, "fit"),
    ]
    return right, wrong, {"vectors": vectors, "labels": labels}


@of("10.2")
def _():
    vectors, folder = np.arange(6.0).reshape(2, 3), pathlib.Path(tempfile.mkdtemp())

    def saved(name, **arrays):
        np.savez(folder / f"{name}.npz", **arrays)
        return str(folder / f"{name}.npz")

    right = saved("right", vectors=vectors, labels=np.array([0, 1]))
    wrong = [
        (str(folder / "none"), "no such file"),
        (saved("bare", vectors=vectors), "name `labels`"),
        (saved("other", vectors=vectors, labels=np.zeros(2)), "labels (2,) are others"),
        (vectors, "Expected `answer`"),
    ]
    return right, wrong, {"vectors": vectors, "labels": np.array([0, 1])}


@of("10.3")
def _():
    """Pictures of one colour each; a model that reads them, and one that does not."""
    labels = np.arange(60) % 3
    images = np.full((60, 4, 4, 3), 20, "uint8")
    images[np.arange(60), :, :, labels] = 200

    def network(kernel, shape=(4, 4, 3)):
        pool = keras.layers.GlobalAveragePooling2D()
        dense = keras.layers.Dense(3, activation="softmax")
        model = keras.Sequential([keras.Input(shape), pool, dense])
        dense.set_weights([np.array(kernel) / 100, np.zeros(3)])
        return model

    right, half = network(np.eye(3)), np.eye(3)
    half[:, 1] = half[:, 0]  # two classes become one
    wrong = [
        (network(np.roll(np.eye(3), 1, 0)), "Compare what"),
        (network(half), "Both ends"),
        (network(np.eye(3), (5, 5, 3)), "takes pictures"),
        (keras.Sequential([keras.layers.Dense(3)]), "no weights yet"),
    ]
    data = types.SimpleNamespace(images=images, labels=labels)
    return right, wrong, {"program": network(np.eye(3)), "data": data}


@of("11.2")
def _():
    """Networks that were not trained; the labels are what the right one says."""
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), "uint8")
    a, b, new = (fresh(yosinski_network(96).get_weights(), seed) for seed in range(3))
    b[1::2], new[1::2] = ([x + 0.1 for x in w[1::2]] for w in (b, new))
    a[1::2] = [x + 0.2 for x in a[1::2]]

    def built(weights, frozen=6):
        model = yosinski_network(96)
        model.set_weights(weights)
        for layer in [x for x in model.layers if x.weights][:frozen]:
            layer.trainable = False
        return model

    right = built(a[:12] + new[12:])
    labels = right.predict(images, verbose=0).argmax(axis=1)
    other = new[:14] + [-new[14], new[15]]
    wrong = [
        (built(b[:12] + new[12:]), "B6B"),
        (built(a[:10] + new[10:]), "first 5 layers"),
        (built(a), "fc7 should be new"),
        (built(a[:12] + new[12:], 0), "may still train"),
        (built(a[:12] + other[12:]), "Did you train it"),
        (keras.Sequential([keras.layers.Dense(3)]), "the layers of"),
    ]
    unseen = types.SimpleNamespace(images=images, labels=labels)
    return right, wrong, {"bases": {"A": a, "B": b}, "unseen": unseen}


def _dense(width):
    dense = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((width,)), dense])


def _fit(model, vectors, labels, rate=0.1):
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(vectors, labels, epochs=20, verbose=0)
    return model


@functools.cache
def _vectors():
    """Vectors of three classes that anybody could tell apart, in a random order."""
    labels = np.random.default_rng(0).permutation(np.arange(60) % 3)
    noise = np.random.default_rng(1).normal(0, 0.1, (60, 6))
    return (np.eye(6)[labels] * 3 + noise).astype("float32"), labels


@of("12.1")
def _():
    few = _vectors()

    def mended(vectors, labels):
        return _fit(_dense(6), vectors, labels)

    def untold(vectors, labels):
        mended(vectors, labels)

    wrong = [
        (clinic.patient_a, "Who got which"),
        (untold, "should return the model"),
        ("b", "function"),
    ]
    return mended, wrong, {"few": few, "new": few}


@of("12.2")
def _():
    few = _vectors()
    rest = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    rest.layers[0].set_weights([np.eye(6), np.zeros(6)])
    model = keras.Sequential([keras.Input((6,)), rest, *_dense(6).layers])

    def mended(model, rest, maps, labels, rate=1e-4):
        rest.trainable = False
        _fit(model, maps, labels)
        rest.trainable = True
        return _fit(model, maps, labels, rate)

    def too_fast(model, rest, maps, labels):
        mended(model, rest, maps, labels)
        model.layers[-1].set_weights([np.zeros((6, 3)), np.array([9.0, 0, 0])])

    def unmoved(model, rest, maps, labels):
        rest.trainable = False
        _fit(model, maps, labels)

    wrong = [(unmoved, "is 0.0"), (too_fast, "which rate"), ("e", "function")]
    seen = {"model": model, "rest": rest, "few": few, "new": few}
    return mended, wrong, seen


@of("13.1")
def _():
    """A classifier with "other" of all other symbols, of one, or without."""
    known, size = ("star", "spiral", "fish"), (64, 64)
    others = [name for name in symbols.SYMBOLS if name not in known]

    def taught(*refused):
        made = GrowingClassifier(embedder(track()))
        made.add_dataset(symbols.dataset(range(6), size, known))
        if refused:
            other = symbols.dataset(range(4), size, refused)
            labels = np.zeros(len(other), int)
            made.add_dataset(data.Dataset(other.images, labels, ("other",)))
        return made

    wrong = [(taught(), "no class more"), (taught("house"), "has it seen")]
    return taught(*others), wrong, {"known": known}


@of("13.2")
def _():
    thing = np.array([4, 1, 4, 0, 1, 4, 4, 0])
    wrong = [
        ([0, 2, 5], "nearest to itself"),
        ([2, 5], "Three positions"),
        ([2, 5, 99], "Three positions"),
        ([2, 5, 7], "Look at [7]"),
    ]
    return [6, 2, 5], wrong, {"thing": thing}


@of("13.3")
def _():
    """Two colours that a network tells apart; loaded in another order of classes."""
    images = np.zeros((6, 4, 4, 3), "uint8")
    images[3:] = 255
    labels = np.arange(6) // 3
    dense = keras.layers.Dense(2, activation="softmax")
    inner = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), dense])
    dense.set_weights([np.tile([-1.0, 1.0], (48, 1)), np.array([9.0, 0.0])])
    crop = keras.layers.Resizing(4, 4)
    model = keras.Sequential([keras.Input((None, None, 3)), crop, inner])
    right = data.Dataset(images, labels, ("dark", "bright"))
    wrong = [
        (data.Dataset(images, 1 - labels, ("bright", "dark")), "0% of these right"),
        (data.Dataset(images, 1 - labels, ("dark", "bright")), "this session"),
        (data.Dataset(images[:, :2], labels, ("dark", "bright")), "in the size"),
        ((right, "report"), "Dataset"),
    ]
    return right, wrong, {"model": model, "class_names": ("dark", "bright")}


@of("14.2")
def _():
    """Six rows in another order than their images."""
    rows, keys = np.arange(12.0).reshape(6, 2), np.array([2, 0, 1, 5, 3, 4])
    mixed = rows[keys]
    wrong = [
        (mixed, "As they came"),
        (mixed[keys], "Which image does"),
        (rows[::-1], "Look at row 2"),
        (rows[:3], "a row per image"),
    ]
    return rows, wrong, {"mixed": mixed, "keys": keys}


@of("9.2")
def _():
    chosen, gained = shipped_gains("far")
    column = shipped_grid("far")[1].index(50)
    row, points = chosen[column], 100 * gained[column]
    gain, spread = points.mean(), points.std(ddof=1)
    wrong = [
        ((row, gain), "three things"),
        (("head only", gain, spread), "Another row"),
        (("stage 1", gain, spread), "a row of the grid"),
        ((row, gain / 100, spread / 100), "in points"),
        ((row, gain + 5, spread), "Mean gain"),
        ((row, gain, points.std()), "divides by three"),
        ((row, gain, spread + 1), "Spread"),
    ]
    return (row, gain, spread), wrong, {}


@of("15.1")
def _():
    shown = np.arange(6000) % 500
    cut, one = shown[: 40 * 128].reshape(40, 128), shown[1 : 40 * 128 + 1]
    within = np.concatenate([cut[:, 1:], cut[:, :1]], axis=1)
    wrong = [
        ((cut, cut), "the very piece"),
        ((cut[:, :-1], cut[:, 1:]), "Forty windows of 128"),
        ((one.reshape(40, 128), cut), "should be the first"),
        ((cut, within), "last piece of a window"),
        ((cut, cut[::-1]), "comes next"),
        ((cut, cut[:3]), "two tables of one shape"),
    ]
    return (cut, one.reshape(40, 128)), wrong, {"shown": shown}


def gpt():
    """A network of lesson 15's layers, small and untrained; the same every time."""
    keras.utils.set_random_seed(0)
    return words_base.build(n_pieces=512, width=16, depth=2, heads=2)


def trains_from(first, model=None):
    model = model or gpt()
    for place, layer in enumerate(model.layers):
        layer.trainable = place >= first
    return model


@of("15.2")
def _():
    base = gpt()
    names = [layer.name for layer in base.layers]
    block = max(k for k, name in enumerate(names) if "attention" in name) - 1
    keras.utils.set_random_seed(1)
    other = trains_from(block, words_base.build(512, 16, 2, 2))
    asleep = gpt()
    asleep.trainable = False
    wrong = [
        (gpt(), "Look at"),
        (trains_from(block + 1), "Look at `layer_normalization"),
        (trains_from(len(names) - 1), "Look at"),
        (other, "not the base's"),
        (asleep, "Nothing trains"),
        (words_base.build(512, 16, 1, 2), "another network"),
        (base, "model of the lesson"),
    ]
    return trains_from(block), wrong, {"base": base}


@of("15.3")
def _():
    model, pieces = gpt(), words.load_pieces()
    tokens = list(words.encode("def call(self, ", pieces))
    texts = []
    for _ in range(14):
        texts.append(words.decode(tokens, pieces))
        tokens.append(int(model.predict(np.array([tokens]), verbose=0)[0, -1].argmax()))
    wrong = [
        ("class Layer(", "begin with the prompt"),
        (texts[9], "As far as it goes"),
        (texts[13], "then it goes on"),
        ("def call(self, x", "not the likeliest"),
    ]
    return texts[12], wrong, {"model": model}
