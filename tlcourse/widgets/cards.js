// The classes of the teaching panel, as cards: a name, examples to take out, a button
// that adds what is seen (held, it goes on adding frames of the camera), one that drops.

const HOLD = 500; // milliseconds from a press to a hold

function part(tag, props = {}, ...children) {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  const say = (what, ...values) => model.send({ do: what, with: values });
  const name = part("input", { type: "text", placeholder: "its name", maxLength: 60 });
  name.setAttribute("aria-label", "Name of a new class");
  const make = part("button", { type: "button", textContent: "New class" });
  const back = part("button", { type: "button", textContent: "Bring back" });
  const save = part("button", { type: "button", textContent: "Save" });
  save.title = "Writes the examples and the network into a new folder";
  back.onclick = () => say("back");
  save.onclick = () => say("save");
  make.onclick = () => {
    say("new", name.value);
    name.focus();
  };
  name.onkeydown = (event) => {
    event.stopPropagation(); // JupyterLab has shortcuts of one letter
    if (event.key === "Enter") make.click();
  };
  const grid = part("div", { className: "tlcourse-cards" });
  el.append(part("div", { className: "tlcourse-new" }, name, make, back, save), grid);
  grid.onpointermove = ({ movementX, movementY }) => {
    if (movementX || movementY) grid.classList.remove("tlcourse-rests");
  };
  const shown = new Map(); // a card for each class, changed in place

  function makeCard(first) {
    let now = first;
    const title = part("input", { type: "text", maxLength: 60 });
    title.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Enter") title.blur();
    };
    title.onchange = () => {
      const wanted = title.value;
      title.value = now.name; // until it is so
      say("rename", now.name, wanted);
    };
    const drop = part("button", { type: "button", className: "tlcourse-drop" });
    drop.onclick = ({ detail }) => {
      // The next card moves up: no cross may come to lie under a pointer at rest.
      if (detail) grid.classList.add("tlcourse-rests");
      say("drop", now.name);
    };
    const add = part("button", { type: "button", className: "tlcourse-add" });
    let timer = null;
    let isHeld = false;
    add.onpointerdown = () => {
      isHeld = false;
      timer = setTimeout(() => {
        isHeld = true;
        say("hold", now.name, true);
      }, HOLD);
    };
    const release = () => {
      clearTimeout(timer);
      if (isHeld) say("hold", now.name, false);
    };
    add.onpointerup = add.onpointercancel = add.onpointerleave = release;
    add.onclick = () => !isHeld && say("add", now.name);
    add.onkeydown = () => {
      isHeld = false;
    };
    const count = part("div", { className: "tlcourse-count" });
    const examples = part("div", { className: "tlcourse-examples" });
    const top = part("div", { className: "tlcourse-top" }, title, drop);
    const card = part("section", { className: "tlcourse-card" }, top, examples, count, add);
    return {
      card,
      show(next) {
        now = next;
        card.setAttribute("aria-label", next.name);
        if (document.activeElement !== title || title.value === "") title.value = next.name;
        title.setAttribute("aria-label", `Name of ${next.name}`);
        drop.textContent = "×";
        drop.setAttribute("aria-label", `Drop ${next.name}`);
        drop.title = `Drop ${next.name}`;
        add.textContent = `Add to ${next.name}`;
        add.disabled = !next.ready;
        count.textContent = next.said;
        examples.replaceChildren(...next.examples.map(([position, source]) => example(next.name, position, source)));
      },
    };
  }

  function example(of, position, source) {
    const label = `${of}, example ${position + 1}`;
    const cross = part("button", { type: "button", textContent: "×", title: `Take out ${label}` });
    cross.setAttribute("aria-label", `Take out ${label}`);
    cross.onclick = () => say("take_out", of, position);
    return part("span", {}, part("img", { src: source, alt: label }), cross);
  }

  function refresh() {
    const { cards, can_bring_back: canBringBack, can_save: canSave } = model.get("shown");
    back.disabled = !canBringBack;
    save.disabled = !canSave;
    const kept = new Set(cards.map((each) => each.name));
    for (const known of [...shown.keys()]) {
      if (kept.has(known)) continue;
      shown.get(known).card.remove();
      shown.delete(known);
    }
    cards.forEach((each, place) => {
      if (!shown.has(each.name)) shown.set(each.name, makeCard(each));
      const made = shown.get(each.name);
      made.show(each);
      if (grid.children[place] !== made.card) grid.insertBefore(made.card, grid.children[place] ?? null);
    });
  }

  model.on("change:shown", refresh);
  model.on("msg:custom", ({ clear }) => clear && (name.value = ""));
  refresh();
}

export default { render };
