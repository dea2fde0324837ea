"""Extraction in shards with 1 and 2 processes: images a second, and ratios.

    python tests/benchmarks/beam.py [--quick]

MobileNetV2 0.35 with random weights: time does not depend on them. Each way of working
does a short and a long job; the rate is that of the difference, so that the start of
the processes does not count, and is shown beside it. Processes share the cores out:
one has a thread for each core, two have half of them each. The ways take turns,
and medians count.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np

import tlcourse
from tlcourse import data, features
from tlcourse.features import processes, shards, sources

BEAM = {"runner": "FnApiRunner"}
CORES = os.cpu_count()
# what, side, where the images are, images of the short and of the long job
CASES = (
    ("64 px, in memory", 64, "memory", 2000, 10_000),
    ("224 px, in memory", 224, "memory", 200, 1000),
    ("224 px, JPEG files of 500 px", 224, "files", 200, 1000),
)
# name, processes, threads of each, Beam's options
WAYS = (
    ("1 process, Beam", 1, CORES, BEAM),
    ("1 process, no Beam", 1, CORES, None),
    ("1 process of 1 thread, Beam", 1, 1, BEAM),
    ("2 processes, Beam", 2, max(1, CORES // 2), BEAM),
)


def network(side):
    """A base with pooling."""
    shape = (side, side, 3)
    base = keras.applications.MobileNetV2(
        input_shape=shape, alpha=0.35, include_top=False, weights=None, pooling="avg"
    )
    pixels = keras.Input(shape)
    return keras.Model(pixels, base(keras.layers.Rescaling(1 / 127.5, -1)(pixels)))


def images(n, side):
    """Random pictures, smooth as photographs are."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, side // 4, side // 4, 3), "uint8")
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def source(where, n, side, folder):
    """The same images in memory, or as files."""
    if where == "memory":
        return sources.DatasetSource(
            data.Dataset(images(n, side), np.arange(n) % 2, ("a", "b"))
        )
    place = folder / f"files_{n}"
    for k, image in enumerate(images(100, 500)):
        for name in ("a", "b"):
            (place / name).mkdir(parents=True, exist_ok=True)
            for copy in range(k, n // 2, 100):
                keras.utils.save_img(place / name / f"{copy}.jpg", image)
    return sources.FolderSource(place, (side, side))


def seconds(model, images_, way, folder):
    """How long a job takes, begun anew."""
    _, workers, threads, options = way
    job = shards.begin_job(model, images_, tempfile.mkdtemp(dir=folder), shard_size=100)
    start = time.perf_counter()
    processes.compute_in_processes(job, job.missing(), workers, options, threads)
    return time.perf_counter() - start


def in_one_go(model, side, n):
    """Images a second of `features.extract`, in this process."""
    pixels = images(n, side)
    features.extract(model, pixels)
    start = time.perf_counter()
    features.extract(model, pixels)
    return n / (time.perf_counter() - start)


def measure(case, times, folder):
    """Prints a table for one case."""
    what, side, where, few, many = case
    model = network(side)
    two = [source(where, n, side, folder) for n in (few, many)]
    print(f"\n{what}: {few} and {many} images")
    print(f"  {'features.extract, here':30}{in_one_go(model, side, few):8.0f} images/s")
    rates = {way[0]: [] for way in WAYS}
    for _ in range(times):
        for way in WAYS:
            short, long = (seconds(model, each, way, folder) for each in two)
            rate = (many - few) / (long - short)
            rates[way[0]].append((rate, short - few / rate))
    medians = {}
    for name, found in rates.items():
        rate, start = (statistics.median(each) for each in zip(*found, strict=True))
        medians[name] = rate
        print(f"  {name:30}{rate:8.0f} images/s, {start:5.1f} s to start")
    one, plain, thread, two = medians.values()
    print(f"  Beam to none, 1 process:   {one / plain:.2f}")
    print(f"  2 processes to 1 process:  {two / one:.2f}")
    print(f"  2 processes to 1 thread:   {two / thread:.2f}", flush=True)


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="once, 224 px in memory")
    options = parser.parse_args()
    tlcourse.start()
    print(f"{CORES} cores")
    cases = CASES[1:2] if options.quick else CASES
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            measure(case, 1 if options.quick else 3, pathlib.Path(folder))


if __name__ == "__main__":
    main()
