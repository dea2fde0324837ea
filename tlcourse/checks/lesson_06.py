"""Exercises of lesson 06."""

import keras

from tlcourse.checks.exercise import exercise, hint, praise


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


@exercise("6.2", keras.Sequential)
@hint("Pooling, Dense, Dropout, Dense: four layers, in this order.")
@praise("A wrapper with a hidden layer.")
def wrapper_with_hidden_layer(answer, base, classes):
    kinds = [type(layer).__name__ for layer in answer.layers]
    if "Flatten" in kinds or "GlobalAveragePooling2D" not in kinds:
        return "Begin with `GlobalAveragePooling2D`, so that the wrapper stays small."
    if "Dropout" not in kinds:
        return "The dropout is missing."
    if kinds != ["GlobalAveragePooling2D", "Dense", "Dropout", "Dense"]:
        return f"Expected pooling, Dense, Dropout, Dense. Received: {kinds}."
    hidden, dropout, out = answer.layers[1:]
    if (hidden.units, hidden.activation) != (64, keras.activations.relu):
        return "The hidden layer wants 64 units and `relu`."
    if abs(dropout.rate - 0.3) > 1e-6:
        return f"The dropout should be 0.3. Received: {dropout.rate}."
    if (out.units, out.activation) != (classes, keras.activations.softmax):
        return "The last layer wants one unit for each class, and softmax."
    if tuple(answer.input_shape) != (None, *base.output_shape[1:]):
        return "Begin with `keras.Input(base.output_shape[1:])`."


@exercise("6.3", (keras.losses.Loss, str))
@hint("The model gives probabilities already. What does the loss expect?")
@praise("Softmax in the model, and a loss that knows.")
def loss_for_probabilities(answer):
    if answer == "sparse_categorical_crossentropy":
        return None
    kind = getattr(type(answer), "__name__", "")
    if kind != "SparseCategoricalCrossentropy":
        return "Our labels are integers. Which cross-entropy takes integers?"
    if answer.get_config()["from_logits"]:
        return "That loss applies softmax itself. The model has done so already."
