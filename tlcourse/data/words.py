"""Source code as text, cut into pieces, for the small language model of lesson 15."""

import csv
import functools
import importlib.util
import io
import json
import pathlib
import random
import re
import sysconfig
import tokenize
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
        ValueError: If the package is not installed here as files, or `part` is neither.
    """
    if part not in ("training", "held out"):
        raise ValueError(f"`part` must be 'training' or 'held out'. Received: {part!r}")
    root = _root(package)
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    names = sorted(name for name in paths if _is_read(name))
    held_out = part == "held out"
    names = [x for x in names if (zlib.crc32(x.encode()) % 16 == 0) == held_out]
    random.Random(seed).shuffle(names)
    return "\n".join(_printable(paths[name]) for name in names)


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
    """Reads the 512 pieces that text is cut into: a list, by token."""
    return json.loads(assets.shipped(PIECES).read_text("utf-8"))


def encode(text, pieces):
    """Cuts text into the longest pieces that fit, from left to right.

    Args:
        text: String.
        pieces: List of strings, the single characters among them.

    Returns:
        int32 array `(n,)`. A character that is no piece is skipped.
    """
    pattern, numbers = _cutter(tuple(pieces))
    return np.array([numbers[piece] for piece in pattern.findall(text)], "int32")


def windows(text, n, seed=None, length=128):
    """Cuts windows out of a text, and for each the same window moved on by one piece.

    Args:
        text: String of more than `length` pieces.
        n: Integer, number of windows.
        seed: Integer to draw where they begin; None spreads them evenly.
        length: Integer, pieces in a window.

    Returns:
        Two int32 arrays `(n, length)`: tokens, and the token that follows each.

    Raises:
        ValueError: If the text is too short for one window.
    """
    tokens = encode(text, load_pieces())
    last = len(tokens) - length - 1
    if last < 0:
        raise ValueError(
            f"A window takes {length + 1} pieces. Received: a text of {len(tokens)}. "
            "Pass a longer text, or a smaller `length`."
        )
    starts = np.linspace(0, last, n).astype(int)
    if seed is not None:
        starts = np.random.default_rng(seed).integers(0, last + 1, n)
    cut = tokens[starts[:, None] + np.arange(length + 1)]
    return cut[:, :-1], cut[:, 1:]


def decode(tokens, pieces):
    """Puts pieces together again: the text of whole numbers `tokens`, `(n,)`."""
    return "".join(pieces[token] for token in tokens)


def base_weights():
    """The path of the weights of lesson 15's GPT, for Keras's `load_weights`."""
    return assets.shipped(WEIGHTS)


def load_measurements(way, package):
    """Reads what `data.making.words` measured of one way to learn from Keras.

    Args:
        way: String, such as `"LoRA"`, a value of the column `way` in data/words.csv.
        package: `"keras"` or `"python"`: which held-out text was judged.

    Returns:
        List of sizes, and a float array `(sizes, draws)`: bits per character.

    Raises:
        ValueError: If there is no such way.
    """
    with open(assets.shipped("words.csv"), newline="") as file:
        every = list(csv.DictReader(file))
    rows = [row for row in every if row["way"] == way]
    if not rows:
        raise ValueError(
            f"`way` must be one of {sorted({row['way'] for row in every})}. "
            f"Received: {way!r}"
        )
    sizes = sorted({int(row["characters"]) for row in rows})
    found = [[r[package] for r in rows if int(r["characters"]) == n] for n in sizes]
    return sizes, np.array(found, "float64")


def load_positions(part, n, seed=0):
    """Draws `n` texts each of Keras's source that end in code, a string, a comment.

    They have 1,000 characters; with them come their labels, int64 `(3 * n,)`: 0, 1, 2.
    """
    text = load_source_code("keras", part, seed)
    kinds, rng = _kinds(text), np.random.default_rng(seed)
    ends = [rng.choice(np.flatnonzero(kinds[1000:] == k) + 1001, n) for k in range(3)]
    texts = [text[end - 1000 : end] for end in np.concatenate(ends)]
    return texts, np.repeat(np.arange(3), n)


def _kinds(text, most=200_000):
    """0 where code is, 1 within strings, 2 within comments: int8, of the beginning."""
    kinds, strings = np.zeros(min(most, len(text)), "int8"), {tokenize.STRING}
    strings.add(getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
    lines = np.cumsum([0, *map(len, text.splitlines(keepends=True))])
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (*strings, tokenize.COMMENT):
            start, end = (lines[row - 1] + at for row, at in (token.start, token.end))
            is_string = token.type in strings  # it ends with its last quote
            kinds[start + is_string : end - is_string] = 1 if is_string else 2
        if lines[token.end[0] - 1] > most:
            return kinds
    return kinds


@functools.lru_cache(maxsize=4)
def _cutter(pieces):
    longest_first = sorted(pieces, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return pattern, {piece: number for number, piece in enumerate(pieces)}
