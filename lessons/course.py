"""What the lessons say about themselves, collected: the course map.

`build.py` calls this. It writes tlcourse/course/lessons.json, which the checks and
lesson 00 read, and the table between two marks in README.md.
"""

import json
import pathlib
import re

import colab
from cells import CHECK_CALL, BuildError, read_source, solution_runs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
MARKS = ("<!-- course map: lessons/build.py writes it -->", "<!-- end of map -->")
HEADER = re.compile(
    r"# (?P<number>\d\d) · (?P<title>.+?)\n.*"
    r"\*\*You will be able to\*\* (?P<outcome>.+?)\n\n"
    r"(?P<teaching>\d+) minutes(?:, and (?P<practice>\d+) for the exercises)?"
    r" · builds on (?P<builds_on>.+?) · ",
    re.DOTALL,
)
CHECK = re.compile(r'^check\("(\d+\.\d+)"', re.MULTILINE)


def describe(source):
    """A source's header and exercises: dict, an entry of lessons.json."""
    cells = read_source(source)
    header = HEADER.match(cells[0].source)
    if not header:
        raise BuildError(
            f"{source}: expected a header as in the other lessons: title, 'You will "
            "be able to', minutes, 'builds on'."
        )
    entry = {k: " ".join(v.split()) for k, v in header.groupdict("0").items()}
    entry["file"] = f"{source.stem}.ipynb"
    for name in ("teaching", "practice"):
        entry[name] = int(entry[name])
    entry["exercises"] = _solutions(source, cells)
    return entry


def _solutions(source, cells):
    found = {}
    for run in solution_runs(cells):
        code = "\n\n".join(cell.source for cell in run)
        names = CHECK.findall(code)
        if len(names) != 1:
            raise BuildError(
                f"{source}: expected one `check(...)` at the end of each exercise. "
                f"Received: {names} in\n{code}"
            )
        found[names[0]] = CHECK_CALL.sub("", code).strip()
    return found


def table(entries, address=None):
    """The course map as a Markdown table; with an address, each row has its badge."""
    last = " Colab |" if address else ""
    lines = [
        f"| | lesson | you will be able to | minutes | builds on |{last}",
        f"|---|---|---|---|---|{'---|' if address else ''}",
    ]
    for entry in entries:
        file = f"notebooks/{entry['file']}"
        minutes = f"{entry['teaching']} + {entry['practice']}"
        last = f" {address.badge(file)} |" if address else ""
        lines.append(
            f"| {entry['number']} | [{entry['title']}]({file}) | "
            f"{entry['outcome'].rstrip('.')} | {minutes} | {entry['builds_on']} |{last}"
        )
    return "\n".join(lines)


def files(sources):
    """What the files with the course map should contain: dict, path to text."""
    entries = [describe(source) for source in sources]
    address = colab.read(HERE)
    readme = (ROOT / "README.md").read_text("utf-8")
    before, rest = readme.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    mapped = f"{before}{MARKS[0]}\n{table(entries, address)}\n{MARKS[1]}{after}"
    listed = json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
    return {
        ROOT / "README.md": mapped,
        ROOT / "tlcourse" / "course" / "lessons.json": listed,
    }


def stale(sources):
    """Which of the `files` are out of step: dict, path to what it should contain."""
    return {
        path: text
        for path, text in files(sources).items()
        if not path.is_file() or path.read_text("utf-8") != text
    }
