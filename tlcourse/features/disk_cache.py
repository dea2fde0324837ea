"""Features on disk: what was computed once is read the next time.

A file's name is a digest of all that decides what is in it. What cannot be digested,
code, is not kept.
"""

import contextlib
import json
import os
import pathlib
import zipfile
import zlib

import keras
import numpy as np

from tlcourse._util import atomic
from tlcourse.features.fingerprints import digest, digest_arrays
from tlcourse.features.network_settings import describe

LIMIT = 2_000_000_000  # bytes
HEADERS = 1024  # bytes that a file has besides the array, about
DAMAGE = (OSError, EOFError, KeyError, TypeError, ValueError) + (
    RuntimeError,  # of zipfile: a wrong bit may say "encrypted", or "version 10.9"
    zipfile.BadZipFile,
    zlib.error,
)


def folder():
    """Where features are kept: `$TLCOURSE_HOME/features`, or in `~/.tlcourse`."""
    home = os.environ.get("TLCOURSE_HOME", os.path.join("~", ".tlcourse"))
    return pathlib.Path(home).expanduser() / "features"


def limit():
    """The most bytes to keep: `$TLCOURSE_CACHE_BYTES`, or 2 GB; 0 keeps nothing."""
    text = os.environ.get("TLCOURSE_CACHE_BYTES", str(LIMIT))
    if not text.isdigit():
        raise ValueError(
            f"Expected TLCOURSE_CACHE_BYTES to be a number of bytes, such as {LIMIT}."
            f" Received: {text!r}"
        )
    return int(text)


def find_key(model, images):
    """The name of a model's features of images: a digest, or None and the reason.

    It changes with layers, settings, dtypes, weights, pixels and Keras; not with the
    names of layers, which Keras counts up.
    """
    settings, reason = describe(model)
    if reason:
        return None, reason
    about = [
        keras.__version__,
        keras.backend.backend(),
        keras.config.floatx(),
        settings,
    ]
    arrays = digest_arrays([*model.get_weights(), images])
    return digest([json.dumps(about).encode(), arrays.encode()]), None


def load(name):
    """Loads features by their key; None if they are not there, or damaged."""
    path = folder() / f"{name}.npz"
    try:
        # zip compares checksums
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as box:
            array = box["bytes"].view(np.dtype(str(box["dtype"])))
            array = array.reshape(box["shape"])
        with contextlib.suppress(PermissionError):
            os.utime(path)  # it was used: others are thrown away before it
    except (FileNotFoundError, PermissionError):
        return None
    except DAMAGE:
        path.unlink(missing_ok=True)
        return None
    return array


def save(name, array):
    """Keeps features, complete or not at all, and makes room for them.

    Returns whether they are kept: not if they are larger than the limit, or the disk
    is full or may not be written.
    """
    if array.nbytes > limit():
        return False
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    about = {"dtype": str(array.dtype), "shape": np.array(array.shape, "int64")}
    try:
        folder().mkdir(parents=True, exist_ok=True)
        _make_room(array.nbytes + HEADERS)
        with atomic.write_file(folder() / f"{name}.npz") as file:
            np.savez(file, bytes=plain, **about)
    except OSError:
        return False
    return True


def _make_room(size):
    """Throws away what was not used for longest."""
    kept = []
    for path in folder().glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another notebook was faster
            about = path.stat()
            kept.append((about.st_mtime, about.st_size, path))
    room = limit() - size - sum(bytes_ for _, bytes_, _ in kept)
    for _, bytes_, path in sorted(kept):
        if room >= 0:
            return
        path.unlink(missing_ok=True)
        room += bytes_
