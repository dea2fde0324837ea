"""The frozen part, computed once: the same result as `fit` to the bit, or refused."""

import itertools
import types

import keras
import numpy as np
import pytest
from same import assert_same

from tlcourse import bases
from tlcourse.models import freezing, heads
from tlcourse.training import cut, fit_once_frozen

layers = keras.layers
SIDE = 8
numpy_2 = pytest.mark.filterwarnings("ignore:__array__ implementation")  # in Keras
LOSS = "sparse_categorical_crossentropy"


def pixels(n, seed=0, side=SIDE):
    """Raw pixels and labels."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side, 3), "uint8"), np.arange(n) % 3


def compiled(model, optimizer="adam", **options):
    model.compile(optimizer, LOSS, metrics=["accuracy"], **options)
    return model


def small_base(dropout=0.0):
    """Two convolutions with BatchNormalization; dropout between them, a shortcut."""
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, 2, "same", name="conv_1")(x)
    x = before = layers.BatchNormalization(name="norm_1")(x)
    x = layers.Conv2D(4, 3, padding="same", name="conv_2")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    x = layers.BatchNormalization(name="norm_2")(x)
    return keras.Model(start, layers.Add(name="add")([x, before]), name="base")


def wrapped(trainable=(), optimizer="adam", dropout=0.0, **options):
    """A head on the small frozen base; of the base, the `trainable` layers train."""
    base = freezing.freeze(small_base(dropout))
    for name in trainable:
        base.get_layer(name).trainable = True
    model = heads.wrap(base, 3, "pool", layers.Rescaling(1 / 255, name="scale"))
    return compiled(model, optimizer, **options)


def headed(start, x):
    """A model with a pooled head on maps."""
    x = layers.GlobalAveragePooling2D()(x)
    return compiled(keras.Model(start, layers.Dense(3, "softmax")(x)))


def conv(name=None, trainable=False):
    return layers.Conv2D(4, 3, padding="same", trainable=trainable, name=name)


def with_layer(layer):
    """A model with a layer between two frozen convolutions."""
    start = keras.Input((SIDE, SIDE, 3))
    x = layer(conv("conv_1")(layers.Rescaling(0.01)(start)))
    return headed(start, conv("conv_2")(x))


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


def both(model, *data, exact=True, **options):
    """Trains from one start as `fit` does and as ours; asserts that it is the same."""
    start, ends, histories = state(model), [], []
    options = {"epochs": 2, "batch_size": 4, "verbose": 0} | options
    for train in (keras.Model.fit, fit_once_frozen):
        restore(model, start)
        keras.utils.set_random_seed(1)
        histories.append(train(model, *data, **options).history)
        ends.append(state(model))
    restore(model, start)
    exact = exact and len(data[0]) % options["batch_size"] == 0
    assert_same(*ends, exact)
    assert list(histories[0]) == list(histories[1])
    assert_same(*(list(each.values()) for each in histories), exact)
    assert np.isfinite(histories[0]["loss"]).all()
    learnt = [place for place, v in enumerate(model.variables) if v.trainable]
    assert any(not np.array_equal(start[at], ends[0][at]) for at in learnt)
    return histories[0]


def parts(model):
    """Names of the layers before and behind the cut."""
    frozen, tail = cut.split(model, pixels(4)[0])
    return [[layer.name for layer in part.layers[1:]] for part in (frozen, tail)]


# Networks of the catalogue, at their smallest input


NETWORKS = "MobileNetV2 ResNet50 InceptionV3 EfficientNetB0 DenseNet121".split()
FIRST = ("MobileNetV2", True, "Adam")  # in `make test`; the others repeat it, slowly


@pytest.mark.parametrize(
    ("name", "last_stage", "optimizer"),
    [
        pytest.param(*case, marks=[] if case == FIRST else pytest.mark.slow)
        for case in itertools.product(NETWORKS, (False, True), ("SGD", "Adam"))
    ],
)
def test_networks_train_to_the_bit_as_with_fit(
    name, last_stage, optimizer, monkeypatch
):
    keras.utils.set_random_seed(0)
    side = bases.find(name).smallest
    base = freezing.freeze(bases.build(name, (side, side, 3), None))
    if last_stage:
        freezing.unfreeze_from(base, freezing.stages(base)[-1].name)
    trains = [bool(layer.trainable_weights) for layer in base.layers]
    first = trains.index(True) if any(trains) else len(trains)
    for layer in base.layers[:first]:  # EfficientNet drops branches in its blocks
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
    model = heads.wrap(base, 3, "pool", bases.preprocessing(name))
    compiled(model, getattr(keras.optimizers, optimizer)(1e-4))
    split = cut.split(model, pixels(4, side=side)[0])  # once: it takes seconds
    assert split is not None
    monkeypatch.setattr(cut, "split", lambda *_: split)
    # On a processor with AMX this one differed by 2e-8, the others by nothing.
    exact = (name, last_stage) != ("InceptionV3", True)
    validation = pixels(4, 1, side)
    both(model, *pixels(8, side=side), validation_data=validation, exact=exact)
    keras.utils.clear_session(free_memory=True)


def test_efficientnet_as_it_comes_is_refused_with_the_reason():
    base = bases.build("EfficientNetB0", (32, 32, 3), None)
    model = compiled(heads.wrap(freezing.freeze(base), 3))
    text = r"'block2b_drop' \(Dropout\), which is random.*before 'block3a_expand_conv'"
    with pytest.raises(ValueError, match=text + r".*Set its `rate` to 0 and compile"):
        fit_once_frozen(model, *pixels(4, side=32))


# Every way to feed it


@pytest.fixture(scope="module")
def model():
    """A model that trains its head, and drops features in it."""
    base = freezing.freeze(small_base())
    x = start = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D()(base(layers.Rescaling(1 / 255)(x)))
    x = layers.Dropout(0.5, name="drop_features")(x)
    return compiled(keras.Model(start, layers.Dense(3, "softmax", name="classes")(x)))


WEIGHTS = np.linspace(0.1, 2, 12).astype("float32")
CLASSES = {0: 1.0, 1: 0.5, 2: 3.0}


@pytest.mark.parametrize(
    "options",
    [
        {"validation_data": pixels(8, seed=1)},
        {"validation_split": 0.3, "class_weight": CLASSES},
        {"validation_split": 0.3, "sample_weight": WEIGHTS},
        {"validation_data": (*pixels(12, 1), WEIGHTS), "validation_batch_size": 3},
        {"shuffle": False},
        {"shuffle": "batch"},
        {"batch_size": 5},  # a smaller last batch: nearly
        dict(validation_split=0.3, validation_freq=2, initial_epoch=1, epochs=4),
    ],
    ids=lambda options: "-".join(options),
)
def test_options_of_fit_mean_the_same(model, options):
    both(model, *pixels(12), **options)


@numpy_2
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_the_same(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        both(wrapped(("conv_2",)), *pixels(12))
    finally:
        keras.config.set_dtype_policy(before)


def test_what_was_compiled_in_stays():
    both(wrapped(steps_per_execution=3), *pixels(76))  # 19 steps: 16 in one go, and 3

    def squared(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_pred), axis=-1)

    trained = heads.wrap(freezing.freeze(small_base()), 3)
    trained.compile("sgd", squared)
    both(trained, *pixels(12))
    trained.compile("sgd", LOSS, metrics=[squared])
    with pytest.raises(ValueError, match="Expected metrics that Keras can write down"):
        fit_once_frozen(trained, *pixels(12), verbose=0)


# Where the cut is


def test_the_cut_is_where_one_tensor_crosses(model):
    frozen, tail = parts(model)
    assert frozen[-2] == "add" and frozen[-1].startswith("global_average_pooling2d")
    assert tail == ["drop_features", "classes"]
    trained = wrapped(("conv_2",), dropout=0.5)
    frozen, tail = parts(trained)
    assert (frozen[-1], tail[0]) == ("norm_1", "conv_2")  # the shortcut begins there
    both(trained, *pixels(12))
    side = wrapped(("norm_2",))  # in the middle of the branch, which two tensors cross
    side.get_layer("base").get_layer("norm_2").trainable = False
    side.get_layer("base").get_layer("drop").rate = 0.0
    assert parts(compiled(side))[1] == ["classes"]


def test_the_frozen_part_is_asked_once_however_many_epochs_follow(monkeypatch):
    asked, ask = [], keras.Model.predict_on_batch
    counting = lambda part, x: asked.append(len(x)) or ask(part, x)  # noqa: E731
    monkeypatch.setattr(keras.Model, "predict_on_batch", counting)
    fit_once_frozen(wrapped(), *pixels(12), epochs=5, batch_size=4, verbose=0)
    assert asked == [4, 4, 4]


def test_a_sequential_model_and_models_in_models_are_cut_inside():
    inner = wrapped(("conv_2",))
    start = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(2.0)(inner(layers.Rescaling(1 / 255)(start)))
    nested = compiled(keras.Model(start, layers.Dense(3, "softmax")(x)))
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    stack = keras.Sequential([wrapped(("conv_2",)).get_layer("base"), *head])
    for trained in (nested, compiled(stack)):
        assert parts(trained)[0][-1] == "norm_1"
        both(trained, *pixels(12))


def test_two_tensors_that_cross_everywhere_are_plain_fit():
    start = keras.Input((SIDE, SIDE, 3))
    y = conv("trains", True)(conv("side")(start))
    trained = headed(start, layers.Add()([conv()(start), y]))
    assert cut.split(trained, pixels(4)[0]) is None
    both(trained, *pixels(12))


def test_a_layer_called_twice_trains_at_both_places():
    start, twice = keras.Input((SIDE, SIDE, 3)), conv("twice", True)
    trained = headed(start, twice(twice(conv("first")(start))))
    assert parts(trained)[0] == ["first"]
    both(trained, *pixels(12))


def test_a_mask_does_not_get_lost():
    words = keras.Input((6,), dtype="int32")
    sentences = np.random.default_rng(0).integers(0, 3, (10, 6))
    for frozen in (False, True):
        x = layers.Embedding(9, 4, mask_zero=True, trainable=False)(words)
        x = layers.Dense(4, trainable=not frozen)(x)
        masked = compiled(keras.Model(words, layers.Dense(3, "softmax")(x)))
        if frozen:
            with pytest.raises(ValueError, match="makes a mask, which is not stored"):
                fit_once_frozen(masked, sentences, sentences, verbose=0)
        else:
            both(masked, sentences, sentences)


def test_nothing_frozen_and_batchnorm_in_training_mode_behind_the_cut_are_welcome():
    both(compiled(heads.wrap(small_base(), 3)), *pixels(12))
    trained = wrapped(("conv_2", "norm_2"))
    assert parts(trained)[0][-1] == "norm_1"
    both(trained, *pixels(12))


# What cannot be vouched for is refused, and nothing of the model has changed


class Noise(layers.Layer):
    """Draws without a seed of its own."""

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), stddev=0.01)


class Asks(layers.Layer):
    def call(self, x, training=False):
        return x * 1.01 if training else x


class Counts(layers.Layer):
    def build(self, shape):
        self.steps = self.add_weight(initializer="zeros", trainable=False)

    def call(self, x):
        self.steps.assign_add(1.0)
        return x


class AddsLoss(layers.Layer):
    def call(self, x):
        self.add_loss(keras.ops.mean(x))
        return x


class Centres(layers.Layer):
    """Gives an image another output in another batch."""

    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True)


class Inside(keras.Model):
    """A model with a `call` of its own, whose layers one cannot see."""

    def __init__(self):
        super().__init__()
        self.drop = layers.Dropout(0.5)

    def call(self, x, training=False):
        return self.drop(x, training=training)


UNSTEADY = {
    "Dropout": (lambda: layers.Dropout(0.5), "random.*Set its `rate` to 0"),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.5), "is random"),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.1), "is random"),
    "RandomFlip": (layers.RandomFlip, "is random"),
    "augmentation": (lambda: heads.augmentation(flip=True), "'random_.*is random"),
    "BatchNormalization": (
        layers.BatchNormalization,
        "takes its statistics from each batch.*Freeze it, `layer.trainable = False`",
    ),
    "without scale": (
        lambda: layers.BatchNormalization(center=False, scale=False),
        "takes its statistics from each batch",
    ),
    "Noise": (Noise, "does not give an image the same output"),
    "Asks": (Asks, "does not give an image the same output"),
    "Lambda": (
        lambda: layers.Lambda(lambda x: x + keras.random.normal((1,))),
        r"\(Lambda\), which does not give",
    ),
    "Counts": (Counts, "keeps a state"),
    "AddsLoss": (AddsLoss, "adds to the loss"),
    "activity": (lambda: layers.ReLU(activity_regularizer="l2"), "adds to the loss"),
    "Centres": (Centres, r"\(Centres\), which does not give an image the same"),
    "Inside": (Inside, r"\(Inside\), which is random"),
}


@pytest.mark.parametrize(("make", "reason"), UNSTEADY.values(), ids=UNSTEADY)
def test_an_unsteady_layer_before_frozen_ones_is_refused_with_the_reason(make, reason):
    model = with_layer(make())
    before = state(model)
    with pytest.raises(ValueError, match=reason) as refusal:
        fit_once_frozen(model, *pixels(12), verbose=0)
    assert "before 'conv_2', which is frozen" in str(refusal.value)
    assert_same(before, state(model))


def test_a_steady_layer_before_frozen_ones_is_stored():
    kinds = layers.GroupNormalization(2), layers.LayerNormalization()
    start, norm = keras.Input((SIDE, SIDE, 4)), layers.BatchNormalization()
    norms = keras.Sequential([start, *kinds, norm], name="norms")
    norms.trainable = False
    for layer in (layers.Dropout(0.0), norms, layers.ReLU()):
        model = with_layer(layer)
        assert "conv_2" in parts(model)[0]
        both(model, *pixels(12))


def own_step():
    class Own(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    whole = wrapped()
    return compiled(Own(whole.input, whole.output))


def patched():
    model = wrapped()
    model.compute_loss = lambda **_: 0.0
    return model


def two_inputs():
    one, two = keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))
    x = layers.Flatten()(layers.Add()([one, two]))
    return compiled(keras.Model([one, two], layers.Dense(3, "softmax")(x)))


def stale():
    model = wrapped(("conv_2",))
    model.fit(*pixels(4), verbose=0)
    model.get_layer("base").get_layer("conv_2").trainable = False
    return model


def untrainable():
    model = wrapped()
    model.trainable = False
    return compiled(model)


REFUSED = {
    "an own step": (own_step, "Expected a built functional or Sequential.*an? Own"),
    "a patched loss": (patched, "Expected a built functional or Sequential"),
    "no input yet": (lambda: keras.Sequential([layers.Dense(2)]), "Expected a built"),
    "two inputs": (two_inputs, "one input and one output. Received: .* 2 and 1"),
    "not compiled": (lambda: heads.wrap(small_base(), 3), "Expected a model compiled"),
    "stale": (stale, "Expected a model compiled since the last change"),
    "nothing trains": (untrainable, "Expected a model that trains something"),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_model_that_may_train_otherwise_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        fit_once_frozen(make(), *pixels(4))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": (row for row in pixels(4)[0])}, "an array for `x`.*Received: generator"),
        ({"x": [pixels(4)[0]] * 2}, "an array for `x`.*Received: list"),
        ({"x": pixels(4)[0][:0]}, "Expected rows in `x`"),
        ({"steps_per_epoch": 3}, "how long an epoch is. Received: `steps_per_epoch`"),
        ({"validation_steps": 3}, "Received: `validation_steps`"),
        ({"validation_data": pixels(4)[0]}, "Expected `validation_data` .x, y."),
        (
            {"callbacks": [keras.callbacks.BackupAndRestore("backup")]},
            "Received: BackupAndRestore",
        ),
    ],
)
def test_data_and_options_that_mean_something_else_are_refused(model, change, reason):
    x, y = pixels(4)
    options = {"x": x, "y": y, "verbose": 0} | change
    with pytest.raises(ValueError, match=reason):
        fit_once_frozen(model, **options)


def test_too_little_memory_is_said_before_it_is_used(model, monkeypatch):
    free = types.SimpleNamespace(available=100)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    with pytest.raises(ValueError, match="Expected .* of memory.*Received: 0.0 GB"):
        fit_once_frozen(model, *pixels(12), verbose=0)


# Callbacks, and afterwards


class Rises(keras.callbacks.Callback):
    """Makes every epoch worse than the first, for others to see."""

    def on_epoch_end(self, epoch, logs=None):
        logs["loss"] = float(epoch)


def test_early_stopping_stops_and_gives_the_best_weights_back():
    stop = {"monitor": "loss", "patience": 1, "restore_best_weights": True}
    stopping = keras.callbacks.EarlyStopping(**stop)
    history = both(wrapped(), *pixels(12), epochs=5, callbacks=[Rises(), stopping])
    assert history["loss"] == [0.0, 1.0]
    assert stopping.best_epoch == 0 and stopping.model.stop_training


@numpy_2
def test_callbacks_see_the_whole_model_and_every_batch(model, tmp_path):
    (x, y), heard = pixels(12), []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: heard.append(model.predict(x, verbose=0)),
        on_train_batch_end=lambda batch, logs: heard.append(batch),
    )
    path = tmp_path / "model.keras"
    save = keras.callbacks.ModelCheckpoint(path)
    options = {"batch_size": 4, "verbose": 0, "callbacks": [look, save]}
    history = fit_once_frozen(model, x, y, **options)
    assert history.model is model and model.history is history
    assert look.model is model and heard[:3] == [0, 1, 2]
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), heard[3], rtol=1e-5)


@numpy_2
def test_who_listens_to_validation_only_hears_each_of_its_steps(model):
    heard, seen = [], {"validation_data": pixels(12, 1), "batch_size": 4, "verbose": 0}
    look = keras.callbacks.LambdaCallback(
        on_test_batch_end=lambda batch, logs: heard.append(batch)
    )
    fit_once_frozen(model, *pixels(12), callbacks=[look], **seen)
    assert heard == [0, 1, 2]


@numpy_2
def test_a_schedule_and_a_stop_within_an_epoch_work(model):
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    both(model, *pixels(12), callbacks=[schedule], epochs=3)

    def stop(batch, logs):
        model.stop_training = batch == 1

    halt = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    both(model, *pixels(12), callbacks=[halt], epochs=3)


def test_a_callback_that_changes_frozen_weights_is_found_out():
    trained = wrapped()
    kernel = trained.get_layer("base").get_layer("conv_1").kernel
    change = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kernel.assign(kernel + 1)
    )
    with pytest.raises(RuntimeError, match="has changed while it trained"):
        fit_once_frozen(trained, *pixels(12), verbose=0, callbacks=[change])


def test_afterwards_all_is_as_after_fit():
    model, (x, y), ends = wrapped(("conv_2",)), pixels(12), []
    optimizer, loss = model.optimizer, model.loss
    start = state(model)
    for first in (keras.Model.fit, fit_once_frozen):
        restore(model, start)
        keras.utils.set_random_seed(1)
        first(model, x, y, batch_size=4, epochs=2, verbose=0)
        model.fit(x, y, batch_size=4, verbose=0)
        fit_once_frozen(model, x, y, batch_size=4, verbose=0)
        ends.append(state(model))
    assert_same(*ends)
    assert model.optimizer is optimizer and model.loss is loss
    assert not freezing.trains(model).stale
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found.keys() == {"accuracy", "loss"}
