"""A choice of what trains, written as Keras code to copy."""

from tlcourse.models import freezing, nesting


def freeze_code(state):
    """Code that sets the flags of a `FreezeState`, whatever they were before.

    It speaks of `model`, and of `keras` where it has to.
    """
    return "\n".join(_lines(state.structure, state.trainable_layers, "model"))


def compile_code(model):
    """Code that compiles a model as `freezing.recompile` does."""
    if getattr(model, "optimizer", None) is None:
        return (
            'model.compile("adam", "sparse_categorical_crossentropy",\n'
            '              metrics=["accuracy"])'
        )
    return "model.compile_from_config(model.get_compile_config())  # as before"


def _lines(structure, chosen, name, model=None):
    """Lines for a model and the models in it; `chosen` has ids of layers."""
    model = model or structure.model
    learns = {id(unit.layer) for unit in structure.units if unit.learnable}
    rows = [layer for layer in model.layers if id(layer) in learns]
    inner = [x for x in model.layers if nesting.is_graph(x) and x.weights]
    trains = name == "model" or any(id(x) in chosen for x in nesting.leaves(model))
    lines = [f"{name}.trainable = {trains}"]
    if inner and len(rows) <= 4:  # a wrapper: name its few layers
        for layer in rows:
            flag = id(layer) in chosen
            lines.append(f"{name}.get_layer({layer.name!r}).trainable = {flag}")
    elif rows:
        lines += _loop(name, rows, chosen)
    for number, nested in enumerate(inner, start=1):
        called = "base" if name == "model" else f"{name}_inner"
        called += f"_{number}" if len(inner) > 1 else ""
        lines.append(f"{called} = {name}.get_layer({nested.name!r})")
        lines += _lines(structure, chosen, called, nested)
    return lines


def _loop(name, rows, chosen):
    """A loop with one flag for all, or with the names of the layers that train."""
    names = [layer.name for layer in rows if id(layer) in chosen]
    plain = [layer.name for layer in rows if not freezing.is_batchnorm(layer)]
    value, before = "layer.name in trains", []
    if len(names) in (0, len(rows)):
        value = bool(names)
    elif names == plain:
        value = "not isinstance(layer, keras.layers.BatchNormalization)"
    else:
        before = ["trains = {", *(f"    {each!r}," for each in names), "}"]
    return [*before, f"for layer in {name}.layers:", f"    layer.trainable = {value}"]
