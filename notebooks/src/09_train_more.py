# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 09 · Train more
#
# **You will be able to** decide how deep to unfreeze for the labels that you have, and
# defend it with measurements.
#
# 15 minutes, and 10 for the exercises · builds on lesson 08 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing
from tlcourse.training import compile_for, fine_tuning, shipped_gains, shipped_grid

track = load_track()
quick = track.name == "glyphs"  # small pictures

# %% [markdown]
# ## The data at a glance
#
# A base is a row of stages. Any of them can be the first that trains. Before it, all
# is frozen. Here they are, from input to output:

# %% tags=["nbval-check-output"]
base = track.build_base()
stages = freezing.stages(base)
for stage in stages:
    print(f"{stage.name:9}{len(stage.layers):4} layers{stage.parameters:9,} parameters")

# %% [markdown]
# ## A rule of thumb
#
# One hears: with a hundred to a thousand samples, train the last layer only. With one
# to ten thousand, unfreeze the last few layers. With fifty thousand and more, unfreeze
# everything.
#
# **Predict.** Five labels for each class, or fifty: for which would you unfreeze more?
#
# A small grid, live: three depths, few labels, few draws. The same trained wrapper is
# the start every time, and BatchNormalization stays frozen.

# %%
counts = [5, 20] if quick else [5]
depths = {"last stage too": stages[-1].name, "all": stages[0].name}
live = {}
for name, first in depths.items():
    found = fine_tuning.compare(
        track,
        first,
        counts,
        learning_rates=[1e-4],
        epochs=8 if quick else 3,
        draws=range(2 if quick else 1),
        measure=lambda model: fine_tuning.accuracy(model, track.validation),
    )
    live["head only"] = fine_tuning.by_count(found, fine_tuning.FROZEN).mean(axis=1)
    live[name] = fine_tuning.by_count(found, 1e-4).mean(axis=1)

# %% [markdown]
# As a table with colours. They compare the rows of one column: its best is dark, and
# has a star. Between columns, compare the numbers. *Head only* is the frozen base with
# its wrapper.

# %%
order = ["head only", *depths]
live = np.array([live[name] for name in order])
plots.grid(live, order, counts, "Measured just now: right on held-out images");

# %% tags=["nbval-check-output", "any-track"]
bool((live > 2 / len(track.class_names)).all()), live.shape[0]

# %% [markdown]
# **Observe.** Where are the stars? With so few draws it may be luck, so do not believe
# it yet.

# %% [markdown]
# ## The whole grid
#
# The same for every stage and more labels, three draws, two rates each: it takes half
# an hour, so its result ships with the course. It was measured on the glyphs track.
# The rate was chosen on the validation set, and the test set is what you see.
#
# **Predict.** Ten classes with fifty labels each are five hundred samples. What does
# the rule say of each column? Where will the stars be?

# %%
names, all_counts, table = shipped_grid()
plots.grid(table, names, all_counts, "Right on the test set, by depth and labels");

# %% [markdown]
# The stars flatter: the best of many cells is partly the luckiest. So choose each
# column's depth on the validation set, as one has to. Then ask on the test set, draw by
# draw: how much better is it than the head alone? The mean, and the spread of that gain
# between draws:

# %%
chosen, gained = shipped_gains()
gains, luck = {}, {}
for count, differences in zip(all_counts, 100 * gained, strict=True):
    gains[f"{count} labels"] = differences.mean()
    luck[f"{count} labels"] = differences.std()

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained", sharex=True)
unit = "points of accuracy"
plots.bars(gains, "Gain of the chosen depth", unit, ax=axes[0])
plots.bars(luck, "Its spread between draws", unit, colours=plots.ORANGE, ax=axes[1]);

# %% tags=["nbval-check-output", "any-track"]
few_gain, most_gain = gains["5 labels"], gains["50 labels"]
print("less than two points anywhere:", max(gains.values()) < 2)
print("more to gain with five than with fifty:", few_gain > most_gain)
print("nothing to gain with fifty:", most_gain < 0.1)

# %% [markdown]
# **Observe.** Up to a thousand samples the rule says: the last layer only. We have at
# most five hundred, and whoever follows it loses little: less than two points, and from
# draw to draw the gain varies about as much. With fifty labels there was nothing to
# gain. The base knows characters, and our digits are characters too. Its frozen
# features are nearly all one can get.

# %% [markdown]
# So is the rule right? Its other lines speak of more images than we have, and no grid
# tests what is outside it. Targets that are further from the base may need more, too.
# On a task of your own, measure: the head alone first, then deeper, several draws.

# %% [markdown]
# ## What depth costs
#
# **Predict.** How many times longer does a step take if all trains, compared with the
# head alone?

# %%
import time

model, base = fine_tuning.wrapped(track)
few = track.train.few(5)
some = track.train.take(slice(0, 256 if quick else 32))


def seconds_an_epoch(first):
    freezing.freeze(base)
    if first:
        freezing.unfreeze_from(base, first)
    compile_for(model, 1e-4)
    model.fit(few.images, few.labels, 16, verbose=0)  # the first is slow
    start = time.perf_counter()
    model.fit(some.images, some.labels, 32, verbose=0)
    return time.perf_counter() - start


# %% [markdown]
# Now for each depth:

# %%
starts = {"head only": None, **depths}
cost = {name: seconds_an_epoch(first) for name, first in starts.items()}
plots.bars(cost, f"One epoch of {len(some)} images", "seconds");

# %% [markdown]
# **Observe.** Gradients have to walk back to the first layer that trains. The deeper it
# lies, the longer the way. These times are short. If two bars are in the wrong order,
# something else kept the machine busy: run the cell again.
#
# The panel of lesson 05 counts in advance how much of the work of training everything
# a step of your choice takes, and `Measure an epoch` times that choice on a copy of the
# model. **Predict.** At which depth does a step cost half of training everything? Find
# it, and measure both. Then compile, train a few steps, and watch the loss.

# %%
from tlcourse.widgets import FreezePanel

FreezePanel(model, few, batch_size=16)

# %% [markdown]
# ## Between all and nothing
#
# Two ideas for later. The first: all layers train, but early ones more slowly, since
# they are general already. Keras has one rate for a model. So we write an optimizer of
# our own that takes back a part of each step: nearly all of it at the input, nothing at
# the output. You may run this and read on.

# %%
freezing.unfreeze_from(base, stages[0].name)
weights = model.trainable_weights
shares = np.geomspace(0.01, 1, len(weights)).tolist()


class Slower(keras.optimizers.Adam):
    def apply(self, grads, trainable_variables=None):
        before = [keras.ops.copy(weight) for weight in weights]
        super().apply(grads, trainable_variables)
        for weight, old, share in zip(weights, before, shares, strict=True):
            weight.assign(old + share * (weight - old))


# %% [markdown]
# One epoch with it, and how far the first and the last kernel went:

# %%
kernels = [w for w in model.trainable_weights if w.name == "kernel"]
before = [keras.ops.convert_to_numpy(kernel).copy() for kernel in kernels]
model.compile(Slower(1e-4), "sparse_categorical_crossentropy")
model.fit(few.images, few.labels, 16, verbose=0)
after = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
moved = [float(np.abs(a - b).mean()) for a, b in zip(before, after, strict=True)]
print(f"first kernel moved {moved[0]:.1e}, last one {moved[-1]:.1e}")

# %% tags=["nbval-check-output", "any-track"]
moved[0] < moved[-1] / 10

# %% [markdown]
# The second: train less, not more. Low-rank adaptation freezes a kernel and learns a
# narrow correction beside it. Keras layers have it built in.

# %% tags=["nbval-check-output"]
dense = keras.layers.Dense(512)
dense.build((None, 1280))
full = dense.count_params()
dense.enable_lora(rank=4)
narrow = freezing.count(dense.trainable_weights)
print(f"{full:,} numbers in the layer, {narrow:,} of them train")

# %% [markdown]
# **Observe.** Two narrow matrices and the bias train, and the kernel rests. On a
# network of a hundred billion, that is what makes fine-tuning affordable.
#
# ## 📝 Exercise 9.1
#
# Fill in a cell of the live grid: unfreeze from the second last stage, five labels,
# learning rate 1e-4, one draw (seed 0), three epochs. Use `fine_tuning.compare`, and
# call what it returns `found`: a dict, whose keys are labels, draw and learning rate.
# Set `answer` to `found[5, 0, 1e-4]`, the accuracy on the validation set.

# %% tags=["solution", "nbval-check-output", "any-track"]
found = fine_tuning.compare(
    track,
    stages[-2].name,
    [5],
    learning_rates=[1e-4],
    epochs=3,
    draws=[0],
    measure=lambda model: fine_tuning.accuracy(model, track.validation),
)
answer = found[5, 0, 1e-4]

check("9.1", answer, found=found)

# %% [markdown]
# ## 📝 Exercise 9.2
#
# Somebody has one label for each class, and no time. Which row of the shipped grid do
# you recommend? Set `answer` to its name, from `names`. Defend it with `gained[0]`,
# what the chosen depth gained in each draw: can one count on it?

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = names[0]

check("9.2", answer, names=names)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? A rule of thumb says: so many samples, so many layers. What do you do with it?
# - Follow it. | Here you would have lost little. Elsewhere nobody knows.
# + Take it as a guess, and measure the head alone first. | The head is cheap, and tells
#   whether there is anything left to gain.
# - Ignore it. | It asks a good question: how much may change, for how many labels?
#
# ? One depth beats another by half a point. Between draws, that difference varies by
#   two points.
# - Take the better one. | Next time it may be the other.
# + Nothing is decided yet. | More draws, or take the cheaper one.
# - Train longer. | That does not make the comparison surer.
#
# ? Why does a deeper first stage cost more time?
# - There are more weights in early stages. | They have few.
# + The gradient has to go further back. | It passes every layer on the way.
# - The forward pass gets longer. | It is the same for all depths.

# %% [markdown]
# ## What to take home
#
# - A rule of thumb is a claim. A grid tests it, as far as the grid reaches.
# - Where the base is near the target, the head alone is nearly all there is to gain.
# - Choose on the validation set. Compare a gain with its spread between draws.
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
# - Howard and Ruder 2018, ULMFiT (smaller rates for early layers), arXiv 1801.06146.
# - Hu et al. 2021, LoRA, arXiv 2106.09685.
