"""What the shipped base can do: the figures that the course rests on."""

import pytest

from data.making import base
from tlcourse import data, training
from tlcourse.course import load_track

COUNTS = [1, 5, 10]


@pytest.fixture(scope="module")
def track():
    return load_track("glyphs")


def sweep(track, kind, draws=5):
    """Mean accuracy of a linear probe, at 1, 5 and 10 labels per class."""
    digits = data.load_digits()
    pool, _, held_out = data.split(digits, [597, 300, 900])
    pairs = [(training.vectors(track, part, kind), part) for part in (pool, held_out)]
    return training.probe_sweep(*pairs, COUNTS, draws).mean(axis=1)


def test_it_knows_its_classes_in_fonts_that_it_never_saw(track):
    unseen = data.load_glyph_archive().part("unseen")
    model, names = track.build_complete()
    assert len(names) >= 150
    # With rotation, scale, shear, colour, shade and clutter, as in the training.
    assert base.evaluate(model.layers[-1], unseen, n_batches=30) >= 0.85


@pytest.mark.slow  # a sweep over what ships and does not change
def test_its_features_classify_digits_on_paper_from_a_few_labels(track):
    trained = sweep(track, "features")
    assert (trained >= [0.57, 0.83, 0.87]).all()
    for control in ("random", "pixels"):
        assert (sweep(track, control, draws=1) < 0.25).all()


def test_the_shipped_control_from_scratch_is_above_guessing_with_many_labels(track):
    counts = [1, 5, 10, 20, 50]
    table = training.shipped_scratch(track, counts)["from scratch"]
    assert table.shape == (5, 3)
    assert (table >= 0.05).all() and (table <= 1).all()
    assert table[-1].mean() > 0.3
