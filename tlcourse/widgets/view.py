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

GUARDED = "tlcourse-view"


class _Keys(anywidget.AnyWidget):
    """Nothing to see: leaves the keys of lists and sliders to them, in JupyterLab."""

    _esm = pathlib.Path(__file__).parent / "keys.js"


class View:
    """A box of widgets that also has a form as HTML and as text.

    A subclass makes `self.box`, `_repr_html_` and `__repr__`. `self.message` is where
    it speaks to the learner.

    Callbacks may run at once: JupyterLab 4.4 and later have some run in a thread
    beside the main one. `alone` lets those of one view wait for each other.
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


def alone(method):
    """Lets no two methods of one view run at once.

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
