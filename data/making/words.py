"""Measures lesson 15: what the small GPT knows after some characters of Keras.

    python -m data.making.words --out data --work build/words_runs

Most of an hour on two CPU cores; resumable, run by run. Each run of data/words.csv
shows a model a stretch of Keras's source: a fresh draw of files. The last fifth of the
stretch is not trained on but says when to stop. Judged are files never seen, of Keras,
and of the standard library that the base was trained on, in bits for each character.
"""

import argparse
import itertools
import lzma
import pathlib
import time

import keras
import numpy as np

from data.making.ngrams import NGrams
from data.making.tables import read_rows, write_json, write_rows
from data.making.words_base import (
    CONTEXT,
    Batches,
    bits_per_character,
    build,
    spread,
)
from tlcourse.data import words

SIZES, DRAWS = (2_000, 20_000, 200_000), range(3)
RATES = {"head": 1e-3, "LoRA": 2e-3, "everything": 2e-4, "scratch": 3e-3}
TOO_LARGE = "everything, rate too large"
RATES[TOO_LARGE] = 1e-2
FIELDS = ("way", "characters", "draw", "keras", "python", "trains", "steps", "seconds")
BATCH, LOOKS, PATIENCE = 16, 12, 3
PROMPTS = (
    "class Layer(",
    "import ",
    "def call(self, ",
    "    def __init__(self, ",
    "if backend.backend() == ",
    "raise ValueError(",
    '    """Returns ',
    "for i in range(",
    "x = self.dense(",
    "model.compile(",
)


def prepare(way, network):
    """Says what trains; `way` is a key of `RATES`."""
    for layer in network.layers:
        layer.trainable = way not in ("head", "LoRA") or layer.name == way
    if way == "LoRA":
        for layer in lora_layers(network):
            layer.trainable = True
            layer.enable_lora(8)


def lora_layers(network):
    """The dense layers of each block, those within attention as well."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.MultiHeadAttention):
            layer.trainable = True
            yield from (layer.query_dense, layer.key_dense)
            yield from (layer.value_dense, layer.output_dense)
        elif isinstance(layer, keras.layers.Dense) and layer.name != "head":
            yield layer


class Judge:
    """Windows of held-out text of both kinds."""

    def __init__(self, pieces):
        self.pieces, self.windows = pieces, {}
        for kind in ("keras", "python"):
            text = words.load_source_code(kind, "held out")
            self.windows[kind] = spread(words.encode(text, pieces))

    @property
    def text(self):
        """The windows of Keras as text, one after another."""
        return words.decode(self.windows["keras"].ravel(), self.pieces)

    def __call__(self, network):
        """Bits for each character of both kinds: dict."""
        return {
            kind: bits_per_character(network, windows, self.pieces)
            for kind, windows in self.windows.items()
        }


def stretch(characters, draw):
    """The first `characters` of Keras's source, its files in the order of a draw."""
    return words.load_source_code("keras", seed=100 + draw)[:characters]


def tune(way, network, tokens, draw, rate=None):
    """Trains until the last fifth of `tokens` gets worse; keeps the best; steps.

    The first look is at the untouched network, so "nothing" may be the best. At too
    large a rate the last state is kept, not the best: that is what it is to show.
    """
    prepare(way, network)
    shown, *seen = split(tokens)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate or RATES[way], clipnorm=1.0), loss)
    a_look = steps_between_looks(way, len(tokens))
    losses, best = [network.evaluate(*seen, 32, verbose=0)], network.get_weights()
    while len(losses) <= LOOKS and len(losses) - 1 - np.argmin(losses) < PATIENCE:
        start = 1_000_000 * draw + len(losses) * a_look
        batches = Batches(shown, start, start + a_look, BATCH)
        network.fit(batches, verbose=0, shuffle=False)
        losses.append(network.evaluate(*seen, 32, verbose=0))
        if losses[-1] == min(losses):
            best = network.get_weights()
    if way == TOO_LARGE:
        return a_look * (len(losses) - 1)
    network.set_weights(best)
    return a_look * int(np.argmin(losses))


def split(tokens):
    """What is trained on, and windows of the last fifth: inputs and answers."""
    cut = max(len(tokens) * 4 // 5, CONTEXT + 2)
    rest = tokens[max(0, min(cut, len(tokens) - CONTEXT - 1)) :]
    windows = spread(rest, max(1, (len(rest) - 1) // CONTEXT))
    return tokens[:cut], windows[:, :-1], windows[:, 1:]


def steps_between_looks(way, n_tokens):
    """Fewer where there is little to read; from scratch, five times as many."""
    few = 2 if n_tokens < 3_000 else 10 if n_tokens < 30_000 else 40
    return min(5 * few, 100) if way == "scratch" else few


def fresh(path, way="base"):
    """A base with its trained weights; for `"scratch"` without them."""
    network = build()
    if way != "scratch":
        network.load_weights(path)
    return network


def one_run(way, characters, draw, path, pieces, judge):
    """One row of the table: dict."""
    keras.utils.set_random_seed(draw)
    network, start = fresh(path, way), time.time()
    tokens = words.encode(stretch(characters, draw), pieces)
    steps = tune(way, network, tokens, draw)
    trains = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    row = {"way": way, "characters": characters, "draw": draw, "trains": trains}
    row |= {kind: round(bits, 4) for kind, bits in judge(network).items()}
    return row | {"steps": steps, "seconds": round(time.time() - start)}


def compressor(characters, draw, judge, before=""):
    """Bits for each character that xz needs for held-out text after the shown."""
    shown = (before + stretch(characters, draw)).encode()
    text = judge.text.encode()
    more = len(lzma.compress(shown + text)) - len(lzma.compress(shown))
    return 8 * more / len(text)


def n_gram(characters, draw, judge, before=""):
    """The same for counts of six neighbours."""
    counts = NGrams(before + stretch(characters, draw))
    return counts.bits_per_character(judge.text)


def controls(judge):
    """Rows of what learns without a network, with and without the standard library."""
    library = words.load_source_code("python")
    for name, measure in {"n-gram": n_gram, "xz": compressor}.items():
        for before, what in (("", name), (library, f"{name}, library first")):
            for size, draw in itertools.product((0, *SIZES), DRAWS):
                if size or before and draw == 0:
                    bits = round(measure(size, draw, judge, before), 4)
                    yield {"way": what, "characters": size, "draw": draw, "keras": bits}


def continue_text(network, prompts, pieces, n_pieces=40, temperature=0.5, seed=0):
    """Continues prompts, a piece at a time, drawn by what the network expects."""
    rng, written = np.random.default_rng(seed), []
    for prompt in prompts:
        tokens = list(words.encode(prompt, pieces))
        for _ in range(n_pieces):
            window = np.array([tokens[-CONTEXT:]])
            logits = network.predict_on_batch(window)[0, -1] / temperature
            chances = np.exp(logits - logits.max())
            tokens.append(rng.choice(len(pieces), p=chances / chances.sum()))
        written.append(words.decode(tokens, pieces))
    return written


def main(out, work):
    pieces, path = words.load_pieces(), out / words.WEIGHTS
    judge, rows = Judge(pieces), read_rows(work / "words.csv")
    work.mkdir(parents=True, exist_ok=True)
    done = {(row["way"], row["characters"], row["draw"]) for row in rows}
    if not rows:
        rows = [{"way": "base", "characters": 0, "draw": 0} | judge(fresh(path))]
        rows += controls(judge)
    for draw, size, way in itertools.product(DRAWS, SIZES, RATES):
        if (way, str(size), str(draw)) not in done:
            rows.append(one_run(way, size, draw, path, pieces, judge))
            print(rows[-1], flush=True)
            write_rows(work / "words.csv", rows, FIELDS)
    write_rows(out / "words.csv", rows, FIELDS)
    keras.utils.set_random_seed(0)
    texts, network = {}, fresh(path)
    texts["before"] = continue_text(network, PROMPTS, pieces)
    tokens = words.encode(stretch(200_000, 0), pieces)
    tune("everything", network, tokens, 0)
    texts["after"] = continue_text(network, PROMPTS, pieces)
    write_json(out / "words_prompts.json", {"prompts": PROMPTS} | texts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="build/words_runs")
    arguments = parser.parse_args()
    main(arguments.out, arguments.work)
