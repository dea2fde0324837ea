# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 01 · Why transfer learning?
#
# **You will be able to** say what you save by starting from a network that others have
# trained, and what it would cost to train a large one yourself.
#
# 20 minutes, and 10 for the exercises · builds on lesson 00 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# ## It was trained for something else
#
# On the track `glyphs`, the network of this lesson has read printed letters in twelve
# scripts, but no digits: letters that can pass for one, such as O and l, were left out
# as far as we noticed. (A few remain. A Georgian letter looks like a 6.) Now it gets
# handwritten digits, ten of each kind. (On the track `flowers` it knows photographs of
# a thousand kinds of things, the daisy among them, and gets ten photographs of each of
# five flowers.)

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track, machine
from tlcourse.training import ProgressLine
from tlcourse.widgets import predict

track = load_track()
names, few = track.class_names, track.train.few(10)
plots.tiles(track.own_pictures(20).images, columns=10, title="Some of what it knows")
plots.tiles(few.images[:20], columns=10, title="What it has to learn");

# %% [markdown]
# Here is the transfer, in Keras. `weights` names a file that others have computed.
# `trainable = False` keeps what is in it, so that only our own last layer will learn,
# the one called `Dense`. The lessons to come take these lines one by one. (Such a base
# is *frozen*, and our new layer is the *head*.)

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
base.trainable = False
pixels = keras.Input(track.input_shape)
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
pool = keras.layers.GlobalAveragePooling2D()
dense = keras.layers.Dense(len(names), activation="softmax")
model = keras.Sequential([pixels, scale, base, pool, dense])

# %% [markdown]
# It will be shown its pictures ten times, which takes some seconds, and then ten new
# ones. By guessing, it would get one or two right.

# %%
first = predict("How many of the ten new pictures will it get right?", unit="of 10")

# %% [markdown]
# You know these from any Keras model: `compile`, then `fit`. (`share_right` counts what
# a model gets right. Its turn comes later.)


# %%
def learn(model, few, learning_rate=1e-2, epochs=10):
    """Trains a classifier; returns the accuracy of each epoch."""
    adam = keras.optimizers.Adam(learning_rate)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": epochs, "verbose": 0, "callbacks": [ProgressLine()]}
    return model.fit(few.images, few.labels, **options).history["accuracy"]


def share_right(model, dataset):
    said = model.predict(dataset.images, verbose=0).argmax(axis=1)
    return float(np.mean(said == dataset.labels))


learn(model, few);

# %% [markdown]
# The new pictures, each with what the network says:

# %%
new = track.validation.few(10 // len(names))
said = model.predict(new.images, verbose=0).argmax(axis=1)
pairs = [(names[a], names[b]) for a, b in zip(said, new.labels, strict=True)]
titles = [a if a == b else f"{a},\nnot {b}" for a, b in pairs]
plots.tiles(new.images, titles, columns=10, title="What the network says")
first.compare(sum(a == b for a, b in pairs))

# %% tags=["claim"]
assert share_right(model, track.validation) > 3 / len(names)  # guessing: 1 of them

# %% [markdown]
# **Observe.** Ten pictures of each kind and a few seconds, for a network that was
# trained for something else. It did not have to start from nothing, because it brought
# along what it had learnt from other pictures.
#
# ## What just happened has a name
#
# This is **transfer learning**. A *base network* was trained on a *base dataset*, for a
# *base task*. We use what it has learnt for a *target task* of our own, and the *target
# dataset* can be small.

# %%
from tlcourse.plots import diagrams

diagrams.transfer();

# %% [markdown]
# ## And without the transfer?
#
# The fair comparison is the same architecture on the same pictures, but from scratch:
# with random weights, all of which may learn. So the base gets `weights=None`, and
# smaller steps, 0.001 in place of 0.01, because so many weights move at once. Then we
# ask about all *validation* pictures, which are kept aside for checking.

# %%
scratch_guess = predict("From scratch, what share of new ones is right?", unit="%")

# %% [markdown]
# This takes longer, because now every layer learns.

# %%
random = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=None
)
output = keras.layers.Dense(len(names), activation="softmax")
scratch = keras.Sequential([pixels, scale, random, pool, output])
while_training = learn(scratch, few, 1e-3, 10)[-1]

on_new = share_right(scratch, track.validation)
print(f"with transfer, new pictures:       {share_right(model, track.validation):4.0%}")
print(f"from scratch, new pictures:        {on_new:4.0%}")
print(f"from scratch, while it trained:    {while_training:4.0%}")
print(f"from scratch, its own, afterwards: {share_right(scratch, few):4.0%}")
scratch_guess.compare(round(100 * on_new))
del scratch, random  # gives their memory back

# %% tags=["claim"]
assert on_new < 2 / len(names)  # it guesses
assert while_training > 0.9 and share_right(model, track.validation) > 2 * on_new

# %% [markdown]
# **Observe.** On new pictures it guesses. It learnt its own by heart during training,
# and yet fails to recognise them afterwards. For that failure, some layers called
# BatchNormalization are to blame: in use they need averages that they collect while
# the network trains (lesson 05), and after so few steps these are still wrong.
# Perhaps that spoils the new pictures, too, so we need another comparison.
#
# ## A smaller network, then
#
# An ordinary small network has no such layers. It has fewer weights, and it
# trains quickly enough for three tries, each with other pictures. All of it has to
# learn, so it gets smaller steps than the transfer, and twice as many epochs. By
# *right* we mean over four fifths of its own, and over half of the new ones.

# %%
small_guess = predict(
    "What does it get right?", "its own and new ones", "its own only", "neither"
)

# %% [markdown]
# Three convolutions, a pooling layer after each that halves the picture, and a dense
# layer:


# %%
def small_network():
    layers = [keras.Input(track.input_shape), keras.layers.Rescaling(1 / 127.5, -1)]
    for filters in (16, 32, 64):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu")]
        layers += [keras.layers.MaxPooling2D()]
    dense = keras.layers.Dense(len(names), activation="softmax")
    return keras.Sequential([*layers, keras.layers.Flatten(), dense])


# %%
shares = {"transfer": [], "small network": []}
for draw in range(3):
    pictures = track.train.few(10, seed=draw)
    output = keras.layers.Dense(len(names), activation="softmax")
    transfer = keras.Sequential([pixels, scale, base, pool, output])
    small = small_network()
    learn(transfer, pictures)
    learn(small, pictures, 3e-3, 20)
    for name, each in {"transfer": transfer, "small network": small}.items():
        shares[name] += [[share_right(each, x) for x in (pictures, track.validation)]]
usual = np.mean(shares["transfer"], axis=0)[1]

# %% [markdown]
# Each try is one square and one dot: the share of its own pictures that it names
# correctly, and the share of the new ones. The *spread* that is printed is the standard
# deviation over the three tries.

# %%
ax = plt.subplots(figsize=(7, 1.8))[1]
for name, table in shares.items():
    of_own, of_new = 100 * np.transpose(table)
    print(f"{name:14} new ones {of_new.mean():.0f} %, spread {of_new.std(ddof=1):.1f}")
    ax.plot(of_own, [name] * 3, "C0s", of_new, [name] * 3, "C1o")
ax.set(xlim=(0, 104), ylim=(1.5, -0.6), xlabel="right, % (squares: its own; dots: new)")
own, fresh = of_own.mean(), of_new.mean()
ax.set_title(f"The small network: {own:.0f} % of its own, {fresh:.0f} % of new ones")
small_guess.compare(small_guess.choices[2 - (own > 80) - (fresh > 50)])

# %% tags=["claim"]
transferred = 100 * np.mean(shares["transfer"], axis=0)[1]
assert own > 90 and fresh < transferred - 20  # by heart, and far behind

# %% [markdown]
# **Observe.** The small network has learnt its pictures by heart, and on new ones it is
# far behind the transfer. So it is not too small, and BatchNormalization, which it
# does not have, is not to blame: a handful of pictures is enough to remember, but not
# to find out what a digit or a flower looks like in general. The base found out
# something of the kind from other pictures. Lesson 07 asks how many labels make up for
# it.
#
# ## Why not train a large one ourselves?
#
# Because somebody has to pay. Take GPT-3, of 2020, whose makers published its sizes and
# what it read: 300 billion *tokens*, which are words or pieces of words.

# %%
sizes = {"GPT-3 Small": 0.125, "GPT-3 XL": 1.3, "GPT-3 13B": 13, "GPT-3": 175}
times = {"web pages": 0.44, "WebText2": 2.9, "Books1": 1.9, "Books2": 0.43}
times["Wikipedia"] = 3.4
title = f"GPT-3: {175 / 0.125:,.0f} times as many parameters as GPT-3 Small"
plots.bars(sizes, title, "billion parameters")
plots.bars(times, "How often GPT-3 read each source", "times");

# %% tags=["claim"]
assert round(times["WebText2"]) == round(times["Wikipedia"]) == 3
assert round(times["Books1"]) == 2 and times["web pages"] < 1

# %% [markdown]
# **Observe.** WebText2 and Wikipedia were read about three times, one collection of
# books about twice, and the great heap of web pages not even once. *Parameters* is
# another word for weights.
#
# ## How long would it take here?
#
# Training takes about 6 multiplications or additions for each parameter and token: 2
# to answer, and 4 more to learn from the answer. How many this machine does per
# second we measured in lesson 00, and the cell below measures it again.

# %%
verdict = predict(
    "How long would this computer need to train GPT-3? At most ...",
    *("a month", "a year", "a lifetime", "the age of the pyramids", "even longer"),
)

# %% [markdown]
# The figure also has ResNet50, an image network of 2015 that counts as small today. In
# the usual recipe it goes 90 times through 1.28 million photographs. To answer for one
# takes 8.2 billion operations, and with the learning it is three times as many.

# %%
per_second, year = machine.flop_per_second(), 365 * 24 * 3600
print(f"billions of operations per second here: {per_second / 1e9:,.0f}")
years = {name: 6e9 * n * 300e9 / per_second / year for name, n in sizes.items()}
years["ResNet50"] = 90 * 1.28e6 * 3 * 8.2e9 / per_second / year
ax = plt.subplots(figsize=(7, 3.2))[1]
ax.plot(list(years.values()), list(years), "o")
ax.set(xscale="log", xlabel="years on this machine", ylim=(4.5, -0.5))
ax.set_title(f"GPT-3: about {float(f'{max(years.values()):.2g}'):,.0f} years", pad=50)
limits = {"a month": 1 / 12, "a year": 1, "a life": 80, "the pyramids": 4500}
for name, limit in limits.items():
    ax.axvline(limit, linestyle=":", linewidth=1, color="#7a7a7a", zorder=0)
    ax.text(limit, -0.6, name, rotation=30, fontsize=9)
verdict.compare(verdict.choices[sum(years["GPT-3"] > x for x in limits.values())])

# %%
used = 65 * years["GPT-3"] * 365 * 24 / 1e9  # GWh at 65 watts, a small computer
print(f"electricity for GPT-3, at 65 watts: about {float(f'{used:.1g}'):,g} GWh")
print(f"BLOOM, 2 bytes for each of 176 billion parameters: {2 * 176:,} GB")
print(f"our base, 4 bytes for each: {4 * base.count_params() / 1e6:.1f} MB")

# %% tags=["claim"]
assert years["GPT-3"] > 80  # so we cannot train it

# %% [markdown]
# **Observe.** A household uses a few thousand kilowatt hours a year, and a gigawatt
# hour is a million kilowatt hours. So we cannot train it. Nor did its makers give it
# away: the weights of GPT-3 were never published. Others have published networks as
# large, such as BLOOM in 2022, but that is too much for a laptop's memory. What fits is
# what we use: hundreds of networks that somebody has paid for, among them our base. In
# lesson 15 you go through the same steps with a small GPT.

# %% [markdown]
# ## ✎ Exercise 1.1
#
# Build a better one. Leave `model` as it is, build a second one like `transfer` in
# the loop above, and train it on more pictures: `track.train.few(20)` gives 20 of
# each kind, and asking for more than there are gives an error. How many do you expect
# to need? Set `answer` to your model. We test it on pictures that nobody has used yet:
# it may get at most two thirds as many wrong, in %, as `transfer` did on average.

# %% tags=["solution"]
output = keras.layers.Dense(len(names), activation="softmax")
better = keras.Sequential([pixels, scale, base, pool, output])
learn(better, track.train.few(45));

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = better

check("1.1", answer, model=model, held_out=track.test.take(slice(0, 300)), right=usual)

# %% [markdown]
# ## ✎ Exercise 1.2
#
# Chinchilla, of 2022, is smaller than GPT-3: 70 billion parameters. But it read 1,400
# billion tokens. How many years would this computer need to train it? Set `answer`.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 6 * 70e9 * 1400e9 / per_second / year

check("1.2", answer, per_second=per_second)

# %% [markdown]
# ## ✎ Exercise 1.3
#
# In which of these projects is something that a network has *learnt* on one task used
# for another task? Set `answer` to all their letters, such as `"ac"`.
#
# - a: A network is trained from random weights on the X-rays of two hospitals.
# - b: A network that knows photographs gets a new last layer, which is trained on
#   X-rays.
# - c: A network trained on X-rays predicts for the X-rays of the next day.
# - d: ResNet50 is built with `weights=None` and trained on a million X-rays.
# - e: A network that knows photographs turns 200 leaves into numbers. Its weights stay
#   as they are. A small classifier learns from the numbers.
# - f: A network that knows spoken English goes on training, with all its weights, on
#   Welsh.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "bef"

check("1.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? A network that tells a thousand kinds of things apart is to say from a leaf which
#   tree it is. Which is the target task?
# - Telling a thousand kinds of things apart. | That was the base task.
# + Telling from a leaf which tree it is. | It is what we want to do with our own data.
# - The network that is to be adapted. | The network is the base, and not a task.
#
# ? Twice the parameters and twice the tokens: how much more work is the training?
# - Twice as much, since both grow together. | The two are multiplied.
# + Four times as much, since both count. | 6 times parameters times tokens.
# - Twelve times, because of the factor 6. | The factor is the same before and after.
#
# ? The small network got nearly all its own pictures right, but far fewer of the new
#   ones. Why?
# - It had too few weights to learn the task. | It had enough to learn its own by heart.
# - It was trained for too short a time. | On its own, next to nothing was left
#   to learn.
# + It had too few pictures to learn from. | It remembered them, and learnt little
#   that holds for others.

# %% [markdown]
# ## What to remember
#
# - A base that has learnt from other pictures makes a few of ours go a long way.
# - Being right on the training pictures says little about new ones.
# - What training costs can be estimated: 6 times parameters times tokens.
# - Base network, base task; target dataset, target task.
#
# Next: [02 · Get the architecture](02_get_the_architecture.ipynb)
#
# ## Sources
#
# - Brown et al. 2020, GPT-3, arXiv 2005.14165, tables 2.1 and 2.2.
# - Kaplan et al. 2020, Scaling laws, arXiv 2001.08361 (6 for each parameter and token).
# - Hoffmann et al. 2022, Chinchilla, arXiv 2203.15556; BigScience 2022, BLOOM, arXiv
#   2211.05100.
# - He et al. 2015, Deep Residual Learning, arXiv 1512.03385.
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
