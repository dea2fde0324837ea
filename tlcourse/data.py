"""Images and labels: the `Dataset`, its sources, its splits."""

import dataclasses

import numpy as np

from tlcourse import assets
from tlcourse.scenes import load_glyph_archive, on_paper, plain

PER_CLASS = 120  # photographs, so that a laptop can hold them


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
        """The images at `positions` (integers or a boolean mask), a `Dataset`."""
        return Dataset(self.images[positions], self.labels[positions], self.class_names)

    def few(self, per_class, seed=0):
        """Draws the same number of images of every class.

        Args:
            per_class: Integer, at least 1.
            seed: Integer; another seed is another draw.

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
        """One line: shape, type, range, classes."""
        low, high = (self.images.min(), self.images.max()) if len(self) else ("-", "-")
        return (
            f"images {self.images.shape} {self.images.dtype} from {low} to {high}, "
            f"labels {self.labels.shape}, {len(self.class_names)} classes"
        )


def draw_few(labels, per_class, seed):
    """Positions of `per_class` examples of each class.

    Args:
        labels: int `(n,)`.
        per_class: Integer.
        seed: Integer.

    Returns:
        int array, `per_class` positions a class, shuffled.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    drawn = [order[labels[order] == k][:per_class] for k in np.unique(labels)]
    return rng.permutation(np.concatenate(drawn))


def check_images(images):
    """Refuses what is not raw pixels.

    Args:
        images: Should be uint8 `(n, height, width, 3)`, 0..255.

    Raises:
        ValueError: With what was expected and received.
    """
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


def split(dataset, sizes, seed=0):
    """Cuts a dataset in disjoint parts, every class in proportion.

    Args:
        dataset: `Dataset`.
        sizes: Sequence of integers, images a part; what is left is dropped.
        seed: Integer.

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


def load_digits(paper=True, seed=0):
    """Real handwritten digits: 1,797 scans, each laid on coloured paper.

    Args:
        paper: Boolean; False gives the plain scans, centred, dark on white.
        seed: Integer; decides place, size, tilt, colours and noise.

    Returns:
        `Dataset` of 1,797 images `(64, 64, 3)`, ten classes.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits,
        UCI Machine Learning Repository, 1998, as scikit-learn carries it.
    """
    from sklearn import datasets

    scans = datasets.load_digits()
    if paper:
        images = on_paper(scans.images, np.random.default_rng(seed))
    else:
        images = plain(scans.images)
    names = tuple(str(digit) for digit in range(10))
    return Dataset(images, scans.target.astype("int64"), names)


def load_glyphs(n, part="unseen", seed=0):
    """Typeset characters on coloured paper, the base network's own pictures.

    Args:
        n: Integer, images.
        part: `"unseen"` or `"training"`, the fonts.
        seed: Integer.

    Returns:
        `Dataset` of n images `(64, 64, 3)`.
    """
    archive = load_glyph_archive().part(part)
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(archive.labels))[:n]
    images = on_paper(archive.ink(drawn) / 16.0, rng)
    return Dataset(images, archive.labels[drawn], archive.class_names)


def load_tfds(name, size, per_class=PER_CLASS):
    """Reads an image-classification dataset that TFDS has prepared on disk.

    Args:
        name: String, such as `"tf_flowers"`.
        size: `(height, width)` of the images wanted, pixels; each is cut to
            its largest centred rectangle of that shape and scaled.
        per_class: Integer, the most images of one class to read.

    Returns:
        `Dataset`.

    Raises:
        FileNotFoundError: At once, if the dataset is not on disk.
    """
    folder = assets.prepared_dataset(name)
    if folder is None:
        raise FileNotFoundError(
            f"Expected the prepared dataset `{name}` in {assets.tfds_folder()}. It "
            "is not there. Where there is a network, "
            f"`python -m tensorflow_datasets.scripts.cli.main build {name}` "
            "fetches it; where it lies elsewhere, set TFDS_DATA_DIR."
        )
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    images, labels, seen = [], [], np.zeros(builder.info.features["label"].num_classes)
    for example in tfds.as_numpy(builder.as_dataset(split="train")):
        if seen[example["label"]] < per_class:
            seen[example["label"]] += 1
            images.append(fit(example["image"], size))
            labels.append(example["label"])
    names = tuple(builder.info.features["label"].names)
    return Dataset(np.stack(images), np.array(labels, "int64"), names)


def fit(image, size):
    """Cuts the centre out of an image and scales it.

    Args:
        image: uint8 `(h, w, 3)`.
        size: `(height, width)` wanted, pixels.

    Returns:
        uint8 `(height, width, 3)`.
    """
    from PIL import Image, ImageOps

    height, width = size
    if image.shape == (height, width, 3):
        return image
    picture = ImageOps.fit(Image.fromarray(image), (width, height))
    return np.asarray(picture)
