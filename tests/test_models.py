"""Bases, freezing, wrappers, features, training: on small networks."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse import bases, features, training
from tlcourse.data import Dataset
from tlcourse.models import freezing, heads

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def base():
    """The smallest base: MobileNetV2 0.35 at 32 pixels, random."""
    return bases.build("MobileNetV2", SHAPE, weights=None, alpha=0.35)


@pytest.fixture
def thawed(base):
    """The same, all of it trainable."""
    for layer in base.layers:
        layer.trainable = True
    base.trainable = True
    return base


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (12, *SHAPE), "uint8")


@pytest.fixture(scope="module")
def dataset(images):
    return Dataset(images, np.arange(12) % 2, ("a", "b"))


# Bases


def test_an_unknown_network_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="MobileNetV2.*Received: 'ResNet51'"):
        bases.find("ResNet51")


@pytest.mark.parametrize("shape", [(16, 16, 3), (64, 64), (64, 64, 1)])
def test_an_input_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match="at least 32 pixels"):
        bases.build("MobileNetV2", shape, weights=None)


def test_imagenet_weights_that_are_not_cached_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="_1.0_224_no_top.h5.*KERAS_HOME"):
        bases.build("MobileNetV2")


# Freezing


def test_stages_hold_every_layer_once_in_order(base):
    stages = freezing.stages(base)
    assert [layer for stage in stages for layer in stage.layers] == base.layers
    assert sum(stage.parameters for stage in stages) == base.count_params()


def test_a_dense_top_is_a_stage_of_its_own():
    whole = keras.applications.MobileNetV2(
        input_shape=SHAPE, alpha=0.35, weights=None, classes=7
    )
    top = freezing.stages(whole)[-1]
    assert top.name == "top"
    assert top.parameters == 1280 * 7 + 7


def test_freezing_reaches_layers_that_were_thawed_after_the_base(base):
    base.trainable = False
    base.layers[1].trainable = True
    freezing.freeze(base)
    assert not any(layer.trainable for layer in base.layers)


@settings(deadline=None, max_examples=20)
@given(position=st.integers(0, 153), batchnorm=st.sampled_from(["frozen", "awake"]))
def test_unfreezing_thaws_from_there_on_and_nothing_before(base, position, batchnorm):
    name = base.layers[position].name
    free = freezing.unfreeze_from(base, name, batchnorm)
    for place, layer in enumerate(base.layers):
        asleep = batchnorm == "frozen" and freezing.is_batchnorm(layer)
        assert layer.trainable == (place >= position and not asleep)
    assert free == sum(math.prod(w.shape) for w in base.trainable_weights)


def test_unfreezing_takes_names_of_stages(base):
    last = freezing.stages(base)[-1]
    assert freezing.unfreeze_from(base, last.name) > 0
    assert not base.layers[1].trainable


def test_unfreezing_from_nowhere_names_the_stages(base):
    with pytest.raises(ValueError, match="stage 1, stage 2.*'conv9'"):
        freezing.unfreeze_from(base, "conv9")


def test_an_unknown_treatment_of_batchnorm_is_refused(base):
    with pytest.raises(ValueError, match="'frozen' or 'awake'"):
        freezing.unfreeze_from(base, "stage 1", batchnorm="off")


def small_model():
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )
    outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])
    return inner, outer


def fit_once(model):
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.fit(x, np.arange(8) % 2, verbose=0)


def compile_it(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)


def test_a_model_that_is_not_compiled_says_what_it_would_train():
    inner, outer = small_model()
    inner.trainable = False
    found = freezing.trains(outer)
    assert (found.parameters, found.compiled, found.stale) == (8, False, False)
    assert str(found).startswith("not compiled; would train 8 of 35")


def test_flags_changed_between_compile_and_fit_take_effect():
    inner, outer = small_model()
    compile_it(outer)
    inner.trainable = False
    assert not freezing.trains(outer).stale
    before = inner.get_weights()
    fit_once(outer)
    after = inner.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_flags_changed_after_fit_are_stale_until_the_next_compile():
    inner, outer = small_model()
    inner.trainable = False
    compile_it(outer)
    fit_once(outer)
    inner.trainable = True
    found = freezing.trains(outer)
    assert (found.parameters, found.stale) == (8, True)
    assert "compile again" in str(found)
    before = inner.layers[0].get_weights()
    fit_once(outer)  # what it says is what Keras does
    assert np.array_equal(before[0], inner.layers[0].get_weights()[0])
    compile_it(outer)
    assert freezing.trains(outer).parameters == 29
    fit_once(outer)
    assert not np.array_equal(before[0], inner.layers[0].get_weights()[0])


# Wrappers


@pytest.mark.parametrize("head, width", [("pool", 1280), ("flatten", 1280)])
def test_a_wrapper_gives_probabilities(thawed, images, head, width):
    model = heads.wrap(thawed, 5, head, bases.preprocessing("MobileNetV2"))
    chances = model.predict(images, verbose=0)
    assert chances.shape == (12, 5)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert model.layers[-1].count_params() == width * 5 + 5


def test_hidden_layers_come_between(base):
    model = heads.wrap(base, 5, hidden=(16, 8))
    assert model.get_layer("hidden_1").units == 16
    assert model.get_layer("hidden_2").units == 8


@pytest.mark.parametrize("head, n", [("dense", 5), ("pool", 1)])
def test_a_wrapper_that_makes_no_sense_is_refused(base, head, n):
    with pytest.raises(ValueError, match="Expected"):
        heads.wrap(base, n, head)


def test_a_base_with_its_top_is_refused():
    whole = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="include_top=False"):
        heads.wrap(whole, 2)


def test_augmentation_varies_in_training_only(images):
    augment = heads.augmentation(flip=True, negative=True)
    raw = images.astype("float32")
    trained = keras.ops.convert_to_numpy(augment(raw, training=True))
    still = keras.ops.convert_to_numpy(augment(raw, training=False))
    assert np.array_equal(still, raw)
    assert not np.array_equal(trained, raw)
    assert trained.min() >= 0 and trained.max() <= 255


# Features and training


def test_features_are_what_the_model_gives(base, images):
    model = heads.wrap(base, 3, preprocess=bases.preprocessing("MobileNetV2"))
    got = features.extract(model, images, batch_size=5)
    wanted = keras.ops.convert_to_numpy(model(images.astype("float32")))
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_images_of_another_size_are_refused(base, images):
    with pytest.raises(ValueError, match=r"\(32, 32, 3\).*\(16, 32, 3\)"):
        features.extract(heads.wrap(base, 3), images[:, :16])


def test_scaled_images_are_refused(base, images):
    with pytest.raises(ValueError, match="raw pixels"):
        features.extract(heads.wrap(base, 3), images / 255)


def test_training_shows_one_line_that_fills_up(dataset, capsys):
    model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    history = training.train(model, dataset, dataset, epochs=2, rate=1e-5)
    assert len(history.history["val_accuracy"]) == 2
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert "[####################] epoch 2" in shown


def test_the_control_from_scratch_trains_all_and_looks_now_and_then(dataset):
    class Small:
        name, class_names = "glyphs", ("a", "b")
        preprocess = bases.preprocessing("MobileNetV2")

        def build_base(self, weights):
            assert weights == "random"
            return bases.build("MobileNetV2", SHAPE, None, alpha=0.35)

    model = training.scratch_model(Small())
    norms = [
        x
        for x in model.get_layer("mobilenetv2_0.35_32").layers
        if freezing.is_batchnorm(x)
    ]
    assert all(norm.momentum == 0.9 and norm.trainable for norm in norms)
    history = training.train_from_scratch(Small(), dataset, dataset, 4, every=2)
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_accuracy"]) == 2


def test_a_probe_finds_what_is_linear_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    far = rng.normal(size=(400, 30)) + 3 * labels[:, None]
    noise = rng.normal(size=(400, 30))
    sets = Dataset(np.zeros((400, 1, 1, 3), "uint8"), labels, ("a", "b"))
    good = training.probe_sweep((far, sets), (far, sets), [1, 5], draws=3)
    bad = training.probe_sweep((noise, sets), (noise, sets), [1, 5], draws=3)
    assert good.shape == (2, 3)
    assert good.mean() > 0.95
    assert 0.4 < bad.mean() < 0.65


def test_a_probe_in_the_span_of_its_examples_is_the_same_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    vectors = rng.normal(size=(40, 200)) + labels[:, None]
    plain = LogisticRegression(C=0.1, max_iter=1000, tol=1e-6).fit(vectors, labels)
    turned = training.linear_probe(vectors, labels)
    new = rng.normal(size=(50, 200)) + 1.5
    np.testing.assert_allclose(
        turned.predict_proba(new), plain.predict_proba(new), atol=0.1
    )
