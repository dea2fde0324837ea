"""Exercises of lesson 10."""

import keras
import numpy as np

from tlcourse.checks.exercise import exercise, hint, praise


@exercise("10.1", keras.Model)
@hint("As `small`, with `Dense(64, activation='relu')` in between.")
@praise("Trained on vectors, without any picture.")
def network_on_features(answer, vectors, labels):
    if tuple(answer.input_shape[1:]) != vectors.shape[1:]:
        return f"It should take vectors of {vectors.shape[1:]}, not pictures."
    dense = [x for x in answer.layers if isinstance(x, keras.layers.Dense)]
    if not any(layer.units == 64 for layer in dense[:-1]):
        return "The hidden layer with 64 units is missing."
    answers = answer.predict(vectors, verbose=0).argmax(axis=1)
    right = float((answers == labels).mean())
    if right < 0.6:
        return f"Right on held-out images: {right:.2f}. Did you fit it, long enough?"


@exercise("10.2", (np.ndarray, np.lib.npyio.NpzFile))
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
