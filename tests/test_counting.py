"""Counting digits: what the pictures of the far task hold, and what is refused."""

import numpy as np
import pytest
from scipy import ndimage

from tlcourse import data
from tlcourse.data import counting


def test_every_class_is_as_frequent_as_the_others():
    found = data.load_counting(60)
    assert found.images.shape == (60, 64, 64, 3) and found.images.dtype == np.uint8
    assert np.bincount(found.labels).tolist() == [10] * 6
    assert found.class_names[0] == "one" and found.class_names[5] == "six"


def test_a_seed_gives_the_same_pictures_and_another_seed_others():
    one, same, other = (data.load_counting(6, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.images, same.images)
    assert np.array_equal(one.labels, same.labels)
    assert not np.array_equal(one.images, other.images)


def test_parts_share_no_scan_and_together_have_all():
    parts = [counting._scans(part) for part in counting.PARTS]
    assert [len(part) for part in parts] == [898, 450, 449]
    train, _, test = ({scan.tobytes() for scan in part} for part in parts)
    assert not train & test


def test_as_many_digits_as_the_label_says_are_on_the_paper(monkeypatch):
    rng = np.random.default_rng(0)
    for how_many in range(1, 7):
        spots = counting._spots(how_many, rng)
        gaps = np.linalg.norm(spots[:, None] - spots, axis=-1)
        assert len(spots) == how_many
        assert (gaps[np.triu_indices(how_many, 1)] > counting.APART).all()
    dot = np.pad(np.ones((1, 2, 2)), [(0, 0), (3, 3), (3, 3)])  # dots can be counted
    monkeypatch.setattr(counting, "_scans", lambda part: dot)
    drawn = data.load_counting(24)
    for image, label in zip(drawn.images.astype(int), drawn.labels, strict=True):
        ink = np.abs(image - np.median(image, axis=(0, 1))).sum(axis=-1) > 60
        assert ndimage.label(ndimage.binary_opening(ink))[1] == label + 1


def test_pictures_come_in_the_size_of_any_base():
    large = data.load_counting(2, size=96).images
    assert large.shape == (2, 96, 96, 3) and large.std() > 10


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"part": "exam"}, "one of train, validation, test. Received: 'exam'"),
        ({"n": 0}, "`n`, a whole number"),
        ({"seed": -1}, "`seed`, a whole number"),
        ({"size": 8}, "`size`, a whole number, at least 32"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, expected):
    with pytest.raises(ValueError, match=expected):
        data.load_counting(**{"n": 2, **options})
