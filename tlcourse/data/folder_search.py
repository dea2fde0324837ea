"""Lists the files of each class in a folder, and never leaves that folder."""

import os
import pathlib
import re
import unicodedata
from collections import Counter

from tlcourse.data.decoding import UnreadablePicture
from tlcourse.data.folder_report import HIDDEN, Skipped, printable

SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}
MAX_BYTES = 256_000_000  # of a file
NOT_IN_CLASS = "not in the folder of a class"
# Words of which the names of parts are made, such as `train_images2` and `testA`.
_USES = "training|train|testing|tests|test|validation|valid|val|evaluation|eval|dev"
_USES += "|holdout|hold|trn|tst|unseen|images?|imgs?|labels?|annotations?|annots?"
_USES += "|labell?ed|unlabell?ed|hr|lr"
_LINKS = "datasets?|data|sets?|parts?|splits?|folds?|subsets?|pictures|photos|out"
_LINKS += "|masks?|bbox|gt"
_PART = rf"(?:[\W\d_]*(?:{_USES}|{_LINKS}))+[\W\d_]*[a-z]?"
_ESCAPES = str.maketrans({"\a": r"\a", "\b": r"\b", "\v": r"\v", "\f": r"\f"})


def list_classes(path, class_names=None):
    """Lists a folder's files without opening them.

    Returns the resolved folder, a dict from class name to sorted (name, path) pairs,
    and a list of `Skipped`.
    """
    folder, classes, skipped = _resolve(path), {}, []
    for found, obstacle in _walk(folder):
        name = printable(pathlib.Path(found).relative_to(folder).as_posix())
        name = unicodedata.normalize("NFC", name)  # macOS parts letters from accents
        class_name, _, inside = name.partition("/")
        if obstacle:
            skipped.append(Skipped(name, obstacle))
        elif os.path.isdir(found):
            classes.setdefault(class_name, [])
        elif inside:
            classes[class_name].append((name, found))
        else:
            skipped.append(Skipped(name, NOT_IN_CLASS))
    if class_names is None:
        _check_parts(folder, classes)
    else:
        _check_fit(folder, classes, class_names)
        classes = {name: classes.get(name, []) for name in class_names}
    return folder, {name: sorted(files) for name, files in classes.items()}, skipped


def _check_fit(folder, classes, class_names):
    """Refuses folders that are not classes; a class without a folder may be."""
    others = [name for name in classes if name not in class_names]
    if others:
        raise ValueError(
            f"Expected in {printable(str(folder))} folders named after the classes "
            f"{list(class_names)}, to the letter. Received: {others}. Rename or move "
            "these folders, or add their names to `class_names`."
        )


def _check_parts(folder, classes):
    """Refuses parts of a dataset, by their names and by the folders in them."""
    inner = {
        name: {found.split("/")[1] for found, _ in files if found.count("/") > 1}
        for name, files in classes.items()
    }
    parts = [name for name in classes if re.fullmatch(_PART, name.casefold())]
    uses = [name for name in parts if re.search(_USES, name.casefold())]
    counts = Counter(each for folders in inner.values() for each in folders)
    alike = {x for x, folders in inner.items() if any(counts[f] > 1 for f in folders)}
    of_classes = [name for name in parts if len(inner[name]) > 1]
    n_alike = len(alike & set(uses)) or len(alike & set(parts)) - 1
    is_split = n_alike > 0 and 2 * n_alike >= len(alike)
    is_split = is_split or len(uses) > 1
    counted = all(re.search(r"\d", name) for name in parts)  # `part1` and `part2`
    if not is_split and not ((uses or counted) and 0 < len(parts) == len(classes)):
        return
    first = printable(str(folder / min(of_classes or parts)))
    remedy = f"Load each part alone, such as {first!r}."
    if not any(inner.values()):
        remedy = "Sort the pictures into one folder for each class first."
    raise ValueError(
        f"Expected one folder for each class in {printable(str(folder))}. Received: "
        f"{', '.join(sorted(alike | set(parts)))}, which are parts of a dataset and "
        f"not classes. {remedy} If they are classes, name them in `class_names`."
    )


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
    hint, given = "", printable(str(path).translate(_ESCAPES))
    if any(not each.isprintable() for each in str(path)):
        hint = f' In Python, a path with backslashes is written r"{given}".'
    text = (
        "Expected a folder, with one folder of images for each class. Received: "
        f"{printable(str(folder))}, "
    )
    if folder.exists():
        raise ValueError(f"{text}a file. An archive has to be unpacked first.")
    here = printable(os.getcwd())
    raise FileNotFoundError(
        f"{text}which does not exist; Python looks from {here}.{hint}"
    )


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
