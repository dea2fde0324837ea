"""What all views have in common."""

import base64
import functools
import html
import io
import pathlib
import sys
import threading

import anywidget
import ipywidgets
from IPython import get_ipython

GUARDED = "tlcourse-view"
WRAP = {"flex_flow": "row wrap"}  # on a narrow screen, below each other
# Whoever holds it may change models: a callback, or the cell that runs.
_TURN = threading.RLock()
_CELLS = threading.local()  # `.depth`: running cells of this thread that hold it


class _Keys(anywidget.AnyWidget):
    """Nothing to see: leaves the keys of lists and sliders to them, in JupyterLab."""

    _esm = pathlib.Path(__file__).parent / "keys.js"


class View:
    """A box of widgets that also has a form as HTML and as text.

    A subclass makes `self.box`, `_repr_html_` and `__repr__`. `self.message` is where
    it speaks to the learner.

    JupyterLab 4.4 and later run some callbacks in a thread beside the main one. Those
    of one view wait for each other; those that change a model take their `turn`.
    """

    def __init__(self):
        self.message = ipywidgets.HTML()
        self.lock = threading.RLock()

    def say(self, text, is_error=False):
        """Tells the learner something; a screen reader reads it out.

        Args:
            text: String.
            is_error: Boolean.
        """
        role, colour = ("alert", "#D55E00") if is_error else ("status", "inherit")
        style = f"border-left: 4px solid {colour}; padding-left: 8px"
        self.message.value = (
            f'<div role="{role}" style="{style}">{html.escape(text)}</div>'
            if text
            else ""
        )

    def _guard_keys(self):
        if GUARDED not in self.box._dom_classes and "google.colab" not in sys.modules:
            self.box.add_class(GUARDED)
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


def turn():
    """The `lock` of views that change models.

    They wait for each other and for the cell that runs: it may train the model whose
    flags a click would change.

    Returns:
        `threading.RLock`, always the same.
    """
    shell = get_ipython()
    if shell is not None:  # what is registered already stays as it is
        shell.events.register("pre_run_cell", _begin_cell)
        shell.events.register("post_run_cell", _end_cell)
    return _TURN


def _begin_cell(_):
    _TURN.acquire()
    _CELLS.depth = getattr(_CELLS, "depth", 0) + 1


def _end_cell(_):
    """Cells that began before there was a view, and empty ones, hold nothing."""
    if getattr(_CELLS, "depth", 0):
        _CELLS.depth -= 1
        _TURN.release()


def alone(method):
    """Lets a method wait for its view's lock.

    Args:
        method: Method of a `View`.

    Returns:
        The method, wrapped.
    """

    @functools.wraps(method)
    def waiting(self, *arguments):
        with self.lock:
            return method(self, *arguments)

    return waiting


def told(callback):
    """Shows an exception of a callback in its view, and lets it go on.

    Jupyter writes exceptions of callbacks to a log that a learner never opens. The
    callback runs `alone`.

    Args:
        callback: Method of a `View`.

    Returns:
        The method, wrapped.

    Raises:
        Exception: Whatever the callback raises.
    """

    @alone
    @functools.wraps(callback)
    def method(self, *arguments):
        try:
            return callback(self, *arguments)
        except Exception as error:
            self.say(f"{type(error).__name__}: {error}", is_error=True)
            raise

    return method


def picture(ax, alt):
    """A figure as an HTML image.

    Args:
        ax: Axes of matplotlib; their figure is closed.
        alt: String, what there is to see, for those who do not see it.

    Returns:
        String, HTML.
    """
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=90)
    plt.close(ax.figure)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" style="max-width: 100%" '
        f'src="data:image/png;base64,{data}">'
    )
