# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 12 · When it goes wrong
#
# **You will be able to** find out why a training fails, from its symptoms to the cure.
#
# 20 minutes, and 15 for the exercises · builds on lesson 08 · a CPU is enough

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
from tlcourse.models import freezing
from tlcourse.training import clinic, compile_for, fine_tuning

track = load_track()
quick = track.name == "glyphs"  # small pictures

# %% [markdown]
# ## The data at a glance
#
# A clinic. Each case is a training that fails without an error. We run it, see the
# symptom, guess, examine, and run it healthy. The same few images for all.

# %%
few, held_out = track.train.few(10), track.validation
print(few.describe())
print(f"guessing gets {1 / len(track.class_names):.2f} right")

# %% [markdown]
# Most cases need only a wrapper, trained on features. This base gets numbers, and
# scales nothing itself: scaling is one of the cases.


# %%
base = freezing.freeze(track.build_base())
numbers = keras.Input(track.input_shape)
to_vector = keras.Model(numbers, keras.layers.GlobalAveragePooling2D()(base(numbers)))


def scaled(images):
    return images.astype("float32") / 127.5 - 1


def see(numbers):
    return to_vector.predict(numbers, verbose=0)


# %%
def train_head(vectors, labels, one_more=None):
    head = fine_tuning.small_head(vectors.shape[1:], len(track.class_names))
    if one_more:
        head.add(one_more)
    compile_for(head, 1e-2)
    return head, head.fit(vectors, labels, epochs=20, verbose=0).history


def share_right(head, vectors, labels):
    return float((head.predict(vectors, verbose=0).argmax(axis=1) == labels).mean())


vectors, unseen = see(scaled(few.images)), see(scaled(held_out.images))
well, well_history = train_head(vectors, few.labels)
healthy, sick = share_right(well, unseen, held_out.labels), {}
print(f"healthy: {healthy:.2f}")

# %% [markdown]
# ## Case 1: raw pixels, straight in
#
# **Predict.** No error, no warning. How much is left without scaling?
#
# ## Case 2: preprocessing twice
#
# Somebody scales in the loader, and the model scales again. **Predict.** Better or
# worse than not at all?

# %%
wrong_scales = {"1 not scaled": lambda images: images.astype("float32")}
wrong_scales["2 scaled twice"] = lambda images: scaled(scaled(images))
for name, scale in wrong_scales.items():
    head, _ = train_head(see(scale(few.images)), few.labels)
    sick[name] = share_right(head, see(scale(held_out.images)), held_out.labels)
    print(f"{name}: numbers up to {scale(few.images).max():.2f}")
plots.bars({"healthy": healthy} | sick, "Right on held-out images", "accuracy");

# %% [markdown]
# **Observe.** The examination is one line: print the range of what goes into the base.
# Twice scaled, all pictures are nearly black. *Cure:* scale in one place, as a layer
# of the model.
#
# ## Case 3: softmax twice
#
# The dense layer ends on softmax, and somebody adds another one. **Predict.** What will
# the loss look like beside the healthy one?

# %%
head, history = train_head(vectors, few.labels, keras.layers.Activation("softmax"))
sick["3 softmax twice"] = share_right(head, unseen, held_out.labels)
plots.curves({"healthy": well_history, "softmax twice": history}, "loss", "Training");

# %% tags=["nbval-check-output", "any-track"]
print("stays up:", min(history["loss"]) > 3 * min(well_history["loss"]))

# %% [markdown]
# **Observe.** The accuracy may hardly suffer, and that is what makes it hard to find.
# The loss tells: it stops far above zero. *Cure:* softmax once. There is another way to
# do it twice, `from_logits=True` behind a softmax. That one TensorFlow notices, and
# warns. Other backends do not.
#
# ## Case 4: shuffled labels
#
# The images were shuffled, and the labels in another order. **Predict.** Training
# accuracy, and held-out accuracy?

# %%
order = np.random.default_rng(0).permutation(len(few))
head, history = train_head(vectors, few.labels[order])
sick["4 shuffled labels"] = unlucky = share_right(head, unseen, held_out.labels)
print(f"training {history['accuracy'][-1]:.2f}, held out {unlucky:.2f}")
names = [track.class_names[k] for k in few.labels[order][:8]]
plots.tiles(few.images[:8], names, title="Look at what the network was told");

# %% [markdown]
# **Observe.** It can learn any labels by heart, and knows nothing about new images. A
# row of pictures with their labels finds it in a second. *Cure:* shuffle pairs.
#
# ## Case 5: test images in the training set
#
# **Predict.** This one looks better than healthy. How do you notice?

# %%
exam = held_out.take(slice(0, 50))
both = np.concatenate([vectors, see(scaled(exam.images))])
head, _ = train_head(both, np.concatenate([few.labels, exam.labels]))
print(f"on the images that leaked: {share_right(head, unseen[:50], exam.labels):.2f}")
print(f"on others: {share_right(head, unseen[50:], held_out.labels[50:]):.2f}")


def images_in_both(a, b):
    return len(set(map(bytes, a)) & set(map(bytes, b)))


# %% tags=["nbval-check-output", "any-track"]
leaked = np.concatenate([few.images, exam.images])
print("leaked, all:", images_in_both(leaked, exam.images) == len(exam))
print("healthy, none:", images_in_both(few.images, exam.images) == 0)

# %% [markdown]
# **Observe.** The result is too good, and gone on other images. Counting equal images
# finds it. *Cure:* split first, then do everything else.
#
# ## Case 6: compared in another order
#
# The network is fine. Its answers were computed on shuffled images, and compared with
# labels that were not. **Predict.** What does the accuracy look like?

# %%
order = np.random.default_rng(1).permutation(len(held_out))
sick["6 other order"] = share_right(well, unseen[order], held_out.labels)
cured = share_right(well, unseen[order], held_out.labels[order])
print(f"other order {sick['6 other order']:.2f}, same order {cured:.2f}")

# %% [markdown]
# **Observe.** `evaluate` and your own count disagree: then suspect the order. *Cure:*
# never shuffle what you predict on.
#
# ## Cases 7 and 8: too large a rate, too early
#
# Now the whole model. A healthy fine-tuning begins with a trained wrapper, at a rate of
# 1e-4. Case 7 takes 1e-2. Case 8 keeps the rate, but nobody has trained the wrapper.
# **Predict.** Which is worse?

# %%
model, whole_base = fine_tuning.wrapped(track)
freezing.unfreeze_from(whole_base, freezing.stages(whole_base)[0].name)
start = fine_tuning.Snapshot(compile_for(model, 1e-4))
with_wrapper = [*start.weights[:-2], *well.get_weights()]


def tune(rate, weights):
    start.restore(rate, weights)
    model.fit(few.images, few.labels, 16, epochs=5 if quick else 2, verbose=0)
    return fine_tuning.accuracy(model, held_out)


sick["7 rate too large"] = large = tune(1e-2, with_wrapper)
sick["8 random wrapper"] = early = tune(1e-4, start.weights)
tuned = tune(1e-4, with_wrapper)
print(f"7: {large:.2f}, 8: {early:.2f}, healthy, fine-tuned: {tuned:.2f}")

# %% [markdown]
# **Observe.** Accuracy at the level of guessing, at once: suspect the rate. *Cure:* a
# far smaller one. Better than guessing, and far behind: suspect the wrapper. A rate
# that is small enough for the base hardly moves a wrapper that knows nothing. *Cure:*
# train the wrapper first, on the frozen base, at a rate of its own.
#
# ## Case 9: the flag without `compile`
#
# **Predict.** The base is unfrozen, and `fit` runs. Which of its numbers move?

# %%
freezing.freeze(whole_base)
compile_for(model, 1e-4).fit(few.images, few.labels, verbose=0)
kernel, saved = whole_base.layers[1].get_weights()[0], model.get_weights()
freezing.unfreeze_from(whole_base, freezing.stages(whole_base)[0].name)
try:
    model.fit(few.images, few.labels, verbose=0)
except ValueError as error:  # on PyTorch and JAX
    print("Keras stopped:", str(error).split(".")[0])
    model.set_weights(saved)  # on JAX, a `fit` that stops loses them

# %% tags=["nbval-check-output", "any-track"]
print("moved:", not np.array_equal(kernel, whole_base.layers[1].get_weights()[0]))
print("stale:", freezing.trains(model).stale)

# %% [markdown]
# **Observe.** None. *Cure:* compile after every change of a flag.
#
# ## Case 10: BatchNormalization in training mode
#
# The recipe of many tutorials: call the base with `training=False`, unfreeze, compile,
# fit. **Predict.** Do the averages that BatchNormalization keeps stay as they were?

# %%
other = track.build_base()
pixels = keras.Input(track.input_shape)
maps = other(track.preprocess(pixels), training=False)
x = keras.layers.GlobalAveragePooling2D()(maps)
dense = keras.layers.Dense(len(track.class_names), activation="softmax")
recipe = keras.Model(pixels, dense(x))
dense.set_weights(well.get_weights())
other.trainable = True
for layer in filter(freezing.is_batchnorm, other.layers):
    layer.momentum = 0.9  # so that a short training shows it
compile_for(recipe, 1e-4)
before = next(filter(freezing.is_batchnorm, other.layers)).get_weights()[2]
recipe.fit(few.images, few.labels, 4, epochs=2, verbose=0)
after = next(filter(freezing.is_batchnorm, other.layers)).get_weights()[2]
sick["10 BatchNorm trains"] = fine_tuning.accuracy(recipe, held_out)

# %% tags=["nbval-check-output", "any-track"]
print("moving mean unchanged:", np.array_equal(before, after))
print("7 destroyed it:", large < tuned - 0.2)
print("8 is far behind:", large + 0.05 < early < tuned - 0.1)

# %% [markdown]
# **Observe.** The averages of four pictures at a time replaced those of thousands. (The
# batches of four and the momentum of 0.9 are ours, to show in two epochs what takes
# longer otherwise.) *Cure:* freeze each BatchNormalization layer. Here are all who
# could be measured alike:

# %%
everybody = {"healthy, wrapper": healthy, "healthy, fine-tuned": tuned} | sick
colours = [plots.BLUE] * 2 + [plots.RED] * len(sick)
ax = plots.bars(everybody, "The clinic", "accuracy on held-out images", colours=colours)
ax.axvline(1 / len(track.class_names), color="black", linestyle=":");

# %% [markdown]
# **Observe.** The dotted line is guessing. Some of the sick look nearly healthy:
# accuracy alone does not find them.
#
# ## 📝 Exercise 12.1 to 12.3
#
# Three patients nobody has diagnosed. Each has a `symptom`, a `model`, the dataset
# `train`, and `held_out`: `patients["A"].train.images` are the pictures of one. Examine
# them before you choose, with what the cases above used: `plots.tiles`,
# `images_in_both`, `freezing.trains`, the range of the numbers. Choose: `"a"` wrong
# scale, `"b"` labels do not belong to their images, `"c"` held-out images in the
# training set, `"d"` rate too large, `"e"` flags changed without `compile`.

# %%
patients = {name: clinic.patient(name, track) for name in "ABC"}
for name, patient in patients.items():
    print(f"{name}: {patient.symptom}")

# %% [markdown]
# Patient A:

# %% tags=["solution", "nbval-check-output", "any-track"]
sick_one = patients["A"].train
names = [track.class_names[k] for k in sick_one.labels[:8]]
plots.tiles(sick_one.images[:8], names)  # pictures and labels do not fit
plt.close()
answer = "b"

check("12.1", answer)

# %% [markdown]
# Patient B:

# %% tags=["solution", "nbval-check-output", "any-track"]
assert freezing.trains(patients["B"].model).stale
answer = "e"

check("12.2", answer)

# %% [markdown]
# Patient C:

# %% tags=["solution", "nbval-check-output", "any-track"]
assert images_in_both(patients["C"].train.images, patients["C"].held_out.images)
answer = "c"

check("12.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Held-out accuracy is that of guessing, training accuracy is perfect. First look at
# + a few pictures with their labels. | It costs a second, and finds shuffled labels.
# - the learning rate. | Too large a rate spoils training accuracy as well.
# - the architecture. | It learnt the training set, so it can learn.
#
# ? Which of these raises an error in Keras on TensorFlow?
# - Softmax twice. | One form of it gets a warning; none gets an error.
# - A wrong scale. | Any numbers of the right shape will do.
# + None of them, nor a flag without `compile`. | That is why this lesson exists.
#
# ? A result is much better than expected. What now?
# - Publish it. | First count equal images in training and test set.
# + Look for a leak. | Too good is a symptom, too.
# - Train longer. | That would not explain it.

# %% [markdown]
# ## What to take home
#
# - Most failures raise no error. Know what healthy looks like.
# - Print the range of what goes in. Look at pictures with their labels.
# - Compare weights before and after. Ask `freezing.trains`.
# - Too good is a symptom, too.
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on BatchNormalization.
# - Zhang et al. 2016, Rethinking generalization (random labels), arXiv 1611.03530.
