"""Finds the files of each class in a folder, and keeps to that folder."""

import os
import pathlib
import stat

from tlcourse.data.folder_report import HIDDEN, Skipped, printable
from tlcourse.data.pictures import MAX_BYTES, UnreadablePicture

SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}


def files_of_classes(folder):
    """Lists the files of each class.

    Args:
        folder: `pathlib.Path`, resolved.

    Returns:
        dict, class name to a list of (name, path), both strings, sorted by name;
        and a list of `Skipped`. No file has been opened.
    """
    classes, skipped = {}, []
    for entry in _entries(str(folder), folder, skipped):
        name = printable(entry.name)
        if entry.is_dir(follow_symlinks=False) and name in classes:
            reason = "its name prints like that of another class; rename it"
            skipped.append(Skipped(_inside(entry.path, folder), reason))
        elif entry.is_dir(follow_symlinks=False):
            classes[name] = sorted(_files(entry.path, folder, skipped))
        else:
            reason = _obstacle(entry, folder) or "not in the folder of a class"
            skipped.append(Skipped(_inside(entry.path, folder), reason))
    return classes, skipped


def _files(path, folder, skipped):
    waiting = [path]
    while waiting:
        for entry in _entries(waiting.pop(), folder, skipped):
            reason = _obstacle(entry, folder)
            name = _inside(entry.path, folder)
            if reason:
                skipped.append(Skipped(name, reason))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield name, entry.path


def _entries(path, folder, skipped):
    """What lies in a folder, sorted, without what is hidden."""
    try:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        skipped.append(Skipped(_inside(path, folder), _refusal(error)))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.casefold() in SYSTEM_FILES:
            skipped.append(Skipped(_inside(entry.path, folder), HIDDEN))
        else:
            yield entry


def _obstacle(entry, folder):
    """Why something is not to be opened, or None. A pipe would never answer."""
    if not pathlib.Path(os.path.realpath(entry.path)).is_relative_to(folder):
        return "a link to a place outside the folder; it is not followed"
    try:
        mode = os.stat(entry.path).st_mode
    except OSError as error:
        return _refusal(error)
    if entry.is_symlink() and stat.S_ISDIR(mode):
        return "a link to a folder; it is not followed"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "no file, but a pipe, a socket or a device"


def read_bytes(path):
    """Reads a file.

    Args:
        path: String.

    Returns:
        bytes.

    Raises:
        UnreadablePicture: If the system refuses, or if the file is enormous.
    """
    try:
        n_bytes = os.stat(path).st_size
        if n_bytes > MAX_BYTES:
            limit = f"more than {MAX_BYTES // 1_000_000} MB"
            raise UnreadablePicture(f"enormous: {n_bytes / 1e6:.0f} MB, {limit}")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadablePicture(_refusal(error)) from error


def _refusal(error):
    return f"cannot be opened: {error.strerror or type(error).__name__}"


def _inside(path, folder):
    """The name inside the folder, with `/`, fit to print."""
    inside = os.path.relpath(path, folder)
    return "/".join(printable(part) for part in inside.split(os.sep))
