"""The `Dataset` of images and labels: checks them, splits and draws from them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images.

    Args:
        images: uint8 `(n, height, width, 3)`, 0..255.
        labels: int64 `(n,)`, positions in `class_names`.
        class_names: tuple of strings.

    Raises:
        ValueError: If the three do not fit together.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple

    def __post_init__(self):
        check_images(self.images)
        if len(self.images) != len(self.labels):
            raise ValueError(
                "Expected one label for each image. Received: "
                f"{len(self.images)} images and {len(self.labels)} labels."
            )
        if not np.issubdtype(self.labels.dtype, np.integer) or self.labels.ndim != 1:
            raise ValueError(
                "Expected labels of integers, shape (n,). Received: "
                f"{self.labels.dtype}, shape {self.labels.shape}."
            )
        top = len(self.class_names) - 1
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() <= top:
            raise ValueError(
                f"Expected labels from 0 to {top} (there are {top + 1} class names)."
                f" Received: {self.labels.min()} to {self.labels.max()}."
            )

    def __len__(self):
        return len(self.labels)

    def take(self, positions):
        """The `Dataset` at `positions`: integers, a slice or a boolean mask."""
        return Dataset(self.images[positions], self.labels[positions], self.class_names)

    def few(self, per_class, seed=0):
        """Draws the same number of images of every class.

        Args:
            per_class: Integer, at least 1.
            seed: Integer; another seed gives another draw.

        Returns:
            `Dataset` of `per_class * len(class_names)` images, shuffled.

        Raises:
            ValueError: If a class has too few images.
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


def split(dataset, sizes, seed=0):
    """Splits a dataset into disjoint parts with every class in proportion.

    Args:
        dataset: `Dataset`.
        sizes: Sequence of integers, images in each part; the rest is dropped.
        seed: Integer; another seed gives another split.

    Returns:
        list of `Dataset`, one for each size.

    Raises:
        ValueError: If there are too few images.
    """
    if sum(sizes) > len(dataset):
        raise ValueError(
            f"Expected at least {sum(sizes)} images for parts of {list(sizes)}. "
            f"Received: {len(dataset)}"
        )
    order = np.random.default_rng(seed).permutation(len(dataset))
    labels = dataset.labels[order]
    rank = np.empty(len(order))
    for k in np.unique(labels):
        members = np.flatnonzero(labels == k)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = order[np.argsort(rank, kind="stable")]
    cuts = np.cumsum([0, *sizes])
    return [dataset.take(order[a:b]) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


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
    """Whether only 0, 1 and 255 are left, as when 0..1 or -1..1 became integers.

    An image of one value alone is no sign: it may be black, or a placeholder.
    """
    if any(((image > 1) & (image < 255)).any() for image in images):
        return False
    return any(image.min() != image.max() and (image == 1).any() for image in images)
