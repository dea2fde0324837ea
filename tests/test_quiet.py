"""What is held back at start-up, and what is not."""

import os

import pytest

from tlcourse._util.quiet import held_back_stderr


@pytest.mark.parametrize(
    "line, is_shown",
    [
        ("I0000 oneDNN custom operations are on.", False),
        ("E0000 00:00:1 cuda_platform.cc:52] failed call to cuInit: none", False),
        ("E0000 00:00:1 disk.cc:1] no space left", True),
    ],
)
def test_only_real_errors_are_shown_unless_the_import_fails(capfd, line, is_shown):
    with held_back_stderr():
        os.write(2, f"{line}\n".encode())
    assert (line in capfd.readouterr().err) == is_shown
    with pytest.raises(ImportError), held_back_stderr():
        os.write(2, f"{line}\n".encode())
        raise ImportError
    assert line in capfd.readouterr().err
