"""Handwritten digits and typeset characters, laid on coloured paper."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from tlcourse._util import assets
from tlcourse.data.dataset import Dataset

SIDE = 64  # of the picture, pixels


def load_digits():
    """Loads 1,797 scans of handwritten digits, each laid on coloured paper.

    Returns:
        `Dataset` of 1,797 images `(64, 64, 3)`, ten classes.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits,
        UCI Machine Learning Repository, 1998, in scikit-learn's copy.
    """
    from sklearn import datasets

    scans = datasets.load_digits()
    images = draw_on_paper(scans.images / 16.0, np.random.default_rng(0))
    return Dataset(images, scans.target.astype("int64"), tuple("0123456789"))


def load_glyphs(n, seed=0):
    """Draws `n` typeset characters of fonts unseen by the base: a `Dataset`."""
    archive = load_glyph_archive().part("unseen")
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(archive.labels))[:n]
    images = draw_on_paper(archive.ink(drawn) / 256.0, rng)
    return Dataset(images, archive.labels[drawn], archive.class_names)


class GlyphArchive(NamedTuple):
    """Typeset characters as shipped: ink only, no colours."""

    packed: np.ndarray  # uint8 (n, 1152): 48 x 48 pixels, two 4-bit levels to a byte
    labels: np.ndarray  # int64 (n,)
    unseen: np.ndarray  # bool (n,): whether the base was trained without this font
    class_names: tuple  # characters
    scripts: tuple  # the script of each class

    def ink(self, positions):
        """Unpacks characters: uint8 `(len(positions), 48, 48)`, 255 where ink is."""
        packed = self.packed[positions]
        levels = np.stack([packed >> 4, packed & 15], axis=-1)
        return (levels * np.uint8(17)).reshape(-1, 48, 48)

    def part(self, name):
        """The `GlyphArchive` of the fonts that are `"training"` or `"unseen"`."""
        keep = self.unseen == (name == "unseen")
        parts = self.packed[keep], self.labels[keep], self.unseen[keep]
        return GlyphArchive(*parts, self.class_names, self.scripts)


def load_glyph_archive(path=None):
    """Reads the `GlyphArchive` at `path`, or the shipped one."""
    with np.load(path or assets.shipped("glyphs.npz"), allow_pickle=False) as file:
        return GlyphArchive(
            file["packed"],
            file["labels"].astype("int64"),
            file["unseen"][file["fonts"]],
            tuple(file["class_names"].tolist()),
            tuple(file["scripts"].tolist()),
        )


def draw_on_paper(ink, rng):
    """Draws each `(s, s)` array of ink, 0..1, on paper: uint8 `(n, 64, 64, 3)`."""
    return np.stack([_scene(each, rng) for each in ink])


def _scene(ink, rng):
    height = rng.uniform(36, 60)
    tilt = np.deg2rad(rng.uniform(-25, 25))
    margin = (SIDE - height) / 2
    ink = place(ink, height, tilt, rng.uniform(-margin, margin, 2))
    pen, paper = _two_colours(rng)
    ramp = np.linspace(-1, 1, SIDE)
    across, down = rng.normal(0, 0.08, 2)
    shade = (across * ramp[None, :] + down * ramp[:, None])[..., None]
    return _print(paper + ink[..., None] * (pen - paper) + shade, rng)


def colour(ink, rng):
    """Draws ink, 0..1, in one colour on paper of another: uint8 `(h, w, 3)`."""
    pen, paper = _two_colours(rng)
    return _print(paper + ink[..., None] * (pen - paper), rng)


def _print(picture, rng):
    """A picture in 0..1, with a little noise, as uint8."""
    picture = picture + rng.normal(0, 0.02, picture.shape)
    return np.round(np.clip(picture, 0, 1) * 255).astype("uint8")


def _two_colours(rng):
    """Pen and paper that differ in brightness by at least 0.3 of 1."""
    while True:
        pen, paper = rng.uniform(0, 1, (2, 3))
        if abs(pen.mean() - paper.mean()) > 0.3:
            return pen, paper


def place(ink, height, tilt, shift, side=SIDE):
    """Scales ink to `height` pixels, tilts it (radians), shifts it: `(side, side)`."""
    scale = ink.shape[0] / height
    ink = np.pad(ink, 1)  # strokes that touch the edge end softly
    cos, sin = np.cos(tilt) * scale, np.sin(tilt) * scale
    matrix = np.array([[cos, sin], [-sin, cos]])
    centre = (side - 1) / 2 + np.asarray(shift)[::-1]
    offset = (ink.shape[0] - 1) / 2 - matrix @ centre
    placed = ndimage.affine_transform(ink, matrix, offset, (side, side), order=3)
    return np.clip(1.6 * placed - 0.2, 0, 1)
