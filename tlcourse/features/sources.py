"""Images that any process can read, some at a time: in memory, or in a folder."""

from typing import NamedTuple

import numpy as np

from tlcourse.data.dataset import check_images, check_size
from tlcourse.data.folder_report import Skipped, printable
from tlcourse.data.folder_search import list_classes, read_bytes
from tlcourse.data.pictures import UnreadablePicture, read_picture
from tlcourse.features.fingerprints import digest_arrays, stat_file


class Row(NamedTuple):
    """One image: uint8 `(height, width, 3)`, its label, and a key no other has."""

    key: str
    label: int
    image: np.ndarray


class DatasetSource:
    """The images of a `Dataset`; their keys are their positions.

    Args:
        dataset: `Dataset`.
    """

    kind, drops_empty_classes, skipped = "dataset", False, ()

    def __init__(self, dataset):
        check_images(dataset.images)
        self.images, self.labels = dataset.images, dataset.labels
        self.class_names = tuple(dataset.class_names)
        self.size, self.n = self.images.shape[1:3], len(self.labels)

    def identify(self):
        """What tells these images from others; the job checks its copy of them."""
        return {"pixels": digest_arrays([self.images, self.labels]), "files": {}}

    def save(self, folder):
        """Copies the images into a job's folder, for other processes."""
        np.save(folder / "images.npy", self.images)
        np.save(folder / "labels.npy", self.labels)

    @classmethod
    def load(cls, folder, identity):
        """Opens the copy; pixels stay on disk until they are read."""
        source = cls.__new__(cls)
        source.images = np.load(folder / "images.npy", mmap_mode="r")
        source.labels = np.load(folder / "labels.npy")
        source.files = {}
        return source

    def read_rows(self, start, stop):
        """Yields the `Row` of each image from `start` to `stop`."""
        for k in range(start, stop):
            yield Row(str(k), int(self.labels[k]), self.images[k])


class FolderSource:
    """A folder with one folder of images for each class, as `load_folder` takes it.

    Keys are file names inside the folder, `class/name`.

    Args:
        path: String or path.
        size: `(height, width)` of the images wanted, pixels.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is not a folder of classes with files.
    """

    kind, drops_empty_classes = "folder", True

    def __init__(self, path, size):
        self.size = check_size(size)
        folder, classes, self.skipped = list_classes(path)
        self.arguments = {"path": str(folder), "size": self.size}
        self.class_names = tuple(classes)
        self.listing = [
            (name, path, label)
            for label, files in enumerate(classes.values())
            for name, path in files
        ]
        self.files = {path: stat_file(path) for _, path, _ in self.listing}
        self.n = len(self.listing)
        if not self.n:
            raise ValueError(
                "Expected a folder, with one folder of images for each class. "
                f"Received: {folder}, without a file in such folders."
            )

    def identify(self):
        """What tells these images from others: where they are, states of files."""
        return {"arguments": self.arguments, "files": self.files}

    def save(self, folder):
        """Writes nothing: the images stay where they are."""

    @classmethod
    def load(cls, folder, identity):
        """Opens the images again, as they are now."""
        return cls(**identity["arguments"])

    def read_rows(self, start, stop):
        """Yields a `Row`, or `Skipped`, for each file from `start` to `stop`."""
        for name, path, label in self.listing[start:stop]:
            if stat_file(path) != self.files[path]:
                raise ValueError(
                    "Expected the images as they were when the job began. Received: "
                    f"{printable(path)}, which has just changed. Put it back as it "
                    "was, or begin a new job in another folder."
                )
            try:
                image, _ = read_picture(read_bytes(path), self.size)
            except UnreadablePicture as error:
                yield Skipped(name, str(error))
            else:
                yield Row(name, label, image)


KINDS = {kind.kind: kind for kind in (DatasetSource, FolderSource)}
