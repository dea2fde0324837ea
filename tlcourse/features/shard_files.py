"""The file of a shard: a `.npz` that plain NumPy reads, whole or not there."""

import dataclasses
import os
import time
import zipfile
import zlib

import numpy as np

from tlcourse._util import atomic
from tlcourse.data.folder_report import Skipped

STAGES = ("read", "network", "write")
DAMAGE = (OSError, EOFError, KeyError, TypeError, ValueError) + (
    RuntimeError,  # of zipfile: a wrong bit may say "encrypted", or "version 10.9"
    zipfile.BadZipFile,
    zlib.error,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Features of n images, in the order of the source."""

    features: np.ndarray  # (n, ...)
    labels: np.ndarray  # int64 (n,), positions in `class_names`
    keys: np.ndarray  # n strings: file names or positions
    class_names: tuple
    skipped: tuple  # of `Skipped`: what gave no image, and why
    seconds: dict  # by "read", "network" and "write", all workers together


def write_shard(job, shard, arrays, seconds):
    """Writes a dict of arrays, and the seconds of reading, of the network, of this."""
    start = time.perf_counter()
    with (
        atomic.write_file(job.path(shard)) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, array in (arrays | {"job": np.array(_owner(job, shard))}).items():
            _add(archive, name, array)
        file.flush()
        os.fsync(file.fileno())
        seconds = (*seconds, time.perf_counter() - start)
        _add(archive, "seconds", np.array(seconds))


def _owner(job, shard):
    return f"{job.notes['key']} {shard}"


def _add(archive, name, array):
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def read_shard(job, shard):
    """Reads the `Features` of a shard; refuses what is damaged or another job's."""
    path = job.path(shard)
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
        owner = str(arrays["job"])
    except DAMAGE as error:
        raise ValueError(
            f"Expected whole features in {path}. Received: {type(error).__name__}, "
            f"{error}. Remove this file, and run the job again: it computes what is "
            "missing."
        ) from error
    if owner != _owner(job, shard):
        raise ValueError(
            f"Expected shard {shard} of the job in {job.folder}. Received: "
            f"{path.name}, which is another shard, or which another job wrote. Remove "
            "this file, and run the job again."
        )
    return Features(
        **{name: arrays[name] for name in ("features", "labels", "keys")},
        class_names=tuple(job.notes["class_names"]),
        skipped=tuple(Skipped(*each) for each in arrays["skipped"].tolist()),
        seconds=dict(zip(STAGES, arrays["seconds"].tolist(), strict=True)),
    )
