"""Drawings: strokes, pictures of them, and symbols that nobody has to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse.data import sketches, symbols

SIZE = (64, 64)
CORNER = [[[0.1, 0.1], [0.4, 0.1], [0.4, 0.3]]]


def ink(image):
    """Rows and columns that have ink on them: first and last of each."""
    where = np.argwhere(image[..., 0] < 128)
    return where.min(axis=0).tolist(), where.max(axis=0).tolist()


def test_a_picture_is_raw_pixels_dark_on_white():
    image = sketches.picture(CORNER, SIZE)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert image.min() < 40 and image.max() == 255
    assert (image[..., 0] == image[..., 2]).all()


def test_place_and_size_on_the_pad_do_not_matter():
    moved = [[[0.5 + 1.5 * x, 0.2 + 1.5 * y] for x, y in CORNER[0][:2]]]
    moved[0].append([0.5 + 1.5 * 0.4, 0.2 + 1.5 * 0.3])
    a, b = sketches.picture(CORNER, SIZE), sketches.picture(moved, SIZE)
    assert np.abs(a.astype(int) - b).mean() < 1


def test_the_drawing_is_in_the_middle_and_has_its_proportions():
    (top, left), (bottom, right) = ink(sketches.picture(CORNER, SIZE))
    assert abs(top + bottom - 63) <= 2 and abs(left + right - 63) <= 2
    assert right - left > bottom - top


def test_a_picture_that_is_wider_than_high_keeps_the_proportions():
    (top, left), (bottom, right) = ink(sketches.picture(CORNER, (40, 90)))
    assert left >= 25 and right <= 65
    assert sketches.picture(CORNER, (40, 90)).shape == (40, 90, 3)


def test_a_dot_is_a_dot():
    (top, left), (bottom, right) = ink(sketches.picture([[[0.9, 0.1]]], SIZE))
    assert 2 <= bottom - top <= 8 and 2 <= right - left <= 8


def test_every_stroke_is_drawn_and_they_are_not_joined():
    two = [[[0, 0], [0, 1]], [[1, 0], [1, 1]]]
    image = sketches.picture(two, SIZE)
    assert image[32, 9, 0] < 128 and image[32, 54, 0] < 128
    assert image[32, 20:44, 0].min() == 255


@pytest.mark.parametrize(
    "strokes",
    [
        [],
        [[]],
        None,
        7,
        "star",
        [[1, 2, 3]],
        [[[0.1, 0.2, 0.3]]],
        [[["a", "b"]]],
        [[[0.1, float("nan")]]],
        [[[0.1, 1e9]]],
        [[[0.5, 0.5]] * 60_000],
        [[[0.1, 0.2], [0.3]]],
    ],
    ids=lambda strokes: repr(strokes)[:30],
)
def test_what_is_no_drawing_is_refused(strokes):
    with pytest.raises(ValueError, match="Expected strokes.*Received"):
        sketches.picture(strokes, SIZE)


@pytest.mark.parametrize("size", [(4, 64), (64,), (64.5, 64)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="Expected `size`.*Received"):
        sketches.picture(CORNER, size)


points = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(points, min_size=1, max_size=6), min_size=1, max_size=4))
def test_any_drawing_leaves_ink_and_a_white_edge(strokes):
    image = sketches.picture(strokes, SIZE)
    assert image.min() < 128
    edge = np.concatenate([image[[0, -1]].ravel(), image[:, [0, -1]].ravel()])
    assert edge.min() == 255


@pytest.mark.parametrize("name", symbols.SYMBOLS)
def test_a_symbol_is_drawn_a_little_different_each_time(name):
    one, two = symbols.sketch(name, 0), symbols.sketch(name, 1)
    assert one == symbols.sketch(name, 0) != two
    assert len(one) == len(symbols.SYMBOLS[name])
    assert all(0 <= n <= 1 for stroke in one for point in stroke for n in point)
    assert sketches.picture(one, SIZE).min() < 128


def test_an_unknown_symbol_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="star, spiral.*Received: 'moon'"):
        symbols.sketch("moon")


def test_one_number_is_no_list_of_seeds():
    with pytest.raises(ValueError, match=r"such as range\(4\).*Received: 4"):
        symbols.draw("house", 4, (64, 64))
