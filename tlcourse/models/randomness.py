"""Layers that give another answer in every epoch, although they are frozen."""

import keras

from tlcourse.models.freezing import is_batchnorm

# What turns randomness off at 0, in Dropout and its relatives and in recurrent
# layers.
RATES = ("rate", "stddev", "drop_path_rate", "dropout", "recurrent_dropout")


def reason(layer, augmented=False):
    """Finds out whether a layer is random or changes by itself in training.

    A layer is known by the seeds and the statistics that it keeps. One that
    draws random numbers in another way, such as a `Lambda`, is taken at its word.

    Args:
        layer: `keras.Layer`, or an operation of a graph.
        augmented: Boolean, whether augmentation counts as an answer of its own.

    Returns:
        String, such as `"is random in training"`; None for the same answer.
    """
    for each in inside(layer):
        if is_awake(each):
            return "takes its statistics from each batch"
        if is_batchnorm(each):
            continue  # asleep: its statistics rest
        if each._non_trainable_variables and each._call_has_training_arg:
            return "changes its state in training"
        if is_random(each) and not (augmented and is_augmentation(each)):
            return "is random in training"
    return None


def inside(layer):
    """The layers inside a layer, itself among them; none in an operation.

    Args:
        layer: `keras.Layer`, or an operation of a graph.

    Returns:
        list of `keras.Layer`.
    """
    is_layer = isinstance(layer, keras.layers.Layer)
    return list(layer._flatten_layers()) if is_layer else []


def is_awake(layer):
    """Whether a layer is a BatchNormalization that is not frozen.

    Args:
        layer: `keras.Layer`, or an operation of a graph.

    Returns:
        Boolean.
    """
    return is_batchnorm(layer) and layer.trainable


def is_random(layer):
    """Whether a layer draws random numbers in training.

    Args:
        layer: `keras.Layer`; layers inside it do not count.

    Returns:
        Boolean.
    """
    rates = [getattr(layer, name, None) for name in RATES]
    rates = [rate for rate in rates if isinstance(rate, int | float)]
    return bool(layer._seed_generators) and (not rates or any(rates))


def is_augmentation(layer):
    """Whether a random layer makes other inputs, and does not drop features.

    Args:
        layer: `keras.Layer` that is random.

    Returns:
        Boolean.
    """
    kinds = (
        keras.layers.Dropout,
        keras.layers.AlphaDropout,
        keras.layers.GaussianDropout,
    )
    return not layer.weights and not isinstance(layer, kinds)


def advice(layer):
    """What to do about a restless layer before frozen ones.

    Args:
        layer: `keras.Layer` with a `reason`.

    Returns:
        String, one sentence or two.
    """
    if any(map(is_awake, inside(layer))):
        return "Freeze it, `layer.trainable = False`, and compile again."
    if all(map(is_augmentation, filter(is_random, inside(layer)))):
        return "Give `variants=4` to store four variants of each image."
    if getattr(layer, "rate", None):
        return "Set its `rate` to 0 and compile again."
    return "Take it out."
