"""The shipped results of Yosinski's experiment, and one point of them in words."""

import csv
import dataclasses
import json

import numpy as np

from tlcourse._util import assets
from tlcourse.yosinski.experiment import CUTS, LAYERS, TREATMENTS, WHOLE, Settings

NAMES = {"rate": "learning_rate"}  # in transferability.json, and in `Settings`


@dataclasses.dataclass(frozen=True, eq=False)
class Curves:
    """Accuracies on B, in unseen fonts, 0..1, of `base` and `twice`: `(seeds,)`.

    `tables` has for treatments a float `(seeds, 7)`, a column for each cut; `losses`
    the loss on their own training images in the same shapes, where it was kept.
    """

    base: np.ndarray
    tables: dict
    twice: np.ndarray | None = None
    losses: dict = dataclasses.field(default_factory=dict)

    def against_base(self, treatment):
        """float `(seeds, 7)`: what is gained or lost against the base of each seed."""
        return self.tables[treatment] - self.base[:, None]

    @property
    def freezing_cost(self):
        """float `(seeds, 7)`: lost by frozen copies, though the task is the same.

        Freezing and too little training both cost; this does not separate them.
        """
        return -self.against_base("BnB")

    @property
    def specificity(self):
        """float `(seeds, 7)`: lost besides, because the layers learnt another task."""
        return self.tables["BnB"] - self.tables["AnB"]


def shipped():
    """Reads the shipped results: dict of `"near"` and `"far"` to `Curves`."""
    with open(assets.shipped("transferability.csv"), newline="") as file:
        return read_curves(csv.DictReader(file))


def read_curves(rows):
    """Sorts rows, dicts in the order of seeds and cuts, into `Curves` for each split.

    Tables without a column `loss` are read, too.
    """
    found = {}
    for row in rows:
        for column in {"accuracy", "loss"} & set(row):
            of_split = found.setdefault(row["split"], {"accuracy": {}, "loss": {}})
            values = of_split[column].setdefault(row["treatment"], [])
            values.append(float(row[column]))
    curves = {}
    for split, columns in found.items():
        tables, losses = (
            {name: _by_cut(name, values) for name, values in columns[key].items()}
            for key in ("accuracy", "loss")
        )
        base, twice = tables.pop("base"), tables.pop("twice", None)
        curves[split] = Curves(base, tables, twice, losses)
    return curves


def _by_cut(name, values):
    return np.reshape(values, (-1,) if name in WHOLE else (-1, len(CUTS)))


def shipped_settings():
    """Reads the `Settings` with which the shipped results were made."""
    made = json.loads(assets.shipped("transferability.json").read_text())
    return read_settings(made["settings"])


def read_settings(made):
    """`Settings` from a dict of the names that they have in the shipped file."""
    return Settings(**{NAMES.get(name, name): value for name, value in made.items()})


def shipped_bases():
    """Reads the weights of A and B, a dict for the `Experiment` near, 0, as shipped."""
    return read_bases(assets.shipped("transferability_bases.npz"))


def read_bases(path):
    """Reads a pair of networks: dict of `"A"` and `"B"` to lists of weights."""
    with np.load(path, allow_pickle=False) as file:
        keys = sorted(file)
        return {half: [file[key] for key in keys if key[0] == half] for half in "AB"}


@dataclasses.dataclass(frozen=True, eq=False)
class Point:
    """One point of the figure: which one is looked at, and what it says."""

    curves: dict  # split to `Curves`
    split: str = "near"
    treatment: str = "AnB"
    cut: int = 4
    seed: int | None = None  # None: the mean of all

    @property
    def split_curves(self):
        """The `Curves` of its split."""
        return self.curves[self.split]

    @property
    def measured(self):
        """Whether there are results for it: not all halves had all treatments."""
        return self.treatment in self.split_curves.tables

    @property
    def name(self):
        """Its treatment with n filled in, as in the paper, such as `"A4B"`."""
        if self.treatment == "random":
            return f"random {self.cut}"
        return self.treatment.replace("n", str(self.cut))

    @property
    def accuracies(self):
        """float `(k,)`: of all seeds, or of the chosen one."""
        return self._chosen(self.split_curves.tables[self.treatment])

    def _chosen(self, table):
        at_cut = table[:, self.cut - 1]
        return at_cut if self.seed is None else at_cut[[self.seed]]

    @property
    def sentences(self):
        """list of strings: what was done, what came of it, and against what."""
        source, frozen = TREATMENTS[self.treatment]
        span = LAYERS[0] + (f" to {LAYERS[self.cut - 1]}" if self.cut > 1 else "")
        copied = f"copied from the network that learnt {source}"
        origin = source if source == "random" else copied
        how = "frozen" if frozen else "fine-tuned with the rest"
        done = f"{self.name}: {span} {origin}, and {how}."
        if not self.measured:
            return [done, "Not measured: these halves were run with frozen copies."]
        right, which = self.accuracies, "one seed"
        if right.size > 1:
            spread = f"from {right.min():.3f} to {right.max():.3f}"
            which = f"mean of {right.size} divisions, {spread}"
        against = self._chosen(self.split_curves.against_base(self.treatment)).mean()
        return [
            done,
            f"Right in unseen fonts: {right.mean():.3f} ({which}).",
            f"That is {abs(against):.3f} {'more' if against >= 0 else 'less'} than the "
            "network that learnt B from scratch.",
        ]

    def __str__(self):
        said = f"Yosinski's experiment, {self.split} halves. {' '.join(self.sentences)}"
        if not self.measured:
            return said
        mean = self.split_curves.tables[self.treatment].mean(axis=0)
        curve = ", ".join(f"{n}: {v:.3f}" for n, v in zip(CUTS, mean, strict=True))
        return f"{said} Mean accuracy at each cut, {curve}."
