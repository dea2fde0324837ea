"""The freeze panel: toggle what trains, and see at once what it costs."""

import ipywidgets

from tlcourse.data.checking import check_count
from tlcourse.models import freezing
from tlcourse.models.freeze_state import PRESETS
from tlcourse.widgets.freeze_panel_row import FreezePanelRow, checkbox
from tlcourse.widgets.freeze_summary import FreezeSummary
from tlcourse.widgets.html_images import as_text, table
from tlcourse.widgets.live_training import LiveTraining
from tlcourse.widgets.view import WRAP, View, button, model_lock, shows_errors


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
        check_count("batch_size", batch_size)
        self.lock = model_lock()
        images = 1000 if train is None else len(train)
        self.summary = FreezeSummary(model, images, batch_size)
        self._setting = False
        self._make_outputs()
        self._make_presets()
        self._make_actions()
        self.live = None if train is None else LiveTraining(self, train)
        self.rows = [FreezePanelRow(self, part) for part in self.summary.parts]
        parts = [self.status, self.diagram, self.count, *(r.box for r in self.rows)]
        parts += [self.norms, self.presets, self.costs, self.actions, self.message]
        parts += [self.live.box] if self.live else []
        self.box = ipywidgets.VBox([*parts, self.code])
        self._show()

    def _make_outputs(self):
        self.diagram, self.count = ipywidgets.HTML(), ipywidgets.HTML()
        self.status, self.costs = ipywidgets.HTML(), ipywidgets.HTML()
        label = "The same in Keras, to copy:"
        self.code = ipywidgets.Textarea(description=label, rows=9)
        self.code.style.description_width, self.code.layout.width = "initial", "98%"

    def _make_presets(self):
        self.norms = checkbox("BatchNorm layers train too", self._on_norms)
        most = max(1, len(self.summary.state.base_parts))
        self.last = ipywidgets.BoundedIntText(2, min=1, max=most, description="N")
        self.last.style.description_width, self.last.layout.width = "20px", "90px"
        self.preset_buttons = {name: self._preset_button(name) for name in PRESETS}
        buttons = list(self.preset_buttons.values())
        buttons.insert(PRESETS.index("last stages") + 1, self.last)
        self.presets = ipywidgets.HBox(buttons, layout=WRAP)

    def _preset_button(self, name):
        def choose(_):
            self.change(lambda state: state.preset(name, self.last.value))

        return button("last N stages" if name == "last stages" else name, choose)

    def _make_actions(self):
        self.compile = button("Compile", self._on_compile)
        self.reread = button("Refresh", self.refresh)
        self.measure = button("Measure an epoch", self._on_measure)
        row = [self.compile, self.reread, self.measure]
        self.actions = ipywidgets.HBox(row, layout=WRAP)

    @shows_errors
    def refresh(self, _=None):
        """Shows what the model's flags say now; code may have changed them."""
        self.say("")
        self.summary.refresh()
        self._show()

    @shows_errors
    def change(self, changed):
        """Sets the flags as a function of the `FreezeState` says, after a click."""
        if not self._setting:
            self.summary.refresh()  # what code has set is changed, not overwritten
            changed(self.summary.state).apply()
            self.refresh()

    def _on_norms(self, change):
        wanted = change["new"]
        self.change(lambda state: state.with_batchnorm(wanted))
        if wanted and not self.summary.state.batchnorm_trains:
            self.say("No stage with BatchNorm trains. Tick a stage first.")

    @shows_errors
    def _on_compile(self, _):
        freezing.recompile(self.summary.model)
        if self.live:
            self.live.say("")  # it may have asked for this
        self.refresh()  # code may have set other flags than the panel shows
        self.say("Compiled.")

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

    def _show(self):
        """Writes everything; the events that this causes are not the learner's."""
        self._setting = True
        summary = self.summary
        try:
            self.diagram.value = summary.diagram()
            self.costs.value = table(summary.lines)
            title, status = as_text(summary.title), as_text(summary.status)
            colour = "inherit" if status == "compiled as shown" else "#D55E00"
            status = f'<b style="color: {colour}">{status}</b>'
            self.status.value = f'<div role="status">{title} · {status}</div>'
            count = as_text(summary.count)
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
