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
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest

from tlcourse import __main__ as command
from tlcourse import widgets
from tlcourse._util import assets, atomic, tfds_download
from tlcourse.course import fetch

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERIFY = pathlib.Path(os.environ.get("VERIFY", ROOT.parent / "shared" / "verify"))
BLOCK = 14_000
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


class Handler(http.server.BaseHTTPRequestHandler):
    """`short` in the address: ends too early; `slow`: in blocks; `stop`: stalls."""

    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if "short" in self.path or "stop" in self.path:
            content = content[:1000]
        block = BLOCK if "slow" in self.path else len(content) + 1
        with contextlib.suppress(ConnectionError):  # the other side was killed
            for start in range(0, len(content), block):
                self.wfile.write(content[start : start + block])
                time.sleep(0.004)
        if "stop" in self.path:
            self.server.ended.wait(10)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Says nothing."""


@contextlib.contextmanager
def serving():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.ended, made.content = [], threading.Event(), CONTENT
    made.url = f"http://127.0.0.1:{made.server_port}/"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.ended.set()
        made.shutdown()
        made.server_close()


@pytest.fixture
def server(monkeypatch):
    """A server that has the files; their addresses point to it."""
    with serving() as made:
        monkeypatch.setattr(fetch, "FILES", dict.fromkeys(NAMES, made.url))
        monkeypatch.setattr(fetch, "PHOTOGRAPHS", made.url)
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Empty folders of Keras and TFDS; all files are weights, and no sum is known."""
    monkeypatch.setattr(fetch, "SUMS", {})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path / "progress"))
    return tmp_path


def models():
    return assets.keras_weights_folder()


def put_weights(names=NAMES):
    models().mkdir(parents=True, exist_ok=True)
    for name in names:
        (models() / name).write_bytes(CONTENT)


def put_photographs():
    version = assets.tfds_folder() / assets.FLOWERS_DATASET / "3.0.1"
    version.mkdir(parents=True)
    for name, content in DATASET.items():
        (version / name).write_bytes(content)


def silent(what, done, total):
    """A report that nobody reads."""


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_the_addresses_are_those_of_keras():
    import keras

    model = keras.applications.MobileNetV2
    index = keras.applications.imagenet_utils.decode_predictions
    url = fetch.INDEX + "imagenet_class_index.json"
    for function, address in ((model, fetch.WEIGHTS), (index, url)):
        source = inspect.getsource(inspect.getmodule(function))
        assert address in source.replace('"\n    "', "")


@pytest.mark.skipif(
    not (VERIFY / "keras").is_dir(), reason=f"no weights in {VERIFY}; set VERIFY"
)
def test_the_real_files_are_taken_for_sound(monkeypatch):
    monkeypatch.undo()  # the real sums
    monkeypatch.setenv("KERAS_HOME", str(VERIFY / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(VERIFY / "tfds"))
    there = os.listdir(assets.keras_weights_folder())
    assert set(fetch.SUMS) <= set(there)
    assert not set(fetch.missing()) & {*there, fetch.DATASET}


def test_it_fetches_what_is_missing_and_only_that(server):
    put_photographs()
    put_weights(NAMES[:1])
    (models() / NAMES[1]).write_bytes(PAGE)  # damaged
    old, seen = (models() / NAMES[0]).stat().st_mtime_ns, []
    assert fetch.fetch_flowers(lambda *told: seen.append(told)) == NAMES[1:]
    assert files(models()) == dict.fromkeys(NAMES, CONTENT)
    assert (models() / NAMES[0]).stat().st_mtime_ns == old
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert not fetch.missing() and not fetch.fetch_flowers(silent)


@pytest.mark.parametrize(
    "page, content, said",
    [
        ("short", CONTENT, rf"Expected {len(CONTENT)} bytes.*Received: 1000"),
        ("stop", CONTENT, "Expected all of.*Received: Timeout"),
        ("", PAGE, "`some.h5`.*something else.*log-in page"),
        ("", b"", "something else"),
        ("", CONTENT[: len(CONTENT) // 2], "something else"),
        ("", b"another sum", "`summed.json`.*something else.*try again"),
    ],
)
def test_a_bad_download_is_named_and_leaves_nothing(
    home, server, monkeypatch, page, content, said
):
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    sums = {"summed.json": hashlib.sha256(b"right").hexdigest()}
    monkeypatch.setattr(fetch, "SUMS", sums)
    path = home / ("summed.json" if content == b"another sum" else "some.h5")
    server.content = content
    with pytest.raises(ConnectionError, match=said):
        fetch.download(server.url + page, path, silent)
    assert list(home.iterdir()) == []
    server.content = b"right" if path.suffix == ".json" else CONTENT
    fetch.download(server.url, path, silent)
    assert path.read_bytes() == server.content


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
    assert run(code).stdout.strip() == "[]"


def test_only_old_leftovers_of_dead_processes_are_removed(home, server):
    path, gone = home / "file.h5", subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, fresh, ours, other = (
        home / f".{name}.{pid}.0123abcd.partial"
        for name, pid in (
            ("file.h5", f"1.{gone.pid}"),
            ("file.h5", gone.pid),
            ("file.h5", os.getpid()),
            ("other.h5", gone.pid),
        )
    )
    for leftover in (dead, fresh, ours, other):
        leftover.write_text("half")
        if leftover != fresh:
            os.utime(leftover, (time.time() - 3600,) * 2)
    fetch.download(server.url, path, silent)
    assert {fresh, ours, other, path} == set(home.iterdir())


# Forks are cheap, and without TensorFlow they are safe. The children tell each step,
# so that the moment of the kill does not depend on how busy the machine is.
KILLED = """
import hashlib, json, os, pathlib, random, signal, sys, time
from tlcourse.course import fetch

names, slow, fast, expected, folder = json.loads(sys.argv[1])
rng = random.Random(0)
fetch.SUMS = dict.fromkeys(names, expected)


def start(delay, told):
    child = os.fork()
    if child:
        return child
    try:
        time.sleep(delay)
        fetch.fetch_flowers(lambda *_: os.write(told, b"."))
    finally:
        os._exit(0)


for number in range(20):
    os.environ["KERAS_HOME"] = os.path.join(folder, str(number))
    models = pathlib.Path(folder, str(number), "models")
    fetch.FILES = dict.fromkeys(names, slow)
    heard, told = os.pipe()
    children = [start(0, told), start(rng.uniform(0, 0.1), told)]
    os.close(told)
    for _ in range(rng.randrange(25)):
        os.read(heard, 1)
    for child in children:
        time.sleep(rng.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(heard)
    found = [path.read_bytes() for path in models.glob("*") if path.name in names]
    is_whole = {hashlib.sha256(each).hexdigest() for each in found} <= {expected}
    half = len(list(models.glob("*.partial")))
    fetch.FILES = dict.fromkeys(names, fast)
    fetch.fetch_flowers(lambda *_: None)
    print(json.dumps([len(found), is_whole, half, len(fetch.missing())]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_two_at_once_that_are_killed_leave_complete_files_or_none(home, server):
    put_photographs()
    expected = hashlib.sha256(CONTENT).hexdigest()
    asked = [NAMES, server.url + "slow/", server.url, expected, str(home)]
    ended = run(KILLED, json.dumps(asked))
    assert ended.returncode == 0, ended.stderr
    rounds = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(rounds) == 20
    assert all(is_whole and missing == 0 for _, is_whole, _, missing in rounds)
    assert len({found for found, *_ in rounds}) > 1  # some early, some late
    assert sum(half > 0 for _, _, half, _ in rounds) > 10  # most in the middle


def test_a_proxy_is_asked_unless_the_address_is_excepted(home):
    code = (
        "import pathlib, sys; from tlcourse.course import fetch; "
        "fetch.download(sys.argv[1], pathlib.Path('file.h5'), lambda *_: None)"
    )
    usual = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    usual["PYTHONPATH"] += os.pathsep + str(ROOT)
    far = "http://weights.example/file.h5"
    with serving() as proxy:
        named = usual | {"http_proxy": proxy.url}
        assert run(code, far, env=named, cwd=home).returncode == 0
        ended = run(code, far, env=named | {"no_proxy": ".example"}, cwd=home)
    assert "Is there a network" in ended.stderr
    assert proxy.asked == [far]  # once, and by the complete address


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
    children, popen = [], subprocess.Popen

    def kept(*arguments, **options):
        children.append(popen(*arguments, **options))
        return children[-1]

    def set_code(code):
        def command(name, folder):
            return [sys.executable, "-c", code, name, str(folder)]

        monkeypatch.setattr(tfds_download, "_command", command)
        monkeypatch.setattr(tfds_download.subprocess, "Popen", kept)
        return children

    return set_code


def test_tfds_prepares_the_photographs_and_half_a_dataset_is_set_aside(
    home, tfds_is, capsys
):
    folder = home / "tfds" / "tf_flowers"
    (folder / "3.0.1").mkdir(parents=True)  # TFDS takes any such folder for complete
    (folder / "3.0.1" / "dataset_info.json").write_text('{"name": "tf_')
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


def test_an_interrupt_ends_the_photographs(tfds_is):
    children = tfds_is("import time; time.sleep(300)")

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch_flowers(interrupt)
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
    folder.mkdir(parents=True)
    splits = [{"name": "train", "numBytes": "1000", "shardLengths": ["3", "4"]}]
    info = json.dumps({"fileFormat": kind, "splits": splits})
    (folder / "dataset_info.json").write_text(info[:length])
    for k, size in enumerate(sizes):
        (folder / f"tf_flowers-train.{kind}-{k}-of-2").write_bytes(bytes(size))
    found = assets.prepared_dataset("tf_flowers")
    assert found == (folder if is_complete else None)


@pytest.fixture
def stick(home):
    """A folder to fill, on a machine that has everything."""
    put_weights()
    put_photographs()
    return home / "stick"


EVERYTHING = {f"keras/models/{name}": CONTENT for name in NAMES}
EVERYTHING |= {f"tfds/tf_flowers/3.0.1/{name}": DATASET[name] for name in DATASET}


def test_what_is_on_this_disk_is_copied_and_what_is_damaged_there_again(
    stick, monkeypatch
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
    for name, path in fetch.variables(stick).items():
        monkeypatch.setenv(name, str(path))
    assert not fetch.missing()  # what it says is to be set is enough


def test_what_does_instead_of_a_file_is_copied(stick):
    (models() / fetch.COMPLETE).rename(models() / fetch.INSTEAD[fetch.COMPLETE])
    fetch.fetch_flowers(silent, stick)
    assert not fetch.missing(stick)
    assert not (stick / "keras" / "models" / fetch.COMPLETE).exists()


def test_what_is_missing_or_damaged_here_is_downloaded_last(stick, monkeypatch):
    (models() / NAMES[0]).unlink()
    (models() / NAMES[1]).write_bytes(PAGE)
    with pytest.raises(ConnectionError, match=f"{NAMES[0]}.*Is there a network"):
        fetch.fetch_flowers(silent, stick)
    gone = {f"keras/models/{name}" for name in NAMES[:2]}
    assert files(stick).keys() == EVERYTHING.keys() - gone
    with serving() as server:
        monkeypatch.setattr(fetch, "FILES", dict.fromkeys(NAMES, server.url))
        assert fetch.fetch_flowers(silent, stick) == NAMES[:2]
    assert files(stick) == EVERYTHING


# Files that fit; the fourth is of the dataset.
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


def test_the_command_shows_bars_and_ends_well_or_with_a_sentence(server, capsys):
    put_photographs()
    assert command.main(["fetch", "flowers"]) == 0
    said = capsys.readouterr().out
    assert all(f"{name[-32:]}: 100%" in said for name in NAMES)
    assert "3 fetched" in said
    (models() / NAMES[0]).unlink()
    server.content = PAGE
    assert command.main(["fetch", "flowers"]) == 1
    assert "something else" in capsys.readouterr().err


def test_the_button_fetches_or_says_why_not_and_can_be_pressed_again(monkeypatch):
    put_photographs()
    view = widgets.FetchButton()
    assert "Not here yet" in view.caption.value
    view.button.click()
    assert "Is there a network" in view.caption.value
    assert not view.button.disabled
    with serving() as server:
        monkeypatch.setattr(fetch, "FILES", dict.fromkeys(NAMES, server.url))
        view.button.click()
    assert view.button.disabled
    assert view.bar.value == 100
    assert "All is here" in view.caption.value
    bundle = view._repr_mimebundle_()
    assert "python -m tlcourse fetch flowers" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
