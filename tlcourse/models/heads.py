"""The head on a base, and augmentation before it."""

import keras

from tlcourse.data.checking import is_count
from tlcourse.models import nesting


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
    _check(base, n_classes, head, hidden)

    def named(name):  # Keras refuses two layers of one name
        return None if name == base.name else name

    pixels = x = keras.Input(base.input_shape[1:], name=named("pixels"))
    for layer in (augment, preprocess, base):
        x = layer(x) if layer is not None else x
    (x,) = keras.tree.flatten(x)  # out of a dict
    pool = keras.layers.GlobalAveragePooling2D
    x = (pool if head == "pool" else keras.layers.Flatten)(name=named(head))(x)
    for number, units in enumerate(hidden or (), start=1):
        name = named(f"hidden_{number}")
        x = keras.layers.Dense(units, activation="relu", name=name)(x)
    options = {"activation": "softmax", "name": named("classes")}
    # Probabilities are float32, in mixed precision as well.
    dense = keras.layers.Dense(int(n_classes), dtype="float32", **options)
    return keras.Model(pixels, dense(x))


def _check(base, n_classes, head, hidden):
    if head not in ("pool", "flatten"):
        raise ValueError(f"Expected `head` 'pool' or 'flatten'. Received: {head!r}")
    if not is_count(n_classes, 2):
        names = isinstance(n_classes, tuple | list) and len(n_classes) > 1
        remedy = f" `len(class_names)` is {len(n_classes)}." if names else ""
        raise ValueError(
            "Expected `n_classes`, a whole number, at least 2 classes. Received: "
            f"{n_classes!r}.{remedy}"
        )
    if hidden is not None and not (
        isinstance(hidden, tuple | list) and all(is_count(x, 1) for x in hidden)
    ):
        example = f"({hidden},)" if is_count(hidden, 1) else "(64,)"
        raise ValueError(
            "Expected `hidden`, the units of each layer in between. Received: "
            f"{hidden!r}. Write `hidden={example}`."
        )
    shape = nesting.check_single(base).output_shape
    if len(shape) != 4 or (head == "flatten" and None in shape[1:]):
        raise ValueError(
            "Expected a base that puts out maps (batch, height, width, features). "
            f"Received: output {shape}. {_remedy(base)}"
        )


def _remedy(base):
    """What makes maps of what a base puts out, by its last layer."""
    if inner := nesting.bases_in(base):
        return f"It has a head already. Its base: `model.get_layer({inner[0].name!r})`."
    last = nesting.leaves(base)[-1]
    if isinstance(last, keras.layers.Dense):
        return "It has its top: build it with `include_top=False`."
    if "Pooling" in type(last).__name__:
        return "It pools them: build it without `pooling`."
    if len(base.output_shape) == 4:
        return "Build it with `input_shape=(height, width, 3)`, or use `head='pool'`."
    return "End it where maps are: `keras.Model(base.inputs, layer.output)`."


def augmentation(flip=False, negative=False, seed=0):
    """Builds small random changes that leave the class as it is, raw pixels to pixels.

    `flip` exchanges left and right: a flower stays a flower, a digit does not stay a
    digit. `negative` exchanges light and dark: a digit stays one, a flower hardly.
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
