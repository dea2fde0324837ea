"""Python source as text: of the standard library, and of packages installed here."""

import functools
import importlib.util
import json
import pathlib
import random
import re
import sysconfig
import zlib

import numpy as np

from tlcourse._util import assets

PIECES, WEIGHTS = "pieces.json", "gpt_python.weights.h5"
SKIPPED = {
    *("test", "tests", "idle_test", "encodings", "site-packages", "dist-packages"),
    *("idlelib", "lib2to3", "turtledemo", "pydoc_data", "__pycache__"),
}


def load_source_code(package, part="training", seed=0):
    """Reads the source of a package that is installed here, files in a drawn order.

    A file's name decides whether it is held out, so it stays so in every version.

    Args:
        package: String; `"python"` for the standard library, or a package's name, such
            as `"keras"`. It is read, not imported.
        part: `"training"`, or `"held out"`: a sixteenth of the files.
        seed: Integer; draws the order of the files.

    Returns:
        String of printable ASCII and newlines; other characters became `?`. Tests,
        encodings and generated files are left out.

    Raises:
        ValueError: If the package is not installed here as files.
    """
    root = _root(package)
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    names = sorted(name for name in paths if _is_read(name))
    held_out = part == "held out"
    names = [name for name in names if is_held_out(name) == held_out]
    random.Random(seed).shuffle(names)
    return "\n".join(_printable(paths[name]) for name in names)


def is_held_out(name):
    """Whether the file of this name, relative to its package, is never trained on."""
    return zlib.crc32(name.encode()) % 16 == 0


def _root(package):
    if package == "python":
        return pathlib.Path(sysconfig.get_path("stdlib"))
    found = importlib.util.find_spec(package)
    if not found or not found.submodule_search_locations:
        raise ValueError(
            "`package` must be 'python' or the name of an installed package of several "
            f"files, such as 'keras'. Received: {package!r}"
        )
    return pathlib.Path(found.submodule_search_locations[0])


def _is_read(name):
    *folders, file = name.split("/")
    generated = file.startswith("_sysconfigdata") or file.endswith("_test.py")
    return not generated and SKIPPED.isdisjoint(folders)


def _printable(path):
    text = path.read_text("utf-8", errors="replace").replace("\t", "    ")
    return re.sub(r"[^\n -~]", "?", text)


def load_pieces():
    """Reads the 512 pieces, strings of one or more characters, that text is cut into.

    Returns:
        List of strings; a piece's place in it is its number, the *token*.
    """
    return json.loads(assets.shipped(PIECES).read_text("utf-8"))


def encode(text, pieces):
    """Cuts text into the longest pieces that fit, from left to right.

    Args:
        text: String.
        pieces: List of strings, the single characters among them.

    Returns:
        int32 array `(n,)`, numbers of pieces. A character that is no piece is skipped.
    """
    pattern, numbers = _cutter(tuple(pieces))
    return np.array([numbers[piece] for piece in pattern.findall(text)], "int32")


def decode(tokens, pieces):
    """Puts pieces together again: the text of whole numbers `tokens`, `(n,)`."""
    return "".join(pieces[token] for token in tokens)


def base_weights():
    """The path of the weights of lesson 15's GPT, for Keras's `load_weights`."""
    return assets.shipped(WEIGHTS)


@functools.lru_cache(maxsize=4)
def _cutter(pieces):
    longest_first = sorted(pieces, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return pattern, {piece: number for number, piece in enumerate(pieces)}
