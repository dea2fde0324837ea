"""Features on disk: what was computed once is read the next time."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import tempfile
import time
import weakref
import zlib

import keras
import numpy as np

MAGIC = b"tlcourse features 2\n"
HEAD = 256  # bytes, filled up with blanks; the array's own begin after them
LIMIT = 2_000_000_000  # bytes
ABANDONED = 3600  # seconds; nobody writes a file for so long
PIECE = 2**25  # bytes of images that a thread sums up; many small ones wait often
PLAIN = frozenset({str, int, float, bool, type(None)})
_PLANS = weakref.WeakKeyDictionary()  # by model: its settings, and its plan


def folder():
    """Where features are kept: `$TLCOURSE_HOME/features`, or in `~/.tlcourse`.

    Returns:
        `pathlib.Path`; it need not exist.
    """
    home = os.environ.get("TLCOURSE_HOME", os.path.join("~", ".tlcourse"))
    return pathlib.Path(home).expanduser() / "features"


def limit():
    """The most bytes to keep: `$TLCOURSE_CACHE_BYTES`, or 2 GB; 0 keeps nothing.

    Returns:
        Integer.

    Raises:
        ValueError: If the variable is no number of bytes.
    """
    text = os.environ.get("TLCOURSE_CACHE_BYTES", str(LIMIT))
    if not text.isdigit():
        raise ValueError(
            f"Expected TLCOURSE_CACHE_BYTES to be a number of bytes, such as {LIMIT}."
            f" Received: {text!r}"
        )
    return int(text)


def key(model, images):
    """A name for what a network makes of some images.

    It changes with the layers, their settings, the weights, the preprocessing inside
    the model, the pixels, and the versions that compute; not with the names of layers,
    which Keras counts up.

    Args:
        model: Functional or Sequential `keras.Model`.
        images: Array `(n, ...)`.

    Returns:
        String of 64 hexadecimal digits.
    """
    digest = hashlib.sha256(MAGIC)
    backend = keras.backend.backend()
    about = [keras.__version__, backend, keras.config.floatx()]
    about += [str(images.dtype), list(images.shape)]
    digest.update(json.dumps(about).encode())
    step = max(1, PIECE // max(1, images[:1].nbytes))
    pieces = [images[start : start + step] for start in range(0, len(images), step)]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        sums = threads.map(_sum, pieces)  # meanwhile, the network
        digest.update(_known_plan(model))
        for array in model.get_weights():
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data.cast("B"))
        for part in sums:
            digest.update(part)
    return digest.hexdigest()


def _sum(images):
    pixels = np.ascontiguousarray(images).reshape(-1).view(np.uint8)
    return hashlib.sha256(pixels.data).digest()


def _known_plan(model):
    """The plan, written anew where a setting of a layer has changed.

    To write it takes longer than to read features.
    """
    settings = [
        {name: _seen(value) for name, value in had.items()}
        for had in map(vars, model._flatten_layers())
    ]
    if model not in _PLANS or _PLANS[model][0] != settings:
        _PLANS[model] = settings, _plan(model)
    return _PLANS[model][1]


def _seen(value):
    """What is equal later, if it is the same then; it keeps nothing alive."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is tuple or kind is list:
        return kind, *map(_seen, value)
    # Another object may come to lie where this one was.
    return id(value), weakref.ref(value) if kind.__weakrefoffset__ else kind


def _plan(model):
    """The model's configuration, with numbers in place of the names in it: bytes."""
    config = json.loads(model.to_json())["config"]
    names = dict.fromkeys(_names(config))
    numbers = {name: f"#{place}" for place, name in enumerate(names)}
    return json.dumps(_renamed(config, numbers)).encode()


def _names(config):
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            yield config["name"]
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _names(value)


def _renamed(config, numbers):
    if isinstance(config, dict):
        return {k: _renamed(v, numbers) for k, v in config.items()}
    if isinstance(config, list):
        return [_renamed(value, numbers) for value in config]
    return numbers.get(config, config) if isinstance(config, str) else config


def read(name):
    """Reads features, if they are there and whole.

    Args:
        name: String, from `key`.

    Returns:
        Array, or None. A damaged file is removed.
    """
    path = folder() / f"{name}.features"
    try:
        array = _unpack(np.fromfile(path, np.uint8))
        os.utime(path)  # it was used: others are thrown away before it
    except (FileNotFoundError, PermissionError):
        return None
    except ValueError:
        path.unlink(missing_ok=True)
        return None
    return array


def write(name, array):
    """Keeps features, whole or not at all, and makes room for them.

    Args:
        name: String, from `key`.
        array: NumPy array.

    Returns:
        Boolean, whether they are kept: not if they are larger than the limit, or
        the disk is full or may not be written.
    """
    size = HEAD + array.nbytes
    if size > limit():
        return False
    try:
        folder().mkdir(parents=True, exist_ok=True)
        _make_room(size)
        _replace(folder() / f"{name}.features", _pack(array))
    except OSError:
        return False
    return True


def _replace(path, parts):
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as f:
        try:
            for part in parts:
                f.write(part)
            f.close()
            os.replace(f.name, path)
        finally:
            pathlib.Path(f.name).unlink(missing_ok=True)


def _pack(array):
    """What the array is, in `HEAD` bytes, and its own bytes."""
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    about = {"dtype": array.dtype.str, "shape": array.shape, "crc": zlib.crc32(data)}
    line = json.dumps(about).encode().ljust(HEAD - len(MAGIC) - 8)
    return MAGIC, f"{zlib.crc32(line):08x}".encode(), line, data


def _unpack(content):
    """The array; ValueError if a single byte is not as it was written."""
    head, data, start = content[:HEAD].tobytes(), content[HEAD:], len(MAGIC)
    check, line = head[start : start + 8], head[start + 8 :]
    if head[:start] != MAGIC or int(check, 16) != zlib.crc32(line):
        raise ValueError("damaged")
    about = json.loads(line)
    if zlib.crc32(data) != about["crc"]:
        raise ValueError("damaged")
    return data.view(about["dtype"]).reshape(about["shape"])


def _make_room(size):
    """Throws away what was not used for longest, and what was left half written."""
    kept = []
    for path in folder().iterdir():
        with contextlib.suppress(FileNotFoundError):  # another notebook was faster
            about = path.stat()
            if path.suffix == ".features":
                kept.append((about.st_mtime, about.st_size, path))
            elif path.suffix == ".tmp" and time.time() - about.st_mtime > ABANDONED:
                path.unlink()
    room = limit() - size - sum(bytes_ for _, bytes_, _ in kept)
    for _, bytes_, path in sorted(kept):
        if room >= 0:
            return
        path.unlink(missing_ok=True)
        room += bytes_
