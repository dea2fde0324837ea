"""What tells one network from another: its settings, without layers' names."""

import inspect
import json

import numpy as np

from tlcourse.features.fingerprints import digest, digest_arrays

PLAIN = (bool, int, float, str, tuple, np.ndarray, np.generic)
OWN_MODULES = ("keras", "builtins")
REFERENCES = ("keras_history", "input_layers", "output_layers")  # hold layers' names


def digest_network(model):
    """The SHA-256 of a network's settings and weights; names of layers do not count."""
    settings, _ = describe(model)
    weights = digest_arrays(model.get_weights())
    return digest([str(settings).encode(), weights.encode()])


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
