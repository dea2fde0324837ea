"""Compiles and fits a classifier, with a line that says how far it is."""

import gc

import keras
import numpy as np

from tlcourse._util import progress
from tlcourse.data.checking import check_count
from tlcourse.data.dataset import check_dataset
from tlcourse.features import extraction
from tlcourse.models import nesting


class ProgressLine(keras.callbacks.Callback):
    """One line that fills up while `fit` runs, instead of one line per epoch."""

    def on_train_begin(self, logs=None):
        """Begins the line; the models of trainings before it may be gone by now."""
        gc.collect()
        epochs = self.params["epochs"]
        self.bar = progress.bar(epochs, "training", "epochs", delay=0)

    def on_epoch_end(self, epoch, logs=None):
        """Moves on, and shows the last losses and metrics."""
        shown = [f"{name} {value:.3f}" for name, value in (logs or {}).items()]
        self.bar.set_postfix_str(", ".join(shown), refresh=False)
        self.bar.update()

    def on_train_end(self, logs=None):
        """Ends the line, and does not hold on to the model."""
        self.bar.close()
        self.set_model(None)


def compile_for(model, learning_rate, optimizer=keras.optimizers.Adam):
    """Compiles a classifier with the metric accuracy, and returns it.

    Call it after each change of `trainable`; `optimizer` is a class of Keras's.
    """
    if nesting.is_graph(model):
        nesting.check_single(model)
    model.compile(
        optimizer(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    # If the first `fit` has to make variables, TensorFlow traces its step twice.
    model.optimizer.build(model.trainable_variables)
    return model


def check_fit(model, dataset, *others):
    """Refuses datasets that differ, and a model without an output for each class."""
    for each in (dataset, *others):
        check_dataset(each)
        if not len(each):
            raise ValueError("Expected a `Dataset` with images. Received: 0 images.")
    dataset.check_classes(*others)
    n = len(dataset.class_names)
    if isinstance(model, keras.Model) and model.built and not nesting.is_graph(model):
        # A class of its own tells its outputs only when it is called.
        shape = getattr(model(dataset.images[:1]), "shape", ())
    else:
        shape = nesting.check_single(model).output_shape
        for each in (dataset, *others):
            extraction.check_fit(model, each.images.shape[1:])
    if len(shape) != 2 or shape[-1] < n:
        raise ValueError(
            f"Expected a model with {n} outputs, one for each of {dataset.class_names}."
            f" Received: {model.name!r} with output {shape}. Give its base a head of "
            f"that size: `heads.wrap(base, {n})`."
        )
    if shape[-1] > n:
        print(f"{model.name!r} has {shape[-1]} outputs for {n} classes.")


def train(
    model, train, validation, epochs, learning_rate=1e-3, batch_size=32, **options
):
    """Compiles a classifier with Adam and fits it, with a progress line.

    Args:
        model: `keras.Model` from raw pixels to class probabilities.
        train: `Dataset` to learn from.
        validation: `Dataset` to watch.
        epochs: Integer.
        learning_rate: Float.
        batch_size: Integer.
        options: Others of `fit`, such as `class_weight={0: 1.0, 1: 3.0}`.

    Returns:
        `keras.callbacks.History`.

    Raises:
        ValueError: If the datasets differ in their classes, or the model has too few
            outputs, or some that are no probabilities.
    """
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    check_fit(model, train, validation)
    weights, n = options.get("class_weight"), len(train.class_names)
    if not isinstance(weights, dict | None) or not {*(weights or ())} <= {*range(n)}:
        raise ValueError(
            "Expected `class_weight`, a dict from labels, which are places in "
            f"{train.class_names}, such as {{0: 1.0, 1: 3.0}}. Received: {weights!r}"
        )
    few = keras.ops.convert_to_numpy(model(train.images[:4], training=False))
    if few.min() < 0 or few.max() > 1.01:
        raise ValueError(
            "Expected a model that gives probabilities. Received: outputs from "
            f"{few.min():.3g} to {few.max():.3g}. End it with `activation='softmax'`."
        )
    callbacks = keras.tree.flatten(options.pop("callbacks", None) or ())
    return compile_for(model, learning_rate).fit(
        train.images,
        train.labels,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(validation.images, validation.labels),
        callbacks=[*callbacks, ProgressLine()],
        **{"verbose": 0, **options},
    )


def steps(model, dataset, n, batch_size=32, seed=0):
    """Trains `n` steps and yields the loss of each, so that somebody can stop it."""
    check_fit(model, dataset)
    check_count("batch_size", batch_size)
    rng, waiting = np.random.default_rng(seed), np.empty(0, int)
    for _ in range(n):
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(len(dataset))])
        at, waiting = waiting[:batch_size], waiting[batch_size:]
        model.reset_metrics()  # or the loss would be an average of all steps
        found = model.train_on_batch(
            dataset.images[at], dataset.labels[at], return_dict=True
        )
        yield float(found["loss"])
