"""The frozen part's answers: computed once, kept in memory or on disk, fed to `fit`."""

import math
import pathlib
import shutil

import keras
import numpy as np

from tlcourse._util.progress_bar import bar
from tlcourse.features.arrays import rows


class Room:
    """Where answers are kept: in memory as long as there is room, then on disk.

    Args:
        folder: Path of an empty folder.
        memory: Integer, bytes to use in memory.
    """

    def __init__(self, folder, memory):
        self.folder, self.memory = pathlib.Path(folder), memory
        self.disk = shutil.disk_usage(folder).free
        self.files = 0

    def place(self, shape, dtype):
        """Makes room for an array.

        Args:
            shape: tuple of integers.
            dtype: NumPy dtype.

        Returns:
            Array, not filled.

        Raises:
            ValueError: If the disk has no room for it.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size <= self.memory:
            self.memory -= size
            return np.empty(shape, dtype)
        # A file on a full disk would not fail now, but end Python while it is filled.
        if size > self.disk:
            raise ValueError(
                f"Expected room for {size:,} bytes, the answers of the frozen part. "
                f"Received: {self.memory:,} in memory, {self.disk:,} in {self.folder}. "
                "Give more `memory`, set TMPDIR to a larger disk, freeze more, or "
                "train with `model.fit`."
            )
        self.disk -= size
        self.files += 1
        path = self.folder / f"{self.files}.bin"
        return np.memmap(path, dtype, mode="w+", shape=shape)


class Varied(keras.Model):
    """Augments also in inference.

    Args:
        model: `keras.Model`.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, inputs):
        """The model in training mode.

        Args:
            inputs: Structure of tensors `(batch, ...)`, as the model takes them.

        Returns:
            list of tensors `(batch, ...)`, or one tensor.
        """
        return self.model(inputs, training=True)


class PassLine:
    """One line that fills up while data pass through the frozen part.

    Args:
        total: Integer, images to come.
        shown: Boolean, or the line stays silent.
    """

    def __init__(self, total, shown=True):
        self.total, self.shown, self.done = total, shown, 0

    def add(self, n):
        """Shows that images have passed.

        Args:
            n: Integer.
        """
        self.done += n
        if not self.shown:
            return
        end = "\n" if self.done == self.total else ""
        text = f"frozen part: {self.done} of {self.total} images"
        print(f"\r{bar(self.done, self.total)} {text}", end=end, flush=True)


def compute(model, x, batch_size, place=np.empty, tell=lambda n: None, whole=False):
    """Computes a model's outputs for all data, batch by batch.

    On a CPU, the answers for an image are the same to the bit in any batch, but
    not where it is alone in its batch.

    Args:
        model: `keras.Model`.
        x: Structure of arrays `(n, ...)`.
        batch_size: Integer.
        place: Function of a shape and a dtype that gives an array, such as that of
            a `Room`.
        tell: Function of the number of images that have just passed.
        whole: Boolean, whether the last batch is filled up with images before it.

    Returns:
        list of arrays `(n, ...)`, one for each output.
    """
    n, kept = rows(x), None
    for start in range(0, n, batch_size):
        first = max(0, min(start, n - batch_size)) if whole else start
        at = slice(first, first + batch_size)
        batch = keras.tree.map_structure(lambda array, at=at: array[at], x)
        found = keras.tree.flatten(model.predict_on_batch(batch))
        if kept is None:
            kept = [place((n, *part.shape[1:]), part.dtype) for part in found]
        for array, part in zip(kept, found, strict=True):
            array[at] = part
        tell(min(batch_size, n - start))
    return kept


def feed(stored, y, sample_weight, options, alone=None):
    """Arguments of `fit` for stored answers.

    Args:
        stored: list of arrays `(n, ...)`.
        y: Structure of arrays `(n, ...)`, or None.
        sample_weight: Array `(n,)`, or None.
        options: dict, arguments of `fit`: `batch_size`, `shuffle`, `class_weight`.
        alone: Function of an array with one position: the answers for this image,
            list of arrays `(1, ...)`, where it is alone in its batch; or None for
            the stored ones.

    Returns:
        dict.
    """
    on_disk = any(isinstance(array, np.memmap) for array in stored)
    if (on_disk or alone) and keras.backend.backend() == "tensorflow":
        batches = _by_batch(stored, y, sample_weight, options, alone)
        return {"x": batches, "shuffle": False, "class_weight": None}
    return {"x": stored, "y": y, "sample_weight": sample_weight}


def held_out(stored, y, sample_weight, batch_size):
    """Argument `validation_data` of `fit` for stored answers.

    Args:
        stored: list of arrays `(n, ...)`.
        y: Structure of arrays `(n, ...)`, or None.
        sample_weight: Array `(n,)`, or None.
        batch_size: Integer.

    Returns:
        tuple or dataset.
    """
    options = {"batch_size": batch_size, "shuffle": False, "class_weight": None}
    fed = feed(stored, y, sample_weight, options)
    return (stored, y, sample_weight) if fed["x"] is stored else fed["x"]


def _by_batch(stored, y, sample_weight, options, alone=None):
    """A dataset that reads each batch; given arrays, TensorFlow would copy them.

    The order and the shapes are those that Keras makes for arrays.
    """
    import tensorflow as tf
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    names = ("batch_size", "shuffle", "class_weight")
    options = {name: options[name] for name in names}
    places = ArrayDataAdapter(np.arange(rows(stored)), y, sample_weight, **options)

    def fetch(at):
        return alone(at) if alone and len(at) == 1 else [array[at] for array in stored]

    @tf.autograph.experimental.do_not_convert
    def read(at, *rest):
        found = tf.numpy_function(fetch, [at], [array.dtype for array in stored])
        for part, array in zip(found, stored, strict=True):
            part.set_shape((*at.shape, *array.shape[1:]))
        return (tuple(found), *rest)

    batches = places.get_tf_dataset().map(read)
    return batches.apply(tf.data.experimental.assert_cardinality(places.num_batches))


class Variants(keras.utils.PyDataset):
    """Batches of stored answers; each epoch takes other variants of the images.

    Args:
        variants: list of lists of arrays `(n, ...)`.
        others: tuple of arrays `(n, ...)`, targets and perhaps weights.
        batch_size: Integer.
        shuffle: Boolean.
    """

    def __init__(self, variants, others, batch_size, shuffle):
        super().__init__()
        self.variants, self.others = [tuple(each) for each in variants], others
        self.batch_size, self.shuffle = batch_size, shuffle
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        at = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        stored = self.variants[self.epoch % len(self.variants)]
        return keras.tree.map_structure(lambda a: a[at], (stored, *self.others))

    def on_epoch_end(self):
        """Goes on to the next variants, in a new order."""
        self.epoch += 1
        self.order = np.arange(rows(self.variants[0]))
        if self.shuffle:
            np.random.shuffle(self.order)


def feed_variants(variants, y, sample_weight, options):
    """Arguments of `fit` for stored variants.

    Args:
        variants: list of lists of arrays `(n, ...)`.
        y: Structure of arrays `(n, ...)`, or None.
        sample_weight: Array `(n,)`, or None.
        options: dict, arguments of `fit`: `batch_size` and `shuffle`.

    Returns:
        dict.
    """
    others = tuple(part for part in (y, sample_weight) if part is not None)
    batches = Variants(variants, others, options["batch_size"], options["shuffle"])
    return {"x": batches, "shuffle": False}
