"""Fetches what the flowers track needs. Nothing else in the course downloads."""

import errno
import hashlib
import http.client
import pathlib
import shlex
import shutil
import ssl
import urllib.request

from tlcourse._util import assets, atomic, tfds_download

SECONDS = 20  # without an answer, before we give up
BROKEN = (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException)
GOOGLE = "https://storage.googleapis.com/"
# Source: the constants in Keras's applications/mobilenet_v2.py, imagenet_utils.py.
WEIGHTS = f"{GOOGLE}tensorflow/keras-applications/mobilenet_v2/"
INDEX = f"{GOOGLE}download.tensorflow.org/data/"
# Source: TFDS, image_classification/flowers.py.
PHOTOGRAPHS = f"{GOOGLE}download.tensorflow.org/example_images/flower_photos.tgz"
BASE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
COMPLETE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5"
CLASS_INDEX = "imagenet_class_index.json"
FILES = {BASE: WEIGHTS, COMPLETE: WEIGHTS, CLASS_INDEX: INDEX}
# MobileNet 0.25 knows all of ImageNet, too.
INSTEAD = {COMPLETE: "mobilenet_2_5_224_tf.h5"}
DATASET = f"dataset {assets.FLOWERS_DATASET}"
# sha256, where it is confirmed: Keras itself has none for the weights.
SUMS = {CLASS_INDEX: "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc"}


def missing(folder=None):
    """What the flowers track lacks in `folder`, or where Keras and TFDS look.

    dict, a name to the same in words, which say if what is there is damaged.
    """
    models, datasets = _homes(folder)
    lacks = {}
    for name in FILES:
        if find_sound(models, name) is None:
            damaged = " (it is damaged)" if (models / name).exists() else ""
            lacks[name] = f"the file {name}{damaged}"
    if not assets.prepared_dataset(assets.FLOWERS_DATASET, datasets):
        lacks[DATASET] = f"the {DATASET}"
    return lacks


def find_sound(folder, name):
    """The path of a file that is whole, or of what does instead, or None."""
    paths = [folder / each for each in (name, INSTEAD.get(name)) if each]
    return next((path for path in paths if _is_sound(path, path.name)), None)


def fetch_flowers(report, folder=None):
    """Fetches what is missing where Keras and TFDS look, or in `folder`: its names.

    What this disk has is copied into `folder`, so only the rest is downloaded, last.
    `report(what, bytes_done, bytes_in_all)` is called again and again.
    """
    work, absent = missing(folder), missing()
    try:
        for what in sorted(work, key=absent.__contains__):
            _bring(what, folder, what not in absent, report)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            f"Expected more room on the disk. Received: {error.strerror}. Make room "
            "and run it again: what is complete is kept, and nothing else was left."
        ) from error
    if folder is not None:  # TFDS leaves the archive there
        shutil.rmtree(_homes(folder)[1] / "downloads", ignore_errors=True)
    return list(work)


def _homes(folder):
    """Keras's folder of weights and TFDS's of datasets, in `folder` or as usual."""
    if folder is None:
        return assets.keras_weights_folder(), assets.tfds_folder()
    homes = variables(folder)
    return homes["KERAS_HOME"] / "models", homes["TFDS_DATA_DIR"]


def _bring(what, folder, is_here, report):
    """Copies a file or the dataset if it is on this disk, or else downloads it."""
    (models, datasets), (our_models, our_datasets) = _homes(folder), _homes(None)
    if what != DATASET and is_here:
        source = find_sound(our_models, what)
        _copy(source, models / source.name, report)
    elif what != DATASET:
        download(FILES[what] + what, models / what, report)
    elif is_here:
        source = assets.prepared_dataset(assets.FLOWERS_DATASET, our_datasets)
        with atomic.make_folder(datasets / source.relative_to(our_datasets)) as partial:
            for path in sorted(source.iterdir()):
                _copy(path, partial / path.name, report)
    else:
        _prepare_photographs(datasets, report)


def _prepare_photographs(folder, report):
    """Lets TFDS prepare them; first asks for an answer, as TFDS would hang."""
    with _open(PHOTOGRAPHS, "HEAD") as answer:
        total = int(answer.headers.get("Content-Length", 0))
    tfds_download.prepare(
        assets.FLOWERS_DATASET, folder, lambda n: report(DATASET, min(n, total), total)
    )
    report(DATASET, total, total)


def download(url, path, report):
    """Downloads one of `FILES`, completely or, with a ConnectionError, not at all."""
    with _open(url) as source, atomic.write_file(path) as target:
        total = int(source.headers.get("Content-Length", 0))
        try:
            done = _write(source, target, path.name, total, report)
        except BROKEN as error:
            raise ConnectionError(
                f"Expected all of {url}. Received: {error!r}. Try again."
            ) from error
        target.flush()
        if total and done != total:
            raise ConnectionError(
                f"Expected {total} bytes from {url}. Received: {done}. Try again."
            )
        if not _is_sound(pathlib.Path(target.name), path.name):
            raise ConnectionError(
                f"Expected `{path.name}` from {url}. Received: something else ({done} "
                "bytes). Nothing was kept. Something between, such as a proxy or a "
                "log-in page, may have answered: try again, or on another network."
            )


def _open(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    try:
        return urllib.request.urlopen(request, timeout=SECONDS)
    except OSError as error:
        raise ConnectionError(
            f"Expected an answer from {url}. Received: {error}. "
            f"{tfds_download.NETWORK} The glyphs track needs none."
        ) from error


def _copy(source, path, report):
    with atomic.write_file(path) as target, open(source, "rb") as file:
        _write(file, target, path.name, source.stat().st_size, report)


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
    if name in SUMS and path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest() == SUMS[name]
    return assets.is_weights(path)


def variables(folder):
    """What to set for a folder that `fetch_flowers` has filled: name to path."""
    folder = pathlib.Path(folder).expanduser().absolute()
    return {"KERAS_HOME": folder / "keras", "TFDS_DATA_DIR": folder / "tfds"}


def instructions(folder):
    """How to set `variables` of a folder, which may be read only, as text."""
    bash, powershell, cmd = [], [], []
    for name, path in variables(folder).items():
        doubled = str(path).replace("'", "''")
        bash.append(f"export {name}={shlex.quote(str(path))}")
        powershell.append(f"$env:{name} = '{doubled}'")
        cmd.append(f"set {name}={path}")
    first = "Set these where the folder is used, before the notebooks start. bash:"
    parts = [first, *bash, "Windows, PowerShell:", *powershell, "Windows, cmd:", *cmd]
    return "\n".join(parts)
