// What is wider than its frame can be scrolled with the keyboard, too.
function reachable() {
  for (const frame of document.querySelectorAll("pre, .frame, .paper")) {
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  }
}
addEventListener("resize", reachable);
addEventListener("load", reachable);
document.addEventListener("toggle", reachable, true);

// A button on each piece of code copies it.
function copyable() {
  for (const code of document.querySelectorAll("main .highlight > pre, main pre.highlight")) {
    const holder = document.createElement("div");
    const button = document.createElement("button");
    holder.className = "holds";
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    const text = code.textContent.replace(/\n$/, "");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    code.replaceWith(holder);
    holder.append(code, button);
  }
}
if (navigator.clipboard) addEventListener("DOMContentLoaded", copyable);

// Search wants a server, which a folder on a disk is not.
if (location.protocol !== "file:") {
  addEventListener("DOMContentLoaded", () => {
    for (const place of document.querySelectorAll(".search")) place.hidden = false;
  });
}
