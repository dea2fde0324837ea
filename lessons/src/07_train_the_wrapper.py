# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 07 · Train
#
# **You will be able to** train a wrapper on a frozen base with few labels, and judge
# the result by fair controls.
#
# 20 minutes, and 15 for the exercises · builds on lesson 06 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from tlcourse import plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.widgets import LabelSlider, predict

layers, track = keras.layers, load_track()
classes, validation, test = len(track.class_names), track.validation, track.test

# %% [markdown]
# ## Ten pictures of each class, or fewer
#
# Suppose that ten labelled images of each class are all we have. Each part of our data
# has one duty: we learn from `train`, we decide by `validation`, and we look at `test`
# once, at the end.

# %%
few = track.train.few(10)
print(f"{few.describe()}; guessing gets {100 / classes:.0f} % right")
plots.tiles(few.images[:16], [few.class_names[k] for k in few.labels[:16]]);

# %% [markdown]
# In lesson 01 that was enough on the trained base, and not without it. Now we go about
# it with care.

# %%
trained = predict("After how many epochs is every training image right?", unit="epochs")

# %% [markdown]
# Everything here is from earlier lessons: raw pixels in, the base frozen, pooling, and
# one dense layer. Adam's usual learning rate is small for a layer that starts from
# nothing, so we take ten times that.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
base.trainable = False
scale, pool = layers.Rescaling(1 / 127.5, offset=-1), layers.GlobalAveragePooling2D()


def compiled(*parts, learning_rate=1e-2):
    output = layers.Dense(classes, activation="softmax")
    model = keras.Sequential([keras.Input(track.input_shape), scale, *parts, output])
    adam, loss = keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy"
    model.compile(adam, loss, metrics=["accuracy"])
    return model


# %%
model = compiled(base, pool)
held = (validation.images, validation.labels)
quiet = {"verbose": 0, "callbacks": [training.ProgressLine()]}
history = model.fit(few.images, few.labels, epochs=15, validation_data=held, **quiet)

# %% [markdown]
# `fit` measured two things in every epoch: how many of the images that it learns from
# are right, and how many of those that it never learns from.

# %%
seen, new = (100 * np.array(history.history[k]) for k in ("accuracy", "val_accuracy"))
both = {"training images": {"right, %": seen}, "new images": {"right, %": new}}
plots.curves(both, "right, %", f"After 15 epochs: {new[-1]:.0f} % of new images right")
trained.compare(int(seen.argmax()) + 1)

# %% tags=["claim"]
assert seen[-1] > 98 > new[-1] > 200 / classes

# %% [markdown]
# **Observe.** The model soon has every training image right, and from then on that
# curve can tell us nothing. What counts is the other curve, of the new images, and it
# levels off lower. More epochs would not help much here, but more labels might.
#
# ## Fair controls
#
# Is it the *trained* base that did this? A control leaves out what we give the credit
# to, here the training of the base, and learns from the same images. The first is a
# small network, as a beginner would write it. The second keeps the architecture:
# `weights=None`, and all layers learn. Both have more to learn, so they get smaller
# steps and batches, and more epochs. (BatchNormalization collects averages while it
# trains, and uses them afterwards. In so few steps they would lag behind, so `momentum`
# lets them change faster.)

# %%
scratch = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=None
)
for layer in scratch.layers:
    if isinstance(layer, layers.BatchNormalization):
        layer.momentum = 0.9
small = [layers.Conv2D(n, 3, strides=2, activation="relu") for n in (16, 32, 64)]
small.append(layers.Flatten())

# %% [markdown]
# Each is asked afterwards about the images that it learnt from, and about new ones.

# %%
untrained = predict("From random weights: how many of its own are right?", unit="%")

# %%
print(f"with base    {seen[-1]:4.0f} % of its own, {new[-1]:3.0f} % of new images")
for name, parts in {"small": small, "from scratch": [scratch, pool]}.items():
    control = compiled(*parts, learning_rate=1e-3)
    control.fit(few.images, few.labels, epochs=25, batch_size=10, **quiet)
    own = 100 * control.evaluate(few.images, few.labels, verbose=0)[1]
    fresh = 100 * control.evaluate(*held, verbose=0)[1]
    print(f"{name:13}{own:4.0f} % of its own, {fresh:3.0f} % of new images")
untrained.compare(round(own))
del control  # gives its memory back

# %% tags=["claim"]
assert new[-1] > fresh + 20  # it is the training of the base

# %% [markdown]
# **Observe.** Look at both columns. A network that knows its own images by heart
# and gets few new ones right was able to learn, but it had too few images to
# learn from. One that does not even know its own would prove nothing alone, and that is
# why there are two controls. (It may have had them all right while it trained:
# BatchNormalization then uses each batch, and afterwards the averages of lesson 05,
# which lag behind even so. The printed share is what you would get in use.) What the
# base has seen elsewhere makes the difference.

# %% [markdown]
# ## How many labels does it take?
#
# Draw the curve that you expect of the trained base: how many new images will be right
# for each number of labels per class? Then uncover it, and drag the number of labels.
# (It was measured before, on digits, whichever track you are on. Stay with the task
# *near*; the other one comes in lesson 08.)

# %%
LabelSlider()

# %% [markdown]
# Now we measure such curves ourselves. One draw of ten images is luck, so we draw five
# times for each number of labels, and show mean and spread. To be quick about it, we
# ask the base once about each image, and put scikit-learn's logistic regression on its
# vectors. That is a dense layer with softmax, like ours, but fitted without epochs and
# with an L2 penalty, which keeps the weights small: the smaller `C`, the smaller they
# stay. (The solver `newton-cg` takes seconds here, and the default one a minute.)

# %%
from sklearn.linear_model import LogisticRegression

from tlcourse.data import draw_few

counts = [1, 5, 10, 20, 50] if track.name == "glyphs" else [1, 5, 10, 20]
labels = track.train.labels


def sweep(vectors, held_out, counts):
    table = np.empty((len(counts), 5))
    for row, count in enumerate(counts):
        for draw in range(5):
            at = draw_few(labels, count, seed=draw)
            probe = LogisticRegression(C=0.1, solver="newton-cg", tol=1e-3)
            probe.fit(vectors[at], labels[at])
            table[row, draw] = probe.score(held_out, validation.labels)
    return table


# %% [markdown]
# Two more controls go with it: the same architecture with random weights that stay as
# they are, and the pixels themselves, averaged to a coarse picture, without any
# network.

# %%
blank = keras.models.clone_model(base)  # the architecture, with new random weights
raw = [layers.AveragePooling2D(track.input_shape[0] // 32), layers.Flatten()]
kinds = {"trained base": [base, pool], "random base": [blank, pool], "raw pixels": raw}
vectors, tables = {}, {}
print("labels per class:", counts)
for name, parts in kinds.items():
    chain = keras.Sequential([keras.Input(track.input_shape), scale, *parts])
    parts = [chain.predict(x.images, verbose=0) for x in (track.train, validation)]
    vectors[name] = [part / parts[0].std() for part in parts]
    tables[name] = sweep(*vectors[name], counts)
    print(f"{name:14}{np.round(100 * tables[name].mean(axis=1))} % right")

# %% [markdown]
# Here they are as a figure.

# %%
_, ax = plt.subplots(figsize=(7, 4))
for name, table in {**tables, **training.shipped_scratch(track, counts)}.items():
    mean, spread = 100 * table.mean(axis=1), 100 * table.std(axis=1, ddof=1)
    ax.errorbar(counts, mean, spread, capsize=3, label=name)
ax.axhline(100 / classes, linestyle=":", color="gray", label="guessing")
ten = {name: table[2].mean() for name, table in tables.items()}
ax.set_title(f"Ten labels per class: {ten['trained base']:.0%} on the trained base")
ax.set(xlabel="labels per class", ylabel="new images right, %", xticks=counts)
ax.legend();

# %% tags=["claim"]
tens = {name: table[2] for name, table in tables.items()}
assert tens["trained base"].min() > 0.1 + max(map(max, list(tens.values())[1:]))

# %% [markdown]
# **Observe.** Each bar is the spread over five draws (three for *from scratch*, each at
# its best epoch), so two controls whose bars
# overlap are not told apart by this figure. (The largest draws share many images, so
# their spread is too small.) What counts is how far each is above guessing. The
# controls say what is *not* the reason: the architecture alone does not do it, nor do
# the pixels. The line *from scratch*, where there is one, came with the course, because
# it takes long to train. Where it climbs at the end, the base begins to matter less.

# %% [markdown]
# ## All labels, and the test set, once
#
# The wrapper and the learning rate are decided now. (We looked at the labels of all
# validation images for that, which somebody with ten labels per class does not have.)
# So the wrapper may have all labels of the training part, in fewer epochs, because each
# has more images, and then we open the test set.

# %%
final = compiled(base, pool)
final.fit(track.train.images, labels, epochs=12, **quiet)
chances = final.predict(test.images, verbose=0)
said, sure = chances.argmax(axis=1), chances.max(axis=1)
print(f"test images right: {np.mean(said == test.labels):.1%}")

# %% [markdown]
# One number hides a lot. Which class is taken for which?

# %%
mistakes, names = said != test.labels, np.array(track.class_names)
plots.confusion(test.labels, said, track.class_names, f"{mistakes.sum()} mistakes");

# %% [markdown]
# The largest number off the diagonal is the commonest mistake. The mistakes themselves
# say more than the table. Here are those of which the model was most certain. Would you
# have got them right?

# %%
worst = np.argsort(-sure * mistakes)[:8]
says = [f"says {names[said[k]]},\n{sure[k]:.0%} sure," for k in worst]
both = zip(says, names[test.labels[worst]], strict=True)
captions = [f"{a}\nis {b}" for a, b in both]
plots.tiles(test.images[worst], captions, title="Wrong, and surest of it");

# %% [markdown]
# ## One image, and how sure
#
# A model takes a batch, so one image is a batch of one. Its answer comes with a
# probability, which says how *sure* the model is. Can we believe that number?

# %%
one = final.predict(test.images[:1], verbose=0)[0]
caption = f"says {names[one.argmax()]}, {one.max():.0%} sure"
plots.tiles(test.images[:1], [f"is {names[test.labels[0]]}"], title=caption);

# %% [markdown]
# One image cannot tell. Over all of them, though, how sure a model is on average should
# be the share that it gets right. (Below zero means too modest.)

# %%
honest = predict("How far is sureness above the share right?", unit="points")

# %% [markdown]
# If the two differ, one number can help: divide the logits by a **temperature**, chosen
# on the validation set. Our model ends in softmax, so we work that out from its
# probabilities.

# %%
def soften(chances, temperature):
    powers = chances ** (1 / temperature)  # as if the logits were divided by it
    return powers / powers.sum(axis=1, keepdims=True)


def loss(temperature):
    true = soften(known, temperature)[np.arange(len(known)), validation.labels]
    return -np.log(true + 1e-9).mean()


known, right = final.predict(validation.images, verbose=0), np.mean(~mistakes)
best = min(np.geomspace(0.25, 4, 41), key=loss)
both = chances, soften(chances, best)
gap, after = (100 * (x.max(axis=1).mean() - right) for x in both)
print(f"sure minus right: {gap:+.1f} points; at temperature {best:.2f}, {after:+.1f}")
honest.compare(round(gap, 1))

# %% tags=["claim"]
assert (soften(chances, best).argmax(axis=1) == said).all()  # it changed no answer
assert loss(best) <= loss(1.0)

# %% [markdown]
# **Observe.** A gap above zero means too sure, one below it too modest. The temperature
# changed how sure the model is, and no answer, because the largest probability stays
# the largest. It was chosen on validation images, so where these are few, it may
# correct too little or too much on others.
#
# ## ✎ Exercise 7.1
#
# Measure one more point of the figure: three labels per class, on the trained base. Set
# `answer` to the mean accuracy of the five draws, between 0 and 1.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = sweep(*vectors["trained base"], [3]).mean()

check("7.1", answer, sweep=sweep, vectors=vectors)

# %% [markdown]
# ## ✎ Exercise 7.2
#
# Let Keras decide when to stop. Train a dense layer with softmax on the vectors of the
# trained base, with ten labels per class and Adam at 1e-2, for at most 300 epochs. Give
# `fit` the validation vectors and `keras.callbacks.EarlyStopping`, whose `monitor` is
# `"val_loss"`, and whose `patience` is the number of epochs that it waits for a better
# value: three. Set `answer` to what `fit` returns.
# (`vectors["trained base"]` holds two arrays, for training and for validation, and
# `draw_few(labels, 10, seed=0)` gives the places of ten images of each class.)

# %% tags=["solution", "nbval-check-output", "any-track"]
x, held = vectors["trained base"]
at = draw_few(labels, 10, seed=0)
output = layers.Dense(classes, activation="softmax")
head = keras.Sequential([keras.Input(x.shape[1:]), output])
head.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
stop = keras.callbacks.EarlyStopping("val_loss", patience=3)
options = {"validation_data": (held, validation.labels), "callbacks": [stop]}
answer = head.fit(x[at], labels[at], epochs=300, verbose=0, **options)

check("7.2", answer)

# %% [markdown]
# ## ✎ Exercise 7.3
#
# A colleague doubts your figure: "Your pipeline would say so with any labels." Build
# the control that answers. Ten labels per class, the vectors of the trained base, five
# draws as in `sweep`, but the labels of each draw are shuffled before `fit`. Set
# `answer` to the list of the five accuracies on the validation images.

# %% tags=["solution", "nbval-check-output", "any-track"]
x, held = vectors["trained base"]
answer = []
for draw in range(5):
    at = draw_few(labels, 10, seed=draw)
    shuffled = np.random.default_rng(draw).permutation(labels[at])
    probe = LogisticRegression(C=0.1, solver="newton-cg")
    probe.fit(x[at], shuffled)
    answer.append(probe.score(held, validation.labels))

check("7.3", answer, real=tables["trained base"][2], guess=1 / classes)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Which of these may you choose by looking at the test set?
# + Nothing at all. | It measures once what has been decided.
# - The number of epochs. | Then the result flatters you. Validation decides.
# - Which base to take. | That, too, is a decision.
#
# ? All training images are right, and many new ones are wrong. What helps most?
# - A few more epochs. | There is nothing left to learn from these images.
# + A few more labels. | The figure shows what each of them is worth.
# - A larger wrapper. | Ours is large enough to get every training image right.
#
# ? Once trained, a control knows all its own images, and guesses at new ones. So:
# - It could not learn at all. | It learnt its own images.
# + It had too few images. | It learnt them by heart, and that does not carry over.
# - It had too few epochs. | On its own images nothing is left to gain.
#
# ? Why five draws for each number of labels?
# - So that more data is trained on. | Each draw is a training of its own.
# + So that luck shows as a spread. | Ten pictures may be lucky or unlucky.
# - So that the weights start alike. | Logistic regression has no random start.

# %% [markdown]
# ## On your own
#
# The same with another network, ten labels per class, and the control that fits in one
# line: shuffled labels. The task here is to tell bright pictures from dark ones, which
# is so easy that even a base with random weights passes it on. (By luck, shuffled
# labels agree with the true ones a little, or disagree, so one shuffle would not be
# enough.)

# %% tags=["own"]
import keras
import numpy as np

rng = np.random.default_rng(0)
my_labels = np.arange(200) % 2
images = rng.integers(0, 128, (200, 64, 64, 3)).astype("float32")
images[my_labels == 1] += 100
my_base = keras.applications.MobileNetV3Small(
    input_shape=(64, 64, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online; this base rescales by itself
features = my_base.predict(images, verbose=0)  # once, because the base is frozen
places = [rng.choice(np.flatnonzero(my_labels[:100] == k), 10, False) for k in (0, 1)]
at_hand = np.concatenate(places)
few_seen = features[at_hand]
features = (features - few_seen.mean(axis=0)) / (few_seen.std(axis=0) + 1e-12)
for change in (np.array, *5 * [rng.permutation]):  # as they are, and five shuffles
    my_model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    my_model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    my_model.fit(features[at_hand], change(my_labels[at_hand]), epochs=60, verbose=0)
    share = my_model.evaluate(features[100:], my_labels[100:], verbose=0)[1]
    print("true" if change is np.array else "shuffled", f"labels: {share:.0%} right")

# %% [markdown]
# ## What to remember
#
# - A frozen base and a dense layer learn from a handful of labels.
# - A control leaves out what you give the credit to. Look at its own images and at new
#   ones.
# - Several draws, mean and spread. Validation decides, and the test set is opened once.
# - Look at the mistakes, and at how sure the model was.
#
# Next: [08 · Fine-tune](08_fine_tune.ipynb)
#
# ## Sources
#
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
# - Alain and Bengio 2016, Linear classifier probes, arXiv 1610.01644.
# - Guo et al. 2017, On calibration of modern neural networks, arXiv 1706.04599.
# - Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI.
