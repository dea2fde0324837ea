"""Trains a freeze panel's model for a few steps, again and again from one start."""

import asyncio
import time

import keras
import numpy as np

from tlcourse import training
from tlcourse.models import freezing
from tlcourse.models.structure import movement
from tlcourse.training.fitting import check_fit

STEPS = 30  # that a press of the button trains
LOOKS = 10  # steps from one look at the validation images to the next
MOST, BATCH = 200, 100  # validation images, and at a time
PAUSE = 0.01  # seconds between steps, in which Jupyter hears the stop button
REDRAW = 0.3  # seconds from one picture to the next


class LiveTraining:
    """Runs of a few steps, each from the weights that the model had at the first.

    Weights that somebody else has changed since are a new start: nothing is lost.
    """

    def __init__(self, panel, dataset, validation=None):
        self.panel, self.dataset, self.steps = panel, dataset, STEPS
        self.validation = validation
        if validation is not None:
            check_fit(panel.summary.model, dataset, validation)
            few = np.linspace(0, len(validation) - 1, min(MOST, len(validation)))
            self.validation = validation.take(few.astype(int))
        self.runs, self.moved, self.is_running = [], None, False
        self._start, self._end = None, None  # weights, before the first run, after one

    def start(self):
        """Trains, in the background where there is a loop to do it in."""
        summary = self.panel.summary
        if self.is_running:
            return
        if summary.status != "compiled as shown":
            self.panel.say(
                f"The model is {summary.status.split(':')[0]}. Press Compile first."
            )
            return
        if not summary.model.trainable_weights:
            self.moved = None
            self.panel.say("Everything is frozen: nothing trains, nothing moved.")
            return
        self._back_to_the_start()
        # Anew, or Adam would go on with the averages of the run before.
        freezing.recompile(summary.model)
        given = self.dataset, self.steps, summary.batch_size
        self.running = training.steps(summary.model, *given)
        self.runs.append({"name": summary.choice, "losses": [], "accuracy": []})
        self.is_running, self.moved, self.drawn = True, None, time.monotonic()
        self.panel.say("Training. The first step is slow: Keras compiles it.")
        self.panel.show()
        try:
            self.task = asyncio.get_running_loop().create_task(self._train())
        except RuntimeError:  # in a script, where nobody could press a button
            asyncio.run(self._train())

    def stop(self):
        """Ends the run after the step that it is in."""
        self.running = iter(())

    def _back_to_the_start(self):
        model = self.panel.summary.model
        now = model.get_weights()
        if self._end is not None and all(map(np.array_equal, now, self._end)):
            model.set_weights(self._start)
        else:
            self._start = now

    async def _train(self):
        self.panel.guarded(self._look)
        while self.is_running:
            self.panel.guarded(self._step)
            await asyncio.sleep(PAUSE)

    def _step(self):
        loss = None
        try:
            loss = next(self.running, None)
        finally:
            self.is_running = loss is not None
        if loss is None:
            self._finish()
            return
        losses = self.runs[-1]["losses"]
        losses.append(loss)
        if len(losses) % LOOKS == 0:
            self._look()
        if time.monotonic() - self.drawn > REDRAW:
            self.drawn = time.monotonic()
            self.panel.show()

    def _look(self):
        if self.validation is None:
            return
        model, right = self.panel.summary.model, 0  # called: `predict` traces it anew
        for start in range(0, len(self.validation), BATCH):
            few = self.validation.take(range(len(self.validation))[start:][:BATCH])
            found = keras.ops.convert_to_numpy(model(few.images, training=False))
            right += int(np.sum(found.argmax(axis=1) == few.labels))
        share = right / len(self.validation)
        self.runs[-1]["accuracy"].append((len(self.runs[-1]["losses"]), share))

    def _finish(self):
        summary = self.panel.summary
        self._end = summary.model.get_weights()
        self.moved = movement(summary.state.structure, self._start)
        self.panel.refresh()
        self.panel.say(self.result)

    @property
    def result(self):
        """What the last run came to, in words."""
        losses, accuracy = self.runs[-1]["losses"], self.runs[-1]["accuracy"]
        if not losses:
            return "No step yet."
        said = f"{len(losses)} of {self.steps} steps. Loss from {losses[0]:.3f} to "
        said += f"{losses[-1]:.3f}"
        if len(accuracy) > 1:
            said += f", validation accuracy from {accuracy[0][1]:.2f} to "
            said += f"{accuracy[-1][1]:.2f}"
        return f"{said}. Every run starts from the same weights."
