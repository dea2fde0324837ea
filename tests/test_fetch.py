"""Fetching what the flowers track needs, from a server of our own."""

import http.server
import threading

import pytest

from tlcourse import __main__ as command
from tlcourse import assets, fetch, widgets

CONTENT = b"weights" * 40_000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        short = "short" in self.path
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if short else CONTENT)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/"
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches of Keras and TFDS."""
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
    there.write_text("mine")
    seen = []
    fetched = fetch.fetch_flowers(lambda *progress: seen.append(progress))
    assert len(fetched) == 2
    assert all(need.path.read_bytes() == CONTENT for need in fetched)
    assert there.read_text() == "mine"
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))
    assert len({done for _, done, _ in seen}) > 2
    assert fetch.missing() == [] == fetch.fetch_flowers(silent)


def test_a_broken_download_leaves_nothing_behind(caches, server):
    path = caches / "file.h5"
    with pytest.raises(ConnectionError, match="Expected 280000 bytes"):
        fetch.download(server + "short", path, silent)
    assert list(caches.iterdir()) == []


def test_without_a_network_it_says_so_at_once():
    with pytest.raises(ConnectionError, match="Is there a network"):
        fetch.fetch_flowers(silent)


def test_without_a_network_the_photographs_do_not_hang(caches, monkeypatch):
    monkeypatch.setattr(fetch, "FILES", {})
    with pytest.raises(ConnectionError, match="flower_photos"):
        fetch.fetch_flowers(silent)


def test_the_photographs_are_prepared_by_tfds(caches, server, monkeypatch):
    import tensorflow_datasets as tfds

    class Builder:
        def download_and_prepare(self):
            prepare_photographs(caches)

    Handler.do_HEAD = Handler.do_GET
    monkeypatch.setattr(fetch, "FILES", {})
    monkeypatch.setattr(fetch, "PHOTOGRAPHS", server)
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Builder())
    assert [need.path for need in fetch.fetch_flowers(silent)] == [None]
    assert fetch.missing() == []


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
