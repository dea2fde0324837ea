"""Looks at what keras.json and KERAS_BACKEND say before Keras is imported."""

import importlib.util
import json
import os

from tlcourse._util import assets

# Of each setting what the lessons run with, the usual value first.
EXPECTED = {
    "backend": ("tensorflow", "jax", "torch"),
    "floatx": ("float32",),
    "image_data_format": ("channels_last",),
}


def check():
    """Raises a ValueError that names a setting with which no lesson runs."""
    problem = find_problem()
    if problem:
        raise ValueError("{}. To mend it: {}.".format(*problem))


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
    for name in EXPECTED:
        problem = _problem(name, settings.get(name, EXPECTED[name][0]), path)
        if problem:
            return problem
    epsilon = settings.get("epsilon", 1e-7)
    if isinstance(epsilon, float):
        return None
    text = f"Expected a float as `epsilon` in {path}. Received: {epsilon!r}"
    return text, f'write "epsilon": 1e-07 in {path}'


def _problem(name, value, path):
    usual, where = EXPECTED[name][0], f"as `{name}` in {path}"
    remedy = f'write "{name}": "{usual}" in {path}'
    chosen = os.environ.get("KERAS_BACKEND")
    if name == "backend" and chosen:  # it wins over the file
        value, where = chosen, "in the variable KERAS_BACKEND"
        remedy = f"unset KERAS_BACKEND, or set it to {usual}"
    if value not in EXPECTED[name]:
        expected = " or ".join(EXPECTED[name])
        return f"Expected {expected} {where}. Received: {value!r}", remedy
    if name == "backend" and value != usual and not importlib.util.find_spec(value):
        text = f"Expected an installed backend {where}. Received: {value!r}, which "
        return f"{text}is not installed", f"python -m pip install {value}, or {remedy}"
    return None
