"""Networks that leave the course: saved, loaded without it, on a telephone."""

import keras
import numpy as np
import pytest

from tlcourse.models import exporting


@pytest.fixture(scope="module")
def model():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), "uint8")


def test_a_telephone_would_give_the_same_answers(model, images, tmp_path):
    path = tmp_path / "network.tflite"
    n_bytes = exporting.to_tflite(model, path)
    assert path.stat().st_size == n_bytes > 1000
    assert list(tmp_path.iterdir()) == [path]
    found = exporting.run_tflite(path, images)
    np.testing.assert_allclose(found, model.predict(images, verbose=0), atol=1e-5)


def test_a_disk_that_is_full_leaves_nothing(model, tmp_path, monkeypatch):
    def full(self, content):
        self.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        exporting.to_tflite(model, tmp_path / "network.tflite")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_ending_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="ends on .tflite.*Received: network.lite"):
        exporting.to_tflite(model, tmp_path / "network.lite")


def test_another_backend_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="Received: a.tflite, Keras on torch"):
        exporting.to_tflite(model, tmp_path / "a.tflite")


def test_images_of_another_size_are_refused(model, tmp_path):
    exporting.to_tflite(model, tmp_path / "network.tflite")
    with pytest.raises(ValueError, match=r"images of \(8, 8, 3\).*\(9, 9, 3\)"):
        exporting.run_tflite(tmp_path / "network.tflite", np.zeros((1, 9, 9, 3)))


def test_a_missing_folder_is_said_before_anything_is_converted(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere, which does not exist"):
        exporting.to_tflite(model, tmp_path / "nowhere" / "model.tflite")
