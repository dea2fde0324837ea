"""Features of more images than one process, or one machine, should pass through.

A job lies in a folder: the network, where the images are, and a feature file for each
stretch of them. What is there is not computed again, so whoever runs the job goes on
where the last one stopped.
"""

import contextlib
import dataclasses
import importlib.util
import numbers
import pathlib
import sys
import threading
import time

import numpy as np

from tlcourse._util.progress_bar import bar
from tlcourse.data.folder_report import Skipped
from tlcourse.features import disk_cache, processes, shard_files
from tlcourse.features.sources import KINDS

SHARD_SIZE = 1000  # images; a shard is what a worker that dies has lost
PATIENCE = 2  # seconds, before a line of progress appears


def has_beam():
    """Whether Apache Beam is installed; `run` needs it.

    Returns:
        Boolean.
    """
    return importlib.util.find_spec("apache_beam") is not None


def begin(model, source, folder, shard_size=SHARD_SIZE):
    """Writes down a job: pass these images through this network.

    Nothing is computed yet. The network is saved, and has to be one that Keras can
    load without your code.

    Args:
        model: Functional or Sequential `keras.Model` that takes raw pixels of one
            size, with one output.
        source: `sources.InMemory`, `sources.FromFolder` or `sources.FromTfds`.
        folder: String or path; new, empty, or of the same job. Where several machines
            work, all have to see it under this name.
        shard_size: Integer, images a feature file.

    Returns:
        `shards.Job`.

    Raises:
        ValueError: If the model or the sizes do not fit, or the folder holds something
            else.
    """
    _check_fit(model, source)
    check_whole(shard_size, "shard_size", SHARD_SIZE)
    wanted = {
        "network": disk_cache.key(model, np.empty((0, *source.size, 3), "uint8")),
        "shape": model.output_shape[1:],
        "dtype": str(model.outputs[0].dtype),
        "shard_size": int(shard_size),
    }
    folder = pathlib.Path(folder).expanduser().absolute()
    return shard_files.begin(folder, source, wanted, model.save)


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


def run(folder, workers=1, threads=None, **options):
    """Computes what is missing of a job, with Apache Beam.

    Args:
        folder: String or path, in which `begin` began a job.
        workers: Integer, processes on this machine, each with a pipeline of its own;
            one that dies is replaced. 1 works in this process; in a notebook, where
            Beam would ask for more packages, in one of its own.
        threads: Integer, threads of the backend in each of several processes; None
            shares out the cores.
        **options: For Beam's `PipelineOptions`, such as `runner="FlinkRunner"` and
            what that runner asks for. Without them Beam's FnApiRunner works here: it
            is what DirectRunner is in a notebook; elsewhere, DirectRunner would first
            fetch a program.

    Returns:
        `Report`.

    Raises:
        ModuleNotFoundError: If Beam is not installed.
        FileNotFoundError: If there is no job.
        ValueError: If there are both workers and options.
        RuntimeError: If workers die again and again.
    """
    if not has_beam():
        raise ModuleNotFoundError(
            'Expected Apache Beam, which `pip install "tlcourse[scale]"` installs; in '
            'a clone of the course, `pip install -e ".[scale]"`. Received: a Python '
            "without it. `scale.run_here` does the same work without Beam."
        )
    if options and workers != 1:
        raise ValueError(
            "Expected `workers`, processes of this machine, or options for a runner "
            f"that has workers of its own. Received: {workers} workers and {options}"
        )
    return _run(folder, workers, threads, {"runner": "FnApiRunner"} | options)


def run_here(folder, workers=1, threads=None):
    """Computes what is missing of a job, without Beam.

    Args:
        folder: String or path, in which `begin` began a job.
        workers: Integer, as for `run`.
        threads: Integer or None, as for `run`.

    Returns:
        `Report`.

    Raises:
        FileNotFoundError: If there is no job.
        RuntimeError: If workers die again and again.
    """
    return _run(folder, workers, threads, None)


def _run(folder, workers, threads, options):
    check_whole(workers, "workers", 2)
    job = shard_files.load(folder)
    missing, start, replaced = job.missing(), time.perf_counter(), 0
    with _watching(job, len(missing)):
        if missing and (workers > 1 or options and _in_a_notebook()):
            replaced = processes.run(job, missing, workers, threads, options)
        elif missing:
            processes.compute(job, missing, options)
    seconds = time.perf_counter() - start
    return Report(job.n_shards, len(missing), replaced, seconds)


def _in_a_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def check_whole(number, name, such_as):
    """Refuses what is no whole number above 0.

    Args:
        number: Should be an integer of at least 1.
        name: String, what it is called.
        such_as: Integer, an example.

    Raises:
        ValueError: If it is something else.
    """
    whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
    if not (whole and number >= 1):
        raise ValueError(
            f"Expected `{name}`, a whole number above 0 such as {such_as}. Received: "
            f"{number!r}"
        )


@contextlib.contextmanager
def _watching(job, n):
    """A line that says how many of the missing shards are there, if it takes long."""
    over, shown, before = threading.Event(), [], job.n_shards - n

    def show(end):
        done = max(0, len(job.there()) - before)
        print(f"\r{bar(done, n)} {done} of {n} shards", end=end, flush=True)
        shown.append(done)

    def watch():
        while not over.wait(PATIENCE):
            show(end="")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if shown:
            show(end="\n")


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run has done.

    Args:
        shards: Integer, feature files of the job.
        computed: Integer, those that this run computed.
        replaced: Integer, workers that died meanwhile, and were replaced.
        seconds: Float, on the clock, from first to last.
    """

    shard_files: int
    computed: int
    replaced: int
    seconds: float

    def __str__(self):
        there = self.shards - self.computed
        died = f"; workers replaced: {self.replaced}" if self.replaced else ""
        return f"{self.computed} shards computed, {there} were there already{died}"


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Features of images, in the order of the source.

    Args:
        features: Array `(n, ...)`.
        labels: int64 `(n,)`, positions in `class_names`.
        keys: Array of n strings: file names, positions, or TFDS addresses.
        class_names: tuple of strings.
        skipped: tuple of `Skipped`: what gave no image, and why.
        seconds: dict, `"read"`, `"network"` and `"write"` to seconds, all workers
            together.
    """

    features: np.ndarray
    labels: np.ndarray
    keys: np.ndarray
    class_names: tuple
    skipped: tuple
    seconds: dict


def read_shards(folder):
    """Reads the features of a job, one file after the other.

    For what does not fit in memory. Labels count all classes of the source.

    Args:
        folder: String or path.

    Yields:
        `Features`, of one file each.

    Raises:
        FileNotFoundError: If there is no job.
        ValueError: If files are missing or damaged.
    """
    job = shard_files.load(folder)
    missing = job.missing()
    if missing:
        raise ValueError(
            f"Expected {job.n_shards} feature files in {job.folder}. Received: "
            f"{job.n_shards - len(missing)} that are whole. `scale.run` or "
            "`scale.run_here` computes the others."
        )
    for shard in range(job.n_shards):
        arrays = shard_files.read(job, shard)
        yield Features(
            arrays["features"],
            arrays["labels"],
            arrays["keys"],
            tuple(job.about["class_names"]),
            tuple(Skipped(*each) for each in arrays["skipped"].tolist()),
            dict(zip(shard_files.STAGES, arrays["seconds"].tolist(), strict=True)),
        )


def read(folder):
    """Reads the features of a job into memory.

    Args:
        folder: String or path.

    Returns:
        `Features`. As with `load_folder`, the folder of a class without any image
        that can be read is left out as a class.

    Raises:
        FileNotFoundError: If there is no job.
        ValueError: If files are missing or damaged.
    """
    about, parts = shard_files.load(folder).about, list(read_shards(folder))
    labels = np.concatenate([part.labels for part in parts])
    names = tuple(about["class_names"])
    if KINDS[about["kind"]].drops_empty:
        kept, labels = np.unique(labels, return_inverse=True)
        names = tuple(names[k] for k in kept)
    found = [Skipped(*each) for each in about["not_read"]]
    found += [each for part in parts for each in part.skipped]
    return Features(
        np.concatenate([part.features for part in parts]),
        labels.astype("int64"),
        np.concatenate([part.keys for part in parts]),
        names,
        tuple(sorted(found, key=lambda each: each.name)),
        {
            name: sum(part.seconds[name] for part in parts)
            for name in shard_files.STAGES
        },
    )
