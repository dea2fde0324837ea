# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 00 · Start here
#
# **You will be able to** run a lesson, and say what your machine can do for you.
#
# 10 minutes · builds on a first look at Keras · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# That was a cell of code. Click into it and press Shift and Enter: it runs, and the
# next one is selected. Run all of them in order, from top to bottom. As long as there
# is a star on the left, the cell is still working.
#
# ## Teach it in ten seconds
#
# Run the next cell. Then draw something simple on the pad, a house perhaps, and press
# *This is A*. Draw something else, and press *This is B*. You can change the names.

# %%
from tlcourse.widgets import Teach

Teach()

# %% [markdown]
# Once it knows both, draw them again. Three judges now guess what it is, before you
# tell them:
#
# - **Trained base**: a network that other people trained to recognise printed letters.
# - **Random base**: the same network before that training.
# - **Raw pixels**: no network at all, only the pixels of your drawings.

# %% [markdown]
# On which would you bet? Look at the counters after ten drawings or so. (*Draw one
# for me* saves you the drawing.)
#
# ## The same in Keras
#
# Nobody has ever shown the network a house. How does it do that? We now hold the same
# race in Keras. In this lesson, as in all others, read the lines with `keras` first:
# they are what you came for. The other lines count and draw.
#
# Here are three houses and three fish, each on paper of another colour, in another
# place, turned a little. They are all that our network will get to see before we test
# it. (The cell also loads the course's own data, and says which; the lessons to come
# need them.)

# %%
import keras
import numpy as np

from tlcourse import plots
from tlcourse.checks import check, hint, solution
from tlcourse.course import load_track
from tlcourse.data import symbols
from tlcourse.widgets import predict

track = load_track()
names, size = ("house", "fish"), track.input_shape[:2]
shown = [symbols.on_paper(name, range(3), size) for name in names]
new = [symbols.on_paper(name, range(3, 23), size) for name in names]
plots.tiles(np.concatenate(shown), title="Three of each: all that it is shown");

# %% [markdown]
# The network was trained by other people to recognise something else: printed letters,
# if you have the data that come with the course (the *track* `glyphs`), or photographs,
# if you have fetched the track `flowers`. `weights` says in which file that training is
# kept. You need not understand every word yet, because lessons 02 to 04 take these
# lines one by one. Instead of an answer we let the network give 1,280 numbers for each
# picture, a kind of description.

# %%
base = keras.applications.MobileNetV2(
    input_shape=track.input_shape,
    alpha=0.35,
    include_top=False,
    weights=track.weights,
    pooling="avg",
)
pixels = keras.Input(track.input_shape)
scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)
network = keras.Sequential([pixels, scaled, base])

# %% [markdown]
# Now twenty new houses and twenty new fish. The rule is simple: average the
# descriptions of the three houses, and those of the three fish, and call a new drawing
# by the name of the average that is nearer. Enter your guess below, press Enter, and
# run the cell after it.

# %%
guess = predict("How many of the 40 new drawings are named correctly?", unit="of 40")

# %% [markdown]
# Nothing is trained here. `network.predict` (not the `predict` that asks you) only gets
# the network's descriptions.


# %%
def count_correct(describe):
    """How many new drawings are nearer to the average of their own three."""
    means = [describe(pictures).mean(axis=0) for pictures in shown]
    correct = 0
    for k, pictures in enumerate(new):
        described = describe(pictures)
        distances = [np.linalg.norm(described - mean, axis=1) for mean in means]
        correct += (np.argmin(distances, axis=0) == k).sum()
    return int(correct)


correct = {"trained": count_correct(lambda x: network.predict(x, verbose=0))}
guess.compare(correct["trained"])

# %% [markdown]
# **Observe.** Three drawings of each were enough for nearly all, and it took seconds.
# But who deserves the credit? Perhaps the task is so easy that anything would do.
#
# ## Who deserves the credit?
#
# We hold the same race twice more. One rival is a network of the same architecture
# that has learnt nothing yet: its *weights*, the numbers that training changes, are
# random. The other has no network, and compares the bare pixels. By tossing a coin
# you would name about half of the drawings correctly. We call a rival close if it has
# at least nine tenths as many right as the trained network. (If you looked at the
# counters above: do they hold for these forty?)

# %%
rival = predict(
    "What comes close to the trained network?",
    "the bare pixels",
    "the untrained network",
    "both of them",
    "neither of them",
)

# %% [markdown]
# The only difference in the network is `weights=None`.

# %%
untrained = keras.applications.MobileNetV2(
    input_shape=track.input_shape,
    alpha=0.35,
    include_top=False,
    weights=None,
    pooling="avg",
)
random = keras.Sequential([pixels, scaled, untrained])
correct["untrained"] = count_correct(lambda x: random.predict(x, verbose=0))
correct["bare pixels"] = count_correct(lambda x: x.reshape(len(x), -1) / 255)

# %% [markdown]
# The red line is the coin.

# %%
title = "Correct of 40: trained {}, untrained {}, bare pixels {}"
ax = plots.bars(correct, title.format(*correct.values()), "correct of 40")
ax.axvline(20, color=plots.RED, linewidth=1)
ax.text(20.3, -0.42, "a coin", color=plots.RED, va="bottom")
pixels_near = 10 * correct["bare pixels"] >= 9 * correct["trained"]
untrained_near = 10 * correct["untrained"] >= 9 * correct["trained"]
places = {(1, 0): 0, (0, 1): 1, (1, 1): 2, (0, 0): 3}
rival.compare(rival.choices[places[pixels_near, untrained_near]])

# %% tags=["claim"]
others = correct["untrained"], correct["bare pixels"]
assert max(others) < 30 < 36 <= correct["trained"]  # three were enough for nearly all

# %% [markdown]
# **Observe.** So the task is not easy, and the architecture alone does not help:
# neither rival is close. What tells a fish from a house is in the weights, which
# others have trained on other pictures. To use such weights for a task of your own is
# called *transfer learning*, and it is what this course is about. (Put `"star"`,
# `"arrow"`, `"face"` or `"cup"` in place of a name above, and run the cells again:
# which pair is hardest?)

# %% [markdown]
# ## How a lesson works
#
# That is how it goes: you enter what you expect, run a few cells, and what you said
# stands beside what came out. A wrong guess is worth more than none. *Observe* opens
# with a click, so that it cannot answer too early.
#
# One more round, about your machine: how fast does it multiply numbers and add them up?
# Networks do little else.

# %%
speed = predict(
    "How many multiplications and additions does this machine do per second?",
    "millions",
    "billions",
    "thousands of billions",
)

# %% [markdown]
# The product of two matrices with 1,536 rows and columns takes 1,536 times 1,536 times
# 1,536 multiplications, and as many additions.

# %%
import time

matrix, seconds = keras.ops.ones((1536, 1536)), []
for _ in range(6):  # the fastest counts, because in the others something interfered
    start = time.perf_counter()
    keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix))
    seconds.append(time.perf_counter() - start)
per_second = 2 * 1536**3 / min(seconds)
print(f"{per_second / 1e9:,.0f} billion multiplications and additions per second")
speed.compare(speed.choices[(per_second > 1e9) + (per_second > 1e12)])

# %% tags=["claim"]
assert per_second / (365 * 24 * 3600) > 200  # one by one it would take centuries

# %% [markdown]
# **Observe.** A person who does one per second, day and night, would need centuries, if
# not millennia, for what this machine does in a single second. Is it enough to train a
# network that is in the news? Lesson 01 measures again, and works it out.
#
# ## ✎ Exercise 0.1
#
# An exercise ends with `check`. As long as the answer is `...`, it says that you have
# not answered yet, and nothing breaks. Run the cell below to see it. Then replace the
# dots and run it again: how much is 2 times 21?

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 2 * 21

check("0.1", answer)

# %% [markdown]
# If you are stuck, ask for a hint, and for the solution only if the hint does not help.
# It is the same in every lesson: write `hint("1.1")`, with the number of the exercise,
# below `check`, and run the cell again.

# %% tags=["nbval-check-output", "any-track"]
hint("0.1")
solution("0.1")

# %% [markdown]
# ## Your machine
#
# Whatever it prints, your machine will do. The course is made for a CPU with two cores
# and two gigabytes of free memory; a GPU makes it faster, but you will see the same
# things.

# %%
from tlcourse.course import machine

report = machine.report()
for name in ("Python", "Keras", "backend", "device", "CPU cores", "memory"):
    print(f"{name:12}{report[name]}")

# %% [markdown]
# ## If something goes wrong
#
# - Red text is an error, and its last line says which. A `NameError` mostly means that
#   a cell above has not been run yet.
# - If you are lost, choose *Restart Kernel and Run up to Selected Cell* in the menu
#   Kernel.
# - The first cell of a lesson takes some seconds, and none takes much more than a
#   minute.
# - Lessons share no variables, and an open one keeps its memory. When you have finished
#   one, choose *Close and Shut Down Notebook* in the menu File.

# %% [markdown]
# ## The map
#
# These are the lessons, and how many of their exercises you have done. Run the cell
# again whenever you want to know. What you have done is kept on this machine only, in
# the file whose name is printed first.

# %%
from tlcourse.course import progress

print(progress.progress_file())
progress.CourseMap()

# %% [markdown]
# ## Photographs, if you like
#
# A *track* is a network that others have trained, together with a task for us. `glyphs`
# comes with the course: a network that reads printed letters, and handwritten digits
# for us to teach it. `flowers` needs a download, once: a network that knows photographs
# of a thousand kinds, and five kinds of flowers. Everything works without it.
#
# The button fetches it. From then on all lessons take photographs, and some cells take
# longer. The file BEYOND.md of the course says how to go back to `glyphs`, or how to
# fetch the files without the button.

# %%
from tlcourse.widgets import FetchButton

FetchButton()

# %% [markdown]
# ## What to remember
#
# - Enter a prediction, run, and compare.
# - The course needs neither a GPU nor a network connection.
# - First `check`, then `hint`, and `solution` last.
#
# Next: [01 · Why transfer learning?](01_why_transfer_learning.ipynb)
#
# ## Sources
#
# - Keras: https://keras.io/getting_started/
# - JupyterLab: https://jupyterlab.readthedocs.io/
