"""Datasets of TFDS: from disk, any of them; from the network, only when asked."""

import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tlcourse import data
from tlcourse._util import tfds_download

SIZE = (16, 16)
CLASSES = ["cat", "dog", "owl"]
RGB = tfds.features.Image(shape=(None, None, 3))
LABEL = tfds.features.ClassLabel(names=CLASSES)


def coloured(position, shape=(20, 24, 3), dtype="uint8"):
    return np.full(shape, 10 + position, dtype)


def examples(n, label=lambda position: position % 3, **image):
    return [
        {"image": coloured(k, **image), "label": label(k), "name": f"{k}"}
        for k in range(n)
    ]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of tiny datasets, each of another kind."""
    home = tmp_path_factory.mktemp("tfds")
    text = tfds.features.Text()

    def store(name, features, splits, config=None):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={key: list(enumerate(n)) for key, n in splits.items()},
            config=config,
            data_dir=home,
            disable_shuffling=True,
        )

    usual = {"image": RGB, "label": LABEL, "name": text}
    unknown = {"train": examples(12), "test": examples(6, lambda k: -1)}
    store("pets", usual, unknown)
    for name, channels in (("greys", 1), ("clears", 4)):
        image = tfds.features.Image(shape=(None, None, channels))
        shown = examples(6, shape=(20, 20, channels))
        store(name, {**usual, "image": image}, {"train": shown})
    deep = tfds.features.Image(shape=(20, 20, 1), dtype=np.uint16)
    shown = examples(6, shape=(20, 20, 1), dtype="uint16")
    for example in shown:
        example["image"] *= 257
    store("deeps", {**usual, "image": deep}, {"train": shown})
    store("herds", usual, {"train": examples(3)}, config="small")
    store("lines", {"text": text}, {"train": [{"text": "a"}, {"text": "b"}]})
    pairs = [{**each, "other": each["image"]} for each in examples(3)]
    store("pairs", {**usual, "other": RGB}, {"train": pairs})
    return home


@pytest.fixture(autouse=True)
def on_the_shelf(shelf, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(shelf))


def test_a_dataset_is_read_with_its_class_names():
    pets = data.load_tfds("pets", SIZE)
    assert pets.images.shape == (12, 16, 16, 3)
    assert pets.class_names == ("cat", "dog", "owl")
    assert pets.labels.tolist() == [0, 1, 2] * 4
    assert pets.images[:, 3, 3, 0].tolist() == list(range(10, 22))


def test_the_first_images_of_each_class_are_taken():
    pets = data.load_tfds("pets", SIZE, per_class=2)
    assert pets.images[:, 0, 0, 0].tolist() == [10, 11, 12, 13, 14, 15]
    assert len(data.load_tfds("pets", SIZE, per_class=None)) == 12


def test_a_part_of_a_split_can_be_asked_for():
    assert len(data.load_tfds("pets", SIZE, split="train[:50%]")) == 6


def test_a_configuration_is_part_of_the_name():
    assert len(data.load_tfds("herds/small", SIZE)) == 3
    with pytest.raises(FileNotFoundError, match="`herds`.* herds/small"):
        data.load_tfds("herds", SIZE)


@pytest.mark.parametrize("split", ["validation", "train[", "train+nothing"])
def test_a_split_that_is_not_there_is_refused_with_those_that_are(split):
    with pytest.raises(ValueError, match=r"train \(12\), test \(6\).*Received"):
        data.load_tfds("pets", SIZE, split=split)


def test_a_split_without_labels_is_refused():
    with pytest.raises(ValueError, match="6 images, none with a label.*train"):
        data.load_tfds("pets", SIZE, split="test")


@pytest.mark.parametrize("name", ["greys", "deeps"])
def test_grey_images_get_three_channels_and_eight_bit(name):
    found = data.load_tfds(name, SIZE)
    assert found.images.shape == (6, 16, 16, 3)
    assert found.images[:, 0, 0].tolist() == [[10 + k] * 3 for k in range(6)]


def test_transparent_images_are_laid_on_white():
    found = data.load_tfds("clears", SIZE)
    assert found.images.shape == (6, 16, 16, 3)
    assert found.images.min() > 240


@pytest.mark.parametrize(
    "name, listed", [("lines", "text"), ("pairs", "image.*label.*other")]
)
def test_a_dataset_of_another_kind_is_refused_with_its_features(name, listed):
    with pytest.raises(ValueError, match=f"one image.*Received: .*{listed}"):
        data.load_tfds(name, SIZE)


def test_more_than_the_memory_is_refused_before_anything_is_read():
    with pytest.raises(ValueError, match=r"up to 12 of 16 x 16.*`per_class=2` fits"):
        data.load_tfds("pets", SIZE, memory=6 * 16 * 16 * 3)


def test_what_is_not_on_disk_is_named_at_once_with_what_is():
    start = time.perf_counter()
    with pytest.raises(FileNotFoundError, match="`beans`.*pets.*download=True"):
        data.load_tfds("beans", SIZE)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("name", ["", "../pets", "Pets and more", "a/b/c", None])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="Expected the name"):
        data.load_tfds(name, SIZE, download=True)


def pretend(monkeypatch, code):
    """Runs other code instead of TFDS's download."""
    made = []

    def command(name, folder):
        return [sys.executable, "-c", code, name, str(folder)]

    popen = subprocess.Popen

    def kept(*arguments, **options):
        made.append(popen(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(tfds_download, "_command", command)
    monkeypatch.setattr(tfds_download.subprocess, "Popen", kept)
    return made


def test_nothing_is_fetched_unless_asked_for(monkeypatch):
    made = pretend(monkeypatch, "pass")
    with pytest.raises(FileNotFoundError):
        data.load_tfds("beans", SIZE)
    assert made == []


def test_what_is_on_disk_is_not_fetched(monkeypatch):
    made = pretend(monkeypatch, "pass")
    assert len(data.load_tfds("pets", SIZE, download=True)) == 12
    assert made == []


def test_a_download_that_hangs_is_ended_in_time(monkeypatch):
    made = pretend(monkeypatch, "import time; time.sleep(300)")
    start = time.perf_counter()
    with pytest.raises(ConnectionError, match="`beans`.*nothing for 2 seconds"):
        data.load_tfds("beans", SIZE, download=True, timeout=2)
    assert time.perf_counter() - start < 12
    assert made[0].poll() is not None


def test_a_hang_that_does_not_listen_is_ended_too(monkeypatch):
    monkeypatch.setattr(tfds_download, "GRACE", 0.5)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "time.sleep(300)"
    )
    made = pretend(monkeypatch, code)
    with pytest.raises(ConnectionError):
        data.load_tfds("beans", SIZE, download=True, timeout=2)
    assert made[0].poll() is not None


def test_a_slow_download_that_gets_on_is_waited_for(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    code = """
import json, pathlib, sys, time
home = pathlib.Path(sys.argv[2])
(home / "downloads").mkdir(parents=True)
for _ in range(8):
    time.sleep(0.5)
    with open(home / "downloads" / "part", "ab") as file:
        file.write(bytes(1_000_000))
print("noise")
print(json.dumps(str(home / "pets" / "1.0.0")))
"""
    pretend(monkeypatch, code)
    folder = tfds_download.prepare("pets", tmp_path, timeout=3)
    assert folder == tmp_path / "pets" / "1.0.0"
    assert "pets: 4.0 MB on disk" in capsys.readouterr().out


@pytest.mark.parametrize(
    "code, kind, said",
    [
        (3, ValueError, "Received: 'beans'. Did you mean"),
        (4, ConnectionError, "Did you mean.*Is there a network"),
        (1, RuntimeError, "Did you mean"),
    ],
)
def test_what_tfds_says_is_passed_on(monkeypatch, code, kind, said):
    text = "import json, sys; print(json.dumps('Did you mean')); sys.exit(%d)"
    pretend(monkeypatch, text % code)
    with pytest.raises(kind, match=said):
        data.load_tfds("beans", SIZE, download=True)


def test_a_process_that_dies_without_a_word_is_reported(monkeypatch):
    pretend(monkeypatch, "import os; os._exit(7)")
    with pytest.raises(RuntimeError, match="ended with 7"):
        data.load_tfds("beans", SIZE, download=True)


class Builder:
    """A builder that fails as it is told."""

    data_path = pathlib.Path("somewhere")

    def __init__(self, error=None):
        self.error = error

    def download_and_prepare(self):
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    "error, code",
    [
        (None, 0),
        (tfds.core.DatasetNotFoundError("no\nsuch"), tfds_download.NO_SUCH_DATASET),
        (ConnectionError("no answer"), tfds_download.NO_CONNECTION),
        (AssertionError("fetch it by hand"), 1),
    ],
)
def test_the_process_says_how_it_ended(monkeypatch, capsys, error, code):
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Builder(error))
    assert tfds_download.main("beans", "folder") == code
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said.startswith('"')
    assert ("somewhere" if error is None else type(error).__name__) in said


def test_the_process_starts_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "import tlcourse._util.tfds_download"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=tfds_download._environment(), timeout=60
    )
    assert ended.returncode == 0
