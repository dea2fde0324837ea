"""A classifier that grows: classes and examples come one at a time.

The base is asked once for each example. What learns is one dense layer on its
answers, anew after each change, in less than a second.
"""

import dataclasses
import time

import keras
import numpy as np

from tlcourse.data.dataset import Dataset
from tlcourse.features.extraction import extract
from tlcourse.teachable.examples import ExampleSet

STEPS, BATCH, RATE = 60, 32, 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """An image, and what the base makes of it.

    Args:
        image: uint8 `(h, w, 3)`, 0..255.
        vector: float32 `(features,)`.
    """

    image: np.ndarray
    vector: np.ndarray


class GrowingClassifier:
    """Learns from examples as they come, and answers at any time.

    Args:
        embed: `keras.Model` from raw pixels `(batch, h, w, 3)`, 0..255, to
            `(batch, features)`; it is not changed.

    Attributes:
        examples: `ExampleSet` of `Example`. The methods below change it.
        answered: list of pairs: the class of an example, and what the network had
            answered before it was told.
    """

    def __init__(self, embed):
        self.embed = embed
        self.size = tuple(embed.input_shape[1:3])
        self.examples, self.answered = ExampleSet(), []
        self._head, self._knows, self._heads = None, (), {}
        self._example(np.zeros((*self.size, 3), "uint8"))  # the first one is slow

    def add_class(self, name):
        """Adds a class, still without examples; see `ExampleSet.with_class`."""
        self.examples = self.examples.with_class(name)

    def rename_class(self, old, new):
        """Gives a class another name; see `ExampleSet.renamed`."""
        before = self.examples.names
        self.examples = self.examples.renamed(old, new)
        now = dict(zip(before, self.examples.names, strict=True))
        self._knows = tuple(now[name] for name in self._knows)
        self.answered = [
            (now.get(was, was), now.get(said, said)) for was, said in self.answered
        ]

    def remove_class(self, name):
        """Drops a class and its examples; see `ExampleSet.without_class`."""
        self.examples = self.examples.without_class(name)
        return self.learn()

    def add(self, name, *images):
        """Asks the network about images, tells it what they are, lets it learn.

        Args:
            name: String, a class.
            *images: uint8 `(h, w, 3)`, 0..255, each, or several as `(n, h, w, 3)`.

        Returns:
            Float, seconds that it took to learn.

        Raises:
            ValueError: If there is no such class, or an image has the wrong shape.
        """
        several = [each if np.ndim(each) == 4 else [each] for each in images]
        for example in self._examples([image for each in several for image in each]):
            found = self._answer(example)
            self.examples = self.examples.with_example(name, example)
            if name in found:  # of a class that is new to it, it can't be right
                self.answered.append((name, max(found, key=found.get)))
        return self.learn()

    def add_dataset(self, dataset):
        """Adds all images of a `Dataset`, and the classes that are new.

        Args:
            dataset: `Dataset` with images of the size that the network takes.

        Returns:
            Float, seconds that it took to learn.

        Raises:
            ValueError: If the images have another size, or a class a name that is too
                long; then nothing is added.
        """
        grown = self.examples
        for name in dataset.class_names:
            grown = grown if name in grown.names else grown.with_class(name)
        examples = self._examples(dataset.images)
        for example, label in zip(examples, dataset.labels, strict=True):
            grown = grown.with_example(dataset.class_names[label], example)
        self.examples = grown
        return self.learn()

    def remove(self, name, position=-1):
        """Forgets an example, and learns anew; see `ExampleSet.without_example`."""
        self.examples = self.examples.without_example(name, position)
        return self.learn()

    def learn(self):
        """Trains the head from its start on all examples.

        Each batch holds the classes in equal parts, however many examples they have.

        Returns:
            Float, seconds; 0.0 as long as fewer than two classes have examples.
        """
        start = time.perf_counter()
        taught = [(n, had) for n, had in self.examples.classes if had]
        if len(taught) < 2:
            self._knows = ()
            return 0.0
        vectors = [np.stack([each.vector for each in had]) for _, had in taught]
        head = self._new_head(len(taught))
        rng = np.random.default_rng(0)
        for _ in range(STEPS):
            labels = rng.permutation(np.arange(BATCH) % len(taught))
            batch = [vectors[k][rng.integers(len(vectors[k]))] for k in labels]
            head.train_on_batch(np.stack(batch), labels)
        # Together, and last: whoever interrupts it has the old answers still.
        self._head, self._knows = head, tuple(name for name, _ in taught)
        return time.perf_counter() - start

    def _new_head(self, n_classes):
        """A head that has learnt nothing. To make one takes longer than to clear it."""
        if n_classes not in self._heads:
            head = keras.Sequential(
                [
                    keras.Input(self.embed.output_shape[1:]),
                    keras.layers.Dense(n_classes, activation="softmax"),
                ]
            )
            head.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy")
            head.optimizer.build(head.trainable_variables)
            fresh = [keras.ops.copy(v.value) for v in _variables(head)]
            self._heads[n_classes] = head, fresh
        head, fresh = self._heads[n_classes]
        for variable, value in zip(_variables(head), fresh, strict=True):
            variable.assign(value)
        return head

    def answer(self, image):
        """What the network takes an image for.

        Args:
            image: uint8 `(h, w, 3)`, 0..255.

        Returns:
            dict, each class that has examples to its probability, 0..1; empty as
            long as there are fewer than two.

        Raises:
            ValueError: If the image has the wrong shape or type.
        """
        return self._answer(self._example(image))

    def _answer(self, example):
        if not self._knows:
            return {}
        found = keras.ops.convert_to_numpy(self._head(example.vector[None]))[0]
        return dict(zip(self._knows, found.tolist(), strict=True))

    def _example(self, image):
        return self._examples([image])[0]

    def _examples(self, images):
        for image in map(np.asarray, images):
            if image.shape != (*self.size, 3) or image.dtype != np.uint8:
                raise ValueError(
                    f"Expected an image uint8 {(*self.size, 3)}, 0..255. Received: "
                    f"{image.dtype} {image.shape}"
                )
        if not len(images):
            return []
        images = np.stack(images)
        vectors = extract(self.embed, images)
        return [Example(*each) for each in zip(images, vectors, strict=True)]

    def dataset(self):
        """All examples as a `Dataset`, to train on as in any other lesson.

        Raises:
            ValueError: If fewer than two classes have examples.
        """
        self._check_taught()
        images = [each.image for n in self._knows for each in self.examples.of(n)]
        counts = [len(self.examples.of(name)) for name in self._knows]
        labels = np.repeat(np.arange(len(counts)), counts).astype("int64")
        return Dataset(np.stack(images), labels, self._knows)

    def model(self):
        """The whole network, from raw pixels to probabilities, to save and to use.

        Returns:
            `keras.Model`; its classes are `dataset().class_names`, in that order.

        Raises:
            ValueError: If fewer than two classes have examples.
        """
        self._check_taught()
        head = keras.models.clone_model(self._head)
        head.set_weights(self._head.get_weights())
        return keras.Sequential([keras.Input((*self.size, 3)), self.embed, head])

    def _check_taught(self):
        if not self._knows:
            raise ValueError(
                "Expected at least two classes with examples. Received: "
                f"{self.examples.counts}"
            )


def _variables(head):
    return [*head.variables, *head.optimizer.variables]
