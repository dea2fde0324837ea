"""The numbers of the picture "Label slider": accuracy by labels, near task and far.

    python -m data.making.curves --out data

A minute or two on two CPU cores.
"""

import argparse
import base64
import io
import json
import pathlib

import keras
import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from tlcourse import data, training
from tlcourse._util import atomic
from tlcourse.course.tracks import load_track
from tlcourse.data.dataset import draw_few

NAME = "label_curves.json"
COUNTS, DRAWS, SHOWN = (1, 2, 3, 5, 10, 20, 50), 5, 8
TILE = 16  # pixels of a training image in the pile
QUESTIONS = {"near": "Which digit is it?", "far": "How many digits are there?"}


def describers(track):
    """dict, name to a network from raw pixels to vectors, as in lesson 07."""
    base = track.build_base()
    keras.utils.set_random_seed(0)
    pool = keras.layers.GlobalAveragePooling2D()
    coarse = keras.layers.AveragePooling2D(track.input_shape[0] // 32)
    parts = {
        "trained base": [base, pool],
        "random base": [keras.models.clone_model(base), pool],
        "raw pixels": [coarse, keras.layers.Flatten()],
    }
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)
    pixels = keras.Input(track.input_shape)
    return {name: keras.Sequential([pixels, scaled, *x]) for name, x in parts.items()}


def probe(vectors, labels, count, draw):
    """Lesson 07's logistic regression on `count` images of each class."""
    at = draw_few(labels, count, seed=draw)
    made = LogisticRegression(C=0.1, max_iter=1000, tol=1e-2)
    return made.fit(vectors[at], labels[at])


def curves(networks, train, held_out):
    """Accuracies, and what the first draw on the trained base says of the first few.

    Gives a dict, name to `[mean, spread]` for each of `COUNTS`, and a list of lists.
    """
    found, said = {}, []
    for name, network in networks.items():
        x, new = (network.predict(d.images, verbose=0) for d in (train, held_out))
        x, new = x / x.std(), new / x.std()
        found[name] = []
        for count in COUNTS:
            probes = [probe(x, train.labels, count, draw) for draw in range(DRAWS)]
            scores = [each.score(new, held_out.labels) for each in probes]
            found[name].append(_mean_and_spread(scores))
            if name == "trained base":
                said.append(probes[0].predict(new[:SHOWN]).tolist())
    return found, said


def _mean_and_spread(scores):
    return [round(float(np.mean(scores)), 4), round(float(np.std(scores, ddof=1)), 4)]


def from_scratch(track):
    """The shipped control, with None where there is none."""
    known = (1, 5, 10, 20, 50)
    rows = training.shipped_scratch(track, known)["from scratch"]
    by_count = dict(zip(known, map(_mean_and_spread, rows), strict=True))
    return [by_count.get(count) for count in COUNTS]


def task(name, networks, train, held_out):
    """What the picture has to know of a task."""
    found, said = curves(networks, train, held_out)
    classes = range(len(train.class_names))
    by_class = [np.flatnonzero(train.labels == k)[: max(COUNTS)] for k in classes]
    pile = np.stack([train.images[at] for at in by_class])
    return {
        "question": QUESTIONS[name],
        "classes": train.class_names,
        "curves": found,
        "labels": held_out.labels[:SHOWN].tolist(),
        "said": said,
        "pile": sheet(pile, TILE),
        "tests": sheet(held_out.images[None, :SHOWN], held_out.images.shape[1]),
    }


def sheet(images, side):
    """Images `(rows, columns, h, w, 3)` as one JPEG, an address that holds it."""
    small = [
        np.hstack([np.asarray(Image.fromarray(x).resize((side, side))) for x in row])
        for row in images
    ]
    file = io.BytesIO()
    Image.fromarray(np.vstack(small)).save(file, "jpeg", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    out = parser.parse_args(arguments).out
    track = load_track("glyphs")
    networks = describers(track)
    near = task("near", networks, track.train, track.validation)
    near["curves"]["from scratch"] = from_scratch(track)
    counted = data.load_counting(6 * max(COUNTS)), data.load_counting(300, "validation")
    made = {"near": near, "far": task("far", networks, *counted)}
    text = json.dumps({"counts": COUNTS, "draws": DRAWS, "tasks": made}, indent=1)
    with atomic.write_file(out / NAME) as file:
        file.write(text.encode() + b"\n")
    for name, each in made.items():
        for kind, values in each["curves"].items():
            print(name, kind, [value and value[0] for value in values])


if __name__ == "__main__":
    main()
