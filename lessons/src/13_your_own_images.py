# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 13 · Your own images
#
# **You will be able to** teach a network classes of your own, find out what its answers
# are worth, and use it outside the course.
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
from tlcourse.teachable import GrowingClassifier
from tlcourse.widgets import TeachingPanel, predict

track = load_track()

# %% [markdown]
# ## A network that learns while you watch
#
# So far the pictures were ours. Today they are yours, and if you have none at hand, you
# draw them. Here are eight symbols, from a few lines of code that never draw the same
# one twice. Our base has not seen any of them.

# %%
eight, size = list(symbols.SYMBOLS), track.input_shape[:2]
plots.tiles([symbols.draw(name, [0], size)[0] for name in eight], eight);

# %% [markdown]
# The next cell builds the base of the earlier lessons, with pooling behind it, and
# hands it to a panel that has already been shown six stars, six spirals and six fish.
# Draw a star on the pad, or take a ready-made one from the list below it, and see what
# it says. Then teach it a class of your own: type a name, press `New class`, draw, and
# press the button of that class. It answers every drawing before you tell it what it
# is. (Under `picture` you may choose the camera or files instead.)

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape, alpha=0.35, include_top=False, weights=track.weights
)
scale = keras.layers.Rescaling(1 / 127.5, offset=-1)
average = keras.layers.GlobalAveragePooling2D()
embed = keras.Sequential([keras.Input(track.input_shape), scale, base, average])
three = symbols.dataset(range(10, 16), size, ("star", "spiral", "fish"))
if "classifier" not in globals():  # so that running this again keeps your drawings
    classifier = GrowingClassifier(embed)
    print(f"learnt in {classifier.add_dataset(three):.2f} seconds")
TeachingPanel(classifier)

# %% [markdown]
# **Observe.** It retrains from scratch after every drawing, and nobody has to wait. You
# know both halves of the trick: the base is asked only once for each drawing (lesson
# 10), and what learns is a dense layer on its vectors (lesson 07).
#
# Here is the same without a panel. We shall need the function again.


# %%
def train_head(vectors, labels, n_classes):
    softmax = keras.layers.Dense(n_classes, activation="softmax")
    head = keras.Sequential([keras.Input(vectors.shape[1:]), softmax])
    head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    head.fit(vectors, labels, epochs=60, verbose=0)
    return head


head = train_head(features.extract(embed, three.images), three.labels, 3)

# %% [markdown]
# How few drawings will do? Let us go down to a single one of each of the eight symbols,
# five times over. The controls are those of lesson 07: the same network with random
# weights, and no network at all.

# %%
single = predict("One drawing of each: what share of new drawings is right?", unit="%")

# %%
old, new = symbols.dataset(range(100, 110), size), symbols.dataset(range(15), size)
for kind in ("pixels", "random", "features"):
    pairs = [(training.vectors(track, each, kind), each) for each in (old, new)]
    right = 100 * training.probe_sweep(*pairs, counts=[1])
    print(f"{kind}: {right.mean():.0f} % ± {right.std(ddof=1):.0f} %")
single.compare(right.mean())

# %% tags=["claim"]
bare = [(training.vectors(track, each, "pixels"), each) for each in (old, new)]
pixels = 100 * training.probe_sweep(*bare, counts=[1]).mean()
assert 100 / len(eight) < pixels < right.mean() - 15

# %% [markdown]
# **Observe.** What the base has learnt elsewhere serves here, too: a single drawing
# goes a long way. Even the pixels beat guessing, one in eight, because such pictures
# are easy. And compare `random`, the same architecture untrained, with the pixels: it
# can be worse than no network at all.

# %% [markdown]
# ## Sure of what?
#
# Our dense layer knows three symbols. Now somebody draws one of the other five, a
# *stranger*, twenty times. How sure is the layer of its answer then?

# %%
fooled = predict("The stranger it is surest of: how sure, on average?", unit="%")

# %%
sure, strangers = {}, [name for name in eight if name not in three.class_names]
for name in (*three.class_names, *strangers):
    vectors = features.extract(embed, symbols.draw(name, range(100, 120), size))
    sure[name] = 100 * head.predict(vectors, verbose=0).max(axis=1)

fooled.compare(max(sure[name].mean() for name in strangers))

# %% [markdown]
# Perhaps a threshold can tell them apart. On half of the
# drawings, all of them new, we choose it so that nineteen of twenty stars, spirals and
# fish are above it. Then we try it on the other half.

# %%
threshold = np.quantile([sure[name][::2] for name in three.class_names], 0.05)
passed = {name: 100 * np.mean(x[1::2] >= threshold) for name, x in sure.items()}
plots.bars(passed, f"Above a threshold of {threshold:.1f} %", "% of ten new drawings");

# %% tags=["claim"]
known, others = ([passed[k] for k in group] for group in (three.class_names, strangers))
assert min(known) >= 60 and 0 < max(others) and np.mean(others) < np.mean(known) / 2

# %% [markdown]
# **Observe.** The first three bars are the symbols that the network knows: what they
# lack of a full bar is what the threshold costs. It refuses many of the strangers, but
# not all. One that passes is none of the three, but it fits one of them much better
# than the other two. The shares add up to one, whatever comes: the layer compares its
# classes with each other and with nothing else.
#
# So a threshold refuses only what the network doubts. Try yours with the strangers that
# you expect. If they pass, teach the network a class of things to refuse: exercise
# 13.1.

# %% [markdown]
# ## A folder
#
# The most usual way in is a folder that holds one folder of images per class. We write
# one with a broken file in it, as happens, and a second one for later.

# %%
folder = pathlib.Path(tempfile.mkdtemp())  # what we write goes here
data.save_folder(track.train.few(20), folder / "photos")
data.save_folder(track.test.few(20), folder / "elsewhere")
(folder / "photos" / track.class_names[0] / "broken.jpg").write_bytes(b"\xff\xd8")
photos, report = data.load_folder(folder / "photos", size)
print(str(report).replace(str(folder), "..."))

# %% [markdown]
# **Observe.** What cannot be read is named, with the reason, and nothing disappears
# without a word. For a folder of your own, write its path in place of `folder /
# "photos"`, such as `"/home/ann/leaves"`, and that of a second one, with pictures taken
# by somebody else or on another day, for `folder / "elsewhere"` below. (Photographs
# want the track `flowers`. For drawings, try both tracks, and compare.)

# %% [markdown]
# ## Train on it, and test elsewhere
#
# Now we hold some pictures back, ask the base once about each, and train the dense
# layer. `class_names=` gives the second folder the order of classes of the first:
# without it, a folder that lacks a class would number the others in another way.

# %%
learn, held_out = data.split(photos, [3 * len(photos) // 4, len(photos) // 4])
names, vectors = photos.class_names, features.extract(embed, learn.images)
own_head = train_head(vectors, learn.labels, len(names))
test, _ = data.load_folder(folder / "elsewhere", size, class_names=names)
for what, part in {"held out": held_out, "elsewhere": test}.items():
    tested = features.extract(embed, part.images), part.labels
    print(f"{what}: {own_head.evaluate(*tested, verbose=0)[1]:.0%} right")

# %% tags=["claim"]
assert own_head.evaluate(*tested, verbose=0)[1] > 2 / len(names)
assert len(report.skipped) == 1  # the broken file

# %% [markdown]
# **Observe.** One pass through the base was enough. Our two folders come from one
# collection, so a gap between them is luck, and with so few pictures, it can be ten
# points. If you have many, and `elsewhere` is clearly lower, believe it, because those
# pictures are more like tomorrow's. To see the mistakes, take the cells of lesson 07
# after *the test set, once*: is the label wrong, is the picture poor, or has the
# network not learnt it? Only the last kind asks for more training.

# %% [markdown]
# ## Before you trust it: the same thing twice
#
# People take several photographs of each thing. Let us imitate that: four of each, some
# of them darker. And so that nothing can be learnt, each thing gets a random label. An
# honest test has to come out near guessing or below it: at a tenth for ten classes, at
# a fifth for five. We hold back a quarter, either of the pictures or of the things.

# %%
split = predict("Which of the two comes nearer to guessing?", "by picture", "by thing")

# %%
few, rng = photos.few(8), np.random.default_rng(0)
thing = rng.permutation(np.arange(len(few)).repeat(4))  # who is in which picture
labels = rng.permutation(few.labels)[thing]  # nothing to learn
light = rng.uniform(0.7, 1, (len(thing), 1, 1, 1))
shots = features.extract(embed, (light * few.images[thing]).astype("uint8"))
scores = {"by picture": [], "by thing": []}
for name, group in {"by picture": np.arange(len(thing)), "by thing": thing}.items():
    for draw in range(5):
        held = np.random.default_rng(draw).random(len(thing))[group] < 0.25  # by group
        probe = training.linear_probe(shots[~held], labels[~held])
        scores[name].append(probe.score(shots[held], labels[held]))
    print(f"{name}: {np.mean(scores[name]):.0%} ± {np.std(scores[name], ddof=1):.0%}")
split.compare(min(scores, key=lambda name: np.mean(scores[name])))

# %% tags=["claim"]
by_picture, by_thing = map(np.mean, scores.values())
assert by_picture > 2 * by_thing and by_thing < 0.1 + 1 / len(names)

# %% [markdown]
# **Observe.** Split by picture, the test asks about things that the network was trained
# on. One picture of a thing gives the others away, label and all, although there was
# nothing to learn. So write down what belongs together, be it a thing, a person, a
# camera or a day, and hold back whole groups. If nobody wrote it down, look for
# near-duplicates **before** you split. Exercise 13.2 does that.

# %% [markdown]
# ## Before you trust it: the same place
#
# Somebody photographs each class in a room of its own, where the same sign hangs in the
# corner of every picture. The held-out pictures come from the same rooms.
#
# **Predict.** How good will it look? And when the classes have exchanged their rooms?

# %%
own, half = np.arange(len(names)), (size[0] // 2, size[1] // 2)
signs = np.stack([sketches.draw([rng.random((6, 2))], half) for _ in own])


def in_places(dataset, places):
    images = dataset.images.copy()
    images[:, : half[0], : half[1]] = signs[places[dataset.labels]]
    return images


plots.tiles((seen := in_places(learn, own))[:6], title="A sign in each room")
placed = train_head(features.extract(embed, seen), learn.labels, len(names))
for where, places in {"the same": own, "exchanged": np.roll(own, 1)}.items():
    x = features.extract(embed, in_places(held_out, places))
    print(f"{where}: {placed.evaluate(x, held_out.labels, verbose=0)[1]:.0%} right")

# %% tags=["claim"]
same_room = features.extract(embed, in_places(held_out, own)), held_out.labels
exchanged = placed.evaluate(x, held_out.labels, verbose=0)[1]
assert placed.evaluate(*same_room, verbose=0)[1] > exchanged + 0.1

# %% [markdown]
# **Observe.** The held-out pictures from the same rooms say that all is well. In
# exchanged rooms, it is not: the network goes by the sign, too, because nothing in its
# training spoke against it. Take pictures of every class in every place, or hold back
# whole places.

# %% [markdown]
# ## Use it elsewhere
#
# Another program needs more than weights. It needs the names of the classes, which a
# `.keras` file does not hold, and it has to read pictures as you did. So we put as much
# of that as we can into the model: it takes pictures of any size, cuts out the middle,
# resizes and rescales. (`folder` is a temporary one. To keep something, write a path of
# your own, such as `pathlib.Path("mine")`.)

# %%
crop = keras.layers.Resizing(*size, crop_to_aspect_ratio=True)
whole = keras.Sequential([keras.Input((None, None, 3)), crop, classifier.model()])
drawn = classifier.dataset()
whole.save(folder / "mine.keras")
(folder / "mine.txt").write_text("\n".join(drawn.class_names), encoding="utf-8")
data.save_folder(drawn, kept := pathlib.Path(tempfile.mkdtemp()) / "drawings")

# %%
script = """import sys, keras
network, picture = sys.argv[1:]
try:
    model = keras.saving.load_model(network + ".keras")  # runs no code in the file
except Exception:
    sys.exit(network + ".keras: damaged, or not of Keras's layers alone, so not loaded")
names = open(network + ".txt", encoding="utf-8").read().splitlines()
image = keras.utils.img_to_array(keras.utils.load_img(picture))
for name, share in zip(names, model.predict(image[None], verbose=0)[0]):
    print(name, round(float(share), 2), sep=": ")
"""

# %% [markdown]
# The script needs Keras and Pillow, and nothing of the course. We give it a drawing
# that is three times as large as those that were learnt.

# %%
drawing = symbols.draw("spiral", [77], size)[0]
keras.utils.save_img(folder / "new.png", drawing.repeat(3, 0).repeat(3, 1), scale=False)
command = [sys.executable, "-c", script, folder / "mine", folder / "new.png"]
done = subprocess.run(command, capture_output=True, text=True, check=True)
print("here:", classifier.predict(drawing), "there:", done.stdout, sep="\n")

# %% tags=["claim"]
there = dict(line.split(": ") for line in done.stdout.splitlines())
here = classifier.predict(drawing)
assert there.keys() == here.keys()
assert all(abs(float(there[name]) - here[name]) < 0.1 for name in here)

# %% [markdown]
# **Observe.** Another process, another program, a larger picture, and the same answer.
# Two things are left to the program, because they happen before the model sees the
# picture: `load_img` does not turn a telephone's pictures upright, and it drops
# transparency. For such files, `data.save_reader` saves the function that `load_folder`
# reads with.
#
# For telephones and other software, `model.export(path, format="litert")` and
# `format="onnx"` write other formats, from Keras 3.13 on. They may ask you to install
# another package first.

# %% [markdown]
# ## ✎ Exercise 13.1
#
# Give the network the answer "none of these": one class `"other"` for all the five
# symbols that it should refuse. `classifier.add_class("other")` makes it, once, and
# `classifier.add("other", drawings)` puts drawings into it; `symbols.draw("house",
# range(4), size)` makes four houses. The check draws new ones of all eight symbols, and
# wants at least half of each to be named correctly. Set `answer` to `classifier`.

# %% tags=["solution", "nbval-check-output", "any-track"]
if "other" not in classifier.examples:
    classifier.add_class("other")
for name in ("house", "arrow", "face", "zigzag", "cup"):
    classifier.add("other", symbols.draw(name, range(4), size))
answer = classifier

check("13.1", answer, known=three.class_names)

# %% [markdown]
# ## ✎ Exercise 13.2
#
# Suppose that nobody wrote down `thing`. Find the three pictures that show the same
# thing as the first one, at position 0, by their vectors in `shots`: which are nearest
# to it? Set `answer` to a list of their positions.

# %% tags=["solution", "nbval-check-output", "any-track"]
distances = np.linalg.norm(shots - shots[0], axis=1)
answer = distances.argsort()[1:4].tolist()

check("13.2", answer, thing=thing)

# %% [markdown]
# ## ✎ Exercise 13.3
#
# It is tomorrow, and you load what you saved. The network has learnt these very
# drawings, so what went wrong? Set `answer` to the drawings, loaded so that their
# labels fit the network.

# %%
tomorrow, _ = data.load_folder(kept, size)  # the report has nothing to do with it
said = whole.predict(tomorrow.images, verbose=0).argmax(axis=1)
print(f"{np.mean(said == tomorrow.labels):.0%} of its own drawings are right")

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = data.load_folder(kept, size, class_names=drawn.class_names)[0]

check("13.3", answer, model=whole, class_names=drawn.class_names)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Why does the panel learn in a fraction of a second?
# - It trains on from the weights that it had before. | It begins anew, so that what
#   you take out is forgotten.
# + It trains one dense layer on vectors that it keeps. | The base is asked once about
#   each drawing.
# - It trains the last stage only, on small drawings. | The base is frozen. Photographs
#   take as long, once they are vectors.
#
# ? The network says "spiral", and is almost certain of it. What do you know?
# - The picture shows a spiral, with hardly a doubt. | It was nearly as certain of a
#   stranger.
# - Of a hundred such pictures, nearly all are spirals. | Only if they are like those
#   that it learnt from, and who says so?
# + The spiral fits it better than the other classes. | It compares its classes with
#   each other, and with nothing else.
#
# ? You have twenty pictures of each of fifty people. What do you hold back?
# + All the pictures of some of the people. | They are as new as those to come.
# - Some of the pictures of all the people. | It has met all of them before.
# - Some of the pictures, whoever they show. | Nearly everybody is on both sides.
#
# ? Besides the weights, what must another program have?
# - The names of the classes, and nothing else. | And how are its pictures read?
# - The pictures and labels of the training. | They can stay at home.
# + The names, and your way of reading pictures. | The more of it is in the model, the
#   less can go wrong.

# %% [markdown]
# ## On your own
#
# The whole recipe on a folder that need not fit into memory: Keras reads it batch by
# batch, and `prefetch` reads the next batch while the base works on this one. Whole
# groups are held back. (To augment,
# `my_photos.map(lambda x, y: (flip(x, training=True), y))` with a layer `flip` changes
# the pictures in every epoch. Then
# base and dense layer have to be one model, whose `fit` gets that stream.) The pictures
# that stand in for yours, dark and light noise, are easy to tell apart.

# %% tags=["own"]
import pathlib
import tempfile

import keras
import numpy as np

my_folder = pathlib.Path(tempfile.mkdtemp())  # yours, without the loop
for k, image in enumerate(np.random.default_rng(0).integers(0, 256, (48, 90, 120, 3))):
    place = my_folder / ("dark", "light")[k % 2]
    place.mkdir(exist_ok=True)
    keras.utils.save_img(place / f"{k:02}.png", image // (2 - k % 2), scale=False)
read, build = keras.utils.image_dataset_from_directory, keras.applications.ResNet50V2
my_photos = read(my_folder, image_size=(96, 96), shuffle=False)
my_labels = np.concatenate([np.array(y) for _, y in my_photos])
my_base = build(input_shape=(96, 96, 3), include_top=False, weights=None, pooling="avg")
scaled = my_photos.map(lambda x, y: x / 127.5 - 1).prefetch(2)
numbers = my_base.predict(scaled, verbose=0)  # weights="imagenet" if you are online
out = np.arange(len(my_labels)) // 4 % 3 == 0  # every third group of four
my_head = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
my_head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
my_head.fit(numbers[~out], my_labels[~out], epochs=300, verbose=0)
print("held out:", my_head.evaluate(numbers[out], my_labels[out], verbose=0)[1])

# %% [markdown]
# ## What to remember
#
# - A few examples can be enough if the features of the base suit them. Compare with
#   random weights and with pixels.
# - A network answers with the classes that it knows. A threshold refuses only what it
#   doubts.
# - Hold back whole things, people, days and places, or the test flatters.
# - What leaves the course: weights, names of classes, and the way of reading.
#
# Next: [14 · A million images](14_a_million_images.ipynb)
#
# ## Sources
#
# - Carney et al. 2020, Teachable Machine, CHI 2020 extended abstracts.
# - Beery et al. 2018, Recognition in Terra Incognita, arXiv 1807.04975.
# - Hendrycks and Gimpel 2017, a baseline for detecting misclassified and
#   out-of-distribution examples, arXiv 1610.02136.
# - Keras, saving and loading: https://keras.io/guides/serialization_and_saving/
