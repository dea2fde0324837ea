"""One part of a model in the freeze panel: its checkbox, and its layers on demand."""

import ipywidgets

from tlcourse.widgets.html_images import as_text
from tlcourse.widgets.view import WRAP, button, label


class FreezePanelRow:
    """The row of a `parts.Part`; its clicks go to the panel's `change`."""

    def __init__(self, panel, part):
        self.panel, self.part, self.layers = panel, part, {}
        self.box_for_part = checkbox(label(part.name), self._on_part, "150px")
        self.line = ipywidgets.HTML(layout={"flex": "1 1 auto"})
        self.opener = button(f"Layers of {part.name}", self._on_open)
        self.opener.layout = {"width": "140px", "flex": "0 0 auto"}
        row = ipywidgets.HBox([self.box_for_part, self.line, self.opener])
        self.inside = ipywidgets.HBox(layout={**WRAP, "margin": "0 0 0 32px"})
        self.box = ipywidgets.VBox([row, self.inside])

    def show(self):
        """Shows what the panel's summary says about the part."""
        summary = self.panel.summary
        shown = summary.state.shows(self.part)
        self.box_for_part.value = shown == "trains"
        share = summary.state.structure.parameters(self.part) / summary.costs.total
        colour = "#0072B2" if shown != "frozen" else "#9A9A9A"
        self.line.value = (
            '<span aria-hidden="true" style="display: inline-block; width: 100px">'
            '<span style="display: inline-block; height: 10px; '
            f'width: {max(2, 94 * share):.0f}px; background: {colour}"></span></span>'
            f"{as_text(summary.part_line(self.part))}"
        )
        for unit, box in self.layers.items():
            box.value = unit in summary.state.trainable_units

    def _on_part(self, change):
        self.panel.change(lambda state: state.with_part(self.part, change["new"]))

    def _on_open(self, _):
        if not self.layers:
            units = self.panel.summary.state.structure.units
            learn = [i for i in self.part.units if units[i].learnable]
            self.layers = {i: self._layer_box(i, units[i]) for i in learn}
        is_open = bool(self.inside.children)
        self.inside.children = () if is_open else tuple(self.layers.values())
        does = "Layers of" if is_open else "Hide"
        self.opener.description = f"{does} {self.part.name}"

    def _layer_box(self, position, unit):
        def choose(change):
            self.panel.change(lambda state: state.with_unit(position, change["new"]))

        trains = position in self.panel.summary.state.trainable_units
        name = label(f"{unit.layer.name}: {unit.learnable:,}")
        return checkbox(name, choose, "250px", trains)


def checkbox(description, on_change, width="auto", value=False):
    """A checkbox beside its label, without the room that a form leaves."""
    box = ipywidgets.Checkbox(value, description=description, indent=False)
    box.layout.width = width
    box.observe(on_change, names="value")
    return box
