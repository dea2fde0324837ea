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


def check_graph(model):
    """Refuses what is no built functional or Sequential model; returns the model."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a `keras.Model`. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"Expected a built model. Received: {model.name!r}, which does not know "
            "its input yet. Give it one: `keras.Input((height, width, 3))` as its "
            "first layer, or `model.build((None, height, width, 3))`."
        )
    if not is_graph(model):
        raise ValueError(
            "Expected a functional or Sequential model, whose layers can be seen. "
            f"Received: {type(model).__name__}, a class of its own. Its flags can be "
            "set one by one: `for layer in model.layers: layer.trainable = ...`"
        )
    return model


def check_single(model):
    """Refuses a model with several inputs or outputs, too; returns the model."""
    check_graph(model)
    if (len(model.inputs), len(model.outputs)) != (1, 1):
        raise ValueError(
            "Expected a model with one input and one output. Received: "
            f"{model.name!r} with {len(model.inputs)} and {len(model.outputs)}. Choose "
            "an output, `keras.Model(model.inputs, model.outputs[0])`; of the inputs, "
            "leave one."
        )
    return model


def check_vectors(embed):
    """Refuses a model that does not give one vector for each picture; returns it."""
    if len(check_single(embed).output_shape) != 2:
        raise ValueError(
            "Expected a network that gives a vector for each picture. Received: output "
            f"{embed.output_shape}. Average its maps: "
            "`keras.Sequential([embed, keras.layers.GlobalAveragePooling2D()])`."
        )
    return embed


def check_model(model):
    """Refuses what has no layers to show, with what was expected and what to do."""
    check_graph(model)
    _check_sizes(model)
    if not model.weights:
        raise ValueError(
            f"Expected a model with weights. Received: {model.name!r}, which has "
            "none: there is nothing to freeze."
        )


def _check_sizes(model):
    nested = [each for each in nested_models(model) if each.weights]
    for each in [model, *nested]:  # preprocessing may take any size
        shapes = [tensor.shape[1:] for tensor in each.inputs]
        if any(side is None for shape in shapes for side in shape):
            raise ValueError(
                f"Expected a fixed input size. Received: {each.name!r} with input "
                f"{shapes}. Give every side a number, for pictures "
                "`input_shape=(height, width, 3)`: what a step costs depends on it."
            )
