"""Draws the strokes of a pad as raw pixels with Pillow."""

import numpy as np

from tlcourse.data.limits import check_size

PAPER, INK = 255, 20  # grey levels
MARGIN, WIDTH = 0.14, 0.07  # of the white edge and the pen, in sides of the picture
SMALLEST = 0.1  # of the pad: what is smaller is not enlarged any further
MOST_POINTS = 50_000
SCALE = 4  # drawn larger and scaled down, so that edges are smooth


def check_strokes(strokes):
    """Returns strokes as float arrays `(points, 2)`, empty ones left out.

    Raises `ValueError` if they are no drawing: points `(x, y)`, 0..1 from left to
    right and from top to bottom of the pad.
    """
    wanted = (
        "Expected strokes, a list of lists of points (x, y) between 0 and 1, at most "
        f"{MOST_POINTS:,} points in all."
    )
    try:
        found = [np.asarray(stroke, float) for stroke in strokes if len(stroke)]
    except (TypeError, ValueError) as error:
        received = type(strokes).__name__
        raise ValueError(f"{wanted} Received: {received}, {error}") from error
    for stroke in found:
        if stroke.ndim != 2 or stroke.shape[1] != 2:
            raise ValueError(f"{wanted} Received: a stroke of shape {stroke.shape}")
        if not np.isfinite(stroke).all() or stroke.min() < -1 or stroke.max() > 2:
            raise ValueError(f"{wanted} Received: a point far outside.")
    n = sum(map(len, found))
    if not 0 < n <= MOST_POINTS:
        raise ValueError(f"{wanted} Received: {n:,} points.")
    return found


def draw(strokes, size):
    """Draws strokes dark on white, in the middle, as large as there is room.

    So it does not matter where on the pad, and how large, somebody draws.

    Args:
        strokes: List of strokes, each a list of points `(x, y)`: 0..1 from left to
            right and from top to bottom of the pad.
        size: `(height, width)` of the picture, at least 8 pixels each.

    Returns:
        uint8 `(height, width, 3)`, 0..255.

    Raises:
        ValueError: If the strokes are no drawing, or the size is none.
    """
    from PIL import Image, ImageDraw

    strokes, side = check_strokes(strokes), _side(size)
    fine = side * SCALE
    paper = Image.new("L", (fine, fine), PAPER)
    pen, radius = ImageDraw.Draw(paper), WIDTH * fine / 2
    for stroke in _centre(strokes):
        points = [tuple(point) for point in stroke * fine]
        pen.line(points, fill=INK, width=round(2 * radius))
        for x, y in points:  # round joints and ends
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=INK)
    small = paper.resize((side, side), Image.Resampling.LANCZOS)
    grey = np.full(size, PAPER, "uint8")
    top, left = ((n - side) // 2 for n in size)
    grey[top : top + side, left : left + side] = small
    return np.repeat(grey[..., None], 3, axis=-1)


def _side(size):
    if min(check_size(size)) < 8:
        raise ValueError(
            f"Expected `size` (height, width), at least 8 pixels. Received: {size}"
        )
    return min(size)


def _centre(strokes):
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    span = max((high - low).max(), SMALLEST)
    scale = (1 - 2 * MARGIN) / span
    return [(stroke - (low + high) / 2) * scale + 0.5 for stroke in strokes]
