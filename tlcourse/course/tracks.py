"""The two tracks: a base network and a target task that belong together."""

import dataclasses
import json
import os

import keras
import numpy as np

from tlcourse import bases, data
from tlcourse._util import assets

NAMES = ("glyphs", "flowers")
FLOWERS_SHAPE = (224, 224, 3)
CLASS_INDEX = "imagenet_class_index.json"
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
        """Builds the base network without its top.

        Args:
            weights: `"pretrained"`, or `"random"` for the control.

        Returns:
            `keras.Model`, input as `preprocess` makes it.

        Raises:
            ValueError: If `weights` is something else.
            FileNotFoundError: If the pretrained weights are not on disk.
        """
        if weights not in ("pretrained", "random"):
            raise ValueError(
                f"Expected `weights` 'pretrained' or 'random'. Received: {weights!r}"
            )
        source = self.weights_path() if weights == "pretrained" else None
        return bases.build(self.base_name, self.input_shape, source, **self.options)

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
            `keras.Model` from raw pixels `(batch, *input_shape)` to
            probabilities, and the tuple of its class names.

        Raises:
            FileNotFoundError: If its weights are not on disk.
        """
        if self.name == "flowers":
            return _complete_imagenet(self.input_shape)
        names = data.load_glyph_archive().class_names
        inner = keras.applications.MobileNetV2(
            input_shape=self.input_shape,
            weights=assets.shipped(GLYPH_WEIGHTS.format(top="")),
            classes=len(names),
            **self.options,
        )
        return _from_pixels(inner, self.preprocess), names

    def own_pictures(self, n, seed=0):
        """Pictures of classes that the base was trained on.

        Args:
            n: Integer, how many.
            seed: Integer; on `glyphs`, which ones.

        Returns:
            `Dataset`. On `flowers`, daisies, the one class of ImageNet among them.
        """
        if self.name == "glyphs":
            return data.load_glyphs(n, seed=seed)
        is_daisy = self.train.labels == self.class_names.index("daisy")
        return self.train.take(is_daisy).take(slice(0, n))

    def icons(self):
        """One picture of each class that the complete network knows.

        Returns:
            uint8 `(classes, 48, 48)`, dark on light, as many characters of
            `glyphs` are in no usual font; None on `flowers`, where names do.
        """
        if self.name != "glyphs":
            return None
        archive = data.load_glyph_archive()
        first = np.unique(archive.labels, return_index=True)[1]
        return 255 - archive.ink(first)


def _from_pixels(inner, preprocess):
    pixels = keras.Input(inner.input_shape[1:], name="pixels")
    return keras.Model(pixels, inner(preprocess(pixels)))


# Files in Keras's cache, constructors and widths of what knows all of ImageNet; the
# first one that is there is taken.
_COMPLETE = {
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5": (
        "MobileNetV2",
        0.35,
    ),
    "mobilenet_2_5_224_tf.h5": ("MobileNet", 0.25),
}


def _complete_imagenet(input_shape):
    folder = assets.keras_weights_folder()
    file = next(file for file in _COMPLETE if assets.is_weights(folder / file))
    name, alpha = _COMPLETE[file]
    constructor = getattr(keras.applications, name)
    inner = constructor(input_shape=input_shape, alpha=alpha, weights=folder / file)
    index = json.loads((folder / CLASS_INDEX).read_text())
    names = tuple(index[str(k)][1].replace("_", " ") for k in range(len(index)))
    return _from_pixels(inner, bases.preprocessing(name)), names


def load_track(name=None):
    """Loads the data of a track, and says where its base network is.

    Args:
        name: `"glyphs"`, `"flowers"`, or None: `$TLCOURSE_TRACK` if it is set,
            else `flowers` where all it needs is on disk, else `glyphs`.

    Returns:
        `Track`. Prints one line: which track, and why.

    Raises:
        ValueError: If there is no track of that name.
        FileNotFoundError: If a track is asked for whose files are missing.
    """
    name, why = _choose(name)
    if name == "glyphs":
        shape, parts = (64, 64, 3), data.split(data.load_digits(), [597, 300, 900])
    else:
        shape, parts = FLOWERS_SHAPE, _split_flowers()
    names = parts[0].class_names
    track = Track(name, "MobileNetV2", shape, names, *parts, {"alpha": 0.35})
    print(
        f"Track {name} ({why}): {track.base_name}, {track.input_shape[0]} px; "
        f"{len(track.train)} images to train on, {len(track.validation)} to "
        f"validate, {len(track.test)} to test"
    )
    return track


def _choose(name):
    chosen = name or os.environ.get("TLCOURSE_TRACK")
    if not chosen:
        missing = missing_for_flowers()
        if not missing:
            return "flowers", "weights and photographs are on disk"
        return "glyphs", f"nothing to download; for flowers is missing: {missing[0]}"
    if chosen not in NAMES:
        where = "load_track" if name else "the variable TLCOURSE_TRACK"
        raise ValueError(
            f"Expected one of the tracks {', '.join(NAMES)} in {where}. "
            f"Received: {chosen!r}"
        )
    return chosen, "as you asked" if name else "TLCOURSE_TRACK says so"


def missing_for_flowers():
    """What the flowers track does not find on disk, as a list of strings."""
    folder, missing = assets.keras_weights_folder(), []
    base = [bases.weights_file("MobileNetV2", FLOWERS_SHAPE, alpha=0.35)]
    for files in (base, list(_COMPLETE)):
        if not any(assets.is_weights(folder / file) for file in files):
            damaged = any((folder / file).exists() for file in files)
            state = " (the file there is damaged)" if damaged else ""
            missing.append(f"the weights {' or '.join(files)}{state}")
    if not (folder / CLASS_INDEX).is_file():
        missing.append(f"ImageNet's class names, {CLASS_INDEX}")
    if assets.prepared_dataset(assets.FLOWERS_DATASET) is None:
        missing.append(f"the dataset {assets.FLOWERS_DATASET}")
    return missing


def _split_flowers():
    missing = missing_for_flowers()
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
