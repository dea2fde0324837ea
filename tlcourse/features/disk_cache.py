"""Features on disk: what was computed once is read the next time.

A file's name is a digest of all that decides what is in it. What cannot be digested,
code, is not kept.
"""

import contextlib
import hashlib
import inspect
import json
import os
import pathlib
import zipfile
import zlib

import keras
import numpy as np

from tlcourse._util import atomic

LIMIT = 2_000_000_000  # bytes
HEADERS = 1024  # bytes that a file has besides the array, about
DAMAGE = (OSError, EOFError, KeyError, TypeError, ValueError) + (
    zipfile.BadZipFile,
    zlib.error,
)
PLAIN = (bool, int, float, str, tuple, np.ndarray, np.generic)
OWN_MODULES = ("keras", "builtins")
REFERENCES = ("keras_history", "input_layers", "output_layers")  # hold layers' names


def folder():
    """Where features are kept: `$TLCOURSE_HOME/features`, or in `~/.tlcourse`."""
    home = os.environ.get("TLCOURSE_HOME", os.path.join("~", ".tlcourse"))
    return pathlib.Path(home).expanduser() / "features"


def limit():
    """The most bytes to keep: `$TLCOURSE_CACHE_BYTES`, or 2 GB; 0 keeps nothing."""
    text = os.environ.get("TLCOURSE_CACHE_BYTES", str(LIMIT))
    if not text.isdigit():
        raise ValueError(
            f"Expected TLCOURSE_CACHE_BYTES to be a number of bytes, such as {LIMIT}."
            f" Received: {text!r}"
        )
    return int(text)


def find_key(model, images):
    """The name of a model's features of images: a digest, or None and the reason.

    It changes with layers, settings, dtypes, weights, pixels and Keras; not with the
    names of layers, which Keras counts up.
    """
    settings, reason = describe(model)
    if reason:
        return None, reason
    about = [keras.__version__, keras.backend.backend(), keras.config.floatx()]
    about += [settings, str(images.dtype), list(images.shape)]
    digest = hashlib.sha256(json.dumps(about).encode())
    for array in (*model.get_weights(), images):
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest(), None


def describe(model):
    """A model's settings as JSON without its layers' names, and None or a reason.

    The reason says which layer has code that its settings do not show.
    """
    try:
        config = json.loads(model.to_json())
    except (NotImplementedError, TypeError, ValueError) as error:
        return None, f"{model.name!r} cannot be written down ({_first_line(error)})"
    layers = list(_layers(model))
    for layer in layers:
        for name, value in vars(layer).items():
            if inspect.isroutine(value) and _is_foreign(value.__module__):
                return None, f"{layer.name!r} has a function of its own, `{name}`"
    settings = [_without_names(config), [_attributes(layer) for layer in layers]]
    return json.dumps(settings), _foreign(config)


def _attributes(layer):
    """The plain public attributes of a layer, which a hand may change in place."""
    found = {name: value for name, value in vars(layer).items() if name[0] != "_"}
    return {
        name: repr(value)
        for name, value in sorted(found.items())
        if isinstance(value, PLAIN) and name not in ("name", "built", "trainable")
    }


def _layers(model):
    """A model and the layers in it, those of models inside it included."""
    yield model
    for layer in getattr(model, "layers", ()):
        yield from _layers(layer)


def _foreign(config):
    """Which part of a configuration is code that is not Keras's own, or None."""
    if isinstance(config, list):
        return next(filter(None, map(_foreign, config)), None)
    if not isinstance(config, dict):
        return None
    kind, module = config.get("class_name"), config.get("module")
    if kind in ("Lambda", "function", "__lambda__"):
        return f"it has code of its own ({kind}), which may change"
    if isinstance(kind, str) and _is_foreign(module):
        return f"it has code of its own ({kind}), which may change"
    return _foreign(list(config.values()))


def _is_foreign(module):
    return (module or "keras").split(".")[0] not in OWN_MODULES


def _without_names(value, numbers=None, is_layer=False):
    """A configuration without the names of layers; all other names are settings.

    Where one layer names another, the number of its place stands instead.
    """
    if isinstance(value, list):
        return [_without_names(each, numbers) for each in value]
    if not isinstance(value, dict):
        return value
    if "input_layers" in value:  # of a functional model
        numbers = {each["name"]: place for place, each in enumerate(value["layers"])}
    kept = {}
    for key, each in value.items():
        if (
            key == "compile_config"
            or key == "name"
            and (is_layer or "class_name" in value)
        ):
            continue
        if key in REFERENCES and numbers:
            kept[key] = _numbered(each, numbers)
        else:
            kept[key] = _without_names(
                each, numbers, key == "config" and _is_layer(value)
            )
    return kept


def _numbered(value, numbers):
    """References `[name, node, tensor]`, or lists or dicts of them, with numbers."""
    if isinstance(value, dict):
        return {key: _numbered(each, numbers) for key, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [numbers.get(value[0], value[0]), *value[1:]]
    return [_numbered(each, numbers) for each in value]


def _is_layer(entry):
    """Whether an entry of a configuration is a layer or model, not a policy, say."""
    kinds = ("Functional", "Sequential", "Model")
    module = entry.get("module") or ""
    return entry.get("class_name") in kinds or module.startswith("keras.layers")


def _first_line(error):
    return (
        str(error).strip().splitlines()[0][:80] if str(error).strip() else "no reason"
    )


def load(name):
    """Loads features by their key; None if they are not there, or damaged."""
    path = folder() / f"{name}.npz"
    try:
        # zip compares checksums
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as box:
            array = box["bytes"].view(np.dtype(str(box["dtype"])))
            array = array.reshape(box["shape"])
        with contextlib.suppress(PermissionError):
            os.utime(path)  # it was used: others are thrown away before it
    except (FileNotFoundError, PermissionError):
        return None
    except DAMAGE:
        path.unlink(missing_ok=True)
        return None
    return array


def save(name, array):
    """Keeps features, complete or not at all, and makes room for them.

    Returns whether they are kept: not if they are larger than the limit, or the disk
    is full or may not be written.
    """
    if array.nbytes > limit():
        return False
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    about = {"dtype": str(array.dtype), "shape": np.array(array.shape, "int64")}
    try:
        folder().mkdir(parents=True, exist_ok=True)
        _make_room(array.nbytes + HEADERS)
        with atomic.write_file(folder() / f"{name}.npz") as file:
            np.savez(file, bytes=plain, **about)
    except OSError:
        return False
    return True


def _make_room(size):
    """Throws away what was not used for longest."""
    kept = []
    for path in folder().glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another notebook was faster
            about = path.stat()
            kept.append((about.st_mtime, about.st_size, path))
    room = limit() - size - sum(bytes_ for _, bytes_, _ in kept)
    for _, bytes_, path in sorted(kept):
        if room >= 0:
            return
        path.unlink(missing_ok=True)
        room += bytes_
