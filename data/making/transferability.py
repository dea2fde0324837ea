"""The whole of lesson 11's experiment: every cut, treatment, division and seed.

    python -m data.making.transferability --out data --work build/transferability

An hour or two on two CPU cores with TensorFlow, on any backend and device.
Interrupted at any moment, the same command goes on with the next training, and the
table is the same as if nothing had happened: each training has seeds of its own.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import time

import keras
import numpy as np

from data.making.base import write_json
from data.making.controls import finished, write
from tlcourse.yosinski.experiment import CUTS, TREATMENTS, Experiment, Settings, Trainer
from tlcourse.yosinski.results import read_bases

SEEDS = (0, 1, 2, 3, 4)
SPLITS = ("near", "far")
FIELDS = ("split", "seed", "treatment", "cut", "accuracy")


def plan(splits=SPLITS, seeds=SEEDS, cuts=CUTS):
    """Every training of the experiment, in order: split, seed, treatment, cut.

    Near halves get every treatment; far ones those that are frozen, as in the paper's
    figure 3.
    """
    for split in splits:
        for seed in seeds:
            yield split, seed, "base", 0
            for name, treatment in TREATMENTS.items():
                if split == "near" or treatment.frozen:
                    yield from ((split, seed, name, cut) for cut in cuts)


def kept_bases(experiment, work):
    """Trains the bases A and B of an experiment, or reads them."""
    path = work / f"{experiment.split}_{experiment.seed}.npz"
    if not path.exists():
        arrays = {
            f"{half}{place:02d}": array
            for half in "AB"
            for place, array in enumerate(experiment.base(half))
        }
        temporary = path.with_suffix(".tmp")
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)
    return read_bases(path)


def check_settings(work, settings):
    """Refuses to mix the rows of two different experiments."""
    path, wanted = work / "settings.json", vars(settings)
    if not path.exists():
        write_json(path, wanted)
    found = json.loads(path.read_text())
    if found != wanted:
        raise ValueError(
            f"Expected the settings with which {work} was begun, {found}. Received: "
            f"{wanted}. Take another folder with `--work`."
        )


def environment(settings):
    """dict: what the figures were made with."""
    return {
        "settings": vars(settings),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }


def run(work, jobs, settings):
    """Trains what is not in the table yet.

    Args:
        work: `pathlib.Path` of a folder; the table and the bases are kept there.
        jobs: Iterable of (split, seed, treatment, cut), in any order.
        settings: `Settings`.

    Returns:
        list of dict, the rows of these jobs, in the order of `plan`.
    """
    work.mkdir(parents=True, exist_ok=True)
    check_settings(work, settings)
    path, trainer, experiment = work / "transferability.csv", Trainer(settings), None
    done, jobs = {job_of(row): row for row in finished(path)}, list(jobs)
    left = [job for job in jobs if job not in done]
    for place, (split, seed, treatment, cut) in enumerate(left, start=1):
        if experiment is None or (experiment.split, experiment.seed) != (split, seed):
            experiment = Experiment(split, seed, settings, trainer)
            experiment.bases |= kept_bases(experiment, work)
        started, accuracy = time.time(), experiment.accuracy(treatment, cut)
        values = split, seed, treatment, cut, f"{accuracy:.4f}"
        done[values[:4]] = dict(zip(FIELDS, values, strict=True))
        write(path, in_order(done), FIELDS)
        took = f"{place} of {len(left)}, {time.time() - started:.0f} s"
        print(took, *values, flush=True)
    return in_order({job: done[job] for job in jobs})


def job_of(row):
    """(split, seed, treatment, cut) of a row that was read."""
    return row["split"], int(row["seed"]), row["treatment"], int(row["cut"])


def in_order(done):
    """The rows as `plan` has them, whatever was trained first."""
    names = ["base", *TREATMENTS]

    def place(job):
        split, seed, treatment, cut = job
        return SPLITS.index(split), seed, names.index(treatment), cut

    return [done[job] for job in sorted(done, key=place)]


def main(out, work, settings=None):
    settings = settings or Settings()
    rows = run(work, plan(), settings)
    write(out / "transferability.csv", rows, FIELDS)
    write_json(out / "transferability.json", environment(settings))
    with contextlib.closing(np.load(work / "near_0.npz")) as bases:
        temporary = out / "tmp_transferability_bases.npz"
        np.savez_compressed(temporary, **bases)
    os.replace(temporary, out / "transferability_bases.npz")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="build/transferability")
    arguments = parser.parse_args()
    main(arguments.out, arguments.work)
