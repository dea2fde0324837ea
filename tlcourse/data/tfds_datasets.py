"""Loads image-classification datasets of TensorFlow Datasets (TFDS)."""

import re

import numpy as np

from tlcourse._util import assets
from tlcourse._util.progress import bar
from tlcourse._util.tfds_download import prepare
from tlcourse.data.dataset import Dataset
from tlcourse.data.limits import MEMORY, allocate, check_per_class, check_size
from tlcourse.data.pictures import crop_and_resize

NAME = r"[a-z]\w*(/[\w.+-]+)?"
PER_CLASS = 120  # photographs, so that a laptop can hold them


def load_tfds(
    name, size, split="train", per_class=PER_CLASS, memory=MEMORY, download=False
):
    """Reads an image-classification dataset of TFDS from disk, or downloads it first.

    Images without a label are left out. Grey images become three equal channels,
    transparent parts white, and 16 bit 8.

    Args:
        name: String, such as `"tf_flowers"` or `"beans"`, or with a configuration,
            `"cifar10_corrupted/fog_1"`.
        size: `(height, width)` of the images wanted, pixels; each is cropped to
            its largest centred rectangle of that shape and resized.
        split: String, such as `"train"`, `"test"` or `"train[:10%]"`.
        per_class: Integer, the most images of one class, the first ones in the
            split; None reads all.
        memory: Integer, the most bytes that the images may take.
        download: Boolean; True fetches and prepares a dataset that is not on disk.
            That needs a network, and may be large.

    Returns:
        `Dataset` of uint8 images `(n, height, width, 3)`, 0..255.

    Raises:
        FileNotFoundError: At once, if the dataset is not on disk.
        ConnectionError: If the download stalls.
        ValueError: If there is no such dataset or split, if it holds no labelled
            images, or if they would take more than `memory`.

    Source: https://www.tensorflow.org/datasets/catalog/overview
    """
    size = check_size(size)
    check_per_class(per_class)
    builder, keys, names, n = open_split(name, split, download)
    wanted = min(n, len(names) * per_class) if per_class else n
    images = allocate(wanted, size, len(names), memory)
    labels = _fill(builder, split, keys, per_class, images)
    if not len(labels):
        raise ValueError(
            f"Expected labelled images in the split `{split}` of `{name}`. Received: "
            f"{n} images, none with a label. Splits: {', '.join(builder.info.splits)}."
        )
    return Dataset(images[: len(labels)], labels, names)


def open_split(name, split, download=False):
    """Finds a split: its TFDS builder, keys of image and label, classes, and size."""
    builder = _open(name, download)
    image, label = _keys(name, builder.info)
    n = _split_size(name, builder.info.splits, split)
    return builder, (image, label), tuple(builder.info.features[label].names), n


def convert_image(image, size):
    """Converts one, three or four channels of 8 or 16 bit to uint8 `(*size, 3)`."""
    from PIL import Image

    if image.dtype == np.uint16:  # Pillow has no colours of 16 bit
        image = (image / 257).round().astype("uint8")
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return crop_and_resize(picture, size)


def _open(name, download):
    """The builder of a dataset on disk, downloaded first if asked for."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ValueError(
            "Expected the name of a TFDS dataset, such as 'tf_flowers', or with a "
            f"configuration, 'cifar10_corrupted/fog_1'. Received: {name!r}"
        )
    folder = assets.prepared_dataset(name)
    if folder is None and download:
        folder = prepare(name, assets.tfds_folder())
    if folder is None:
        raise FileNotFoundError(_missing(name))
    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(folder)


def _missing(name):
    home = assets.tfds_folder()
    version = "[0-9]*.[0-9]*.[0-9]*/dataset_info.json"
    infos = [*home.glob(f"*/{version}"), *home.glob(f"*/*/{version}")]
    found = {path.parent.parent.relative_to(home).as_posix() for path in infos}
    return (
        f"Expected the prepared dataset `{name}` in {home}. It is not there; there "
        f"is: {', '.join(sorted(found)) or 'none'}. Where there is a network, "
        "`load_tfds(..., download=True)` fetches it; where it lies elsewhere, set "
        "TFDS_DATA_DIR."
    )


def _keys(name, info):
    """The keys of the one image and the one label of an example."""
    features = dict(sorted(info.features.items()))
    images = [key for key, each in features.items() if _is_picture(each)]
    labels = [key for key, each in features.items() if _is_class(each)]
    intended = [key for key in info.supervised_keys or () if isinstance(key, str)]
    images = [key for key in intended if key in images] or images
    labels = [key for key in intended if key in labels] or labels
    if len(images) != 1 or len(labels) != 1:
        listed = ", ".join(f"{key} ({each!r})" for key, each in features.items())
        raise ValueError(
            f"Expected `{name}` to hold one image (Image of uint8 or uint16) and one "
            "class (ClassLabel) in each example. Received: "
            f"{' '.join(listed.split())}. It is made for another task than to tell "
            "classes of images apart."
        )
    return images[0], labels[0]


def _is_picture(feature):
    import tensorflow_datasets as tfds

    if type(feature) is not tfds.features.Image:  # a subclass holds masks
        return False
    usual = np.dtype(feature.np_dtype).name in ("uint8", "uint16")
    return usual and feature.shape[-1] in (None, 1, 3, 4)


def _is_class(feature):
    import tensorflow_datasets as tfds

    return isinstance(feature, tfds.features.ClassLabel) and bool(feature.num_classes)


def _split_size(name, splits, split):
    """The number of examples in a split, such as `"train[:10%]"`."""
    try:
        return splits[split].num_examples
    except (KeyError, ValueError) as error:
        listed = ", ".join(f"{key} ({splits[key].num_examples})" for key in splits)
        raise ValueError(
            f"Expected a split of `{name}`: {listed}, or a part of one such as "
            f"'{next(iter(splits), 'train')}[:10%]'. Received: {split!r}"
        ) from error


def _fill(builder, split, keys, per_class, images):
    """Reads examples into `images`; returns their labels, int64 `(n,)`."""
    import tensorflow_datasets as tfds

    image, label = keys
    once = tfds.ReadConfig(try_autocache=False)  # the reading may end early
    examples = builder.as_dataset(split=split, read_config=once)
    seen = np.zeros(builder.info.features[label].num_classes, int)
    labels, size = [], images.shape[1:3]
    with bar(len(images), "Reading") as progress:
        for example in tfds.as_numpy(examples):
            if len(labels) == len(images):
                break
            known = example[label] >= 0  # TFDS writes -1 where it has no label
            if known and (per_class is None or seen[example[label]] < per_class):
                seen[example[label]] += 1
                images[len(labels)] = convert_image(example[image], size)
                labels.append(example[label])
                progress.update()
        progress.total = progress.n  # classes may have fewer than `per_class`
    return np.array(labels, "int64")
