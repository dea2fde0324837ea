# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 02 · Get the architecture
#
# **You will be able to** choose a network that others designed, build it, and say
# where its parameters are.
#
# 15 minutes, and 10 for the exercises · builds on lesson 01 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# ## The data at a glance
#
# Today's data are the networks themselves. Keras ships the plans of dozens of them
# as `keras.applications`. Here are seventeen: the year of the paper, the parameters
# in millions, the published accuracy on ImageNet, and the usual input, in pixels.

# %% tags=["nbval-check-output", "any-track"]
from tlcourse import bases
from tlcourse.checks import check, hint, solution

for network in bases.CATALOGUE.values():
    print(
        f"{network.name:17}{network.year:5}{network.millions:7.1f} M"
        f"{network.top1:6.1f} %{network.side:5} px"
    )

# %% [markdown]
# **Predict.** Does a network with more parameters always classify better? Look for
# a pair of rows that says no. Then look at the picture.

# %%
from tlcourse import plots

plots.catalogue(bases.CATALOGUE.values());

# %% [markdown]
# **Observe.** Up is better, left is smaller. The axis at the bottom is logarithmic.
# The dark points at the lower right are the oldest: large, and not better. Ideas
# made networks better, not size alone. Newer networks lie above older ones of their
# size.
#
# ## Two at a time
#
# Choose a network, and another one beside it. The bars are its stages: a stage is a
# row of layers that work at one resolution. Nothing is built for this. The figures
# came with the course.
#
# **Predict.** EfficientNetB3 and ConvNeXtTiny classify about equally well, and one
# has less than half the parameters of the other. Does it have fewer layers as well,
# and look at smaller pictures?

# %%
from tlcourse.widgets import CatalogueExplorer

CatalogueExplorer("EfficientNetB3", "ConvNeXtTiny")

# %% [markdown]
# **Observe.** Neither. It has far more layers, and wants larger pictures. Parameters
# are one price among several. Try pairs of your own, and look at the line about
# pixels: not all networks want the same.
#
# ## Build three of them
#
# A plan without parameters is quickly built. `weights=None` says: only the
# architecture, filled with random numbers. Nothing is fetched.

# %%
import keras

resnet = keras.applications.ResNet50(weights=None)
inception = keras.applications.InceptionV3(weights=None)
efficient = keras.applications.EfficientNetB0(weights=None)

# %% [markdown]
# **Predict.** All three end on 1,000 classes, those of ImageNet. Which one has the
# most layers, and which the most parameters?

# %% tags=["nbval-check-output", "any-track"]
for model in (resnet, inception, efficient):
    count = model.count_params()
    print(model.name, model.input_shape[1:], len(model.layers), f"{count:,}")

# %% [markdown]
# **Observe.** The order by layers is not the order by parameters. Compare the
# counts with the table above: the published figures are these, rounded.
#
# ## Read a summary
#
# Two kinds of layers fill it. A *convolution* slides a small window, its *filter*, over
# the picture. At each place it multiplies the numbers in the window by its own, and
# adds them up. What one filter finds, place by place, is a *feature map*, or *channel*.
# The next convolution looks at all these maps at once: its filters are as deep as there
# are maps. *BatchNormalization* keeps the numbers in a usual range. Lesson 05 looks
# into it.
#
# `resnet.summary()` prints every layer, and that is long. One block is enough. This
# is the first of the second group:

# %% tags=["nbval-check-output", "any-track"]
block = [layer for layer in resnet.layers if layer.name.startswith("conv2_block1")]
for layer in block:
    shape = " x ".join(str(side) for side in layer.output.shape[1:])
    print(f"{layer.name:24}{shape:16}{layer.count_params():>8,}")

# %% [markdown]
# **Observe.** Read it as a sentence. A small convolution begins (in all later blocks it
# narrows), a wider one looks around, a small one widens. Each is followed by a `bn`, a
# BatchNormalization. Convolution `0` is a side road: it carries the block's input
# past all the others, and `add` joins the two. The last column is what we are after.
#
# ## Where are the parameters?
#
# **Predict.** Two networks: VGG16 of 2014, ResNet50 of 2015. Where do most of their
# parameters sit: near the input, near the output, in the last layers? Write down a
# guess for each.
#
# A stage is a row of layers that work at one resolution. We add up each stage.
# VGG16 ends on three dense layers. To save memory we build it without them, and
# count those by hand: inputs times outputs, and one bias an output.

# %%
from tlcourse.models import freezing


def by_stage(model):
    return {stage.name: stage.parameters for stage in freezing.stages(model)}


resnet_counts = by_stage(resnet)
vgg = keras.applications.VGG16(
    include_top=False, weights=None, input_shape=(224, 224, 3)
)
vgg_counts = by_stage(vgg)

# %% tags=["nbval-check-output", "any-track"]
height, width, channels = vgg.output_shape[1:]
vgg_counts["dense 1"] = height * width * channels * 4096 + 4096
vgg_counts["dense 2"] = 4096 * 4096 + 4096
vgg_counts["dense 3"] = 4096 * 1000 + 1000
print(f"{sum(vgg_counts.values()):,}, published {bases.find('VGG16').millions} M")
# %% [markdown]
# The sum agrees with the published count. Now the picture of both.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
for ax, counts, top, name in (
    (axes[0], vgg_counts, 3, "VGG16"),
    (axes[1], resnet_counts, 1, "ResNet50"),
):
    millions = {stage: count / 1e6 for stage, count in counts.items()}
    colours = [plots.BLUE] * (len(counts) - top) + [plots.ORANGE] * top
    plots.bars(millions, name, "parameters, millions", colours=colours, ax=ax)

# %% [markdown]
# **Observe.** Orange is the top: the layers that turn features into classes. In
# VGG16, the first dense layer alone outweighs all the rest. ResNet50 averages its
# feature maps first, so its top is small. In both, the convolutions grow towards
# the output. The last layers are the ones that we shall throw away.
#
# ## How small may a picture be?
#
# **Predict.** A network halves the picture several times. What happens if there is
# too little to halve?

# %% tags=["nbval-check-output", "any-track"]
def accepts(name, side):
    constructor = getattr(keras.applications, name)
    try:
        constructor(weights=None, include_top=False, input_shape=(side, side, 3))
    except ValueError:
        return False
    return True


{name: accepts(name, 64) for name in ("MobileNetV2", "InceptionV3")}

# %% [markdown]
# **Observe.** Some plans refuse, and the catalogue knows each one's limit:
# `bases.find("InceptionV3").smallest`. Without the top, most others take any size
# from 32 pixels on. Lesson 04 says why.
#
# ## Our own base
#
# The rest of the course takes one of the smallest, so that nobody waits.

# %%
from tlcourse.course import load_track

track = load_track()
base = track.build_base(weights="random")
plots.bars(by_stage(base), f"{track.base_name}, our base", "parameters");

# %% tags=["nbval-check-output"]
track.base_name, base.input_shape[1:], base.output_shape[1:], base.count_params()

# %% [markdown]
# ## 📝 Exercise 2.1
#
# The layer `conv2_block1_2_conv` of ResNet50 slides filters of 3 x 3 pixels over 64
# channels, and gives 64 channels. How many parameters has it? Do not forget a bias
# for each channel that it gives.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 3 * 3 * 64 * 64 + 64

check("2.1", answer)

# %% [markdown]
# ## 📝 Exercise 2.2
#
# Which is the smallest network of the catalogue with a published accuracy above
# eighty percent? Set `answer` to its name.

# %% tags=["solution", "nbval-check-output", "any-track"]
good = [network for network in bases.CATALOGUE.values() if network.top1 > 80]
answer = min(good, key=lambda network: network.millions).name

check("2.2", answer)

# %% [markdown]
# ## 📝 Exercise 2.3
#
# What share of VGG16 sits in the one layer that holds most? Set `answer` to a number
# from 0 to 1.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = max(vgg_counts.values()) / sum(vgg_counts.values())

check("2.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? What does `weights=None` give?
# + The architecture, filled with random numbers. | Nothing is fetched, and nothing
#   has been learnt.
# - An error, because a network needs weights. | Keras makes random ones, the start of
#   every training.
# - The weights trained on ImageNet. | Those come with `weights="imagenet"`, and with
#   a file.
#
# ? Two networks, one with five times the parameters of the other. Which classifies
#   better?
# - The larger one. | VGG16 is larger than most others of the chart, and lies below
#   them.
# - The smaller one, because it is newer. | Newer often is better, but size says
#   nothing about age.
# + One cannot say from the count. | The chart has pairs for either case. The plan
#   counts, too.
#
# ? Where do the convolutions of ResNet50 keep most of their parameters?
# - In the first stages, where the picture is large. | Early maps are large, but few.
#   Parameters grow with the number of maps.
# + In the late stages. | There are many maps there, and a kernel has a number for
#   each pair of them.
# - Evenly, stage by stage. | The bars grow towards the output.

# %% [markdown]
# ## What to take home
#
# - An architecture is a plan. Others drew it, measured it and gave it away.
# - More parameters do not have to mean more accuracy.
# - `weights=None` gives the plan, and `count_params()` what it weighs.
# - Parameters gather towards the output, and the top goes anyway.
#
# ## Sources
#
# - Keras Applications, the published figures: https://keras.io/api/applications/
# - He et al. 2015, Deep Residual Learning, CVPR 2016.
# - Szegedy et al. 2016, Rethinking the Inception Architecture, CVPR 2016.
# - Tan and Le 2019, EfficientNet, arXiv 1905.11946.
# - Simonyan and Zisserman 2014, VGG, arXiv 1409.1556.
