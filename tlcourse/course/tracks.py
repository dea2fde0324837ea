"""Base network and target task that belong together."""

import dataclasses
import os

import keras
import numpy as np

from tlcourse import bases, data
from tlcourse._util import assets

NAMES = ("glyphs", "flowers")
CLASS_INDEX = "imagenet_class_index.json"
GLYPH_WEIGHTS = "glyphs_mobilenet_v2_0.35_64{top}.weights.h5"


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """A base network and a target task.

    Args:
        name: `"glyphs"` or `"flowers"`.
        base_name: String, as in keras.applications.
        input_shape: `(height, width, 3)`.
        class_names: tuple of strings, the target's classes.
        train: `Dataset` to draw labelled images from.
        validation: `Dataset` for decisions.
        test: `Dataset` for the one last measurement.
        options: dict for the Keras constructor.
    """

    name: str
    base_name: str
    input_shape: tuple
    class_names: tuple
    train: data.Dataset
    validation: data.Dataset
    test: data.Dataset
    options: dict

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
        if self.name == "glyphs":
            path = assets.shipped(GLYPH_WEIGHTS.format(top=""))
            names = data.load_glyph_archive().class_names
            inner = keras.applications.MobileNetV2(
                input_shape=self.input_shape,
                weights=path,
                classes=len(names),
                **self.options,
            )
            return _from_pixels(inner, self.preprocess), names
        return _complete_imagenet(self.input_shape)

    def own_pictures(self, n, seed=0):
        """Pictures of the base's own kind: classes that it was trained on.

        Args:
            n: Integer.
            seed: Integer.

        Returns:
            `Dataset`. On `flowers`, the class of ImageNet among them: daisies.
        """
        if self.name == "glyphs":
            return data.load_glyphs(n, seed=seed)
        every = self.train
        daisies = every.take(every.labels == self.class_names.index("daisy"))
        return daisies.take(slice(0, n))

    def icons(self):
        """One picture of each class that the complete network knows.

        Returns:
            uint8 `(classes, 48, 48)`, dark on light, or None where a name says
            it better (`flowers`). Many of the characters of `glyphs` are in no
            usual font.
        """
        if self.name != "glyphs":
            return None
        archive = data.load_glyph_archive()
        first = np.unique(archive.labels, return_index=True)[1]
        return 255 - archive.ink(first)


def _from_pixels(inner, preprocess):
    pixels = keras.Input(inner.input_shape[1:], name="pixels")
    return keras.Model(pixels, inner(preprocess(pixels)))


# Whichever is in the cache; both want -1..1.
_COMPLETE = (
    (
        "MobileNetV2",
        0.35,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5",
    ),
    ("MobileNet", 0.25, "mobilenet_2_5_224_tf.h5"),
)


def _complete_imagenet(input_shape):
    folder = assets.keras_weights_folder()
    names = _imagenet_names(folder / CLASS_INDEX)
    for name, alpha, file in _COMPLETE:
        if assets.is_weights(folder / file):
            constructor = getattr(keras.applications, name)
            inner = constructor(
                input_shape=input_shape, alpha=alpha, weights=folder / file
            )
            return _from_pixels(inner, bases.preprocessing(name)), names
    raise FileNotFoundError(
        "Expected a complete ImageNet network, one of "
        f"{' or '.join(file for _, _, file in _COMPLETE)}, in {folder}. Neither "
        "is there. Where there is a network, "
        "`keras.applications.MobileNet(alpha=0.25)` fetches the second."
    )


def _imagenet_names(path):
    import json

    if not path.is_file():
        raise FileNotFoundError(
            f"Expected ImageNet's class names in {path}. The file is not there. "
            "Where there is a network, "
            "`keras.applications.imagenet_utils.decode_predictions` fetches it."
        )
    index = json.loads(path.read_text())
    return tuple(index[str(k)][1].replace("_", " ") for k in range(len(index)))


def load_track(name=None):
    """Loads a base network's address and a target task.

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
    track = _glyphs() if name == "glyphs" else _flowers()
    print(
        f"Track {name} ({why}): {track.base_name}, {track.input_shape[0]} px; "
        f"{len(track.train)} images to train on, {len(track.validation)} to "
        f"validate, {len(track.test)} to test"
    )
    return track


def _choose(name):
    chosen = name or os.environ.get("TLCOURSE_TRACK")
    if chosen:
        if chosen not in NAMES:
            where = "load_track" if name else "the variable TLCOURSE_TRACK"
            raise ValueError(
                f"Expected one of the tracks {', '.join(NAMES)} in {where}. "
                f"Received: {chosen!r}"
            )
        return chosen, "as you asked" if name else "TLCOURSE_TRACK says so"
    missing = missing_for_flowers()
    if missing:
        return "glyphs", f"nothing to download; for flowers is missing: {missing[0]}"
    return "flowers", "weights and photographs are on disk"


def missing_for_flowers():
    """What the flowers track needs and does not find on disk.

    Returns:
        list of strings, empty if all is there.
    """
    folder, missing = assets.keras_weights_folder(), []
    wanted = [bases.weights_file("MobileNetV2", (224, 224, 3), alpha=0.35)]
    complete = [file for _, _, file in _COMPLETE]
    for files in (wanted, complete):
        if not any(assets.is_weights(folder / file) for file in files):
            damaged = any((folder / file).exists() for file in files)
            state = " (the file there is damaged)" if damaged else ""
            missing.append(f"the weights {' or '.join(files)}{state}")
    if not (folder / CLASS_INDEX).is_file():
        missing.append(f"ImageNet's class names, {CLASS_INDEX}")
    if assets.prepared_dataset(assets.FLOWERS_DATASET) is None:
        missing.append(f"the dataset {assets.FLOWERS_DATASET}")
    return missing


def _glyphs():
    parts = data.split(data.load_digits(), [597, 300, 900])
    shape = (64, 64, 3)
    names = parts[0].class_names
    return Track("glyphs", "MobileNetV2", shape, names, *parts, {"alpha": 0.35})


def _flowers():
    shape = (224, 224, 3)
    bases.cached_weights(bases.weights_file("MobileNetV2", shape, alpha=0.35))
    every = data.load_tfds(assets.FLOWERS_DATASET, shape[:2])
    sizes = [round(len(every) * share) for share in (0.5, 1 / 6, 1 / 3)]
    parts = data.split(every, sizes)
    names = every.class_names
    return Track("flowers", "MobileNetV2", shape, names, *parts, {"alpha": 0.35})
