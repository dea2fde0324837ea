# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 06 · A little wrapper
#
# **You will be able to** put a wrapper on a base that takes raw pixels and gives
# probabilities, and count what it costs.
#
# 15 minutes, and 10 for the exercises · builds on lesson 05 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# One image is enough for most of today.

# %%
few = track.train.few(2)
print(few.describe())
image = few.images[:1]
plots.tiles(image, [track.class_names[few.labels[0]]], title="Today's image");

# %% [markdown]
# ## Flatten, or pool?
#
# What we put on the base is the *wrapper*. Others call it the *head*, and so do the
# panels and some pictures of this course.
#
# A common recipe: take ResNet50 without its top, flatten what comes out, and add a
# dense layer with five classes. Another recipe averages each feature map first.
#
# **Predict.** The maps of ResNet50 are 7 by 7, and there are 2,048 of them. How many
# parameters has the dense layer in the first recipe, and in the second?

# %%
resnet = keras.applications.ResNet50(
    include_top=False, weights=None, input_shape=(224, 224, 3)
)
resnet.trainable = False


def wrapped(base, squeeze, n_classes=5, hidden=None):
    layers = [base, squeeze]
    if hidden:
        layers.append(keras.layers.Dense(hidden, activation="relu"))
    layers.append(keras.layers.Dense(n_classes, activation="softmax"))
    return keras.Sequential(layers)


def head_size(model):
    return sum(layer.count_params() for layer in model.layers[1:])


# %% tags=["nbval-check-output", "any-track"]
for squeeze in (keras.layers.Flatten(), keras.layers.GlobalAveragePooling2D()):
    print(squeeze.name, f"{head_size(wrapped(resnet, squeeze)):,}")

# %% [markdown]
# **Observe.** Pooling makes the wrapper 49 times smaller, one for each of the 7 by 7
# positions. Fewer parameters need fewer labels.
#
# **Predict.** With a hidden layer of 512 units on our own base: can the wrapper be
# larger than what it wraps?

# %%
base = track.build_base()
base.trainable = False
classes = len(track.class_names)
sizes = {"our base": base.count_params()}
for hidden in (None, 512):
    for squeeze in (keras.layers.Flatten(), keras.layers.GlobalAveragePooling2D()):
        name = f"{type(squeeze).__name__}, {'no' if hidden is None else hidden} hidden"
        sizes[name] = head_size(wrapped(base, squeeze, classes, hidden))
colours = [plots.ORANGE] + [plots.BLUE] * 4
plots.bars(sizes, "Wrappers beside our base", "parameters", True, colours);

# %% tags=["nbval-check-output"]
sizes

# %% [markdown]
# **Observe.** It can. With the hidden layer even the pooled wrapper outweighs the base,
# and Flatten makes it several times larger. All of that would have to be learnt from
# our few labels. The course takes pooling, and no hidden layer.
#
# ## Raw pixels in
#
# Our base was trained on numbers from -1 to 1. Images come as 0 to 255. Somebody has
# to convert, and people forget. So we make it a layer.

# %%
pixels = keras.Input(track.input_shape, name="pixels")
x = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
maps = base(x)
vector = keras.layers.GlobalAveragePooling2D()(maps)
logits = keras.layers.Dense(classes)(vector)
probabilities = keras.layers.Activation("softmax")(logits)
model = keras.Model(pixels, probabilities)

# %% [markdown]
# Here is one image on its way through the model.
#
# **Predict.** How many numbers is it at each step: does it grow or shrink?

# %% tags=["nbval-check-output"]
steps = keras.Model(pixels, [x, maps, vector, probabilities])
outputs = [keras.ops.convert_to_numpy(step) for step in steps(image.astype("float32"))]
for name, step in zip(["rescaled", "maps", "vector", "out"], outputs, strict=True):
    print(f"{name:10}{str(step.shape[1:]):18}{step[0].size:>8,} numbers")

# %%
import matplotlib.pyplot as plt

scaled, seen, pooled, chances = (step[0] for step in outputs)
figure, axes = plt.subplots(1, 5, figsize=(14, 3.2), layout="constrained")
plots.tiles(image, title=f"pixels {image[0].shape}", ax=axes[0])
plots.tiles(scaled[None, ..., 0], title="rescaled, red channel", ax=axes[1])
plots.feature_maps(seen, 25, 5, f"25 of {seen.shape[-1]} maps", ax=axes[2])
plots.tiles(pooled.reshape(1, 32, -1), title=f"vector {pooled.shape}", ax=axes[3])
axes[4].bar(range(classes), chances, color=plots.BLUE)
axes[4].set(title=f"out {chances.shape}", xlabel="class", ylabel="probability")
axes[4].set_ylim(0, 1);

# %% [markdown]
# **Observe.** A picture goes in, and a handful of bars comes out. The vector is drawn
# as a small image, row by row: each pixel is one averaged map. The bars mean nothing
# yet, because the dense layer is still random.
#
# The base is frozen, and the wrapper is all that trains:

# %% tags=["nbval-check-output"]
[tuple(weight.shape) for weight in model.trainable_weights]

# %% [markdown]
# ## Small changes, for free
#
# Few labels mean few pictures. Augmentation shows each one a little different every
# time.
#
# **Predict.** Three layers: turn, shift, zoom. Does a model with these layers give
# the same answer twice for the same image?

# %%
augment = keras.Sequential(
    [
        keras.layers.RandomRotation(0.04, fill_mode="nearest", seed=0),
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=0),
        keras.layers.RandomZoom(0.1, fill_mode="nearest", seed=0),
    ]
)
batch = np.repeat(image, 8, axis=0).astype("float32")
varied = keras.ops.convert_to_numpy(augment(batch, training=True))
plots.tiles(varied.astype("uint8"), title="One image, eight times augmented");

# %% tags=["nbval-check-output", "any-track"]
still = keras.ops.convert_to_numpy(augment(batch, training=False))
bool(np.array_equal(varied, batch)), bool(np.array_equal(still, batch))

# %% [markdown]
# **Observe.** While training, each copy is different. When we predict, the layers do
# nothing, so answers are stable. They work on raw pixels, before the rescaling.
#
# One more change is popular: the mirror. Is a class still that class?

# %%
mirrored = few.images[:8, :, ::-1]
names = [track.class_names[k] for k in few.labels[:8]]
plots.tiles(mirrored, names, title="The same label, mirrored?");

# %% [markdown]
# **Observe.** That depends on the task. A flower stays what it is. A written 2 does
# not. Augmentation says what you believe does not matter.
#
# ## Probabilities or logits
#
# Softmax turns any numbers, called logits, into probabilities. The loss has to know
# which of the two it gets.
#
# **Predict.** A sure and right answer should cost almost nothing. What does it cost
# if softmax is applied twice?

# %%
sure = np.zeros((1, classes), "float32")
sure[0, 0] = 20.0  # logits: the first class, and very sure
once = keras.ops.softmax(sure)
right = np.array([0])
from_logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
from_probabilities = keras.losses.SparseCategoricalCrossentropy()
costs = {
    "logits, and the loss knows": from_logits(right, sure),
    "probabilities, and the loss knows": from_probabilities(right, once),
    "softmax twice": from_logits(right, np.asarray(once)),
}
costs = {name: float(cost) for name, cost in costs.items()}
plots.bars(costs, "What a sure and right answer costs", "loss");

# %% tags=["nbval-check-output", "any-track"]
good, also_good, twice = costs.values()
good < 0.001, also_good < 0.001, twice > 0.5

# %% [markdown]
# **Observe.** The first two agree: nothing to pay. The third cannot get near zero
# however sure the network is. It trains, slowly and badly. There is no error. (On
# TensorFlow, `fit` notices a softmax at the end of the model, repairs it and warns. Do
# not count on it: two softmax layers go unnoticed, and other backends notice nothing.)
# Choose one pair: softmax at the end and the plain loss, as in this course, or no
# softmax and `from_logits=True`.
#
# ## 📝 Exercise 6.1
#
# EfficientNetB0 gives 1,280 feature maps. A wrapper with pooling sorts flowers into
# 102 kinds. How many parameters has it?

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 1280 * 102 + 102

check("6.1", answer)

# %% [markdown]
# ## 📝 Exercise 6.2
#
# Build a wrapper for maps of the shape `base.output_shape[1:]`: pooling, a hidden
# layer of 64 units with `relu`, dropout of 0.3, and the classes with softmax. Set
# `answer` to a `keras.Sequential`.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.Sequential(
    [
        keras.Input(base.output_shape[1:]),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(classes, activation="softmax"),
    ]
)

check("6.2", answer, base=base, classes=classes)

# %% [markdown]
# ## 📝 Exercise 6.3
#
# Somebody compiled our `model` with `from_logits` as its loss. But the model ends on
# softmax. Set `answer` to the loss that belongs to the model as it is.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.losses.SparseCategoricalCrossentropy(from_logits=False)

check("6.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why does the course pool and not flatten?
# + The wrapper has far fewer parameters. | Few labels can teach few parameters.
# - Pooling is more accurate for any number of labels. | We have not measured that,
#   and it is not so for every task.
# - Flatten does not work with convolutions. | It works, and costs a weight for every
#   position.
#
# ? Where does the rescaling belong?
# - In a loop over the files. | Then whoever predicts has to remember it.
# + Into the model. | Raw pixels in, so that it cannot be forgotten or done twice.
# - Into the loss. | The loss never sees a pixel.
#
# ? Softmax is applied twice. What happens?
# - An error. | Any numbers will do for either.
# - The same training, a little slower. | The loss cannot come near zero any more.
# + Training suffers, and no error says why. | A sure and right answer still
#   costs something.

# %% [markdown]
# ## What to take home
#
# - Pooling keeps a wrapper small. With a hidden layer it can outgrow the base.
# - Preprocessing belongs into the model: raw pixels in, no mistakes outside.
# - Augmentation works in training only, and says what does not matter.
# - Softmax once: in the model or in the loss.
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - Keras, preprocessing layers: https://keras.io/api/layers/preprocessing_layers/
# - Lin et al. 2013, Network in Network (pooling), arXiv 1312.4400.
