"""Judges of the exercises in lessons 05 to 07."""

import types

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("5.1", "number")
@hint("Reset the flag of `base`, then go through `base.layers` with `isinstance`.")
@praise("Small filters, one per channel: few weights, and they are all over the base.")
def depthwise_alone(answer, model, base):
    chosen = [x for x in base.layers if isinstance(x, keras.layers.DepthwiseConv2D)]
    others = [x for x in base.layers if x.trainable_weights and x not in chosen]
    if any(map(freezing.is_batchnorm, others)):
        return "BatchNormalization layers of the base can still learn."
    if others:
        return f"{len(others)} layers of the base can still learn that should not."
    if not base.trainable_weights:
        return "Nothing in the base can learn. Which flag did you set last?"
    if not all(x.trainable_weights for x in chosen):
        return "Some of the depthwise convolutions are frozen."
    if not model.layers[-1].trainable_weights:
        return "The dense layer is frozen. It should learn as well."
    if answer == freezing.count(base.trainable_weights):
        return "That is the base alone. `fit` changes the dense layer too."
    if answer != freezing.count(model.trainable_weights):
        return "The flags are right. Now count what `fit` would change in `model`."


@exercise("5.2", types.FunctionType)
@hint("One mistake is about when flags count, the other about their order.")
@praise("The base learnt, and its BatchNormalization stayed as it was.")
def two_steps(answer):
    base, model = _small_network()
    start, start_head = base.get_weights(), model.layers[-1].get_weights()
    images, labels = np.random.default_rng(0).uniform(-1, 1, (8, 4)), np.arange(8) % 2
    answer(base, model, images, labels)
    kernel, *norm = [
        not np.array_equal(a, b) for a, b in zip(start, base.get_weights(), strict=True)
    ]
    if np.array_equal(start_head[0], model.layers[-1].get_weights()[0]):
        return "The head did not learn. Does the function call `fit`?"
    if not kernel:
        return "The base did not learn. What did `fit` know of its flags?"
    if any(norm):
        return "BatchNormalization changed, too. Which of the flags is set last?"


def _small_network():
    """A base of a dense layer and a BatchNormalization, and a model around it."""
    layers = keras.layers
    inside = [layers.Dense(3, use_bias=False), layers.BatchNormalization()]
    base = keras.Sequential([keras.Input((4,)), *inside])
    head = layers.Dense(2, activation="softmax")
    return base, keras.Sequential([keras.Input((4,)), base, head])


@exercise("5.3", "number")
@hint("The second line unfreezes what the first one froze. What does the third do?")
@praise("The base trains, the dense layer does not.")
def three_lines(answer, base, classes):
    norms = filter(freezing.is_batchnorm, base.layers)
    trainable = base.count_params() - sum(x.count_params() // 2 for x in norms)
    head = base.output_shape[-1] * classes + classes
    if answer == 0:
        return "The second line undoes the first."
    if answer == base.count_params():
        return "Two of the four vectors of a BatchNormalization get no gradients."
    if answer in (head, trainable + head):
        return "The third line freezes the dense layer."
    if answer != trainable:
        return "Run the three lines, then count `model.trainable_weights`."


@exercise("6.1", "number")
@hint("Pooling leaves one number for each map. Each class weighs all of them.")
@praise("One weight for each map and class, and one bias for each class.")
def parameters_of_a_wrapper(answer):
    if answer == 1280 * 102:
        return "Nearly. Each class has a bias, too."
    if answer in (7 * 7 * 1280 * 102, 7 * 7 * 1280 * 102 + 102):
        return "That would be Flatten. Pooling leaves one number for each map."
    if answer != 1280 * 102 + 102:
        return "Multiply maps and classes, and add a bias for each class."


@exercise("6.2", keras.Model)
@hint("Pooling, Dense, Dropout, Dense: four layers, in this order.")
@praise("A wrapper with a hidden layer, and it takes what the base gives.")
def wrapper_with_hidden_layer(answer, base, classes):
    pairs = _layers_and_activations(answer)
    layers, activations = zip(*pairs, strict=True) if pairs else ((), ())
    kinds = [type(layer).__name__ for layer in layers]
    if kinds[:1] != ["GlobalAveragePooling2D"]:
        return "Begin with `GlobalAveragePooling2D`, so that the wrapper stays small."
    if kinds != ["GlobalAveragePooling2D", "Dense", "Dropout", "Dense"]:
        return f"Expected pooling, Dense, Dropout, Dense. Received: {kinds}."
    _, hidden, dropout, out = layers
    if (hidden.units, activations[1]) != (64, "relu"):
        return "The hidden layer wants 64 units and `relu`."
    if abs(dropout.rate - 0.3) > 1e-6:
        return f"The dropout should be 0.3. Received: {dropout.rate}."
    if (out.units, activations[3]) != (classes, "softmax"):
        return "The last layer wants one unit for each class, and softmax."
    if answer.built and answer.input_shape[1:] != base.output_shape[1:]:
        wanted = base.output_shape[1:]
        return f"The base gives maps of {wanted}. Yours expects {answer.input_shape}."


def _layers_and_activations(model):
    """Pairs; models inside are opened, and an activation layer joins a linear one."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _layers_and_activations(layer)
            continue
        kind = type(layer).__name__
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        name = {"ReLU": "relu", "Softmax": "softmax"}.get(kind, name)
        if kind in ("Activation", "ReLU", "Softmax") and found[-1:]:
            if found[-1][1] == "linear":
                found[-1] = found[-1][0], name
                continue
        if kind != "InputLayer":
            found.append((layer, name))
    return found


LOGITS = np.array([2.0, 1.0, 0.5])  # what the dense layer of 6.3 is made to say


@exercise("6.3", keras.Model)
@hint("Count how often softmax is applied, in the layers and in the loss.")
@praise("One softmax, and the loss charges what it should.")
def softmax_once(answer, classes):
    dense = [x for x in answer.layers if isinstance(x, keras.layers.Dense)]
    if len(dense) != 1 or dense[0].units != classes or not dense[0].use_bias:
        return f"Keep one Dense layer with {classes} units."
    if not answer.compiled:
        return "Compile it, with a loss for labels that are integers."
    knows = getattr(answer.loss, "from_logits", None)
    if knows is None and hasattr(answer.loss, "get_config"):
        knows = answer.loss.get_config().get("from_logits")
    before, logits = dense[0].get_weights(), np.resize(LOGITS, classes)
    pixels, once = np.zeros((classes, len(before[0]))), np.exp(logits)
    once = once / once.sum()
    dense[0].set_weights([np.zeros_like(before[0]), logits])
    try:
        said = keras.ops.convert_to_numpy(answer(pixels[:1]))[0]
        are_logits = np.allclose(said, logits, atol=1e-4)
        if are_logits and not knows:
            return "The loss takes these outputs for probabilities. They are logits."
        if knows and not are_logits:
            return "The loss applies softmax itself, and the model has done so already."
        if not knows and not np.allclose(said, once, atol=1e-4):
            return "Softmax is still applied more than once."
        cost = np.ravel(answer.evaluate(pixels, np.arange(classes), verbose=0))[0]
    finally:
        dense[0].set_weights(before)
    if not is_close(cost, -np.log(once).mean(), 1e-3):
        return "The costs are not yet right. Our labels are integers."


@exercise("7.1", "share")
@hint("`sweep` takes the vectors, the held-out vectors, and a list of counts.")
@praise("One more point, measured in five draws.")
def three_labels_per_class(answer, sweep, vectors):
    def measure(count):
        return sweep(*vectors["trained base"], [count]).mean()

    if abs(answer - measure(3)) < 1e-3:
        return None
    for count in (1, 5):
        if abs(answer - measure(count)) < 1e-3:
            return f"That is the mean for {count} per class. Did you ask for three?"
    return "Measured again, it is not that. Trained base, five draws, their mean?"


@exercise("7.2", keras.callbacks.History)
@hint('`EarlyStopping("val_loss", patience=3)`, in the list `callbacks` of `fit`.')
@praise("Training ended three epochs after the best one, and validation said so.")
def stopped_early(answer):
    losses = getattr(answer, "history", {}).get("val_loss")
    if not losses:
        return "There is no `val_loss` in it. Give `fit` the `validation_data`."
    waited = len(losses) - 1 - int(np.argmin(losses))
    if len(losses) >= 300:
        return "It ran for all 300 epochs. Which callback would have stopped it?"
    if waited != 3:
        return f"It went on for {waited} epochs after the lowest `val_loss`, not 3."


@exercise("7.3", list, tuple, np.ndarray)
@hint("`np.random.default_rng(0).permutation` shuffles. Fit on that, and score.")
@praise("Wrong labels, and next to nothing is left. The figure was no artefact.")
def shuffled_labels(answer, real, guess):
    shares = np.asarray(answer, "float64")
    if shares.shape != (5,) or not np.all((shares >= 0) & (shares <= 1)):
        return "Expected five accuracies from 0 to 1, one for each draw."
    if np.ptp(shares) == 0:
        return "Five equal numbers. Draw other images each time, and shuffle again."
    if np.abs(shares - real).max() < 0.02:
        return "As good as with the true labels. What did `fit` get to see?"
    if shares.mean() > (guess + np.mean(real)) / 2:
        return "Too good for wrong labels. Shuffle all of them, then fit."
    if shares.mean() < guess / 3:
        return "Worse than guessing. Score with the true labels of the validation set."
