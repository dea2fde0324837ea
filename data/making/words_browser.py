"""Writes what the picture of lesson 15 needs: gpt_base.bin, the small GPT and LoRA's.

python -m data.making.words_browser --out data

Three trainings of two minutes. After a JSON header come all numbers as float16: the
base's arrays, and for each number of characters of Keras the two thin matrices of each
kernel, and the biases that trained along.
"""

import argparse
import json
import pathlib

import keras
import numpy as np

from data.making import words as making
from data.making.words_base import CONTEXT, DEPTH, HEADS, WIDTH
from tlcourse._util import atomic
from tlcourse.data import words

FILE = "gpt_base.bin"
PARTS = ("query", "key", "value", "out", "up", "down")


def name_arrays(network):
    """dict, a name as gpt.js has it to an array; the network's weights, in order."""
    names = ["pieces", "places"]
    depth = sum(isinstance(x, keras.layers.MultiHeadAttention) for x in network.layers)
    for block in range(depth):
        for part, kinds in (
            ("norm1", ("gamma", "beta")),
            *[(part, ("kernel", "bias")) for part in PARTS[:4]],
            ("norm2", ("gamma", "beta")),
            *[(part, ("kernel", "bias")) for part in PARTS[4:]],
        ):
            names += [f"{block}.{part}.{kind}" for kind in kinds]
    names += ["norm.gamma", "norm.beta", "head.kernel", "head.bias"]
    return dict(zip(names, network.get_weights(), strict=True))


def name_changes(network):
    """dict, a name to what LoRA adds: `a/NAME`, `b/NAME`, and `bias/NAME`."""
    found, layers = {}, list(making.lora_layers(network))
    for place, layer in enumerate(layers):
        name = f"{place // len(PARTS)}.{PARTS[place % len(PARTS)]}"
        weights = {w.name: np.asarray(w.numpy()) for w in layer.weights}
        a, b = weights["lora_kernel_a"], weights["lora_kernel_b"]
        found[f"a/{name}.kernel"] = a.reshape(-1, a.shape[-1])
        found[f"b/{name}.kernel"] = b
        found[f"bias/{name}.bias"] = weights["bias"]
    return found


def pack(arrays, **header):
    """Bytes: the length of a JSON header, the header, and all numbers as float16."""
    header["arrays"] = [[name, *array.shape] for name, array in arrays.items()]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    flat = np.concatenate([array.ravel() for array in arrays.values()]).astype("<f2")
    return len(text).to_bytes(4, "little") + text + flat.tobytes()


def main(out):
    pieces, path = words.load_pieces(), out / words.WEIGHTS
    arrays = name_arrays(making.fresh(path))
    for at, size in enumerate(making.SIZES):
        keras.utils.set_random_seed(0)
        network = making.fresh(path)
        tokens = words.encode(making.stretch(size, 0), pieces)
        making.tune("LoRA", network, tokens, 0)
        changes = name_changes(network)
        arrays |= {f"lora{at}/{name}": array for name, array in changes.items()}
    header = {"width": WIDTH, "heads": HEADS, "depth": DEPTH, "context": CONTEXT}
    content = pack(arrays, pieces=pieces, sizes=list(making.SIZES), **header)
    with atomic.write_file(out / FILE) as file:
        file.write(content)
    print(f"{out / FILE}: {len(content):,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    main(parser.parse_args().out)
