"""What a learner has done: noted, shown, and never in the way of a lesson."""

import pytest

from tlcourse import __main__ as command
from tlcourse.checks import check
from tlcourse.course import progress


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))
    return tmp_path


def test_the_command_shows_the_map_with_what_is_done(capsys):
    progress.record("5.1")
    assert command.main(["progress"]) == 0
    (freeze,) = (x for x in capsys.readouterr().out.splitlines() if "Freeze" in x)
    assert freeze.startswith("05") and "1 of 3" in freeze
    assert "1 of 3" in progress.CourseMap()._repr_html_()


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b'{"5.1": "2026-', b"[1, 2]", b"\xff\xfe", b"null", b"[" * 100_000),
        *(b'"x"', b"1" * 9999),
    ],
    ids=["empty", "cut", "list", "binary", "null", "nested", "word", "number"],
)
def test_damaged_notes_are_kept_aside_and_said_once(home, capsys, damage):
    (home / "progress.json").write_bytes(damage)
    assert "Freeze" in repr(progress.CourseMap())
    said = capsys.readouterr().out
    (aside,) = home.glob("progress.damaged-*.json")
    assert aside.read_bytes() == damage
    assert "are damaged" in said and aside.name in said
    check("0.1", 42)
    progress.CourseMap()
    assert "damaged" not in capsys.readouterr().out
    assert list(progress.done()) == ["0.1"]
    (home / "progress.json").write_bytes(damage)
    check("0.1", 42)
    assert "are damaged" in capsys.readouterr().out
    assert list(progress.done()) == ["0.1"]
    assert [path.read_bytes() for path in home.glob("*damaged*")] == [damage] * 2


@pytest.mark.fault("dying")
def test_notes_that_cannot_be_read_are_said_and_stay(home, capsys):
    (home / "progress.json").mkdir()
    assert "Freeze" in repr(progress.CourseMap())
    assert "could not be read" in capsys.readouterr().out
    check("0.1", 42)
    said = capsys.readouterr().out
    assert said.startswith("0.1: right") and "could not be saved" in said
    assert (home / "progress.json").is_dir()
