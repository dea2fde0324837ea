"""Fine-tuning: from the same start, at many rates and depths."""

import csv

import keras
import numpy as np

from tlcourse import data
from tlcourse._util import assets
from tlcourse.features.extraction import extract
from tlcourse.models import freezing, heads
from tlcourse.training.fitting import compile_for, embedder

BATCH = 16
FROZEN = 0.0  # in a table, the rate of the frozen head


class Start:
    """A compiled model's weights and optimizer, to begin from again and again.

    Much quicker than building the model anew: its graphs stay.

    Args:
        model: `keras.Model` from `compile_for`.
    """

    def __init__(self, model):
        self.model = model
        self.weights = model.get_weights()
        self.state = [np.copy(value.numpy()) for value in model.optimizer.variables]

    def again(self, rate, weights=None):
        """Takes the model back, and sets another learning rate.

        Args:
            rate: Float.
            weights: list of arrays as `model.get_weights()` gives it, or None
                for those of the start.
        """
        self.model.set_weights(self.weights if weights is None else weights)
        pairs = zip(self.model.optimizer.variables, self.state, strict=True)
        for value, saved in pairs:
            value.assign(saved)
        self.model.optimizer.learning_rate = rate


def wrapped(track):
    """The track's base with a wrapper and augmentation, frozen.

    Args:
        track: `Track`.

    Returns:
        Pair of `keras.Model`: the whole, not compiled, and its base.
    """
    base = freezing.freeze(track.build_base())
    augment = heads.augmentation(flip=track.name != "glyphs")
    n_classes = len(track.class_names)
    return heads.wrap(base, n_classes, "pool", track.preprocess, augment), base


def small_head(shape, n_classes):
    """A dense layer on features: a whole model of its own.

    Args:
        shape: tuple, of one image's features.
        n_classes: Integer.

    Returns:
        `keras.Sequential`, not compiled.
    """
    dense = keras.layers.Dense(n_classes, activation="softmax")
    return keras.Sequential([keras.Input(shape), dense])


class HeadTrainer:
    """Trains wrappers on the frozen base's features, which it computes once.

    Args:
        track: `Track`; labelled images are drawn from its `train`.
    """

    def __init__(self, track):
        self.labels = track.train.labels
        self.features = extract(embedder(track), track.train.images)
        head = small_head(self.features.shape[1:], len(track.class_names))
        self.head = compile_for(head, 1e-2)
        self.start = Start(self.head)

    def train(self, positions, epochs=30):
        """Trains a wrapper, every time from the same random start.

        Args:
            positions: int `(n,)`, which images have labels.
            epochs: Integer.

        Returns:
            list of two arrays, kernel and bias of the dense layer.
        """
        self.start.again(1e-2)
        x, y = self.features[positions], self.labels[positions]
        self.head.fit(x, y, epochs=epochs, verbose=0)
        return self.head.get_weights()


def accuracy(model, dataset):
    """Share of images that a model gets right.

    Args:
        model: Compiled `keras.Model` with the metric accuracy.
        dataset: `Dataset`.

    Returns:
        Float, 0..1.
    """
    found = model.evaluate(dataset.images, dataset.labels, 128, verbose=0)
    return float(found[1])


def compare(track, first, counts, rates, epochs, draws, measure, curves=None):
    """Fine-tunes from one stage on, at several numbers of labels and rates.

    BatchNorm stays frozen. Each draw starts from the same wrapper, trained on
    the frozen base, whatever the rate.

    Args:
        track: `Track`.
        first: String, the first stage that trains.
        counts: Sequence of integers, labels for each class.
        rates: Sequence of floats.
        epochs: Integer.
        draws: Sequence of integers, seeds.
        measure: Function of the compiled model, such as its accuracy.
        curves: dict to fill, or None: each rate to the list of its trainings, in
            the order of counts and draws, each a list of the training loss in
            every epoch.

    Returns:
        dict, `(labels, draw, rate)` to what `measure` gave. The rate is `FROZEN`
        for the wrapper before fine-tuning.
    """
    # Once: on TensorFlow, a new seed throws away everything that is compiled.
    keras.utils.set_random_seed(0)
    model, base = wrapped(track)
    freezing.unfreeze_from(base, first)
    start = Start(compile_for(model, rates[0]))
    trainer, found = HeadTrainer(track), {}
    for per_class in counts:
        for draw in draws:
            at = data.draw_few(track.train.labels, per_class, draw)
            few = track.train.take(at)
            began = [*start.weights[:-2], *trainer.train(at)]
            for rate in (FROZEN, *rates):
                start.again(rate, began)
                if rate != FROZEN:
                    fit = model.fit(few.images, few.labels, BATCH, epochs, verbose=0)
                    if curves is not None:
                        curves.setdefault(rate, []).append(fit.history["loss"])
                found[per_class, draw, rate] = measure(model)
                print(".", end="", flush=True)
    print()
    start.again(rates[0])
    return found


def by_rate(found, rates):
    """Sorts what `compare` found at one number of labels.

    Args:
        found: dict from `compare`.
        rates: Sequence of floats; `FROZEN` is one, too.

    Returns:
        float `(len(rates), draws)`.
    """
    draws = sorted({draw for _, draw, _ in found})
    counts = {count for count, _, _ in found}
    return np.array(
        [[found[c, draw, rate] for draw in draws for c in counts] for rate in rates]
    )


def by_count(found, rate):
    """Sorts what `compare` found at one rate.

    Args:
        found: dict from `compare`.
        rate: Float; `FROZEN` for the wrapper before fine-tuning.

    Returns:
        float `(counts, draws)`.
    """
    counts = sorted({count for count, _, _ in found})
    return np.array(
        [
            [v for (c, _, r), v in found.items() if (c, r) == (count, rate)]
            for count in counts
        ]
    )


def shipped_grid():
    """The shipped results of lesson 09's whole grid, glyphs track.

    The rate of each cell is the one with the best mean on the validation set.

    Returns:
        Names of the rows (what trains), labels per class, and a float array
        `(rows, counts)`: mean test accuracy, 0..1. The first row is the frozen head.
    """
    validation, test, firsts, counts = _grid()
    rate = validation[:, :, 1:].mean(axis=-1).argmax(axis=2) + 1
    tuned = np.take_along_axis(test.mean(axis=-1), rate[..., None], axis=2)[..., 0]
    mean = np.concatenate([test[:1, :, 0].mean(axis=-1), tuned])
    return ["head only", *(f"from {first}" for first in firsts)], counts, mean


def shipped_gains():
    """What a depth gains on the test set that was chosen on the validation set.

    From the shipped grid of lesson 09. Of two that are equally good, the cheaper one
    is taken. A gain is measured against the head alone of the same draw.

    Returns:
        List of Strings, for each number of labels the stage chosen to unfreeze from,
        and a float array `(counts, draws)`, differences of test accuracy.
    """
    validation, test, firsts, counts = _grid()
    chosen, gains = [], []
    for column in range(len(counts)):
        mean = validation[:, column, 1:].mean(axis=-1).round(6)
        first, rate = np.unravel_index(mean.argmax(), mean.shape)
        chosen.append(firsts[first])
        gains.append(test[first, column, rate + 1] - test[first, column, 0])
    return chosen, np.array(gains)


def _grid():
    """Validation and test accuracy `(stages, counts, rates, draws)`; names, counts.

    The stages begin with the last one, which is the cheapest to train. The first rate
    is `FROZEN`.
    """
    with open(assets.shipped("grid.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    axes = ("first", str), ("labels_per_class", int), ("rate", float), ("draw", int)
    values = [sorted({kind(row[name]) for row in rows}) for name, kind in axes]
    values[0].reverse()
    found = np.full((2, *map(len, values)), np.nan)
    for row in rows:
        places = zip(axes, values, strict=True)
        place = tuple(known.index(kind(row[name])) for (name, kind), known in places)
        found[(slice(None), *place)] = float(row["validation"]), float(row["test"])
    return *found, *values[:2]
