"""Features of more images than one process, or one machine, should pass through.

A job lies in a folder: the network, where the images are, and one file of features for
each shard, a stretch of the images. What is there is not computed again.
"""

import importlib.util
from typing import NamedTuple

import numpy as np

from tlcourse.data.checking import check_count
from tlcourse.data.folder_report import Skipped
from tlcourse.features import job as jobs
from tlcourse.features import processes
from tlcourse.features.extraction import check_fit
from tlcourse.features.shard_files import STAGES, Features, read_shard


def has_beam():
    """Whether Apache Beam is installed, which `compute_with_beam` needs."""
    return importlib.util.find_spec("apache_beam") is not None


def begin_job(model, source, folder, shard_size=1000):
    """Writes down a job: pass these images through this network.

    Nothing is computed yet. The network is saved, and has to be one that Keras can
    load without your code. The images stay where they are, except a `Dataset`'s, and
    must not change as long as the job is used.

    Args:
        model: Functional or Sequential `keras.Model` that takes raw pixels of one
            size, with one output.
        source: `sources.DatasetSource` or `sources.FolderSource`.
        folder: String or path; new, empty, or of the same job. If several machines
            work, all have to see it under this name.
        shard_size: Integer, images per shard, which a worker holds in memory.

    Returns:
        `Job`, with `folder`, `n_shards`, and `missing()`, the list of the shards
        still to be computed.

    Raises:
        ValueError: If the model or the sizes do not fit, if the folder holds something
            else, or if what its job reads has changed since.
    """
    check_fit(model, (*source.size, 3))
    if not source.keys:
        raise ValueError("Expected at least one image. Received: none")
    check_count("shard_size", shard_size)
    return jobs.begin(model, source, folder, shard_size)


def compute_with_beam(folder, workers=1, **options):
    """Computes the missing shards of a job with Apache Beam.

    Args:
        folder: String or path, in which `begin_job` began a job.
        workers: Integer, processes on this machine, each with a pipeline of its own
            and its share of the cores; one that dies is replaced.
        **options: For Beam's `PipelineOptions`, such as `runner="FlinkRunner"` and
            what that runner asks for. Without them Beam's FnApiRunner works here;
            DirectRunner would first fetch a program.

    Returns:
        `RunReport`.

    Raises:
        ModuleNotFoundError: If Beam is not installed.
        FileNotFoundError: If there is no job.
        ValueError: If what the job reads has changed since it began.
        RuntimeError: If workers die again and again.
    """
    if not has_beam():
        raise ModuleNotFoundError(
            'Expected Apache Beam, which `pip install "tlcourse[scale]"` installs; in '
            'a clone of the course, `pip install -e ".[scale]"`. Received: a Python '
            "without it. `shards.compute_here` does the same work without Beam."
        )
    return _compute(folder, workers, {"runner": "FnApiRunner"} | options)


def compute_here(folder, workers=1):
    """Does without Beam what `compute_with_beam` does; one worker is this process."""
    return _compute(folder, workers, None)


def _compute(folder, workers, options):
    check_count("workers", workers)
    job = jobs.load_job(folder)
    missing, replaced = job.missing(), 0
    if missing and (workers > 1 or options):
        replaced = processes.compute_in_processes(job, missing, workers, options)
    elif missing:
        processes.compute_here(job, missing)
    return RunReport(job.n_shards, len(missing), replaced)


class RunReport(NamedTuple):
    """What a run has done, in shards; `replaced` workers died meanwhile."""

    shards: int
    computed: int
    replaced: int

    def __str__(self):
        there = self.shards - self.computed
        died = f"; workers replaced: {self.replaced}" if self.replaced else ""
        return f"{self.computed} shards computed, {there} were there already{died}"


def iterate_shards(folder):
    """Loads the features of a job shard by shard, where memory does not hold them all.

    Args:
        folder: String or path.

    Yields:
        `Features` of one shard each. Labels count all classes of the source.

    Raises:
        FileNotFoundError: If there is no job.
        ValueError: If shards are missing or damaged, or if what the job reads has
            changed since it began.
    """
    return _iterate(jobs.load_job(folder))


def _iterate(job):
    missing = job.missing()
    if missing:
        raise ValueError(
            f"Expected {job.n_shards} feature files in {job.folder}. Received: "
            f"{job.n_shards - len(missing)} that are whole. `shards.compute_here` or "
            "`shards.compute_with_beam` computes the others."
        )
    return (read_shard(job, shard) for shard in range(job.n_shards))


def load_features(folder):
    """Loads the features of a job into memory.

    Args:
        folder: String or path.

    Returns:
        `Features`. As with `load_folder`, the folder of a class without any image
        that can be read is left out as a class.

    Raises: As `iterate_shards`.
    """
    job = jobs.load_job(folder)
    parts = list(_iterate(job))
    labels, names = (
        np.concatenate([part.labels for part in parts]),
        parts[0].class_names,
    )
    if job.notes["kind"] == "folder":
        kept, labels = np.unique(labels, return_inverse=True)
        names = tuple(names[k] for k in kept)
    skipped = [each for part in parts for each in part.skipped]
    skipped += [Skipped(*each) for each in job.notes["skipped"]]
    return Features(
        features=np.concatenate([part.features for part in parts]),
        labels=labels,
        keys=np.concatenate([part.keys for part in parts]),
        class_names=names,
        skipped=tuple(sorted(skipped)),
        seconds={name: sum(part.seconds[name] for part in parts) for name in STAGES},
    )
