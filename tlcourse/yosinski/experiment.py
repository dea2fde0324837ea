"""Yosinski's experiment: how far up a network can its layers be copied?

A network is trained on task A, another on task B. Then the first n layers of one of
them go into a new network, which is trained on B: with these layers frozen, or
fine-tuned with the rest. What the new network loses against the one that was trained
on B from scratch is the price of copying. Every network is trained for as long, and
the loss on its own training images says whether that was long enough.

Source: Yosinski, Clune, Bengio, Lipson 2014, How transferable are features in deep
neural networks?, arXiv 1411.1792, sections 2 to 4.
"""

import collections
import dataclasses
import functools

import keras
import numpy as np

from tlcourse.yosinski import tasks

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
CUTS = tuple(range(1, len(LAYERS)))  # fc8 is the top, and always new

Treatment = collections.namedtuple("Treatment", "source frozen")
TREATMENTS = {  # where the first n layers come from, and whether they are frozen
    "BnB": Treatment("B", True),
    "BnB+": Treatment("B", False),
    "AnB": Treatment("A", True),
    "AnB+": Treatment("A", False),
    "random": Treatment("random", True),
}
WHOLE = ("base", "twice")  # trained on B from scratch; and then once more as long


@dataclasses.dataclass(frozen=True)
class Settings:
    """The size of the experiment; every training has the same."""

    classes: int = 96  # characters in each task
    per_class: int = 192  # pictures of each character to train on
    unseen: int = 30  # pictures of each character in unseen fonts to test on
    epochs: int = 18
    batch: int = 128  # images per step
    learning_rate: float = 3e-3  # Adam's largest; then down along a cosine
    warm_up: int = 100  # steps on the way up to it


def network(n_classes):
    """Builds a small AlexNet: five convolutions, three dense layers.

    Without BatchNormalization, as the paper's. ELU in place of ReLU, because it
    learns in the few minutes that there are.

    Args:
        n_classes: Integer.

    Returns:
        `keras.Sequential`, from `(batch, 32, 32, 3)`, 0..255, to probabilities
        `(batch, n_classes)`; 188,624 parameters for 96 classes.

    Source: Krizhevsky et al. 2012; Yosinski et al. 2014, section 3 (its use).
    """
    layers = keras.layers
    convolution = functools.partial(layers.Conv2D, padding="same", activation="elu")
    return keras.Sequential(
        [
            keras.Input((tasks.SIDE, tasks.SIDE, 3)),
            layers.Rescaling(1 / 64, offset=-2),
            convolution(16, 5, strides=2, name="conv1"),
            layers.MaxPooling2D(),
            convolution(32, 3, name="conv2"),
            layers.MaxPooling2D(),
            convolution(48, 3, name="conv3"),
            convolution(48, 3, name="conv4"),
            convolution(48, 3, name="conv5"),
            layers.Flatten(),
            layers.Dense(128, activation="elu", name="fc6"),
            layers.Dense(128, activation="elu", name="fc7"),
            layers.Dense(n_classes, "softmax", dtype="float32", name="fc8"),
        ]
    )


def fresh(weights, seed):
    """Draws random weights after He et al.: those of an untrained network.

    Args:
        weights: list of arrays, for their shapes: kernel, bias, kernel, bias...
        seed: Integer, or tuple of integers.

    Returns:
        list of float32 arrays of the same shapes; biases are 0.

    Source: He et al. 2015, arXiv 1502.01852, section 2.2.
    """
    rng = np.random.default_rng(seed)
    new = [np.zeros(w.shape, "float32") for w in weights]
    for kernel in new[::2]:
        width = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        kernel[...] = rng.normal(0, width, kernel.shape)
    return new


class Trainer:
    """Trains networks of one shape, one after the other, in the same graphs."""

    def __init__(self, settings):
        self.settings = settings
        self.model = network(settings.classes)
        self._parts = {}

    def cut(self, n):
        """The model's frozen part below cut n, 0 to 7, and the compiled one above."""
        if n not in self._parts:
            pixels = self.model.inputs[0]
            at = self.model.get_layer(LAYERS[n]).input if n else pixels
            top = self._compile(keras.Model(at, self.model.outputs[0]))
            self._parts[n] = keras.Model(pixels, at), top
        return self._parts[n]

    def _compile(self, top):
        s = self.settings
        steps = s.epochs * (s.classes * s.per_class // s.batch)
        warm_up = {"warmup_target": s.learning_rate, "warmup_steps": s.warm_up}
        schedules = keras.optimizers.schedules
        schedule = schedules.CosineDecay(0.0, steps - s.warm_up, **warm_up)
        adam = keras.optimizers.Adam(schedule)
        top.compile(adam, "sparse_categorical_crossentropy")
        adam.build(top.trainable_variables)
        return top

    def train(self, weights, frozen, task, seed):
        """Trains from `weights` on a `Dataset` and returns the new list of weights.

        The first `frozen` layers have the same outputs in every epoch, so they run
        once. `seed` decides the order of the images.
        """
        self.model.set_weights(weights)
        base, top = self.cut(frozen)
        for variable in top.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        x, batch = task.images, self.settings.batch
        if frozen:
            x = base.predict(x, batch_size=512, verbose=0)
        rng, used = np.random.default_rng(seed), len(task) // batch * batch
        for _ in range(self.settings.epochs):
            order = rng.permutation(len(task))[:used]
            top.fit(x[order], task.labels[order], batch, shuffle=False, verbose=0)
        return self.model.get_weights()

    def accuracy(self, weights, task):
        """The accuracy of a network with these weights on a `Dataset`, 0..1."""
        self.model.set_weights(weights)
        predicted = self.model.predict(task.images, batch_size=512, verbose=0)
        return float((predicted.argmax(axis=1) == task.labels).mean())

    def loss(self, weights, task):
        """The mean cross-entropy of a network with these weights on a `Dataset`."""
        self.model.set_weights(weights)
        predicted = self.model.predict(task.images, batch_size=512, verbose=0)
        right = predicted[np.arange(len(task)), task.labels]
        return float(-np.log(np.maximum(right, 1e-7)).mean())


class Experiment:
    """The experiment for one division of the characters and one seed.

    Args:
        split: `"near"`: characters divided at random; `"far"`: East Asian scripts are
            A, those of Europe and the Middle East B.
        seed: Integer.
        settings: `Settings`, or None for those of a new run; the shipped results
            have `results.shipped_settings()`.
        trainer: `Trainer` of these settings, or None for a new one.
        bases: dict of `"A"` and `"B"` to weights, where they are trained already.
    """

    def __init__(self, split, seed, settings=None, trainer=None, bases=None):
        self.split, self.seed = split, seed
        self.settings = settings or Settings()
        self.trainer = trainer or Trainer(self.settings)
        self.classes = tasks.divide_characters(split, seed, self.settings.classes)
        self.bases, self.tasks = dict(bases or {}), {}

    def task(self, half, part="training"):
        """Draws task `"A"` or `"B"` once, a `Dataset` of images `(32, 32, 3)`.

        `part` is `"training"` or `"unseen"`, the fonts.
        """
        if (half, part) not in self.tasks:
            s, classes = self.settings, self.classes[half]
            per_class = s.per_class if part == "training" else s.unseen
            drawn = tasks.draw_characters(classes, part, per_class, self.seed)
            self.tasks[half, part] = drawn
        return self.tasks[half, part]

    def base(self, half):
        """Weights of the network trained on task A or B from scratch."""
        if half not in self.bases:
            seed = (self.seed, 3, "AB".index(half))
            start = fresh(self.trainer.model.get_weights(), seed)
            self.bases[half] = self.trainer.train(start, 0, self.task(half), seed)
        return self.bases[half]

    def start(self, treatment, n):
        """Weights before training: those of n layers copied, the others random."""
        if treatment not in TREATMENTS or n not in CUTS:
            raise ValueError(
                f"Expected a treatment of {list(TREATMENTS)} and a cut from 1 to "
                f"{CUTS[-1]}. Received: {treatment!r}, {n!r}"
            )
        new = fresh(self.trainer.model.get_weights(), self._seed)
        source = TREATMENTS[treatment].source
        return new if source == "random" else self.base(source)[: 2 * n] + new[2 * n :]

    def train(self, treatment, n=0):
        """Weights of a network after training on B: a list of arrays.

        `treatment` is one of `TREATMENTS`, `"base"` (from scratch on B) or `"twice"`
        (the same trained on); `n` layers are copied, 1 to 7.
        """
        if treatment == "base":
            return self.base("B")
        twice = treatment == "twice"
        start = self.base("B") if twice else self.start(treatment, n)
        frozen = n if not twice and TREATMENTS[treatment].frozen else 0
        return self.trainer.train(start, frozen, self.task("B"), self._seed)

    def accuracy(self, treatment, n=0):
        """Trains as `train` does, and measures on B in unseen fonts, 0..1."""
        return self.trainer.accuracy(self.train(treatment, n), self.task("B", "unseen"))

    @property
    def _seed(self):
        """Of new layers and of the order of images: one for all treatments and cuts."""
        return self.seed, 4
