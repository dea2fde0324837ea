"""Small pictures of characters, thousands per second, and two tasks made of them."""

import numpy as np

from tlcourse.data import Dataset
from tlcourse.data.glyphs import load_glyph_archive

SIDE = 32  # of the picture, pixels
EAST = ("hiragana", "katakana", "kanji", "hangul")
WEST = ("latin", "greek", "cyrillic", "georgian", "hebrew", "arabic")
SPLITS = ("near", "far")
CHUNK = 1024  # pictures at a time: what fits in the processor's cache


def divide_characters(split, seed, n=96):
    """Divides the characters into tasks A and B of `n` characters, none in both.

    `split` is `"near"`: at random; or `"far"`: East Asian scripts are A, the others B.
    Returns a dict of `"A"` and `"B"` to int `(n,)`, positions in the archive's classes.

    Source: Yosinski et al. 2014, section 3 (random and man-made/natural halves).
    """
    scripts = np.array(load_glyph_archive().scripts)
    east = np.flatnonzero(np.isin(scripts, EAST))
    west = np.flatnonzero(np.isin(scripts, WEST))
    if split not in SPLITS:
        raise ValueError(f"Expected `split`, one of {SPLITS}. Received: {split!r}")
    rng = np.random.default_rng((seed, 1))
    if split == "near":
        mixed = rng.permutation(np.concatenate([east, west]))
        return {"A": mixed[:n], "B": mixed[n : 2 * n]}
    return {"A": rng.permutation(east)[:n], "B": rng.permutation(west)[:n]}


def draw_characters(classes, part, per_class, seed):
    """Draws `per_class` pictures of each character as a `Dataset`.

    `part` is `"training"` or `"unseen"`, the fonts. If they are too few, they return.
    """
    rng = np.random.default_rng((seed, 2, part == "unseen"))
    archive = load_glyph_archive().part(part)
    members = [np.flatnonzero(archive.labels == k) for k in classes]
    at = [np.resize(rng.permutation(found), per_class) for found in members]
    at, labels = np.concatenate(at), np.repeat(np.arange(len(classes)), per_class)
    chunks = np.split(at, range(CHUNK, len(at), CHUNK))
    images = [draw_on_paper(archive.ink(chunk), rng) for chunk in chunks]
    names = tuple(archive.class_names[k] for k in classes)
    return Dataset(np.concatenate(images), labels, names)


def draw_on_paper(ink, rng):
    """Draws uint8 `(n, 48, 48)` of ink on coloured paper: uint8 `(n, 32, 32, 3)`.

    Place, size, tilt, colours, shade and noise are random. `data.glyphs` does so one
    by one, with SciPy: more beautiful, and a hundred times slower.
    """
    n = len(ink)
    glyph = _place(ink.reshape(n, 24, 2, 24, 2).mean((2, 4), "float32") / 255, rng)
    pen, paper = _colours(n, rng)
    ramp = np.linspace(-1, 1, SIDE, dtype="float32")
    across, down = rng.normal(0, 0.08, (2, n, 1, 1)).astype("float32")
    shade = across * ramp[None, None, :] + down * ramp[None, :, None]
    picture = paper + glyph[..., None] * (pen - paper) + shade[..., None]
    picture += 0.02 * rng.standard_normal(picture.shape, "float32")
    return np.round(np.clip(picture, 0, 1) * 255).astype("uint8")


def _colours(n, rng):
    """Ink and paper, `(n, 1, 1, 3)` each, at least 0.3 apart in brightness."""
    pen, paper = rng.random((2, n, 1, 1, 3), "float32")
    gap = (pen - paper).mean(-1, keepdims=True)
    lack = np.maximum(0, 0.3 - np.abs(gap)) * np.where(gap < 0, -1, 1)
    lack = lack.astype("float32")
    return pen + lack / 2, paper - lack / 2


def _place(ink, rng):
    """Shifts, scales and tilts float `(n, 24, 24)` into `(n, SIDE, SIDE)`."""
    n, side = len(ink), ink.shape[1] + 2
    ink = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    height = rng.uniform(18, 28, n)
    tilt = np.deg2rad(rng.uniform(-20, 20, n))
    shift = rng.uniform(-1, 1, (2, n)) * (SIDE - height) / 2
    scale = (side - 2) / height
    turn = np.array([np.cos(tilt) * scale, np.sin(tilt) * scale], "float32")
    cos, sin = turn[..., None, None]
    right, down = shift.astype("float32")[..., None, None]
    grid = np.arange(SIDE, dtype="float32") - (SIDE - 1) / 2
    x, y = grid[None, None, :] - right, grid[None, :, None] - down
    middle = np.float32((side - 1) / 2)
    glyph = _sample(ink, cos * x + sin * y + middle, cos * y - sin * x + middle)
    return np.clip(1.4 * glyph - 0.1, 0, 1)


def _sample(ink, x, y):
    """Reads each image at `x`, `y` (pixels), linear between its pixels."""
    n, side = ink.shape[:2]
    x, y = np.clip(x, 0, side - 1.001), np.clip(y, 0, side - 1.001)
    left, top = x.astype("int32"), y.astype("int32")
    x, y = x - left, y - top
    at = np.arange(n, dtype="int32")[:, None, None] * side**2 + top * side + left
    flat = ink.ravel()
    upper = flat[at] + x * (flat[at + 1] - flat[at])
    lower = flat[at + side] + x * (flat[at + side + 1] - flat[at + side])
    return upper + y * (lower - upper)
