"""Which track is taken, and what is said when something is missing."""

import subprocess
import sys

import h5py
import pytest

from tlcourse.course import tracks

NO_TOP, TOP = (
    f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224{end}.h5"
    for end in ("_no_top", "")
)


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    """Keras's folder on a machine without downloads, and without TLCOURSE_TRACK."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("TLCOURSE_TRACK", raising=False)
    folder = tmp_path / "keras" / "models"
    folder.mkdir(parents=True)
    return folder


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


@pytest.mark.parametrize("other", [TOP, "mobilenet_2_5_224_tf.h5"])
def test_flowers_say_at_once_what_is_missing(models, other):
    """Without the photographs TFDS alone would hang for minutes."""
    (models / NO_TOP).write_bytes(b"<html>log in</html>")
    (models / "imagenet_class_index.json").write_text('{"0": ["n1", "great_fish"]}')
    lacks = [f"the weights {NO_TOP} (the file there is damaged)"]
    lacks += [f"the weights {TOP} or mobilenet_2_5_224_tf.h5"]
    lacks += ["the dataset tf_flowers"]
    assert tracks.missing_for_flowers() == lacks
    assert tracks.load_track().name == "glyphs"
    for name in (NO_TOP, other):
        with h5py.File(models / name, "w") as file:
            file["conv"] = [1.0]
    assert tracks.missing_for_flowers() == lacks[2:]
    (models / "imagenet_class_index.json").unlink()
    with pytest.raises(FileNotFoundError, match="class names.*tf_flowers.*TFDS_DATA"):
        tracks.load_track("flowers")


def test_the_first_cell_of_a_lesson_shows_one_line_and_no_log():
    code = "import tlcourse; tlcourse.start()"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert len(shown.stdout.splitlines()) == 1
