"""A target far from letters: how many handwritten digits are on the paper?"""

import numpy as np

from tlcourse.data.checking import check_count
from tlcourse.data.dataset import Dataset
from tlcourse.data.glyphs import SIDE, colour, place

CLASS_NAMES = ("one", "two", "three", "four", "five", "six")
PARTS = {"train": (0, 0.5), "validation": (0.5, 0.75), "test": (0.75, 1)}
MARGIN, APART = 10 / SIDE, 15 / SIDE  # of centres, as shares of the side
TRIES = 200


def load_counting(n, part="train", seed=0, size=SIDE):
    """Strews one to six handwritten digits over paper: the class is how many.

    Which digits they are does not matter. The parts share no scan of a digit, so
    nobody can count by recognising one that was there in training.

    Args:
        n: Integer, number of images.
        part: `"train"`, `"validation"` or `"test"`: whose scans are strewn.
        seed: Integer; another seed gives other images of the same part.
        size: Integer, height and width of the images in pixels.

    Returns:
        `Dataset` of `n` images `(size, size, 3)`, six classes, nearly equally often.

    Raises:
        ValueError: If there is no such part, or a number is none.

    Source: the scans of `load_digits`.
    """
    if part not in PARTS:
        raise ValueError(
            f"Expected a part, one of {', '.join(PARTS)}. Received: {part!r}"
        )
    for name, value, least in (("n", n, 1), ("seed", seed, 0), ("size", size, 32)):
        check_count(name, value, least)
    ink = _scans(part)
    rng = np.random.default_rng([list(PARTS).index(part), seed])
    labels = rng.permutation(np.arange(n) % len(CLASS_NAMES))
    images = np.stack([_sheet(ink, label + 1, size, rng) for label in labels])
    return Dataset(images, labels, CLASS_NAMES)


def _scans(part):
    """Ink, 0..1, of the handwritten digits of a part: float `(n, 8, 8)`."""
    from sklearn import datasets

    ink = datasets.load_digits().images / 16.0
    first, last = (round(share * len(ink)) for share in PARTS[part])
    return ink[first:last]


def _sheet(ink, how_many, size, rng):
    """A picture with so many scans on it: uint8 `(size, size, 3)`."""
    drawn = np.zeros((size, size))
    for centre in _spots(how_many, rng):
        height, tilt = size * rng.uniform(12, 18) / SIDE, rng.uniform(-0.4, 0.4)
        shift = size * (centre - 0.5)
        drawn = np.maximum(drawn, place(rng.choice(ink), height, tilt, shift, size))
    return colour(drawn, rng)


def _spots(how_many, rng):
    """Centres apart from each other, as shares of the side: `(how_many, 2)`."""
    spots = []
    while len(spots) < how_many:
        for _ in range(TRIES):
            spot = rng.uniform(MARGIN, 1 - MARGIN, 2)
            if all(np.hypot(*(spot - other)) > APART for other in spots):
                spots.append(spot)
                break
        else:
            spots = []  # no room is left: begin again
    return np.array(spots)
