"""Lists the files of each class in a folder, and never leaves that folder."""

import os
import pathlib

from tlcourse.data.folder_report import HIDDEN, Skipped, printable
from tlcourse.data.pictures import MAX_BYTES, UnreadablePicture

SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}
PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def list_classes(path):
    """Lists a folder's files without opening them.

    Returns the resolved folder, a dict from class name to sorted (name, path) pairs,
    and a list of `Skipped`.
    """
    folder, classes, skipped = _resolve(path), {}, []
    for found, obstacle in _walk(folder):
        name = printable(pathlib.Path(found).relative_to(folder).as_posix())
        class_name, _, inside = name.partition("/")
        if obstacle:
            skipped.append(Skipped(name, obstacle))
        elif os.path.isdir(found):
            classes.setdefault(class_name, [])
        elif inside:
            classes[class_name].append((name, found))
        else:
            skipped.append(Skipped(name, "not in the folder of a class"))
    if classes and {name.casefold() for name in classes} <= PARTS:
        raise ValueError(
            f"Expected one folder for each class in {printable(str(folder))}. "
            f"Received: {', '.join(classes)}, which are parts of a dataset and not "
            f"classes. Load each part alone: {printable(str(folder / min(classes)))}."
        )
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
    text = (
        "Expected a folder, with one folder of images for each class. Received: "
        f"{printable(str(folder))}, "
    )
    if folder.exists():
        raise ValueError(f"{text}a file. An archive has to be unpacked first.")
    here = printable(os.getcwd())
    raise FileNotFoundError(f"{text}which does not exist; Python looks from {here}.")


def _walk(folder):
    """Yields (path, obstacle or None) of all folders and files."""
    errors = []
    for place, folders, files in os.walk(folder, onerror=errors.append):
        for each in sorted(folders) + sorted(files):
            path = os.path.join(place, each)
            obstacle = _obstacle(path, folder)
            if obstacle and each in folders:
                folders.remove(each)  # so that the walk leaves it out
            yield path, obstacle
    for error in errors:
        yield error.filename, _reason(error)


def _obstacle(path, folder):
    """Why a file or folder is left out, or None; reading a pipe would never end."""
    name = os.path.basename(path)
    if name.startswith(".") or name.casefold() in SYSTEM_FILES:
        return HIDDEN
    if not pathlib.Path(os.path.realpath(path)).is_relative_to(folder):
        return "a link to a place outside the folder; it is not followed"
    if os.path.islink(path) and os.path.isdir(path):
        return "a link to a folder; it is not followed"
    if not os.path.exists(path):
        return "cannot be opened: a link that leads to nothing"
    if not os.path.isfile(path) and not os.path.isdir(path):
        return "no file, but a pipe, a socket or a device"
    return None


def _reason(error):
    return f"cannot be opened: {error.strerror or type(error).__name__}"
