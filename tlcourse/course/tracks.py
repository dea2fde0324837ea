"""The two tracks: a base network and a target task that belong together."""

import dataclasses
import json
import os

import keras
import numpy as np

from tlcourse import bases, data
from tlcourse._util import assets
from tlcourse.course import fetch

NAMES = ("glyphs", "flowers")
FLOWERS_SHAPE = (224, 224, 3)
GLYPH_WEIGHTS = "glyphs_mobilenet_v2_0.35_64{top}.weights.h5"


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """A base network and a target task."""

    name: str  # "glyphs" or "flowers"
    base_name: str  # as in keras.applications
    input_shape: tuple  # (height, width, 3)
    class_names: tuple  # the target's classes
    train: data.Dataset  # to draw labelled images from
    validation: data.Dataset  # for decisions
    test: data.Dataset  # for the one last measurement
    options: dict  # for the Keras constructor, such as {"alpha": 0.35}

    def build_base(self, weights="pretrained"):
        """Builds the base without its top: `"pretrained"`, or `"random"` weights."""
        if weights not in ("pretrained", "random"):
            raise ValueError(
                f"Expected `weights` 'pretrained' or 'random'. Received: {weights!r}"
            )
        source = self.weights_path() if weights == "pretrained" else None
        return bases.build(self.base_name, self.input_shape, source, **self.options)

    @property
    def weights(self):
        """What Keras's constructor takes as `weights` to build the base.

        `"imagenet"`, or the path of the file that ships with the course, as a string.
        """
        return str(self.weights_path()) if self.name == "glyphs" else "imagenet"

    def weights_path(self):
        """`pathlib.Path` of the pretrained weights without top."""
        if self.name == "glyphs":
            return assets.shipped(GLYPH_WEIGHTS.format(top="_no_top"))
        file = bases.weights_file(self.base_name, self.input_shape, **self.options)
        return bases.cached_weights(file)

    @property
    def preprocess(self):
        """New `keras.Layer` from raw pixels to what the base wants."""
        return bases.preprocessing(self.base_name)

    def build_complete(self):
        """Builds a network with the top that its own task needs.

        Returns:
            `keras.Model` from raw pixels to probabilities, and its class names.
        """
        name, options = self.base_name, self.options
        if self.name == "glyphs":
            weights = assets.shipped(GLYPH_WEIGHTS.format(top=""))
            names = data.load_glyph_archive().class_names
        else:
            weights = fetch.find_sound(assets.keras_weights_folder(), fetch.COMPLETE)
            index = json.loads(weights.with_name(fetch.CLASS_INDEX).read_text())
            names = tuple(name.replace("_", " ") for _, name in index.values())
            if weights.name != fetch.COMPLETE:
                name, options = "MobileNet", {"alpha": 0.25}
        options = {"weights": weights, "classes": len(names), **options}
        network = getattr(keras.applications, name)(self.input_shape, **options)
        pixels = keras.Input(self.input_shape, name="pixels")
        return keras.Model(pixels, network(bases.preprocessing(name)(pixels))), names

    def own_pictures(self, n):
        """Draws `n` pictures of classes that the base was trained on: `Dataset`.

        On `flowers` they are daisies, the one class of ImageNet among them.
        """
        if self.name == "glyphs":
            return data.load_glyphs(n)
        is_daisy = self.train.labels == self.class_names.index("daisy")
        return self.train.take(is_daisy).take(slice(0, n))

    def icons(self):
        """A picture of each class of the complete network: uint8 `(classes, 48, 48)`.

        None on `flowers`; many characters of `glyphs` are in no usual font.
        """
        if self.name != "glyphs":
            return None
        archive = data.load_glyph_archive()
        first = np.unique(archive.labels, return_index=True)[1]
        return 255 - archive.ink(first)


def load_track(name=None):
    """Loads the data of a track, and prints which one it is, and why.

    Args:
        name: `"glyphs"`, `"flowers"`, or None: `$TLCOURSE_TRACK` if it is set,
            else `flowers` where all it needs is on disk, else `glyphs`.

    Returns:
        `Track`.

    Raises:
        ValueError, FileNotFoundError: If there is no such track, or not all of it.
    """
    name, why = _choose(name)
    if name == "glyphs":
        shape, parts = (64, 64, 3), data.split(data.load_digits(), [597, 300, 900])
    else:
        shape, parts = FLOWERS_SHAPE, _split_flowers()
    train, validation, test = map(len, parts)
    print(
        f"Track {name} ({why}): MobileNetV2, {shape[0]} px; {train} images to train "
        f"on, {validation} to validate, {test} to test"
    )
    names, options = parts[0].class_names, {"alpha": 0.35}
    return Track(name, "MobileNetV2", shape, names, *parts, options)


def _choose(name):
    chosen = name or os.environ.get("TLCOURSE_TRACK")
    if not chosen:
        missing = list(fetch.missing().values())
        if not missing:
            return "flowers", "weights and photographs are on disk"
        return "glyphs", f"nothing to download; for flowers is missing: {missing[0]}"
    if chosen not in NAMES:
        where = "load_track" if name else "the variable TLCOURSE_TRACK"
        raise ValueError(
            f"Expected one of the tracks {', '.join(NAMES)} in {where}. "
            f"Received: {chosen!r}"
        )
    return chosen, "asked for by name" if name else "TLCOURSE_TRACK says so"


def _split_flowers():
    missing = fetch.missing().values()
    if missing:
        raise FileNotFoundError(
            "Expected all that the flowers track needs on disk. Missing: "
            f"{'; '.join(missing)}. Where there is a network, `python -m tlcourse "
            "fetch flowers` fetches it; where it lies elsewhere, set KERAS_HOME and "
            "TFDS_DATA_DIR."
        )
    photographs = data.load_tfds(assets.FLOWERS_DATASET, FLOWERS_SHAPE[:2])
    sizes = [round(len(photographs) * share) for share in (0.5, 1 / 6, 1 / 3)]
    return data.split(photographs, sizes)
