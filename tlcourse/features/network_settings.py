"""What tells one network from another: its settings, without layers' names."""

import json
import textwrap
import warnings

import keras
import numpy as np

from tlcourse.features.fingerprints import digest, digest_arrays

CODE = ("Lambda", "function", "__lambda__", "TFSMLayer", "TorchModuleWrapper")
MODELS = ("Functional", "Sequential", "Model")
REFERENCES = ("keras_history", "input_layers", "output_layers")  # hold layers' names


def digest_network(model):
    """The SHA-256 of a network's settings and weights; names of layers do not count."""
    settings, reason = describe(model)
    if reason:
        raise ValueError(
            "Expected a network that Keras can save and load without code of yours. "
            f"Received: {reason}. Use layers of Keras, or `features.extract`."
        )
    return digest([settings.encode(), digest_arrays(model.get_weights()).encode()])


def describe(model):
    """A model's settings as JSON, and None; or None, and what they do not show."""
    parts = list(_find_parts(model, set()))
    for part in parts:
        if name := _find_own(part):
            return None, f"{part.name!r} has code of its own ({name}), which may change"
    try:
        with warnings.catch_warnings():  # it warns of a `Lambda`
            warnings.simplefilter("ignore")
            config = json.loads(model.to_json())
    except Exception as error:  # whatever a `get_config` raises
        why = textwrap.shorten(str(error), 80)
        return None, f"{model.name!r} cannot be written down ({why})"
    if reason := _find_code(config):
        return None, reason
    layers = [_attributes(part) for part in parts if not isinstance(part, keras.Model)]
    return json.dumps([_without_names(config), layers, keras.config.epsilon()]), None


def _find_parts(part, seen):
    """A model and the layers and operations in it, at any depth, each once."""
    seen.add(id(part))
    yield part
    for value in vars(part).values():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, keras.Operation) and id(each) not in seen:
                yield from _find_parts(each, seen)


def _find_own(part):
    """The name of a class or function that is not Keras's, in a part or its class."""
    kind = type(part)
    if _is_foreign(kind.__module__) or kind.__module__ == "builtins":
        return kind.__name__
    for name, value in (vars(kind) | vars(part)).items():
        if isinstance(part, keras.Model) and name not in ("call", "predict_step"):
            continue  # a loss or a compiled function, say
        if callable(value) and _is_foreign(getattr(value, "__module__", None)):
            return f"`{name}`"
    return None


def _attributes(layer):
    """The plain public attributes of a layer, which a hand may change in place."""
    return {
        name: _write_down(value)
        for name, value in sorted(vars(layer).items())
        if value is not False  # some are there only once a layer was loaded
        and not name.startswith("_")
        and name not in ("name", "built", "trainable")
    }


def _write_down(value):
    """A plain value or an array as JSON; None for others, such as variables."""
    try:
        return json.dumps(value, default=_digest_constant)
    except (TypeError, ValueError):
        return None


def _digest_constant(value):
    if isinstance(value, keras.Variable) or not (
        isinstance(value, (np.ndarray, np.generic)) or keras.ops.is_tensor(value)
    ):
        raise TypeError(f"Expected an array. Received: {type(value)}")
    return digest_arrays([keras.ops.convert_to_numpy(value)])


def _find_code(config):
    """Which part of a configuration is code that is not Keras's own, or None."""
    if isinstance(config, list):
        return next(filter(None, map(_find_code, config)), None)
    if not isinstance(config, dict):
        return None
    kind = config.get("class_name")
    if kind in CODE or (isinstance(kind, str) and _is_foreign(config.get("module"))):
        return f"it has code of its own ({kind}), which may change"
    return _find_code([v for k, v in config.items() if k != "compile_config"])


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
        config = value["config"] | {"name": None, "trainable": None}
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
    in_graph = "inbound_nodes" in entry or entry.get("class_name") in MODELS
    return in_graph or module.startswith("keras.layers")
