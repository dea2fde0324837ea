"""The freeze panel: choose what trains, see what it costs, train a few steps."""

import ipywidgets

from tlcourse.data.checking import check_count
from tlcourse.models import freezing
from tlcourse.models.freeze_state import PRESETS
from tlcourse.widgets import pictures
from tlcourse.widgets.freeze_summary import FreezeSummary
from tlcourse.widgets.live_training import LiveTraining
from tlcourse.widgets.view import View, model_lock, shows_errors


class FreezePanel(View):
    """A line to drag along a model: what is before it is frozen; what that costs.

    The model's flags are the truth. A click sets them; `refresh`, or the button of
    that name, shows what code has set since.

    Args:
        model: Built functional or Sequential `keras.Model`, with a base in it or
            without.
        train: `Dataset`, or None. With it the panel can train a few steps, and an
            epoch is one pass through it.
        batch_size: Integer, images in a step.
        validation: `Dataset`, or None. With it the panel shows what the steps do for
            images that the model does not learn.

    Raises:
        ValueError: If the model has no layers to show, and what to do about it.
    """

    def __init__(self, model, train=None, batch_size=32, validation=None):
        super().__init__()
        check_count("batch_size", batch_size)
        self.lock = model_lock()
        images = 1000 if train is None else len(train)
        self.summary = FreezeSummary(model, images, batch_size)
        self.live = None if train is None else LiveTraining(self, train, validation)
        self.norms_wanted = self.summary.state.batchnorm_trains
        kind = pictures.widget_class("freeze", "units", "shown")
        self.widget = kind(units=self.summary.units)
        self.widget.on_msg(self._on_message)
        self.box = ipywidgets.VBox([self.widget, self.message])
        self.show()

    @shows_errors
    def do(self, what, *values):
        """Does what a control of the picture stands for.

        `"line"`, position of the first part that trains; `"part"` or `"unit"`, position
        and whether it trains; `"norms"`, whether they train; `"preset"`, name and
        number of stages; `"compile"`, `"refresh"`, `"measure"`, `"train"`, `"stop"`.
        """
        actions = {
            "line": lambda k: self._set_parts(lambda state: state.from_part(k)),
            "part": self._set_part,
            "unit": lambda k, on: self.change(lambda state: state.with_unit(k, on)),
            "norms": self._set_norms,
            "preset": self._preset,
            "compile": self._compile,
            "refresh": self.refresh,
            "measure": self._measure,
            "train": self._train,
            "stop": self.live and self.live.stop,
        }
        actions[what](*values)

    def refresh(self):
        """Shows what the model's flags say now; code may have changed them."""
        self.say("")
        self.summary.refresh()
        self.show()

    def change(self, changed):
        """Sets the flags as a function of the `FreezeState` says, after a click."""
        self.summary.refresh()  # what code has set is changed, not overwritten
        changed(self.summary.state).apply()
        if self.live:
            self.live.moved = None  # it was of another choice
        self.refresh()

    def _set_part(self, position, trains):
        part = self.summary.parts[position]
        self._set_parts(lambda state: state.with_part(part, trains))

    def _set_parts(self, changed):
        """Changes parts; BatchNorm that was to train does so again where it can."""
        wanted = self.norms_wanted or self.summary.state.batchnorm_trains

        def with_norms(state):
            made = changed(state)
            return made.with_batchnorm(True) if wanted else made

        self.change(with_norms)
        self.norms_wanted = wanted

    def _preset(self, *chosen):
        self.change(lambda state: state.preset(*chosen))
        self.norms_wanted = self.summary.state.batchnorm_trains

    def _set_norms(self, trains):
        self.norms_wanted = trains
        self.change(lambda state: state.with_batchnorm(trains))
        if trains and not self.summary.state.batchnorm_trains:
            self.say("No stage with BatchNorm trains. Tick a stage first.")

    def _compile(self):
        freezing.recompile(self.summary.model)
        self.refresh()  # code may have set other flags than the panel shows
        self.say("Compiled.")

    def _measure(self):
        self.say("Timing a few steps of a copy of the model, with this choice.")
        self.summary.measure()
        self.say("Measured.")
        self.show()

    def _train(self):
        self.refresh()  # code may have set other flags than it shows
        self.live.start()

    @shows_errors
    def guarded(self, action):
        """Calls `action`; what it raises is shown, and raised."""
        action()

    def show(self):
        """Sends the picture all that it shows."""
        live = self.live
        training = live and {
            "steps": live.steps,
            "running": live.is_running,
            "runs": [dict(run) for run in live.runs],
            "validates": live.validation is not None,
        }
        moved = live and live.moved
        shown = self.summary.shown(moved or [None] * len(self.summary.parts))
        self.widget.shown = {**shown, "presets": PRESETS, "training": training or None}

    def __repr__(self):
        return repr(self.summary)

    def _repr_html_(self):
        """On a page without a kernel, a model that was tried before comes alive."""
        ours = pictures.shipped_json("freeze_line.json")["parts"]
        numbers = [part["numbers"] for part in self.widget.shown["parts"]]
        is_known = numbers == [part["numbers"] for part in ours]
        alive = ' data-picture="freeze"' if is_known else ""
        return f"<div{alive}>{self.summary.html()}</div>"
