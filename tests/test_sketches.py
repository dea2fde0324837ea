"""Drawings: strokes, pictures of them, and symbols that nobody has to draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse.data import sketches, symbols

SIZE = (64, 64)
CORNER = [[[0.1, 0.1], [0.4, 0.1], [0.4, 0.3]]]


def ink(strokes, size=SIZE):
    """First and last row, then first and last column, that have ink on them."""
    where = np.argwhere(sketches.draw(strokes, size)[..., 0] < 128)
    return [*where[:, 0][[0, -1]], where[:, 1].min(), where[:, 1].max()]


def test_place_and_size_on_the_pad_do_not_matter():
    moved = [[[0.5 + 1.5 * x, 0.2 + 1.5 * y] for x, y in CORNER[0]]]
    a, b = sketches.draw(CORNER, SIZE), sketches.draw(moved, SIZE)
    assert np.abs(a.astype(int) - b).mean() < 1


@pytest.mark.parametrize("size", [SIZE, (40, 90)])
def test_the_drawing_is_in_the_middle_and_has_its_proportions(size):
    top, bottom, left, right = ink(CORNER, size)
    image = sketches.draw(CORNER, size)
    assert image.shape == (*size, 3) and image.dtype == np.uint8
    assert image.min() < 40 and image.max() == 255  # dark on white
    assert (image[..., 0] == image[..., 2]).all()
    assert abs(top + bottom - size[0] + 1) <= 2 and abs(left + right - size[1] + 1) <= 2
    assert bottom - top < right - left < 0.85 * size[0]


def test_strokes_are_not_joined_and_a_dot_is_a_dot():
    image = sketches.draw([[[0, 0], [0, 1]], [[1, 0], [1, 1]]], SIZE)
    assert image[32, 9, 0] < 128 and image[32, 54, 0] < 128
    assert image[32, 20:44, 0].min() == 255
    top, bottom, left, right = ink([[[0.9, 0.1]]])
    assert 2 <= bottom - top <= 8 and 2 <= right - left <= 8


NO_DRAWINGS = [[], [[]], None, 7, "star", [[1, 2, 3]], [[[0.1, 0.2, 0.3]]]]
NO_DRAWINGS += [[[["a", "b"]]], [[[0.1, float("nan")]]], [[[0.1, 1e9]]]]
NO_DRAWINGS += [[[[0.5, 0.5]] * 60_000], [[[0.1, 0.2], [0.3]]]]


@pytest.mark.parametrize("strokes", NO_DRAWINGS, ids=lambda strokes: str(strokes)[:30])
def test_what_is_no_drawing_is_refused(strokes):
    with pytest.raises(ValueError, match="Expected strokes.*Received"):
        sketches.draw(strokes, SIZE)


@pytest.mark.parametrize("size", [(4, 64), (64,), (64.5, 64)])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match="Expected `size`.*Received"):
        sketches.draw(CORNER, size)


points = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(points, min_size=1, max_size=6), min_size=1, max_size=4))
def test_any_drawing_leaves_ink_and_a_white_edge(strokes):
    image = sketches.draw(strokes, SIZE)
    assert image.min() < 128
    assert image[[0, -1]].min() == image[:, [0, -1]].min() == 255


@pytest.mark.parametrize("name", symbols.SYMBOLS)
def test_a_symbol_is_drawn_a_little_different_each_time(name):
    one, two = symbols.sketch(name, 0), symbols.sketch(name, 1)
    assert one == symbols.sketch(name, 0) != two
    assert len(one) == len(symbols.SYMBOLS[name])
    assert all(0 <= n <= 1 for stroke in one for point in stroke for n in point)


def test_symbols_become_a_dataset_of_one_class_each():
    dataset = symbols.dataset(range(2), SIZE, ("cup", "star"))
    assert dataset.class_names == ("cup", "star")
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    star = sketches.draw(symbols.sketch("star", 1), SIZE)
    np.testing.assert_array_equal(dataset.images[3], star)


def test_unknown_symbols_and_a_single_seed_are_refused():
    with pytest.raises(ValueError, match="star, spiral.*Received: 'moon'"):
        symbols.sketch("moon")
    with pytest.raises(ValueError, match=r"such as range\(4\).*Received: 4"):
        symbols.draw("house", 4, (64, 64))
