"""Features in many files: a job cut into stretches, each file whole or not there."""

import dataclasses
import hashlib
import json
import os
import pathlib
import time
import zipfile
import zlib

import numpy as np

from tlcourse._util import atomic
from tlcourse.features.sources import KINDS

FORMAT = 1
ABOUT = "job.json"
NETWORK = "network.keras"
STAGES = ("read", "network", "write")
DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclasses.dataclass(frozen=True)
class Job:
    """What there is to compute. Its folder holds all that a worker has to know.

    Args:
        folder: `pathlib.Path`.
        about: dict, the content of `job.json`.
    """

    folder: pathlib.Path
    about: dict

    @property
    def key(self):
        """String of 64 hexadecimal digits: network, images and shards together."""
        return hashlib.sha256(_text(self.about).encode()).hexdigest()

    @property
    def shard_size(self):
        """Integer, images a feature file; the last one may have fewer."""
        return self.about["shard_size"]

    @property
    def n_shards(self):
        """Integer, feature files in all."""
        return -(-self.about["n"] // self.shard_size)

    def path(self, shard):
        """`pathlib.Path` of a feature file; `shard` counts from 0."""
        return self.folder / f"features-{shard:06}-of-{self.n_shards:06}.npz"

    def stretch(self, shard):
        """`(start, stop)`, positions of its images in the source."""
        start = shard * self.shard_size
        return start, min(start + self.shard_size, self.about["n"])

    def source(self):
        """The images, opened in this process."""
        kind = KINDS[self.about["kind"]]
        return kind.load(self.folder, self.about["images"])

    def is_done(self, shard):
        """Whether a feature file is there, and not cut off."""
        return zipfile.is_zipfile(self.path(shard))

    def there(self):
        """Set of the names of feature files; none of them is opened."""
        return {path.name for path in self.folder.glob("features-*.npz")}

    def missing(self):
        """list of the shards that are still to be computed."""
        there = self.there()
        return [
            shard
            for shard in range(self.n_shards)
            if self.path(shard).name not in there or not self.is_done(shard)
        ]


def begin(folder, source, wanted, save):
    """Begins a job in a folder, or finds it there as it was begun.

    Args:
        folder: `pathlib.Path`, new, empty, or of the same job.
        source: One of the kinds in `tlcourse.features.sources`.
        wanted: dict: `network`, a name for the network and its weights; `shape` and
            `dtype` of the features of one image; `shard_size`, images a file.
        save: Function of a path that writes the network there.

    Returns:
        `Job`.

    Raises:
        ValueError: If the folder holds another job, or other files.
    """
    about = wanted | {
        "format": FORMAT,
        "kind": source.kind,
        "images": source.about(),
        "n": source.n,
        "class_names": source.class_names,
        "not_read": [(each.name, each.reason) for each in source.skipped],
    }
    job = Job(folder, json.loads(_text(about)))
    if (folder / ABOUT).is_file():
        _check_same(load(folder), job)
        return job
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            "Expected a folder that is new, empty, or holds the features of the same "
            f"job. Received: {folder}, which holds other things. Name another one."
        )
    with atomic.filling(folder) as partial:
        source.save(partial)
        save(partial / NETWORK)
        (partial / ABOUT).write_text(_text(about))
    return job


def _text(about):
    return json.dumps(about, indent=1) + "\n"


def _check_same(there, job):
    differ = [name for name, value in job.about.items() if there.about[name] != value]
    if differ:
        raise ValueError(
            f"Expected in {job.folder} the features of the same network for the same "
            f"images. Received: another job; what differs: {', '.join(differ)}. Name "
            "another folder, or remove this one."
        )


def load(folder):
    """Finds the job of a folder.

    Args:
        folder: String or path.

    Returns:
        `Job`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it was written by another version of this module.
    """
    folder = pathlib.Path(folder).expanduser().absolute()
    path = folder / ABOUT
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected a folder in which `scale.begin` began a job, with {ABOUT} in "
            f"it. Received: {folder}"
        )
    about = json.loads(path.read_text())
    if about.get("format") != FORMAT:
        raise ValueError(
            f"Expected a job of format {FORMAT}. Received: {about.get('format')}, in "
            f"{path}. Begin again in another folder."
        )
    return Job(folder, about)


def write(job, shard, arrays, seconds):
    """Writes a feature file, whole or not at all; plain NumPy can read it.

    Args:
        job: `Job`.
        shard: Integer.
        arrays: dict of arrays: `features`, `labels`, `keys`, and `skipped`, pairs of
            a name and a reason.
        seconds: tuple of numbers, spent on reading and on the network. Those of
            writing are measured here, and kept with them.
    """
    start = time.perf_counter()
    with atomic.writing(job.path(shard)) as file, zipfile.ZipFile(file, "w") as box:
        for name, array in (arrays | {"job": np.array(job.key)}).items():
            _add(box, name, array)
        file.flush()
        os.fsync(file.fileno())
        seconds = (*seconds, time.perf_counter() - start)
        _add(box, "seconds", np.array(seconds))


def _add(box, name, array):
    with box.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def read(job, shard):
    """Reads a feature file.

    Args:
        job: `Job`.
        shard: Integer.

    Returns:
        dict of arrays, as they were written.

    Raises:
        ValueError: If it is damaged, or belongs to another job.
    """
    path = job.path(shard)
    try:
        with np.load(path) as box:
            arrays = {name: box[name] for name in box.files}
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
