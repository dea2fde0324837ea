// The small GPT of lesson 15 in the browser, as data/making/words_browser.py writes it:
// arrays of 16 bits, and for each stretch of Keras that was shown what LoRA adds.

import { half } from "./network.js";

const EPSILON = 1e-3; // of Keras's LayerNormalization

// `bytes`: Uint8Array or DataView. Gives pieces, sizes, and arrays by name.
export function openGpt(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = 4 + view.getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(bytes.buffer, bytes.byteOffset + 4, place - 4));
  const header = JSON.parse(text);
  const arrays = {};
  for (const [name, ...shape] of header.arrays) {
    const count = shape.reduce((one, other) => one * other, 1);
    const values = new Float32Array(count);
    for (let k = 0; k < count; k++) values[k] = half(view.getUint16((place += 2) - 2, true));
    arrays[name] = { values, columns: shape.at(-1) };
  }
  return { ...header, arrays };
}

// The longest pieces that fit, from left to right; what is no piece is skipped.
export function encode(pieces, text) {
  const numbers = new Map(pieces.map((piece, k) => [piece, k]));
  const longest = Math.max(...pieces.map((piece) => piece.length));
  const tokens = [];
  for (let at = 0; at < text.length; ) {
    let size = Math.min(longest, text.length - at);
    while (size > 0 && !numbers.has(text.slice(at, at + size))) size -= 1;
    if (size) tokens.push(numbers.get(text.slice(at, at + size)));
    at += Math.max(1, size);
  }
  return tokens;
}

// The arrays once LoRA's products are added, for a size that was shown; 0 is the base.
export function adapted({ arrays, sizes }, size) {
  const at = sizes.indexOf(size);
  if (at < 0) return arrays;
  const made = { ...arrays };
  for (const name of Object.keys(arrays)) {
    const [change, kind, target] = name.split("/");
    if (change !== `lora${at}`) continue;
    if (kind === "bias") made[target] = arrays[name];
    if (kind !== "a") continue;
    const a = arrays[name];
    const b = arrays[`lora${at}/b/${target}`];
    const values = Float32Array.from(arrays[target].values);
    for (let row = 0; row * a.columns < a.values.length; row++) {
      for (let rank = 0; rank < a.columns; rank++) {
        const share = a.values[row * a.columns + rank];
        for (let k = 0; k < b.columns; k++) {
          values[row * b.columns + k] += share * b.values[rank * b.columns + k];
        }
      }
    }
    made[target] = { ...arrays[target], values };
  }
  return made;
}

function linear(x, inside, kernel, bias) {
  const out = bias.length;
  const made = new Float32Array((x.length / inside) * out);
  for (let row = 0; row * inside < x.length; row++) {
    made.set(bias, row * out);
    for (let k = 0; k < inside; k++) {
      const value = x[row * inside + k];
      for (let j = 0; j < out; j++) made[row * out + j] += value * kernel[k * out + j];
    }
  }
  return made;
}

function normalised(x, width, gamma, beta) {
  const made = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const spread = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(spread + EPSILON);
    for (let k = 0; k < width; k++) made[start + k] = (row[k] - mean) * scale * gamma[k] + beta[k];
  }
  return made;
}

// Abramowitz and Stegun 1964, 7.1.26: wrong by 2e-7 at most.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

function attended(query, key, value, width, heads) {
  const size = width / heads;
  const made = new Float32Array(query.length);
  for (let here = 0; here * width < query.length; here++) {
    for (let head = 0; head < heads; head++) {
      const at = here * width + head * size;
      const scores = [];
      for (let there = 0; there <= here; there++) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += query[at + k] * key[there * width + head * size + k];
        scores.push(sum / Math.sqrt(size));
      }
      softmax(scores).forEach((share, there) => {
        for (let k = 0; k < size; k++) made[at + k] += share * value[there * width + head * size + k];
      });
    }
  }
  return made;
}

export function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((one, other) => one + other, 0);
  return powers.map((power) => power / sum);
}

// Chances of each piece to come next, after `tokens`: a list of numbers.
export function expects({ width, heads, depth, context }, arrays, tokens) {
  const of = (name) => arrays[name].values;
  const seen = tokens.slice(-context);
  let x = new Float32Array(seen.length * width);
  seen.forEach((token, place) => {
    for (let k = 0; k < width; k++) {
      x[place * width + k] = of("pieces")[token * width + k] + of("places")[place * width + k];
    }
  });
  const add = (y) => x.forEach((value, k) => (x[k] = value + y[k]));
  for (let block = 0; block < depth; block++) {
    const part = (y, inside, name) => linear(y, inside, of(`${block}.${name}.kernel`), of(`${block}.${name}.bias`));
    const before = (name) => normalised(x, width, of(`${block}.${name}.gamma`), of(`${block}.${name}.beta`));
    const y = before("norm1");
    const mixed = attended(part(y, width, "query"), part(y, width, "key"), part(y, width, "value"), width, heads);
    add(part(mixed, width, "out"));
    const inner = part(before("norm2"), width, "up").map(gelu);
    add(part(inner, inner.length / seen.length, "down"));
  }
  const last = normalised(x.slice(-width), width, of("norm.gamma"), of("norm.beta"));
  return softmax([...linear(last, width, of("head.kernel"), of("head.bias"))]);
}
