"""Imports Keras, once its settings are right, without the log of its backend.

TensorFlow greets on stderr, below Python, also where its log level forbids it.
"""

import contextlib
import importlib.util
import json
import logging
import os
import pathlib
import re
import sys
import tempfile

from tlcourse._util import assets, training_steps

# glog's errors and fatal errors; a missing GPU is not one of them.
REAL_ERROR = re.compile(r"^[EF]\d{4} (?!.*(cuda|cuInit|factory|computation_placer))")
# Of each setting of Keras what the lessons run with, the usual value first.
SETTINGS = {
    "backend": ("tensorflow", "jax", "torch"),
    "floatx": ("float32",),
    "image_data_format": ("channels_last",),
    "epsilon": (1e-7, "another float up to 0.001"),
    "nnx_enabled": (False,),
    "max_epochs": (None,),  # cuts a training short, as the next one does
    "max_steps_per_epoch": (None,),
}
VARIABLES = "KERAS_BACKEND", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"
# TensorFlow would take all of a GPU's memory, JAX three quarters.
SHARING = {
    "tensorflow": ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    "jax": ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
}


def import_keras():
    """Imports Keras and its backend; a ValueError names a setting that is wrong."""
    _refuse(find_problem())
    share_gpu()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        import keras

        keras.ops.zeros(1)
    for name, (usual, *_) in SETTINGS.items():  # as they are in this process
        value = getattr(keras.config, name, lambda usual=usual: usual)()
        where, remedy = f"keras.config.{name}()", f"keras.config.set_{name}({usual!r})"
        _refuse(_judge(name, value, f"from `{where}`", remedy))
    training_steps.forget_when_collecting()
    # A lesson builds many small models on purpose; TensorFlow advises against.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )
    return keras


def share_gpu():
    """Lets processes share a GPU; returns whether a backend was imported too early."""
    chosen = [x for x, (name, _) in SHARING.items() if name not in os.environ]
    os.environ.update(SHARING[backend] for backend in chosen)
    return not sys.modules.keys().isdisjoint(chosen)


def find_problem(environ=os.environ):
    """The first setting with which no lesson runs: `(text, remedy)`, or None."""
    home = assets.keras_home(environ)
    if "KERAS_HOME" not in environ and not os.access(home.parent, os.W_OK):
        home = pathlib.Path("/tmp/.keras")  # there Keras looks instead
    if os.path.isfile(home):
        text = f"Expected a folder for Keras. Received: {home}, which is a file"
        return text, "set the variable KERAS_HOME to a folder"
    path = home / "keras.json"
    try:
        settings = json.loads(path.read_text()) if os.path.exists(path) else {}
    except ValueError:  # Keras, too, goes on with its defaults
        settings = {}
    except (OSError, RecursionError) as error:
        settings = error
    if not isinstance(settings, dict):
        text = f"Expected Keras's settings in {path}. Received: {settings!r}"
        return text, f"remove {path}; Keras writes a new one"
    found = (_problem(name, settings, path, environ) for name in SETTINGS)
    return next(filter(None, found), None)


def _problem(name, settings, path, environ):
    usual = SETTINGS[name][0]
    value, where = settings.get(name, usual), f"as `{name}` in {path}"
    remedy = f'write "{name}": {json.dumps(usual)} in {path}'
    variable = f"KERAS_{name.upper()}"
    if variable in VARIABLES and environ.get(variable):  # it wins over the file
        value, where = environ[variable], f"in the variable {variable}"
        remedy = f"unset {variable} (here: `os.environ.pop({variable!r})`)"
    if problem := _judge(name, value, where, remedy):
        return problem
    if name == "backend" and value != usual and not importlib.util.find_spec(value):
        text = f"Expected an installed backend {where}. Received: {value!r}, which "
        return f"{text}is not installed", f"python -m pip install {value}, or {remedy}"
    return None


def _judge(name, value, where, remedy):
    """What is wrong with a value of a setting, and the remedy; or None."""
    is_small = name == "epsilon" and isinstance(value, float) and 0 < value <= 1e-3
    if is_small or value in SETTINGS[name]:
        return None
    expected = " or ".join(map(str, SETTINGS[name]))
    return f"Expected {expected} {where}. Received: {value!r}", remedy


def _refuse(problem):
    if problem:
        raise ValueError("{}. To mend it: {}.".format(*problem))


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
