"""Which part of an image a unit sees, and which parts excite it most."""

import keras
import numpy as np

from tlcourse.models import nesting
from tlcourse.models.graph import list_calls


def receptive_fields(base):
    """How many pixels, on a side, a unit of each layer of a base can see, by its name.

    Infinite behind a layer that looks at all places at once.

    Source: Araujo et al. 2019, Computing receptive fields of convolutional neural
        networks, Distill.
    """
    nesting.check_model(base)
    seen, fields = [], {}
    for call in list_calls(base):
        before = [seen[i] for i in call.sources] or [(1, 1)]
        seen.append(max(before))
        for layer in nesting.layers_inside(call.layer):  # a wrapper's, too
            seen[-1] = _through(layer, seen[-1])
        fields[call.layer.name] = seen[-1][0]
    return fields


def _through(layer, before):
    """Pixels seen, and pixels from one position to the next, behind a layer."""
    size, step = before
    if "Global" in type(layer).__name__ or isinstance(layer, keras.layers.Dense):
        return np.inf, step
    kernel = max(getattr(layer, "kernel_size", getattr(layer, "pool_size", (1,))))
    dilation = max(getattr(layer, "dilation_rate", None) or (1,))
    stride = max(getattr(layer, "strides", None) or (1,))
    return size + (kernel - 1) * dilation * step, step * stride


def strongest(base, preprocess, images, layer, units, n=8):
    """The patches of the images that excite some units of a layer most.

    At most one patch from each image. A patch is what the unit sees; where that is
    more than the image, the whole image.

    Args:
        base: Built functional `keras.Model` from images to feature maps.
        preprocess: `keras.Layer`, from raw pixels to what the base wants.
        images: uint8 `(m, height, width, 3)`, 0..255.
        layer: String, a layer of the base that puts out maps.
        units: Sequence of integers, channels of the layer.
        n: Integer, patches for each unit, at most m.

    Returns:
        dict, unit to uint8 `(n, h, w, 3)`, the most exciting first.

    Source: Zeiler and Fergus 2013, arXiv 1311.2901, figure 2 (the patches).
    """
    maps = _maps(base, preprocess, images, layer, units)
    side = min(receptive_fields(base)[layer], *images.shape[1:3])
    flat = maps.reshape(len(images), -1, len(units))
    best, where = flat.max(axis=1), flat.argmax(axis=1)
    found = {}
    for place, unit in enumerate(units):
        chosen = np.argsort(-best[:, place], kind="stable")[:n]
        spots = np.unravel_index(where[chosen, place], maps.shape[1:3])
        cut = [
            _patch(images[i], maps, *spot, side)
            for i, *spot in zip(chosen, *spots, strict=True)
        ]
        found[unit] = np.stack(cut)
    return found


def _maps(base, preprocess, images, layer, units):
    nesting.check_single(base)
    shape = base.get_layer(layer).output  # an unknown layer: Keras says so
    shape = getattr(shape, "shape", ())
    if len(shape) != 4 or not all(unit in range(shape[-1]) for unit in units):
        raise ValueError(
            "Expected a layer with maps, and units among its channels. Received: "
            f"{layer!r} with output {shape}, units {list(units)}"
        )
    network = keras.Model(base.inputs[0], base.get_layer(layer).output)
    parts = []
    for start in range(0, len(images), 64):
        pixels = preprocess(images[start : start + 64].astype("float32"))
        maps = keras.ops.convert_to_numpy(network(pixels, training=False))
        parts.append(maps[..., list(units)])
    return np.concatenate(parts)


def _patch(image, maps, row, column, side):
    """The square of an image around a place of the maps, moved inside the image."""
    pixels = np.array(image.shape[:2])
    middle = (np.array([row, column]) + 0.5) * pixels / maps.shape[1:3]
    top, left = np.clip(np.round(middle - side / 2), 0, pixels - side).astype(int)
    return image[top : top + side, left : left + side]
