"""The deck's figures that come from tables: published ones, and those in data/."""

import csv

import canvas
import numpy as np

from tlcourse import bases, plots
from tlcourse._util import assets
from tlcourse.bases import catalogue
from tlcourse.training import fine_tuning, shipped_gains, shipped_grid
from tlcourse.yosinski import figures as pictures
from tlcourse.yosinski import results


def networks():
    """The catalogue: accuracy against parameters."""
    ax = plots.catalogue(bases.CATALOGUE.values(), canvas.axes(12, 5.4))
    ax.set_title("")
    for text in ax.texts:
        if text.get_text() not in SHOWN:
            text.remove()
        else:
            text.set_position(SHOWN[text.get_text()])
    return ax


SHOWN = {  # at the size of the deck's type, not all names have room
    "VGG16": (-30, 12),
    "ResNet50": (10, -18),
    "MobileNetV2": (-12, 12),
    "MobileNet": (12, -8),
    "InceptionV3": (10, -18),
    "EfficientNetB0": (10, -7),
    "EfficientNetB3": (-160, 6),
    "ConvNeXtTiny": (8, 4),
}


def stage_counts():
    """Two dicts, stage to parameters: VGG16 and ResNet50, each with its top."""
    stages = catalogue.shipped_stages()
    vgg = {stage.name: stage.parameters for stage in stages["VGG16"]}
    side, channels = stages["VGG16"][-1].size, 512
    vgg["dense 1"] = side * side * channels * 4096 + 4096
    vgg["dense 2"] = 4096 * 4096 + 4096
    vgg["dense 3"] = 4096 * 1000 + 1000
    resnet = {stage.name: stage.parameters for stage in stages["ResNet50"]}
    return vgg, resnet | {"top": 2048 * 1000 + 1000}


def where_parameters_are():
    """VGG16 and ResNet50, stage by stage."""
    both = canvas.axes(12, 5.2, ncols=2)
    tops, names = (3, 1), ("VGG16", "ResNet50")
    for ax, counts, top, name in zip(both, stage_counts(), tops, names, strict=True):
        millions = {stage: count / 1e6 for stage, count in counts.items()}
        colours = [plots.BLUE] * (len(counts) - top) + [plots.ORANGE] * top
        plots.bars(millions, name, "parameters, millions", colours=colours, ax=ax)
    return both[0]


def wrappers():
    """Flatten and pooling on ResNet50, five classes."""
    sizes = {"Flatten": 7 * 7 * 2048 * 5 + 5, "pooling": 2048 * 5 + 5}
    ax = plots.bars(sizes, "", "parameters of the wrapper", ax=canvas.axes(6.6, 3.6))
    ax.set_xticks((0, 250_000, 500_000), ("0", "250,000", "500,000"))
    return ax


def _ink_on(colour):
    """Black or white, whichever stands out more (WCAG 2, contrast ratio)."""
    linear = np.where(
        colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4
    )
    light = linear @ (0.2126, 0.7152, 0.0722)
    return "black" if (light + 0.05) ** 2 > 1.05 * 0.05 else "white"


def grid():
    """Lesson 09's grid: what trains against labels per class."""
    names, counts, table = shipped_grid()
    ax = plots.grid(table, names, counts, ax=canvas.axes(11.5, 5.2))
    shown = ax.images[0]
    colours = shown.cmap(shown.norm(shown.get_array()))[..., :3]
    for text in ax.texts:
        column, row = map(round, text.get_position())
        text.set_color(_ink_on(colours[row, column]))
    return ax


def gains_and_luck():
    """What the depth chosen on the validation set gave, and how much that varies."""
    counts = shipped_grid()[1]
    gained = 100 * shipped_gains()[1]
    pair = canvas.axes(12, 4.6, ncols=2, sharex=True)
    unit = "points of accuracy"
    names = [f"{count} label{'s' * (count > 1)}" for count in counts]
    for ax, values, colour, title in (
        (pair[0], gained.mean(axis=1), plots.BLUE, "gain of the chosen depth"),
        (pair[1], gained.std(axis=1, ddof=1), plots.ORANGE, "its spread between draws"),
    ):
        rows = {n: round(float(v), 2) for n, v in zip(names, values, strict=True)}
        plots.bars(rows, title, unit, colours=colour, ax=ax)
    pair[0].set_xlim(-1.2, 2.4)
    return pair[0]


def by_learning_rate():
    """Counts, and what each learning rate gained over the head if all stages train."""
    with open(assets.shipped("grid.csv"), newline="") as file:
        every = list(csv.DictReader(file))
    rows = [r for r in every if (r["task"], r["first"]) == ("near", "stage 1")]
    counts = sorted({int(row["labels_per_class"]) for row in rows})
    found = {}
    for row in rows:
        key = float(row["rate"]), int(row["labels_per_class"])
        found.setdefault(key, []).append(100 * float(row["test"]))
    frozen = fine_tuning.FROZEN
    rates = sorted({rate for rate, _ in found} - {frozen})
    mean = {key: np.mean(values) for key, values in found.items()}
    gains = {r: [mean[r, c] - mean[frozen, c] for c in counts] for r in rates}
    return counts, gains


def two_rates():
    """All stages train: gain over the frozen head at two learning rates."""
    counts, gains = by_learning_rate()
    ax, places = canvas.axes(11.5, 4.8), np.arange(len(counts))
    styles = ((-0.2, plots.BLUE, ""), (0.2, plots.RED, "//"))
    for (rate, values), (shift, colour, hatch) in zip(
        gains.items(), styles, strict=True
    ):
        style = {"color": colour, "hatch": hatch, "edgecolor": "white"}
        ax.bar(places + shift, values, 0.4, label=f"learning rate {rate:g}", **style)
    ax.axhline(0, color="black", linewidth=1)
    ax.set_xticks(places, counts)
    ax.set(xlabel="labels per class", ylabel="points over the head")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend()
    return ax


def transfer():
    """Yosinski's experiment: all treatments."""
    ax = pictures.transfer_curves(results.shipped()["near"], ax=canvas.axes(12, 5.2))
    return _legend(ax)


def _legend(ax):
    """Short names: the slide says what they mean."""
    handles, labels = ax.get_legend_handles_labels()
    short = [label.split(":")[0] for label in labels]
    ax.legend(handles, short, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def two_reasons():
    """What frozen copies lose, and why."""
    ax = pictures.losses(results.shipped()["near"], ax=canvas.axes(11.5, 5.0))
    ax.legend(loc="upper left")
    return ax


def near_and_far():
    """Copies of a near task, and of a far one."""
    return pictures.near_and_far(results.shipped(), ax=canvas.axes(11.5, 5.0))
