"""The control that takes long: the base's architecture, trained from scratch.

    python -m data.making.controls --out data

Half an hour on two CPU cores, resumable: every finished training is a row.
"""

import argparse
import csv
import os
import pathlib

import keras

from tlcourse.course.tracks import load_track
from tlcourse.training import train_from_scratch

COUNTS = (1, 5, 10, 20, 50)
DRAWS = 3
STEPS = 1200  # of 32 images, and at most EPOCHS times through the images
EPOCHS = 300
LOOKS = 15  # at the validation set; the best of them counts
FIELDS = ("labels_per_class", "draw", "epochs", "validation_accuracy")


def finished(path):
    """The rows that are already there."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows, fields):
    """A table, whole or not at all."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "w", newline="") as file:
        out = csv.DictWriter(file, fields, lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    os.replace(temporary, path)


def run(track, per_class, draw):
    """One training from scratch; the accuracy of its best epoch."""
    keras.utils.set_random_seed(draw)
    few = track.train.few(per_class, seed=draw)
    epochs = min(EPOCHS, STEPS // -(-len(few) // 32))
    every = epochs // LOOKS
    history = train_from_scratch(track, few, track.validation, epochs, every)
    best = max(history.history["val_accuracy"])
    return dict(zip(FIELDS, (per_class, draw, epochs, f"{best:.4f}"), strict=True))


def main(out):
    track, path = load_track("glyphs"), pathlib.Path(out, "scratch.csv")
    rows = finished(path)
    done = {(int(row[FIELDS[0]]), int(row[FIELDS[1]])) for row in rows}
    for per_class in COUNTS:
        for draw in range(DRAWS):
            if (per_class, draw) not in done:
                rows.append(run(track, per_class, draw))
                write(path, rows, FIELDS)
                print(rows[-1], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
