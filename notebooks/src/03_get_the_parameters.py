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

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse._util import assets
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# Two kinds of pictures today. These are the base's own kind: classes that it was
# trained on.

# %%
own = track.own_pictures(300)
print(own.describe())
plots.tiles(own.images[:8], title="The base's own kind");

# %% [markdown]
# And these are ours. They are not what the base was trained for. (On the flowers
# track, one of our classes happens to be among its own: the daisy.)

# %%
ours = track.train.few(4)
print(ours.describe())
plots.tiles(ours.images[:8], title="Ours");

# %% [markdown]
# ## Which one is trained?
#
# The architecture of lesson 02, twice: once with random numbers, once with the
# numbers that somebody's training ended on. The plan is the same.

# %%
random_base = track.build_base(weights="random")
base = track.build_base(weights="pretrained")

# %% tags=["nbval-check-output"]
base.count_params() == random_base.count_params(), f"{base.count_params():,}"

# %% [markdown]
# The first layer looks through small filters, 3 by 3 pixels in three colours. We
# draw each as a tiny picture.
#
# **Predict.** Two sets of filters. Which one is trained?


# %%
def first_kernel(network):
    convolution = next(x for x in network.layers if isinstance(x, keras.layers.Conv2D))
    return keras.ops.convert_to_numpy(convolution.kernel)


rows = {"A": first_kernel(random_base), "B": first_kernel(base)}
for row, kernel in rows.items():
    plots.filters(kernel, columns=8, title=f"Filters {row}")

# %% [markdown]
# A filter that looks for an edge is smooth on either side of it: its neighbouring
# numbers are alike. Random numbers are not. We measure how alike neighbours are,
# from -1 over 0 (not at all) to 1 (equal).


# %%
def neighbours_alike(kernel):
    left, right = kernel[:, :-1].ravel(), kernel[:, 1:].ravel()
    return float(np.corrcoef(left, right)[0, 1])


alike = {row: neighbours_alike(kernel) for row, kernel in rows.items()}
colours_alike = {
    f"{row}, between colours": float(
        np.corrcoef(kernel[:, :, 0].ravel(), kernel[:, :, 1].ravel())[0, 1]
    )
    for row, kernel in rows.items()
}
plots.bars(alike | colours_alike, "How alike are neighbours?", "correlation");

# %% tags=["nbval-check-output", "any-track"]
max(colours_alike, key=colours_alike.get)

# %% [markdown]
# **Observe.** B is the trained set. Its neighbours pull together, and so do its three
# colours, as light against dark asks for. In A nothing agrees with anything.
#
# ## Ask the base
#
# A base with its top still on can answer. We take a complete network, trained on the
# base's task, and show it its own kind of pictures.
#
# **Predict.** How often is it right? And how sure is it?

# %%
complete, names = track.build_complete()
chances = complete.predict(own.images, verbose=0)
answers = [names[k] for k in chances.argmax(axis=1)]
truth = [own.class_names[k] for k in own.labels]


def share_right(answers):
    return float(np.mean([a == b for a, b in zip(answers, truth, strict=True)]))


print(f"it knows {len(names)} classes")
print(f"right: {share_right(answers):.2f}, sure: {chances.max(axis=1).mean():.2f}")

# %%
plots.top_answers(
    own.images[:6], chances[:6], names, track.icons(), title="Its own kind: top three"
);

# %% [markdown]
# **Observe.** Below each picture: the three likeliest answers, and how sure. Nobody
# has trained anything here. The knowledge came in a file.
#
# **Predict.** Now we show it ours. It must answer with the classes that it knows, so
# it can hardly be right. Will it answer at random?

# %%
chances_ours = complete.predict(ours.images, verbose=0)
first = np.unique(ours.labels, return_index=True)[1][:8]
plots.top_answers(
    ours.images[first], chances_ours[first], names, track.icons(), title="Ours"
);

# %% [markdown]
# **Observe.** Look at what it takes them for. Some answers look like the picture, or
# have a part that does. If it guessed at random, two pictures of one class would
# hardly ever get the same answer. We count:

# %%
guess = chances_ours.argmax(axis=1)
same_class = ours.labels[:, None] == ours.labels
same_answer = guess[:, None] == guess
np.fill_diagonal(same_class, False)
pairs_of_one = float(same_answer[same_class].mean())
np.fill_diagonal(same_class, True)
pairs_of_two = float(same_answer[~same_class].mean())
pairs = {"of the same class": pairs_of_one, "of two classes": pairs_of_two}
plots.bars(pairs, "Two of our pictures get the same answer", "share of pairs");

# %% tags=["nbval-check-output", "any-track"]
pairs_of_one > 1.5 * pairs_of_two

# %% [markdown]
# **Observe.** The upper bar is longer. To two pictures that we put in one class, it
# gives the same answer far more often than to two others. It has the wrong words for
# the right distinctions. The rest of the course gives it our words.
#
# ## The file
#
# What did we load? A file that somebody shared. Know where it lies, who made it,
# under which licence, and whether it is the one that they made.

# %%
import hashlib

path = track.weights_path()
print(f"{path.name}, {path.stat().st_size / 1e6:.1f} MB")
print("sha256", hashlib.sha256(path.read_bytes()).hexdigest()[:16], "...")
print("maker and licence:", assets.WEIGHTS_ORIGIN[track.name])

# %% [markdown]
# **Observe.** Four bytes a parameter. In so small a network, names and bookkeeping add
# about a quarter.
#
# ## The wrong scale
#
# `complete` turns raw pixels, 0 to 255, into numbers from -1 to 1 before the network
# proper. We take that step out and prepare the pictures ourselves, in three ways.
#
# **Predict.** How much does the scale matter: a little, or everything?

# %%
inner = complete.layers[-1]
raw = own.images.astype("float32")
scales = {
    "-1 to 1, as trained": raw / 127.5 - 1,
    "0 to 1": raw / 255,
    "0 to 255": raw,
}
right, sure = {}, {}
for name, images in scales.items():
    given = inner.predict(images, verbose=0)
    right[name] = share_right([names[k] for k in given.argmax(axis=1)])
    sure[name] = float(given.max(axis=1).mean())

plots.bars(right, "Right, by the scale of the input", "share of pictures")
plots.bars(sure, "Sure, by the scale of the input", "mean probability of the answer");

# %% tags=["nbval-check-output", "any-track"]
max(right, key=right.get)

# %% [markdown]
# **Observe.** The wrong scale raises no error. The network answers every time. Between
# 0 and 1 it looks at a pale picture, and copes or not. With raw pixels it is lost.
# Only the share of right answers tells. So ask for every network which
# scale it wants: `bases.find(name).pixels`. Better still, make the scale a layer of
# the model, as lesson 06 does.
#
# ## 📝 Exercise 3.1
#
# Prepare one raw picture, `own.images[0]`, as this base wants it: a batch of one,
# numbers from -1 to 1. Do it in NumPy.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = own.images[:1].astype("float32") / 127.5 - 1

check("3.1", answer, image=own.images[0])

# %% [markdown]
# ## 📝 Exercise 3.2
#
# What does it cost to preprocess twice? Measure the share of right answers for
# pictures in -1 to 1 that are scaled by `/ 127.5 - 1` once more. Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
twice = (raw / 127.5 - 1) / 127.5 - 1
given = inner.predict(twice, verbose=0)
answer = share_right([names[k] for k in given.argmax(axis=1)])

check("3.2", answer, once=right["-1 to 1, as trained"])

# %% [markdown]
# ## 📝 Exercise 3.3
#
# Which share of the parameters of `inner` is in its top? The top is every layer whose
# output has no height and width any more, or only 1 by 1. Print `layer.name` and
# `layer.output.shape` for `inner.layers[-6:]` and look. Set `answer` to a number from 0
# to 1.

# %% tags=["solution", "nbval-check-output", "any-track"]
def has_positions(layer):
    shape = layer.output.shape
    return len(shape) == 4 and shape[1] > 1


top = [layer for layer in inner.layers if not has_positions(layer)]
answer = sum(layer.count_params() for layer in top) / inner.count_params()

check("3.3", answer, network=inner)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? A network gets pictures in the wrong scale. What does Keras do?
# - It raises an error. | Any numbers of the right shape will pass.
# - It converts them. | Nobody told it what the numbers mean.
# + Nothing. The network answers, and is wrong more often. | Only the share of right
#   answers tells.
#
# ? What did B's filters have that A's had not?
# + Neighbours that resemble each other. | Edges and blobs are smooth. Random numbers
#   are not.
# - Larger numbers. | Size was not what we measured, and it would not tell.
# - More parameters. | The plan is the same, and so is the count.
#
# ? Our pictures belong to none of the classes that the complete network knows. Its
#   answers are
# - random. | Two pictures of one class get the same answer far too often for that.
# + wrong, but alike for pictures that are alike. | The distinctions are there, only
#   the words are not ours.
# - always the same class. | Look at the row of answers again.

# %% [markdown]
# ## What to take home
#
# - The plan is one thing, the parameters another. Training made them, and a file
#   carries them.
# - A trained network answers pictures of one class alike, even if the class is new.
# - The wrong scale raises no error. It costs right answers.
# - Know where a file comes from, and under which licence.
#
# ## Sources
#
# - Keras Applications: https://keras.io/api/applications/
# - Krizhevsky et al. 2012, ImageNet Classification (filters of a first layer).
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
