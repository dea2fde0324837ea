"""What trains: stages of a base, freezing them, and the truth about a model."""

import dataclasses
import math
import re

import keras

_BLOCK = re.compile(r"^(block_?\d+[a-z]?|conv\d+_block\d+|expanded_conv(_\d+)?)_")


@dataclasses.dataclass(frozen=True)
class Stage:
    """Neighbouring layers that work at one resolution.

    Args:
        name: String, such as `"stage 2"`; `"top"` after the last feature map.
        size: Output height and width, pixels; 1 for the top.
        layers: tuple of `keras.Layer`, from input to output.
    """

    name: str
    size: int
    layers: tuple

    @property
    def parameters(self):
        """Integer, numbers in the stage, trainable or not."""
        return sum(layer.count_params() for layer in self.layers)


def stages(base):
    """Cuts a network where its feature maps shrink; blocks stay whole.

    Args:
        base: Built functional `keras.Model` with a fixed input size.

    Returns:
        list of `Stage`, from input to output.
    """
    groups = []
    for layer, size in zip(base.layers, _sizes(base), strict=True):
        # Convolutions without padding shave off a pixel or two: the same stage.
        if not groups or size < 0.8 * groups[-1][0]:
            groups.append((size, []))
        groups[-1][1].append(layer)
    return [
        Stage("top" if size == 1 else f"stage {number}", size, tuple(layers))
        for number, (size, layers) in enumerate(groups, start=1)
    ]


def _sizes(base):
    """Output side of each layer; of its block's last layer, in a block."""
    shapes = [layer.output.shape for layer in base.layers]
    last = {block(layer): i for i, layer in enumerate(base.layers)}
    top = _top(base.layers)
    sizes = []
    for i, layer in enumerate(base.layers[:top]):
        shape = shapes[last[block(layer)] if block(layer) else i]
        inside = len(shape) < 4 or not shape[1] or shape[1] == 1
        sizes.append(sizes[-1] if inside and sizes else shape[1])
    shrunk = [size for size in sizes if size < 0.8 * shapes[0][1]]
    first = shrunk[0] if shrunk else sizes[0]  # what only prepares the input
    return [min(size, first) for size in sizes] + [1] * (len(shapes) - top)


def _top(layers):
    """Position of the first layer after the last feature map."""
    pools = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
    top = len(layers)
    for i in reversed(range(len(layers))):
        shape = layers[i].output.shape
        if len(shape) == 4 and shape[1] != 1:
            break
        if len(shape) < 4 or isinstance(layers[i], pools):
            top = i
    return top


def block(layer):
    """The block that a layer's name puts it in.

    Args:
        layer: `keras.Layer`.

    Returns:
        String such as `"conv2_block1"`, or None.
    """
    match = _BLOCK.match(layer.name)
    return match.group(1) if match else None


def is_batchnorm(layer):
    """Whether a layer keeps moving statistics.

    Args:
        layer: `keras.Layer`.

    Returns:
        Boolean.
    """
    return isinstance(layer, keras.layers.BatchNormalization)


def freeze(base):
    """Freezes every layer of `base`. Compile the model again afterwards.

    Args:
        base: `keras.Model`.

    Returns:
        The same `base`.

    Source: https://keras.io/guides/transfer_learning/
    """
    base.trainable = False
    # On TensorFlow, Keras skips an assignment that does not change the base's
    # own flag, even where layers have been thawed since.
    for layer in base.layers:
        layer.trainable = False
    return base


def unfreeze_from(base, stage_or_layer, batchnorm="frozen"):
    """Unfreezes a stage or layer and all that follow it; freezes the rest.

    Compile the model again afterwards, or `fit` keeps the old choice.

    Args:
        base: Built `keras.Model`.
        stage_or_layer: Name of a stage (see `stages`) or of a layer.
        batchnorm: `"frozen"` keeps the BatchNormalization layers in inference
            mode; `"awake"` lets them train as well.

    Returns:
        Integer, trainable parameters of the base.

    Raises:
        ValueError: If nothing has that name, or `batchnorm` is something else.

    Source: https://github.com/keras-team/keras/issues/20285 (why layer by layer)
    """
    if batchnorm not in ("frozen", "awake"):
        raise ValueError(
            f"Expected `batchnorm` 'frozen' or 'awake'. Received: {batchnorm!r}"
        )
    first = _position(base, stage_or_layer)
    base.trainable = True  # first the base: its flag overwrites its layers'
    for position, layer in enumerate(base.layers):
        asleep = is_batchnorm(layer) and batchnorm == "frozen"
        layer.trainable = position >= first and not asleep
    return count(base.trainable_weights)


def _position(base, name):
    starts, position = {}, 0
    for stage in stages(base):
        starts[stage.name] = position
        position += len(stage.layers)
    starts |= {layer.name: i for i, layer in enumerate(base.layers)}
    if name not in starts:
        names = ", ".join(stage.name for stage in stages(base))
        raise ValueError(
            f"Expected one of the stages ({names}) or a layer's name from "
            f"`base.summary()`. Received: {name!r}"
        )
    return starts[name]


def count(weights):
    """Numbers (scalars, not tensors) in a list of weights.

    Args:
        weights: Sequence of `keras.Variable`.

    Returns:
        Integer.
    """
    return sum(math.prod(weight.shape) for weight in weights)


@dataclasses.dataclass(frozen=True)
class Trains:
    """What `fit` will really change.

    Args:
        parameters: Integer, numbers that will get gradients.
        total: Integer, all numbers in the model.
        compiled: Boolean, whether there is a compiled choice to speak of.
        stale: Boolean, whether the flags were changed after the choice was
            made: `fit` trains none that it did not train before.
    """

    parameters: int
    total: int
    compiled: bool
    stale: bool

    def __str__(self):
        text = (
            f"trains {self.parameters:,} of {self.total:,} parameters "
            f"({self.parameters / max(self.total, 1):.1%})"
        )
        if not self.compiled:
            return f"not compiled; would {text.replace('trains', 'train', 1)}"
        if self.stale:
            return f"{text}; the flags have changed since: compile again"
        return text


def trains(model):
    """Finds out what a model trains, whatever its flags say now.

    The optimizer is built for the weights that were trainable at the first `fit`
    after `compile`, and trains no others. Weights frozen since then still train
    on TensorFlow. On PyTorch they do not. On JAX `fit` stops.

    Args:
        model: `keras.Model`, compiled or not.

    Returns:
        `Trains`.
    """
    now, total = model.trainable_weights, count(model.weights)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return Trains(count(now), total, compiled=False, stale=False)
    chosen = optimizer._trainable_variables if optimizer.built else now
    trainable = {id(weight) for weight in now}
    stale = {id(weight) for weight in chosen} != trainable
    if keras.backend.backend() == "torch":  # reads the flags at every step
        chosen = [weight for weight in chosen if id(weight) in trainable]
    return Trains(count(chosen), total, compiled=True, stale=stale)


def compile_again(model):
    """Compiles a model as it was compiled before, with a new optimizer.

    A model that was never compiled gets Adam, sparse categorical crossentropy and
    accuracy.

    Args:
        model: `keras.Model`.

    Returns:
        The same model.

    Raises:
        ValueError: If Keras can't repeat what `compile` was given.
    """
    if getattr(model, "optimizer", None) is None:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.optimizer.build(model.trainable_variables)  # decided, as below
        return model
    try:
        model.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            "Expected optimizer, loss and metrics that Keras can write down. "
            f"Received: {error}. Call `model.compile(...)` in a cell, as you did "
            "before."
        ) from error
    return model


def compile_line(model):
    """Keras code that compiles as `compile_again` does.

    Args:
        model: `keras.Model`.

    Returns:
        String, one line or two.
    """
    if getattr(model, "optimizer", None) is None:
        return (
            'model.compile("adam", "sparse_categorical_crossentropy",\n'
            '              metrics=["accuracy"])'
        )
    return "model.compile_from_config(model.get_compile_config())  # as before"
