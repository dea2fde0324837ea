# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 08 · Fine-tune
#
# **You will be able to** unfreeze a base without breaking it, choose the learning
# rate, and prove that something was tuned.
#
# 20 minutes, and 15 for the exercises · builds on lesson 07 · a CPU is enough

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
from tlcourse.training import compile_for, fine_tuning

track = load_track()
quick = track.name == "glyphs"  # small pictures

# %% [markdown]
# ## The data at a glance
#
# Five labelled images of each class.

# %%
few = track.train.few(5)
print(few.describe())
plots.tiles(few.images[:8], [few.class_names[k] for k in few.labels[:8]]);

# %% [markdown]
# ## First the top
#
# As in lesson 07: the base is frozen, and the wrapper learns. It has to come first: a
# rate that is small enough for the base hardly moves a wrapper that knows nothing. And
# what such a wrapper sends down into the base are random corrections. `EarlyStopping`
# ends the training once the validation loss has not improved for three epochs, and
# keeps the best weights.

# %%
model, base = fine_tuning.wrapped(track)
compile_for(model, 1e-2)


def fit(model, epochs):
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    return model.fit(
        few.images, few.labels, batch_size=16, epochs=epochs,
        validation_data=(track.validation.images, track.validation.labels),
        verbose=0,
        callbacks=[stop],
    ).history


top = fit(model, 20 if quick else 6)
print(f"validation accuracy: {fine_tuning.accuracy(model, track.validation):.3f}")

# %% [markdown]
# ## Then everything
#
# Four steps, and none may be left out. `base.trainable = True`. Freeze each
# BatchNormalization layer. Compile again, the rate a thousandth of what the top had.
# `fit`.
#
# We want to see what moves, so here are two ways to look: at the averages in the
# BatchNormalization layers, and at the kernels of the convolutions.


# %%
def moving_statistics(base):
    norms = [layer for layer in base.layers if freezing.is_batchnorm(layer)]
    averages = [x for norm in norms for x in norm.non_trainable_weights[-2:]]
    return np.concatenate([keras.ops.convert_to_numpy(x) for x in averages])


def kernels():
    convolutions = [x for x in base.layers if isinstance(x, keras.layers.Conv2D)]
    return np.concatenate([x.get_weights()[0].ravel() for x in convolutions])


# %% [markdown]
# **Predict.** The validation loss has come down and is flat. What will it do from the
# moment of unfreezing?

# %%
trained_top = model.get_weights()
statistics, weights = moving_statistics(base), kernels()

base.trainable = True
for layer in base.layers:
    layer.trainable = not freezing.is_batchnorm(layer)
compile_for(model, 1e-5)
tuned = fit(model, 10 if quick else 4)
tuned_weights = model.get_weights()

# %% [markdown]
# The loss of both trainings, one after the other:

# %%
import matplotlib.pyplot as plt

losses = top["val_loss"] + tuned["val_loss"]
moment = len(top["val_loss"])
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(range(1, len(losses) + 1), losses, "o-", color=plots.BLUE)
ax.axvline(moment + 0.5, color=plots.RED, linestyle="--")
ax.text(moment + 0.7, max(losses), "unfrozen", va="top", color=plots.RED)
ax.set(title="First the top, then all", xlabel="epoch", ylabel="validation loss");

# %% [markdown]
# And which numbers moved:

# %% tags=["nbval-check-output", "any-track"]
print("statistics unchanged:", np.array_equal(statistics, moving_statistics(base)))
print("kernels changed:", not np.array_equal(weights, kernels()))

# %% tags=["nbval-check-output"]
print("below the best of the top:", min(tuned["val_loss"]) < min(top["val_loss"]))

# %% [markdown]
# **Observe.** At the dashed line, `EarlyStopping` has gone back to the best epoch. From
# there the loss goes on down, a little: these are few labels. The kernels moved. The
# averages in the BatchNormalization layers did not, to the last bit.
#
# The panel of lesson 05 shows what trains now. `Train 30 steps` goes on from here and
# draws the loss as it comes. `Stop` ends it. All of this changes `model`; we have kept
# its `tuned_weights`.
#
# **Predict.** `everything` wakes BatchNormalization, too. At the same small rate, will
# the loss stay where it was? Train once as it is, and note how high the curve goes.
# Then press `everything`, `Compile`, and train again.

# %%
from tlcourse.widgets import FreezePanel, LearningRateExplorer

FreezePanel(model, few, batch_size=16)

# %% [markdown]
# **Observe.** Awake, these layers use the averages of a batch of sixteen images, and
# not their stored ones. They differ from batch to batch, and every feature with them.
# So the loss leaps, far above where it was.
#
# ## A recipe that no longer protects
#
# Many tutorials do it differently. They call the base with `training=False`, then
# unfreeze all of it. In the Keras of 2020 that kept BatchNormalization in inference
# mode.
#
# **Predict.** Does it in ours?

# %%
other = track.build_base()
pixels = keras.Input(track.input_shape)
x = other(track.preprocess(pixels), training=False)  # as the guide has it
x = keras.layers.GlobalAveragePooling2D()(x)
outputs = keras.layers.Dense(len(track.class_names), activation="softmax")(x)
recipe = keras.Model(pixels, outputs)
recipe.layers[-1].set_weights(trained_top[-2:])

other.trainable = True  # all of it
compile_for(recipe, 1e-4)
recipe.fit(few.images, few.labels, batch_size=16, epochs=3, verbose=0)
moved = moving_statistics(other)

# %% [markdown]
# Each point is one average: how large it was, and how far it went from there, as a
# percentage of that. In inference mode, none would have moved.

# %%
size = np.abs(statistics) + 1e-3
figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
percent = 100 * np.abs(moved - statistics) / size
ax.loglog(size, percent, ".", markersize=2, color=plots.ORANGE)
ax.set(title="Moving statistics, training mode", xlabel="size before")
ax.set_ylabel("change after three epochs, percent");

# %% tags=["nbval-check-output", "any-track"]
print("statistics unchanged:", np.array_equal(statistics, moved))

# %% [markdown]
# **Observe.** They have moved, and these were a few steps. A longer training takes them
# all the way to the averages of our few images. In Keras 3, in a functional model such
# as ours, a layer that may train is in training mode in `fit`, whatever the call said.
# So: freeze each BatchNormalization layer.
#
# ## The very small learning rate
#
# **Predict.** A rate a hundred times too large: how much of the accuracy is left?
#
# In each draw of five labels, every rate starts from the same trained wrapper. The
# picture shows how much is right afterwards.

# %%
rates, curves = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2], {}
first = freezing.stages(base)[0].name
found = fine_tuning.compare(
    track,
    first,
    [5],
    rates,
    epochs=4 if quick else 3,
    draws=range(3 if quick else 1),
    measure=lambda model: fine_tuning.accuracy(model, track.validation),
    curves=curves,
)
table = fine_tuning.by_learning_rate(found, [fine_tuning.FROZEN, *rates])
tuned_at = table[1:]
plots.learning_rate_curve(rates, tuned_at, table[0].mean(), "A hill, then a cliff");

# %% tags=["nbval-check-output", "any-track"]
mean = tuned_at.mean(axis=1)
print("a small rate keeps what was learnt:", mean[:3].max() > table[0].mean() - 0.02)
print("the largest destroys it:", mean[-1] < table[0].mean() - 0.3)

# %% [markdown]
# **Observe.** The dashed line is the wrapper on the frozen base. Too small a rate
# changes nothing. Around the top of the hill there is a little to gain, with so few
# labels. Then the cliff: what others learnt in hours is gone in seconds.
#
# The sweep has kept the training loss of every epoch.
#
# **Predict.** At the largest rate, where does the loss begin, and where does it end?
# Look at one rate first, then lay several over each other.

# %%
LearningRateExplorer(curves)

# %% [markdown]
# **Observe.** At small rates there is little to see. The trained wrapper knew these
# few images already; augmentation alone makes the loss waver. The largest rate begins
# far above: its first steps did the damage. Then its loss falls, like that of a good
# training, and yet little of the accuracy is left. A falling curve proves nothing.
#
# ## A quick first guess
#
# The panel may have changed `model`, so first we take it back. Then one short run, and
# the rate grows at every step. Watch the loss.

# %%
model.layers[-1].trainable = True
freezing.unfreeze_from(base, first)
model.set_weights(tuned_weights)
compile_for(model, 1e-6)
tried, losses = np.geomspace(1e-6, 1e-1, 40 if quick else 16), []
for rate in tried:
    model.optimizer.learning_rate = rate
    model.reset_metrics()
    losses.append(float(model.train_on_batch(few.images[:16], few.labels[:16])[0]))
model.set_weights(tuned_weights)

# %%
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.loglog(tried, losses, color=plots.BLUE)
ax.set(title="The loss while the rate grows", xlabel="learning rate", ylabel="loss");

# %% [markdown]
# **Observe.** Where the loss climbs for good, the rate is far too large. A tenth or a
# hundredth of that is a first guess. The sweep above is the second.
#
# ## 📝 Exercise 8.1
#
# Put the steps in order: `a` compile with a small rate, `b` train the wrapper, `c`
# freeze the BatchNormalization layers, `d` fit again, `e` set `base.trainable = True`.
# Set `answer` to five letters, such as `"abcde"`.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "becad"

check("8.1", answer)

# %% [markdown]
# ## 📝 Exercise 8.2
#
# Which of the `rates` was best, on average? Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = rates[int(tuned_at.mean(axis=1).argmax())]

check("8.2", answer, rates=rates, table=tuned_at)

# %% [markdown]
# ## 📝 Exercise 8.3
#
# Did this "fine-tuning" tune the base? Set `answer` to the largest change of any
# number in `kernels()`. (`before` holds them as they were before the last `fit`.)

# %%
freezing.freeze(base)
compile_for(model, 1e-4).fit(few.images, few.labels, verbose=0)
before, saved = kernels(), model.get_weights()
base.trainable = True
try:
    model.fit(few.images, few.labels, verbose=0)
except ValueError as error:  # on PyTorch and JAX
    print("Keras stopped:", str(error).split(".")[0])
    model.set_weights(saved)  # on JAX, a `fit` that stops loses them

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = float(np.abs(kernels() - before).max())

check("8.3", answer, model=model)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why is the wrapper trained before the base is unfrozen?
# + It needs a rate that would spoil the base. | And while it knows nothing, what it
#   sends down into the base means nothing.
# - Because Keras demands it. | Keras lets you do it in any order.
# - To save time. | It does, but that is not why.
#
# ? What keeps the moving statistics where they are?
# - `base(x, training=False)`. | Not in Keras 3: a layer that may train wakes up.
# - A small learning rate. | They move without gradients, so no rate slows them.
# + `trainable = False` on each BatchNormalization layer. | Frozen, it uses its stored
#   averages and leaves them alone.
#
# ? After fine-tuning the accuracy is that of guessing. What do you suspect first?
# - Too few labels. | Then it would be a little worse, not gone.
# + Too large a learning rate. | That is the cliff.
# - Too few epochs. | Fewer epochs would have changed less.

# %% [markdown]
# ## What to take home
#
# - First the top, then everything, with a very small rate.
# - Unfreeze, freeze BatchNormalization, compile again, fit.
# - Compare weights before and after. Two lines prove that something was tuned.
# - The gain is small with few labels. The damage can be total.
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on BatchNormalization and `training=False`.
# - Smith 2015, Cyclical learning rates (the growing rate), arXiv 1506.01186.
# - Howard and Ruder 2018, ULMFiT (first the top, then the rest), arXiv 1801.06146.
