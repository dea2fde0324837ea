"""Exercises of lessons 10 to 14."""

import pathlib
import types

import keras
import numpy as np

from tlcourse.checks.exercise import choice, exercise, hint, is_close, praise
from tlcourse.data import Dataset, symbols
from tlcourse.teachable import GrowingClassifier
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
    if right < whole - 0.05:
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


@exercise("13.1", GrowingClassifier)
@hint(
    "`classifier.add_class('other')`. Then `classifier.add('other', "
    "symbols.draw('house', range(4), size))`, and so on with each symbol to refuse."
)
@praise("It has an answer for what it does not know, learnt from examples.")
def none_of_these(answer, known):
    new = [name for name in answer.dataset().class_names if name not in known]
    if not {*known} < {*answer.dataset().class_names}:
        return "There is no class more than before. Add one, and examples of it."
    said = _say_of_symbols(answer)
    for symbol, names in said.items():
        right = [symbol] if symbol in known else new
        share = np.isin(names, right).mean()
        if share < 0.5 and symbol in known:
            return f"Of new drawings of {symbol}, {share:.0%} still get their name."
        if share < 0.5:
            return (
                f"Of new drawings of {symbol}, {share:.0%} are refused. A class knows "
                "what it was shown: which symbols has it seen?"
            )


def _say_of_symbols(classifier):
    """What a classifier says of twenty new drawings of each symbol: dict of arrays."""
    drawn = symbols.dataset(range(900, 920), classifier.size)
    shares = classifier.model().predict(drawn.images, verbose=0)
    said = np.array(classifier.dataset().class_names)[shares.argmax(axis=1)]
    return {name: said[drawn.labels == k] for k, name in enumerate(drawn.class_names)}


@exercise("13.2", list, tuple, np.ndarray)
@hint("`np.linalg.norm(shots - shots[0], axis=1)` is how far each is from the first.")
@praise("Near-duplicates. Such pictures belong on one side of the split.")
def find_the_same_thing(answer, thing):
    found = sorted(int(position) for position in answer)
    if 0 in found:
        return "The first picture is nearest to itself. Which three come next?"
    if len(set(found)) != 3 or not 0 <= found[0] <= found[-1] < len(thing):
        return f"Three positions, from 1 to {len(thing) - 1}."
    if strangers := [k for k in found if thing[k] != thing[0]]:
        return f"Look at {strangers}: that is another thing. Small distances are near."


@exercise("13.3", Dataset)
@hint("Print `tomorrow.class_names` and `drawn.class_names`. `load_folder` takes one.")
@praise("A label is a position, so the order of the names belongs to the network.")
def labels_that_fit(answer, model, class_names):
    if len(answer) == 0 or answer.images.shape[1:] != model.layers[-1].input_shape[1:]:
        return "Load the drawings that were saved, in the size that was learnt."
    said = model.predict(answer.images, verbose=0).argmax(axis=1)
    if tuple(answer.class_names) != tuple(class_names):
        right = np.mean(said == answer.labels)
        return (
            f"The network gets {right:.0%} of these right, which it knows by heart. "
            "What does label 0 mean to it, and what here?"
        )
    if (right := np.mean(said == answer.labels)) < 0.8:
        return f"Right: {right:.0%}. Are these the drawings of this session?"


@exercise("14.1", "number")
@hint("Seconds for one machine, divided by the seconds of twelve hours.")
@praise("On paper, before anybody rents anything.")
def machines_for_a_night(answer, rate):
    exact = 10**9 / rate / (12 * 3600)
    if answer == np.ceil(exact):
        return None
    if is_close(answer, exact) or answer == np.floor(exact):
        return f"{answer:g} would be late. Round up: `math.ceil`."
    if is_close(answer, exact * 12 * 3600, 0.01):
        return "Those are the seconds that one machine takes. You have twelve hours."
    if is_close(answer, exact * 3600, 0.01):
        return "`rate` is images a second: twelve hours have 12 * 3600 of them."
    if is_close(answer, exact / 1000, 0.01):
        return "That would do for a million. A billion is a thousand million."
    return "Divide the billion by `rate`, then by the seconds in twelve hours."


@exercise("14.2", np.ndarray)
@hint("`answer = np.empty_like(mixed)`. Then row `keys[0]` of it is `mixed[0]`.")
@praise("Whoever finishes first, and in whatever order: a key finds its row.")
def rows_in_order(answer, mixed, keys):
    if answer.shape != mixed.shape:
        return f"Expected {mixed.shape}, a row per image. Received: {answer.shape}."
    if np.array_equal(answer, mixed):
        return f"As they came: row 0 belongs to image {keys[0]}, the keys say."
    if np.array_equal(answer, mixed[keys]):
        return (
            f"`mixed[keys]` puts row {keys[0]} of `mixed` first. Which image does that "
            "row belong to?"
        )
    if not np.array_equal(answer[keys], mixed):
        return f"Look at row {keys[0]}: it should be `mixed[0]`."


@exercise("14.3", "number")
@hint("`run(broken)` gives a report; it has `computed`.")
@praise("What was there stayed there. Any process could have gone on.")
def go_on(answer, before, job):
    if left := job.missing():
        return f"{len(left)} shards are still missing. `run(broken)` computes them."
    if answer == job.n_shards:
        return "That is all of them. Those that were there are not computed again."
    if answer == 0:
        return "That was a second run: the first one had finished it. What did it say?"
    if answer != len(before):
        return "All shards are there now. How many of them were missing before?"
