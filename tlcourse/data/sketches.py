"""Draws the strokes of a pad as raw pixels with Pillow."""

import reprlib

import numpy as np
from PIL import Image, ImageDraw

from tlcourse.data.checking import check_size

INK = 20  # grey level
MARGIN, WIDTH = 0.14, 0.07  # of the white edge and the pen, in sides of the picture
SMALLEST = 0.1  # of the pad: what is smaller is not enlarged any further
SCALE = 4  # drawn larger and scaled down, so that edges are smooth


def draw(strokes, size):
    """Draws strokes dark on white, in the middle, as large as there is room.

    So it does not matter where on the pad, and how large, somebody draws.

    Args:
        strokes: List of strokes, each a list of points `(x, y)`: 0..1 from left to
            right and from top to bottom of the pad.
        size: `(height, width)` of the picture, at least 8 pixels each.

    Returns:
        uint8 `(height, width, 3)`, 0..255.
    """
    strokes = _check_strokes(strokes)
    height, width = check_size(size, least=8)
    side = min(height, width)
    fine = side * SCALE
    paper = Image.new("L", (fine, fine), "white")
    pen, radius = ImageDraw.Draw(paper), WIDTH * fine / 2
    for stroke in _centre(strokes):
        points = [tuple(point) for point in stroke * fine]
        pen.line(points, fill=INK, width=round(2 * radius))
        for x, y in points:  # round joints and ends
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=INK)
    small = paper.resize((side, side), Image.Resampling.LANCZOS)
    picture = Image.new("RGB", (width, height), "white")
    picture.paste(small, ((width - side) // 2, (height - side) // 2))
    return np.array(picture)


def _check_strokes(strokes):
    """Returns strokes as float arrays `(points, 2)`, empty ones left out."""
    try:
        found = [np.asarray(stroke, float) for stroke in strokes if len(stroke)]
        points = np.concatenate(found)
        in_reach = ((points >= -1) & (points <= 2)).all()
        valid = points.shape == (len(points), 2) and in_reach
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            "Expected strokes, a list of lists of points (x, y) between 0 and 1. "
            f"Received: {reprlib.repr(strokes)}"
        )
    return found


def _centre(strokes):
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    span = max((high - low).max(), SMALLEST)
    scale = (1 - 2 * MARGIN) / span
    return [(stroke - (low + high) / 2) * scale + 0.5 for stroke in strokes]
