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
# 20 minutes, and 10 for the exercises · builds on lesson 09 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from tlcourse import plots, training, yosinski
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing, receptive_fields
from tlcourse.yosinski import figures as pictures
from tlcourse.yosinski import results

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# Pictures that resemble those the base has learnt from, on either track.

# %%
base = track.build_base()
own = track.own_pictures(600) if track.name == "glyphs" else track.train
print(own.describe())
plots.tiles(own.images[:8]);

# %% [markdown]
# ## What does a unit look for?
#
# One channel of one layer is a unit. Show it hundreds of pictures, and note the places
# where it answers loudest. A unit sees only a patch of the picture: the deeper it sits,
# the larger the patch.
#
# **Predict.** What will the loudest patches of an early, a middle and a late layer
# have in common?

# %%
rows = {}
blocks = ("expanded_conv_depthwise", "block_3_expand", "block_6_expand", "out")
for name in [f"{block}_relu" for block in blocks]:
    units = [1, 2, 4, 5]
    found = receptive_fields.strongest(
        base, track.preprocess, own.images, name, units
    )
    for unit, loudest in found.items():
        rows[f"{name}, unit {unit}, {loudest.shape[1]} px"] = loudest

pictures.patches(rows, "The patches that excite a unit most");

# %% [markdown]
# **Observe.** Each row is one unit. The first ones want a plain surface, or an edge
# that runs one way. Then come curves, ends and crossings: parts. Further up, whole
# shapes that resemble each other.
#
# Edges are in every picture. So early layers should be *general*, and late ones
# *specific*. That is a guess by eye. Let us measure.
#
# ## Two networks, two tasks
#
# We divide characters at random into two halves, A and B. One network has learnt A,
# another B. Both are small: five convolutions, then three dense layers.

# %%
bases = results.shipped_bases()
experiment = yosinski.Experiment("near", 0, bases=bases)
task_a, task_b = experiment.task("A", "unseen"), experiment.task("B")
some = [*task_a.images[::30][:16], *task_b.images[::192][:16]]
plots.tiles(some, columns=16, title="Above, some of A; below, some of B");

# %% [markdown]
# First we look at the filters of conv1, 5 by 5 pixels each. One row of three has learnt
# nothing. Then at what A and B make of one character of B.
#
# **Predict.** Can you tell by eye which row is random?

# %%
untrained = yosinski.fresh(bases["A"], seed=0)
first = [weights[0] for weights in (bases["A"], untrained, bases["B"])]
pictures.filters(first, ["1", "2", "3"], "The filters of conv1")

networks = {"A": yosinski.network(96), "B": yosinski.network(96)}
for half, network in networks.items():
    network.set_weights(bases[half])
    camera = keras.Model(network.inputs[0], network.get_layer("conv1").output)
    maps = camera.predict(task_b.images[:1], verbose=0)[0]
    plots.feature_maps(maps, 16, 8, f"conv1 of {half}, looking at a character of B")

# %% [markdown]
# **Observe.** Hardly. (It is row 2.) The numbers of a filter say little. The maps say
# more: edges, in one direction or another, in both networks. And A answers to a
# character that it has never seen. But alike by eye is no proof.
#
# ## Copy, freeze, train
#
# Yosinski and others had the idea in 2014. Copy the first n layers of A into a new
# network. Freeze them. Train the rest on B. If B is learnt as well as from the start,
# those n layers were general. They call this network A*n*B. Here it is for n = 5:

# %%
new = yosinski.network(96)
for name in yosinski.LAYERS[:5]:
    new.get_layer(name).set_weights(networks["A"].get_layer(name).get_weights())
    new.get_layer(name).trainable = False
new.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
fit = new.fit(task_b.images, task_b.labels, batch_size=128, epochs=2, verbose=0)
print(f"right on B after two epochs: {fit.history['accuracy'][-1]:.3f}")

# %% tags=["nbval-check-output", "any-track"]
pairs = zip(new.get_weights(), bases["A"], strict=True)
same = [np.array_equal(mine, a) for mine, a in pairs]
print("copied, weights and biases:", same[:10])
print("new:", same[10:])

# %% [markdown]
# Two epochs show that it runs. A point of the figure has a *treatment*, such as AnB,
# and a *cut*, the number n of layers that are copied. Every network gets the same: six
# epochs, a rate that rises and falls, and a test in fonts that none of them has seen.
#
# Controls belong to it. **BnB**: the same with copies from B itself. **Random**: n
# layers that have learnt nothing, frozen.
#
# **Predict.** Rank them at n = 3, then at n = 7.

# %%
mine = {}
for point in (("AnB", 3), ("random", 3), ("AnB", 7), ("BnB", 7)):
    mine[point] = experiment.accuracy(*point)
    print(*point, f"{mine[point]:.3f}")

# %% [markdown]
# Your points, as stars, on the shipped figure: every n, and five seeds, which means
# five divisions into A and B. The plus stands for copies that are fine-tuned.

# %%
curves = results.shipped()
near = curves["near"]
points = [(name, n, accuracy) for (name, n), accuracy in mine.items()]
pictures.transfer_curves(near, points=points, title="How far up can layers be copied?")
copied = ["BnB", "BnB+", "AnB", "AnB+"]
pictures.transfer_curves(near, copied, points, "The same, seen more closely");

# %% [markdown]
# **Observe.** Follow AnB. Up to conv5 it lies on the level of the network that learnt B
# from the start. In the dense layers it falls. The random line falls from the first
# layer on: it is not enough to have layers, they must have learnt.
#
# ## Two reasons for a fall
#
# **Predict.** BnB has copied its layers from B itself. Can it lose anything?

# %%
pictures.losses(near, "What frozen copies lose, and why");

# %% [markdown]
# **Observe.** The plain bars are what freezing costs though the task is the same.
# Layers that learnt together are torn apart, and the upper ones cannot find their
# partners again: *fragile co-adaptation*. The hatched bars come on top: what the
# layers know is about A. That is *specificity*. Below zero, copying helped a little:
# perhaps because what is new learns on finished features from the first step.
#
# ## Near and far
#
# Now A is East Asian scripts, and B those of Europe and the Middle East.
#
# **Predict.** Which layers will suffer more than before?

# %%
pictures.near_and_far(curves, title="Against the network that learnt B from the start");

# %% tags=["nbval-check-output", "any-track"]
close = [abs(a - near.tables[name][0, n - 1]) < 0.06 for name, n, a in points]
lost, far_lost = (curves[x].specificity.mean(axis=0) for x in ("near", "far"))
broken = near.co_adaptation.mean(axis=0)
print("my points lie near those of the same seed:", all(close))
print("near, conv1 to conv5 are general:", lost[:5].max() < 0.02)
print("near, fc7 is the most specific:", lost.argmax() == 6, lost[6] > 0.03)
print("near, freezing alone costs less:", broken.max() < lost.max())
print("far, fc7 is more specific still:", far_lost[6] > lost[6])
far = curves["far"].tables
margin = far["AnB"].mean(axis=0) - far["random"].mean(axis=0)
print("far, copies beat random layers at each n:", margin.min() > 0.1)
gain = (near.tables["AnB+"] - near.tables["BnB+"]).mean(axis=1)
print("fine-tuned, A ends above B in most seeds:", (gain > 0).mean() > 0.5)

# %% [markdown]
# **Observe.** The further the tasks, the more it costs to keep the upper layers. The
# lowest ones do not care. And even far layers beat random ones by a wide margin.
#
# What if the copies may train? Choose for yourself. Begin with *A, fine-tuned* at 7,
# then *B, fine-tuned*: it is the control for "simply trained longer". In most seeds A
# ends above B, but by very little. Five seeds do not settle that.

# %%
from tlcourse.widgets import TransferExplorer

TransferExplorer(curves)

# %% [markdown]
# ## The same in our base
#
# Back to the base of this course, and to classes that are new to it. After each stage
# we cut it, average over all places, and ask a linear classifier.
#
# **Predict.** At which depth are the new classes easiest to separate?

# %%
def by_depth(base, dataset):
    pool = keras.layers.GlobalAveragePooling2D()
    ends = [pool(stage.layers[-1].output) for stage in freezing.stages(base)]
    pixels = keras.Input(track.input_shape)
    vectors = keras.Model(base.inputs[0], ends)(track.preprocess(pixels))
    return keras.Model(pixels, vectors).predict(dataset.images, verbose=0)


few, held_out = track.train.few(20), track.validation
separable = {}
for kind in ("pretrained", "random"):
    network = track.build_base(kind)
    separable[kind] = []
    for x, y in zip(by_depth(network, few), by_depth(network, held_out), strict=True):
        probe = training.linear_probe(x / x.std(), few.labels)
        separable[kind].append(probe.score(y / x.std(), held_out.labels))

# %%
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
names = [stage.name for stage in freezing.stages(base)]
for (kind, right), marker in zip(separable.items(), "os", strict=True):
    ax.plot(names, right, marker=marker, label=kind)
ax.set(title="A linear classifier behind each stage", ylim=(0, 1))
ax.set_ylabel("right on held-out images")
ax.legend();

# %% [markdown]
# And as a map: each point is a held-out image, each colour a class.

# %%
depths = by_depth(base, held_out)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for ax, depth in zip(axes, (0, 2, -1), strict=True):
    flat = PCA(2).fit_transform(depths[depth])
    ax.scatter(*flat.T, s=8, c=held_out.labels, cmap="tab10")
    ax.set(title=names[depth], xlabel="direction 1", xticks=[], yticks=[])
axes[0].set_ylabel("direction 2");

# %% tags=["nbval-check-output", "any-track"]
learnt, control = np.array(separable["pretrained"]), np.array(separable["random"])
print("the last stage beats the first:", learnt[-1] > learnt[0] + 0.1)
print("training made the difference:", learnt[-1] > control.max() + 0.1)

# %% [markdown]
# **Observe.** The classes come apart with depth, and only in the trained base. Its last
# stage was made for other classes, and still serves ours best. So the tasks are near
# enough. That is why we could cut off the top, freeze the rest, and win.
#
# ## Does it agree with the paper?
#
# The paper's figure 2 shows the same five lines, for networks of eight layers on
# halves of ImageNet. *Agrees:* the first layers are general, the last specific; far
# tasks cost more; random layers fall first; fine-tuned copies do best. *Does not:*
# there, BnB dips in the middle and recovers above; ours is lowest at the top. There,
# fine-tuned copies of A clearly beat those of B. And there, networks were trained to
# the end; ours were not, so even fine-tuned copies of B gain: they train twice. Ours
# are hundreds of times smaller.

# %% [markdown]
# ## 📝 Exercise 11.1
#
# General or specific? How many layers can be copied from A and frozen so that, on
# average, less than 0.02 is lost to specificity (near halves)? The hatched bars show
# it, and `near.specificity` has a row for each seed, a column for each cut. Set
# `answer` to a number of layers.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = int(np.flatnonzero(near.specificity.mean(axis=0) < 0.02).max()) + 1

check("11.1", answer, curves=near)

# %% [markdown]
# ## 📝 Exercise 11.2
#
# One more point of your own. Treatments are `"AnB"`, `"BnB"`, `"random"`, and `"AnB+"`
# and `"BnB+"`, whose copies may train. Cuts are 1 to 7. Compute one that is not in
# `mine`, and set `answer` to a dict as `mine`, with this one entry.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = {("AnB", 6): experiment.accuracy("AnB", 6)}

check("11.2", answer, curves=near, mine=mine)

# %% [markdown]
# ## 📝 Exercise 11.3
#
# A colleague shows you A7B alone, far below the base, and says: "The layers were too
# specific." Which treatment do you ask for, to tell specificity from co-adaptation? Set
# `answer` to its name.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "BnB"

check("11.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why do early layers transfer best?
# + What they look for is in every picture. | Edges and surfaces, whatever the task.
# - They have the fewest parameters. | Random early layers have as few, and fail.
# - They are trained longest. | All layers train for the same number of steps.
#
# ? BnB is below the network that learnt B from the start. Why?
# - The task has changed. | It has not: both are B.
# + Layers that learnt together were separated. | Co-adaptation. Fine-tuning heals it.
# - The copied layers are random. | They are copies, to the last bit.
#
# ? Your target images are unlike those of the base. What follows?
# - Transfer is pointless. | Even far layers beat random ones.
# + Trust the lower layers, and let the upper ones train. | They are the specific ones.
# - Freeze all the same. | That costs most where the tasks are far apart.

# %% [markdown]
# ## What to take home
#
# - Early layers are general, late ones specific: measured, not guessed.
# - Freezing costs for two reasons. A control tells them apart.
# - The further the tasks, the fewer layers can stay frozen.
# - Fine-tuning heals both.
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features?, arXiv 1411.1792.
# - Zeiler and Fergus 2013, on patches that excite units, arXiv 1311.2901.
# - Alain and Bengio 2016, on linear probes, arXiv 1610.01644.
