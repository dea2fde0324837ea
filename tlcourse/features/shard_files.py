"""The file of a shard: a `.npz` that plain NumPy reads, whole or not there."""

import os
import time
import zipfile
import zlib

import numpy as np

from tlcourse._util import atomic

STAGES = ("read", "network", "write")
DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def write_shard(job, shard, arrays, seconds):
    """Writes a dict of arrays, and the seconds spent on reading and on the network.

    The seconds spent on writing are measured here, and kept with them.
    """
    start = time.perf_counter()
    with (
        atomic.write_file(job.path(shard)) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, array in (arrays | {"job": np.array(job.key)}).items():
            _add(archive, name, array)
        file.flush()
        os.fsync(file.fileno())
        seconds = (*seconds, time.perf_counter() - start)
        _add(archive, "seconds", np.array(seconds))


def _add(archive, name, array):
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def read_shard(job, shard):
    """Reads the dict of arrays back; refuses what is damaged or another job's."""
    path = job.path(shard)
    try:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        owner = str(arrays.pop("job"))
    except DAMAGE as error:
        raise ValueError(
            f"Expected whole features in {path}. Received: {type(error).__name__}, "
            f"{error}. Remove this file, and run the job again: it computes what is "
            "missing."
        ) from error
    if owner != job.key:
        raise ValueError(
            f"Expected features of the job in {job.folder}. Received: {path.name}, "
            "which another job wrote. Remove this file, and run the job again."
        )
    return arrays
