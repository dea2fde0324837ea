// The base in the browser: a MobileNetV2 without its top, as data/making/browser.py
// writes it (BatchNormalization folded into the convolutions, numbers of 16 bits).

export function half(bits) {
  const exponent = (bits >> 10) & 31;
  const share = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + share) : 2 ** -14 * share;
  return bits >> 15 ? -size : size;
}

const count = (layer) => layer.side ** 2 * layer.out * (layer.depthwise ? 1 : layer.in);

// `bytes`: ArrayBuffer, Uint8Array or DataView. Gives a list of layers.
export function open(bytes) {
  const at = bytes.buffer ? bytes.byteOffset : 0;
  const view = new DataView(bytes.buffer ?? bytes, at, bytes.byteLength);
  let place = 4 + view.getUint32(0, true);
  const header = new Uint8Array(view.buffer, at + 4, place - 4);
  const take = (n) =>
    Float32Array.from({ length: n }, () => half(view.getUint16((place += 2) - 2, true)));
  return JSON.parse(new TextDecoder().decode(header)).map((layer) => ({
    ...layer,
    kernel: take(count(layer)),
    bias: take(layer.out),
  }));
}

// Numbers between 0 and 1, the same for the same seed.
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The same architecture with the random weights that Keras begins with (Glorot).
export function untrained(layers, seed = 1) {
  const next = numbers(seed);
  return layers.map((layer) => {
    const area = layer.side ** 2;
    const fans = area * layer.in + area * (layer.depthwise ? 1 : layer.out);
    const limit = Math.sqrt(6 / fans);
    const kernel = layer.kernel.map(() => limit * (2 * next() - 1));
    return { ...layer, kernel, bias: new Float32Array(layer.out) };
  });
}

function convolve(layer, maps, side) {
  const { in: channels, out, stride, kernel, depthwise } = layer;
  const end = Math.ceil(side / stride);
  const before = layer.side === 1 || (stride === 2 && side % 2 === 0) ? 0 : 1;
  const made = new Float32Array(end * end * out);
  for (let row = 0; row < end; row++) {
    for (let column = 0; column < end; column++) {
      const to = (row * end + column) * out;
      made.set(layer.bias, to);
      for (let tap = 0; tap < layer.side ** 2; tap++) {
        const y = row * stride - before + Math.floor(tap / layer.side);
        const x = column * stride - before + (tap % layer.side);
        if (y < 0 || x < 0 || y >= side || x >= side) continue;
        const from = (y * side + x) * channels;
        if (depthwise) {
          const k = tap * out;
          for (let c = 0; c < out; c++) made[to + c] += maps[from + c] * kernel[k + c];
          continue;
        }
        for (let i = 0; i < channels; i++) {
          const value = maps[from + i];
          if (!value) continue;
          const k = (tap * channels + i) * out;
          for (let c = 0; c < out; c++) made[to + c] += value * kernel[k + c];
        }
      }
    }
  }
  if (layer.relu) for (let i = 0; i < made.length; i++) made[i] = Math.min(6, Math.max(0, made[i]));
  return [made, end];
}

// Raw pixels, red green blue row by row, 0..255, to a vector: averages of the last maps.
export function describe(layers, pixels) {
  let side = Math.sqrt(pixels.length / 3);
  let maps = Float32Array.from(pixels, (value) => value / 127.5 - 1);
  let kept = null;
  for (const layer of layers) {
    if (layer.keep) kept = maps;
    [maps, side] = convolve(layer, maps, side);
    if (layer.add) maps = maps.map((value, i) => value + kept[i]);
  }
  const width = maps.length / side ** 2;
  const vector = new Float32Array(width);
  maps.forEach((value, i) => (vector[i % width] += value / side ** 2));
  return vector;
}
