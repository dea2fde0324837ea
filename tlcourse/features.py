"""Pass images through a frozen network once; cut a model where its frozen part ends."""

import keras
import numpy as np

from tlcourse import store
from tlcourse.cutting import split as split
from tlcourse.data import check_images

BATCH = 128  # images, of small pictures
PIXELS = 3_200_000  # in a batch of larger ones: more is no faster, and takes memory


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
    name = store.key(model, images)
    found = store.read(name)
    if found is None:
        found = compute(model, images, batch_size)
        store.write(name, found)
    return found


def compute(model, images, batch_size=None):
    """Runs a network batch by batch, without the bookkeeping of `predict`.

    Every batch has the same size, so that nothing is compiled twice: the last one is
    filled up with copies of its last image.

    Args:
        model: `keras.Model` with one output.
        images: Array `(n, ...)`.
        batch_size: Integer, or None.

    Returns:
        Array `(n, ...)`.
    """
    n, shape = len(images), tuple(model.output_shape[1:])
    if not n:
        return np.empty((0, *shape), "float32")
    batch = min(n, batch_size or good_batch(images.shape[1:]))
    result = None
    for start in range(0, n, batch):
        part = images[start : start + batch]
        lack = batch - len(part)
        if lack:
            part = np.concatenate([part, np.repeat(part[-1:], lack, axis=0)])
        out = keras.ops.convert_to_numpy(model.predict_on_batch(part))
        if result is None:
            result = np.empty((n, *out.shape[1:]), out.dtype)
        result[start : start + batch] = out[: batch - lack]
    return result


def good_batch(shape):
    """Images in a batch that keep the processor busy and fit in its memory.

    Args:
        shape: `(height, width, channels)` of an image.

    Returns:
        Integer, 1 to 128.
    """
    return int(np.clip(PIXELS // (shape[0] * shape[1]), 1, BATCH))
