"""The freeze panel: toggle what trains, and see at once what it costs."""

import html

import ipywidgets

from tlcourse.widgets import freeze_sheet
from tlcourse.widgets.live_training import LiveTraining
from tlcourse.widgets.view import WRAP, View, alone, told, turn

WIDE = {"width": "auto"}  # a Layout would be shared, and closed, by all
NARROW = {"style": {"description_width": "initial"}}


class FreezePanel(View):
    """Checkboxes for the stages and layers of a model; what the choice costs.

    The model's flags are the truth. A click sets them; `refresh`, or the button of
    that name, shows what code has set since.

    Args:
        model: Built functional or Sequential `keras.Model`, with a base in it or
            without.
        train: `Dataset`, or None. With it the panel can train a few steps, and an
            epoch is one pass through it.
        batch_size: Integer, images in a step.

    Raises:
        ValueError: If the model has no layers to show, and what to do about it.
    """

    def __init__(self, model, train=None, batch_size=32):
        super().__init__()
        self.lock = turn()
        images = 1000 if train is None else len(train)
        self.sheet = freeze_sheet.Sheet(model, images, batch_size)
        self._setting, self.live = False, None
        self.drawing, self.count = ipywidgets.HTML(), ipywidgets.HTML()
        self.status, self.costs = ipywidgets.HTML(), ipywidgets.HTML()
        self.rows = [_PartRow(self, part) for part in self.sheet.parts]
        self._make_buttons()
        parts = [self.status, self.drawing, self.count]
        parts += [row.box for row in self.rows]
        parts += [self.norms, self.presets, self.costs, self.actions, self.message]
        if train is not None:
            self.live = LiveTraining(
                model,
                train,
                batch_size=batch_size,
                why_not=self._why_not_train,
                after=self.refresh,
            )
            parts.append(self.live.box)
        self.box = ipywidgets.VBox([*parts, self.code])
        self._show()

    def _make_buttons(self):
        self.norms = ipywidgets.Checkbox(
            description="BatchNorm layers train too", indent=False, layout=WIDE
        )
        self.norms.observe(self._on_norms, names="value")
        self.last = ipywidgets.BoundedIntText(
            value=2,
            min=1,
            max=max(1, len(self.sheet.state.base_parts)),
            description="N",
            layout=ipywidgets.Layout(width="90px"),
            style={"description_width": "20px"},
        )
        names = {"last stages": "last N stages"}
        buttons = []
        for preset in freeze_sheet.freeze_state.PRESETS:
            button = _button(names.get(preset, preset))
            button.on_click(lambda _, preset=preset: self._on_preset(preset))
            buttons.append(button)
        self.preset_buttons = dict(
            zip(freeze_sheet.freeze_state.PRESETS, buttons, strict=True)
        )
        buttons.insert(4, self.last)
        self.presets = ipywidgets.HBox(buttons, layout=WRAP)
        self._make_actions()

    def _make_actions(self):
        self.compile = _button("Compile")
        self.reread = _button("Refresh")
        self.measure = _button("Measure an epoch")
        self.bar = ipywidgets.FloatProgress(max=1, description="measured")
        self.compile.on_click(self._on_compile)
        self.reread.on_click(self._on_refresh)
        self.measure.on_click(self._on_measure)
        row = [self.compile, self.reread, self.measure, self.bar]
        self.actions = ipywidgets.HBox(row, layout=WRAP)
        self.code = ipywidgets.Textarea(
            description="The same in Keras, to copy:",
            rows=9,
            layout=ipywidgets.Layout(width="98%"),
            **NARROW,
        )

    @alone
    def refresh(self):
        """Shows what the model's flags say now; code may have changed them."""
        self.sheet.refresh()
        self._show()

    @alone
    def choose(self, state):
        """Sets the flags of the model and shows them.

        Args:
            state: `freeze_state.FreezeState` of this model.
        """
        self.say("")
        self.sheet.choose(state)
        self._show()

    @told
    def _on_preset(self, name):
        self.choose(self.sheet.state.preset(name, self.last.value))

    @told
    def _on_norms(self, change):
        if not self._setting:
            self.choose(self.sheet.state.with_batchnorm(change["new"]))
            if change["new"] and not self.sheet.state.awake:
                self.say("No stage with BatchNorm trains. Tick a stage first.")

    @told
    def _on_compile(self, _):
        self.sheet.compile()
        self.say("Compiled.")
        if self.live:
            self.live.say("")  # it may have asked for this
        self.refresh()  # code may have set other flags than the panel shows

    @told
    def _on_refresh(self, _):
        self.say("")
        self.refresh()

    @told
    def _on_measure(self, _):
        self.say("Timing steps of a copy of the model, for three choices.")
        self.measure.disabled = True
        try:
            self.sheet.measure(lambda share: setattr(self.bar, "value", share))
        finally:
            self.measure.disabled = False
        self.say("Measured.")
        self._show()

    def _why_not_train(self):
        self.refresh()
        if self.sheet.status == "compiled as shown":
            return None
        return f"The model is {self.sheet.status.split(':')[0]}. Press Compile first."

    def _show(self):
        """Writes everything anew. Events that this causes are not the user's."""
        self._setting = True
        sheet = self.sheet
        try:
            self.drawing.value, self.costs.value = sheet.drawing(), sheet.table()
            title, status = html.escape(sheet.title), html.escape(sheet.status)
            fresh = sheet.status == "compiled as shown"
            mark = "" if fresh else ' style="color: #D55E00"'
            self.status.value = (
                f'<div role="status">{title} · <b{mark}>{status}</b></div>'
            )
            self.count.value = (
                f'<div role="status"><b>{html.escape(sheet.count)}</b></div>'
            )
            self.norms.value = sheet.state.awake
            self.code.value = sheet.code
            for row in self.rows:
                row.show()
        finally:
            self._setting = False

    def __repr__(self):
        return repr(self.sheet)

    def _repr_html_(self):
        return self.sheet.html()


class _PartRow:
    """A part: its checkbox, what it is, and its layers on demand."""

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
        sheet = self.panel.sheet
        shown = sheet.state.shows(self.part)
        self.box_for_part.value = shown == "trains"
        share = sheet.state.structure.parameters(self.part) / sheet.costs.total
        colour = "#0072B2" if shown != "frozen" else "#9A9A9A"
        self.line.value = (
            '<span aria-hidden="true" style="display: inline-block; width: 100px">'
            '<span style="display: inline-block; height: 10px; '
            f'width: {max(2, 94 * share):.0f}px; background: {colour}"></span></span>'
            f"{html.escape(sheet.part_line(self.part))}"
        )
        for unit, box in self.layers.items():
            box.value = unit in sheet.state.free

    def _on_part(self, change):
        self._choose(lambda state: state.with_part(self.part, change["new"]))

    def _on_unit(self, unit, change):
        self._choose(lambda state: state.with_unit(unit, change["new"]))

    def _choose(self, changed):
        _chosen(self.panel, changed)

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
        units = self.panel.sheet.state.structure.units
        for i in (i for i in self.part.units if units[i].learnable):
            unit = units[i]
            self.layers[i] = ipywidgets.Checkbox(
                value=i in self.panel.sheet.state.free,
                description=f"{unit.layer.name}: {unit.learnable:,}",
                indent=False,
                layout=ipywidgets.Layout(width="250px"),
            )
            self.layers[i].observe(
                lambda change, i=i: self._on_unit(i, change), names="value"
            )


def _chosen(panel, changed):
    def choose(view):
        if not view._setting:
            view.choose(changed(view.sheet.state))

    told(choose)(panel)


def _button(description):
    return ipywidgets.Button(description=description, layout=WIDE)
