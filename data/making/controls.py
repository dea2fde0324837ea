"""The control that takes long: the base's architecture, trained from scratch.

    python -m data.making.controls --out data

Half an hour on two CPU cores, resumable: every finished training is a row.
"""

import argparse
import pathlib

import keras

from data.making.tables import read_rows, write_rows
from tlcourse.course.tracks import load_track
from tlcourse.training import train_from_scratch

COUNTS = (1, 5, 10, 20, 50)
DRAWS = 3
STEPS = 1200  # of 32 images, and at most EPOCHS times through the images
EPOCHS = 300
VALIDATIONS = 15  # of each training; the best of them counts
FIELDS = ("labels_per_class", "draw", "epochs", "validation_accuracy")


def train_once(track, per_class, draw):
    """The row of one training from scratch: the accuracy of its best epoch."""
    keras.utils.set_random_seed(draw)
    few = track.train.few(per_class, seed=draw)
    epochs = min(EPOCHS, STEPS // -(-len(few) // 32))
    every = epochs // VALIDATIONS
    history = train_from_scratch(track, few, track.validation, epochs, every)
    best = max(history.history["val_accuracy"])
    return dict(zip(FIELDS, (per_class, draw, epochs, f"{best:.4f}"), strict=True))


def main(out):
    track, path = load_track("glyphs"), pathlib.Path(out, "scratch.csv")
    rows = read_rows(path)
    done = {(int(row[FIELDS[0]]), int(row[FIELDS[1]])) for row in rows}
    for per_class in COUNTS:
        for draw in range(DRAWS):
            if (per_class, draw) not in done:
                rows.append(train_once(track, per_class, draw))
                write_rows(path, rows, FIELDS)
                print(rows[-1], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
