"""Pictures to touch, without a browser: what they show is what Keras computes."""

import json
import pathlib
import subprocess

import keras
import numpy as np
import pytest
from needs import with_node

from data.making import curves, depths, forgetting, freeze_line
from tlcourse._util import assets
from tlcourse.course.tracks import load_track
from tlcourse.data import symbols
from tlcourse.widgets import pictures

ROOT = pathlib.Path(__file__).resolve().parent.parent
DESCRIBE = """import fs from "node:fs";
import { describe, open } from "./network.js";
const [base, pixels] = process.argv.slice(1).map((path) => fs.readFileSync(path));
const network = open(base);
for (let at = 0; at < pixels.length; at += 12288) {
  console.log(JSON.stringify([...describe(network, pixels.subarray(at, at + 12288))]));
}"""


@with_node
def test_states_without_a_browser():
    files = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))
    ended = subprocess.run(["node", "--test", *files], capture_output=True, text=True)
    assert ended.returncode == 0 and files, ended.stdout[-3000:]


@with_node
def test_the_base_in_the_browser_gives_the_features_of_keras(tmp_path):
    images = symbols.on_paper("house", range(4), (64, 64))
    images.tofile(tmp_path / "pixels")
    base = assets.shipped("glyphs_base.bin")
    command = ["node", "--input-type=module", "-e", DESCRIBE, base, tmp_path / "pixels"]
    ended = subprocess.run(
        command, cwd=pictures.HERE, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(images.astype("float32"))
    maps = load_track("glyphs").build_base()(scaled)
    expected = keras.ops.convert_to_numpy(maps).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, atol=0.02)  # of 2, with 16 bits
    for one, other in zip(found, expected, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.9999


def test_the_curves_are_those_of_lesson_07():
    shipped = json.loads(assets.shipped("label_curves.json").read_text())
    track, place = load_track("glyphs"), shipped["counts"].index(10)
    network = curves.describers(track)["trained base"]
    x, new = (
        network.predict(part.images, verbose=0)
        for part in (track.train, track.validation)
    )
    x, new = x / x.std(), new / x.std()
    probes = [curves.probe(x, track.train.labels, 10, draw) for draw in range(5)]
    scores = [each.score(new, track.validation.labels) for each in probes]
    known = shipped["tasks"]["near"]["curves"]["trained base"][place]
    assert known == pytest.approx([np.mean(scores), np.std(scores, ddof=1)], abs=0.01)


@pytest.mark.slow  # trains anew what ships
def test_the_freeze_line_on_a_page_shows_what_the_panel_does():
    shipped = json.loads(assets.shipped("freeze_line.json").read_text())
    made = freeze_line.panel()
    assert freeze_line.preset_masks(made) == shipped["presets"]
    for mask, norms in ((0, 0), (16, 1), (32, 0)):
        found, known = (
            freeze_line.tried(made, mask, bool(norms)),
            shipped["states"][f"{mask},{norms}"],
        )
        assert found["costs"] | {"lines": 0} == known["costs"] | {"lines": 0}
        assert found["passed"] == known["passed"]
        if mask:
            got, was = found["run"]["accuracy"][-1], known["run"]["accuracy"][-1]
            assert got[1] == pytest.approx(was[1], abs=0.03)
            for name in ("moved", "averages"):
                for one, other in zip(found[name], known[name], strict=True):
                    same = one is other is None
                    assert same or one == pytest.approx(other, rel=0.1)
    static = made._repr_html_()
    assert static.startswith('<div data-picture="freeze">') and "<svg" in static


@pytest.mark.slow  # trains anew what ships
def test_the_cut_and_the_dial_show_what_the_base_does():
    known = json.loads(assets.shipped("depths.json").read_text())
    track = load_track("glyphs")
    shown = track.validation.few(depths.IMAGES // len(track.class_names))
    pixels = track.preprocess(shown.images.astype("float32"))
    base = track.build_base()
    for (name, layer), depth in zip(
        depths.cuts(base).items(), known["depths"], strict=True
    ):
        values = keras.ops.convert_to_numpy(pixels)
        near = depths.nearest(depths.vectors(depths.maps_at(base, values, layer)))
        same = np.mean(shown.labels[near] == shown.labels[:, None])
        assert (name, same) == (depth["name"], pytest.approx(depth["same"], abs=0.01))
    dial = json.loads(assets.shipped("forgetting.json").read_text())
    tuning = forgetting.Tuning()
    found = tuning.run(1e-3, [0, 10])
    runs = dial["runs"][dial["rates"].index(1e-3)]
    for here, there in zip(
        found, (runs[0], runs[dial["steps"].index(10)]), strict=True
    ):
        for what in ("training", "held_out", "own"):
            assert here[what] == pytest.approx(there[what], abs=0.04), what
