# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 08 · Fine-tune
#
# **You will be able to** let a pretrained base go on learning without breaking it, and
# measure whether it was worth it.
#
# 20 minutes, and 15 for the exercises · builds on lesson 07 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import data, plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.training import ProgressLine, fine_tuning
from tlcourse.widgets import ForgettingDial, LearningRateExplorer, predict

track = load_track()
letters = track if track.name == "glyphs" else load_track("glyphs")
quick = track is letters  # small pictures

# %% [markdown]
# ## Two tasks
#
# The **near** task, close to what its base was trained on, is the one you know, with
# five labelled images of each class. The **far** task is new: *how many* digits are on
# the paper, one to six? Its base has read printed letters, one in each picture, and
# nobody ever asked it to count.

# %%
near, far = track.train.few(5), data.load_counting(300)
for name, images in {"near": near, "far": far}.items():
    shown = [images.class_names[k] for k in images.labels[:6]]
    plots.tiles(images.images[:6], shown, title=f"{name}: {len(images)} labelled")

# %% [markdown]
# Each task has validation images as well, many more than five of each class, and those
# have labels, too. What is chosen in this lesson, such as the learning rate and the
# number of epochs, was mostly chosen with their help. **So "five labels per class" is
# not the whole truth**, here as in most papers. If your five are all that you have,
# choose by cross-validation: hold out one of the five in turn, and average.

# %% [markdown]
# ## First the head
#
# The model is that of lesson 06: pixels are scaled, the base is frozen, and our own
# dense layer decides.


# %%
def build(shape, weights, n_classes):
    base = keras.applications.MobileNetV2(
        input_shape=shape, alpha=0.35, include_top=False, weights=weights
    )
    base.trainable = False
    scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
    pool = keras.layers.GlobalAveragePooling2D()
    dense = keras.layers.Dense(n_classes, activation="softmax")
    return keras.Sequential([keras.Input(shape), scale, base, pool, dense])


model = build(letters.input_shape, letters.weights, 6)
base, dense, untrained = model.layers[1], model.layers[-1], model.get_weights()

# %% [markdown]
# A frozen base says the same about an image in every epoch. So we ask it once, with
# `predict`, and train the dense layer on its answers, which takes seconds. (`head` and
# `model` share this layer: what one learns, the other knows.)

# %%
held_out = data.load_counting(300, "validation")
extract = keras.Model(model.inputs, model.layers[-2].output)
features = extract.predict(far.images, verbose=0)

head = keras.Sequential([keras.Input(features.shape[1:]), dense])
loss = "sparse_categorical_crossentropy"
head.compile(keras.optimizers.Adam(1e-2), loss)
head.fit(features, far.labels, epochs=40, verbose=0)
start = model.get_weights()
answers = model.predict(held_out.images, verbose=0).argmax(axis=1)
head_alone = np.mean(answers == held_out.labels)
print(f"far task, head trained: {head_alone:.0%} right; guessing gives {1 / 6:.0%}")

# %%
guess = predict("If the base learns, too: what share of new images is right?", unit="%")

# %% [markdown]
# ## Then the base, in four steps
#
# Unfreeze the base. Freeze its BatchNormalization layers again, one by one: we call
# them *asleep*, and test below whether that helps. Compile again, as after every change
# of a flag, with a learning rate that suits the base. Fit.
#
# Which rate is that? With Adam one begins at about 1e-5 to 1e-4, and then tries larger
# and smaller ones on validation images. On this task we did, and it led to 3e-3: much
# has to change in this base. A rate as large as that has to sink to nothing in the
# course of the training. And for the first steps it climbs, because Adam has seen too
# few gradients to know how large a step to take. AdamW is Adam that also pulls every
# weight a little towards zero. All this together is a common way to fine-tune today.

# %%
base.trainable = True
for layer in base.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.trainable = False

steps, warm = 4 * len(far) // 15, {"warmup_target": 3e-3, "warmup_steps": 5}
rate = keras.optimizers.schedules.CosineDecay(0.0, steps - 5, **warm)
model.compile(keras.optimizers.AdamW(rate), loss, metrics=["accuracy"])

# %%
before = base.get_weights()
seen = {"validation_data": (held_out.images, held_out.labels), "verbose": 0}
seen |= {"epochs": 4, "batch_size": 15, "callbacks": [ProgressLine()]}
tuned = model.fit(far.images, far.labels, **seen).history["val_accuracy"][-1]
after = base.get_weights()
print(f"before: {head_alone:.0%}, after: {tuned:.0%}")
guess.compare(100 * tuned)

# %% tags=["claim"]
assert tuned > head_alone + 0.05

# %% [markdown]
# **Observe.** What the letters had taught the base was not enough for counting. Whether
# more epochs for the head would have done as well, we test below. First: which of the
# base's weights have moved? A BatchNormalization layer has four vectors. Gradients move
# `gamma` and `beta`, and the two `moving_` ones are averages of whatever passed.

# %% tags=["nbval-check-output"]
for name in ("kernel", "gamma", "moving_mean"):
    places = [k for k, weight in enumerate(base.weights) if weight.name == name]
    moved = sum(bool(np.abs(after[k] - before[k]).max() > 1e-6) for k in places)
    print(f"{name}: {moved} of {len(places)} moved")

# %% [markdown]
# **Observe.** A frozen BatchNormalization layer keeps its averages, and it keeps
# `gamma` and `beta`, too, which could have learnt something. That is what its sleep
# costs.
#
# ## Three ways, several draws
#
# One run may be luck, and perhaps the head only wanted more epochs. So we go on from
# the same trained head in three ways: train just the head on, tune the base with
# BatchNormalization asleep, or tune it with BatchNormalization awake. `three_ways` does
# what the cells above did, for each of several *draws*, random choices of images. We
# say *better* or *worse* if a way is so by more than two points in both draws.

# %%
awake_guess = predict(
    "With BatchNormalization awake, tuning is", "better", "about as good", "worse"
)

# %% [markdown]
# Two draws of three hundred images; the first is the one that you know. This takes most
# of a minute. The pale bands of the figure reach from one draw to the other.

# %%
draws = [far, data.load_counting(300, seed=1)]
model.set_weights(untrained)
ways = fine_tuning.three_ways(model, draws, held_out, 3e-3, 4, 15)

# %%
head_on, asleep, awake = (100 * table[:, -1] for table in ways.values())
gain, wakes = asleep - head_on, awake - asleep
plots.several_draws(ways, f"Tuning, asleep: {gain.mean():+.0f} points over the head")
print(f"asleep, points over the head trained on, by draw: {gain.round(1)}")
print(f"awake, points over asleep, by draw:               {wakes.round(1)}")
found = "better" if min(wakes) > 2 else "worse" if max(wakes) < -2 else "about as good"
awake_guess.compare(found)

# %% tags=["claim"]
assert gain.min() > 5 and gain.min() > 1.5 * np.ptp(gain)  # far more than they differ
assert abs(head_on - 100 * list(ways.values())[0][:, 0]).max() < 5  # brings nothing

# %% [markdown]
# **Observe.** Tuning wins in both draws, by far more than the two differ, and training
# the head on brings nothing. (If the line of tuning dips first, that is the price of a
# large rate: it takes something apart before it builds. And the first draw need not end
# where our own run ended, as another head and another order matter, too.)
#
# And awake? While it trains, such a BatchNormalization layer uses the averages of the
# batch; when the model is asked, the stored ones. Each step replaces a thousandth of
# those (`momentum=0.999` in this network). If awake came out worse, eighty steps were
# probably too few to keep up with a base that changes this much. Asleep is the safe
# default for small batches and short trainings. With many images, measure both.

# %% [markdown]
# ## What was it good at before?

# %%
memory_guess = predict("What share of letters can the tuned base still read?", unit="%")

# %% [markdown]
# We put the base back under the head that read the letters in lesson 03, once as it
# came and once tuned.

# %%
complete, names = letters.build_complete()
network, pages = complete.layers[-1], data.load_glyphs(300)
for what, weights in {"as it came": before, "tuned to count": after}.items():
    network.set_weights([*weights, *network.get_weights()[len(weights) :]])
    read = complete.predict(pages.images, verbose=0).argmax(axis=1) == pages.labels
    print(f"{what}: {read.mean():.0%} of letters right, {len(names)} classes")
memory_guess.compare(100 * read.mean())

# %% tags=["claim"]
network.set_weights([*before, *network.get_weights()[len(before) :]])
as_it_came = complete.predict(pages.images, verbose=0).argmax(axis=1) == pages.labels
assert read.mean() < as_it_came.mean() / 2  # forgotten

# %% [markdown]
# **Observe.** This is called forgetting. Nobody asked the base to keep what it knew, so
# keep the file it came from.
#
# ## The near task, and the learning rate
#
# Now the near task: five labelled images of each class, BatchNormalization asleep, a
# few epochs, four constant rates. `compile` makes a new optimizer, whose memory is
# empty, but it also makes Keras build its training step anew, which takes longer than
# our training. So `try_rates` compiles once, with AdamW, and then does this for each
# rate and draw:
#
# ```python
# model.set_weights(weights_with_trained_head)
# for state in model.optimizer.variables:
#     state.assign(keras.ops.zeros(state.shape, state.dtype))
# model.optimizer.learning_rate = rate  # needs no new compile, unlike flags
# model.fit(...)
# ```

# %%
near_guess = predict("What does tuning gain, at the best rate?", unit="points")

# %% [markdown]
# Again two draws, and eight short trainings.

# %%
near_draws = [track.train.few(5, seed) for seed in range(2)]
near_model = build(track.input_shape, track.weights, len(track.class_names))
rates, count = [1e-5, 1e-4, 1e-3, 1e-2], 4 if quick else 2
head_right, table, curves = fine_tuning.try_rates(
    near_model, near_draws, track.validation, rates, epochs=count, batch_size=10
)

# %%
points = 100 * (table - head_right)
best = points.mean(axis=1).max()
title = f"At best {best:+.1f} points; 1e-2 costs {-points[-1].mean():.0f}"
plots.learning_rate_curve(rates, points, title)
print("points over the head, by draw:")
for rate, row in zip(rates, points, strict=True):
    print(f"{rate:6.0e}", row.round(1))
near_guess.compare(round(best, 1))

# %% tags=["claim"]
assert points[-1].max() < -20 and abs(points[:2]).max() < 10  # a flat line, a cliff
assert min(head_right) > 0.6  # did well already

# %% [markdown]
# **Observe.** A flat line, and somewhere on its right a cliff. Left of the cliff there
# is little to gain, because the heads, in `head_right`, did well already. (We took
# the best of four rates, which makes the gain look larger than it is.) At the foot of
# the cliff, what others had learnt in hours is gone in seconds. Would the training loss
# have warned us?

# %%
loss_guess = predict("At 1e-2: is the loss falling at the end?", "yes", "no")

# %%
worst = np.mean(curves[1e-2], axis=0)
print(f"training loss at 1e-2, by epoch: {worst.round(2)}")
print(f"of a model that only guesses:    {np.log(len(track.class_names)):.2f}")
loss_guess.compare("yes" if worst[-1] < worst[-2] else "no")
LearningRateExplorer(curves)

# %% tags=["claim"]
assert worst[-1] > 0.8 * np.log(len(track.class_names))  # as of one that guesses

# %% [markdown]
# **Observe.** A falling curve proves nothing. It may come from high up, and come down
# to what is no better than guessing. Compare heights, not slopes.
#
# And does a low loss prove anything? All of this in one picture, measured before on
# five digits of each class. (Its head was stopped early, so that the loss has a way to
# fall. Trained on, the head alone would have gained a part of what new images gain.)
# Start at 1e-5 and drag the steps to the end. Then turn up
# the rate: when do the *neighbours* change, the images whose features are nearest, and
# when the filters of the first layer? At 3e-3 the loss comes down to nothing: what do
# the training images say, and what do the new ones?

# %%
ForgettingDial()

# %% [markdown]
# ## A recipe that no longer protects
#
# Many tutorials unfreeze the BatchNormalization layers as well, and call the base with
# `training=False`. In a *functional* model, one made by `keras.Model(a, b)`, that
# worked in the Keras of 2020. Here it is twice: as a functional model, and as our own
# subclass of `keras.Model`. We call each once with `training=True`, as `fit` does.


# %%
class Guarded(keras.Model):
    def call(self, pixels):
        return base(pixels, training=False)


for layer in base.layers:
    layer.trainable = True
pixels = keras.Input(letters.input_shape)
functional = keras.Model(pixels, base(pixels, training=False))

# %% tags=["nbval-check-output"]
mean = next(weight for weight in base.weights if weight.name == "moving_mean")
for name, recipe in {"functional": functional, "subclassed": Guarded()}.items():
    old = np.copy(mean.numpy())
    recipe(far.images[:32] / 127.5 - 1, training=True)
    moved = np.abs(mean.numpy() - old).max()
    print(f"{name}: averages {'moved' if moved > 1e-9 else 'did not move'}")

# %% [markdown]
# **Observe.** In Keras 3, a functional model passes the mode of `fit` on to every
# layer, whatever its base was called with, and a `Sequential` model has no place to
# write it. In your own `call`, what you write holds. Freezing each BatchNormalization
# layer works everywhere.
#
# ## ✎ Exercise 8.1
#
# This script was meant to tune the base for the near task, with BatchNormalization
# asleep. It has three faults. (That the head is untrained is none of them; see 8.3.)
# Rewrite it below, without them, and set `answer` to the trained model.
#
# ```python
# script = build(track.input_shape, track.weights, len(track.class_names))
# base = script.layers[1]
# script.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
# base.trainable = True
# script.fit(near.images, near.labels)
# ```

# %%
pretrained = build(track.input_shape, track.weights, 2).layers[1].get_weights()

# %% tags=["solution", "nbval-check-output", "any-track"]
script = build(track.input_shape, track.weights, len(track.class_names))
script.layers[1].trainable = True
for layer in script.layers[1].layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.trainable = False
script.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
script.fit(near.images, near.labels, verbose=0)
answer = script

check("8.1", answer, pretrained=pretrained)

# %% [markdown]
# ## ✎ Exercise 8.2
#
# Somebody wants the boldest rate that is safe: the largest of `rates` at which no draw
# ends more than two points (0.02) below its own head. `table` has a row for each rate
# and a column for each draw; `head_right` has each draw's head. Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
safe = (table - head_right).min(axis=1) >= -0.02
answer = max(rate for rate, fits in zip(rates, safe, strict=True) if fits)

check("8.2", answer, rates=rates, table=table, head=head_right)

# %% [markdown]
# ## ✎ Exercise 8.3
#
# One hears that the head *has to* be trained first, since its noise would spoil the
# base. Try without: take the corrected lines of 8.1 from `script = build(...)` on, with
# Adam at 1e-4, and let `fit` run for 25 epochs, in batches of ten, with the images
# and labels of `track.validation` as `validation_data` and the metric accuracy. Set
# `answer` to the list of validation accuracies. Does it arrive where a trained head
# begins, at `head_right[0]`?

# %% tags=["solution", "nbval-check-output", "any-track"]
script.layers[1].set_weights(pretrained)
script.compile(
    keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
seen = track.validation.images, track.validation.labels
fitted = script.fit(
    near.images, near.labels, 10, epochs=25, validation_data=seen, verbose=0
)
answer = fitted.history["val_accuracy"]

check("8.3", answer, head=head_right[0], epochs=25)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why do we train the head first, and then the base?
# + It saves epochs. | A head that knows nothing has to be trained in any case, and
#   alone it is quick. In the end both ways arrive.
# - Keras demands it. | Keras lets you train everything from the first step on.
# - Else the base is lost. | At a small rate it is not, as exercise 8.3 showed.
#
# ? You unfreeze a whole functional model. What keeps the moving averages where they
#   are?
# - Calling the base with `training=False`. | Not in a functional model of Keras 3.
# - Giving the optimizer a very small rate. | They move without gradients, at any rate.
# + Freezing each BatchNormalization layer. | Frozen, it uses its stored averages and
#   leaves them alone.
#
# ? The training loss falls to zero, and fewer new images are right than before. Why,
#   most likely?
# - More epochs will bring both together. | They teach the same few images once more.
# + The rate was too large for this base. | It forgot, and learnt the few images anew.
# - There were too few labels to begin with. | With the same labels, a frozen base did
#   well.
#
# ? Tuning brought nothing on your task. What does that say?
# - The rate was wrong, as tuning always helps. | The rate may be wrong, so sweep it.
#   But tuning does not always help.
# - Transfer learning does not suit the task. | The frozen base may be doing very well.
# + The base may be near enough as it is. | Like ours, on the near task.

# %% [markdown]
# ## On your own
#
# The four steps on another network, in a program of your own.

# %% tags=["own"]
import keras
import numpy as np

my_images, labels = np.random.uniform(0, 255, (12, 96, 96, 3)), np.arange(12) % 3
my_base = keras.applications.MobileNetV3Small(  # it scales pixels itself
    input_shape=(96, 96, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online
my_model = keras.Sequential([my_base, keras.layers.Dense(3, activation="softmax")])
# ... train the head with a frozen base here, then:
my_base.trainable = True
norms = [x for x in my_base.layers if isinstance(x, keras.layers.BatchNormalization)]
for layer in norms:
    layer.trainable = False
my_model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
kept = {x.name: x.get_weights() for x in my_base.layers}
my_model.fit(my_images, labels, verbose=0)
kernels = [x for x in my_base.layers if isinstance(x, keras.layers.Conv2D)]
for name, group in (("Conv2D", kernels), ("BatchNormalization", norms)):
    still = sum(all(map(np.array_equal, kept[x.name], x.get_weights())) for x in group)
    print(f"{name}: {len(group) - still} of {len(group)} layers moved")

# %% [markdown]
# ## What to remember
#
# - Train the head. Then unfreeze, put BatchNormalization to sleep, compile again, fit.
# - Tuning pays where the base is far from your task. Near it, the head is nearly all.
# - With Adam start at about 1e-5 to 1e-4 and sweep. Too large a rate destroys the base,
#   even if the training loss falls.
# - Choose with validation images, and say how many you had.
#
# Next: [09 · Train more](09_train_more.ipynb)
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on BatchNormalization and `training=False`.
# - Howard and Ruder 2018, ULMFiT (first the top, then the rest), arXiv 1801.06146.
# - Loshchilov and Hutter 2017, decoupled weight decay (AdamW), arXiv 1711.05101.
