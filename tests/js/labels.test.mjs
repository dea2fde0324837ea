// The state of the label slider, without a browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import * as labels from "../../tlcourse/widgets/pictures/labels.js";

const file = new URL("../../data/label_curves.json", import.meta.url);
const data = JSON.parse(fs.readFileSync(file));

test("a guess is drawn before anything is shown, and each task has its own", () => {
  let state = labels.begin(data);
  assert.equal(state.task, "near");
  assert.ok(!labels.isDrawn(state) && labels.miss(data, state) === null);
  state = labels.stroke(state, [0, 0.2], [6, 0.8]); // passes over those between
  assert.ok(labels.isDrawn(state));
  assert.deepEqual(state.guess.near, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
  state = labels.guess(state, 3, 7);
  assert.equal(state.guess.near[3], 1);
  const far = labels.choose(state, "far");
  assert.ok(!labels.isDrawn(far) && labels.isDrawn(labels.choose(far, "near")));
});

test("how far off a guess is, is measured on the trained base's curve", () => {
  const real = data.tasks.near.curves["trained base"];
  let state = labels.begin(data);
  real.forEach(([mean], k) => (state = labels.guess(state, k, mean - (k === 2 ? 0.3 : 0.02))));
  const { mean, worst, count } = labels.miss(data, state);
  assert.ok(Math.abs(worst - 30) < 0.6 && count === data.counts[2]);
  assert.ok(Math.abs(mean - (30 + 6 * 2) / 7) < 0.6);
});

test("what lies under the pointer is what is drawn there", () => {
  data.counts.forEach((_, k) => {
    const [place, share] = labels.under(data, ...labels.spot(data, k, 0.37));
    assert.ok(place === k && Math.abs(share - 0.37) < 1e-9);
  });
  assert.equal(labels.under(data, -50, 0)[0], 0);
  assert.equal(labels.under(data, 5000, 0)[0], data.counts.length - 1);
});

test("more labels, more of the eight are right; the controls stay behind", () => {
  const right = (task, place) => {
    const state = labels.show(data, labels.choose(labels.begin(data), task), place);
    return labels.tests(data, state).filter((each) => each.right).length;
  };
  assert.ok(right("near", 6) > right("near", 0));
  for (const { curves, classes } of Object.values(data.tasks)) {
    curves["trained base"].forEach(([mean], k) => {
      for (const name of ["random base", "raw pixels"]) {
        assert.ok(mean > curves[name][k][0] + 1 / classes.length);
      }
    });
  }
  assert.equal(labels.show(data, labels.begin(data), 99).shown.near, 6);
});
