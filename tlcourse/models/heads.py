"""The head on a base, and augmentation before it."""

import keras


def wrap(base, n_classes, head="pool", preprocess=None, augment=None, hidden=()):
    """Puts a classifier on a base: raw pixels in, probabilities out.

    Args:
        base: `keras.Model` without top; output `(batch, h, w, features)`.
        n_classes: Integer, at least 2.
        head: `"pool"` averages each feature map to one number; `"flatten"`
            keeps every number of every map.
        preprocess: `keras.Layer` from 0..255 to what the base wants, or None.
        augment: `keras.Layer` that varies raw pixels while training, or None.
        hidden: Sequence of integers, units of dense layers in between.

    Returns:
        `keras.Model` from `(batch, height, width, 3)` in 0..255 to
        `(batch, n_classes)` in 0..1. Not compiled.

    Raises:
        ValueError: If the base has a top, or `head` or `n_classes` is wrong.
    """
    _check(base, n_classes, head)
    pixels = x = keras.Input(base.input_shape[1:], name="pixels")
    for layer in (augment, preprocess, base):
        x = layer(x) if layer is not None else x
    pool = keras.layers.GlobalAveragePooling2D
    x = (pool if head == "pool" else keras.layers.Flatten)(name=head)(x)
    for number, units in enumerate(hidden, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
    options = {"activation": "softmax", "name": "classes"}
    # Probabilities are float32, in mixed precision as well.
    dense = keras.layers.Dense(n_classes, dtype="float32", **options)
    return keras.Model(pixels, dense(x))


def _check(base, n_classes, head):
    if head not in ("pool", "flatten"):
        raise ValueError(f"Expected `head` 'pool' or 'flatten'. Received: {head!r}")
    if n_classes < 2:
        raise ValueError(f"Expected at least 2 classes. Received: {n_classes}")
    if len(base.output_shape) != 4:
        raise ValueError(
            "Expected a base without its top, output (batch, height, width, "
            f"features). Received: output {base.output_shape}. Build it with "
            "`include_top=False` and without `pooling`."
        )


def augmentation(flip=False, negative=False, seed=0):
    """Small random changes that leave the class as it is.

    Args:
        flip: Boolean, whether left and right may be exchanged. A flower stays
            a flower; a digit does not stay a digit.
        negative: Boolean, whether light and dark may be exchanged. A digit
            stays a digit; a flower hardly a flower.
        seed: Integer.

    Returns:
        `keras.Model` from raw pixels to raw pixels; does nothing in inference.
    """
    layers = [
        keras.layers.RandomRotation(0.04, fill_mode="nearest", seed=seed),
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed),
        keras.layers.RandomZoom(0.1, fill_mode="nearest", seed=seed),
    ]
    if flip:
        layers.append(keras.layers.RandomFlip("horizontal", seed=seed))
    if negative:
        layers.append(keras.layers.RandomInvert(0.5, value_range=(0, 255), seed=seed))
    return keras.Sequential(layers, name="augmentation")
