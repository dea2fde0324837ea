"""Every figure draws on the axes that it is given, returns them, and has words."""

import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from tlcourse import plots
from tlcourse.plots import alt_text
from tlcourse.plots.images import normalise

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (5, 8, 8, 3), "uint8")
CHANCES = RNG.dirichlet(np.ones(2), 5)
ICONS = RNG.integers(0, 256, (2, 6, 6), "uint8")
LOSSES = {"loss": [1, 2]}
FORMULAS = (r"$\foo$", "a_$x$_b", r"\$5")


def network(name):
    """What the figures read of a network of the catalogue and of a stage."""
    return types.SimpleNamespace(
        name=name, millions=3, top1=70, year=2015, parameters=1e6, size=7
    )


# Each public function, drawn on axes `ax` with the word `w` wherever it takes words.
CALLS = {
    "tiles": lambda w, ax: plots.tiles(PICTURES, [w] * 5, title=w, ax=ax),
    "tiles none": lambda w, ax: plots.tiles(PICTURES[:0], [], title=w, ax=ax),
    "tiles grey": lambda w, ax: plots.tiles(PICTURES[..., 0], title=w, ax=ax),
    "filters": lambda w, ax: plots.filters(RNG.normal(size=(3, 3, 3, 7)), 4, w, ax),
    "feature_maps": lambda w, ax: plots.feature_maps(np.eye(9)[None], 6, 3, w, ax),
    "top_answers": lambda w, ax: plots.top_answers(
        PICTURES, CHANCES, [w, "b"], None, 2, w, ax
    ),
    "top_answers icons": lambda w, ax: plots.top_answers(
        PICTURES, CHANCES, [w, "b"], ICONS, 2, w, ax
    ),
    "bars": lambda w, ax: plots.bars({w: 1, "b": 2000}, w, w, ax=ax),
    "bars log": lambda w, ax: plots.bars({w: 1, "b": 2000}, w, log=True, ax=ax),
    "catalogue": lambda w, ax: plots.catalogue([network(w)] * 2, ax),
    "stage_bars": lambda w, ax: plots.stage_bars(
        {w: [network(w)], "b": [network("c"), network("d")]}, w, ax
    ),
    "grid": lambda w, ax: plots.grid([[0.1, 0.2]], [w], [w, 10], w, ax),
    "confusion": lambda w, ax: plots.confusion([0, 1], [1, 1], [w, "b"], w, ax),
    "curves": lambda w, ax: plots.curves({w: LOSSES, "b": LOSSES}, "loss", w, ax),
    "steps_curve": lambda w, ax: plots.steps_curve([2, 1], 5, w, ax),
    "label_curves": lambda w, ax: plots.label_curves([1, 5], {w: np.eye(2)}, w, ax),
    "learning_rate_curve": lambda w, ax: plots.learning_rate_curve(
        [1e-3, 1e-2], np.full((2, 3), 0.5), 0.8, w, ax
    ),
    "loss_curves": lambda w, ax: plots.loss_curves({0.1: np.eye(2)}, None, w, ax),
}
every_figure = pytest.mark.parametrize("draw", CALLS.values(), ids=CALLS)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_table_above_has_every_public_function():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))}
    assert {name.split()[0] for name in CALLS} == functions


@every_figure
def test_it_draws_where_it_is_told_or_makes_a_figure_and_says_its_title(draw):
    _, given = plt.subplots()
    assert draw("word", given) is given
    for ax in (given, draw("word", None)):
        ax.figure.canvas.draw()
        words = alt_text.describe(ax.figure)
        assert ax.get_title() and words.startswith(ax.get_title())
        assert len(words.split()) >= 3


@every_figure
@pytest.mark.parametrize("word", FORMULAS)
def test_a_name_that_looks_like_a_formula_is_shown_as_text(draw, word):
    figure = draw(word, None).figure
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if word in text.get_text()]
    assert texts and not any(text.get_parse_math() for text in texts)


def test_curves_place_rare_looks_at_their_epochs():
    history = types.SimpleNamespace(
        epoch=list(range(10)), history={"val_accuracy": [0.1, 0.2]}
    )
    (line,) = plots.curves({"x": history}).lines
    assert line.get_xdata().tolist() == [5, 10]


def test_confusion_has_true_classes_in_rows_predicted_in_columns_and_no_zeros():
    ax = plots.confusion([0, 0, 1], [1, 1, 1], ["a", "b", "c"])
    cells = {(text.get_position(), text.get_text()) for text in ax.texts}
    assert cells == {((1, 0), "2"), ((1, 1), "1")}
    for axis in (ax.xaxis, ax.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["a", "b", "c"]


def test_maps_are_stretched_to_the_whole_range():
    maps = normalise(RNG.normal(size=(3, 4, 4)))
    assert maps.min(axis=(1, 2)).tolist() == [0] * 3
    assert maps.max(axis=(1, 2)).tolist() == [1] * 3
    assert (normalise(np.ones((1, 2, 2))) == 0).all()
