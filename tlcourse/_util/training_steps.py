"""Lets TensorFlow forget the training steps of models that are gone."""

import gc
import inspect
import sys

# For each training step that Keras builds, TensorFlow enters a function in its table of
# gradients that nobody will ask for: the gradient of a sum over devices. It holds on to
# the whole step, 100 MB for a MobileNetV2, for as long as the process lives, so that a
# cell that is run ten times takes a gigabyte (tensorflow/tensorflow, issue 80895). No
# public call takes it out. This module is the only one that knows that table.


def forget_when_collecting():
    """From now on, full garbage collections take old training steps along."""
    if _before_collecting not in gc.callbacks:
        gc.callbacks.append(_before_collecting)
        gc.freeze()  # what is imported by now stays: a collection takes a tenth
    # A model is small for Python, which is in no hurry, and large for the computer.
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        shell.events.register("post_run_cell", _collect)


def _collect(*_):
    gc.collect()


def _before_collecting(phase, info):
    if phase == "start" and info["generation"] == 2:
        forget()


def forget():
    """Takes the functions out of the table; nothing where the table is another one."""
    ops = sys.modules.get("tensorflow.python.framework.ops")
    table = getattr(getattr(ops, "gradient_registry", None), "_registry", None)
    for name, entry in list(table.items()) if isinstance(table, dict) else ():
        if name.startswith("CustomGradient-") and _is_sum(entry):
            table.pop(name, None)


def _is_sum(entry):
    """Whether an entry is that of the sum over devices, and not somebody's own."""
    function = entry.get("type") if isinstance(entry, dict) else None
    for inner in ("tape_grad_fn", "grad_fn"):
        if not inspect.isfunction(function):
            return False
        function = inspect.getclosurevars(function).nonlocals.get(inner)
    return ".all_reduce." in getattr(function, "__qualname__", "")
