"""Networks of keras.applications: built, with their weights and preprocessing."""

import inspect
import numbers
import operator
import os
import re

import keras
import numpy as np

from tlcourse._util import assets
from tlcourse.bases.table import find

# Widths that have ImageNet weights, and sides that have weights of their own.
WIDTHS = {
    "MobileNet": {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"},
    "MobileNetV2": {width: str(width) for width in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
    "MobileNetV3Small": {0.75: "0.75", 1.0: "1.0"},
    "MobileNetV3Large": {0.75: "0.75", 1.0: "1.0"},
}
SIDES = {
    "MobileNet": (128, 160, 192, 224),
    "MobileNetV2": (96, 128, 160, 192, 224),
}

# `heads.wrap` puts a top on; the rest has parameters of its own in `build`.
NOT_OPTIONS = {"include_top", "classes", "classifier_activation"}
NOT_OPTIONS |= {"input_shape", "weights"}
WEIGHTS = "`weights` 'imagenet', None for random ones, or a file"
CAFFE_OFFSET = [-103.939, -116.779, -123.68]  # blue, green, red
TORCH_MEAN = np.array([0.485, 0.456, 0.406])
TORCH_SPREAD = np.array([0.229, 0.224, 0.225])


def build(name, /, input_shape=None, weights="imagenet", **options):
    """Builds a network of keras.applications without its top.

    Args:
        name: String, as in keras.applications.
        input_shape: `(height, width, 3)`, or None for the usual size.
        weights: `"imagenet"` (from Keras's cache, never a download), None for
            random ones, or a file.
        **options: For the Keras constructor, such as `alpha=0.35`.

    Returns:
        `keras.Model`, input as the network wants it (see `preprocessing`).

    Raises:
        OSError: At once, if Keras would not find the weights in its cache.
        ValueError: If there is no such network, input size, or width with weights.

    Source: https://keras.io/api/applications/
    """
    network = find(name)
    shape = _shape(network, input_shape)
    constructor = getattr(keras.applications, name)
    _check(constructor, weights, options)
    if weights == "imagenet":
        weights = _imagenet(network, shape, options)
    options = {"include_top": False, "weights": weights, **options}
    try:
        return constructor(input_shape=shape, **options)
    except (TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"Expected weights of {name} without its top, and the options they were "
            f"saved with. Received: {options}. Keras says: {error}"
        ) from error


def _shape(network, input_shape):
    usual, smallest = (network.side, network.side, 3), network.smallest
    shape = usual if input_shape is None else input_shape
    try:
        sides = tuple(map(operator.index, shape))
    except TypeError:
        sides = ()
    if sides[2:] == (3,) and min(sides[:2]) >= smallest:
        return sides
    given = [int(n) for n in re.findall(r"\d+", str(shape)) if int(n) > 4]
    height, width = (max(n, smallest) for n in (given * 2 or usual[:2])[-2:])
    raise ValueError(
        f"Expected `input_shape` (height, width, 3), integers of at least {smallest}x"
        f"{smallest} for {network.name}. Received: {shape!r}. Write `input_shape="
        f"({height}, {width}, 3)`, and give it images of that size in three channels."
    )


def _check(constructor, weights, options):
    """Refuses what Keras takes in silence, or with an error of Python's."""
    known = inspect.signature(constructor).parameters.keys() - NOT_OPTIONS
    unknown, pooling = sorted(options.keys() - known), options.get("pooling")
    alpha = options.get("alpha", 1)
    is_width = isinstance(alpha, numbers.Real) and alpha > 0
    is_file = isinstance(weights, str | os.PathLike) and os.path.isfile(weights)
    for expected, received, is_right in (
        (f"{', '.join(sorted(known))}; `heads.wrap` adds a top", unknown, not unknown),
        ("`pooling` None, 'avg' or 'max'", pooling, pooling in (None, "avg", "max")),
        ("`alpha` above 0, such as 0.5", alpha, is_width),
        (WEIGHTS, weights, is_file or weights is None or weights == "imagenet"),
    ):
        if not is_right:
            raise ValueError(f"Expected {expected}. Received: {received!r}")


def _imagenet(network, shape, options):
    """What Keras gets as `weights`: the cached file, so that it downloads none.

    With a file, EfficientNetB0 to B7 would lack a Rescaling layer. So Keras has to find
    theirs itself, and it looks elsewhere if it may not write to the cache.
    """
    path = cached_weights(weights_file(network.name, shape, **options))
    if not network.name.startswith("EfficientNetB"):
        return path
    home = path.parent.parent
    if not os.access(home, os.W_OK):
        raise PermissionError(
            f"Expected a cache that Keras may write to, for {network.name}. Received: "
            f"{home}, read only; Keras would not look there. Copy it, and set "
            "KERAS_HOME to the copy."
        )
    return "imagenet"


def weights_file(name, /, input_shape, alpha=1.0, minimalistic=False, **_):
    """The file name in Keras's cache that `weights="imagenet"` reads."""
    network, widths = find(name), WIDTHS.get(name, {1.0: "1.0"})
    widths = {1.0: "1.0"} if minimalistic else widths
    if alpha not in widths:
        known = ", ".join(str(width) for width in sorted(widths))
        raise ValueError(
            f"Expected `alpha` one of {known}, for which {name} has ImageNet "
            f"weights. Received: {alpha}. `weights=None` takes others."
        )
    usual = (network.side, network.side, 3)
    if name.startswith("NASNet") and tuple(input_shape) != usual:
        raise ValueError(
            f"Expected `input_shape` {usual}: which layers {name} has depends on the "
            "size of its input, so its ImageNet weights fit this one only. "
            f"Received: {input_shape}. `weights=None` takes others."
        )
    height, width = input_shape[:2]
    side = height if height == width and height in SIDES.get(name, ()) else 224
    kind = "_minimalistic" if minimalistic else ""
    return network.file.format(alpha=widths[alpha], side=side, kind=kind)


def cached_weights(file):
    """The path of a weights file in Keras's models folder, after a look into it."""
    path = assets.keras_weights_folder() / file
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected ImageNet weights `{file}` in {path.parent}. They are not there. "
            "Where there is a network, the same Keras call fetches them "
            "(`keras.applications`, `weights='imagenet'`); where they lie elsewhere, "
            "set KERAS_HOME; without them, `weights=None` builds with random weights."
        )
    if not assets.is_weights(path):
        raise ValueError(
            f"Expected ImageNet weights in {path}. Received: {path.stat().st_size:,} "
            "bytes that are none, or not all of them: a download may have been cut "
            "short. Remove the file and fetch it again."
        )
    return path


def preprocessing(name):
    """The layer that turns raw pixels into what a network was trained on.

    It takes `(batch, height, width, 3)` in 0..255. `name` is as in keras.applications.

    Source: `preprocess_input` of each network in keras.applications.
    """
    pixels = find(name).pixels
    if pixels == "-1..1":
        return keras.layers.Rescaling(1 / 127.5, offset=-1, name="to_minus_1_1")
    if pixels == "torch":
        scale, offset = 1 / (255 * TORCH_SPREAD), -TORCH_MEAN / TORCH_SPREAD
        return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="to_torch")
    if pixels == "caffe":
        raw = keras.Input((None, None, 3))
        shift = keras.layers.Rescaling(1.0, offset=CAFFE_OFFSET)
        return keras.Model(raw, shift(keras.ops.flip(raw, axis=-1)), name="to_caffe")
    return keras.layers.Rescaling(1.0, name="raw_pixels")
