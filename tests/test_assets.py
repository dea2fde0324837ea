"""Shipped files: found, verified, and named when something is wrong."""

import shutil

import pytest

from tlcourse._util import assets
from tlcourse.course.tracks import GLYPH_WEIGHTS, load_track


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the data folder that a test may spoil."""
    folder = shutil.copytree(assets.data_folder(), tmp_path / "data")
    monkeypatch.setenv("TLCOURSE_DATA", str(folder))
    return folder


def test_every_shipped_file_has_its_checksum_and_all_stay_small():
    folder = assets.data_folder()
    paths = [path for path in folder.iterdir() if path.is_file()]
    names = {path.name for path in paths} - {"README.md", "SHA256SUMS"}
    assert set(assets.checksums(folder)) == names
    for name in names:
        assets.shipped(name)
    assert (folder / "glyphs.npz").stat().st_size < 12e6
    assert sum(path.stat().st_size for path in paths) < 40e6


def test_a_missing_data_folder_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("TLCOURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.*Clone.*TLCOURSE_DATA"):
        load_track("glyphs").build_base()


def test_a_damaged_weights_file_is_refused(copy):
    track, path = load_track("glyphs"), copy / GLYPH_WEIGHTS.format(top="_no_top")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    for damaged in (content, content[:1000]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"is damaged: expected sha256.*Received"):
            track.build_base()


@pytest.mark.parametrize(
    "kind, remedy",
    [
        ("clone", 'git -C ".*" checkout -- data/grid.csv'),
        ("zip", "download the course again, and copy its data/grid.csv to .*/data$"),
        ("wheel", "python -m pip install --force-reinstall"),
    ],
)
def test_a_missing_file_has_the_remedy_for_its_kind_of_copy(
    copy, monkeypatch, kind, remedy
):
    monkeypatch.setattr(assets, "REPOSITORY", copy.parent)
    if kind == "clone":
        (copy.parent / ".git").mkdir()
    elif kind == "wheel":
        monkeypatch.setattr(assets, "INSTALLED", copy)
    (copy / "grid.csv").unlink()
    with pytest.raises(FileNotFoundError, match=f"`grid.csv`.*bring it back: {remedy}"):
        assets.shipped("grid.csv")


def test_the_newest_version_of_a_dataset_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert assets.prepared_dataset("tf_flowers") is None
    for version in ("3.0.1", "3.0.9", "3.0.10", "4.0.0"):
        (tmp_path / "tf_flowers" / version).mkdir(parents=True)
        if version != "4.0.0":  # begun and not finished
            (tmp_path / "tf_flowers" / version / "dataset_info.json").write_text("{}")
    assert assets.prepared_dataset("tf_flowers").name == "3.0.10"
