// The state of the freeze line, without a browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import * as dom from "../../tlcourse/widgets/pictures/dom.js";
import * as freeze from "../../tlcourse/widgets/pictures/freeze.js";

const file = new URL("../../data/freeze_line.json", import.meta.url);
const data = JSON.parse(fs.readFileSync(file));
const parts = (...shows) => shows.map((each, k) => ({ name: `stage ${k + 1}`, shows: each }));

test("the line stands before the first part that trains", () => {
  assert.equal(freeze.line(parts("frozen", "partly", "trains")), 1);
  assert.equal(freeze.line(parts("frozen", "frozen")), 2);
  assert.ok(freeze.isWhole(parts("frozen", "trains", "trains")));
  assert.ok(!freeze.isWhole(parts("trains", "frozen", "trains")));
  assert.equal(freeze.lineWords(parts("frozen", "frozen")), "everything frozen");
  assert.equal(freeze.lineWords(parts("trains", "trains")), "everything trains");
  assert.match(freeze.lineWords(parts("frozen", "trains", "frozen")), /reach stage 2; some parts behind/);
});

test("what moved most glows most, and what did not move does not glow", () => {
  const moved = [{ moved: 0 }, { moved: 0.01 }, { moved: 0.04 }, { moved: null }];
  assert.deepEqual(freeze.glow(moved), [0, 0.5, 1, 0]);
  assert.deepEqual(freeze.glow([{ moved: 0 }, { moved: 0 }]), [0, 0]);
});

test("a line tells what moved, also where a block has no room", () => {
  const moved = [
    { name: "stage 1", moved: 0, averages: 0 },
    { name: "stage 2", moved: 0.02, averages: 0.3 },
    { name: "head", moved: 0.4, averages: null },
  ];
  const said = "Moved (orange frame): stage 2 by 2.0 %, averages 30 %; head by 40 %. The other part did not move.";
  assert.equal(freeze.movedList(moved), said);
  assert.equal(freeze.movedList([{ moved: null }]), "");
});

test("shares are short, and none that is not zero reads as zero", () => {
  const told = [0, 0.00042, 0.0042, 0.042, 0.42].map(freeze.share);
  assert.deepEqual(told, ["0 %", "0.042 %", "0.42 %", "4.2 %", "42 %"]);
  assert.equal(freeze.movedWords({ moved: 0, averages: 0 }), "did not move");
  assert.equal(freeze.movedWords({ moved: 0.02, averages: 0.3 }), "moved 2.0 %, averages 30 %");
  assert.equal(freeze.movedWords({ moved: null }), "");
});

test("on a page every choice is there, and costs more the further the gradient goes", () => {
  const kernel = freeze.onPage(data);
  const n = data.parts.length;
  const flop = [];
  for (let k = n; k >= 0; k--) {
    kernel.do("line", k);
    const shown = kernel.shown();
    assert.equal(freeze.line(shown.parts), k);
    assert.deepEqual(shown.parts.map(({ passed }) => passed), data.parts.map((_, i) => i >= k));
    flop.push(shown.flop);
  }
  assert.deepEqual(flop, flop.toSorted((a, b) => a - b));
  assert.equal(kernel.shown().share, Math.max(...Object.values(data.states).map(({ costs }) => costs.share)));
  for (const [name, [mask, norms]] of Object.entries(data.presets)) {
    kernel.do("preset", name, 2);
    assert.deepEqual(kernel.shown().parts.map(({ shows }) => shows === "trains"), data.parts.map((_, k) => Boolean(mask & (2 ** k))));
    assert.equal(kernel.shown().norms, Boolean(norms));
  }
});

test("weights move where they train and nowhere else, averages where BatchNorm is awake", () => {
  for (const [key, { moved, averages }] of Object.entries(data.states)) {
    const [mask, norms] = key.split(",").map(Number);
    data.parts.forEach(({ normed }, k) => {
      const trains = Boolean(mask & (2 ** k));
      assert.equal(Boolean(moved[k]), trains, key);
      assert.equal(Boolean(averages[k]), Boolean(trains && norms && normed), key);
    });
  }
});

test("a run is played for the choice that is shown, and forgotten with the next", () => {
  let said = "";
  const kernel = freeze.onPage(data);
  kernel.listen((text) => (said = text));
  kernel.do("preset", "head only");
  kernel.do("train");
  assert.match(said, /^30 steps\. Loss from .* validation accuracy from 0\.\d\d to 0\.\d\d\.$/);
  const { parts: after, training } = kernel.shown();
  assert.ok(after.at(-1).moved > 0 && after[0].moved === 0 && training.runs.length === 1);
  kernel.do("part", 4, true);
  assert.equal(kernel.shown().parts[5].moved, null);
  kernel.do("train");
  assert.equal(kernel.shown().training.runs.length, 2);
  kernel.do("preset", "freeze everything");
  kernel.do("train");
  assert.match(said, /nothing moved/);
  assert.equal(kernel.shown().training.runs.length, 2);
});

test("a curve stays in its frame", () => {
  const drawn = dom.path([[0, 0], [15, 3], [30, -1]], 30, 2, [10, 5, 100, 50]);
  assert.equal(drawn, "M10.0 55.0 L60.0 5.0 L110.0 55.0");
});
