"""Where images and labels come from; the `Dataset` that they travel in."""

import numpy as np

from tlcourse.data.dataset import Dataset, check_images, draw_few, fit, split
from tlcourse.data.folders import load_folder, save_folder
from tlcourse.data.glyphs import load_glyph_archive, on_paper, plain
from tlcourse.data.tfds_datasets import load_tfds

__all__ = [
    "Dataset",
    "check_images",
    "draw_few",
    "fit",
    "load_digits",
    "load_folder",
    "load_glyph_archive",
    "load_glyphs",
    "load_tfds",
    "save_folder",
    "split",
]


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
