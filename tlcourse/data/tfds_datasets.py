"""Loads image-classification datasets of TensorFlow Datasets (TFDS)."""

import re
from collections import Counter

import numpy as np
from PIL import Image

from tlcourse._util import assets
from tlcourse._util.progress import bar
from tlcourse._util.tfds_download import prepare
from tlcourse.data.checking import check_per_class, check_size
from tlcourse.data.dataset import MEMORY, Dataset, allocate
from tlcourse.data.decoding import crop_and_resize
from tlcourse.data.folder_report import about_dark, find_dark

NAME = r"[a-z]\w*(/[\w.+-]+)?"


def load_tfds(name, size, split="train", per_class=120, memory=MEMORY, download=False):
    """Reads an image-classification dataset of TFDS from disk, or downloads it first.

    Images without a label are left out. Grey images become three equal channels,
    transparent parts white, and 16 bit 8.

    Args:
        name: String, such as `"tf_flowers"` or `"cifar10_corrupted/fog_1"`.
        size: `(height, width)` of the images wanted, pixels; each is cropped to fit.
        split: String, such as `"train"`, `"test"` or `"train[:10%]"`.
        per_class: Integer, the most images of one class, the first; None reads all.
        memory: Integer, the most bytes that the images may take.
        download: Boolean; True fetches and prepares a dataset that is not on disk.

    Returns:
        `Dataset` of uint8 images `(n, height, width, 3)`, 0..255.

    Raises:
        FileNotFoundError: At once, if the dataset is not on disk.
        ConnectionError: If the download stalls.
        ValueError: If there are no such labelled images, or more than `memory` holds.

    Source: https://www.tensorflow.org/datasets/catalog/overview
    """
    size = check_size(size)
    check_per_class(per_class)
    builder = _open(name, download)
    keys, n = _keys(name, builder.info), _split_size(name, builder.info.splits, split)
    names = tuple(builder.info.features[keys[1]].names)
    wanted = min(n, len(names) * (per_class or n))
    images = allocate(wanted, size, len(names), memory)
    labels = _fill(builder, split, keys, per_class, images)
    if not len(labels):
        raise ValueError(
            f"Expected labelled images in the split `{split}` of `{name}`. Received: "
            f"{n} images, none with a label. Splits: {', '.join(builder.info.splits)}."
        )
    images = images[: len(labels)]
    dark = find_dark(images.max(axis=(1, 2, 3)))
    if dark.any():
        print(f"Look: {about_dark(dark.sum(), f'number {dark.argmax()}')}")
    return Dataset(images, labels, names)


def _open(name, download):
    """The builder of a dataset on disk, downloaded first if asked for."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ValueError(
            "Expected the name of a TFDS dataset, such as 'tf_flowers', or with a "
            f"configuration, 'cifar10_corrupted/fog_1'. Received: {name!r}"
        )
    folder = assets.prepared_dataset(name)
    if not folder and not download:
        raise FileNotFoundError(_missing(name))
    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(folder or prepare(name, assets.tfds_folder()))


def _missing(name):
    home = assets.tfds_folder()
    version = "[0-9]*.[0-9]*.[0-9]*/dataset_info.json"
    infos = [*home.glob(f"*/{version}"), *home.glob(f"*/*/{version}")]
    found = {path.parent.parent.relative_to(home).as_posix() for path in infos}
    return (
        f"Expected the prepared dataset `{name}` in {home}. Received: "
        f"{', '.join(sorted(found)) or 'none'}. Where there is a network, `load_tfds"
        "(..., download=True)` fetches it; where it lies elsewhere, set TFDS_DATA_DIR."
    )


def _keys(name, info):
    """The keys of the one image and the one label of an example."""
    import tensorflow_datasets as tfds

    features, found = dict(sorted(info.features.items())), []
    for kind in (tfds.features.Image, tfds.features.ClassLabel):  # a subclass: masks
        keys = [key for key, each in features.items() if type(each) is kind]
        found.append([key for key in info.supervised_keys or () if key in keys] or keys)
    if [len(keys) for keys in found] != [1, 1]:
        listed = ", ".join(f"{key} ({each!r})" for key, each in features.items())
        raise ValueError(
            f"Expected `{name}` to hold one image (Image) and one class (ClassLabel) "
            f"in each example. Received: {' '.join(listed.split())}. It is made for "
            "another task than to tell classes of images apart."
        )
    return found[0][0], found[1][0]


def _split_size(name, splits, split):
    """The number of examples in a split, such as `"train[:10%]"`."""
    if isinstance(split, list | tuple):
        raise ValueError(
            f"Expected one split of `{name}`. Received: {split!r}. Load one after the "
            "other: `[data.load_tfds(name, size, split=each) for each in splits]`."
        )
    try:
        return splits[split].num_examples
    except Exception as error:  # TFDS raises many kinds
        listed = ", ".join(f"{key} ({splits[key].num_examples})" for key in splits)
        raise ValueError(
            f"Expected a split of `{name}`: {listed}, or a part of one such as "
            f"'train[:10%]'. Received: {split!r}"
        ) from error


def _fill(builder, split, keys, per_class, images):
    """Reads examples into `images`; returns their labels, int64 `(n,)`."""
    import tensorflow_datasets as tfds

    once = tfds.ReadConfig(try_autocache=False)  # the reading may end early
    examples = builder.as_dataset(split=split, read_config=once)
    labels, seen = [], Counter()
    with bar(len(images), "Reading") as progress:
        for example in _sound(examples, builder):
            image, label = (example[key] for key in keys)
            is_grey = image.shape[-1] == 1
            if label >= 0 and seen[label] != per_class:  # -1: TFDS has no label
                picture = Image.fromarray(image.squeeze(-1) if is_grey else image)
                images[len(labels)] = crop_and_resize(picture, images.shape[1:3])
                labels.append(label)
                seen[label] += 1
                progress.update()
            if len(labels) == len(images):
                break
        progress.total = progress.n  # classes may have fewer than `per_class`
    return np.array(labels, "int64")


def _sound(examples, builder):
    """Yields examples as arrays; names the file and the remedy if one is damaged."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    try:
        yield from tfds.as_numpy(examples)
    except tf.errors.OpError as error:
        paths = [
            path for part in builder.info.splits.values() for path in part.filepaths
        ]
        bad = [str(path) for path in paths if _is_damaged(tf, path)]
        raise ValueError(
            f"Expected sound files of `{builder.name}`. Received: "
            f"{', '.join(bad) or 'an example that cannot be decoded'}, damaged or "
            f"missing. Delete the folder {builder.data_dir}, and load again with "
            "`download=True`."
        ) from error


def _is_damaged(tf, path):
    try:
        for _ in tf.data.TFRecordDataset(str(path)):
            pass
    except tf.errors.OpError:
        return True
    return False
