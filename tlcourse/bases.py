"""The catalogue of keras.applications networks, each with its preprocessing.

Published figures: https://keras.io/api/applications/ (parameters in millions
with the top, ImageNet top-1 accuracy in percent, layers on the longest path
that have weights or normalise). A figure that the page leaves out is None.
"""

import dataclasses

import keras

from tlcourse import assets


@dataclasses.dataclass(frozen=True)
class Network:
    """One architecture of keras.applications.

    Args:
        name: String, as in keras.applications.
        year: Integer, of the paper.
        millions: Float, parameters with the top, as published.
        top1: Float, ImageNet top-1 accuracy in percent, as published.
        depth: Integer or None, as published.
        side: Integer, usual input height and width, pixels.
        smallest: Integer, smallest input height and width, pixels.
        pixels: `"-1..1"`, `"caffe"`, `"torch"` or `"inside"`: what it wants.
        file: String, cached weights without top, in Keras's models folder.
    """

    name: str
    year: int
    millions: float
    top1: float
    depth: int | None
    side: int
    smallest: int
    pixels: str
    file: str


# name, year, millions, top-1, depth, side, smallest, pixels, cached file
_TABLE = """
VGG16            2014 138.4 71.3  16 224 32 caffe  vgg16{tail}
VGG19            2014 143.7 71.3  19 224 32 caffe  vgg19{tail}
ResNet50         2015  25.6 74.9 107 224 32 caffe  resnet50{tail}
ResNet101        2015  44.7 76.4 209 224 32 caffe  resnet101{tail}
ResNet152        2015  60.4 76.6 311 224 32 caffe  resnet152{tail}
InceptionV3      2015  23.9 77.9 189 299 75 -1..1  inception_v3{tail}
Xception         2016  22.9 79.0  81 299 71 -1..1  xception{tail}
DenseNet121      2016   8.1 75.0 242 224 32 torch  densenet121{tail}
DenseNet201      2016  20.2 77.3 402 224 32 torch  densenet201{tail}
MobileNet        2017   4.3 70.4  55 224 32 -1..1  mobilenet_1_0_224_tf_no_top.h5
MobileNetV2      2018   3.5 71.3 105 224 32 -1..1  mobilenet_v2{width}_1.0_224_no_top.h5
EfficientNetB0   2019   5.3 77.1 132 224 32 inside efficientnetb0_notop.h5
EfficientNetB3   2019  12.3 81.6 210 300 32 inside efficientnetb3_notop.h5
EfficientNetV2B0 2021   7.2 78.7   - 224 32 inside efficientnetv2-b0_notop.h5
EfficientNetV2S  2021  21.6 83.9   - 384 32 inside efficientnetv2-s_notop.h5
ConvNeXtTiny     2022  28.6 81.3   - 224 32 inside convnext_tiny_notop.h5
ConvNeXtBase     2022  88.5 85.3   - 224 32 inside convnext_base_notop.h5
"""


def _read(row):
    name, year, millions, top1, depth, side, smallest, pixels, file = row.split()
    width = "_weights_tf_dim_ordering_tf_kernels"
    return Network(
        name,
        int(year),
        float(millions),
        float(top1),
        None if depth == "-" else int(depth),
        int(side),
        int(smallest),
        pixels,
        file.format(tail=f"{width}_notop.h5", width=width),
    )


CATALOGUE = {
    network.name: network for network in map(_read, _TABLE.strip().splitlines())
}


def find(name):
    """Looks a network up.

    Args:
        name: String, as in keras.applications.

    Returns:
        `Network`.

    Raises:
        ValueError: If the catalogue does not have it.
    """
    if name not in CATALOGUE:
        raise ValueError(
            f"Expected one of {', '.join(sorted(CATALOGUE))}. Received: {name!r}"
        )
    return CATALOGUE[name]


def build(name, input_shape=None, weights="imagenet", **options):
    """Builds a network of the catalogue without its top.

    Args:
        name: String, as in keras.applications.
        input_shape: `(height, width, 3)`, or None for the usual size.
        weights: `"imagenet"` (from Keras's cache, never a download), None for
            random ones, or a file.
        **options: For the Keras constructor, such as `alpha=0.35`.

    Returns:
        `keras.Model`, input as the network wants it (see `preprocessing`).

    Raises:
        FileNotFoundError: At once, if the weights are not in the cache.
        ValueError: If the name is unknown or the input too small.

    Source: https://keras.io/api/applications/
    """
    network = find(name)
    shape = input_shape or (network.side, network.side, 3)
    if len(shape) != 3 or shape[-1] != 3 or min(shape[:2]) < network.smallest:
        raise ValueError(
            f"Expected `input_shape` (height, width, 3), for {name} at least "
            f"{network.smallest} pixels each way. Received: {shape}"
        )
    if weights == "imagenet":
        cached_weights(weights_file(name, shape, **options))
    constructor = getattr(keras.applications, name)
    return constructor(input_shape=shape, include_top=False, weights=weights, **options)


def weights_file(name, input_shape, alpha=1.0, **_):
    """The file in Keras's cache that `weights="imagenet"` reads.

    Args:
        name: String, as in keras.applications.
        input_shape: `(height, width, 3)`; the MobileNets have a file per size.
        alpha: Float, width of the MobileNets.

    Returns:
        String, a file name.
    """
    side = input_shape[0] if input_shape[0] == input_shape[1] else 224
    if name == "MobileNetV2":
        side = side if side in (96, 128, 160, 192, 224) else 224
        stem = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
        return f"{stem}_{float(alpha)}_{side}_no_top.h5"
    if name == "MobileNet":
        side = side if side in (128, 160, 192, 224) else 224
        width = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[alpha]
        return f"mobilenet_{width}_{side}_tf_no_top.h5"
    return find(name).file


def cached_weights(file):
    """Finds downloaded weights.

    Args:
        file: String, file name in Keras's models folder.

    Returns:
        `pathlib.Path`.

    Raises:
        FileNotFoundError: If it is not there.
    """
    path = assets.keras_weights_folder() / file
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected ImageNet weights `{file}` in {path.parent}. They are not "
            "there. Where there is a network, the same Keras call fetches them "
            "(`keras.applications`, `weights='imagenet'`); where they lie "
            "elsewhere, set KERAS_HOME; without them, `weights=None` builds the "
            "network with random weights."
        )
    return path


CAFFE_MEAN = [103.939, 116.779, 123.68]  # blue, green, red
TORCH_MEAN = [0.485, 0.456, 0.406]
TORCH_SPREAD = [0.229, 0.224, 0.225]


def preprocessing(name):
    """The layer that turns raw pixels into what a network was trained on.

    Args:
        name: String, as in keras.applications.

    Returns:
        `keras.Layer`, from `(batch, h, w, 3)` in 0..255 to the network's range.

    Source: `preprocess_input` of each network in keras.applications.
    """
    pixels = find(name).pixels
    if pixels == "-1..1":
        return keras.layers.Rescaling(1 / 127.5, offset=-1, name="to_minus_1_1")
    if pixels == "torch":
        scale = [1 / (255 * spread) for spread in TORCH_SPREAD]
        pairs = zip(TORCH_MEAN, TORCH_SPREAD, strict=True)
        offset = [-mean / spread for mean, spread in pairs]
        return keras.layers.Rescaling(scale, offset=offset, name="to_torch")
    if pixels == "caffe":
        raw = keras.Input((None, None, 3))
        blue_first = keras.ops.flip(raw, axis=-1)
        shift = keras.layers.Rescaling(1.0, offset=[-mean for mean in CAFFE_MEAN])
        return keras.Model(raw, shift(blue_first), name="to_caffe")
    return keras.layers.Rescaling(1.0, name="raw_pixels")
