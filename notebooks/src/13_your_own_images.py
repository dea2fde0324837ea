# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 13 · Your own images
#
# **You will be able to** teach a network classes of your own, look at its mistakes, and
# use it outside the course.
#
# 15 minutes, and 15 for the exercises · builds on lessons 07 and 10 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %%
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np

from tlcourse import data, features, plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.data import sketches, symbols
from tlcourse.models import heads
from tlcourse.teachable import GrowingClassifier
from tlcourse.widgets import TeachingPanel

track = load_track()
size = track.input_shape[:2]
folder = pathlib.Path(tempfile.mkdtemp())  # what we write goes here

# %% [markdown]
# ## The data at a glance
#
# Yours are still to be made. Until then, here are symbols that a few lines of code
# draw, each time a little different. The base has never seen them.

# %%
drawings = symbols.dataset(range(2), size)
print(drawings.describe())
plots.tiles(drawings.images, [drawings.class_names[k] for k in drawings.labels]);

# %% [markdown]
# ## Draw
#
# **Predict.** How many drawings of each symbol does a network need that has never seen
# one?
#
# Type a name and press `New class`. Draw on the pad, and press the button of the class.
# Then the next class. From two classes on, the network answers every drawing before
# you tell it what it is.
#
# You would rather not draw? Take ready-made drawings, from the list below the pad. Or
# choose the camera, or files, under `picture`. Several files are answered at once.

# %%
classifier = GrowingClassifier(training.embedder(track))
panel = TeachingPanel(classifier)
panel

# %% [markdown]
# The next cell adds three classes, with six drawings each. Yours stay. Look at the
# panel again afterwards, and draw a star.

# %%
for name in ("star", "spiral", "fish"):
    if name not in classifier.examples:
        classifier.add_class(name)
        seconds = classifier.add(name, symbols.draw(name, range(10, 16), size))
        print(name, f"learnt in {seconds:.2f} s" if seconds else "is alone", sep=": ")
panel.refresh()

# %% [markdown]
# **Observe.** It learns anew after every drawing, and nobody waits. You know both
# halves of the trick. The base is asked only once for each drawing (lesson 10). What
# learns is a wrapper (lesson 07). In Keras, it is this:

# %%
mine = classifier.dataset()
vectors = features.extract(classifier.embed, mine.images)
softmax = keras.layers.Dense(len(mine.class_names), activation="softmax")
head = keras.Sequential([keras.Input(vectors.shape[1:]), softmax])
head.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
head.fit(vectors, mine.labels, epochs=60, verbose=0)
print(mine.describe())

# %% [markdown]
# How good is it on new drawings? We measure with all eight symbols, five times, and
# with the controls that you know.

# %%
pool, new = symbols.dataset(range(100, 110), size), symbols.dataset(range(15), size)
counts, tables = (1, 2, 4, 6), {}
for kind in ("features", "random", "pixels"):
    two = [(training.vectors(track, each, kind), each) for each in (pool, new)]
    tables[kind] = training.probe_sweep(*two, counts)
plots.label_curves(counts, tables, "Eight symbols, new drawings");

# %% tags=["nbval-check-output", "any-track"]
means = {kind: table.mean(axis=1) for kind, table in tables.items()}
print("six drawings are enough:", means["features"][-1] > 0.9)
for kind in ("random", "pixels"):
    print("features are better than", kind, (means["features"] > means[kind]).all())

# %% [markdown]
# **Observe.** A few drawings are enough. The base has never seen a fish, but it knows
# lines and corners. Raw pixels come nearer the more drawings there are: in the middle
# of white paper, these are easy pictures. With one drawing each, the base is far ahead.
# (`random` is the same architecture with random numbers.)
#
# ## Sure of what?
#
# **Predict.** Somebody draws a cup. The network knows no cups. What does it say, and
# how sure is it?

# %%
cups = symbols.draw("cup", range(20), size)
sure = [max(classifier.predict(cup).values()) for cup in cups]
print(f"{len(cups)} cups: {np.mean(sure):.0%} sure on average")
plots.bars(classifier.predict(cups[0]), "The first cup", "probability");

# %% [markdown]
# **Observe.** The probabilities add up to one, whatever comes. "None of these" is not
# among the answers. Exercise 13.1 will give it one.
#
# ## A folder
#
# The most usual way in: a folder, and in it one folder of images for each class. Here
# we make one, with two slips, as they happen.

# %%
few = track.train.few(20)
for k, (image, label) in enumerate(zip(few.images, few.labels, strict=True)):
    place = folder / "photos" / few.class_names[label]
    place.mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(place / f"{k:03}.png", image, scale=False)
(place / "broken.jpg").write_bytes(b"\xff\xd8 the rest was lost")
(place / "notes.txt").write_text("take more pictures on Monday")

photos, report = data.load_folder(folder / "photos", size)
print(str(report).replace(str(folder), "..."))

# %% [markdown]
# **Observe.** What could not be read is named, with the reason. Nothing is lost without
# a word. For a folder of your own, write its path in quotes in place of
# `folder / "photos"`, such as `"/home/ann/leaves"`. Run that cell and the next ones.
#
# Which track suits it? For drawings and writing, `glyphs`: its base knows characters.
# For photographs, `flowers`: its base knows photographs. Lesson 00 fetches it.
#
# Now as in lesson 07: hold some back, wrap, train.

# %%
learn, held_out = data.split(photos, [3 * len(photos) // 4, len(photos) // 4])
names = photos.class_names
base = track.build_base()
base.trainable = False
model = heads.wrap(base, len(names), preprocess=track.preprocess)
training.train(model, learn, held_out, epochs=10, learning_rate=5e-3);

# %% [markdown]
# **Predict.** Where will it be wrong: on poor pictures, or on good ones?

# %%
shares = model.predict(held_out.images, verbose=0)
said, sure = shares.argmax(axis=1), shares.max(axis=1)
wrong = np.flatnonzero(said != held_out.labels)
worst = wrong[np.argsort(-sure[wrong])][:8]
told = [f"{names[said[k]]}?\n{names[held_out.labels[k]]}" for k in worst]
print(f"{len(wrong)} of {len(held_out)} wrong; above each: what it said? what it is")
plots.tiles(held_out.images[worst], told);

# %% [markdown]
# **Observe.** Look at every one, as long as you can. A mistake is one of three: the
# label is wrong, the picture is poor, or the network has not learnt it. Only the last
# one asks for more training.
#
# ## Before you trust it
#
# Somebody photographed each class in a place of its own: in the corner of the picture
# there is always the same thing. The held-out pictures come from the same places.
#
# **Predict.** How good will it look? And in exchanged places?


# %%
def in_places(dataset, places):
    images, side = dataset.images.copy(), size[0] // 2
    for image, place in zip(images, places[dataset.labels], strict=True):
        thing = sketches.draw(symbols.sketch(eight[place % 8]), (side, side))
        image[:side, :side] = thing if place < 8 else thing[::-1]  # upside down
    return features.extract(classifier.embed, images)


eight, own = list(symbols.SYMBOLS), np.arange(len(names))
probe = training.linear_probe(in_places(learn, own), learn.labels)
scores = {
    "same places": probe.score(in_places(held_out, own), held_out.labels),
    "exchanged": probe.score(in_places(held_out, np.roll(own, 1)), held_out.labels),
}
plots.bars(scores, "Each class in a place of its own", "accuracy");

# %% tags=["nbval-check-output", "any-track"]
print("it looked at the place:", scores["same places"] > scores["exchanged"] + 0.2)

# %% [markdown]
# **Observe.** Perfect, and worthless. It learnt the corners, because corners were
# enough. Take pictures of every class in every place, or hold back whole places.
#
# ## Save it, and use it elsewhere
#
# This saves the network of the drawing panel. The one for the folder is `model`, and
# `names` are its classes: save these two in the same way. (`folder` is a temporary one.
# To keep something, write a path of your own, such as `pathlib.Path("mine")`.)
#
# A `.keras` file holds layers and numbers, but no names of classes. Keep them, too. And
# keep the drawings: tomorrow, `data.load_folder` reads them, and
# `classifier.add_dataset` gives them to a new panel.

# %%
whole, drawn = classifier.model(), classifier.dataset()
whole.save(folder / "mine.keras")
(folder / "mine.txt").write_text("\n".join(drawn.class_names), encoding="utf-8")
data.save_folder(drawn, folder / "drawings")
print(f"{(folder / 'mine.keras').stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# A dozen lines use it, in any Python that has Keras, NumPy and Pillow. The course is
# not needed, because `data.save_reader` saves the file that `load_folder` reads
# pictures with: turned upright, laid on white, brought to 0..255, its middle cut out
# and resized. A network should see in use what it saw in training.

# %%
script = """import sys, keras
network, picture = sys.argv[1:]
try:
    model = keras.saving.load_model(network + ".keras")  # runs no code in the file
except Exception:
    sys.exit(network + ".keras: damaged, or not of Keras's layers alone, so not loaded")
names = open(network + ".txt", encoding="utf-8").read().splitlines()
from reader import read_image  # saved below, beside this script
image = read_image(picture, model.input_shape[1:3])
for name, share in zip(names, model.predict(image[None], verbose=0)[0]):
    print(name, round(float(share), 2), sep=": ")
"""

# %%
data.save_reader(folder / "reader.py")
(folder / "use.py").write_text(script)
drawing = symbols.draw("spiral", [77], size)[0]
keras.utils.save_img(folder / "new.png", drawing, scale=False)
command = [sys.executable, folder / "use.py", folder / "mine", folder / "new.png"]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

# %% [markdown]
# **Observe.** Another process, another program, the same network. (For telephones,
# `model.export("mine.tflite", format="litert")` writes the format of LiteRT, formerly
# TensorFlow Lite, from Keras 3.13 on.)
#
# ## 📝 Exercise 13.1
#
# Give the network the answer "none of these". Add a class `"other"` to `classifier`,
# with drawings of several symbols that are none of the classes, and no cup among them.
# `symbols.draw("house", range(4), size)` makes four houses, and `symbols.SYMBOLS` has
# all names. Set `answer` to what the network then says of `cups[0]`.

# %% tags=["solution", "nbval-check-output", "any-track"]
if "other" not in classifier.examples:
    classifier.add_class("other")
for name in ("house", "arrow", "face", "zigzag"):
    classifier.add("other", symbols.draw(name, range(4), size))
answer = classifier.predict(cups[0])

check("13.1", answer, known=drawn.class_names)

# %% [markdown]
# ## 📝 Exercise 13.2
#
# Three of `suspects` are in `learn` as well, only a little lighter. With such twins, a
# test flatters. Find them by their features: set `answer` to their three positions.

# %%
three = learn.images[[0, len(learn) // 2, -1]]
lighter = (three * 0.9 + 20).astype("uint8")
suspects = np.concatenate([held_out.images[:9], lighter, held_out.images[9:20]])

# %% tags=["solution", "nbval-check-output", "any-track"]
seen, asked = (features.extract(classifier.embed, x) for x in (learn.images, suspects))
distances = np.linalg.norm(asked[:, None] - seen, axis=-1).min(axis=1)
answer = distances.argsort()[:3].tolist()

check("13.2", answer, suspects=suspects, images=learn.images)

# %% [markdown]
# ## 📝 Exercise 13.3
#
# Load the network that you saved. Set `answer` to it.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = keras.saving.load_model(folder / "mine.keras")

check("13.3", answer, whole=whole, images=cups)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why does the panel learn in a fraction of a second?
# - It trains only for one epoch. | It takes sixty steps, anew after each change.
# + The base answers each example once, and only a dense layer learns. | As in lessons
#   07 and 10.
# - Drawings are small. | Photographs take the same time, once they are features.
#
# ? A network is almost certain. What does that say?
# - It is almost always right. | Nobody has measured that.
# - The picture is of one of its classes. | It would say so of a cup, too.
# + Of its classes, this one fits best by far. | It has no word for anything else.
#
# ? Held-out accuracy is perfect. What do you do first?
# + Look for twins across the split, and for backgrounds that give the class away. | It
#   may have learnt something else than you meant.
# - Ship it. | It may know the corner of the picture only.
# - Train longer. | What for?

# %% [markdown]
# ## What to take home
#
# - A few examples are enough, where the base knows the parts that they are made of.
# - A network answers with the classes that it knows, sure or not.
# - Before you trust it: look at mistakes, at twins, at backgrounds.
# - A `.keras` file and a list of names are all that another program needs.
#
# ## Sources
#
# - Carney et al. 2020, Teachable Machine, CHI 2020 extended abstracts.
# - Beery et al. 2018, Recognition in Terra Incognita, arXiv 1807.04975.
# - Keras, saving and loading: https://keras.io/guides/serialization_and_saving/
