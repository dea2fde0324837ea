"""The shipped results of Yosinski's experiment, and one point of them in words."""

import csv
import dataclasses

import numpy as np

from tlcourse._util import assets
from tlcourse.yosinski.experiment import CUTS, LAYERS, TREATMENTS

SOURCES = {
    "A": "copied from the network that learnt A",
    "B": "copied from the network that learnt B",
    "random": "random",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Curves:
    """Accuracies on B, in unseen fonts, 0..1.

    Args:
        base: float `(seeds,)`, the network trained on B from the start.
        tables: dict, treatment to float `(seeds, 7)`, a column for each cut. Not
            every treatment need be there.
    """

    base: np.ndarray
    tables: dict

    def against_base(self, treatment):
        """float `(seeds, 7)`: what is gained or lost against the base of each seed."""
        return self.tables[treatment] - self.base[:, None]

    @property
    def co_adaptation(self):
        """float `(seeds, 7)`: lost by freezing, though the task is the same."""
        return -self.against_base("BnB")

    @property
    def specificity(self):
        """float `(seeds, 7)`: lost besides, because the layers learnt another task."""
        return self.tables["BnB"] - self.tables["AnB"]


def read_curves(path):
    """Reads the CSV of `data.making.transferability`: dict, split to `Curves`."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        split: _curves([row for row in rows if row["split"] == split])
        for split in dict.fromkeys(row["split"] for row in rows)
    }


def _curves(rows):
    found = {
        (row["treatment"], int(row["seed"]), int(row["cut"])): float(row["accuracy"])
        for row in rows
    }
    seeds = sorted({seed for _, seed, _ in found})
    tables = {
        name: np.array([[found[name, seed, cut] for cut in CUTS] for seed in seeds])
        for name in TREATMENTS
        if (name, seeds[0], CUTS[0]) in found
    }
    return Curves(np.array([found["base", seed, 0] for seed in seeds]), tables)


def shipped():
    """Reads the shipped results: every cut, treatment, division and seed.

    Returns:
        dict, `"near"` and `"far"` to `Curves`.
    """
    return read_curves(assets.shipped("transferability.csv"))


def shipped_bases():
    """Reads the two networks of seed 0, characters divided at random.

    Returns:
        dict, `"A"` and `"B"` to lists of weights, for `Experiment("near", 0)`.
    """
    return read_bases(assets.shipped("transferability_bases.npz"))


def read_bases(path):
    """Reads a pair of networks: dict of `"A"` and `"B"` to lists of weights."""
    with np.load(path, allow_pickle=False) as file:
        names = sorted(file)
        return {
            half: [file[name] for name in names if name[0] == half] for half in "AB"
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Point:
    """One point of the figure: which one is looked at, and what it says."""

    curves: dict  # split to `Curves`
    split: str = "near"
    source: str = "A"
    frozen: bool = True  # random layers always are
    cut: int = 4
    seed: int | None = None  # None: the mean of all

    def __post_init__(self):
        self._check("split", tuple(self.curves))
        self._check("source", tuple(SOURCES))
        self._check("frozen", (True, False))
        self._check("cut", CUTS)
        self._check("seed", (None, *range(len(self.split_curves.base))))
        if self.source == "random":
            object.__setattr__(self, "frozen", True)

    def _check(self, name, allowed):
        value = getattr(self, name)
        if value not in allowed:
            raise ValueError(
                f"Expected `{name}` to be one of {allowed}. Received: {value!r}"
            )

    def with_(self, **choices):
        """The `Point` that differs in these choices."""
        return dataclasses.replace(self, **choices)

    @property
    def split_curves(self):
        """The `Curves` of its split."""
        return self.curves[self.split]

    @property
    def treatment(self):
        """Its name in `TREATMENTS`."""
        wanted = self.source, self.frozen
        return next(n for n, t in TREATMENTS.items() if (t.source, t.frozen) == wanted)

    @property
    def measured(self):
        """Whether there are results for it: not all halves had all treatments."""
        return self.treatment in self.split_curves.tables

    @property
    def name(self):
        """Its treatment with n filled in, as in the paper, such as `"A4B"`."""
        if self.source == "random":
            return f"random {self.cut}"
        return self.treatment.replace("n", str(self.cut))

    @property
    def accuracies(self):
        """float `(k,)`: of all seeds, or of the chosen one."""
        return self._chosen(self.split_curves.tables[self.treatment][:, self.cut - 1])

    @property
    def differences(self):
        """float `(k,)`: against the base of the same seed."""
        differences = self.split_curves.against_base(self.treatment)
        return self._chosen(differences[:, self.cut - 1])

    def _chosen(self, values):
        return values if self.seed is None else values[[self.seed]]

    @property
    def sentences(self):
        """list of strings: what was done, what came of it, and against what."""
        if not self.measured:
            missing = "Not measured: these halves were run with frozen copies."
            return [self._what, missing]
        right, against = self.accuracies, self.differences
        which = "one seed"
        if right.size > 1:
            spread = f"from {right.min():.3f} to {right.max():.3f}"
            which = f"mean of {right.size} seeds, {spread}"
        sign = "more" if against.mean() >= 0 else "less"
        return [
            self._what,
            f"Right in unseen fonts: {right.mean():.3f} ({which}).",
            f"That is {abs(against.mean()):.3f} {sign} than the network that learnt B "
            "from the start.",
        ]

    @property
    def _what(self):
        first, last = LAYERS[0], LAYERS[self.cut - 1]
        span = f"{first} to {last}" if self.cut > 1 else first
        how = "frozen" if self.frozen else "fine-tuned with the rest"
        return f"{self.name}: {span} {SOURCES[self.source]}, and {how}."

    @property
    def alt(self):
        """The point and its curve in words."""
        if not self.measured:
            return " ".join(self.sentences)
        mean = self.split_curves.tables[self.treatment].mean(axis=0)
        curve = ", ".join(f"{n}: {v:.3f}" for n, v in zip(CUTS, mean, strict=True))
        return f"{' '.join(self.sentences)} Mean accuracy at each cut, {curve}."

    def __str__(self):
        return f"Yosinski's experiment, {self.split} halves. {self.alt}"
