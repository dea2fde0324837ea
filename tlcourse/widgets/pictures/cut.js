// The cut: drag a knife along the network. What lies before it describes the images:
// one sees its maps, who is near whom, and the classes come apart.

import { fetched, part, percent, shape, shot } from "./dom.js";

// The state: how deep the knife stands, and which image looks for its like.

export function begin() {
  return { depth: 0, query: 0 };
}

export function cutAt(data, state, depth) {
  return { ...state, depth: Math.min(data.depths.length - 1, Math.max(0, depth)) };
}

export function ask(data, state, query) {
  return { ...state, query: Math.min(data.queries - 1, Math.max(0, query)) };
}

export function neighbours(data, { depth, query }) {
  return data.depths[depth].nearest[query].map((place) => ({
    place,
    is: data.classes[data.labels[place]],
    same: data.labels[place] === data.labels[query],
  }));
}

export function sentence(data, { depth }) {
  const { name, same, colour } = data.depths[depth];
  const where = depth ? `After ${name}` : "Before the network";
  const luck = percent(1 / data.classes.length);
  const much = colour > 0.95 && colour < 1.05 ? "as much" : `${percent(colour)} as much`;
  return `${where}: on average ${percent(same)} of the nearest are of the same class (guessing ${luck}). Their colours differ ${much} as those of random pairs.`;
}

// The view

async function render({ model, el }) {
  const data = await fetched(model.get("data"));
  let state = begin();
  const count = data.labels.length;
  const last = data.depths.length - 1;
  const root = part("section", { className: "tl-cut" });
  root.setAttribute("aria-label", "The cut");

  // The network: a trapezium for each depth, as high as its maps.
  const high = Math.max(...data.depths.map(({ shape: [side] }) => side));
  const network = shape("svg", { viewBox: `0 0 ${100 * (last + 1)} 130`, class: "tl-network", "aria-hidden": "true" });
  const blocks = data.depths.map(({ name, shape: [side, , channels] }, k) => {
    const height = 14 + 70 * Math.sqrt(side / high);
    const width = Math.min(88, 18 + 8 * Math.log2(channels));
    const x = 100 * k + 50 - width / 2;
    const box = shape("rect", { x, y: 92 - height, width, height, rx: 4 });
    const text = shape("text", { x: 100 * k + 50, y: 108, "text-anchor": "middle" }, name);
    const size = shape("text", { x: 100 * k + 50, y: 124, "text-anchor": "middle" }, `${side} px, ${channels}`);
    const group = shape("g", {}, box, text, size);
    network.append(group);
    return group;
  });
  const knife = shape("line", { y1: 2, y2: 96, class: "tl-knife" });
  network.append(knife);
  const slider = part("input", { type: "range", min: 0, max: last, step: 1, className: "tl-slide" });
  slider.setAttribute("aria-label", "Where to cut the network");
  slider.oninput = () => set(cutAt(data, state, Number(slider.value)));
  const strip = part("div", { className: "tl-strip" }, network, slider);
  function follow({ clientX }) {
    const { left, width } = network.getBoundingClientRect();
    const depth = Math.round(((clientX - left) / width) * (last + 1) - 1);
    if (depth !== state.depth) set(cutAt(data, state, depth));
  }
  let isHeld = false;
  network.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    isHeld = true;
    network.setPointerCapture(event.pointerId);
    follow(event);
  });
  network.addEventListener("pointermove", (event) => isHeld && follow(event));
  for (const kind of ["pointerup", "pointercancel"]) network.addEventListener(kind, () => (isHeld = false));
  const said = part("p", { className: "tl-said" });
  said.setAttribute("role", "status");

  // Images on a map; those of the same class as the one that asks have a ring.
  const map = part("div", { className: "tl-map" });
  map.setAttribute("role", "img");
  const dots = data.labels.map((label, k) => {
    const dot = shot(data.images, k, count, "");
    dot.removeAttribute("role");
    dot.removeAttribute("aria-label");
    map.append(dot);
    return dot;
  });
  const near = part("div", { className: "tl-near" });
  const asks = Array.from({ length: data.queries }, (_, k) => {
    const is = data.classes[data.labels[k]];
    const button = part("button", { type: "button", className: "tl-ask" }, shot(data.images, k, count, `a ${is}`));
    button.onclick = () => set(ask(data, state, k));
    return button;
  });
  const maps = part("div", { className: "tl-maps" });
  const mapsTitle = part("h4");

  function set(next) {
    state = next;
    refresh();
  }

  function refresh() {
    const depth = data.depths[state.depth];
    const own = data.labels[state.query];
    slider.value = state.depth;
    slider.setAttribute("aria-valuetext", state.depth ? `after ${depth.name}` : "before the network");
    blocks.forEach((block, k) => block.setAttribute("class", k <= state.depth ? "tl-kept" : "tl-off"));
    const x = 100 * state.depth + 98;
    knife.setAttribute("x1", x);
    knife.setAttribute("x2", x);
    said.textContent = sentence(data, state);
    dots.forEach((dot, k) => {
      const [left, top] = depth.places[k];
      dot.style.left = `${4 + 92 * left}%`;
      dot.style.top = `${4 + 92 * top}%`;
      dot.classList.toggle("tl-like", data.labels[k] === own);
      dot.classList.toggle("tl-asks", k === state.query);
    });
    const is = data.classes[own];
    map.setAttribute("aria-label", `${count} images, near each other where the cut network says alike; those that are a ${is} have a ring. ${said.textContent}`);
    asks.forEach((button, k) => button.setAttribute("aria-pressed", k === state.query));
    near.replaceChildren(
      ...neighbours(data, state).map(({ place, is: other, same }) => {
        const mark = part("b", { textContent: same ? "✓" : "✗", className: same ? "tl-right" : "tl-wrong" });
        const label = `a ${other}, ${same ? "the same class" : "another class"}`;
        return part("figure", {}, shot(data.images, place, count, label), part("figcaption", {}, mark, ` ${other}`));
      }),
    );
    const [height, width, channels] = depth.shape;
    mapsTitle.textContent = depth.maps ? `Six of the ${channels} maps, ${height} × ${width} each` : `No maps yet: ${height} × ${width} pixels`;
    maps.replaceChildren();
    if (!depth.maps) return;
    const sheet = part("span", { className: "tl-sheet" });
    sheet.style.backgroundImage = `url(${depth.maps})`;
    sheet.style.backgroundSize = `100% ${100 * data.queries}%`;
    sheet.style.backgroundPosition = `0 ${(100 * state.query) / (data.queries - 1)}%`;
    sheet.setAttribute("role", "img");
    sheet.setAttribute("aria-label", `Six maps of the ${is} after ${depth.name}`);
    maps.append(sheet);
  }

  const right = part(
    "div",
    {},
    part("h4", { textContent: "Choose an image" }),
    part("div", { className: "tl-near" }, ...asks),
    part("h4", { textContent: "Its five nearest, by the mean of each map" }),
    near,
    mapsTitle,
    maps,
  );
  const legend = "Only nearness counts; the directions mean nothing. Blue frame: your image. Orange: the same class.";
  const left = part("div", {}, map, part("p", { className: "tl-note", textContent: legend }));
  root.append(strip, said, part("div", { className: "tl-both" }, left, right));
  el.append(root);
  refresh();
}

export default { render };
