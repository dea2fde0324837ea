"""The freeze panel: structure, state, costs, and the view, without a browser."""

import asyncio
import subprocess
import sys
import threading
import time
import types

import ipywidgets
import keras
import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.events import EventManager, available_events

from tlcourse import bases, training
from tlcourse.data import Dataset
from tlcourse.models import costs, freeze_state, freezing, heads, structure
from tlcourse.widgets import FreezePanel, LiveTraining, freeze_sheet, view

# Name in keras.applications: smallest square input that it takes here.
NETWORKS = dict.fromkeys(
    "VGG16 VGG19 ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 DenseNet121 "
    "DenseNet169 DenseNet201 MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large "
    "NASNetMobile EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 "
    "EfficientNetB4 EfficientNetB5 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 "
    "EfficientNetV2B3 EfficientNetV2S ConvNeXtTiny ConvNeXtSmall".split(),
    32,
) | {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}


def small_base(name="base"):
    """Two stages with BatchNormalization and a shortcut, a few hundred numbers."""
    x = pixels = keras.Input((16, 16, 3))
    for stage in (1, 2):
        x = keras.layers.Conv2D(4, 3, 2, "same", name=f"conv_{stage}")(x)
        x = before = keras.layers.BatchNormalization(name=f"norm_{stage}")(x)
        x = keras.layers.DepthwiseConv2D(3, padding="same", name=f"deep_{stage}")(x)
        x = keras.layers.Add(name=f"add_{stage}")([x, before])
    return keras.Model(pixels, x, name=name)


def wrapped(base=None):
    return heads.wrap(base or small_base(), 3, "pool", keras.layers.Rescaling(1 / 255))


@pytest.fixture(autouse=True)
def closed():
    """ipywidgets keeps all views, and so their models, until they are closed."""
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def model():
    return wrapped()


@pytest.fixture
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), "uint8")
    return Dataset(images, np.arange(24) % 3, ("a", "b", "c"))


def numbers(model):
    """What Keras itself says."""
    return freezing.count(model.trainable_weights)


def run(code, model):
    exec(code, {"model": model, "keras": keras})


# Any network


def test_there_are_thirty_networks_or_more():
    assert len(NETWORKS) >= 30


@pytest.mark.parametrize("name", NETWORKS)
def test_panel_and_keras_agree_on_every_network(name):
    side = NETWORKS[name]
    build = getattr(keras.applications, name)
    base = build(input_shape=(side, side, 3), include_top=False, weights=None)
    model = heads.wrap(base, 5, "pool", bases.preprocessing(name))
    start = time.perf_counter()
    panel = FreezePanel(model)
    seconds = time.perf_counter() - start
    print(f"{name}: panel built in {seconds:.2f} s")
    found = panel.sheet.state.structure
    assert sum(map(found.parameters, found.parts)) == model.count_params()
    inside = [i for part in found.parts for i in part.units]
    assert sorted(inside) == list(range(len(found.units)))  # each once
    assert len(panel.sheet.parts) > 2
    for preset in freeze_state.PRESETS:
        panel.preset_buttons[preset].click()
        panel.compile.click()
        assert panel.sheet.state.trainable == numbers(model), preset
        assert panel.sheet.status == "compiled as shown"
    panel.preset_buttons["last stages"].click()
    wanted, code = numbers(model), panel.sheet.state.code()
    base.trainable = True
    run(code, model)
    assert numbers(model) == wanted
    keras.utils.clear_session(free_memory=True)


def test_a_network_with_its_top_needs_no_base_inside():
    model = keras.applications.MobileNet(alpha=0.25, weights=None, classes=5)
    panel = FreezePanel(model)
    assert panel.sheet.parts[-1].name == "top"
    panel.preset_buttons["head only"].click()
    assert numbers(model) == 256 * 5 + 5 == panel.sheet.state.trainable


# Structure


def test_parts_stand_from_input_to_output(model):
    found = structure.read(model)
    assert [part.name for part in found.parts] == ["stage 1", "stage 2", "head"]
    assert [part.size for part in found.parts] == [8, 4, None]
    paths = [unit.path for unit in found.units]
    assert paths[0] == "base/conv_1" and paths[-1] == "classes"
    assert found.parts[0].note == "conv_1 to deep_1"


def test_layers_before_the_base_and_a_sequential_model_are_shown():
    mixer = keras.layers.Conv2D(3, 1, name="mixer")
    pool = keras.layers.GlobalAveragePooling2D()
    dense = [keras.layers.Dense(8, name="hidden"), keras.layers.Dense(3, name="out")]
    model = keras.Sequential([keras.Input((16, 16, 1)), mixer, small_base(), pool])
    for layer in dense:
        model.add(layer)
    found = structure.read(model)
    names = [part.name for part in found.parts]
    assert names == ["before the base", "stage 1", "stage 2", "head"]
    assert sum(map(found.parameters, found.parts)) == model.count_params()


def test_a_base_that_is_used_twice_is_counted_once():
    base, head = small_base(), keras.layers.Dense(2)
    left, right = keras.Input((16, 16, 3)), keras.Input((16, 16, 3))
    pool = keras.layers.GlobalAveragePooling2D()
    outputs = head(keras.layers.Concatenate()([pool(base(left)), pool(base(right))]))
    model = keras.Model([left, right], outputs)
    panel = FreezePanel(model)
    found = panel.sheet.state.structure
    assert sum(map(found.parameters, found.parts)) == model.count_params()
    once = sum(call.flop for call in structure.read(base).calls)
    dense = 2 * 8 * 2
    assert sum(call.flop for call in found.calls) == 2 * once + dense
    panel.rows[0].box_for_part.value = False
    assert panel.sheet.state.trainable == numbers(model)


def test_a_layer_that_is_used_twice_is_counted_once():
    x = pixels = keras.Input((8, 8, 3))
    again = keras.layers.Conv2D(3, 3, padding="same")
    x = keras.layers.GlobalAveragePooling2D()(again(again(x)))
    model = keras.Model(pixels, keras.layers.Dense(2)(x))
    panel = FreezePanel(model)
    assert panel.sheet.costs.total == model.count_params()
    panel.preset_buttons["head only"].click()
    assert numbers(model) == 8


def test_two_bases_are_told_apart():
    one, two = small_base("left"), small_base("right")
    pixels = keras.Input((16, 16, 3))
    joined = keras.layers.Add()([one(pixels), two(pixels)])
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(joined))
    panel = FreezePanel(keras.Model(pixels, outputs))
    names = [part.name for part in panel.sheet.parts]
    assert names[:3] == ["left, stage 1", "left, stage 2", "right, stage 1"]


def test_a_model_without_pictures_has_a_part_for_each_layer():
    layers = [keras.layers.Dense(4, name="one"), keras.layers.Dense(2, name="two")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    panel = FreezePanel(model)
    assert [part.name for part in panel.sheet.parts] == ["one", "two"]
    panel.rows[0].box_for_part.value = False
    assert numbers(model) == 4 * 2 + 2


class Opaque(keras.Model):
    """A model that keeps its layers to itself."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def opaque():
    model = Opaque()
    model(np.zeros((1, 3)))
    return model


BAD = {
    "a layer": (lambda: keras.layers.Dense(2), "Expected a `keras.Model`"),
    "unbuilt": (
        lambda: keras.Sequential([keras.layers.Dense(2)]),
        "Expected a built model.*keras.Input",
    ),
    "subclassed": (opaque, "Expected a functional or Sequential.*Received: Opaque"),
    "any size": (
        lambda: keras.applications.MobileNet(include_top=False, weights=None),
        "Expected a fixed input size.*input_shape",
    ),
    "no weights": (
        lambda: keras.Sequential([keras.Input((3,)), keras.layers.ReLU()]),
        "Expected a model with weights",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_has_no_layers_to_show_is_refused_with_a_sentence(what):
    make, said = BAD[what]
    with pytest.raises(ValueError, match=said):
        FreezePanel(make())


def test_a_wrong_preset_or_size_is_refused(model):
    state = freeze_state.read(model)
    with pytest.raises(ValueError, match="Expected one of.*Received: 'half'"):
        state.preset("half")
    with pytest.raises(ValueError, match="from 1 to 2 stages.*Received: 3"):
        state.preset("last stages", 3)
    with pytest.raises(ValueError, match="Received: 0 and 32"):
        freeze_sheet.Sheet(model, images=0)


# State, model and code agree

parts_and_flags = st.tuples(st.just("part"), st.integers(0, 2), st.booleans())
units_and_flags = st.tuples(st.just("unit"), st.integers(0, 6), st.booleans())
presets = st.tuples(st.just("preset"), st.sampled_from(freeze_state.PRESETS))
norms = st.tuples(st.just("norms"), st.booleans())
by_code = st.tuples(st.just("code"), st.integers(0, 12), st.booleans())
base_flag = st.tuples(st.just("base"), st.booleans())
moves = st.lists(
    st.one_of(parts_and_flags, units_and_flags, presets, norms, by_code, base_flag),
    max_size=8,
)


@pytest.fixture
def one_panel():
    return FreezePanel(wrapped())


def do(panel, move):
    """One thing that a learner may do, in the panel or in code."""
    what, *how = move
    base = panel.sheet.model.get_layer("base")
    if what == "part":
        panel.rows[how[0]].box_for_part.value = how[1]
    elif what == "unit":
        panel.choose(panel.sheet.state.with_unit(*how))
    elif what == "preset":
        panel.preset_buttons[how[0]].click()
    elif what == "norms":
        panel.norms.value = how[0]
    else:
        layer = base if what == "base" else base.layers[how[0] % len(base.layers)]
        layer.trainable = how[-1]
        panel.reread.click()


@given(moves=moves, noise=st.lists(st.booleans(), min_size=16, max_size=16))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_panel_model_and_code_always_agree(one_panel, moves, noise):
    panel, model = one_panel, one_panel.sheet.model
    for move in moves:
        do(panel, move)
        state = panel.sheet.state
        assert state.trainable == numbers(model)
        assert f"trains {numbers(model):,} of" in panel.count.value
        for row in panel.rows:
            assert row.box_for_part.value == (state.shows(row.part) == "trains")
        assert panel.norms.value == state.awake
    wanted = {id(weight) for weight in model.trainable_weights}
    layers = [x for inner in structure.models(model) for x in inner.layers]
    for layer, flag in zip(layers, noise, strict=False):
        layer.trainable = flag
    run(panel.sheet.state.code(), model)
    assert {id(weight) for weight in model.trainable_weights} == wanted


def test_only_everything_wakes_batchnorm(model):
    state = freeze_state.read(model)
    for preset in freeze_state.PRESETS:
        assert state.preset(preset).awake == (preset == "everything")
    last = state.preset("last stage")
    assert last.with_batchnorm(True).trainable - last.trainable == 2 * 4
    assert last.with_batchnorm(True).with_batchnorm(False) == last


def test_the_code_is_what_one_would_write(model):
    state = freeze_state.read(model)
    assert state.preset("head only").code() == (
        "model.trainable = True\n"
        "model.get_layer('classes').trainable = True\n"
        "base = model.get_layer('base')\n"
        "base.trainable = False\n"
        "for layer in base.layers:\n"
        "    layer.trainable = False"
    )
    code = state.preset("last stage").code()
    assert "    chosen = position >= 5\n" in code
    assert "layer.trainable = chosen and not isinstance(layer, keras" in code
    two = state.preset("head only").with_unit(0, True).with_unit(5, True)
    assert "chosen = position < 3 or position >= 7" in two.code()


def test_a_choice_without_pattern_names_its_layers():
    layers = [keras.layers.Dense(2, name=f"dense_{k}") for k in range(9)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    panel = FreezePanel(model)
    for row in panel.rows[::2]:
        row.box_for_part.value = False
    wanted = numbers(model)
    assert "layer.name in trains" in panel.code.value
    model.trainable = False
    run(panel.sheet.state.code(), model)
    assert numbers(model) == wanted == 4 * 6


def test_the_code_works_from_a_frozen_model_with_odd_names(model):
    base = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 1)])
    deep = keras.Sequential([base, keras.layers.Conv2D(2, 1)], name='it\'s "deep"')
    dense = keras.layers.Dense(3, name='a "q" 0')
    model = keras.Sequential([deep, keras.layers.Flatten(), dense])
    state = freeze_state.read(model)
    for preset in freeze_state.PRESETS:
        chosen = state.preset(preset, 1)
        model.trainable = False
        run(chosen.code(), model)
        assert numbers(model) == chosen.trainable, preset


def test_a_layer_that_has_nothing_to_learn_does_not_block_its_stage():
    scale = keras.layers.Normalization(mean=0.5, variance=1.0)
    known = keras.layers.Normalization(name="known")
    conv = keras.layers.Conv2D(4, 3, 2, name="conv")
    base = keras.Sequential([keras.Input((8, 8, 3)), scale, known, conv])
    panel = FreezePanel(heads.wrap(base, 2))
    row = panel.rows[0]
    row.box_for_part.value = False
    assert not conv.trainable
    row.box_for_part.value = True
    assert conv.trainable and row.box_for_part.value


def test_a_layer_of_which_a_part_trains_is_refused():
    dense = keras.layers.Dense(8, name="narrow")
    model = keras.Sequential([keras.Input((8,)), dense, keras.layers.Dense(2)])
    dense.enable_lora(rank=1)
    with pytest.raises(ValueError, match="as a whole.*narrow.*low-rank"):
        FreezePanel(model)


def test_models_of_words_are_shown_and_timed():
    layers = [keras.layers.Embedding(50, 8), keras.layers.LSTM(4)]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(2)])
    panel = FreezePanel(model, batch_size=4)
    assert [row.part.name for row in panel.rows][-1].startswith("dense")
    panel.preset_buttons["head only"].click()
    assert numbers(model) == 4 * 2 + 2
    panel.measure.click()
    assert "everything trains" in panel.costs.value
    steps = 2 * 6 * (8 + 4) * 16
    assert sum(call.flop for call in panel.sheet.state.structure.calls) == (
        steps + 2 * 4 * 2
    )


# Compiled or not


def test_a_change_after_fit_is_noticed_and_compile_mends_it(model, dataset):
    panel = FreezePanel(model, dataset, batch_size=8)
    assert panel.sheet.status == "not compiled yet"
    panel.preset_buttons["head only"].click()
    panel.compile.click()
    assert panel.sheet.status == "compiled as shown"
    model.fit(dataset.images, dataset.labels, verbose=0)
    panel.preset_buttons["all but BatchNorm"].click()
    assert "changed since compile" in panel.status.value
    panel.compile.click()
    assert "compiled as shown" in panel.status.value
    before = model.get_layer("base").get_weights()[0].copy()
    model.fit(dataset.images, dataset.labels, verbose=0)
    assert not np.array_equal(before, model.get_layer("base").get_weights()[0])


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_where_keras_stops_the_status_promises_no_numbers(
    backend, model, dataset, monkeypatch
):
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.preset_buttons["head only"].click()
    panel.compile.click()
    model.fit(dataset.images, dataset.labels, verbose=0)
    panel.preset_buttons["all but BatchNorm"].click()
    assert "until then, fit trains" in panel.sheet.status
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert panel.sheet.status == "changed since compile: compile again"


def test_compiling_again_keeps_what_the_learner_chose(model):
    model.compile(keras.optimizers.SGD(0.5), "mse", metrics=["mae"])
    freezing.compile_again(model)
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.loss == "mse"
    first = model.optimizer
    run(freezing.compile_line(model), model)
    assert model.optimizer is not first
    assert float(model.optimizer.learning_rate) == 0.5


def test_what_keras_cannot_repeat_is_said(model):
    model.compile("adam", lambda true, predicted: predicted)
    model.get_compile_config = lambda: None
    with pytest.raises(ValueError, match="in a cell, as you did before"):
        freezing.compile_again(model)


# Costs


def test_gradients_stop_at_the_first_layer_that_trains(model):
    state = freeze_state.read(model)
    units = state.structure.units

    def passed(state):
        return {units[i].path.split("/")[-1] for i in costs.of(state).passed}

    assert passed(state.preset("freeze everything")) == set()
    assert passed(state.preset("head only")) == {"classes"}
    assert passed(state.preset("last stage")) == {
        "conv_2",
        "norm_2",
        "deep_2",
        "classes",
    }
    # A frozen layer behind one that trains lets the gradient through.
    lone = state.preset("freeze everything").with_unit(0, True)
    assert len(passed(lone)) == len(units)


def test_a_branch_that_is_frozen_is_not_walked_back():
    pixels = keras.Input((8, 8, 3))
    left = keras.layers.Conv2D(2, 3, name="left")(pixels)
    right = keras.layers.Conv2D(2, 3, name="right")(pixels)
    joined = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    model = keras.Model(pixels, keras.layers.Dense(2, name="out")(joined))
    state = freeze_state.read(model)
    found = costs.of(state.preset("freeze everything").with_unit(1, True))
    paths = {state.structure.units[i].path for i in found.passed}
    assert paths == {"right", "out"}


def test_resnet50_costs_what_its_paper_says():
    """3.8 billion multiply-adds: He et al. 2015, table 1."""
    base = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    forward = sum(call.flop for call in structure.read(base).calls)
    assert forward / 2e9 == pytest.approx(3.8, rel=0.03)


def test_a_step_costs_one_pass_frozen_and_three_free(model):
    state = freeze_state.read(model)
    forward = costs.of(state.preset("freeze everything"), 10).flop
    everything = costs.of(state.preset("everything"), 10).flop
    assert forward == 10 * sum(call.flop for call in state.structure.calls)
    # No gradient for the pixels, so the first kernel passes twice.
    first = 2 * 8 * 8 * 3 * 3 * 3 * 4 * 10
    assert everything == 3 * forward - first


def test_the_optimizer_keeps_what_is_said(model):
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    kept = [x for x in model.optimizer.variables if len(x.shape)]  # no counters
    found = costs.of(freeze_state.read(model))
    assert found.optimizer_bytes == 4 * freezing.count(kept)
    model.compile("sgd", "mse")
    assert costs.of(freeze_state.read(model)).optimizer_bytes == 0


def test_measuring_leaves_the_model_as_it_is(model, dataset):
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.preset_buttons["last stage"].click()
    panel.compile.click()
    before = model.get_weights()
    assert "not measured" in panel.costs.value
    panel.measure.click()
    assert "everything trains" in panel.costs.value
    assert panel.bar.value == 1
    assert panel.sheet.status == "compiled as shown"
    pairs = zip(before, model.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_a_model_compiled_as_in_the_lessons_can_be_measured(model, dataset):
    training.compile_for(model, 1e-5)  # a metric for labels, not for what we time with
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.measure.click()
    assert "everything trains" in panel.costs.value


def test_compile_and_train_read_flags_that_code_has_set(model, dataset):
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.compile.click()
    for layer in model.get_layer("base").layers:
        layer.trainable = not layer.trainable
    panel.live.start.click()
    assert "Press Compile first" in panel.live.message.value
    panel.compile.click()
    assert panel.live.message.value == ""
    assert panel.sheet.state.trainable == numbers(model)
    assert f"{numbers(model):,}" in panel.count.value


def test_an_epoch_adds_up_what_was_measured(model):
    everything = costs.of(freeze_state.read(model).preset("everything"))
    timing = costs.Timing(32, 1.0, 1e-6, 1e-3, 0.5)
    step = 1.0 + 1e-6 * everything.backward + 1e-3 * everything.trainable
    assert timing.epoch(everything, 64) == pytest.approx(0.5 + 2 * step)


def test_the_frozen_part_can_be_computed_once(model, dataset):
    timing = costs.Timing(32, 1.0, 1e-6, 1e-3, 0.5)
    shares = []
    for preset in ("head only", "last stage", "all but BatchNorm", "everything"):
        found = costs.of(freeze_state.read(model).preset(preset))
        shares.append(found.ahead)
        less = timing.epoch(found, 64) - timing.epoch(found, 64, once=True)
        assert less == pytest.approx(2 * found.ahead)
    assert 0.95 < shares[0] < 1 and shares[0] > shares[1] > 0.3
    assert shares[2:] == [0, 0]  # the first layer trains
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.sheet.timing = timing
    panel.preset_buttons["head only"].click()
    assert "frozen part computed once" in panel.costs.value


def test_behind_augmentation_nothing_can_be_computed_once():
    base = keras.applications.MobileNetV2((64, 64, 3), 0.35, False, None)
    augment = keras.layers.RandomTranslation(0.1, 0.1)
    model = heads.wrap(base, 10, augment=augment)
    state = freeze_state.read(model).preset("head only")
    assert costs.of(state).ahead == 0
    dropout = keras.Sequential([keras.Input((4,)), keras.layers.Dense(9)])
    dropout.add(keras.layers.Dropout(0.5))
    dropout.add(keras.layers.Dense(2))
    dropout.layers[0].trainable = False
    found = costs.of(freeze_state.read(dropout))
    assert found.ahead > 0.5  # it is random, but behind what is frozen


def test_what_steps_have_in_common_is_found():
    rows = np.array([[1.0, 1e4, 1e3], [1.0, 1e6, 3e5], [1.0, 1e8, 4e5]])
    truth = np.array([0.02, 1e-9, 2e-8])
    assert costs._solve(rows, rows @ truth) == pytest.approx(truth.tolist())


# The view


def test_layers_open_on_demand_and_can_be_chosen_alone(model):
    panel = FreezePanel(model)
    row = panel.rows[0]
    assert row.inside.children == ()
    row.opener.click()
    assert len(row.inside.children) == 3
    row.inside.children[0].value = False
    assert not model.get_layer("base").get_layer("conv_1").trainable
    assert row.box_for_part.value is False
    assert "partly" in row.line.value
    row.opener.click()
    assert row.inside.children == ()


def test_code_changes_show_after_refresh(model):
    panel = FreezePanel(model)
    model.get_layer("base").trainable = False
    panel.refresh()
    assert [row.box_for_part.value for row in panel.rows] == [False, False, True]
    assert f"trains {numbers(model):,} of" in panel.count.value


def test_a_click_while_the_panel_draws_the_last_one_is_not_lost(model, monkeypatch):
    """JupyterLab runs callbacks of one panel in two threads."""
    panel, drawing, clicked = FreezePanel(model), threading.Event(), threading.Event()
    panel.preset_buttons["head only"].click()
    table = panel.sheet.table

    def slow():
        drawing.set()
        clicked.wait(0.2)  # with the lock, nobody gets that far
        return table()

    def click():
        drawing.wait(10)
        panel.rows[1].box_for_part.value = True
        clicked.set()

    monkeypatch.setattr(panel.sheet, "table", slow)
    other = threading.Thread(target=click)
    other.start()
    panel.rows[0].box_for_part.value = True
    other.join(10)
    assert [row.box_for_part.value for row in panel.rows] == [True, True, True]
    assert all(model.get_layer("base").get_layer(f"conv_{i}").trainable for i in "12")
    assert f"trains {numbers(model):,} of" in panel.count.value


def test_a_click_waits_for_the_cell_that_trains(model, dataset, monkeypatch):
    """Flags that change while `fit` traces its step would train other layers."""
    shell = types.SimpleNamespace()
    shell.events = EventManager(shell, available_events)
    monkeypatch.setattr(view, "get_ipython", lambda: shell)
    panel = FreezePanel(freezing.compile_again(model), dataset)
    FreezePanel(model)  # one more view: a cell is still heard once
    box = panel.rows[0].box_for_part
    click = threading.Thread(target=box.set_trait, args=("value", False))
    shell.events.trigger("post_run_cell", None)  # of a cell that began before
    shell.events.trigger("pre_run_cell", None)
    click.start()
    model.fit(dataset.images, dataset.labels, epochs=2, verbose=0)
    assert click.is_alive() and panel.sheet.status == "compiled as shown"
    shell.events.trigger("post_run_cell", None)
    click.join(10)
    assert not click.is_alive() and "changed since compile" in panel.sheet.status


def test_an_exception_in_a_callback_is_shown_and_goes_on(model, monkeypatch):
    panel = FreezePanel(model)

    def broken(state):
        raise RuntimeError("no <luck>")

    monkeypatch.setattr(panel.sheet, "choose", broken)
    with pytest.raises(RuntimeError, match="no <luck>"):
        panel.rows[0].box_for_part.value = False
    assert 'role="alert"' in panel.message.value
    assert "RuntimeError: no &lt;luck&gt;" in panel.message.value


BROKEN = """import keras, tlcourse
from tlcourse.models import heads
from tlcourse.widgets import FreezePanel
x = pixels = keras.Input((8, 8, 3))
model = keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
panel = FreezePanel(model)
def broken(state):
    raise RuntimeError("out of luck")
{what}
"""


@pytest.mark.parametrize(
    "what, passed",
    [
        ("panel.sheet.choose = broken; panel.rows[0].box_for_part.value = False", 0),
        ("panel.sheet.choose = broken; panel.preset_buttons['everything'].click()", 0),
        ("panel.rows[0].box_for_part.value = False", 1),
    ],
    ids=["checkbox", "button", "nothing broken"],
)
def test_an_exception_in_a_callback_fails_nbval(what, passed, tmp_path):
    cell = nbformat.v4.new_code_cell(BROKEN.format(what=what))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(notebook, tmp_path / "test.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(tmp_path), "--nbval-lax", "--nbval-current-env"]
    ran = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
    assert (f"{passed} passed" in ran.stdout) == bool(passed), ran.stdout
    assert ("1 failed" in ran.stdout) == (not passed)


def test_every_control_has_a_name(model, dataset):
    panel = FreezePanel(model, dataset)
    panel.rows[0].opener.click()
    waiting, named = [panel.box], 0
    while waiting:
        widget = waiting.pop()
        waiting += getattr(widget, "children", ())
        if hasattr(widget, "description") and not hasattr(widget, "placeholder"):
            assert widget.description, widget
            named += 1
    assert named >= 20


def test_the_panel_has_forms_without_widgets(model):
    bundle = FreezePanel(model)._repr_mimebundle_()
    assert f"trains {numbers(model):,} of" in bundle["text/plain"]
    page = bundle["text/html"]
    assert 'role="img"' in page and "stage 1 trains" in page
    assert "application/vnd.jupyter.widget-view+json" in bundle


# A few steps, live


def test_a_few_steps_train_and_draw_a_curve(model, dataset):
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.live.start.click()
    assert "Press Compile first" in panel.live.message.value
    panel.compile.click()
    before = model.get_weights()
    panel.live.start.click()
    assert len(panel.live.losses) == panel.live.bar.value == 30
    assert '<img alt="Loss step by step. 30 of 30 steps' in panel.live.curve.value
    assert not np.array_equal(before[0], model.get_weights()[0])
    assert panel.live.stop.disabled and not panel.live.start.disabled


def test_training_can_be_stopped_while_it_runs(model, dataset):
    freezing.compile_again(model)
    live = LiveTraining(model, dataset, steps=10_000, batch_size=8)

    async def watch():
        live.start.click()
        while len(live.losses) < 3:
            await asyncio.sleep(0.01)
        live.stop.click()
        done = len(live.losses)
        await asyncio.sleep(0.2)
        return done

    done = asyncio.run(watch())
    assert 3 <= done == len(live.losses) < 10_000
    assert "of 10000 steps" in live.message.value


def test_a_failure_while_training_is_shown(model, dataset):
    freezing.compile_again(model)
    live = LiveTraining(model, dataset, steps=5, batch_size=8)
    model.train_on_batch = None
    live.start.click()  # outside Jupyter, ipywidgets logs the exception
    assert "TypeError" in live.message.value
    assert not live.start.disabled
