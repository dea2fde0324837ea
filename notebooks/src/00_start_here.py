# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 00 · Start here
#
# **You will be able to** run a lesson, and know what your machine can do for you.
#
# 10 minutes · builds on a first look at Keras · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# That was a cell of code. Click into it and press Shift and Enter: it runs, and the
# next one is chosen. Run them in order, from top to bottom. The star on the left
# says that a cell is still working.
#
# ## This machine

# %%
from tlcourse.checks import check, hint, solution
from tlcourse.course import machine

for name, value in machine.report().items():
    print(f"{name:14}{value}")

# %% [markdown]
# No line is an obstacle. The course is made for a CPU with two cores and two
# gigabytes of free memory. A GPU makes it quicker, not different.
#
# ## The data at a glance
#
# A *track* is a network that other people trained, and a task of ours. There are
# two. `glyphs` comes with the course. `flowers` needs a download, once. Its network
# was trained on ImageNet: 1.28 million photographs in 1,000 classes, such as dogs, cups
# and cars. Most networks that others give away were. The line below says which track
# you have now, and why.

# %%
from tlcourse import plots
from tlcourse.course import load_track

track = load_track()
few = track.train.few(1)
plots.tiles(few.images, [few.class_names[k] for k in few.labels], title="Our task");

# %% tags=["nbval-check-output"]
print(track.train.describe())

# %% [markdown]
# ## How a lesson works
#
# Three steps, again and again: **Predict.** Commit yourself, if only in your head.
# Run. **Observe.** Compare with what you said.
#
# You need not understand every line. Those with `keras`, `trainable`, `compile` and
# `fit` are the lesson. The rest counts and draws. Some cells print only `True`: they
# check that your run shows what the text says.
#
# Here is one to practise.
#
# **Predict.** How many multiplications of two numbers does this machine do in a
# second: some millions, some billions, or some trillions?

# %%
import time

import keras

matrix = keras.ops.ones((1024, 1024))
seconds = []
for _ in range(10):  # the fastest counts: at the others, something interfered
    start = time.perf_counter()
    keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix))
    seconds.append(time.perf_counter() - start)
print(f"{1024**3 / min(seconds) / 1e9:.0f} billion multiplications a second")

# %% [markdown]
# **Observe.** A product of two matrices with 1,024 rows and columns takes 1,024 times
# 1,024 times 1,024 multiplications. Networks are mostly such products. Lesson 01
# asks how far this speed gets you.
#
# ## 📝 Exercise 0.1
#
# An exercise ends on `check`. Until you answer, the answer is `...`, and the check
# says so. Nothing breaks. Run the cell below. Then replace the dots and run it again:
# how much is 2 times 21?

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = 2 * 21

check("0.1", answer)

# %% [markdown]
# Stuck? Ask for a hint. Only then for the solution. It is the same in every lesson:
# write `hint("1.1")`, with the number of the exercise, under `check`, and run the cell
# again.

# %% tags=["nbval-check-output", "any-track"]
hint("0.1")
solution("0.1")

# %% [markdown]
# ## If something goes wrong
#
# No cell takes much longer than a minute. The first one of a lesson takes some seconds.
#
# - Red text is an error. Its last line says which. A `NameError` mostly means that a
#   cell above has not run yet.
# - If you are lost: menu Kernel, *Restart Kernel and Run up to Selected Cell*.
# - Lessons share no variables. An open one keeps its memory. When you have finished:
#   menu File, *Close and Shut Down Notebook*.

# %% [markdown]
# ## The map
#
# These are the lessons, and how many of their exercises you have done. Run this cell
# again whenever you want to know. The notes are yours, in the file that it names.

# %%
from tlcourse.course import progress

print(progress.progress_file())
progress.CourseMap()

# %% [markdown]
# ## Photographs, if you like
#
# The flowers track wants weights trained on ImageNet, and photographs. The button
# fetches them, once. You do not need them: everything works without. In a terminal, in
# the folder of the course, `.venv/bin/python -m tlcourse fetch flowers` does the same.
#
# From then on every lesson takes photographs, and some cells take longer. To go back,
# set the variable `TLCOURSE_TRACK` to `glyphs`: `TLCOURSE_TRACK=glyphs make lab`.

# %%
from tlcourse import widgets

widgets.FetchButton()

# %% [markdown]
# ## What to take home
#
# - Predict, run, observe.
# - The course needs neither a GPU nor a network.
# - `check`, then `hint`, then `solution`.
#
# ## Sources
#
# - Keras: https://keras.io/getting_started/
# - JupyterLab: https://jupyterlab.readthedocs.io/
