# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 11 · Why does it work?
#
# **You will be able to** say which layers of a network can serve another task, and back
# it with an experiment that has its controls.
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
from tlcourse.training import ProgressLine
from tlcourse.widgets import Cut, TransferExplorer, predict
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
# **Observe.** Each row is one unit. Most of the first rows want a plain surface or an
# edge, and the patches of such a row look alike. In block 3 they are pieces of
# pictures, and what those of one row have in common is already hard to say.
#
# ## And at the end of the base?
#
# A unit of the last layers sees the whole picture, so we cannot cut anything out, and
# of course we see whole shapes. The question has to be another one: do the pictures
# that excite the same unit *belong together*? We take the eight loudest for each unit
# and count how many are of one class. (Some pictures are loud for all units alike. So
# that they do not win everywhere, each picture's answers are scaled to length one.) A
# base that has learnt nothing is the control.

# %%
guess = predict("Of a unit's eight loudest pictures, how many are of one class?")


# %%
def loudest_pictures(base):
    ends = [keras.layers.GlobalMaxPooling2D(), keras.layers.UnitNormalization()]
    model = keras.Sequential([track.preprocess, base, *ends])
    return np.argsort(-model.predict(own.images, verbose=0), axis=0)[:8]


alike, random_base = {}, keras.models.clone_model(base)
for name, network in (("trained", base), ("random", random_base)):
    loudest = loudest_pictures(network)
    alike[name] = np.mean([np.bincount(unit).max() for unit in own.labels[loudest].T])
    title = f"{name} base, mean of all units: {alike[name]:.1f} of 8. Three units:"
    plots.tiles(own.images[loudest[:, :3].T.ravel()], title=title)

guess.compare(round(float(alike["trained"]), 1))

# %% tags=["claim"]
assert alike["trained"] > alike["random"] + 0.5

# %% [markdown]
# **Observe.** On average, units of the trained base collect more pictures of one class
# than those of a base that has learnt nothing. Compare the numbers in the two titles:
# the second one is the control, and even by chance the number is never below one.
#
# Edges are in every picture, but classes belong to one task. So early layers should be
# *general*, and late ones *specific*. That is a guess. Let us measure it.
#
# ## Two networks, two tasks
#
# On both tracks, we now divide characters at random into two halves, A and B. One
# network has learnt A, another B. Both are small: five convolutions, conv1 to conv5,
# then three dense layers, fc6 to fc8 (*fully connected*).

# %%
settings, bases = results.shipped_settings(), results.shipped_bases()
experiment = yosinski.Experiment("near", 0, settings, bases=bases)
task_a, task_b = experiment.task("A"), experiment.task("B")
unseen = experiment.task("B", "unseen")  # the same characters, in other fonts
some = [*task_a.images[::192][:16], *task_b.images[::192][:16]]
plots.tiles(some, columns=16, title="Above, some of A; below, some of B");

# %% [markdown]
# Here are the filters of the first layer, conv1: those of A, those of B, and a row that
# has learnt nothing, in random order. Below, what each row makes of one character of B.

# %%
three = [bases["A"], bases["B"], yosinski.fresh(bases["A"], 0)]  # the last: untrained
order = np.random.default_rng(0).permutation(3)
rows = {f"{k + 1}": three[order[k]] for k in range(3)}
figures.filters([weights[0] for weights in rows.values()], rows, "The filters of conv1")
figures.first_maps(rows, task_b.images[0], "What each row makes of a character");

# %%
guess = predict("Which row of filters has learnt nothing?", "1", "2", "3")

# %% [markdown]
# Lesson 03 has a measure for it: how alike the three colours of a filter are.

# %%
for row, weights in rows.items():
    table = np.corrcoef(np.moveaxis(weights[0], 2, 0).reshape(3, -1))
    print(f"row {row}: colours alike by {table[np.triu_indices(3, 1)].mean():.2f}")

guess.compare(str(list(order).index(2) + 1))

# %% tags=["claim"]
firsts = [np.moveaxis(weights[0], 2, 0).reshape(3, -1) for weights in three]
of_a, of_b, of_none = (np.corrcoef(x)[np.triu_indices(3, 1)].mean() for x in firsts)
assert min(of_a, of_b) > 0.1 + abs(of_none)

# %% [markdown]
# **Observe.** Could you tell them apart by looking? Hardly. Even the maps of the
# untrained row show the strokes, because random filters pass on much of a picture. So
# maps that look sensible prove nothing. The measure tells the rows apart, but not what
# the layers are good for. We need an experiment.
#
# ## Copy, freeze, train
#
# Yosinski and others had the idea in 2014. Copy the first n layers of A into a new
# network, freeze them, and train the rest on B. If the network then learns B as well as
# one trained from scratch, those n layers were general. They call this network A*n*B.
# For n = 5:

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
# You compute three points for yourself. They are the stars in the shipped figure, which
# has every n for several divisions into A and B.

# %%
guess = predict("Above five random layers, frozen: what share is right?", unit="%")

# %%
stars = [(*x, experiment.accuracy(*x)) for x in (("AnB", 5), ("random", 5), ("AnB", 7))]
print(*("{} at n = {}: {:.3f} right on B".format(*star) for star in stars), sep="\n")
guess.compare(round(100 * stars[1][-1]))
curves = results.shipped()
near, kinds = curves["near"], ["AnB", "random"]
figures.transfer_curves(near, kinds, stars, "Copied layers, and random ones");

# %% tags=["claim"]
points = {(name, n): share for name, n, share in stars}
assert points["AnB", 5] > points["random", 5] + 0.1 and near.base.mean() > 0.5
assert points["AnB", 7] < points["AnB", 5] - 0.01  # in the dense layers it falls

# %% [markdown]
# **Observe.** Follow AnB. Over the first convolutions it stays close to the network
# that learnt B from scratch, then it sinks a little, and in the dense layers it falls.
# The random line falls from the beginning.
#
# ## Why does it fall?
#
# "The upper layers know about A" is the obvious answer. BnB tests it. (We call it a
# loss if it is more than 0.01 at some n, on average.)

# %%
guess = predict("BnB has its layers from B itself. Does it lose anything?", "yes", "no")

# %%
figures.transfer_curves(near, ["BnB", "AnB"], stars, "Copies of B and of A, frozen")
figures.losses(near, "What frozen copies lose")
guess.compare("yes" if near.freezing_cost.mean(axis=0).max() > 0.01 else "no")

# %% tags=["claim"]
at_7 = {name: near.tables[name].mean(axis=0)[6] for name in ("AnB", "BnB")}
assert at_7["AnB"] < at_7["BnB"] - 0.01

# %% [markdown]
# **Observe.** Plain bars: what freezing costs when the task stays the same. Hatched
# bars: what is lost in addition because the layers come from A, their *specificity*. A
# bar that is smaller than its spread says nothing; the plain ones are largest in the
# dense layers.
#
# Every network was trained for 18 epochs, until its learning rate had sunk to nothing.
# That was enough for the base; was it for a copy? So the bar may stand for freezing, or
# for too little training. We can find out: in B7B only the last layer trains, and that
# is quick, because everything below it is frozen. As in lesson 10, we compute the
# features once, and train for 40 epochs, B7B and A7B alike. We do it for the first of
# the divisions in the figure, so its bar is not the mean that you see there.


# %%
def train_last_layer(half):
    network = yosinski.network(96)
    network.set_weights(bases[half])
    fc7 = keras.Model(network.inputs, network.get_layer("fc7").output)
    x, tests = (fc7.predict(task.images, verbose=0) for task in (task_b, unseen))
    last = keras.Sequential([keras.layers.Dense(96, activation="softmax")])
    adam, loss = keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy"
    last.compile(adam, loss, metrics=["accuracy"])
    data = {"validation_data": (tests, unseen.labels), "callbacks": [ProgressLine()]}
    return last.fit(x, task_b.labels, 256, epochs=40, verbose=0, **data).history


# %% [markdown]
# The measure is base B itself: its loss on its own training images, and what it gets
# right in unseen fonts. We say that the bar *shrinks* if at least a quarter of it is
# gone, and that it *vanishes* if at least four fifths are gone.

# %%
guess = predict("The plain bar at n = 7", "stays", "shrinks", "vanishes")

# %%
fits = {name: train_last_layer(name[0]) for name in ("B7B", "A7B")}
ends = [near.losses["base"][0], near.losses["BnB"][0, 6]]
ends += [fits[name]["loss"][-1] for name in fits]
print("loss of B {:.3f}, B7B {:.3f}, after 40 epochs {:.3f}, A7B {:.3f}".format(*ends))
bar = near.freezing_cost[0, 6], near.base[0] - fits["B7B"]["val_accuracy"][-1]
title = "In this division B7B lost {:.3f}; after 40 epochs, {:.3f}".format(*bar)
plots.curves(fits, title=title).axhline(near.base[0])
guess.compare(guess.choices[sum(bar[1] < x * bar[0] for x in (0.75, 0.2))])

# %% tags=["claim"]
assert 0 < bar[1] < 0.75 * bar[0]  # a good part is gone, and some is left
reached = {name: x["loss"][-1] / near.losses["base"][0] for name, x in fits.items()}
assert reached["B7B"] < 1.5 and reached["A7B"] > 2

# %% [markdown]
# **Observe.** The line is base B. B7B comes down to about the training loss of the
# base, and a good part of its bar is gone. That part was not the freezing but the
# training: now it got more epochs, at a rate that does not sink. Some is left, although
# layers and task are the same, and nearly the loss. Yosinski and others call it
# *fragile co-adaptation* if layers that learnt together suffer from being parted.
# Perhaps this is some of it.
#
# The loss of A7B stays far above the base's, and in unseen fonts it stops gaining
# early. Features made for A separate the characters of B less well: that is
# specificity.
#
# ## The other side of the coin
#
# Copies can be fine-tuned, too: that is the plus in AnB+. They end above the base, but
# they were trained twice, so the fair control is B, trained twice.

# %%
guess = predict("What gains most over the base?", "trained twice", "AnB+", "BnB+")

# %%
shares = near.twice, *(near.tables[name].mean(axis=1) for name in ("AnB+", "BnB+"))
gains = dict(zip(guess.choices, 100 * (shares - near.base), strict=True))
for name, gain in gains.items():
    print(f"{name:14}", *gain.round(1), f"points, spread {gain.std(ddof=1):.1f}")
figures.transfer_curves(near, ["BnB+", "AnB+"], title="Copies, fine-tuned")
guess.compare(max(gains, key=lambda name: gains[name].mean()))

# %% tags=["claim"]
assert (np.minimum(gains["AnB+"], gains["BnB+"]) > gains["trained twice"]).all()
assert gains["BnB+"].mean() > 0.6 * gains["AnB+"].mean()  # nearly as much

# %% [markdown]
# **Observe.** Set what longer training gains beside its spread. In every division the
# copies gain more. It is tempting to say that they remember A. Then look at the last
# line: copies of B gain nearly as much, and B is all that they have ever seen. So most
# of the gain may well come from what both have in common, which is that some layers
# begin trained and others anew.
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
# compare *random, frozen*: even layers from far away are better than random ones.

# %%
TransferExplorer(curves)

# %% [markdown]
# ## The same in our base
#
# Back to the base of this course, and to our own target. We cut it behind
# each stage, average over all places, and ask a linear classifier. The random base is
# the control again.

# %%
names = [stage.name for stage in freezing.stages(base)]
guess = predict("Behind which stage are new classes easiest to separate?", *names)

# %%
parts = few, held_out = [track.train.few(20), track.validation]
pool = keras.layers.GlobalAveragePooling2D()
for kind, network in (("random", random_base), ("trained", base)):
    ends = [pool(stage.layers[-1].output) for stage in freezing.stages(network)]
    model, right = keras.Model(network.inputs, ends), {}
    vectors = [model.predict(track.preprocess(x.images), verbose=0) for x in parts]
    for name, x, y in zip(names, *vectors, strict=True):
        probe = LogisticRegression(solver="newton-cg").fit(x / x.std(), few.labels)
        right[name] = probe.score(y / x.std(), held_out.labels)
    plots.bars(right, f"Behind each stage of the {kind} base", "right").set_xlim(0, 1.1)
guess.compare(max(right, key=right.get))

# %% tags=["claim"]
assert max(right, key=right.get) == names[-1]  # made for another task, and yet best
assert right[names[-1]] > right[names[0]] + 0.2

# %% [markdown]
# **Observe.** The classes come apart with depth, and clearly so only in the trained
# base. Its last stage was made for another task and still serves ours best, so the
# tasks are near enough. That is why we could cut off the top, freeze the rest, and
# still do well.
#
# Mind the difference between two words. The first stage is the most *general*, and yet
# the classes are hardest to *separate* there: edges are in all of them. General layers
# are good to build on; they do not do the work of the later ones. Drag the knife
# through our base once more, as in lesson 04, and watch colours give way to classes.

# %%
Cut()

# %% [markdown]
# ## Does it agree with the paper?
#
# The paper's figure 2 shows the same five lines in one, for eight layers on halves of
# ImageNet. *Agrees:* the first layers are general, the last specific; far tasks cost
# more; random layers fall first; fine-tuned copies of A do best, and better than the
# base. *Does not:* there, BnB dips in the middle and recovers above. Ours is lowest at
# the top, by little, and part of that was training. And there, fine-tuned copies of B
# gain nothing, while ours gain nearly as much as those of A. Their network is three
# hundred times as large as ours and saw far more images, so neither has to be wrong.

# %% [markdown]
# ## ✎ Exercise 11.1
#
# How many layers can be copied from A and frozen so that, on average, less than 0.02 is
# lost to specificity, for near halves and for far ones? `curves["far"].specificity` has
# a row for each division and a column for each n, from 1 on. Set `answer` to a dict
# with the keys `"near"` and `"far"`.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = {}
for split, found in curves.items():
    general = np.flatnonzero(found.specificity.mean(axis=0) < 0.02)
    answer[split] = int(general.max()) + 1

check("11.1", answer, curves=curves)

# %% [markdown]
# ## ✎ Exercise 11.2
#
# Build A6B yourself: a new `yosinski.network(96)` whose first six layers are those of
# A, frozen, while the others learn B. Two epochs will do. Set `answer` to the model.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = yosinski.network(96)
for name in yosinski.LAYERS[:6]:
    answer.get_layer(name).set_weights(a.get_layer(name).get_weights())
    answer.get_layer(name).trainable = False
answer.compile("adam", "sparse_categorical_crossentropy")
answer.fit(task_b.images, task_b.labels, batch_size=128, epochs=2, verbose=0)

check("11.2", answer, bases=bases, unseen=unseen)

# %% [markdown]
# ## ✎ Exercise 11.3
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
# ? After a few epochs, B7B lies below the network that learnt B. What do you do first?
# + Train it on, and see how much is left. | Here a good part was too little training.
# - Say that its layers miss their partners. | Perhaps they do, but the simpler cause
#   comes first.
# - Say that its layers know another task. | They come from B, and B is the task.
#
# ? The feature maps of a network show clean strokes. What does that prove?
# - Its layers have learnt to see strokes. | Random filters show them, too.
# + Nothing, without a random network beside it. | The cheapest control there is.
# - Its layers are general, not specific. | A picture of one map cannot tell.
#
# ? Your target images are unlike those of the base. What follows?
# - Transfer is pointless; start from scratch. | The lowest layers cost nothing, even
#   from far away.
# - Freeze the whole base, the safest way. | That costs most where tasks are far apart.
# + Keep the lower layers; train the upper ones. | Those are the specific ones.

# %% [markdown]
# ## On your own
#
# The recipe in a program of yours, on another network: copy the first n layers of one
# network into a new one, freeze them, train the rest, and check what moved. As it
# stands, `source` is untrained, so this is the control *random*; with
# `weights="imagenet"` it is A. Repeat it for several n, on your images.

# %% tags=["own"]
import keras
import numpy as np


def build():
    return keras.applications.MobileNet(
        (64, 64, 3), alpha=0.25, include_top=False, weights=None, pooling="avg"
    )  # or 128 pixels and weights="imagenet", if you are online


source, target, depth = build(), build(), 40
for old, new in zip(source.layers[:depth], target.layers[:depth], strict=True):
    new.set_weights(old.get_weights())
    new.trainable = False
my_model = keras.Sequential([target, keras.layers.Dense(3, activation="softmax")])
my_model.compile("adam", "sparse_categorical_crossentropy")
my_model.fit(np.random.default_rng(0).random((12, 64, 64, 3)), np.arange(12) % 3)
pairs = zip(source.layers, target.layers, strict=True)
kept = [np.array_equal(a.kernel, b.kernel) for a, b in pairs if hasattr(a, "kernel")]
print(f"copied and kept: {kept.index(False)} of {len(kept)} layers with a kernel")

# %% [markdown]
# ## What to remember
#
# - Early layers are general, late ones specific: measured, not guessed.
# - General is not the same as useful alone: the last stage separates best.
# - A gap has more than one cause. Give every network enough training, and a control
#   for every cause, before you explain it.
# - The further apart the tasks, the fewer layers can stay frozen.
#
# Next: [12 · When it goes wrong](12_when_it_goes_wrong.ipynb)
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features?, arXiv 1411.1792.
# - Zeiler and Fergus 2013, on patches that excite units, arXiv 1311.2901.
# - Alain and Bengio 2016, on linear probes, arXiv 1610.01644.
