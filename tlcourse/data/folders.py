"""Reads and writes a folder of images with one folder for each class."""

import hashlib
import pathlib
from collections import Counter
from typing import NamedTuple

import numpy as np

from tlcourse._util import atomic
from tlcourse._util.progress import bar
from tlcourse.data.dataset import Dataset
from tlcourse.data.folder_report import FolderReport, Skipped, printable
from tlcourse.data.folder_search import list_classes, read_bytes
from tlcourse.data.limits import MEMORY, allocate, check_per_class, check_size
from tlcourse.data.pictures import UnreadablePicture, read_picture


def load_folder(path, size, per_class=None, seed=0, memory=MEMORY):
    """Reads a folder with one folder of images for each class.

    JPEG, PNG, GIF, WebP, BMP and TIFF are read, by content and not by name, also
    in folders inside a class. Each image is set upright, laid on white where it is
    transparent, cropped to its largest centred rectangle of the shape wanted, and
    resized. What cannot be read is skipped and listed in the report. Links to
    folders, and to what lies outside, are not followed.

    Args:
        path: String or path of the folder; the folders in it are the classes.
        size: `(height, width)` of the images wanted, pixels.
        per_class: Integer, the most images of one class, drawn at random; None
            reads all.
        seed: Integer; another seed gives another draw.
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
    folder, classes, skipped = list_classes(path)
    limits = [min(len(files), per_class or len(files)) for files in classes.values()]
    images = allocate(sum(limits), size, max(1, len(classes)), memory)
    read, not_drawn = [], {}
    with bar(len(images), "Reading") as progress:
        for (name, files), limit in zip(classes.items(), limits, strict=True):
            space = images[len(read) : len(read) + limit]
            found, left = _read_class(files, space, seed, skipped, progress)
            read += found
            if left:
                not_drawn[name] = left
        progress.total = progress.n  # broken files count no longer
    counts = Counter(file.name.split("/")[0] for file in read)
    if len(counts) < 2:
        raise ValueError(_too_few_classes(folder, counts, skipped))
    labels = np.repeat(np.arange(len(counts), dtype="int64"), list(counts.values()))
    dataset = Dataset(images[: len(read)], labels, tuple(counts))
    empty = tuple(name for name in classes if name not in counts)
    report = _report(folder, counts, read, skipped, not_drawn, empty, dataset)
    print(_summary(report))
    return dataset, report


def save_folder(dataset, path):
    """Writes a `Dataset` as PNG files that `load_folder` reads: completely or not.

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
    with atomic.make_folder(folder) as partial:
        for name in dataset.class_names:
            (partial / name).mkdir()
        for number, (image, label) in enumerate(
            zip(dataset.images, dataset.labels, strict=True)
        ):
            place = partial / dataset.class_names[label]
            Image.fromarray(image).save(place / f"{number:06}.png")


def _check_names(names):
    """Refuses names that Windows, macOS or Linux forbid or would confuse."""
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


class _File(NamedTuple):
    """A file that was read: `class/name`, sha256, and whether it was enlarged."""

    name: str
    digest: bytes
    enlarged: bool


def _read_class(files, space, seed, skipped, progress):
    """Fills `space`, images of one class, in the order of their names.

    Draws files at random if there are more; gives the list of `_File`, and the number
    of files that were not needed.
    """
    is_drawn = len(space) < len(files)
    order = np.random.default_rng(seed).permutation(len(files))
    read, tried = [], 0
    for name, path in [files[k] for k in order] if is_drawn else files:
        if len(read) == len(space):
            break
        tried += 1
        try:
            content = read_bytes(path)
            space[len(read)], enlarged = read_picture(content, space.shape[1:3])
        except UnreadablePicture as error:
            skipped.append(Skipped(name, str(error)))
            continue
        read.append(_File(name, hashlib.sha256(content).digest(), enlarged))
        progress.update()
    if is_drawn:
        by_name = sorted(range(len(read)), key=read.__getitem__)
        space[: len(read)] = space[by_name]
    return sorted(read), len(files) - tried


def _report(folder, counts, read, skipped, not_drawn, empty, dataset):
    """The `FolderReport` of what was read, with the groups of equal files."""
    groups = {}
    for file in read:
        groups.setdefault(file.digest, []).append(file.name)
    same = [tuple(sorted(names)) for names in groups.values() if len(names) > 1]
    return FolderReport(
        folder=printable(str(folder)),
        counts=dict(counts),
        files=tuple(file.name for file in read),
        skipped=tuple(sorted(skipped, key=lambda each: each.name)),
        not_drawn=not_drawn,
        empty=empty,
        duplicates=tuple(sorted(same)),
        enlarged=sum(file.enlarged for file in read),
        n_bytes=dataset.images.nbytes,
    )
