"""Exercises of lesson 13."""

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, praise


@exercise("13.1", dict)
@hint(
    "`classifier.add_class('other')`. Then `classifier.add('other', "
    "symbols.draw('house', range(4), size))`, and so on with other symbols."
)
@praise("It has an answer for what it does not know, learnt from examples.")
def none_of_these(answer, known):
    others = [name for name in answer if name not in known]
    if not others:
        return "There is no class more than before. Add one, and examples of it."
    best = max(answer, key=answer.get)
    if best in known:
        return (
            f"It still says {best}. Give the new class drawings of more kinds, so that "
            "it learns what they have in common: to be none of the others."
        )


@exercise("13.2", (list, tuple, np.ndarray))
@hint(
    "`a = features.extract(classifier.embed, suspects)`, and `b` of `learn.images` "
    "likewise. `np.linalg.norm(b - a[0], axis=1).min()` says how near the first "
    "suspect comes to any of them. Do it for each, and take the three smallest."
)
@praise("Twins. Drop them before you measure.")
def find_the_twins(answer, suspects, images):
    found = sorted(int(position) for position in answer)
    if len(set(found)) != 3 or not 0 <= found[0] <= found[-1] < len(suspects):
        return f"Three positions, from 0 to {len(suspects) - 1}."
    flat, known = (x.reshape(len(x), -1).astype(float) for x in (suspects, images))
    alike = {k: max(np.corrcoef(flat[k], each)[0, 1] for each in known) for k in found}
    strangers = [k for k in found if alike[k] < 0.99]
    if strangers:
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
