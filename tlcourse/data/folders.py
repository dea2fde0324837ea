"""A folder of images, one folder for each class, as a `Dataset` and a report."""

import hashlib
import os
import pathlib

import numpy as np

from tlcourse._util import atomic
from tlcourse.data.dataset import Dataset
from tlcourse.data.folder_report import FolderReport, Skipped, printable
from tlcourse.data.folder_search import files_of_classes, read_bytes
from tlcourse.data.pictures import UnreadablePicture, read_picture
from tlcourse.data.limits import MEMORY, ReadingLine, check_per_class, check_size, room

PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def load_folder(path, size, per_class=None, seed=0, memory=MEMORY):
    """Reads a folder with one folder of images for each class.

    JPEG, PNG, GIF, WebP, BMP and TIFF are read, by content and not by name, also
    in folders inside a class. Each image is set upright, laid on white where it is
    transparent, cut to its largest centred rectangle of the shape wanted, and
    scaled. What cannot be read is skipped and listed in the report. Links to
    folders, and to what lies outside, are not followed.

    Args:
        path: String or path of the folder; the folders in it are the classes.
        size: `(height, width)` of the images wanted, pixels.
        per_class: Integer, the most images of one class, drawn at random; None
            reads all.
        seed: Integer; another seed is another draw.
        memory: Integer, the most bytes that the images may take.

    Returns:
        `Dataset` of uint8 images `(n, height, width, 3)`, 0..255, sorted by class
        and name, so that the same folder gives the same dataset; and a
        `FolderReport`. Prints one line.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is a file, if fewer than two classes have an image that
            can be read, or if there are more images than `memory` holds.
    """
    size = check_size(size)
    check_per_class(per_class)
    folder, classes, skipped = find_classes(path)
    most = [min(len(files), per_class or len(files)) for files in classes.values()]
    images = room(sum(most), size, max(1, len(classes)), memory)
    reader = _Reader(images, size, skipped)
    for (name, files), wanted in zip(classes.items(), most, strict=True):
        reader.read_class(name, files, wanted, seed)
    reader.line.end()
    if len(reader.counts) < 2:
        raise ValueError(_too_few_classes(folder, reader.counts, skipped))
    report = reader.report(folder)
    print(_summary(report))
    return reader.dataset(), report


def save_folder(dataset, path):
    """Writes a `Dataset` as PNG files that `load_folder` reads; whole or not at all.

    Args:
        dataset: `Dataset`.
        path: String or path of the folder to make.

    Raises:
        FileExistsError: If there is something of that name already.
        ValueError: If a class has a name that a folder cannot have everywhere.
    """
    from PIL import Image

    folder = pathlib.Path(path).expanduser().absolute()
    _check_names(dataset.class_names)
    if folder.exists():
        raise FileExistsError(
            f"Expected the name of a new folder. Received: {printable(str(folder))}, "
            "which is there. Choose another name; nothing was written."
        )
    with atomic.filling(folder) as partial:
        for name in dataset.class_names:
            (partial / name).mkdir()
        for number, (image, label) in enumerate(
            zip(dataset.images, dataset.labels, strict=True)
        ):
            place = partial / dataset.class_names[label]
            Image.fromarray(image).save(place / f"{number:06}.png")


def _check_names(names):
    """Refuses what Windows, macOS or Linux would not take, or would take for one."""
    bad = [
        name
        for name in names
        if set(name) & set('/\\:*?"<>|') or not name or name.strip(". ") != name
    ]
    folded = [name.casefold() for name in names]
    bad += [name for name in names if folded.count(name.casefold()) > 1]
    if bad:
        raise ValueError(
            "Expected classes that folders can be named after, each different. "
            f"Received: {', '.join(map(repr, bad))}. Give them other names, such as "
            "with `classifier.rename_class(old, new)`."
        )


def find_classes(path):
    """Lists the files of each class in a folder; opens none of them.

    Args:
        path: String or path of the folder; the folders in it are the classes.

    Returns:
        `pathlib.Path`, resolved; dict, class name to a list of (name, path); and a
        list of `Skipped`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is a file, or holds parts of a dataset and no classes.
    """
    folder = _find(path)
    classes, skipped = files_of_classes(folder)
    _check_classes(folder, classes)
    return folder, classes, skipped


def _find(path):
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise ValueError(
            "Expected the path of a folder, such as 'photos'. Received: " + repr(path)
        )
    folder = pathlib.Path(path).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.exists():
        raise ValueError(
            "Expected a folder, with one folder of images for each class. "
            f"Received: {printable(str(folder))}, a file. An archive has to be "
            "unpacked first."
        )
    raise FileNotFoundError(
        "Expected a folder, with one folder of images for each class. Received: "
        f"{printable(str(folder))}, which does not exist; Python looks from "
        f"{printable(os.getcwd())}."
    )


def _check_classes(folder, classes):
    """Refuses `train` and `test` for classes."""
    if classes and {name.casefold() for name in classes} <= PARTS:
        names = ", ".join(classes)
        raise ValueError(
            f"Expected one folder for each class in {printable(str(folder))}. "
            f"Received: {names}, which are parts of a dataset and not classes. Load "
            f"each part alone, such as {printable(str(folder / next(iter(classes))))}."
        )


def _too_few_classes(folder, counts, skipped):
    found = ", ".join(f"{name} ({n})" for name, n in counts.items())
    inside = [name for name in counts if _holds_folders(folder / name)]
    reasons = "; ".join(str(each) for each in skipped[:3])
    return (
        f"Expected at least two folders with images in {printable(str(folder))}, one "
        f"for each class. Received: {found or 'no image that can be read'}."
        + "".join(f" Are the classes the folders in `{name}`?" for name in inside)
        + (f" {len(skipped)} skipped, such as {reasons}." if skipped else "")
    )


def _holds_folders(path):
    return path.is_dir() and sum(each.is_dir() for each in path.iterdir()) > 1


def _summary(report):
    hints = [f"{len(report.skipped)} skipped"] if report.skipped else []
    hints += [f"{len(report.notices)} to look at"] if report.notices else []
    asked = f"; {', '.join(hints)}: print the report" if hints else ""
    classes = len(report.counts)
    return f"{len(report.files)} images of {classes} classes read{asked}"


class _Reader:
    """Reads classes one after the other into one array."""

    def __init__(self, images, size, skipped):
        self.images, self.size, self.skipped = images, size, skipped
        self.files, self.counts, self.not_drawn, self.empty = [], {}, {}, []
        self.same, self.enlarged = {}, 0
        self.line = ReadingLine(len(images), "images")

    def read_class(self, name, files, wanted, seed):
        """Draws files until there are enough images of a class."""
        start, rng = len(self.files), np.random.default_rng(seed)
        drawn = rng.permutation(len(files)) if wanted < len(files) else range(wanted)
        for tried, position in enumerate(drawn):
            if len(self.files) - start == wanted:
                self.not_drawn[name] = len(files) - tried
                break
            self._read(*files[position])
        n = len(self.files) - start
        if n:
            self.counts[name] = n
        else:
            self.empty.append(name)
        self._sort(start)

    def _read(self, name, path):
        try:
            content = read_bytes(path)
            image, enlarged = read_picture(content, self.size)
        except UnreadablePicture as error:
            self.skipped.append(Skipped(name, str(error)))
            return
        self.images[len(self.files)] = image
        self.files.append(name)
        self.enlarged += enlarged
        digest = hashlib.sha256(content).digest()
        self.same.setdefault(digest, []).append(name)
        self.line.step()

    def _sort(self, start):
        names = self.files[start:]
        order = sorted(range(len(names)), key=names.__getitem__)
        if order != list(range(len(names))):
            self.images[start : len(self.files)] = self.images[start:][order]
            self.files[start:] = sorted(names)

    def dataset(self):
        """What was read."""
        labels = np.repeat(np.arange(len(self.counts)), list(self.counts.values()))
        images = self.images[: len(self.files)]
        return Dataset(images, labels.astype("int64"), tuple(self.counts))

    def report(self, folder):
        """How it went."""
        same = sorted(tuple(sorted(n)) for n in self.same.values() if len(n) > 1)
        return FolderReport(
            printable(str(folder)),
            self.counts,
            tuple(self.files),
            tuple(sorted(self.skipped, key=lambda each: each.name)),
            self.not_drawn,
            tuple(self.empty),
            tuple(same),
            self.enlarged,
            len(self.files) * self.size[0] * self.size[1] * 3,
        )
