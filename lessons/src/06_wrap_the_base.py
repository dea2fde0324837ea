# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 06 · A little wrapper
#
# **You will be able to** put a wrapper on a base, so that the model takes raw pixels
# and gives probabilities, and say what each layer of the wrapper costs and brings.
#
# 15 minutes, and 10 for the exercises · builds on lesson 05 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.widgets import predict

layers, track = keras.layers, load_track()
classes, validation = len(track.class_names), track.validation

# %% [markdown]
# ## From a picture to an answer
#
# A base without its top gives feature maps, and nobody wants those as an answer. What
# we put on it is the **wrapper**. Most people call it the *head*, as we did until now,
# and as our panels do; the two words mean the same.
#
# Here is a whole model. Its base is frozen, so only the wrapper learns, from ten
# labelled images of each class.

# %%
draws = [track.train.few(10, seed=seed) for seed in range(5)]
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
base.trainable = False
scale, pool = layers.Rescaling(1 / 127.5, offset=-1), layers.GlobalAveragePooling2D()
wrapper = [pool, layers.Dense(classes), layers.Softmax()]
model = keras.Sequential([keras.Input(track.input_shape), scale, base, *wrapper])
model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
model.fit(draws[0].images, draws[0].labels, epochs=15, verbose=0);

# %% [markdown]
# Let us send one new image through it, layer by layer, and count: how much of the
# picture is left at each step?

# %% tags=["nbval-check-output"]
names = ["rescaled", "maps", "vector", "logits", "probabilities"]
x, steps = validation.images[:1].astype("float32"), {}
for name, layer in zip(names, model.layers, strict=True):
    x = steps[name] = keras.ops.convert_to_numpy(layer(x))
    print(f"{name:14}{x.size:>7,} numbers")

# %% [markdown]
# Here are the picture, the maps, the vector and the probabilities. The vector is drawn
# row by row, as a small image.

# %%
axes = plt.subplots(1, 4, figsize=(12, 3.2))[1]
truth, says = (track.class_names[k] for k in (validation.labels[0], x[0].argmax()))
plots.tiles(validation.images[:1], title=f"pixels: {truth}", ax=axes[0])
plots.feature_maps(steps["maps"][0], 25, 5, "25 of the maps", ax=axes[1])
plots.tiles(steps["vector"].reshape(1, 32, -1), title="all the averages", ax=axes[2])
axes[3].barh(track.class_names, 100 * x[0], color=plots.BLUE)
axes[3].set(title=f"the answer: {says}", xlabel="probability, %");

# %% tags=["claim"]
assert (x >= 0).all() and abs(x.sum() - 1) < 1e-5 and (steps["logits"] < 0).any()

# %% [markdown]
# **Observe.** The picture becomes many small maps. Pooling averages each of them, which
# leaves one vector. From that, the dense layer makes one number per class. Those
# numbers may be anything, and they are called **logits**. Softmax turns them into
# **probabilities**: none is negative, and they add up to one.
#
# ## Flatten, or pool?
#
# Pooling forgets *where* something was seen. `Flatten` keeps every number, in one long
# vector. A common recipe does that with ResNet50, which ends in 2,048 maps of 7 by 7,
# and puts a dense layer for five classes behind it.

# %%
count = predict("How many parameters does that dense layer have?", unit="parameters")

# %% tags=["nbval-check-output", "any-track"]
shape = (224, 224, 3)
resnet = keras.applications.ResNet50(include_top=False, weights=None, input_shape=shape)
for squeeze in (pool, layers.Flatten()):
    wrapped = keras.Sequential([resnet, squeeze, layers.Dense(5)])
    print(type(squeeze).__name__, f"{wrapped.layers[-1].count_params():,} parameters")
count.compare(wrapped.layers[-1].count_params())

# %% [markdown]
# **Observe.** Flatten costs 49 times as much, one weight for each of the 7 by 7 places.
# Many people add a hidden layer of 512 units, too. It is often said that few labels
# cannot teach so many weights. Is that so?

# %%
others = ["Flatten", "pooling, 512 units", "Flatten, 512 units"]
wins = predict("Which one beats our pooling in each of five draws?", *others, "none")

# %% [markdown]
# We try all four on our own base, with ten labels per class. Which ten is a matter of
# luck, so we *draw* five times. A frozen base gives the same maps in every epoch, so we
# ask it once for each draw and train only the wrappers. (Lesson 10 makes more of that.)
# Of three learning rates tried before, each gets the one that did best, or nearly: the
# three larger wrappers take smaller steps than ours. One is clearly better if it is
# right more often in every single draw; of several, the one with the highest mean
# counts.

# %%
def fit_head(inputs, labels, *head, learning_rate=1e-2):
    head = keras.Sequential([keras.Input(inputs.shape[1:]), *head])
    adam = keras.optimizers.Adam(learning_rate)
    head.compile(adam, "sparse_categorical_crossentropy")
    head.fit(inputs, labels, epochs=15, verbose=0)
    return head


def share_right(model, inputs):
    said = model.predict(inputs, verbose=0).argmax(axis=1)
    return 100 * float(np.mean(said == validation.labels))


# %%
to_maps = keras.Sequential([keras.Input(track.input_shape), scale, base])
held = to_maps.predict(validation.images, verbose=0)
maps = [to_maps.predict(draw.images, verbose=0) for draw in draws]
found = {}
print(f"{'our base':20}{base.count_params():>11,} parameters")
for name, rate in zip(("pooling", *others), (3e-3, 1e-3, 1e-3, 1e-3), strict=True):
    squeeze = layers.Flatten() if "Flatten" in name else pool

    for x, draw in zip(maps, draws, strict=True):
        hidden = [layers.Dense(512, activation="relu")] if "512" in name else []
        out = layers.Dense(classes, activation="softmax")
        head = fit_head(x, draw.labels, squeeze, *hidden, out, learning_rate=rate)
        found.setdefault(name, []).append(round(share_right(head, held), 1))
    right = f"{np.mean(found[name]):.1f} ± {np.std(found[name], ddof=1):.1f} % right:"
    print(f"{name:20}{head.count_params():>11,} parameters, {right}", *found[name])

# %% [markdown]
# Which of them is clearly better than pooling?

# %%
clear = [name for name in found if np.all(np.greater(found[name], found["pooling"]))]
wins.compare(max(clear, key=lambda name: np.mean(found[name]), default="none"))

# %% tags=["claim"]
assert min(map(np.mean, found.values())) > 150 / classes  # all four learnt something

# %% [markdown]
# **Observe.** Set each lead beside the spreads. Where `Flatten` keeps up, few labels
# were enough to teach many weights; where it falls behind, they were not. What speaks
# for pooling in any case is its size.
#
# ## Raw pixels in
#
# Our base wants numbers from -1 to 1. That is why the model above begins with
# `Rescaling`: nobody who uses it can forget the conversion. But somebody may have
# converted the pictures already. You know from lesson 03 what that costs; here it is in
# a whole model.

# %%
shares = [share_right(model, x) for x in (validation.images, scale(validation.images))]
print(f"scaled once: {shares[0]:.0f} % right, scaled twice: {shares[1]:.0f} %")

# %% tags=["claim"]
assert shares[1] < 0.5 * shares[0]  # little is left
assert keras.ops.max(scale(scale(validation.images))) < -0.98  # close to black

# %% [markdown]
# **Observe.** No error, no warning, and little is left, because after the second time
# every pixel is close to -1, which is black. So give the model what it says it wants:
# raw pixels.
#
# ## Small changes
#
# **Augmentation** shows every picture a little differently each time. In Keras it is a
# few layers, which work on raw pixels.

# %%
turn = layers.RandomRotation(0.04, fill_mode="nearest", seed=0)
shift = layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=0)
augment = keras.Sequential([turn, shift])
eight = np.repeat(draws[0].images[:1], 8, axis=0).astype("float32")
varied = keras.ops.convert_to_numpy(augment(eight, training=True))
varied[0] = eight[0]
plots.tiles(varied.astype("uint8"), title="One image, and seven changed copies");

# %% tags=["nbval-check-output", "any-track"]
for mode in (True, False):
    change = (np.array(augment(eight, training=mode)) != eight).any()
    print(f"training={mode}:", "the images change" if change else "nothing changes")

# %% [markdown]
# **Observe.** `fit` sees a different picture in every epoch, but `predict` leaves the
# picture alone, so its answers are stable. With such layers you say what does *not*
# matter. A digit or a flower that is turned a little stays what it is; mirrored, only
# the flower does.
#
# And does it help? We train on each image and three changed copies of it, and, to
# compare, on each image four times over.

# %%
helps = predict("In how many of five draws does it help?", unit="of 5")

# %%
held_vectors, found = pool(held), {"equal": [], "changed": []}
for x, draw in zip(maps, draws, strict=True):
    copies = [augment(draw.images, training=True) for _ in range(3)]
    changed = [to_maps.predict(copy, verbose=0) for copy in copies]
    for four, shares in zip(([x] * 4, [x, *changed]), found.values(), strict=True):
        keras.utils.set_random_seed(0)  # both begin with the same weights
        out = layers.Dense(classes, activation="softmax")
        head = fit_head(pool(np.concatenate(four)), np.tile(draw.labels, 4), out)
        shares.append(share_right(head, held_vectors))
gains = np.subtract(found["changed"], found["equal"])
print(np.round(gains, 1), f"on average {gains.mean():.1f} ± {gains.std(ddof=1):.1f}")
helps.compare(int(np.sum(gains > 0)))

# %% [markdown]
# **Observe.** Both trainings begin with the same weights and take the same number of
# steps, so a difference between them comes from the changes. Set the mean beside its
# spread: a gain that is smaller than the spread could be luck, and then augmentation
# costs three more passes through the base for nothing that we can see. It is worth a
# try, and worth measuring.
#
# ## Some outputs switched off
#
# **Dropout** is another way to make it harder to learn the training images by heart. It
# is used behind hidden layers, so that the next layer cannot rely on any single number.

# %% tags=["any-track"]
drop, ones = layers.Dropout(0.3, seed=0), np.ones((1, 10))
print("in training:  ", np.round(drop(ones, training=True)[0], 2))
print("in prediction:", np.round(drop(ones, training=False)[0], 2))

# %% [markdown]
# **Observe.** In training, every number has a chance of three in ten to become zero,
# and the others grow, so that the sum stays about the same. In prediction nothing
# happens.
#
# ## Softmax once
#
# A loss has to be told whether it gets logits or probabilities. If softmax is applied
# twice, it cannot notice. Here is a model that is right and very sure, so its loss
# should be almost 0.

# %%
cost = predict("What is its loss after a second softmax?")

# %% tags=["nbval-check-output", "any-track"]
once = keras.ops.softmax(20 * np.eye(1, 10))  # of ten classes, sure of the first
plain, first = keras.losses.SparseCategoricalCrossentropy(), np.zeros(1)
pays = {"once": plain(first, once), "twice": plain(first, keras.ops.softmax(once))}
print(*(f"softmax {name}: {float(loss):.2f}" for name, loss in pays.items()))
cost.compare(round(float(pays["twice"]), 2))

# %% tags=["claim"]
assert float(pays["once"]) < 0.01 and float(pays["twice"]) > 1.46

# %% [markdown]
# **Observe.** After a second softmax, no answer can be sure any more: with ten classes,
# even the best one has this loss. There is no error. (If your model ends in softmax and
# the loss has `from_logits=True`, TensorFlow repairs it and warns. Two softmax layers
# go unnoticed, and other backends notice nothing.) And how does such a model train?

# %% [markdown]
# We train from five random starts, each once with one softmax and once with two.

# %%
seeds = predict("In how many does it cost more than 2 points?", unit="of 5")

# %%
vectors, ends = pool(maps[0]), {1: [], 2: []}
for times, shares in ends.items():
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        rest = [layers.Softmax() for _ in range(times)]
        head = fit_head(vectors, draws[0].labels, layers.Dense(classes), *rest)
        shares.append(share_right(head, held_vectors))
    sure = head.predict(held_vectors, verbose=0).max(axis=1).mean()
    print(f"softmax x {times}: {np.round(shares)} % right, the last {sure:.0%} sure")
seeds.compare(sum(a - b > 2 for a, b in zip(*ends.values(), strict=True)))

# %% tags=["claim"]
assert sure <= np.e / (np.e + classes - 1) + 1e-4  # no answer can be sure any more
assert min(ends[2]) > 200 / classes  # and yet it learns

# %% [markdown]
# **Observe.** The images are the same each time, and only the random start of the dense
# layer differs. A mistake like this need not show in every training, which makes it
# hard to find. So choose one pair: softmax at the end and the plain loss, as in this
# course, or no softmax and `from_logits=True`.
#
# ## ✎ Exercise 6.1
#
# EfficientNetB0 gives 1,280 feature maps. A wrapper with pooling sorts flowers into 102
# kinds. How many parameters does it have?

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 1280 * 102 + 102

check("6.1", answer)

# %% [markdown]
# ## ✎ Exercise 6.2
#
# Build a wrapper for the feature maps of `base`, which have the shape
# `base.output_shape[1:]`: pooling, a hidden layer of 64 units with `relu`, dropout of
# 0.3, and the classes with softmax. Set `answer` to it, a Keras model.

# %% tags=["solution", "nbval-check-output", "any-track"]
hidden = layers.Dense(64, activation="relu"), layers.Dropout(0.3)
out = layers.Dense(classes, activation="softmax")
answer = keras.Sequential([layers.GlobalAveragePooling2D(), *hidden, out])

check("6.2", answer, base=base, classes=classes)

# %% [markdown]
# ## ✎ Exercise 6.3
#
# Somebody built this wrapper and wonders why it learns so badly. Fix it. The check
# evaluates your model on a few vectors: the loss that it reports must be the
# right one for these outputs.
#
# ```python
# answer = keras.Sequential([
#     keras.Input((1280,)),
#     layers.Dense(classes, activation="softmax"),
#     layers.Softmax(),
# ])
# answer.compile("adam", "sparse_categorical_crossentropy")
# ```

# %% tags=["solution", "nbval-check-output", "any-track"]
dense = layers.Dense(classes, activation="softmax")
answer = keras.Sequential([keras.Input((1280,)), dense])
answer.compile("adam", "sparse_categorical_crossentropy")

check("6.3", answer, classes=classes)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Which reason for pooling did you see confirmed here?
# - Flatten cannot stand behind a convolution. | It can. It costs a weight for every
#   place of every map.
# - Flatten learns nothing from so few labels. | Compare what it gets right with
#   guessing.
# + Flatten makes the wrapper many times larger. | Size is what pooling saves.
#
# ? `Rescaling` is the first layer of a model. What can still happen?
# - Somebody forgets to scale the pictures. | The model does it for everybody.
# + Somebody scales the pictures beforehand. | Then it is done twice, and no error says
#   so.
# - Somebody changes the scale by training. | The layer has no weights to train.
#
# ? You call `predict` on a model with augmentation and dropout. What do they do?
# - They vary the answer from call to call. | They do so only in training.
# + They pass on their input as it is. | Both work in training only.
# - They make the answers less sure. | Nothing is changed or switched off.
#
# ? A model ends in softmax, and another softmax follows. What will you see?
# - Keras refuses to compile the model. | Any numbers will do for it.
# - Accuracy falls to that of guessing. | It still learns, if not always as well.
# + Answers that are never quite sure. | The largest probability stays far below one.

# %% [markdown]
# ## On your own
#
# A whole model on VGG16, which wants its pixels in another way: blue first, and
# minus the mean colour of ImageNet. Its own `preprocess_input` does that, inside of the
# model, where nobody can forget it. Augmentation stands before it, because it works on
# raw pixels, and dropout before the last layer.

# %% tags=["own"]
import keras
import numpy as np

my_base = keras.applications.VGG16(
    include_top=False, weights=None, input_shape=(64, 64, 3)
)  # weights="imagenet" if you are online
my_base.trainable = False
pixels = keras.Input((64, 64, 3))
y = keras.layers.RandomRotation(0.04)(pixels)  # parts of a full turn
y = keras.applications.vgg16.preprocess_input(y)
y = keras.layers.GlobalAveragePooling2D()(my_base(y))
y = keras.layers.Dropout(0.2)(y)
whole = keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(y))
whole.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
photos = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3)).astype("float32")
whole.fit(photos, np.arange(12) % 3, verbose=0)
print("from raw pixels to", whole.predict(photos[:1], verbose=0).round(2))

# %% [markdown]
# ## What to remember
#
# - A wrapper is pooling and a dense layer. Flatten and hidden layers can make it larger
#   than its base.
# - Preprocessing inside the model cannot be forgotten, although it can be done twice.
# - Augmentation and dropout work in training only. Whether they help has to be
#   measured.
# - Softmax once: in the model, or in the loss.
#
# Next: [07 · Train](07_train_the_wrapper.ipynb)
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - Keras, preprocessing layers: https://keras.io/api/layers/preprocessing_layers/
# - Lin et al. 2013, Network in Network (pooling), arXiv 1312.4400.
# - Srivastava et al. 2014, Dropout, Journal of Machine Learning Research 15.
