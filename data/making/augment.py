"""Glyphs on coloured paper, never the same twice: what the base trains on.

Backend-neutral: geometry and blur run in `keras.ops`, colours in NumPy. A batch
is a pure function of its random generator.
"""

import keras
import numpy as np

SIDE = 64  # of the picture, pixels


def draw_pictures(ink, rng, soft=True, hard=1.0):
    """Puts glyphs on paper: place, size, tilt, shear, weight, blur, colour.

    Args:
        ink: uint8 `(n, s, s)`, 0 (paper) to 255 (ink); n a multiple of 4.
        rng: `numpy.random.Generator`.
        soft: Boolean, whether half of the glyphs are blurred.
        hard: Float in [0, 1]. 0: upright, plain, full contrast; a network that
            begins with the hardest pictures learns nothing for a long time.

    Returns:
        uint8 `(n, SIDE, SIDE, 3)`, 0..255.
    """
    ink = _reweight(ink[..., None].astype("float32") / 255, rng)
    glyph = _place(ink, rng, hard)
    glyph = _soften(glyph, rng) if soft and hard > 0.5 else glyph
    neighbour = _place(ink[::-1], rng, hard, aside=True)
    neighbour *= (rng.random((len(ink), 1, 1, 1)) < 0.4 * hard).astype("float32")
    return _colour(glyph, neighbour, rng, hard)


def _reweight(ink, rng):
    """Heavier and lighter strokes, a quarter of the batch at a time."""
    quarter = len(ink) // 4
    for start, sign in ((0, 1), (quarter, -1)):
        part = ink[start : start + quarter]
        flipped = part if sign > 0 else 1 - part
        grown = keras.ops.max_pool(flipped, 3, 1, "same", "channels_last")
        grown = keras.ops.convert_to_numpy(grown)
        share = rng.uniform(0, 1 if sign > 0 else 0.6, (quarter, 1, 1, 1))
        mixed = flipped + share.astype("float32") * (grown - flipped)
        ink[start : start + quarter] = mixed if sign > 0 else 1 - mixed
    return ink


def _place(ink, rng, hard, aside=False):
    """Draws each glyph somewhere in the picture; `aside`: half outside it."""
    n, side = len(ink), ink.shape[1]
    tilt = np.deg2rad(rng.uniform(-30, 30, n) * hard)
    height = rng.uniform(48 - 20 * hard, 62, n)
    stretch = np.exp(rng.normal(0, 0.14, n))
    shear = rng.normal(0, 0.18 * hard, n)
    scale_x, scale_y = side / height * stretch, side / height / stretch
    a, b = scale_x * np.cos(tilt), scale_x * np.sin(tilt)
    c, d = -scale_y * np.sin(tilt), scale_y * np.cos(tilt)
    a, b = a + shear * c, b + shear * d
    room = np.maximum(2, (SIDE - height) / 2 + 2)
    to = rng.uniform(-1, 1, (2, n)) * room
    if aside:
        angle = rng.uniform(0, 2 * np.pi, n)
        to = np.stack([np.cos(angle), np.sin(angle)]) * (SIDE / 2 + height / 3)
    x0, y0 = SIDE / 2 + to[0], SIDE / 2 + to[1]
    bend = rng.normal(0, 0.0015, (2, n)) * (not aside)
    rows = [a, b, side / 2 - a * x0 - b * y0, c, d, side / 2 - c * x0 - d * y0, *bend]
    canvas = np.zeros((n, SIDE, SIDE, 1), "float32")
    canvas[:, :side, :side] = ink
    placed = keras.ops.image.affine_transform(
        canvas, np.stack(rows, 1).astype("float32"), data_format="channels_last"
    )
    return np.array(keras.ops.convert_to_numpy(placed))


def _soften(ink, rng):
    """Pens, blots and coarse scans: blur, then more or less contrast again."""
    quarter = len(ink) // 4
    for start, reach in ((0, rng.choice([3, 5])), (quarter, rng.choice([5, 7]))):
        part = ink[start : start + quarter]
        for _ in range(2):
            part = keras.ops.average_pool(part, reach, 1, "same", "channels_last")
        part = keras.ops.convert_to_numpy(part)
        peak = part.max((1, 2, 3), keepdims=True) + 1e-3
        gain = np.exp(rng.uniform(0, 1.6, (quarter, 1, 1, 1))).astype("float32")
        middle = rng.uniform(0.3, 0.5, (quarter, 1, 1, 1)).astype("float32")
        ink[start : start + quarter] = 0.5 + (part / peak - middle) * gain
    return np.clip(ink, 0, 1)


def _colour(glyph, neighbour, rng, hard):
    """Ink, paper, shading, texture, a ruled line at times, a little noise."""
    n = len(glyph)
    paper, pen, other = (rng.random((n, 1, 1, 3), "float32") for _ in range(3))
    gap = (pen - paper).mean(3, keepdims=True)
    sign = np.where(gap >= 0, 1, -1).astype("float32")
    lack = np.maximum(0, 0.6 - 0.32 * hard - np.abs(gap)) * sign
    paper, pen = paper - lack / 2, pen + lack / 2
    coarse = rng.normal(0, 0.07 * hard, (n, 8, 8, 3)).astype("float32")
    texture = coarse.repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
    texture *= rng.random((n, 1, 1, 1), "float32")
    slope = rng.normal(0, 0.12 * hard, (2, n, 1, 1, 1)).astype("float32")
    ramp = np.linspace(-1, 1, SIDE, dtype="float32")
    shade = slope[0] * ramp[None, :, None, None] + slope[1] * ramp[None, None, :, None]
    spacing = rng.integers(7, 24, (n, 1, 1, 1))
    rows = (np.arange(SIDE)[None, :, None, None] + spacing // 2) % spacing == 0
    ruled = rows * (rng.random((n, 1, 1, 1)) < 0.25 * hard) * 0.4
    picture = paper + texture
    picture = picture + ruled.astype("float32") * (other - picture)
    picture = picture + 0.8 * neighbour * (other - picture)
    picture = picture + glyph * (pen - picture) + shade
    noise = rng.standard_normal(picture.shape, "float32")
    picture += noise * (0.05 * rng.random((n, 1, 1, 1), "float32"))
    return np.round(np.clip(picture, 0, 1) * 255).astype("uint8")
