# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 14 · A million images
#
# **You will be able to** pass more images through a network than a machine holds, and
# say beforehand how long it takes, on how many machines, and how much disk it needs.
#
# 15 minutes, and 10 for the exercises · builds on lesson 10 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from tlcourse import features, plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.features import shards, sources

track = load_track()
here = pathlib.Path(tempfile.mkdtemp())  # what we write goes here

# %% [markdown]
# ## The data at a glance
#
# We have no million images, and need none. A few hundred tell us how fast this machine
# is. The rest is arithmetic.

# %%
images, names = track.train, track.class_names
print(images.describe())
plots.tiles(images.images[:8], [names[k] for k in images.labels[:8]]);

# %% [markdown]
# ## As in lesson 10
#
# A frozen base with pooling, and all images passed through once.
#
# **Predict.** How many images does this machine pass through in a second?

# %%
to_vector = training.embedder(track)
features.extract(to_vector, images.images)  # the first time is slow

start = time.perf_counter()
vectors = features.extract(to_vector, images.images)
at_hand = len(images) / (time.perf_counter() - start)
print(f"{at_hand:,.0f} images a second")

# %% [markdown]
# **Predict.** The images lay in memory, and so do the features. Would a million?

# %%
million, billion = 10**6, 10**9
image_bytes, vector_bytes = images.images[0].nbytes, vectors[0].nbytes
for what, size in {"pixels": image_bytes, "features": vector_bytes}.items():
    print(f"{what}: {size:,} bytes, for a million {million * size / 1e9:,.1f} GB")

# %% [markdown]
# **Observe.** Lesson 10 needs all the pixels at once. From some number on, that is more
# than a machine has. And if it breaks in the last minute, all is lost.
#
# ## Cut it into shards
#
# The cure is old. Cut the images into stretches. Compute each one alone, and write its
# features to a file of its own: a *shard*. Three rules make it safe.
#
# - **Place.** The number of a shard says which images are in it. So any worker may take
#   any shard, and nobody has to ask.
# - **Key.** Each row carries the name of its image. Order no longer matters.
# - **Whole or not there.** A shard is written under another name, and renamed at the
#   end. What is there is right, and need not be computed again.
#
# `shards.begin_job` writes the job down: network, where the images are, how they are
# cut.

# %%
folder = here / "job"
job = shards.begin_job(to_vector, sources.DatasetSource(images), folder, shard_size=50)
print(*sorted(path.name for path in folder.iterdir()), sep="\n")
print(job.n_shards, "shards")

# %% [markdown]
# Then somebody has to do it. *Apache Beam* is a library that spreads work over
# processes or machines; `|` means "and then". This is all of it:
#
# ```python
# with beam.Pipeline(options=options) as pipeline:
#     (
#         pipeline
#         | beam.Create(missing)  # numbers of shards
#         | beam.Reshuffle()  # any worker may take any
#         | beam.ParDo(ComputeShard(folder))  # read, pass through, write
#     )
# ```
#
# The pipeline says what is to be done. A *runner* decides where: in this process, on a
# Flink or Spark cluster, at a cloud provider. `shards.compute_with_beam` builds this
# pipeline. You need not have Beam: without it, `shards.compute_here` does the same in a
# loop. In the folder of the course, `.venv/bin/python -m pip install -e ".[scale]"`
# installs it, 350 MB. Then restart the kernel.

# %%
run = shards.compute_with_beam if shards.has_beam() else shards.compute_here
print("Apache Beam:", "yes" if shards.has_beam() else "not installed; a loop instead")
print(run(folder))

# %% [markdown]
# **Predict.** The network travelled as a file, and the images in stretches. Are these
# the features of lesson 10?

# %% tags=["nbval-check-output", "any-track"]
found = shards.load_features(folder)
print("the same features:", np.allclose(found.features, vectors, rtol=0, atol=1e-6))
print("the same labels:", np.array_equal(found.labels, images.labels))
print("one key for each image:", len(set(found.keys)) == len(images))

# %% [markdown]
# **Observe.** To six decimals. And a shard needs no special reader: `np.load` opens it.
#
# ## A worker dies
#
# If a machine breaks once in three years, then of a thousand, one breaks every day. So
# let us break one. Another process takes the same job, in smaller shards. After the
# first few, we end it the hard way. (On Linux this is `kill -9`: it cannot even say
# goodbye.)
#
# **Predict.** What is lost?

# %%
broken = here / "broken"
job = shards.begin_job(to_vector, sources.DatasetSource(images), broken, shard_size=10)
code = "import sys, tlcourse; tlcourse.start(); from tlcourse.features import shards; "
command = [sys.executable, "-c", code + "shards.compute_here(sys.argv[1])", broken]
start = time.perf_counter()
worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)


def wait_for(n):
    while worker.poll() is None and job.n_shards - len(job.missing()) < n:
        time.sleep(0.01)


wait_for(1)
first = time.perf_counter() - start
wait_for(5)
worker.kill()
print("exit code", worker.wait())
print(job.n_shards - len(job.missing()), "of", job.n_shards, "shards are there")

# %% [markdown]
# **Observe.** What was finished is there. What it was busy with is lost: one shard at
# the most. And nobody can mistake a part for the whole:

# %%
try:
    shards.load_features(broken)
    print("It was faster than we were. Run the cell above again, after `broken`.")
except ValueError as error:
    print(str(error).replace(str(here), "..."))

# %% [markdown]
# Exercise 14.3 goes on from here. (With `workers=2`, `run` starts two processes, and
# replaces one that dies.)
#
# ## Where the time goes
#
# Real images are files. We write ours as JPEG, with a slip among them, as it happens in
# a million.

# %%
photos = here / "photos"
for k, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
    place = photos / names[label]
    place.mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(place / f"{k:04}.jpg", image, scale=False)
jpeg_bytes = sum(path.stat().st_size for path in photos.glob("*/*.jpg")) / len(images)
(place / "broken.jpg").write_bytes(b"\xff\xd8 the rest was lost")

source = sources.FolderSource(photos, track.input_shape[:2])
shards.begin_job(to_vector, source, here / "from_files", shard_size=100)
print(run(here / "from_files"))

# %% tags=["nbval-check-output", "any-track"]
found = shards.load_features(here / "from_files")
print("images:", len(found.keys) == len(images), "- skipped:", len(found.skipped))

# %% [markdown]
# **Predict.** What takes longest: to read a file, to pass it through, or to write?

# %%
print(*found.skipped, found.keys[:3], sep="\n")
parts = list(shards.iterate_shards(here / "from_files"))[1:]  # the first one is slow
n = sum(len(part.keys) for part in parts)
each = {k: 1000 * sum(part.seconds[k] for part in parts) / n for k in found.seconds}
plots.bars(each, "Where the time goes", "milliseconds an image");

# %% [markdown]
# **Observe.** The slip has stopped nobody, and is named. The longest bar is what to
# work on. If it is `network`, more or faster processors help. If it is `read`, they
# wait, and a nearer disk or smaller files help. If it is `write`, try larger shards.
# (We leave the first shard out: in it, Keras prepares the network.)
#
# ## On paper
#
# **Predict.** A million images on this machine: minutes, hours or days? And a billion?

# %%
rate = 1000 / sum(each.values())  # images a second, from files to features
for name, n in {"a million": million, "a billion": billion}.items():
    hours = n / rate / 3600
    print(f"{name}: {hours:,.1f} hours here, or {hours / 24:,.2f} days")

# %%
machines = np.logspace(0, 4)
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for k, (name, n) in enumerate({"a million": million, "a billion": billion}.items()):
    ax.loglog(machines, n / rate / 3600 / machines, color=plots.COLOURS[k], label=name)
for name, hours in {"an hour": 1, "a night": 12, "a year": 24 * 365}.items():
    ax.axhline(hours, color="grey", linewidth=0.8)
    ax.text(machines[-1], hours, name, ha="right", va="bottom")
ax.set(title="Images, machines and patience", xlabel="machines like this one")
ax.set_ylabel("hours")
ax.legend();

# %% [markdown]
# **Observe.** Read it along a grey line: how many machines make it in that time. The
# lines are straight, because no shard waits for another. In truth they bend to the
# right, where disk or network cannot feed so many. The work never gets less: ten
# machines in an hour cost what one costs in ten.
#
# And the disk? Features are computed once and kept, so their size counts.

# %%
sizes = {"pixels": image_bytes, "JPEG files": jpeg_bytes, "features": vector_bytes}
sizes["features, float16"] = vector_bytes / 2
gigabytes = {name: million * size / 1e9 for name, size in sizes.items()}
plots.bars(gigabytes, "A million images, and their features", "GB");

# %% [markdown]
# **Observe.** Small pictures can be smaller than their features. Features do not grow
# with the pictures; they have one number for each channel of the last layer.
#
# ## When it is not worth it
#
# A worker has to start, and to load the network, before its first image. We have
# measured that above.

# %%
print(f"to the first shard: {first:.1f} s")
print(f"meanwhile, {at_hand * first:,.0f} images could have passed here")

# %% [markdown]
# **Observe.** For fewer images than that, a second process is a loss. A cluster costs
# you an afternoon before it computes anything. So, in this order: does
# `features.extract(..., cache=True)` do? Would shards on this machine do, overnight?
# Only then more machines. They need a disk that all of them see, and a runner.
#
# ## 📝 Exercise 14.1
#
# A billion images, and it is to be done in twelve hours. Set `answer` to the number of
# machines like this one that it takes. `rate` is images a second.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = math.ceil(billion / rate / (12 * 3600))

check("14.1", answer, rate=rate)

# %% [markdown]
# ## 📝 Exercise 14.2
#
# Shards of 10,000 images, features as float32. How many bytes does a file have, nearly?
# `vectors.shape` says how many numbers belong to an image.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 10_000 * vectors.shape[1] * 4

check("14.2", answer, width=vectors.shape[1])

# %% [markdown]
# ## 📝 Exercise 14.3
#
# Finish the job in `broken`, and look at what `run` returns. Set `answer` to the number
# of shards that it computed now.

# %%
before = job.missing()  # what the dead worker has left

# %% tags=["solution"]
report = run(broken)

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = report.computed

check("14.3", answer, before=before, job=job)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why does each row carry a key?
# - The network needs it. | It sees pixels only.
# + Workers finish in any order, and pictures can be skipped. | A label found by
#   position would slip by one.
# - It makes reading faster. | It makes reading safe.
#
# ? Why is a shard renamed at the end?
# + Whoever dies while writing leaves no file that looks finished. | A rename happens or
#   does not happen.
# - To sort the files. | The number does that.
# - So that two workers never take the same one. | They may. Both write the same.
#
# ? What is a runner?
# - The process that reads the images. | That is a worker.
# - A faster network. | The arithmetic is the same.
# + What carries a pipeline out, on one machine or on many. | The pipeline stays as it
#   is.

# %% [markdown]
# ## What to take home
#
# - Cut, compute each stretch alone, write it whole, under a name that is known before.
# - Then a death costs one shard, and going on is to run it again.
# - Measure a few hundred images, and plan the rest on paper.
# - Most data need one machine and a night.
#
# ## Sources
#
# - Dean and Ghemawat 2004, MapReduce, OSDI.
# - Akidau et al. 2015, The Dataflow Model, VLDB 8(12).
# - Apache Beam, programming guide: https://beam.apache.org/documentation/
