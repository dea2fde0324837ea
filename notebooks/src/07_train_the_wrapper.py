# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 07 · Train
#
# **You will be able to** train a wrapper on a frozen base with few labels, and
# judge the result against fair controls.
#
# 20 minutes, and 15 for the exercises · builds on lesson 06 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import heads

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# Three parts, and each has one duty. We learn from `train`. We decide by
# `validation`. We look at `test` once, at the end.

# %%
few = track.train.few(10)
print(few.describe())
plots.tiles(few.images[:16], [few.class_names[k] for k in few.labels[:16]]);

# %% [markdown]
# **Predict.** Ten labelled images of each class: that is all we train on. Write
# down two numbers. What share of new images will a wrapper on the trained base
# get right? And the same architecture, trained from scratch on the same images?
# Guessing gets this many right:

# %%
print(f"guessing: {1 / len(track.class_names):.2f}")

# %% [markdown]
# ## Train the wrapper
#
# Everything here is from earlier lessons: the base, frozen; raw pixels in; pooling
# and one dense layer. Adam's usual rate is small for a layer that starts from
# nothing, so we take ten times that.

# %%
base = track.build_base()
base.trainable = False
model = heads.wrap(base, len(track.class_names), preprocess=track.preprocess)
model.compile(
    keras.optimizers.Adam(learning_rate=1e-2),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)

# %%
history = model.fit(
    few.images,
    few.labels,
    epochs=15,
    validation_data=(track.validation.images, track.validation.labels),
    verbose=0,
    callbacks=[training.ProgressLine()],
)

ax = plots.curves({"validation": history}, title="A wrapper learns")
ax.plot(range(1, 16), history.history["accuracy"], ":", color="black", label="training")
ax.legend();

# %% [markdown]
# **Observe.** The dotted line is the training set, and soon all of it is right.
# The other line is what counts: images that the wrapper was never shown. It rises
# fast and then stays. More epochs would not help, and more labels might.
#
# ## Fair controls
#
# Is it the *trained* base that did this? A control answers such a question: change
# one thing, keep the rest. The first one keeps the architecture and forgets the
# training. It gets a fair chance: all layers free, augmentation, more epochs, a
# decaying rate, and its best epoch counts. (On the glyphs track, a figure further
# down gives it ten times the epochs, too.)

# %%
epochs = 30 if track.name == "glyphs" else 10
scratch_history = training.train_from_scratch(
    track, few, track.validation, epochs, every=5
)

# %%
plots.curves(
    {"trained base, frozen": history, "from scratch": scratch_history},
    title="The same architecture, the same labels",
);

# %% [markdown]
# **Observe.** Two curves, and the distance between them is what other people's
# work is worth to us here. The control is not a straw man. It has too few images: with
# many more it would learn, as the base once did.
#
# ## How many labels does it take?
#
# One draw of ten images is luck. So we draw five times for each number of labels,
# and show the mean and the spread. To be quick about it, we compute what the base
# says about each image once, and fit a logistic regression on that. It is our wrapper,
# a dense layer with softmax, fitted without epochs.
#
# **Predict.** Two more controls: the same architecture *frozen and random*, and
# the raw pixels. Which of the two does better?

# %%
counts = [1, 5, 10, 20] + ([50] if track.name == "glyphs" else [])
tables = {}
names = {"features": "trained base", "random": "random base", "pixels": "raw pixels"}
for kind, name in names.items():
    pool = training.vectors(track, track.train, kind), track.train
    held_out = training.vectors(track, track.validation, kind), track.validation
    tables[name] = training.probe_sweep(pool, held_out, counts)
    print(name, tables[name].mean(axis=1).round(2))

# %%
shown = tables | training.shipped_scratch(track, counts)
ax = plots.label_curves(counts, shown, "What a label is worth")
best = max(scratch_history.history["val_accuracy"])
ax.plot(10, best, "*", markersize=12, color="black", label="from scratch, just now")
ax.legend();

# %% [markdown]
# **Observe.** The top line is transfer. It starts above guessing with a single
# label a class. The two controls lie far below, and the printed rows say which of them
# is better. They show what is *not* the reason: it is not the architecture alone, and
# it is not that the pixels would have done. If there is a line *from scratch*, it came
# with the course, because it takes long to train.

# %% tags=["nbval-check-output", "any-track"]
trained = tables["trained base"].mean(axis=1)
others = np.maximum(
    tables["random base"].mean(axis=1), tables["raw pixels"].mean(axis=1)
)
bool((trained > others).all()), bool(trained[-1] > trained[0])

# %% [markdown]
# ## All labels, and the test set, once
#
# We have decided: this wrapper, this rate. Now it may have all labels of the
# training part. Then we open the test set.

# %%
final = heads.wrap(base, len(track.class_names), preprocess=track.preprocess)
training.train(final, track.train, track.validation, epochs=12, learning_rate=1e-2)
probabilities = final.predict(track.test.images, verbose=0)
answers = probabilities.argmax(axis=1)
test_accuracy = float((answers == track.test.labels).mean())
print(f"test accuracy: {test_accuracy:.3f}")

# %% tags=["nbval-check-output", "any-track"]
test_accuracy >= 0.8

# %% [markdown]
# One number hides a lot. Which class is taken for which?

# %%
plots.confusion(track.test.labels, answers, track.class_names, "Test set");

# %% [markdown]
# **Observe.** The diagonal is right. Off the diagonal, mistakes gather in a few
# cells. Look at them as pictures before you blame the network.

# %%
wrong = np.flatnonzero(answers != track.test.labels)
sure = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:8]
said = [
    f"{track.class_names[answers[i]]} ({probabilities[i].max():.2f})" for i in sure
]
plots.tiles(track.test.images[sure], said, title="Wrong, and sure of it");

# %% [markdown]
# **Observe.** Above each picture: what the model said, and how sure it was. Which
# would you have got right yourself?
#
# ## One image
#
# A model takes a batch. One image is a batch of one.

# %%
image = track.test.images[:1]
chances = final.predict(image, verbose=0)[0]
by_class = dict(zip(track.class_names, chances.tolist(), strict=True))
plots.bars(by_class, "How sure, for the first test image", "probability");

# %% [markdown]
# ## 📝 Exercise 7.1
#
# Measure one more point of the curve: three labels a class, five draws, the
# trained base. Use `training.probe_sweep`. Set `answer` to the mean, a float.

# %% tags=["solution", "nbval-check-output", "any-track"]
pool = training.vectors(track, track.train, "features"), track.train
held_out = training.vectors(track, track.validation, "features"), track.validation
answer = float(training.probe_sweep(pool, held_out, [3]).mean())

check("7.1", answer, one=trained[0], five=trained[1])

# %% [markdown]
# ## 📝 Exercise 7.2
#
# After how many epochs would you have stopped the first training? Choose by
# validation, from `history.history`. Set `answer` to that number: the epoch with
# the best value, the earliest if several are equal.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = int(np.argmax(history.history["val_accuracy"])) + 1

check("7.2", answer, history=history)

# %% [markdown]
# ## 📝 Exercise 7.3
#
# The control "random base" keeps the architecture and the wrapper, and changes the
# weights. If it had done as well as the trained base, what would follow? Set
# `answer` to `"a"`: the pixels are enough. `"b"`: the architecture is enough, and
# training it was for nothing. `"c"`: we had too few labels.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "b"

check("7.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What may you decide by looking at the test set?
# + Nothing. | It measures once what has been decided.
# - The number of epochs. | Then the result flatters you. Validation decides.
# - Which network to take. | That, too, is a decision.
#
# ? Training accuracy is perfect, validation is not. What would help most here?
# - More epochs. | There is nothing left to learn from these pictures.
# + More labels. | The last figure shows what each of them is worth.
# - A larger learning rate. | The training pictures are learnt already.
#
# ? Why five draws for each number of labels?
# - To have more training data. | Each draw is a training of its own.
# + Because ten pictures may be lucky or unlucky. | Mean and spread tell luck from
#   effect.
# - Because the network starts from random weights. | That is one source of luck, and
#   not the large one here.

# %% [markdown]
# ## What to take home
#
# - A frozen base and a dense layer learn from a handful of labels.
# - Say what a number is compared with. A control changes one thing.
# - Several draws, mean and spread. Validation decides; the test set is for once.
# - Look at the mistakes.
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
# - Alain and Bengio 2016, Linear classifier probes, arXiv 1610.01644.
# - Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI.
