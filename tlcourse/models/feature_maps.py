"""The feature maps of a base at the end of each stage, computed when asked for."""

import dataclasses

import keras
import numpy as np

from tlcourse import data
from tlcourse.models.nesting import is_graph
from tlcourse.models.stages import stages
from tlcourse.models.structure import check_model

STRONGEST = 16  # channels that are kept and shown


@dataclasses.dataclass(frozen=True, eq=False)
class Maps:
    """The channels that vary most over an image, in that order."""

    values: np.ndarray  # float `(height, width, n)`
    channels: tuple  # their n numbers
    of: int  # channels that there are


class FeatureMaps:
    """Images `(n, height, width, 3)`, uint8, and a base cut at the end of each stage.

    Only the strongest channels are remembered, so that large bases fit in memory.
    Raises ValueError if the base cannot be cut, or the images do not fit it.
    """

    def __init__(self, base, preprocess, images, names=None):
        check_model(base)
        self.ends = _ends(base)
        _check_images(base, images, names)
        self.base, self.preprocess, self.images = base, preprocess, images
        self.names = [f"image {number + 1}" for number in range(len(images))]
        if names is not None:
            pairs = zip(self.names, names, strict=True)
            self.names = [f"{image} ({name})" for image, name in pairs]
        self.image, self.depth = 0, 0
        self._models, self._computed = {}, {}

    @property
    def labels(self):
        """Each depth's stage, layer, map size and channels, a list of strings."""
        found = []
        for stage, layer in self.ends:
            height, width, n = layer.output.shape[1:]
            size = f"{height} x {width}, {n} channels"
            found.append(f"{stage.name}: {layer.name}, {size}")
        return found

    @property
    def maps(self):
        """The `Maps` of the chosen image at the chosen depth."""
        chosen = self.image, self.depth
        if chosen not in self._computed:
            self._computed[chosen] = self._compute(*chosen)
        return self._computed[chosen]

    def _compute(self, image, depth):
        if depth not in self._models:
            layer = self.ends[depth][1]
            self._models[depth] = keras.Model(self.base.inputs[0], layer.output)
        pixels = self.images[image : image + 1].astype("float32")
        maps = self._models[depth](self.preprocess(pixels), training=False)
        maps = keras.ops.convert_to_numpy(maps)[0]
        order = np.argsort(-np.std(maps, axis=(0, 1)), kind="stable")[:STRONGEST]
        return Maps(maps[..., order], tuple(order.tolist()), maps.shape[-1])

    @property
    def caption(self):
        """What is shown, in a line."""
        shown = len(self.maps.channels)
        height, width = self.maps.values.shape[:2]
        return (
            f"{self.names[self.image]}. {self.ends[self.depth][0].name}: "
            f"{shown} of {self.maps.of} maps, {height} x {width} each."
        )

    @property
    def image_alt(self):
        """The image in words."""
        height, width = self.images.shape[1:3]
        return f"{self.names[self.image]}, {height} x {width} pixels."

    @property
    def alt(self):
        """The maps in words."""
        stage, layer = self.ends[self.depth]
        maps = self.maps
        height, width = maps.values.shape[:2]
        side = self.images.shape[1] / height
        return (
            f"What {layer.name}, the last layer of {stage.name}, makes of "
            f"{self.names[self.image]}: the {len(maps.channels)} that vary most, of "
            f"{maps.of} maps, {height} x {width} positions each, one for every "
            f"{side:.0f} x {side:.0f} pixels. Channel {maps.channels[0]} varies most, "
            f"from {maps.values[..., 0].min():.2f} to "
            f"{maps.values[..., 0].max():.2f}."
        )

    def __str__(self):
        return f"Feature maps of {self.base.name}. {self.caption} {self.alt}"


def _ends(base):
    """The last layer of each stage that puts out maps, with its stage."""
    if not any(_puts_out_maps(layer) for layer in base.layers):
        raise ValueError(
            "Expected a base, whose layers put out feature maps. Received: "
            f"{base.name!r}, which has none."
        )
    ends = [(stage, stage.layers[-1]) for stage in stages(base)]
    ends = [pair for pair in ends if _puts_out_maps(pair[1])]
    nested = [layer.name for _, layer in ends if is_graph(layer)]
    if nested:
        raise ValueError(
            f"Expected the base itself. Received: {base.name!r}, with a base inside. "
            f"Take `model.get_layer({nested[0]!r})`."
        )
    return ends


def _puts_out_maps(layer):
    return len(layer.output.shape) == 4


def _check_images(base, images, names):
    data.check_images(images)
    expected = base.input_shape[1:]
    if not len(images) or images.shape[1:] != expected:
        raise ValueError(
            f"Expected images of {expected}, as {base.name!r} takes them, at least "
            f"one. Received: images of shape {images.shape}"
        )
    if names is not None and len(names) != len(images):
        raise ValueError(
            f"Expected one name for each of {len(images)} images. Received: "
            f"{len(names)} names"
        )
