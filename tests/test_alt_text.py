"""Every figure of the course has words for those who do not see it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from test_plots import CALLS

import tlcourse
from tlcourse import plots
from tlcourse.plots import alt_text


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words(ax):
    return alt_text.describe(ax.figure)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_plot_says_its_title_and_more(call):
    ax = call(None)
    said = words(ax)
    assert said.startswith(ax.get_title())
    assert len(said.split()) >= 3


def test_bars_say_their_names_and_numbers():
    ax = plots.bars({"a": 1, "b": 2000}, "Costs", "seconds")
    assert words(ax) == "Costs. Across: seconds. a: 1; b: 2,000."


def test_a_title_may_be_a_question():
    assert words(plots.bars({"a": 1}, "How many?")) == "How many? a: 1."


def test_bars_side_by_side_say_whose_they_are():
    _, ax = plt.subplots()
    ax.bar([0, 1], [0.5, 0.25], label="tuned")
    ax.set_xticks([0, 1], ["x", "y"])
    assert words(ax) == "tuned, x: 0.5; y: 0.25."


def test_a_short_line_says_its_points_and_a_long_one_how_it_runs():
    lines = {"short": {"loss": [3, 1]}, "long": {"loss": [*range(20), 5]}}
    said = words(plots.curves(lines, "loss", "Training"))
    assert "short: 3 at 1, 1 at 2; " in said
    assert "long: from 0 at 1 to 5 at 21, lowest 0, highest 19." in said


def test_error_bars_are_said_once_and_rules_by_their_name():
    said = words(plots.rate_curve([0.001, 0.01], np.full((2, 3), 0.5), 0.8, "Hill"))
    assert said.endswith("tuned: 0.5 at 0.001, 0.5 at 0.01; frozen head: 0.8.")
    assert "Across: learning rate, logarithmic" in said


def test_tables_are_read_row_by_row():
    said = words(plots.grid([[0.1, 0.2]], ["head"], [5, 10], "Grid"))
    assert said.endswith("row head: 0.100 * at 5, 0.200 * at 10.")
    said = words(plots.confusion([0, 1, 1], [1, 1, 1], ["16", "7"], "Errors"))
    assert said.endswith("row 16: 1 at 7; row 7: 2 at 7.")


def test_long_lists_end_early():
    said = words(plots.tiles(np.zeros((20, 4, 4)), [f"n{k}" for k in range(20)]))
    assert said == (
        "20 pictures with the words "
        + ", ".join(f"n{k}" for k in range(12))
        + ", and 8 more."
    )


def test_points_and_notes_are_counted_and_read():
    _, ax = plt.subplots()
    ax.scatter([1, 2, 3], [1, 2, 3])
    ax.text(1, 1, "un\nfrozen")
    assert words(ax) == "3 points. In it the words un frozen."


def test_each_part_of_a_figure_is_described():
    figure, axes = plt.subplots(1, 2)
    plots.bars({"a": 1}, "Left", ax=axes[0])
    plots.bars({"b": 2}, "Right", ax=axes[1])
    assert alt_text.describe(figure) == "Left. a: 1. Right. b: 2."
    assert alt_text.describe(plt.figure()) == "An empty figure."


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
