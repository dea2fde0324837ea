"""Trains the base of lesson 15, a small GPT, on Python's standard library; resumable.

    python -m data.making.words_base --out data --work build/words

An hour on two CPU cores with PyTorch, more with TensorFlow (KERAS_BACKEND says which).
Interrupted, the same command goes on where the last checkpoint stood, and arrives at
the same weights. It begins with the pieces that text is cut into: single characters,
then, again and again, the most frequent pair of neighbours glued together.
"""

import argparse
import collections
import io
import json
import pathlib
import re
import sys

import h5py
import keras
import numpy as np

from data.making.tables import write_json
from tlcourse._util import atomic
from tlcourse.data import words

N_PIECES, CONTEXT, WIDTH, DEPTH, HEADS = 512, 128, 128, 4, 4
BATCH, STEPS_PER_ROUND, WARM_UP, N_WINDOWS = 48, 250, 200, 200
CHARACTERS = ["\n", *map(chr, range(32, 127))]
WORDS = re.compile(r" ?[A-Za-z_]+|\n *| +|[^A-Za-z_\s]+")


def find_pieces(text, n_pieces=N_PIECES):
    """Characters, and the most frequent pairs within words, glued one after another."""
    counts = collections.Counter(WORDS.findall(text))
    words, times = [list(word) for word in counts], list(counts.values())
    pieces = list(CHARACTERS)
    while len(pieces) < n_pieces:
        pairs = collections.Counter()
        for word, often in zip(words, times, strict=True):
            for pair in zip(word, word[1:], strict=False):
                pairs[pair] += often
        pair = max(pairs, key=lambda each: (pairs[each], each))
        words = [_glue(word, pair) for word in words]
        if "".join(pair) not in pieces:
            pieces.append("".join(pair))
    return pieces


def _glue(word, pair):
    glued, at = [], 0
    while at < len(word):
        together = tuple(word[at : at + 2]) == pair
        glued.append("".join(pair) if together else word[at])
        at += 1 + together
    return glued


def build(n_pieces=N_PIECES, width=WIDTH, depth=DEPTH, heads=HEADS, context=CONTEXT):
    """Builds the GPT: int32 `(batch, time)` to logits `(batch, time, n_pieces)`."""
    layers = keras.layers
    tokens = keras.Input((None,), dtype="int32")
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    x = layers.Embedding(n_pieces, width)(tokens)
    x = x + layers.Embedding(context, width)(places)
    for _ in range(depth):
        y = layers.LayerNormalization()(x)
        attention = layers.MultiHeadAttention(heads, width // heads)
        x = x + attention(y, y, use_causal_mask=True)
        y = layers.LayerNormalization()(x)
        y = layers.Dense(4 * width, activation="gelu")(y)
        x = x + layers.Dense(width)(y)
    x = layers.LayerNormalization()(x)
    return keras.Model(tokens, layers.Dense(n_pieces, name="head")(x))


def compile_for(network, steps, learning_rate):
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - WARM_UP, warmup_target=learning_rate, warmup_steps=WARM_UP
    )
    adamw = keras.optimizers.AdamW(schedule, 0.1, beta_2=0.99, clipnorm=1.0)
    adamw.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adamw, loss)
    adamw.build(network.trainable_variables)  # or a checkpoint's would not be read


class Batches(keras.utils.PyDataset):
    """Steps `start` to `stop` of the training; step k is the same every time."""

    def __init__(self, tokens, start, stop, batch=BATCH, context=CONTEXT):
        super().__init__()
        self.tokens, self.start, self.stop = tokens, start, stop
        self.batch, self.context = batch, context

    def __len__(self):
        return self.stop - self.start

    def __getitem__(self, index):
        rng = np.random.default_rng((0, self.start + index))
        at = rng.integers(0, len(self.tokens) - self.context, self.batch)
        cut = self.tokens[at[:, None] + np.arange(self.context + 1)]
        return cut[:, :-1], cut[:, 1:]


def train(network, batches, work, steps, a_round=STEPS_PER_ROUND):
    """Trains a compiled `network` in rounds; each ends in a checkpoint in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    state = work / "state.json"
    done = json.loads(state.read_text())["step"] if state.exists() else 0
    if done:
        network.load_weights(work / f"step_{done}.weights.h5")  # the optimizer's, too
    while done < steps:
        stop = min(done + a_round, steps)
        history = network.fit(batches(done, stop), verbose=0, shuffle=False).history
        network.save_weights(work / f"step_{stop}.weights.h5")
        write_json(state, {"step": stop})
        (work / f"step_{done}.weights.h5").unlink(missing_ok=True)
        done = stop
        print(f"step {done}: loss {history['loss'][0]:.3f}", flush=True)
    return network


def spread(tokens, n_windows=N_WINDOWS, context=CONTEXT):
    """Cuts windows out of `tokens`, evenly spread: int32 `(n_windows, context + 1)`.

    A window has one token more than the network reads at once: the last is only asked.
    """
    starts = np.linspace(0, len(tokens) - context - 1, n_windows).astype(int)
    return tokens[starts[:, None] + np.arange(context + 1)]


def bits_per_character(network, windows, pieces):
    """Bits that `network` needs for each character, but each window's first piece."""
    logits = network.predict(windows[:, :-1], 32, verbose=0)
    asked = windows[:, 1:]
    nats = keras.losses.sparse_categorical_crossentropy(asked, logits, from_logits=True)
    characters = sum(len(pieces[token]) for token in asked.ravel())
    return float(keras.ops.sum(nats)) / np.log(2) / characters


def save(network, path):
    """Writes the weights in half precision; `load_weights` reads them."""
    full = path.with_name(f"full_{path.name}")
    network.save_weights(full)
    content = io.BytesIO()
    with h5py.File(full) as source, h5py.File(content, "w") as target:
        source.visititems(lambda name, item: _copy(name, item, target))
    full.unlink()
    with atomic.write_file(path) as file:
        file.write(content.getvalue())


def _copy(name, item, target):
    if name.startswith("optimizer"):
        return
    if isinstance(item, h5py.Dataset):
        value = item[()]
        half = value.astype("float16") if value.dtype == "float32" else value
        made = target.create_dataset(name, data=half)
    else:
        made = target.require_group(name)
    made.attrs.update(item.attrs)


def main(out, work, steps, learning_rate):
    keras.utils.set_random_seed(0)
    text = words.load_source_code("python")
    if not (work / "pieces.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        write_json(work / "pieces.json", find_pieces(text))
    pieces = json.loads((work / "pieces.json").read_text())
    tokens = words.encode(text, pieces)
    print(f"{len(text):,} characters, {len(tokens):,} tokens", flush=True)
    network = build()
    compile_for(network, steps, learning_rate)
    network = train(network, lambda a, b: Batches(tokens, a, b), work, steps)
    save(network, out / words.WEIGHTS)
    write_json(out / words.PIECES, pieces)
    held_out = words.load_source_code("python", "held out")
    held_out = spread(words.encode(held_out, pieces))
    facts = {"python": sys.version.split()[0], "characters": len(text), "steps": steps}
    facts |= {"rate": learning_rate, "batch": BATCH, "keras": keras.__version__}
    facts |= {"backend": keras.backend.backend(), "parameters": network.count_params()}
    facts["bits_held_out"] = bits_per_character(network, held_out, pieces)
    write_json(out / "gpt_python.json", facts)
    print(facts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="build/words")
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    arguments = parser.parse_args()
    main(arguments.out, arguments.work, arguments.steps, arguments.learning_rate)
