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


@exercise("8.1", keras.Model)
@hint("Unfreeze, put BatchNormalization to sleep, compile with a small rate, then fit.")
@praise("The kernels moved, and every BatchNormalization layer slept.")
def mended_script(answer, pretrained):
    base = next((x for x in answer.layers if isinstance(x, keras.Model)), None)
    if base is None or len(base.weights) != len(pretrained):
        return "Expected the whole model, with its base and the dense layer."
    pairs = zip(base.weights, base.get_weights(), pretrained, strict=True)
    moved = {}
    for weight, now, before in pairs:
        far = float(np.abs(now - before).max())
        moved[weight.name] = max(moved.get(weight.name, 0.0), far)
    optimizer = getattr(answer, "optimizer", None)
    if optimizer is None or not answer.built:
        return "This model was not compiled, or not trained."
    if moved["moving_mean"] > 0 or moved["gamma"] > 0:
        return "A BatchNormalization layer was awake: its averages or its gamma moved."
    if not moved["kernel"] > 0:
        return "No kernel of the base moved. When does Keras note what trains?"
    if float(keras.ops.convert_to_numpy(optimizer.learning_rate)) > 1e-3:
        return "The base trained, but at the rate of a head. Make it much smaller."


@exercise("8.2", "number")
@hint("`(table - head_right).min(axis=1)` is the worst draw of each rate.")
@praise("As bold as these draws allow, and no bolder.")
def boldest_safe_rate(answer, rates, table, head):
    worst = np.min(np.asarray(table) - head, axis=1)
    place = np.isclose(answer, rates, rtol=1e-6, atol=0)
    if not any(place):
        return f"Choose one of {rates}: the learning rate itself, not its place."
    safe = np.asarray(rates)[worst >= -0.02 - 1e-9]
    if worst[place][0] < -0.02 - 1e-9:
        return f"At that rate one draw lost {-100 * worst[place][0]:.1f} points."
    if answer < safe.max() * 0.999:
        return "That is safe. A larger rate is safe, too."


@exercise("8.3", list, tuple, np.ndarray)
@hint('`fit(..., validation_data=...).history["val_accuracy"]`, after a new start.')
@praise("Without a trained head it takes more epochs, and it arrives.")
def from_an_untrained_head(answer, head, epochs):
    values = np.asarray(answer, "float64")
    if values.ndim != 1 or len(values) < epochs:
        return f"Expected a number for each of {epochs} epochs."
    if not ((values >= 0) & (values <= 1)).all():
        return "Accuracies lie between 0 and 1."
    if values[0] > head - 0.05:
        return "This one begins where a trained head is. Build the model anew."
    if values[-1] < head - 0.1:
        return "It has not arrived. Do the base's kernels train, at about 1e-4?"


@exercise("9.1", "share")
@hint("The place of a layer: `base.layers.index(stage.layers[0])`.")
@praise("Stages 4 and 5 trained. One draw, so do not build on it.")
def one_more_row(answer, model, held_out):
    base = next(x for x in model.layers if isinstance(x, keras.Model))
    stages = [x for x in freezing.stages(base) if any(y.trainable for y in x.layers)]
    names = [stage.name for stage in stages if _trainable(stage)]
    if names != ["stage 4", "stage 5"]:
        return f"What trains now: {', '.join(names) or 'the head only'}."
    found = model.predict(held_out.images, verbose=0).argmax(axis=1)
    right = float(np.mean(found == held_out.labels))
    if abs(answer - right) > 0.005:
        return "The tuned model reaches another number. Take what `tune` returns."


def _trainable(stage):
    """How many numbers of a stage's layers train."""
    return sum(freezing.count(layer.trainable_weights) for layer in stage.layers)


@exercise("9.2", tuple, list)
@hint("`chosen[column]`, then mean and `std(ddof=1)` of `100 * gained[column]`.")
@praise("A row, its gain and how sure one can be of it: that can be defended.")
def defended_row(answer, chosen, gained, column):
    if len(answer) != 3:
        return "Expected three things: row, mean gain, spread."
    row, gain, spread = answer
    points = 100 * np.asarray(gained[column])
    if row not in chosen:
        return f"Expected a row of the grid, such as {chosen[0]!r}. Received: {row!r}."
    if row != chosen[column]:
        return "Another row was chosen for fifty labels. Which column is theirs?"
    if is_close(gain, points.mean() / 100, 1e-3):
        return "Give gain and spread in points: 100 times the share."
    if not is_close(gain, points.mean(), 1e-2):
        return "Mean gain: the mean of that column's three draws, in points."
    if is_close(spread, points.std(), 1e-3):
        return "That divides by three. From a sample, `ddof=1`."
    if not is_close(spread, points.std(ddof=1), 1e-2):
        return "Spread: the sample standard deviation of the same three gains."


@exercise("9.3", "number")
@hint("For each column of each task: is the mean of its gains above 2?")
@praise("Counted, not believed.")
def where_the_rule_costs(answer, gains):
    every = [np.asarray(each) for x in gains.values() for each in x.values()]
    if answer == sum(int((each > 2).sum()) for each in every) != len(every):
        return "Those are draws. Take the mean of each column first."
    if answer == sum(int(each.mean() > 2) for each in gains["far"].values()) and any(
        each.mean() > 2 for each in gains["near"].values()
    ):
        return "That is the far task alone. There are two grids."
    if answer != sum(int(each.mean() > 2) for each in every):
        return "Count the columns, of both tasks, whose mean gain is above two points."
