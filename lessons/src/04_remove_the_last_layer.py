# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 04 · Remove the last layer
#
# **You will be able to** cut the top off a network, and say what comes out of the rest
# and what it is good for.
#
# 15 minutes, and 10 for the exercises · builds on lesson 03 · a CPU is enough

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
from tlcourse.plots import diagrams
from tlcourse.widgets import Cut, FeatureMapViewer, predict

track = load_track()

# %% [markdown]
# ## It cannot say what we want to hear
#
# In lesson 03 we asked a complete network about our pictures. Here are its answers to a
# few more, each with its probability.

# %%
complete, names = track.build_complete()
few = track.train.few(1)
chances = complete.predict(few.images[:6], verbose=0)
plots.top_answers(few.images[:6], chances, names, track.icons(), title="Top three");

# %% [markdown]
# **Observe.** It can only choose among the classes that it was trained on, because its
# last layer has one output for each of them, and none for ours. (On the flowers track
# there is one exception, the daisy.) So that layer is of little use to us. The layers
# below it may well be: they turn a picture into features, and these can serve other
# classes, too.
#
# We therefore cut the network in two. What we keep is the *base*. The *top* goes, and a
# *head* of our own will take its place in lesson 06.

# %%
diagrams.base_top_head();

# %% [markdown]
# ## One argument makes the cut
#
# We build the network twice, with its top and without. With the top, random weights are
# enough, because we only want to look at shapes. `track.weights` is the path of the
# file that lesson 03 looked into.

# %%
whole = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, weights=None
)
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)

# %% [markdown]
# The title of this lesson speaks of one layer. Is that all that `include_top=False`
# leaves out? Our head gets whatever is left, so it is worth knowing.

# %%
away = predict("How many layers does it take away?", "one", "two", "three")

# %% tags=["nbval-check-output"]
for layer in whole.layers[-4:]:
    print(f"{layer.name:24}", layer.output.shape[1:])
print(f"{'without the top:':24}", base.output_shape[1:])
away.compare(away.choices[len(whole.layers) - len(base.layers) - 1])

# %% [markdown]
# **Observe.** `include_top=False` took two layers away: the average over all positions,
# and the dense layer with its classes. What is left ends in feature maps, with a
# height, a width and a number of channels. Each channel says where in the picture the
# network found one thing. We don't know which thing, because nobody told the network
# what to look for.
#
# ## Pictures of another size
#
# Your photographs will rarely have the size that a base was trained on. So let us load
# the same file into a network for pictures one and a half times as wide and high. As a
# control, we build it once without the file.

# %%
side = track.input_shape[0] * 3 // 2
wider = keras.applications.MobileNetV2(
    input_shape=(side, side, 3), alpha=0.35, include_top=False, weights=track.weights
)
untrained = keras.applications.MobileNetV2(
    input_shape=(side, side, 3), alpha=0.35, include_top=False, weights=None
)

# %% [markdown]
# The pictures have more than twice as many pixels now. (Keras may warn that it has no
# file for this size. Ignore it.) We compare
# all weights with those of the first base, one by one.

# %%
size = predict("What happened to the weights?", "more of them", "changed", "nothing")

# %% tags=["nbval-check-output"]
def difference(network):
    """The largest difference between a weight of `network` and of `base`."""
    pairs = zip(network.get_weights(), base.get_weights(), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


print("maps:", base.output_shape[1:], "and now", wider.output_shape[1:])
print(f"largest difference, the same file:   {difference(wider):.6f}")
print("without the file, larger than 0.1:  ", difference(untrained) > 0.1)
size.compare("nothing" if difference(wider) == 0 else "changed")

# %% [markdown]
# **Observe.** The maps have grown, and the weights are the same, number for number. The
# line *without the file* shows that our comparison would have noticed a difference.
#
# The reason is that a convolution slides its filter over the picture, and a filter does
# not know how far it has to slide. A dense layer behind flattened maps does know,
# because it needs one weight for every position:

# %% tags=["nbval-check-output"]
for network in (base, wider):
    model = keras.Sequential(
        [network, keras.layers.Flatten(), keras.layers.Dense(len(track.class_names))]
    )
    print(network.output_shape[1:], "needs a kernel of", model.layers[-1].kernel.shape)

# %% [markdown]
# Old networks such as VGG16 end that way, so with their top they take pictures of one
# size only.
#
# ## What the maps look like
#
# Now we show the base one picture, and look inside at four depths, at the end of each
# of its first four *stages*. A stage is a row of layers whose maps are equally high
# and wide; the last one, whose maps are the smallest, we leave out. `keras.Model(a,
# b)` is the part of a network that leads from `a` to `b`. It copies nothing, because
# it uses the same layers and weights, and `b` may be a list of several outputs.
#
# **Predict.** At which of the four depths will you still recognise the picture?

# %%
stages = freezing.stages(base)[:4]
camera = keras.Model(base.input, [stage.layers[-1].output for stage in stages])
prepare = keras.layers.Rescaling(1 / 127.5, offset=-1)
image = track.train.images[:1]
seen = [keras.ops.convert_to_numpy(maps)[0] for maps in camera(prepare(image))]

# %%
figure, axes = plt.subplots(1, 5, figsize=(13, 3.4))
axes[0].imshow(image[0])
axes[0].set_title("the picture")
axes[0].axis("off")
for ax, stage, maps in zip(axes[1:], stages, seen, strict=True):
    height, width, channels = maps.shape
    title = f"{stage.name}: {channels} maps,\n{height} x {width} each"
    plots.feature_maps(maps, 9, 3, title, ax=ax)

# %% [markdown]
# **Observe.** You see up to nine maps for each depth, those that vary most. At first
# they show the lines of the picture. Later they are coarse patches that no longer show
# it. The network gives up *where* to learn *what*.
#
# That the maps shrink is the architecture's doing, so it would happen in an untrained
# network, too. Whether they say anything useful is a question that we still have to
# ask. But first choose a picture and a depth yourself.

# %%
shown = track.train.few(2)
labels = [track.class_names[k] for k in shown.labels]
FeatureMapViewer(base, prepare, shown.images, labels)

# %% [markdown]
# ## A picture becomes a vector
#
# If we average each map, a picture becomes one vector, with a number for each channel.
# If the features are any good, pictures of the same kind should get similar vectors,
# although the base was not trained to tell our classes apart.

# %%
def make_vectors(base):
    """The averaged maps of each training picture, one row per picture."""
    pool = keras.layers.GlobalAveragePooling2D()
    model = keras.Sequential([keras.Input(track.input_shape), prepare, base, pool])
    return model.predict(track.train.images, verbose=0)


vectors = make_vectors(base)
print("pictures and channels:", vectors.shape)

# %% [markdown]
# How similar are two vectors? We compare their directions: divide each by its length,
# multiply them number by number, and add up. The result, the *cosine*, is 1 for the
# same direction, 0 for a right angle, and -1 for opposite directions.

# %%
def likeness(vectors):
    """For every pair of rows, the cosine of the angle between them."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


print(f"a typical pair of pictures: {np.median(likeness(vectors)):.2f}")
centred = vectors - vectors.mean(axis=0)
print(f"after subtracting the mean: {np.median(likeness(centred)):.2f}")

# %% tags=["claim"]
assert abs(np.median(likeness(centred))) < 0.1 < 0.3 < np.median(likeness(vectors))

# %% [markdown]
# **Observe.** Before we subtract anything, a typical pair has something in common even
# if the pictures show different things, because all the vectors share a part. That part
# tells us nothing, so we subtract the mean of all vectors. Then a typical pair has
# little in common, and what remains is what makes a picture special.
#
# One thing is left. `likeness` gives a table with a row and a column for each picture.
# Its diagonal compares each picture with itself, so we overwrite that, and then sort
# each row.

# %%
def nearest(vectors, n=5):
    """For each row, the positions of the n most similar other rows."""
    table = likeness(vectors - vectors.mean(axis=0))
    np.fill_diagonal(table, -np.inf)
    return np.argsort(-table, axis=1)[:, :n]


pixels = track.train.images.reshape(len(track.train), -1) / 255
by_features, by_pixels = nearest(vectors), nearest(pixels)

# %% [markdown]
# We look up the five nearest pictures of some queries in two ways: by these vectors,
# and by the raw pixels, treated the same way. First a guess for all pictures together,
# not only for these five queries.

# %%
share = predict("By features, how often is the nearest of the same class?", unit="%")

# %%
queries = np.unique(track.train.labels, return_index=True)[1][:5]
figure, axes = plt.subplots(1, 2, figsize=(12, 6))
for ax, found, name in zip(
    axes, (by_features, by_pixels), ("features", "pixels"), strict=True
):
    rows = np.column_stack([queries, found[queries]]).ravel()
    labels = [track.class_names[k] for k in track.train.labels[rows]]
    title = f"First column: the query; then the nearest by {name}"
    plots.tiles(track.train.images[rows], labels, 6, title, ax=ax)

# %% [markdown]
# **Observe.** By pixels, the neighbours of a query mostly have the same colours in the
# same places. By features, look for yourself what they have in common.
#
# Five rows prove little, so we count over all pictures. The control is the same
# architecture, three times with different random weights.

# %%
def same_class(found):
    """Share of pictures whose nearest neighbour is of their class."""
    return float((track.train.labels[found[:, 0]] == track.train.labels).mean())


by_random = []
for _ in range(3):
    control = keras.applications.MobileNetV2(
        input_shape=track.input_shape, alpha=0.35, include_top=False, weights=None
    )
    by_random.append(same_class(nearest(make_vectors(control))))

# %%
shares = {"trained base": same_class(by_features), "raw pixels": same_class(by_pixels)}
shares["random bases, mean"] = float(np.mean(by_random))
print("the three random bases:", *(f"{x:.0%}" for x in by_random))
share.compare(round(100 * shares["trained base"]))
title = "Same class as its neighbour: {:.0%}, {:.0%} and {:.0%}"
percent = {name: 100 * value for name, value in shares.items()}
ax = plots.bars(percent, title.format(*shares.values()), "pictures, % (line: guessing)")
ax.axvline(100 / len(track.class_names), color=plots.RED, linewidth=1);

# %% tags=["claim"]
assert shares["trained base"] > 0.1 + max(by_random)  # so it is the training

# %% [markdown]
# **Observe.** Compare the first bar with the last: the same
# architecture, other weights, so it is the training that makes the difference. The
# middle bar says how far bare pixels get. And nobody trained these weights on our task.
# That is transfer, and so far we have not trained anything ourselves.
#
# ## ✎ Exercise 4.1
#
# Your camera takes pictures that are 256 pixels high and 192 wide. Build the trained
# base for them, without its top. Set `answer` to it. Before you look at its
# `output_shape`, say what it will be.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.applications.MobileNetV2(
    input_shape=(256, 192, 3), alpha=0.35, include_top=False, weights=track.weights
)

check("4.1", answer, base=base)

# %% [markdown]
# ## ✎ Exercise 4.2
#
# The end is not the only place to cut. Make a model from the input of `base` to the
# output of its third stage. Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.Model(base.input, stages[2].layers[-1].output)

check("4.2", answer, base=base)

# %% [markdown]
# ## ✎ Exercise 4.3
#
# At which depth are the neighbours best? Cut after each stage of
# `freezing.stages(base)`, make the vectors, find the neighbours, and count with
# `same_class`. Set `answer` to a dict from a stage's name to its share.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = {}
for stage in freezing.stages(base):
    cut = keras.Model(base.input, stage.layers[-1].output)
    answer[stage.name] = same_class(nearest(make_vectors(cut)))

check("4.3", answer, base=base, data=track.train)

# %% [markdown]
# `plots.bars(answer)` draws your result. Is the deepest cut the best one here? If it
# were not, you would cut where it is best: measure which depth suits your task.
# And now cut by hand: drag the knife from the pixels to the last stage, and watch which
# pictures come to lie side by side.

# %%
Cut()

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does our `base`, built with `include_top=False`, return?
# - One number for each class | Those came from the dense layer, which is gone.
# - One vector for each picture | Not yet. The averaging was part of the top.
# + Many maps for each picture | Each says where the network found something.
#
# ? The weights were trained on pictures of one size. Why do they fit larger ones?
# - Keras scales every picture first | Nothing scales it. The maps come out larger.
# + A filter slides as far as it must | Only a dense layer behind Flatten counts
#   positions.
# - Keras stretches the filters first | We compared them: number for number the same.
#
# ? What is shared between `base` and `keras.Model(base.input, somewhere)`?
# + All the layers on the way | It is another view of the same layers and weights.
# - Only the shapes on the way | It computes with the trained weights, as you saw.
# - Nothing, since it is a copy | Train one, and the other changes with it.
#
# ? Neighbours by features were more often of the same class. What does that show?
# - The base was trained on our task | It was trained on another one.
# - Averaged maps are always useful | The random bases average their maps, too.
# + The features carry over to our task | Only the training differs from the control.

# %% [markdown]
# ## On your own
#
# The same in a program of yours, on another network: which picture is nearest to the
# first? Here the pictures are noise and the weights are random, so the answer means
# nothing until you put in your own pictures and `weights="imagenet"`. The names of the
# layers, where you may cut, are in `base.summary()`.

# %% tags=["own"]
import keras
import numpy as np

images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3))
my_base = keras.applications.DenseNet121(
    include_top=False, weights=None, input_shape=(64, 64, 3)
)  # weights="imagenet" if you are online
prepared = keras.applications.densenet.preprocess_input(images.astype("float32"))
my_maps = keras.ops.convert_to_numpy(my_base(prepared))
my_vectors = my_maps.mean(axis=(1, 2))
my_vectors -= my_vectors.mean(axis=0)
my_vectors /= np.linalg.norm(my_vectors, axis=1, keepdims=True)
print("maps:", my_maps.shape, "vectors:", my_vectors.shape)
print("nearest to the first:", 1 + np.argmax(my_vectors[1:] @ my_vectors[0]))

shorter = keras.Model(my_base.input, my_base.get_layer("pool3_relu").output)
print("cut earlier:", shorter.output_shape)

# %% [markdown]
# ## What to remember
#
# - `include_top=False` removes the classes and leaves the feature maps.
# - Convolutions take pictures of another size, too, with the same weights.
# - Early maps show the lines of a picture, late ones coarse patches.
# - Averaged, the maps make a vector, and pictures of one kind get similar vectors.
#
# Next: [05 · Freeze](05_freeze_the_base.ipynb)
#
# ## Sources
#
# - Keras Applications: https://keras.io/api/applications/
# - Zeiler and Fergus 2013, Visualizing Convolutional Networks, arXiv 1311.2901.
# - Sandler et al. 2018, MobileNetV2, arXiv 1801.04381.
