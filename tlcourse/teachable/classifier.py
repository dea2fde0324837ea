"""A classifier to which classes and examples are added one at a time.

The frozen base computes the features of each example once. Only a dense layer on top
of them is trained, from its start after each change, in less than a second.
"""

import collections
import time

import keras
import numpy as np

from tlcourse.data.dataset import Dataset
from tlcourse.features.extraction import extract
from tlcourse.models.nesting import check_model, check_vectors
from tlcourse.teachable import names

STEPS, BATCH_SIZE, LEARNING_RATE = 60, 32, 1e-3
Example = collections.namedtuple("Example", "image features")


class GrowingClassifier:
    """A frozen base and a dense layer that is trained again after each example.

    Args:
        embed: `keras.Model` from raw pixels `(batch, h, w, 3)`, 0..255, to
            `(batch, features)`; it is not changed.

    Attributes:
        examples: dict, each class to a tuple of its examples, with their `image` and
            `features`. Each change makes a new dict.
        first_predictions: list of pairs: the class of an example, and the class that
            was predicted before the example was added.
    """

    def __init__(self, embed):
        check_model(check_vectors(embed))
        self.embed = embed
        self.size = tuple(embed.input_shape[1:3])
        self.examples, self.first_predictions = {}, []
        self._head, self._class_names, self._heads = None, (), {}
        self._examples(np.zeros((1, *self.size, 3), "uint8"))  # the first is slow

    def add_class(self, name):
        """Adds a class, still without examples.

        Raises:
            ValueError: If the name is taken, or does not have 1 to 40 characters.
        """
        self.examples = self.examples | {self._new_name(name): ()}

    def rename_class(self, old, new):
        """Gives a class another name, which it returns; all else stays."""
        self._check(old)
        if names.clean(new) == old:
            return old
        now = {old: self._new_name(new)}
        self.examples = {now.get(n, n): had for n, had in self.examples.items()}
        self._class_names = tuple(now.get(n, n) for n in self._class_names)
        pairs = self.first_predictions
        self.first_predictions = [tuple(now.get(n, n) for n in pair) for pair in pairs]
        return now[old]

    def remove_class(self, name):
        """Drops a class and its examples, and trains again; gives the seconds."""
        self._check(name)
        self.examples = {n: had for n, had in self.examples.items() if n != name}
        return self.train()

    def add(self, name, *images, counts=True):
        """Predicts images, adds them to a class, and trains again.

        Args:
            name: String, a class.
            *images: uint8 `(h, w, 3)` or `(n, h, w, 3)`, 0..255.
            counts: Whether `first_predictions` gets what was predicted of them; no
                for the later frames of one burst, which are alike.

        Returns:
            Float, seconds that the training took.

        Raises:
            ValueError: If there is no such class, or an image has the wrong shape.
        """
        self._check(name)
        batches = [each if np.ndim(each) == 4 else [each] for each in images]
        for example in self._examples([image for each in batches for image in each]):
            found = self._predict(example)
            self.examples = self.examples | {name: (*self.examples[name], example)}
            if (
                counts and name in found
            ):  # of a class that is new to it, it can't be right
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
        known, given = self.examples, map(names.clean, dataset.class_names)
        classes = [name if name in known else self._new_name(name) for name in given]
        added = known | {name: known.get(name, ()) for name in classes}
        examples = self._examples(dataset.images)
        for example, label in zip(examples, dataset.labels, strict=True):
            added[classes[label]] += (example,)
        self.examples = added
        return self.train()

    def remove(self, name, position):
        """Takes one example out, and trains again; gives the seconds."""
        self._check(name)
        had = list(self.examples[name])
        if not 0 <= position < len(had):
            raise ValueError(
                f"Expected an example of `{name}`, which has {len(had)}. Received: "
                f"position {position}"
            )
        del had[position]
        self.examples = self.examples | {name: tuple(had)}
        return self.train()

    def _check(self, name):
        if name not in self.examples:
            known = ", ".join(self.examples) or "none yet"
            raise ValueError(f"Expected a class ({known}). Received: {name!r}")

    def _new_name(self, name):
        cleaned = names.clean(name)
        if cleaned in self.examples or not 0 < len(cleaned) <= names.LONGEST:
            raise ValueError(
                f"Expected a name of 1 to {names.LONGEST} characters that is not "
                f"taken. Received: {name!r}"
            )
        return cleaned

    def train(self):
        """Trains the head from its start on batches that hold all classes equally.

        Gives the seconds; 0.0 as long as fewer than two classes have examples.
        """
        start = time.perf_counter()
        classes = {name: had for name, had in self.examples.items() if had}
        if len(classes) < 2:
            self._class_names = ()
            return 0.0
        features = [
            np.stack([each.features for each in had]) for had in classes.values()
        ]
        head = self._new_head(len(classes))
        rng = np.random.default_rng(0)
        batch = np.arange(BATCH_SIZE) % len(classes)
        labels = np.concatenate([rng.permutation(batch) for _ in range(STEPS)])
        rows = [features[k][rng.integers(len(features[k]))] for k in labels]
        head.fit(np.stack(rows), labels, BATCH_SIZE, shuffle=False, verbose=0)
        # Together, and last: an interrupted training leaves the old head in use.
        self._head, self._class_names = head, tuple(classes)
        return time.perf_counter() - start

    def _new_head(self, n_classes):
        """An untrained head: to reset one takes less time than to build one."""
        if n_classes not in self._heads:
            softmax = keras.layers.Dense(n_classes, "softmax", dtype="float32")
            head = keras.Sequential([keras.Input(self.embed.output_shape[1:]), softmax])
            adam = keras.optimizers.Adam(LEARNING_RATE)
            head.compile(adam, "sparse_categorical_crossentropy")
            adam.build(head.trainable_variables)
            variables = [*head.variables, *adam.variables]
            fresh = [(each, keras.ops.copy(each.value)) for each in variables]
            self._heads[n_classes] = head, fresh
        head, fresh = self._heads[n_classes]
        for variable, value in fresh:
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
        return list(map(Example, images, extract(self.embed, images)))

    def dataset(self):
        """Gives all examples as a `Dataset`, to train on as in any other lesson.

        Raises:
            ValueError: If fewer than two classes have examples.
        """
        self._check_classes()
        had = [self.examples[name] for name in self._class_names]
        labels = np.repeat(np.arange(len(had), dtype="int64"), list(map(len, had)))
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
            counts = {name: len(had) for name, had in self.examples.items()}
            raise ValueError(
                f"Expected at least two classes with examples. Received: {counts}"
            )
