// Teach it in ten seconds: draw two symbols, name them, and see which of three
// describers names the next drawing: the trained base, a random one, or bare pixels.

import { describe, numbers, open, untrained } from "./network.js";

export const SIDE = 64; // pixels, as the base was trained
export const KINDS = {
  trained: ["Trained base", "it has read printed letters"],
  random: ["Random base", "the same network, untrained"],
  pixels: ["Raw pixels", "no network at all"],
};
const MOST = 4; // classes
const NOTE =
  "Each drawing is put on paper of another colour and in another place, so colour and " +
  "place give nothing away.";
const INK = 0.035; // half the pen, in heights of the drawing

// A drawing on paper: strokes are lists of [x, y], 0..1. The seed decides on colours,
// tilt, size and place, as in lesson 00. Gives red, green, blue row by row, 0..255.
export function paint(strokes, seed) {
  const next = numbers(seed);
  const points = strokes.flat();
  const range = [0, 1].map((axis) => {
    const all = points.map((point) => point[axis]);
    return [Math.min(...all), Math.max(...all)];
  });
  const span = Math.max(0.1, ...range.map(([low, high]) => high - low));
  const height = SIDE * (0.55 + 0.25 * next());
  const tilt = 0.3 * (2 * next() - 1);
  const room = (SIDE - height) / 2;
  const centre = [0, 1].map(() => SIDE / 2 + room * (2 * next() - 1));
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const lines = strokes.map((stroke) =>
    stroke.map(([x, y]) => {
      const u = ((x - (range[0][0] + range[0][1]) / 2) / span) * height;
      const v = ((y - (range[1][0] + range[1][1]) / 2) / span) * height;
      return [centre[0] + cos * u - sin * v, centre[1] + sin * u + cos * v];
    }),
  );
  const [pen, paper] = colours(next);
  const radius = INK * height;
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  for (let at = 0; at < SIDE * SIDE; at++) {
    const away = distance((at % SIDE) + 0.5, Math.floor(at / SIDE) + 0.5, lines);
    const ink = Math.min(1, Math.max(0, radius - away + 0.5));
    for (let c = 0; c < 3; c++) {
      const value = paper[c] + ink * (pen[c] - paper[c]) + 0.04 * (next() - 0.5);
      pixels[3 * at + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return pixels;
}

// Pen and paper, which differ in brightness by at least 0.3 of 1.
function colours(next) {
  for (;;) {
    const [pen, paper] = [0, 1].map(() => [next(), next(), next()]);
    const sum = (colour) => colour[0] + colour[1] + colour[2];
    if (Math.abs(sum(pen) - sum(paper)) > 0.9) return [pen, paper];
  }
}

function distance(x, y, lines) {
  let least = Infinity;
  for (const line of lines) {
    for (let k = 0; k < Math.max(1, line.length - 1); k++) {
      const [ax, ay] = line[k];
      const [bx, by] = line[Math.min(k + 1, line.length - 1)];
      const [dx, dy] = [bx - ax, by - ay];
      const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1);
      const part = Math.min(1, Math.max(0, along));
      least = Math.min(least, Math.hypot(x - ax - part * dx, y - ay - part * dy));
    }
  }
  return least;
}

// The state: classes with their examples, and how the three have done so far. An
// example is `{ pixels, vectors: { trained, random, pixels } }`. Nothing is changed in
// place; each function gives a new state.

export function begin() {
  const classes = ["A", "B"].map((name) => ({ name, examples: [] }));
  return { classes, tests: [] };
}

export function addClass(state) {
  const used = state.classes.map((each) => each.name);
  const name = [..."ABCDEFGH"].find((letter) => !used.includes(letter));
  if (used.length >= MOST) return state;
  return { ...state, classes: [...state.classes, { name, examples: [] }] };
}

// Gives the new state, or a string that says what is wrong.
export function rename(state, at, name) {
  const plain = name.trim().slice(0, 20);
  if (!plain) return "A symbol needs a name.";
  if (state.classes.some((each, k) => k !== at && each.name === plain)) {
    return `There is a symbol called ${plain} already.`;
  }
  return change(state, at, { name: plain });
}

export function forget(state, at, example) {
  const examples = state.classes[at].examples.filter((_, k) => k !== example);
  return change(state, at, { examples });
}

function change(state, at, what) {
  const classes = state.classes.map((each, k) => (k === at ? { ...each, ...what } : each));
  return { ...state, classes };
}

// For each class a share of 1: the nearer its average, the more. Null if it has no
// examples, or if there is nothing to choose between.
export function judge(state, vectors, kind) {
  const away = state.classes.map(({ examples }) => {
    if (!examples.length) return null;
    let sum = 0;
    vectors[kind].forEach((value, i) => {
      const mean = examples.reduce((all, one) => all + one.vectors[kind][i], 0);
      sum += (value - mean / examples.length) ** 2;
    });
    return sum;
  });
  const near = away.map((sum) => (sum === null ? null : 1 / (sum || Number.MIN_VALUE ** 0.5)));
  const known = near.filter((each) => each !== null);
  if (known.length < 2) return near.map(() => null);
  const largest = Math.max(...known);
  const total = known.reduce((all, each) => all + each / largest, 0);
  return near.map((each) => (each === null ? null : each / largest / total));
}

export function best(shares) {
  return shares.reduce((top, each, k) => (each > (shares[top] ?? 0) ? k : top), 0);
}

// All three judge first, if they know this class and another; then the example is added.
export function teach(state, at, example) {
  const { examples } = state.classes[at];
  const tests = [...state.tests];
  const known = state.classes.filter((each) => each.examples.length).length;
  if (examples.length && known > 1) {
    const kinds = Object.keys(KINDS);
    const right = kinds.map((kind) => best(judge(state, example.vectors, kind)) === at);
    const test = Object.fromEntries(kinds.map((kind, k) => [kind, right[k]]));
    tests.push({ ...test, classes: known });
  }
  return { ...change(state, at, { examples: [...examples, example] }), tests };
}

export function score(state, kind) {
  return state.tests.filter((test) => test[kind]).length;
}

// How many of the tests a guesser would get, on average.
export function chance(state) {
  return state.tests.reduce((sum, test) => sum + 1 / test.classes, 0);
}

export function advice(state) {
  const known = state.classes.filter((each) => each.examples.length);
  if (!known.length) return "Draw a symbol, and press the button of a card.";
  if (known.length < 2) return "Now draw another symbol, for another card.";
  return "Draw again: each of the three guesses before you tell.";
}

// The view

function make(tag, props = {}, ...children) {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children);
  return made;
}

function picture(pixels, alt) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, className: "tl-thumb" });
  const data = new ImageData(SIDE, SIDE);
  for (let k = 0; k < SIDE * SIDE; k++) {
    data.data.set([...pixels.subarray(3 * k, 3 * k + 3), 255], 4 * k);
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", alt);
  return canvas;
}

function render({ model, el }) {
  const given = async (name) => {
    const value = model.get(name);
    return typeof value === "function" ? value() : value;
  };
  let state = begin();
  let strokes = [];
  let seed = model.get("seed") ?? Math.floor(2 ** 31 * Math.random());
  let kind = "trained";
  let networks = null; // trained and random, once they are loaded
  let loading = null;
  let telling = false;
  let problem = "";
  let drawn = 0; // ready-made drawings so far

  const pad = make("canvas", { className: "tl-pad", width: 600, height: 600 });
  pad.setAttribute("role", "img");
  const said = make("p", { className: "tl-said" });
  said.setAttribute("role", "status");
  const button = (text, act, className = "") =>
    make("button", { type: "button", textContent: text, onclick: act, className });
  const more = button("+ another symbol", () => {
    state = addClass(state);
    refresh();
  }, "tl-more");
  const made = []; // cards
  const cards = make("div", { className: "tl-cards" }, more);
  const group = `tl-${Math.random()}`;
  const lanes = Object.entries(KINDS).map(makeLane);
  const legend = make("legend", { textContent: "Who looks at your drawing?" });
  const coin = make("p", { className: "tl-note" });
  const race = make("fieldset", { className: "tl-race" }, legend, ...lanes.map((each) => each.el), coin);

  function load() {
    loading ??= given("weights").then(
      (bytes) => {
        const trained = open(bytes);
        networks = { trained, random: untrained(trained) };
        refresh();
      },
      () => {
        loading = null; // the next stroke or press tries again
        problem = "The base could not be loaded. Your drawing is kept: press again to retry.";
        refresh();
      },
    );
    return loading;
  }

  function vectorsOf(pixels, wanted) {
    const found = {};
    for (const each of wanted) {
      if (each === "pixels") found[each] = Float32Array.from(pixels);
      else if (networks) found[each] = describe(networks[each], pixels);
    }
    return found;
  }

  function shares() {
    const nothing = state.classes.map(() => null);
    if (!strokes.length || (kind !== "pixels" && !networks)) return nothing;
    return judge(state, vectorsOf(paint(strokes, seed), [kind]), kind);
  }

  async function tell(at) {
    if (!strokes.length || telling) return;
    telling = true; // a second press while the base is loaded says nothing new
    await load();
    telling = false;
    if (!networks || !strokes.length) return;
    const pixels = paint(strokes, seed);
    state = teach(state, at, { pixels, vectors: vectorsOf(pixels, Object.keys(KINDS)) });
    problem = "";
    clear();
  }

  function clear() {
    strokes = [];
    seed = (seed + 1) % 2 ** 31;
    redraw();
    refresh();
  }

  function redraw() {
    const pen = pad.getContext("2d");
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, pad.width, pad.height);
    Object.assign(pen, { lineWidth: 30, lineCap: "round", lineJoin: "round", strokeStyle: "#141414" });
    for (const stroke of strokes) {
      pen.beginPath();
      for (const [x, y] of stroke) pen.lineTo(x * pad.width, y * pad.height);
      if (stroke.length === 1) pen.lineTo(stroke[0][0] * pad.width + 0.1, stroke[0][1] * pad.height);
      pen.stroke();
    }
    const n = strokes.length;
    pad.setAttribute("aria-label", `Pad to draw on, ${n} stroke${n === 1 ? "" : "s"} on it`);
  }

  // Parts are made once and changed in place: a press on a button that is replaced
  // under the finger would be lost.
  function makeCard(at) {
    const name = make("input", { maxLength: 20 });
    name.setAttribute("aria-label", `Name of symbol ${at + 1}`);
    name.onchange = () => {
      const renamed = rename(state, at, name.value);
      if (typeof renamed === "string") problem = renamed;
      else [state, problem] = [renamed, ""];
      refresh();
    };
    const percent = make("b");
    const bar = make("div", { className: "tl-bar" }, make("span"), percent);
    const tellIt = button("", () => tell(at), "tl-tell");
    const shown = make("div", { className: "tl-examples" });
    const el = make("div", { className: "tl-card" }, name, bar, tellIt, shown);
    let had = null;
    function update(share, top) {
      const each = state.classes[at];
      if (document.activeElement !== name || problem) name.value = each.name;
      percent.textContent = share === null ? "" : `${Math.round(100 * share)} %`;
      bar.style.setProperty("--share", share ?? 0);
      bar.classList.toggle("tl-top", top);
      tellIt.textContent = `This is ${each.name}`;
      tellIt.disabled = !strokes.length;
      if (had !== each) shown.replaceChildren(...each.examples.map((_, k) => makeExample(at, k)));
      had = each;
    }
    return { el, update };
  }

  function makeExample(at, k) {
    const { name, examples } = state.classes[at];
    const cross = button("×", () => {
      state = forget(state, at, k);
      refresh();
    });
    cross.setAttribute("aria-label", `Take out example ${k + 1} of ${name}`);
    const shown = picture(examples[k].pixels, `Example ${k + 1} of ${name}`);
    return make("span", { className: "tl-example" }, shown, cross);
  }

  function makeLane([value, [title, what]]) {
    const choice = make("input", { type: "radio", name: group, value });
    choice.onchange = () => {
      kind = value;
      refresh();
    };
    const dots = make("span", { className: "tl-dots", ariaHidden: "true" });
    const count = make("b");
    const names = make("span", {}, make("b", { textContent: title }), make("small", { textContent: what }));
    const el = make("label", { className: "tl-lane" }, choice, names, count, dots);
    function update() {
      const n = state.tests.length;
      choice.checked = value === kind;
      dots.textContent = state.tests.slice(-12).map((test) => (test[value] ? "●" : "○")).join("");
      count.textContent = n ? `${score(state, value)} of ${n}` : "";
    }
    return { el, update };
  }

  function refresh() {
    const found = shares();
    const top = found.some((share) => share !== null) ? best(found) : -1;
    while (made.length < state.classes.length) {
      made.push(makeCard(made.length));
      more.before(made.at(-1).el);
    }
    made.forEach((each, at) => each.update(found[at], at === top));
    lanes.forEach((each) => each.update());
    more.disabled = state.classes.length >= MOST;
    undo.disabled = erase.disabled = !strokes.length;
    const n = state.tests.length;
    coin.textContent = n ? `Guessing would get about ${Math.round(chance(state))} of ${n}.` : "";
    const waits = loading && !networks ? "The base is being loaded (0.8 MB)." : "";
    const answer = top < 0 ? "" : `${KINDS[kind][0]}: ${state.classes[top].name}. Is it right? Press its card, or the other.`;
    const text = problem || waits || answer || advice(state);
    if (said.textContent !== text) said.textContent = text;
  }

  let current = null;
  let asked = false;
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    const inside = (value) => Math.round(1e4 * Math.min(1, Math.max(0, value))) / 1e4;
    return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
  };
  function soon() {
    if (asked) return;
    asked = true;
    setTimeout(() => {
      asked = false;
      refresh();
    }, 80);
  }
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || current) return;
    pad.setPointerCapture(event.pointerId);
    current = { id: event.pointerId, stroke: [place(event)] };
    strokes = [...strokes, current.stroke];
    load();
    redraw();
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== current?.id) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    current.stroke.push(...(passed.length ? passed : [event]).map(place));
    redraw();
    soon();
  });
  const end = (event) => {
    if (event.pointerId !== current?.id) return;
    current = null;
    refresh();
  };
  pad.addEventListener("pointerup", end);
  pad.addEventListener("pointercancel", end);

  const undo = button("Undo stroke", () => {
    strokes = strokes.slice(0, -1);
    redraw();
    refresh();
  });
  const erase = button("Clear pad", clear);
  const symbols = make("select");
  symbols.setAttribute("aria-label", "Symbol to have drawn");
  given("drawings").then((drawings) => {
    symbols.append(...Object.keys(drawings).map((name) => make("option", { textContent: name })));
  });
  const drawIt = button("Draw one for me", async () => {
    const ready = (await given("drawings"))[symbols.value];
    strokes = ready[drawn++ % ready.length];
    load();
    redraw();
    refresh();
  });
  const tools = make("div", { className: "tl-tools" }, undo, erase, symbols, drawIt);
  const note = make("p", { className: "tl-note", textContent: NOTE });
  const root = make("section", { className: "tl-teach" });
  root.setAttribute("aria-label", "Teach it in ten seconds");
  root.append(make("div", { className: "tl-left" }, pad, tools, note), make("div", { className: "tl-right" }, said, cards, race));
  el.append(root);
  redraw();
  refresh();
}

export default { render };
