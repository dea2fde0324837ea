"""Which track is taken, and what is said when something is missing."""

import subprocess
import sys

import h5py
import pytest

from tlcourse.course import tracks

NO_TOP = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    """Keras's folder on a machine without downloads, and without TLCOURSE_TRACK."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("TLCOURSE_TRACK", raising=False)
    folder = tmp_path / "keras" / "models"
    folder.mkdir(parents=True)
    return folder


def save_weights(path):
    with h5py.File(path, "w") as file:
        file["conv"] = [1.0]


def test_the_track_is_glyphs_without_downloads_or_if_asked_for(monkeypatch, capsys):
    track = tracks.load_track()
    assert track.name == "glyphs"
    assert "for flowers is missing" in capsys.readouterr().out
    monkeypatch.setenv("TLCOURSE_TRACK", "flowers")
    assert tracks.load_track("glyphs").name == "glyphs"
    assert "as you asked" in capsys.readouterr().out
    with pytest.raises(ValueError, match="'pretrained' or 'random'"):
        track.build_base("imagenet")
    _, names = track.build_complete()
    assert track.icons().shape == (len(names), 48, 48)


def test_a_name_that_is_no_track_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="glyphs, flowers in load_track.*'birds'"):
        tracks.load_track("birds")
    monkeypatch.setenv("TLCOURSE_TRACK", "flower")
    with pytest.raises(ValueError, match="glyphs, flowers.*TLCOURSE_TRACK.*'flower'"):
        tracks.load_track()


def test_flowers_say_at_once_what_is_missing(models):
    with pytest.raises(FileNotFoundError, match="_0.35_224_no_top.h5.*KERAS_HOME"):
        tracks.load_track("flowers")  # TFDS alone would hang for minutes
    with pytest.raises(FileNotFoundError, match="imagenet_class_index.json"):
        tracks._complete_imagenet((224, 224, 3))
    index = models / "imagenet_class_index.json"
    index.write_text('{"0": ["n1", "great_fish"]}')
    with pytest.raises(FileNotFoundError, match="_0.35_224.h5"):
        tracks._complete_imagenet((224, 224, 3))
    save_weights(models / NO_TOP)
    save_weights(models / "mobilenet_2_5_224_tf.h5")
    assert tracks.missing_for_flowers() == ["the dataset tf_flowers"]
    with pytest.raises(FileNotFoundError, match="`tf_flowers`"):
        tracks.load_track("flowers")
    index.unlink()
    assert tracks.missing_for_flowers()[0].startswith("ImageNet's class names")


@pytest.mark.parametrize("content", [b"<html>log in</html>", b""])
def test_damaged_weights_count_as_missing(models, content):
    (models / NO_TOP).write_bytes(content)
    assert f"{NO_TOP} (the file there is damaged)" in tracks.missing_for_flowers()[0]
    assert tracks.load_track().name == "glyphs"
    with pytest.raises(ValueError, match="none, or not all.*fetch it again"):
        tracks.load_track("flowers")


def test_the_first_cell_of_a_lesson_shows_one_line_and_no_log():
    code = "import tlcourse; tlcourse.start()"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 1
    assert shown.stderr == ""
