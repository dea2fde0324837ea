"""Datasets of TFDS: from disk, any of them; from the network, only when asked."""

import json
import re
import shutil
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tlcourse import data
from tlcourse._util import tfds_download

SIZE = (16, 16)
LABEL = tfds.features.ClassLabel(names=["cat", "dog", "owl"])


def examples(n, channels=3, dtype=np.uint8, label=lambda k: k % 3):
    """Features and images, each of the colour 10 + its position, as TFDS wants them."""
    shape, scale = (20, 20, channels), 257 if dtype == np.uint16 else 1
    pixels = [np.full(shape, (10 + k) * scale, dtype) for k in range(n)]
    rows = [{"image": image, "label": label(k)} for k, image in enumerate(pixels)]
    image = tfds.features.Image(shape=shape, dtype=dtype)
    return {"image": image, "label": LABEL}, rows


@pytest.fixture(scope="module", autouse=True)
def shelf(tmp_path_factory):
    """A folder of tiny datasets, each of another kind, where TFDS looks for them."""
    home = tmp_path_factory.mktemp("tfds")

    def store(name, features, train, test=(), config=None):
        splits = {"train": train, "test": test} if test else {"train": train}
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={key: list(enumerate(n)) for key, n in splits.items()},
            config=config,
            data_dir=home,
            disable_shuffling=True,
        )

    store("pets", *examples(12), test=examples(6, label=lambda k: -1)[1])
    store("greys", *examples(6, channels=1))
    store("clears", *examples(6, channels=4))
    store("deeps", *examples(6, channels=1, dtype=np.uint16))
    store("herds", *examples(3), config="small")
    store("lines", {"text": tfds.features.Text()}, [{"text": "a"}, {"text": "b"}])
    features, rows = examples(3)
    pairs = [{**row, "other": row["image"]} for row in rows]
    store("pairs", features | {"other": features["image"]}, pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(home))
        yield home


def test_a_dataset_a_part_and_a_configuration_are_read_with_class_names():
    pets = data.load_tfds("pets", SIZE)
    assert pets.images.shape == (12, 16, 16, 3)
    assert pets.class_names == ("cat", "dog", "owl")
    assert pets.labels.tolist() == [0, 1, 2] * 4
    assert pets.images[:, 3, 3, 0].tolist() == list(range(10, 22))
    few = data.load_tfds("pets", SIZE, per_class=2)
    assert few.images[:, 0, 0, 0].tolist() == [10, 11, 12, 13, 14, 15]
    assert len(data.load_tfds("pets", SIZE, per_class=None)) == 12
    assert len(data.load_tfds("pets", SIZE, split="train[:50%]")) == 6
    assert len(data.load_tfds("herds/small", SIZE)) == 3


def test_grey_images_get_three_channels_and_transparent_ones_white(capsys):
    for name in ("greys", "deeps"):
        found = data.load_tfds(name, SIZE).images
        assert found.shape == (6, 16, 16, 3)
        assert found[:, 0, 0].tolist() == [[10 + k] * 3 for k in range(6)]
    assert "Look: nearly black images: 6, such as number 0" in capsys.readouterr().out
    assert data.load_tfds("clears", SIZE).images.min() > 230


@pytest.mark.fault(10)
def test_a_damaged_file_is_named_with_the_remedy(shelf, tmp_path, monkeypatch):
    shutil.copytree(shelf / "greys", tmp_path / "greys")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    path = next(tmp_path.rglob("*tfrecord*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    for damage in (bytes(content), bytes(content[:-9])):
        path.write_bytes(damage)
        with pytest.raises(ValueError, match=f"{path}.*download=True"):
            data.load_tfds("greys", SIZE)


@pytest.mark.parametrize(
    "name, options, expected",
    [
        ("pets", {"split": "validation"}, r"train \(12\), test \(6\).*Received"),
        ("pets", {"split": "train+nothing"}, r"train \(12\), test \(6\).*Received"),
        ("pets", {"split": ["train[:80%]", "train[80%:]"]}, "split=each"),
        ("pets", {"split": ("train",)}, "split=each"),
        ("pets", {"split": None}, "Expected.*Received"),
        ("pets", {"split": "train[:80]%"}, "Expected.*Received"),
        ("pets", {"split": {"a": 1}}, "Expected.*Received"),
        ("pets", {"split": "test"}, "6 images, none with a label.*train"),
        ("pets", {"memory": 5000}, r"up to 12 of 16 x 16.*`per_class=2` fits"),
        ("lines", {}, "one image.*Received: text"),
        ("pairs", {}, "one image.*Received: image.*label.*other .Image"),
        ("../pets", {"download": True}, "Expected the name"),
        (None, {"download": True}, "Expected the name"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_can(name, options, expected):
    with pytest.raises(ValueError, match=expected):
        data.load_tfds(name, SIZE, **options)


@pytest.fixture
def pretend(monkeypatch):
    """Runs other code in place of TFDS's download; returns the processes it ended."""
    ended, end = [], tfds_download._end
    monkeypatch.setattr(tfds_download, "_end", lambda x: ended.append(x) or end(x))

    def pretend(code):
        start = [sys.executable, "-c", code]
        monkeypatch.setattr(tfds_download, "_command", lambda *names: [*start, *names])
        return ended

    return pretend


def test_nothing_is_fetched_that_is_on_disk_or_not_asked_for(pretend):
    ended, start = pretend("pass"), time.perf_counter()
    with pytest.raises(FileNotFoundError, match="`beans`.*pets.*download=True.*_DIR"):
        data.load_tfds("beans", SIZE)
    with pytest.raises(FileNotFoundError, match="`herds`.* herds/small"):
        data.load_tfds("herds", SIZE)
    assert time.perf_counter() - start < 2
    assert len(data.load_tfds("pets", SIZE, download=True)) == 12
    assert ended == []


def test_a_slow_download_that_gets_on_is_waited_for(pretend, tmp_path, capsys):
    pretend("""
import json, pathlib, sys, time
home = pathlib.Path(sys.argv[2])
(home / "downloads").mkdir(parents=True)
for _ in range(5):
    time.sleep(0.4)
    with open(home / "downloads" / "part", "ab") as file:
        file.write(bytes(1_000_000))
print("noise")
print(json.dumps(str(home / "pets" / "1.0.0")))
""")
    folder = tfds_download.prepare("pets", tmp_path)
    assert folder == tmp_path / "pets" / "1.0.0"
    assert re.search(r"pets: [2-5]\.00?MB on disk", capsys.readouterr().out)


SAY = "import json, sys; print(json.dumps('Did you mean')); sys.exit(%d)"
HANG = "import time; time.sleep(300)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {HANG}"


@pytest.mark.parametrize(
    "code, kind, said",
    [
        (SAY % 3, ValueError, "Received: 'beans'. Did you mean"),
        (SAY % 4, ConnectionError, "Did you mean.*Is there a network"),
        (SAY % 1, RuntimeError, "Did you mean"),
        ("import os; os._exit(7)", RuntimeError, "ended with 7"),
        (HANG, ConnectionError, "`beans`.*nothing for 1 seconds"),
        (DEAF, ConnectionError, "`beans`.*nothing for 1 seconds"),
    ],
)
def test_what_tfds_says_or_that_it_hangs_is_told_in_time(
    pretend, monkeypatch, code, kind, said
):
    monkeypatch.setattr(tfds_download, "GRACE", 0.5)
    if code in (HANG, DEAF):
        monkeypatch.setattr(tfds_download, "STALLED", 1)
    ended, start = pretend(code), time.perf_counter()
    with pytest.raises(kind, match=said):
        data.load_tfds("beans", SIZE, download=True)
    assert time.perf_counter() - start < 12
    assert ended[0].poll() is not None


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
    builder = mock.Mock(data_path="somewhere")
    builder.download_and_prepare.side_effect = error
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
    assert tfds_download.main("beans", "folder") == code
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (type(error).__name__ if error else "somewhere") in said


def test_the_process_starts_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", "import tlcourse._util.tfds_download"]
    subprocess.run(command, env=tfds_download._environment(), timeout=60, check=True)
