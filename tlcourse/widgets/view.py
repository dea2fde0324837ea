"""What all views share: a message, locks, and their forms as HTML and text."""

import contextlib
import functools
import html
import pathlib
import sys
import threading

import anywidget
import ipywidgets
from IPython import get_ipython

from tlcourse.data.folder_report import printable
from tlcourse.widgets.html_images import as_text

VIEW_CLASS = "tlcourse-view"
NO_FORMULAS = "mathjax_ignore tex2jax_ignore"  # for MathJax 3 and 2
WRAP = {"flex_flow": "row wrap"}  # on a narrow screen, below each other
# Whoever holds it may change models: a callback, or the cell that runs.
_MODEL_LOCK = threading.RLock()


class _Keys(anywidget.AnyWidget):
    """Invisible: keeps JupyterLab's shortcuts away from lists and sliders."""

    _esm = pathlib.Path(__file__).parent / "keys.js"


class View:
    """A box of widgets that also has a form as HTML and as text.

    A subclass makes `self.box`, `__repr__`, mostly `_repr_html_`. JupyterLab 4.4 and on
    run some callbacks in a thread beside the main one. Those of one view wait for each
    other; views that change models share `model_lock` as their `lock`.
    """

    def __init__(self):
        self.message = ipywidgets.HTML()
        self.lock = threading.RLock()

    def say(self, text, is_error=False):
        """Shows a message, which a screen reader reads out; an empty one clears it."""
        role, colour = ("alert", "#D55E00") if is_error else ("status", "inherit")
        style = f"border-left: 4px solid {colour}; padding-left: 8px"
        said = f'<div role="{role}" style="{style}">{as_text(text)}</div>'
        self.message.value = said if text else ""

    def _on_message(self, _, content, __):
        self.do(content["do"], *content["with"])

    def _repr_html_(self):
        return f"<p>{as_text(repr(self))}</p>"

    def _repr_mimebundle_(self, **_):
        if (
            VIEW_CLASS not in self.box._dom_classes
            and "google.colab" not in sys.modules
        ):
            self.box.add_class(VIEW_CLASS)
            self.box.children += (_Keys(),)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {
            "text/plain": repr(self),
            "text/html": f'<div class="{NO_FORMULAS}">{self._repr_html_()}</div>',
            "application/vnd.jupyter.widget-view+json": view,
        }


def model_lock():
    """The one lock of all views that change models; a running cell holds it as well.

    The cell may train the very model whose flags a click would change.
    """
    shell = get_ipython()
    if shell is not None:  # what is registered already stays as it is
        shell.events.register("pre_run_cell", _begin_cell)
        shell.events.register("post_run_cell", _end_cell)
    return _MODEL_LOCK


def _begin_cell(_):
    _MODEL_LOCK.acquire()


def _end_cell(_):
    # Cells that began before there was a view, and empty ones, hold nothing.
    with contextlib.suppress(RuntimeError):
        _MODEL_LOCK.release()


def shows_errors(callback):
    """Decorates a callback: it waits for `self.lock`, and `self.say`s its exceptions.

    They are raised all the same. Jupyter alone writes them to a log that a learner
    never opens.
    """

    @functools.wraps(callback)
    def method(self, *arguments):
        with self.lock:
            try:
                return callback(self, *arguments)
            except Exception as error:
                self.say(f"{type(error).__name__}: {error}", is_error=True)
                raise

    return method


def label(name):
    """A name as a description: no formula, nor the HTML that ipywidgets 7 takes.

    The dollar sign becomes a wide one, as MathJax looks for two of the others.
    """
    text = printable(name).replace("$", "\N{FULLWIDTH DOLLAR SIGN}")
    is_text = hasattr(ipywidgets.Checkbox, "description_allow_html")
    return text if is_text else html.escape(text)


def button(description, on_click):
    """A button as wide as its label."""
    made = ipywidgets.Button(description=description, layout={"width": "auto"})
    made.on_click(on_click)
    return made
