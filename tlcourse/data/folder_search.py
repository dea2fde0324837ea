"""Lists the files of each class in a folder, and never leaves that folder."""

import os
import pathlib
import stat

from tlcourse.data.folder_report import HIDDEN, Skipped, printable
from tlcourse.data.pictures import MAX_BYTES, UnreadablePicture

SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}
PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def list_classes(path):
    """Lists the files of each class in the folder `path` without opening them.

    Returns the resolved folder, a dict from class name to sorted (name, path) pairs,
    and a list of `Skipped`.
    """
    folder, classes, skipped = _resolve(path), {}, []
    for name, found in _walk(folder, skipped):
        class_name, _, inside = name.partition("/")
        if os.path.isdir(found):
            classes.setdefault(class_name, [])
        elif inside:
            classes[class_name].append((name, found))
        else:
            skipped.append(Skipped(name, "not in the folder of a class"))
    _refuse_parts(folder, classes)
    return folder, {name: sorted(files) for name, files in classes.items()}, skipped


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


def _walk(folder, skipped):
    """Yields (name, path) of all folders and files that may be opened."""
    taken = set()

    def skip(path, reason):
        skipped.append(Skipped(_name_inside(path, folder), reason))

    def skip_unreadable(error):
        skip(error.filename, _reason(error))

    for place, folders, files in os.walk(folder, onerror=skip_unreadable):
        folders.sort()
        for each in [*folders, *files]:
            path = os.path.join(place, each)
            name, reason = _name_inside(path, folder), _obstacle(path, folder)
            if name in taken:
                reason = "its name prints like that of another; rename it"
            if not reason:
                taken.add(name)
                yield name, path
                continue
            skip(path, reason)
            if each in folders:
                folders.remove(each)  # so that the walk leaves it out


def _obstacle(path, folder):
    """Why a file or folder is left out, or None; reading a pipe would never end."""
    name = os.path.basename(path)
    if name.startswith(".") or name.casefold() in SYSTEM_FILES:
        return HIDDEN
    if not pathlib.Path(os.path.realpath(path)).is_relative_to(folder):
        return "a link to a place outside the folder; it is not followed"
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return _reason(error)
    if os.path.islink(path) and stat.S_ISDIR(mode):
        return "a link to a folder; it is not followed"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "no file, but a pipe, a socket or a device"
    return None


def _reason(error):
    return f"cannot be opened: {error.strerror or type(error).__name__}"


def _name_inside(path, folder):
    """The printable path from `folder` on, with `/` on every system."""
    inside = os.path.relpath(path, folder)
    return "/".join(printable(part) for part in inside.split(os.sep))
