# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 01 · Why transfer learning?
#
# **You will be able to** say what a large network costs to train, and what it saves
# to begin with one that others have trained.
#
# 20 minutes, and 10 for the exercises · builds on lesson 00 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# ## The data at a glance
#
# Headlines about deep learning intimidate: billions of parameters, whole libraries
# read, computers as large as halls. Here are the headlines as a table. GPT-3, of
# 2020, came in eight sizes: name, parameters in millions, layers, width. The width is
# how many numbers it holds for each *token*, a word or a piece of one.

# %% tags=["nbval-check-output", "any-track"]
sizes = {
    "Small": (125, 12, 768),
    "Medium": (350, 24, 1024),
    "Large": (760, 24, 1536),
    "XL": (1300, 24, 2048),
    "2.7B": (2700, 32, 2560),
    "6.7B": (6700, 32, 4096),
    "13B": (13_000, 40, 5140),
    "175B": (175_000, 96, 12_288),
}
for name, (millions, layers, width) in sizes.items():
    print(f"{name:8}{millions:8,} million{layers:4} layers{width:7,} wide")

# %% [markdown]
# **Predict.** We draw a bar for each. How many of the eight will you be able to see?

# %%
from tlcourse import plots
from tlcourse.checks import check, hint, solution

millions = {name: size[0] for name, size in sizes.items()}
plots.bars(millions, "GPT-3 in eight sizes", "parameters, millions", log=True);

# %% [markdown]
# **Observe.** All, but only because each step of the axis is ten times the one
# before. From the shortest bar to the longest, the network grows more than a
# thousandfold.
#
# ## Where the parameters come from
#
# A layer of such a network has about 12 times width times width parameters. So we
# can count them ourselves. **Predict.** Does that give the published figure?

# %%
shares = {
    name: 12 * layers * width**2 / (millions * 1e6)
    for name, (millions, layers, width) in sizes.items()
}
plots.bars(shares, "Counted by hand / published", "ratio");

# %% tags=["nbval-check-output", "any-track"]
vocabulary = 50_257  # words and parts of words, each a row as wide as the network
print(f"{'':8}{'counted':>9}{'published':>11}{'remainder':>11}")
for name, (millions, layers, width) in sizes.items():
    counted = 12 * layers * width**2 + vocabulary * width
    print(f"{name:8}{counted / 1e6:9,.0f}{millions:11,}{width % 64:11}")

# %% [markdown]
# **Observe.** The bars come close for the large ones. The small ones lack something:
# the table of words. With it, the counts agree. The last column is the remainder when
# the width is divided by 64. Computers like it to be 0. In one row it is not: that
# width is probably a slip in the paper, and nobody minded.
#
# ## What it read
#
# For each source: its tokens, in billions, and its share in the 300 billion tokens
# that the network was shown.
#
# **Predict.** Which source did it read more than once?

# %%
mix = {
    "Common Crawl": (410, 0.60),
    "WebText2": (19, 0.22),
    "Books1": (12, 0.08),
    "Books2": (55, 0.08),
    "Wikipedia": (3, 0.03),
}
epochs = {name: 300 * share / tokens for name, (tokens, share) in mix.items()}
plots.bars(epochs, "How often each source was read", "epochs");

# %% tags=["nbval-check-output", "any-track"]
published = (0.44, 2.9, 1.9, 0.43, 3.4)
print(f"{'epochs:':14}{'ours':>6} {'paper':>6}; share: {'paper':>6} {'needed':>7}")
for (name, ours), theirs in zip(epochs.items(), published, strict=True):
    tokens, share = mix[name]
    asked = theirs * tokens / 300
    print(f"{name:14}{ours:6.2f} {theirs:6.2f}{share:15.2f} {asked:7.3f}")

# %% [markdown]
# **Observe.** The good sources were read two or three times, the great heap of web
# pages not even once. The last column is the share that would give the epochs that the
# paper names. Rounded to two digits, it should be the paper's share. In one row it is
# not: WebText2. Papers have slips.
#
# ## How long would this computer need?
#
# Training costs about 6 additions or multiplications for each parameter and token.
# We measure what this machine can do.
#
# **Predict.** To train the largest GPT-3 alone, this computer would need a month, a
# year, a lifetime, or longer than the pyramids stand?

# %%
from tlcourse.course import machine

speed = machine.flop_per_second()
year = 365 * 24 * 3600
work = {name: 6 * size[0] * 1e6 * 300e9 for name, size in sizes.items()}
# 90 times through 1.28 million images; forward and back is three times forward.
work["ResNet50"] = 90 * 1.28e6 * 3 * 8.2e9
years = {name: flop / speed / year for name, flop in work.items()}
print(f"this machine: {speed / 1e9:,.0f} billion a second")

# %%
ax = plots.bars(years, "Training on this machine", "years", log=True)
for x, name in ((1 / 12, "month"), (1, "year"), (80, "life"), (4500, "pyramids")):
    ax.axvline(x, color="black", linestyle=":")
    ax.text(x, -0.6, name, rotation=30, va="bottom")
ax.set_title("Training on this machine", pad=45);

# %% [markdown]
# And the electricity, if it could be done:

# %%
watts = 65  # a stated guess for a small computer at work
kilowatt_hours = {name: watts * y * year / 3.6e6 for name, y in years.items()}
plots.bars(kilowatt_hours, f"Electricity, at {watts} watts", "kWh", log=True);

# %% [markdown]
# **Observe.** Find the last dotted line that the longest bar crosses. Even ResNet50, an
# image network of 2015 and small by now, keeps this machine busy for long. A household
# uses some thousand kilowatt hours a year.
#
# So we cannot. Others have done it, and gave the result away.

# %% [markdown]
# ## Let other people do the legwork
#
# **Transfer learning** begins with a network that was trained for something else. It
# has a name for each part. The *base network* was trained on a *base dataset*, for a
# *base task*. We repurpose what it learnt for a *target task*, with a *target
# dataset* that can be small.

# %% [markdown]
# Is it worth much? Ten labelled images of each class. Twice the same architecture:
# once with parameters that others trained, only the last layer ours; once from
# nothing, on the same images.
#
# **Predict.** Two curves. How far apart?

# %%
from tlcourse import training
from tlcourse.course import load_track
from tlcourse.models import heads

track = load_track()
few = track.train.few(10)
base = track.build_base()
base.trainable = False
model = heads.wrap(base, len(track.class_names), preprocess=track.preprocess)
transfer = training.train(model, few, track.validation, epochs=10, learning_rate=1e-2)

# %% [markdown]
# That was the transfer. Now from nothing, with all the help we can give.

# %%
scratch = training.train_from_scratch(
    track, few, track.validation, epochs=20 if track.name == "glyphs" else 6, every=2
)
ax = plots.curves(
    {"trained by others": transfer, "from scratch": scratch},
    title="Ten labels for each class",
)
ax.set(ylim=(0, 1));

# %% tags=["nbval-check-output", "any-track"]
best = max(transfer.history["val_accuracy"]), max(scratch.history["val_accuracy"])
best[0] > best[1] + 0.2

# %% [markdown]
# **Observe.** That distance is what this course is about. The lower curve would rise
# with thousands of labels and many hours. The upper one took seconds. Lesson 07 will
# be fairer and more exact about both.
#
# ## 📝 Exercise 1.1
#
# How many times did the training read Books1? Compute it from `mix`: 300 billion
# tokens, its share, its size. Set `answer` to the number of epochs.

# %% tags=["solution", "nbval-check-output", "any-track"]
tokens, share = mix["Books1"]
answer = 300 * share / tokens

check("1.1", answer)

# %% [markdown]
# ## 📝 Exercise 1.2
#
# What does it take to train the smallest GPT-3 on 300 billion tokens? Set `answer` to
# the number of additions and multiplications.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 6 * 125e6 * 300e9

check("1.2", answer)

# %% [markdown]
# ## 📝 Exercise 1.3
#
# Three projects. In which one is something transferred? `"a"`: a network is trained
# on the X-rays of one hospital, from random numbers. `"b"`: a network that knows
# ImageNet gets a new last layer, and that layer is trained on X-rays. `"c"`: a
# network trained on X-rays predicts for the X-rays of the next day.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = "b"

check("1.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? ImageNet classes, a network, photographs of leaves, "which tree is it". Which of
#   these is the target task?
# - The classes of ImageNet. | They belong to the base task.
# + Which tree is it. | It is what we want, with the dataset that we have.
# - The network. | The network is the base that we repurpose.
#
# ? Twice the parameters, twice the tokens. How much more training?
# - Twice as much. | Parameters and tokens multiply.
# + Four times as much. | The work is 6 times parameters times tokens.
# - Six times as much. | Six is in the formula on either side.
#
# ? Why did the network from scratch do badly here?
# - Its architecture is worse. | It is the same architecture.
# + It had too few images to learn to see from. | The base has seen far more.
# - It was too small. | It has exactly as many parameters.

# %% [markdown]
# ## What to take home
#
# - Cost can be estimated: parameters, tokens, a measured speed.
# - Almost nobody can train the large ones. Everybody can use them.
# - Base network, base task; target dataset, target task.
#
# ## Sources
#
# - Brown et al. 2020, GPT-3, arXiv 2005.14165, tables 2.1 and 2.2.
# - Kaplan et al. 2020, Scaling laws, arXiv 2001.08361 (6 for each parameter and token).
# - He et al. 2015, Deep Residual Learning, CVPR 2016.
# - Yosinski et al. 2014, How transferable are features, arXiv 1411.1792.
