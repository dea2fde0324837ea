"""Features of more images than one process, or one machine, should pass through.

A job lies in a folder: the network, where the images are, and one file of features for
each shard, a stretch of the images. What is there is not computed again, so whoever
runs the job goes on where the last one stopped.
"""

import dataclasses
import importlib.util
import numbers
import sys

import numpy as np

from tlcourse.data.folder_report import Skipped
from tlcourse.features import processes
from tlcourse.features.job import begin, load_job
from tlcourse.features.shard_files import STAGES, read_shard
from tlcourse.features.sources import KINDS

SHARD_SIZE = 1000  # images; a worker that dies loses one shard


def has_beam():
    """Whether Apache Beam is installed, which `compute_with_beam` needs."""
    return importlib.util.find_spec("apache_beam") is not None


def begin_job(model, source, folder, shard_size=SHARD_SIZE):
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
        shard_size: Integer, images per shard.

    Returns:
        `Job`, with `folder`, `n_shards`, and `missing()`, the list of the shards
        still to be computed.

    Raises:
        ValueError: If the model or the sizes do not fit, if the folder holds something
            else, or if what its job reads has changed since.
    """
    _check_fit(model, source)
    _check_count(shard_size, "shard_size", SHARD_SIZE)
    return begin(model, source, folder, shard_size)


def _check_fit(model, source):
    if len(model.outputs) != 1:
        raise ValueError(
            f"Expected a model with one output. Received: {len(model.outputs)}"
        )
    if tuple(model.input_shape[1:]) != (*source.size, 3):
        raise ValueError(
            f"Expected images of {model.input_shape[1:]}, the model's input. "
            f"Received: {(*source.size, 3)}"
        )
    if not source.n:
        raise ValueError("Expected at least one image. Received: none")


def _check_count(number, name, such_as):
    is_whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
    if not (is_whole and number >= 1):
        raise ValueError(
            f"Expected `{name}`, a whole number above 0 such as {such_as}. Received: "
            f"{number!r}"
        )


def compute_with_beam(folder, workers=1, **options):
    """Computes the missing shards of a job with Apache Beam.

    Args:
        folder: String or path, in which `begin_job` began a job.
        workers: Integer, processes on this machine, each with a pipeline of its own
            and its share of the cores; one that dies is replaced. 1 works in this
            process; in a notebook, where Beam would ask for more packages, in another.
        **options: For Beam's `PipelineOptions`, such as `runner="FlinkRunner"` and
            what that runner asks for. Without them Beam's FnApiRunner works here;
            DirectRunner would first fetch a program.

    Returns:
        `RunReport`.

    Raises:
        ModuleNotFoundError: If Beam is not installed.
        FileNotFoundError: If there is no job.
        ValueError: If there are both workers and options, or if what the job reads
            has changed since it began.
        RuntimeError: If workers die again and again.
    """
    if not has_beam():
        raise ModuleNotFoundError(
            'Expected Apache Beam, which `pip install "tlcourse[scale]"` installs; in '
            'a clone of the course, `pip install -e ".[scale]"`. Received: a Python '
            "without it. `shards.compute_here` does the same work without Beam."
        )
    if options and workers != 1:
        raise ValueError(
            "Expected `workers`, processes of this machine, or options for a runner "
            f"that has workers of its own. Received: {workers} workers and {options}"
        )
    return _compute(folder, workers, {"runner": "FnApiRunner"} | options)


def compute_here(folder, workers=1):
    """Computes the missing shards of a job on this machine, without Beam.

    `folder`, `workers`, the `RunReport` and errors are as for `compute_with_beam`.
    """
    return _compute(folder, workers, None)


def _compute(folder, workers, options):
    _check_count(workers, "workers", 2)
    job = load_job(folder)
    missing, replaced = job.missing(), 0
    with processes.show_progress(job, len(missing)):
        if missing and (workers > 1 or (options and _in_a_notebook())):
            replaced = processes.compute_in_processes(job, missing, workers, options)
        elif missing:
            processes.compute_here(job, missing, options)
    return RunReport(job.n_shards, len(missing), replaced)


def _in_a_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


@dataclasses.dataclass(frozen=True)
class RunReport:
    """What a run has done, in shards; `replaced` workers died meanwhile."""

    shards: int
    computed: int
    replaced: int

    def __str__(self):
        there = self.shards - self.computed
        died = f"; workers replaced: {self.replaced}" if self.replaced else ""
        return f"{self.computed} shards computed, {there} were there already{died}"


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Features of n images, in the order of the source."""

    features: np.ndarray  # (n, ...)
    labels: np.ndarray  # int64 (n,), positions in `class_names`
    keys: np.ndarray  # n strings: file names, positions, or splits of one image
    class_names: tuple
    skipped: tuple  # of `Skipped`: what gave no image, and why
    seconds: dict  # by "read", "network" and "write", all workers together


def iterate_shards(folder, check_images=True):
    """Loads the features of a job shard by shard, where memory does not hold them all.

    Args:
        folder: String or path.
        check_images: Boolean; False loads what was computed, although the images have
            changed or are gone since.

    Yields:
        `Features` of one shard each. Labels count all classes of the source.

    Raises:
        FileNotFoundError: If there is no job.
        ValueError: If shards are missing or damaged, or if what the job reads has
            changed since it began.
    """
    job = load_job(folder, check_images)
    missing = job.missing()
    if missing:
        raise ValueError(
            f"Expected {job.n_shards} feature files in {job.folder}. Received: "
            f"{job.n_shards - len(missing)} that are whole. `shards.compute_here` or "
            "`shards.compute_with_beam` computes the others."
        )
    for shard in range(job.n_shards):
        arrays = read_shard(job, shard)
        yield Features(
            **{name: arrays[name] for name in ("features", "labels", "keys")},
            class_names=tuple(job.notes["class_names"]),
            skipped=tuple(Skipped(*each) for each in arrays["skipped"].tolist()),
            seconds=dict(zip(STAGES, arrays["seconds"].tolist(), strict=True)),
        )


def load_features(folder, check_images=True):
    """Loads the features of a job into memory.

    Args:
        folder: String or path.
        check_images: Boolean, as for `iterate_shards`.

    Returns:
        `Features`. As with `load_folder`, the folder of a class without any image
        that can be read is left out as a class.

    Raises: As `iterate_shards`.
    """
    parts = list(iterate_shards(folder, check_images))
    notes, names = load_job(folder, check_images=False).notes, parts[0].class_names
    labels = np.concatenate([part.labels for part in parts])
    if KINDS[notes["kind"]].drops_empty_classes:
        kept, labels = np.unique(labels, return_inverse=True)
        names = tuple(names[k] for k in kept)
    skipped = [Skipped(*each) for each in notes["not_read"]]
    skipped += [each for part in parts for each in part.skipped]
    return Features(
        features=np.concatenate([part.features for part in parts]),
        labels=labels.astype("int64"),
        keys=np.concatenate([part.keys for part in parts]),
        class_names=names,
        skipped=tuple(sorted(skipped, key=lambda each: each.name)),
        seconds={name: sum(part.seconds[name] for part in parts) for name in STAGES},
    )
