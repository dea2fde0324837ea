"""Trains as `fit` does, but passes the data through the frozen layers only once."""

import keras
import numpy as np
import psutil

from tlcourse._util import progress
from tlcourse.data.checking import check_count
from tlcourse.models import freezing, nesting
from tlcourse.training import calls, cut
from tlcourse.training.whole_model import WholeModelCallbacks

PROBED = 8  # images that try whether the frozen part may be stored
STEPS = 16  # in one go where nobody looks at each; to the bit with dense layers only
# Methods that decide how Keras trains; an object that has its own trains otherwise.
OVERRIDES = {
    "call",
    "compute_loss",
    "compute_metrics",
    "get_metrics_result",
    "make_train_function",
    "test_step",
    "train_step",
}


def fit_once_frozen(model, x, y=None, **options):
    """Trains as `model.fit` does, but passes the images through the frozen part once.

    Cuts the model where its frozen part ends and a single tensor crosses,
    `keras.Model(inputs, cut)` and `keras.Model(cut, outputs)`, computes the first of
    the two once, and fits the second on what came out. Weights, optimizer and History
    end as after `fit`: to the bit on TensorFlow and a CPU (to about 1e-7 with
    `jit_compile=True`, where the last batch of an epoch is a smaller one, and with
    a few networks on some CPUs). Where nothing before the cut has weights, it is `fit`.

    Args:
        model: Compiled functional or Sequential `keras.Model`, one input, one output.
        x: Array `(n, ...)`, such as uint8 images in 0..255.
        y: Array `(n, ...)`, the targets.
        options: As in `fit`: `batch_size` (32), `epochs`, `verbose`, `callbacks` (they
            see the whole model, and the metrics in `logs`), `validation_split`,
            `validation_data` (a tuple of arrays), `shuffle`, `class_weight`,
            `sample_weight`, `initial_epoch`, `validation_batch_size`,
            `validation_freq`.

    Returns:
        `keras.callbacks.History`.

    Raises:
        ValueError: If `fit` might end elsewhere: an unsteady layer (dropout,
            augmentation, BatchNormalization in training mode, noise, a state, a loss,
            a mask) before frozen ones, a model with code of its own, several inputs,
            data that are no arrays.
        RuntimeError: If a callback, or anything else, changed the frozen part.

    Source: https://keras.io/guides/transfer_learning/ (run the base once)
    """
    _check_model(model)
    _check_options(options)
    x = _array(x, "`x`")
    size = 32 if options.get("batch_size") is None else options["batch_size"]
    check_count("batch_size", size)
    spread = np.linspace(0, len(x) - 1, min(len(x), size, PROBED)).astype(int)
    parts = cut.split(model, x[spread])
    if parts is None:
        return model.fit(x, y, **options)
    frozen, tail = parts
    _compile_like(tail, model)
    shown = options.get("verbose", "auto") != 0
    stored = _outputs(frozen, x, size, shown, full_batches=True)
    if options.get("validation_data") is not None:
        options["validation_data"] = _stored_validation(frozen, shown, size, options)
    callbacks = options.pop("callbacks", None)
    followers = WholeModelCallbacks(callbacks, model, tail, frozen)
    is_dense = all(isinstance(x, keras.layers.Dense) for x in tail.layers if x.weights)
    if is_dense and followers.skip_steps and not shown:
        tail.steps_per_execution = max(STEPS, model.steps_per_execution)
    _check_stored(frozen, x, stored, ValueError, "is not the same in another batch")
    history = tail.fit(stored, y, callbacks=[followers], **options)
    _check_stored(frozen, x, stored, RuntimeError, "has changed while it trained")
    history.set_model(model)
    model.history = history
    return history


def _check_model(model):
    is_plain = calls.is_graph(model) and not OVERRIDES & set(vars(model))
    if not is_plain or not model.built:
        raise ValueError(
            "Expected a built functional or Sequential model, which trains as Keras "
            f"does. Received: {getattr(model, 'name', model)!r}, a "
            f"{type(model).__name__}. Train it with `model.fit`."
        )
    nesting.check_single(model)
    found = freezing.trains(model)
    if getattr(model, "optimizer", None) is None or found.stale:
        raise ValueError(
            "Expected a model compiled since the last change of `trainable`. Received: "
            f"{model.name!r}, {found}. Call `model.compile(...)` first."
        )
    if not model.trainable_weights:
        raise ValueError(
            f"Expected a model that trains something. Received: {model.name!r}: "
            f"{found}. Set `trainable = True` on what should learn, and compile again."
        )


def _check_options(options):
    steps = [name for name in options if name.endswith(("_per_epoch", "_steps"))]
    if any(options[name] is not None for name in steps):
        raise ValueError(
            "Expected arrays, which say how long an epoch is. Received: "
            f"`{steps[0]}`. Leave it out, or train with `model.fit`."
        )
    for callback in keras.tree.flatten(options.get("callbacks") or []):
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                "Expected callbacks that do not set the first epoch. Received: "
                "BackupAndRestore. Train with `model.fit`."
            )


def _array(data, name):
    if not hasattr(data, "__array__") or isinstance(data, keras.KerasTensor):
        raise ValueError(
            f"Expected an array for {name}, whose outputs are stored row by row. "
            f"Received: {type(data).__name__}. Read it into arrays first, or train "
            "with `model.fit`."
        )
    data = np.asarray(data)
    if not data.ndim or not len(data):
        raise ValueError(f"Expected rows in {name}. Received: shape {data.shape}")
    return data


def _compile_like(tail, model):
    """Compiles the tail as the model is, with the model's own optimizer and loss."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    config = model.get_compile_config()
    ours = {"optimizer": model.optimizer, "loss": model.loss}
    others = {name: config[name] for name in config if name not in ours}
    try:
        tail.compile(**ours, **keras.saving.deserialize_keras_object(others))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Expected metrics that Keras can write down, to compile the tail alike. "
            f"Received: {others.get('metrics')}. Register them, "
            "`@keras.saving.register_keras_serializable()`, or train with `model.fit`."
        ) from error


def _stored_validation(frozen, shown, size, options):
    given = options["validation_data"]
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError(
            "Expected `validation_data` (x, y) or (x, y, sample_weight). Received: "
            f"{type(given).__name__}. Read it into arrays first."
        )
    images = _array(given[0], "`validation_data`")
    size = options.get("validation_batch_size") or size
    return _outputs(frozen, images, size, shown), *given[1:]


def _outputs(frozen, x, size, shown, full_batches=False):
    """Outputs of the frozen part, `(n, ...)`, in batches as `fit` makes them.

    On a CPU an image gives the same bits in any batch of that size, but not always
    in a small one: with `full_batches` the last is filled up with images before it.
    """
    stored = None
    with progress.bar(len(x), "frozen part", disable=not shown) as bar:
        for start in range(0, len(x), size):
            first = max(0, min(start, len(x) - size)) if full_batches else start
            found = frozen.predict_on_batch(x[first : first + size])
            if stored is None:
                _check_memory(len(x) * found[0].nbytes)
                stored = np.empty((len(x), *found.shape[1:]), found.dtype)
            stored[first : first + size] = found
            bar.update(min(size, len(x) - start))
    return stored


def _check_stored(frozen, x, stored, error, what):
    """Passes a few images again, in training mode, in other company and places."""
    few = np.resize(x[:4], (max(2, min(len(x), 4)), *x.shape[1:]))
    found = keras.ops.convert_to_numpy(frozen(few[::-1], training=True))[::-1]
    steps = 5_000 if found.dtype.itemsize > 2 else 250_000  # half precision: 3 %
    if not cut.is_close(found, np.resize(stored[:4], found.shape), steps):
        raise error(
            "Expected a frozen part that gives an image the same output in every batch "
            f"and epoch. Received: {frozen.name!r}, whose output {what}, so what was "
            "stored is wrong. Train with `model.fit`."
        )


def _check_memory(size):
    free = psutil.virtual_memory().available
    if size > free:
        raise ValueError(
            f"Expected {size / 1e9:.1f} GB of memory for the frozen part's outputs. "
            f"Received: {free / 1e9:.1f} GB. Freeze more, give fewer images, or train "
            "with `model.fit`."
        )
