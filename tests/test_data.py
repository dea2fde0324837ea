"""Images and labels: what is accepted, what is refused, how it is split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlcourse import data
from tlcourse.data import Dataset, glyphs


def dataset(labels, side=8):
    labels = np.asarray(labels, "int64")
    images = np.arange(len(labels), dtype="uint8")[:, None, None, None]
    images = np.broadcast_to(images, (len(labels), side, side, 3))
    return Dataset(images, labels, ("a", "b", "c"))


def test_labels_and_images_of_different_length_are_refused():
    images = np.zeros((3, 8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="3 images and 2 labels"):
        Dataset(images, np.zeros(2, "int64"), ("a",))


def test_labels_without_a_class_name_are_refused():
    with pytest.raises(ValueError, match=r"from 0 to 2 .* Received: 0 to 3"):
        dataset([0, 3])


@pytest.mark.parametrize("labels", [np.zeros(2), np.zeros((2, 1), "int64")])
def test_labels_that_are_no_positions_are_refused(labels):
    with pytest.raises(ValueError, match="labels of integers"):
        Dataset(np.zeros((2, 8, 8, 3), "uint8"), labels, ("a",))


@pytest.mark.parametrize("shape", [(8, 8, 3), (2, 8, 8), (2, 8, 8, 1), (2, 3, 8, 8)])
def test_images_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(n, height, width, 3\)"):
        data.check_images(np.zeros(shape, "uint8"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_images_in_another_range_are_refused_with_the_cure(dtype):
    images = np.ones((2, 8, 8, 3), dtype)
    with pytest.raises(ValueError, match=r"uint8, 0 to 255.* 1 to 1.*\* 255"):
        data.check_images(images)


SCALED = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)) / 255
SCALED[:, 0, 0], SCALED[:, 1, 1] = 1, 0


@pytest.mark.parametrize("scaled", [SCALED, SCALED * 2 - 1, SCALED[:1]])
def test_pixels_scaled_and_then_cut_to_integers_are_refused(scaled):
    cut = scaled.astype("int64").astype("uint8")  # as numpy wraps -1 to 255
    with pytest.raises(ValueError, match=r"Received: images of the values .*1.* alone"):
        data.check_images(cut)


@pytest.mark.parametrize(
    "values", [(0,), (1,), (255,), (0, 255), (0, 2), (0, 1, 2), (254, 255), (1, 254)]
)
def test_dark_white_and_black_on_white_pictures_are_legitimate(values):
    images = np.resize(np.array(values, "uint8"), (2, 8, 8, 3))
    data.check_images(images)


def test_one_black_picture_among_others_is_legitimate():
    images = np.full((3, 8, 8, 3), 90, "uint8")
    images[0] = np.arange(3) % 2
    data.check_images(images)
    data.check_images(np.zeros((0, 8, 8, 3), "uint8"))


def test_something_that_is_no_array_is_refused():
    with pytest.raises(ValueError, match="Received"):
        data.check_images("flower.jpg")


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 2), min_size=6, max_size=60),
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    seed=st.integers(0, 5),
)
def test_parts_of_a_split_are_disjoint_and_of_the_size_asked_for(labels, sizes, seed):
    whole = dataset(labels)
    if sum(sizes) > len(whole):
        with pytest.raises(ValueError, match="at least"):
            data.split(whole, sizes, seed)
        return
    parts = data.split(whole, sizes, seed)
    assert [len(part) for part in parts] == sizes
    seen = np.concatenate([part.images[:, 0, 0, 0] for part in parts])
    assert len(set(seen.tolist())) == sum(sizes)


def test_a_split_keeps_the_classes_in_proportion():
    parts = data.split(dataset([0, 1, 2] * 20), [30, 15])
    assert [np.bincount(part.labels).tolist() for part in parts] == [[10] * 3, [5] * 3]


@settings(deadline=None)
@given(per_class=st.integers(1, 5), seed=st.integers(0, 20))
def test_few_draws_the_same_number_of_each_class(per_class, seed):
    few = dataset([0, 1, 2] * 5).few(per_class, seed)
    assert np.bincount(few.labels).tolist() == [per_class] * 3
    assert len(set(few.images[:, 0, 0, 0].tolist())) == 3 * per_class


def test_another_seed_is_another_draw_and_the_same_seed_the_same():
    whole = dataset([0, 1, 2] * 20)
    first, again, other = (whole.few(4, seed).images for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("per_class", [0, 3])
def test_more_of_a_class_than_there_are_is_refused(per_class):
    with pytest.raises(ValueError, match="from 1 to 2"):
        dataset([0, 0, 0, 1, 1, 2, 2]).few(per_class)


def test_describe_names_shape_type_and_range():
    assert dataset([0, 1, 2]).describe() == (
        "images (3, 8, 8, 3) uint8 from 0 to 2, labels (3,), 3 classes"
    )


def test_the_digits_are_the_same_at_every_call_and_differ_by_seed():
    first, again, other = (data.load_digits(seed=seed) for seed in (0, 0, 1))
    assert first.images.shape == (1797, 64, 64, 3)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert np.array_equal(first.labels, other.labels)


def test_plain_digits_are_grey_and_dark_on_white():
    digits = data.load_digits(paper=False).take(slice(0, 20))
    assert np.array_equal(digits.images[..., 0], digits.images[..., 2])
    assert (digits.images[:, 0, 0] == 255).all()
    assert (digits.images.min(axis=(1, 2, 3)) < 50).all()


def test_ink_and_paper_can_be_told_apart():
    rng = np.random.default_rng(0)
    for _ in range(50):
        pen, paper = glyphs._two_colours(rng)
        assert abs(pen.mean() - paper.mean()) > 0.3


def test_no_digit_and_no_look_alike_is_among_the_bases_classes():
    names = set(glyphs.load_glyph_archive().class_names)
    assert not names & set("0123456789oOlIiSsBZzgqbQD|٠١٢٣٤٥٦٧٨٩零一二三")
    assert len(names) >= 150


def test_unseen_and_training_characters_come_from_different_fonts():
    archive = glyphs.load_glyph_archive()
    parts = archive.part("training"), archive.part("unseen")
    assert sum(len(part.labels) for part in parts) == len(archive.labels)
    for part in parts:
        assert len(np.unique(part.labels)) == len(archive.class_names)


def test_glyphs_are_drawn_like_the_digits():
    glyphs = data.load_glyphs(5)
    assert glyphs.images.shape == (5, 64, 64, 3)
    assert glyphs.images.dtype == np.uint8


def test_an_image_is_cut_to_its_centre_and_scaled():
    image = np.zeros((10, 30, 3), "uint8")
    image[:, 10:20] = 200
    cut = data.fit(image, (5, 5))
    assert cut.shape == (5, 5, 3)
    assert cut.min() > 150  # the dark sides are gone
    assert data.fit(image, (10, 30)) is image


def test_a_dataset_that_is_not_on_disk_is_named_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="`tf_flowers`.*TFDS_DATA_DIR"):
        data.load_tfds("tf_flowers", (224, 224))
