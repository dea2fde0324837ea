"""The networks of keras.applications, as published.

Figures: https://keras.io/api/applications/; for MobileNetV3, which that page leaves
out, its docstring in Keras.
"""

import difflib
import re
from typing import NamedTuple


class Network(NamedTuple):
    """One architecture of keras.applications."""

    name: str  # as in keras.applications
    year: int  # of the paper
    millions: float  # parameters with the top, as published
    top1: float  # ImageNet top-1 accuracy in percent, as published
    side: int  # usual input height and width, pixels
    smallest: int  # smallest input height and width, pixels
    pixels: str  # what it wants: "-1..1", "caffe", "torch" or "inside"
    file: str  # cached weights without top; where there are several, a pattern


# `*`: in lesson 02 and its explorer; data/catalogue.csv has the stages of these.
# Name, year, millions, top-1, side, smallest, pixels, cached file.
_TABLE = """
* VGG16             2014 138.4 71.3 224 32 caffe  vgg16{tail}
* VGG19             2014 143.7 71.3 224 32 caffe  vgg19{tail}
* ResNet50          2015  25.6 74.9 224 32 caffe  resnet50{tail}
* ResNet101         2015  44.7 76.4 224 32 caffe  resnet101{tail}
* ResNet152         2015  60.4 76.6 224 32 caffe  resnet152{tail}
- ResNet50V2        2016  25.6 76.0 224 32 -1..1  resnet50v2{tail}
- ResNet101V2       2016  44.7 77.2 224 32 -1..1  resnet101v2{tail}
- ResNet152V2       2016  60.4 78.0 224 32 -1..1  resnet152v2{tail}
* InceptionV3       2015  23.9 77.9 299 75 -1..1  inception_v3{tail}
- InceptionResNetV2 2016  55.9 80.3 299 75 -1..1  inception_resnet_v2{tail}
* Xception          2016  22.9 79.0 299 71 -1..1  xception{tail}
* DenseNet121       2016   8.1 75.0 224 32 torch  densenet121{tail}
- DenseNet169       2016  14.3 76.2 224 32 torch  densenet169{tail}
* DenseNet201       2016  20.2 77.3 224 32 torch  densenet201{tail}
* MobileNet         2017   4.3 70.4 224 32 -1..1  -
* MobileNetV2       2018   3.5 71.3 224 32 -1..1  -
- MobileNetV3Small  2019   2.9 68.1 224 32 inside -
- MobileNetV3Large  2019   5.4 75.6 224 32 inside -
- NASNetMobile      2017   5.3 74.4 224 32 -1..1  nasnet_mobile_no_top.h5
- NASNetLarge       2017  88.9 82.5 331 32 -1..1  nasnet_large_no_top.h5
* EfficientNetB0    2019   5.3 77.1 224 32 inside efficientnetb0_notop.h5
- EfficientNetB1    2019   7.9 79.1 240 32 inside efficientnetb1_notop.h5
- EfficientNetB2    2019   9.2 80.1 260 32 inside efficientnetb2_notop.h5
* EfficientNetB3    2019  12.3 81.6 300 32 inside efficientnetb3_notop.h5
- EfficientNetB4    2019  19.5 82.9 380 32 inside efficientnetb4_notop.h5
- EfficientNetB5    2019  30.6 83.6 456 32 inside efficientnetb5_notop.h5
- EfficientNetB6    2019  43.3 84.0 528 32 inside efficientnetb6_notop.h5
- EfficientNetB7    2019  66.7 84.3 600 32 inside efficientnetb7_notop.h5
* EfficientNetV2B0  2021   7.2 78.7 224 32 inside efficientnetv2-b0_notop.h5
- EfficientNetV2B1  2021   8.2 79.8 240 32 inside efficientnetv2-b1_notop.h5
- EfficientNetV2B2  2021  10.2 80.5 260 32 inside efficientnetv2-b2_notop.h5
- EfficientNetV2B3  2021  14.5 82.0 300 32 inside efficientnetv2-b3_notop.h5
* EfficientNetV2S   2021  21.6 83.9 384 32 inside efficientnetv2-s_notop.h5
- EfficientNetV2M   2021  54.4 85.3 480 32 inside efficientnetv2-m_notop.h5
- EfficientNetV2L   2021 119.0 85.7 480 32 inside efficientnetv2-l_notop.h5
* ConvNeXtTiny      2022  28.6 81.3 224 32 inside convnext_tiny_notop.h5
- ConvNeXtSmall     2022  50.2 82.3 224 32 inside convnext_small_notop.h5
* ConvNeXtBase      2022  88.5 85.3 224 32 inside convnext_base_notop.h5
- ConvNeXtLarge     2022 197.7 86.3 224 32 inside convnext_large_notop.h5
- ConvNeXtXLarge    2022 350.1 86.7 224 32 inside convnext_xlarge_notop.h5
"""

_KERNELS = "_weights_tf_dim_ordering_tf_kernels"
_V3 = "{kind}_224_{alpha}_float_no_top_v2.h5"
_SEVERAL_FILES = {
    "MobileNet": "mobilenet_{alpha}_{side}_tf_no_top.h5",
    "MobileNetV2": f"mobilenet_v2{_KERNELS}_{{alpha}}_{{side}}_no_top.h5",
    "MobileNetV3Small": f"weights_mobilenet_v3_small{_V3}",
    "MobileNetV3Large": f"weights_mobilenet_v3_large{_V3}",
}


def _parse_row(row):
    name, year, millions, top1, side, smallest, pixels, file = row.split()[1:]
    file = _SEVERAL_FILES.get(name) or file.format(tail=f"{_KERNELS}_notop.h5")
    figures = int(year), float(millions), float(top1), int(side), int(smallest)
    return Network(name, *figures, pixels, file)


_ROWS = {row.split()[1]: row for row in _TABLE.strip().splitlines()}
NETWORKS = {name: _parse_row(row) for name, row in _ROWS.items()}
CATALOGUE = {name: NETWORKS[name] for name, row in _ROWS.items() if row[0] == "*"}


def find(name, known=NETWORKS):
    """What `known` has of a name in keras.applications; a ValueError has near ones."""
    if isinstance(name, str) and name in known:
        return known[name]
    plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(getattr(name, "__name__", name)), plain)
    names = [plain[each] for each in near] or sorted(known)
    said = "keras.applications, such as " if near else ""
    raise ValueError(f"Expected one of {said}{', '.join(names)}. Received: {name!r}")


def _plain(name):
    return re.sub("keras.applications.|[^a-z0-9]", "", str(name).lower())
