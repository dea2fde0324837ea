"""What is held back at start-up, and what is not."""

import os

import pytest

from tlcourse._util.quiet import held_back_stderr


def say(line):
    os.write(2, f"{line}\n".encode())


def test_a_greeting_is_held_back(capfd):
    with held_back_stderr():
        say("I0000 oneDNN custom operations are on.")
        say("E0000 00:00:1 cuda_platform.cc:52] failed call to cuInit: none")
    assert capfd.readouterr().err == ""


def test_a_real_error_is_shown(capfd):
    with held_back_stderr():
        say("E0000 00:00:1 disk.cc:1] no space left")
    assert "no space left" in capfd.readouterr().err


def test_everything_is_shown_if_the_import_fails(capfd):
    with pytest.raises(ImportError), held_back_stderr():
        say("I0000 a hint")
        raise ImportError
    assert "a hint" in capfd.readouterr().err
