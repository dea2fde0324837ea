"""Extraction: the same numbers as `predict`, in batches that suit, from a cache."""

import keras
import numpy as np
import pytest

from tlcourse import features
from tlcourse.features import disk_cache


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def model():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
        ]
    )


def images(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 8, 8, 3)).astype("uint8")


def counted(monkeypatch):
    """Sizes of the batches that are computed."""
    sizes, original = [], keras.Model.predict_on_batch

    def counting(self, x):
        sizes.append(len(x))
        return original(self, x)

    monkeypatch.setattr(keras.Model, "predict_on_batch", counting)
    return sizes


@pytest.mark.parametrize("n", [1, 2, 5, 255, 256, 257, 600])
def test_features_are_those_of_predict(model, n):
    found = features.extract(model, images(n))
    assert found.dtype == np.float32 and found.shape == (n, 4)
    expected = model.predict(images(n), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_no_images_give_no_features(model):
    assert features.extract(model, images(0)).shape == (0, 4)


def test_all_batches_have_one_size_and_each_image_counts_once(model, monkeypatch):
    sizes = counted(monkeypatch)
    assert features.extract(model, images(10), batch_size=4).shape == (10, 4)
    assert sizes == [4, 4, 4]
    sizes.clear()
    assert features.extract(model, images(9), batch_size=8).shape == (9, 4)
    assert sizes == [5, 5]  # and not 8 and 8


@pytest.mark.parametrize("side, batch", [(32, 256), (64, 256), (224, 32), (2000, 1)])
def test_the_batch_suits_the_size_of_the_images(side, batch):
    assert features.good_batch((side, side, 3)) == batch


def test_a_second_extraction_is_read_and_another_one_is_not(model, monkeypatch):
    first = features.extract(model, images(9), cache=True)
    sizes = counted(monkeypatch)
    assert np.array_equal(features.extract(model, images(9), cache=True), first)
    assert sizes == []
    other = features.extract(model, images(9, seed=1), cache=True)
    assert sizes == [9] and not np.array_equal(other, first)


def test_the_cache_follows_the_weights(model):
    first = features.extract(model, images(9), cache=True)
    began = model.get_weights()
    model.set_weights([weight + 0.1 for weight in began])
    moved = features.extract(model, images(9), cache=True)
    model.set_weights(began)
    assert not np.allclose(moved, first)
    assert np.array_equal(features.extract(model, images(9), cache=True), first)


def test_a_damaged_entry_is_computed_again(model, monkeypatch):
    first = features.extract(model, images(9), cache=True)
    (path,) = disk_cache.folder().glob("*.features")
    path.write_bytes(path.read_bytes()[:-1])
    sizes = counted(monkeypatch)
    assert np.array_equal(features.extract(model, images(9), cache=True), first)
    assert sizes == [9]
    assert np.array_equal(features.extract(model, images(9), cache=True), first)
    assert sizes == [9]


def test_nothing_is_kept_unless_asked(model):
    features.extract(model, images(9))
    assert not disk_cache.folder().exists()


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3)), images(2)[:, :4]])
def test_what_does_not_fit_is_refused(model, wrong):
    with pytest.raises(ValueError, match="Expected.*Received"):
        features.extract(model, wrong)
