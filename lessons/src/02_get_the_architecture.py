# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 02 · Get the architecture
#
# **You will be able to** choose a network that others designed, build it, and say where
# its parameters are.
#
# 15 minutes, and 10 for the exercises · builds on lesson 01 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# ## Do we need the largest?
#
# You need not invent a network: Keras ships the plans of dozens, as
# `keras.applications`. All were measured on one task, ImageNet: photographs of a
# thousand kinds of things. *Top-1* is the share of new photographs for which the
# network's likeliest class is the right one. Does every gain in accuracy cost size?

# %%
from tlcourse.widgets import predict

bigger = predict(
    "Of two networks, how often is the larger one the better one?",
    *("nearly always", "about half the time", "rarely"),
)

# %%
from tlcourse import bases, plots
from tlcourse.checks import check, hint, solution

networks = list(bases.CATALOGUE.values())
plots.catalogue(networks);

# %% [markdown]
# Up is better, left is smaller, and each step to the right costs more than it seems,
# because the axis at the bottom is logarithmic. Let us ask every pair of networks.

# %% tags=["nbval-check-output", "any-track"]
pairs = [(a, b) for a in networks for b in networks if a.millions < b.millions]
better = [a.top1 < b.top1 for a, b in pairs]
print(f"pairs in which the larger network is better: {sum(better)} of {len(pairs)}")
for a, b in pairs:
    if b.top1 < a.top1 and b.year > a.year:
        print(f"{b.name} is larger and newer than {a.name}, and yet less accurate")
share = sum(better) / len(pairs)
bigger.compare(bigger.choices[(share < 0.8) + (share < 0.2)])

# %% tags=["claim"]
assert 0.2 < share < 0.8  # size alone does not decide, and neither does age
assert any(b.top1 < a.top1 and b.year > a.year for a, b in pairs)

# %% [markdown]
# **Observe.** Neither size nor age decides alone. The plan counts, and so does what a
# network was trained *on*: ConvNeXtBase had first seen ImageNet-21k, which has many
# more photographs, while ConvNeXtTiny had seen ImageNet only. And keep in mind that
# your task is not ImageNet. The accuracy there is a first hint at which network will
# transfer well, and lesson 10 shows how you find out.
#
# ## Base, top and head
#
# Every one of them consists of two parts. The *base* turns pictures into features,
# which are numbers that describe them, and the *top* turns those into the classes of
# its own task. That task is not ours, so the top goes, and a *head* of our own takes
# its place.

# %%
from tlcourse.plots import diagrams

diagrams.base_top_head();

# %% [markdown]
# ## Two at a time
#
# The blue boxes in the picture are *stages*: rows of layers that work at one
# resolution. Choose two networks, and compare theirs. Beside each bar you read how many
# million parameters its stage has, and how high and wide its outputs, the *maps*, still
# are. The panel shows bases only: VGG16's dense layers belong to its top, so you will
# not find them here. We count them below.
#
# EfficientNetB3 has less than half the parameters of ConvNeXtTiny.

# %%
depth = predict("Which of the two has more layers?", "EfficientNetB3", "ConvNeXtTiny")

# %%
from tlcourse.widgets import CatalogueExplorer

CatalogueExplorer("EfficientNetB3", "ConvNeXtTiny")

# %% [markdown]
# Try pairs of your own, too. The same figures, added up:

# %% tags=["nbval-check-output", "any-track"]
from tlcourse.bases.catalogue import shipped_stages

layers = {
    name: sum(stage.layers for stage in shipped_stages()[name])
    for name in ("EfficientNetB3", "ConvNeXtTiny")
}
print("layers in the base:", layers)
depth.compare(max(layers, key=layers.get))

# %% tags=["claim"]
first, second = (bases.find(name).millions for name in layers)
assert 2 * first < second and layers["EfficientNetB3"] > layers["ConvNeXtTiny"]

# %% [markdown]
# **Observe.** Few parameters do not mean few layers. The panel also says that the two
# want pictures of different sizes, and the line about pixels matters in lesson 03.
#
# ## Build one
#
# A plan that nobody has trained is quickly built. `weights=None` gives you the
# architecture, with random numbers for its parameters (Keras calls them *weights*), and
# nothing is fetched.

# %% tags=["nbval-check-output", "any-track"]
import keras

resnet = keras.applications.ResNet50(weights=None)
efficient = keras.applications.EfficientNetB0(weights=None)
for model in (resnet, efficient):
    print(f"{model.name}: {model.count_params():,} parameters")
    print(f"  {len(model.layers)} layers, pictures of {model.input_shape[1:]}")

# %% [markdown]
# ## What a convolution does
#
# The layers that do the work are *convolutions*. A convolution slides a small window,
# its *filter*, over the picture. At each place it multiplies the numbers in the window
# by its own, and adds them up:

# %%
diagrams.convolution();

# %% [markdown]
# This filter answers where dark (0) meets light (9), and gives 0 where all is light.
# What one filter finds, place by place, is a *feature map*, or *channel*. The next
# convolution looks at all these maps at once, so its filters are as deep as there are
# maps. At the border the window would stick out, so the map above has become smaller;
# `padding="same"` fills up with zeros, and the map keeps its size. Between
# convolutions, *BatchNormalization* keeps the numbers in a usual range; lesson 05 looks
# into it.
#
# `resnet.summary()` would print every layer, and that is long. A stage of ResNet50
# repeats a *block* of a few layers. The convolutions of the first two are enough:

# %% tags=["nbval-check-output", "any-track"]
for layer in resnet.layers:
    block = layer.name.startswith(("conv2_block1", "conv2_block2"))
    if block and isinstance(layer, keras.layers.Conv2D):
        maps = f"{layer.input.shape[-1]:3} maps in, {layer.output.shape[-1]:3} out"
        print(layer.name, layer.kernel_size, f"{maps}: {layer.count_params():,}")

# %%
diagrams.residual_block();

# %% [markdown]
# **Observe.** Read the lines of block 2 beside the drawing: 256 maps come in, and 256
# go out. The side road carries the input past the three convolutions, and it is added
# to what they give. In block 1 fewer maps come in, so its side road needs a
# convolution, `conv2_block1_0_conv`, to make 256 of them.
#
# You can count the parameters yourself. A filter of 3 x 3 over 64 maps has 3 x 3 x 64
# numbers; 64 such filters, and a bias for each, are what `conv2_block2_2_conv` has.
#
# ## Where are the parameters?
#
# VGG16, of 2014, ends in three dense layers, and they are its top. To save memory we
# build it without them, and count those by hand: one weight for each pair of input and
# output, plus one bias per output. What is left when we throw the top away?

# %%
left = predict("What share of VGG16's parameters is in its base?", unit="%")

# %%
from tlcourse.models import freezing


def by_stage(model):
    return {stage.name: stage.parameters for stage in freezing.stages(model)}


resnet_counts = by_stage(resnet)
vgg = keras.applications.VGG16(
    include_top=False, weights=None, input_shape=(224, 224, 3)
)
vgg_counts = by_stage(vgg)

# %% [markdown]
# The first dense layer is connected to every number of the last maps, the second to the
# 4,096 numbers that the first gives, and the third gives the thousand classes.

# %% tags=["nbval-check-output", "any-track"]
height, width, channels = vgg.output_shape[1:]
vgg_counts["dense 1"] = height * width * channels * 4096 + 4096
vgg_counts["dense 2"] = 4096 * 4096 + 4096
vgg_counts["dense 3"] = 4096 * 1000 + 1000
print(f"added up: {sum(vgg_counts.values()):,}")
print(f"published: {bases.find('VGG16').millions} million")
left.compare(100 * vgg.count_params() / sum(vgg_counts.values()))

# %% [markdown]
# We added up right, so here are both networks, stage by stage. Orange is the top.

# %%
import matplotlib.pyplot as plt

_, axes = plt.subplots(1, 2, figsize=(11, 4))
rows = ((vgg_counts, 3, "VGG16"), (resnet_counts, 1, "ResNet50"))
for ax, (counts, top, name) in zip(axes, rows, strict=True):
    millions = {stage: count / 1e6 for stage, count in counts.items()}
    share = sum(list(counts.values())[-top:]) / sum(counts.values())
    colours = [plots.BLUE] * (len(counts) - top) + [plots.ORANGE] * top
    title = f"{name}: {share:.0%} in the top"
    plots.bars(millions, title, "parameters, millions", colours=colours, ax=ax)

# %% tags=["claim"]
assert 2 * vgg_counts["dense 1"] > sum(vgg_counts.values())  # outweighs all the rest
assert share < 0.1  # that of ResNet50's top
for counts, top, _ in rows:  # the convolutions grow towards the output
    grows = list(counts.values())[:-top]
    assert grows[0] == min(grows) and grows[-1] > sum(grows) / 4

# %% [markdown]
# **Observe.** In VGG16, the first dense layer alone outweighs all the rest, because it
# has a weight for every position of every map. ResNet50 averages its maps first, so its
# top is small. In both, the convolutions grow towards the output. And the orange part
# is what we shall throw away.
#
# ## How small may a picture be?
#
# A network halves the picture several times. What if there is too little to halve?

# %%
small = predict("InceptionV3, pictures of 64 x 64:", "it takes them", "it refuses")

# %% tags=["nbval-check-output", "any-track"]
said = {}
for name in ("MobileNetV2", "InceptionV3"):
    build = getattr(keras.applications, name)
    try:
        network = build(weights=None, include_top=False, input_shape=(64, 64, 3))
        said[name] = f"gives {network.output_shape[1:]}"
    except ValueError as error:
        said[name] = f"refuses: {error}"
    print(name, said[name])
tiny = [each.name for each in networks if each.smallest <= 32]
print(f"{len(tiny)} of {len(networks)} networks take 32 x 32")
small.compare("it refuses" if "refuses" in said["InceptionV3"] else "it takes them")

# %% [markdown]
# **Observe.** Keras says what it wants: read what stands after *at least*. The
# count is of those networks of our chart that take pictures as small as 32 x 32,
# if they come without their top. Lesson 04 shows why it is the top that needs a fixed
# size.
#
# ## Our own base
#
# The rest of the course takes a small one, so that nobody waits. Two arguments make it
# small: `include_top=False` leaves the top out, and `alpha` is the network's width.
# With `alpha=0.35`, every layer but the last has between a third and a half of its
# maps.

# %%
from tlcourse.course import load_track

track = load_track()

# %% tags=["nbval-check-output"]
options = {"input_shape": track.input_shape, "weights": None}
for name, more in (
    ("as published", {}),
    ("without its top", {"include_top": False}),
    ("and alpha=0.35", {"include_top": False, "alpha": 0.35}),
):
    base = keras.applications.MobileNetV2(**options, **more)
    print(f"MobileNetV2, {name}: {base.count_params():,} parameters")
print("our base turns", base.input_shape[1:], "into", base.output_shape[1:])

# %% tags=["claim"]
options |= {"include_top": False, "input_shape": track.input_shape}
wide = keras.applications.MobileNetV2(**options)
assert base.count_params() < wide.count_params() / 3

# %% [markdown]
# **Observe.** The last count is the one that you will meet in every lesson. Fewer than
# half of the maps make far fewer than half of the parameters, because width counts
# twice: there are fewer filters, and each of them is less deep.
#
# ## Bases of another kind
#
# All of these learnt from photographs with labels. Newer bases often did not. *DINOv2*
# has had no labels: it learnt to describe two views of one photograph alike. *CLIP* has
# read captions, and puts a picture near the words that describe it. Both are usually
# *transformers*: they cut a picture into patches, and let every patch look at all
# others. The package KerasHub builds them with `from_preset("...")`, which fetches the
# plan, the parameters and how to prepare a picture. The steps of this course stay the
# same: freeze, put a head on, train.

# %% [markdown]
# ## ✎ Exercise 2.1
#
# Build a convolution yourself. Let `answer` be a `keras.Sequential` of an input of 56 x
# 56 pixels in 64 channels, `keras.Input((56, 56, 64))`, and one `keras.layers.Conv2D`.
# It must have as many parameters as `conv2_block2_2_conv` above, and its maps must stay
# 56 x 56.

# %% tags=["solution", "nbval-check-output", "any-track"]
layers = [keras.Input((56, 56, 64)), keras.layers.Conv2D(64, 3, padding="same")]
answer = keras.Sequential(layers)

check("2.1", answer)

# %% [markdown]
# ## ✎ Exercise 2.2
#
# Mend this block. `layer(x)` is what the layer makes of `x`, and `keras.Model(a, b)` is
# all that leads from `a` to `b`. Run it, and read what Keras says about the shapes.
#
# ```python
# pixels = keras.Input((16, 16, 64))
# x = keras.layers.Conv2D(16, 1, activation="relu")(pixels)
# x = keras.layers.Conv2D(16, 3, activation="relu")(x)
# x = keras.layers.Conv2D(64, 1)(x)
# answer = keras.Model(pixels, keras.layers.add([pixels, x]))
# ```

# %% tags=["solution", "nbval-check-output", "any-track"]
pixels = keras.Input((16, 16, 64))
x = keras.layers.Conv2D(16, 1, activation="relu")(pixels)
x = keras.layers.Conv2D(16, 3, activation="relu", padding="same")(x)
x = keras.layers.Conv2D(64, 1)(x)
answer = keras.Model(pixels, keras.layers.add([pixels, x]))

check("2.2", answer)

# %% [markdown]
# ## ✎ Exercise 2.3
#
# Choose for a project: the fewest parameters, a published figure for top-1 above
# eighty, and pictures of 64 x 64 pixels have to be allowed. Each network of `networks`
# has `name`, `millions`, `top1` and `smallest`. Set `answer` to its name.

# %% tags=["solution", "nbval-check-output", "any-track"]
good = [each for each in networks if each.top1 > 80 and each.smallest <= 64]
answer = min(good, key=lambda each: each.millions).name

check("2.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does `weights=None` give?
# - The plan, and an error as soon as you use it. | Keras makes random numbers, the
#   start of every training.
# + The plan, and random numbers in each layer. | Nothing is fetched, and nothing has
#   been learnt.
# - The plan, and the weights of its authors. | Those come with `weights="imagenet"`, or
#   with a file.
#
# ? Two networks, one with five times the parameters of the other. Which classifies
#   better?
# - The larger one, because it can remember more. | VGG16 is larger than most others of
#   the chart, and lies below nearly all of them.
# - The smaller one, because it is less prone to overfit. | In about half of the pairs
#   the larger one is better.
# + Either may, because plans and data differ, too. | The chart has pairs for both.
#
# ? Where do the convolutions of ResNet50 keep most of their parameters?
# - In the first stages, where the picture is large. | Early maps are large, but few.
#   Parameters grow with the number of maps.
# + In the late stages, where there are many maps. | There are more filters, and each of
#   them is deeper.
# - In all stages alike, as the blocks are alike. | The bars grow towards the output.
#
# ? MobileNetV2 is published with 3.5 million parameters, and our base has a ninth of
#   them. Why?
# - Because it takes small pictures. | Filters slide, so their number does not depend on
#   the picture.
# + Because it is narrower and has no top. | That is `alpha=0.35` and
#   `include_top=False`.
# - Because it is not trained yet. | The count is the plan's. Training changes values.

# %% [markdown]
# ## On your own
#
# In a project you would look at a plan before you fetch anything. This cell needs
# nothing of the course: change the name, and see what you would get.

# %% tags=["own"]
import keras

my_build = keras.applications.DenseNet121
whole = my_build(weights=None)
my_base = my_build(input_shape=(96, 96, 3), include_top=False, weights=None)
# weights="imagenet" if you are online

print(f"layers in the base:     {len(my_base.layers)}")
print(f"parameters in the base: {my_base.count_params():,}")
print(f"parameters in the top:  {whole.count_params() - my_base.count_params():,}")
print(f"a picture {my_base.input_shape[1:]} becomes {my_base.output_shape[1:]}")

by_height = {}  # layers whose maps are equally high belong to one stage
for layer in my_base.layers:
    if layer.weights:
        side = layer.output.shape[1]
        by_height[side] = by_height.get(side, 0) + layer.count_params()
print("parameters by the height of the maps:", by_height)

# %% [markdown]
# ## What to remember
#
# - An architecture is a plan. Others drew it, measured it and gave it away.
# - More parameters do not have to mean more accuracy, and ImageNet is not your task.
# - `weights=None` gives the plan, and `count_params()` says how large it is.
# - `include_top=False` leaves out the part that belongs to somebody else's classes.
#
# Next: [03 · Get the parameters](03_get_the_parameters.ipynb)
#
# ## Sources
#
# - Keras Applications, the published figures: https://keras.io/api/applications/
# - He et al. 2015, Deep Residual Learning, CVPR 2016.
# - Szegedy et al. 2016, Rethinking the Inception Architecture, CVPR 2016.
# - Tan and Le 2019, EfficientNet, arXiv 1905.11946.
# - Simonyan and Zisserman 2014, VGG, arXiv 1409.1556.
# - Sandler et al. 2018, MobileNetV2, CVPR 2018.
# - Oquab et al. 2023, DINOv2, arXiv 2304.07193.
# - Radford et al. 2021, CLIP, arXiv 2103.00020.
# - Liu et al. 2022, ConvNeXt, arXiv 2201.03545.
# - KerasHub: https://keras.io/keras_hub/
