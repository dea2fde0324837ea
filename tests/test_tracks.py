"""Which track is taken, and what is said when something is missing."""

import subprocess
import sys
import time

import h5py
import pytest

from tlcourse.course import tracks


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """A machine without downloads, and without TLCOURSE_TRACK."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("TLCOURSE_TRACK", raising=False)
    return tmp_path


def test_without_downloads_the_track_is_glyphs_and_says_why(empty, capsys):
    track = tracks.load_track()
    assert track.name == "glyphs"
    assert "for flowers is missing" in capsys.readouterr().out


def test_a_wrong_name_in_the_environment_is_refused(empty, monkeypatch):
    monkeypatch.setenv("TLCOURSE_TRACK", "flower")
    with pytest.raises(ValueError, match="glyphs, flowers.*TLCOURSE_TRACK.*'flower'"):
        tracks.load_track()


def test_a_wrong_argument_is_refused(empty):
    with pytest.raises(ValueError, match="glyphs, flowers in load_track.*'birds'"):
        tracks.load_track("birds")


def test_an_argument_wins_over_the_environment(empty, monkeypatch, capsys):
    monkeypatch.setenv("TLCOURSE_TRACK", "flowers")
    assert tracks.load_track("glyphs").name == "glyphs"
    assert "as you asked" in capsys.readouterr().out


def test_flowers_without_weights_says_at_once_what_is_missing(empty):
    start = time.monotonic()
    with pytest.raises(FileNotFoundError, match="_0.35_224_no_top.h5.*KERAS_HOME"):
        tracks.load_track("flowers")
    assert time.monotonic() - start < 30  # TFDS alone would hang for minutes


NO_TOP = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def save_weights(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["conv"] = [1.0]


def test_flowers_without_photographs_says_what_is_missing(empty):
    models = empty / "keras" / "models"
    save_weights(models / NO_TOP)
    save_weights(models / "mobilenet_2_5_224_tf.h5")
    assert [each.split(",")[0] for each in tracks.missing_for_flowers()] == [
        "ImageNet's class names",
        "the dataset tf_flowers",
    ]
    (models / "imagenet_class_index.json").write_text("{}")
    assert tracks.missing_for_flowers() == ["the dataset tf_flowers"]
    with pytest.raises(FileNotFoundError, match="`tf_flowers`"):
        tracks.load_track("flowers")


@pytest.mark.parametrize("content", [b"<html>log in</html>", b""])
def test_damaged_weights_are_no_weights(empty, content, capsys):
    path = empty / "keras" / "models" / NO_TOP
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert f"{NO_TOP} (the file there is damaged)" in tracks.missing_for_flowers()[0]
    assert tracks.load_track().name == "glyphs"
    with pytest.raises(ValueError, match="none, or not all.*fetch it again"):
        tracks.load_track("flowers")


def test_complete_network_without_class_names_says_what_is_missing(empty):
    with pytest.raises(FileNotFoundError, match="imagenet_class_index.json"):
        tracks._complete_imagenet((224, 224, 3))


def test_complete_network_without_weights_says_what_is_missing(empty):
    (empty / "keras" / "models").mkdir(parents=True)
    index = empty / "keras" / "models" / "imagenet_class_index.json"
    index.write_text('{"0": ["n1", "great_fish"]}')
    with pytest.raises(FileNotFoundError, match="mobilenet_2_5_224_tf.h5"):
        tracks._complete_imagenet((224, 224, 3))


def test_weights_are_pretrained_or_random_and_nothing_else(empty):
    with pytest.raises(ValueError, match="'pretrained' or 'random'"):
        tracks.load_track("glyphs").build_base("imagenet")


def test_icons_show_each_class(empty):
    track = tracks.load_track("glyphs")
    _, names = track.build_complete()
    assert track.icons().shape == (len(names), 48, 48)


def test_the_first_cell_of_a_lesson_shows_one_line_and_no_log():
    code = "import tlcourse; tlcourse.start()"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 1
    assert shown.stderr == ""
