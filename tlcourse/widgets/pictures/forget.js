// The forgetting dial: turn the learning rate, scrub through the steps, and see what
// becomes of a base while the training loss falls.

import { fetched, part, path, percent, shape, shot } from "./dom.js";

const LINES = {
  training: ["training images right", "#0072b2", ""],
  held_out: ["new images right", "#d55e00", "7 4"],
  own: ["letters right", "#009e73", "2 3"],
};
const FRAME = [62, 14, 420, 190];

// The state: places in `rates` and `steps`, and which image looks for its like.

export function begin(data) {
  return { rate: data.rates.indexOf(1e-5), step: 0, query: 0 };
}

export function set(data, state, what, place) {
  const most = { rate: data.rates, step: data.steps, query: data.runs[0][0].nearest }[what].length - 1;
  return { ...state, [what]: Math.min(most, Math.max(0, place)) };
}

export function seen(data, { rate, step }) {
  return data.runs[rate][step];
}

export function named(rate) {
  return rate.toExponential(0);
}

// The neighbours of the image that looks for its like: place, class, whether of its own.
export function neighbours(data, state) {
  const own = data.labels[state.query];
  return seen(data, state).nearest[state.query].map((place) => ({
    place,
    is: data.classes[data.labels[place]],
    same: data.labels[place] === own,
  }));
}

export function sentence(data, state) {
  const now = seen(data, state);
  const start = data.runs[state.rate][0];
  if (!state.step) return "Before the first step: a frozen base, a trained head. Drag the steps.";
  const loss = `Training loss from ${start.loss.toFixed(2)} to ${now.loss.toFixed(2)}`;
  const fresh = `new images right from ${percent(start.held_out)} to ${percent(now.held_out)}`;
  const told = `${loss}; ${fresh}; letters, its original task, from ${percent(start.own)} to ${percent(now.own)}.`;
  const collapsed = now.training < 1.5 / data.classes.length;
  return collapsed ? `${told} The network has collapsed: it only guesses, and its neighbours mean nothing.` : told;
}

// Red, green and blue of each filter's nine places, each 0 to 255.
export function filters(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return Array.from({ length: bytes.length / 27 }, (_, k) => bytes.subarray(27 * k, 27 * k + 27));
}

// The view

function slider(label, most) {
  const input = part("input", { type: "range", min: 0, max: most, step: 1 });
  input.setAttribute("aria-label", label);
  const value = part("output");
  const line = part("label", { className: "tl-drag" }, part("span", { textContent: label }), input, value);
  return { input, value, line };
}

async function render({ model, el }) {
  const data = await fetched(model.get("data"));
  let state = begin(data);
  const root = part("section", { className: "tl-forget" });
  root.setAttribute("aria-label", "Forgetting dial");

  const rate = slider("learning rate", data.rates.length - 1);
  const step = slider("steps", data.steps.length - 1);
  rate.input.oninput = () => change("rate", Number(rate.input.value));
  step.input.oninput = () => change("step", Number(step.input.value));
  const said = part("p", { className: "tl-said" });
  said.setAttribute("role", "status");

  const chart = shape("svg", { viewBox: "0 0 500 250", class: "tl-chart", role: "img" });
  const lines = shape("g");
  const now = shape("line", { y1: FRAME[1], y2: FRAME[1] + FRAME[3], class: "tl-now" });
  chart.append(axes(), lines, now);
  const values = part("ul", { className: "tl-values" });
  const [before, canvas] = [0, 1].map(() => {
    const made = part("canvas", { width: 32, height: 8, className: "tl-filters" });
    made.setAttribute("role", "img");
    return made;
  });
  const near = part("div", { className: "tl-near" });
  const other = part("button", { type: "button", textContent: "Another image" });
  other.onclick = () => change("query", (state.query + 1) % data.runs[0][0].nearest.length);

  function axes() {
    const [left, top, width, height] = FRAME;
    const made = shape("g", { "aria-hidden": "true" });
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = top + height * (1 - share);
      made.append(
        shape("line", { x1: left, x2: left + width, y1: y, y2: y, class: "tl-grid" }),
        shape("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, percent(share)),
      );
    }
    data.steps.forEach((each, k) => {
      const x = left + (width * k) / (data.steps.length - 1);
      made.append(shape("text", { x, y: top + height + 18, "text-anchor": "middle" }, `${each}`));
    });
    const name = "steps (not evenly spaced)";
    made.append(shape("text", { x: left + width / 2, y: top + height + 38, "text-anchor": "middle" }, name));
    const luck = top + height * (1 - 1 / data.classes.length);
    made.append(
      shape("line", { x1: left, x2: left + width, y1: luck, y2: luck, class: "tl-luck" }),
      shape("text", { x: left + width, y: luck - 5, "text-anchor": "end" }, "guessing digits"),
    );
    return made;
  }

  function change(what, place) {
    state = set(data, state, what, place);
    refresh();
  }

  function refresh() {
    const shown = seen(data, state);
    const run = data.runs[state.rate];
    rate.input.value = state.rate;
    rate.value.textContent = named(data.rates[state.rate]);
    rate.input.setAttribute("aria-valuetext", named(data.rates[state.rate]));
    step.input.value = state.step;
    step.value.textContent = data.steps[state.step];
    step.input.setAttribute("aria-valuetext", `${data.steps[state.step]} steps`);
    said.textContent = sentence(data, state);
    const last = data.steps.length - 1;
    lines.replaceChildren(
      ...Object.entries(LINES).map(([key, [, colour, dashes]]) => {
        const points = run.slice(0, state.step + 1).map((each, k) => [k, each[key]]);
        const look = { fill: "none", stroke: colour, "stroke-width": 3, "stroke-dasharray": dashes };
        return shape("path", { d: path([...points, points.at(-1)], last, 1, FRAME), "stroke-linecap": "round", ...look });
      }),
    );
    const x = FRAME[0] + (FRAME[2] * state.step) / last;
    now.setAttribute("x1", x);
    now.setAttribute("x2", x);
    chart.setAttribute(
      "aria-label",
      `After ${data.steps[state.step]} steps at ${named(data.rates[state.rate])}: ${Object.entries(LINES)
        .map(([key, [name]]) => `${name} ${percent(shown[key])}`)
        .join(", ")}.`,
    );
    values.replaceChildren(
      ...Object.entries(LINES).map(([key, [name, colour, dashes]]) => {
        const look = { x1: 0, x2: 26, y1: 6, y2: 6, stroke: colour, "stroke-width": 3, "stroke-dasharray": dashes };
        const dash = shape("svg", { width: 26, height: 12, "aria-hidden": "true" }, shape("line", look));
        return part("li", {}, dash, part("span", { textContent: name }), part("b", { textContent: percent(shown[key]) }));
      }),
      part("li", {}, part("span"), part("span", { textContent: "training loss" }), part("b", { textContent: shown.loss.toFixed(3) })),
    );
    drawFilters(canvas, shown, data.steps[state.step]);
    drawNeighbours();
  }

  function drawFilters(onto, { filters: text }, steps) {
    const each = filters(text);
    const context = onto.getContext("2d");
    each.forEach((bytes, k) => {
      const image = context.createImageData(3, 3);
      for (let at = 0; at < 9; at++) image.data.set([...bytes.subarray(3 * at, 3 * at + 3), 255], 4 * at);
      context.putImageData(image, 4 * (k % 8), 4 * Math.floor(k / 8));
    });
    onto.setAttribute("aria-label", `The ${each.length} filters of the first layer, after ${steps} steps`);
  }

  function drawNeighbours() {
    const count = data.labels.length;
    const own = data.classes[data.labels[state.query]];
    const made = neighbours(data, state).map(({ place, is, same }) => {
      const mark = part("b", { textContent: same ? "✓" : "✗", className: same ? "tl-right" : "tl-wrong" });
      return part("figure", {}, shot(data.pool, place, count, `a ${is}, ${same ? "the same class" : "another class"}`), part("figcaption", {}, mark, ` ${is}`));
    });
    const query = part("figure", { className: "tl-query" }, shot(data.pool, state.query, count, `the image: a ${own}`), part("figcaption", { textContent: own }));
    near.replaceChildren(query, ...made);
  }

  const left = part("div", {}, rate.line, step.line, chart, values);
  const right = part(
    "div",
    {},
    part("h4", { textContent: "Filters of the first layer: before" }),
    before,
    part("h4", { textContent: "and now" }),
    canvas,
    part("h4", { textContent: "An image, and its five nearest by features" }),
    near,
    other,
  );
  drawFilters(before, data.runs[0][0], 0);
  root.append(said, part("div", { className: "tl-both" }, left, right));
  el.append(root);
  refresh();
}

export default { render };
