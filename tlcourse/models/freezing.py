"""Freezing and unfreezing a base at all levels, and what `fit` will really train."""

import dataclasses
import math

import keras

from tlcourse.models import nesting
from tlcourse.models.stages import stages


def is_batchnorm(layer):
    """Whether a layer is a BatchNormalization, which keeps moving statistics."""
    return isinstance(layer, keras.layers.BatchNormalization)


def count(weights):
    """Counts numbers (scalars, not tensors) in `keras.Variable`s."""
    return sum(math.prod(weight.shape) for weight in weights)


def freeze(base):
    """Freezes `base` and every layer in it, at every level.

    Compile the model again afterwards, or `fit` keeps the old choice.

    Args:
        base: `keras.Model`, or a layer.

    Returns:
        `base`.

    Raises:
        ValueError: If it is neither.

    Source: https://keras.io/guides/transfer_learning/
    """
    if not isinstance(base, keras.layers.Layer):
        raise ValueError(f"Expected a `keras.Model`. Received: {type(base).__name__}")
    # On TensorFlow, Keras skips an assignment that does not change a model's own
    # flag, even where layers have been unfrozen since: so one by one.
    for layer in nesting.layers_inside(base):
        layer.trainable = False
    return base


def unfreeze_from(base, stage_or_layer, batchnorm="inference"):
    """Unfreezes a stage or layer and all that follow it; freezes the rest.

    Reaches the layers of nested models, too; a wrapped model is as good as its base.
    Compile the model again afterwards, or `fit` keeps the old choice.

    Args:
        base: Built `keras.Model`.
        stage_or_layer: Name of a stage of the base (see `stages`), or of a layer or
            model at any level.
        batchnorm: `"inference"` keeps the BatchNormalization layers in inference
            mode; `"training"` lets those that follow train as well.

    Returns:
        Integer, trainable parameters of `base`.

    Raises:
        ValueError: If nothing has that name, or `batchnorm` is something else.

    Source: https://github.com/keras-team/keras/issues/20285 (why layer by layer)
    """
    if batchnorm not in ("inference", "training"):
        raise ValueError(
            f"Expected `batchnorm` 'inference' or 'training'. Received: {batchnorm!r}"
        )
    layers = nesting.leaves(nesting.check_graph(base))
    first = layers.index(_first_layer(base, stage_or_layer))
    set_flags(base, set(map(id, layers[first:])))
    if batchnorm == "inference":
        for layer in filter(is_batchnorm, nesting.layers_inside(base)):
            layer.trainable = False
    return count(base.trainable_weights)


def _first_layer(base, name):
    """The first layer of what has this name; outer names go before inner ones."""
    found = {}
    for model in reversed([base, *nesting.nested_models(base)]):
        found |= {layer.name: layer for layer in model.layers}
    if name not in found:
        named = {stage.name: stage.layers[0] for stage in stages(_backbone(base))}
        if name not in named:
            raise ValueError(
                f"Expected one of the stages ({', '.join(named)}) or a layer's name "
                f"from `base.summary()`. Received: {name!r}"
            )
        found = named
    layer = found[name]
    return nesting.leaves(layer)[0] if nesting.is_graph(layer) else layer


def _backbone(model):
    bases = nesting.bases_in(model)
    return _backbone(bases[0]) if len(bases) == 1 else model


def set_flags(model, chosen):
    """Sets `trainable` at all levels: of the leaf layers, only `chosen` ids train.

    The model's own flag is set to True, a nested model's if anything in it trains.
    """
    model.trainable = True  # first, as it overwrites the flags inside
    for nested in nesting.nested_models(model):
        nested.trainable = bool(chosen & set(map(id, nesting.leaves(nested))))
    for leaf in nesting.leaves(model):
        for layer in nesting.layers_inside(leaf):
            layer.trainable = id(leaf) in chosen
            _keep_low_rank(layer)


def _keep_low_rank(layer):
    """Freezes again what `enable_lora` froze: it trains two small factors instead."""
    weights = list(nesting.held(layer, keras.Variable))  # not those of layers inside
    names = {weight.name for weight in weights}
    for weight in weights:
        if f"lora_{weight.name}_a" in names:
            weight.trainable = False


@dataclasses.dataclass(frozen=True)
class Trains:
    """What `fit` will really change: `parameters`, of `total` numbers.

    `stale` if the flags were changed after the choice was made by `compile` and `fit`,
    which train none that they did not train before.
    """

    parameters: int
    total: int
    compiled: bool
    stale: bool

    def __str__(self):
        share = f"({self.parameters / max(self.total, 1):.1%})"
        text = f"{self.parameters:,} of {self.total:,} parameters {share}"
        if not self.compiled:
            return f"not compiled; would train {text}"
        stale = "; the flags have changed since: compile again" if self.stale else ""
        return f"trains {text}{stale}"


def trains(model):
    """Finds out what a model trains, whatever its flags say now.

    The optimizer is built for the weights that were trainable at the first `fit`
    after `compile`, and trains no others. Weights frozen since then still train
    on TensorFlow. On PyTorch they do not. On JAX `fit` stops.
    """
    now, total = model.trainable_weights, count(model.weights)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return Trains(count(now), total, compiled=False, stale=False)
    chosen = _optimized(optimizer, model) if optimizer.built else now
    trainable = set(map(id, now))
    stale = set(map(id, chosen)) != trainable
    if keras.backend.backend() == "torch":  # reads the flags at every step
        chosen = [weight for weight in chosen if id(weight) in trainable]
    return Trains(count(chosen), total, compiled=True, stale=stale)


def _optimized(optimizer, model):
    """The weights of a model that its optimizer was built for, which it keeps."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of mixed precision
    kept = {id(variable) for variable in nesting.held(inner, keras.Variable)}
    return [weight for weight in model.weights if id(weight) in kept]


def recompile(model):
    """Compiles a model as it was compiled before, with a new optimizer.

    One that was never compiled gets Adam, sparse categorical crossentropy and
    accuracy. Raises ValueError if Keras cannot repeat what `compile` was given.
    """
    if getattr(model, "optimizer", None) is None:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.optimizer.build(model.trainable_variables)  # decided, as below
        return model
    try:
        model.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            "Expected optimizer, loss and metrics that Keras can write down. "
            f"Received: {error}. Call `model.compile(...)` in a cell, as you did "
            "before."
        ) from error
    return model
