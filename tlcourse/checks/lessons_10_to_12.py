"""Judges of the exercises in lessons 10 to 12."""

import pathlib
import types

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, praise
from tlcourse.yosinski.experiment import CUTS, TREATMENTS

OTHER_TASK = "Its layers learnt another task: that is what the control must not have."


def _share_right(model, inputs, labels):
    found = np.asarray(model.predict(inputs, verbose=0))
    return float(np.mean(found.argmax(axis=-1) == labels))


def _no_input(model):
    if not model.built:
        return "It has no weights yet. Begin with `keras.Input`, or fit it first."


@exercise("10.1", keras.Model)
@hint("As `small`, with `Dense(64, activation='relu')` in between; then compile, fit.")
@praise("Trained on vectors, without any picture.")
def network_on_features(answer, vectors, labels):
    if wrong := _no_input(answer):
        return wrong
    if tuple(answer.input_shape[1:]) != vectors.shape[1:]:
        return f"It should take vectors of {vectors.shape[1:]}, not pictures."
    dense = [x for x in answer.layers if isinstance(x, keras.layers.Dense)]
    if not any(layer.units == 64 for layer in dense[:-1]):
        return "The hidden layer with 64 units is missing."
    if (right := _share_right(answer, vectors, labels)) < 0.6:
        return f"Right on held-out images: {right:.2f}. Did you fit it, long enough?"


@exercise("10.2", str, pathlib.Path)
@hint("`np.savez(path, vectors=vectors, labels=...)`; `np.load(path).files` lists it.")
@praise("Tomorrow you need neither the base nor the images.")
def keep_the_features(answer, vectors, labels):
    if not pathlib.Path(answer).is_file():
        return "There is no such file. Save first; `np.savez` adds .npz to a name."
    stored = np.load(answer)
    for name, kept in (("vectors", vectors), ("labels", labels)):
        if name not in getattr(stored, "files", ()):
            return f"In that file there is nothing under the name `{name}`."
        if not np.array_equal(stored[name], kept):
            return f"Its {name} {stored[name].shape} are others than the lesson's."


@exercise("10.3", keras.Model)
@hint("What range of numbers did the base get in training, and what in the program?")
@praise("What was stored and what comes in now are made in the same way.")
def mend_the_program(answer, program, data):
    if wrong := _no_input(answer):
        return wrong
    if tuple(answer.input_shape[1:]) != data.images.shape[1:]:
        return f"A program takes pictures, {data.images.shape[1:]}. Put the base in."
    right = _share_right(answer, data.images, data.labels)
    whole = _share_right(program, data.images, data.labels)
    if right < whole / 2:
        return f"Right on new pictures: {right:.2f}. Compare what the base is given."
    if right < 0.75 * whole:
        return f"Both ends fit, but {right:.2f} is less than {whole:.2f}. The scale?"


@exercise("11.1", dict)
@hint("`curves['far'].specificity.mean(axis=0)` has seven numbers, for cuts 1 to 7.")
@praise("So many layers are general enough; further up, they are about A.")
def last_general_cuts(answer, curves):
    if set(answer) != set(curves):
        return f"Expected a number of layers for each of {', '.join(curves)}."
    for split, said in answer.items():
        last = max(np.array(CUTS)[curves[split].specificity.mean(axis=0) < 0.02])
        if said not in CUTS:
            return f"{split}: expected a number of layers, 1 to {CUTS[-1]}."
        if said != last:
            more = "Copying so many loses more than that." if said > last else ""
            return f"{split}: {more or 'That is cheap, but so are more layers.'}"


@exercise("11.2", keras.Model)
@hint("The cell that built A5B does it for five layers. Which line says five?")
@praise("Your own A6B: six layers of A at rest, and B learnt on top of them.")
def build_a6b(answer, bases, unseen):
    weights, (a, b) = answer.get_weights(), (bases["A"], bases["B"])
    if [w.shape for w in weights] != [w.shape for w in a]:
        return "Expected a network with the layers of `yosinski.network(96)`."
    from_a, from_b = (list(map(np.array_equal, weights, base)) for base in (a, b))
    if all(from_b[:12]):
        return "Its first six layers are those of B. That is the control, B6B."
    if any(from_a[12:]):
        return "fc7 should be new, and trained on B. Here it is still that of A."
    if not all(from_a[:12]):
        n = from_a[:12:2].index(False) if False in from_a[:12:2] else 6
        return f"The first {n} layers are those of A, the next is not. Copy six."
    layers = [layer for layer in answer.layers if layer.weights]
    if any(layer.trainable for layer in layers[:6]):
        return "Its copied layers may still train. Freeze them, and compile again."
    classes = answer.predict(unseen.images, verbose=0).argmax(axis=1)
    if (right := np.mean(classes == unseen.labels)) < 0.5:
        return f"Right on B in unseen fonts: {right:.2f}. Did you train it on B?"


@exercise("11.3", "text")
@hint("In which of them is the task the same, and still something is frozen?")
@praise("Same task, frozen copies: what that loses cannot be about the task.")
def control_of_the_task(answer):
    said = answer.strip().lower()
    if said in ("bnb", "b7b"):
        return None
    reasons = {
        "b": "It has no frozen layer, so it differs from A7B in two things at once.",
        "bnb+": "Nothing is frozen there, so it cannot say what freezing costs.",
        "random": "Its layers learnt nothing. That shows what learning was worth.",
        "twice": "Nothing is frozen there. It is the control for fine-tuned copies.",
        **dict.fromkeys(("anb", "anb+", "a7b", "a7b+"), OTHER_TASK),
    }
    reasons["b7b+"], reasons["random 7"] = reasons["bnb+"], reasons["random"]
    return reasons.get(said, f"Expected one of {', '.join(TREATMENTS)}, in quotes.")


@exercise("12.1", types.FunctionType)
@hint("Print `order[:cut]` beside `range(cut)`: which vectors, and whose labels?")
@praise("Each vector has its own label now.")
def mend_patient_a(answer, few, new):
    model = answer(*few)
    if not isinstance(model, keras.Model):
        return f"It should return the model. Received: {type(model).__name__}."
    right, wanted = _share_right(model, *few), _share_right(model, *new)
    if right < 0.6:
        return f"Right on the training images: {right:.2f}. Who got which label?"
    if wanted < 2 / (few[1].max() + 1):
        return f"Right on new images: {wanted:.2f}, hardly better than guessing."


@exercise("12.2", types.FunctionType)
@hint("Compare `rest.get_weights()` before and after. What does `fit` go by?")
@praise("The last part of the base learns, and keeps what it knew.")
def mend_patient_b(answer, model, rest, few, new):
    start = model.get_weights()
    try:
        answer(model, rest, *few)
        after, right = rest.get_weights(), _share_right(model, *new)
    finally:
        model.set_weights(start)
    pairs = zip(start, after, strict=False)  # `rest` is the first in it
    if max(np.abs(a - b).max() for a, b in pairs) == 0:
        return "The largest change in `rest` is 0.0. Compare after each line."
    if right < max(2 / (few[1].max() + 1), 0.5):
        return f"`rest` moved, but {right:.2f} of new images are right. At which rate?"
