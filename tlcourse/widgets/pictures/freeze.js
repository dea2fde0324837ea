// The freeze line: drag it along a network. What lies before it is frozen, the rest
// trains; below stands what that costs, and what a few steps of training move.
//
// In a notebook the kernel decides: `shown` comes from it, and what is done goes to it.
// On a page, a table of what was measured stands in for it.

import { part, path, shape } from "./dom.js";

// Of the parts that are shown, from input to output.

// The place of the line: the first part that trains, or behind the last.
export function line(parts) {
  const first = parts.findIndex(({ shows }) => shows !== "frozen");
  return first < 0 ? parts.length : first;
}

export function isWhole(parts) {
  return parts.slice(line(parts)).every(({ shows }) => shows === "trains");
}

export function lineWords(parts) {
  const at = line(parts);
  if (at === parts.length) return "everything frozen";
  const from = at ? `frozen before ${parts[at].name}` : "everything trains";
  if (isWhole(parts)) return from;
  return `gradients reach ${parts[at].name}; some parts behind it are frozen, too`;
}

// From 0 to 1: how far the weights of each part moved, beside those that moved most.
export function glow(parts) {
  const most = Math.max(...parts.map(({ moved }) => moved ?? 0));
  return parts.map(({ moved }) => (most > 0 ? Math.sqrt((moved ?? 0) / most) : 0));
}

export function share(value) {
  if (value === 0) return "0 %";
  const digits = value < 0.001 ? 3 : value < 0.01 ? 2 : value < 0.1 ? 1 : 0;
  return `${(100 * value).toFixed(digits)} %`;
}

export function movedWords({ moved, averages }) {
  if (moved === null || moved === undefined) return "";
  const also = averages ? `, averages ${share(averages)}` : "";
  return moved || averages ? `moved ${share(moved)}${also}` : "did not move";
}

// All that moved, in a line: narrow blocks have no room for words.
export function movedList(parts) {
  if (parts.every(({ moved }) => moved === null || moved === undefined)) return "";
  const moved = parts.filter((each) => each.moved || each.averages);
  const told = moved.map((each) => `${each.name} by ${movedWords(each).replace("moved ", "")}`);
  const rest = parts.length - moved.length;
  const others = rest ? ` The other ${rest === 1 ? "part" : `${rest} parts`} did not move.` : "";
  return `Moved (orange frame): ${told.join("; ") || "nothing"}.${others}`;
}

export function grouped(number) {
  return Math.round(number).toLocaleString("en-US");
}

// What stands in for the kernel on a page: every choice of parts was tried before.
export function onPage(data) {
  const { parts, presets } = data;
  const head = parts.length - 1;
  const all = 2 ** parts.length - 1;
  let [mask, norms] = presets["head only"];
  let listener = () => {};
  let told = null; // the run that has been played for this choice
  const runs = [];
  const from = (k) => all & ~(2 ** k - 1);

  function state() {
    return data.states[`${mask},${norms && mask ? 1 : 0}`];
  }

  function shown() {
    const found = state();
    const each = parts.map((part, k) => ({
      ...part,
      shows: mask & (2 ** k) ? "trains" : "frozen",
      passed: found.passed[k],
      moved: told ? found.moved[k] : null,
      averages: told ? found.averages[k] : null,
    }));
    return {
      ...data.fixed,
      ...found.costs,
      lines: found.costs.lines.slice(0, 3), // nothing is timed here
      ready: true,
      parts: each,
      norms: Boolean(norms && mask),
      presets: Object.keys(presets),
      most: head,
      training: { steps: data.steps, running: false, runs, validates: true },
    };
  }

  function play() {
    if (!mask) return "Everything is frozen: nothing trains, nothing moved.";
    const { losses, accuracy, name } = state().run;
    runs.push({ name, losses, accuracy });
    told = runs.at(-1);
    const [[, first], [, last]] = [accuracy[0], accuracy.at(-1)];
    const right = `validation accuracy from ${first.toFixed(2)} to ${last.toFixed(2)}`;
    return `${losses.length} steps. Loss from ${losses[0].toFixed(3)} to ${losses.at(-1).toFixed(3)}, ${right}.`;
  }

  const actions = {
    line: (k) => ([mask, norms] = [from(k), norms]),
    part: (k, on) => (mask = on ? mask | (2 ** k) : mask & ~(2 ** k)),
    norms: (on) => (norms = on ? 1 : 0),
    preset: (name, n) =>
      ([mask, norms] = name === "last stages" ? [from(head - n), 0] : presets[name]),
  };
  return {
    shown,
    listen: (heard) => (listener = heard),
    do(what, ...values) {
      let said = "";
      if (what === "train") said = play();
      else {
        actions[what](...values);
        told = null;
        if (what === "norms" && norms && !mask) said = "No stage trains. Tick one first.";
      }
      listener(said);
    },
    isPage: true,
  };
}

function inKernel(model) {
  return {
    shown: () => model.get("shown"),
    listen: (heard) => model.on("change:shown", () => heard("")),
    do: (what, ...values) => model.send({ do: what, with: values }),
    isPage: false,
  };
}

// The view

const RUNS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"].map(
  (colour) => `stroke: color-mix(in srgb, ${colour} 75%, CanvasText)`,
);
const DASHES = ["", "6 3", "2 3", "9 3 2 3", "4 4", "1 4"];

function control(textContent, onclick) {
  return part("button", { type: "button", textContent, onclick });
}

function checkbox(text, onchange) {
  const box = part("input", { type: "checkbox" });
  box.onchange = () => onchange(box.checked);
  return [part("label", { className: "tl-check" }, box, ` ${text}`), box];
}

async function render({ model, el }) {
  const given = model.get("shown");
  const kernel = typeof given === "function" ? onPage(await given()) : inKernel(model);
  const first = kernel.shown();
  const root = part("section", { className: "tl-freeze" });
  root.setAttribute("aria-label", "Freeze panel");

  // Choose
  const blocks = first.parts.map(({ name }, k) => {
    const box = part("input", { type: "checkbox" });
    box.setAttribute("aria-label", name);
    box.onchange = () => kernel.do("part", k, box.checked);
    const [word, moved] = [part("span"), part("small")];
    const lanes = part("i", { className: "tl-lanes" });
    lanes.setAttribute("aria-hidden", "true");
    const label = part("label", { className: "tl-block" }, box, part("b", { textContent: name }), word, moved, lanes);
    label.style.order = 2 * k;
    return { label, box, word, moved };
  });
  const handle = part("div", { className: "tl-line", tabIndex: 0, title: "Drag: what is before the line is frozen" });
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Freeze line");
  handle.setAttribute("aria-valuemin", 0);
  handle.setAttribute("aria-valuemax", blocks.length);
  const flow = part("div", { className: "tl-flow" }, ...blocks.map(({ label }) => label), handle);
  flow.setAttribute("role", "group");
  flow.setAttribute("aria-label", "What trains, from input to output");
  const words = part("p", { className: "tl-ends" });
  words.append(
    part("span", { textContent: "pixels" }),
    part("span", { textContent: "— activations →", className: "tl-forward" }),
    part("span", { textContent: "← gradients - -", className: "tl-back" }),
    part("span", { textContent: "answer" }),
  );
  const last = part("input", { type: "number", min: 1, max: first.most, value: Math.min(2, first.most) });
  last.setAttribute("aria-label", "Number of last stages");
  const presets = first.presets.map((name) => {
    const text = name === "last stages" ? "last N stages" : name;
    return control(text, () => kernel.do("preset", name, Number(last.value)));
  });
  presets.splice(first.presets.indexOf("last stages") + 1, 0, last);
  const [norms, normsBox] = checkbox("BatchNorm layers train too", (on) => kernel.do("norms", on));
  const choose = part("div", { className: "tl-presets" }, ...presets, norms);

  // Cost
  const trains = part("b");
  const ofAll = part("span");
  const step = part("b");
  const ofStep = part("span");
  const movedLine = part("p", { className: "tl-moved" });
  const numbers = part("div", { className: "tl-numbers" }, part("p", {}, trains, ofAll), part("p", {}, step, ofStep));
  numbers.setAttribute("role", "status");
  const costs = part("ul", { className: "tl-costs" });

  // Train
  const start = control("", () => {
    if (kernel.isPage) animate();
    kernel.do("train");
  });
  const stop = control("Stop", () => kernel.do("stop"));
  let isOver = false;
  const [over, overBox] = checkbox("overlay the runs", (on) => ((isOver = on), refresh()));
  const chart = shape("svg", { viewBox: "0 0 640 138", class: "tl-runs", role: "img" });
  const key = part("ol", { className: "tl-key" });
  const hint = part("b", { className: "tl-wrong", textContent: "Press Compile first." });
  const buttons = part("div", { className: "tl-presets" }, start, stop, hint, over);
  const training = part("div", { className: "tl-train" }, buttons, chart, key);
  stop.hidden = kernel.isPage;

  // Folded away
  const code = part("textarea", { readOnly: true, rows: 9, spellcheck: false });
  code.setAttribute("aria-label", "The same in Keras, to copy");
  const copy = control("Copy", async () => {
    code.select();
    await navigator.clipboard?.writeText(code.value);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  const inKeras = part("details", {}, part("summary", { textContent: "The same in Keras" }), code, copy);
  const units = model.get("units") ?? [];
  const boxes = new Map();
  const folds = units.map((each, k) => layersOf(first.parts[k].name, each));
  const layers = part("details", {}, part("summary", { textContent: "Layers, one by one" }), part("div", { className: "tl-layers" }, ...folds));

  function layersOf(name, each) {
    const fold = part("details", {}, part("summary", { textContent: `Layers of ${name}` }));
    fold.ontoggle = () => {
      if (!fold.open || fold.children.length > 1) return;
      each.forEach(([position, layer, count]) => {
        const [label, box] = checkbox(`${layer}: ${grouped(count)}`, (on) => kernel.do("unit", position, on));
        boxes.set(position, box);
        fold.append(label);
      });
      refresh();
    };
    return fold;
  }

  // Above all
  const title = part("span", { className: "tl-name" });
  const status = part("b");
  status.setAttribute("role", "status");
  const compile = control("Compile", () => kernel.do("compile"));
  const reread = control("Refresh", () => kernel.do("refresh"));
  const measure = control("Measure an epoch", () => kernel.do("measure"));
  const top = part("div", { className: "tl-above" }, title, status, compile, reread, measure);
  const said = part("p", { className: "tl-note" });
  said.setAttribute("role", "status");

  function refresh() {
    const shown = kernel.shown();
    const at = line(shown.parts);
    const bright = glow(shown.parts);
    const total = shown.parts.reduce((sum, { numbers: n }) => sum + n, 0);
    title.textContent = shown.title;
    status.textContent = shown.status ?? "";
    status.className = shown.ready ? "" : "tl-wrong";
    shown.parts.forEach((each, k) => {
      const { label, box, word, moved } = blocks[k];
      box.checked = each.shows === "trains";
      box.indeterminate = each.shows === "partly";
      word.textContent = each.shows;
      moved.textContent = movedWords(each);
      label.title = each.note;
      label.style.setProperty("--share", each.numbers / total);
      label.style.setProperty("--glow", bright[k]);
      label.className = `tl-block tl-${each.shows}`;
      label.classList.toggle("tl-passed", each.passed);
      const isAwake = each.normed && shown.norms && each.shows !== "frozen";
      label.classList.toggle("tl-moves", Boolean(isAwake));
    });
    movedLine.textContent = movedList(shown.parts);
    handle.style.order = 2 * at - 1;
    handle.setAttribute("aria-valuenow", at);
    handle.setAttribute("aria-valuetext", lineWords(shown.parts));
    handle.classList.toggle("tl-loose", !isWhole(shown.parts));
    normsBox.checked = shown.norms;
    trains.textContent = grouped(shown.trains);
    const rest = shown.total - shown.trains;
    ofAll.textContent = ` of ${grouped(shown.total)} parameters train (${share(shown.trains / shown.total)}), ${grouped(rest)} are frozen`;
    step.textContent = `${(shown.flop / 1e9).toFixed(2)} GFLOP`;
    ofStep.textContent = ` for a step of ${shown.images} images: ${share(shown.share)} of the work of training the whole network (counted, not timed)`;
    costs.replaceChildren(
      ...shown.lines.map(([what, text]) => part("li", {}, part("span", { textContent: `${what}: ` }), text)),
    );
    code.value = shown.code ?? "";
    boxes.forEach((box, position) => (box.checked = shown.on.includes(position)));
    hint.hidden = shown.ready;
    training.hidden = !shown.training;
    if (shown.training) drawRuns(shown.training);
  }

  function drawRuns({ runs, steps, running, validates }) {
    start.textContent = kernel.isPage ? `Play ${steps} steps` : `Train ${steps} steps`;
    start.disabled = running;
    stop.disabled = !running;
    flow.classList.toggle("tl-playing", running);
    const drawn = isOver ? runs.slice(-RUNS.length) : runs.slice(-1);
    overBox.parentElement.hidden = runs.length < 2;
    const top_ = 1.05 * Math.max(0.001, ...drawn.flatMap(({ losses }) => losses));
    const left = [38, 14, 262, 92];
    const right = [358, 14, 262, 92];
    chart.replaceChildren(...frame(left, "training loss", top_, steps));
    if (validates) chart.append(...frame(right, "validation accuracy", 1, steps));
    drawn.forEach(({ losses, accuracy }, k) => {
      const look = { fill: "none", style: RUNS[k], "stroke-width": 2.5, "stroke-dasharray": DASHES[k] };
      chart.append(shape("path", { d: path(losses.map((value, at) => [at + 1, value]), steps, top_, left), ...look }));
      if (losses.length === 1) chart.append(dot(left, 1, losses[0] / top_, k));
      if (!validates) return;
      chart.append(shape("path", { d: path(accuracy, steps, 1, right), ...look }));
      chart.append(...accuracy.map(([at, value]) => dot(right, at, value, k)));
    });
    const told = drawn.map(({ name, losses, accuracy }) => {
      const loss = losses.length ? `loss ${losses[0].toFixed(2)} to ${losses.at(-1).toFixed(2)}` : "no step yet";
      const isRight = accuracy.length > 1 ? `, validation ${accuracy[0][1].toFixed(2)} to ${accuracy.at(-1)[1].toFixed(2)}` : "";
      return `${name}: ${loss}${isRight}`;
    });
    chart.setAttribute("aria-label", told.length ? `Runs of ${steps} steps. ${told.join("; ")}.` : "No run yet.");
    chart.toggleAttribute("hidden", !drawn.length);
    key.replaceChildren(
      ...told.map((text, k) => {
        const look = { x1: 0, x2: 26, y1: 6, y2: 6, style: RUNS[k], "stroke-width": 3, "stroke-dasharray": DASHES[k] };
        const dash = shape("svg", { width: 26, height: 12, "aria-hidden": "true" }, shape("line", look));
        return part("li", {}, dash, ` ${text}`);
      }),
    );
  }

  function dot([x, y, width, height], at, share_, k) {
    const { steps } = kernel.shown().training;
    const place = { cx: x + (width * at) / steps, cy: y + height * (1 - share_), r: 3.5 };
    return shape("circle", { ...place, style: RUNS[k], fill: "none", "stroke-width": 2 });
  }

  function frame([x, y, width, height], name, most, steps) {
    const made = [shape("text", { x, y: y - 3 }, name)];
    for (const value of [0, most / 2, most]) {
      const at = y + height * (1 - value / most);
      made.push(shape("line", { x1: x, x2: x + width, y1: at, y2: at, class: "tl-grid" }));
      made.push(shape("text", { x: x - 4, y: at + 4, "text-anchor": "end" }, value.toFixed(1)));
    }
    for (const at of [0, steps / 2, steps]) {
      made.push(shape("text", { x: x + (width * at) / steps, y: y + height + 14, "text-anchor": "middle" }, `${at}`));
    }
    made.push(shape("text", { x: x + width / 2, y: y + height + 28, "text-anchor": "middle" }, "steps"));
    return made;
  }

  let timer = null;
  function animate() {
    flow.classList.add("tl-playing");
    clearTimeout(timer);
    timer = setTimeout(() => flow.classList.remove("tl-playing"), 4000);
  }

  // The line: by hand, and by keys.
  function under(x) {
    return blocks.filter(({ label }) => {
      const { left, width } = label.getBoundingClientRect();
      return left + width / 2 < x;
    }).length;
  }
  let dragged = null; // where the line was put last, while it is held
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
    dragged = line(kernel.shown().parts);
  });
  handle.addEventListener("pointermove", (event) => {
    if (dragged === null) return;
    const at = under(event.clientX);
    if (at !== dragged) kernel.do("line", (dragged = at));
  });
  const drop = () => (dragged = null);
  handle.addEventListener("pointerup", drop);
  handle.addEventListener("pointercancel", drop);
  handle.addEventListener("keydown", (event) => {
    const at = line(kernel.shown().parts);
    const to = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      Home: 0,
      End: blocks.length,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to <= blocks.length) kernel.do("line", to);
  });

  kernel.listen((text) => {
    if (kernel.isPage) said.textContent = text;
    refresh();
  });
  const hidden = kernel.isPage ? [status, compile, reread, measure, inKeras, layers] : [];
  hidden.forEach((each) => (each.hidden = true));
  root.append(top, flow, words, movedLine, choose, numbers, costs, training, said, layers, inKeras);
  el.append(root);
  refresh();
}

export default { render };
