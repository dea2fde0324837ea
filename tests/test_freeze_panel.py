"""The freeze panel: structure, state, costs, and the view, without a browser."""

import asyncio
import threading
import types

import ipywidgets
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.events import EventManager, available_events
from keras import layers

from tlcourse import training
from tlcourse.data import Dataset
from tlcourse.models import costs, freeze_state, freezing, heads, keras_code, nesting
from tlcourse.models.structure import find_structure, movement
from tlcourse.widgets import FreezePanel, view


def small_base(name="base"):
    """Two stages with BatchNormalization and a shortcut, a few hundred numbers."""
    x = pixels = keras.Input((16, 16, 3))
    for stage in (1, 2):
        x = layers.Conv2D(4, 3, 2, "same", name=f"conv_{stage}")(x)
        x = before = layers.BatchNormalization(name=f"norm_{stage}")(x)
        x = layers.DepthwiseConv2D(3, padding="same", name=f"deep_{stage}")(x)
        x = layers.Add(name=f"add_{stage}")([x, before])
    return keras.Model(pixels, x, name=name)


def wrapped():
    return heads.wrap(small_base(), 3, "pool", layers.Rescaling(1 / 255))


def chain(*parts):
    return keras.Sequential(parts)


@pytest.fixture(autouse=True)
def closed():
    """ipywidgets keeps all views, and so their models, until they are closed."""
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def model():
    return wrapped()


@pytest.fixture
def panel(model):
    return FreezePanel(model)


@pytest.fixture
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), "uint8")
    return Dataset(images, np.arange(24) % 3, ("a", "b", "c"))


def numbers(model):
    """What Keras itself says."""
    return freezing.count(model.trainable_weights)


def run(code, model):
    exec(code, {"model": model, "keras": keras})


def flop(found):
    return sum(map(costs.count_flop, found.calls))


# Structure


def with_its_top():
    return keras.applications.MobileNet(alpha=0.25, weights=None, classes=5)


def around_a_base():
    mixer, pool = layers.Conv2D(3, 1, name="mixer"), layers.GlobalAveragePooling2D()
    dense = [layers.Dense(8, name="hidden"), layers.Dense(3, name="out")]
    return chain(keras.Input((16, 16, 1)), mixer, small_base(), pool, *dense)


def two_bases():
    pixels = keras.Input((16, 16, 3))
    joined = layers.Add()([small_base("left")(pixels), small_base("right")(pixels)])
    outputs = layers.Dense(2, name="out")(layers.GlobalAveragePooling2D()(joined))
    return keras.Model(pixels, outputs)


def of_words():
    inside = [layers.Embedding(50, 8, name="words"), layers.LSTM(4, name="lstm")]
    return chain(keras.Input((6,)), *inside, layers.Dense(2, name="dense"))


STAGES = ["stage 1", "stage 2"]
LEFT_RIGHT = [f"{side}, {stage}" for side in ("left", "right") for stage in STAGES]
PARTS = {  # and the numbers of the head
    wrapped: ([*STAGES, "head"], 4 * 3 + 3),
    with_its_top: ([f"stage {k}" for k in range(1, 6)] + ["top"], 256 * 5 + 5),
    around_a_base: (["before the base", *STAGES, "head"], 4 * 8 + 8 + 8 * 3 + 3),
    two_bases: ([*LEFT_RIGHT, "head"], 4 * 2 + 2),
    of_words: (["words", "lstm", "dense"], 4 * 2 + 2),
}


@pytest.mark.parametrize("make", PARTS, ids=lambda make: make.__name__)
def test_parts_stand_from_input_to_output_and_hold_every_number(make):
    model, (names, head) = make(), PARTS[make]
    panel = FreezePanel(model)
    found = panel.summary.state.structure
    assert [part.name for part in found.parts] == names
    assert sum(map(found.parameters, found.parts)) == model.count_params()
    panel.do("preset", "head only")
    assert numbers(model) == head == panel.summary.state.trainable_parameters


def test_what_is_used_twice_is_counted_once_and_costs_twice():
    base, pool = small_base(), layers.GlobalAveragePooling2D()
    left, right = keras.Input((16, 16, 3)), keras.Input((16, 16, 3))
    joined = layers.Concatenate()([pool(base(left)), pool(base(right))])
    model = keras.Model([left, right], layers.Dense(2)(joined))
    panel = FreezePanel(model)
    assert panel.summary.costs.total == model.count_params()
    once, dense = flop(find_structure(base)), 2 * 8 * 2
    assert flop(panel.summary.state.structure) == 2 * once + dense
    panel.do("part", 0, False)
    assert panel.summary.state.trainable_parameters == numbers(model)


class Opaque(keras.Model):
    """A model that keeps its layers to itself."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)
        self(np.zeros((1, 3)))

    def call(self, x):
        return self.dense(x)


def partly_frozen():
    inner = layers.TimeDistributed(chain(layers.Dense(3), layers.Dense(3)), name="two")
    model = chain(keras.Input((2, 4)), inner)
    inner.layer.layers[0].trainable = False
    return model


def with_low_rank():
    dense = layers.Dense(8, name="narrow")
    model = chain(keras.Input((8,)), dense, layers.Dense(2))
    dense.enable_lora(rank=1)
    return model


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: layers.Dense(2), "Expected a `keras.Model`"),
        (lambda: chain(layers.Dense(2)), "Expected a built model.*keras.Input"),
        (Opaque, "Expected a functional or Sequential.*Received: Opaque"),
        (
            lambda: keras.applications.MobileNet(include_top=False, weights=None),
            "Expected a fixed input size.*input_shape",
        ),
        (lambda: chain(keras.Input((3,)), layers.ReLU()), "a model with weights"),
        (partly_frozen, "as a whole.*two.*12 of 27 numbers train.*to False and then"),
        (with_low_rank, "as a whole.*narrow.*low-rank adaptation.*without the panel"),
    ],
)
def test_what_the_panel_cannot_show_is_refused_with_a_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        FreezePanel(make())


def test_looking_at_a_model_leaves_its_flags_as_they_are(model):
    every = nesting.layers_inside(model)
    for number, layer in enumerate(every):
        layer.trainable = number % 3 > 0
    before = [layer.trainable for layer in every]
    find_structure(model)
    assert [layer.trainable for layer in every] == before


# State, model and code agree

KINDS = ["part", "unit", "line", "preset", "norms", "code", "base"]
moves = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 12), st.booleans()), max_size=8
)


def do(panel, what, number, flag):
    """One thing that a learner may do, in the panel or in code."""
    base = panel.summary.model.get_layer("base")
    if what == "part":
        panel.do("part", number % 3, flag)
    elif what == "line":
        panel.do("line", number % 4)
        trains = [each["shows"] == "trains" for each in panel.widget.shown["parts"]]
        assert trains == [k >= number % 4 for k in range(3)]
    elif what == "unit":
        panel.do("unit", number % 7, flag)
    elif what == "preset":
        panel.do("preset", freeze_state.PRESETS[number % 6])
    elif what == "norms":
        panel.do("norms", flag)
    else:
        layer = base if what == "base" else base.layers[number % len(base.layers)]
        layer.trainable = flag
        panel.do("refresh")


@given(moves=moves, noise=st.lists(st.booleans(), min_size=16, max_size=16))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_panel_model_and_code_always_agree(panel, moves, noise):
    model = panel.summary.model
    total = model.count_params()
    for move in moves:
        do(panel, *move)
        state = panel.summary.state
        assert state.trainable_parameters == numbers(model)
        seen = panel.widget.shown
        assert seen["trains"] == numbers(model) and seen["total"] == total
        for part, each in zip(state.structure.parts, seen["parts"], strict=True):
            assert each["shows"] == state.shows(part)
        assert seen["norms"] == state.batchnorm_trains
    wanted = {id(weight) for weight in model.trainable_weights}
    for layer, flag in zip(nesting.layers_inside(model), noise, strict=False):
        layer.trainable = flag
    run(keras_code.freeze_code(panel.summary.state), model)
    assert {id(weight) for weight in model.trainable_weights} == wanted


HEAD = "model.trainable = True\nmodel.get_layer('classes').trainable = True\n"
BASE = "base = model.get_layer('base')\nbase.trainable = {}\n"
LOOP = "for layer in base.layers:\n    layer.trainable = {}"
CODE = {
    "head only": BASE.format(False) + LOOP.format(False),
    "everything": BASE.format(True) + LOOP.format(True),
    "all but BatchNorm": BASE.format(True)
    + LOOP.format("not isinstance(layer, keras.layers.BatchNormalization)"),
    "last stage": BASE.format(True)
    + "trains = {\n    'conv_2',\n    'deep_2',\n}\n"
    + LOOP.format("layer.name in trains"),
}


@pytest.mark.parametrize("preset", CODE)
def test_the_code_is_what_one_would_write(preset, model):
    state = freeze_state.read_state(model).preset(preset)
    assert keras_code.freeze_code(state) == HEAD + CODE[preset]
    assert state.batchnorm_trains == (preset == "everything")


def test_the_code_works_from_a_frozen_model_with_odd_names():
    base = chain(keras.Input((4, 4, 3)), layers.Conv2D(2, 1))
    deep = keras.Sequential([base, layers.Conv2D(2, 1)], name='it\'s "deep"')
    model = chain(deep, layers.Flatten(), layers.Dense(3, name='a "q" 0'))
    state = freeze_state.read_state(model)
    for preset in freeze_state.PRESETS:
        chosen = state.preset(preset, 1)
        model.trainable = False
        run(keras_code.freeze_code(chosen), model)
        assert numbers(model) == chosen.trainable_parameters, preset


def test_a_layer_that_has_nothing_to_learn_does_not_block_its_stage():
    known = [layers.Normalization(mean=0.5, variance=1.0), layers.Normalization()]
    conv = layers.Conv2D(4, 3, 2, name="conv")
    panel = FreezePanel(heads.wrap(chain(keras.Input((8, 8, 3)), *known, conv), 2))
    panel.do("part", 0, False)
    assert not conv.trainable
    panel.do("part", 0, True)
    assert conv.trainable and panel.widget.shown["parts"][0]["shows"] == "trains"


# Compiled or not


def test_a_change_after_fit_is_noticed_and_compile_mends_it(
    panel, model, dataset, monkeypatch
):
    assert panel.summary.status == "not compiled yet"
    panel.do("preset", "head only")
    panel.do("compile")
    assert panel.summary.status == "compiled as shown"
    model.fit(dataset.images, dataset.labels, verbose=0)
    panel.do("preset", "all but BatchNorm")
    assert "changed since compile" in panel.widget.shown["status"]
    assert "until then, fit trains 15 numbers" in panel.summary.status
    with monkeypatch.context() as other:  # where Keras stops, no number is promised
        other.setattr(keras.backend, "backend", lambda: "torch")
        assert panel.summary.status == "changed since compile: compile again"
    panel.do("compile")
    assert "compiled as shown" in panel.widget.shown["status"]
    before = model.get_layer("base").get_weights()[0].copy()
    model.fit(dataset.images, dataset.labels, verbose=0)
    assert not np.array_equal(before, model.get_layer("base").get_weights()[0])


def test_compiling_again_keeps_what_the_learner_chose(model):
    model.compile(keras.optimizers.SGD(0.5), "mse", metrics=["mae"])
    freezing.recompile(model)
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.loss == "mse"
    first = model.optimizer
    run(keras_code.compile_code(model), model)
    assert model.optimizer is not first
    assert float(model.optimizer.learning_rate) == 0.5
    model.compile("adam", lambda true, predicted: predicted)  # Keras cannot repeat it
    model.get_compile_config = lambda: None
    with pytest.raises(ValueError, match="in a cell, as you did before"):
        freezing.recompile(model)


# Costs


def test_gradients_stop_at_the_first_layer_that_trains(model):
    state = freeze_state.read_state(model)
    units = state.structure.units

    def passed(state):
        return {units[i].path.split("/")[-1] for i in costs.step_costs(state).passed}

    assert passed(state.preset("freeze everything")) == set()
    assert passed(state.preset("head only")) == {"classes"}
    stage = {"conv_2", "norm_2", "deep_2"}
    assert passed(state.preset("last stage")) == stage | {"classes"}
    # A frozen layer behind one that trains lets the gradient through.
    lone = state.preset("freeze everything").with_unit(0, True)
    assert len(passed(lone)) == len(units)


def test_a_branch_that_is_frozen_is_not_walked_back():
    pixels = keras.Input((8, 8, 3))
    left, right = (layers.Conv2D(2, 3, name=name)(pixels) for name in "lr")
    joined = layers.Flatten()(layers.Add()([left, right]))
    model = keras.Model(pixels, layers.Dense(2, name="out")(joined))
    state = freeze_state.read_state(model).preset("freeze everything")
    found = costs.step_costs(state.with_unit(1, True))
    assert {state.structure.units[i].path for i in found.passed} == {"r", "out"}


def resnet50():
    return keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )


@pytest.mark.parametrize(
    "make, expected, within",
    [
        (resnet50, 2 * 3.8e9, 0.03),  # multiply-adds: He et al. 2015, table 1
        # Words are looked up, and each step in time is counted.
        (of_words, 2 * 6 * (8 + 4) * 16 + 2 * 4 * 2, 0),
    ],
)
def test_a_forward_pass_costs_what_is_known(make, expected, within):
    assert flop(find_structure(make())) == pytest.approx(expected, rel=within)


def test_a_step_costs_one_pass_frozen_and_three_trained(model):
    state = freeze_state.read_state(model)
    forward = costs.step_costs(state.preset("freeze everything"), 10).flop
    everything = costs.step_costs(state.preset("everything"), 10).flop
    assert forward == 10 * flop(state.structure)
    # No gradient for the pixels, so the first kernel passes twice.
    first = 2 * 8 * 8 * 3 * 3 * 3 * 4 * 10
    assert everything == 3 * forward - first


def test_the_optimizer_keeps_what_is_said(model):
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    kept = [x for x in model.optimizer.variables if len(x.shape)]  # no counters
    found = costs.step_costs(freeze_state.read_state(model))
    assert found.optimizer_bytes == 4 * freezing.count(kept)
    model.compile("sgd", "mse")
    assert costs.step_costs(freeze_state.read_state(model)).optimizer_bytes == 0


def test_only_a_choice_that_was_measured_has_seconds(model, dataset):
    training.compile_for(model, 1e-5)  # a metric for labels, not for what we time with
    panel = FreezePanel(model, dataset, batch_size=8)
    before = model.get_weights()
    for preset in ("last stage", "freeze everything"):
        panel.do("preset", preset)
        panel.do("compile")
        assert "not timed" in str(panel.widget.shown["lines"])
        panel.do("measure")
        assert "estimated from a few steps" in str(panel.widget.shown["lines"])
        assert panel.summary.status == "compiled as shown"
    panel.do("preset", "head only")
    assert "not timed" in str(panel.widget.shown["lines"])
    panel.do("preset", "last stage")
    assert "estimated from a few steps" in str(panel.widget.shown["lines"])
    assert all(map(np.array_equal, before, model.get_weights()))


def test_what_is_timed_is_the_choice(model, monkeypatch):
    timed = []

    def train(copy, x, y):
        timed.append((numbers(copy), len(x)))

    monkeypatch.setattr(keras.Model, "train_on_batch", train)
    state = freeze_state.read_state(model).preset("last stage")
    assert costs.seconds_per_step(state, 4, steps=3) >= 0
    assert timed == [(state.trainable_parameters, 4)] * 5
    assert numbers(model) != state.trainable_parameters


def test_compile_and_train_read_flags_that_code_has_set(model, dataset):
    panel = FreezePanel(model, dataset, batch_size=8)
    panel.do("compile")
    for layer in model.get_layer("base").layers:
        layer.trainable = not layer.trainable
    panel.do("train")
    assert "Press Compile first" in panel.message.value
    panel.do("compile")
    assert "Compiled." in panel.message.value
    assert panel.summary.state.trainable_parameters == numbers(model)
    assert panel.widget.shown["trains"] == numbers(model)


# The view


def test_batchnorm_that_was_to_train_does_so_again_when_the_line_comes_back(panel):
    panel.do("line", 1)
    panel.do("norms", True)
    before = panel.widget.shown["trains"]
    for k in (3, 1):  # past the head, where none is left
        panel.do("line", k)
    assert panel.widget.shown["trains"] == before and panel.widget.shown["norms"]
    panel.do("preset", "last stage")
    panel.do("line", 1)
    assert not panel.widget.shown["norms"]


def test_a_layer_can_be_chosen_alone(panel, model):
    inside = panel.widget.units[0]
    assert [name for _, name, _ in inside] == ["conv_1", "norm_1", "deep_1"]
    panel.do("unit", inside[0][0], False)
    assert not model.get_layer("base").get_layer("conv_1").trainable
    assert panel.widget.shown["parts"][0]["shows"] == "partly"


def test_a_click_waits_for_the_cell_that_trains(model, dataset, monkeypatch):
    """Flags that change while `fit` traces its step would train other layers.

    JupyterLab runs callbacks in two threads, which wait for each other likewise.
    """
    shell = types.SimpleNamespace()
    shell.events = EventManager(shell, available_events)
    monkeypatch.setattr(view, "get_ipython", lambda: shell)
    panel = FreezePanel(freezing.recompile(model), dataset)
    FreezePanel(model)  # one more view: a cell is still heard once
    click = threading.Thread(target=panel.do, args=("part", 0, False))
    shell.events.trigger("post_run_cell", None)  # of a cell that began before
    shell.events.trigger("pre_run_cell", None)
    click.start()
    model.fit(dataset.images, dataset.labels, epochs=2, verbose=0)
    assert click.is_alive() and panel.summary.status == "compiled as shown"
    shell.events.trigger("post_run_cell", None)
    click.join(10)
    assert not click.is_alive() and "changed since compile" in panel.summary.status


def test_the_panel_has_forms_without_widgets(panel, model):
    bundle = panel._repr_mimebundle_()
    assert f"trains {numbers(model):,} of" in bundle["text/plain"]
    page = bundle["text/html"]
    assert 'role="img"' in page and "stage 1 trains" in page
    assert "parameters, 8 px, conv_1 to deep_1" in page
    assert "application/vnd.jupyter.widget-view+json" in bundle


# A few steps, live: the seven scenes that readers stumbled over, and more


@pytest.fixture
def live(model, dataset):
    freezing.recompile(model)
    return FreezePanel(model, dataset, batch_size=8, validation=dataset).live


def seen(live):
    return live.panel.widget.shown


def test_each_run_starts_from_the_same_weights_and_the_same_optimizer(live, model):
    start = model.get_weights()
    for _ in range(2):
        live.panel.do("train")
    first, again = (run["losses"] for run in live.runs)
    assert len(first) == 30 and first == again
    assert not all(map(np.array_equal, start, model.get_weights()))
    live.panel.do("preset", "head only")
    live.panel.do("compile")
    live.panel.do("train")  # once more, and not from what "everything" left behind
    assert all(map(np.array_equal, live._start, start))
    assert live.runs[2]["losses"] != first


def test_weights_that_somebody_else_trained_are_a_new_start(live, model):
    live.panel.do("train")
    mine = [weight + 0.1 for weight in model.get_weights()]
    model.set_weights(mine)
    live.panel.do("train")
    live.panel.do("train")  # goes back to the learner's weights, not to the first ones
    assert all(map(np.array_equal, live._start, mine))


def test_runs_are_kept_and_show_the_accuracy_on_validation_images(live, model, dataset):
    live.panel.do("norms", False)
    for k in (2, 1):
        live.panel.do("line", k)
        live.panel.do("compile")
        live.panel.do("train")
    runs = seen(live)["training"]["runs"]
    assert [run["name"] for run in runs] == ["head", "stage 2 + head"]
    assert all(len(run["losses"]) == 30 for run in runs)
    at, shown = zip(*live.runs[1]["accuracy"], strict=True)
    assert at == (0, 10, 20, 30)
    right = model.predict(dataset.images, verbose=0).argmax(axis=1) == dataset.labels
    assert shown[-1] == pytest.approx(right.mean())
    assert f"to {right.mean():.2f}" in live.panel.message.value


def test_with_all_frozen_nothing_moves_and_no_curve_is_drawn(live, model):
    live.panel.do("preset", "freeze everything")
    live.panel.do("compile")
    before = model.get_weights()
    live.panel.do("train")
    assert "nothing moved" in live.panel.message.value and not live.runs
    assert all(map(np.array_equal, before, model.get_weights()))


def test_what_moved_is_read_from_the_weights(live, model):
    assert all(part["moved"] is None for part in seen(live)["parts"])
    live.panel.do("norms", False)
    live.panel.do("line", 1)
    live.panel.do("compile")
    before = model.get_layer("base").get_layer("conv_2").get_weights()
    live.panel.do("train")
    first, second, head = seen(live)["parts"]
    assert (first["moved"], first["averages"], second["averages"]) == (0, 0, 0)
    assert second["moved"] > 0 < head["moved"] and head["averages"] is None
    after = model.get_layer("base").get_layer("conv_2").get_weights()
    assert not all(map(np.array_equal, before, after))
    live.panel.do("norms", True)
    assert seen(live)["parts"][1]["moved"] is None  # it was of another choice
    live.panel.do("compile")
    live.panel.do("train")
    assert [part["averages"] and True for part in seen(live)["parts"]] == [
        0,
        True,
        None,
    ]


def test_movement_is_a_share_of_what_was_there():
    model = chain(keras.Input((2,)), layers.Dense(2, use_bias=False), layers.Dense(1))
    before = [np.full(w.shape, 2.0) for w in model.get_weights()]
    model.set_weights([before[0] * 1.5, *before[1:]])
    first, second = movement(find_structure(model), before)
    assert (first.weights, first.averages) == (0.5, None) and second.weights == 0


def test_training_can_be_stopped_while_it_runs(live):
    live.steps = 10_000

    async def watch():
        live.panel.do("train")
        live.panel.do("train")  # a second press while it runs does nothing
        while len(live.runs[0]["losses"]) < 3:
            await asyncio.sleep(0.01)
        live.panel.do("stop")
        await asyncio.sleep(0.2)
        return len(live.runs[0]["losses"])

    done = asyncio.run(watch())
    assert 3 <= done == len(live.runs[0]["losses"]) < 10_000 and len(live.runs) == 1
    assert "of 10000 steps" in live.panel.message.value
    assert not seen(live)["training"]["running"]


def test_a_failure_while_training_is_shown(live, model):
    live.panel.guarded(lambda: None)
    training.steps, before = None, training.steps
    try:
        with pytest.raises(TypeError):
            live.panel.do("train")
    finally:
        training.steps = before
    assert "TypeError" in live.panel.message.value
    assert not seen(live)["training"]["running"]
