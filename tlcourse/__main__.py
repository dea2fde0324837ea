"""The command line.

python -m tlcourse fetch flowers                what the flowers track needs
python -m tlcourse fetch flowers --to FOLDER    the same, to carry to a class
python -m tlcourse progress                     the lessons, and what you have done
python -m tlcourse doctor                       whether this machine is ready
"""

import argparse
import sys

from tlcourse._util.progress_bar import bar


def main(arguments=None):
    """Runs a command.

    Args:
        arguments: list of strings, or None for those of the process.

    Returns:
        Integer, 0 if all went well.
    """
    parser = argparse.ArgumentParser(
        "python -m tlcourse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="weights and photographs")
    fetch.add_argument("track", choices=["flowers"])
    fetch.add_argument("--to", metavar="FOLDER", help="a folder to carry, or to mount")
    commands.add_parser("progress", help="the lessons, and what you have done")
    commands.add_parser("doctor", help="whether this machine is ready")
    options = parser.parse_args(arguments)
    if options.command == "fetch":
        if options.to == "":
            parser.error("--to: expected a folder. Received: an empty name.")
        return _fetch(options.to)
    return {"progress": _progress, "doctor": _doctor}[options.command]()


def _progress():
    from tlcourse.course import progress

    print(progress.CourseMap())
    return 0


def _doctor():
    from tlcourse.course import doctor

    findings = doctor.examine()
    print(*findings, sep="\n")
    ready = doctor.is_ready(findings)
    print("\nReady for every lesson." if ready else "\nNot ready; see `problem` above.")
    return 0 if ready else 1


def _fetch(folder):
    from tlcourse.course import carry, fetch

    try:
        if folder is None:
            fetched = fetch.fetch_flowers(show)
        else:
            fetched = carry.fill(folder, show)
    except (OSError, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{len(fetched)} fetched. All is there for the flowers track.")
    if folder:
        print(carry.instructions(folder))
    return 0


def show(what, done, total):
    """Draws a progress bar on one line of the terminal.

    Args:
        what: String.
        done: Integer, bytes.
        total: Integer, bytes; 0 where it is not known.
    """
    filled = bar(done, total) if total else bar(0)
    print(f"\r{filled} {done / 1e6:7.1f} MB {what[-48:]}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
