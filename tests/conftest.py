"""Tests need no network and no display, and neither do their subprocesses."""

import os
import pathlib
import signal
import sys

import hypothesis
import matplotlib
import pytest

from tlcourse._util import training_steps

OFFLINE = pathlib.Path(__file__).parent / "offline"
sys.path.insert(0, str(OFFLINE))

import block_network  # noqa: E402  (the folder has to be on the path first)

block_network.install()
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")])
)
os.environ["MPLBACKEND"] = "agg"
# A shell ignores interrupts in what it runs in the background, and so would the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# The same examples in every run: what fails today fails tomorrow.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile("same")


@pytest.fixture(autouse=True)
def every_test_begins_alike():
    """The same numbers in every run, matplotlib's settings as they are, no figures."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(0)
        training_steps.forget_when_collecting()
    with matplotlib.rc_context():
        yield
    if plt := sys.modules.get("matplotlib.pyplot"):
        plt.close("all")
