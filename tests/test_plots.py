"""Every figure draws on the axes that it is given, returns them, and has words."""

import io
import pathlib
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import tlcourse
from tlcourse import plots
from tlcourse.plots import alt_text, diagrams, style
from tlcourse.plots.style import legible
from tlcourse.yosinski import figures

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (5, 8, 8, 3), "uint8")
CHANCES = RNG.dirichlet(np.ones(2), 5)
ICONS = RNG.integers(0, 256, (2, 6, 6), "uint8")
LOSSES = {"loss": [1, 2]}


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
    "several_draws": lambda w, ax: plots.several_draws({w: np.eye(3)}, w, ax),
    "catalogue": lambda w, ax: plots.catalogue([network(w)] * 2, ax),
    "stage_bars": lambda w, ax: plots.stage_bars(
        {w: [network(w)], "b": [network("c"), network("d")]}, w, ax
    ),
    "grid": lambda w, ax: plots.grid([[0.1, 0.2]], [w], [w, 10], w, ax),
    "confusion": lambda w, ax: plots.confusion([0, 1], [1, 1], [w, "b"], w, ax),
    "curves": lambda w, ax: plots.curves({w: LOSSES, "b": LOSSES}, "loss", w, ax),
    "by_size": lambda w, ax: plots.by_size(
        {w: ([10, 100], np.array([[3.0, 4.0], [1.0, 2.0]]))}, 2.5, w, w, ax=ax
    ),
    "learning_rate_curve": lambda w, ax: plots.learning_rate_curve(
        [1e-3, 1e-2], np.full((2, 3), 0.5), w, ax
    ),
    "two_directions": lambda w, ax: plots.two_directions(np.eye(3), [0, 0, 1], w, ax),
    "loss_curves": lambda w, ax: plots.loss_curves({0.1: np.eye(2)}, None, w, ax),
}


def test_the_table_above_has_every_public_function():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))}
    assert {name.split()[0] for name in CALLS} == functions


# Neither formulas nor what a legend leaves out, no font has, or no figure has room for.
WORDS_AS_THEY_ARE = (
    "word",
    r"$\foo$ a_b^c 100 % {x} \$5",
    "_\x00\udcff\u202e\t",
    "x" * 300,
)


@pytest.mark.fault(18)
@pytest.mark.parametrize("draw", CALLS.values(), ids=CALLS)
def test_it_draws_where_it_is_told_says_its_title_and_shows_names_as_text(draw):
    _, given = plt.subplots()
    assert draw("word", given) is given
    for word in WORDS_AS_THEY_ARE:
        ax = draw(word, None)
        ax.figure.canvas.draw()
        words = alt_text.describe(ax.figure)
        assert ax.get_title() and words.startswith(ax.get_title())
        assert words.isprintable()
        assert len(words.split()) >= 3
        begins = legible(word)[:12]
        texts = [text for text in ax.figure.findobj(Text) if begins in text.get_text()]
        assert texts and not any(text.get_parse_math() for text in texts)


@pytest.mark.fault(18)
@pytest.mark.parametrize("name", ["_hidden", ""])
def test_a_legend_has_every_name(name):
    lines = {name: LOSSES, "b": LOSSES}
    bars = {name: [network("c")], "b": [network("d")]}
    for ax in (
        plots.curves(lines, "loss"),
        plots.stage_bars(bars),
    ):
        shown = [text.get_text().strip() for text in ax.get_legend().get_texts()]
        assert shown == [name, "b"]


def test_curves_place_rare_looks_at_their_epochs():
    history = types.SimpleNamespace(
        epoch=list(range(10)), history={"val_accuracy": [0.1, 0.2]}
    )
    (line,) = plots.curves({"x": history}).lines
    assert line.get_xdata().tolist() == [5, 10]


# The words of a figure


def points_and_a_note():
    _, ax = plt.subplots()
    ax.scatter([1, 2, 3], [1, 2, 3])
    ax.text(1, 1, "un\nfrozen")
    return ax


def two_parts():
    _, (left, right) = plt.subplots(1, 2)
    plots.bars({"a": 1}, "Left", ax=left)
    return plots.bars({"b": 2}, "Right", ax=right)


WORDS = {
    plt.figure: "An empty figure.",
    two_parts: "Left. a: 1. Right. b: 2.",
    lambda: plots.bars({"a": 1, "b": 2000}, "Costs", "seconds"): (
        "Costs. Across: seconds. a: 1; b: 2,000."
    ),
    lambda: plots.bars({"a": 1}, "How many?"): "How many? a: 1.",
    lambda: plots.bars({"a": 1}).set_title("Left", loc="left"): "Left. a: 1.",
    lambda: plt.bar(["x", "y"], [0.5, 0.25], label="tuned")[0]: (
        "tuned, x: 0.5; y: 0.25."
    ),
    points_and_a_note: "3 points. In it the words un frozen.",
    lambda: plots.tiles(np.zeros((20, 4, 4)), [f"n{k}" for k in range(20)]): (
        f"20 pictures with the words {', '.join(f'n{k}' for k in range(12))}, "
        "and 8 more."
    ),
    lambda: plots.learning_rate_curve([0.001, 0.01], [[5], [-8]], "Cliff"): (
        "Cliff. Across: learning rate, logarithmic; up: gain over the head, points. "
        "draw 1: 5 at 0.001, -8 at 0.01; mean: 5 at 0.001, -8 at 0.01; head: 0. "
        "In it the words the head alone."
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
    assert alt_text.describe(draw().figure) == words


def test_jupyter_gets_the_picture_with_its_words_after_start(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    ax = plots.bars({"<a>": 1}, "Costs")
    before, _ = shell.display_formatter.format(ax.figure)
    with plt.rc_context():
        tlcourse.start()
        assert plt.rcParams["figure.facecolor"] == "none"
    data, metadata = shell.display_formatter.format(ax.figure)
    assert "text/html" not in before
    assert data["text/html"].startswith('<img alt="Costs. &lt;a&gt;: 1." width=')
    assert metadata["image/png"] == {"alt": "Costs. <a>: 1."}


def test_the_lessons_ink_reads_on_a_light_and_on_a_dark_page():
    with plt.style.context(pathlib.Path(style.__file__).with_name("course.mplstyle")):
        names = ("text.color", "axes.edgecolor", "xtick.color")
        inks = [plt.rcParams[name] for name in names]
        assert plt.rcParams["figure.facecolor"] == "none"
    lines = {*style.COLOURS, *(each[1] for each in figures.STYLES.values())}
    for ink in {*inks, *lines} - {style.ORANGE}:  # its lines have markers, too
        share = np.array(to_rgb(ink))
        linear = np.where(share > 0.04, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
        light = linear @ [0.2126, 0.7152, 0.0722]
        assert 1.05 / (light + 0.05) > (4.2 if ink in inks else 2.2), ink
        assert (light + 0.05) / 0.0556 > (4.2 if ink in inks else 3), ink


def test_a_figure_is_shown_sharp_and_as_wide_as_it_was_made():
    figure, ax = plt.subplots(figsize=(4, 2))
    png, width = style.sharp_png(figure)
    assert 300 < width < 420
    assert plt.imread(io.BytesIO(png)).shape[1] in (2 * width, 2 * width + 1)


DIAGRAMS = {
    diagrams.transfer: (
        "The base is taken over, the head is new. large base dataset, base, top, base "
        "task, small target dataset, base, frozen, new head, target task, the base's "
        "weights are copied."
    ),
    diagrams.convolution: (
        "9 products, added up, make one number: 17. picture, ×, filter, feature map."
    ),
    diagrams.residual_block: (
        "Two roads through one block, and their sum. input, 1 x 1 narrows, 3 x 3 looks "
        "around, 1 x 1 widens, add, output, side road: the input, unchanged."
    ),
    diagrams.base_top_head: (
        "One base, and two ends that fit it. picture, stage 1, stage 2, stage 3, last "
        "stage, base: pictures become features, top: its classes, removed, head: our "
        "classes, new."
    ),
}


@pytest.mark.parametrize(
    "draw, words", DIAGRAMS.items(), ids=[draw.__name__ for draw in DIAGRAMS]
)
def test_a_diagram_draws_where_it_is_told_and_says_what_it_shows(draw, words):
    _, ax = plt.subplots()
    assert draw(ax=ax) is ax
    assert alt_text.describe(ax.figure) == words


def test_a_diagrams_words_stay_inside_it_and_apart():
    for draw in DIAGRAMS:
        ax = draw()
        ax.figure.draw_without_rendering()
        shown = [text for text in ax.texts if text.get_text()]
        boxes = [text.get_window_extent() for text in shown]
        frame = ax.get_window_extent().padded(3)
        for place, box in enumerate(boxes):
            assert frame.x0 < box.x0 and box.x1 < frame.x1, shown[place]
            assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_a_convolution_shows_the_sum_of_its_products_where_the_filter_lies():
    picture, kernel = np.arange(20).reshape(4, 5), np.array([[1, 0], [0, 2]])
    ax = diagrams.convolution(picture, kernel, at=(2, 1))
    *_, output = ax.tables
    cells = {key: c.get_text().get_text() for key, c in output.get_celld().items()}
    assert len(cells) == 3 * 4
    assert {key: text for key, text in cells.items() if text} == {(2, 1): "45"}
    assert ax.get_title(loc="left") == "4 products, added up, make one number: 45"


@pytest.mark.parametrize("n", [3, 9, 20])
def test_epochs_are_whole_numbers(n):
    values = np.linspace(0, 1, n)
    several = plots.several_draws({"a": np.array([values])})
    for ax in (plots.curves({"a": {"loss": values}}, "loss"), several):
        assert (ax.get_xticks() % 1 == 0).all()


def test_captions_of_pictures_keep_apart_and_nothing_blank_is_below():
    ax = plots.tiles(np.zeros((2, 8, 8, 3), "uint8"), ["says dandelion, 97%\nno"] * 2)
    left, right = (text.get_window_extent() for text in ax.texts)
    assert left.x1 < right.x0 and ax.get_ylim()[0] == ax.images[0].get_extent()[2]
