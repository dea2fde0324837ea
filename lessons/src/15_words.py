# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # 15 · Words
#
# **You will be able to** prompt a small language model, teach it another kind of text,
# and measure what it learnt and what it forgot.
#
# 25 minutes, and 15 for the exercises · builds on lessons 08 and 10 · a CPU is enough

# %%
import tlcourse

tlcourse.start()

# %% [markdown]
# Most people meet transfer learning in a chat. Chat models began as networks that had
# learnt one thing: how a text goes on. Ours is small, and has read the standard library
# of Python, eight million characters. Below, it writes. Then we teach it the source of
# Keras, with the steps that you know from pictures.

# %%
import keras
import numpy as np
from keras import layers

from tlcourse import plots, training
from tlcourse.checks import check, hint, solution
from tlcourse.data import words
from tlcourse.widgets import Prompt, predict

pieces = words.load_pieces()
tokens = words.encode("class Layer(keras.Model):", pieces)
print(f"{len(pieces)} pieces; {[pieces[token] for token in tokens]} are {tokens}")

# %% [markdown]
# A network reads numbers, so text is cut into pieces out of a fixed list: every single
# character, and what is frequent, such as `self` or four spaces. The number of a piece
# is called its *token*.
#
# ## The architecture
#
# Two tables turn tokens and their places into vectors. Four blocks follow, each with
# `x + ...` around its parts, as in the residual blocks of lesson 02.
# *LayerNormalization* brings each vector into a standard range. *Attention* mixes
# each vector with those before it, and learns which of them matter. The causal mask
# hides what comes after. The last layer, the head, has one output for each piece: might
# it come next?


# %%
def build():
    tokens = keras.Input((None,), dtype="int32")
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    x = layers.Embedding(len(pieces), 128)(tokens)
    x = x + layers.Embedding(128, 128)(places)
    for _ in range(4):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 32)(y, y, use_causal_mask=True)
        y = layers.LayerNormalization()(x)
        y = layers.Dense(512, activation="gelu")(y)
        x = x + layers.Dense(128)(y)
    x = layers.LayerNormalization()(x)
    return keras.Model(tokens, layers.Dense(len(pieces), name="head")(x))


# %% [markdown]
# ## The parameters
#
# They come in a file, as in lesson 03. Training took an hour on two cores.

# %%
model = build()
model.load_weights(words.base_weights())
print(f"{model.count_params():,} parameters; GPT-3 has {175e9:,.0f}")

# %% [markdown]
# ## It writes
#
# To write, we ask what comes next, draw one of the pieces by its chance, append it, and
# ask again. The network reads a *window* of 128 pieces. What stands after the last
# token does not matter, as nobody looks ahead; prompt and answer have to fit into it.


# %%
def write(model, prompt, n_pieces=40, seed=0):
    tokens, rng = list(words.encode(prompt, pieces)), np.random.default_rng(seed)
    for _ in range(n_pieces):
        window = np.zeros((1, 128), "int32")
        window[0, : len(tokens)] = tokens
        logits = model.predict_on_batch(window)[0, len(tokens) - 1].astype("float64")
        chances = np.exp(2 * logits)  # temperature 1/2: a little surer than it is
        tokens.append(rng.choice(len(pieces), p=chances / chances.sum()))
    return words.decode(tokens, pieces)


closing = predict("`class Layer(`: how often is it closed by `):`?", unit="of ten")

# %% [markdown]
# Ten draws. We look at the first three, so that none is picked.

# %%
texts = [write(model, "class Layer(", seed=seed) for seed in range(10)]
print("\n-----\n".join(texts[:3]))
closing.compare(sum("):" in text.splitlines()[0] for text in texts))

# %% tags=["claim"]
assert sum("):" in text.splitlines()[0] for text in texts) >= 3  # often

# %% [markdown]
# **Observe.** Nobody taught it what a bracket is, and still it often closes what it
# opened, indents, and names things as programmers do. It has the looks of Python, and
# no idea what it is for.
#
# ## How good is it?
#
# What looks right may be wrong, so we measure: how much does a text that it has never
# seen surprise it? A piece to which it gave the chance ½ costs one bit, one with ¼ two
# bits. We add up, and divide by the number of characters. There are 96 different ones,
# so whoever knows nothing needs log2(96), or 6.6 bits, for each.


# %%
def bits(model, x, y, places=slice(None)):
    logits, y = model.predict(x, verbose=0)[:, places], y[:, places]
    nats = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
    characters = len(words.decode(y.ravel(), pieces))
    return float(keras.ops.sum(nats)) / np.log(2) / characters


# %% [markdown]
# In both Python and Keras, one file in sixteen was held out, chosen by its name. We cut
# 64 windows out of each. (Keras's source is on this machine, since it runs here.)

# %%
unseen = {}
for package in ("python", "keras"):
    text = words.load_source_code(package, "held out")
    unseen[package] = words.windows(text, 64)

surprise = predict("Keras is Python, too. Bits for one of its characters?", unit="bits")

# %%
for package, pair in unseen.items():
    print(f"{package}: {bits(model, *pair):.2f} bits per character")
surprise.compare(round(bits(model, *unseen["keras"]), 2))

# %% tags=["claim"]
assert bits(model, *unseen["python"]) < bits(model, *unseen["keras"]) < 6.6 / 2

# %% [markdown]
# **Observe.** To this base, Keras is a task nearby: the same language, other names and
# habits.
#
# ## Two hundred thousand characters of Keras
#
# That is eighty pages or so. The answer for each window is the same window, moved on by
# one piece. So text labels itself, and no person has to.

# %%
shown = words.load_source_code("keras")[:200_000]
x, y = words.windows(shown, 16 * 50, seed=0)
print(*[repr(words.decode(part[0, :14], pieces)) for part in (x, y)], sep="\n")

# %% [markdown]
# You know two ways to learn from them. *Head only* freezes the rest, as in lesson 05.
# *Everything* trains it all at a smaller rate, as in lesson 08. The third was made for
# large models: **LoRA** freezes a kernel, and adds to it the product of two thin
# matrices, which train. In Keras that is one call for each layer; 8 is the rank, the
# thin side of the matrices.


# %%
def lora(model):
    for layer in model.layers:
        parts = [layer] if "dense" in layer.name else []
        if "attention" in layer.name:
            parts = [layer.query_dense, layer.key_dense]
            parts += [layer.value_dense, layer.output_dense]
        layer.trainable = bool(parts)
        for part in parts:
            part.enable_lora(8)


def head_only(model):
    for layer in model.layers:
        layer.trainable = layer.name == "head"


ways = {"head": (head_only, 3e-3), "LoRA": (lora, 3e-3)}
ways["everything"] = (lambda model: None, 3e-4)

# %% [markdown]
# Each goes through the same fifty batches once. This takes half a minute. (`compile`
# comes after `enable_lora`, or `fit` and `predict` would not know of it.)

# %%
best_guess = predict("After the fifty, which way is best on new files of Keras?", *ways)

# %%
loss, found = keras.losses.SparseCategoricalCrossentropy(from_logits=True), {}
for name, (prepare, learning_rate) in ways.items():
    tuned = build()
    tuned.load_weights(words.base_weights())
    prepare(tuned)
    tuned.compile(keras.optimizers.Adam(learning_rate), loss)
    tuned.fit(x, y, batch_size=16, verbose=0)
    library, found[name] = (bits(tuned, *pair) for pair in unseen.values())
    print(f"{name}: keras {found[name]:.2f}, python {library:.2f} bits")
best_guess.compare(min(found, key=found.get))

# %% tags=["claim"]
assert found["everything"] < found["head"] < bits(model, *unseen["keras"]) - 0.1
assert library > bits(model, *unseen["python"])  # and something is forgotten

# %% [markdown]
# **Observe.** Fifty batches of sixteen windows, and Keras costs fewer bits. When we
# *read* digits, the head alone was nearly all (lesson 08, the near task); here it is
# not. There the classes were new. Here the pieces are the same as before, and what is
# new is how they follow each other.
# Python got worse each time; we come back to that.
#
# ## Less to read, and more
#
# One draw of one size may be luck, so we measured more, beforehand: three draws each of
# 2,000, 20,000 and 200,000 characters. The last fifth of each was kept back, and the
# training ended when its bits rose. The controls: the same network *from scratch*, and
# an *n-gram* model, which only counts which character followed up to five others. Bars
# span the three draws.

# %%
less_guess = predict("With 2,000 characters, the best way saves", unit="bits")

# %%
names = [*ways, "scratch", "n-gram"]
tables = {name: words.load_measurements(name, "keras") for name in names}
base = words.load_measurements("base", "keras")[1].item()
gain = base - tables["everything"][1][-1].mean()
title = f"200,000 characters, everything trained: {gain:.2f} bits less"
plots.by_size(tables, base, title, "bits per character of new Keras")
closer = {name: tables[name] for name in ways}
plots.by_size(closer, base, "The three ways, closer", "bits per character of new Keras")
saved = max(base - table[0].mean() for _, table in tables.values())
less_guess.compare(round(saved, 2))

# %% tags=["claim"]
page, eight, eighty = (
    {name: base - tables[name][1][k].mean() for name in names} for k in range(3)
)
assert saved < 0.05 and 0.4 < gain < 0.6  # next to nothing; half a bit
assert eight["everything"] > 0.02 > max(eight["head"], eight["LoRA"])
assert max(eighty["scratch"], eighty["n-gram"]) < 0

# %% [markdown]
# **Observe.** One page of Keras is worth next to nothing, whatever trains. With eight,
# only everything, at a small rate, does better than the base in the mean of its draws,
# and eighty pages save it half a bit. From scratch, and by counting, even eighty pages
# do not reach the base that has read no Keras at all. (Do not compare with the numbers
# above: there the rates were larger, we judged by fewer windows, and kept no fifth
# back.)
#
# ## Type a prompt
#
# Here you can see what the bits mean. Type, or take one of the prompts, and turn the
# dial from the base to 200,000 characters: where does it change its mind? (LoRA learnt
# from them, so that four models weigh little more than one.)

# %%
Prompt()

# %% [markdown]
# ## What it forgot
#
# The same runs, judged by those files of Python's library that the base never read.

# %%
kept = {name: words.load_measurements(name, "python") for name in ways}
before = words.load_measurements("base", "python")[1].item()
more = kept["everything"][1][-1].mean() - before
title = f"After 200,000 characters, everything trained: {more:.2f} bits more"
plots.by_size(kept, before, title, "bits per character of new Python")
sizes, lost = words.load_measurements("everything, rate too large", "python")
print("everything at 1e-2, bits per character of new Python:")
for size, value in zip(sizes, lost.mean(axis=1), strict=True):
    print(f"{size:7,} characters of Keras shown: {value:.2f}")

# %% tags=["claim"]
forgets = {name: kept[name][1][-1].mean() - before for name in kept}
assert min(forgets["head"], forgets["LoRA"]) > forgets["everything"] > 0
assert lost.mean() - before > max(forgets.values())  # too large a rate

# %% [markdown]
# **Observe.** All of them forget some Python while they learn Keras, the head and LoRA
# rather more than everything, at the rates taken here. So LoRA is no protection. Its
# advantage is another one. The kernels of the base are untouched, so whoever leaves the
# thin matrices out has the old model back, and each task can have a pair of its own.
# What destroys a base is, once more, too large a learning rate.
#
# ## A prompt teaches as well
#
# Nothing trains now. In each window the base reads 128 pieces of Keras. Are the last
# ones less of a surprise to it than the first?

# %%
for start in (0, 32, 64, 96):
    needed = bits(model, *unseen["keras"], range(start, start + 32))
    print(f"from piece {start}: {needed:.2f} bits per character")

# %% tags=["claim"]
assert needed < bits(model, *unseen["keras"], range(32)) - 0.1

# %% [markdown]
# **Observe.** What stands before makes it surer, and a prompt is just that: text that
# stands before. With GPT-3 this went so far that a few examples of a task in the prompt
# were enough, with no weight changed. Ours is too small for that.
#
# ## Features
#
# Without its head, the network gives 128 numbers for each place, as in lesson 10. What
# do they know? We take texts that end within code, within a string, or within a
# comment, thirty of each. The control counts what is in the last sixty characters, one
# to four at a time.

# %%
extract = keras.Model(model.inputs, model.layers[-2].output)


def features(texts):
    cut = np.array([words.encode(text, pieces)[-100:] for text in texts])
    return extract.predict(cut, verbose=0)[:, -1]


where = predict("Which tells the three apart more often?", "features", "counts")

# %% [markdown]
# `position_probes` fits a linear probe on each, as in lesson 10, for three draws.

# %%
right = training.position_probes(features)
print({name: np.round(shares, 2) for name, shares in right.items()}, "guessing: 0.33")
where.compare(max(right, key=lambda name: np.mean(right[name])))

# %% tags=["claim"]
assert 0.45 < np.mean(right["features"]) < 0.03 + np.mean(right["counts"])

# %% [markdown]
# **Observe.** The features know something: guessing would get a third. But counting
# characters knows as much or more, so a base of this size is no help here. A larger one
# may be; measure it against the counts, too.
#
# ## And GPT-3?
#
# It is the same network: more blocks, wider, two hundred thousand times the parameters,
# trained by the same loss. A chat model is one that was fine-tuned on questions with
# good answers, then on what people preferred; LoRA is how most people adapt one today.
# What ours cannot show is what came with size: facts, reasoning, tasks done from a
# prompt.

# %% [markdown]
# ## ✎ Exercise 15.1
#
# Somebody fine-tunes with these lines, and is glad: 0.00 bits after a minute, even on
# new files that were cut in the same way. But the model only writes the last piece of
# the prompt, again and again. Mend the lines, and set `answer` to the pair `(x, y)`.
#
# ```python
# tokens = words.encode(shown, pieces)[: 40 * 128]
# x = tokens.reshape(40, 128)
# y = tokens.reshape(40, 128)
# ```

# %% tags=["solution", "nbval-check-output", "any-track"]
tokens = words.encode(shown, pieces)[: 40 * 128 + 1]
x_mended = tokens[:-1].reshape(40, 128)
y_mended = tokens[1:].reshape(40, 128)
answer = x_mended, y_mended

check("15.1", answer, shown=words.encode(shown, pieces))

# %% [markdown]
# ## ✎ Exercise 15.2
#
# Between head only and everything there is a way that lesson 09 would have tried: only
# the last block, what follows it, and nothing else. Leave `model` as it is, build
# another one with the base's weights, choose what trains in it, and set `answer` to it;
# it need not be compiled. A block begins with the `LayerNormalization` before its
# attention.

# %% tags=["solution", "nbval-check-output", "any-track"]
answer = build()
answer.load_weights(words.base_weights())
kinds = [isinstance(layer, layers.MultiHeadAttention) for layer in answer.layers]
last = max(place for place, is_attention in enumerate(kinds) if is_attention)
for place, layer in enumerate(answer.layers):
    layer.trainable = place >= last - 1

check("15.2", answer, base=model)

# %% [markdown]
# ## ✎ Exercise 15.3
#
# `write` draws. Write a function `boldest(prompt, n_pieces)` that always takes the
# likeliest piece, and set `answer` to what it makes of `"def call(self, "` with twelve
# pieces more: one text, the prompt included.


# %% tags=["solution", "nbval-check-output", "any-track"]
def boldest(prompt, n_pieces):
    tokens = list(words.encode(prompt, pieces))
    for _ in range(n_pieces):
        logits = model.predict(np.array([tokens]), verbose=0)[0, -1]
        tokens.append(int(logits.argmax()))
    return words.decode(tokens, pieces)


answer = boldest("def call(self, ", 12)

check("15.3", answer, model=model)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# ? Where do the labels of a language model come from?
# - People label each text by hand. | Nobody could label that many.
# + They are the text, moved on by one. | So any text can be learnt from.
# - From another network that is larger. | That exists, and is called distillation.
#
# ? What does LoRA train?
# + Two thin matrices beside each kernel. | Their product is added to the frozen kernel.
# - The rows of the kernel that matter. | It changes no number of the kernel.
# - A new head on the same network. | The head stays as it is.
#
# ? A model was tuned on your texts, and is better on them. What else do you measure?
# + What it was good at before. | It may have lost that, and no training loss shows it.
# - How long its answers are. | That says little about either task.
# - Its loss on what it was trained on. | It fell, or you would not have stopped.
#
# ? What does a prompt with three examples change in the model?
# - The last of its layers. | No weight changes while a model is only asked.
# - All of its weights a little. | That would be fine-tuning.
# + Nothing; it is text that comes before. | And what comes next depends on it.

# %% [markdown]
# ## On your own
#
# A language model of nothing but Keras and NumPy, on any two texts: here they are
# modules of Python. It learns from one, and then from the other with all but the head
# frozen.

# %% tags=["own"]
import inspect
import json
import textwrap

import keras
import numpy as np


def windows(module):
    codes = np.frombuffer(inspect.getsource(module).encode("ascii", "replace"), "uint8")
    cut = np.lib.stride_tricks.sliding_window_view(codes.astype("int32"), 33)[::16]
    return cut[:, :-1], cut[:, 1:]


body = [keras.layers.Embedding(128, 32), keras.layers.GRU(64, return_sequences=True)]
my_model = keras.Sequential([*body, keras.layers.Dense(128)])
my_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for module, frozen in ((textwrap, False), (json, True)):
    for layer in body:
        layer.trainable = not frozen
    my_model.compile(keras.optimizers.Adam(1e-2), my_loss)
    my_model.fit(*windows(module), epochs=3, verbose=0)
    my_bits = my_model.evaluate(*windows(module), verbose=0) / np.log(2)
    print(f"{module.__name__}: {my_bits:.2f} bits per character of its own text")

# %% [markdown]
# If you are online, KerasHub has bases that others trained for weeks, and the steps are
# the same:
#
# ```python
# import keras_hub  # pip install keras-hub
#
# model = keras_hub.models.CausalLM.from_preset("gpt2_base_en")
# model.backbone.enable_lora(rank=8)
# model.fit(texts, batch_size=2)  # a list of strings
# model.generate("class Layer(", max_length=60)
# ```

# %% [markdown]
# ## What to remember
#
# - A language model says what comes next; text labels itself.
# - The steps are those of pictures: architecture, parameters, head, freeze, tune. The
#   head can stay, as the pieces stay the same.
# - A page teaches next to nothing; with more text, train everything at a small rate.
# - Measure what you gain, and what is forgotten.
#
# Back to the start: [00 · Start here](00_start_here.ipynb)
#
# ## Sources
#
# - Radford et al. 2019, Language Models are Unsupervised Multitask Learners (GPT-2).
# - Brown et al. 2020, Language Models are Few-Shot Learners (GPT-3), arXiv 2005.14165.
# - Hu et al. 2021, LoRA, arXiv 2106.09685.
# - Sennrich, Haddow and Birch 2016, byte pairs as pieces of words, arXiv 1508.07909.
# - Ouyang et al. 2022, instruction tuning from human feedback, arXiv 2203.02155.
