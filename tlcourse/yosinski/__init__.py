"""Lesson 11: how transferable features are, after Yosinski et al. 2014."""

from tlcourse.yosinski.experiment import LAYERS, Experiment, fresh, network

__all__ = ["LAYERS", "Experiment", "fresh", "network"]
