"""What the picture "Freeze line" shows on a page: every choice of parts, tried.

    python -m data.making.freeze_line --out data

A quarter of an hour on two CPU cores. Interrupted, it goes on where it was.
"""

import argparse
import json
import pathlib

import keras

from tlcourse import training
from tlcourse._util import atomic
from tlcourse.course.tracks import load_track
from tlcourse.models import freeze_state, freezing, heads
from tlcourse.widgets import FreezePanel

NAME = "freeze_line.json"
LABELS, BATCH_SIZE = 5, 10
COSTS = ("trains", "flop", "share", "lines")
FIXED = ("title", "total", "images")
STATIC = ("name", "numbers", "note", "normed")


def panel():
    """The panel of lesson 05, over a base with a new head, from one seed."""
    keras.utils.set_random_seed(0)
    track = load_track("glyphs")
    base = freezing.freeze(track.build_base())
    model = heads.wrap(base, len(track.class_names), preprocess=track.preprocess)
    training.compile_for(model, 1e-3)
    few = track.train.few(LABELS)
    return FreezePanel(model, few, BATCH_SIZE, validation=track.validation)


def tried(made, mask, norms):
    """What the panel shows of a choice, once it has trained: a dict."""
    for position in range(len(made.summary.parts)):
        made.do("part", position, bool(mask >> position & 1))
    made.do("norms", norms)
    made.do("compile")
    made.live.runs.clear()
    made.do("train")
    shown = made.widget.shown
    parts, costs = shown["parts"], {name: shown[name] for name in COSTS}
    found = {"costs": costs, "passed": [part["passed"] for part in parts]}
    for name in ("moved", "averages"):
        found[name] = [part[name] and float(f"{part[name]:.3g}") for part in parts]
    for run in made.live.runs:
        losses = [round(loss, 3) for loss in run["losses"]]
        accuracy = [[at, round(right, 3)] for at, right in run["accuracy"]]
        found["run"] = {"name": run["name"], "losses": losses, "accuracy": accuracy}
    return found


def preset_masks(made):
    """dict, name to the parts that train, as bits, and whether BatchNorm does."""
    found = {}
    for name in freeze_state.PRESETS:
        state = made.summary.state.preset(name)
        on = [state.shows(part) != "frozen" for part in made.summary.parts]
        mask = sum(2**k for k, trains in enumerate(on) if trains)
        found[name] = [mask, int(state.batchnorm_trains)]
    return found


def main():
    """Writes `NAME` into a folder, after every choice what is known so far."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    path = parser.parse_args().out / NAME
    begun = path.with_suffix(".begun.json")
    states = json.loads(begun.read_text("utf-8")) if begun.exists() else {}
    made = panel()
    shown, presets = made.widget.shown, preset_masks(made)
    n = len(shown["parts"])
    choices = [(mask, norms) for mask in range(2**n) for norms in (0, 1)]
    for mask, norms in choices:
        key = f"{mask},{norms}"
        if key in states or (norms and not mask):
            continue
        states[key] = tried(made, mask, bool(norms))
        with atomic.write_file(begun) as file:
            file.write(json.dumps(states).encode())
        print(key, states[key].get("run", {}).get("accuracy"), flush=True)
    parts = [
        {name: part[name] for name in STATIC} | {"note": part["note"].split(", ", 1)[1]}
        for part in shown["parts"]
    ]
    found = {"fixed": {name: shown[name] for name in FIXED}, "parts": parts}
    found |= {"steps": made.live.steps, "presets": presets, "states": states}
    with atomic.write_file(path) as file:
        file.write(json.dumps(found, ensure_ascii=False).encode() + b"\n")
    begun.unlink()


if __name__ == "__main__":
    main()
