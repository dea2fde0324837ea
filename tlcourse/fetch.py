"""Fetches what the flowers track needs. Nothing else in the course downloads."""

import dataclasses
import os
import pathlib
import threading
import urllib.error
import urllib.request

from tlcourse import assets

SECONDS = 20  # without an answer, before we give up
# Source: the constants in Keras's applications/mobilenet_v2.py, imagenet_utils.py.
WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/"
# Source: TFDS, image_classification/flowers.py.
PHOTOGRAPHS = (
    "https://storage.googleapis.com/download.tensorflow.org/example_images/"
    "flower_photos.tgz"
)
FILES = {
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5": WEIGHTS,
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5": WEIGHTS,
    "imagenet_class_index.json": INDEX,
}


@dataclasses.dataclass(frozen=True)
class Need:
    """Something that has to be on disk.

    Args:
        what: String, for people.
        url: String.
        path: `pathlib.Path` of the file, or None for the photographs.
    """

    what: str
    url: str
    path: pathlib.Path | None


def missing():
    """What the flowers track needs and does not find.

    Returns:
        list of `Need`, empty if all is there.
    """
    folder = assets.keras_weights_folder()
    needs = [Need(name, url + name, folder / name) for name, url in FILES.items()]
    needs = [need for need in needs if not need.path.is_file()]
    if assets.prepared_dataset(assets.FLOWERS_DATASET) is None:
        needs.append(Need(f"dataset {assets.FLOWERS_DATASET}", PHOTOGRAPHS, None))
    return needs


def fetch_flowers(report):
    """Fetches what is missing. What is there already is not fetched again.

    Args:
        report: Function of a string (what), bytes done, and bytes in all; called
            again and again.

    Returns:
        list of `Need`, what was fetched.

    Raises:
        ConnectionError: If the network, or the other side, does not answer.
    """
    fetched = missing()
    for need in fetched:
        if need.path:
            download(need.url, need.path, report)
        else:
            _prepare_photographs(need, report)
    return fetched


def download(url, path, report):
    """Downloads a file, whole or not at all.

    Args:
        url: String.
        path: `pathlib.Path`; its folder is made if need be.
        report: As in `fetch_flowers`.

    Raises:
        ConnectionError: If the download does not come to its end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with _open(url) as source, open(partial, "wb") as target:
            total, done = int(source.headers.get("Content-Length", 0)), 0
            while block := source.read(1 << 16):
                target.write(block)
                done += len(block)
                report(path.name, done, total)
        if total and done != total:
            raise ConnectionError(
                f"Expected {total} bytes from {url}. Received: {done}. Try again."
            )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _open(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    try:
        return urllib.request.urlopen(request, timeout=SECONDS)
    except (OSError, urllib.error.URLError) as error:
        raise ConnectionError(
            f"Expected an answer from {url}. Received: {error}. Is there a network, "
            "and a proxy to be named in HTTPS_PROXY? The glyphs track needs none."
        ) from error


def _prepare_photographs(need, report):
    """TFDS downloads and prepares; we watch its folder grow.

    TFDS waits for minutes where there is no network. So we ask first.
    """
    with _open(need.url, "HEAD") as answer:
        total = int(answer.headers.get("Content-Length", 0))
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    ended = threading.Event()

    def watch():
        while not ended.wait(0.5):
            files = (assets.tfds_folder() / "downloads").rglob("*")
            grown = sum(file.stat().st_size for file in files if file.is_file())
            report(need.what, min(grown, total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        builder = tfds.builder(
            assets.FLOWERS_DATASET, data_dir=str(assets.tfds_folder())
        )
        builder.download_and_prepare()
    finally:
        ended.set()
        watcher.join()
    report(need.what, total, total)
