# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 09 · Train more
#
# **You will be able to** decide how deep to unfreeze for your task and your labels, and
# defend it with measurements.
#
# 15 minutes, and 10 for the exercises · builds on lesson 08 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from tlcourse import data, plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing
from tlcourse.training import ProgressLine, shipped_gains, shipped_grid
from tlcourse.widgets import predict

letters = load_track("glyphs")  # small pictures, so that depth costs seconds

# %% [markdown]
# ## Everything, or nothing, or something in between?
#
# Lesson 08 trained all of the base or none of it. But a base is a row of stages (layers
# with maps of one size, lesson 02), and any of them can be the first that trains. What
# lies before it stays frozen. Here is the base that has read letters:

# %% tags=["nbval-check-output", "any-track"]
shape, weights = letters.input_shape, letters.weights
base = keras.applications.MobileNetV2(
    input_shape=shape, alpha=0.35, include_top=False, weights=weights
)
for stage in freezing.stages(base):
    place = base.layers.index(stage.layers[0])
    print(f"{stage.name} from layer {place:3}: {stage.parameters:9,} parameters")

# %% [markdown]
# The task is the far one of lesson 08: how many digits are on the paper? On every track
# we use the small pictures here, since a grid of trainings on large ones would take
# hours. We have fifty labelled images of each class, and the head is trained as always,
# on features that the frozen base computes once.

# %%
images, held_out = data.load_counting(300), data.load_counting(300, "validation")
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
pool = keras.layers.GlobalAveragePooling2D()
dense = keras.layers.Dense(6, activation="softmax")
model = keras.Sequential([keras.Input((64, 64, 3)), scale, base, pool, dense])
extract = keras.Model(model.inputs, model.layers[-2].output)
features = extract.predict(images.images, verbose=0)
plots.tiles(images.images[:6], [images.class_names[k] for k in images.labels[:6]]);

# %%
loss = "sparse_categorical_crossentropy"
head = keras.Sequential([keras.Input(features.shape[1:]), dense])
head.compile(keras.optimizers.Adam(1e-2), loss)
head.fit(features, images.labels, epochs=40, verbose=0)
start = model.get_weights()

# %% [markdown]
# From here on there are three ways: leave it at the head, train the last stage as well,
# or train all five.

# %%
live_guess = predict("Which is best?", "head only", "from stage 5", "from stage 1")

# %% [markdown]
# ## The procedure, once
#
# Start anew from the same trained head, unfreeze from one layer on, put
# BatchNormalization to sleep, compile, fit, evaluate. The rate sinks from 3e-3 to
# nothing, as in lesson 08. The first epoch, in which Keras builds its training step, is
# fitted on its own, because we want to time the others.


# %%
quiet = {"verbose": 0, "callbacks": [ProgressLine()], "batch_size": 30}


def tune(first, optimizer=keras.optimizers.Adam, epochs=8):
    model.set_weights(start)
    base.trainable = True
    for place, layer in enumerate(base.layers):
        asleep = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = place >= first and not asleep
    sinking = keras.optimizers.schedules.CosineDecay(3e-3, epochs * 10)  # steps
    model.compile(optimizer(sinking), loss, metrics=["accuracy"])
    model.fit(images.images, images.labels, batch_size=30, verbose=0)
    began = time.perf_counter()
    model.fit(images.images, images.labels, epochs=epochs - 1, **quiet)
    seconds[first] = (time.perf_counter() - began) / (epochs - 1)
    return model.evaluate(held_out.images, held_out.labels, verbose=0)[1]


# %%
seconds = {}
firsts = {"head only": len(base.layers)}
for name in ("stage 5", "stage 1"):
    stage = next(s for s in freezing.stages(base) if s.name == name)
    firsts[f"from {name}"] = base.layers.index(stage.layers[0])
right = {name: tune(first) for name, first in firsts.items()}
best = max(right, key=right.get)
plots.bars({name: 100 * x for name, x in right.items()}, f"Best: {best}", "right, %")
live_guess.compare(best)

# %% tags=["claim"]
assert right["from stage 1"] > right["from stage 5"] > right["head only"]
assert right["from stage 1"] > right["head only"] + 0.05

# %% [markdown]
# **Observe.** Look at the training accuracies above the figure, too. The head alone
# knows nearly all of its three hundred images by heart, and so does the last stage:
# with the features that they have, nothing is left to learn from these images. Where
# more layers may change, new features come in, and those serve new images.
#
# But this is one draw, and it may be luck. To decide between depths, we want several
# draws, several numbers of labels, and more than one task.

# %% [markdown]
# ## A rule of thumb, and a grid to test it
#
# One hears: with a hundred to a thousand samples, train the last layer only. With one
# to ten thousand, unfreeze the last few layers. With fifty thousand and more, unfreeze
# everything.
#
# A grid of depths and numbers of labels puts it to the test. Its near task is *which
# digit is it*, its far one *how many are there*.

# %%
near_guess = predict("Near: depth gains more at", "5 labels", "50 labels", "unclear")

# %%
far_guess = predict("Far, 150 labels per class: what does depth gain?", unit="points")

# %% [markdown]
# The grid took a quarter of an hour, so its results ship with the course. There are
# three draws of each number of labels, and all depths of a draw begin with the very
# same head. Depth and rate were chosen on validation images (the star), and the numbers
# are accuracies on test images, so the star need not stand at the largest. Each column
# is coloured by itself: the paler, the further below its best, and white is ten points
# or more.

# %%
_, axes = plt.subplots(1, 2, figsize=(11, 3.2))
gains = {}
for ax, task in zip(axes, ("near", "far"), strict=True):
    names, counts, table = shipped_grid(task)
    chosen, gained = shipped_gains(task)
    most = 100 * gained.mean(axis=1).max()
    title = f"{task}: the chosen depth gains up to {most:.1f} points"
    plots.grid(table, names, counts, title, ax=ax, chosen=chosen)
    gains[task] = dict(zip(counts, 100 * gained, strict=True))

# %% [markdown]
# Now the gain of each column, with its spread. From three draws one takes the *sample*
# standard deviation, which divides by two and not by three (`ddof=1`), since the mean
# was computed from the same three numbers. Where the head itself was chosen, the gain
# is nothing, by definition.

# %%
for task, columns in gains.items():
    chosen = dict(zip(columns, shipped_gains(task)[0], strict=True))
    for count, each in columns.items():
        spread = each.std(ddof=1)
        print(f"{task:4} {count:3} labels, {chosen[count]:12}", end=" ")
        print(f"gains {each.mean():5.1f} points, spread {spread:.1f}")
few, many = gains["near"][5], gains["near"][50]
clear = abs(many.mean() - few.mean()) > max(few.std(ddof=1), many.std(ddof=1))
near_guess.compare(near_guess.choices[int(many.mean() > few.mean()) if clear else 2])
far_guess.compare(gains["far"][150].mean())

# %% tags=["claim"]
assert not clear  # five labels or fifty: nobody can say

# %% tags=["nbval-check-output", "any-track"]
rows = {task: np.array(list(columns.values())) for task, columns in gains.items()}
wins = (rows["far"][1:] > 0).all()
print("far, fifty labels and more: depth wins in every draw:", "yes" if wins else "no")
small = np.abs(rows["near"].mean(axis=1)).max() < 5
print("near: the mean gain is", "below" if small else "above", "five points everywhere")

# %% [markdown]
# **Observe.** The same base, the same depths, and two answers. On the near task depth
# has little to give. On the far one it gives much, once there are fifty labels per
# class to learn from.
#
# Five labels or fifty? With few labels the head is weaker, so one would expect depth to
# gain more with five. But the gains of the near task are hardly larger than their
# spread, so nobody can say.

# %% [markdown]
# And the rule? It begins at a hundred samples. If we stretch it to fewer, it says *last
# layer only* in each of our columns: 5 labels of each of ten digits are 50 images, 150
# of each of six counts are 900, and all columns have fewer than a thousand. On the
# near task, following it costs little; on the far one a lot, from fifty labels on. It
# counts samples and leaves out how far away the target is. Its lines for ten thousand
# images and more lie outside our grid.

# %% [markdown]
# ## What depth costs
#
# Each training above has timed itself. Gradients travel back to the first layer that
# trains, and you pay for the length of that journey. How long does an epoch take in
# which only the head trains, in % of one in which all layers do?

# %%
cost_guess = predict("Share of the time, head only against all layers?", unit="%")

# %%
cost = {name: seconds[first] for name, first in firsts.items()}
share = 100 * cost["head only"] / cost["from stage 1"]
title = f"Head only: {share:.0f} % of the time that all layers take"
plots.bars(cost, title, "seconds per epoch of 300 images")
cost_guess.compare(share)

# %% [markdown]
# **Observe.** The head alone could be cheaper still, because here every image passes
# through all of the frozen base in every epoch. (If two bars are in the wrong order,
# something else kept your machine busy.) Computed once, as we did for the first head,
# the features cost one pass; lesson 10 lives on that.

# %% [markdown]
# ## Between all and nothing
#
# Two ideas. The first: all layers train, but early ones more slowly, as what they look
# for serves many tasks (lesson 11). Newer versions of Keras can give different weights
# different optimizers. Here the first half of the layers gets a tenth of the rate.


# %%
early = {w.path for x in base.layers[: len(base.layers) // 2] for w in x.weights}


def slower_below(rate):
    slow = keras.optimizers.schedules.CosineDecay(3e-4, 80)
    pair = keras.optimizers.Adam(slow), keras.optimizers.Adam(rate)
    return keras.optimizers.MultiOptimizer(lambda w: pair[w.path not in early])


if hasattr(keras.optimizers, "MultiOptimizer"):
    right["all, early slower"] = tune(0, slower_below)

# %% [markdown]
# The second: train less, not more. Low-rank adaptation (LoRA) freezes a kernel and
# learns a correction beside it: the product of two thin matrices. In place of 100 x 100
# numbers, say, it learns 100 x 4 and 4 x 100 of them, if the `rank` is four. Keras's
# `Conv2D` and `Dense` have it built in.

# %%
copy = keras.models.clone_model(base)
dense = keras.layers.Dense(6, activation="softmax")
narrow = keras.Sequential([keras.Input(shape), scale, copy, pool, dense])
narrow.set_weights(start)
copy.trainable = True
for layer in copy.layers:
    layer.trainable = type(layer) is keras.layers.Conv2D  # depthwise ones have none
    if layer.trainable:
        layer.enable_lora(rank=4)
sinking = keras.optimizers.schedules.CosineDecay(3e-3, 80)
narrow.compile(keras.optimizers.Adam(sinking), loss, metrics=["accuracy"])
narrow.fit(images.images, images.labels, epochs=8, **quiet);

# %%
right["LoRA"] = narrow.evaluate(held_out.images, held_out.labels, verbose=0)[1]
few = freezing.count(narrow.trainable_weights)
print(f"LoRA trains {few:,} of the {model.count_params():,} weights of the model")
shown = {name: 100 * x for name, x in right.items()}
best = max(right, key=right.get)
plots.bars(shown, f"Fifty labels per class, one draw; best: {best}", "right, %");

# %% tags=["claim"]
others = [right[name] for name in right if name in ("LoRA", "all, early slower")]
assert max(others) < right["from stage 1"] - 0.05 and 10 * few < model.count_params()

# %% [markdown]
# **Observe.** One draw, but large differences: what we tried here came nowhere near
# training all layers alike. That is one rate and one rank, so it says little about the
# ideas, and a lot about trying a simple thing first. They were made for other
# situations. Smaller rates for early layers are for near targets, where those should
# hardly change. LoRA is for networks of billions of weights: Adam keeps two more
# numbers for each weight that it trains, and for billions of them these would not fit
# into memory.

# %% [markdown]
# ## ✎ Exercise 9.1
#
# Fill in the missing row of our live results: `tune` from stage 4 on. Find the place of
# its first layer, and set `answer` to the share of validation images that is right.

# %% tags=["solution"]
stage = next(s for s in freezing.stages(base) if s.name == "stage 4")
answer = tune(base.layers.index(stage.layers[0]))

# %% tags=["solution", "nbval-check-output", "any-track"]
check("9.1", answer, model=model, held_out=held_out)

# %% [markdown]
# ## ✎ Exercise 9.2
#
# Somebody counts digits with fifty labels per class. Recommend a row of the shipped
# grid, chosen on validation images, and say what it gains on test images: set `answer`
# to three things, `(row, mean gain, spread)`, the row by its name, the others in
# points, and the spread as above. `shipped_grid("far")` gives the names of the rows,
# the list of numbers of labels, and a table. `shipped_gains("far")` gives two lists
# with an entry for each number of labels: the name of the chosen row, and its gain in
# each draw, from 0 to 1.

# %% tags=["solution", "nbval-check-output", "any-track"]
counts = shipped_grid("far")[1]
chosen, gained = shipped_gains("far")
column = counts.index(50)
points = 100 * gained[column]
answer = chosen[column], points.mean(), points.std(ddof=1)

check("9.2", answer)

# %% [markdown]
# ## ✎ Exercise 9.3
#
# Stretched below a hundred samples, the rule of thumb says *last layer only*, which is
# our head, for all six columns of the two grids. In how many of them does following it
# cost more than two points, on average over the draws? Compute it from `gains`.

# %% tags=["solution", "nbval-check-output", "any-track"]
everything = [each for columns in gains.values() for each in columns.values()]
answer = sum(int(each.mean() > 2) for each in everything)

check("9.3", answer, gains=gains)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? The rule of thumb failed on one of our two tasks. What did it leave out there?
# - How large the images are. | In our two tasks they are equally large.
# + How far the target is from what the base knows. | With fifty labels per class, our
#   two tasks wanted different depths.
# - How many layers the base has. | It was the same base in both tasks.
#
# ? One depth beats another by half a point. Between draws the difference varies by two.
#   What do you do?
# - Take the better one, as it is better. | Next time it may be the other.
# + Take the cheaper one, or run more draws. | Nothing is decided by half a point.
# - Train both of them for more epochs. | That makes no comparison surer.
#
# ? Why does an epoch take longer if an early stage trains, too?
# - Early stages hold most of the weights. | They hold the fewest.
# + Gradients have further to travel. | They pass every layer on their way back.
# - The forward pass takes longer. | It is the same at every depth.

# %% [markdown]
# ## On your own
#
# The procedure on another network: everything from one block on, in your own program.

# %% tags=["own"]
import keras
import numpy as np

my_images, labels = np.random.randint(0, 256, (12, 96, 96, 3)), np.arange(12) % 3
my_base = keras.applications.MobileNetV3Small(
    input_shape=(96, 96, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online; it scales pixels itself
my_model = keras.Sequential([my_base, keras.layers.Dense(3, activation="softmax")])
# ... train the head with a frozen base here, then:
my_names = [layer.name for layer in my_base.layers]
my_first = my_names.index("expanded_conv_8_expand")  # base.summary(): the last stage
my_base.trainable = True
for place, layer in enumerate(my_base.layers):
    my_asleep = isinstance(layer, keras.layers.BatchNormalization)
    layer.trainable = place >= my_first and not my_asleep
my_model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
my_model.fit(my_images, labels, verbose=0)
print(len(my_model.trainable_weights), "of", len(my_model.weights), "arrays train")

# %% [markdown]
# ## What to remember
#
# - How deep to unfreeze depends on the number of labels *and* on how far away the task
#   is.
# - The head alone comes first: it is cheap, and shows what is left to gain.
# - Choose the depth on validation images, report it on test images, and set a gain
#   beside its spread between draws.
#
# Next: [10 · Extract features](10_extract_features.ipynb)
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
# - Howard and Ruder 2018, ULMFiT (smaller rates for early layers), arXiv 1801.06146.
# - Hu et al. 2021, LoRA, arXiv 2106.09685.
