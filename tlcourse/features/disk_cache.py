"""Features on disk, under a digest of all that decides what is in them."""

import contextlib
import json
import os
import pathlib

import keras
import numpy as np

from tlcourse._util import atomic
from tlcourse.features.fingerprints import digest, digest_arrays
from tlcourse.features.network_settings import describe
from tlcourse.features.shard_files import DAMAGE

LIMIT = 2_000_000_000  # bytes kept in all


def folder():
    """Where features are kept: `$TLCOURSE_HOME/features`, or in `~/.tlcourse`."""
    home = os.environ.get("TLCOURSE_HOME", "~/.tlcourse")
    return pathlib.Path(home).expanduser() / "features"


def find_key(model, images):
    """The name of a model's features of images, or None and the reason for none."""
    settings, reason = describe(model)
    if reason:
        return None, reason
    versions = keras.__version__, keras.backend.backend(), keras.config.floatx()
    arrays = digest_arrays([*model.get_weights(), images])
    return digest([json.dumps([*versions, settings, arrays]).encode()]), None


def load(name):
    """Loads features by their key; None if they are not there, or damaged."""
    path = folder() / f"{name}.npz"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as box:
            array = box["array"].view(str(box["dtype"]))
        with contextlib.suppress(OSError):  # a disk may be read-only
            os.utime(path)  # it was used: others are thrown away before it
    except (FileNotFoundError, PermissionError):
        return None
    except DAMAGE:
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    return array


def save(name, array):
    """Keeps features, complete or not at all; returns whether there was room."""
    if array.nbytes > LIMIT:
        return False
    try:
        _make_room(array.nbytes + 1024)  # with its headers, about
        with atomic.write_file(folder() / f"{name}.npz") as file:
            # NumPy forgets what its files cannot say, such as bfloat16.
            np.savez(file, array=array, dtype=str(array.dtype))
    except OSError:  # or another notebook has thrown away what we were to
        return False
    return True


def _make_room(size):
    """Throws away what was not used for longest."""
    kept = sorted(folder().glob("*.npz"), key=os.path.getmtime)
    while kept and size + sum(map(os.path.getsize, kept)) > LIMIT:
        kept.pop(0).unlink(missing_ok=True)
