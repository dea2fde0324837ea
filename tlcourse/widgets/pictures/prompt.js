// The prompt: type a beginning, and see what comes next, before and after a small GPT
// was shown some of Keras.

import { adapted, encode, expects, openGpt } from "./gpt.js";
import { fetched, part, percent } from "./dom.js";

const PROMPTS = ["class Layer(", "import ", "def call(self, ", "raise ValueError(", "x = self."];
const ROWS = 6;
const SEEN = 48; // pieces of the prompt that are read: enough, and quick

// The state: what was typed, and how many characters of Keras were shown.

export function begin() {
  return { text: PROMPTS[0], at: 0 };
}

export function typed(state, text) {
  return { ...state, text };
}

export function show(gpt, state, at) {
  return { ...state, at: Math.min(gpt.sizes.length, Math.max(0, at)) };
}

export function shownSize(gpt, { at }) {
  return at ? gpt.sizes[at - 1] : 0;
}

// Spaces and newlines as something that can be seen.
export function visible(piece) {
  return piece.replaceAll("\n", "⏎").replaceAll(" ", "·");
}

// The likeliest pieces of either, the tuned one's first: [{ piece, base, tuned }].
export function likeliest(gpt, before, after, rows = ROWS) {
  const order = [...before.keys()].sort((a, b) => Math.max(after[b], before[b]) - Math.max(after[a], before[a]));
  const chosen = order.slice(0, rows).sort((a, b) => after[b] - after[a]);
  return chosen.map((k) => ({ piece: gpt.pieces[k], base: before[k], tuned: after[k] }));
}

export function sentence(gpt, state, before, after) {
  const best = (chances) => chances.indexOf(Math.max(...chances));
  const named = (chances) => `“${visible(gpt.pieces[best(chances)])}” (${percent(chances[best(chances)])})`;
  if (!state.at) return `The base expects ${named(before)}.`;
  const size = shownSize(gpt, state).toLocaleString("en");
  return `The base expects ${named(before)}, and after ${size} characters of Keras it expects ${named(after)}.`;
}

// The view

async function render({ model, el }) {
  const gpt = openGpt(await fetched(model.get("weights")));
  const known = new Map([[0, gpt.arrays]]);
  let state = begin();
  const root = part("section", { className: "tl-prompt" });
  root.setAttribute("aria-label", "Type a prompt");

  const box = part("textarea", { rows: 3, spellcheck: false, value: state.text });
  const label = part("label", {}, "The text so far", box);
  box.oninput = () => set(typed(state, box.value));
  const few = part("div", { className: "tl-row" }, "or take one: ");
  for (const prompt of PROMPTS) {
    few.append(part("button", { type: "button", textContent: prompt, onclick: () => set(typed(state, prompt)) }));
  }
  const slider = part("input", { type: "range", min: 0, max: gpt.sizes.length, step: 1, value: 0, className: "tl-slide" });
  slider.oninput = () => set(show(gpt, state, Number(slider.value)));
  slider.setAttribute("aria-label", "Characters of Keras that it was shown");
  const amount = part("output");
  const dial = part("div", {}, "Characters of Keras that it was shown: ", amount, slider);
  const said = part("p", { className: "tl-said" });
  said.setAttribute("role", "status");
  const rows = part("tbody");
  const head = part("thead", {}, part("tr", {}, ...["next piece", "base", "after Keras"].map((name) => part("th", { textContent: name, scope: "col" }))));
  const table = part("table", {}, part("caption", { textContent: "What might come next" }), head, rows);
  const take = part("button", { type: "button", textContent: "Write the likeliest", onclick: () => write(1) });
  const more = part("button", { type: "button", textContent: "Write twenty more", onclick: () => write(20) });
  const note = part("p", { className: "tl-note", textContent: "· is a space, ⏎ a new line. A piece is one character or several." });

  const tokens = () => encode(gpt.pieces, state.text).slice(-SEEN);
  function tuned() {
    const size = shownSize(gpt, state);
    if (!known.has(size)) known.set(size, adapted(gpt, size));
    return known.get(size);
  }
  // Twenty times the likeliest would turn in a circle: each is drawn, surer than it is.
  function write(count) {
    for (let k = 0; k < count; k++) {
      const chances = expects(gpt, tuned(), tokens());
      let best = chances.indexOf(Math.max(...chances));
      if (count > 1) {
        const sure = chances.map((chance) => chance ** 2);
        let left = Math.random() * sure.reduce((one, other) => one + other, 0);
        best = sure.findIndex((share) => (left -= share) <= 0);
      }
      state = typed(state, state.text + gpt.pieces[best]);
    }
    set(state);
  }
  function bar(share) {
    const made = part("td", {}, part("span", { className: "tl-share", textContent: percent(share) }));
    made.firstChild.style.setProperty("--share", share);
    return made;
  }
  function set(next) {
    state = next;
    if (box.value !== state.text) {
      box.value = state.text;
      box.scrollTop = box.scrollHeight;
    }
    const there = tokens();
    for (const each of [take, more]) each.disabled = !there.length;
    amount.textContent = shownSize(gpt, state).toLocaleString("en");
    slider.setAttribute("aria-valuetext", `${amount.textContent} characters`);
    if (!there.length) {
      said.textContent = "Type something.";
      return rows.replaceChildren();
    }
    const before = expects(gpt, gpt.arrays, there);
    const after = state.at ? expects(gpt, tuned(), there) : before;
    said.textContent = sentence(gpt, state, before, after);
    rows.replaceChildren(
      ...likeliest(gpt, before, after).map(({ piece, base, tuned: now }) =>
        part("tr", {}, part("th", { scope: "row", className: "tl-code", textContent: visible(piece) }), bar(base), bar(now)),
      ),
    );
  }

  root.append(label, few, dial, said, table, part("div", { className: "tl-row" }, take, more), note);
  el.replaceChildren(root);
  set(state);
}

export default { render };
