"""Pass images through a frozen network once; cut a model where its frozen part ends."""

import numpy as np

from tlcourse.data import check_images
from tlcourse.features import disk_cache, forward

BATCH = 256  # images, of small pictures
PIXELS = 32 * 224 * 224  # in a batch of larger ones: more is no faster


def extract(model, images, batch_size=None, cache=False):
    """Computes a network's outputs for all images, in inference mode.

    Args:
        model: `keras.Model` that takes raw pixels, with one output.
        images: uint8 `(n, height, width, 3)`, 0..255.
        batch_size: Integer, or None for one that suits the size of the images.
        cache: Boolean, whether to look on disk first, and to keep the result there.
            It is found again by what it was made of: layers, weights, pixels.

    Returns:
        Float array `(n, ...)`, the model's outputs.

    Raises:
        ValueError: If the images are not raw pixels, or have another size.
    """
    check_images(images)
    if tuple(model.input_shape[1:]) != images.shape[1:]:
        raise ValueError(
            f"Expected images of {model.input_shape[1:]}, the model's input. "
            f"Received: {images.shape[1:]}"
        )
    if not cache:
        return compute(model, images, batch_size)
    name = disk_cache.key(model, images)
    found = disk_cache.read(name)
    if found is None:
        found = compute(model, images, batch_size)
        disk_cache.write(name, found)
    return found


def compute(model, images, batch_size=None):
    """Runs a network batch by batch, without the bookkeeping of `predict`.

    Every batch has the same size, so that nothing is compiled twice.

    Args:
        model: `keras.Model` with one output.
        images: Array `(n, ...)`.
        batch_size: Integer, or None.

    Returns:
        Array `(n, ...)`.
    """
    if not len(images):
        return np.empty((0, *model.output_shape[1:]), "float32")
    most = batch_size or good_batch(images.shape[1:])
    batches = -(-len(images) // most)
    batch = -(-len(images) // batches)  # even ones: nothing is filled up in vain
    return forward.compute(model, images, batch, whole=True)[0]


def good_batch(shape):
    """Images in a batch that keep the processor busy and fit in its memory.

    Args:
        shape: `(height, width, channels)` of an image.

    Returns:
        Integer, 1 to 256.
    """
    return int(np.clip(PIXELS // (shape[0] * shape[1]), 1, BATCH))
