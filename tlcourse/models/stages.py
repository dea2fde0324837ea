"""The stages of a backbone: neighbouring layers that work at one resolution."""

import dataclasses
import re

import keras

_BLOCK = re.compile(r"^(block_?\d+[a-z]?|conv\d+_block\d+|expanded_conv(_\d+)?)_")
_POOLS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Neighbouring layers that work at one resolution, such as `"stage 2"`.

    `size` is their output height and width in pixels; 1 for the last one, `"top"`.
    """

    name: str
    size: int
    layers: tuple

    @property
    def parameters(self):
        """Integer, numbers in the stage, trainable or not."""
        return sum(layer.count_params() for layer in self.layers)


def stages(base):
    """Cuts a network where its feature maps shrink; its blocks stay whole.

    Args:
        base: Built `keras.Model`, input `(batch, height, width, 3)`.

    Returns:
        list of `Stage`, from input to output.

    Raises:
        ValueError: If the base takes images of any size.
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


def block(layer):
    """The block that a layer's name puts it in, such as `"conv2_block1"`, or None."""
    match = _BLOCK.match(layer.name)
    return match.group(1) if match else None


def _sizes(base):
    """Output side of each layer; of its block's last layer, in a block."""
    shapes = [_shape(layer) for layer in base.layers]
    last = {block(layer): i for i, layer in enumerate(base.layers)}
    top = _top(base.layers)
    if not top:
        return [1] * len(shapes)
    sizes = []
    for i, layer in enumerate(base.layers[:top]):
        shape = shapes[last[block(layer)] if block(layer) else i]
        inside = len(shape) < 4 or shape[1] in (None, 1)
        sizes.append(sizes[-1] if inside and sizes else shape[1])
    if None in sizes:
        raise ValueError(
            f"Expected a fixed input size. Received: {base.name!r}, which takes any. "
            "Build it with `input_shape=(height, width, 3)`."
        )
    shrunk = [size for size in sizes if size < 0.8 * shapes[0][1]]
    first = shrunk[0] if shrunk else sizes[0]  # what only prepares the input
    return [min(size, first) for size in sizes] + [1] * (len(shapes) - top)


def _shape(layer):
    return keras.tree.flatten(layer.output)[0].shape


def _top(layers):
    """Position of the first layer after the last feature map."""
    top = len(layers)
    for i in reversed(range(len(layers))):
        shape = _shape(layers[i])
        if len(shape) == 4 and shape[1] != 1:
            break
        if len(shape) < 4 or isinstance(layers[i], _POOLS):
            top = i
    return top
