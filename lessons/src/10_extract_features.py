# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 10 · Feature extraction
#
# **You will be able to** pass images through a base once, train on what comes out,
# choose a base by it, and say when that is not allowed.
#
# 20 minutes, and 15 for the exercises · builds on lesson 07 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import time

import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.widgets import predict

track = load_track()
few, validation = track.train.few(20), track.validation

# %% [markdown]
# ## A few weights learn, and what does the rest do?
#
# Here is the model of lesson 07, a frozen base with a dense layer of our own behind it,
# and twenty labelled images of each class.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
base.trainable = False
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
pool = keras.layers.GlobalAveragePooling2D()
dense = keras.layers.Dense(len(track.class_names), activation="softmax")
model = keras.Sequential([keras.Input(track.input_shape), scale, base, pool, dense])
start = dense.get_weights()  # so that later trainings begin with the same numbers
plots.tiles(few.images[:8], [few.class_names[k] for k in few.labels[:8]]);

# %% [markdown]
# We train it for eight epochs and time each but the first, in which Keras compiles the
# model. The images keep their order, so that we can repeat the very same training.

# %%
def time_epochs(network, inputs, labels=few.labels):
    network.layers[-1].set_weights(start)
    network.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    ends, clock = [], keras.callbacks.Callback()
    clock.on_epoch_end = lambda epoch, logs: ends.append(time.perf_counter())
    options = {"epochs": 8, "shuffle": False, "verbose": 0}
    network.fit(inputs, labels, callbacks=[clock], **options)
    return np.diff(ends)


# %%
before = base.predict(scale(few.images), verbose=0)
whole = time_epochs(model, few.images)
learns = dense.count_params() / model.count_params()
print(f"{learns:.1%} of the weights learn; seconds per epoch: {whole.round(2)}")

# %% [markdown]
# The dense layer is a trifle, so the time must go into the base. How much of that work
# is done more than once?

# %%
asked = predict("How many times did `fit` compute one image's features?", unit="times")

# %%
asked.compare(1 + int(np.sum(whole > whole.max() / 4)))  # 1: the epoch not timed
after = base.predict(scale(few.images), verbose=0)
print(f"largest change, feature:   {np.abs(after - before).max():.3f}")
print(f"largest change, our layer: {np.abs(dense.kernel.numpy() - start[0]).max():.3f}")

# %% tags=["claim"]
learnt = np.abs(keras.ops.convert_to_numpy(dense.kernel) - start[0]).max()
assert np.abs(after - before).max() < 1e-4 < 0.01 < learnt

# %% [markdown]
# **Observe.** Once in every epoch: no epoch was much quicker than the others, as one
# without the base would have been (how quick, you will see below). And the answer was
# the same each time: our own layer moved, and the features did not, because nothing in
# a frozen base changes. Keras does not keep what it computed, so it pays for the base
# again and again.
#
# ## Ask the base once
#
# Feature extraction is nothing but `predict` without the last layer. We take the other
# layers of our model, and let them turn every image into a vector. There is nothing to
# compile, because nothing is trained.

# %%
to_vector = keras.Sequential([keras.Input(track.input_shape), scale, base, pool])
held_out = to_vector.predict(validation.images, verbose=0)  # for later
begin = time.perf_counter()
vectors = to_vector.predict(few.images, verbose=0)
once = time.perf_counter() - begin

# %% tags=["nbval-check-output"]
print("images ", few.images.shape, "became vectors", vectors.shape)

# %% [markdown]
# From here on, `fit` needs neither the images nor the base. All that is left to train
# is one dense layer.

# %%
classifier = keras.layers.Dense(len(track.class_names), activation="softmax")
small = keras.Sequential([keras.Input(vectors.shape[1:]), classifier])
on_vectors = time_epochs(small, vectors)
alone = small.get_weights()

# %% [markdown]
# The network is much smaller now. How much does that help?

# %%
faster = predict("How many times faster is an epoch on the vectors?", unit="times")

# %%
faster.compare(round(np.median(whole) / np.median(on_vectors)))
print(f"asking once {once:.2f} s, epochs {whole.min():.2f} s to {whole.max():.2f} s")
again, stored = 30 * np.median(whole), once + 30 * np.median(on_vectors)
costs = {"through the base each time": again, "once, then on vectors": stored}
plots.bars(costs, f"Thirty epochs: about {again:.1f} or {stored:.1f} s", "seconds");

# %% [markdown]
# **Observe.** We pay for the base once, about as much as for a single epoch. The
# seconds belong to this machine and to what else it is doing: if its slowest epoch took
# twice as long as its fastest, it was busy. So remember the ratio of the two bars, and
# not too many digits of it.
#
# ## Two approaches, or one?
#
# We have now trained the same layer twice, from the same start: once behind the base,
# and once on stored vectors. Is the second way only an approximation? Training moved
# the weights by some distance. How far apart do the two trainings end?

# %%
same = predict("Their distance, in percent of how far training moved them?", unit="%")

# %% [markdown]
# As a control, we train a third time, on the same vectors in another order.

# %%
time_epochs(small, vectors[::-1], few.labels[::-1])
ends = start, dense.get_weights(), small.get_weights()
moved, apart, reordered = (np.abs(end[0] - alone[0]).max() for end in ends)
print(f"moved {moved:.6f}; ends apart {apart:.6f}, in another order {reordered:.6f}")
same.compare(round(100 * apart / moved, 1))

# %% tags=["claim"]
assert 100 * apart < moved and 10 * apart < reordered

# %% [markdown]
# **Observe.** These are the largest differences of any weight. The order of the images
# alone leads to clearly different weights, while storing the features makes no
# difference worth the name. So training a layer behind a frozen base and training it on
# stored features are one and the same. The first only does the same work again and
# again.
#
# ## A new picture needs the base again
#
# The small network knows only vectors. A program that is given a picture needs both
# parts, so we put them together again. Above each picture stands what it says:

# %%
small.set_weights(alone)
program = keras.Sequential([to_vector, small])
says = program.predict(validation.images, verbose=0).argmax(axis=1)
print(f"of all new images, {np.mean(says == validation.labels):.0%} are right")
plots.tiles(validation.images[:8], [track.class_names[k] for k in says[:8]]);

# %% tags=["claim"]
assert np.mean(says == validation.labels) > 3 / len(track.class_names)

# %% [markdown]
# ## Which base should it be?
#
# There are dozens of them, and fine-tuning each would take long. With stored features
# the question takes seconds. A **linear probe** is a linear classifier on features that
# stay as they are. Our dense layer was one; scikit-learn's ridge classifier is another,
# without epochs and with a penalty on large weights.
#
# Here are three candidates: our base, the same without its last convolution, so with
# far fewer features, and an untrained one.

# %%
front = keras.Model(base.input, base.get_layer("block_16_project_BN").output)
untrained = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=None
)
candidates = {"base": base, "without its last": front, "untrained": untrained}

# %%
best = predict("Which candidate gets the most images right?", *candidates)

# %% [markdown]
# Each probe learns from four fifths of our labelled images and is tested on the last
# fifth, five times in turn. (`StandardScaler` brings all features into one range first,
# so that the penalty treats them alike.) That needs no validation set.

# %%
from sklearn import linear_model, model_selection, pipeline, preprocessing

ridge, seen, found = linear_model.RidgeClassifier(), {}, {}
probe = pipeline.make_pipeline(preprocessing.StandardScaler(), ridge)
for name, network in candidates.items():
    chain = keras.Sequential([keras.Input(track.input_shape), scale, network, pool])
    features = chain.predict(few.images, verbose=0)
    seen[name] = chain.predict(validation.images, verbose=0)
    x = found[name] = model_selection.cross_val_score(probe, features, few.labels)
    lead = found["base"] - x
    print(f"{name}, {features.shape[1]} features: {x.mean():.2f} right", end="; ")
    print(f"the base leads by {lead.mean():.3f} ± {lead.std(ddof=1):.3f}")
best.compare(max(found, key=lambda name: found[name].mean()))

# %% tags=["claim"]
assert (found["base"] - found["untrained"]).min() > 0.1  # out beyond doubt

# %% [markdown]
# **Observe.** In the last two lines, compare the lead of the base with its spread over
# the five parts. A lead that is no larger decides nothing, and then one takes the
# cheaper base. The untrained one is out beyond doubt. Any network of
# `keras.applications` can join the list, with `weights="imagenet"` if you are online
# and with the scale that it wants (lesson 03). `base.summary()` shows
# where one can be cut.
#
# ## What the base sees
#
# We can also look at the vectors. Each image becomes a point, and of more than a
# thousand directions we keep the two in which the points spread most (*principal
# components*). The title says for how many points the nearest one in the picture is of
# the same class. Neither network has seen a label of ours.

# %%
for name in ("base", "untrained"):
    plots.two_directions(seen[name], validation.labels, name)

# %% [markdown]
# **Observe.** Every mark is an image, and its number is its class. Two directions of
# the trained base already hold some classes together. Compare the second title with
# guessing, to see whether those of an untrained base do so, too.
#
# ## When it is not allowed: the images change
#
# With augmentation, every epoch shows other pictures, so there is no single vector to
# store. But we can store several: the features of a few augmented copies of each.

# %%
helps = predict("Five labels per class: in how many of five draws do copies help?")

# %%
vary, gains = keras.layers.RandomTranslation(0.08, 0.08, seed=0), []
for draw in range(5):
    five = track.train.few(5, seed=draw)
    copies = [vary(five.images, training=True) for _ in range(4)]
    stored = [to_vector.predict(x, verbose=0) for x in (five.images, *copies)]
    one = probe.fit(stored[0], five.labels).score(held_out, validation.labels)
    probe.fit(np.concatenate(stored), np.tile(five.labels, 5))
    gains.append(probe.score(held_out, validation.labels) - one)
print(f"gain of four copies: {np.mean(gains):+.3f} ± {np.std(gains, ddof=1):.3f}")
helps.compare(int(np.sum(np.array(gains) > 0)))

# %% [markdown]
# **Observe.** So augmentation can be stored, at the price of as many passes through the
# base as there are copies. Whether it pays depends on your pictures. And once more: a
# gain that is smaller than its spread is not one to believe in.
#
# ## When it is not allowed: the base changes
#
# Now let the last convolution of the base learn. All layers before it stay
# frozen, so we may still ask *that* part once, and train the rest on its output, the
# *maps*. (`rest` is the base from there on, made of the same layers. It is a layer's
# own flag that counts, so one of them can learn although the base around it is frozen.)

# %%
rest, pretrained = keras.Model(front.output, base.output), base.get_weights()
base.get_layer("Conv_1").trainable = True
maps = front.predict(scale(few.images), verbose=0)
tail = keras.Sequential([keras.Input(maps.shape[1:]), rest, pool, dense])
tail.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
for name, n in (("before", 0), ("after", 2)):  # no epoch, and then two
    tail.fit(maps, few.labels, epochs=n, verbose=0)
    change = np.abs(to_vector.predict(few.images, verbose=0) - vectors).max()
    in_front = np.abs(front.predict(scale(few.images), verbose=0) - maps).max()
    print(f"{name:6} training: vectors changed by {change:.3f}, maps by {in_front:.3f}")
base.set_weights(pretrained)  # as it was, for the exercises

# %% tags=["claim"]
assert in_front < 1e-4 < 0.01 < change  # the maps hold, the vectors do not

# %% [markdown]
# **Observe.** Before the training, asking again gave the same numbers; after it, the
# vectors are out of date, while the maps that go into the last convolution still hold.
# That is the whole rule: stored features are right as long as neither the images nor
# the layers that computed them change.
# (`tlcourse.training.fit_once_frozen(model, x, y)` finds the place to cut by itself, at
# any depth.)
#
# ## ✎ Exercise 10.1
#
# Build a small network for vectors, with a hidden layer of 64 units and `relu` in front
# of the softmax layer. Compile it, fit it on `vectors` and `few.labels`, and set
# `answer` to it. The check asks it about new images.

# %% tags=["solution", "nbval-check-output", "any-track"]
hidden = keras.layers.Dense(64, activation="relu")
out = keras.layers.Dense(len(track.class_names), activation="softmax")
answer = keras.Sequential([keras.Input(vectors.shape[1:]), hidden, out])
answer.compile("adam", "sparse_categorical_crossentropy")
answer.fit(vectors, few.labels, epochs=30, verbose=0)

check("10.1", answer, vectors=held_out, labels=validation.labels)

# %% [markdown]
# ## ✎ Exercise 10.2
#
# Tomorrow you want to go on without the base. Save the vectors *and* their labels with
# `np.savez` in one file whose name ends in `.npz`, under the names `vectors` and
# `labels`, and set `answer` to its path. (`np.load(answer)["vectors"]` reads them.)

# %% tags=["solution", "nbval-check-output", "any-track"]
import pathlib
import tempfile

answer = pathlib.Path(tempfile.mkdtemp()) / "features.npz"
np.savez(answer, vectors=vectors, labels=few.labels)

check("10.2", answer, vectors=vectors, labels=few.labels)

# %% [markdown]
# ## ✎ Exercise 10.3
#
# A colleague wrote this program. Training went well, and yet it gets far too few
# pictures right, even of those that it was trained on. Find out why, and mend it: set
# `answer` to a model that takes the pictures as they are and gets at least three
# quarters as many right as `program` did. You may train `theirs` again.

# %%
theirs = keras.Sequential([keras.layers.Dense(len(track.class_names), "softmax")])
theirs.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
inputs = pool(base.predict(few.images, verbose=0))
log = theirs.fit(inputs, few.labels, epochs=60, verbose=0).history["accuracy"]
broken = keras.Sequential([to_vector, theirs])
share = np.mean(broken.predict(few.images, verbose=0).argmax(axis=1) == few.labels)
print(f"right in training: {log[-1]:.2f}, right as a program: {share:.2f}")

# %% tags=["solution", "nbval-check-output", "any-track"]
# The base was given 0..255 when the vectors were stored, and -1..1 in the program.
theirs.fit(to_vector.predict(few.images, verbose=0), few.labels, epochs=60, verbose=0)
answer = keras.Sequential([to_vector, theirs])

check("10.3", answer, program=program, data=validation)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does a frozen base compute in the second epoch?
# - Sharper features than in the first, as it has warmed up. | It does not learn, so
#   nothing can become sharper.
# - Nothing, because Keras kept those of the first epoch. | Keras keeps nothing; you saw
#   what that costs.
# + Exactly the same features as in the first epoch. | Neither images nor base have
#   changed.
#
# ? How good is a training on stored features, beside one behind the frozen base?
# + Equally good, because it is the same training. | The same numbers go into the same
#   layer.
# - A little worse, because storing loses something. | You compared the weights: nothing
#   is lost.
# - A little better, because the noise is gone. | There was none: a frozen base always
#   answers the same.
#
# ? You change the preprocessing. What happens to the stored features?
# - They stay right, because the base is the same. | It was given other numbers, so it
#   would give others.
# + They are out of date and have to be computed again. | Exercise 10.3 is such a case.
# - They stay right once the dense layer is trained again. | It would fit old numbers,
#   and new pictures bring others.
#
# ? One base is right on two more images of a hundred in the probe. What now?
# - Take it, since the probe has decided. | Two images may be luck: look at the spread.
# - Drop the probe, since it cannot decide. | It can, if the lead is larger.
# + Compare the lead with the spread of the parts. | If it is smaller, take the cheaper.

# %% [markdown]
# ## On your own
#
# The same in a program of yours, on another network. Its task is to tell red, green and
# blue noise apart, so easy that even random weights pass the colour on: it shows the
# steps. What a base is worth, only your own pictures tell.

# %% tags=["own"]
import keras
import numpy as np

my_base = keras.applications.EfficientNetV2B0(
    input_shape=(96, 96, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online; this one scales pixels itself
my_labels = np.arange(60) % 3
images = np.random.default_rng(0).uniform(0, 100, (60, 96, 96, 3))
images[np.arange(60), :, :, my_labels] += 150  # red, green or blue

my_vectors = my_base.predict(images[:30], verbose=0)  # once
head = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
head.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
head.fit(my_vectors, my_labels[:30], epochs=100, verbose=0)

my_program = keras.Sequential([my_base, head])  # for new pictures
right = my_program.predict(images[30:], verbose=0).argmax(axis=1) == my_labels[30:]
print(f"right on new images: {right.mean():.2f}, by guessing: {1 / 3:.2f}")

# %% [markdown]
# ## What to remember
#
# - Feature extraction is one `predict` on the base, then `fit` on vectors.
# - It is the same training as with a frozen base. A new picture needs both parts.
# - Stored features hold while neither the images nor the layers before them change.
# - A linear probe on your own labels compares bases in seconds.
#
# Next: [11 · Why does it work?](11_why_does_it_work.ipynb)
#
# ## Sources
#
# - Razavian et al. 2014, CNN features off-the-shelf, arXiv 1403.6382.
# - Donahue et al. 2013, DeCAF, arXiv 1310.1531.
# - Alain and Bengio 2016, linear classifier probes, arXiv 1610.01644.
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
