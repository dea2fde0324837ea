// The state of the forgetting dial, without a browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import * as forget from "../../tlcourse/widgets/pictures/forget.js";

const file = new URL("../../data/forgetting.json", import.meta.url);
const data = JSON.parse(fs.readFileSync(file));
const last = data.steps.length - 1;
const at = (rate) => data.rates.indexOf(rate);

test("it begins before the first step, where every rate has the same base", () => {
  const state = forget.begin(data);
  assert.deepEqual(state, { rate: at(1e-5), step: 0, query: 0 });
  for (const run of data.runs) assert.deepEqual(run[0], data.runs[0][0]);
  assert.match(forget.sentence(data, state), /Before the first step/);
});

test("places stay where there is something to see", () => {
  let state = forget.set(data, forget.begin(data), "step", 99);
  assert.equal(state.step, last);
  state = forget.set(data, forget.set(data, state, "rate", -1), "query", 7);
  assert.deepEqual(state, { rate: 0, step: last, query: 2 });
});

test("the larger the rate, the more the base forgets; the loss does not tell", () => {
  const [small, large] = [1e-5, 1e-2].map((rate) => data.runs[at(rate)][last]);
  assert.ok(small.own > 0.7 && large.own < 0.1);
  assert.ok(small.held_out > large.held_out + 0.2);
  const end = { rate: at(1e-2), step: last, query: 0 };
  assert.equal(forget.seen(data, end), large);
  assert.match(forget.sentence(data, end), /letters, .* to 0 %\. The network has collapsed/);
  assert.doesNotMatch(forget.sentence(data, { ...end, rate: at(1e-5) }), /collapsed/);
  const middle = data.runs[at(1e-3)][last];
  assert.ok(middle.loss < small.loss && middle.own < small.own - 0.1);
});

test("neighbours are marked by their class, and never the image itself", () => {
  let state = forget.begin(data);
  for (state.query of [0, 1, 2]) {
    const found = forget.neighbours(data, state);
    assert.equal(found.length, 5);
    for (const { place, is, same } of found) {
      assert.notEqual(place, state.query);
      assert.equal(is, data.classes[data.labels[place]]);
      assert.equal(same, data.labels[place] === data.labels[state.query]);
    }
  }
});

test("filters come out as nine colours each, and stay as they were at 1e-6", () => {
  const first = forget.filters(data.runs[at(1e-6)][0].filters);
  const after = forget.filters(data.runs[at(1e-6)][last].filters);
  assert.ok(first.length === 16 && first.every(({ length }) => length === 27));
  const away = first.map((each, k) => Math.max(...each.map((value, i) => Math.abs(value - after[k][i]))));
  assert.ok(Math.max(...away) <= 3);
});
