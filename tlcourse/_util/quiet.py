"""Imports Keras, once its settings are right, without the log of its backend.

TensorFlow greets on stderr, below Python, also where its log level forbids it.
"""

import contextlib
import importlib.util
import json
import logging
import os
import re
import sys
import tempfile

from tlcourse._util import assets

# glog's errors and fatal errors; a missing GPU is not one of them.
REAL_ERROR = re.compile(r"^[EF]\d{4} (?!.*(cuda|cuInit|factory|computation_placer))")
# Of each setting of Keras the usual value, and what the lessons run with.
SETTINGS = {
    "backend": ("tensorflow", "tensorflow or jax or torch"),
    "floatx": ("float32", "float32"),
    "image_data_format": ("channels_last", "channels_last"),
    "epsilon": (1e-7, "a float"),
}


def import_keras():
    """Imports Keras and its backend; a ValueError names a setting that is wrong."""
    problem = find_problem()
    if problem:
        raise ValueError("{}. To mend it: {}.".format(*problem))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        import keras

        keras.ops.zeros(1)
    # A lesson builds many small models on purpose; TensorFlow advises against.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )
    return keras


def find_problem():
    """The first setting with which no lesson runs: `(text, remedy)`, or None."""
    path = assets.keras_home() / "keras.json"
    try:
        settings = json.loads(path.read_text())
    except (OSError, ValueError):  # Keras, too, goes on with its defaults
        settings = {}
    if not isinstance(settings, dict):
        text = f"Expected Keras's settings in {path}. Received: {settings!r}"
        return text, f"remove {path}; Keras writes a new one"
    return next(filter(None, (_problem(x, settings, path) for x in SETTINGS)), None)


def _problem(name, settings, path):
    usual, expected = SETTINGS[name]
    value, where = settings.get(name, usual), f"as `{name}` in {path}"
    remedy = f'write "{name}": {json.dumps(usual)} in {path}'
    chosen = os.environ.get("KERAS_BACKEND")
    if name == "backend" and chosen:  # it wins over the file
        value, where = chosen, "in the variable KERAS_BACKEND"
        remedy = f"unset KERAS_BACKEND, or set it to {usual}"
    is_known = isinstance(value, type(usual))
    if not is_known or name != "epsilon" and value not in expected.split(" or "):
        return f"Expected {expected} {where}. Received: {value!r}", remedy
    if name == "backend" and value != usual and not importlib.util.find_spec(value):
        text = f"Expected an installed backend {where}. Received: {value!r}, which "
        return f"{text}is not installed", f"python -m pip install {value}, or {remedy}"
    return None


@contextlib.contextmanager
def held_back_stderr():
    """Holds back file descriptor 2, but for real errors, or all of it on a raise."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        shown = re.compile("")
        try:
            yield
            shown = REAL_ERROR
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            for line in filter(shown.search, lines):
                print(line, file=sys.stderr)
