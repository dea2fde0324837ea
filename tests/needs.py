"""Tests that need a program are skipped without it; in CI its absence is a failure."""

import os
import shutil

import pytest


def needs(program):
    there = shutil.which(program) or "CI" in os.environ
    return pytest.mark.skipif(not there, reason=f"no {program} here")


in_a_browser, with_node = needs("chromium"), needs("node")
