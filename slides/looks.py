"""The deck's figures that our networks make: they only look, nothing trains long.

A wrapper is a logistic regression on features here, as in lesson 07.
"""

import functools
import json

import canvas
import keras
import numpy as np

from tlcourse import plots, training
from tlcourse._util import assets
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads, receptive_fields
from tlcourse.plots import style
from tlcourse.yosinski import figures as pictures

COUNTS = (1, 5, 10, 20, 50)
KINDS = ("features", "random", "pixels")
BLOCKS = ("expanded_conv_depthwise", "block_3_expand", "block_6_expand", "out")
DEPTHS = ("early", "middle", "late", "last")


@functools.cache
def track():
    """The glyphs track, whatever else is on this disk."""
    return load_track("glyphs")


@functools.cache
def base():
    """The trained base."""
    return track().build_base()


@functools.cache
def vectors(part="train", kind="features"):
    """float32 `(n, d)`, one vector per image; `kind` as in `training.vectors`."""
    keras.utils.set_random_seed(0)
    return training.vectors(track(), getattr(track(), part), kind)


def digits():
    """Our task: handwritten digits on coloured paper."""
    few = track().train.few(2)
    return plots.tiles(few.images[:16], columns=8, ax=canvas.axes(10.6, 2.9))


def filters():
    """Two sets of first-layer filters: one is trained."""
    return pictures.filters(kernels(), ["A", "B"], ax=canvas.axes(11.8, 2.2))


def kernels():
    """list of the first kernels of a random and of the trained base."""
    # Another seed than the one that the trained base itself began with.
    keras.utils.set_random_seed(1)
    found = []
    for weights in ("random", "pretrained"):
        layers = track().build_base(weights).layers
        first = next(x for x in layers if isinstance(x, keras.layers.Conv2D))
        found.append(keras.ops.convert_to_numpy(first.kernel))
    return found


def alike():
    """list, for each kernel: how alike its three colours are, as in lesson 03."""
    colours = (kernel.transpose(2, 0, 1, 3).reshape(3, -1) for kernel in kernels())
    return [float(np.corrcoef(each)[np.triu_indices(3, 1)].mean()) for each in colours]


@functools.cache
def complete():
    """The base with its top still on, and the names of its classes."""
    return track().build_complete()


def answers():
    """What the complete network takes our digits for."""
    ours = track().train.few(4)
    first = np.unique(ours.labels, return_index=True)[1][:7]
    chances = complete()[0].predict(ours.images[first], verbose=0)
    options = {"icons": track().icons(), "ax": canvas.axes(10.6, 5.2)}
    return plots.top_answers(ours.images[first], chances, complete()[1], **options)


@functools.cache
def right_by_scale():
    """dict, scale of the input to the share of right answers, two digits."""
    own, (network, names) = track().own_pictures(300), complete()
    truth = [names.index(own.class_names[k]) for k in own.labels]
    raw = own.images.astype("float32")
    scales = {"-1 to 1, as trained": raw / 127.5 - 1, "0 to 1": raw / 255}
    right = {}
    for name, images in (scales | {"0 to 255": raw}).items():
        found = network.layers[-1].predict(images, verbose=0).argmax(axis=1)
        right[name] = round(float((found == truth).mean()), 2)
    return right


def scales():
    """Right answers, by the scale of the input."""
    ax = canvas.axes(11, 3)
    return plots.bars(right_by_scale(), "", "share of right answers", ax=ax)


def maps():
    """One image, and its feature maps at three depths."""
    ends = [stage.layers[-1].output for stage in freezing.stages(base())[:3]]
    image = track().train.images[:1]
    prepared = track().preprocess(image.astype("float32"))
    seen = keras.Model(base().input, ends)(prepared)
    row = canvas.axes(12, 4.2, ncols=4)
    plots.tiles(image, title="the image", ax=row[0])
    for ax, found, name in zip(row[1:], seen, ("1", "2", "3"), strict=True):
        found = keras.ops.convert_to_numpy(found)[0]
        side, _, channels = found.shape
        title = f"stage {name}: {side} x {side}\n{channels} maps"
        plots.feature_maps(found, 9, 3, title, ax=ax)
    return row[0]


def nearest(found, n=5):
    """For each row of `(m, d)`, the n others at the smallest angle: int `(m, n)`."""
    centred = found - found.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=1, kind="stable")[:, :n]


def _by(kind):
    if kind == "pixels":  # all of them, as in lesson 04
        images = track().train.images
        return nearest(images.reshape(len(images), -1).astype("float32"))
    return nearest(vectors(kind=kind))


def same_class():
    """dict, kind of vector to the share whose nearest neighbour is of their class."""
    labels = track().train.labels
    return {k: float((labels[_by(k)[:, 0]] == labels).mean()) for k in KINDS}


def neighbours():
    """Five neighbours of four images: by features, and by pixels."""
    train = track().train
    queries = np.unique(train.labels, return_index=True)[1][:4]
    pair = canvas.axes(11.6, 5.5, ncols=2)
    for ax, kind in zip(pair, ("features", "pixels"), strict=True):
        rows = np.column_stack([queries, _by(kind)[queries]]).ravel()
        names = [train.class_names[k] for k in train.labels[rows]]
        plots.tiles(train.images[rows], names, 6, f"by {kind}", ax=ax)
    return pair[0]


def walk():
    """One image on its way: pixels, maps, vector."""
    image = track().train.few(2).images[:1]
    found = base()(track().preprocess(image.astype("float32")))
    found = keras.ops.convert_to_numpy(found)[0]
    row = canvas.axes(11.5, 3.6, ncols=3)
    plots.tiles(image, title=f"raw pixels\n{_shape(image[0])}", ax=row[0])
    title = f"25 of the maps\n{_shape(found)}"
    plots.feature_maps(found, 25, 5, title, ax=row[1])
    vector = found.mean(axis=(0, 1))
    title = f"vector, in rows\n{vector.size}"
    plots.tiles(vector.reshape(1, 32, -1), title=title, ax=row[2])
    return row[0]


def _shape(array):
    return " x ".join(map(str, array.shape))


def augmented():
    """One image, eight times augmented."""
    image = track().train.few(2).images[:1]
    batch = np.repeat(image, 8, axis=0).astype("float32")
    keras.utils.set_random_seed(0)
    varied = heads.augmentation()(batch, training=True)
    varied = keras.ops.convert_to_numpy(varied).round().astype("uint8")
    return plots.tiles(varied, ax=canvas.axes(11.6, 1.6))


@functools.cache
def label_tables():
    """dict, name to `(counts, 2)`: mean and spread, as the slider shows them."""
    shipped = json.loads(assets.shipped("label_curves.json").read_text("utf-8"))
    places = [shipped["counts"].index(count) for count in COUNTS]
    curves = shipped["tasks"]["near"]["curves"].items()
    return {name: np.array([rows[at] for at in places]) for name, rows in curves}


def labels():
    """Accuracy against labels per class, with three controls."""
    ax = canvas.axes(12, 5.2)
    ax.set_prop_cycle(style.CYCLE)
    for name, table in label_tables().items():
        ax.errorbar(COUNTS, *table.T, capsize=3, label=name)
    ax.set(xscale="log", ylim=(0, 1), ylabel="accuracy on held-out images")
    ax.set_xlabel("labels per class")
    ax.set_xticks(COUNTS, COUNTS)
    ax.minorticks_off()
    style.with_grid(ax).legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def exciting():
    """The patches that excite a unit most, at four depths."""
    own, rows = track().own_pictures(600), {}
    for block, depth in zip(BLOCKS, DEPTHS, strict=True):
        layer = f"{block}_relu"
        found = receptive_fields.strongest(
            base(), track().preprocess, own.images, layer, [1, 4]
        )
        for number, images in enumerate(found.values(), start=1):
            rows[f"{depth} {number}: {images.shape[1]} px"] = images
    return pictures.patches(rows, ax=canvas.axes(8.8, 5.3))
