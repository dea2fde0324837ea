"""The `Dataset` of images and labels, and what its loaders accept."""

import dataclasses
import numbers

import numpy as np

from tlcourse.data.checking import (
    check_class_names,
    check_count,
    check_images,
    check_labels,
    is_count,
)

MEMORY = 1_000_000_000  # bytes of images, which a laptop holds beside a network


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images.

    Args:
        images: uint8 `(n, height, width, 3)`, 0..255.
        labels: int64 `(n,)`, positions in `class_names`.
        class_names: tuple of strings.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple

    def __post_init__(self):
        check_images(self.images)
        names = check_class_names(self.class_names)
        labels = check_labels(self.labels, len(self.images), names)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "class_names", names)

    def __len__(self):
        return len(self.labels)

    def take(self, positions):
        """The `Dataset` at `positions`: integers, a slice or a boolean mask."""
        return Dataset(self.images[positions], self.labels[positions], self.class_names)

    def few(self, per_class, seed=0):
        """Draws the same number of images of every class.

        Args:
            per_class: Integer, at least 1 and at most the size of the smallest class.
            seed: Integer; another seed gives another draw.

        Returns:
            `Dataset` of `per_class * len(class_names)` images, shuffled.
        """
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        least, name = counts.min(), self.class_names[counts.argmin()]
        if not least:
            raise ValueError(
                f"Expected images of every class. Received: none of {name}"
            )
        if not (is_count(per_class, 1) and per_class <= least):
            raise ValueError(
                f"Expected `per_class` from 1 to {least}, the size of the smallest "
                f"class, {name}. Received: {per_class!r}"
            )
        check_count("seed", seed, 0)
        return self.take(draw_few(self.labels, per_class, seed))

    def check_classes(self, *others):
        """Refuses `Dataset`s whose class names are others, or in another order."""
        names = list(self.class_names)
        for other in others:
            check_dataset(other)
            if list(other.class_names) != names:
                raise ValueError(
                    f"Expected datasets of the same classes in the same order: {names}."
                    f" Received: {list(other.class_names)}. Load the second with the "
                    "names of the first: `data.load_folder(path, size, "
                    "class_names=first.class_names)`."
                )

    def describe(self):
        """One line to print: shapes, type, range and number of classes."""
        low, high = (self.images.min(), self.images.max()) if len(self) else ("-", "-")
        return (
            f"images {self.images.shape} {self.images.dtype} from {low} to {high}, "
            f"labels {self.labels.shape}, {len(self.class_names)} classes"
        )


def draw_few(labels, per_class, seed):
    """Draws `per_class` positions of each class in `labels`, shuffled: int array."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    drawn = [order[labels[order] == k][:per_class] for k in np.unique(labels)]
    return rng.permutation(np.concatenate(drawn))


def split(dataset, sizes):
    """Splits a dataset into disjoint parts with every class in proportion.

    Args:
        dataset: `Dataset`.
        sizes: Sequence of integers, images in each part; the rest is dropped.

    Returns:
        list of `Dataset`, one for each size.
    """
    sizes = _check_sizes(dataset, sizes)
    order = np.random.default_rng(0).permutation(len(dataset))
    labels = dataset.labels[order]
    rank = np.empty(len(order))
    for k in np.unique(labels):
        members = np.flatnonzero(labels == k)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = order[np.argsort(rank, kind="stable")]
    return [dataset.take(part) for part in np.split(order, np.cumsum(sizes))[:-1]]


def check_dataset(dataset):
    """Refuses what is no `Dataset`."""
    if not isinstance(dataset, Dataset):
        raise ValueError(
            f"Expected a `Dataset`. Received: {type(dataset).__name__}. `load_folder` "
            "gives two things: `photos, report = data.load_folder(...)`."
        )


def _check_sizes(dataset, sizes):
    """Returns the sizes of a split as a list, or says what is wrong with them."""
    check_dataset(dataset)
    n, given = len(dataset), np.asarray(sizes)
    if given.ndim != 1 or not all(is_count(size) for size in given):
        remedy = f"such as [{n - n // 4}, {n // 4}]"
        if given.dtype.kind == "f" and (given >= 0).all() and given.sum() < 1.001:
            remedy = f"here {[int(share * n + 1e-6) for share in given.ravel()]}"
        raise ValueError(
            f"Expected `sizes`, a list of whole numbers of images, {remedy}. "
            f"Received: {sizes!r}"
        )
    if given.sum() > n:
        raise ValueError(
            f"Expected at least {given.sum()} images for parts of {given.tolist()}. "
            f"Received: {n}"
        )
    return given.astype(int).tolist()


def allocate(n, size, n_classes, memory):
    """Makes an unfilled uint8 `(n, *size, 3)` array, if it takes at most `memory`."""
    each = size[0] * size[1] * 3
    if not (isinstance(memory, numbers.Real) and memory > 0):
        raise ValueError(f"Expected `memory` in bytes, above 0. Received: {memory!r}")
    if n * each > memory:
        fits = memory // (each * n_classes)
        advice = f"`per_class={fits}` fits" if fits else "Smaller images would fit"
        raise ValueError(
            f"Expected images of {memory / 1e6:,.1f} MB at the most. Received: up to "
            f"{n:,} of {size[0]} x {size[1]} pixels, {n * each / 1e6:,.1f} MB. "
            f"{advice}; where there is memory for it, `memory={n * each}` allows it."
        )
    return np.empty((n, *size, 3), "uint8")  # pages never filled take no memory
