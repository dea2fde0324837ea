"""Judges of the exercises in lessons 13 to 15."""

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.data import Dataset, symbols, words
from tlcourse.teachable import GrowingClassifier


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


@exercise("15.1", tuple, list)
@hint("What comes after token 0 is token 1: `tokens[:-1]` and `tokens[1:]`.")
@praise("It was asked for what it could see, and copied. That loss falls for anybody.")
def next_pieces(answer, shown):
    x, y = (np.asarray(part) for part in answer)
    if x.shape != y.shape or x.ndim != 2:
        return f"Expected two tables of one shape. Received: {x.shape} and {y.shape}."
    if np.array_equal(x, y):
        return "At each place, `y` still has the very piece that `x` has there."
    if x.shape != (40, 128):
        return f"Forty windows of 128, as before. Received: {x.shape}."
    if not np.array_equal(x.ravel(), shown[: x.size]):
        return "`x` should be the first 40 * 128 tokens of `shown`, in their order."
    if not np.array_equal(x[:, 1:], y[:, :-1]):
        return "Does `y` have, at each place, the piece that comes next in `x`?"
    if not np.array_equal(y.ravel(), shown[1 : x.size + 1]):
        return "Within a window it is right. What follows the last piece of a window?"


@exercise("15.2", keras.Model)
@hint("Print the names in `answer.layers`. Where does the last block begin?")
@praise("A good quarter of the parameters, and gradients that turn round early.")
def last_block(answer, base):
    if [w.shape for w in answer.weights] != [w.shape for w in base.weights]:
        return "This is another network than `build()` makes."
    if answer is base:
        return "That is the model of the lesson. Build a new one, and load its weights."
    for one, other in zip(answer.get_weights(), base.get_weights(), strict=True):
        if not np.allclose(one, other):
            return "Its weights are not the base's. `load_weights` comes first."
    trains = [layer.trainable for layer in answer.layers if layer.weights]
    if sum(trains) == 0:
        return "Nothing trains. If the model is frozen as a whole, its layers are, too."
    # The last block: normalisation, attention, normalisation, two dense layers. Then
    # a normalisation and the head.
    wanted = [False] * (len(trains) - 7) + [True] * 7
    if trains != wanted:
        at = np.flatnonzero(np.array(trains) != wanted)[-1]
        name = [layer.name for layer in answer.layers if layer.weights][at]
        return f"Look at `{name}`: trainable is {trains[at]}. Which block is it in?"


@exercise("15.3", "text")
@hint("In `write`, the piece is drawn with `rng.choice`. `logits.argmax()` draws none.")
@praise("Sure of itself, and soon in a circle. That is why models draw.")
def likeliest(answer, model):
    pieces, prompt = words.load_pieces(), "def call(self, "
    tokens = list(words.encode(prompt, pieces))
    if not answer.startswith(prompt):
        return f"It should begin with the prompt, {prompt!r}."
    for _ in range(12):
        logits = model.predict(np.array([tokens]), verbose=0)[0, -1]
        tokens.append(int(logits.argmax()))
    right = words.decode(tokens, pieces)
    if answer != right and right.startswith(answer):
        return "As far as it goes, right. Twelve pieces more than the prompt."
    if answer != right and answer.startswith(right):
        return "Right, and then it goes on. Twelve pieces more than the prompt."
    if answer != right:
        return (
            "At some place that is not the likeliest piece. Does anything draw still?"
        )
