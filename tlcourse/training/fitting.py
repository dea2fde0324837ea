"""Training and its controls."""

import csv
import functools
import types

import keras
import numpy as np

from tlcourse._util import assets
from tlcourse._util.progress_bar import bar
from tlcourse.data import draw_few
from tlcourse.features.extraction import extract
from tlcourse.models import heads
from tlcourse.models.freezing import is_batchnorm
from tlcourse.training.once_frozen import fit_once_frozen as fit_once_frozen


class ProgressLine(keras.callbacks.Callback):
    """One line that fills up while `fit` runs, instead of one line an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        shown = [f"{name} {value:.3f}" for name, value in (logs or {}).items()]
        filled = bar(epoch + 1, self.params["epochs"])
        print(f"\r{filled} epoch {epoch + 1}: {', '.join(shown)}", end="", flush=True)

    def on_train_end(self, logs=None):
        print()


def compile_for(model, rate):
    """Compiles a classifier with Adam; call it after each change of `trainable`.

    Args:
        model: `keras.Model` to class probabilities.
        rate: Float, the learning rate, or a schedule of Keras.

    Returns:
        The same model.
    """
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    # If the first `fit` has to make variables, TensorFlow traces its step twice.
    model.optimizer.build(model.trainable_variables)
    return model


def train(model, train, validation, epochs, rate=1e-3, batch_size=32):
    """Compiles and fits a classifier, with a progress line.

    Args:
        model: `keras.Model` from raw pixels to class probabilities.
        train: `Dataset` to learn from.
        validation: `Dataset` to watch.
        epochs: Integer.
        rate: Float, Adam's learning rate.
        batch_size: Integer.

    Returns:
        `keras.callbacks.History`.
    """
    return compile_for(model, rate).fit(
        train.images,
        train.labels,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(validation.images, validation.labels),
        verbose=0,
        callbacks=[ProgressLine()],
    )


def steps(model, dataset, n, batch_size=32, seed=0):
    """Trains step by step, so that somebody can watch and stop it.

    Args:
        model: Compiled `keras.Model`, raw pixels to class probabilities.
        dataset: `Dataset` to learn from.
        n: Integer, steps; the images come round in a new order each time.
        batch_size: Integer.
        seed: Integer, for the order.

    Yields:
        Float, the loss of each step.
    """
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


def scratch_model(track):
    """The control: the base's architecture from random weights, all trainable.

    It gets what a network needs that starts from nothing: augmentation, and a
    BatchNorm momentum that follows a short training (MobileNetV2's own, 0.999,
    would still remember the random start at its end).

    Args:
        track: `Track`.

    Returns:
        `keras.Model`, raw pixels to probabilities, not compiled.
    """
    base = track.build_base(weights="random")
    for layer in filter(is_batchnorm, base.layers):
        layer.momentum = 0.9
    return heads.wrap(
        base,
        len(track.class_names),
        preprocess=track.preprocess,
        augment=heads.augmentation(
            flip=track.name != "glyphs", negative=track.name == "glyphs"
        ),
    )


def train_from_scratch(track, train, validation, epochs, every=1):
    """Gives the control its chance: a decaying rate, and its best epoch counts.

    Args:
        track: `Track`.
        train: `Dataset` to learn from.
        validation: `Dataset` to measure on.
        epochs: Integer.
        every: Integer, epochs from one look at the validation set to the next.

    Returns:
        What a `keras.callbacks.History` holds: `.history` and `.epoch`. The
        network is dropped: with its graphs it takes half a gigabyte.
    """
    model = scratch_model(track)
    batch_size = 32
    steps = epochs * -(-len(train) // batch_size)
    compile_for(model, keras.optimizers.schedules.CosineDecay(2e-3, steps))
    history = model.fit(
        train.images,
        train.labels,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(validation.images, validation.labels),
        validation_freq=every,
        verbose=0,
        callbacks=[ProgressLine()],
    )
    kept = types.SimpleNamespace(epoch=history.epoch, history=history.history)
    del model, history
    keras.utils.clear_session(free_memory=True)
    return kept


@functools.lru_cache(maxsize=1)  # the next dataset needs the same one
def embedder(track, weights="pretrained"):
    """The frozen base with pooling: raw pixels to one vector an image.

    Args:
        track: `Track`.
        weights: `"pretrained"` or `"random"`.

    Returns:
        `keras.Model` from `(batch, *input_shape)` in 0..255 to
        `(batch, features)`.
    """
    base = track.build_base(weights)
    pixels = keras.Input(base.input_shape[1:], name="pixels")
    x = base(track.preprocess(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def vectors(track, dataset, kind):
    """One vector for each image: what a linear classifier gets to see.

    Args:
        track: `Track`.
        dataset: `Dataset`.
        kind: `"features"` (trained base), `"random"` (the same architecture,
            never trained) or `"pixels"`.

    Returns:
        float32 `(len(dataset), d)`.

    Raises:
        ValueError: If `kind` is something else.
    """
    if kind == "pixels":
        step = max(1, dataset.images.shape[1] // 32)
        small = dataset.images[:, ::step, ::step]
        return small.reshape(len(dataset), -1).astype("float32") / 255
    if kind not in ("features", "random"):
        raise ValueError(
            f"Expected `kind` 'features', 'random' or 'pixels'. Received: {kind!r}"
        )
    weights = "pretrained" if kind == "features" else "random"
    return extract(embedder(track, weights), dataset.images)


def linear_probe(vectors, labels):
    """Fits a logistic regression on vectors, turned to their main directions.

    Turning changes nothing but the time: the penalty is the same in every
    direction, and n examples need no more than n of them.

    Args:
        vectors: float `(n, d)`.
        labels: int `(n,)`.

    Returns:
        A fitted scikit-learn classifier; `.score(vectors, labels)` is its
        accuracy, 0..1.

    Source: Alain & Bengio 2016 (arXiv 1610.01644), the linear probe.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    regression = LogisticRegression(C=0.1, max_iter=1000, tol=1e-2)
    return make_pipeline(PCA(svd_solver="full"), regression).fit(vectors, labels)


def probe_sweep(pool, held_out, counts, draws=5):
    """Accuracy of a linear probe against labels per class.

    Args:
        pool: pair of vectors `(n, d)` and a `Dataset` with their labels, to
            draw the labelled examples from.
        held_out: the same, to measure on.
        counts: Sequence of integers, labels per class.
        draws: Integer, draws for each count.

    Returns:
        float `(len(counts), draws)`, accuracies 0..1.
    """
    scale = pool[0].std()  # one number, so that all kinds meet the same penalty
    table = np.empty((len(counts), draws))
    for row, per_class in enumerate(counts):
        for draw in range(draws):
            at = draw_few(pool[1].labels, per_class, seed=draw)
            probe = linear_probe(pool[0][at] / scale, pool[1].labels[at])
            table[row, draw] = probe.score(held_out[0] / scale, held_out[1].labels)
    return table


def shipped_scratch(track, counts):
    """Shipped results of `train_from_scratch`, which takes too long to repeat.

    Args:
        track: `Track`.
        counts: Sequence of integers, labels per class.

    Returns:
        dict for `plots.label_curves`: `"from scratch"` to float
        `(len(counts), draws)`, validation accuracies 0..1 of the best epochs;
        empty where none were shipped (the flowers track).
    """
    if track.name != "glyphs":
        return {}
    with open(assets.shipped("scratch.csv"), newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    table = [[row[3] for row in rows if row[0] == count] for count in counts]
    return {"from scratch": np.array(table)}
