"""Exercises of lessons 00 to 04."""

import keras
import numpy as np

from tlcourse import bases
from tlcourse.checks.exercise import exercise, hint, is_close, praise
from tlcourse.models import freezing


@exercise("0.1", "number")
@hint("Twenty-one, and twenty-one again.")
@praise("So it is.")
def twice_21(answer):
    if answer != 42:
        return "That is 2 plus 21." if answer == 23 else "Write `answer = 2 * 21`."


@exercise("1.1", keras.Model)
@hint("As in the loop: a new Dense behind `pool`, then `learn` with more.")
@praise("More pictures of each kind, fewer mistakes; and still no long training.")
def fewer_mistakes(answer, model, held_out, right=None):
    if answer is model:
        return "That is the network of ten pictures each. Train a new one on more."
    found = [np.asarray(x.predict(held_out.images, verbose=0)) for x in (model, answer)]
    if found[0].shape != found[1].shape:
        return f"Expected outputs {found[0].shape}. Received: {found[1].shape}."
    had, has = (np.mean(x.argmax(axis=1) != held_out.labels) for x in found)
    had = had if right is None else 1 - right
    if not has <= 2 * had / 3:
        return (
            f"Of {len(held_out)} unused ones it gets {has:.0%} wrong; with ten of each "
            f"kind it was {had:.0%}. Is it trained, and on more pictures of each kind?"
        )


@exercise("1.2", "number")
@hint("6 for each parameter and token; then divide by `per_second`, and by `year`.")
@praise("Smaller than GPT-3, and yet more work, because it read so much more.")
def years_for_chinchilla(answer, per_second):
    work, year = 6 * 70e9 * 1400e9, 365 * 24 * 3600
    for wrong, said in (
        (work / 6, "One for each parameter and token. It takes about six."),
        (work * 300 / 1400, "That is for 300 billion tokens. This one read more."),
        (work * 175 / 70, "Those are the parameters of GPT-3."),
        (work * year, "Those are seconds. The question is about years."),
        (work * per_second * year, "That is the work. How long does it take?"),
    ):
        if is_close(answer, wrong / per_second / year, 0.02):
            return said
    if not is_close(answer, work / per_second / year, 0.02):
        return "Six times parameters times tokens, over what is done in a year."


KINDS_OF_PROJECT = {
    "a": "In a, the weights were random, and the task stays the same.",
    "b": "Look at b again: where do the weights below the last layer come from?",
    "c": "In c, nothing learns: to use a network on its own task is just use.",
    "d": "In d, what comes from others is the architecture. What of the weights?",
    "e": "Look at e again: does something learnt have to change to be of use?",
    "f": "Look at f again: what would it start from without English?",
}


@exercise("1.3", "text")
@hint("Where was something learnt for one task, and then used for another?")
@praise("With the weights kept or trained on: both are transfer.")
def which_transfer(answer):
    chosen = set(answer.lower()) - set(" ,'")
    if not chosen or chosen - set(KINDS_OF_PROJECT):
        return "Write the letters from a to f that apply, such as 'ac'."
    for letter in sorted(chosen ^ set("bef")):
        return KINDS_OF_PROJECT[letter]


@exercise("2.1", keras.Model)
@hint("`Conv2D(maps, size, padding=...)`: how many maps, and how large a filter?")
@praise("3 x 3 x 64 weights for each of 64 filters, and 64 biases.")
def build_a_convolution(answer):
    found = [x for x in answer.layers if isinstance(x, keras.layers.Conv2D)]
    if len(found) != 1 or len(answer.layers) > 2:
        return f"Expected one Conv2D. Received: {[x.name for x in answer.layers]}."
    if answer.input_shape[1:] != (56, 56, 64):
        return f"Expected an input of 56 x 56 x 64. Received: {answer.input_shape[1:]}."
    if answer.output_shape[-1] != 64:
        return f"It gives {answer.output_shape[-1]} maps. Look at the block's output."
    if answer.count_params() != 3 * 3 * 64 * 64 + 64:
        size = found[0].kernel_size
        return f"{answer.count_params():,} parameters, from filters of {size}."
    if answer.output_shape[1:3] != (56, 56):
        return f"The maps have shrunk to {answer.output_shape[1:3]}: see `padding`."


@exercise("2.2", keras.Model)
@hint("Which of the three convolutions makes the maps smaller, and what prevents it?")
@praise("With its road past the convolutions, a block that does nothing does no harm.")
def mend_a_block(answer):
    convolutions = [x for x in answer.layers if isinstance(x, keras.layers.Conv2D)]
    sizes = [x.kernel_size[0] for x in convolutions]
    if sizes != [1, 3, 1]:
        return f"Expected filters of 1, 3 and 1, as in the block. Received: {sizes}."
    if answer.output_shape[1:] != (16, 16, 64):
        return f"Expected maps of 16 x 16 x 64. Received: {answer.output_shape[1:]}."
    copy = keras.models.clone_model(answer)
    copy.set_weights([np.zeros(weight.shape) for weight in copy.weights])
    picture = np.random.default_rng(0).normal(size=(1, 16, 16, 64)).astype("float32")
    if not np.allclose(copy(picture), picture, atol=1e-5):
        return "With weights of 0, the input should come out. Where is the side road?"


@exercise("2.3", "text")
@hint("Keep those with `top1 > 80` and a fitting `smallest`; then fewest `millions`.")
@praise("No smaller one of the list would do.")
def smallest_good_network(answer):
    if answer not in bases.CATALOGUE:
        return "The list has no network of that name. Copy its `name`."
    usable = [x for x in bases.CATALOGUE.values() if x.top1 > 80 and x.smallest <= 64]
    network = bases.find(answer)
    if network.top1 <= 80:
        return "Its published figure is not above 80. Compare `top1`."
    if network.smallest > 64:
        return "It refuses pictures of 64 x 64 pixels. Compare `smallest`."
    if network.millions > min(each.millions for each in usable):
        return "It would do, but a smaller one would, too. Compare `millions`."


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


@exercise("3.2", keras.Model)
@hint("Three layers: `keras.Input`, `keras.layers.Rescaling`, and the network itself.")
@praise("Raw pixels go in, and the model scales them itself, once.")
def scale_once(answer, network, images):
    if network not in answer.layers:
        return "Put `network` itself into your model: nothing is to be trained anew."
    raw = images.astype("float32")
    expected = {
        "once": raw / 127.5 - 1,
        "not at all: raw pixels reach the network": raw,
        "twice": (raw / 127.5 - 1) / 127.5 - 1,
        "to 0 to 1, and this network wants -1 to 1": raw / 255,
    }
    said = answer.predict(raw, verbose=0)
    for how, pixels in expected.items():
        if np.allclose(said, network.predict(pixels, verbose=0), atol=1e-3):
            return None if how == "once" else f"It scales {how}."
    return "Its answers fit no scale that we know. Look at `Rescaling`'s two numbers."


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


@exercise("4.1", keras.Model)
@hint("Take the call that built `base`. What of it has to do with the pictures?")
@praise("The maps follow the picture; channels and weights do not.")
def base_for_a_camera(answer, base):
    height, width = answer.input_shape[1:3]
    if (height, width) == (192, 256):
        return "Height comes first, then width."
    if (height, width) != (256, 192):
        return f"It takes pictures of {height} x {width}, height first."
    if len(answer.output_shape) != 4:
        return f"Maps should come out. This ends in {answer.output_shape}: a top?"
    found, wanted = answer.get_weights(), base.get_weights()
    if [x.shape for x in found] != [x.shape for x in wanted]:
        return "Its weights have other shapes than those of `base`. Which `alpha`?"
    if not all(map(np.array_equal, found, wanted)):
        return "The shapes are right, the numbers are not. Where do they come from?"


@exercise("4.2", keras.Model)
@hint("`stages[2].layers[-1].output` is where the third stage ends.")
@praise("A model is any way through the network, from an input to an output.")
def cut_at_the_third_stage(answer, base):
    ends = [stage.layers[-1].output.shape for stage in freezing.stages(base)]
    if not set(map(id, answer.weights)) <= set(map(id, base.weights)):
        return "Its weights are new. Use the tensors of `base`, not another network."
    if isinstance(answer, keras.Sequential):
        return (
            "The base has side roads, and a `Sequential` lines its layers up in one "
            "row. Use `keras.Model`, from one tensor to another."
        )
    if answer.output_shape == ends[-1]:
        return "That is the whole base. Stop earlier."
    if answer.output_shape == ends[1]:
        return "That is the second stage. Python counts from 0."
    if answer.output_shape != ends[2]:
        return f"Expected the output {ends[2]}. Received: {answer.output_shape}."
    if answer.output is not freezing.stages(base)[2].layers[-1].output:
        return "The shape is right, but this is not where the third stage ends."


@exercise("4.3", dict)
@hint("A loop over `freezing.stages(base)`, with a `keras.Model` for each stage.")
@praise("Each depth has its own neighbours, and you have counted them.")
def neighbours_by_depth(answer, base, data):
    names = [stage.name for stage in freezing.stages(base)]
    if missing := [name for name in names if name not in answer]:
        return f"An entry for each stage, please. Missing: {', '.join(missing)}."
    shares = np.array([answer[name] for name in names], float)
    if not all((shares >= 0) & (shares <= 1)):
        return "The values are shares, from 0 to 1. `same_class` gives them."
    if np.ptp(shares) < 1e-6:
        return "All depths are the same. Does each turn of the loop cut elsewhere?"
    expected = _neighbours_by_stage(base, data, keras.layers.Rescaling(1 / 127.5, -1))
    if np.allclose(shares, expected, atol=0.02):
        return None
    raw = _neighbours_by_stage(base, data, keras.layers.Rescaling(1))
    if np.allclose(shares, raw, atol=0.02):
        return "These are the shares of raw pixels. What does the base want as input?"
    if np.allclose(np.sort(shares), np.sort(expected), atol=0.02):
        return "The shares are right, but some stand at another stage's name."
    wrong = names[int(np.abs(shares - expected).argmax())]
    return f"Look at {wrong} again: which cut, which pictures, which average?"


def _neighbours_by_stage(base, data, prepare):
    """For each stage, how often the nearest vector is of the same class."""
    pool = keras.layers.GlobalAveragePooling2D()
    ends = [pool(stage.layers[-1].output) for stage in freezing.stages(base)]
    prepared = prepare(data.images.astype("float32"))
    cut, shares = keras.Model(base.input, ends), []
    batches = [cut(prepared[at : at + 64]) for at in range(0, len(prepared), 64)]
    for parts in zip(*batches, strict=True):
        vectors = keras.ops.convert_to_numpy(keras.ops.concatenate(parts))
        unit = keras.utils.normalize(vectors - vectors.mean(axis=0))
        likeness = unit @ unit.T - 9 * np.eye(len(unit))  # nobody is its own neighbour
        shares.append((data.labels[likeness.argmax(axis=1)] == data.labels).mean())
    return np.array(shares)
