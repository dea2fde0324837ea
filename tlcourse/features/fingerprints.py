"""What tells files and arrays apart, and what has changed among files."""

import hashlib
import os

import numpy as np

from tlcourse.data.folder_report import printable

SHOWN = 3  # names of changed files in a message


def digest(parts):
    """The SHA-256 of pieces of bytes, joined, in 64 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


def digest_file(path):
    """The SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return digest(iter(lambda: file.read(2**20), b""))


def digest_arrays(arrays):
    """The SHA-256 of arrays: types, shapes and elements, in their order."""
    kinds = repr([f"{each.dtype}{each.shape}" for each in arrays])
    contents = (np.ascontiguousarray(each).reshape(-1) for each in arrays)
    return digest([kinds.encode(), *(each.view("uint8") for each in contents)])


def stat_file(path):
    """Size and time of the last change of a file; empty if it cannot be seen."""
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def compare_files(noted, found):
    """What differs between two dicts from names of files to anything, in words."""
    kinds = {
        "changed": [k for k in noted if found.get(k, noted[k]) != noted[k]],
        "gone": [k for k in noted if k not in found],
        "new": [k for k in found if k not in noted],
    }
    return [f"{kind}: {_shorten(names)}" for kind, names in kinds.items() if names]


def _shorten(names):
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(printable, names[:SHOWN])) + more
