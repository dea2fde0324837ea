// What the pictures build with: elements, SVG shapes, shares as text.

export function part(tag, props = {}, ...children) {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children);
  return made;
}

export function shape(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

// What a picture has to get: at hand in a notebook, to be fetched on a page.
export async function fetched(value) {
  return typeof value === "function" ? value() : value;
}

// A path for values at places from 0 to `last`, in a frame with its top at `most`.
export function path(points, last, most, [left, top, width, height]) {
  const spots = points.map(([at, value]) => [
    left + (width * at) / Math.max(last, 1),
    top + height * (1 - Math.min(1, Math.max(0, value / most))),
  ]);
  return spots.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");
}

// One image of a sheet in a row, as an element that is named by `label`.
export function shot(sheet, at, count, label) {
  const made = part("span", { className: "tl-shot" });
  made.style.backgroundImage = `url(${sheet})`;
  made.style.backgroundSize = `${100 * count}% 100%`;
  made.style.backgroundPosition = `${(100 * at) / Math.max(count - 1, 1)}% 0`;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  return made;
}
