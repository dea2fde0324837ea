// The state of the cut, without a browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import * as cut from "../../tlcourse/widgets/pictures/cut.js";

const file = new URL("../../data/depths.json", import.meta.url);
const data = JSON.parse(fs.readFileSync(file));
const last = data.depths.length - 1;

test("the knife stays in the network, the question among the images", () => {
  assert.deepEqual(cut.begin(), { depth: 0, query: 0 });
  assert.equal(cut.cutAt(data, cut.begin(), 99).depth, last);
  assert.equal(cut.cutAt(data, cut.begin(), -1).depth, 0);
  assert.equal(cut.ask(data, cut.begin(), 99).query, data.queries - 1);
});

test("depth turns the same colour into the same class", () => {
  const same = data.depths.map((each) => each.same);
  assert.ok(same[0] < 0.15 && same[last] > 0.75);
  for (let k = 2; k <= last; k++) assert.ok(same[k] > same[k - 1]);
  assert.ok(data.depths[0].colour < 0.5 && data.depths[last].colour > 0.9);
  assert.match(cut.sentence(data, cut.begin()), /^Before the network: on average 10 % .*guessing 10 %/);
});

test("the share that is told is that of the neighbours that are shown", () => {
  data.depths.forEach(({ nearest, same, places }) => {
    const right = nearest.flatMap((each, k) => each.map((place) => data.labels[place] === data.labels[k]));
    assert.ok(Math.abs(right.filter(Boolean).length / right.length - same) < 1e-3);
    assert.ok(nearest.every((each, k) => !each.includes(k) && new Set(each).size === 5));
    assert.ok(places.flat().every((each) => each >= 0 && each <= 1));
  });
  for (let query = 0; query < data.queries; query++) {
    for (const { place, same } of cut.neighbours(data, { depth: last, query })) {
      assert.equal(same, data.labels[place] === data.labels[query]);
    }
  }
});
