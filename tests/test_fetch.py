"""Fetching what the flowers track needs, from a server of our own or from this disk."""

import contextlib
import errno
import hashlib
import http.server
import inspect
import io
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import h5py
import keras
import numpy as np
import pytest

from tlcourse import __main__ as command
from tlcourse import widgets
from tlcourse._util import assets, atomic, tfds_download
from tlcourse.course import fetch

NAMES = list(fetch.FILES)
DATASET = {
    "dataset_info.json": b"{}",
    "tf_flowers-train.tfrecord-00000-of-00001": b"photographs" * 30_000,
}
PAGE = b"<html>Welcome to the hotel. Please log in.</html>"


with io.BytesIO() as made, h5py.File(made, "w") as weights:
    weights["conv"] = np.random.default_rng(0).integers(0, 256, 278_000, "uint8")
    weights.flush()
    CONTENT = made.getvalue()
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """`short` in the address: ends too early; `slow`: in blocks; `stop`: stalls."""

    def do_GET(self):
        content = self.server.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if "short" in self.path or "stop" in self.path:
            content = content[:1000]
        block = 14_000 if "slow" in self.path else len(content) + 1
        with contextlib.suppress(ConnectionError):  # the other side was killed
            for start in range(0, len(content), block):
                self.wfile.write(content[start : start + block])
                time.sleep(0.004)
        if "stop" in self.path:
            self.server.ended.wait(10)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def connect(monkeypatch):
    """Starts a server that has the files, and makes the addresses point to it."""
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.ended, made.content = threading.Event(), CONTENT
    made.url = f"http://127.0.0.1:{made.server_port}/"
    threading.Thread(target=made.serve_forever, daemon=True).start()

    def connect():
        monkeypatch.setattr(fetch, "FILES", dict.fromkeys(NAMES, made.url))
        monkeypatch.setattr(fetch, "PHOTOGRAPHS", made.url)
        return made

    yield connect
    made.ended.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def server(connect):
    return connect()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Empty folders of Keras and TFDS; all files are weights, and no sum is known."""
    monkeypatch.setattr(fetch, "SUMS", {})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path / "progress"))
    return tmp_path


def put(folder, contents):
    """Makes files: dict, names to bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def models(home):
    return home / "keras" / "models"


@pytest.fixture
def photographs(home):
    put(home / "tfds" / "tf_flowers" / "3.0.1", DATASET)


@pytest.fixture
def stick(home, models, photographs):
    """A folder to fill, on a machine that has everything."""
    put(models, dict.fromkeys(NAMES, CONTENT))
    return home / "stick"


EVERYTHING = {f"keras/models/{name}": CONTENT for name in NAMES}
EVERYTHING |= {f"tfds/tf_flowers/3.0.1/{name}": DATASET[name] for name in DATASET}


def silent(what, done, total):
    """A report that nobody reads."""


def files(folder):
    found = filter(pathlib.Path.is_file, folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_addresses_are_those_of_keras():
    index = keras.applications.imagenet_utils.decode_predictions
    for function, address in (
        (keras.applications.MobileNetV2, fetch.WEIGHTS),
        (index, fetch.INDEX + fetch.CLASS_INDEX),
    ):
        source = inspect.getsource(inspect.getmodule(function))
        assert address in source.replace('"\n    "', "")


@pytest.mark.usefixtures("photographs")
def test_it_fetches_what_is_missing_and_only_that_with_bars(server, models, capsys):
    put(models, {NAMES[0]: CONTENT, NAMES[1]: PAGE})
    old, seen = (models / NAMES[0]).stat().st_mtime_ns, []
    assert fetch.fetch_flowers(lambda *told: seen.append(told)) == NAMES[1:]
    assert files(models) == dict.fromkeys(NAMES, CONTENT)
    assert (models / NAMES[0]).stat().st_mtime_ns == old
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert not fetch.missing() and not fetch.fetch_flowers(silent)
    (models / NAMES[0]).unlink()
    assert command.main(["fetch", "flowers"]) == 0
    said = capsys.readouterr().out
    assert f"{NAMES[0][-32:]}: 100%" in said and "1 fetched" in said
    (models / NAMES[0]).unlink()
    server.content = PAGE
    assert command.main(["fetch", "flowers"]) == 1
    assert "something else" in capsys.readouterr().err


@pytest.mark.parametrize(
    "page, content, said",
    [
        ("short", CONTENT, rf"Expected {len(CONTENT)} bytes.*Received: 1000"),
        ("stop", CONTENT, "Expected all of.*Received: Timeout"),
        ("", PAGE, "`some.h5`.*something else.*log-in page.*try again"),
        ("", b"", "something else"),
        ("", CONTENT[: len(CONTENT) // 2], "something else"),
    ],
)
@pytest.mark.parametrize("sums", [{}, {"some.h5": SUM}], ids=["weights", "sum"])
def test_a_bad_download_is_named_and_leaves_nothing(
    home, server, monkeypatch, page, content, said, sums
):
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    monkeypatch.setattr(fetch, "SUMS", sums)
    server.content, path = content, home / "some.h5"
    with pytest.raises(ConnectionError, match=said):
        fetch.download(server.url + page, path, silent)
    assert list(home.iterdir()) == []
    server.content = CONTENT
    fetch.download(server.url, path, silent)
    assert path.read_bytes() == CONTENT


def test_without_a_network_it_says_so_at_once(monkeypatch):
    with pytest.raises(ConnectionError, match="Is there a network"):
        fetch.fetch_flowers(silent)
    monkeypatch.setattr(fetch, "FILES", {})
    with pytest.raises(ConnectionError, match="flower_photos"):  # TFDS would hang
        fetch.fetch_flowers(silent)


def test_fetching_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; from tlcourse.course import fetch; print([m for m in sys.modules "
        "if m in ('keras', 'tensorflow', 'tensorflow_datasets', 'numpy')])"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert said.strip() == "[]"


def test_only_old_leftovers_of_the_same_file_are_removed(home, server):
    path, names = home / "file.h5", (".file.h5.0.partial", ".other.h5.0.partial")
    put(home, dict.fromkeys([*names, ".file.h5.1.partial"], b"half"))
    for name in names:
        os.utime(home / name, (time.time() - 100_000,) * 2)
    fetch.download(server.url, path, silent)
    left = {name for name in os.listdir(home) if "h5" in name}
    assert left == {".file.h5.1.partial", ".other.h5.0.partial", "file.h5"}


# It tells each step, so that the moment of the kill does not depend on how busy the
# machine is.
KILLED = """
import sys
from tlcourse.course import fetch

fetch.FILES = dict.fromkeys(fetch.FILES, sys.argv[1])
fetch.SUMS = dict.fromkeys(fetch.FILES, sys.argv[2])
fetch.fetch_flowers(lambda *_: print(flush=True))
"""


@pytest.mark.usefixtures("photographs")
@pytest.mark.fault("dying")
def test_two_at_once_that_are_killed_leave_complete_files_or_none(
    home, server, monkeypatch
):
    rng, rounds = random.Random(0), []
    start = [sys.executable, "-c", KILLED, server.url + "slow/", SUM]
    for number in range(8):
        monkeypatch.setenv("KERAS_HOME", str(home / str(number)))
        children = [subprocess.Popen(start, stdout=subprocess.PIPE) for _ in range(2)]
        for _ in range(rng.randrange(20)):
            children[0].stdout.readline()
        for child in children:
            child.kill()
            child.communicate()
        left = files(home / str(number) / "models")
        whole = [name for name in left if not name.endswith(".partial")]
        assert all(left[name] == CONTENT for name in whole)
        rounds.append((len(whole), len(left) > len(whole)))
        fetch.fetch_flowers(silent)
        assert not fetch.missing()
    assert len({found for found, _ in rounds}) > 1  # some early, some late
    assert sum(is_half for _, is_half in rounds) > 4  # most in the middle


PREPARES = """
import json, pathlib, sys, time
home = pathlib.Path(sys.argv[2])
(home / "downloads").mkdir(parents=True)
for k in range(3):
    (home / "downloads" / str(k)).write_bytes(bytes(70_000))
    time.sleep(0.6)
version = home / sys.argv[1] / "3.0.1"
version.mkdir(parents=True)
(version / "dataset_info.json").write_text("{}")
print(json.dumps(str(version)))
"""


@pytest.fixture
def tfds_is(server, monkeypatch):
    """Only the photographs are missing; gives a function that sets what TFDS is."""
    monkeypatch.setattr(fetch, "FILES", {})

    def set_code(code):
        start = [sys.executable, "-c", code]
        monkeypatch.setattr(tfds_download, "_command", lambda *names: [*start, *names])

    return set_code


def test_tfds_prepares_the_photographs_and_half_a_dataset_is_set_aside(
    home, tfds_is, capsys
):
    folder = home / "tfds" / "tf_flowers"
    # TFDS takes any such folder for complete.
    put(folder / "3.0.1", {"dataset_info.json": b'{"name": "tf_'})
    (folder / "damaged-3.0.1").mkdir()  # of an earlier time
    (folder / "3.0.2.incompleteABC").mkdir()  # another process is at it
    tfds_is(PREPARES)
    seen = []
    fetched = fetch.fetch_flowers(lambda *progress: seen.append(progress))
    assert fetched == [fetch.DATASET] and not fetch.missing()
    assert seen[-1] == (fetch.DATASET, len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert capsys.readouterr().out == ""  # the bar is the caller's
    assert (folder / "damaged-3.0.1" / "dataset_info.json").is_file()
    assert (folder / "3.0.2.incompleteABC").is_dir()
    assert (home / "tfds" / "downloads").is_dir()  # they are the learner's
    (home / "tfds").rename(home / "elsewhere")
    fetch.fetch_flowers(silent, home / "stick")
    info = "tfds/tf_flowers/3.0.1/dataset_info.json"
    assert files(home / "stick") == {info: b"{}"}  # and no `downloads`


def test_an_interrupt_ends_the_photographs(tfds_is, monkeypatch):
    tfds_is("import time; time.sleep(300)")
    children, end = [], tfds_download._end
    monkeypatch.setattr(tfds_download, "_end", lambda x: children.append(x) or end(x))
    with pytest.raises(KeyboardInterrupt):
        fetch.fetch_flowers(lambda *_: signal.raise_signal(signal.SIGINT))
    assert children[0].poll() is not None


def test_what_tfds_cannot_do_is_a_sentence(tfds_is, capsys):
    tfds_is("import json, sys; print(json.dumps('ReadError: bad')); sys.exit(1)")
    assert command.main(["fetch", "flowers"]) == 1
    assert "Received: ReadError: bad" in capsys.readouterr().err
    view = widgets.FetchButton()
    with contextlib.suppress(RuntimeError):  # ipywidgets 8 only logs it
        view.button.click()
    assert "ReadError: bad" in view.message.value
    assert not view.button.disabled


@pytest.mark.parametrize(
    "sizes, length, kind, is_complete",
    [
        ([556, 556], None, "tfrecord", True),
        ([556, 256], None, "tfrecord", False),
        ([1200], None, "tfrecord", False),
        ([556, 556], 40, "tfrecord", False),  # half of what describes it
        ([556, 256], None, "array_record", True),  # its bytes say nothing
    ],
)
def test_a_dataset_that_lacks_something_counts_as_missing(
    home, sizes, length, kind, is_complete
):
    folder = home / "tfds" / "tf_flowers" / "3.0.1"
    splits = [{"name": "train", "numBytes": "1000", "shardLengths": ["3", "4"]}]
    info = json.dumps({"fileFormat": kind, "splits": splits}).encode()
    shards = {f"train.{kind}-{k}-of-2": bytes(size) for k, size in enumerate(sizes)}
    put(folder, {"dataset_info.json": info[:length], **shards})
    found = assets.prepared_dataset("tf_flowers")
    assert found == (folder if is_complete else None)


def test_what_is_on_this_disk_is_copied_and_what_is_damaged_there_again(
    stick, models, monkeypatch
):
    seen = []
    brought = fetch.fetch_flowers(lambda *progress: seen.append(progress), stick)
    assert len(brought) == len(NAMES) + 1
    assert files(stick) == EVERYTHING
    assert all(done <= total for _, done, total in seen)
    assert fetch.fetch_flowers(silent, stick) == []
    (stick / "keras" / "models" / NAMES[0]).write_bytes(PAGE)
    assert fetch.fetch_flowers(silent, stick) == NAMES[:1]
    assert files(stick) == EVERYTHING
    instead = fetch.INSTEAD[fetch.COMPLETE]
    (models / fetch.COMPLETE).rename(models / instead)
    (stick / "keras" / "models" / fetch.COMPLETE).unlink()
    fetch.fetch_flowers(silent, stick)
    assert (stick / "keras" / "models" / instead).exists()
    for name, path in fetch.variables(stick).items():
        monkeypatch.setenv(name, str(path))
    assert not fetch.missing()  # what it says is to be set is enough


def test_what_is_missing_or_damaged_here_is_downloaded_last(stick, models, connect):
    (models / NAMES[0]).unlink()
    (models / NAMES[1]).write_bytes(PAGE)
    with pytest.raises(ConnectionError, match=f"{NAMES[0]}.*Is there a network"):
        fetch.fetch_flowers(silent, stick)
    gone = {f"keras/models/{name}" for name in NAMES[:2]}
    assert files(stick).keys() == EVERYTHING.keys() - gone
    connect()
    assert fetch.fetch_flowers(silent, stick) == NAMES[:2]
    assert files(stick) == EVERYTHING


# Files that fit; the fourth is of the dataset.
@pytest.mark.fault("dying")
@pytest.mark.parametrize("room", [0, 2, 4])
def test_a_disk_that_gets_full_holds_nothing_half(stick, monkeypatch, room, capsys):
    written, fsync = itertools.count(), os.fsync

    def fill_up(file):
        if next(written) == room:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    monkeypatch.setattr(atomic.os, "fsync", fill_up)
    assert command.main(["fetch", "flowers", "--to", str(stick)]) == 1
    assert "Make room and run it again" in capsys.readouterr().err
    found = files(stick)
    assert found.items() <= EVERYTHING.items()
    assert len(found) == min(room, len(NAMES))
    fetch.fetch_flowers(silent, stick)
    assert files(stick) == EVERYTHING


def test_the_command_says_what_to_set_and_a_shell_takes_it(stick, monkeypatch, capsys):
    monkeypatch.chdir(stick.parent)
    odd = stick.parent / "a stick, 'ours'"
    assert command.main(["fetch", "flowers", "--to", odd.name]) == 0
    said = capsys.readouterr().out
    assert "4 fetched" in said
    assert f"set TFDS_DATA_DIR={odd / 'tfds'}" in said
    assert "a stick, ''ours''/keras'" in said  # as PowerShell wants it
    lines = [line for line in said.splitlines() if line.startswith("export ")]
    lines.append('printf "%s\\n" "$KERAS_HOME" "$TFDS_DATA_DIR"')
    shown = subprocess.check_output(["sh", "-c", "; ".join(lines)], text=True)
    assert shown.splitlines() == [str(odd / "keras"), str(odd / "tfds")]
    with pytest.raises(SystemExit):
        command.main(["fetch", "flowers", "--to", ""])
    assert "expected a folder" in capsys.readouterr().err


@pytest.mark.usefixtures("photographs")
def test_the_button_fetches_or_says_why_not_and_can_be_pressed_again(connect):
    view = widgets.FetchButton()
    assert "Still missing" in view.caption.value
    view.button.click()
    assert "Is there a network" in view.caption.value
    assert not view.button.disabled
    connect()
    view.button.click()
    assert view.button.disabled
    assert view.bar.value == 100
    assert "All is here" in view.caption.value
    bundle = view._repr_mimebundle_()
    assert "python -m tlcourse fetch flowers" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
