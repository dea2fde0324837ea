"""Exercises of lessons 10 to 14."""

import numbers

import keras
import numpy as np

from tlcourse.checks.exercise import choice, exercise, hint, is_close, praise
from tlcourse.yosinski.experiment import CUTS, TREATMENTS

OTHER_TASK = "Its layers learnt another task. Two reasons come together there."
FLAGS = "`freezing.trains(model)` says that its flags are as compiled."
SCALE = "Print the range of `train.images`: it is that of raw pixels, and the model "


@exercise("10.1", keras.Model)
@hint("As `small`, with `Dense(64, activation='relu')` in between.")
@praise("Trained on vectors, without any picture.")
def network_on_features(answer, vectors, labels):
    if tuple(answer.input_shape[1:]) != vectors.shape[1:]:
        return f"It should take vectors of {vectors.shape[1:]}, not pictures."
    dense = [x for x in answer.layers if isinstance(x, keras.layers.Dense)]
    if not any(layer.units == 64 for layer in dense[:-1]):
        return "The hidden layer with 64 units is missing."
    classes = answer.predict(vectors, verbose=0).argmax(axis=1)
    if (right := np.mean(classes == labels)) < 0.6:
        return f"Right on held-out images: {right:.2f}. Did you fit it, long enough?"


@exercise("10.2", np.ndarray, np.lib.npyio.NpzFile)
@hint("`np.savez(path, vectors=vectors)`, then `np.load(path)['vectors']`.")
@praise("Tomorrow you need neither the base nor the images.")
def keep_the_features(answer, vectors, path):
    if not path.is_file():
        return f"There is no file {path.name} yet. Save first."
    if not isinstance(answer, np.ndarray):
        return "`np.load` gives a box with names. Open it: `[...]` with the name."
    if answer is vectors:
        return "That is the array itself. Load what you saved."
    if not np.array_equal(answer, vectors):
        return f"Expected {vectors.shape}, as saved. Received: {answer.shape}."


@exercise("10.3", "text")
@hint("Do the images change? Does the base? If neither: extract.")
@praise("Extract what stays as it is.")
def extract_freeze_or_tune(answer):
    letters = answer.strip().lower()
    if len(letters) != 3 or set(letters) - set("eft"):
        return "Three letters, each e, f or t."
    if letters[0] != "e":
        return "One: neither the images nor the base change. Why compute them again?"
    if letters[1] == "e":
        return "Two: each epoch shows other pictures, so there is nothing to store."
    if letters[1] == "t":
        return "Two: with few images, leave the base as it is."
    if letters[2] != "t":
        return "Three: the features were made for other pictures. Let them adapt."


@exercise("11.1", "number")
@hint("`specificity.mean(axis=0) < 0.02` is a row of seven; the cuts are 1 to 7.")
@praise("Up to there the layers are general. Behind it, they are about A.")
def last_general_cut(answer, curves):
    last = max(np.array(CUTS)[curves.specificity.mean(axis=0) < 0.02])
    if answer not in CUTS:
        return f"Expected a number of layers, 1 to {CUTS[-1]}. Received: {answer}."
    if answer > last:
        return "Copying so many from A loses more than that."
    if answer < last:
        return "That is cheap, but so are more layers. Look further right."


@exercise("11.2", dict)
@hint("`{('AnB', 6): experiment.accuracy('AnB', 6)}`, with a cut of your own.")
@praise("Your point lies where five seeds said it would.")
def one_more_point(answer, curves, mine):
    if len(answer) != 1:
        return f"Expected one point. Received: {len(answer)}."
    (key, accuracy), *_ = answer.items()
    if key not in [(treatment, cut) for treatment in TREATMENTS for cut in CUTS]:
        names = ", ".join(TREATMENTS)
        return f"The key is a treatment ({names}) and a cut (1 to {CUTS[-1]})."
    if key in mine:
        return "That one you have already. Take another cut or treatment."
    if not isinstance(accuracy, numbers.Real) or not 0 <= accuracy <= 1:
        return "The value should be an accuracy, 0 to 1."
    expected = curves.tables[key[0]][0, key[1] - 1]
    if abs(accuracy - expected) > 0.06:  # another machine rounds otherwise
        return f"The shipped run has {expected:.3f} there. Is it the same treatment?"


choice(
    "11.3",
    "BnB",
    hint="In which of them is the task the same, and still something is frozen?",
    praise="Same task, frozen copies: what is lost cannot be about the task.",
    **dict.fromkeys(("AnB", "AnB+"), OTHER_TASK),
    **{"BnB+": "Nothing is frozen there: parts that belong together can meet again."},
    random="Its layers learnt nothing. That shows what training is worth at all.",
)

choice(
    "12.1",
    "b",
    hint="`plots.tiles(patients['A'].train.images[:8], ...)` with the labels' names.",
    praise="Pictures and labels do not belong together.",
    a=SCALE + "scales them itself, once.",
    c="A leak would make it look better, not worse.",
    d="The wrapper was trained well on what it was given. Look at the data, or flags.",
    e=FLAGS,
)

choice(
    "12.2",
    "e",
    hint="What does `freezing.trains(patients['B'].model)` say?",
    praise="Compile again, and the base will move.",
    a=SCALE + "scales them. A wrong scale would not hold weights still.",
    b="Wrong labels would move the weights, if in the wrong direction.",
    c="A leak would not hold weights still.",
    d="With too large a learning rate the weights would jump. They rest.",
)

choice(
    "12.3",
    "c",
    hint="Use `images_in_both` on its `train` and its `held_out`.",
    praise="It had seen the questions before.",
    a=SCALE + "scales them. A wrong scale would make it worse.",
    b="Look at some pictures: their labels fit. And it would be worse.",
    d="Too large a learning rate makes it worse, not better.",
    e=FLAGS,
)


@exercise("13.1", dict)
@hint(
    "`classifier.add_class('other')`. Then `classifier.add('other', "
    "symbols.draw('house', range(4), size))`, and so on with other symbols."
)
@praise("It has an answer for what it does not know, learnt from examples.")
def none_of_these(answer, known):
    if not set(answer) > set(known):
        return "There is no class more than before. Add one, and examples of it."
    if (best := max(answer, key=answer.get)) in known:
        return f"It still says {best}. Give the new class drawings of more kinds."


@exercise("13.2", list, tuple, np.ndarray)
@hint(
    "`a = features.extract(classifier.embed, suspects)`, and `b` of `learn.images`. "
    "`np.linalg.norm(b - a[0], axis=1).min()` is how near the first suspect comes."
)
@praise("Twins. Drop them before you measure.")
def find_the_twins(answer, suspects, images):
    found = sorted(int(position) for position in answer)
    if len(set(found)) != 3 or not 0 <= found[0] <= found[-1] < len(suspects):
        return f"Three positions, from 0 to {len(suspects) - 1}."
    flat, known = (x.reshape(len(x), -1).astype(float) for x in (suspects, images))
    alike = np.corrcoef(flat, known)[: len(flat), len(flat) :].max(axis=1)
    if strangers := [k for k in found if alike[k] < 0.99]:
        return f"Look at {strangers}: nothing in `learn` is the same picture."


@exercise("13.3", keras.Model)
@hint("`keras.saving.load_model`, with the path that `save` was given.")
@praise("The same answers. It can leave the course.")
def load_it_again(answer, whole, images):
    if answer is whole:
        return "That is the network in memory. Load the one on disk."
    if answer.input_shape != whole.input_shape:
        return f"Expected input {whole.input_shape}. Received: {answer.input_shape}."
    said, wanted = (model.predict(images, verbose=0) for model in (answer, whole))
    if said.shape != wanted.shape or not np.allclose(said, wanted, atol=1e-5):
        return "It answers differently. Is it the file of this session?"


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


@exercise("14.2", "number")
@hint("Images, times numbers for each image, times bytes for each number.")
@praise("Keys and labels add a little. A worker that dies loses one such file.")
def size_of_a_shard(answer, width):
    counted = 10_000 * width
    if is_close(answer, counted, 0.05):
        return "That many numbers. How many bytes does a float32 have?"
    if is_close(answer, 8 * counted, 0.05):
        return "That is float64. A float32 has 32 bits, and a byte has 8."
    if is_close(answer, 32 * counted, 0.05):
        return "Those are bits. Eight of them make a byte."
    if not is_close(answer, 4 * counted, 0.05):
        return f"10,000 images, {width:,} numbers each, and bytes for each number."


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
