"""Fetches what the flowers track needs. Nothing else in the course downloads."""

import dataclasses
import http.client
import pathlib
import threading
import urllib.error
import urllib.request

from tlcourse import assets, whole

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
# sha256, where it is confirmed: Keras itself has none for the weights.
SUMS = {
    "imagenet_class_index.json": (
        "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc",
    ),
}


@dataclasses.dataclass(frozen=True)
class Need:
    """Something that has to be on disk.

    Args:
        what: String, for people.
        url: String.
        path: `pathlib.Path` of the file, or None for the photographs.
        datasets: `pathlib.Path` of the folder for the photographs, or None.
    """

    what: str
    url: str
    path: pathlib.Path | None = None
    datasets: pathlib.Path | None = None

    @property
    def is_there(self):
        """Boolean."""
        if self.path:
            return self.path.is_file()
        return (
            assets.prepared_dataset(assets.FLOWERS_DATASET, self.datasets) is not None
        )

    @property
    def sums(self):
        """tuple of sha256, one of which the file must have; empty if none is known."""
        return SUMS.get(self.what, ())


def needs(models, datasets):
    """What the flowers track needs.

    Args:
        models: `pathlib.Path`, the folder for weights.
        datasets: `pathlib.Path`, the folder for datasets.

    Returns:
        list of `Need`.
    """
    files = [Need(name, url + name, models / name) for name, url in FILES.items()]
    name = f"dataset {assets.FLOWERS_DATASET}"
    return [*files, Need(name, PHOTOGRAPHS, datasets=datasets)]


def missing():
    """What the flowers track needs and does not find.

    Returns:
        list of `Need`, empty if all is there.
    """
    places = assets.keras_weights_folder(), assets.tfds_folder()
    return [need for need in needs(*places) if not need.is_there]


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
        bring(need, report)
    return fetched


def bring(need, report):
    """Fetches one thing.

    Args:
        need: `Need`.
        report: As in `fetch_flowers`.

    Raises:
        ConnectionError: If the network, or the other side, does not answer.
    """
    if need.path:
        download(need.url, need.path, report, need.sums)
    else:
        _prepare_photographs(need, report)


def download(url, path, report, sums=()):
    """Downloads a file, whole or not at all.

    Args:
        url: String.
        path: `pathlib.Path`; its folder is made if need be.
        report: As in `fetch_flowers`.
        sums: Sequence of sha256, one of which it must have, if any is known.

    Raises:
        ConnectionError: If the download does not come to its end, or has brought
            something else.
    """
    with _open(url) as source:
        total = int(source.headers.get("Content-Length", 0))
        try:
            whole.save(source, path, report, url, total, sums)
        except (TimeoutError, http.client.HTTPException) as error:
            raise ConnectionError(
                f"Expected all of {url}. Received: {error!r}. Try again."
            ) from error


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
            files = (need.datasets / "downloads").rglob("*")
            grown = sum(file.stat().st_size for file in files if file.is_file())
            report(need.what, min(grown, total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        name, folder = assets.FLOWERS_DATASET, str(need.datasets)
        builder = tfds.builder(name, data_dir=folder)
        builder.download_and_prepare()
    finally:
        ended.set()
        watcher.join()
    report(need.what, total, total)
