"""Buttons that train a few steps while one watches the curve, and stop it."""

import asyncio
import time

import ipywidgets

from tlcourse import plots, training
from tlcourse.widgets.html_images import figure_html
from tlcourse.widgets.view import WRAP, View, shows_errors

STEPS = 30  # that a press of the button trains
PAUSE = 0.01  # seconds between steps, in which Jupyter hears the stop button
REDRAW = 0.5  # seconds from one picture to the next


class LiveTraining(View):
    """Trains a freeze panel's model on a dataset: a progress bar, a curve, a stop."""

    def __init__(self, panel, dataset):
        super().__init__()
        self.lock = panel.lock
        self.panel, self.dataset, self.steps = panel, dataset, STEPS
        self.losses = []
        self.start = ipywidgets.Button(description=f"Train {STEPS} steps")
        self.stop = ipywidgets.Button(description="Stop", disabled=True)
        self.bar = ipywidgets.IntProgress(max=STEPS, description="steps")
        self.curve = ipywidgets.HTML()
        self.start.on_click(self._on_start)
        self.stop.on_click(self._end)
        row = ipywidgets.HBox([self.start, self.stop, self.bar], layout=WRAP)
        self.box = ipywidgets.VBox([row, self.message, self.curve])

    @shows_errors
    def _on_start(self, _):
        self.panel.refresh()  # code may have set other flags than it shows
        model, status = self.panel.summary.model, self.panel.summary.status
        if status != "compiled as shown":
            self.say(f"The model is {status.split(':')[0]}. Press Compile first.")
            return
        batch_size = self.panel.summary.batch_size
        self.running = training.steps(model, self.dataset, self.steps, batch_size)
        self.losses, self.bar.value, self.drawn = [], 0, time.monotonic()
        self.start.disabled, self.stop.disabled = True, False
        self.say("Training. The first step is slow: Keras compiles it.")
        try:
            self.task = asyncio.get_running_loop().create_task(self._train())
        except RuntimeError:  # in a script, where nobody could press a button
            asyncio.run(self._train())

    async def _train(self):
        while not self.stop.disabled:
            self._step()
            await asyncio.sleep(PAUSE)

    @shows_errors
    def _step(self):
        loss = None
        try:
            loss = next(self.running, None)
        finally:
            if loss is None:
                self._end()
        if loss is None:
            return
        self.losses.append(loss)
        self.bar.value = len(self.losses)
        if time.monotonic() - self.drawn > REDRAW:
            self._draw()

    @shows_errors
    def _end(self, _=None):
        self.running = iter(())
        self.start.disabled, self.stop.disabled = False, True
        self._draw()
        self.say(self._result())
        self.panel.refresh()

    def _draw(self):
        self.drawn = time.monotonic()
        if self.losses:
            ax = plots.steps_curve(self.losses, self.steps)
            self.curve.value = figure_html(ax, f"Loss step by step. {self._result()}")

    def _result(self):
        if not self.losses:
            return "No step yet."
        done, first, last = len(self.losses), self.losses[0], self.losses[-1]
        return f"{done} of {self.steps} steps, loss from {first:.3f} to {last:.3f}."
