"""Fine-tuning: what it gains, what destroys, and beginning again."""

import csv

import keras
import numpy as np
import pytest
from same import assert_same

from tlcourse import data, plots
from tlcourse._util import assets
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads
from tlcourse.training import compile_for, fine_tuning, shipped_gains, shipped_grid


@pytest.fixture(scope="module")
def track():
    return load_track("glyphs")


def test_a_training_can_begin_again_to_the_bit():
    rng, ends = np.random.default_rng(0), []
    x, y = rng.normal(size=(32, 4)).astype("float32"), np.arange(32) % 3
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    start = compile_for(model, 1e-2).get_weights()
    for learning_rate in (1e-2, 1e-2, 1e-3):
        fine_tuning.begin_again(model, start)
        model.optimizer.learning_rate = learning_rate
        model.fit(x, y, epochs=3, shuffle=False, verbose=0)
        ends.append(model.get_weights())
    assert_same(*ends[:2])
    for one, other in zip(ends[0], ends[2], strict=True):
        assert not np.array_equal(one, other)


def test_moving_statistics_rest_only_where_batchnorm_is_frozen(track):
    """What lesson 08 teaches, on the layers that it teaches it of."""
    few, base = track.train.few(1), track.build_base()
    model = heads.wrap(base, len(track.class_names), preprocess=track.preprocess)
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


def tiny_model():
    """A base of one convolution and one BatchNormalization, pooling, three classes."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(4, 3, name="conv")(x)
    base = keras.Model(pixels, keras.layers.BatchNormalization(name="norm")(x))
    pool = keras.layers.GlobalAveragePooling2D()
    dense = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((8, 8, 3)), base, pool, dense])


def tiny_data(seed):
    rng, labels = np.random.default_rng(seed), np.arange(12) % 3
    images = rng.integers(0, 60, (12, 8, 8, 3)) + 80 * labels[:, None, None, None]
    return data.Dataset(images.astype("uint8"), labels, ("a", "b", "c"))


def test_batchnorm_sleeps_and_wakes_whatever_was_chosen_before():
    model = tiny_model()
    base = model.layers[0]
    for awake in (False, True, False):
        fine_tuning.unfreeze(model, awake, 1e-3)
        assert base.get_layer("norm").trainable == awake
        assert base.get_layer("conv").trainable
    assert isinstance(model.optimizer, keras.optimizers.AdamW)


def test_three_ways_begin_at_the_same_head_and_train_what_they_say(monkeypatch):
    draws = [tiny_data(0), tiny_data(1)]
    model, seen, fit = tiny_model(), [], keras.Sequential.fit

    def watched(fitted, *args, **options):
        kernel = model.layers[0].get_layer("conv").get_weights()[0]
        found = fit(fitted, *args, **options)
        if fitted is model:  # and not the head alone
            moved = (kernel != model.layers[0].get_layer("conv").get_weights()[0]).any()
            seen.append((model.layers[0].get_layer("norm").trainable, bool(moved)))
        return found

    monkeypatch.setattr(keras.Sequential, "fit", watched)
    before = model.get_weights()
    found = fine_tuning.three_ways(model, draws, tiny_data(2), 1e-2, 2, 4)
    assert_same(before, model.get_weights())  # for what comes next
    assert list(found) == ["head trained on", "BatchNorm asleep", "BatchNorm awake"]
    starts = [table[:, 0].tolist() for table in found.values()]
    assert starts[0] == starts[1] == starts[2]
    assert all(table.shape == (2, 3) for table in found.values())
    assert seen == 2 * [(False, True)] + 2 * [(True, True)]  # asleep, and then awake


def test_each_head_begins_with_the_same_numbers_whatever_was_trained_before():
    draws = [tiny_data(0), tiny_data(1), tiny_data(0)]
    starts, _ = fine_tuning.train_heads(tiny_model(), draws, tiny_data(2), 0)
    first, other, again = (weights[-2] for weights in starts)
    np.testing.assert_allclose(first, again, atol=1e-4)
    assert np.abs(first - other).max() > 1e-2


def test_so_few_steps_that_the_rate_only_climbs_are_no_error():
    found = fine_tuning.three_ways(
        tiny_model(), [tiny_data(0)], tiny_data(2), 1e-2, 1, 12
    )
    assert all(table.shape == (1, 2) for table in found.values())


def test_a_rate_of_nothing_leaves_the_head_and_each_rate_begins_again():
    draws = [tiny_data(0)]
    head, table, curves = fine_tuning.try_rates(
        tiny_model(), draws, tiny_data(2), [1e-9, 1e-1, 1e-9], 1, 4
    )
    assert table[0] == table[2] == head
    assert list(curves) == [1e-9, 1e-1] and len(curves[1e-9]) == 2
    assert curves[1e-1] != curves[1e-9][:1] and curves[1e-9][0] == curves[1e-9][1]


@pytest.mark.parametrize("task, counts", [("near", [1, 5, 50]), ("far", [10, 50, 150])])
def test_the_shipped_grid_is_whole(task, counts):
    names, found, mean = shipped_grid(task)
    assert names == ["head only", "from stage 5", "from stage 4", "from stage 1"]
    assert found == counts and mean.shape == (4, 3)
    assert (mean > 0.3).all() and (mean < 1).all()
    chosen, gains = shipped_gains(task)
    assert set(chosen) <= set(names) and gains.shape == (3, 3)
    ax = plots.grid(mean, names, counts, "grid", chosen=chosen)
    assert sum("*" in text.get_text() for text in ax.texts) == 3


def test_every_depth_and_rate_of_a_draw_has_one_start_in_the_shipped_grid():
    with open(assets.shipped("grid.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["rate"]) == 0]
    starts = {}
    for row in rows:
        key = row["task"], row["labels_per_class"], row["draw"]
        starts.setdefault(key, set()).add((row["validation"], row["test"]))
    assert len(starts) == 18
    assert all(len(found) == 1 for found in starts.values())


def test_on_the_far_task_depth_wins_in_every_draw():
    counts = shipped_grid("far")[1]
    _, gains = shipped_gains("far")
    assert (gains[counts.index(150)] > 0.05).all()


def test_a_task_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match="one of far, near. Received: 'middle'"):
        shipped_grid("middle")


def test_a_gain_is_chosen_on_validation_and_measured_on_test(tmp_path, monkeypatch):
    table = tmp_path / "grid.csv"
    lines = ["task,first,labels_per_class,draw,rate,validation,test"]
    for first, tried, tested in (
        ("stage 1", (0.9, 0.9), (0.99, 0.99)),  # luckiest on the test set
        ("stage 2", (0.9, 1.0), (0.7, 0.9)),  # best to validate
        ("stage 3", (1.0, 0.9), (0.6, 0.9)),  # as good, and cheaper
    ):
        for draw in (0, 1):
            lines.append(f"near,{first},5,{draw},0.0,0.8,{0.5 + draw / 5}")
            lines.append(f"near,{first},5,{draw},0.1,{tried[draw]},{tested[draw]}")
            lines.append(f"near,{first},5,{draw},0.2,0.1,1.0")
    table.write_text("\n".join(lines))
    monkeypatch.setattr(assets, "shipped", lambda name: table)
    chosen, gains = shipped_gains()
    assert chosen == ["from stage 3"]
    np.testing.assert_allclose(gains, [[0.1, 0.2]])
    names, _, mean = shipped_grid()
    assert names == ["head only", "from stage 3", "from stage 2", "from stage 1"]
    np.testing.assert_allclose(mean[:, 0], [0.6, 0.75, 0.8, 0.99])


def test_the_head_alone_is_chosen_where_nothing_beats_it(tmp_path, monkeypatch):
    table = tmp_path / "grid.csv"
    lines = ["task,first,labels_per_class,draw,rate,validation,test"]
    lines += ["near,stage 1,5,0,0.0,0.8,0.5", "near,stage 1,5,0,0.1,0.8,0.9"]
    table.write_text("\n".join(lines))
    monkeypatch.setattr(assets, "shipped", lambda name: table)
    chosen, gains = shipped_gains()
    assert chosen == ["head only"] and gains.tolist() == [[0]]


def test_a_small_difference_stays_pale_in_a_grid():
    shown = plots.grid([[0.9], [0.897]], ["a", "b"], [5]).images[0]
    dark, pale = shown.norm([0, -0.003])
    assert dark - pale < 0.05


def test_a_rate_curve_shows_each_draw_beside_the_head():
    ax = plots.learning_rate_curve([1e-4, 1e-2], [[1, 2], [-50, -60]])
    first, second, mean, head = (list(line.get_ydata()) for line in ax.get_lines())
    assert (first, second, mean) == ([1, -50], [2, -60], [1.5, -55])
    assert head == [0, 0] and ax.get_xscale() == "log"
