"""The lessons of the course, and what a learner has done of them."""

import dataclasses
import datetime
import functools
import json
import os
import pathlib

from tlcourse._util import atomic


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A lesson, as its source describes it; `exercises` maps `"5.1"` to its code."""

    number: str
    title: str
    file: str
    outcome: str  # what follows "You will be able to"
    teaching: int  # minutes
    practice: int  # minutes
    builds_on: str
    exercises: dict

    @property
    def minutes(self):
        """Teaching and practice together."""
        return self.teaching + self.practice


@functools.lru_cache
def lessons():
    """The lessons in order, from the file that notebooks/build.py writes."""
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
    """The exercises done, `"5.1"` to the day; prints what is wrong with the file."""
    try:
        content = _read()
        if content is None:
            with _lock():
                content = _read_or_set_aside()
    except OSError as error:  # a folder in its place, or a home that cannot be read
        print(f"(Your progress could not be read: {error})")
        return {}
    return content


def record(name):
    """Notes that an exercise such as `"5.1"` is done, under a lock."""
    with _lock():
        content = _read_or_set_aside()
        content.setdefault(name, datetime.date.today().isoformat())
        with atomic.write_file(progress_file()) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())


def _lock():
    import filelock

    path = progress_file().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(path, timeout=10)


def _read():
    """dict, empty if there is no file yet; None if what is there is damaged."""
    try:
        content = json.loads(progress_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _read_or_set_aside():
    content = _read()
    if content is not None:
        return content
    path = progress_file()
    moment = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    aside = path.with_name(f"progress.damaged-{moment}.json")
    os.replace(path, aside)
    print(
        f"(The notes of your progress in {path} are damaged. They are kept in "
        f"{aside.name}, and new ones begin.)"
    )
    return {}


class CourseMap:
    """The lessons and what is done of them: a table, as HTML and as text."""

    def __init__(self):
        finished = done()
        self.rows = [(each, _share(each.exercises, finished)) for each in lessons()]

    def __repr__(self):
        return "\n".join(
            f"{each.number}  {each.title:28}{each.minutes:4} min   {share}"
            for each, share in self.rows
        )

    def _repr_html_(self):
        head = "<tr><th></th><th>lesson</th><th>minutes</th><th>exercises done</th>"
        body = "".join(
            f'<tr><td>{each.number}</td><td style="text-align:left">'
            f'<a href="{each.file}">{each.title}</a></td>'
            f"<td>{each.minutes}</td><td>{share}</td></tr>"
            for each, share in self.rows
        )
        return f"<table><caption>The course</caption>{head}</tr>{body}</table>"


def _share(exercises, finished):
    if not exercises:
        return "-"
    n, of = sum(name in finished for name in exercises), len(exercises)
    return f"{n} of {of}" + (", all done" if n == of else "")
