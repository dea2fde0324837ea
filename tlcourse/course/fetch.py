"""Fetches what the flowers track needs. Nothing else in the course downloads."""

import dataclasses
import http.client
import pathlib
import ssl
import urllib.error
import urllib.request

from tlcourse._util import assets, atomic, tfds_download

SECONDS = 20  # without an answer, before we give up
BROKEN = (
    TimeoutError,
    ConnectionResetError,
    ConnectionAbortedError,
    ssl.SSLError,
    http.client.HTTPException,
)
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
        """Boolean; what is damaged, or something else, is not there."""
        if self.path:
            return is_whole(self.path)
        return (
            assets.prepared_dataset(assets.FLOWERS_DATASET, self.datasets) is not None
        )

    @property
    def sums(self):
        """tuple of sha256, one of which the file must have; empty if none is known."""
        return SUMS.get(self.what, ())


def is_whole(path):
    """Whether a file of `FILES` is what it should be.

    Args:
        path: `pathlib.Path`, named as in `FILES`.

    Returns:
        Boolean: it has a known sum or, where none is known, it holds weights.
    """
    sums = SUMS.get(path.name, ())
    return atomic.has_sum(path, sums) if sums else assets.is_weights(path)


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
        check = None if need.sums else assets.is_weights
        download(need.url, need.path, report, need.sums, check)
    else:
        _prepare_photographs(need, report)


def download(url, path, report, sums=(), check=None):
    """Downloads a file, whole or not at all.

    Args:
        url: String.
        path: `pathlib.Path`; its folder is made if need be.
        report: As in `fetch_flowers`.
        sums: Sequence of sha256, one of which it must have, if any is known.
        check: Function of a path, whether the file there is sound, or None.

    Raises:
        ConnectionError: If the download does not come to its end, or has brought
            something else.
    """
    with _open(url) as source:
        total = int(source.headers.get("Content-Length", 0))
        try:
            atomic.save(source, path, report, url, total, sums, check)
        except BROKEN as error:
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
    """TFDS downloads and prepares, in a process that can be ended.

    Without a network it would try for minutes. So we ask first.
    """
    with _open(need.url, "HEAD") as answer:
        total = int(answer.headers.get("Content-Length", 0))

    def grown(n_bytes):
        report(need.what, min(n_bytes, total), total)

    tfds_download.prepare(
        assets.FLOWERS_DATASET, need.datasets, tfds_download.STALLED, grown
    )
    report(need.what, total, total)
