"""Callbacks that look at a whole model while only its tail is fitted."""

import keras
import numpy as np


def _hears_of_steps(callback, side):
    """Whether a callback does something at the begin or end of a step."""
    for name in (f"on_{kind}batch_{side}" for kind in ("", "train_", "test_")):
        own = getattr(getattr(callback, name), "__func__", None)
        if own is not getattr(keras.callbacks.Callback, name):
            return True
    return False


class WholeModelCallbacks(keras.callbacks.CallbackList):
    """Passes events on to callbacks; refuses those that change what is stored."""

    def __init__(self, callbacks, model, tail, frozen):
        self.whole, self.tail, self.frozen = model, tail, frozen
        self.values = frozen.get_weights()
        model.stop_training = False
        super().__init__(callbacks)
        # Without callbacks that listen to steps, Keras need not wait for each of them.
        self.async_safe = not any(_hears_of_steps(x, "end") for x in self.callbacks)
        self.looks = any(_hears_of_steps(x, "begin") for x in self.callbacks)
        can_skip = keras.backend.backend() == "tensorflow"
        self.skip_steps = can_skip and self.async_safe and not self.looks

    def _check_frozen(self):
        """Finds what a callback has changed, even if it means to put it back."""
        for before, now in zip(self.values, self.frozen.get_weights(), strict=True):
            if not np.array_equal(before, now, equal_nan=True):
                raise RuntimeError(
                    "Expected callbacks that leave frozen weights alone: the outputs "
                    "are stored. Received: one that changed them while it trained. "
                    "Train with `model.fit`."
                )

    def on_epoch_begin(self, epoch, logs=None):
        """Passes the event on, and looks whether the frozen weights are the same."""
        super().on_epoch_begin(epoch, logs)
        self._check_frozen()

    def on_test_begin(self, logs=None):
        """Passes the event on, and looks, too: validation takes stored outputs."""
        super().on_test_begin(logs)
        self._check_frozen()

    def on_train_batch_begin(self, batch, logs=None):
        """Passes the event on; looks where somebody listens to it."""
        super().on_train_batch_begin(batch, logs)
        if self.looks:
            self._check_frozen()

    def set_model(self, model):
        """Shows the callbacks the whole model, whatever `fit` names."""
        super().set_model(self.whole)

    def on_train_batch_end(self, batch, logs=None):
        """Passes the event on; a callback may have stopped the training."""
        super().on_train_batch_end(batch, logs)
        self.tail.stop_training = self.whole.stop_training

    def on_epoch_end(self, epoch, logs=None):
        """Passes the event on."""
        for callback in self.callbacks:  # the same `logs`, which they may change
            callback.on_epoch_end(epoch, logs)
        self.tail.stop_training = self.whole.stop_training
