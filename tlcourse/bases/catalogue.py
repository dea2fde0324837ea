"""Stages of the networks in the catalogue, from data/catalogue.csv, to compare."""

import csv
import dataclasses
from typing import NamedTuple

from tlcourse import bases
from tlcourse._util import assets

FIELDS = ("network", "stage", "size", "layers", "parameters")
PIXELS = {
    "-1..1": "from -1 to 1",
    "caffe": "blue first, less the mean of ImageNet",
    "torch": "less the mean of ImageNet, over its spread",
    "inside": "from 0 to 255; the network scales them itself",
}


class StageFigures(NamedTuple):
    """Figures of a stage of a base at its usual input, as `freezing.stages` cuts it."""

    name: str
    size: int  # of its output, height and width in pixels
    layers: int
    parameters: int


def shipped_stages():
    """Reads the figures: dict, a network's name to a tuple of `StageFigures`."""
    found = {}
    with open(assets.shipped("catalogue.csv"), newline="") as file:
        for network, name, *figures in list(csv.reader(file))[1:]:
            stage = StageFigures(name, *map(int, figures))
            found[network] = (*found.get(network, ()), stage)
    return found


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One network of the catalogue, or two side by side, by their names.

    `stages` is from `shipped_stages`; names that it lacks are refused.
    """

    stages: dict = dataclasses.field(repr=False)
    first: str = "ResNet50"
    second: str | None = None

    def __post_init__(self):
        for name in self.names:
            bases.find(name, self.stages)

    @property
    def names(self):
        """The names, each once."""
        both = (self.first, self.second)
        return both[:1] if self.second in (None, self.first) else both

    def parameters(self, name):
        """Counts the numbers in a network without its top."""
        return sum(stage.parameters for stage in self.stages[name])

    @property
    def facts(self):
        """dict, what is told to a list of strings, one per network."""
        columns = [self._facts_of(bases.find(name)) for name in self.names]
        return {told: [column[told] for column in columns] for told in columns[0]}

    def _facts_of(self, network):
        stages = self.stages[network.name]
        return {
            "year of the paper": str(network.year),
            "ImageNet top-1 accuracy, published": f"{network.top1:.1f} %",
            "parameters with the top, published": f"{network.millions:.1f} million",
            "parameters without the top": f"{self.parameters(network.name):,}",
            "layers without the top": f"{sum(stage.layers for stage in stages):,}",
            "usual input": f"{network.side} x {network.side} pixels",
            "smallest input": f"{network.smallest} x {network.smallest} pixels",
            "wants pixels": PIXELS[network.pixels],
            "sides of the maps, stage by stage": ", ".join(str(s.size) for s in stages),
        }

    @property
    def alt(self):
        """What the bars show, in words."""
        told = []
        for name in self.names:
            stages = [
                f"{stage.name}, maps {stage.size} x {stage.size}: {stage.parameters:,}"
                for stage in self.stages[name]
            ]
            told += [self._summary_of(name), "; ".join(stages) + "."]
        return " ".join(told)

    @property
    def summary(self):
        """The largest stage of each network, in words."""
        return " ".join(map(self._summary_of, self.names))

    def _summary_of(self, name):
        largest = max(self.stages[name], key=lambda stage: stage.parameters)
        share = largest.parameters / self.parameters(name)
        return (
            f"{name}: {self.parameters(name):,} parameters without the top, "
            f"{100 * share:.0f} % of them in {largest.name}."
        )

    def __str__(self):
        lines = [f"Parameters by stage. {self.alt}"]
        lines += [f"{told}: {' | '.join(row)}" for told, row in self.facts.items()]
        return "\n".join(lines)
