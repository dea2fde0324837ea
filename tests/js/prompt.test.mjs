// The state of the prompt, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, softmax } from "../../tlcourse/widgets/pictures/gpt.js";
import * as prompt from "../../tlcourse/widgets/pictures/prompt.js";

const gpt = { pieces: ["a", "b", "ab", "    ", "\n"], sizes: [2000, 20000] };

test("the longest piece is taken, and what is none is skipped", () => {
  assert.deepEqual(encode(gpt.pieces, "abba"), [2, 1, 0]);
  assert.deepEqual(encode(gpt.pieces, "a?b"), [0, 1]);
  assert.deepEqual(encode(gpt.pieces, ""), []);
});

test("chances add up to one, also of large numbers", () => {
  const chances = softmax([1000, 1001, 999]);
  assert.ok(Math.abs(chances.reduce((one, other) => one + other) - 1) < 1e-9);
  assert.equal(chances.indexOf(Math.max(...chances)), 1);
});

test("the dial stays between nothing and the most that was shown", () => {
  const begun = prompt.begin();
  assert.equal(prompt.shownSize(gpt, begun), 0);
  assert.equal(prompt.shownSize(gpt, prompt.show(gpt, begun, 99)), 20000);
  assert.equal(prompt.show(gpt, begun, -1).at, 0);
  assert.equal(begun.at, 0);
});

test("typing changes the text alone", () => {
  const state = prompt.show(gpt, prompt.begin(), 1);
  assert.deepEqual(prompt.typed(state, "x"), { text: "x", at: 1 });
});

test("the rows are the likeliest of either, the tuned one's first", () => {
  const rows = prompt.likeliest(gpt, [0.6, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.5, 0.2], 3);
  assert.deepEqual(rows.map(({ piece }) => piece), ["    ", "\n", "a"]);
  assert.equal(rows[2].base, 0.6);
});

test("it says what both expect, with spaces that can be seen", () => {
  const before = [0.6, 0.1, 0.1, 0.1, 0.1];
  const after = [0.1, 0.1, 0.1, 0.5, 0.2];
  const state = prompt.begin();
  assert.equal(prompt.sentence(gpt, state, before, before), "The base expects “a” (60 %).");
  assert.equal(
    prompt.sentence(gpt, prompt.show(gpt, state, 2), before, after),
    "The base expects “a” (60 %), and after 20,000 characters of Keras it expects “····” (50 %).",
  );
});
