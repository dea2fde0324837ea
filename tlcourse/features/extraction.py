"""Passes images through a frozen network once, batch by batch."""

import weakref

import keras
import numpy as np

from tlcourse._util import progress
from tlcourse.data.checking import check_count, check_images
from tlcourse.features import disk_cache
from tlcourse.features.network_settings import describe

BATCH = 256  # images, of small pictures
PIXELS = 32 * 224 * 224  # in a batch of larger ones: more is no faster
_TRACED = weakref.WeakKeyDictionary()  # by model: its settings when it was traced


def extract(model, images, batch_size=None, cache=False):
    """Computes a network's outputs for all images, in inference mode.

    Args:
        model: Functional or Sequential `keras.Model` that takes raw pixels, with one
            input and one output.
        images: uint8 `(n, height, width, 3)`, 0..255.
        batch_size: Integer, or None for one that suits the size of the images.
        cache: Boolean, whether to look on disk first, and to keep the result there.
            It is found again by layers, settings, weights and pixels. A network with
            code of its own (a custom layer, a Lambda) is computed every time, and a
            line says so: nobody can tell whether the code has changed.

    Returns:
        Float array `(n, ...)`, the model's outputs.

    Raises:
        ValueError: If the images are not raw pixels, or do not fit the model.
    """
    check_images(images)
    if batch_size is not None:
        check_count("batch_size", batch_size)
    check_fit(model, images.shape[1:])
    name, reason = disk_cache.find_key(model, images) if cache else (None, None)
    if reason:
        print(f"Not kept on disk: {reason}.")
    found = disk_cache.load(name) if name else None
    if found is None:
        found = compute(model, images, batch_size)
        if name:
            disk_cache.save(name, found)
    return found


def check_fit(model, shape):
    """Refuses a model with several inputs or outputs, or for other images."""
    found = [tuple(each.shape) for each in _ends(model, "inputs")]
    batch, shape = (None, *shape), tuple(shape)
    outputs = _ends(model, "outputs")
    if not outputs:
        raise ValueError(
            "Expected a Functional or Sequential model that has been built. Received: "
            f"{model!r:.60}, whose outputs are not known. "
            f"Make one: `inputs = keras.Input({shape})`, then `keras.Model(inputs, "
            "model(inputs))`."
        )
    if len(outputs) > 1 or len(found) > 1:
        raise ValueError(
            f"Expected a model with one input and one output. Received: inputs: "
            f"{len(found)}, outputs: {len(outputs)}. If it has one input, "
            "`keras.Model(model.inputs, model.outputs[0])` gives the first output."
        )
    fits = [a in (None, b) for a, b in zip(found[0], batch, strict=False)]
    if len(found[0]) != len(batch) or not all(fits):
        raise ValueError(
            f"Expected images that fit the model, whose input is {found[0]}; None "
            f"stands for any number. Received: images of {shape}, in batches of any "
            "size."
        )


def _ends(model, name):
    """The inputs or outputs of a model as a flat list, empty if they are not known."""
    try:
        return keras.tree.flatten(getattr(model, name, None) or [])
    except ValueError:  # of a Sequential that is not built
        return []


def compute(model, images, batch_size=None, **options):
    """Runs a network on images `(n, ...)` in equal batches; `options` go to the bar.

    On a CPU an image gives the same bits in any batch, unless it is alone in it.
    """
    n = len(images)
    if not n:
        return np.empty([k or 0 for k in model.outputs[0].shape], "float32")
    _trace_afresh(model)
    most = batch_size or good_batch(images.shape[1:])
    size, stored = -(-n // -(-n // most)), None
    with progress.bar(n, "features", leave=False, **options) as bar:
        for start in range(0, n, size):
            first = max(0, min(start, n - size))  # the last batch has all it can hold
            batch = keras.tree.map_structure(
                lambda _: images[first : first + size],  # noqa: B023
                getattr(model, "input", 0),  # a Sequential may have none
            )
            (found,) = keras.tree.flatten(model.predict_on_batch(batch))
            if stored is None:
                stored = np.empty((n, *found.shape[1:]), found.dtype)
            stored[first : first + size] = found
            bar.update(min(size, n - start))
    return stored


def _trace_afresh(model):
    """Has Keras, which keeps its first graph, trace again what may have changed."""
    settings, reason = describe(model)
    if reason or _TRACED.get(model) != settings:
        model.make_predict_function(force=True)
        _TRACED[model] = settings


def good_batch(shape):
    """Images `(height, width, channels)` in a batch that suits processor and memory."""
    return int(np.clip(PIXELS // (shape[0] * shape[1]), 1, BATCH))
