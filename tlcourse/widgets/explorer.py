"""What the explorers share: menus, a sentence, and what they show below it."""

import ipywidgets

from tlcourse.widgets.html_images import as_text
from tlcourse.widgets.view import WRAP, View, shows_errors


class Explorer(View):
    """A view of what is chosen in menus.

    A subclass's `_draw` reads the menus, writes the outputs (HTML widgets) and returns
    the sentence above them, at first and after each choice.
    """

    def __init__(self, menus, outputs, hint=None, side_by_side=False):
        super().__init__()
        self.outputs = outputs
        for each in menus:
            each.observe(self._show, names="value")
        top = [ipywidgets.HBox(menus, layout=WRAP)]
        top += [ipywidgets.HTML(hint)] if hint else []
        below = [ipywidgets.HBox(outputs, layout=WRAP)] if side_by_side else outputs
        self.box = ipywidgets.VBox([*top, self.message, *below])
        self._show()

    @shows_errors
    def _show(self, _=None):
        self.sentence = self._draw()
        self.say(self.sentence)

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        outputs = "".join(output.value for output in self.outputs)
        return f"<p>{as_text(self.sentence)}</p>{outputs}"


def menu(description, options, value):
    """A dropdown as wide as its labels, with its description in full."""
    made = ipywidgets.Dropdown(options=options, value=value, description=description)
    made.style.description_width, made.layout.width = "initial", "auto"
    return made
