# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 04 · Remove the last layer
#
# **You will be able to** cut the top off a network, and say what comes out of the
# rest and what it is good for.
#
# 15 minutes, and 10 for the exercises · builds on lesson 03 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import keras
import numpy as np

from tlcourse import features, plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.models import freezing

track = load_track()

# %% [markdown]
# ## The data at a glance
#
# The target images: raw pixels. The classes are new to the base.

# %%
print(track.train.describe())
shown = track.train.few(2)
plots.tiles(shown.images[:8], [track.class_names[k] for k in shown.labels[:8]]);

# %% [markdown]
# ## One argument
#
# **Predict.** What comes out of a network whose last layer is gone: nothing,
# a class, an image, or something else? Which shape has it?
#
# The same plan twice, with the top and without:

# %%
options = {"input_shape": track.input_shape, "weights": None, **track.options}
whole = keras.applications.MobileNetV2(include_top=True, **options)
headless = keras.applications.MobileNetV2(include_top=False, **options)

# %% tags=["nbval-check-output"]
for layer in whole.layers[-4:]:
    print(f"{layer.name:24}", layer.output.shape[1:])
print(f"{'without the top:':24}", headless.output_shape[1:])

# %% [markdown]
# **Observe.** `include_top=False` took two layers away: the average over all
# positions, and the dense layer with its classes. What is left ends on feature maps:
# height, width, channels. Each channel says where in the picture the network saw one
# thing. We do not know which thing. Nobody told the network either.
#
# ## Another size of picture
#
# **Predict.** The base was built for one size. We build it again for pictures one and a
# half times as wide and high. Do its parameters change?

# %% tags=["nbval-check-output"]
side = track.input_shape[0] * 3 // 2
options["input_shape"] = (side, side, 3)
wider = keras.applications.MobileNetV2(include_top=False, **options)
headless.output_shape[1:], wider.output_shape[1:]

# %% tags=["nbval-check-output", "any-track"]
[w.shape for w in wider.weights] == [w.shape for w in headless.weights]

# %% [markdown]
# **Observe.** Larger maps, the same parameters. A convolution's filter slides: it
# does not know how wide the picture is. So trained weights fit any size.
#
# A dense layer on flattened maps does know. It has one weight for every position.
#
# You know `Sequential`, a stack of layers. Keras can also follow a path: `y = layer(x)`
# says that `x` goes into the layer and `y` comes out. Nothing is computed yet. It is
# how we put layers on `network.output`:

# %% tags=["nbval-check-output"]
for network in (headless, wider):
    flat = keras.layers.Flatten()(network.output)
    dense = keras.layers.Dense(10)
    dense(flat)
    print(network.output_shape[1:], "needs a kernel of", tuple(dense.kernel.shape))

# %% [markdown]
# Old networks such as VGG16 end that way. With the top, they take one size only.
#
# ## What the maps look like
#
# Now the trained base, and one image. We stop it at four depths. `keras.Model(a, b)` is
# the network on the way from `a` to `b`. It copies nothing: its layers and weights are
# the same ones. If `b` is a list, the model has several outputs.
#
# **Predict.** Where will you still recognise the picture?

# %%
base = track.build_base()
stages = freezing.stages(base)[:4]
ends = [stage.layers[-1] for stage in stages]
camera = keras.Model(base.input, [layer.output for layer in ends])
image = track.train.images[:1]
prepared = track.preprocess(image.astype("float32"))
seen = [keras.ops.convert_to_numpy(maps)[0] for maps in camera(prepared)]

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 5, figsize=(13, 3.4), layout="constrained")
axes[0].imshow(image[0])
axes[0].set_title("the image")
axes[0].axis("off")
for ax, stage, maps in zip(axes[1:], stages, seen, strict=True):
    height, width, channels = maps.shape
    title = f"{stage.name}: {height} x {width}, {channels} maps"
    plots.feature_maps(maps, 9, 3, title, ax=ax)

# %% [markdown]
# **Observe.** Nine maps at each depth: the channels that vary most. From left to right
# the maps shrink. At first they show the lines of the picture. Later they are coarse
# patches that we cannot read any more: *something is here*. Where is traded for what.
#
# Now choose the image and the depth yourself.
#
# **Predict.** The maps of one depth: do they all show the same, or each something
# else? And at another depth?

# %%
from tlcourse.widgets import FeatureMapViewer

names = [track.class_names[k] for k in shown.labels]
FeatureMapViewer(base, track.preprocess, shown.images, names)

# %% [markdown]
# **Observe.** At the first depth they are variations of the picture: light, dark, or
# its edges only. Deeper, the maps of one image have less and less in common. Each
# channel looks for something of its own.
#
# ## An image becomes a vector
#
# Average each map, and an image is one vector: a number for each channel. Similar
# pictures should have similar vectors.
#
# **Predict.** The base was never shown our classes. For five images, we look for
# the five others with the nearest vectors. How many will be of the same class?

# %%
pixels = keras.Input(track.input_shape)
pooled = keras.layers.GlobalAveragePooling2D()(base(track.preprocess(pixels)))
to_vector = keras.Model(pixels, pooled)
vectors = features.extract(to_vector, track.train.images)
print(vectors.shape)

# %% [markdown]
# Near means: a small angle between two vectors, once the mean of all is taken off.


# %%
def nearest(vectors, n=5):
    """For each row, the positions of the n most similar other rows."""
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=1)[:, :n]


flat_pixels = track.train.images.reshape(len(track.train), -1).astype("float32")
by_features, by_pixels = nearest(vectors), nearest(flat_pixels)

# %%
queries = np.unique(track.train.labels, return_index=True)[1][:5]
figure, axes = plt.subplots(1, 2, figsize=(12, 6), layout="constrained")
for ax, found, name in (
    (axes[0], by_features, "by features"),
    (axes[1], by_pixels, "by pixels"),
):
    rows = np.column_stack([queries, found[queries]]).ravel()
    names = [track.class_names[k] for k in track.train.labels[rows]]
    plots.tiles(track.train.images[rows], names, 6, f"Nearest {name}", ax=ax)

# %% [markdown]
# **Observe.** The first picture of each row is the question. By features, the
# neighbours mean the same thing, whatever their colour and tilt. By pixels, they
# have the same colours in the same places.
#
# A count over all images, with a third row: the same architecture, never trained.


# %%
def same_class(found):
    """Share of images whose nearest neighbour is of their class."""
    return float((track.train.labels[found[:, 0]] == track.train.labels).mean())


random_base = track.build_base(weights="random")
random_pooled = keras.layers.GlobalAveragePooling2D()(
    random_base(track.preprocess(pixels))
)
random_to_vector = keras.Model(pixels, random_pooled)
random_vectors = features.extract(random_to_vector, track.train.images)
shares = {
    "trained base": same_class(by_features),
    "raw pixels": same_class(by_pixels),
    "random base": same_class(nearest(random_vectors)),
}
plots.bars(shares, "Nearest neighbour of the same class", "share of images");

# %% tags=["nbval-check-output", "any-track"]
shares["trained base"] > 1.3 * max(shares["raw pixels"], shares["random base"])

# %% [markdown]
# **Observe.** It is the training that counts, not the architecture. And the
# training was for other classes. This is transfer, before we have trained anything.
#
# ## 📝 Exercise 4.1
#
# The base divides height and width by 32. Which shape comes out for pictures that are
# 256 pixels high and 192 wide? Set `answer` to a tuple: height, width, channels.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = (256 // 32, 192 // 32, 1280)

check("4.1", answer)

# %% [markdown]
# ## 📝 Exercise 4.2
#
# The end is not the only place to cut. Make a model from the input of `base` to the
# output of its third stage. Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.Model(base.input, stages[2].layers[-1].output)

check("4.2", answer, base=base)

# %% [markdown]
# ## 📝 Exercise 4.3
#
# At which depth are the neighbours best? Cut after each stage, pool, extract, and
# count with `same_class`. Set `answer` to a dict: a stage's name to its share.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = {}
for stage in freezing.stages(base):
    cut = keras.Model(base.input, stage.layers[-1].output)
    pooled = keras.layers.GlobalAveragePooling2D()(cut(track.preprocess(pixels)))
    stage_vectors = features.extract(keras.Model(pixels, pooled), track.train.images)
    answer[stage.name] = same_class(nearest(stage_vectors))

check("4.3", answer, base=base, whole=shares["trained base"])

# %% [markdown]
# `plots.bars(answer)` draws it. The last entry must be what we counted above. Is
# the deepest cut the best here?

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does `include_top=False` leave?
# + Feature maps: height, width, channels. | Where in the picture the network saw
#   something, and what.
# - A vector with a number for each class. | The classes went with the top.
# - A smaller picture. | Its channels are not colours any more.
#
# ? Why do the same weights fit another size of picture, once the top is gone?
# - Keras scales the picture. | Nothing scales it. The maps come out larger.
# + A filter slides over any size. | Only Flatten and Dense count positions.
# - The weights are stretched. | They were the same, number for number.
#
# ? The neighbours by features were right more often than by pixels. What does that
#   show?
# - That the base was trained on our classes. | It was never shown them.
# - That averaging maps is good. | The random base averages maps, too.
# + That the trained features carry over to new classes. | Only the training differs
#   from the random control.

# %% [markdown]
# ## What to take home
#
# - `include_top=False` leaves feature maps: where, and what.
# - Convolutions do not know the size of the picture. Flatten and Dense do.
# - Early maps show the lines of the picture, late ones coarse patches.
# - Averaged, the maps are a vector, and near vectors mean like pictures.
#
# ## Sources
#
# - Keras Applications: https://keras.io/api/applications/
# - Zeiler and Fergus 2013, Visualizing Convolutional Networks, arXiv 1311.2901.
# - Sandler et al. 2018, MobileNetV2, arXiv 1801.04381.
