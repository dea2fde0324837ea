"""Judges of the exercises in lessons 08 and 09."""

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.models import freezing
from tlcourse.training import shipped_gains, shipped_grid


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
    if float(keras.ops.convert_to_tensor(optimizer.learning_rate)) > 1e-3:
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
    stages = freezing.stages(base)
    names = [x.name for x in stages if any(y.trainable_weights for y in x.layers)]
    if names != ["stage 4", "stage 5"]:
        return f"What trains now: {', '.join(names) or 'the head only'}."
    found = model.predict(held_out.images, verbose=0).argmax(axis=1)
    right = float(np.mean(found == held_out.labels))
    if abs(answer - right) > 0.005:
        return "The tuned model reaches another number. Take what `tune` returns."


@exercise("9.2", tuple, list)
@hint("`chosen[column]`, then mean and `std(ddof=1)` of `100 * gained[column]`.")
@praise("A row, its gain and how sure one can be of it: that can be defended.")
def defended_row(answer):
    chosen, gained = shipped_gains("far")
    column = shipped_grid("far")[1].index(50)
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
