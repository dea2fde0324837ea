# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 03 · Get the parameters
#
# **You will be able to** load trained parameters, see what they know, and feed a
# network the numbers that it was trained on.
#
# 15 minutes, and 10 for the exercises · builds on lesson 02 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# ## One plan, twice
#
# Lesson 02 gave us a plan with random numbers in it. The argument `weights` fills it
# with the numbers that somebody's training ended on. In a project of yours you would
# write `weights="imagenet"`, and Keras fetches the file once. On the glyphs track, the
# same argument takes the path of a file that comes with the course.

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.widgets import predict

track = load_track()

# %% tags=["nbval-check-output"]
weights = "imagenet" if track.name == "flowers" else track.weights
options = {"input_shape": track.input_shape, "alpha": 0.35, "include_top": False}
pair = [keras.applications.MobileNetV2(**options, weights=weights)]
keras.utils.set_random_seed(3)  # not the seed from which those weights were trained
pair.append(keras.applications.MobileNetV2(**options, weights=None))
for network in pair:
    print(f"{network.count_params():,} parameters")

# %% [markdown]
# The counts cannot tell them apart. So we shuffle the two, and look into their first
# layer: its filters are small, 3 by 3 pixels in three colours, and each can be drawn as
# a tiny picture.

# %%
shuffled = np.random.default_rng(10).permutation(2)
rows = {}
for letter, place in zip("AB", shuffled, strict=True):
    rows[letter] = pair[place].get_layer("Conv1").get_weights()[0]
    plots.filters(rows[letter], columns=8, title=f"Filters {letter}")

# %%
which = predict("Which filters have been trained?", "A", "B")

# %% [markdown]
# A filter that looks for light and dark does not mind the colour: at each of its
# places the numbers for red, green and blue are alike. We measure how alike they are
# over all filters, from -1
# (opposite) through 0 (unrelated) to 1 (equal). As a control, we shuffle the numbers
# within each filter, so that they are the same ones in another order.


# %%
def colours_alike(kernel):
    colours = np.moveaxis(kernel, 2, 0).reshape(3, -1)
    return np.corrcoef(colours)[np.triu_indices(3, 1)].mean()  # mean of the three pairs


rng = np.random.default_rng(0)
for row, kernel in rows.items():
    within = rng.permuted(kernel.reshape(-1, kernel.shape[-1]), axis=0)
    mixed = colours_alike(within.reshape(kernel.shape))
    print(f"{row}: colours {colours_alike(kernel):5.2f}, in another order {mixed:5.2f}")
which.compare("AB"[list(shuffled).index(0)])

# %% tags=["claim"]
trained, untrained = (network.get_layer("Conv1").get_weights()[0] for network in pair)
alike = colours_alike(trained)
assert abs(colours_alike(untrained)) < 0.1 < alike
for seed in range(5):  # it is the arrangement: the same numbers in another order
    flat = trained.reshape(-1, trained.shape[-1])
    mixed = np.random.default_rng(seed).permuted(flat, axis=0)
    assert colours_alike(mixed.reshape(trained.shape)) < alike - 0.1

# %% [markdown]
# **Observe.** In the trained filters the three colours agree more, which is why more of
# their squares look grey. Shuffled, the same numbers agree far less, and the untrained
# ones hardly at all. So what training has made is an arrangement. (Each filter is
# drawn over its own range, so the pictures do not show how large its numbers are.)
#
# ## Ask the network
#
# With its top still on, a trained network can answer. `build_complete` is the call from
# above with `include_top=True`, which has a file of its own, and with a `Rescaling`
# layer before it. First, pictures
# of its own kind: on the glyphs track, letters from fonts that were kept back from its
# training. (On the flowers track they are daisies, and daisies are one of ImageNet's
# classes.)

# %%
own = track.own_pictures(300)
complete, names = track.build_complete()
print(f"{len(own)} pictures of its own kind")
print(f"the network knows {len(names)} classes")

# %% [markdown]
# On the glyphs track, none of these was part of its training. (On the flowers track,
# nobody can rule it out.) The network also says how
# *sure* it is: that is the probability of its likeliest class, averaged over the
# pictures.

# %%
sure_of_it = predict("How often is it right about its own kind?", unit="%")

# %%
chances = complete.predict(own.images, verbose=0)
truth = [own.class_names[k] for k in own.labels]


def share_right(chances):
    answers = [names[k] for k in chances.argmax(axis=1)]
    return float(np.mean([a == b for a, b in zip(answers, truth, strict=True)]))


print(f"right: {share_right(chances):.1%}, sure: {chances.max(axis=1).mean():.1%}")
sure_of_it.compare(100 * share_right(chances))

# %% tags=["claim"]
assert share_right(chances) > 0.5 > 10 / len(names)  # and nobody trained anything

# %% [markdown]
# Here are a few of them, each with its three likeliest answers.

# %%
plots.top_answers(
    own.images[:6], chances[:6], names, track.icons(), title="Its own kind: top three"
);

# %% [markdown]
# **Observe.** Nobody has trained anything here. The knowledge came in a file.
#
# ## Ask it about ours
#
# Now the pictures of our task, of those classes for which the network has no word. (So
# on the flowers track, we leave out the daisies.) It cannot be right, then. But are its
# answers random? If they were, two pictures of one class would get the same answer no
# more often than two pictures of two classes. (By *more often* we mean at least one and
# a half times as often.)

# %%
strange = np.array([name not in names for name in track.class_names])
ours = track.train.take(np.flatnonzero(strange[track.train.labels]))
chance = predict("The same answer within a class:", "no more often", "more often")

# %%
chances_ours = complete.predict(ours.images, verbose=0)
first = np.unique(ours.labels, return_index=True)[1][:8]
plots.top_answers(
    ours.images[first], chances_ours[first], names, track.icons(), title="Ours"
);

# %% [markdown]
# Look at what it takes them for. A few pictures can deceive, so we count over all
# pairs. As a control, we shuffle the labels.


# %%
def share_same(answers, labels):
    same_class = labels[:, None] == labels
    same_answer = answers[:, None] == answers
    others = ~np.eye(len(labels), dtype=bool)  # not a picture with itself
    return same_answer[same_class & others].mean(), same_answer[~same_class].mean()


answers = chances_ours.argmax(axis=1)
one, two = share_same(answers, ours.labels)
control, control_two = share_same(answers, rng.permutation(ours.labels))
print(f"same answer, one class: {one:.1%}, two classes: {two:.1%}")
print(f"labels shuffled:        {control:.1%},              {control_two:.1%}")
chance.compare("more often" if one >= 1.5 * two else "no more often")

# %% tags=["claim"]
assert one < 0.5 and one > 1.5 * two  # most differ, but less within a class
assert abs(control - control_two) < (one - two) / 3  # which shuffled labels undo

# %% [markdown]
# **Observe.** Most pairs get different answers, even within a class, because the
# network has many words and none of ours. Still, two pictures of one class agree more
# often than two of different classes, and with shuffled labels that all but vanishes.
# It has the wrong words for the right distinctions. The rest of the course gives it
# ours.
#
# ## The file
#
# What did we load? A file that somebody shared. Know where it lies, who made it, and
# under which licence. A checksum, such as `sha256`, is for comparing: if yours is the
# one that the makers publish, you have their file. (Keras
# compares it for many networks that it fetches, though not for MobileNetV2. It keeps
# them in the folder `.keras/models` of your home.)

# %%
import hashlib

from tlcourse._util import assets

path = track.weights_path()
print(f"{path.name}, {path.stat().st_size / 1e6:.1f} MB")
print("sha256", hashlib.sha256(path.read_bytes()).hexdigest()[:16], "...")
print("maker and licence:", assets.WEIGHTS_ORIGIN[track.name])

# %% [markdown]
# ## The scale
#
# Parameters fit only the kind of numbers that they were trained on. So Keras has,
# beside each network, the function that prepares its pictures. We give one pixel with
# red 0, green 128 and blue 255 to several of them.

# %% tags=["nbval-check-output", "any-track"]
pixel = np.array([[[[0, 128, 255]]]])
for family in ("mobilenet_v2", "resnet", "densenet", "efficientnet_v2", "convnext"):
    prepare = getattr(keras.applications, family).preprocess_input
    numbers = np.asarray(prepare(pixel.astype("float32"))).ravel()
    print(f"{family:16}", *(f"{number:8.2f}" for number in numbers))

# %% [markdown]
# **Observe.** Our family wants numbers from -1 to 1. ResNet wants blue first, and the
# mean of ImageNet subtracted; DenseNet also divides by its spread, red first. Where the
# three numbers are still 0, 128 and 255, the network scales its pictures itself, so
# give it raw pixels. For our family, `Rescaling(1 / 127.5, offset=-1)` does the same as
# `preprocess_input`, and it is a layer.
#
# ## What a wrong scale costs
#
# What does a wrong scale cost? `complete` is a `Rescaling` layer and then the whole
# network, which counts as one layer. We take that one, and prepare the pictures
# ourselves, in four ways. We call a scale harmful if it costs more than a tenth of the
# right answers.

# %%
cost = predict("Which is harmful?", "0 to 1", "0 to 255", "both", "neither")

# %%
network = complete.layers[-1]
raw = own.images.astype("float32")
once = keras.applications.mobilenet_v2.preprocess_input(raw.copy())  # it changes `raw`
twice = keras.applications.mobilenet_v2.preprocess_input(once.copy())
scales = {"-1 to 1": once, "0 to 1": raw / 255, "0 to 255": raw, "twice": twice}
right = {}
for name, pictures in scales.items():
    chances = network.predict(pictures, verbose=0)
    right[name] = share_right(chances)
    print(f"{name:9} right {right[name]:6.1%}, sure {chances.max(axis=1).mean():6.1%}")
harmful = [x for x in ("0 to 1", "0 to 255") if right[x] < 0.9 * right["-1 to 1"]]
cost.compare("both" if len(harmful) == 2 else (harmful or ["neither"])[0])

# %% tags=["claim"]
assert max(right["0 to 255"], right["twice"]) < 0.2 * right["-1 to 1"]
assert right["0 to 1"] > 0.5 * right["-1 to 1"]  # it hides

# %% [markdown]
# **Observe.** No scale raised an error: the network answers every time. Raw pixels, or
# pixels prepared twice, cost nearly everything. Between 0 and 1 the picture is only
# paler. Compare the first two lines: where they are close, this mistake hides, until
# another base or other pictures make you pay for it. So make the scale a layer of the
# model, as lesson 06 does.
#
# ## ✎ Exercise 3.1
#
# Prepare one raw picture, `own.images[0]`, as this base wants it: a batch of one,
# numbers from -1 to 1. Write it in NumPy, without `preprocess_input`, so that you know
# what it does.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = own.images[:1].astype("float32") / 127.5 - 1

check("3.1", answer, image=own.images[0])

# %% [markdown]
# ## ✎ Exercise 3.2
#
# A colleague sends you this model, and it is nearly always wrong. Mend it, so that raw
# pixels may go in.
#
# ```python
# scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
# answer = keras.Sequential([keras.Input(track.input_shape), scale, scale, network])
# ```

# %% tags=["solution", "nbval-check-output", "any-track"]
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
answer = keras.Sequential([keras.Input(track.input_shape), scale, network])

check("3.2", answer, network=network, images=own.images[:8])

# %% [markdown]
# ## ✎ Exercise 3.3
#
# What share of the parameters of `network` is in its top? The top is every layer whose
# output has no height and width any more, or only 1 by 1. Print `layer.name` and
# `layer.output.shape` for `network.layers[-6:]` and look. Set `answer` to a number from
# 0 to 1.

# %% tags=["solution", "nbval-check-output", "any-track"]
def has_positions(layer):
    shape = layer.output.shape
    return len(shape) == 4 and shape[1] > 1


top = [layer for layer in network.layers if not has_positions(layer)]
answer = sum(layer.count_params() for layer in top) / network.count_params()

check("3.3", answer, network=network)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? A network gets pictures in the wrong scale. What does Keras do?
# - It raises an error that names the right range. | Any numbers of the right shape
#   pass.
# - It converts them to the range it was trained on. | Nobody told it what they mean.
# + It answers as usual, with no word about the range. | Only the answers tell.
#
# ? You take EfficientNetV2B0 and put `Rescaling(1 / 255)` before it. What happens?
# - It works best, as networks want small numbers. | This family wants 0 to 255.
# + It gets nearly black pictures, as it scales itself. | Its `preprocess_input` changes
#   nothing, because the scale is inside.
# - It undoes the scaling, as it knows its range. | No layer looks at what range it
#   gets.
#
# ? How could you tell the trained filters from the random ones?
# + Their three colours are more alike. | What counts in red often counts in green as
#   well. Random numbers know no such order.
# - Their squares are brighter than others. | Each filter is drawn over its own range,
#   so brightness says nothing.
# - Their number of parameters is larger. | The plan is the same, and so is the count.
#
# ? The pictures of ours that we counted belong to none of the classes that the complete
#   network knows. Its answers are
# - random. | Two pictures of one class get the same answer far too often for that.
# + wrong, but more often the same within a class. | The distinctions are there, only
#   the words are not ours.
# - always the class that it saw most often. | Look at the row of answers again.

# %% [markdown]
# ## On your own
#
# Save a network's parameters, and load them into the same plan elsewhere. The third
# network is the control: the same plan, without the file.

# %% tags=["own"]
import pathlib
import tempfile

import keras
import numpy as np

build = keras.applications.MobileNetV3Small
plan = {"input_shape": (96, 96, 3), "include_top": False, "pooling": "avg"}
mine = build(**plan, weights=None)  # weights="imagenet" if you are online
file = pathlib.Path(tempfile.mkdtemp(), "mine.weights.h5")
mine.save_weights(file)

photos = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3)).astype("float32")
photos = keras.applications.mobilenet_v3.preprocess_input(photos)
features = mine.predict(photos, verbose=0)
for name, given in (("from the file", str(file)), ("without it", None)):
    difference = build(**plan, weights=given).predict(photos, verbose=0) - features
    share = np.abs(difference).max() / np.abs(features).max()
    print(f"{name}: features differ by up to {share:.0%} of the largest")

# %% [markdown]
# ## What to remember
#
# - The plan is one thing, the parameters another. Training made them, a file carries
#   them, and `weights=` loads it.
# - A trained network tells classes apart for which it has no words.
# - A wrong scale raises no error. Use the `preprocess_input` of the network's family.
# - Know where a file comes from, and under which licence.
#
# Next: [04 · Remove the last layer](04_remove_the_last_layer.ipynb)
#
# ## Sources
#
# - Keras Applications: https://keras.io/api/applications/
# - Krizhevsky et al. 2012, ImageNet Classification (filters of a first layer).
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
