"""The lessons of the course, and what a learner has done of them."""

import dataclasses
import datetime
import functools
import json
import os
import pathlib


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A lesson, as its source describes it.

    Args:
        number: String, such as `"05"`.
        title: String.
        file: String, name of the notebook.
        outcome: String, what follows "You will be able to".
        teaching: Integer, minutes.
        practice: Integer, minutes for the exercises.
        builds_on: String.
        exercises: dict, name such as `"5.1"` to the code that solves it.
    """

    number: str
    title: str
    file: str
    outcome: str
    teaching: int
    practice: int
    builds_on: str
    exercises: dict


@functools.lru_cache
def lessons():
    """The lessons, in order, from the file that notebooks/build.py writes.

    Returns:
        tuple of `Lesson`.
    """
    path = pathlib.Path(__file__).with_name("lessons.json")
    return tuple(Lesson(**entry) for entry in json.loads(path.read_text("utf-8")))


def progress_file():
    """Where the exercises done are kept: `$TLCOURSE_HOME/progress.json`.

    Returns:
        `pathlib.Path`, by default in `~/.tlcourse`; it need not exist.
    """
    home = os.environ.get("TLCOURSE_HOME", os.path.join("~", ".tlcourse"))
    return pathlib.Path(home).expanduser() / "progress.json"


def done():
    """The exercises done so far.

    Returns:
        dict, name such as `"5.1"` to the day, `"2026-01-31"`.

    Raises:
        ValueError: If the file is there and cannot be understood.
    """
    path = progress_file()
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(
            f"Expected a table of exercises in {path}. Received something else. "
            "Mend the file, or move it away to begin a new one."
        )
    return content


def record(name):
    """Notes that an exercise is done; two notebooks may do so at once.

    Args:
        name: String, such as `"5.1"`.

    Returns:
        dict, as `done` gives it.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If the file is there and cannot be understood.
    """
    import filelock

    path = progress_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_suffix(".lock"), timeout=10):
        content = done()
        content.setdefault(name, datetime.date.today().isoformat())
        temporary = path.with_suffix(".partial")
        temporary.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        os.replace(temporary, path)
    return content


class CourseMap:
    """The lessons and what is done of them: a table, as HTML and as text."""

    def __init__(self):
        finished = done()
        self.rows = [
            (
                lesson.number,
                lesson.title,
                lesson.file,
                lesson.teaching + lesson.practice,
                sum(name in finished for name in lesson.exercises),
                len(lesson.exercises),
            )
            for lesson in lessons()
        ]

    def __repr__(self):
        lines = [
            f"{number}  {title:28}{minutes:4} min   {_share(n, of)}"
            for number, title, _, minutes, n, of in self.rows
        ]
        return "\n".join(lines)

    def _repr_html_(self):
        head = "<tr><th></th><th>lesson</th><th>minutes</th><th>exercises done</th>"
        body = "".join(
            f'<tr><td>{number}</td><td style="text-align:left">'
            f'<a href="{file}">{title}</a></td>'
            f"<td>{minutes}</td><td>{_share(n, of)}</td></tr>"
            for number, title, file, minutes, n, of in self.rows
        )
        return f"<table><caption>The course</caption>{head}</tr>{body}</table>"


def _share(n, of):
    if not of:
        return "-"
    return f"{n} of {of}" + (", all done" if n == of else "")
