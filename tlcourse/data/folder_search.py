"""Lists the files of each class in a folder, and never leaves that folder."""

import os
import pathlib
import stat

from tlcourse.data.folder_report import HIDDEN, Skipped, printable
from tlcourse.data.pictures import MAX_BYTES, UnreadablePicture

SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}
PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def list_classes(path):
    """Lists the files of each class without opening them.

    Returns the resolved folder, a dict from class name to sorted (name, path) pairs,
    and a list of `Skipped`. Raises `FileNotFoundError` or `ValueError` if `path` is
    no folder of classes.
    """
    folder = _resolve(path)
    classes, skipped = {}, []
    for entry in _entries(str(folder), folder, skipped):
        name = printable(entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and name not in classes:
            classes[name] = sorted(_files(entry.path, folder, skipped))
            continue
        reason = _obstacle(entry, folder) or "not in the folder of a class"
        if is_folder:
            reason = "its name prints like that of another class; rename it"
        skipped.append(Skipped(_name_inside(entry.path, folder), reason))
    _refuse_parts(folder, classes)
    return folder, classes, skipped


def read_bytes(path):
    """Reads a file; raises `UnreadablePicture` if it is enormous or not permitted."""
    try:
        n_bytes = os.stat(path).st_size
        if n_bytes > MAX_BYTES:
            limit = f"more than {MAX_BYTES // 1_000_000} MB"
            raise UnreadablePicture(f"enormous: {n_bytes / 1e6:.0f} MB, {limit}")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadablePicture(_reason(error)) from error


def _resolve(path):
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise ValueError(
            f"Expected the path of a folder, such as 'photos'. Received: {path!r}"
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


def _refuse_parts(folder, classes):
    if classes and {name.casefold() for name in classes} <= PARTS:
        names = ", ".join(classes)
        raise ValueError(
            f"Expected one folder for each class in {printable(str(folder))}. "
            f"Received: {names}, which are parts of a dataset and not classes. Load "
            f"each part alone, such as {printable(str(folder / next(iter(classes))))}."
        )


def _files(path, folder, skipped):
    """Yields (name, path) of each file in a class, its subfolders included."""
    waiting = [path]
    while waiting:
        for entry in _entries(waiting.pop(), folder, skipped):
            reason = _obstacle(entry, folder)
            name = _name_inside(entry.path, folder)
            if reason:
                skipped.append(Skipped(name, reason))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield name, entry.path


def _entries(path, folder, skipped):
    """Yields the entries of a folder, sorted, without hidden ones."""
    try:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        skipped.append(Skipped(_name_inside(path, folder), _reason(error)))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.casefold() in SYSTEM_FILES:
            skipped.append(Skipped(_name_inside(entry.path, folder), HIDDEN))
        else:
            yield entry


def _obstacle(entry, folder):
    """Why an entry must not be opened, or None; reading a pipe would never end."""
    if not pathlib.Path(os.path.realpath(entry.path)).is_relative_to(folder):
        return "a link to a place outside the folder; it is not followed"
    try:
        mode = os.stat(entry.path).st_mode
    except OSError as error:
        return _reason(error)
    if entry.is_symlink() and stat.S_ISDIR(mode):
        return "a link to a folder; it is not followed"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "no file, but a pipe, a socket or a device"


def _reason(error):
    return f"cannot be opened: {error.strerror or type(error).__name__}"


def _name_inside(path, folder):
    """The printable path from `folder` on, with `/` on every system."""
    inside = os.path.relpath(path, folder)
    return "/".join(printable(part) for part in inside.split(os.sep))
