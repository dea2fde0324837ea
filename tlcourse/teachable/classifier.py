"""A classifier to which classes and examples are added one at a time.

The frozen base computes the features of each example once. Only a dense layer on top
of them is trained, from its start after each change, in less than a second.
"""

import dataclasses
import time

import keras
import numpy as np

from tlcourse.data.dataset import Dataset
from tlcourse.features.extraction import extract
from tlcourse.teachable.examples import ExampleSet

STEPS, BATCH_SIZE, LEARNING_RATE = 60, 32, 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """An image, uint8 `(h, w, 3)`, and its features, float32 `(features,)`."""

    image: np.ndarray
    features: np.ndarray


class GrowingClassifier:
    """A frozen base and a dense layer that is trained again after each example.

    Args:
        embed: `keras.Model` from raw pixels `(batch, h, w, 3)`, 0..255, to
            `(batch, features)`; it is not changed.

    Attributes:
        examples: `ExampleSet` of `Example`. The methods below change it.
        first_predictions: list of pairs: the class of an example, and the class that
            was predicted before the example was added.
    """

    def __init__(self, embed):
        self.embed = embed
        self.size = tuple(embed.input_shape[1:3])
        self.examples, self.first_predictions = ExampleSet(), []
        self._head, self._class_names, self._heads = None, (), {}
        self._examples(np.zeros((1, *self.size, 3), "uint8"))  # the first is slow

    def add_class(self, name):
        """Adds a class, still without examples.

        Raises:
            ValueError: If the name is taken, or does not have 1 to 40 characters.
        """
        self.examples = self.examples.with_class(name)

    def rename_class(self, old, new):
        """Gives a class another name; its examples and probabilities stay."""
        before = self.examples.class_names
        self.examples = self.examples.with_renamed_class(old, new)
        now = dict(zip(before, self.examples.class_names, strict=True))
        self._class_names = tuple(now[name] for name in self._class_names)
        self.first_predictions = [
            (now.get(true, true), now.get(predicted, predicted))
            for true, predicted in self.first_predictions
        ]

    def remove_class(self, name):
        """Drops a class and its examples, and trains again; gives the seconds."""
        self.examples = self.examples.without_class(name)
        return self.train()

    def add(self, name, *images):
        """Predicts images, adds them to a class, and trains again.

        Args:
            name: String, a class.
            *images: uint8 `(h, w, 3)` or `(n, h, w, 3)`, 0..255.

        Returns:
            Float, seconds that the training took.

        Raises:
            ValueError: If there is no such class, or an image has the wrong shape.
        """
        batches = [each if np.ndim(each) == 4 else [each] for each in images]
        for example in self._examples([image for each in batches for image in each]):
            found = self._predict(example)
            self.examples = self.examples.with_example(name, example)
            if name in found:  # of a class that is new to it, it can't be right
                self.first_predictions.append((name, max(found, key=found.get)))
        return self.train()

    def add_dataset(self, dataset):
        """Adds all images of a `Dataset`, and the classes that are new.

        Returns:
            Float, seconds that the training took.

        Raises:
            ValueError: If the images have another size, or a class a name that is too
                long; then nothing is added.
        """
        added = self.examples
        for name in dataset.class_names:
            added = added if name in added.class_names else added.with_class(name)
        examples = self._examples(dataset.images)
        for example, label in zip(examples, dataset.labels, strict=True):
            added = added.with_example(dataset.class_names[label], example)
        self.examples = added
        return self.train()

    def remove(self, name, position=-1):
        """Takes one example out, and trains again; gives the seconds."""
        self.examples = self.examples.without_example(name, position)
        return self.train()

    def train(self):
        """Trains the head from its start on batches that hold all classes equally.

        Gives the seconds; 0.0 as long as fewer than two classes have examples.
        """
        start = time.perf_counter()
        classes = [(n, had) for n, had in self.examples.classes if had]
        if len(classes) < 2:
            self._class_names = ()
            return 0.0
        features = [np.stack([each.features for each in had]) for _, had in classes]
        head = self._new_head(len(classes))
        rng = np.random.default_rng(0)
        batch = np.arange(BATCH_SIZE) % len(classes)
        labels = np.concatenate([rng.permutation(batch) for _ in range(STEPS)])
        rows = [features[k][rng.integers(len(features[k]))] for k in labels]
        head.fit(np.stack(rows), labels, BATCH_SIZE, shuffle=False, verbose=0)
        # Together, and last: an interrupted training leaves the old head in use.
        self._head, self._class_names = head, tuple(name for name, _ in classes)
        return time.perf_counter() - start

    def _new_head(self, n_classes):
        """An untrained head: to reset one takes less time than to build one."""
        if n_classes not in self._heads:
            softmax = keras.layers.Dense(n_classes, activation="softmax")
            head = keras.Sequential([keras.Input(self.embed.output_shape[1:]), softmax])
            adam = keras.optimizers.Adam(LEARNING_RATE)
            head.compile(adam, "sparse_categorical_crossentropy")
            head.optimizer.build(head.trainable_variables)
            fresh = [keras.ops.copy(v.value) for v in _variables(head)]
            self._heads[n_classes] = head, fresh
        head, fresh = self._heads[n_classes]
        for variable, value in zip(_variables(head), fresh, strict=True):
            variable.assign(value)
        return head

    def predict(self, image):
        """Computes how probable each class is for an image.

        Args:
            image: uint8 `(h, w, 3)`, 0..255.

        Returns:
            dict, each class that has examples to its probability, 0..1; empty as
            long as there are fewer than two.

        Raises:
            ValueError: If the image has the wrong shape or type.
        """
        return self._predict(*self._examples([image]))

    def _predict(self, example):
        if not self._class_names:
            return {}
        found = keras.ops.convert_to_numpy(self._head(example.features[None]))[0]
        return dict(zip(self._class_names, found.tolist(), strict=True))

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
        features = extract(self.embed, images)
        return [Example(*each) for each in zip(images, features, strict=True)]

    def dataset(self):
        """Gives all examples as a `Dataset`, to train on as in any other lesson.

        Raises:
            ValueError: If fewer than two classes have examples.
        """
        self._check_classes()
        had = [self.examples.of(name) for name in self._class_names]
        labels = np.repeat(np.arange(len(had)), list(map(len, had))).astype("int64")
        images = np.stack([each.image for examples in had for each in examples])
        return Dataset(images, labels, self._class_names)

    def model(self):
        """Joins the base and a copy of the head, from raw pixels to probabilities.

        Returns:
            `keras.Model`; its classes are `dataset().class_names`, in that order.

        Raises:
            ValueError: If fewer than two classes have examples.
        """
        self._check_classes()
        head = keras.models.clone_model(self._head)
        head.set_weights(self._head.get_weights())
        return keras.Sequential([keras.Input((*self.size, 3)), self.embed, head])

    def _check_classes(self):
        if not self._class_names:
            raise ValueError(
                "Expected at least two classes with examples. Received: "
                f"{self.examples.counts}"
            )


def _variables(head):
    return [*head.variables, *head.optimizer.variables]
