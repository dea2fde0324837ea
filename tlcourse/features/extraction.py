"""Passes images through a frozen network once, batch by batch."""

import weakref

import numpy as np

from tlcourse._util import progress
from tlcourse.data import check_images
from tlcourse.features import disk_cache
from tlcourse.features.network_settings import describe

BATCH = 256  # images, of small pictures
PIXELS = 32 * 224 * 224  # in a batch of larger ones: more is no faster
_TRACED = weakref.WeakKeyDictionary()  # by model: its settings when it was traced


def extract(model, images, batch_size=None, cache=False):
    """Computes a network's outputs for all images, in inference mode.

    Args:
        model: `keras.Model` that takes raw pixels, with one output.
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
    """Refuses a model with several outputs, or for images of another shape."""
    wanted, n = tuple(model.input_shape[1:]), len(model.outputs)
    if n != 1 or wanted != tuple(shape):
        raise ValueError(
            f"Expected a model with one output, and images of {wanted}, its input. "
            f"Received: outputs: {n}; images of {shape}"
        )


def compute(model, images, batch_size=None, **options):
    """Runs a network on images `(n, ...)` in equal batches; `options` go to the bar.

    On a CPU an image gives the same bits in any batch, unless it is alone in it.
    """
    n = len(images)
    if not n:
        return np.empty((0, *model.output_shape[1:]), "float32")
    _trace_afresh(model)
    most = batch_size or good_batch(images.shape[1:])
    size, stored = -(-n // -(-n // most)), None
    with progress.bar(n, "features", leave=False, **options) as bar:
        for start in range(0, n, size):
            first = max(0, min(start, n - size))  # the last batch has all it can hold
            found = model.predict_on_batch(images[first : first + size])
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
