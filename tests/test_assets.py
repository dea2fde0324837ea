"""Shipped files: found, verified, and named when something is wrong."""

import shutil

import numpy as np
import pytest

from tlcourse import training
from tlcourse._util import assets
from tlcourse.course.tracks import load_track


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the data folder that a test may spoil."""
    folder = shutil.copytree(assets.data_folder(), tmp_path / "data")
    monkeypatch.setenv("TLCOURSE_DATA", str(folder))
    return folder


def test_every_shipped_file_has_its_checksum():
    folder = assets.data_folder()
    names = {path.name for path in folder.iterdir() if path.is_file()} - {"README.md", "SHA256SUMS"}
    assert set(assets.checksums(folder)) == names
    for name in names:
        assets.shipped(name)


def test_a_missing_data_folder_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("TLCOURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.*Clone.*TLCOURSE_DATA"):
        load_track("glyphs").build_base()


def test_a_missing_file_is_named_with_what_to_do(copy):
    (copy / "scratch.csv").unlink()
    with pytest.raises(FileNotFoundError, match="git checkout -- data/scratch.csv"):
        training.shipped_scratch(load_track("glyphs"), [1])


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_weights_file_is_refused(copy, damage):
    path = copy / "glyphs_mobilenet_v2_0.35_64_no_top.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content if damage == "changed" else content[:1000])
    with pytest.raises(ValueError, match=r"is damaged: expected sha256.*Received"):
        load_track("glyphs").build_base()


def test_the_data_stays_below_its_limits():
    folder = assets.data_folder()
    assert (folder / "glyphs.npz").stat().st_size < 12e6
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40e6


def test_the_archive_needs_no_pickle():
    with np.load(assets.shipped("glyphs.npz"), allow_pickle=False) as archive:
        assert {archive[name].dtype.kind for name in archive.files} <= set("uibU")


def test_the_newest_version_of_a_dataset_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert assets.prepared_dataset("tf_flowers") is None
    for version in ("3.0.1", "3.0.9", "3.0.10", "4.0.0"):
        (tmp_path / "tf_flowers" / version).mkdir(parents=True)
        if version != "4.0.0":  # begun and not finished
            (tmp_path / "tf_flowers" / version / "dataset_info.json").write_text("{}")
    assert assets.prepared_dataset("tf_flowers").name == "3.0.10"
