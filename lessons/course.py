"""What the lessons say about themselves, collected: the course map, and the fact.

`build.py` calls this. It writes tlcourse/course/lessons.json, which the checks and
lesson 00 read, and what stands between marks in README.md: the table of lessons, and
what a borrowed network is worth, from the measurements that ship.
"""

import csv
import json
import pathlib
import re
import statistics

import colab
from cells import CHECK_CALL, BuildError, read_source, solution_runs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
MARKS = ("<!-- course map: lessons/build.py writes it -->", "<!-- end of map -->")
FACT_MARKS = ("<!-- the fact: lessons/build.py writes it -->", "<!-- end of fact -->")
DOOR_MARKS = ("<!-- the doors: lessons/build.py writes them -->", "<!-- doors end -->")
PER_CLASS = 10  # labelled examples
DOORS = """\
- **Look first:** {look} Or leaf through the [slides](slides/deck.pdf).
- **On Colab**, with a free GPU and nothing to install on your machine: {colab}.
- **On your machine:** `make lab`, below."""
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


def fact():
    """What ten examples of each class are enough for, and from scratch not."""
    curves = json.loads((ROOT / "data" / "label_curves.json").read_text("utf-8"))
    near = curves["tasks"]["near"]
    place = curves["counts"].index(PER_CLASS)
    borrowed = near["curves"]["trained base"][place][0]
    with open(ROOT / "data" / "scratch.csv", newline="") as file:
        rows = [
            r for r in csv.DictReader(file) if int(r["labels_per_class"]) == PER_CLASS
        ]
    scratch = statistics.mean(float(row["validation_accuracy"]) for row in rows)
    guessing = 1 / len(near["classes"])
    return (
        "**Ten examples of each class**, and less than a minute on a laptop: "
        f"a borrowed\nnetwork gets **{100 * borrowed:.0f} of 100** new handwritten "
        "digits right. The same network, trained from\nscratch on the same examples: "
        f"**{100 * scratch:.0f} of 100**. Guessing gets {100 * guessing:.0f}."
    )


def doors(address=None):
    """Three ways in; with an address, as links, and whether the tests passed."""
    if not address:
        return DOORS.format(
            look="`make site` makes pages to read, all lessons executed, with "
            "pictures to\n  draw on and to drag, in 7 to 20 minutes: "
            "`build/site/index.html`.",
            colab="[how to get your copy\n  there](BEYOND.md#on-colab)",
        )
    first = address.link("notebooks/00_start_here.ipynb")
    look = f"[every lesson with its results]({address.pages}), to read\n  and to touch."
    colab_way = f"[lesson 00]({first}), or a badge\n  below"
    return f"{DOORS.format(look=look, colab=colab_way)}\n\n{address.state}"


def table(entries, address=None):
    """The course map as a Markdown table; with an address, each row has its badge."""
    last = " Colab |" if address else ""
    lines = [
        f"| | lesson | you will be able to | minutes, and for exercises |{last}",
        f"|---|---|---|---|{'---|' if address else ''}",
    ]
    for entry in entries:
        file = f"notebooks/{entry['file']}"
        minutes = f"{entry['teaching']} + {entry['practice']}"
        last = f" {address.badge(file)} |" if address else ""
        lines.append(
            f"| {_thumbnail(entry)} | {entry['number']} [{entry['title']}]({file}) | "
            f"{entry['outcome'].rstrip('.')} | {minutes} |{last}"
        )
    return "\n".join(lines)


def _thumbnail(entry):
    place = f"lessons/images/thumbnails/{entry['number']}.png"
    is_there = (ROOT / place).is_file()
    return f'<img src="{place}" width="120" alt="">' if is_there else ""


def files(sources):
    """What the files with the course map should contain: dict, path to text."""
    entries = [describe(source) for source in sources]
    readme = (ROOT / "README.md").read_text("utf-8")
    readme = _between(MARKS, readme, table(entries, colab.read(HERE)))
    readme = _between(FACT_MARKS, readme, fact())
    readme = _between(DOOR_MARKS, readme, doors(colab.read(HERE)))
    listed = json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
    return {
        ROOT / "README.md": readme,
        ROOT / "tlcourse" / "course" / "lessons.json": listed,
    }


def _between(marks, text, new):
    before, rest = text.split(marks[0])
    return f"{before}{marks[0]}\n{new}\n{marks[1]}{rest.split(marks[1])[1]}"


def stale(sources):
    """Which of the `files` are out of step: dict, path to what it should contain."""
    return {
        path: text
        for path, text in files(sources).items()
        if not path.is_file() or path.read_text("utf-8") != text
    }
