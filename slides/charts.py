"""The deck's figures that come from tables: published ones, and those in data/."""


import canvas
import numpy as np

from tlcourse import bases, plots
from tlcourse.bases import catalogue
from tlcourse.training import shipped_gains, shipped_grid
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
    """Lesson 09's grids: what trains against labels per class, near and far."""
    pair = canvas.axes(12, 4.4, ncols=2)
    for ax, task in zip(pair, ("near", "far"), strict=True):
        names, counts, table = shipped_grid(task)
        chosen = shipped_gains(task)[0]
        plots.grid(table, names, counts, task, ax=ax, chosen=chosen)
        shown = ax.images[0]
        colours = shown.cmap(shown.norm(shown.get_array()))[..., :3]
        for text in ax.texts:
            column, row = map(round, text.get_position())
            text.set_color(_ink_on(colours[row, column]))
    pair[1].set_ylabel("")
    return pair[0]


def gains():
    """What the depth chosen on the validation set gave: each draw, near and far."""
    pair = canvas.axes(12, 4.6, ncols=2, sharey=True)
    for ax, task in zip(pair, ("near", "far"), strict=True):
        counts, gained = shipped_grid(task)[1], 100 * shipped_gains(task)[1]
        for place, points in enumerate(gained):
            ax.plot([place] * len(points), points, "o", color=plots.BLUE, alpha=0.6)
        ax.axhline(0, color="black", linewidth=1)
        ax.set(title=task, xlabel="labels per class", xlim=(-0.5, len(counts) - 0.5))
        ax.set_xticks(range(len(counts)), counts)
        ax.spines[["top", "right"]].set_visible(False)
    pair[0].set_ylabel("points over the head")
    return pair[0]


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
    ax.set_ylabel("accuracy lost on B")
    ax.legend(loc="upper left")
    return ax


def near_and_far():
    """Copies of a near task, and of a far one."""
    return pictures.near_and_far(results.shipped(), ax=canvas.axes(11.5, 5.0))
