"""Writes what the pictures to touch need: glyphs_base.bin and drawings.json.

python -m data.making.browser --out data
"""

import argparse
import json
import pathlib

import keras
import numpy as np

from tlcourse._util import atomic
from tlcourse.course.tracks import load_track
from tlcourse.data import symbols

BASE, DRAWINGS = "glyphs_base.bin", "drawings.json"
EACH, STEP = 10, 3  # drawings of a symbol; every how many points of a stroke stay


def drawings():
    """dict, name of a symbol to drawings of it: lists of strokes of `[x, y]`, 0..1."""
    return {
        name: [
            [_thinned(stroke) for stroke in symbols.sketch(name, seed)]
            for seed in range(EACH)
        ]
        for name in symbols.SYMBOLS
    }


def _thinned(stroke):
    points = np.round(stroke, 3).tolist()
    return [*points[:-1:STEP], points[-1]]


def fold(base):
    """Its convolutions in order, each with the BatchNormalization behind it.

    Gives a list of dicts: what network.js has to know, with `kernel` and `bias`.
    """
    found = []
    for layer in base.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            found.append(_convolution(layer))
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            scale = gamma / np.sqrt(variance + layer.epsilon)
            by_filter = scale[:, None] if found[-1]["depthwise"] else scale
            found[-1]["kernel"] = found[-1]["kernel"] * by_filter
            found[-1]["bias"] = beta - mean * scale
        elif isinstance(layer, keras.layers.ReLU):
            found[-1]["relu"] = True
        elif isinstance(layer, keras.layers.Add):
            found[-1]["add"] = found[-3]["keep"] = True  # expand, depthwise, project
    return found


def _convolution(layer):
    (kernel,) = layer.get_weights()
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return {
        "in": kernel.shape[2],
        "out": kernel.shape[2 if depthwise else 3],
        "side": kernel.shape[0],
        "stride": layer.strides[0],
        "depthwise": depthwise,
        "kernel": kernel,
    }


def pack(layers):
    """Bytes: the length of a JSON header, the header, and all numbers as float16."""
    arrays = [array for each in layers for array in (each["kernel"], each["bias"])]
    plain = [
        {key: value for key, value in each.items() if key not in ("kernel", "bias")}
        for each in layers
    ]
    header = json.dumps(plain, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    flat = np.concatenate([array.ravel() for array in arrays]).astype("<f2")
    return len(header).to_bytes(4, "little") + header + flat.tobytes()


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    out = parser.parse_args(arguments).out
    packed = pack(fold(load_track("glyphs").build_base()))
    drawn = json.dumps(drawings(), separators=(",", ":")).encode()
    for name, content in ((BASE, packed), (DRAWINGS, drawn)):
        with atomic.write_file(out / name) as file:
            file.write(content)
        print(f"{out / name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
