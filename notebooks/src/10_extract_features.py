# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 10 · Feature extraction
#
# **You will be able to** pass images through a base once, throw it away, train on what
# is left, and say when that is not allowed.
#
# 20 minutes, and 10 for the exercises · builds on lesson 07 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import time

import keras
import numpy as np

from tlcourse import features, plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing, heads

track = load_track()
classes = len(track.class_names)

# %% [markdown]
# ## The data at a glance
#
# Twenty labelled images of each class, and the validation set.

# %%
few, validation = track.train.few(20), track.validation
print(few.describe())
plots.tiles(few.images[:8], [few.class_names[k] for k in few.labels[:8]]);

# %% [markdown]
# ## As in lesson 07
#
# The base frozen, a wrapper on it, and `fit`. No augmentation today.
#
# **Predict.** In thirty epochs, how many times does a frozen base compute the same
# features of the same image?

# %%
def compile_again(model, weights=None):
    if weights:
        model.layers[-1].set_weights(weights)
    model.compile(
        keras.optimizers.Adam(1e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )


base = track.build_base()
base.trainable = False
model = heads.wrap(base, classes, preprocess=track.preprocess)
start_weights = model.layers[-1].get_weights()  # for later

# %%
epochs = 10 if track.name == "glyphs" else 4


def seconds_an_epoch(model, inputs):
    compile_again(model, start_weights)
    ends = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    model.fit(
        inputs, few.labels, epochs=epochs, verbose=0, shuffle=False, callbacks=[clock]
    )
    return (ends[-1] - ends[0]) / (epochs - 1)  # the first epoch compiles


whole_time = seconds_an_epoch(model, few.images)
print(f"{whole_time:.2f} s for each epoch")

# %% [markdown]
# **Observe.** Once in every epoch, and the answer is always the same: nothing in the
# base changes. So let us ask it once.
#
# ## Pass everything through once
#
# The other approach, in six steps. Take an architecture. Take its parameters. Remove
# the last layer. Those are done. Pass all the data through:

# %%
pixels = keras.Input(track.input_shape)
pooled = keras.layers.GlobalAveragePooling2D()(base(track.preprocess(pixels)))
to_vector = keras.Model(pixels, pooled)
features.extract(to_vector, few.images, batch_size=32)  # the first time compiles

start = time.perf_counter()
vectors = features.extract(to_vector, few.images, batch_size=32)
once = time.perf_counter() - start
held_out = features.extract(to_vector, validation.images, batch_size=32)

# %% tags=["nbval-check-output"]
vectors.shape, held_out.shape

# %% [markdown]
# Throw the network away. We can: from here on, only vectors count. (We keep a copy of
# the weights of lesson 07's wrapper, for a comparison.)

# %%
trained_as_07 = model.layers[-1].get_weights()
accuracy_07 = model.evaluate(validation.images, validation.labels, verbose=0)[1]
del base, model, to_vector, pooled

# %% [markdown]
# Train a small network: one dense layer, on vectors.

# %%
dense = keras.layers.Dense(classes, activation="softmax")
small = keras.Sequential([keras.Input(vectors.shape[1:]), dense])
small_time = seconds_an_epoch(small, vectors)

# %% [markdown]
# **Predict.** How many times faster is an epoch on the features?

# %%
times = {"whole model": whole_time, "on features": small_time, "extraction": once}
plots.bars(times, "What it costs", "seconds");

# %% [markdown]
# **Observe.** The extraction is paid once; then an epoch costs a fraction of what it
# did.
#
# ## Two approaches, or one?
#
# Both wrappers began with the same numbers, and saw the same images in the same order.
#
# **Predict.** How different are their weights after training?

# %%
differences = [
    np.abs(a - b).max() for a, b in zip(trained_as_07, small.get_weights(), strict=True)
]
print("largest difference:", max(differences))
accuracies = {
    "whole model": accuracy_07,
    "on features": small.evaluate(held_out, validation.labels, verbose=0)[1],
}

# %% tags=["nbval-check-output", "any-track"]
bool(max(differences) < 1e-4)

# %% [markdown]
# **Observe.** There is no difference worth the name. A frozen base with a wrapper, and
# a wrapper on stored features, are the same training. One of them repeats itself.
#
# ## Any freeze point
#
# What if the last stage trains, too? All before it is still frozen, and still gives the
# same answer in every epoch. `fit_once_frozen` finds the place where the frozen part
# ends, passes the images through it once, and trains the rest.
#
# **Predict.** It trains the same model as `fit` does. To the last bit?

# %%
keras.utils.clear_session(free_memory=True)  # what the models above have compiled
base = track.build_base()
freezing.unfreeze_from(base, freezing.stages(base)[-1].name)
deeper = heads.wrap(base, classes, preprocess=track.preprocess)
began, trained, times = deeper.get_weights(), [], {}
for fit in (keras.Model.fit, training.fit_once_frozen):
    keras.utils.set_random_seed(0)  # the same order of the images
    deeper.set_weights(began)
    compile_again(deeper)
    start = time.perf_counter()
    fit(deeper, few.images, few.labels, epochs=epochs, verbose=0)
    times[fit.__name__] = time.perf_counter() - start
    trained.append(deeper.get_weights())
plots.bars(times, f"Compile and {epochs} epochs, the last stage free", "seconds");

# %% tags=["nbval-check-output"]
all(np.array_equal(a, b) for a, b in zip(*trained, strict=True))

# %% [markdown]
# **Observe.** To the last bit. The more is frozen, the more is saved.
#
# ## Not only networks
#
# A vector is a vector. Older methods learn from it too, and have no epochs at all.

# %%
probe = training.linear_probe(vectors / vectors.std(), few.labels)
accuracies["logistic regression"] = probe.score(
    held_out / vectors.std(), validation.labels
)
plots.bars(accuracies, "Right on held-out images", "accuracy");

# %% [markdown]
# What do the vectors look like? We turn them so that the two directions in which they
# differ most lie in the picture.

# %%
import matplotlib.pyplot as plt
from sklearn.decomposition import PCA

flat = PCA(2).fit_transform(held_out)
figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for k, name in enumerate(track.class_names):
    at = flat[validation.labels == k]
    ax.scatter(*at.T, s=8, color=plots.COLOURS[k % 7], alpha=0.5)
    ax.text(*np.median(at, axis=0), name, weight="bold", ha="center")
ax.set(title="Held-out images as the base sees them", xlabel="direction 1")
ax.set_ylabel("direction 2");

# %% [markdown]
# **Observe.** Each name stands in the middle of its class. Two directions of so many
# already pull some classes apart, and no class was known to the base.
#
# ## When it cannot be used
#
# **Predict.** We augment: every epoch shows each image a little different. Can we store
# features once?

# %%
base = track.build_base()
pooled = keras.layers.GlobalAveragePooling2D()(base(track.preprocess(pixels)))
to_vector = keras.Model(pixels, pooled)
augment = heads.augmentation()
raw = few.images[:32].astype("float32")
twice = [keras.ops.convert_to_numpy(augment(raw, training=True)) for _ in range(2)]
one, two = (features.extract(to_vector, x.astype("uint8")) for x in twice)
print("the same features:", np.array_equal(one, two))

# %% [markdown]
# **Predict.** We fine-tune the last stage for one step. Are the stored features still
# right?

# %%
freezing.unfreeze_from(base, freezing.stages(base)[-1].name)
tuned = heads.wrap(base, classes, preprocess=track.preprocess)
tuned.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
tuned.fit(few.images[:32], few.labels[:32], verbose=0)
after = features.extract(to_vector, few.images[:32], batch_size=32)
print("the same features:", np.array_equal(vectors[:32], after))

# %% [markdown]
# **Observe.** Twice no. Stored features are right as long as neither the images nor the
# base change. That is all the rule there is. (`features.extract(..., cache=True)` keeps
# them on disk, under a name made of weights and pixels. Change one, and the name is
# another.)
#
# ## 📝 Exercise 10.1
#
# A small network with a hidden layer of 64 units, trained on `vectors`. Set `answer`
# to it. It should do about as well on `held_out` as the others.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.Sequential(
    [
        keras.Input(vectors.shape[1:]),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(classes, activation="softmax"),
    ]
)
answer.compile("adam", "sparse_categorical_crossentropy")
answer.fit(vectors, few.labels, epochs=30, verbose=0)

check("10.1", answer, vectors=held_out, labels=validation.labels)

# %% [markdown]
# ## 📝 Exercise 10.2
#
# Keep the features: save `vectors` with `np.savez` to the path below, then load them
# again. Set `answer` to the array that you loaded.

# %%
import pathlib
import tempfile

path = pathlib.Path(tempfile.mkdtemp()) / "features.npz"

# %% tags=["solution", "nbval-check-output", "any-track"]
np.savez(path, vectors=vectors)
answer = np.load(path)["vectors"]

check("10.2", answer, vectors=vectors, path=path)

# %% [markdown]
# ## 📝 Exercise 10.3
#
# Extract (`e`), keep the frozen base in the model (`f`), or fine-tune (`t`)? One:
# thirty kinds of wrapper to be compared on the same images. Two: few images, so you
# want augmentation. Three: many labels, and pictures unlike the base's. Set `answer`
# to three letters.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "eft"

check("10.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does a frozen base compute in the second epoch?
# + The same features as in the first. | Neither images nor base have changed.
# - Better features. | It does not learn.
# - Nothing, Keras remembers them. | Keras computes them again, every epoch.
#
# ? Training on stored features, compared with the frozen model:
# - It is an approximation. | We compared the weights.
# + It is the same training, without the repetition. | The same numbers go into the same
#   layer.
# - It needs fewer labels. | The labels are the same.
#
# ? You change the preprocessing. What about the stored features?
# - They can stay. | They were computed from other numbers.
# + They have to be computed again. | Base and pictures as the base sees them must be
#   the same.
# - Only the wrapper has to be trained again. | On features that no longer belong to it.

# %% [markdown]
# ## What to take home
#
# - Pass the data through once, and train on what comes out.
# - It is the same training as with a frozen base, only faster.
# - Not with augmentation, and not while the base changes.
#
# ## Sources
#
# - Razavian et al. 2014, CNN features off-the-shelf, arXiv 1403.6382.
# - Donahue et al. 2013, DeCAF, arXiv 1310.1531.
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
