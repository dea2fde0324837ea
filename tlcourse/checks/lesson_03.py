"""Exercises of lesson 03."""

import numpy as np

from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("3.1", np.ndarray)
@hint("`own.images[:1]` keeps the batch axis. 127.5 is half of the range.")
@praise("A batch of one, from -1 to 1.")
def prepare_a_picture(answer, image):
    if answer.shape == image.shape:
        return "A network wants a batch: one axis more, in front. Try `images[:1]`."
    if answer.shape != (1, *image.shape):
        return f"Expected the shape {(1, *image.shape)}. Received: {answer.shape}."
    if answer.dtype == np.uint8:
        return "These are whole numbers. Convert with `.astype('float32')` first."
    wanted = image[None].astype("float32") / 127.5 - 1
    if np.allclose(answer, image[None] / 255.0, atol=1e-3):
        return "That is 0 to 1. This base was trained on -1 to 1."
    if not np.allclose(answer, wanted, atol=1e-3):
        return f"It goes from {answer.min():.3g} to {answer.max():.3g}, not -1 to 1."


@exercise("3.2", "share")
@hint("Start from `raw / 127.5 - 1` and do the same to it once more.")
@praise("Everything is squeezed to nearly -1: a black picture.")
def preprocess_twice(answer, once):
    if is_close(answer, once):
        return "That is the share for pictures that were scaled once."
    if answer > once / 2:
        return "Too good for pictures that are nearly black. Was it scaled twice?"


@exercise("3.3", "share")
@hint("The top is what has no height and width any more: average it, then Dense.")
@praise("A part of the network that knows only the old classes.")
def share_of_the_top(answer, network):
    top = freezing.stages(network)[-1].parameters
    share = top / network.count_params()
    if is_close(1 - answer, share, 0.01):
        return "That is the share of all the rest. The top is what is left."
    if is_close(answer, top / (network.count_params() - top), 0.01):
        return "You divided by the rest. A share is a part of the whole."
    if not is_close(answer, share, 0.01):
        return "Add `count_params()` of the layers after the last feature map."
