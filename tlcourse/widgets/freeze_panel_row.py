"""One part of a model in the freeze panel: its checkbox, and its layers on demand."""

import functools
import html

import ipywidgets


class FreezePanelRow:
    """The row of a `structure.Part`; its clicks go to the panel's `change`."""

    def __init__(self, panel, part):
        self.panel, self.part, self.layers = panel, part, {}
        self.box_for_part = ipywidgets.Checkbox(
            description=part.name,
            indent=False,
            layout=ipywidgets.Layout(width="150px"),
        )
        self.box_for_part.observe(self._on_part, names="value")
        self.line = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 auto"))
        self.opener = ipywidgets.Button(
            description=f"Layers of {part.name}",
            layout=ipywidgets.Layout(width="140px", flex="0 0 auto"),
        )
        self.opener.on_click(self._on_open)
        row = ipywidgets.HBox([self.box_for_part, self.line, self.opener])
        left = ipywidgets.Layout(margin="0 0 0 32px", flex_flow="row wrap")
        self.inside = ipywidgets.HBox(layout=left)
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
            f"{html.escape(summary.part_line(self.part))}"
        )
        for unit, box in self.layers.items():
            box.value = unit in summary.state.trainable_units

    def _on_part(self, change):
        self.panel.change(lambda state: state.with_part(self.part, change["new"]))

    def _on_layer(self, unit, change):
        self.panel.change(lambda state: state.with_unit(unit, change["new"]))

    def _on_open(self, _):
        if self.inside.children:
            self.inside.children = ()
            self.opener.description = f"Layers of {self.part.name}"
            return
        if not self.layers:
            self._make_layers()
        self.inside.children = tuple(self.layers.values())
        self.opener.description = f"Hide {self.part.name}"

    def _make_layers(self):
        state = self.panel.summary.state
        for i in self.part.units:
            unit = state.structure.units[i]
            if not unit.learnable:
                continue
            self.layers[i] = ipywidgets.Checkbox(
                value=i in state.trainable_units,
                description=f"{unit.layer.name}: {unit.learnable:,}",
                indent=False,
                layout=ipywidgets.Layout(width="250px"),
            )
            self.layers[i].observe(functools.partial(self._on_layer, i), names="value")
