"""Fine-tuning from one start, at many learning rates and numbers of labels."""

import keras
import numpy as np

from tlcourse import data
from tlcourse._util import progress
from tlcourse.features import extract
from tlcourse.models import freezing, heads
from tlcourse.training.fitting import check_fit, compile_for
from tlcourse.training.probes import embedder

BATCH = 16
FROZEN = 0.0  # in a table, the learning rate of the frozen head


class Snapshot:
    """Weights and optimizer of a compiled model, to start from again: graphs stay."""

    def __init__(self, model):
        self.model = model
        self.weights = model.get_weights()
        self.optimizer = [np.copy(value.numpy()) for value in model.optimizer.variables]

    def restore(self, learning_rate, weights=None):
        """Takes the model back, or to other `weights`, and sets its learning rate."""
        self.model.set_weights(self.weights if weights is None else weights)
        pairs = zip(self.model.optimizer.variables, self.optimizer, strict=True)
        for value, saved in pairs:
            value.assign(saved)
        self.model.optimizer.learning_rate = learning_rate


def wrapped(track):
    """A `Track`'s frozen base in a wrapper with augmentation, and the base."""
    base = freezing.freeze(track.build_base())
    augment = heads.augmentation(flip=track.name != "glyphs")
    n_classes = len(track.class_names)
    return heads.wrap(base, n_classes, "pool", track.preprocess, augment), base


def small_head(shape, n_classes):
    """A dense softmax layer on features of a shape, a model that is not compiled."""
    dense = keras.layers.Dense(n_classes, activation="softmax", dtype="float32")
    return keras.Sequential([keras.Input(shape), dense])


def accuracy(model, dataset):
    """Share, 0..1, of a `Dataset` that a model gets right, however it was compiled."""
    check_fit(model, dataset)
    found = model.predict(dataset.images, 128, verbose=0).argmax(axis=-1)
    return float(np.mean(found == dataset.labels))


class _HeadTrainer:
    """Trains wrappers on the frozen base's features, which it computes once."""

    def __init__(self, track):
        self.labels = track.train.labels
        self.features = extract(embedder(track), track.train.images)
        head = small_head(self.features.shape[1:], len(track.class_names))
        self.head = compile_for(head, 1e-2)
        self.start = Snapshot(self.head)

    def train(self, positions, epochs=30):
        """Kernel and bias of a wrapper for some images, from one random start."""
        self.start.restore(1e-2)
        x, y = self.features[positions], self.labels[positions]
        self.head.fit(x, y, epochs=epochs, verbose=0)
        return self.head.get_weights()


def compare(track, first, counts, learning_rates, epochs, draws, measure, curves=None):
    """Fine-tunes from one stage on, at several numbers of labels and learning rates.

    BatchNormalization stays in inference mode. Each draw starts from the same wrapper,
    trained on the frozen base, whatever the learning rate.

    Args:
        track: `Track`.
        first: String, the first stage that trains.
        counts: Sequence of integers, labels for each class.
        learning_rates: Sequence of floats.
        epochs: Integer.
        draws: Sequence of integers, seeds.
        measure: Function of the compiled model, such as its accuracy.
        curves: dict to fill, or None: each learning rate to the list of its trainings,
            in the order of counts and draws, each a list of the training loss in
            every epoch.

    Returns:
        dict, `(labels, draw, learning rate)` to what `measure` gave. The learning rate
        is `FROZEN` for the wrapper before fine-tuning.
    """
    # Once: on TensorFlow, a new seed throws away everything that is compiled.
    keras.utils.set_random_seed(0)
    model, base = wrapped(track)
    freezing.unfreeze_from(base, first)
    start = Snapshot(compile_for(model, learning_rates[0]))
    trainer, found = _HeadTrainer(track), {}
    cases = [(count, draw) for count in counts for draw in draws]
    total = len(cases) * (1 + len(learning_rates))
    with progress.bar(total, "fine-tuning", "trainings", delay=0) as bar:
        for per_class, draw in cases:
            at = data.draw_few(track.train.labels, per_class, draw)
            few = track.train.take(at)
            began = [*start.weights[:-2], *trainer.train(at)]
            for rate in (FROZEN, *learning_rates):
                start.restore(rate, began)
                if rate != FROZEN:
                    fit = model.fit(few.images, few.labels, BATCH, epochs, verbose=0)
                    if curves is not None:
                        curves.setdefault(rate, []).append(fit.history["loss"])
                found[per_class, draw, rate] = measure(model)
                bar.update()
    start.restore(learning_rates[0])
    return found


def by_learning_rate(found, learning_rates):
    """Sorts what `compare` found at one number of labels: `(learning rates, draws)`.

    One of the learning rates may be `FROZEN`: the wrapper before fine-tuning.
    """
    return np.concatenate([by_count(found, rate) for rate in learning_rates])


def by_count(found, learning_rate):
    """Sorts what `compare` found at one learning rate: float `(counts, draws)`."""
    counts, draws = (sorted({key[k] for key in found}) for k in (0, 1))
    return np.array([[found[n, k, learning_rate] for k in draws] for n in counts])
