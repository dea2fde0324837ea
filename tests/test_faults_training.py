"""Faults of real life in training and models: refused with a remedy, or right."""

import gc
import re
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from IPython.core.interactiveshell import InteractiveShell
from tensorflow.python.framework.func_graph import FuncGraph
from test_models import Block, conv_and_norm, functional
from test_once_frozen import (
    SIDE,
    both,
    compiled,
    conv,
    headed,
    numpy_2,
    pixels,
    state,
    with_layer,
    wrapped,
)
from traitlets.config import Config

from data.making import controls
from tlcourse import features, training
from tlcourse._util import training_steps
from tlcourse.data import Dataset
from tlcourse.models import (
    costs,
    freeze_state,
    freezing,
    graph,
    heads,
    nesting,
    receptive_fields,
)
from tlcourse.models.keras_code import freeze_code
from tlcourse.teachable import GrowingClassifier
from tlcourse.training import fine_tuning, fit_once_frozen
from tlcourse.widgets import FreezePanel
from tlcourse.yosinski import network

layers, ops = keras.layers, keras.ops
norm = layers.BatchNormalization


# 1: labels travel without their names


def classified(names, per_class=2):
    n = per_class * len(names)
    images = np.random.default_rng(0).integers(0, 256, (n, SIDE, SIDE, 3), "uint8")
    return Dataset(images, np.arange(n) % len(names), tuple(names))


def dense(units=3, activation="softmax"):
    start = keras.Input((SIDE, SIDE, 3))
    x = layers.Dense(units, activation)(layers.Flatten()(start))
    return keras.Model(start, x)


class Track:
    name, preprocess = "glyphs", layers.Rescaling(1 / 255)
    class_names = ("ant", "bee", "cat")

    def build_base(self, weights="pretrained"):
        return conv_and_norm("base", (SIDE, SIDE, 3))


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    "names", [("ant", "cat"), ("cat", "bee", "ant"), ("ant", "bee", "cow")]
)
def test_datasets_of_other_classes_are_refused_with_both_lists(names):
    learn, watch = classified(("ant", "bee", "cat")), classified(names)
    vectors = [np.zeros((len(each), 2)) for each in (learn, watch)]
    for use in (
        lambda: training.train(dense(), learn, watch, 1),
        lambda: training.probe_sweep((vectors[0], learn), (vectors[1], watch), [1]),
    ):
        with pytest.raises(ValueError) as refusal:
            use()
        said = str(refusal.value)
        assert "Received" in said and str(names[-1]) in said and "bee" in said


@pytest.mark.fault(1)
def test_a_head_of_another_size_is_refused_or_said(capsys):
    five = classified("abcde")
    model = training.compile_for(dense(), 1e-3)
    for use in (
        lambda: training.train(model, five, five, 1),
        lambda: next(training.steps(model, five, 1)),
        lambda: fine_tuning.accuracy(model, five),
    ):
        with pytest.raises(ValueError, match="5 .*Received: .*3.*heads.wrap"):
            use()
    two = classified("ab")
    training.train(model, two, two, 1, class_weight={0: 1.0, 1: 3.0})
    assert "3 outputs for 2 classes" in capsys.readouterr().out


class TwoUnits(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.dense = layers.Flatten(), layers.Dense(2, "softmax")

    def call(self, x):
        return self.dense(self.flat(x))


def two_units():
    model = TwoUnits()
    model(np.zeros((1, SIDE, SIDE, 3)))
    return model


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("make", "options", "reason"),
    [
        (dense, {"class_weight": {"a": 1.0, "b": 3.0}}, "a dict from labels"),
        (dense, {"class_weight": {1: 1.0, 2: 2.0, 3: 1.0}}, "a dict from labels"),
        (dense, {"class_weight": [1.0, 2.0, 1.0]}, "a dict from labels"),
        (dense, {"class_weight": np.ones(3)}, "a dict from labels"),
        (lambda: dense(3, None), {}, "gives probabilities"),
        (lambda: dense(3, "relu"), {}, "gives probabilities"),
        (two_units, {}, "with 3 outputs"),
    ],
)
def test_what_would_train_wrongly_without_a_word_is_refused(make, options, reason):
    data = classified("abc")
    with pytest.raises(ValueError, match=f"Expected.*{reason}.*Received"):
        training.train(make(), data, data, 1, **options)


@pytest.mark.fault(1)
def test_images_of_another_size_are_refused_and_usual_options_are_not():
    data, model = classified("abc"), dense()
    large = Dataset(np.repeat(data.images, 2, 1), data.labels, data.class_names)
    for pair in ((large, data), (data, large)):
        with pytest.raises(ValueError, match="Expected images that fit.*Received"):
            training.train(model, *pair, 1)
    training.train(model, data, data, 1, class_weight={1: 3.0}, callbacks=None)


@pytest.mark.fault(1)
def test_accuracy_is_that_whatever_the_metrics_are():
    data, model = classified("abc"), dense()
    right = np.mean(model.predict(data.images, verbose=0).argmax(1) == data.labels)
    top = keras.metrics.SparseTopKCategoricalAccuracy(3)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[top, "accuracy"])
    assert fine_tuning.accuracy(model, data) == right


@pytest.mark.fault(1)
@pytest.mark.parametrize(("n", "counts"), [(6, [3]), (7, [1]), (6, [0])])
def test_a_sweep_draws_as_many_as_it_says_from_vectors_of_the_same_images(n, counts):
    data = classified("abc")
    pool, held_out = np.ones((n, 2)), np.ones((6, 2))
    with pytest.raises(ValueError, match="Expected vectors for .*Received"):
        training.probe_sweep((pool, data), (held_out, data), counts)


# 3: layers inside layers


class Deep(layers.Layer):
    """Holds its layers in a dict of lists of lists and tuples."""

    def __init__(self, **options):
        super().__init__(**options)
        self.held = {"a": [[layers.Conv2D(4, 3)], (norm(),)]}

    def call(self, x):
        return self.held["a"][1][0](self.held["a"][0][0](x))


class OwnClass(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.conv, self.norm = layers.Conv2D(4, 3), norm()

    def call(self, x, training=None):
        return self.norm(self.conv(x), training=training)


def stack(*inside):
    return keras.Sequential([keras.Input((16, 16, 3)), *inside])


INSIDE = {
    "held in a dict of lists": lambda: stack(Deep(name="b")),
    "a model of its own class": lambda: stack(OwnClass(name="b")),
    "TimeDistributed": lambda: stack(
        layers.Reshape((1, 16, 16, 3)),
        layers.TimeDistributed(stack(conv_and_norm("c")), name="b"),
    ),
    "a block": lambda: functional(Block(name="b")),
}


def statistics(model):
    """Moving means of all BatchNormalization, after a pass in training mode."""
    model(np.random.default_rng(0).normal(5, 2, (2, 16, 16, 3)), training=True)
    norms = filter(freezing.is_batchnorm, nesting.layers_inside(model))
    return np.concatenate([each.moving_mean.numpy() for each in norms])


@pytest.mark.fault(3)
@pytest.mark.parametrize("make", INSIDE.values(), ids=INSIDE)
def test_batchnorm_inside_a_layer_stays_in_inference_mode(make):
    model = functional(make())
    freezing.unfreeze_from(model, "b")
    assert model.trainable_weights and not statistics(model).any()
    freezing.freeze(model)
    stack = [x for x in nesting.layers_inside(model) if isinstance(x, layers.Conv2D)]
    stack[0].trainable = True  # thawed by hand
    freezing.freeze(model)
    assert not any(x.trainable for x in nesting.layers_inside(model))
    chosen = freeze_state.read_state(model).preset("everything")
    for name in ("all but BatchNorm", "head only"):
        exec(freeze_code(chosen.preset(name)), {"model": model, "keras": keras})
        before = freezing.trains(model).parameters
        chosen.preset(name).apply()
        assert freezing.trains(model).parameters == before
    assert not chosen.preset("all but BatchNorm").batchnorm_trains
    chosen.preset("all but BatchNorm").apply()
    assert not statistics(model).any()


@pytest.mark.fault(3)
def test_wrappers_count_as_what_they_wrap():
    spectral = layers.SpectralNormalization(layers.Conv2D(4, 3), name="wrapped")
    assert receptive_fields.receptive_fields(stack(spectral))["wrapped"] == 3
    rows, flop = [keras.Input((5, 2))], []
    for layer in (layers.LSTM(4), layers.Bidirectional(layers.LSTM(4))):
        (call,) = graph.list_calls(keras.Sequential([*rows, layer]))
        flop.append(costs.count_flop(call))
    assert flop[1] == 2 * flop[0]
    momentum = []

    class Nested(Track):
        def build_base(self, weights="pretrained"):
            return stack_of_three()

    for layer in nesting.layers_inside(controls.scratch_model(Nested())):
        if freezing.is_batchnorm(layer):
            momentum.append(layer.momentum)
    assert momentum == [0.9]


def stack_of_three():
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), Deep()])


@pytest.mark.fault(10)
def test_low_rank_adaptation_freezes_only_its_own_kernel():
    class Pair(layers.Layer):
        def __init__(self):
            super().__init__(name="pair")
            self.one, self.two = layers.Dense(8), layers.Dense(8)

        def call(self, x):
            return self.two(self.one(x))

    pair = Pair()
    inner = keras.Sequential([keras.Input((8,)), pair], name="in")
    model = keras.Sequential([inner, layers.Dense(3)])
    pair.one.enable_lora(2)
    before = freezing.count(model.trainable_weights)
    freezing.freeze(model)
    assert freezing.unfreeze_from(model, "in") == before < model.count_params()
    freezing.recompile(model)
    assert freezing.trains(model).parameters == before


@pytest.mark.fault(10)
def test_weights_frozen_one_by_one_stay_so():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8, name="pair"), norm()])
    model.trainable = False
    for layer in model.layers:
        layer.trainable = True
    model.layers[0].kernel.trainable = False
    before = {x.path for layer in model.layers for x in layer.trainable_weights}
    freezing.unfreeze_from(model, "pair", batchnorm="training")
    assert {weight.path for weight in model.trainable_weights} == before
    assert len(before) == 3  # a bias, and the two of the normalization


# 7, 10, 11: what was received, and a remedy that fits


def maps(*outputs, size=16):
    start = keras.Input((size, size, 3))
    x = layers.Conv2D(4, 3, name="conv")(start)
    return keras.Model(start, [make(x) for make in outputs] if outputs else x)


def two_inputs():
    pair = [keras.Input((16, 16, 3)), keras.Input((16, 16, 3))]
    return keras.Model(pair, layers.Conv2D(4, 3, name="conv")(layers.Add()(pair)))


@pytest.mark.fault(7)
def test_several_inputs_or_outputs_are_refused_everywhere():
    data, images = classified("abc"), np.zeros((2, 16, 16, 3), "uint8")
    double = maps(layers.ReLU(), layers.ReLU())
    named = keras.Model(double.inputs, dict(zip("ab", double.outputs, strict=True)))
    for model in (double, named, two_inputs()):
        for use in (
            lambda model=model: heads.wrap(model, 3),
            lambda model=model: training.compile_for(model, 1e-3),
            lambda model=model: training.train(model, data, data, 1),
            lambda model=model: next(training.steps(model, data, 1)),
            lambda model=model: fine_tuning.accuracy(model, data),
            lambda model=model: fit_once_frozen(model, images),
            lambda model=model: GrowingClassifier(model),
            lambda model=model: receptive_fields.strongest(
                model, lambda x: x, images, "conv", [0], 1
            ),
        ):
            with pytest.raises(ValueError, match="one input and one output. Received"):
                use()
    heads.wrap(keras.Model(double.inputs, double.outputs[0]), 3)  # as it says
    heads.wrap(keras.Model(double.inputs, {"only": double.outputs[0]}), 3)


@pytest.mark.fault(10)
def test_what_is_no_base_gets_the_remedy_for_its_case():
    pooled = maps(layers.GlobalAveragePooling2D())
    topped = keras.Model(pooled.inputs, layers.Dense(9)(pooled.outputs[0]))
    rows = maps(layers.Reshape((196, 4)))
    for base, head, remedy in (
        (pooled, "pool", "build it without `pooling`"),
        (topped, "pool", "build it with `include_top=False`"),
        (rows, "pool", r"End it where maps are: `keras.Model\(base.inputs"),
        (maps(size=None), "flatten", "input_shape=.* or use `head='pool'`"),
    ):
        with pytest.raises(ValueError, match=remedy):
            heads.wrap(base, 3, head)


@pytest.mark.fault(11)
def test_arguments_are_checked_before_they_are_used():
    base = maps()
    assert heads.wrap(base, np.int64(3)).output_shape == (None, 3)
    for options in ({"n_classes": 2.5}, {"n_classes": "3"}, {"n_classes": None}):
        with pytest.raises(ValueError, match="Expected `n_classes`.*Received"):
            heads.wrap(base, **options)
    with pytest.raises(ValueError, match=r"`len\(class_names\)` is 2"):
        heads.wrap(base, ("ant", "bee"))
    with pytest.raises(ValueError, match=r"hidden=\(16,\)"):
        heads.wrap(base, 3, hidden=16)
    for bad in (None, "base", layers.Dense(3), keras.Sequential([layers.Dense(2)])):
        for use in (
            lambda bad=bad: heads.wrap(bad, 3),
            lambda bad=bad: freezing.unfreeze_from(bad, "stage 1"),
        ):
            with pytest.raises(ValueError, match="Expected.*Received"):
                use()
    with pytest.raises(ValueError, match="Expected a `keras.Model`. Received: str"):
        freezing.freeze("base")
    own = OwnClass()
    own(np.zeros((1, 16, 16, 3)))
    with pytest.raises(ValueError, match="Received: OwnClass, a class of its own"):
        freezing.unfreeze_from(own, "stage 1")


@pytest.mark.fault(11)
def test_what_is_no_dataset_or_no_number_of_epochs_is_refused():
    data, model = classified("abc"), training.compile_for(dense(), 1e-3)
    for train, validation in (
        ((data, "report"), data),
        (data, None),
        (data.take([]), data),
    ):
        with pytest.raises(ValueError, match="Expected a `Dataset`.*Received"):
            training.train(model, train, validation, 1)
    with pytest.raises(ValueError, match="Expected a `Dataset`.*Received"):
        next(training.steps(model, data.take([]), 1))  # looked for a batch for ever
    for epochs in (0, 1.5, "3"):
        with pytest.raises(ValueError, match="Expected `epochs`"):
            training.train(model, data, data, epochs)


@pytest.mark.fault(11)
def test_probabilities_of_every_head_are_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        pooled = stack(layers.Conv2D(4, 3), layers.GlobalAveragePooling2D())
        grown = GrowingClassifier(pooled)
        for name, value in (("ant", 0), ("bee", 255)):
            grown.add_class(name)
            grown.add(name, np.full((16, 16, 3), value, "uint8"))
        wrapped = heads.wrap(conv_and_norm("base"), 3)
        for model in (network(3), grown.model(), wrapped):
            assert model.outputs[0].dtype == "float32"
        assert wrapped.get_layer("base").layers[0].compute_dtype == "float16"
    finally:
        keras.config.set_dtype_policy(before)


# 17: as `fit` trains, or refused


class Place(layers.Layer):
    """Its answer depends on the place in the batch."""

    def call(self, x):
        places = ops.cast(ops.arange(ops.shape(x)[0]), "float32")
        return x * (1 + ops.reshape(places, (-1, 1, 1, 1)))


class Large(layers.Layer):
    """Its answer depends on the size of the batch."""

    def call(self, x):
        return x * ops.where(ops.shape(x)[0] > 10, 2.0, 1.0)


class Metered(layers.Layer):
    def __init__(self):
        super().__init__()
        self.meter = keras.metrics.Mean(name="activation")

    def call(self, x):
        self.meter.update_state(ops.mean(x))
        return x


class Called(layers.Layer):
    """Counts its calls in Python."""

    calls = 0

    def call(self, x):
        self.calls += 1
        return x * (1 + 0.1 * self.calls)


class Moves(norm):
    """Moves its statistics though it is frozen."""

    def call(self, x, training=None, mask=None):
        self.moving_mean.assign_add(ops.ones_like(self.moving_mean))
        return super().call(x, training=training)


FROZEN = {
    "place": (Place, "does not give an image the same output"),
    "size": (Large, "is not the same in another batch"),
    "metric": (Metered, "keeps a state"),
    "largest": (lambda: layers.Lambda(lambda x: x - ops.max(x)), "the same output"),
    "calls": (Called, "does not give an image the same output"),
    "sort": (lambda: layers.Lambda(lambda x: ops.sort(x, axis=0)), "the same output"),
    "moves": (Moves, "takes its statistics.*Take it out"),
    "time": (lambda: layers.TimeDistributed(layers.Dropout(0.5)), "is random"),
    "spectral": (
        lambda: layers.SpectralNormalization(layers.Conv2D(4, 3)),
        "keeps a state",
    ),
}


@pytest.mark.fault(17)
@pytest.mark.parametrize(("make", "reason"), FROZEN.values(), ids=FROZEN)
def test_a_frozen_layer_that_is_not_steady_is_refused(make, reason):
    layer = make()
    layer.trainable = False
    model = with_layer(layer)
    before = state(model)
    with pytest.raises(ValueError, match=reason):
        fit_once_frozen(model, *pixels(20), batch_size=16, verbose=0)
    for one, two in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(one, two)


def stack_of(*inside):
    return keras.Sequential([keras.Input((SIDE, SIDE, 4)), *inside])


@pytest.mark.fault(17)
def test_a_variable_outside_that_changes_the_frozen_part_is_found_out():
    outside = keras.Variable(1.0, trainable=False)
    model = with_layer(layers.Lambda(lambda x: x * outside))
    change = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: outside.assign(2.0)
    )
    with pytest.raises(RuntimeError, match="changed while it trained.*`model.fit`"):
        fit_once_frozen(model, *pixels(8), verbose=0, callbacks=[change])


class Borrows(keras.callbacks.Callback):
    """Changes frozen weights at one event, and puts them back at another."""

    def __init__(self, begin, end):
        super().__init__()
        setattr(self, begin, lambda *_, **__: self.add(0.5))
        setattr(self, end, lambda *_, **__: self.add(-0.5))

    def add(self, value):
        weight = self.model.non_trainable_weights[0]
        weight.assign(weight + value)


EVENTS = ("epoch", "train_batch", "batch", "test")


@pytest.mark.fault(17)
@pytest.mark.parametrize("event", EVENTS)
def test_a_callback_that_borrows_frozen_weights_is_found_out(event):
    x, y = pixels(8)
    model, borrows = wrapped(), Borrows(f"on_{event}_begin", f"on_{event}_end")
    with pytest.raises(RuntimeError, match="leave frozen weights alone.*`model.fit`"):
        fit_once_frozen(
            model, x, y, verbose=0, callbacks=[borrows], validation_data=(x, y)
        )


@pytest.mark.fault(17)
def test_a_base_with_a_call_put_on_it_is_not_opened():
    base = stack_of_three_channels()
    own = base.call
    base.call = lambda x, training=None, **_: own(x) * (1.5 if training else 1.0)
    with pytest.raises(ValueError, match="does not give an image the same output"):
        fit_once_frozen(with_layer_first(base), *pixels(8), verbose=0)


def stack_of_three_channels():
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), conv()], name="base")


def with_layer_first(base):
    start = keras.Input((SIDE, SIDE, 3))
    return headed(start, conv()(base(start)))


class AsksIfBright(layers.Layer):
    def call(self, x, training=False):
        return ops.where(ops.abs(x) > 0.1, x * 2, x) if training else x


@pytest.mark.fault(17)
def test_images_from_the_whole_set_try_whether_the_frozen_part_is_steady():
    x, y = pixels(32)
    x[:16] //= 100  # dark ones first
    with pytest.raises(ValueError, match="does not give an image the same output"):
        fit_once_frozen(with_layer(AsksIfBright()), x, y, verbose=0)


@pytest.mark.fault(17)
def test_weights_in_another_order_are_refused():
    start = keras.Input((SIDE, SIDE, 3))
    x = conv("first")(start)
    several = stack_of(*(conv(trainable=True) for _ in range(3)))
    model = headed(start, layers.Add()([conv("side", True)(x), several(x)]))
    with pytest.raises(ValueError, match="in the same order.*`model.fit`"):
        fit_once_frozen(model, *pixels(8), verbose=0)


OPTIMIZERS = {
    "accumulation": lambda: keras.optimizers.Adam(gradient_accumulation_steps=2),
    "averages": lambda: keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=2),
    "decay and norm": lambda: excluded(keras.optimizers.AdamW(global_clipnorm=0.01)),
}


def excluded(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


@pytest.mark.fault(17)
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_with_more_than_a_step_train_to_the_bit(make):
    both(wrapped(("conv_2",), make()), *pixels(12))


@numpy_2
@pytest.mark.fault(17)
def test_stopping_callbacks_and_eager_steps_do_the_same():
    calls = keras.callbacks
    plateau = calls.ReduceLROnPlateau("loss", patience=1, min_delta=10)
    new = calls.LambdaCallback(on_train_begin=lambda _: vars(plateau).update(best=None))
    both(wrapped(), *pixels(12), callbacks=[calls.TerminateOnNaN(), new, plateau])
    both(wrapped(run_eagerly=True), *pixels(8), epochs=1)


# What a last look found


@pytest.mark.fault(5)
@pytest.mark.parametrize("size", [0, -1, 2.5, "8", True])
def test_a_batch_has_a_whole_number_of_images(size):
    dataset = classified(("ant", "bee", "cat"))
    model = training.compile_for(dense(), 1e-2)
    calls = (
        lambda: training.train(model, dataset, dataset, epochs=1, batch_size=size),
        lambda: next(training.steps(model, dataset, 1, batch_size=size)),
        lambda: fit_once_frozen(model, dataset.images, dataset.labels, batch_size=size),
        lambda: features.extract(model, dataset.images, batch_size=size),
        lambda: FreezePanel(model, batch_size=size),
    )
    for call in calls:
        with pytest.raises(ValueError, match="Expected `batch_size`, a whole number"):
            call()


@pytest.mark.fault(5)
@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_train_may_be_told_how_much_to_say(verbose):
    dataset = classified(("ant", "bee", "cat"))
    history = training.train(dense(), dataset, dataset, epochs=1, verbose=verbose)
    assert history.params["verbose"] == verbose


@pytest.mark.fault(11)
def test_a_wrapped_base_is_not_wrapped_again_and_the_remedy_works():
    base = conv_and_norm("inner", (SIDE, SIDE, 3))
    once = heads.wrap(base, 3)
    with pytest.raises(ValueError, match="has a head already") as caught:
        heads.wrap(once, 3)
    remedy = re.search("`model.(.*)`", str(caught.value))[1]
    again = heads.wrap(eval(f"model.{remedy}", {"model": once}), 4)
    assert again.output_shape == (None, 4)


@pytest.mark.fault(11)
@pytest.mark.parametrize("name", ["pool", "pixels", "classes", "hidden_1"])
def test_a_base_may_have_the_name_of_a_layer_of_the_head(name):
    base = conv_and_norm(name, (SIDE, SIDE, 3))
    assert heads.wrap(base, 3, hidden=(4,)).get_layer(name) is base


@pytest.mark.fault(11)
def test_units_of_hidden_layers_are_whole_numbers():
    base = conv_and_norm("base", (SIDE, SIDE, 3))
    assert heads.wrap(base, 3, hidden=None).count_params() > 0
    for wrong in ("64", [0], ["a"], 1.5, True):
        with pytest.raises(ValueError, match=r"Write `hidden=\(64,\)`"):
            heads.wrap(base, 3, hidden=wrong)


@pytest.mark.fault(7)
def test_a_growing_classifier_wants_vectors_and_says_how():
    base = conv_and_norm("base", (SIDE, SIDE, 3))
    with pytest.raises(ValueError, match="a vector for each picture") as caught:
        GrowingClassifier(base)
    remedy = re.search("`(keras.*)`", str(caught.value))[1]
    grown = GrowingClassifier(eval(remedy, {"keras": keras, "embed": base}))
    assert grown.examples == {}


def steps_in_memory():
    """The graphs of training steps that are there: those of other tests may be, too."""
    gc.collect()
    graphs = [x for x in gc.get_objects() if isinstance(x, FuncGraph)]
    return [graph for graph in graphs if "one_step" in graph.name]


def steps_left(line):
    """How many graphs of steps a model leaves that has come and gone."""
    before = steps_in_memory()
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")]))
    model.fit(np.ones((6, 4)), np.arange(6) % 3, verbose=0, callbacks=[line])
    del model
    return sum(all(graph is not x for x in before) for graph in steps_in_memory())


@pytest.mark.fault(11)
def test_a_training_that_is_over_takes_no_memory(monkeypatch):
    where = "TensorFlow's table of gradients is another one: _util/training_steps.py"
    line = training.ProgressLine()  # outlives its models, as in lesson 07
    assert steps_left(line) == 0, where
    monkeypatch.setattr(training_steps, "forget", lambda: None)
    assert steps_left(line) > 0, "TensorFlow forgets by itself: drop that module"


@pytest.mark.fault(11)
def test_gradients_of_ones_own_outlast_a_collection():
    double = tf.function(tf.custom_gradient(lambda x: (x, lambda upper: 2 * upper)))
    x = tf.constant(1.0)
    double(x)  # built before anybody asks for its gradient
    gc.collect()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = double(x)
    assert tape.gradient(y, x) == 2


@pytest.mark.fault(11)
def test_what_a_cell_leaves_is_collected_after_it(monkeypatch):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    training_steps.forget_when_collecting()
    gc.disable()
    shell.run_cell("class A: pass\na = A(); a.a = a")
    gone = weakref.ref(shell.user_ns["a"])
    shell.run_cell("del a")
    gc.enable()
    assert gone() is None
