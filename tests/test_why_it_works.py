"""Lesson 11's figures, patches and explorer; and what the shipped table says."""

import dataclasses

import keras
import numpy as np
import pytest

from data.making.tables import read_rows
from data.making.transferability import job_of, plan
from tlcourse._util import assets
from tlcourse.course import load_track
from tlcourse.models import receptive_fields
from tlcourse.widgets import TransferExplorer
from tlcourse.yosinski import figures, results
from tlcourse.yosinski.experiment import (
    LAYERS,
    TREATMENTS,
    WHOLE,
    Experiment,
    fresh,
    network,
)
from tlcourse.yosinski.results import Curves, Point


@pytest.fixture
def curves():
    rng, found = np.random.default_rng(0), {}
    for split in ("near", "far"):
        tables = {name: rng.uniform(0.1, 0.9, (5, 7)) for name in TREATMENTS}
        found[split] = Curves(rng.uniform(0.7, 0.8, 5), tables)
    return found


# The table, and a point of it


def test_the_shipped_table_is_complete_and_read_as_it_is_written():
    read, rows = results.shipped(), read_rows(assets.shipped("transferability.csv"))
    has_twice = read["near"].twice is not None
    expected = plan(seeds=range(len(read["near"].base)))
    expected = [job for job in expected if has_twice or job[2] != "twice"]
    assert [job_of(row) for row in rows] == expected
    for row in rows:
        split, seed, treatment, cut = job_of(row)
        if treatment in WHOLE:
            found = getattr(read[split], treatment)[seed]
        else:
            found = read[split].tables[treatment][seed, cut - 1]
        assert found == float(row["accuracy"]) and 0 < found < 1


def test_the_shipped_table_says_what_the_lesson_says_of_it():
    near, far = (results.shipped()[split] for split in ("near", "far"))
    lost, far_lost = (each.specificity.mean(axis=0) for each in (near, far))
    assert lost[:5].max() < 0.02  # conv1 to conv5 are general
    assert lost.argmax() == 6 and 0.03 < lost[6] < far_lost[6]
    assert near.freezing_cost.mean(axis=0).max() < lost.max()
    copies, random = (far.tables[name].mean(axis=0) for name in ("AnB", "random"))
    assert (copies - random).min() > 0.1
    for name in ("AnB+", "BnB+"):
        assert near.against_base(name).mean() > 0.02


def test_the_shipped_networks_are_those_of_the_table():
    settings, bases = results.shipped_settings(), results.shipped_bases()
    experiment = Experiment("near", 0, settings, bases=bases)
    expected = results.shipped()["near"].base[0]
    assert experiment.accuracy("base") == pytest.approx(expected, abs=0.01)


def test_a_point_says_what_was_done_and_what_came_of_it(curves):
    point = Point(curves, split="far", treatment="AnB+", cut=3, seed=2)
    value = curves["far"].tables["AnB+"][2, 2]
    assert point.name == "A3B+" and point.accuracies.tolist() == [value]
    first, second, third = point.sentences
    assert "conv1 to conv3 copied from the network that learnt A" in first
    assert "fine-tuned" in first and f"{value:.3f} (one seed)" in second
    difference = value - curves["far"].base[2]
    assert f"{abs(difference):.3f}" in third
    assert ("less" in third) == (difference < 0)


# The explorer


def test_the_explorer_shows_what_is_chosen(curves):
    view = TransferExplorer(curves)
    view.cut.value = 6
    view.treated.value = "BnB"
    view.split.value = "far"
    view.seed.value = 1
    assert (view.state.name, view.state.split, view.state.seed) == ("B6B", "far", 1)
    assert f"{curves['far'].tables['BnB'][1, 5]:.3f}" in view.message.value
    view.treated.value = "random"
    assert view.state.name == "random 6"
    view.seed.value = view.seed.options[0][1]
    assert view.state.seed is None and view.seed.label == "mean of all"
    bundle = view._repr_mimebundle_()
    assert bundle["text/plain"] == str(view.state)
    assert 'src="data:image/png;base64,' in bundle["text/html"]
    assert view.state.sentences[0] in bundle["text/html"]


def test_the_explorer_says_what_was_not_run(curves):
    del curves["far"].tables["AnB+"]
    view = TransferExplorer(curves)
    view.treated.value = "AnB+"
    view.split.value = "far"
    assert not view.state.measured and "Not measured" in view.message.value
    assert 'role="status"' in view.message.value and "<img" in view.picture.value
    view.treated.value = "AnB"
    assert view.state.measured and "Not measured" not in str(view.state)


# The figures


def test_the_curves_are_those_of_the_table(curves):
    points = [("AnB", 3, 0.5)]
    ax = figures.transfer_curves(curves["near"], points=points, title="t")
    drawn = {c.get_label(): c.lines[0].get_ydata() for c in ax.containers}
    for name, (label, *_) in figures.STYLES.items():
        np.testing.assert_allclose(drawn[label], curves["near"].tables[name].mean(0))
    assert drawn["base B"] == pytest.approx([curves["near"].base.mean()])
    closer = figures.transfer_curves(curves["near"], ["BnB"], points)
    assert len(closer.containers) == 2 and closer.get_ylim() != (0, 1)
    assert not [line for line in closer.lines if line.get_marker() == "*"]
    stars = [line for line in ax.lines if line.get_marker() == "*"]
    assert [(*star.get_xdata(), *star.get_ydata()) for star in stars] == [(3, 0.5)]
    assert ax.get_title() == "t" and ax.get_xlabel() and ax.get_ylabel()
    without_colour = [style[2:4] for style in figures.STYLES.values()]
    assert len(set(without_colour)) == len(without_colour)


def test_b_trained_twice_is_drawn_where_it_was_run(curves):
    near = curves["near"]
    ax = figures.transfer_curves(near)
    assert "twice" not in str([c.get_label() for c in ax.containers])
    ax = figures.transfer_curves(dataclasses.replace(near, twice=near.base + 0.05))
    drawn = {c.get_label(): c.lines[0].get_ydata() for c in ax.containers}
    expected = [near.base.mean() + 0.05]
    assert drawn["base B, trained twice as long"] == pytest.approx(expected)


def test_error_bars_are_named():
    near = results.shipped()
    for ax in (
        figures.transfer_curves(near["near"]),
        figures.losses(near["near"]),
        figures.near_and_far(near),
    ):
        assert f"standard deviation over {len(near['near'].base)}" in ax.get_xlabel()


def test_losses_are_against_the_base_of_the_same_halves(curves):
    ax = figures.losses(curves["near"])
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers[1::2]]
    expected = curves["near"].freezing_cost, curves["near"].specificity
    np.testing.assert_allclose(heights, [table.mean(0) for table in expected])
    np.testing.assert_allclose(sum(expected), -curves["near"].against_base("AnB"))
    ax = figures.near_and_far(curves)
    for drawn, found in zip(ax.containers, curves.values(), strict=True):
        expected = found.against_base("AnB").mean(0)
        np.testing.assert_allclose(drawn.lines[0].get_ydata(), expected)


@pytest.mark.parametrize("frozen", (True, False))
def test_the_boxes_say_what_is_frozen(frozen):
    ax = figures.copied_layers("A", 3, frozen)
    stays = ["frozen" if frozen else "trains"] * 3 + ["trains"] * 5
    expected = [f"{a}\n{b}" for a, b in zip(LAYERS, stays, strict=True)]
    assert [text.get_text() for text in ax.texts] == expected
    fills = [bar.get_facecolor()[:3] for bar in ax.patches]
    assert len(set(fills[:3])) == len(set(fills[3:])) == 1 != len(set(fills))


# Patches


def chain(*layers):
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


def test_receptive_fields_of_a_chain():
    model = chain(
        keras.layers.Conv2D(2, 3, name="a"),
        keras.layers.MaxPooling2D(2, name="b"),
        keras.layers.Conv2D(2, 3, dilation_rate=2, name="c"),
        keras.layers.Conv2D(2, 3, strides=2, name="d"),
        keras.layers.Conv2D(2, 1, name="e"),
        keras.layers.GlobalAveragePooling2D(name="f"),
    )
    fields = receptive_fields.receptive_fields(model)
    assert fields == {"a": 3, "b": 4, "c": 12, "d": 16, "e": 16, "f": np.inf}


def test_a_unit_sees_its_receptive_field_and_no_more():
    base, name = load_track("glyphs").build_base("random"), "block_3_expand"
    camera = keras.Model(base.inputs[0], base.get_layer(name).output)
    touched, each = np.zeros((65, 64, 64, 3), "float32"), np.arange(64)
    touched[each, each] = np.random.default_rng(0).normal(0, 1, (64, 64, 3))
    maps = camera.predict(touched, batch_size=65, verbose=0)
    *moved, still = maps[:, maps.shape[1] // 2, maps.shape[1] // 2]
    reach = [k for k in each if not np.array_equal(moved[k], still)]
    side = receptive_fields.receptive_fields(base)[f"{name}_relu"]
    assert reach[-1] - reach[0] + 1 == side == 19


def test_the_patch_is_where_the_unit_answers():
    kernel = np.zeros((3, 3, 3, 1), "float32")
    kernel[1, 1, 0] = 1  # a unit for red
    model = chain(keras.layers.Conv2D(1, 3, padding="same", name="red"))
    model.set_weights([kernel, np.zeros(1)])
    images = np.zeros((5, 32, 32, 3), "uint8")
    for k, (row, column) in enumerate([(4, 9), (20, 20), (0, 31), (31, 0), (16, 2)]):
        images[k, row, column, 0] = 50 * (k + 1)
    same = keras.layers.Rescaling(1.0)
    found = receptive_fields.strongest(model, same, images, "red", [0], n=3)[0]
    assert found.shape == (3, 3, 3, 3)
    assert found[..., 0].max(axis=(1, 2)).tolist() == [250, 200, 150]
    assert found[0, 1, 1, 0] == 250  # inside: in the middle of its patch
    assert found[1, 2, 0, 0] == 200  # in the corner: the patch stays inside


@pytest.mark.parametrize("layer, units", [("red", [1]), ("flat", [0])])
def test_a_unit_that_is_not_there_is_refused(layer, units):
    flat = keras.layers.Flatten(name="flat")
    model = chain(keras.layers.Conv2D(1, 3, name="red"), flat)
    images, same = np.zeros((1, 32, 32, 3), "uint8"), keras.layers.Rescaling(1.0)
    with pytest.raises(ValueError, match="Expected a layer with maps.*Received"):
        receptive_fields.strongest(model, same, images, layer, units)


def test_filters_and_patches_have_a_row_for_each_name_shown_as_text():
    names = [r"$\foo$", "two"]
    rows = [np.zeros((4, 5, 5, 3), "uint8"), np.zeros((4, 9, 9, 3))]
    patches = figures.patches(dict(zip(names, rows, strict=True)), "t")
    filters = figures.filters([np.zeros((5, 5, 3, 16))] * 2, names)
    for ax, count in ((patches, 8), (filters, 32)):
        ax.figure.canvas.draw()
        assert len(ax.images) == count
        assert [text.get_text() for text in ax.texts] == names


def test_what_conv1_makes_of_an_image_has_a_row_for_each_network():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    weights = network(4).get_weights()
    networks = {"new": fresh(weights, 0), "other": fresh(weights, 1)}
    ax = figures.first_maps(networks, image, "t", n=3)
    assert [text.get_text() for text in ax.texts] == ["new", "other"]
    first, *_, last = (np.asarray(shown.get_array()) for shown in ax.images)
    assert len(ax.images) == 6 and not np.array_equal(first, last)
