"""Bases, freezing, heads, and training in short, on small networks."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from data.making import controls
from tlcourse import bases, training
from tlcourse.data import Dataset
from tlcourse.models import freezing, graph, heads, nesting

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def base():
    """The smallest base: MobileNetV2 0.35 at 32 pixels, random."""
    return bases.build("MobileNetV2", SHAPE, weights=None, alpha=0.35)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (12, *SHAPE), "uint8")


@pytest.fixture(scope="module")
def dataset(images):
    return Dataset(images, np.arange(12) % 2, ("a", "b"))


# Bases


# Freezing


def test_stages_hold_every_layer_once_in_order(base):
    stages = freezing.stages(base)
    assert [layer for stage in stages for layer in stage.layers] == base.layers
    assert sum(stage.parameters for stage in stages) == base.count_params()


def test_a_dense_top_is_a_stage_of_its_own():
    complete = keras.applications.MobileNetV2(SHAPE, 0.35, weights=None, classes=7)
    top = freezing.stages(complete)[-1]
    assert (top.name, top.parameters) == ("top", 1280 * 7 + 7)
    x = keras.Input((None, None, 3), name="any_size")
    any_size = keras.Model(x, keras.layers.Conv2D(4, 3)(x))
    with pytest.raises(ValueError, match="fixed input size.*input_shape"):
        freezing.stages(any_size)


@settings(deadline=None, max_examples=20)
@given(
    position=st.integers(0, 153), batchnorm=st.sampled_from(["inference", "training"])
)
def test_unfreezing_starts_at_the_named_layer(base, position, batchnorm):
    name = base.layers[position].name
    found = freezing.unfreeze_from(base, name, batchnorm)
    for place, layer in enumerate(base.layers):
        kept = batchnorm == "inference" and freezing.is_batchnorm(layer)
        assert layer.trainable == (place >= position and not kept)
    assert found == sum(math.prod(w.shape) for w in base.trainable_weights)


def test_unfreezing_takes_names_of_stages_and_refuses_others(base):
    assert freezing.unfreeze_from(base, freezing.stages(base)[-1].name) > 0
    assert not base.layers[1].trainable
    with pytest.raises(ValueError, match="stage 1, stage 2.*'conv9'"):
        freezing.unfreeze_from(base, "conv9")
    with pytest.raises(ValueError, match="'inference' or 'training'.*'off'"):
        freezing.unfreeze_from(base, "stage 1", batchnorm="off")


class Block(keras.layers.Layer):
    """A layer of one's own, with layers inside; one of them in a list."""

    def __init__(self, **options):
        super().__init__(**options)
        self.conv = keras.layers.Conv2D(4, 3, padding="same")
        self.others = [keras.layers.BatchNormalization()]

    def call(self, x):
        return self.others[0](self.conv(x))


def conv_and_norm(name, shape=(16, 16, 3)):
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    return keras.Sequential([keras.Input(shape), *layers], name=name)


def functional(layer):
    pixels = keras.Input((16, 16, 3))
    return keras.Model(pixels, layer(pixels), name="base")


NESTED = {
    "a model": lambda: functional(conv_and_norm("b")),
    "a model in a model": lambda: functional(functional(conv_and_norm("b"))),
    "a wrapped base": lambda: heads.wrap(functional(conv_and_norm("b")), 3),
    "a layer of one's own": lambda: functional(Block(name="b")),
    "a wrapper": lambda: functional(
        keras.Sequential(
            [
                keras.layers.Reshape((1, 16, 16, 3)),
                keras.layers.TimeDistributed(conv_and_norm("b"), name="b"),
            ],
            name="outer",
        )
    ),
}


def statistics_stay(model):
    """Whether BatchNormalization works in inference mode, also while training."""
    (norm,) = filter(freezing.is_batchnorm, nesting.layers_inside(model))
    model(np.random.default_rng(0).normal(5, 2, (4, 16, 16, 3)), training=True)
    assert np.array_equal(norm.moving_mean, np.zeros(4))


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED)
def test_flags_reach_what_is_inside(make):
    model = make()
    total, norm = model.count_params(), 4
    assert freezing.unfreeze_from(model, "b", batchnorm="training") == total - 2 * norm
    assert freezing.unfreeze_from(model, "b") == total - 4 * norm
    assert freezing.trains(model).parameters == total - 4 * norm
    statistics_stay(model)
    model.trainable = False
    every = nesting.layers_inside(model)
    for layer in every:
        if len(nesting.layers_inside(layer)) == 1:  # the innermost
            layer.trainable = True
    freezing.freeze(model)
    assert not any(layer.trainable for layer in every)
    statistics_stay(model)


def test_a_wrapped_model_is_cut_at_the_stages_of_its_base(base):
    model = heads.wrap(base, 5, preprocess=bases.preprocessing("MobileNetV2"))
    last = freezing.stages(base)[-1].name
    alone = freezing.unfreeze_from(base, last)
    freezing.freeze(model)
    assert freezing.unfreeze_from(model, last) == alone + 1280 * 5 + 5
    assert freezing.unfreeze_from(model, "classes") == 1280 * 5 + 5


def two_dense_layers():
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )
    return inner, keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])


def fit_once(model):
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.fit(x, np.arange(8) % 2, verbose=0)


def compile_it(model, optimizer="sgd"):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)


def test_a_model_that_is_not_compiled_says_what_it_would_train():
    inner, outer = two_dense_layers()
    inner.trainable = False
    found = freezing.trains(outer)
    assert (found.parameters, found.compiled, found.stale) == (8, False, False)
    assert str(found).startswith("not compiled; would train 8 of 35")


def test_flags_changed_between_compile_and_fit_take_effect():
    inner, outer = two_dense_layers()
    compile_it(outer)
    inner.trainable = False
    assert not freezing.trains(outer).stale
    before = inner.get_weights()
    fit_once(outer)
    assert all(map(np.array_equal, before, inner.get_weights()))


def loss_scaled():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.SGD, keras.optimizers.Adam, loss_scaled]
)
def test_flags_changed_after_fit_are_stale_until_the_next_compile(optimizer):
    """Fails where an optimizer no longer keeps its weights among its attributes."""
    inner, outer = two_dense_layers()
    inner.trainable = False
    compile_it(outer, optimizer())
    fit_once(outer)
    inner.trainable = True
    found = freezing.trains(outer)
    assert (found.parameters, found.stale) == (8, True)
    assert "compile again" in str(found)
    before = inner.layers[0].get_weights()
    fit_once(outer)  # what it says is what Keras does
    assert np.array_equal(before[0], inner.layers[0].get_weights()[0])
    compile_it(outer, optimizer())
    assert freezing.trains(outer).parameters == 29
    fit_once(outer)
    assert not np.array_equal(before[0], inner.layers[0].get_weights()[0])


def test_calls_are_listed_through_models_that_are_used_twice():
    """Fails where `keras.models.clone_model` no longer calls layer by layer."""
    x = pixels = keras.Input((4, 4, 3), name="pixels")
    layers = [keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 3, padding="same")]
    inner = keras.Sequential([*layers, keras.layers.ReLU(name="relu")], name="inner")
    x = keras.layers.Add(name="sum")([inner(inner(x)), x])
    model = keras.Model({"pixels": pixels}, {"out": x * 2})
    found = [(call.layer.name, call.sources) for call in graph.list_calls(model)]
    conv = inner.layers[0].name
    assert found[:4] == [(conv, ()), ("relu", (0,)), (conv, (1,)), ("relu", (2,))]
    assert found[4] == ("sum", (3,)) and found[5][1] == (4,)


# Heads


@pytest.mark.parametrize("head", ["pool", "flatten"])
def test_a_head_gives_probabilities(base, images, head):
    model = heads.wrap(base, 5, head, bases.preprocessing("MobileNetV2"))
    chances = model.predict(images, verbose=0)
    assert chances.shape == (12, 5)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert model.layers[-1].count_params() == 1280 * 5 + 5
    deeper = heads.wrap(base, 5, head, hidden=(16, 8))
    assert [deeper.get_layer(f"hidden_{k}").units for k in (1, 2)] == [16, 8]


def test_a_head_or_base_that_makes_no_sense_is_refused(base):
    for head, n in (("dense", 5), ("pool", 1)):
        with pytest.raises(ValueError, match="Expected.*Received"):
            heads.wrap(base, n, head)


def test_augmentation_varies_in_training_only(images):
    augment = heads.augmentation(flip=True, negative=True)
    raw = images.astype("float32")
    trained = keras.ops.convert_to_numpy(augment(raw, training=True))
    assert np.array_equal(augment(raw, training=False), raw)
    assert not np.array_equal(trained, raw)
    assert trained.min() >= 0 and trained.max() <= 255


# Features and training


def test_training_shows_one_line_that_fills_up(dataset, capsys):
    model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    history = training.train(model, dataset, dataset, 2, 1e-5)
    assert len(history.history["val_accuracy"]) == 2
    shown = "".join(capsys.readouterr())
    assert shown.count("\n") == 1 and "2 of 2 epochs" in shown


def test_the_control_from_scratch_trains_all_and_validates_now_and_then(dataset):
    class Small:
        name, class_names = "glyphs", ("a", "b")
        preprocess = keras.layers.Rescaling(1 / 255)

        def build_base(self, weights):
            assert weights == "random"
            return conv_and_norm("base", SHAPE)

    base = controls.scratch_model(Small()).get_layer("base")
    (norm,) = filter(freezing.is_batchnorm, base.layers)
    assert norm.momentum == 0.9 and base.trainable and norm.trainable
    history = controls.train_from_scratch(Small(), dataset, dataset, 4, every=2)
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_accuracy"]) == 2


def test_a_probe_finds_what_is_linear_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    noise = rng.normal(size=(400, 30))
    far = rng.normal(size=(400, 30)) + 3 * labels[:, None]
    sets = Dataset(np.zeros((400, 1, 1, 3), "uint8"), labels, ("a", "b"))
    good = training.probe_sweep((far, sets), (far, sets), [1, 5], draws=3)
    bad = training.probe_sweep((noise, sets), (noise, sets), [1, 5], draws=3)
    assert good.shape == (2, 3) and good.mean() > 0.95
    assert 0.4 < bad.mean() < 0.65


def test_the_probe_is_the_regression_that_another_solver_finds():
    rng, labels = np.random.default_rng(0), np.arange(40) % 4
    vectors = rng.normal(size=(40, 200)) + labels[:, None]
    plain = LogisticRegression(C=0.1, max_iter=1000, tol=1e-6).fit(vectors, labels)
    found = training.linear_probe(vectors, labels)
    new = rng.normal(size=(50, 200)) + 1.5
    chances = [probe.predict_proba(new) for probe in (found, plain)]
    np.testing.assert_allclose(*chances, atol=0.01)
