# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 11 · Why does it work?
#
# **You will be able to** say which layers of a network can serve another task, and
# back it with an experiment that has its controls.
#
# 25 minutes, and 15 for the exercises · builds on lesson 09 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from tlcourse import plots, yosinski
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing, receptive_fields
from tlcourse.widgets import TransferExplorer, predict
from tlcourse.yosinski import figures, results

track = load_track()

# %% [markdown]
# ## What do the layers look for?
#
# For ten lessons we have used a base that was trained on something else, and it has
# helped. Today we ask why. Let us begin by looking at what its layers react to, on
# pictures such as it was trained on.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
own = track.own_pictures(1500) if track.name == "glyphs" else track.train

# %% [markdown]
# One channel of one layer is a **unit**. We show it all these pictures and cut out the
# places where it answers loudest. A unit sees only a patch of the picture; the deeper
# it sits, the larger the patch.

# %%
rows = {}
for block in ("expanded_conv", "block_1", "block_3"):
    found = receptive_fields.strongest(
        base, track.preprocess, own.images, f"{block}_depthwise_relu", [1, 2, 4]
    )
    rows |= {f"{block}, unit {unit}": loudest for unit, loudest in found.items()}

figures.patches(rows, "The patches that excite a unit most");

# %% [markdown]
# **Observe.** Each row is one unit. The first rows want a plain surface, or an edge
# that runs one way. In block 1 come strokes, and in block 3 pieces of letters; what the
# pieces of one row have in common is already hard to say.
#
# ## And at the end of the base?
#
# A unit of the last layers sees the whole picture, so we cannot cut anything out, and
# of course we see whole shapes. The question has to be another one: do the pictures
# that excite the same unit *belong together*? We take the eight loudest for each unit
# and count how many are of one class. A base that has learnt nothing is the control.

# %%
guess = predict("Of the eight loudest pictures of a unit, how many are of one class?")


# %%
def loudest_pictures(base):
    layers = [track.preprocess, base, keras.layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input(track.input_shape), *layers])
    return np.argsort(-model.predict(own.images, verbose=0), axis=0)[:8]


alike, random_base = {}, keras.models.clone_model(base)
for name, network in (("trained", base), ("random", random_base)):
    loudest = loudest_pictures(network)
    alike[name] = np.mean([np.bincount(unit).max() for unit in own.labels[loudest].T])
    title = f"{name} base: {alike[name]:.1f} of 8 are of one class. Three of its units:"
    plots.tiles(own.images[loudest[:, :3].T.ravel()], title=title)

guess.compare(round(float(alike["trained"]), 1))

# %% [markdown]
# **Observe.** Units of the trained base collect the same class again and again. Units
# of the random base collect no class; they may as well like a colour of the paper.
#
# Edges are in every picture, but classes belong to one task. So early layers should be
# *general*, and late ones *specific*. That is a guess. Let us measure it.
#
# ## Two networks, two tasks
#
# We divide characters at random into two halves, A and B. One network has learnt A,
# another B. Both are small: five convolutions, then three dense layers.

# %%
settings, bases = results.shipped_settings(), results.shipped_bases()
experiment = yosinski.Experiment("near", 0, settings, bases=bases)
task_a, task_b = experiment.task("A"), experiment.task("B")
unseen = experiment.task("B", "unseen")  # the same characters, in other fonts
some = [*task_a.images[::192][:16], *task_b.images[::192][:16]]
plots.tiles(some, columns=16, title="Above, some of A; below, some of B");

# %% [markdown]
# Here are the filters of the first layer, conv1: those of A, those of B, and a row
# that has learnt nothing, in an order that we keep to ourselves. Below, what each row
# makes of one character of B.

# %%
guess = predict("Which row of filters has learnt nothing?", "1", "2", "3")

# %%
rows = {"1": bases["A"], "2": yosinski.fresh(bases["A"], 0), "3": bases["B"]}
kernels = {row: weights[0] for row, weights in rows.items()}
figures.filters(kernels.values(), kernels, "The filters of conv1")
figures.first_maps(rows, task_b.images[0], "What each row makes of a character");

# %% [markdown]
# **Observe.** Can you tell them apart? Hardly. (It is row 2.) Even its maps show the
# strokes, because random filters pass on much of a picture; they only take edges of
# one direction apart less cleanly. So maps that look sensible prove nothing. What
# does tell the rows apart is the measure of lesson 03: how alike neighbouring numbers
# of a filter are.

# %%
alike = {}
for row, kernel in kernels.items():
    alike[row] = np.corrcoef(kernel[:, :-1].ravel(), kernel[:, 1:].ravel())[0, 1]
    print(f"row {row}: neighbours are alike by {alike[row]:.2f}")

guess.compare(min(alike, key=alike.get))

# %% [markdown]
# **Observe.** The trained filters are a little smoother, and that is all we get from
# looking. We need an experiment.
#
# ## Copy, freeze, train
#
# Yosinski and others had the idea in 2014. Copy the first n layers of A into a new
# network, freeze them, and train the rest on B. If B is then learnt as well as from
# the start, those n layers were general. They call this network A*n*B. For n = 5:

# %% tags=["nbval-check-output", "any-track"]
a, new = yosinski.network(96), yosinski.network(96)
a.set_weights(bases["A"])
for name in yosinski.LAYERS[:5]:
    new.get_layer(name).set_weights(a.get_layer(name).get_weights())
    new.get_layer(name).trainable = False

new.compile("adam", "sparse_categorical_crossentropy")
new.fit(task_b.images, task_b.labels, batch_size=128, epochs=2, verbose=0)
for name in yosinski.LAYERS:
    same = np.array_equal(new.get_layer(name).kernel, a.get_layer(name).kernel)
    print(name, "is that of A" if same else "is not that of A")

# %% [markdown]
# That is the whole recipe. The experiment repeats it for each n, always with the same
# number of epochs, and tests in fonts that no network has seen. Two controls belong to
# it. **BnB**: the same with copies from B itself. **Random**: n layers that have learnt
# nothing, frozen.
#
# You compute four points for yourself. They are the stars in the shipped figure, which
# has every n for several divisions into A and B. A plus, as in AnB+, means that the
# copies are not frozen but fine-tuned.

# %%
guess = predict("How much of B is right above three frozen random layers?", unit="%")

# %%
stars = []
for name, n in (("AnB", 3), ("random", 3), ("AnB", 7), ("BnB", 7)):
    stars.append((name, n, experiment.accuracy(name, n)))
    print(f"{name} at n = {n}: {stars[-1][-1]:.3f} right on B")

guess.compare(round(100 * stars[1][-1]))
curves = results.shipped()
near, copied = curves["near"], ["BnB", "BnB+", "AnB", "AnB+"]
figures.transfer_curves(near, points=stars, title="Copied layers, and random ones")
figures.transfer_curves(near, copied, stars, "The same without the random layers");

# %% [markdown]
# **Observe.** Follow AnB. Up to conv5 it lies on the level of the network that learnt B
# from the start; in the dense layers it falls. The random line falls from the start.
#
# ## Why does it fall?
#
# "The upper layers know about A" is the obvious answer. BnB tests it.

# %%
guess = predict("BnB has its layers from B itself. Does it lose anything?", "yes", "no")

# %%
figures.losses(near, f"What frozen copies lose, after {settings.epochs} epochs")
guess.compare("yes" if near.freezing_cost.mean(axis=0).max() > 0.01 else "no")

# %% [markdown]
# **Observe.** The hatched bars beside the plain ones are *specificity*: what the layers
# know is about A. The plain bars stand for the same task, but for two things at once:
# layers were frozen, *and* what is new had only these few epochs. The figure cannot
# separate the two. (The bars below zero are
# smaller than their spread.)
#
# But we can. In B7B only the last layer trains, and that is quick, because everything
# below it is frozen: as in lesson 10, we compute the features once. So we simply train
# for three times as long, B7B and A7B alike.


# %%
def train_last_layer(half):
    network = yosinski.network(96)
    network.set_weights(bases[half])
    fc7 = keras.Model(network.inputs, network.get_layer("fc7").output)
    x, tests = (fc7.predict(task.images, verbose=0) for task in (task_b, unseen))
    last = keras.Sequential([keras.layers.Dense(96, activation="softmax")])
    last.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    data = {"validation_data": (tests, unseen.labels), "batch_size": 128}
    return last.fit(x, task_b.labels, epochs=18, verbose=0, **data).history

# %% [markdown]
# The measure is base B itself: the loss on its training images, and what it gets right
# in unseen fonts.

# %%
guess = predict("What becomes of the plain bar at n = 7?", "stays", "shrinks")

# %%
right, loss = near.base[0], experiment.trainer.loss(bases["B"], task_b)
print(f"base B: training loss {loss:.2f}, right in unseen fonts {right:.3f}")
fits = {name: train_last_layer(name[0]) for name in ("B7B", "A7B")}
for name, fit in fits.items():
    lost = ", ".join(f"{right - fit['val_accuracy'][n - 1]:.3f} ({n})" for n in (6, 18))
    print(f"{name}: training loss {fit['loss'][-1]:.2f}; lost after epochs {lost}")

bar = near.freezing_cost[0, 6], right - fits["B7B"]["val_accuracy"][-1]
title = f"B7B lost {bar[0]:.3f} in the figure; trained on, {bar[1]:.3f}"
plots.curves(fits, title=title).axhline(right)
guess.compare("shrinks" if bar[1] < 0.75 * bar[0] else "stays")

# %% [markdown]
# **Observe.** The line is base B. Once the training loss of B7B is down to that of the
# base, little is left of its bar: its last layer had only been given too few
# epochs. A7B learns on, too, but stops short. Its training loss does not come down to
# the base's, because features made for A do not separate the characters of B as well.
# That is specificity, and it does not go away.
#
# ## The other side of the coin
#
# If that was too short for a last layer, it may have been too short for the base. Then
# fine-tuned copies, which were trained once as A or B and then once more, have an
# advantage that has nothing to do with copying. The control is B, trained twice.

# %%
print("training B for a second time; this takes up to a minute")
twice, plus = experiment.accuracy("twice"), near.tables["AnB+"][0]
print(f"B, trained once: {near.base[0]:.3f}; B, trained twice: {twice:.3f}")
print(f"AnB+, depending on n: {plus.min():.3f} to {plus.max():.3f}")

# %% [markdown]
# **Observe.** Much of what fine-tuned copies gain over the base is what B gains, too,
# simply by training for longer. What they gain beyond that is small, and this is one
# division only, so we leave open what it comes from.
#
# ## Near and far
#
# Now A is East Asian scripts, and B those of Europe and the Middle East.

# %%
figures.near_and_far(curves, title="Frozen copies of A against base B, near and far");

# %% [markdown]
# **Observe.** The further apart the tasks are, the more it costs to keep the upper
# layers. The lowest ones do not care.
#
# Now choose points for yourself. Begin with the far halves, *A, frozen*, at 7, and then
# compare *random, frozen*: even layers from far away are better than none.

# %%
TransferExplorer(curves)

# %% [markdown]
# ## The same in our base
#
# Back to the base of this course, and to classes that are new to it. We cut it behind
# each stage, average over all places, and ask a linear classifier. The random base is
# the control again.

# %%
names = [stage.name for stage in freezing.stages(base)]
guess = predict("Behind which stage are new classes easiest to separate?", *names)

# %%
few, held_out = track.train.few(20), track.validation
pool, probe = keras.layers.GlobalAveragePooling2D(), LogisticRegression(max_iter=1000)
for kind, network in (("random", random_base), ("trained", base)):
    ends = [pool(stage.layers[-1].output) for stage in freezing.stages(network)]
    model, right = keras.Model(network.inputs, ends), {}
    scaled = (track.preprocess(part.images) for part in (few, held_out))
    vectors = (model.predict(images, verbose=0) for images in scaled)
    for name, x, y in zip(names, *vectors, strict=True):
        probe.fit(x / x.std(), few.labels)
        right[name] = probe.score(y / x.std(), held_out.labels)
    plots.bars(right, f"Behind each stage of the {kind} base", "right, held-out images")
guess.compare(max(right, key=right.get))

# %% [markdown]
# **Observe.** The classes come apart with depth, and only in the trained base. Its last
# stage was made for other classes and still serves ours best, so the tasks are near
# enough. That is why we could cut off the top, freeze the rest, and win.
#
# Mind the difference between two words. The first stage is the most *general*, and yet
# the classes are hardest to *separate* there: edges are in all of them. General layers
# are good to build on; they do not do the work of the later ones.

# %% [markdown]
# ## Does it agree with the paper?
#
# The paper's figure 2 shows the same five lines, for eight layers on halves of
# ImageNet. *Agrees:* the first layers are general, the last specific; far tasks cost
# more; random layers fall first; fine-tuned copies do best. *Does not:* there, BnB dips
# in the middle and recovers above, and the authors call that *fragile co-adaptation*:
# layers that learnt together and cannot be replaced singly. Ours is lowest at the top,
# where it is mostly impatience, as you have seen. There, networks were trained to the
# end. Ours were not, so our figure says nothing about co-adaptation, for or against.

# %% [markdown]
# ## 📝 Exercise 11.1
#
# How many layers can be copied from A and frozen so that, on average, less than 0.02
# is lost to specificity? Find it for near halves and for far ones. The figure shows
# only the near ones, but `curves["far"].specificity` has a row for each division and a
# column for each n. Set `answer` to a dict with the keys `"near"` and `"far"`.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = {}
for split, found in curves.items():
    general = found.specificity.mean(axis=0) < 0.02
    answer[split] = int(np.flatnonzero(general).max()) + 1

check("11.1", answer, curves=curves)

# %% [markdown]
# ## 📝 Exercise 11.2
#
# Build A6B yourself: a new `yosinski.network(96)` whose first six layers are those of
# A, at rest, while the others learn B. Two epochs will do. Set `answer` to the model.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = yosinski.network(96)
for name in yosinski.LAYERS[:6]:
    answer.get_layer(name).set_weights(a.get_layer(name).get_weights())
    answer.get_layer(name).trainable = False
answer.compile("adam", "sparse_categorical_crossentropy")
answer.fit(task_b.images, task_b.labels, batch_size=128, epochs=2, verbose=0)

check("11.2", answer, bases=bases, unseen=unseen)

# %% [markdown]
# ## 📝 Exercise 11.3
#
# A colleague shows you A7B alone, trained to the end and still far below the base, and
# says: "Its layers are too specific." Which training do you ask for, to see what is
# lost although the task is the same? Set `answer` to its name, as text.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "B7B"

check("11.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why do early layers transfer best?
# - They have the fewest parameters of all. | Random early layers have as few, and fail.
# - They are trained for the most steps. | All layers train for as many steps.
# + What they look for is in every picture. | Edges and surfaces, whatever the task.
#
# ? After a few epochs, B7B lies below the network that learnt B. What do you conclude?
# + Freezing cost something, or time did. | Train on, and see which. Here it was time.
# - Its layers were torn from their partners. | Only the last trains; it catches up.
# - Its layers know about another task. | They come from B, and B is the task.
#
# ? The feature maps of a network show clean strokes. What does that prove?
# - Its layers have learnt to see strokes. | Random filters show them, too.
# + Nothing, without a random network beside it. | The cheapest control there is.
# - Its layers are general, not specific. | A picture of one map cannot tell.
#
# ? Your target images are unlike those of the base. What follows?
# - Transfer is pointless; start from scratch. | Even far layers beat random ones.
# - Freeze all the same; it is the safest. | That costs most where tasks are far apart.
# + Keep the lower layers; train the upper ones. | Those are the specific ones.

# %% [markdown]
# ## On your own
#
# The recipe in a program of yours, on another network: copy the first layers of one
# network into a new one, freeze them, train the rest, and check what moved. For the
# control, let `source` be a network without training.

# %% tags=["own"]
import keras
import numpy as np


def build():
    return keras.applications.MobileNet(
        input_shape=(64, 64, 3), alpha=0.25, include_top=False, weights=None
    )  # weights="imagenet" where there is a network, with 128 pixels


source, target, n = build(), build(), 40
for old, new in zip(source.layers[:n], target.layers[:n], strict=True):
    new.set_weights(old.get_weights())
    new.trainable = False
pool, top = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, "softmax")
model = keras.Sequential([target, pool, top])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(np.random.default_rng(0).random((12, 64, 64, 3)), np.arange(12) % 3)
same = [
    np.array_equal(old.kernel, new.kernel)
    for old, new in zip(source.layers, target.layers, strict=True)
    if hasattr(old, "kernel")
]
print(f"as copied: the first {same.index(False)} of {len(same)} layers with a kernel")

# %% [markdown]
# ## What to remember
#
# - Early layers are general, late ones specific: measured, not guessed.
# - General is not the same as useful alone: the last stage separates best.
# - A gap has more than one cause. Give every network enough training, and a control
#   for every cause, before you explain it.
# - The further the tasks, the fewer layers can stay frozen.
#
# Next: [12 · When it goes wrong](12_when_it_goes_wrong.ipynb)
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features?, arXiv 1411.1792.
# - Zeiler and Fergus 2013, on patches that excite units, arXiv 1311.2901.
# - Alain and Bengio 2016, on linear probes, arXiv 1610.01644.
