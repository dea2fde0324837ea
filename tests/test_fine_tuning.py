"""Fine-tuning: what it gains, what destroys, and beginning again."""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from same import assert_same

from tlcourse import plots
from tlcourse._util import assets
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing
from tlcourse.training import compile_for, fine_tuning, shipped_gains, shipped_grid

GOOD, TOO_LARGE = (5e-5, 1e-4), 1e-2


@pytest.fixture(scope="module")
def track():
    return load_track("glyphs")


def compare(track, learning_rates, draws, epochs=50, held_out=None):
    """Five labels per class, measured on held-out images: head, then tuned."""
    held_out = held_out or track.test
    found = fine_tuning.compare(
        track,
        freezing.stages(track.build_base(weights="random"))[0].name,
        [5],
        learning_rates,
        epochs,
        draws=range(draws),
        measure=lambda model: fine_tuning.accuracy(model, held_out),
    )
    rates = [fine_tuning.FROZEN, *learning_rates]
    return fine_tuning.by_learning_rate(found, rates).mean(axis=1)


@pytest.mark.slow  # 500 epochs: five draws at two learning rates, or it would be luck
def test_with_five_labels_fine_tuning_beats_the_frozen_head(track):
    head, *good = compare(track, GOOD, draws=5)
    assert max(good) >= head + 0.01


def test_too_large_a_learning_rate_destroys_what_was_learnt(track):
    head, bad = compare(track, [TOO_LARGE], 1, epochs=4, held_out=track.test.few(5))
    assert bad <= head - 0.3


def test_tables_are_sorted_by_rate_and_by_count():
    keys = itertools.product((5, 1), (0, 1), (0.0, 0.5))
    found = {(n, draw, rate): n + draw / 10 + rate for n, draw, rate in keys}
    assert fine_tuning.by_count(found, 0.5).tolist() == [[1.5, 1.6], [5.5, 5.6]]
    one = {key: value for key, value in found.items() if key[0] == 1}
    table = fine_tuning.by_learning_rate(one, [0.5, 0.0])
    assert table.tolist() == [[1.5, 1.6], [1.0, 1.1]]


def test_a_start_can_be_taken_again_to_the_bit():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 4)).astype("float32"), np.arange(32) % 3
    model = compile_for(fine_tuning.small_head((4,), 3), 1e-2)
    start, ends = fine_tuning.Snapshot(model), []
    for learning_rate in (1e-2, 1e-2, 1e-3):
        start.restore(learning_rate)
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
        ends.append(model.get_weights())
    assert_same(*ends[:2])
    for one, other in zip(ends[0], ends[2], strict=True):
        assert not np.array_equal(one, other)


def test_moving_statistics_rest_only_where_batchnorm_is_frozen(track):
    """What lesson 08 teaches, on the layers that it teaches it of."""
    few = track.train.few(1)
    model, base = fine_tuning.wrapped(track)
    norms = list(filter(freezing.is_batchnorm, base.layers))
    for batchnorm, rests in (("inference", True), ("training", False)):
        freezing.unfreeze_from(base, freezing.stages(base)[0].name, batchnorm)
        before, kernel = [x.get_weights() for x in norms], base.layers[1].get_weights()
        compile_for(model, 1e-3).run_eagerly = True  # one step: tracing takes longer
        model.fit(few.images, few.labels, verbose=0)
        after = [x.get_weights() for x in norms]
        pairs = [
            (a[k], b[k]) for a, b in zip(before, after, strict=True) for k in (2, 3)
        ]
        assert all(np.array_equal(a, b) for a, b in pairs) == rests
        assert not np.array_equal(kernel[0], base.layers[1].get_weights()[0])
    keras.utils.clear_session(free_memory=True)


def test_the_shipped_grid_is_whole():
    names, counts, mean = shipped_grid()
    assert names[0] == "head only" and len(names) == 6
    assert counts == [1, 2, 5, 10, 20, 50] and mean.shape == (6, 6)
    assert (mean > 0.5).all() and (mean < 1).all()
    ax = plots.grid(mean, names, counts, "grid")
    assert sum("*" in text.get_text() for text in ax.texts) == 6
    plt.close("all")


def test_a_gain_is_chosen_on_validation_and_measured_on_test(tmp_path, monkeypatch):
    table = tmp_path / "grid.csv"
    lines = ["first,labels_per_class,draw,rate,validation,test"]
    for first, tried, tested in (
        ("stage 1", (0.9, 0.9), (0.99, 0.99)),  # luckiest on the test set
        ("stage 2", (0.9, 1.0), (0.7, 0.9)),  # best to validate
        ("stage 3", (1.0, 0.9), (0.6, 0.9)),  # as good, and cheaper
    ):
        for draw in (0, 1):
            lines.append(f"{first},5,{draw},0.0,0.8,{0.5 + draw / 5}")
            lines.append(f"{first},5,{draw},0.1,{tried[draw]},{tested[draw]}")
            lines.append(f"{first},5,{draw},0.2,0.1,1.0")
    table.write_text("\n".join(lines))
    monkeypatch.setattr(assets, "shipped", lambda name: table)
    chosen, gains = shipped_gains()
    assert chosen == ["stage 3"]
    np.testing.assert_allclose(gains, [[0.1, 0.2]])
    names, _, mean = shipped_grid()
    assert names == ["head only", "from stage 3", "from stage 2", "from stage 1"]
    np.testing.assert_allclose(mean[:, 0], [0.6, 0.75, 0.8, 0.99])


def test_a_rate_curve_shows_the_frozen_head_too():
    ax = plots.learning_rate_curve([1e-4, 1e-2], [[0.9, 0.8], [0.1, 0.2]], 0.85)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(labels) == {"frozen head", "tuned"}
    assert ax.get_xscale() == "log"
    plt.close("all")
