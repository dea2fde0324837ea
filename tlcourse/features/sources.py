"""Images that any process can read one by one: in memory, or in a folder.

A source has `keys` (strings, no two the same), `labels` and `class_names`, the `size`
of its images, and what was `skipped`; `files` are paths that must not change.
"""

import numpy as np

from tlcourse.data.checking import check_size
from tlcourse.data.dataset import Dataset
from tlcourse.data.folder_report import printable
from tlcourse.data.folder_search import list_classes, read_bytes
from tlcourse.data.folders import read_picture
from tlcourse.features.fingerprints import digest_arrays, stat_file


class DatasetSource:
    """The images of a `Dataset`; their keys are their positions."""

    kind, skipped, files = "dataset", (), {}

    def __init__(self, dataset):
        self.images, self.labels = dataset.images, dataset.labels
        self.class_names = tuple(dataset.class_names)
        self.keys = [str(k) for k in range(len(dataset))]
        self.size = self.images.shape[1:3]

    def identify(self):
        """What tells these images from others; the job checks its copy of them."""
        return {"pixels": digest_arrays([self.images, self.labels]), "files": {}}

    def save(self, folder):
        """Copies the images into a job's folder, for other processes."""
        np.save(folder / "images.npy", self.images)
        np.save(folder / "labels.npy", self.labels)

    @classmethod
    def load(cls, folder, notes):
        """Opens the copy; pixels stay on disk until they are read."""
        images = np.load(folder / "images.npy", mmap_mode="r")
        labels = np.load(folder / "labels.npy")
        return cls(Dataset(images, labels, tuple(notes["class_names"])))

    def read_image(self, k):
        """The image at position `k`, uint8 `(height, width, 3)`."""
        return self.images[k]


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

    kind = "folder"

    def __init__(self, path, size):
        self.size = check_size(size)
        folder, classes, self.skipped = list_classes(path)
        self.arguments = {"path": str(folder), "size": self.size}
        self.class_names = tuple(classes)
        found = [(*each, k) for k, name in enumerate(classes) for each in classes[name]]
        if not found:
            raise ValueError(
                "Expected a folder, with one folder of images for each class. "
                f"Received: {folder}, without a file in such folders."
            )
        self.keys, self.paths, self.labels = zip(*found, strict=True)
        self.files = {path: stat_file(path) for path in self.paths}

    def identify(self):
        """What tells these images from others: where they are, states of files."""
        return {"arguments": self.arguments, "files": self.files}

    def save(self, folder):
        """Writes nothing: the images stay where they are."""

    @classmethod
    def load(cls, folder, notes):
        """Opens the images again, as they are now."""
        return cls(**notes["images"]["arguments"])

    def read_image(self, k):
        """Reads the file at position `k`; raises `UnreadablePicture`."""
        path = self.paths[k]
        if stat_file(path) != self.files[path]:
            raise ValueError(
                "Expected the images as they were when the job began. Received: "
                f"{printable(path)}, which has just changed. Put it back as it was, or "
                "begin a new job in another folder."
            )
        image, _ = read_picture(read_bytes(path), self.size)
        return image
