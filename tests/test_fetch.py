"""Fetching what the flowers track needs, from a server of our own."""

import contextlib
import hashlib
import http.server
import inspect
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import h5py
import pytest

from tlcourse import __main__ as command
from tlcourse import widgets
from tlcourse._util import assets, atomic, tfds_download
from tlcourse.course import fetch

CONTENT = random.Random(0).randbytes(280_000)
BLOCK = 14_000
ROOT = pathlib.Path(__file__).resolve().parent.parent
VERIFY = pathlib.Path(os.environ.get("VERIFY", ROOT.parent / "shared" / "verify"))
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """`short` in the address: ends too early; `slow`: in blocks; `stop`: stalls."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        try:
            self.send_content()
        except ConnectionError:
            self.close_connection = True  # the other side was killed

    def send_content(self):
        if "slow" in self.path:
            for start in range(0, len(CONTENT), BLOCK):
                self.wfile.write(CONTENT[start : start + BLOCK])
                time.sleep(0.004)
        else:
            early = "short" in self.path or "stop" in self.path
            self.wfile.write(CONTENT[:1000] if early else CONTENT)
        if "stop" in self.path:
            self.server.ended.wait(10)

    def log_message(self, *_):
        """Says nothing."""


@contextlib.contextmanager
def serving():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.ended = [], threading.Event()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.ended.set()
        made.shutdown()
        made.server_close()


@pytest.fixture
def server():
    with serving() as made:
        yield f"http://127.0.0.1:{made.server_port}/"


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches of Keras and TFDS; the server's files have sums of their own."""
    monkeypatch.setattr(fetch, "SUMS", dict.fromkeys(fetch.FILES, (SUM,)))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path


def prepare_photographs(folder):
    version = folder / "tfds" / assets.FLOWERS_DATASET / "3.0.1"
    version.mkdir(parents=True)
    (version / "dataset_info.json").write_text("{}")


def silent(what, done, total):
    """A report that nobody reads."""


def test_the_addresses_are_those_of_keras():
    from keras.src.applications import imagenet_utils, mobilenet_v2

    assert fetch.WEIGHTS == mobilenet_v2.BASE_WEIGHT_PATH
    name = "imagenet_class_index.json"
    assert fetch.FILES[name] + name == imagenet_utils.CLASS_INDEX_PATH


def test_it_fetches_what_is_missing_and_only_that(caches, server, monkeypatch):
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(fetch.FILES, server))
    there = caches / "keras" / "models" / "imagenet_class_index.json"
    there.parent.mkdir(parents=True)
    there.write_bytes(CONTENT)
    old = there.stat().st_mtime_ns
    seen = []
    fetched = fetch.fetch_flowers(lambda *progress: seen.append(progress))
    assert len(fetched) == 2
    assert all(need.path.read_bytes() == CONTENT for need in fetched)
    assert there.stat().st_mtime_ns == old
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert fetch.missing() == [] == fetch.fetch_flowers(silent)


def test_a_broken_download_leaves_nothing_behind(caches, server):
    path = caches / "file.h5"
    with pytest.raises(ConnectionError, match="Expected 280000 bytes"):
        fetch.download(server + "short", path, silent)
    assert list(caches.iterdir()) == []


def test_a_download_that_stalls_says_so_and_leaves_nothing(caches, server, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    with pytest.raises(ConnectionError, match="Expected all of.*Received: Timeout"):
        fetch.download(server + "stop", caches / "file.h5", silent)
    assert list(caches.iterdir()) == []


def test_another_content_is_refused_and_leaves_nothing(caches, server):
    path, wrong = caches / "file.h5", "0" * 64
    with pytest.raises(ConnectionError, match=f"{wrong} from .*{SUM}.*try again"):
        fetch.download(server, path, silent, [wrong])
    assert list(caches.iterdir()) == []
    fetch.download(server, path, silent, [wrong, SUM])
    assert path.read_bytes() == CONTENT


def test_a_file_with_another_sum_is_not_fetched(caches, server, monkeypatch):
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(fetch.FILES, server))
    monkeypatch.setattr(fetch, "SUMS", dict.fromkeys(fetch.FILES, ("0" * 64,)))
    with pytest.raises(ConnectionError, match="Nothing was kept"):
        fetch.fetch_flowers(silent)
    assert list((caches / "keras" / "models").iterdir()) == []


@pytest.mark.skipif(
    not (VERIFY / "keras").is_dir(), reason=f"no weights in {VERIFY}; set VERIFY"
)
def test_the_sums_are_those_of_real_files(monkeypatch):
    monkeypatch.undo()  # our own sums
    from keras.src.applications import imagenet_utils

    folder = VERIFY / "keras" / "models"
    there = [name for name in fetch.FILES if (folder / name).is_file()]
    assert set(fetch.SUMS) <= set(there)
    for name in fetch.SUMS:
        assert atomic.has_sum(folder / name, fetch.SUMS[name])
    index = (folder / "imagenet_class_index.json").read_bytes()
    assert hashlib.md5(index).hexdigest() in inspect.getsource(imagenet_utils)


# Other processes


def test_fetching_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; from tlcourse.course import carry, fetch; "
        "print([m for m in sys.modules if "
        "m.split('.')[0] in ('keras', 'tensorflow', 'tensorflow_datasets', 'numpy')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr


def test_only_old_leftovers_of_dead_processes_are_removed(caches, server):
    path, gone = caches / "file.h5", subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, fresh, ours, other = (
        caches / f".file.h5.{gone.pid}.0123abcd.partial",
        caches / f".file.h5.{gone.pid}.4567abcd.partial",
        caches / f".file.h5.{os.getpid()}.0123abcd.partial",
        caches / f".other.h5.{gone.pid}.0123abcd.partial",
    )
    for leftover in (dead, fresh, ours, other):
        leftover.write_text("half")
        if leftover != fresh:
            os.utime(leftover, (time.time() - 3600,) * 2)
    fetch.download(server, path, silent, [SUM])
    assert {fresh, ours, other, path} == set(caches.iterdir())


# Forks are cheap, and without TensorFlow they are safe. The children tell each step,
# so that the moment of the kill does not depend on how busy the machine is.
KILLED = """
import hashlib, json, os, pathlib, random, signal, sys, time
from tlcourse.course import fetch

names, slow, fast, expected, folder = json.loads(sys.argv[1])
rng = random.Random(0)
fetch.SUMS = dict.fromkeys(names, (expected,))


def start(delay, told):
    child = os.fork()
    if child:
        return child
    try:
        time.sleep(delay)
        fetch.fetch_flowers(lambda *_: os.write(told, b"."))
    finally:
        os._exit(0)


for number in range(50):
    home = pathlib.Path(folder, str(number))
    os.environ["KERAS_HOME"] = str(home)
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
    models = home / "models"
    found = [models / name for name in names if (models / name).exists()]
    sums = {hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    half = len(list(models.glob("*.partial")))
    fetch.FILES = dict.fromkeys(names, fast)
    fetch.fetch_flowers(lambda *_: None)
    print(json.dumps([len(found), sums <= {expected}, half, len(fetch.missing())]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_two_at_once_that_are_killed_leave_whole_files_or_none(caches, server):
    prepare_photographs(caches)
    asked = [list(fetch.FILES), server + "slow/", server, SUM, str(caches)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(asked)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    rounds = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(rounds) == 50
    assert all(files and missing == 0 for _, files, _, missing in rounds)
    assert len({found for found, *_ in rounds}) > 1  # some early, some late
    assert sum(half > 0 for _, _, half, _ in rounds) > 25  # most in the middle


PROXIED = """
import pathlib, sys
from tlcourse.course import fetch

fetch.download(sys.argv[1], pathlib.Path(sys.argv[2]), lambda *_: None)
"""


def fetch_behind_a_proxy(url, path, **variables):
    """In a process of its own: urllib reads the variables once."""
    usual = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-c", PROXIED, url, str(path)],
        env={**usual, **variables},
        capture_output=True,
        text=True,
    )


def test_a_proxy_is_asked_unless_the_address_is_excepted(caches):
    path, far = caches / "file.h5", "http://weights.example/file.h5"
    with serving() as proxy, serving() as direct:
        named = {"http_proxy": f"http://127.0.0.1:{proxy.server_port}"}
        ended = fetch_behind_a_proxy(far, path, **named)
        assert ended.returncode == 0, ended.stderr
        assert proxy.asked == [far]  # a proxy gets the whole address
        assert path.read_bytes() == CONTENT
        near = f"http://127.0.0.1:{direct.server_port}/file.h5"
        ended = fetch_behind_a_proxy(near, path, **named, no_proxy="127.0.0.1")
        assert ended.returncode == 0, ended.stderr
        assert (proxy.asked, direct.asked) == ([far], ["/file.h5"])
        ended = fetch_behind_a_proxy(far, path, **named, no_proxy=".example")
        assert "Is there a network" in ended.stderr
        assert proxy.asked == [far]


def test_without_a_network_it_says_so_at_once():
    with pytest.raises(ConnectionError, match="Is there a network"):
        fetch.fetch_flowers(silent)


def test_without_a_network_the_photographs_do_not_hang(caches, monkeypatch):
    monkeypatch.setattr(fetch, "FILES", {})
    with pytest.raises(ConnectionError, match="flower_photos"):
        fetch.fetch_flowers(silent)


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
def photographs(caches, server, monkeypatch):
    """Only they are missing; gives a function that sets what TFDS is."""
    monkeypatch.setattr(Handler, "do_HEAD", Handler.do_GET, raising=False)
    monkeypatch.setattr(fetch, "FILES", {})
    monkeypatch.setattr(fetch, "PHOTOGRAPHS", server)
    children, popen = [], subprocess.Popen

    def kept(*arguments, **options):
        children.append(popen(*arguments, **options))
        return children[-1]

    def tfds_is(code):
        def command(name, folder):
            return [sys.executable, "-c", code, name, str(folder)]

        monkeypatch.setattr(tfds_download, "_command", command)
        monkeypatch.setattr(tfds_download.subprocess, "Popen", kept)
        return children

    return tfds_is


def test_the_photographs_are_prepared_by_tfds(photographs, capsys):
    photographs(PREPARES)
    seen = []
    fetched = fetch.fetch_flowers(lambda *progress: seen.append(progress))
    assert [need.path for need in fetched] == [None]
    assert fetch.missing() == []
    assert seen[-1] == ("dataset tf_flowers", len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert capsys.readouterr().out == ""  # the bar is the caller's


def test_half_a_dataset_is_set_aside_and_prepared_again(caches, photographs):
    """TFDS takes any folder of a version for whole."""
    home = caches / "tfds" / "tf_flowers"
    (home / "3.0.1").mkdir(parents=True)
    (home / "3.0.1" / "dataset_info.json").write_text('{"name": "tf_')
    (home / "damaged-3.0.1").mkdir()  # of an earlier time
    (home / "3.0.2.incompleteABC").mkdir()  # another process is at it
    photographs(PREPARES)
    assert len(fetch.fetch_flowers(silent)) == 1
    assert fetch.missing() == []
    assert (home / "damaged-3.0.1" / "dataset_info.json").is_file()
    assert (home / "3.0.2.incompleteABC").is_dir()


def test_photographs_that_stall_are_given_up(photographs, monkeypatch):
    children = photographs("import time; time.sleep(300)")
    monkeypatch.setattr(tfds_download, "STALLED", 1)
    with pytest.raises(ConnectionError, match="nothing for 1 seconds"):
        fetch.fetch_flowers(silent)
    assert children[0].poll() is not None


def test_an_interrupt_ends_the_photographs(photographs, monkeypatch):
    children = photographs("import time; time.sleep(300)")

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch_flowers(interrupt)
    assert children[0].poll() is not None


def test_what_tfds_cannot_do_is_a_sentence(photographs, capsys):
    photographs("import json, sys; print(json.dumps('ReadError: bad')); sys.exit(1)")
    assert command.main(["fetch", "flowers"]) == 1
    assert "Received: ReadError: bad" in capsys.readouterr().err
    view = widgets.FetchButton()
    with contextlib.suppress(RuntimeError):  # ipywidgets 8 only logs it
        view.button.click()
    assert "ReadError: bad" in view.message.value
    assert not view.button.disabled


# Something else under the right name


PAGE = b"<html>Welcome to the hotel. Please log in.</html>"


def save_weights(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["conv"] = range(1000)


@pytest.fixture
def real_sums(monkeypatch):
    """As outside the tests: none is known for weights."""
    index = {"imagenet_class_index.json": (hashlib.sha256(b"{}").hexdigest(),)}
    monkeypatch.setattr(fetch, "SUMS", index)


@pytest.mark.parametrize("content", [PAGE, b"", "half"])
def test_what_is_no_weights_is_refused_and_leaves_nothing(
    caches, server, monkeypatch, real_sums, content
):
    save_weights(caches / "good.h5")
    good = (caches / "good.h5").read_bytes()
    content = good[: len(good) // 2] if content == "half" else content
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", {"some.h5": server})
    monkeypatch.setitem(globals(), "CONTENT", content)
    with pytest.raises(ConnectionError, match=r"`some.h5`.*something else.*log-in"):
        fetch.fetch_flowers(silent)
    assert not list((caches / "keras" / "models").iterdir())
    monkeypatch.setitem(globals(), "CONTENT", good)
    assert len(fetch.fetch_flowers(silent)) == 1
    assert fetch.missing() == []


def test_what_lies_there_under_the_right_name_is_fetched_again(
    caches, server, monkeypatch, real_sums
):
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", {"some.h5": server})
    models = caches / "keras" / "models"
    models.mkdir(parents=True)
    (models / "some.h5").write_bytes(PAGE)
    save_weights(caches / "good.h5")
    monkeypatch.setitem(globals(), "CONTENT", (caches / "good.h5").read_bytes())
    assert [need.what for need in fetch.missing()] == ["some.h5"]
    fetch.fetch_flowers(silent)
    assert fetch.missing() == []


@pytest.mark.parametrize("damage", ["half", "gone", "info", "none"])
def test_photographs_that_are_not_whole_count_as_missing(caches, damage):
    folder = caches / "tfds" / "tf_flowers" / "3.0.1"
    folder.mkdir(parents=True)
    split = {"name": "train", "numBytes": "1000", "shardLengths": ["3", "4"]}
    info = json.dumps({"name": "tf_flowers", "splits": [split]})
    (folder / "dataset_info.json").write_text(info)
    for k in range(2):
        part = folder / f"tf_flowers-train.tfrecord-0000{k}-of-00002"
        part.write_bytes(bytes(556))
    if damage == "half":
        part.write_bytes(bytes(256))
    elif damage == "gone":
        part.unlink()
    elif damage == "info":
        (folder / "dataset_info.json").write_text(info[:40])
    found = assets.prepared_dataset("tf_flowers")
    assert found == (folder if damage == "none" else None)


@pytest.mark.parametrize(
    "change", [{"fileFormat": "array_record"}, {"filepathTemplate": "{SPLIT}"}]
)
def test_a_dataset_in_another_form_is_not_taken_for_damaged(caches, change):
    folder = caches / "tfds" / "tf_flowers" / "3.0.1"
    folder.mkdir(parents=True)
    split = {"name": "train", "numBytes": "1000", "shardLengths": ["7"]} | change
    info = {"name": "tf_flowers", "splits": [split]} | change
    (folder / "dataset_info.json").write_text(json.dumps(info))
    assert assets.prepared_dataset("tf_flowers") == folder
    assert assets.damaged_datasets("tf_flowers", caches / "tfds") == []


def test_no_folder_is_no_folder(capsys):
    with pytest.raises(SystemExit):
        command.main(["fetch", "flowers", "--to", ""])
    assert "expected a folder" in capsys.readouterr().err


def test_the_command_shows_a_bar_and_ends_well(caches, server, monkeypatch, capsys):
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(fetch.FILES, server))
    assert command.main(["fetch", "flowers"]) == 0
    said = capsys.readouterr().out
    assert "[####################]" in said
    assert "3 fetched" in said


def test_the_command_fails_with_a_sentence(capsys):
    assert command.main(["fetch", "flowers"]) == 1
    assert "Is there a network" in capsys.readouterr().err


def test_the_command_shows_the_course(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))
    assert command.main(["progress"]) == 0
    assert "Freeze" in capsys.readouterr().out


def test_the_button_fetches_and_then_rests(caches, server, monkeypatch):
    prepare_photographs(caches)
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(fetch.FILES, server))
    view = widgets.FetchButton()
    assert not view.button.disabled
    assert "Not here yet" in view.caption.value
    view.button.click()
    assert view.button.disabled
    assert view.bar.value == 100
    assert "All is here" in view.caption.value


def test_the_button_says_what_went_wrong_and_can_be_pressed_again():
    view = widgets.FetchButton()
    view.button.click()
    assert "Is there a network" in view.caption.value
    assert not view.button.disabled


def test_the_button_has_a_text_form():
    bundle = widgets.FetchButton()._repr_mimebundle_()
    assert "python -m tlcourse fetch flowers" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
