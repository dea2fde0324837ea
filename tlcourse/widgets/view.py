"""What all views share: a message, locks, and their forms as HTML and text."""

import functools
import html
import pathlib
import sys
import threading

import anywidget
import ipywidgets
from IPython import get_ipython

VIEW_CLASS = "tlcourse-view"
WRAP = {"flex_flow": "row wrap"}  # on a narrow screen, below each other
# Whoever holds it may change models: a callback, or the cell that runs.
_MODEL_LOCK = threading.RLock()
_CELLS = threading.local()  # `.depth`: running cells of this thread that hold it


class _Keys(anywidget.AnyWidget):
    """Invisible: keeps JupyterLab's shortcuts away from lists and sliders."""

    _esm = pathlib.Path(__file__).parent / "keys.js"


class View:
    """A box of widgets that also has a form as HTML and as text.

    A subclass makes `self.box`, `_repr_html_` and `__repr__`. JupyterLab 4.4 and later
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
        self.message.value = (
            f'<div role="{role}" style="{style}">{html.escape(text)}</div>'
            if text
            else ""
        )

    def _guard_keys(self):
        if VIEW_CLASS in self.box._dom_classes or "google.colab" in sys.modules:
            return
        self.box.add_class(VIEW_CLASS)
        self.box.children += (_Keys(),)

    def _repr_mimebundle_(self, **_):
        self._guard_keys()
        view = {"version_major": 2, "version_minor": 0}
        view["model_id"] = self.box.model_id
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
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
    _CELLS.depth = getattr(_CELLS, "depth", 0) + 1


def _end_cell(_):
    """Cells that began before there was a view, and empty ones, hold nothing."""
    if getattr(_CELLS, "depth", 0):
        _CELLS.depth -= 1
        _MODEL_LOCK.release()


def locked(method):
    """Decorates a method of a `View` so that it waits for the view's lock."""

    @functools.wraps(method)
    def waiting(self, *arguments):
        with self.lock:
            return method(self, *arguments)

    return waiting


def shows_errors(callback):
    """Decorates a callback of a `View`: it is `locked`, and its exceptions are shown.

    They are raised all the same. Jupyter alone writes them to a log that a learner
    never opens.
    """

    @locked
    @functools.wraps(callback)
    def method(self, *arguments):
        try:
            return callback(self, *arguments)
        except Exception as error:
            self.say(f"{type(error).__name__}: {error}", is_error=True)
            raise

    return method


def menu(description, options, value):
    """A dropdown as wide as its labels, with its description in full."""
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        description=description,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto"),
    )
