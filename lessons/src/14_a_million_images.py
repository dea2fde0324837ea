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
import psutil

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.features import shards, sources
from tlcourse.widgets import predict

track, here = load_track(), pathlib.Path(tempfile.mkdtemp())  # what we write goes here

# %% [markdown]
# ## When is it too much?
#
# Lesson 10 had all its images in memory. That is the simplest way, as long as it works.
# An image takes one byte for each colour of each pixel.

# %%
most = predict("How many of our images fit into this machine's memory?", unit="million")

# %%
images, image_bytes = track.train.images, track.train.images[0].nbytes
memory = psutil.virtual_memory().total
print(f"an image {image_bytes:,} bytes, the memory {memory / 1e9:.0f} GB")
most.compare(memory / image_bytes / 1e6)

# %% [markdown]
# Beyond that, and wherever a machine may break before it has finished, we have to cut.
# But how long would a million take? We have no million
# images, and need none: a few hundred tell us how fast this machine is.

# %%
fast = predict("How fast do images pass through the base?", unit="images per second")

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
pool = keras.layers.GlobalAveragePooling2D()
embed = keras.Sequential([keras.Input(track.input_shape), scale, base, pool])
embed.predict(images, verbose=0)  # the first time is slow, as Keras compiles
start = time.perf_counter()
vectors = embed.predict(images, verbose=0)
at_hand = len(images) / (time.perf_counter() - start)
fast.compare(at_hand)

# %% [markdown]
# ## Cut it into shards
#
# Cut the images into stretches, compute each one alone, and write its features to a
# file of its own, a *shard*. Three rules make it safe.
#
# - **Place.** The number of a shard says which images are in it, so any worker may take
#   any shard and nobody has to ask.
# - **Key.** Each row carries the name of its image, so order does not matter any more.
# - **Whole or not there.** A shard is written under another name and renamed at the
#   end. What is there is whole, and need not be computed again.

# %%
def path(k):
    return here / f"shard-{k:05}.npz"


def compute_shard(k):
    at = range(len(images))[50 * k : 50 * (k + 1)]
    found = embed.predict(images[at.start : at.stop], verbose=0)
    partial = pathlib.Path(tempfile.mkdtemp(dir=here), "shard.npz")  # each its own
    np.savez(partial, features=found, keys=[f"image {j}" for j in at])
    partial.replace(path(k))


missing = [k for k in range(math.ceil(len(images) / 50)) if not path(k).exists()]
for k in missing:
    compute_shard(k)

# %% [markdown]
# Run that cell again, and it has nothing left to do. A shard needs no special reader:

# %% tags=["nbval-check-output", "any-track"]
with np.load(path(1)) as shard:
    print("keys:", *shard["keys"][:3], "...")
    difference = np.abs(shard["features"] - vectors[50:100]).max()
print(f"largest difference from the vectors above: {difference:.3f}")

# %% [markdown]
# ## Many workers
#
# *Apache Beam* is a library that spreads work over processes or machines; `|` means
# "and then". With the names from above, it is this much:
#
# ```python
# with beam.Pipeline() as pipeline:
#     (
#         pipeline
#         | beam.Create(missing)  # numbers of shards
#         | beam.Reshuffle()  # any worker may take any
#         | beam.Map(compute_shard)  # read, pass through, write
#     )
# ```
#
# The pipeline says what is to be done; a *runner* decides where: in this process, on a
# cluster, at a cloud provider. For other machines, network and images have to be in
# files, so `shards.begin_job` writes the job down. Beam is not needed here: if you have
# it (`pip install -e ".[scale]"`, 350 MB), the next cell uses it, and if not,
# `shards.compute_here` does the same in a loop. A bar may stand still at first, because
# workers take some seconds to start.

# %%
job_at, source = here / "job", sources.DatasetSource(track.train)
shards.begin_job(embed, source, job_at, shard_size=50)
run = shards.compute_with_beam if shards.has_beam() else shards.compute_here
print(run.__name__, run(job_at), sep=": ")

# %% tags=["nbval-check-output", "any-track"]
found = shards.load_features(job_at)
print("as above:", "yes" if np.allclose(found.features, vectors, atol=1e-4) else "no")

# %% [markdown]
# ## A worker dies
#
# If a machine breaks once in three years, then among a thousand, about one breaks every
# day. So let us break one. Another process takes the same job in smaller shards, and
# after five of them we end it the hard way: it cannot even say goodbye.

# %%
lost = predict("What is lost?", "everything", "one shard at most", "the last five")

# %%
broken = here / "broken"
job = shards.begin_job(embed, source, broken, shard_size=10)
code = "import sys, tlcourse; tlcourse.start(); from tlcourse.features import shards; "
command = [sys.executable, "-c", code + "shards.compute_here(sys.argv[1])", broken]
start = time.perf_counter()
worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
while worker.poll() is None and job.n_shards - len(job.missing()) < 5:
    if len(job.missing()) == job.n_shards:  # none is there yet
        to_first = time.perf_counter() - start
    time.sleep(0.01)
finished = job.n_shards - len(job.missing())
worker.kill()
worker.wait()
there = job.n_shards - len(job.missing())
print(f"shards finished: {finished}, there: {there}; to the first: {to_first:.1f} s")
lost.compare("one shard at most" if there >= finished else "the last five")

# %% tags=["claim"]
assert finished <= there < job.n_shards
try:
    shards.load_features(broken)
except ValueError as error:
    assert f"Received: {there} that are whole" in str(error)
else:
    raise AssertionError("the part was mistaken for the whole")

# %% [markdown]
# **Observe.** What was finished is there, and only what it was busy with is gone.
# Nobody can mistake the part for the whole: call `shards.load_features(broken)`, and it
# refuses, and says how many of them are there. Exercise 14.3 goes on from here.
#
# ## Where the time goes
#
# Real images are files. We write ours as JPEG, with a broken one among them, as happens
# in a million, and let the job read them.

# %%
slowest = predict("What takes longest per image?", "read", "network", "write")

# %%
photos, names = here / "photos", track.class_names
for k, (image, label) in enumerate(zip(images, track.train.labels, strict=True)):
    place = photos / names[label]
    place.mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(place / f"{k:04}.jpg", image, scale=False)
jpeg_bytes = sum(file.stat().st_size for file in photos.glob("*/*.jpg")) / len(images)
(place / "broken.jpg").write_bytes(b"\xff\xd8 the rest was lost")
files = sources.FolderSource(photos, track.input_shape[:2])
shards.begin_job(embed, files, here / "from_files", shard_size=100)
print(run(here / "from_files"))

# %% [markdown]
# Each shard notes how long its three steps took. We take the median of the shards,
# since the first one of each worker is slow: there Keras compiles the network.

# %%
parts = list(shards.iterate_shards(here / "from_files"))
times = {k: [1000 * x.seconds[k] / len(x.keys) for x in parts] for k in slowest.choices}
each = {k: float(np.median(times[k])) for k in times}
plots.bars(each, "Where the time goes", "milliseconds per image")
print(*shards.load_features(here / "from_files").skipped)
slowest.compare(max(each, key=each.get))

# %% tags=["claim"]
assert "broken.jpg" in str(shards.load_features(here / "from_files").skipped)

# %% [markdown]
# **Observe.** The broken file stopped nothing, and is reported. The longest bar is what
# to work on. If it is `network`, more or faster processors help. If it is `read`, they
# wait, and a nearer disk or smaller files help. If it is `write`, try larger shards.
#
# ## On paper

# %%
long = predict("How long would one such worker take for a million?", unit="hours")

# %%
million, billion = 10**6, 10**9
rate = 1000 / sum(each.values())  # images per second, from files to features
print(f"{rate:,.0f} images per second")
long.compare(million / rate / 3600)

# %% [markdown]
# Now the same for more machines, each with one such worker, and for a billion. We
# assume that no shard waits for another, because each is computed alone. No machine
# begins before its worker has started, which we measured above.

# %%
machines = np.logspace(0, 4)
figure, ax = plt.subplots(figsize=(7, 4))
for name, n in {"a million": million, "a billion": billion}.items():
    hours = (to_first + n / rate / machines) / 3600  # no machine begins sooner
    (line,) = ax.loglog(machines, hours)
    ax.text(1.4, hours[0], name, color=line.get_color(), va="bottom")
for name, hours in {"to start": to_first / 3600, "an hour": 1, "a day": 24}.items():
    ax.axhline(hours, color="grey", linewidth=0.8)
    ax.text(machines[-1], hours, name, ha="right", va="top" if hours < 1 else "bottom")
ax.set(xlabel="machines like this one", ylabel="hours", ymargin=0.12)
ax.set_title(f"Ten times the machines, a tenth of the time, down to {to_first:.0f} s");

# %% [markdown]
# **Observe.** Each step along an axis is ten times as much. Choose a time, a grey line:
# where it meets a coloured line, read the number of machines below. The lines fall
# straight, until the start of a worker takes most of the time, as on the right of the
# lower one. The work never gets less: ten machines for one hour cost the same as one
# machine for ten, plus their starts.
#
# And the disk? Features are computed once and kept, so their size counts.

# %%
sizes = {"pixels": image_bytes, "JPEG files": jpeg_bytes}
sizes |= {"features": vectors[0].nbytes, "features, float16": vectors[0].nbytes / 2}
gigabytes = {name: million * size / 1e9 for name, size in sizes.items()}
plots.bars(gigabytes, f"A million: {gigabytes['features']:.1f} GB of features", "GB");

# %% [markdown]
# **Observe.** As JPEG files, small pictures may take less room than their features, and
# large ones take more. That is because features do not grow with the pictures: there is
# one number for each channel of the last layer. Two bytes for each,
# `features.astype("float16")`, are half of the room; whether they are as good, a probe
# tells (lesson 10).
#
# ## When it is not worth it
#
# A worker has to start, load the network and compile it before its first shard is
# there. In that time,
# many images could have passed here already:

# %%
print(f"in {to_first:.1f} s, {at_hand * to_first:,.0f} images pass through here")

# %% [markdown]
# For fewer images than that, a second process is a loss, and a cluster costs you an
# afternoon before it computes anything. So ask in this order: is lesson 10's way
# enough? Would shards on this machine do, overnight? Only then take more machines. They
# need a disk that all of them see, and a runner.
#
# ## ✎ Exercise 14.1
#
# A billion images, and it is to be done in twelve hours. Set `answer` to the number of
# machines like this one that it takes, all of which have started already. `rate` is in
# images per second.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = math.ceil(billion / rate / (12 * 3600))

check("14.1", answer, rate=rate)

# %% [markdown]
# ## ✎ Exercise 14.2
#
# Two workers have finished in their own order. The row `mixed[k]` belongs to the image
# at position `keys[k]`. Set `answer` to the features in the order of the images.

# %%
keys = np.random.default_rng(0).permutation(len(vectors))
mixed = vectors[keys]

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = np.empty_like(mixed)
answer[keys] = mixed

check("14.2", answer, mixed=mixed, keys=keys)

# %% [markdown]
# ## ✎ Exercise 14.3
#
# Finish the job in `broken` with `run`, as above. What `run` returns is a report, with
# the attributes `shards`, all there are, and `computed`. Set `answer` to the number of
# shards that it computed now.

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
# - So that the network knows which image it sees. | It sees pixels only.
# + So that labels fit, in whatever order rows come. | Workers finish in any order, and
#   pictures may be skipped.
# - So that a single image is found faster. | It is safety, not speed.
#
# ? Why is a shard renamed at the end?
# + So that half a file never looks like a whole one. | A rename happens, or not.
# - So that the files are sorted by their numbers. | Their names do that anyway.
# - So that two workers never compute the same one. | They may. Both write the same.
#
# ? Ten machines do in one hour what one does in ten. What do they cost?
# - A tenth, because they are done so much sooner. | Each hour of each machine is paid.
# + About the same, and a little more for starting. | The work does not get less.
# - Ten times as much, because there are ten of them. | But each for an hour only.

# %% [markdown]
# ## On your own
#
# The same loop with another network, in a program that you may stop and start again. It
# never holds more than one stretch of the images: `mmap_mode="r"` leaves them on the
# disk. If you put in a folder that exists, it goes on where it stopped.

# %% tags=["own"]
import pathlib
import tempfile

import keras
import numpy as np

folder, my_size = pathlib.Path(tempfile.mkdtemp()), 16  # or a folder of yours
if not (folder / "images.npy").exists():  # yours, or these to try it
    np.save(folder / "images.npy", np.random.randint(0, 256, (48, 64, 64, 3)))
my_images = np.load(folder / "images.npy", mmap_mode="r")
keras.utils.set_random_seed(0)  # the same random weights after each start
network = keras.applications.MobileNetV3Small(
    (64, 64, 3), include_top=False, weights=None, pooling="avg"
)  # weights="imagenet" if you are online
for first in range(0, len(my_images), my_size):
    my_path = folder / f"shard-{first:06}.npy"
    if not my_path.exists():
        my_found = network.predict(my_images[first : first + my_size], verbose=0)
        np.save(folder / "partial.npy", my_found)
        (folder / "partial.npy").replace(my_path)
features = np.concatenate([np.load(x) for x in sorted(folder.glob("shard-*"))])
print("features:", features.shape)

# %% [markdown]
# ## What to remember
#
# - Cut, compute each stretch alone, and write it whole, under a name known before.
# - Then a death costs a shard at most, and going on means running it again.
# - Measure a few hundred images, and plan the rest on paper, the start included.
# - One machine may well be enough: work out its hours before you rent more.
#
# Next: [15 · Words](15_words.ipynb)
#
# ## Sources
#
# - Dean and Ghemawat 2004, MapReduce, OSDI.
# - Akidau et al. 2015, The Dataflow Model, VLDB 8(12).
# - Apache Beam, programming guide: https://beam.apache.org/documentation/
