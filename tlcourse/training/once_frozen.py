"""Train with the frozen part computed once."""

import tempfile
import weakref

import keras
import numpy as np

from tlcourse.features import arrays, forward
from tlcourse.models import freezing, randomness
from tlcourse.training import cutting

MEMORY = 2**28  # bytes; TensorFlow makes a copy of what is in memory
_PARTS = weakref.WeakKeyDictionary()  # by model: what they hang on, frozen, live


def fit_once_frozen(
    model,
    x,
    y=None,
    batch_size=None,
    epochs=1,
    verbose="auto",
    callbacks=None,
    validation_split=0.0,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    initial_epoch=0,
    validation_batch_size=None,
    validation_freq=1,
    variants=None,
    memory=MEMORY,
):
    """Trains as `model.fit` does, but passes the data through the frozen part once.

    The result is the same: weights, history and the optimizer's state, on TensorFlow
    and a CPU to the bit. Callbacks see the whole model.

    Args:
        model: Compiled functional or Sequential `keras.Model`, not changed since.
        x: Array `(n, ...)`, such as uint8 images in 0..255; a list or dict of
            arrays where the model has several inputs.
        y: Array `(n, ...)`, the targets; a list or dict for several outputs.
        batch_size: Integer, 32 by default.
        epochs: Integer.
        verbose: As in `fit`; 0 for silence.
        callbacks: list of `keras.callbacks.Callback`.
        validation_split: Float in 0..1, share of the data to validate on, the last.
        validation_data: tuple of arrays `(x, y)` or `(x, y, sample_weight)`.
        shuffle: Boolean, as in `fit`.
        class_weight: dict, class to weight.
        sample_weight: Array `(n,)`, weights of the examples.
        initial_epoch: Integer.
        validation_batch_size: Integer, `batch_size` by default.
        validation_freq: Integer, epochs from one validation to the next.
        variants: Integer, how often each image is augmented and stored; the epochs
            take turns with them. None where the model does not augment.
        memory: Integer, bytes of answers to keep in memory; what is more goes to a
            temporary folder on disk.

    Returns:
        `keras.callbacks.History`.

    Raises:
        ValueError: If the model is not compiled, has changed since, trains nothing,
            or has restless layers before frozen ones; if the data are no arrays
            of one length; if there is no room for the answers.

    Source: https://keras.io/guides/transfer_learning/ (run the base once)
    """
    cut = _cut(model, variants)
    train, held_out = arrays.divide(
        (x, y, sample_weight), validation_split, validation_data
    )
    options = {
        "batch_size": batch_size or 32,
        "epochs": epochs,
        "verbose": verbose,
        "shuffle": shuffle,
        "class_weight": class_weight,
        "initial_epoch": initial_epoch,
        "validation_batch_size": validation_batch_size or batch_size or 32,
        "validation_freq": validation_freq,
    }
    if not any(call.is_heavy for call in cut.frozen):  # nothing to compute once
        x, y, weight = train
        options |= {"sample_weight": weight, "validation_data": held_out}
        return model.fit(x, y, callbacks=callbacks, **options)
    if not any(randomness.reason(call.layer) for call in cut.frozen):
        variants = None  # they would all be the same
    frozen, live = _parts(model, cut)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        room = forward.Room(folder, memory)
        options |= _fed(frozen, train, held_out, options, room, variants)
        return _fit(model, live, callbacks, arrays.rows(train), options)


def _cut(model, variants):
    if variants is not None and (not isinstance(variants, int) or variants < 1):
        raise ValueError(f"Expected `variants` from 1, or None. Received: {variants!r}")
    cut = cutting.read(model, augmented=variants is not None)
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"Expected a compiled model. Received: {model.name!r}, "
            f"{freezing.trains(model)}. Call `model.compile(...)` first."
        )
    steps = ("train_step", "test_step", "compute_loss", "compute_metrics")
    own = [x for x in steps if getattr(type(model), x) is not getattr(keras.Model, x)]
    if own:
        raise ValueError(
            "Expected a model that trains as Keras does. Received: "
            f"{type(model).__name__} with its own {', '.join(own)}. Train it with "
            "`model.fit`."
        )
    if cut.blockers:
        raise ValueError(_refusal(cut.blockers, variants is not None))
    return cut


def _refusal(blockers, augmented):
    restless_call, behind = blockers[0]
    layer = restless_call.layer
    more = f" and {len(blockers) - 1} more" if len(blockers) > 1 else ""
    return (
        "Expected frozen layers that give the same answer in every epoch. Received: "
        f"{layer.name!r} ({type(layer).__name__}){more}, which "
        f"{randomness.reason(layer, augmented)}, before {behind.layer.name!r}, which "
        f"is frozen. {randomness.advice(layer)} Or train with `model.fit`."
    )


def _fed(frozen, train, held_out, options, room, variants):
    """Passes all data through the frozen part; what `fit` gets instead of them."""
    x, y, weight = train
    total = arrays.rows(x) * (variants or 1)
    total += arrays.rows(held_out) if held_out else 0
    helpers = room.place, forward.PassLine(total, bool(options["verbose"])).add
    size = options["batch_size"]
    if variants:
        varied = forward.Varied(frozen)
        stored = [
            forward.compute(varied, x, size, *helpers, whole=True)
            for _ in range(variants)
        ]
        fed = forward.feed_variants(stored, y, weight, options)
    else:
        stored = forward.compute(frozen, x, size, *helpers, whole=True)
        fed = forward.feed(stored, y, weight, options, _alone(frozen, x, size))
    if held_out:
        x, y, weight = held_out
        size = options["validation_batch_size"]
        stored = forward.compute(frozen, x, size, *helpers)
        fed["validation_data"] = forward.held_out(stored, y, weight, size)
    return fed


def _alone(frozen, x, size):
    """Computes an image alone, where the last batch of an epoch is a single one."""
    n = arrays.rows(x)
    if n < size or n % size != 1:
        return None

    def alone(at):
        batch = keras.tree.map_structure(lambda array: array[at], x)
        return keras.tree.flatten(frozen.predict_on_batch(batch))

    alone(np.array([0]))  # traced here, not while training
    return alone


def _parts(model, cut):
    """The frozen and the live model, compiled; the last ones if all is as it was.

    Their graphs take seconds to compile, and a sweep trains one model many times.
    """
    nodes = [call.node for call in cut.frozen]
    state = [model._compile_config, model.optimizer, *nodes]
    if model not in _PARTS or _PARTS[model][0] != state:
        frozen, live = cutting.build(cut)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        # The optimizer as it is, with its state; it may be another than was given.
        live.compile(**{**model._compile_config.config, "optimizer": model.optimizer})
        _PARTS[model] = (state, frozen, live)
    return _PARTS[model][1:]


def _fit(model, live, callbacks, n, options):
    """Trains the live part; what the callbacks see is the whole model."""
    model.stop_training = False
    every = keras.callbacks.CallbackList(
        [*keras.tree.flatten(callbacks or []), _Follow(live)],
        add_history=True,
        add_progbar=options["verbose"] != 0,
        model=model,
        verbose=options["verbose"],
        epochs=options["epochs"],
        steps=-(-n // options["batch_size"]),
    )
    live.history = model.history
    try:
        return live.fit(callbacks=every, **options)
    finally:
        live.history = None  # it holds the model, which could not be freed


class _Follow(keras.callbacks.Callback):
    """The callbacks talk to the whole model; this one passes on what they say."""

    async_safe = True

    def __init__(self, live):
        super().__init__()
        self.live = live

    def on_train_begin(self, logs=None):
        self.live._initial_epoch = self.model._initial_epoch

    def on_train_batch_end(self, batch, logs=None):
        self.live.stop_training = self.model.stop_training

    def on_epoch_end(self, epoch, logs=None):
        self.live.stop_training = self.model.stop_training
