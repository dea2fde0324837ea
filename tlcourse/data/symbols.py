"""Draws symbols as if by hand, each time a little different."""

import zlib

import numpy as np
from PIL import Image

from tlcourse.data import glyphs, sketches
from tlcourse.data.dataset import Dataset

_STEPS = np.linspace(0, 1, 40)  # along a stroke


def _line(*corners):
    at, axes = np.linspace(0, 1, len(corners)), zip(*corners, strict=True)
    return np.stack([np.interp(_STEPS, at, axis) for axis in axes], axis=1)


def _arc(x, y, width, height, start=0.0, end=2.0):
    """Part of an ellipse, clockwise from the right; start and end in half turns."""
    angle = np.pi * (start + (end - start) * _STEPS)
    return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], axis=1)


def _star(points):
    angles = 2 * np.pi * np.arange(points + 1) * (points // 2) / points
    return _line(*np.stack([0.5 + 0.4 * np.sin(angles), 0.5 - 0.4 * np.cos(angles)], 1))


SYMBOLS = {
    "star": [_star(5)],
    "spiral": [_arc(0.5, 0.5, 0.4 * _STEPS, 0.4 * _STEPS, end=5.0)],
    "house": [
        _line((0.2, 0.45), (0.5, 0.15), (0.8, 0.45), (0.8, 0.85), (0.2, 0.85)),
        _line((0.2, 0.85), (0.2, 0.45)),
    ],
    "arrow": [
        _line((0.1, 0.5), (0.9, 0.5)),
        _line((0.65, 0.25), (0.9, 0.5), (0.65, 0.75)),
    ],
    "face": [
        _arc(0.5, 0.5, 0.4, 0.4),
        _arc(0.5, 0.55, 0.2, 0.15, 0, 1),
        _line((0.38, 0.38), (0.38, 0.42)),
        _line((0.62, 0.38), (0.62, 0.42)),
    ],
    "fish": [
        _arc(0.42, 0.5, 0.3, 0.2, 0.2, 1.8),
        _line((0.66, 0.4), (0.9, 0.25), (0.9, 0.75), (0.66, 0.6)),
    ],
    "zigzag": [_line((0.1, 0.4), (0.3, 0.6), (0.5, 0.4), (0.7, 0.6), (0.9, 0.4))],
    "cup": [
        _line((0.25, 0.3), (0.3, 0.8), (0.6, 0.8), (0.65, 0.3), (0.25, 0.3)),
        _arc(0.67, 0.5, 0.13, 0.14, -0.5, 0.5),
    ],
}


def sketch(name, seed=0):
    """The strokes of a symbol, turned, stretched and wobbly, for `sketches.draw`."""
    if name not in SYMBOLS:
        known = ", ".join(SYMBOLS)
        raise ValueError(f"Expected one of {known}. Received: {name!r}")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    turn, shear = rng.uniform(-0.3, 0.3), rng.uniform(-0.15, 0.15)
    wide, high = rng.uniform(0.7, 1.0, 2)
    rotate = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    transform = np.array(rotate) @ [[wide, shear], [0, high]]
    return [_by_hand(stroke, transform, rng) for stroke in SYMBOLS[name]]


def _by_hand(stroke, transform, rng):
    drift = rng.normal(0, 0.025, (2, 5))  # the hand drifts slowly
    offsets = [np.interp(_STEPS, np.linspace(0, 1, 5), each) for each in drift]
    drawn = (stroke - 0.5) @ transform.T + 0.5 + np.stack(offsets, axis=1)
    return drawn.clip(0, 1).round(4).tolist()


def draw(name, seeds, size):
    """Draws pictures of one symbol.

    Args:
        name: String, one of `SYMBOLS`.
        seeds: Sequence of integers, one for each picture.
        size: `(height, width)`, pixels.

    Returns:
        uint8 `(len(seeds), height, width, 3)`, 0..255.
    """
    if np.ndim(seeds) != 1:
        raise ValueError(
            f"Expected `seeds` such as range(4), for four pictures. Received: {seeds}"
        )
    return np.stack([sketches.draw(sketch(name, seed), size) for seed in seeds])


def on_paper(name, seeds, size):
    """Draws pictures of one symbol, each in a colour on paper of another.

    They are tilted, and lie anywhere on the paper, as the digits do.

    Args:
        name: String, one of `SYMBOLS`.
        seeds: Sequence of integers, one for each picture.
        size: `(height, width)`, pixels.

    Returns:
        uint8 `(len(seeds), height, width, 3)`, 0..255.
    """
    ink = 1 - draw(name, seeds, (48, 48))[..., 0] / 255
    rng = np.random.default_rng([*seeds, zlib.crc32(name.encode())])
    scenes = map(Image.fromarray, glyphs.draw_on_paper(ink, rng))
    return np.stack([np.asarray(scene.resize(size[::-1])) for scene in scenes])


def dataset(seeds, size, names=tuple(SYMBOLS)):
    """Draws pictures of several symbols, one class each.

    Args:
        seeds: Sequence of integers, one for each picture of a class.
        size: `(height, width)`, pixels.
        names: tuple of strings, some of `SYMBOLS`.

    Returns:
        `Dataset` of `len(names) * len(seeds)` images.
    """
    images = np.concatenate([draw(name, seeds, size) for name in names])
    return Dataset(images, np.repeat(np.arange(len(names)), len(seeds)), tuple(names))
