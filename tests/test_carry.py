"""A folder to carry to a class: what is on disk is copied, the rest downloaded."""

import collections
import errno
import functools
import hashlib
import io
import subprocess

import h5py
import numpy as np
import pytest

from tlcourse import __main__ as command
from tlcourse._util import assets, atomic
from tlcourse.course import carry, doctor, fetch

DATASET = {
    "dataset_info.json": b"{}",
    "features.json": b"{}",
    "tf_flowers-train.tfrecord-00000-of-00001": b"photographs" * 30_000,
}


@functools.cache
def content(name):
    if not name.endswith(".h5"):
        return name.encode() * 3_000
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights["conv"] = np.frombuffer(name.encode() * 3_000, "uint8")
    return file.getvalue()


def silent(what, done, total):
    """A report that nobody reads."""


@pytest.fixture(autouse=True)
def disk(tmp_path, monkeypatch):
    """A disk with small stand-ins for all that the flowers track needs."""
    sums = {name: (hashlib.sha256(content(name)).hexdigest(),) for name in fetch.FILES}
    monkeypatch.setattr(fetch, "SUMS", sums)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home" / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "home" / "tfds"))
    assets.keras_weights_folder().mkdir(parents=True)
    for name in fetch.FILES:
        (assets.keras_weights_folder() / name).write_bytes(content(name))
    version = assets.tfds_folder() / assets.FLOWERS_DATASET / "3.0.1"
    version.mkdir(parents=True)
    for name, each in DATASET.items():
        (version / name).write_bytes(each)
    return tmp_path


@pytest.fixture
def stick(disk):
    return disk / "stick"


@pytest.fixture
def downloads(monkeypatch):
    """What would be downloaded; nothing is."""
    asked = []

    def download(url, path, report, sums, check):
        asked.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(path.name))

    monkeypatch.setattr(fetch, "download", download)
    return asked


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def everything():
    models = {f"keras/models/{name}": content(name) for name in fetch.FILES}
    return models | {f"tfds/tf_flowers/3.0.1/{k}": v for k, v in DATASET.items()}


def test_what_is_on_this_disk_is_copied_and_nothing_downloaded(stick, downloads):
    seen = []
    brought = carry.fill(stick, lambda *progress: seen.append(progress))
    assert len(brought) == len(fetch.FILES) + 1
    assert files(stick) == everything()
    assert downloads == []
    assert all(done <= total for _, done, total in seen)
    assert carry.fill(stick, silent) == []  # all is there


def test_what_is_missing_or_damaged_here_is_downloaded(stick, downloads):
    first, second, _ = fetch.FILES
    (assets.keras_weights_folder() / first).unlink()
    (assets.keras_weights_folder() / second).write_bytes(b"half")
    carry.fill(stick, silent)
    assert downloads == [first, second]
    assert files(stick) == everything()


def test_without_a_network_all_that_is_here_is_copied_first(stick):
    first = next(iter(fetch.FILES))
    (assets.keras_weights_folder() / first).unlink()
    with pytest.raises(ConnectionError, match=f"{first}.*Is there a network"):
        carry.fill(stick, silent)
    copied = everything()
    copied.pop(f"keras/models/{first}")
    assert files(stick) == copied


def test_what_is_damaged_there_is_brought_again(stick, downloads):
    carry.fill(stick, silent)
    name = next(iter(fetch.FILES))
    (stick / "keras" / "models" / name).write_bytes(b"half")
    assert [need.what for need in carry.fill(stick, silent)] == [name]
    assert files(stick) == everything()


def test_photographs_that_are_not_here_are_prepared_there(disk, stick, monkeypatch):
    here = assets.tfds_folder() / assets.FLOWERS_DATASET / "3.0.1"

    def prepare(need, report):
        assert need.datasets == stick / "tfds"
        (stick / "tfds" / "downloads").mkdir(parents=True)
        (stick / "tfds" / assets.FLOWERS_DATASET).mkdir()
        (disk / "aside").rename(stick / "tfds" / assets.FLOWERS_DATASET / "3.0.1")

    monkeypatch.setattr(fetch, "_prepare_photographs", prepare)
    here.rename(disk / "aside")
    carry.fill(stick, silent)
    assert files(stick) == everything()
    assert not (stick / "tfds" / "downloads").exists()


def test_too_little_room_is_said_before_anything_is_written(stick, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(carry.shutil, "disk_usage", lambda path: usage(9, 9, 10_000))
    with pytest.raises(OSError, match=r"Expected 1 MB of room for .*stick.*another"):
        carry.fill(stick, silent)
    assert not stick.exists()
    (assets.keras_weights_folder() / "imagenet_class_index.json").unlink()
    with pytest.raises(OSError, match="Expected 11 MB"):
        carry.fill(stick, silent)


class FullDisk:
    """A file on a disk with room for some more bytes."""

    room = 0

    def __init__(self, path, mode):
        self.file = open(path, mode)

    def write(self, block):
        FullDisk.room -= len(block)
        if FullDisk.room < 0:
            self.file.write(block[: len(block) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(block)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 150_000, 400_000, 700_000])
def test_a_disk_that_gets_full_holds_nothing_half(stick, monkeypatch, room, capsys):
    monkeypatch.setattr(atomic, "open", FullDisk, raising=False)
    monkeypatch.setattr(FullDisk, "room", room)
    assert command.main(["fetch", "flowers", "--to", str(stick)]) == 1
    assert "Make room and run it again" in capsys.readouterr().err
    assert files(stick).items() <= everything().items()
    assert assets.prepared_dataset("tf_flowers", stick / "tfds") is None
    assert not [path for path in stick.rglob("*") if "partial" in path.name]
    monkeypatch.setattr(FullDisk, "room", 10**9)
    carry.fill(stick, silent)
    assert files(stick) == everything()


def test_a_disk_that_keeps_something_else_is_named(stick, monkeypatch):
    monkeypatch.setattr(carry.filecmp, "cmp", lambda *_, **__: False)
    with pytest.raises(OSError, match="The disk may be faulty"):
        carry.fill(stick, silent)
    assert files(stick) == {}


def test_the_command_says_what_to_set_and_a_shell_takes_it(disk, capsys):
    odd = disk / "a stick, 'ours'"
    assert command.main(["fetch", "flowers", "--to", str(odd)]) == 0
    said = capsys.readouterr().out
    assert "4 fetched" in said
    assert f"set TFDS_DATA_DIR={odd / 'tfds'}" in said
    assert "a stick, ''ours''/keras'" in said  # as PowerShell wants it
    lines = [line for line in said.splitlines() if line.startswith("export ")]
    lines.append('printf "%s\\n" "$KERAS_HOME" "$TFDS_DATA_DIR"')
    shown = subprocess.run(
        ["sh", "-c", "; ".join(lines)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == [str(odd / "keras"), str(odd / "tfds")]


def test_a_relative_folder_is_told_whole(disk, monkeypatch):
    monkeypatch.chdir(disk)
    told = carry.instructions("stick")
    assert f"export KERAS_HOME={disk / 'stick' / 'keras'}" in told


def test_the_doctor_finds_the_track_in_such_a_folder(stick, monkeypatch):
    carry.fill(stick, silent)
    monkeypatch.setenv("KERAS_HOME", str(stick / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(stick / "tfds"))

    def flowers():
        return next(x for x in doctor.examine() if x.name == "track flowers")

    assert (flowers().state, flowers().text) == ("ok", "ready")
    (stick / "tfds" / "tf_flowers" / "3.0.1" / "dataset_info.json").unlink()
    assert flowers().text == "not ready: missing the dataset tf_flowers"
    monkeypatch.setenv("KERAS_HOME", str(stick / "nowhere"))
    assert "the weights mobilenet_v2_weights" in flowers().text
