"""Buttons that train a few steps while one watches the curve, and stop it."""

import asyncio
import time

import ipywidgets

from tlcourse import plots, training
from tlcourse.widgets.html_images import figure_html
from tlcourse.widgets.view import WRAP, View, model_lock, shows_errors

PAUSE = 0.01  # seconds between steps, in which Jupyter hears the stop button
REDRAW = 0.5  # seconds from one picture to the next


class LiveTraining(View):
    """Trains a few steps of a model, with a progress bar, a curve and a stop.

    Where there is no event loop (a script, a test) it trains to the end at once.

    Args:
        model: `keras.Model`, raw pixels to class probabilities.
        dataset: `Dataset` to learn from.
        steps: Integer, how many a press of the button trains.
        batch_size: Integer.
        why_not: Function that gives None, or a sentence: why it can't train now.
        after: Function without arguments, called when it has ended.
    """

    def __init__(
        self,
        model,
        dataset,
        steps=30,
        batch_size=32,
        why_not=lambda: None,
        after=lambda: None,
    ):
        super().__init__()
        self.lock = model_lock()
        self.model, self.dataset, self.steps = model, dataset, steps
        self.batch_size, self.why_not, self.after = batch_size, why_not, after
        self.losses, self.running, self.drawn = [], None, 0.0
        self.start = ipywidgets.Button(description=f"Train {steps} steps")
        self.stop = ipywidgets.Button(description="Stop", disabled=True)
        self.bar = ipywidgets.IntProgress(max=steps, description="steps")
        self.curve = ipywidgets.HTML()
        self.start.on_click(self._on_start)
        self.stop.on_click(self._on_stop)
        row = ipywidgets.HBox([self.start, self.stop, self.bar], layout=WRAP)
        self.box = ipywidgets.VBox([row, self.message, self.curve])

    @shows_errors
    def _on_start(self, _):
        reason = self.why_not()
        if reason:
            self.say(reason)
            return
        self.running = training.steps(
            self.model, self.dataset, self.steps, self.batch_size
        )
        self.losses, self.bar.value, self.drawn = [], 0, time.monotonic()
        self.start.disabled, self.stop.disabled = True, False
        self.say("Training. The first step is slow: Keras compiles it.")
        self._go()

    def _go(self):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nobody who could press a button meanwhile
            while self.running is not None:
                self._step()
        else:
            self.loop = loop
            loop.call_later(PAUSE, self._tick)

    def _tick(self):
        self._step()
        if self.running is not None:
            self.loop.call_later(PAUSE, self._tick)

    @shows_errors
    def _step(self):
        if self.running is None:
            return
        try:
            loss = next(self.running, None)
        except Exception:
            self._end()
            raise
        if loss is None:
            self._end()
            return
        self.losses.append(loss)
        self.bar.value = len(self.losses)
        if time.monotonic() - self.drawn > REDRAW:
            self._draw()

    @shows_errors
    def _on_stop(self, _):
        if self.running is not None:
            self._end()

    def _end(self):
        self.running = None
        self.start.disabled, self.stop.disabled = False, True
        self._draw()
        self.say(self.result)
        self.after()

    def _draw(self):
        self.drawn = time.monotonic()
        if self.losses:
            ax = plots.steps_curve(self.losses, self.steps)
            self.curve.value = figure_html(ax, f"Loss step by step. {self.result}")

    @property
    def result(self):
        """Steps and losses so far, in words."""
        if not self.losses:
            return "No step yet."
        return (
            f"{len(self.losses)} of {self.steps} steps, loss from "
            f"{self.losses[0]:.3f} to {self.losses[-1]:.3f}."
        )
