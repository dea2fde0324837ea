"""Arrays to train on and to validate on, as `fit` takes them."""

import math

import keras
import numpy as np


def rows(data):
    """Number of images or other examples.

    Args:
        data: Structure of arrays `(n, ...)`.

    Returns:
        Integer.
    """
    return len(keras.tree.flatten(data)[0])


def divide(train, share=0.0, held_out=None):
    """Checks data, and divides them into those to train and to validate on.

    Args:
        train: tuple `(x, y, sample_weight)` of arrays `(n, ...)`, structures of
            arrays, or None.
        share: Float in 0..1, how much of `train` to validate on, the last of it.
        held_out: tuple `(x, y)` or `(x, y, sample_weight)` to validate on, which
            takes the place of `share`; or None.

    Returns:
        Pair of structures like `train`, of NumPy arrays; the second is None where
        there is nothing to validate on.

    Raises:
        ValueError: If the data are no arrays of one length, or one part is empty.
    """
    train = _check(train)
    if held_out is not None:
        if not isinstance(held_out, tuple | list):
            raise ValueError(
                "Expected `validation_data` (x, y) or (x, y, sample_weight). "
                f"Received: {type(held_out).__name__}"
            )
        return train, _check((*held_out, None, None)[:3])
    if not share:
        return train, None
    n = rows(train)
    at = math.floor(n * (1 - share))
    if not 0 < at < n:
        raise ValueError(
            f"Expected a `validation_split` that leaves some of {n} examples on both "
            f"sides. Received: {share}"
        )
    return _part(train, slice(at)), _part(train, slice(at, n))


def _part(data, at):
    return keras.tree.map_structure(lambda a: a if a is None else a[at], data)


def _check(data):
    data = keras.tree.map_structure(_array, data)
    sizes = [len(a) for a in keras.tree.flatten(data) if a is not None]
    if len(set(sizes)) != 1 or not sizes[0]:
        raise ValueError(
            "Expected arrays with one entry for each example, at least one. "
            f"Received: {sizes} entries"
        )
    return data


def _array(leaf):
    if leaf is None:
        return None
    if not hasattr(leaf, "__array__"):
        raise ValueError(
            "Expected arrays: the frozen part's answers are stored row by row. "
            f"Received: {type(leaf).__name__}. Read a dataset into arrays first."
        )
    return np.asarray(leaf)
