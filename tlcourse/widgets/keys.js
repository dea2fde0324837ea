// JupyterLab takes arrows, letters, Enter and the space bar for itself, also where a
// control of a widget has the focus. This attribute tells it to leave them alone.

const CHOICES = "select, input, summary, textarea, [role=slider]";

function render({ el }) {
  el.style.display = "none";
  function guard({ target }) {
    if (target.matches(CHOICES) && target.closest(".tlcourse-view")) {
      target.setAttribute("data-lm-suppress-shortcuts", "true");
    }
  }
  document.addEventListener("focusin", guard);
  return () => document.removeEventListener("focusin", guard);
}

export default { render };
