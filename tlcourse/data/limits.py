"""What the loaders accept: image sizes, images per class, bytes of memory."""

import numbers

import numpy as np

MEMORY = 1_000_000_000  # bytes of images, which a laptop holds beside a network


def check_size(size):
    """Returns `size` as (height, width) in pixels; refuses anything else."""
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    valid = all(isinstance(side, numbers.Integral) and side > 0 for side in sides)
    if len(sides) != 2 or not valid:
        raise ValueError(
            "Expected `size` (height, width), two whole numbers of pixels such as "
            f"(224, 224). Received: {size!r}"
        )
    return int(sides[0]), int(sides[1])


def check_per_class(per_class):
    """Refuses what is neither an integer of at least 1 nor None."""
    is_int = isinstance(per_class, numbers.Integral) and not isinstance(per_class, bool)
    if per_class is not None and not (is_int and per_class >= 1):
        raise ValueError(
            "Expected `per_class`, images of one class, to be at least 1, or None "
            f"for all. Received: {per_class!r}"
        )


def allocate(n, size, n_classes, memory):
    """Makes an unfilled uint8 `(n, *size, 3)` array, if it takes at most `memory`."""
    each = size[0] * size[1] * 3
    if n * each > memory:
        fits = memory // (each * n_classes)
        advice = f"`per_class={fits}` fits" if fits else "Smaller images would fit"
        raise ValueError(
            f"Expected images of {_in_words(memory)} at the most. Received: up to "
            f"{n:,} of {size[0]} x {size[1]} pixels, {_in_words(n * each)}. {advice}; "
            f"where there is enough memory, `memory={n * each}` allows it."
        )
    return np.empty((n, *size, 3), "uint8")  # pages never filled take no memory


def _in_words(n_bytes):
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
