"""Judges of the exercises in lesson 15."""

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, praise
from tlcourse.data import words


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
