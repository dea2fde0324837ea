"""Exercises of lessons 05 to 09."""

import keras
import numpy as np

from tlcourse.checks.exercise import choice, exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("5.1", "number")
@hint("First `base.trainable = True`. Then set the flag of each layer of `base`.")
@praise("Two stages train, and no average moves by itself.")
def all_but_two_stages(answer, model, base):
    last = [x for stage in freezing.stages(base)[-2:] for x in stage.layers]
    is_norm = freezing.is_batchnorm
    if any(x.trainable_weights and x not in last for x in base.layers):
        return "A layer before the last two stages still says `trainable`."
    if any(is_norm(x) and x.trainable for x in base.layers):
        return "BatchNormalization layers still train. Freeze those one by one."
    if any(x.weights and not x.trainable_weights for x in last if not is_norm(x)):
        return "Some layers of the last two stages are frozen. Order matters."
    if answer == freezing.count(base.trainable_weights):
        return "That is the base alone. `fit` changes the dense layer too."
    if answer != freezing.count(model.trainable_weights):
        return "The flags are right. Now count what `fit` would change in `model`."


@exercise("5.2", "number")
@hint("When does Keras make up its mind about what trains?")
@praise("The dense layer alone: nobody compiled after the flags changed.")
def stale_compile(answer, base, classes):
    head = base.output_shape[-1] * classes + classes
    last = freezing.stages(base)[-1].layers
    stage = sum(x.count_params() for x in last if not freezing.is_batchnorm(x))
    if answer == 0:
        return "The dense layer was never frozen. It goes on training."
    if answer in (stage, stage + head):
        return "So say the flags. But the optimizer was built before they changed."
    if answer != head:
        return "Which weights were trainable when the model was compiled and fitted?"


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


@exercise("6.2", keras.Sequential)
@hint("Pooling, Dense, Dropout, Dense: four layers, in this order.")
@praise("A wrapper with a hidden layer.")
def wrapper_with_hidden_layer(answer, base, classes):
    kinds = [type(layer).__name__ for layer in answer.layers]
    if kinds[:1] != ["GlobalAveragePooling2D"]:
        return "Begin with `GlobalAveragePooling2D`, so that the wrapper stays small."
    if kinds != ["GlobalAveragePooling2D", "Dense", "Dropout", "Dense"]:
        return f"Expected pooling, Dense, Dropout, Dense. Received: {kinds}."
    hidden, dropout, out = answer.layers[1:]
    if (hidden.units, hidden.activation) != (64, keras.activations.relu):
        return "The hidden layer wants 64 units and `relu`."
    if abs(dropout.rate - 0.3) > 1e-6:
        return f"The dropout should be 0.3. Received: {dropout.rate}."
    if (out.units, out.activation) != (classes, keras.activations.softmax):
        return "The last layer wants one unit for each class, and softmax."
    if answer.input_shape != base.output_shape:
        return "Begin with `keras.Input(base.output_shape[1:])`."


@exercise("6.3", keras.losses.Loss, str)
@hint("The model gives probabilities already. What does the loss expect?")
@praise("Softmax in the model, and a loss that knows.")
def loss_for_probabilities(answer):
    sparse = isinstance(answer, keras.losses.SparseCategoricalCrossentropy)
    if not sparse and answer != "sparse_categorical_crossentropy":
        return "Our labels are integers. Which cross-entropy takes integers?"
    if sparse and answer.get_config()["from_logits"]:
        return "That loss applies softmax itself. The model has done so already."


@exercise("7.1", "share")
@hint("Build the pair of vectors and dataset for `features`, as in the loop.")
@praise("It lies between its neighbours on the curve.")
def three_labels_a_class(answer, one, five):
    if answer <= one:
        return "Not better than one label a class. Are these the features?"
    if answer >= five:
        return "As good as five labels a class. Did you ask for three?"


@exercise("7.2", "number")
@hint("`np.argmax` finds the best place. It counts from 0, and epochs from 1.")
@praise("Validation decides, not training.")
def when_to_stop(answer, history):
    values = history.history["val_accuracy"]
    best = values.index(max(values)) + 1
    if answer == best - 1:
        return "Python counts from 0, epochs from 1."
    if not 1 <= answer <= len(values):
        return f"There were {len(values)} epochs."
    if answer != best and values[int(answer) - 1] == max(values):
        return "As good, but an earlier epoch was as good already."
    if answer != best:
        return "Another epoch has a higher validation accuracy."


choice(
    "7.3",
    "b",
    hint="What do the two bases share? What is the only thing that differs?",
    praise="A control that changes the weights alone speaks about the weights.",
    a="Both bases saw more than pixels: they computed features of them.",
    c="Both had the same labels. That cannot make a difference.",
)


@exercise("8.1", "text")
@hint("Wrapper first. Flags before `compile`, the base's before its layers'.")
@praise("Wrapper, base, BatchNormalization, compile, fit.")
def order_of_the_steps(answer):
    steps = answer.strip().lower()
    if sorted(steps) != list("abcde"):
        return "Use each of the letters a, b, c, d, e once."
    if steps[0] != "b":
        return "A new wrapper's learning rate would spoil the base. Train it first."
    if steps.index("c") < steps.index("e"):
        return "The base's flag overwrites its layers'. BatchNormalization would train."
    if steps.index("a") < max(steps.index("c"), steps.index("e")):
        return "Flags changed after `compile` have no effect."
    if steps != "becad":
        return "Compile comes before fit."


@exercise("8.2", "number")
@hint("`tuned_at`: a row for each learning rate. `mean(axis=1)`, then `argmax`.")
@praise("The top of the hill.")
def best_learning_rate(answer, rates, table):
    means, place = np.mean(table, axis=1), np.isclose(answer, rates, rtol=1e-6, atol=0)
    if not any(place):
        return f"Choose one of {rates}: the learning rate itself, not its place."
    if place[-1]:
        return "That is the cliff: the largest learning rate, not the best."
    if means[place] < means.max() - 1e-9:
        return "Another learning rate has a higher mean. Look at the top of the hill."


@exercise("8.3", "number")
@hint("`np.abs(kernels() - before).max()`.")
@praise("Nothing moved. The flags had changed, but nobody compiled.")
def nothing_was_tuned(answer, model):
    if answer > 0 and not freezing.trains(model).stale:
        return "Something moved: the model was compiled again. Run the cell above anew."
    if answer > 0:
        return "Are these the kernels of the base, before and after? They are equal."
    if answer != 0:
        return "A change has a size: take `np.abs` first."


@exercise("9.1", "share")
@hint("As in the loop, with `stages[-2].name`, `[5]`, `draws=[0]` and `epochs=3`.")
@praise("One cell more. One draw, so do not build on it.")
def one_more_cell(answer, found):
    if set(found) != {(5, 0, 0.0), (5, 0, 1e-4)}:
        return "Tune with five labels, draw 0 and the learning rate 1e-4 only."
    right = is_close(answer, found[5, 0, 1e-4])
    if is_close(answer, found[5, 0, 0.0]) and not right:
        return "That is the frozen head. Take the entry with your learning rate."
    if not right:
        return "The keys of `found` are labels, draw and learning rate. Look there."


@exercise("9.2", "text")
@hint("Print `gained[0]`. Is the gain there in every draw?")
@praise("Quick, and the chosen depth gains in some draws only.")
def depth_for_one_label(answer, names):
    if answer not in names:
        return f"Take a name from `names`: {', '.join(names)}."
    if answer == names[-1]:
        return "That is the slowest, and there is no time. Is its gain worth it?"
    if answer != names[0]:
        return "A cheaper row is about as good, and can be relied on as much."
