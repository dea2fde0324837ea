"""The grid of lesson 09: how deep to unfreeze, against how many labels.

    python -m data.making.grid --out data

Half an hour on two CPU cores, resumable: every finished cell is in the file.
"""

import argparse
import pathlib

import keras

from data.making.tables import read_rows, write_rows
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing
from tlcourse.training import fine_tuning

COUNTS = (1, 2, 5, 10, 20, 50)
RATES = (5e-5, 3e-4)
DRAWS = (0, 1, 2)
STEPS = 300  # of 16 images, and at most EPOCHS times through the images
EPOCHS = 50
FIELDS = ("first", "labels_per_class", "draw", "rate", "validation", "test")


def cell(track, first, per_class):
    """The rows of one depth and number of labels."""

    def measure(model):
        return [fine_tuning.accuracy(model, x) for x in (track.validation, track.test)]

    images = per_class * len(track.class_names)
    epochs = min(EPOCHS, STEPS // -(-images // fine_tuning.BATCH))
    cases = [per_class], RATES, epochs, DRAWS
    found = fine_tuning.compare(track, first, *cases, measure)
    keras.utils.clear_session(free_memory=True)
    for (count, draw, rate), figures in found.items():
        values = (first, count, draw, rate, *(f"{figure:.4f}" for figure in figures))
        yield dict(zip(FIELDS, values, strict=True))


def main(out):
    track, path = load_track("glyphs"), pathlib.Path(out, "grid.csv")
    rows = read_rows(path)
    done = {(row["first"], int(row["labels_per_class"])) for row in rows}
    stages = freezing.stages(track.build_base(weights="random"))
    for stage in reversed(stages):
        for per_class in COUNTS:
            if (stage.name, per_class) not in done:
                rows.extend(cell(track, stage.name, per_class))
                write_rows(path, rows, FIELDS)
                print(stage.name, per_class, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
