# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 05 · Freeze
#
# **You will be able to** decide which numbers of a network `fit` may change,
# and prove that it changed no others.
#
# 20 minutes, and 15 for the exercises · builds on lesson 04 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import math

import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# Two labelled images of each class will do today. We do not want to classify
# well yet. We want to know what a training step touches.

# %%
few = track.train.few(2)
print(few.describe())
plots.tiles(few.images[:8], [few.class_names[k] for k in few.labels[:8]]);

# %% [markdown]
# ## A base that somebody else trained
#
# Here is the network of the last lesson, its last layer removed. On it sits a
# dense layer of our own, one output a class. The base is the expensive part.
# The dense layer is still random.

# %%
base = track.build_base()
model = keras.Sequential(
    [
        keras.Input(track.input_shape),
        track.preprocess,
        base,
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(track.class_names), activation="softmax"),
    ]
)


# %%
def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


count(model.trainable_weights)

# %% [markdown]
# **Predict.** We are about to write `base.trainable = False`. How many numbers
# will `fit` still be able to change: none, some thousands, or all of them?

# %% tags=["nbval-check-output"]
base.trainable = False
count(model.trainable_weights)

# %% [markdown]
# **Observe.** Features times classes, plus one bias a class: the dense layer and
# nothing else. One line froze every layer of the base.

# %% tags=["nbval-check-output"]
features = base.output_shape[-1]
classes = len(track.class_names)
features * classes + classes == count(model.trainable_weights)

# %% [markdown]
# ## Do not believe it, check it
#
# A count is a promise. So let us train for a moment, and compare the base before
# and after, number by number.


# %% tags=["nbval-check-output", "any-track"]
def compile_and_fit(model):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(few.images, few.labels, verbose=0)


def unchanged(before, layer):
    pairs = zip(before, layer.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


before = base.get_weights()
compile_and_fit(model)
unchanged(before, base)

# %% [markdown]
# **Observe.** Not one number of the base moved. Comparing takes two lines, and it
# is the only proof.
#
# ## The trap
#
# We change our mind. The base should train after all. We watch its first
# convolution.
#
# **Predict.** After the flag and one more `fit`, will it have learnt?

# %%
is_conv = [isinstance(layer, keras.layers.Conv2D) for layer in base.layers]
first = base.layers[is_conv.index(True)]
before, saved = first.get_weights(), model.get_weights()
base.trainable = True
try:
    model.fit(few.images, few.labels, verbose=0)
except ValueError as error:  # on PyTorch and JAX
    print("Keras stopped:", str(error).split(".")[0])
    model.set_weights(saved)  # on JAX, a `fit` that stops loses them

# %% tags=["nbval-check-output", "any-track"]
unchanged(before, first)

# %% [markdown]
# **Observe.** `True`: it learnt nothing. Keras had made up its mind when we compiled
# and began to train. On TensorFlow nothing even warned us. On PyTorch and JAX, Keras
# stops at variables that its optimizer does not know. `model.summary()` shows the
# flags, not what trains, so it would have misled us too.
#
# The course's helper asks the optimizer instead:

# %% tags=["nbval-check-output"]
print(freezing.trains(model))

# %% [markdown]
# After every change of `trainable`: **compile again**.

# %% tags=["nbval-check-output", "any-track"]
compile_and_fit(model)
unchanged(before, first)

# %% [markdown]
# ## Where did it move?
#
# **Predict.** Now we unfreeze only the last stage of the base: the layers after the
# last time that its feature maps shrink. Which bars will be zero?


# %%
def movement(before, after):
    """How far the numbers of a stage went, on average."""
    moved = sum(np.abs(a - b).sum() for a, b in zip(before, after, strict=True))
    return float(moved / sum(a.size for a in before))


def weights_by_stage():
    return {
        stage.name: [w for layer in stage.layers for w in layer.get_weights()]
        for stage in freezing.stages(base)
    }


last = freezing.stages(base)[-1]
base.trainable = True
for layer in base.layers:
    layer.trainable = layer in last.layers
start = weights_by_stage()
compile_and_fit(model)
end = weights_by_stage()
moved = {name: movement(start[name], end[name]) for name in start}
plots.bars(moved, "What one epoch changed", "mean change of a number");

# %% [markdown]
# **Observe.** Only the last bar has a length. Everything before it is exactly as it was
# before this epoch.
#
# ## Order matters
#
# A model's own flag and its layers' flags are two things. Setting the model's
# overwrites all of its layers'. Setting a layer's leaves the model's as it is.
#
# **Predict.** First `base.trainable = False`, then one layer `True`. Does that
# layer train?

# %% tags=["nbval-check-output", "any-track"]
base.trainable = False
last.layers[0].trainable = True
print("the base says:    ", len(base.trainable_weights), "weights train")
print("the model around: ", len(model.trainable_weights), "weights train")

# %% [markdown]
# **Observe.** They contradict each other. The base answers for itself: frozen,
# whole. The model around it asks every layer, and trains three: the one that we
# unfrozen, and the two of our dense layer. So go from large to small: first
# `base.trainable = True`, then freeze layers.
#
# One more surprise. On TensorFlow, Keras skips an assignment that changes nothing:
# `base.trainable = False` on a base that says `False` already leaves the unfrozen
# layer unfrozen. To reset every flag, set `True`, then `False`.
#
# ## The layer that learns without gradients
#
# In a training step, `fit` asks of each number that trains: if it were a little larger,
# how would the loss change? The answer is its *gradient*. It is computed backwards,
# layer by layer, from the output. A frozen number is not asked.
#
# A BatchNormalization layer holds four vectors. Two are learnt by gradients. Two are
# averages of what passes through.

# %% tags=["nbval-check-output", "any-track"]
norm = next(layer for layer in base.layers if freezing.is_batchnorm(layer))
[weight.name for weight in norm.weights]

# %% [markdown]
# **Predict.** We show the base some images in training mode. There is no loss, no
# gradient, no optimizer. Does anything change?


# %% tags=["nbval-check-output", "any-track"]
def moving_mean_moves():
    start = keras.ops.convert_to_numpy(norm.moving_mean)
    model(few.images.astype("float32"), training=True)
    end = keras.ops.convert_to_numpy(norm.moving_mean)
    return not np.array_equal(start, end)


base.trainable = True
trainable = moving_mean_moves()
norm.trainable = False
frozen = moving_mean_moves()
trainable, frozen

# %% [markdown]
# **Observe.** In training mode, the moving mean moves with every batch that passes, and
# with it what the whole base computes. Frozen, it stays. In Keras, a frozen
# BatchNormalization layer also works in inference mode: it uses the stored
# averages and not those of the batch. That is why we freeze these layers when we
# fine-tune, in lesson 08.
#
# ## All of it at a glance
#
# Here is a panel for what you have just done by hand. A click sets the flags of the
# model. Open a stage, and you can choose single layers.
#
# **Predict.** Three choices: the head alone, which is our dense layer; the head and the
# first stage; the head and the last stage. Which trains the most numbers? Which costs
# the most? Try them, and look at the gradients, the memory and the step. `Measure an
# epoch` times them on your machine.

# %%
from tlcourse.widgets import FreezePanel

panel = FreezePanel(model, few, batch_size=10)
panel

# %% tags=["nbval-check-output"]
base.trainable = True  # code and panel look at the same flags
for layer in base.layers:
    layer.trainable = layer in freezing.stages(base)[0].layers
panel.refresh()
print(panel.summary.count)
print(*panel.summary.lines[3])

# %% [markdown]
# **Observe.** We unfroze the first stage by code, and the panel shows it, as its button
# `Refresh` would. So few numbers, and a step costs most of what training everything
# does. Gradients walk back to the first layer that trains, and the way is what costs.
#
# ## 📝 Exercise 5.1
#
# Freeze the whole base except its last two stages. In those, too, freeze every
# BatchNormalization layer. How many numbers of `model` will `fit` change? Set `answer`
# to it. The check looks at the flags, too.

# %% tags=["solution", "nbval-check-output", "any-track"]
base.trainable = True
free = [layer for stage in freezing.stages(base)[-2:] for layer in stage.layers]
for layer in base.layers:
    layer.trainable = layer in free and not freezing.is_batchnorm(layer)
answer = count(model.trainable_weights)

check("5.1", answer, model=model, base=base)

# %% [markdown]
# ## 📝 Exercise 5.2
#
# Somebody wrote this on TensorFlow and wonders why the base does not learn. The helper
# `unfreeze_from` does what you did in 5.1: it unfreezes a stage and all that follow,
# BatchNormalization excepted.
#
# ```python
# base.trainable = False
# compile_and_fit(model)
# freezing.unfreeze_from(base, last.name)
# model.fit(few.images, few.labels, verbose=0)
# ```
#
# Set `answer` to the number of parameters that the last line trains.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = features * classes + classes

check("5.2", answer, base=base, classes=classes)

# %% [markdown]
# ## 📝 Exercise 5.3
#
# Three lines: `base.trainable = False`, `base.trainable = True`,
# `model.layers[-1].trainable = False`. Then we compile. Set `answer` to the count of
# numbers that `fit` will change.

# %% tags=["solution", "nbval-check-output", "any-track"]
base.trainable = False
base.trainable = True
answer = count(base.trainable_weights)

check("5.3", answer, base=base, classes=classes)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? You set `base.trainable = False` after `fit`, and call `fit` again. What trains on
#   TensorFlow?
# - Only the dense layer. | So say the flags, but nobody compiled.
# + What trained before. | The choice was made when the model was compiled and first
#   fitted.
# - Nothing. | The compiled choice is still there.
#
# ? A BatchNormalization layer is frozen. What does it normalise with?
# + Its stored averages. | Frozen means inference mode for this layer.
# - The mean of the batch. | That is what it does in training mode.
# - Nothing, it is skipped. | It still scales and shifts.
#
# ? How do you know for certain that a layer did not change?
# - Its flag says `False`. | The flag is a wish, and may be stale.
# - The loss went up. | A loss can rise for many reasons.
# + Its weights are equal before and after. | Comparing takes two lines.
#
# ? First the base's flag, or first its layers'?
# + The base's, then the layers'. | The base's flag overwrites those of its layers.
# - The layers', then the base's. | The base's flag would overwrite your choice.
# - The order does not matter. | We saw the two contradict each other.

# %% [markdown]
# ## What to take home
#
# - `trainable = False` on the base freezes every layer in it.
# - After every change of a flag, compile again. Do not wait for a warning.
# - From large to small: the base's flag first, then its layers'.
# - BatchNormalization moves without gradients, unless it is frozen.
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on frozen BatchNormalization.
# - Ioffe and Szegedy 2015, Batch Normalization, arXiv 1502.03167.
