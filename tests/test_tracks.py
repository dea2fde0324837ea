"""Which track is taken, and what is said when something is missing."""

import hashlib

import h5py
import pytest

from tlcourse.course import fetch, tracks


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
    assert "asked for by name" in capsys.readouterr().out
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


@pytest.mark.parametrize("other", [fetch.COMPLETE, "mobilenet_2_5_224_tf.h5"])
def test_flowers_say_at_once_what_is_missing(models, monkeypatch, other, capsys):
    """Without the photographs TFDS alone would hang for minutes."""
    index, page = models / fetch.CLASS_INDEX, b"<html>log in</html>"
    sums = {fetch.CLASS_INDEX: hashlib.sha256(b"{}").hexdigest()}
    monkeypatch.setattr(fetch, "SUMS", sums)
    index.write_bytes(b"{}")
    (models / fetch.BASE).write_bytes(page)
    assert tracks.load_track().name == "glyphs"
    said = f"for flowers is missing: the file {fetch.BASE} (it is damaged)"
    assert said in capsys.readouterr().out
    assert list(fetch.missing()) == [fetch.BASE, fetch.COMPLETE, fetch.DATASET]
    for name in (fetch.BASE, other):
        with h5py.File(models / name, "w") as file:
            file["conv"] = [1.0]
    assert fetch.missing() == {fetch.DATASET: "the dataset tf_flowers"}
    index.write_bytes(page)
    lacks = rf"{fetch.CLASS_INDEX} \(it is damaged\); the dataset tf_flowers.*TFDS_DATA"
    with pytest.raises(FileNotFoundError, match=lacks):
        tracks.load_track("flowers")
