// Shows a picture on a page or a slide, without a kernel, also from a disk: what it needs
// comes as scripts, `glyphs_base.js` say, when it is asked for.

function needed(name) {
  const known = (globalThis.tlData ??= {});
  if (name in known) return Promise.resolve(known[name]);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const inside = document.getElementById(`${name}.js`); // in a deck: one file has all
    if (inside) {
      script.textContent = inside.textContent;
      document.head.append(script);
      return resolve(known[name]);
    }
    script.src = `${name}.js`;
    script.onload = () => resolve(known[name]);
    script.onerror = () => {
      script.remove();
      reject(new Error(`${name}.js could not be loaded`));
    };
    document.head.append(script);
  });
}

function putOnPage(name, render, values) {
  for (const el of document.querySelectorAll(`[data-picture="${name}"]`)) {
    const seed = el.dataset.seed && Number(el.dataset.seed);
    const get = (key) => ({ seed, ...values })[key];
    el.replaceChildren();
    // A deck would take keys and swipes for its own.
    for (const kind of ["keydown", "touchstart", "touchmove", "touchend"]) {
      el.addEventListener(kind, (event) => event.stopPropagation());
    }
    render({ model: { get, set() {}, on() {}, off() {}, save_changes() {} }, el });
  }
}
