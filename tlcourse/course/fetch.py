"""Fetches what the flowers track needs. Nothing else in the course downloads."""

import dataclasses
import errno
import hashlib
import http.client
import pathlib
import shlex
import shutil
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
        "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc"
    ),
}


@dataclasses.dataclass(frozen=True)
class File:
    """A file of Keras's that has to be in `folder`."""

    what: str
    url: str
    folder: pathlib.Path

    @property
    def path(self):
        """`pathlib.Path` of the file."""
        return self.folder / self.what

    def is_complete(self):
        """Whether the file is there and sound."""
        return self.path.is_file() and _is_sound(self.path, self.what)

    def download(self, report):
        """Downloads the file; raises a ConnectionError if it does not come whole."""
        download(self.url, self.path, report)

    def copy_from(self, other, report):
        """Copies the same file from another folder."""
        _copy(other.path, self.path, report)


@dataclasses.dataclass(frozen=True)
class Photographs:
    """The dataset of photographs, which has to be in TFDS's `folder`."""

    folder: pathlib.Path
    what: str = f"dataset {assets.FLOWERS_DATASET}"

    @property
    def path(self):
        """`pathlib.Path` of the prepared dataset, or None."""
        return assets.prepared_dataset(assets.FLOWERS_DATASET, self.folder)

    def is_complete(self):
        """Whether a prepared version has all its files."""
        return self.path is not None

    def download(self, report):
        """Lets TFDS prepare them; first asks for an answer, as TFDS would hang."""
        with _open(PHOTOGRAPHS, "HEAD") as answer:
            total = int(answer.headers.get("Content-Length", 0))

        def grown(n_bytes):
            report(self.what, min(n_bytes, total), total)

        tfds_download.prepare(assets.FLOWERS_DATASET, self.folder, grown)
        report(self.what, total, total)

    def copy_from(self, other, report):
        """Copies the prepared dataset from another folder."""
        source = other.path
        target = self.folder / source.relative_to(other.folder)
        with atomic.make_folder(target) as partial:
            for path in sorted(filter(pathlib.Path.is_file, source.rglob("*"))):
                _copy(path, partial / path.relative_to(source), report)


def needs(folder=None):
    """All that the flowers track needs, in `folder` or where Keras and TFDS look."""
    models, datasets = assets.keras_weights_folder(), assets.tfds_folder()
    if folder is not None:
        homes = variables(folder)
        models, datasets = homes["KERAS_HOME"] / "models", homes["TFDS_DATA_DIR"]
    files = [File(name, url + name, models) for name, url in FILES.items()]
    return [*files, Photographs(datasets)]


def missing():
    """What the flowers track needs and does not find: list of `File`, `Photographs`."""
    return [need for need in needs() if not need.is_complete()]


def fetch_flowers(report, folder=None):
    """Fetches what is missing where Keras and TFDS look, or in `folder`.

    What this disk has is copied into `folder`, so only the rest is downloaded, last.
    `report(what, bytes_done, bytes_in_all)` is called again and again. Returns the
    list of what was fetched; raises a ConnectionError where there is no network.
    """
    pairs = zip(needs(folder), needs(), strict=True)
    work = [(need, here) for need, here in pairs if not need.is_complete()]
    try:
        for need, here in sorted(work, key=lambda pair: not pair[1].is_complete()):
            if here.is_complete():
                need.copy_from(here, report)
            else:
                need.download(report)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            f"Expected more room on the disk. Received: {error.strerror}. Make room "
            "and run it again: what is complete is kept, and nothing else was left."
        ) from error
    if folder is not None:  # TFDS leaves the archive there
        shutil.rmtree(needs(folder)[-1].folder / "downloads", ignore_errors=True)
    return [need for need, _ in work]


def download(url, path, report):
    """Downloads one of `FILES`, completely or, with a ConnectionError, not at all."""
    with _open(url) as source:
        total = int(source.headers.get("Content-Length", 0))
        try:
            _save(source, path, total, url, report)
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


def _copy(source, path, report):
    with atomic.write_file(path) as target, open(source, "rb") as file:
        _write(file, target, path.name, source.stat().st_size, report)


def _save(source, path, total, url, report):
    with atomic.write_file(path) as target:
        done = _write(source, target, path.name, total, report)
        if total and done != total:
            raise ConnectionError(
                f"Expected {total} bytes from {url}. Received: {done}. Try again."
            )
        target.flush()
        if not _is_sound(pathlib.Path(target.name), path.name):
            raise ConnectionError(
                f"Expected `{path.name}` from {url}. Received: something else "
                f"({done} bytes). Nothing was kept. Something between, such as a proxy "
                "or a log-in page, may have answered: try again, or on another network."
            )


def _write(source, target, what, total, report):
    """Copies from an open file or connection in blocks; returns the bytes written."""
    done = 0
    while block := source.read(1 << 16):
        target.write(block)
        done += len(block)
        report(what, done, total)
    return done


def _is_sound(path, name):
    """Whether a file has the checksum of `name` or, where none is known, weights."""
    if name not in SUMS:
        return assets.is_weights(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() == SUMS[name]


def variables(folder):
    """What to set for a folder that `fetch_flowers` has filled: name to path."""
    folder = pathlib.Path(folder).expanduser().absolute()
    return {"KERAS_HOME": folder / "keras", "TFDS_DATA_DIR": folder / "tfds"}


def instructions(folder):
    """How to set `variables` of a folder, which may be read only, as text."""
    homes = {name: str(path) for name, path in variables(folder).items()}
    quoted = {name: path.replace("'", "''") for name, path in homes.items()}
    return "\n".join(
        [
            "Set these where the folder is used, before the notebooks start. bash:",
            *(f"export {name}={shlex.quote(path)}" for name, path in homes.items()),
            "Windows, PowerShell:",
            *(f"$env:{name} = '{path}'" for name, path in quoted.items()),
            "Windows, cmd:",
            *(f"set {name}={path}" for name, path in homes.items()),
        ]
    )
