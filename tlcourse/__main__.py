"""The command line.

python -m tlcourse lessons FOLDER               the lessons, to open in JupyterLab
python -m tlcourse fetch flowers                what the flowers track needs
python -m tlcourse fetch flowers --to FOLDER    the same, into a folder for a class
python -m tlcourse progress                     the lessons, and what you have done
python -m tlcourse doctor                       whether this machine is ready
"""

import argparse
import os
import pathlib
import sys

from tlcourse._util import lesson_files
from tlcourse._util.progress import bar
from tlcourse.course import doctor, fetch, progress

# Old kernels, such as Colab's, bring a debugger that warns on Python 3.11 and later.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def main(arguments=None):
    """Runs a command; `arguments` are the process's if None. Returns an exit code."""
    parser = argparse.ArgumentParser(
        "python -m tlcourse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    place = commands.add_parser("lessons", help="the lessons, into a folder of yours")
    place.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parts = commands.add_parser("fetch", help="weights and photographs")
    parts.add_argument("track", choices=["flowers"])
    parts.add_argument("--to", metavar="FOLDER", help="a folder to take along or mount")
    commands.add_parser("progress", help="the lessons, and what you have done")
    commands.add_parser("doctor", help="whether this machine is ready")
    options = parser.parse_args(arguments)
    if options.command == "fetch":
        if options.to == "":
            parser.error("--to: expected a folder. Received: an empty name.")
        return _fetch(options.to)
    if options.command == "lessons":
        return _lessons(options.folder)
    if options.command == "doctor":
        return _doctor()
    print(progress.CourseMap())
    return 0


def _lessons(folder):
    try:
        copied, there = lesson_files.copy_lessons(folder)
    except OSError as error:
        print(f"Nothing more could be copied to {folder}: {error}", file=sys.stderr)
        return 1
    print(f"{len(copied)} notebooks copied to {folder}.")
    if there:
        print(
            f"{len(there)} were there already and stay as they are. Rename one of "
            "yours, and this command brings it new."
        )
    first = folder / "00_start_here.ipynb"
    print(f'To begin: {sys.executable} -m jupyter lab "{first}"')
    return 0


def _doctor():
    findings = doctor.examine()
    print(*findings, sep="\n")
    ready = doctor.is_ready(findings)
    print("\nReady for every lesson." if ready else "\nNot ready; see `problem` above.")
    return 0 if ready else 1


def _fetch(folder):
    bars = [bar(0, "")]
    try:
        fetched = fetch.fetch_flowers(lambda *told: _draw(bars, *told), folder)
    except (OSError, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        bars[-1].close()
    print(f"{len(fetched)} fetched. All is there for the flowers track.")
    if folder:
        print(fetch.instructions(folder))
    return 0


def _draw(bars, what, done, total):
    """Moves the last of the bars on, or begins another one for another file."""
    name = what[-32:]  # so that a terminal of 80 columns has room for the bar
    if bars[-1].desc != name:
        bars[-1].close()
        bars.append(bar(total or None, name, "B", unit_scale=True, delay=0))
    bars[-1].update(done - bars[-1].n)


if __name__ == "__main__":
    sys.exit(main())
