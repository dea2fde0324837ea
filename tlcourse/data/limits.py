"""What reading images from disk asks for: a size, room in memory, patience."""

import numbers
import time

import numpy as np

from tlcourse._util.progress_bar import bar

MEMORY = 1_000_000_000  # bytes of images, which a laptop holds beside a network
PATIENCE = 2  # seconds, before a line of progress appears


def check_size(size):
    """Refuses what is no image size.

    Args:
        size: Should be `(height, width)`, pixels.

    Returns:
        `(height, width)`, tuple of integers.

    Raises:
        ValueError: If it is something else.
    """
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    whole = all(isinstance(side, numbers.Integral) and side > 0 for side in sides)
    if len(sides) != 2 or not whole:
        raise ValueError(
            "Expected `size` (height, width), two whole numbers of pixels such as "
            f"(224, 224). Received: {size!r}"
        )
    return int(sides[0]), int(sides[1])


def check_per_class(per_class):
    """Refuses what is no number of images.

    Args:
        per_class: Should be an integer of at least 1, or None for all.

    Raises:
        ValueError: If it is something else.
    """
    whole = isinstance(per_class, numbers.Integral) and not isinstance(per_class, bool)
    if per_class is not None and not (whole and per_class >= 1):
        raise ValueError(
            "Expected `per_class`, images of one class, to be at least 1, or None "
            f"for all. Received: {per_class!r}"
        )


def room(n, size, n_classes, memory=MEMORY):
    """Makes room for images, if there is enough.

    Args:
        n: Integer, the most images that may come.
        size: `(height, width)`, pixels.
        n_classes: Integer.
        memory: Integer, the most bytes.

    Returns:
        uint8 `(n, height, width, 3)`, not yet filled; what is never filled takes no
        memory.

    Raises:
        ValueError: If the images would take more than `memory`.
    """
    each = size[0] * size[1] * 3
    if n * each > memory:
        fits = memory // (each * n_classes)
        advice = f"`per_class={fits}` fits" if fits else "Smaller images would fit"
        raise ValueError(
            f"Expected images of {_size(memory)} at the most. Received: up to {n:,} "
            f"of {size[0]} x {size[1]} pixels, {_size(n * each)}. {advice}; where "
            f"there is enough memory, `memory={n * each}` allows it."
        )
    return np.empty((n, *size, 3), "uint8")


def _size(n_bytes):
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


class ReadingLine:
    """A line that grows while images are read, if that takes long.

    Args:
        total: Integer, the most that may come.
        what: String, what they are.
    """

    def __init__(self, total, what):
        self.total, self.what, self.done = total, what, 0
        self.due, self.shown = time.monotonic() + PATIENCE, False

    def step(self):
        """Counts one more; shows it twice a second."""
        self.done += 1
        if time.monotonic() >= self.due:
            self._show(min(self.done, self.total))
            self.due, self.shown = time.monotonic() + 0.5, True

    def end(self):
        """Ends the line, if it was shown."""
        if self.shown:
            self._show(self.total)
            print()

    def _show(self, done):
        text = f"{done} of {self.total} {self.what}"
        print(f"\r{bar(done, self.total)} {text}", end="", flush=True)
