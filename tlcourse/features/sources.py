"""Images that any process can read, a stretch at a time: in memory, a folder, TFDS."""

import dataclasses
import hashlib
import json
import os

import numpy as np

from tlcourse.data import folders, tfds_datasets
from tlcourse.data.dataset import check_images
from tlcourse.data.folder_report import Skipped
from tlcourse.data.folder_search import read_bytes
from tlcourse.data.pictures import UnreadablePicture, read_picture
from tlcourse.data.reading import check_size

LISTING = "files.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One image.

    Args:
        key: String, which no other image of the source has.
        label: Integer, position in the class names.
        image: uint8 `(height, width, 3)`, 0..255.
    """

    key: str
    label: int
    image: np.ndarray


class InMemory:
    """The images of a `Dataset`; their keys are their positions.

    Args:
        dataset: `Dataset`.
    """

    kind, drops_empty = "dataset", False

    def __init__(self, dataset):
        check_images(dataset.images)
        self.images, self.labels = dataset.images, dataset.labels
        self.class_names, self.skipped = tuple(dataset.class_names), ()
        self.size, self.n = self.images.shape[1:3], len(self.labels)

    def about(self):
        """dict that says which images these are."""
        parts = (self.images, self.labels)
        return {"pixels": _digest(np.ascontiguousarray(x).data for x in parts)}

    def save(self, folder):
        """Writes what other processes need to read them, into a folder."""
        np.save(folder / "images.npy", self.images)
        np.save(folder / "labels.npy", self.labels)

    @classmethod
    def load(cls, folder, about):
        """The same source in another process; pixels stay on disk until asked for."""
        source = cls.__new__(cls)
        source.images = np.load(folder / "images.npy", mmap_mode="r")
        source.labels = np.load(folder / "labels.npy")
        return source

    def read(self, start, stop):
        """Yields the `Row` of each image from `start` to `stop`."""
        for k in range(start, stop):
            yield Row(str(k), int(self.labels[k]), self.images[k])


class FromFolder:
    """A folder with one folder of images for each class, as `load_folder` takes it.

    Keys are file names inside the folder, `class/name`.

    Args:
        path: String or path.
        size: `(height, width)` of the images wanted, pixels.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is no folder of classes with files.
    """

    kind, drops_empty = "folder", True

    def __init__(self, path, size):
        self.size = check_size(size)
        self.folder, classes, skipped = folders.find_classes(path)
        self.class_names, self.skipped = tuple(classes), tuple(skipped)
        self.files = [
            (name, path, label)
            for label, files in enumerate(classes.values())
            for name, path in files
        ]
        self.n = len(self.files)
        if not self.n:
            raise ValueError(
                "Expected a folder, with one folder of images for each class. "
                f"Received: {self.folder}, without a file in such folders."
            )

    def about(self):
        """dict that says which images these are: names, sizes, times of change."""
        states = ((*each, *_state(each[1])) for each in self.files)
        lines = (json.dumps(each).encode() for each in states)
        return {"path": str(self.folder), "size": self.size, "files": _digest(lines)}

    def save(self, folder):
        """Writes the list of files into a folder."""
        (folder / LISTING).write_text(json.dumps(self.files))

    @classmethod
    def load(cls, folder, about):
        """The same source in another process."""
        source = cls.__new__(cls)
        source.size = tuple(about["size"])
        source.files = json.loads((folder / LISTING).read_text())
        return source

    def read(self, start, stop):
        """Yields a `Row`, or `Skipped`, for each file from `start` to `stop`."""
        for name, path, label in self.files[start:stop]:
            try:
                image, _ = read_picture(read_bytes(path), self.size)
            except UnreadablePicture as error:
                yield Skipped(name, str(error))
            else:
                yield Row(name, label, image)


class FromTfds:
    """A split of an image-classification dataset of TFDS that is on disk.

    A key such as `train[40]` says split and position: `split="train[40:41]"` is this
    image alone.

    Args:
        name: String, such as `"tf_flowers"`.
        size: `(height, width)` of the images wanted, pixels.
        split: String, such as `"train"` or `"train[:10%]"`.

    Raises:
        FileNotFoundError: If the dataset is not on disk.
        ValueError: If there is no such dataset or split, or if it is made for
            another task.
    """

    kind, drops_empty = "tfds", False

    def __init__(self, name, size, split="train"):
        self.name, self.size, self.split = name, check_size(size), split
        self.skipped = ()
        self._open()

    def _open(self):
        import tensorflow_datasets as tfds

        found = tfds_datasets.find(self.name, self.split)
        self.builder, self.keys, self.class_names, self.n = found
        splits = self.builder.info.splits
        read = tfds.core.ReadInstruction.from_spec(self.split).to_absolute(splits)
        self.spans = [
            (each.splitname, each.from_ or 0, _end(each, splits)) for each in read
        ]

    def about(self):
        """dict that says which images these are."""
        names = ("name", "size", "split", "n")
        version = str(self.builder.info.version)
        return {name: getattr(self, name) for name in names} | {"version": version}

    def save(self, folder):
        """Writes nothing: the dataset is on disk, for all processes alike."""

    @classmethod
    def load(cls, folder, about):
        """The same source in another process."""
        return cls(about["name"], about["size"], about["split"])

    def read(self, start, stop):
        """Yields a `Row`, or `Skipped`, for each example from `start` to `stop`."""
        before = 0
        for split, begin, end in self.spans:
            first = begin + max(0, start - before)
            last = min(end, begin + stop - before)
            if first < last:
                yield from self._read(split, first, last)
            before += end - begin

    def _read(self, split, first, last):
        import tensorflow_datasets as tfds

        # One file after the other: an example has its place.
        config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
        examples = self.builder.as_dataset(
            split=f"{split}[{first}:{last}]", read_config=config
        )
        image, label = self.keys
        for k, example in enumerate(tfds.as_numpy(examples), start=first):
            key = f"{split}[{k}]"
            if example[label] < 0:
                yield Skipped(key, "no label")
            else:
                pixels = tfds_datasets.fit_example(example[image], self.size)
                yield Row(key, int(example[label]), pixels)


KINDS = {kind.kind: kind for kind in (InMemory, FromFolder, FromTfds)}


def _end(span, splits):
    return splits[span.splitname].num_examples if span.to is None else span.to


def _digest(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _state(path):
    """Size and time of the last change of a file, if it can be seen."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns
