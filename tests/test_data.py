"""Images and labels: what is accepted, what is refused, how it is split."""

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse import data
from tlcourse.data import Dataset, glyphs

ZEROS, LABELS = np.zeros((2, 8, 8, 3), "uint8"), np.zeros(2, int)


def dataset(labels):
    """Images of 8 x 8 pixels, each filled with its position."""
    labels = np.asarray(labels, "int64")
    images = np.arange(len(labels), dtype="uint8")[:, None, None, None]
    return Dataset(np.tile(images, (1, 8, 8, 3)), labels, ("a", "b", "c"))


SCALED = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)) / 255
SCALED[:, 0, 0], SCALED[:, 1, 1] = 1, 0


def as_bytes(images):
    return images.astype("int64").astype("uint8")  # NumPy wraps -1 to 255


@pytest.mark.parametrize(
    "images, labels, expected",
    [
        (ZEROS, np.zeros(3, int), r"shape \(2,\).* shape \(3,\)"),
        (ZEROS, np.array([0, 3]), "from 0 to 2 .* Received: 0 to 3"),
        (ZEROS, np.zeros(2), "labels of integers"),
        (ZEROS, np.zeros((2, 1), int), "labels of integers"),
        (ZEROS[0], LABELS, r"shape \(n, height, width, 3\).*image\[None\]"),
        (ZEROS[..., :1], LABELS, r"shape \(n, height, width, 3\).*np.repeat"),
        (ZEROS.transpose(0, 3, 1, 2), LABELS, r"shape \(n, height, width, 3\)"),
        ("flower.jpg", LABELS, "Received"),
        (ZEROS + np.float32(1), LABELS, r"uint8, 0 to 255.* 1 to 1.*\* 255"),
        (ZEROS.astype("int64") + 1, LABELS, r"uint8, 0 to 255.* 1 to 1.*\* 255"),
        (as_bytes(SCALED), LABELS, "of the values 0, 1 alone"),
        (as_bytes(SCALED * 2 - 1), LABELS, "values 0, 1, 255 alone"),
    ],
)
def test_what_is_no_raw_pixels_or_no_labels_is_refused(images, labels, expected):
    with pytest.raises(ValueError, match=expected):
        Dataset(images, labels, ("a", "b", "c"))


def test_dark_white_and_black_on_white_pictures_are_legitimate():
    for values in ((0,), (1,), (255,), (0, 255), (0, 2), (0, 1, 2), (1, 254)):
        data.check_images(np.resize(np.array(values, "uint8"), (2, 8, 8, 3)))
    images = np.full((3, 8, 8, 3), 90, "uint8")
    images[0] = np.arange(3) % 2  # as if scaled, but the others are not
    data.check_images(images)
    data.check_images(images[:0])


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 2), min_size=6, max_size=60),
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=4),
)
def test_parts_of_a_split_are_disjoint_and_of_the_size_asked_for(labels, sizes):
    given = dataset(labels)
    if sum(sizes) > len(given):
        with pytest.raises(ValueError, match="at least"):
            data.split(given, sizes)
        return
    parts = data.split(given, sizes)
    assert [len(part) for part in parts] == sizes
    seen = np.concatenate([part.images[:, 0, 0, 0] for part in parts])
    assert len(set(seen.tolist())) == sum(sizes)


def test_a_split_keeps_the_classes_in_proportion():
    parts = data.split(dataset([0] * 40 + [1] * 20), [30, 15])
    assert [np.bincount(part.labels).tolist() for part in parts] == [[20, 10], [10, 5]]


def test_few_draws_the_same_number_of_each_class_and_by_its_seed():
    given = dataset([0, 1, 2] * 20)
    first, same, other = (given.few(4, seed) for seed in (1, 1, 2))
    assert np.bincount(first.labels).tolist() == [4, 4, 4]
    assert len(set(first.images[:, 0, 0, 0].tolist())) == 12
    assert np.array_equal(first.images, same.images)
    assert not np.array_equal(first.images, other.images)
    shapes = "images (60, 8, 8, 3) uint8 from 0 to 59, labels (60,), 3 classes"
    assert given.describe() == shapes
    for per_class in (0, 21):
        with pytest.raises(ValueError, match="from 1 to 20"):
            given.few(per_class)


def test_the_digits_are_the_same_at_every_call_and_pen_differs_from_paper():
    digits = data.load_digits()
    assert digits.images.shape == (1797, 64, 64, 3)
    scans = sklearn.datasets.load_digits().images[:20] / 16
    same = glyphs.draw_on_paper(scans, np.random.default_rng(0))
    assert np.array_equal(digits.images[:20], same)
    for seed in range(20):
        pen, paper = (
            glyphs.draw_on_paper(ink, np.random.default_rng(seed))[0, 28:36, 28:36]
            for ink in (np.ones((1, 8, 8)), np.zeros((1, 8, 8)))
        )
        assert abs(pen.mean() - paper.mean()) > 0.2 * 255  # light clips a little


def test_glyphs_of_two_sets_of_fonts_hold_no_digit_and_no_look_alike():
    archive = data.load_glyph_archive()
    names = set(archive.class_names)
    assert not names & set("0123456789oOlIiSsBZzgqbQD|٠١٢٣٤٥٦٧٨٩零一二三")
    parts = archive.part("training"), archive.part("unseen")
    assert sum(len(part.labels) for part in parts) == len(archive.labels)
    for part in parts:
        assert len(np.unique(part.labels)) == len(names) >= 150
    drawn = data.load_glyphs(5)
    assert drawn.images.shape == (5, 64, 64, 3)
    assert drawn.class_names == archive.class_names
