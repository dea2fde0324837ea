"""The freeze panel: toggle what trains, and see at once what it costs."""

import html

import ipywidgets

from tlcourse.models.freeze_state import PRESETS
from tlcourse.widgets.freeze_panel_row import FreezePanelRow
from tlcourse.widgets.freeze_summary import FreezeSummary
from tlcourse.widgets.live_training import LiveTraining
from tlcourse.widgets.view import WRAP, View, locked, model_lock, shows_errors

WIDE = {"width": "auto"}  # a Layout would be shared, and closed, by all


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
        self.lock = model_lock()
        images = 1000 if train is None else len(train)
        self.summary = FreezeSummary(model, images, batch_size)
        self._setting, self.live = False, None
        if train is not None:
            self.live = LiveTraining(
                model,
                train,
                batch_size=batch_size,
                why_not=self._why_not_train,
                after=self.refresh,
            )
        self._make_outputs()
        self._make_presets()
        self._make_actions()
        self.rows = [FreezePanelRow(self, part) for part in self.summary.parts]
        parts = [self.status, self.diagram, self.count, *(r.box for r in self.rows)]
        parts += [self.norms, self.presets, self.costs, self.actions, self.message]
        parts += [self.live.box] if self.live else []
        self.box = ipywidgets.VBox([*parts, self.code])
        self._show()

    def _make_outputs(self):
        self.diagram, self.count = ipywidgets.HTML(), ipywidgets.HTML()
        self.status, self.costs = ipywidgets.HTML(), ipywidgets.HTML()
        self.code = ipywidgets.Textarea(
            description="The same in Keras, to copy:",
            rows=9,
            layout=ipywidgets.Layout(width="98%"),
            style={"description_width": "initial"},
        )

    def _make_presets(self):
        self.norms = ipywidgets.Checkbox(
            description="BatchNorm layers train too", indent=False, layout=WIDE
        )
        self.norms.observe(self._on_norms, names="value")
        self.last = ipywidgets.BoundedIntText(
            value=2,
            min=1,
            max=max(1, len(self.summary.state.base_parts)),
            description="N",
            layout=ipywidgets.Layout(width="90px"),
            style={"description_width": "20px"},
        )
        self.preset_buttons = {name: self._preset_button(name) for name in PRESETS}
        buttons = list(self.preset_buttons.values())
        buttons.insert(PRESETS.index("last stages") + 1, self.last)
        self.presets = ipywidgets.HBox(buttons, layout=WRAP)

    def _preset_button(self, name):
        label = "last N stages" if name == "last stages" else name
        return _button(label, lambda _: self._on_preset(name))

    def _make_actions(self):
        self.compile = _button("Compile", self._on_compile)
        self.reread = _button("Refresh", self._on_refresh)
        self.measure = _button("Measure an epoch", self._on_measure)
        row = [self.compile, self.reread, self.measure]
        self.actions = ipywidgets.HBox(row, layout=WRAP)

    @locked
    def refresh(self):
        """Shows what the model's flags say now; code may have changed them."""
        self.summary.refresh()
        self._show()

    @locked
    def choose(self, state):
        """Sets the flags of the model as a `FreezeState` says, and shows them."""
        self.say("")
        self.summary.choose(state)
        self._show()

    @shows_errors
    def change(self, changed):
        """Applies a function of the state, after a click on one of the checkboxes."""
        if not self._setting:
            self.choose(changed(self.summary.state))

    @shows_errors
    def _on_preset(self, name):
        self.choose(self.summary.state.preset(name, self.last.value))

    @shows_errors
    def _on_norms(self, change):
        if not self._setting:
            self.choose(self.summary.state.with_batchnorm(change["new"]))
            if change["new"] and not self.summary.state.batchnorm_trains:
                self.say("No stage with BatchNorm trains. Tick a stage first.")

    @shows_errors
    def _on_compile(self, _):
        self.summary.compile()
        self.say("Compiled.")
        if self.live:
            self.live.say("")  # it may have asked for this
        self.refresh()  # code may have set other flags than the panel shows

    @shows_errors
    def _on_refresh(self, _):
        self.say("")
        self.refresh()

    @shows_errors
    def _on_measure(self, _):
        self.say("Timing a few steps of a copy of the model, with this choice.")
        self.measure.disabled = True
        try:
            self.summary.measure()
        finally:
            self.measure.disabled = False
        self.say("Measured.")
        self._show()

    def _why_not_train(self):
        self.refresh()
        if self.summary.status == "compiled as shown":
            return None
        return f"The model is {self.summary.status.split(':')[0]}. Press Compile first."

    def _show(self):
        """Writes everything; the events that this causes are not the learner's."""
        self._setting = True
        summary = self.summary
        try:
            self.diagram.value, self.costs.value = summary.diagram(), summary.table()
            self.status.value = _status_html(summary.title, summary.status)
            count = html.escape(summary.count)
            self.count.value = f'<div role="status"><b>{count}</b></div>'
            self.norms.value = summary.state.batchnorm_trains
            self.code.value = summary.code
            for row in self.rows:
                row.show()
        finally:
            self._setting = False

    def __repr__(self):
        return repr(self.summary)

    def _repr_html_(self):
        return self.summary.html()


def _status_html(title, status):
    colour = "" if status == "compiled as shown" else ' style="color: #D55E00"'
    title, status = html.escape(title), html.escape(status)
    return f'<div role="status">{title} · <b{colour}>{status}</b></div>'


def _button(description, on_click):
    button = ipywidgets.Button(description=description, layout=WIDE)
    button.on_click(on_click)
    return button
