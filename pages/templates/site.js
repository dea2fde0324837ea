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
