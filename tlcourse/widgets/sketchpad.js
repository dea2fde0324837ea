// A pad to draw on with mouse, pen or finger. `strokes` holds the drawing: lists of
// [x, y], 0..1 from left to right and from top to bottom.

const SIDE = 300;
const NEAR = 0.004; // points that are nearer than this say nothing new
const PEN = 0.05;

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const scale = window.devicePixelRatio || 1;
  canvas.width = canvas.height = SIDE * scale;
  canvas.className = "tlcourse-pad";
  canvas.style.width = canvas.style.height = `${SIDE}px`;
  canvas.setAttribute("role", "img");
  const pen = canvas.getContext("2d");
  let current = null;

  function draw(stroke) {
    pen.beginPath();
    stroke.forEach(([x, y]) => pen.lineTo(x * canvas.width, y * canvas.height));
    if (stroke.length === 1) {
      pen.lineTo(stroke[0][0] * canvas.width + 0.1, stroke[0][1] * canvas.height);
    }
    pen.stroke();
  }

  function redraw() {
    const strokes = model.get("strokes");
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = PEN * canvas.width;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "#141414";
    strokes.forEach(draw);
    const n = strokes.length;
    canvas.setAttribute("aria-label", `Pad to draw on, ${n} stroke${n === 1 ? "" : "s"} on it`);
    undo.disabled = clear.disabled = n === 0;
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const inside = (v) => Math.round(1e4 * Math.min(1, Math.max(0, v))) / 1e4;
    return [
      inside((event.clientX - box.left) / box.width),
      inside((event.clientY - box.top) / box.height),
    ];
  }

  function keep(strokes) {
    model.set("strokes", strokes);
    model.save_changes();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || current) return;
    canvas.setPointerCapture(event.pointerId);
    current = { id: event.pointerId, stroke: [point(event)] };
    draw(current.stroke);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current || event.pointerId !== current.id) return;
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of passed.length ? passed : [event]) {
      const [x, y] = point(each);
      const [oldX, oldY] = current.stroke[current.stroke.length - 1];
      if (Math.hypot(x - oldX, y - oldY) < NEAR) continue;
      current.stroke.push([x, y]);
      draw(current.stroke.slice(-2));
    }
  });
  function end(event) {
    if (!current || event.pointerId !== current.id) return;
    const { stroke } = current;
    current = null;
    keep([...model.get("strokes"), stroke]);
  }
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  function button(text, act) {
    const made = document.createElement("button");
    made.textContent = text;
    made.className = "tlcourse-button";
    made.addEventListener("click", act);
    return made;
  }
  const undo = button("Undo stroke", () => keep(model.get("strokes").slice(0, -1)));
  const clear = button("Clear pad", () => keep([]));
  const row = document.createElement("div");
  row.append(undo, clear);
  el.append(canvas, row);
  model.on("change:strokes", redraw);
  redraw();
  return () => model.off("change:strokes", redraw);
}

export default { render };
