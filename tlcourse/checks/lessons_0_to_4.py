"""Exercises of lessons 00 to 04."""

import keras
import numpy as np

from tlcourse import bases
from tlcourse.checks.exercise import choice, exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("0.1", "number")
@hint("Twenty-one, and twenty-one again.")
@praise("So it is.")
def twice_21(answer):
    if answer == 23:
        return "That is 2 plus 21. Multiply."
    if answer != 42:
        return "Write `answer = 2 * 21` and run the cell again."


@exercise("1.1", "number")
@hint("300 billion times the share is what was read of it. How large is it?")
@praise("Each book was read about twice.")
def epochs_of_books(answer):
    if is_close(answer, 300 * 0.08 / 55, 0.01):
        return "That is Books2. Books1 is smaller."
    if is_close(answer, 300 * 0.08, 0.01):
        return "So many billion tokens were read of it. How often is that all of it?"
    if is_close(answer, 12 / (300 * 0.08), 0.01):
        return "Upside down: divide what was read by what there is."
    if not is_close(answer, 300 * 0.08 / 12, 0.01):
        return "Tokens shown, times the share, divided by the tokens of the source."


@exercise("1.2", "number")
@hint("6 for each parameter and token. The table counts parameters in millions.")
@praise("Large, and yet a thousandth of the largest.")
def work_of_the_smallest(answer):
    if is_close(answer, 125e6 * 300e9, 0.01):
        return "One for each parameter and token. It takes about six."
    if is_close(answer, 6 * 125 * 300e9, 0.01) or is_close(answer, 6 * 125 * 300, 0.01):
        return "125 is in millions, and 300 in billions."
    if not is_close(answer, 6 * 125e6 * 300e9, 0.01):
        return "Six times parameters times tokens."


choice(
    "1.3",
    "b",
    hint="Where was something learnt for one task and used for another?",
    praise="The features are repurposed; the last layer is new.",
    a="It starts from random numbers: nothing comes from elsewhere.",
    c="The same task, and nothing is trained any more: that is just use.",
)


@exercise("2.1", "number")
@hint("Each of the 64 filters covers 3 x 3 pixels of all 64 channels below it.")
@praise("3 x 3 x 64 weights for each of 64 filters, and 64 biases.")
def parameters_of_a_convolution(answer):
    if answer == 3 * 3 * 64 * 64:
        return "Those are the weights. Each channel that comes out has a bias too."
    if answer in (3 * 3 * 64, 3 * 3 * 64 + 64):
        return "That is one channel deep. Each filter looks at all 64 channels."
    if answer != 3 * 3 * 64 * 64 + 64:
        return "Multiply: pixels of a filter, channels in, channels out. Then biases."


@exercise("2.2", "text")
@hint("Keep the networks with `top1 > 80`, then look for the fewest `millions`.")
@praise("No smaller one of the catalogue is as good.")
def smallest_good_network(answer):
    if answer not in bases.CATALOGUE:
        return "The catalogue has no network of that name. Copy it from the table."
    good = [each for each in bases.CATALOGUE.values() if each.top1 > 80]
    network = bases.find(answer)
    if network not in good:
        return "Its published figure is not above 80. Look at the fourth column."
    if network.millions > min(each.millions for each in good):
        return "It is good enough, but a smaller one is too. Compare `millions`."


@exercise("2.3", "share")
@hint("`vgg_counts` has an entry for each. The largest one over their sum.")
@praise("One dense layer holds three quarters of the network.")
def heaviest_layer_of_vgg(answer):
    largest, dense, whole = 102_764_544, 123_642_856, 138_357_544
    if is_close(answer, dense / whole, 0.01):
        return "That is all three dense layers. The question is about one of them."
    if is_close(answer, largest / dense, 0.01):
        return "That is its share of the dense layers. Divide by the whole network."
    if not is_close(answer, largest / whole, 0.01):
        return "Take the largest value of `vgg_counts` and divide by their sum."


@exercise("3.1", np.ndarray)
@hint("`own.images[:1]` keeps the batch axis. 127.5 is half of the range.")
@praise("A batch of one, from -1 to 1.")
def prepare_a_picture(answer, image):
    if answer.shape != (1, *image.shape):
        return (
            f"A network wants a batch: {(1, *image.shape)}. Received: {answer.shape}."
        )
    if np.allclose(answer, image[None] / 255.0, atol=1e-3):
        return "That is 0 to 1. This base was trained on -1 to 1."
    if not np.allclose(answer, image[None] / 127.5 - 1, atol=1e-3):
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
    share = freezing.stages(network)[-1].parameters / network.count_params()
    if is_close(1 - answer, share, 0.01):
        return "That is the share of all the rest. The top is what is left."
    if is_close(answer, share / (1 - share), 0.01):
        return "You divided by the rest. A share is a part of the whole."
    if not is_close(answer, share, 0.01):
        return "Add `count_params()` of the layers after the last feature map."


@exercise("4.1", tuple, list)
@hint("Divide each side by 32. The number of channels does not depend on the size.")
@praise("The maps follow the picture; the channels do not.")
def shape_of_the_maps(answer):
    answer = tuple(answer)
    if answer[:1] == (None,) or len(answer) == 4:
        return "Leave the batch out: height, width, channels."
    if answer == (6, 8, 1280):
        return "Height comes first, then width."
    if len(answer) == 3 and answer[2] == 3:
        return "Channels are the feature maps that come out, not the three colours."
    if answer != (8, 6, 1280):
        return "Divide height and width by 32. The channels stay as they were above."


@exercise("4.2", keras.Model)
@hint("`stages[2].layers[-1].output` is where the third stage ends.")
@praise("A model is any way through the network, from an input to an output.")
def cut_at_the_third_stage(answer, base):
    ends = [stage.layers[-1].output.shape for stage in freezing.stages(base)]
    if not set(map(id, answer.weights)) <= set(map(id, base.weights)):
        return "Its weights are new. Use the tensors of `base`, not another network."
    if answer.output_shape == ends[-1]:
        return "That is the whole base. Stop earlier."
    if answer.output_shape == ends[1]:
        return "That is the second stage. Python counts from 0."
    if answer.output_shape != ends[2]:
        return f"Expected the output {ends[2]}. Received: {answer.output_shape}."


@exercise("4.3", dict)
@hint("A loop over `freezing.stages(base)` with the lines that made `to_vector`.")
@praise("Neighbours get better on the way up.")
def neighbours_by_depth(answer, base, whole):
    names = [stage.name for stage in freezing.stages(base)]
    if missing := [name for name in names if name not in answer]:
        return f"An entry for each stage, please. Missing: {', '.join(missing)}."
    shares = np.array([answer[name] for name in names])
    if not all((shares >= 0) & (shares <= 1)):
        return "The values are shares, from 0 to 1. `same_class` gives them."
    if abs(shares[-1] - whole) > 0.01:
        return "The last entry should be what we counted above. Did you extract anew?"
    if np.ptp(shares) < 1e-6:
        return "All depths are the same. Does each turn of the loop cut elsewhere?"
