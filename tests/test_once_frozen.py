"""The frozen part, computed once: where the cut is, and the same result to the bit."""

import gc
import itertools
import tempfile
import types
import weakref

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tlcourse import bases, features
from tlcourse.features import forward
from tlcourse.models import freezing, heads, randomness
from tlcourse.training import cutting, fit_once_frozen, once_frozen

layers = keras.layers
SIDE = 8


def pixels(n, seed=0, side=SIDE):
    """Raw pixels and labels."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side, 3), "uint8"), np.arange(n) % 3


def small_base(name="base", dropout=0.3):
    """Two convolutions with BatchNormalization; dropout between them, a shortcut."""
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, 2, "same", name="conv_1")(x)
    x = before = layers.BatchNormalization(name="norm_1")(x)
    x = layers.Conv2D(4, 3, padding="same", name="conv_2")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    x = layers.BatchNormalization(name="norm_2")(x)
    return keras.Model(start, layers.Add(name="add")([x, before]), name=name)


def wrapped(free=("conv_2",), optimizer="adam", **options):
    """A head on the small base; of the base, what is `free` trains."""
    base = small_base(**options)
    freezing.freeze(base)
    for name in free:
        base.get_layer(name).trainable = True
    model = heads.wrap(base, 3, "pool", layers.Rescaling(1 / 255, name="scale"))
    return compiled(model, optimizer)


def compiled(model, optimizer="adam"):
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def state(model):
    """Everything that training changes: weights, seeds, optimizer."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    found = (*model.variables, *model.optimizer.variables)
    return [np.copy(variable.numpy()) for variable in found]


def restore(model, saved):
    found = (*model.variables, *model.optimizer.variables)
    for variable, value in zip(found, saved, strict=True):
        variable.assign(value)


def both(model, *data, seed=1, once=(), **options):
    """Trains from one start as `fit` does and as ours; asserts that it is the same."""
    start, ends, histories = state(model), [], []
    options = {"epochs": 2, "batch_size": 4, "verbose": 0} | options
    for train in (keras.Model.fit, fit_once_frozen):
        restore(model, start)
        keras.utils.set_random_seed(seed)
        more = dict(once) if train is fit_once_frozen else {}
        histories.append(train(model, *data, **options, **more).history)
        ends.append(state(model))
    for one, two in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, two)
    restore(model, start)
    assert np.isfinite(histories[0]["loss"]).all()
    assert histories[0] == histories[1]
    assert list(histories[0]) == list(histories[1])
    learnt = [place for place, v in enumerate(model.variables) if v.trainable]
    assert any(not np.array_equal(start[at], ends[0][at]) for at in learnt)
    return histories[0]


def names(wires):
    """Names of the layers that make the tensors."""
    return [wire.tensor._keras_history.operation.name for wire in wires]


# The networks of the catalogue, at their smallest input

NETWORKS = "MobileNetV2 ResNet50 InceptionV3 EfficientNetB0 DenseNet121".split()
CUTS = {"head": None, "last stage": -1, "earlier stage": -2}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """A model on a base with random weights, the base, and its stages' names."""
    keras.utils.set_random_seed(0)
    side = bases.find(request.param).smallest
    base = bases.build(request.param, (side, side, 3), None)
    model = heads.wrap(base, 3, "pool", bases.preprocessing(request.param))
    yield model, base, [stage.name for stage in freezing.stages(base)]
    keras.utils.clear_session(free_memory=True)


def drop_behind_the_cut(base):
    """EfficientNet drops branches in its blocks; its frozen part must not."""
    trains = [bool(layer.trainable_weights) for layer in base.layers]
    first = trains.index(True) if any(trains) else len(trains)
    for place, layer in enumerate(base.layers):
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0 if place < first else 0.2


@pytest.mark.parametrize("cut", CUTS)
def test_networks_train_to_the_bit_as_with_fit(network, cut):
    model, base, stages = network
    freezing.freeze(base)
    if CUTS[cut]:
        freezing.unfreeze_from(base, stages[CUTS[cut]])
    drop_behind_the_cut(base)
    # Both optimizers were the same to the bit everywhere; Adam takes long to compile.
    few = len(model.trainable_weights) < 60
    optimizer = keras.optimizers.Adam(1e-4) if few else keras.optimizers.SGD(1e-5)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    both(model, *pixels(8, side=base.input_shape[1]), batch_size=3)


def test_efficientnet_as_it_comes_is_refused_with_the_reason():
    base = bases.build("EfficientNetB0", (32, 32, 3), None)
    model = compiled(heads.wrap(freezing.freeze(base), 3))
    with pytest.raises(ValueError, match=r"'block2b_drop' \(Dropout\) and 8 more") as e:
        fit_once_frozen(model, *pixels(4, side=32))
    assert "is random in training" in str(e.value)
    assert "before 'block3a_expand_conv'" in str(e.value)
    assert "Set its `rate` to 0 and compile again" in str(e.value)


# Small models: every way to feed them


@pytest.fixture(scope="module")
def whole():
    """A model that trains its head, behind a frozen base with dropout."""
    return wrapped(())


@pytest.mark.parametrize("n", [12, 14, 13], ids=["whole", "partial", "single"])
@pytest.mark.parametrize("memory", [2**28, 0], ids=["memory", "disk"])
def test_any_last_batch_and_any_place_give_the_same_bits(whole, n, memory):
    options = {"validation_data": pixels(5, seed=1), "once": {"memory": memory}}
    history = both(whole, *pixels(n), **options)
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_an_image_alone_in_the_last_batch_is_computed_alone():
    """A product of one row adds up in another order than one of several rows."""
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Flatten()(layers.Conv2D(16, 3)(layers.Rescaling(1 / 255)(x)))
    x = layers.Dense(64, trainable=False)(x)
    model = keras.Model(start, layers.Dense(3, "softmax")(x))
    model.layers[2].trainable = False
    both(compiled(model), *pixels(13))


def test_dropout_in_the_live_part_drops_the_same():
    model = wrapped(("conv_2",), dropout=0.5)
    both(model, *pixels(10))


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_the_order_is_that_of_fit(whole, shuffle):
    both(whole, *pixels(10), shuffle=shuffle)


def test_options_of_fit_mean_the_same(whole):
    weights = np.linspace(0.1, 2, 10).astype("float32")
    model, (x, y) = whole, pixels(10)
    both(model, x, y, class_weight={0: 1.0, 1: 0.5, 2: 3.0}, validation_split=0.3)
    both(model, x, y, sample_weight=weights, validation_split=0.3)
    both(model, x, y, class_weight={0: 1.0, 1: 0.5, 2: 3.0}, once={"memory": 0})
    both(model, x, y, sample_weight=weights, once={"memory": 0})
    options = {"validation_data": (x, y, weights), "validation_batch_size": 3}
    both(model, x, y, validation_freq=2, initial_epoch=1, epochs=4, **options)


@pytest.mark.parametrize("fails", [False, True])
def test_the_disk_is_clean_afterwards(fails, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def look(logs):
        files = sorted(tmp_path.rglob("*.bin"))
        seen.extend(path.stat().st_size for path in files)
        if fails:
            raise KeyboardInterrupt

    options = {"validation_data": pixels(5), "verbose": 0, "memory": 0}
    options["callbacks"] = [keras.callbacks.LambdaCallback(on_train_begin=look)]
    try:
        fit_once_frozen(wrapped((), dropout=0.0), *pixels(10), **options)
    except KeyboardInterrupt:
        assert fails
    assert seen == [10 * 4 * 4, 5 * 4 * 4]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_it_is_full(monkeypatch):
    monkeypatch.setattr(
        "shutil.disk_usage", lambda folder: types.SimpleNamespace(free=100)
    )
    text = "Expected room for 160 bytes.*Received: 0 in memory, 100 in"
    with pytest.raises(ValueError, match=text):
        fit_once_frozen(wrapped((), dropout=0.0), *pixels(10), verbose=0, memory=0)


# Small models: every shape


def test_a_sequential_model_with_a_base_is_cut_inside_the_base():
    base = freezing.freeze(small_base())
    base.get_layer("conv_2").trainable = True
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    model = compiled(keras.Sequential([base, *head]))
    frozen, live = cutting.split(model)
    assert [layer.name for layer in frozen.layers[1:]] == ["base_frozen"]
    assert "base_live" in [layer.name for layer in live.layers]
    both(model, *pixels(10))


def test_a_base_in_a_model_in_a_model_is_cut_where_it_is():
    inner = heads.wrap(freezing.freeze(small_base()), 3)
    inner.get_layer("base").get_layer("conv_2").trainable = True
    start = keras.Input((SIDE, SIDE, 3))
    doubled = layers.Rescaling(2.0)(inner(layers.Rescaling(1 / 255)(start)))
    model = compiled(keras.Model(start, layers.Dense(3, "softmax")(doubled)), "sgd")
    assert names(cutting.read(model).crossing) == ["norm_1"]
    both(model, *pixels(10))


def test_several_tensors_cross_a_residual_connection():
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, padding="same", name="first")(x)
    y = layers.Conv2D(4, 3, padding="same", name="side")(x)
    y = layers.Conv2D(4, 3, padding="same", name="free")(y)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    model = keras.Model(start, layers.Dense(3, "softmax")(x))
    model.get_layer("first").trainable = model.get_layer("side").trainable = False
    compiled(model)
    assert names(cutting.read(model).crossing) == ["first", "side"]
    frozen, live = cutting.split(model)
    assert [t.shape for t in frozen.outputs] == [(None, SIDE, SIDE, 4)] * 2
    assert [t.shape for t in live.inputs] == [(None, SIDE, SIDE, 4)] * 2
    both(model, *pixels(10))
    both(model, *pixels(10), once={"memory": 10 * SIDE * SIDE * 4 * 4})  # one on disk


def test_two_outputs_with_a_loss_each_keep_their_names():
    base = freezing.freeze(small_base())
    start = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D()(base(start))
    kind = layers.Dense(3, "softmax", name="kind")(x)
    model = keras.Model(start, {"kind": kind, "size": layers.Dense(1, name="size")(x)})
    model.compile(
        "adam",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.1},
        metrics={"kind": "accuracy"},
    )
    images, labels = pixels(10)
    targets = {"kind": labels, "size": np.linspace(0, 1, 10)}
    history = both(model, images, targets)
    assert {"kind_accuracy", "kind_loss", "size_loss"} < set(history)
    both(model, images, targets, once={"memory": 0})


def test_a_frozen_output_is_stored_as_it_is():
    base = freezing.freeze(small_base())
    start = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D(name="seen")(base(start))
    model = keras.Model(start, [layers.Dense(4, name="learnt")(x), x])
    model.compile("sgd", ["mse", "mse"])
    images, _ = pixels(10)
    both(model, images, [np.zeros((10, 4)), np.ones((10, 4))])


def test_two_inputs_by_name():
    left = keras.Input((SIDE, SIDE, 3), name="left")
    right = keras.Input((5,), name="right")
    x = layers.GlobalAveragePooling2D()(freezing.freeze(small_base())(left))
    x = layers.Concatenate()([x, layers.Dense(2)(right)])
    model = keras.Model([left, right], layers.Dense(3, "softmax")(x))
    images, labels = pixels(10)
    numbers = np.random.default_rng(0).normal(size=(10, 5)).astype("float32")
    both(compiled(model), {"left": images, "right": numbers}, labels)
    both(model, [images, numbers], labels)


@pytest.mark.parametrize("free", ["twice", "joined"])
def test_a_layer_called_twice_is_frozen_or_live_at_each_place(free):
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, padding="same", name="first")(x)
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    x = layers.Add()([twice(x), twice(twice(x))])
    x = layers.Conv2D(4, 3, name="joined")(x)
    x = twice(x)  # after what may train
    model = keras.Model(start, layers.Dense(3, "softmax")(layers.Flatten()(x)))
    for layer in model.layers[:-1]:
        layer.trainable = layer.name == free
    cut = cutting.read(compiled(model))
    frozen = [call.layer.name for call in cut.frozen]
    assert frozen.count("twice") == (3 if free == "joined" else 0)
    both(model, *pixels(10))


def test_a_base_called_twice_is_cut_at_each_place():
    base = freezing.freeze(small_base())
    base.get_layer("conv_2").trainable = True
    one, two = keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))
    pool = layers.GlobalAveragePooling2D()
    apart = layers.Subtract()([pool(base(one)), pool(base(two))])
    model = compiled(keras.Model([one, two], layers.Dense(3, "softmax")(apart)))
    assert names(cutting.read(model).crossing) == ["norm_1", "norm_1"]
    images, labels = pixels(10)
    both(model, [images, images[::-1].copy()], labels)


def test_a_mask_does_not_get_lost():
    words = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True, trainable=False)(words)
    x = layers.Dense(4)(layers.Dense(4, trainable=False)(x))
    model = compiled(keras.Model(words, layers.Dense(3, "softmax")(x)))
    sentences = np.random.default_rng(0).integers(0, 3, (10, 6))
    both(model, sentences, sentences)  # the loss leaves out what is masked


def test_an_output_of_a_cut_model_keeps_its_name():
    inner = heads.wrap(freezing.freeze(small_base()), 3)
    inner = keras.Model(inner.input, inner.output, name="answer")
    start = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(start, {"answer": inner(start)})
    losses = {"answer": "sparse_categorical_crossentropy"}
    model.compile("sgd", losses, metrics={"answer": ["accuracy"]})
    assert cutting.split(model)[1].output_names == list(model.output_names)
    images, labels = pixels(10)
    both(model, images, {"answer": labels})


def test_what_a_frozen_layer_adds_to_the_loss_stays():
    x = start = keras.Input((5,))
    x = layers.Dense(4, trainable=False)(x)
    x = layers.Dense(4, activity_regularizer="l2", trainable=False)(x)
    x = layers.Dense(3, "softmax", kernel_regularizer="l2")(x)
    model = compiled(keras.Model(start, x))
    both(model, np.random.default_rng(0).normal(size=(10, 5)), np.arange(10) % 3)


# Where the cut is


def test_pooling_behind_a_frozen_base_is_computed_once():
    model = wrapped((), dropout=0.0)
    frozen, live = cutting.split(model)
    assert frozen.output_shape == [(None, 4)] or frozen.output_shape == (None, 4)
    assert [layer.name for layer in live.layers] == ["stored_1", "classes"]
    assert [layer.name for layer in frozen.layers[1:]] == ["scale", "base", "pool"]


def test_light_layers_move_where_less_is_stored():
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    y = layers.ReLU()(layers.BatchNormalization(trainable=False)(x))
    y = layers.Conv2D(2, 3, padding="same", name="free")(y)
    x = layers.UpSampling2D()(layers.Concatenate()([x, y]))  # as in DenseNet
    model = keras.Model(start, layers.Dense(3)(layers.Flatten()(x)))
    model.get_layer("conv").trainable = False
    assert names(cutting.read(model).crossing) == ["conv"]


def branching():
    """Branches, a layer used twice, a model inside, light and heavy layers."""
    x = start = keras.Input((4, 4, 2))
    twice = layers.Conv2D(2, 3, padding="same", name="twice")
    x = twice(x)
    y = layers.BatchNormalization(name="norm")(layers.ReLU()(x))
    y = layers.Conv2D(2, 3, padding="same", name="side")(y)
    inner = keras.Input((4, 4, 2))
    z = layers.Conv2D(3, 1, name="inside_1")(inner)
    z = layers.Dropout(0.5)(layers.Activation("tanh")(z))
    z = keras.Model(inner, [layers.Conv2D(2, 1, name="inside_2")(z), z], name="model")
    x, side = z(layers.Add()([x, y]))
    x = layers.Concatenate()([twice(x), side, layers.MaxPooling2D(3, 1, "same")(y)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(start, [layers.Dense(2, name="dense")(x), x])


@pytest.fixture(scope="module")
def tree():
    return branching()


def weighted(model):
    found = [x for inner in (model, model.get_layer("model")) for x in inner.layers]
    return [x for x in found if x.weights and not isinstance(x, keras.Model)]


def smallest(cut, model):
    """The fewest bytes that can cross, by trying every choice of light calls."""
    trained = {id(weight) for weight in model.trainable_weights}
    ok = [
        c
        for c in cut.calls
        if not randomness.reason(c.layer)
        and trained.isdisjoint(id(w) for w in getattr(c.layer, "weights", ()))
    ]
    reached = cutting._reached(ok, cut.inputs)
    light = [c for c in reached if not c.is_heavy]
    best = np.inf
    for choice in itertools.product([True, False], repeat=len(light)):
        kept = dict(zip(light, choice, strict=True))
        some = [c for c in reached if kept.get(c, True)]
        if len(cutting._reached(some, cut.inputs)) == len(some):
            crossing = cutting._crossing(some, cut.calls, cut.inputs, cut.outputs)
            best = min(best, sum(wire.size for wire in crossing))
    return best


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(flags=st.lists(st.booleans(), min_size=6, max_size=6))
def test_any_choice_of_flags_is_cut_right(tree, flags):
    chosen = weighted(tree)
    assume(any(flags))
    tree.trainable = tree.get_layer("model").trainable = True
    for layer, flag in zip(chosen, flags, strict=True):
        layer.trainable = flag
    cut = cutting.read(tree)
    frozen, live = cutting.build(cut)
    assert not frozen.trainable_weights
    assert list(map(id, live.trainable_weights)) == [
        id(w) for w in tree.trainable_weights
    ]
    assert sum(wire.size for wire in cut.crossing) == smallest(cut, tree)
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype("float32")
    saved, results = [np.copy(v.numpy()) for v in tree.variables], []
    for run in (
        lambda: tree(x, training=True),
        lambda: live(keras.tree.flatten(frozen(x, training=False)), training=True),
    ):
        results.append([np.asarray(part) for part in run()])
        results[-1] += [np.copy(v.numpy()) for v in tree.variables]  # statistics, too
        for variable, value in zip(tree.variables, saved, strict=True):
            variable.assign(value)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


# Afterwards


def test_training_goes_on_with_fit_as_if_nothing_had_been():
    model, (x, y) = wrapped(("conv_2",)), pixels(10)
    start, ends = state(model), []
    for first in (keras.Model.fit, fit_once_frozen):
        restore(model, start)
        keras.utils.set_random_seed(1)
        first(model, x, y, 4, 2, verbose=0)
        model.fit(x, y, batch_size=4, verbose=0)
        fit_once_frozen(model, x, y, 4, verbose=0)
        ends.append(state(model))
    for one, two in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_was_compiled_stays():
    model = wrapped(())
    optimizer, loss, config = model.optimizer, model.loss, model.get_compile_config()
    weights = len(model.weights)
    fit_once_frozen(model, *pixels(10), verbose=0)
    assert model.optimizer is optimizer and model.loss is loss
    assert model.get_compile_config() == config
    assert not freezing.trains(model).stale
    assert len(model.weights) == weights
    assert model.evaluate(*pixels(10), verbose=0, return_dict=True).keys() == {
        "accuracy",
        "loss",
    }


def test_a_second_training_compiles_nothing_and_a_new_compile_counts():
    model, data = wrapped(()), pixels(10)
    fit_once_frozen(model, *data, verbose=0)
    parts = once_frozen._PARTS[model]
    fit_once_frozen(model, *data, verbose=0)
    assert once_frozen._PARTS[model] is parts
    freezing.unfreeze_from(model.get_layer("base"), "conv_2")
    with pytest.raises(ValueError, match="flags have changed since"):
        fit_once_frozen(model, *data, verbose=0)
    compiled(model)
    both(model, *data)


def test_a_model_is_freed_afterwards():
    model = wrapped(())
    fit_once_frozen(model, *pixels(10), verbose=0)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_nothing_heavy_frozen_is_plain_fit():
    model = wrapped(())
    model.get_layer("base").trainable = True
    both(compiled(model), *pixels(10), validation_split=0.3)


# Callbacks


class Rises(keras.callbacks.Callback):
    """Makes every epoch worse than the first, for others to see."""

    def on_epoch_end(self, epoch, logs=None):
        logs["loss"] = float(epoch)


def test_early_stopping_stops_and_gives_the_best_weights_back():
    stop = {"monitor": "loss", "patience": 1, "restore_best_weights": True}
    stopping = keras.callbacks.EarlyStopping(**stop)
    callbacks = [Rises(), stopping]
    history = both(wrapped(), *pixels(10), epochs=5, callbacks=callbacks)
    assert history["loss"] == [0.0, 1.0]
    assert stopping.best_epoch == 0 and stopping.model.stop_training


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras, NumPy 2
def test_callbacks_see_the_whole_model(whole, tmp_path):
    model, (x, y) = whole, pixels(10)
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.predict(x, verbose=0))
    )
    path = tmp_path / "model.keras"
    save = keras.callbacks.ModelCheckpoint(path)
    history = fit_once_frozen(model, x, y, verbose=0, callbacks=[look, save])
    assert history.model is model and history is model.history
    assert look.model is model
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), seen[0], rtol=1e-5)


class HearsEnds(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append((batch, logs["loss"]))


def test_callbacks_hear_of_every_batch(whole):
    heard = []
    for train in (keras.Model.fit, fit_once_frozen):
        keras.utils.set_random_seed(1)
        start, hears = state(whole), HearsEnds()
        lambdas = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: heard.append(batch)
        )
        train(whole, *pixels(22), 4, 1, verbose=0, callbacks=[hears, lambdas])
        restore(whole, start)
        heard.append(hears.heard)
    assert heard[:6] == heard[7:13] == [*range(6)]
    assert heard[6] == heard[13]


def test_steps_that_were_compiled_in_stay():
    model = wrapped(())
    loss = "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=3)
    both(model, *pixels(22))
    assert once_frozen._PARTS[model][2].steps_per_execution == 3


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras, NumPy 2
def test_a_schedule_and_a_stop_within_an_epoch_work(whole):
    def stop(batch, logs):
        if batch == 1:
            model.stop_training = True

    model = whole
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    both(model, *pixels(10), callbacks=[rate], epochs=3)
    halt = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    both(model, *pixels(10), callbacks=[halt], epochs=3)
    fit_once_frozen(model, *pixels(10), verbose=0)  # and goes on afterwards
    assert not model.stop_training


def test_progress_is_shown_unless_silence_is_wanted(whole, capsys):
    model = whole
    fit_once_frozen(model, *pixels(10), 4, validation_data=pixels(2), verbose=0)
    assert capsys.readouterr().out == ""
    fit_once_frozen(model, *pixels(10), 4, validation_data=pixels(2), verbose=2)
    shown = capsys.readouterr().out
    assert "\r[######..............] frozen part: 4 of 12 images" in shown
    assert "\r[####################] frozen part: 12 of 12 images\n" in shown
    assert "3/3" in shown  # of Keras


# What is random


def augmented(free=()):
    base = freezing.freeze(small_base(dropout=0.0))
    for name in free:
        base.get_layer(name).trainable = True
    augment = heads.augmentation(flip=True)
    return compiled(heads.wrap(base, 3, "pool", layers.Rescaling(1 / 255), augment))


def test_augmentation_is_refused_unless_variants_are_wanted():
    text = r"'random_rotation\w*' \(RandomRotation\) and 3 more, which is random.*"
    with pytest.raises(ValueError, match=text + "variants=4"):
        fit_once_frozen(augmented(), *pixels(4))


def test_epochs_take_turns_with_stored_variants(monkeypatch):
    model, (x, y), kept = augmented(), pixels(10), []
    compute = forward.compute

    def spy(*args, **options):
        kept.append(compute(*args, **options))
        return kept[-1]

    monkeypatch.setattr(forward, "compute", spy)
    base = model.get_layer("base").get_weights()
    options = {"verbose": 0, "variants": 2, "validation_data": (x, y)}
    history = fit_once_frozen(model, x, y, 4, 5, **options).history
    assert len(history["val_loss"]) == 5 and history["loss"][0] != history["loss"][2]
    (one,), (two,), (plain,) = kept
    assert len(one) == len(two) == 10 and not np.array_equal(one, two)
    frozen = cutting.split(model)[0]  # does not augment
    assert names(cutting.read(model, augmented=True).crossing) == ["pool"]
    assert frozen.output_shape != (None, 4)
    inner = keras.Model(model.input, model.get_layer("pool").output)
    np.testing.assert_allclose(plain, inner.predict(x, verbose=0), rtol=1e-5)
    for before, after in zip(base, model.get_layer("base").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_of_variants_keep_images_and_labels_together(shuffle):
    rows = np.arange(10)
    batches = forward.Variants([[rows], [rows + 100]], (rows * 2,), 4, shuffle)
    for epoch in range(4):
        assert len(batches) == 3
        found = [batches[i] for i in range(3)]
        stored = np.concatenate([batch[0][0] for batch in found])
        labels = np.concatenate([batch[1] for batch in found])
        assert np.array_equal(labels, stored % 100 * 2)
        assert sorted(stored) == list(rows + 100 * (epoch % 2))
        batches.on_epoch_end()


def test_variants_of_what_is_not_augmented_are_not_computed(whole):
    both(whole, *pixels(10), once={"variants": 3})


def test_augmentation_before_layers_that_train_needs_no_variants():
    model = augmented()
    model.get_layer("base").trainable = True
    both(compiled(model), *pixels(10))


def test_dropout_before_frozen_layers_is_refused():
    base = freezing.freeze(small_base())
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.SpatialDropout2D(0.5, name="holes")(x)
    head = layers.Dense(3, "softmax")
    x = head(layers.GlobalAveragePooling2D()(base(x)))
    model = compiled(keras.Model(start, x))
    for options in ({}, {"variants": 2}):
        text = "'holes' .SpatialDropout2D.,.*before 'conv_1'.*Set its `rate`"
        with pytest.raises(ValueError, match=text):
            fit_once_frozen(model, *pixels(4), **options)
    model.get_layer("holes").rate = base.get_layer("drop").rate = 0.0
    both(compiled(model), *pixels(10))


@pytest.mark.parametrize("learns", [True, False])
def test_an_awake_batchnorm_before_frozen_layers_is_refused(learns):
    norm = layers.BatchNormalization(center=learns, scale=learns, name="norm")
    stack = [layers.Conv2D(4, 3), norm, layers.Conv2D(4, 3, name="next")]
    rest = [layers.Flatten(), layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *stack, *rest])
    stack[0].trainable = stack[2].trainable = False
    text = (
        r"'norm' \(BatchNormalization\), which takes its statistics from each batch, "
        "before 'next', which is frozen. Freeze it, `layer.trainable = False`, and"
    )
    with pytest.raises(ValueError, match=text):
        fit_once_frozen(compiled(model), *pixels(4))
    norm.trainable = False
    both(compiled(model), *pixels(10))


def test_an_awake_batchnorm_in_the_live_part_is_welcome():
    base = small_base()
    freezing.unfreeze_from(base, "conv_2", batchnorm="awake")
    both(compiled(heads.wrap(base, 3)), *pixels(10))


def test_what_rests_and_what_does_not():
    kinds = {
        layers.Dropout(0.5): "is random in training",
        layers.Dropout(0.0): None,
        layers.GaussianNoise(0.1): "is random in training",
        layers.RandomFlip(): "is random in training",
        layers.Dense(2): None,
    }
    assert {layer: randomness.reason(layer) for layer in kinds} == kinds
    lstm, plain = layers.LSTM(2, dropout=0.2), layers.LSTM(2)
    normed = layers.SpectralNormalization(layers.Dense(2))
    for layer in (lstm, plain, normed):
        layer.build((None, 3, 4) if layer is not normed else (None, 4))
    assert randomness.reason(lstm) and not randomness.reason(plain)
    assert randomness.reason(normed) == "changes its state in training"
    assert not randomness.reason(layers.RandomFlip(), augmented=True)


# What is refused


def test_a_model_that_is_not_compiled_is_refused():
    model = heads.wrap(small_base(), 3)
    with pytest.raises(ValueError, match="Expected a compiled model. Received: .* not"):
        fit_once_frozen(model, *pixels(4))
    assert len(cutting.split(model)) == 2  # by its flags


def test_a_model_that_has_changed_since_is_refused():
    model = wrapped(("conv_2",))
    model.optimizer.build(model.trainable_variables)
    model.get_layer("base").get_layer("conv_2").trainable = False
    for cut in (features.split, lambda model: fit_once_frozen(model, *pixels(4))):
        with pytest.raises(ValueError, match="have changed since: compile again"):
            cut(model)


def test_a_model_that_trains_nothing_is_refused():
    model = heads.wrap(small_base(), 3)
    model.trainable = False
    with pytest.raises(ValueError, match="Expected a model that trains something"):
        fit_once_frozen(compiled(model), *pixels(4))


def test_models_whose_layers_or_steps_are_hidden_are_refused():
    class Own(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    with pytest.raises(ValueError, match="Expected a built functional or Sequential"):
        cutting.split(Own())
    with pytest.raises(ValueError, match="Expected a built functional or Sequential"):
        cutting.split(keras.Sequential([layers.Dense(2)]))
    whole = heads.wrap(freezing.freeze(small_base()), 3)
    with pytest.raises(ValueError, match="Own with its own train_step"):
        fit_once_frozen(compiled(Own(whole.input, whole.output)), *pixels(4))


def test_data_that_cannot_be_stored_row_by_row_are_refused(whole):
    model, (x, y) = whole, pixels(10)

    def refused(text, *data, **options):
        with pytest.raises(ValueError, match=text):
            fit_once_frozen(model, *data, **options)

    refused("Expected arrays.*Received: generator", (row for row in x), y)
    refused("Expected arrays.*Received: int", x, [1, 2, 3])
    refused("Received: .10, 9. entries", x, y[1:])
    refused("Received: .0, 0. entries", x[:0], y[:0])
    refused("Expected `validation_data`", x, y, validation_data=x)
    refused("leaves some of 10", x, y, validation_split=0.999)
    refused("Expected `variants` from 1, or None. Received: 0", x, y, variants=0)
