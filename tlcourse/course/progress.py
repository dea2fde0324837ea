"""The lessons of the course, and what a learner has done of them."""

import collections
import datetime
import functools
import html
import json
import os
import pathlib

from tlcourse._util import assets, atomic

Lesson = collections.namedtuple(
    "Lesson", "number title outcome teaching practice builds_on file exercises"
)


@functools.lru_cache
def lessons():
    """The lessons in order, as lessons.json has them; none if it is damaged.

    `outcome` is what follows "You will be able to"; `teaching` and `practice` are
    minutes; `exercises` maps `"5.1"` to its solution's code.
    """
    path = pathlib.Path(__file__).with_name("lessons.json")
    try:
        return tuple(Lesson(**entry) for entry in json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        remedy = assets.remedy(path.name, "tlcourse/course")
        print(f"(The list of lessons in {path} is damaged: {error}. {remedy})")
        return ()


def progress_file():
    """Where the exercises done are kept: `$TLCOURSE_HOME/progress.json`."""
    home = os.environ.get("TLCOURSE_HOME") or "~/.tlcourse"
    return pathlib.Path(os.path.expanduser(home), "progress.json")


def done():
    """The exercises done, `"5.1"` to the day; prints what is wrong with the file."""
    try:
        content = _read()
        if content is None:
            with _lock():
                content = _read_or_set_aside()
        return content
    except OSError as error:  # a folder in its place, or a home that cannot be read
        print(f"(Your progress could not be read: {error})")
        return {}


def record(name):
    """Notes that an exercise such as `"5.1"` is done, under a lock."""
    with _lock():
        content = _read_or_set_aside()
        content.setdefault(name, str(datetime.date.today()))
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
        content = json.loads(progress_file().read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _read_or_set_aside():
    if (content := _read()) is not None:
        return content
    path, moment = progress_file(), f"{datetime.datetime.now():%Y-%m-%d-%H%M%S-%f}"
    aside = path.rename(path.with_name(f"progress.damaged-{moment}.json"))
    print(
        f"(The notes of your progress in {path} are damaged. They are kept in "
        f"{aside.name}, and new ones begin.)"
    )
    return {}


class CourseMap:
    """The lessons and what is done of them: a table, as HTML and as text."""

    def __init__(self):
        finished = done()
        self.rows = [(each, *_figures(each, finished)) for each in lessons()]

    def __repr__(self):
        return "\n".join(
            f"{each.number}  {each.title:28}{minutes:4} min   {share}"
            for each, minutes, share in self.rows
        )

    def _repr_html_(self):
        head = "<tr><th></th><th>lesson</th><th>minutes</th><th>exercises done</th>"
        body = "".join(
            f'<tr><td>{each.number}</td><td style="text-align:left"><a href="'
            f'{each.file}">{html.escape(each.title)}</a></td><td>{minutes}</td><td>{share}</td></tr>'
            for each, minutes, share in self.rows
        )
        return f"<table><caption>The course</caption>{head}</tr>{body}</table>"


def _figures(lesson, finished):
    """Minutes of a lesson, and how many of its exercises are done, in words."""
    n_done = sum(name in finished for name in lesson.exercises)
    share = f"{n_done} of {len(lesson.exercises)}" if lesson.exercises else "-"
    share += ", all done" if 0 < n_done == len(lesson.exercises) else ""
    return lesson.teaching + lesson.practice, share
