"""What the explorers share: menus, a sentence, and what they show below it."""

import html

import ipywidgets

from tlcourse.widgets.view import WRAP, View, shows_errors


class Explorer(View):
    """A view of `self.state`, which a subclass sets before it calls `__init__`.

    After each choice, `choose` takes the values of the menus into the state, and
    `draw` writes the outputs (HTML widgets) and returns the sentence above them.
    """

    def __init__(self, menus, outputs, hint="", side_by_side=False):
        super().__init__()
        self.outputs = outputs
        for menu in menus:
            menu.observe(self._on_choice, names="value")
        top = [ipywidgets.HBox(menus, layout=WRAP)]
        top += [ipywidgets.HTML(hint)] if hint else []
        below = [ipywidgets.HBox(outputs, layout=WRAP)] if side_by_side else outputs
        self.box = ipywidgets.VBox([*top, self.message, *below])
        self._show()

    @shows_errors
    def _on_choice(self, _):
        self.choose()
        self._show()

    def _show(self):
        self.sentence = self.draw()
        self.say(self.sentence)

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        outputs = "".join(output.value for output in self.outputs)
        return f"<p>{html.escape(self.sentence)}</p>{outputs}"
