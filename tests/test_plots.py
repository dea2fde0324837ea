"""Every figure draws on the axes that it is given, and returns them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tlcourse import bases, plots

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (5, 8, 8, 3), "uint8")
CHANCES = RNG.dirichlet(np.ones(4), 5)
ICONS = RNG.integers(0, 256, (4, 6, 6), "uint8")
CALLS = {
    "tiles": lambda ax: plots.tiles(PICTURES, list("abcde"), title="t", ax=ax),
    "none": lambda ax: plots.tiles(PICTURES[:0], [], title="t", ax=ax),
    "grey": lambda ax: plots.tiles(PICTURES[..., 0], title="t", ax=ax),
    "filters": lambda ax: plots.filters(RNG.normal(size=(3, 3, 3, 7)), 4, "t", ax),
    "maps": lambda ax: plots.feature_maps(RNG.normal(size=(4, 4, 9)), 6, 3, "t", ax),
    "bars": lambda ax: plots.bars({"a": 1, "b": 2000}, "t", "seconds", ax=ax),
    "catalogue": lambda ax: plots.catalogue(bases.CATALOGUE.values(), ax=ax),
    "curves": lambda ax: plots.curves({"x": {"loss": [1, 2]}}, "loss", "t", ax=ax),
    "labels": lambda ax: plots.label_curves([1, 5], {"x": np.eye(2)}, "t", ax=ax),
    "confusion": lambda ax: plots.confusion([0, 1], [1, 1], ["a", "b"], "t", ax=ax),
    "names": lambda ax: plots.top_answers(PICTURES, CHANCES, "abcd", None, 3, "t", ax),
    "icons": lambda ax: plots.top_answers(PICTURES, CHANCES, "abcd", ICONS, 3, "t", ax),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_draws_where_it_is_told_and_has_a_title(call):
    _, ax = plt.subplots()
    assert call(ax) is ax
    assert ax.get_title()
    ax.figure.canvas.draw()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_makes_a_figure_of_its_own_otherwise(call):
    call(None).figure.canvas.draw()


def test_curves_place_rare_looks_at_their_epochs():
    class History:
        epoch = list(range(10))
        history = {"val_accuracy": [0.1, 0.2]}

    (line,) = plots.curves({"x": History()}).lines
    assert line.get_xdata().tolist() == [5, 10]


def test_confusion_counts_true_in_rows_and_predicted_in_columns():
    ax = plots.confusion([0, 0, 1], [1, 1, 1], ["a", "b"])
    assert {(t.get_position(), t.get_text()) for t in ax.texts} == {
        ((1, 0), "2"),
        ((1, 1), "1"),
    }


def test_maps_are_stretched_to_the_whole_range():
    maps = plots.normalise(RNG.normal(size=(3, 4, 4)))
    assert maps.min(axis=(1, 2)).tolist() == [0] * 3
    assert maps.max(axis=(1, 2)).tolist() == [1] * 3
    assert (plots.normalise(np.ones((1, 2, 2))) == 0).all()
