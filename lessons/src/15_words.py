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
# Most people meet transfer learning as a chat with a language model. That began as a
# network which had learnt one thing: to say how a text goes on. Ours is small, and it
# has read the standard library of Python, eight million characters. Below, it writes.
# Then we teach it the source of Keras, with the steps that you know from pictures.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

from tlcourse import plots
from tlcourse.data import words
from tlcourse.checks import check, hint, solution
from tlcourse.widgets import predict

pieces = words.load_pieces()
tokens = words.encode("class Layer(keras.Model):", pieces)
print(f"{len(pieces)} pieces;", [pieces[token] for token in tokens])
print("numbers of these:", tokens)

# %% [markdown]
# A network reads numbers, so text is cut into pieces out of a fixed list: every single
# character, and what is frequent, such as `self` or four spaces. The number of a piece
# is called its *token*.
#
# ## The architecture, and the parameters
#
# Two tables turn tokens and their places into vectors. Then four blocks follow, with
# `x + y` around each part, as in the residual blocks of lesson 02. *Attention* mixes
# each vector with those before it, and finds out by itself which of them matter. The
# causal mask hides what comes after. The last layer, the head, has an output for each
# piece: what might come next.


# %%
def build():
    tokens = keras.Input((None,), dtype="int32")
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    x = layers.Embedding(len(pieces), 128)(tokens)
    x = x + layers.Embedding(128, 128)(places)
    for _ in range(4):
        y = layers.LayerNormalization()(x)
        y = layers.MultiHeadAttention(4, 32)(y, y, use_causal_mask=True)
        x = x + y
        y = layers.LayerNormalization()(x)
        y = layers.Dense(512, activation="gelu")(y)
        x = x + layers.Dense(128)(y)
    x = layers.LayerNormalization()(x)
    return keras.Model(tokens, layers.Dense(len(pieces), name="head")(x))


model = build()
model.load_weights(words.base_weights())
print(f"{model.count_params():,} parameters; GPT-3 has {175e9:,.0f}")

# %% [markdown]
# ## It writes
#
# To write, we ask what comes next, draw one of the pieces by its chance, append it, and
# ask again. What stands after the last token does not matter, as nobody looks ahead.


# %%
def write(model, prompt, n_pieces=40, seed=0):
    tokens, rng = list(words.encode(prompt, pieces)), np.random.default_rng(seed)
    for _ in range(n_pieces):
        window = np.zeros((1, 128), "int32")
        window[0, : len(tokens)] = tokens
        logits = model.predict_on_batch(window)[0, len(tokens) - 1]
        chances = np.exp(2.0 * (logits - logits.max()))  # twice as sure of itself
        tokens.append(rng.choice(len(pieces), p=chances / chances.sum()))
    return "".join(pieces[token] for token in tokens)


sense = predict(
    "It writes forty pieces after `class Layer(`. They are",
    "letters without sense",
    "Python by its looks",
    "Python that runs",
)

# %%
before = write(model, "class Layer(")
print(before)

# %% [markdown]
# **Observe.** Nobody taught it what a method is, and still it indents, closes what it
# opens, and names things as programmers do. It has the looks of Python, and no idea of
# what it is for.
#
# ## How good is it?
#
# Text that looks right may be wrong, so we measure: how much of a surprise is text that
# it has never seen? A piece with the chance ½ costs one bit, with ¼ two bits. We add
# up, and divide by the number of characters. Without any knowledge, a character costs
# 6.6 bits. Files are held out by their names, a sixteenth of them.


# %%
def cut(text, n_windows):
    tokens = words.encode(text, pieces)
    starts = np.linspace(0, len(tokens) - 129, n_windows).astype(int)
    return tokens[starts[:, None] + np.arange(129)]


def bits(model, windows):
    logits, asked = model.predict(windows[:, :-1], verbose=0), windows[:, 1:]
    nats = keras.losses.sparse_categorical_crossentropy(asked, logits, from_logits=True)
    characters = sum(len(pieces[token]) for token in asked.ravel())
    return float(keras.ops.sum(nats)) / np.log(2) / characters


unseen = {
    package: cut(words.load_source_code(package, "held out"), 64)
    for package in ("python", "keras")
}

# %%
surprise = predict("Keras is Python as well. Bits for each of its characters?")

# %%
for package, windows in unseen.items():
    print(f"{package}: {bits(model, windows):.2f} bits per character")
surprise.compare(bits(model, unseen["keras"]))

# %% [markdown]
# **Observe.** To this base, Keras is a near task: the language is the same, and names
# and habits are others.
#
# ## Twenty thousand characters of Keras
#
# That is about eight pages. For each window, the answer is the same window moved on by
# one: at each place, the piece that comes next. So text labels itself.

# %%
shown = words.load_source_code("keras")[:20_000]
tokens = words.encode(shown, pieces)
starts = np.random.default_rng(0).integers(0, len(tokens) - 129, 16 * 50)
drawn = tokens[starts[:, None] + np.arange(129)]
x, y = drawn[:, :-1], drawn[:, 1:]
print(repr(words.decode(x[0, :12], pieces)))
print(repr(words.decode(y[0, :12], pieces)))

# %% [markdown]
# We know two ways to go on. *Head only* freezes the rest, as in lesson 05. *Everything*
# trains it all, with a smaller learning rate, as in lesson 08. The third is made for
# large models. **LoRA** freezes a kernel and adds the product of two thin matrices,
# which are all that trains. In Keras that is one call for each layer.


# %%
def head_only(model):
    for layer in model.layers:
        layer.trainable = layer.name == "head"


def lora(model):
    for layer in model.layers:
        layer.trainable = "dense" in layer.name or "attention" in layer.name
        if "dense" in layer.name:
            layer.enable_lora(8)
        if "attention" in layer.name:
            for part in ("query_dense", "key_dense", "value_dense", "output_dense"):
                getattr(layer, part).enable_lora(8)


ways = {"head only": (head_only, 3e-3), "LoRA": (lora, 3e-3)}
ways["everything"] = (lambda model: None, 3e-4)

# %%
best_guess = predict("Best on new files of Keras?", *ways)

# %%
loss, tuned = keras.losses.SparseCategoricalCrossentropy(from_logits=True), {}
for name, (prepare, learning_rate) in ways.items():
    tuned[name] = copy = build()
    copy.load_weights(words.base_weights())
    prepare(copy)
    copy.compile(keras.optimizers.Adam(learning_rate), loss)
    copy.fit(x, y, batch_size=16, verbose=0)
    trains = sum(int(np.prod(weight.shape)) for weight in copy.trainable_weights)
    found = {package: bits(copy, windows) for package, windows in unseen.items()}
    print(f"{name}, {trains:,} train: keras {found['keras']:.2f}", end=", ")
    print(f"python {found['python']:.2f}")
