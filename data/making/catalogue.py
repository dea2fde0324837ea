"""The stages of every network of the catalogue, for its explorer in lesson 02.

    python -m data.making.catalogue --out data

A minute on two CPU cores, resumable: every finished network is in the file.
"""

import argparse
import pathlib

import keras

from data.making.tables import read_rows, write_rows
from tlcourse import bases
from tlcourse.bases.catalogue import FIELDS
from tlcourse.models import freezing, structure


def stages(name):
    """The rows of one network, built without top at its usual input size."""
    base = bases.build(name, weights=None)
    structure.check_model(base)
    for stage in freezing.stages(base):
        figures = (stage.name, stage.size, len(stage.layers), stage.parameters)
        yield dict(zip(FIELDS, (name, *figures), strict=True))


def main(out):
    path = pathlib.Path(out, "catalogue.csv")
    rows = read_rows(path)
    done = {row["network"] for row in rows}
    for name in bases.CATALOGUE:
        if name not in done:
            rows.extend(stages(name))
            keras.utils.clear_session(free_memory=True)
            write_rows(path, rows, FIELDS)
            print(name, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
