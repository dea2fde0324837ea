"""Layers inside layers: of nested models, wrappers and layers of one's own."""

import keras


def held(owner, kind):
    """Yields the objects of a kind in an object's attributes, lists and dicts too."""
    for value in vars(owner).values():
        if isinstance(value, dict):
            value = list(value.values())
        each = value if isinstance(value, list | tuple | set) else [value]
        yield from (item for item in each if isinstance(item, kind))


def layers_inside(layer):
    """Lists a layer and the layers in it at all levels, each once, outer ones first."""
    found, waiting = {}, [layer]
    while waiting:
        outer = waiting.pop(0)
        if id(outer) not in found:
            found[id(outer)] = outer
            is_model = isinstance(outer, keras.Model)
            waiting += outer.layers if is_model else held(outer, keras.layers.Layer)
    return list(found.values())


def is_graph(layer):
    """Whether a layer is a built functional or Sequential model."""
    return isinstance(layer, keras.Model) and hasattr(layer, "inputs")


def nested_models(model):
    """Lists the functional and Sequential models in a model, outer ones first."""
    found = []
    for layer in filter(is_graph, model.layers):
        found += [each for each in (layer, *nested_models(layer)) if each not in found]
    return found


def leaves(model):
    """Lists the layers from input to output, those of nested models in their place."""
    found = {}
    for layer in model.layers:
        inner = leaves(layer) if is_graph(layer) else [layer]
        found |= {id(each): each for each in inner}
    return list(found.values())


def bases_in(model):
    """Lists the nested models, if they hold at least half of the layers with weights.

    The stem that ConvNeXt keeps in a model of its own is therefore no base.
    """
    nested = [layer for layer in model.layers if is_graph(layer) and layer.weights]
    inside = sum(bool(leaf.weights) for each in nested for leaf in leaves(each))
    return nested if 2 * inside >= sum(bool(x.weights) for x in leaves(model)) else []
