// The label slider: draw the curve that you expect, then see the measured ones grow
// over it, for a near task and a far one.

import { fetched, part, percent, shape } from "./dom.js";

const WIDTH = 640;
const HEIGHT = 350;
const FRAME = { left: 64, right: 14, top: 34, bottom: 52 };
// Told apart by colour, by dashes and by the form of their points.
const LINES = {
  "trained base": ["#0072b2", "", "circle"],
  "random base": ["#cc79a7", "6 4", "square"],
  "raw pixels": ["#e69f00", "2 4", "triangle"],
  "from scratch": ["#d55e00", "10 4 2 4", "cross"],
};

// The state: a task, a guess for each task (shares of 1, or null, one for each number
// of labels), and up to which number the measured curves are shown; -1 for not at all.

export function begin(data) {
  const nothing = data.counts.map(() => null);
  const tasks = Object.keys(data.tasks);
  return {
    task: tasks[0],
    guess: Object.fromEntries(tasks.map((task) => [task, nothing])),
    shown: Object.fromEntries(tasks.map((task) => [task, -1])),
  };
}

export function guess(state, place, share) {
  const value = Math.round(100 * Math.min(1, Math.max(0, share))) / 100;
  const curve = state.guess[state.task].map((each, k) => (k === place ? value : each));
  return { ...state, guess: { ...state.guess, [state.task]: curve } };
}

// A line drawn from one place to another, each [place, share]: none between is left out.
export function stroke(state, [from, start], [to, end]) {
  const steps = Math.max(1, Math.abs(to - from));
  let made = state;
  for (let k = 0; k <= steps; k++) {
    const part = k / steps;
    made = guess(made, Math.round(from + part * (to - from)), start + part * (end - start));
  }
  return made;
}

export function show(data, state, place) {
  const last = Math.min(data.counts.length - 1, Math.max(-1, place));
  return { ...state, shown: { ...state.shown, [state.task]: last } };
}

export function choose(state, task) {
  return { ...state, task };
}

export function isDrawn(state) {
  return state.guess[state.task].every((each) => each !== null);
}

// How far the guess lies from the trained base's curve, in points: mean, and the worst.
export function miss(data, state) {
  const real = data.tasks[state.task].curves["trained base"];
  const away = state.guess[state.task]
    .map((each, k) => (each === null ? null : 100 * Math.abs(each - real[k][0])))
    .map((each, k) => [each, data.counts[k]])
    .filter(([each]) => each !== null);
  if (!away.length) return null;
  const mean = away.reduce((sum, [each]) => sum + each, 0) / away.length;
  const [worst, count] = away.reduce((a, b) => (b[0] > a[0] ? b : a));
  return { mean, worst, count };
}

// The first pictures of the validation set, and whether the trained base has them right.
export function tests(data, state) {
  const { labels, said, classes } = data.tasks[state.task];
  const answers = said[Math.max(0, state.shown[state.task])];
  return labels.map((label, k) => ({
    is: classes[label],
    said: classes[answers[k]],
    right: label === answers[k],
  }));
}

// Where a number of labels and a share lie in the drawing.
export function spot(data, place, share) {
  const step = (WIDTH - FRAME.left - FRAME.right) / (data.counts.length - 0.4);
  const height = HEIGHT - FRAME.top - FRAME.bottom;
  return [FRAME.left + (place + 0.3) * step, FRAME.top + (1 - share) * height];
}

// The inverse: the nearest number of labels, and the share.
export function under(data, x, y) {
  const [first] = spot(data, 0, 0);
  const step = spot(data, 1, 0)[0] - first;
  const [low, high] = [spot(data, 0, 0)[1], spot(data, 0, 1)[1]];
  const place = Math.round((x - first) / step);
  const inside = Math.min(data.counts.length - 1, Math.max(0, place));
  return [inside, (y - low) / (high - low)];
}

// The view

function point(form, x, y, colour) {
  const paths = {
    circle: `M ${x - 5} ${y} a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0`,
    square: `M ${x - 4.5} ${y - 4.5} h 9 v 9 h -9 z`,
    triangle: `M ${x} ${y - 6} l 5.5 10 h -11 z`,
    cross: `M ${x - 5} ${y - 5} l 10 10 m 0 -10 l -10 10`,
  };
  const line = form === "cross" ? { stroke: colour, "stroke-width": 3 } : {};
  return shape("path", { d: paths[form], fill: colour, ...line });
}

function axes(data) {
  const made = shape("g", { "aria-hidden": "true" });
  for (let share = 0; share <= 1; share += 0.25) {
    const [, y] = spot(data, 0, share);
    made.append(
      shape("line", { x1: FRAME.left, x2: WIDTH - FRAME.right, y1: y, y2: y, class: "tl-grid" }),
      shape("text", { x: FRAME.left - 8, y: y + 4, "text-anchor": "end" }, percent(share)),
    );
  }
  data.counts.forEach((count, k) => {
    const [x] = spot(data, k, 0);
    made.append(shape("text", { x, y: HEIGHT - FRAME.bottom + 18, "text-anchor": "middle" }, `${count}`));
  });
  const middle = (WIDTH + FRAME.left) / 2;
  made.append(
    shape("text", { x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, "labels per class"),
    shape("text", { x: 0, y: 16 }, "new images right"),
  );
  return made;
}

function drawLine(data, values, last, [colour, dashes, form]) {
  const made = shape("g");
  const known = values.map((value, k) => [value, k]).filter(([value, k]) => value && k <= last);
  const spots = known.map(([[mean], k]) => spot(data, k, mean));
  made.append(
    shape("path", {
      d: spots.map(([x, y], k) => `${k ? "L" : "M"} ${x} ${y}`).join(" "),
      fill: "none",
      stroke: colour,
      "stroke-width": 3,
      "stroke-dasharray": dashes,
    }),
  );
  known.forEach(([[mean, spread], k]) => {
    const [x, low] = spot(data, k, Math.max(0, mean - spread));
    const high = spot(data, k, Math.min(1, mean + spread))[1];
    made.append(shape("line", { x1: x, x2: x, y1: low, y2: high, stroke: colour, "stroke-width": 2 }));
    made.append(point(form, ...spot(data, k, mean), colour));
  });
  return made;
}

function key([colour, , form]) {
  const made = shape("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  made.append(point(form, 8, 8, colour));
  return made;
}

async function render({ model, el }) {
  const data = await fetched(model.get("data"));
  let state = begin(data);

  const root = part("section", { className: "tl-labels" });
  root.setAttribute("aria-label", "Label slider");
  const group = `tl-${Math.random()}`;
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "tl-chart", role: "img" });
  const lines = shape("g");
  picture.append(axes(data), lines);

  const choices = Object.entries(data.tasks).map(([task, { question }]) => {
    const choice = part("input", { type: "radio", name: group, value: task });
    choice.onchange = () => set(choose(state, task));
    return part("label", {}, choice, part("b", { textContent: `${task}: ` }), question);
  });
  const title = part("legend", { textContent: "Which task?" });
  const which = part("fieldset", { className: "tl-which" }, title, ...choices);

  const said = part("p", { className: "tl-said" });
  said.setAttribute("role", "status");
  const fields = data.counts.map((count, place) => {
    const field = part("input", { type: "number", min: 0, max: 100, step: 5 });
    field.setAttribute("aria-label", `Your guess for ${count} labels per class, in percent`);
    field.onchange = () => field.value !== "" && set(guess(state, place, field.value / 100));
    return field;
  });
  const row = part("div", { className: "tl-guesses" }, ...fields);
  const reveal = part("button", { type: "button", textContent: "Show what was measured" });
  reveal.onclick = () => set(show(data, state, 0), slider);
  const slider = part("input", { type: "range", min: 0, max: data.counts.length - 1, step: 1 });
  slider.setAttribute("aria-label", "Labels per class");
  slider.oninput = () => set(show(data, state, Number(slider.value)));
  const count = part("output");
  const drag = part("label", { className: "tl-drag" }, part("span", { textContent: "labels per class" }), slider, count);
  const values = part("ul", { className: "tl-values" });
  const pile = part("div", { className: "tl-pile" });
  const eight = part("div", { className: "tl-eight" });
  const results = part("div", { className: "tl-results" }, drag, values, pile, eight);

  function set(next, focus) {
    state = next;
    refresh();
    focus?.focus();
  }

  function refresh() {
    const task = data.tasks[state.task];
    const shown = state.shown[state.task];
    const curve = state.guess[state.task];
    choices.forEach((each) => (each.firstChild.checked = each.firstChild.value === state.task));
    fields.forEach((field, k) => {
      if (document.activeElement !== field) field.value = curve[k] === null ? "" : Math.round(100 * curve[k]);
      field.disabled = shown >= 0;
    });
    drawAll(task, curve, shown);
    reveal.hidden = shown >= 0;
    reveal.disabled = !isDrawn(state);
    results.hidden = shown < 0;
    said.textContent = sentence(task, shown);
    if (shown < 0) return;
    slider.value = shown;
    count.textContent = data.counts[shown];
    slider.setAttribute("aria-valuetext", `${data.counts[shown]} labels per class`);
    values.replaceChildren(...Object.entries(task.curves).map(([name, measured]) => item(name, measured[shown])));
    showImages(task, shown);
  }

  function drawAll(task, curve, shown) {
    const chance = 1 / task.classes.length;
    const [, y] = spot(data, 0, chance);
    const luck = shape("line", { x1: FRAME.left, x2: WIDTH - FRAME.right, y1: y, y2: y, class: "tl-luck" });
    const word = shape("text", { x: WIDTH - FRAME.right, y: y + 14, "text-anchor": "end" }, "guessing");
    const points = curve.map((each, k) => each !== null && spot(data, k, each)).filter(Boolean);
    const path = points.map(([px, py], k) => `${k ? "L" : "M"} ${px} ${py}`).join(" ");
    const mine = shape("g", { class: "tl-guess" });
    mine.append(shape("path", { d: path, fill: "none" }));
    mine.append(...points.map(([cx, cy]) => shape("circle", { cx, cy, r: 5 })));
    if (points.length) {
      const [x, top] = points.at(-1);
      mine.append(shape("text", { x: x + 6, y: top - 12, "text-anchor": "end" }, "your guess"));
    }
    const measured = shown < 0 ? [] : Object.entries(task.curves).reverse();
    lines.replaceChildren(luck, word, mine, ...measured.map(([name, each]) => drawLine(data, each, shown, LINES[name])));
    const told = measured.map(([name, each]) => each[shown] && `${name} ${percent(each[shown][0])}`).filter(Boolean);
    const label = told.length
      ? `Share of new images right, with ${data.counts[shown]} labels per class: ${told.reverse().join(", ")}; guessing ${percent(chance)}.`
      : "An empty chart: share of new images right, by labels per class. Draw your guess.";
    picture.setAttribute("aria-label", label);
  }

  function sentence(task, shown) {
    if (shown < 0) {
      return isDrawn(state)
        ? "Is that your guess for the trained base? Then look."
        : "Draw the curve that you expect of a trained base with a dense layer on it.";
    }
    if (shown < data.counts.length - 1) return "Now drag: more labels for everybody.";
    const { mean, worst, count: at } = miss(data, state);
    return `You were ${Math.round(mean)} points off on average, and ${Math.round(worst)} with ${at} per class.`;
  }

  function item(name, value) {
    const text = value ? `${percent(value[0])} ± ${Math.round(100 * value[1])}` : "not measured";
    return part("li", {}, key(LINES[name]), part("span", { textContent: name }), part("b", { textContent: text }));
  }

  function showImages(task, shown) {
    const n = data.counts[shown];
    const most = Math.max(...data.counts);
    const image = part("img", { src: task.pile, alt: `${n * task.classes.length} training images, ${n} of each class` });
    const window_ = part("div", {}, image);
    window_.style.setProperty("--share", n / most);
    pile.replaceChildren(window_);
    const shots = tests(data, state).map((each, k) => {
      const shot = part("span", { className: "tl-shot" });
      shot.style.backgroundImage = `url(${task.tests})`;
      shot.style.backgroundPosition = `${(100 * k) / (task.labels.length - 1)}% 0`;
      const mark = part("b", { textContent: each.right ? "✓" : "✗", className: each.right ? "tl-right" : "tl-wrong" });
      const words = part("figcaption", {}, mark, ` says ${each.said}`);
      const made = part("figure", {}, shot, words);
      made.setAttribute("aria-label", `A ${each.is}: it says ${each.said}, ${each.right ? "right" : "wrong"}`);
      return made;
    });
    eight.replaceChildren(...shots);
  }

  let drawn = null; // where the pointer was, while it draws
  function follow(event) {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const y = ((event.clientY - box.top) / box.height) * HEIGHT;
    const [place, share] = under(data, x, y);
    state = stroke(state, drawn ?? [place, share], [place, share]);
    drawn = [place, share];
    refresh();
  }
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || state.shown[state.task] >= 0) return;
    picture.setPointerCapture(event.pointerId);
    event.preventDefault(); // no text is selected
    follow(event);
  });
  picture.addEventListener("pointermove", (event) => drawn && follow(event));
  const stop = () => (drawn = null);
  picture.addEventListener("pointerup", stop);
  picture.addEventListener("pointercancel", stop);

  const chart = part("div", { className: "tl-drawing" }, picture, row, reveal);
  root.append(which, said, part("div", { className: "tl-both" }, chart, results));
  el.append(root);
  refresh();
}

export default { render };
