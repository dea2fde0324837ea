"""Fine-tuning: the steps of lesson 08 for several draws, and beginning again."""

import gc

import keras
import numpy as np

from tlcourse._util import progress
from tlcourse.models import freezing
from tlcourse.training.fitting import check_fit, compile_for


def accuracy(model, dataset):
    """Share, 0..1, of a `Dataset` that a model gets right, however it was compiled."""
    check_fit(model, dataset)
    found = model.predict(dataset.images, 128, verbose=0).argmax(axis=-1)
    return float(np.mean(found == dataset.labels))


def begin_again(model, weights):
    """Puts back weights, and sets all that the optimizer has counted to zero.

    Without compiling, after which Keras would build the training step anew. The
    learning rate is zero then, too, unless it is a schedule.
    """
    model.set_weights(weights)
    for state in model.optimizer.variables:
        state.assign(keras.ops.zeros(state.shape, state.dtype))


def let_go(model):
    """Drops the steps that Keras has built for a model: 100 MB for a whole network."""
    model.compile()
    gc.collect()


def unfreeze(model, awake, learning_rate):
    """Compiles a Sequential model with AdamW, so that all of its base trains.

    Its BatchNormalization layers do if they are to be `awake`.
    """
    let_go(model)
    (base,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    base.trainable = True
    for layer in base.layers:  # each, as Keras skips a flag that is there already
        layer.trainable = awake or not freezing.is_batchnorm(layer)
    compile_for(model, learning_rate, keras.optimizers.AdamW)


def train_heads(model, draws, held_out, epochs):
    """Trains the last layer on each draw: 40 epochs on features, then some more.

    Returns the model's weights after 40 epochs for each draw, and a float array
    `(draws, 1 + epochs)`: accuracy on `held_out`, 0..1, there and after each more.
    """
    untrained, features = model.get_weights(), model.layers[-2].output
    extract = keras.Model(model.inputs, features)
    head = keras.Sequential([keras.Input(features.shape[1:]), model.layers[-1]])
    compile_for(head, 1e-2)
    validation = extract.predict(held_out.images, verbose=0), held_out.labels
    starts, curves = [], []
    for images in draws:
        begin_again(head, untrained[-2:])
        head.optimizer.learning_rate = 1e-2
        data = extract.predict(images.images, verbose=0), images.labels
        head.fit(*data, epochs=40, verbose=0)
        starts.append(model.get_weights())
        curve = [head.evaluate(*validation, verbose=0)[1]]
        if epochs:
            options = {"epochs": epochs, "validation_data": validation, "verbose": 0}
            curve += head.fit(*data, **options).history["val_accuracy"]
        curves.append(curve)
    model.set_weights(untrained)
    return starts, np.array(curves)


def three_ways(model, draws, held_out, learning_rate, epochs, batch_size):
    """Goes on from a trained head in three ways, on each draw; the weights stay.

    Where the base is tuned, the learning rate climbs for five steps, and then sinks
    along half a cosine.

    Args:
        model: Built `keras.Sequential`: a base, pooling and an untrained dense layer.
        draws: Sequence of `Dataset`s of one size.
        held_out: `Dataset` to measure on.
        learning_rate: Float, the highest.
        epochs: Integer.
        batch_size: Integer.

    Returns:
        dict, what was done to a float array `(draws, 1 + epochs)`: accuracy on
        `held_out`, 0..1, before and after each epoch.
    """
    untrained = model.get_weights()
    starts, on = train_heads(model, draws, held_out, epochs)
    steps = max(1, epochs * -(-len(draws[0]) // batch_size) - 5)
    options = {"warmup_target": learning_rate, "warmup_steps": 5}
    sinking = keras.optimizers.schedules.CosineDecay(0.0, steps, **options)
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    options["validation_data"] = held_out.images, held_out.labels
    options["validation_batch_size"] = 50
    found = {"head trained on": on}
    runs = 2 * len(draws)
    with progress.bar(runs, "three ways", "trainings", delay=0) as bar:
        for way, awake in (("BatchNorm asleep", False), ("BatchNorm awake", True)):
            unfreeze(model, awake, sinking)
            curves = []
            for number, images in enumerate(draws):
                begin_again(model, starts[number])
                fitted = model.fit(images.images, images.labels, **options)
                curves.append([on[number, 0], *fitted.history["val_accuracy"]])
                bar.update()
            found[way] = np.array(curves)
    model.set_weights(untrained)
    let_go(model)
    return found


def try_rates(model, draws, held_out, learning_rates, epochs, batch_size):
    """Tunes from a trained head at several constant rates, BatchNormalization asleep.

    The arguments are those of `three_ways`, but with several rates. Returns float
    `(draws,)`, accuracy of the heads before; float `(rates, draws)`, and afterwards;
    and a dict, rate to the training losses by epoch of each draw.
    """
    untrained = model.get_weights()
    starts, heads = train_heads(model, draws, held_out, 0)
    unfreeze(model, False, learning_rates[0])
    table, curves = np.zeros((len(learning_rates), len(draws))), {}
    with progress.bar(table.size, "learning rates", "trainings", delay=0) as bar:
        for row, column in np.ndindex(table.shape):
            rate, images = learning_rates[row], draws[column]
            begin_again(model, starts[column])
            model.optimizer.learning_rate = rate
            fitted = model.fit(
                images.images, images.labels, batch_size, epochs, verbose=0
            )
            curves.setdefault(rate, []).append(fitted.history["loss"])
            table[row, column] = accuracy(model, held_out)
            bar.update()
    model.set_weights(untrained)
    let_go(model)
    return heads[:, 0], table, curves
