# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 05 · Freeze
#
# **You will be able to** decide which weights of a network `fit` may change, and prove
# that it left the others alone.
#
# 20 minutes, and 15 for the exercises · builds on lesson 04 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import contextlib

import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing
from tlcourse.widgets import FreezePanel, predict

track = load_track()

# %% [markdown]
# ## Two pictures of each class
#
# Somebody spent hours of computing on the base, so that its filters would recognise
# what pictures are made of. We have two pictures of each class. Eight of them:

# %%
few, new = track.train.few(2), track.validation
plots.tiles(few.images[:8], [few.class_names[k] for k in few.labels[:8]]);

# %% [markdown]
# Here is the base of lesson 04 with a dense layer of our own behind it, one output per
# class, still random.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
rescale = keras.layers.Rescaling(1 / 127.5, offset=-1)
pool = keras.layers.GlobalAveragePooling2D()
head = keras.layers.Dense(len(track.class_names), activation="softmax")
model = keras.Sequential([keras.Input(track.input_shape), rescale, base, pool, head])

# %% [markdown]
# We train this model in two ways, on the same pictures, for the same number of epochs.
# In one, `fit` may change every weight. In the other, the base is locked, or *frozen*,
# so only the dense layer changes. Which recognises more new pictures? With so few,
# luck matters, so we repeat it with others.

# %%
better = predict("Which recognises more new pictures?", "everything trains", "frozen")

# %%
start = model.get_weights()
right = {"frozen": [], "everything trains": []}
for name, scores in right.items():
    base.trainable = name == "everything trains"
    sgd, loss = keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy"
    model.compile(sgd, loss, metrics=["accuracy"])
    for draw in range(3):
        model.set_weights(start)
        sample = track.train.few(2, seed=draw)
        model.fit(sample.images, sample.labels, epochs=20, verbose=0)
        scores.append(model.evaluate(new.images, new.labels, verbose=0)[1])
        print(f"{name}, draw {draw + 1}: {scores[-1]:.0%} right")
model.set_weights(start)
means = {name: np.mean(scores) for name, scores in right.items()}
better.compare(max(means, key=means.get))

# %% tags=["claim"]
assert means["frozen"] > means["everything trains"] > 0  # why the lesson freezes

# %% [markdown]
# **Observe.** Same model, same pictures, and one line that differs. Look at each draw:
# luck matters, too. (With more pictures and another task, training the base as well can
# win by far: lesson 08.) So this lesson is about
# freezing: what it does, how to make sure that it holds, and how it fails without a
# warning.
#
# ## Freezing is an attribute
#
# In Keras, it is called `trainable`. Let us set it, and count the weights on either
# side of that line.

# %%
lock = predict("How many weights can `fit` still change?", "none", "thousands", "all")

# %% tags=["nbval-check-output"]
def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


print(f"before: {count(model.trainable_weights):7,} of {model.count_params():,}")
base.trainable = False
print(f"after:  {count(model.trainable_weights):7,} of {model.count_params():,}")
lock.compare("thousands" if 0 < count(model.trainable_weights) < 20_000 else "all")

# %% [markdown]
# **Observe.** What is left is our dense layer: one weight for each pair of feature and
# class, plus one bias per class. A single line froze every layer of the base.
#
# Look at the first line again, because even there not everything was trainable. The
# base keeps some averages that training does not change in the usual way. We will meet
# them again below.

# %% [markdown]
# ## A count is a promise, so let us check it
#
# We train for a moment, and then compare the weights with a copy from before. The
# averages, which Keras calls `moving_mean` and `moving_variance`, we leave out.

# %%
def copy_weights(layer):
    weights = [each for each in layer.weights if "moving_" not in each.path]
    return [np.array(keras.ops.convert_to_numpy(each)) for each in weights]


def distance(before, layer):
    pairs = zip(before, copy_weights(layer), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


# %%
before, before_all = copy_weights(base), copy_weights(model)
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(few.images, few.labels, verbose=0)
print(f"largest change in the base:  {distance(before, base):.5f}")
print(f"largest change in the model: {distance(before_all, model):.5f}")

# %% tags=["claim"]
assert distance(before, base) == 0 < distance(before_all, model)

# %% [markdown]
# **Observe.** The base did not move at all, although the model did. The second line
# matters, because without it a `fit` that did nothing would have passed our check, too.
#
# ## Changing our mind
#
# With more pictures we might want the base to learn after all. So we set its flag back
# and train again.

# %%
moves = predict("How far will the base move?", "not at all", "a little", "far")

# %% tags=["nbval-check-output", "any-track"]
saved = model.get_weights()
base.trainable = True
with contextlib.suppress(ValueError):  # some backends stop here
    model.fit(few.images, few.labels, verbose=0)
if keras.backend.backend() == "jax":
    model.set_weights(saved)  # a `fit` that was stopped may lose them
moved = distance(before, base)
print(f"largest change in the base:  {moved:.5f}")
moves.compare("not at all" if moved == 0 else "a little" if moved < 0.01 else "far")

# %% [markdown]
# **Observe.** Nothing, and on TensorFlow nobody warned us. The first `fit` after a
# `compile` makes a list of the weights to train. Flags that change later do not change
# this list. (On PyTorch and JAX, Keras stops here with an error about a variable that
# the optimizer does not know; the lines about errors and saved weights are for them.)
# `model.summary()` would not have helped, because it only shows the flags.
#
# So after every change of `trainable`: **compile again**.

# %%
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(few.images, few.labels, verbose=0)
print(f"largest change in the base:  {distance(before, base):.5f}")

# %% tags=["claim"]
assert moved == 0 < distance(before, base)  # only after it was compiled again

# %% [markdown]
# ## Only the last stage
#
# There is something between all and nothing. A model has a flag, and so has each of its
# layers. Suppose that the base is frozen and we want only its last stage to learn. A
# colleague sets the flags of the layers first, sees that the base still says `False`,
# and sets that to `True`.
#
# To see what learns, we count how many weights of each stage one `fit` changes.

# %%
stages = {stage.name: stage.layers for stage in freezing.stages(base)}
last = list(stages)[-1]
stages["head"] = model.layers[-1:]


def values(layers):
    return np.concatenate([w.ravel() for layer in layers for w in copy_weights(layer)])


def draw_what_learns(what):
    before = {name: values(layers) for name, layers in stages.items()}
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(few.images, few.labels, verbose=0)
    share = {k: 100 * np.mean(values(stages[k]) != before[k]) for k in stages}
    learnt = [name for name in stages if share[name] > 0]
    plots.bars(share, f"{what}: {', '.join(learnt)} learnt", "weights that changed, %")
    return learnt

# %% [markdown]
# Now we do as the colleague did: first the flags of the layers, then the base's.

# %%
order = predict("What learns, besides the head?", "nothing", "the last stage", "all")

# %%
base.trainable = False
for layer in base.layers:
    layer.trainable = layer in stages[last]
base.trainable = True
learnt = draw_what_learns("The base's flag set last")
order.compare({1: "nothing", 2: "the last stage"}.get(len(learnt), "all"))

# %% tags=["claim"]
assert learnt == list(stages)  # the last line undid the loop

# %% [markdown]
# **Observe.** Setting the base's flag sets those of all its layers, so the colleague's
# last line undid the loop. Nothing reported this. So go from large to small: first the
# base, then its layers.
#
# One trap is left. If the base says `True` already, setting it to `True` again can
# leave layers inside at `False`. To be sure that all are reset, set it to `False` and
# then to `True`.

# %%
base.trainable = False
base.trainable = True
for layer in base.layers:
    layer.trainable = layer in stages[last]
draw_what_learns("The base's flag set first");

# %% tags=["claim"]
assert draw_what_learns("Once more") == [last, "head"]

# %% [markdown]
# **Observe.** Only the two bars that we asked for. Everything before the last stage is
# exactly as it was. Flags are a wish; a comparison such as this one shows what `fit`
# made of it.
#
# ## The layers that learn without gradients
#
# In a training step, `fit` asks of each trainable weight: if you were a little larger,
# how would the loss change? The answer is its *gradient*. For the averages that we met
# above, nobody asks. They belong to the BatchNormalization layers, which bring the
# numbers that pass through them into a standard range. Each has four vectors:

# %% tags=["nbval-check-output"]
norms = [layer for layer in base.layers if freezing.is_batchnorm(layer)]
print("the first one:", *(weight.name for weight in norms[0].weights))

# %% [markdown]
# We only pass some pictures through the model in *training mode*, as `fit` does. There
# is no loss, no gradient and no optimizer. We do it with the base frozen, and again
# with the base trainable. Are the answers those of *inference mode*, as in `predict`?

# %%
silent = predict("Frozen, in training mode: do the averages move?", "yes", "no")

# %% tags=["nbval-check-output", "any-track"]
def changed_vectors():
    before, images = norms[0].get_weights(), few.images.astype("float32")
    modes = [model(images, training=mode) for mode in (False, True)]
    same = np.allclose(*map(keras.ops.convert_to_numpy, modes), atol=1e-5)
    print("the same answers in both modes:", "yes" if same else "no")
    pairs = zip(norms[0].weights, before, norms[0].get_weights(), strict=True)
    return [weight.name for weight, a, b in pairs if not np.array_equal(a, b)]


base.trainable = False
print("frozen:   ", found := changed_vectors())
base.trainable = True
print("trainable:", changed_vectors())
silent.compare("yes" if found else "no")


# %% [markdown]
# **Observe.** If the layer is trainable, every batch that passes in training mode moves
# its averages, and that changes what the base computes later.
#
# A frozen BatchNormalization layer keeps its averages. And it gives the same answers in
# both modes: it normalises with the averages that it has stored, not with those of the
# batch, even while the rest trains. Lesson 08 will need this.
#
# ## All of it at a glance
#
# Each block is a part of the model: the wider, the more weights. Drag the line, or tick
# a block: that sets the flags. Press `Compile`, and `Train 30 steps` shows what moves.
#
# **Predict.** The head alone, the head with the first stage, the head with the last
# stage: which has the most trainable weights, which costs the most per step? (A GFLOP
# is a billion multiplications and additions.)

# %%
panel = FreezePanel(model, few, batch_size=10, validation=track.validation)
panel

# %% tags=["nbval-check-output"]
for name in ("nothing else", last, "stage 1"):
    for layer in base.layers:
        layer.trainable = layer in stages.get(name, [])
    panel.refresh()
    print(f"head and {name}: {panel.summary.count}\n  ", *panel.summary.lines[3])

# %% [markdown]
# **Observe.** We set the flags by code, and the panel shows them, as its `Refresh`
# button would. The first stage has far fewer weights than the last, but a step that
# trains it costs more. Gradients travel back from the output to the first layer that
# trains, and you pay for that journey, besides what each weight's own gradient costs.
#
# ## ✎ Exercise 5.1
#
# In the base, let the layers of the kind `keras.layers.DepthwiseConv2D` learn, and
# freeze all its other layers. Our dense layer learns, too. Set `answer` to the number
# of weights of `model` that gradients may change, as `count` counts them. The check
# looks at the flags, too.

# %% tags=["solution", "nbval-check-output", "any-track"]
base.trainable = False
base.trainable = True
for layer in base.layers:
    layer.trainable = isinstance(layer, keras.layers.DepthwiseConv2D)
answer = count(model.trainable_weights)

check("5.1", answer, model=model, base=base)

# %% [markdown]
# ## ✎ Exercise 5.2
#
# This should train the head first, and then the base as well, but with its
# BatchNormalization layers frozen. It has two mistakes.
#
# ```python
# def train_in_two_steps(base, model, images, labels):
#     base.trainable = False
#     model.compile("adam", "sparse_categorical_crossentropy")
#     model.fit(images, labels, verbose=0)
#     for layer in base.layers:
#         if isinstance(layer, keras.layers.BatchNormalization):
#             layer.trainable = False
#     base.trainable = True
#     model.fit(images, labels, verbose=0)
# ```
#
# Fix it, and set `answer` to the function. The check runs it on a small network.

# %% tags=["solution", "nbval-check-output", "any-track"]
def train_in_two_steps(base, model, images, labels):
    base.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, labels, verbose=0)
    base.trainable = True
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, labels, verbose=0)


answer = train_in_two_steps

check("5.2", answer)

# %% [markdown]
# ## ✎ Exercise 5.3
#
# Three lines: `base.trainable = False`, `base.trainable = True`,
# `model.layers[-1].trainable = False`. Then we compile. How many weights, as `count`
# counts them, will gradients change? Say it first, then find out, and set `answer`.

# %% tags=["solution", "nbval-check-output", "any-track"]
base.trainable = False
base.trainable = True
model.layers[-1].trainable = False
answer = count(model.trainable_weights)
model.layers[-1].trainable = True

check("5.3", answer, base=base, classes=len(track.class_names))

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? After a `fit` you set `base.trainable = False` and fit again. What trains on
#   TensorFlow?
# - The head, since the base is frozen | So say the flags, but nobody compiled.
# + Everything that trained before | It was settled at the first `fit`.
# - Nothing, since the flags disagree | Keras does not compare them.
#
# ? A BatchNormalization layer is frozen. What does it normalise with?
# + With the averages that it has stored | Frozen means inference mode here.
# - With the averages of each new batch | That is what training mode does.
# - With nothing, since it is skipped | It still shifts and scales.
#
# ? A base is frozen. You set one layer's flag to `True`, then the base's. What trains?
# - Only the layer that you chose first | The base's flag overwrites those inside.
# - Nothing, since the two cancel out | Both say `True`, and the last one counts.
# + Each of the layers inside the base | So set the base's flag first.
#
# ? What proves that `fit` left a layer alone?
# - Its flag is `False` in the summary | The flag may be newer than the `compile`.
# - The validation loss stays the same | A loss can stay for many reasons.
# + Its weights equal an earlier copy | Comparing takes two lines.

# %% [markdown]
# ## On your own
#
# The same in a program of yours, on another network. It needs nothing of this course.

# %% tags=["own"]
import keras
import numpy as np

my_base = keras.applications.EfficientNetV2B0(
    include_top=False, weights=None, input_shape=(96, 96, 3), pooling="avg"
)  # weights="imagenet" if you are online
my_base.trainable = False
my_model = keras.Sequential([my_base, keras.layers.Dense(3, activation="softmax")])
my_model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")

my_images = np.random.default_rng(0).integers(0, 256, (12, 96, 96, 3))
kept, kept_all = my_base.get_weights(), my_model.get_weights()
my_model.fit(my_images, np.arange(12) % 3, verbose=0)
untouched = all(map(np.array_equal, kept, my_base.get_weights()))
print("base untouched:", untouched)
print("head moved:", not np.array_equal(kept_all[-1], my_model.get_weights()[-1]))

# %% [markdown]
# ## What to remember
#
# - `base.trainable = False` freezes every layer of the base.
# - After every change of a flag, compile again, because TensorFlow will not remind you.
# - Go from large to small: first the base's flag, then those of its layers.
# - BatchNormalization moves without gradients, unless it is frozen.
#
# Next: [06 · A little wrapper](06_wrap_the_base.ipynb)
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on frozen BatchNormalization.
# - Ioffe and Szegedy 2015, Batch Normalization, arXiv 1502.03167.
