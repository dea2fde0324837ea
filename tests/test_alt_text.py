"""The words of a figure, for those who do not see it; see test_plots.py, too."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import tlcourse
from tlcourse import plots
from tlcourse.plots.alt_text import describe


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def bars_side_by_side():
    _, ax = plt.subplots()
    ax.bar([0, 1], [0.5, 0.25], label="tuned")
    ax.set_xticks([0, 1], ["x", "y"])
    return ax


def points_and_a_note():
    _, ax = plt.subplots()
    ax.scatter([1, 2, 3], [1, 2, 3])
    ax.text(1, 1, "un\nfrozen")
    return ax


def a_title_on_the_left():
    ax = plots.bars({"a": 1})
    ax.set_title("Left", loc="left")
    return ax


WORDS = {
    lambda: plots.bars({"a": 1, "b": 2000}, "Costs", "seconds"): (
        "Costs. Across: seconds. a: 1; b: 2,000."
    ),
    lambda: plots.bars({"a": 1}, "How many?"): "How many? a: 1.",
    a_title_on_the_left: "Left. a: 1.",
    bars_side_by_side: "tuned, x: 0.5; y: 0.25.",
    points_and_a_note: "3 points. In it the words un frozen.",
    lambda: plots.tiles(np.zeros((20, 4, 4)), [f"n{k}" for k in range(20)]): (
        f"20 pictures with the words {', '.join(f'n{k}' for k in range(12))}, "
        "and 8 more."
    ),
    lambda: plots.learning_rate_curve([0.001, 0.01], [[0.5], [0.5]], 0.8, "Hill"): (
        "Hill. Across: learning rate, logarithmic; up: accuracy on held-out images. "
        "tuned: 0.5 at 0.001, 0.5 at 0.01; frozen head: 0.8."
    ),
    lambda: plots.grid([[0.1, 0.2]], ["head"], [5, 10], "Grid"): (
        "Grid. Across: labels per class; up: what trains. "
        "row head: 0.100 * at 5, 0.200 * at 10."
    ),
    lambda: plots.confusion([0, 1, 1], [1, 1, 1], ["16", "7"], "Errors"): (
        "Errors. Across: predicted; up: true. row 16: 1 at 7; row 7: 2 at 7."
    ),
    lambda: plots.curves(
        {"short": {"loss": [3, 1]}, "long": {"loss": [*range(20), 5]}}, "loss"
    ): (
        "Across: epoch; up: loss. short: 3 at 1, 1 at 2; "
        "long: from 0 at 1 to 5 at 21, lowest 0, highest 19."
    ),
}


@pytest.mark.parametrize("draw, words", WORDS.items(), ids=WORDS.values())
def test_a_figure_says_its_title_axes_and_numbers(draw, words):
    assert describe(draw().figure) == words


def test_each_part_of_a_figure_is_described():
    figure, axes = plt.subplots(1, 2)
    plots.bars({"a": 1}, "Left", ax=axes[0])
    plots.bars({"b": 2}, "Right", ax=axes[1])
    assert describe(figure) == "Left. a: 1. Right. b: 2."
    assert describe(plt.figure()) == "An empty figure."


def test_jupyter_gets_the_picture_with_its_words_after_start(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    ax = plots.bars({"<a>": 1}, "Costs")
    before, _ = shell.display_formatter.format(ax.figure)
    tlcourse.start()
    data, metadata = shell.display_formatter.format(ax.figure)
    assert "text/html" not in before
    assert data["text/html"].startswith('<img alt="Costs. &lt;a&gt;: 1." src="data:')
    assert metadata["image/png"] == {"alt": "Costs. <a>: 1."}
