"""The `Dataset` of images and labels, and what its loaders accept."""

import dataclasses
import numbers

import numpy as np

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
        labels, n, top = self.labels, len(self.images), len(self.class_names) - 1
        if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"Expected labels of integers, one for each image, shape ({n},). "
                f"Received: {labels.dtype}, shape {labels.shape}."
            )
        if n and not 0 <= labels.min() <= labels.max() <= top:
            raise ValueError(
                f"Expected labels from 0 to {top} (there are {top + 1} class names)."
                f" Received: {labels.min()} to {labels.max()}."
            )

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
        if not 1 <= per_class <= counts.min():
            raise ValueError(
                f"Expected `per_class` from 1 to {counts.min()}, the size of the "
                f"smallest class. Received: {per_class}"
            )
        return self.take(draw_few(self.labels, per_class, seed))

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
    if sum(sizes) > len(dataset):
        raise ValueError(
            f"Expected at least {sum(sizes)} images for parts of {list(sizes)}. "
            f"Received: {len(dataset)}"
        )
    order = np.random.default_rng(0).permutation(len(dataset))
    labels = dataset.labels[order]
    rank = np.empty(len(order))
    for k in np.unique(labels):
        members = np.flatnonzero(labels == k)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = order[np.argsort(rank, kind="stable")]
    return [dataset.take(part) for part in np.split(order, np.cumsum(sizes))[:-1]]


def check_images(images):
    """Refuses what is not raw pixels: uint8 `(n, height, width, 3)`, 0..255."""
    shape, dtype = np.shape(images), getattr(images, "dtype", type(images))
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "Expected images of shape (n, height, width, 3). Received: "
            f"{shape}. A single image needs `image[None]`; a grey one, three "
            "equal channels: `np.repeat(image[..., None], 3, axis=-1)`."
        )
    if dtype != np.uint8:
        span = f"{np.min(images):.3g} to {np.max(images):.3g}" if len(images) else "-"
        raise ValueError(
            "Expected raw pixels: uint8, 0 to 255. Received: "
            f"{dtype}, {span}. Do not scale images yourself: the model does it. "
            "For pixels in 0..1: `(images * 255).round().astype('uint8')`."
        )
    if _look_scaled(images):
        raise ValueError(
            "Expected raw pixels from 0 to 255. Received: images of the values "
            f"{', '.join(map(str, np.unique(images)))} alone, as scaling leaves them "
            "when `astype('uint8')` follows. Load them again and do not scale them: "
            "the model does it. For masks of 0 and 1: `images * 255`."
        )


def _look_scaled(images):
    """Whether only 0, 1 and 255 are left, as when 0..1 or -1..1 became integers."""
    if any(((image > 1) & (image < 255)).any() for image in images):
        return False
    # An image of one value alone is no sign: it may be black, or a placeholder.
    return any(image.min() != image.max() and (image == 1).any() for image in images)


def check_size(size, least=1):
    """Returns `size` as (height, width) in pixels; refuses anything else."""
    sides = size if isinstance(size, tuple | list) else ()
    valid = [isinstance(side, numbers.Integral) and side >= least for side in sides]
    if valid != [True, True]:
        raise ValueError(
            "Expected `size` (height, width), two whole numbers of pixels, at least "
            f"{least}, such as (224, 224). Received: {size!r}"
        )
    return int(sides[0]), int(sides[1])


def check_per_class(per_class):
    """Refuses what is neither an integer of at least 1 nor None."""
    is_int = isinstance(per_class, numbers.Integral)
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
            f"Expected images of {memory / 1e6:,.1f} MB at the most. Received: up to "
            f"{n:,} of {size[0]} x {size[1]} pixels, {n * each / 1e6:,.1f} MB. "
            f"{advice}; where there is memory for it, `memory={n * each}` allows it."
        )
    return np.empty((n, *size, 3), "uint8")  # pages never filled take no memory
