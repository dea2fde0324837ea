"""What tells one network from another: its settings, without layers' names."""

import inspect
import json
import textwrap

import keras
import numpy as np

from tlcourse.features.fingerprints import digest, digest_arrays

PLAIN = (bool, int, float, str, tuple, np.ndarray, np.generic)
CODE = ("Lambda", "function", "__lambda__")
MODELS = ("Functional", "Sequential", "Model")
REFERENCES = ("keras_history", "input_layers", "output_layers")  # hold layers' names


def digest_network(model):
    """The SHA-256 of a network's settings and weights; names of layers do not count."""
    settings, _ = describe(model)
    weights = digest_arrays(model.get_weights())
    return digest([str(settings).encode(), weights.encode()])


def describe(model):
    """A model's settings as JSON, and None or where it has code they do not show."""
    try:
        config = json.loads(model.to_json())
    except (NotImplementedError, TypeError, ValueError) as error:
        why = textwrap.shorten(str(error), 80)
        return None, f"{model.name!r} cannot be written down ({why})"
    layers = list(_layers(model))
    for layer in layers:
        for name, value in vars(layer).items():
            if inspect.isroutine(value) and _is_foreign(value.__module__):
                return None, f"{layer.name!r} has a function of its own, `{name}`"
    settings = [_without_names(config), [_attributes(layer) for layer in layers]]
    return json.dumps(settings), _find_code(config)


def _attributes(layer):
    """The plain public attributes of a layer, which a hand may change in place."""
    return {
        name: repr(value)
        for name, value in sorted(vars(layer).items())
        if isinstance(value, PLAIN)
        and not name.startswith("_")
        and name not in ("name", "built", "trainable")
    }


def _layers(model):
    """A model and the layers in it, those of models inside it included."""
    yield model
    for layer in getattr(model, "layers", ()):
        yield from _layers(layer)


def _find_code(config):
    """Which part of a configuration is code that is not Keras's own, or None."""
    if isinstance(config, list):
        return next(filter(None, map(_find_code, config)), None)
    if not isinstance(config, dict):
        return None
    kind = config.get("class_name")
    if kind in CODE or (isinstance(kind, str) and _is_foreign(config.get("module"))):
        return f"it has code of its own ({kind}), which may change"
    return _find_code(list(config.values()))


def _is_foreign(module):
    return (module or "keras").split(".")[0] not in ("keras", "builtins")


def _without_names(value, numbers=None):
    """A configuration with places in place of layers' names, which count up."""
    if isinstance(value, list):
        return [_without_names(each, numbers) for each in value]
    if not isinstance(value, dict):
        return value
    if "input_layers" in value:  # of a functional model
        numbers = {each["name"]: place for place, each in enumerate(value["layers"])}
    if _is_layer(value):
        config = value["config"] | {"name": None}
        value = value | {"name": None, "compile_config": None, "config": config}
    return {
        key: keras.tree.map_structure(lambda leaf: numbers.get(leaf, leaf), each)
        if numbers and key in REFERENCES
        else _without_names(each, numbers)
        for key, each in value.items()
    }


def _is_layer(entry):
    """Whether an entry of a configuration is a layer or model, not a policy, say."""
    module = entry.get("module") or ""
    return entry.get("class_name") in MODELS or module.startswith("keras.layers")
