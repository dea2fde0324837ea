"""Reads and writes a folder of images with one folder for each class."""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil

import numpy as np
from PIL import Image

from tlcourse._util import atomic
from tlcourse._util.progress import bar
from tlcourse._util.quiet import held_back_stderr
from tlcourse.data import decoding
from tlcourse.data.checking import check_class_names, check_per_class, check_size
from tlcourse.data.dataset import MEMORY, Dataset, allocate, check_dataset
from tlcourse.data.decoding import UnreadablePicture, decode
from tlcourse.data.folder_report import FolderReport, ReadFile, Skipped, printable
from tlcourse.data.folder_search import NOT_IN_CLASS, list_classes, read_bytes


def load_folder(path, size, per_class=None, memory=MEMORY, class_names=None):
    """Reads a folder with one folder of images for each class.

    What Pillow reads is read, by content and not by name, also in folders inside a
    class; of several pages or frames, the first. Each image is set upright, laid on
    white where it is transparent, cropped to its largest centred rectangle of the
    shape wanted, and resized. What cannot be read is skipped and listed in the
    report. Links to folders, and to what lies outside, are not followed.

    Args:
        path: String or path of the folder; the folders in it are the classes.
        size: `(height, width)` of the images wanted, pixels.
        per_class: Integer, the most images of one class, drawn at random, or None.
        memory: Integer, the most bytes that the images may take.
        class_names: List of strings, the folders to read and the order of the labels,
            such as those of the `Dataset` trained on; None reads all, sorted.

    Returns:
        `Dataset` of uint8 images `(n, height, width, 3)`, 0..255, sorted by class
        and name; and a `FolderReport`. Prints one line.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is a file, if fewer than two classes have an image that
            can be read, if a folder is not in `class_names`, or if there are more
            images than `memory` holds.
    """
    size = check_size(size)
    check_per_class(per_class)
    if class_names is not None:
        class_names = check_class_names(class_names)
    folder, classes, skipped = list_classes(path, class_names)
    limits = [len(files[:per_class]) for files in classes.values()]
    images = allocate(sum(limits), size, max(1, len(classes)), memory)
    n_listed, read = sum(map(len, classes.values())) + len(skipped), []
    with bar(len(images), "Reading") as progress:
        for files, limit in zip(classes.values(), limits, strict=True):
            space = images[len(read) : len(read) + limit]
            read += _read_class(files, space, skipped, progress)
        progress.total = progress.n  # broken files count no longer
    left, images = n_listed - len(read) - len(skipped), images[: len(read)]
    found = tuple(classes), tuple(read), tuple(sorted(skipped)), left, images.nbytes
    report = FolderReport(printable(str(folder)), *found, class_names is not None)
    _check_classes(report)
    print(_summary(report))
    names = class_names or tuple(report.counts)
    labels = [names.index(name.split("/")[0]) for name in report.files]
    return Dataset(images, np.array(labels, "int64"), names), report


def save_folder(dataset, path):
    """Writes a `Dataset` as PNG files that `load_folder` reads: completely or not.

    Args:
        dataset: `Dataset`.
        path: String or path of the folder to make.

    Raises:
        FileExistsError: If there is something of that name already.
        ValueError: If a class has a name that a folder cannot have everywhere.
    """
    check_dataset(dataset)
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise ValueError(f"Expected the name of a new folder. Received: {path!r}")
    folder = pathlib.Path(path).expanduser().absolute()
    _check_names(dataset.class_names)
    if folder.exists():
        raise FileExistsError(
            f"Expected the name of a new folder. Received: {printable(str(folder))}, "
            "which is there. Choose another name; nothing was written."
        )
    with atomic.make_folder(folder) as partial:
        for number, label in enumerate(dataset.labels):
            place = partial / dataset.class_names[label]
            place.mkdir(exist_ok=True)
            Image.fromarray(dataset.images[number]).save(place / f"{number:06}.png")


def _check_names(names):
    """Refuses names that Windows, macOS or Linux forbid or would confuse."""
    folded = [name.casefold() for name in names]
    bad = [name for name in names if re.search(r'^$|[/\\:*?"<>|]|^[. ]|[. ]$', name)]
    bad += [name for name in names if folded.count(name.casefold()) > 1]
    if bad:
        raise ValueError(
            "Expected classes that folders can be named after, each different. "
            f"Received: {', '.join(map(repr, bad))}. Give them other names, such as "
            "with `classifier.rename_class(old, new)`."
        )


def _read_class(files, space, skipped, progress):
    """Fills `space` with images of one class, drawn if there are more: `ReadFile`s."""
    is_drawn = len(space) < len(files)
    if is_drawn:
        files = [files[k] for k in np.random.default_rng(0).permutation(len(files))]
    read = []
    for name, path in files:
        if len(read) == len(space):
            break
        try:
            content = read_bytes(path)
            image, facts = read_picture(content, space.shape[1:3])
        except UnreadablePicture as error:
            skipped.append(Skipped(name, str(error)))
        else:
            space[len(read)] = image
            digest, known = hashlib.sha256(content).digest(), facts[1:]
            read.append(ReadFile(name, digest, *known, int(image.max())))
            progress.update()
    if is_drawn:
        space[: len(read)] = space[sorted(range(len(read)), key=read.__getitem__)]
    return sorted(read)


def read_picture(content, size):
    """Decodes the first frame of a file: uint8 `(*size, 3)`, and what is to be said.

    Raises `UnreadablePicture`; what is enormous is refused before it is decoded.
    """
    # The library for TIFF writes about broken files to stderr, below Python. What is
    # held back is shown if an exception passes, so `decode` returns its reason.
    is_tiff = content.startswith((b"II", b"MM"))
    with held_back_stderr() if is_tiff else contextlib.nullcontext():
        found = decode(content, size)
    if isinstance(found, str):
        raise UnreadablePicture(found)
    return found.pixels, found


def _check_classes(report):
    """Refuses fewer than two classes; says where they may be, and what was skipped."""
    counts = report.counts
    if len(counts) > 1 or report.is_fixed and counts:
        return
    found = ", ".join(f"{name} ({n})" for name, n in counts.items())
    deep = {name.split("/")[1] for name in report.files if name.count("/") > 1}
    if len(deep) > 1:
        hint = f" Are the classes the folders in `{min(counts)}`?"
    elif counts:
        hint = " Put pictures of something else into a second folder."
    else:
        hint = _about_flat(report)
    reasons = "; ".join(map(str, report.skipped[:3]))
    skipped = f" {len(report.skipped)} skipped, such as {reasons}." if reasons else ""
    raise ValueError(
        f"Expected at least two folders with images in {report.folder}, one for each "
        f"class. Received: {found or 'no image that can be read'}.{hint}{skipped}"
    )


def _about_flat(report):
    """How to sort pictures that lie side by side with a table of their labels."""
    loose = [x.name for x in report.skipped if x.reason == NOT_IN_CLASS]
    tables = [name for name in loose if name.casefold().endswith((".csv", ".tsv"))]
    if len(loose) < 2:
        return ""
    table = f"{report.folder}/{tables[0] if tables else 'labels.csv'}"
    return (
        " The pictures lie side by side; each belongs in the folder of its class. With "
        "a table of names and labels, this sorts them:\n\n"
        "import csv, pathlib, shutil\n"
        f"table = pathlib.Path({table!r}).read_text().splitlines()\n"
        f"for name, label, *_ in list(csv.reader(table))[1:]:\n"
        "    place = pathlib.Path('sorted', label)\n"
        "    place.mkdir(parents=True, exist_ok=True)\n"
        f"    shutil.copy(pathlib.Path({report.folder!r}, name), place)\n\n"
    )


def save_reader(path):
    """Saves `read_image(file, size)`, which reads a picture as `load_folder` does.

    It is a Python file that needs NumPy and Pillow alone, for use without the course.

    Args:
        path: String or path of the file to write, such as `"pictures.py"`.
    """
    shutil.copyfile(decoding.__file__, path)


def _summary(report):
    hints = {"skipped": len(report.skipped), "to look at": len(report.notices)}
    found = ", ".join(f"{n} {what}" for what, n in hints.items() if n)
    asked = f"; {found}: print the report" if found else ""
    return f"{len(report.read)} images of {len(report.counts)} classes read{asked}"
