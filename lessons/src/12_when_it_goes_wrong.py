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
# 20 minutes, and 15 for the exercises · builds on lesson 10 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.training import ProgressLine, clinic
from tlcourse.widgets import predict

track = load_track()
few, held_out = track.train.few(10), track.validation
loss = "sparse_categorical_crossentropy"

# %% [markdown]
# ## Two trainings, and no error
#
# In this lesson, failed trainings are patients. For most of them we train only a dense
# layer, the *wrapper*, on features that are computed once (lesson 10). The pixels are
# scaled outside of the base, so that we can do it wrongly in cases 2 and 3.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
pool = keras.layers.GlobalAveragePooling2D()
to_vector = keras.Sequential([keras.Input(track.input_shape), base, pool])
scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)


def see(numbers):
    return to_vector.predict(numbers, verbose=0)


# %%
def train(vectors, labels, *more, **options):
    dense = keras.layers.Dense(len(track.class_names), activation="softmax")
    model = keras.Sequential([keras.Input(vectors.shape[1:]), dense, *more])
    model.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
    return model, model.fit(vectors, labels, epochs=20, verbose=0, **options).history


def share_right(model, inputs, labels):
    return float(np.mean(model.predict(inputs, verbose=0).argmax(axis=1) == labels))


# %% [markdown]
# Two colleagues train this model on the same images, ten of each class. One of them has
# made a mistake, which you can find in the cell. Keras reports no error to either.

# %%
vectors, unseen = (see(scaled(x.images)) for x in (few, held_out))
wrong = np.random.default_rng(0).permutation(few.labels)
well, hers = train(vectors, few.labels)
ill, his = train(vectors, wrong)
plots.curves({"hers": hers, "his": his}, "accuracy", "Both learn what they are shown");

# %% tags=["claim"]
assert min(hers["accuracy"][-1], his["accuracy"][-1]) > 0.9  # both end at the top

# %% [markdown]
# His takes longer, which is a first symptom, and both end at the top. But these are the
# images that they have learnt from.

# %%
his_share = predict("Hers gets most new images right. And his?", unit="%")

# %%
healthy = share_right(well, unseen, held_out.labels)
sick = {"1 shuffled labels": share_right(ill, unseen, held_out.labels)}

print(f"new images: hers {healthy:.2f}, guessing {1 / len(track.class_names):.2f}")
his_share.compare(round(100 * sick["1 shuffled labels"]))
plots.tiles(few.images[:8], np.take(track.class_names, wrong[:8]), title="His labels");

# %% tags=["claim"]
assert healthy > 2 * sick["1 shuffled labels"]

# %% [markdown]
# **Observe.** That was case 1, **shuffled labels**: he shuffled the labels, and left
# the images where they were. A network can learn even wrong labels by heart, and then
# gets few new images right. *Examination:* a row of pictures with their labels,
# which takes a second. *Cure:* shuffle each image together with its label.

# %% [markdown]
# ## Cases 2 and 3: a wrong scale
#
# This base wants numbers from -1 to 1. In case 2, nobody scales the pixels. In case 3,
# the loader does, and then the model does it again. **Predict.** Which costs more?

# %%
scales = {"2 not scaled": np.float32, "3 scaled twice": lambda x: scaled(scaled(x))}
for name, scale in scales.items():
    model, _ = train(see(scale(few.images)), few.labels)
    sick[name] = share_right(model, see(scale(held_out.images)), held_out.labels)
    print(f"{name:14} up to {np.array(scale(few.images)).max():6.2f}: {sick[name]:.2f}")

# %% tags=["claim"]
assert max(sick["2 not scaled"], sick["3 scaled twice"]) < healthy - 0.05

# %% [markdown]
# **Observe.** *Examination:* print the range of what goes into the base. Scaled twice,
# all numbers are close to -1, which is black. Compare both with hers above. *Cure:*
# scale in one place, as a layer of the model.
#
# ## Case 4: softmax twice
#
# The dense layer ends on softmax, and somebody adds another one. One training may be
# luck, so we repeat it four times, with one softmax and with two.

# %%
logs = {}
for n, name in enumerate(("once", "twice")):  # none, and one more
    four = [train(vectors, few.labels, *n * [keras.layers.Softmax()]) for _ in range(4)]
    logs[name] = four[-1][1]
    right = [share_right(model, unseen, held_out.labels) for model, _ in four]
    print(f"softmax {name:5}, four trainings, right:", *np.round(right, 2))
sick["4 softmax twice"] = float(np.mean(right))
plots.curves(logs, "loss", "The second softmax keeps the loss up");

# %% tags=["claim"]
lowest = np.log(np.e + len(track.class_names) - 1) - 1  # 1.46 or 0.90
assert min(logs["twice"]["loss"]) > lowest - 1e-3 > min(logs["once"]["loss"])

# %% [markdown]
# **Observe.** Compare the two printed lines. The accuracy may suffer little, or only
# sometimes, and then this one is hard to find. The loss tells. Behind a second
# softmax, no class gets a probability near one, and the loss cannot fall below 1.46
# with ten classes (lesson 06), or 0.90 with five. *Examination:* read the last layers,
# and the loss in `compile`. *Cure:* softmax once. (`from_logits=True` behind a softmax
# is the same mistake; TensorFlow warns of it.)
#
# ## Case 5: test images in the training set
#
# Fifty images of our exam have slipped into the training set.

# %%
exam, exam_labels = held_out.images[:50], held_out.labels[:50]
both = np.concatenate([few.images, exam])
leaky, _ = train(see(scaled(both)), np.concatenate([few.labels, exam_labels]))
for name, model, shown in (("leak", leaky, both), ("none", well, few.images)):
    promised = share_right(model, unseen[:50], exam_labels)
    kept = share_right(model, unseen[50:], held_out.labels[50:])
    equal = len({x.tobytes() for x in shown} & {x.tobytes() for x in exam})
    print(f"{name}: exam {promised:.2f}, other images {kept:.2f}, equal images {equal}")

# %% tags=["claim"]
rises = share_right(leaky, unseen[:50], exam_labels) - promised
assert equal == 0 and rises > 0
assert rises > share_right(leaky, unseen[50:], held_out.labels[50:]) - kept

# %% [markdown]
# **Observe.** The network is not ill: it had more to learn from. What is wrong is the
# exam: with the leak, its score rises by more than that of the other images does.
# *Examination:* count equal images. (Equal to the last bit, that is: a photograph that
# was resized or saved anew you find by its features, as in lesson 04.) *Cure:* split
# first, then do everything else.
#
# ## Case 6: compared in another order
#
# The network is fine, but its answers were computed on images of which each stands one
# place further on than its label.

# %%
sick["6 other order"] = share_right(well, np.roll(unseen, 1, axis=0), held_out.labels)
print(f"other order {sick['6 other order']:.2f}, same order {healthy:.2f}")

# %% tags=["claim"]
assert sick["6 other order"] < healthy / 2

# %% [markdown]
# **Observe.** If two ways of counting disagree, `evaluate` and your own, say, suspect
# the order. *Cure:* never shuffle what you predict on.
#
# ## Cases 7 and 8: fine-tuning, too fast or too early
#
# Now the last stage of the base learns, too. Its front part stays frozen, so we compute
# its output once and store it, as in lesson 10. The healthy way begins with a trained
# wrapper, at a learning rate of 1e-4. Case 7 takes 1e-2. Case 8 begins with a random
# wrapper.

# %%
front = keras.Model(base.input, base.get_layer("block_12_add").output)
rest = keras.Model(front.output, base.output)
norms = [x for x in rest.layers if isinstance(x, keras.layers.BatchNormalization)]
maps, new_maps = (front.predict(scaled(x.images), verbose=0) for x in (few, held_out))
told, asked = (maps, few.labels), (new_maps, held_out.labels)
dense = keras.layers.Dense(len(track.class_names), activation="softmax")
model = keras.Sequential([keras.Input(maps.shape[1:]), rest, pool, dense])
original, random = rest.get_weights(), dense.get_weights()


# %%
def tune(wrapper, learning_rate, batch_size=16, epochs=20, awake=False):
    model.set_weights([*original, *wrapper])
    for norm in norms:
        norm.trainable, norm.momentum = awake, 0.9  # lesson 08
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"])
    options = {"validation_data": asked, "callbacks": [ProgressLine()], "verbose": 0}
    return model.fit(*told, batch_size, epochs, **options).history


# %% [markdown]
# Keras stops neither of the two. What becomes of them, compared with the healthy one?
# *Level* means at most five points less.

# %%
late = predict("After twenty epochs, the random wrapper is", "far behind", "level")

# %%
runs = {"healthy": tune(well.get_weights(), 1e-4)}
runs["7 rate too large"] = tune(well.get_weights(), 1e-2)
runs["8 random wrapper"] = tune(random, 1e-4)
first, last = ([log["val_accuracy"][k] for log in runs.values()] for k in (4, -1))
sick |= {"7 rate too large": first[1], "8 random wrapper": first[2]}
late.compare("level" if last[2] > last[0] - 0.05 else "far behind")
plots.curves(runs, "val_accuracy", "At the end: {:.0%}, {:.0%}, {:.0%}".format(*last));

# %% tags=["claim"]
assert max(first[1], last[1]) < last[0] - 0.05  # ruined, and it stays below
assert first[2] < first[0] - 0.05 and last[2] > last[0] - 0.05  # late, not ruined

# %% [markdown]
# **Observe.** A rate that is too large ruins the base in the first epochs, and the line
# stays below the healthy one. *Cure:* a much smaller one. The random wrapper is
# another matter: it is not ruined, it is late, because a rate that is small enough for
# the base hardly moves a layer that knows nothing. *Cure:* train the wrapper first, at
# a rate of its own. It saves epochs. (In the bar chart of all the cases below, 7 and 8
# are shown after five epochs.)

# %% [markdown]
# ## Case 9: BatchNormalization awake
#
# While it trains, BatchNormalization works with the averages of the current batch, and
# moves those that it keeps towards them, a little in each step. (`momentum` says how
# little; 0.9 in `tune`, so that a short training shows it. Awake, it also trains its
# own weights, gamma and beta.) We feed it four pictures at a time. **Predict.** Does
# that cost right answers on new images?

# %%
for name, awake in (("asleep", False), ("awake", True)):
    log = tune(well.get_weights(), 1e-4, batch_size=4, epochs=5, awake=awake)
    new = log["val_accuracy"][-1]
    print(f"{name:6} first epoch {log['accuracy'][0]:.2f}, new images {new:.2f}")
sick["9 BatchNorm awake"] = new

# %% [markdown]
# **Observe.** The layers had kept averages of thousands of pictures. Now they work with
# those of four. What it costs on new images may be little, and easily taken for
# chance. The first epoch tells more: the wrapper knew nearly all its training images,
# so if the very first epoch gets clearly fewer of them right, the base gives it other
# features than before. *Examination:* count the BatchNormalization layers that train.
# *Cure:* freeze these layers, which is the safe default for small batches; with large
# batches and many images, measure both.

# %% [markdown]
# ## Case 10: uneven classes
#
# Some of the classes have forty images each, and the others only two, as in most
# collections of rare things. The accuracy is that of an exam which is just as uneven;
# **recall** is the share of a class's images that is found. Three draws, each with and
# without `class_weight`, which counts every rare image as often as twenty frequent
# ones:

# %%
n = np.where(np.arange(len(track.class_names)) < len(track.class_names) // 2, 40, 2)
weight = {k: n.sum() / (len(n) * m) for k, m in enumerate(n)}
pool_x, pool_y = see(scaled(track.train.images)), track.train.labels
exams = [unseen[held_out.labels == k] for k in range(len(n))]
for draw in range(3):
    mixed = np.random.default_rng(draw).permutation(len(pool_y))
    at = np.concatenate([mixed[pool_y[mixed] == k][:m] for k, m in enumerate(n)])
    for name, weights in (("as it is", None), ("class_weight", weight)):
        other, _ = train(pool_x[at], pool_y[at], class_weight=weights)
        recall = np.array([share_right(other, x, k) for k, x in enumerate(exams)])
        usual, rare = np.average(recall, weights=n), recall[n == 2].mean()
        print(f"{name:12} {usual:.2f}, recall {recall.mean():.2f}, rare {rare:.2f}")

# %% tags=["claim"]
assert usual > recall.mean() + 0.03 and rare < recall[n > 2].mean()

# %% [markdown]
# **Observe.** The accuracy looks healthy because the rare classes hardly count in it.
# *Examination:* the recall of each class, or their mean, the **balanced accuracy**.
# *Usual cure:* more rare images. And `class_weight`, the usual advice? Compare each of
# its lines with the one above, in all three draws, before you rely on it.

# %% [markdown]
# ## All of them at a glance
#
# Here are the cases that one number can compare. We say that a training *looks healthy*
# if it gets at most five points less than the healthy wrapper.

# %%
everybody = {"healthy, wrapper": healthy, "healthy, fine-tuned": first[0]} | sick
title = f"Look healthy: {sum(x > healthy - 0.05 for x in sick.values())} of {len(sick)}"
plots.bars(everybody, title, "share of new images right");

# %% [markdown]
# **Observe.** Accuracy alone does not find those that look nearly healthy, and it says
# nothing about a leak or about rare classes. That is why we examine: ranges, pictures
# with labels, equal images, and the weights before and after `fit`.

# %% [markdown]
# ## ✎ Exercise 12.1
#
# Two patients are left, and nobody has diagnosed them. Each is a function with one
# mistake. Read it, examine what it does, copy it into the exercise's cell, and mend it
# there; set `answer` to the mended function. The first one gets hardly any image right,
# not even those that it was trained on.

# %%
clinic.show(clinic.patient_a)
patient = clinic.patient_a(vectors, few.labels)
print(f"right on its training images: {share_right(patient, vectors, few.labels):.2f}")

# %% tags=["solution", "nbval-check-output", "any-track"]
def mended(vectors, labels):
    order = np.random.default_rng(0).permutation(len(labels))
    train = order[: len(labels) * 4 // 5]
    dense = keras.layers.Dense(int(labels.max()) + 1, activation="softmax")
    model = keras.Sequential([keras.Input(vectors.shape[1:]), dense])
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(vectors[train], labels[train], epochs=20, verbose=0)
    return model


answer = mended

check("12.1", answer, few=(vectors, few.labels), new=(unseen, held_out.labels))

# %% [markdown]
# ## ✎ Exercise 12.2
#
# This one should fine-tune. On TensorFlow it runs without a complaint, but the last
# part of the base, `rest`, learns nothing from it: we count how many of its arrays are
# as before. (On PyTorch and JAX, Keras stops it, and its message is your symptom.)
# `model` is `rest` with pooling and a wrapper.

# %%
clinic.show(clinic.patient_b)
model.set_weights([*original, *random])  # as it was
try:
    print(f"right: {share_right(clinic.patient_b(model, rest, *told), *asked):.2f}")
except ValueError as error:
    print(f"Keras stops it: {str(error)[:60]}")
    model.set_weights([*original, *random])  # a `fit` that was stopped may lose them
same = sum(map(np.array_equal, original, rest.get_weights()))
print(f"arrays of `rest` that are as before: {same} of {len(original)}")

# %% tags=["solution", "nbval-check-output", "any-track"]
def mended(model, rest, maps, labels):
    rest.trainable = False
    model.compile(keras.optimizers.Adam(1e-2), loss)
    model.fit(maps, labels, epochs=10, verbose=0)

    rest.trainable = True
    for layer in rest.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    model.compile(keras.optimizers.Adam(1e-4), loss)
    model.fit(maps, labels, epochs=3, verbose=0)
    return model


answer = mended

check("12.2", answer, model=model, rest=rest, few=told, new=asked)

# %% [markdown]
# ## From symptom to cause
#
# you see | look at | perhaps
# ---|---|---
# its own images right, few new ones | pictures with labels | shuffled labels
# everything poor from the start | range of the numbers | scale
# a loss that stays up | last layers, loss | softmax twice
# too good to be true | equal images | a leak
# two counts disagree | order | shuffled test images
# curves that jump, or stay at guessing | learning rate | too large
# late, but healthy | first epochs | untrained head
# the first epoch below the head alone | BatchNormalization's flags | awake
# rare things missed | recall of each class | uneven classes
# tuning changes nothing | weights before and after | `compile` forgotten

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Perfect on the training images, and guessing on new ones. What do you look at first?
# + A few of the pictures, with the labels they got. | It costs a second, and finds
#   shuffled labels.
# - The learning rate, which must be too large. | Perhaps, but to find out you would
#   have to train again.
# - The architecture, which must be too small. | It learnt the training set by heart, so
#   it is large enough.
#
# ? Which of these does Keras on TensorFlow stop with an error?
# - A second softmax behind the first. | One form of it gets a warning, no more.
# - Pixels from 0 to 255 in a base for -1 to 1. | Any numbers of the shape will do.
# + Neither of these two, nor shuffled labels. | That is why this lesson exists.
#
# ? A result is much better than you expected. What now?
# - Publish it, as fortune favours the bold. | First count equal images on both sides.
# + Count the images that training and test share. | Too good is a symptom, too.
# - Train longer, since it still improves. | That would not explain it.
#
# ? Most of your images are cats. What does a high accuracy tell you about the dogs?
# - They are recognised about as well as the cats. | An average hides whoever is few.
# + Hardly anything; ask for their recall. | Only a number for each class shows them.
# - They are recognised worse, but only a little. | Nobody knows before it is measured.

# %% [markdown]
# ## On your own
#
# Four examinations for a program of yours, on another network. They need nothing of
# this course.

# %% tags=["own"]
import keras
import numpy as np

my_base = keras.applications.MobileNetV3Small(  # it scales pixels itself
    input_shape=(96, 96, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online
my_base.trainable = False
my_model = keras.Sequential([my_base, keras.layers.Dense(3, activation="softmax")])
my_model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
images, my_labels = np.random.uniform(0, 255, (24, 96, 96, 3)), np.arange(24) % 3
my_train, test = images[:18], images[16:]  # two too many

in_both = {x.tobytes() for x in my_train} & {x.tobytes() for x in test}
print("equal images in training and test:", len(in_both))  # equal to the last bit
print(f"range: {my_train.min():.1f} to {my_train.max():.1f}")
print("images of each class:", np.bincount(my_labels[:18]))
before = my_model.get_weights()
my_model.fit(my_train, my_labels[:18], verbose=0)
moved = [(a != b).any() for a, b in zip(before, my_model.get_weights(), strict=True)]
print(f"{len(my_model.trainable_weights)} arrays should move, {sum(moved)} did")

# %% [markdown]
# ## What to remember
#
# - Most failures raise no error. Know what healthy looks like.
# - Begin with the symptom, and examine before you change anything. One change at a
#   time.
#
# Next: [13 · Your own images](13_your_own_images.ipynb)
#
# ## Sources
#
# - Keras, Transfer learning and fine-tuning: https://keras.io/guides/transfer_learning/
# - keras-team/keras, issue 20285, on BatchNormalization.
# - Zhang et al. 2016, Rethinking generalization (random labels), arXiv 1611.03530.
