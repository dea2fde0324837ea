"""Drawings: strokes, pictures of them, and symbols that nobody has to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse.data import sketches, symbols

SIZE = (64, 64)
CORNER = [[[0.1, 0.1], [0.4, 0.1], [0.4, 0.3]]]


def ink(image):
    """First and last row, then first and last column, that have ink on them."""
    where = np.argwhere(image[..., 0] < 128)
    return [*where[:, 0][[0, -1]], where[:, 1].min(), where[:, 1].max()]


def test_place_and_size_on_the_pad_do_not_matter():
    moved = [[[0.5 + 1.5 * x, 0.2 + 1.5 * y] for x, y in CORNER[0]]]
    a, b = sketches.draw(CORNER, SIZE), sketches.draw(moved, SIZE)
    assert np.abs(a.astype(int) - b).mean() < 1


@pytest.mark.parametrize("size", [SIZE, (40, 90)])
def test_the_drawing_is_in_the_middle_and_has_its_proportions(size):
    image = sketches.draw(CORNER, size)
    top, bottom, left, right = ink(image)
    assert image.shape == (*size, 3) and image.dtype == np.uint8
    assert image.min() < 40 and image.max() == 255  # dark on white
    assert (image[..., 0] == image[..., 2]).all()
    assert abs(top + bottom - size[0] + 1) <= 2 and abs(left + right - size[1] + 1) <= 2
    assert bottom - top < right - left < 0.85 * size[0]


def test_strokes_are_not_joined_and_a_dot_is_a_dot():
    image = sketches.draw([[[0, 0], [0, 1]], [[1, 0], [1, 1]]], SIZE)
    assert image[32, 9, 0] < 128 and image[32, 54, 0] < 128
    assert image[32, 20:44, 0].min() == 255
    top, bottom, left, right = ink(sketches.draw([[[0.9, 0.1]]], SIZE))
    assert 2 <= bottom - top <= 8 and 2 <= right - left <= 8


NO_DRAWINGS = [[], [[]], None, "star", [[1, 2, 3]], [[[0.1, 0.2, 0.3]]]]
NO_DRAWINGS += [[[["a", "b"]]], [[[0.1, float("nan")]]], [[[0.1, 1e9]]]]


def test_what_is_no_drawing_no_size_or_no_symbol_is_refused():
    for strokes in NO_DRAWINGS:
        with pytest.raises(ValueError, match="Expected strokes.*Received"):
            sketches.draw(strokes, SIZE)
    for size in ((4, 64), (64,), (64.5, 64)):
        with pytest.raises(ValueError, match="Expected `size`.*Received"):
            sketches.draw(CORNER, size)
    with pytest.raises(ValueError, match="star, spiral.*Received: 'moon'"):
        symbols.sketch("moon")
    with pytest.raises(ValueError, match=r"such as range\(4\).*Received: 4"):
        symbols.draw("house", 4, SIZE)


points = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(points, min_size=1, max_size=6), min_size=1, max_size=4))
def test_any_drawing_leaves_ink_and_a_white_edge(strokes):
    image = sketches.draw(strokes, SIZE)
    assert image.min() < 128
    assert image[[0, -1]].min() == image[:, [0, -1]].min() == 255


def test_symbols_become_a_dataset_each_drawn_a_little_different():
    dataset = symbols.dataset(range(2), SIZE)
    assert dataset.class_names == tuple(symbols.SYMBOLS)
    assert dataset.labels.tolist() == np.repeat(range(8), 2).tolist()
    for k, name in enumerate(symbols.SYMBOLS):
        one, two = symbols.sketch(name, 0), symbols.sketch(name, 1)
        assert one == symbols.sketch(name, 0) != two
        assert all(0 <= n <= 1 for stroke in one for point in stroke for n in point)
        drawn = sketches.draw(two, SIZE)
        np.testing.assert_array_equal(dataset.images[2 * k + 1], drawn)


@pytest.mark.parametrize("size", [SIZE, (96, 80)])
def test_symbols_on_paper_have_colours_of_their_own_and_are_the_same_each_time(size):
    pictures = symbols.on_paper("cup", range(4), size)
    assert pictures.shape == (4, *size, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, symbols.on_paper("cup", range(4), size))
    corners = pictures[:, 0, 0].astype(int)
    for k in range(4):
        others = np.delete(corners, k, axis=0)
        assert np.abs(others - corners[k]).max(axis=1).min() > 10
