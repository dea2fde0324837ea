// The state and the network of the picture "Teach it", without a browser.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { describe, open, untrained } from "../../tlcourse/widgets/pictures/network.js";
import * as teach from "../../tlcourse/widgets/pictures/teach.js";

const DATA = new URL("../../data/", import.meta.url);
const trained = open(fs.readFileSync(new URL("glyphs_base.bin", DATA)));
const random = untrained(trained);
const drawings = JSON.parse(fs.readFileSync(new URL("drawings.json", DATA)));

function example(strokes, seed) {
  const pixels = teach.paint(strokes, seed);
  const vectors = { trained: describe(trained, pixels), random: describe(random, pixels) };
  return { pixels, vectors: { ...vectors, pixels: Float32Array.from(pixels) } };
}

function made(...values) {
  const vectors = Object.fromEntries(Object.keys(teach.KINDS).map((kind) => [kind, values]));
  return { pixels: null, vectors };
}

// Three of each, then three more of each, which are judged before they are told.
function race(names, seed) {
  let state = teach.begin();
  for (let round = 0; round < 6; round++) {
    names.forEach((name, at) => {
      const strokes = drawings[name][(round + seed) % drawings[name].length];
      state = teach.teach(state, at, example(strokes, 1000 * seed + 2 * round + at));
    });
    if (round === 2) state = { ...state, tests: [] };
  }
  return state;
}

test("three drawings each are enough for the trained base, and not for the controls", () => {
  const pairs = [["house", "fish"], ["star", "cup"], ["arrow", "face"], ["spiral", "zigzag"]];
  const right = { trained: 0, random: 0, pixels: 0 };
  let n = 0;
  pairs.forEach((names, seed) => {
    const state = race(names, seed);
    n += state.tests.length;
    for (const kind of Object.keys(right)) right[kind] += teach.score(state, kind);
  });
  assert.equal(n, 24);
  assert.ok(right.trained >= 22, `trained ${right.trained}`);
  assert.ok(right.random <= 18 && right.pixels <= 18, JSON.stringify(right));
});

test("a drawing is the same for the same seed, and no colour or place stays", () => {
  const [strokes] = drawings.house;
  const pictures = [1, 1, 2].map((seed) => teach.paint(strokes, seed));
  assert.deepEqual(pictures[0], pictures[1]);
  const different = pictures[2].filter((value, k) => Math.abs(value - pictures[0][k]) > 8);
  assert.ok(different.length > 6000);
  assert.equal(teach.paint([[[0.5, 0.5]]], 3).length, 64 * 64 * 3);
});

test("nothing is judged before two symbols have examples", () => {
  let state = teach.begin();
  assert.deepEqual(teach.judge(state, made(1).vectors, "pixels"), [null, null]);
  state = teach.teach(state, 0, made(0));
  assert.deepEqual(teach.judge(state, made(1).vectors, "pixels"), [null, null]);
  assert.match(teach.advice(state), /another symbol/);
  state = teach.teach(state, 1, made(4));
  assert.deepEqual(state.tests, []); // B was not known yet
  const shares = teach.judge(state, made(1).vectors, "pixels");
  assert.ok(Math.abs(shares[0] - 0.9) < 1e-9 && teach.best(shares) === 0); // 9 to 1
  assert.deepEqual(teach.judge(state, made(4).vectors, "pixels").map(Math.round), [0, 1]);
});

test("each drawing is judged before it is told", () => {
  let state = teach.begin();
  for (const [at, value] of [[0, 0], [1, 4], [0, 1], [1, 1]]) {
    state = teach.teach(state, at, made(value));
  }
  assert.deepEqual(state.tests.map((each) => each.trained), [true, false]);
  assert.equal(teach.score(state, "random"), 1);
  assert.equal(teach.chance(state), 1);
});

test("names, examples and symbols: nothing is lost, and what is wrong is said", () => {
  const state = teach.teach(teach.begin(), 0, made(0));
  assert.match(teach.rename(state, 0, "  "), /needs a name/);
  assert.match(teach.rename(state, 0, "B "), /called B already/);
  assert.equal(teach.rename(state, 0, " house ").classes[0].name, "house");
  assert.equal(teach.forget(state, 0, 0).classes[0].examples.length, 0);
  assert.equal(state.classes[0].examples.length, 1);
  const names = [1, 2, 3].reduce(teach.addClass, state).classes.map((each) => each.name);
  assert.deepEqual(names, ["A", "B", "C", "D"]);
});
