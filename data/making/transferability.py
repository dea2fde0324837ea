"""The whole of lesson 11's experiment: every cut, treatment, division and seed.

    python -m data.making.transferability --out data --work build/transferability

About two hours on two idle CPU cores with TensorFlow, on any backend and device.
Frozen layers run once for each training, not once an epoch. Interrupted at any moment,
the same command goes on with the next training, and the table is the same as if
nothing had happened: each training has seeds of its own.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform

import keras
import numpy as np

from data.making.tables import read_rows, write_json, write_rows
from tlcourse._util import atomic
from tlcourse._util.progress import bar
from tlcourse.yosinski.experiment import (
    CUTS,
    TREATMENTS,
    WHOLE,
    Experiment,
    Settings,
    Trainer,
)
from tlcourse.yosinski.results import read_bases

SEEDS = (0, 1, 2)
SPLITS = ("near", "far")
FIELDS = ("split", "seed", "treatment", "cut", "accuracy", "loss")


def plan(splits=SPLITS, seeds=SEEDS, cuts=CUTS):
    """Every training of the experiment, in order: split, seed, treatment, cut.

    Near halves get every treatment; far ones those that are frozen, as in the paper's
    figure 3. "twice" is the control of the fine-tuned ones.
    """
    for split in splits:
        for seed in seeds:
            yield split, seed, "base", 0
            if split == "near":
                yield split, seed, "twice", 0
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
        with atomic.write_file(path) as file:
            np.savez(file, **arrays)
    return read_bases(path)


def settings_as_json(settings):
    """dict of the settings, with the names that they have in the shipped file."""
    names = {"learning_rate": "rate"}
    return {names.get(name, name): value for name, value in vars(settings).items()}


def check_settings(work, settings):
    """Refuses to mix the rows of two different experiments."""
    path, wanted = work / "settings.json", settings_as_json(settings)
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
        "settings": settings_as_json(settings),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }


def train_missing(work, jobs, settings):
    """Trains the jobs that are not in the table in folder `work` yet.

    Jobs are (split, seed, treatment, cut), in any order; returns their rows as dicts,
    in the order of `plan`.
    """
    work.mkdir(parents=True, exist_ok=True)
    check_settings(work, settings)
    path, trainer, experiment = work / "transferability.csv", Trainer(settings), None
    done, jobs = {job_of(row): row for row in read_rows(path)}, list(jobs)
    left = [job for job in jobs if job not in done]
    with bar(len(left), "Experiment", "trainings", delay=0) as shown:
        for job in left:
            if experiment is None or (experiment.split, experiment.seed) != job[:2]:
                experiment = Experiment(*job[:2], settings, trainer)
                experiment.bases |= kept_bases(experiment, work)
            values = *job, *measure(experiment, *job[2:])
            done[job] = dict(zip(FIELDS, values, strict=True))
            write_rows(path, in_order(done), FIELDS)
            shown.set_postfix_str(" ".join(map(str, values)), refresh=False)
            shown.update()
    return in_order({job: done[job] for job in jobs})


def measure(experiment, treatment, cut):
    """Trains, and writes accuracy in unseen fonts and loss on the training images."""
    weights = experiment.train(treatment, cut)
    unseen, task = experiment.task("B", "unseen"), experiment.task("B")
    trainer = experiment.trainer
    accuracy, loss = trainer.accuracy(weights, unseen), trainer.loss(weights, task)
    return f"{accuracy:.4f}", f"{loss:.4f}"


def job_of(row):
    """(split, seed, treatment, cut) of a row that was read."""
    return row["split"], int(row["seed"]), row["treatment"], int(row["cut"])


def in_order(done):
    """The rows as `plan` has them, whatever was trained first."""
    names = [*WHOLE, *TREATMENTS]

    def place(job):
        split, seed, treatment, cut = job
        return SPLITS.index(split), seed, names.index(treatment), cut

    return [done[job] for job in sorted(done, key=place)]


def main(out, work, settings=None):
    settings = settings or Settings()
    rows = train_missing(work, plan(), settings)
    write_rows(out / "transferability.csv", rows, FIELDS)
    write_json(out / "transferability.json", environment(settings))
    with contextlib.closing(np.load(work / "near_0.npz")) as bases:
        with atomic.write_file(out / "transferability_bases.npz") as file:
            np.savez_compressed(file, **bases)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="build/transferability")
    arguments = parser.parse_args()
    main(arguments.out, arguments.work)
