"""A whole class at a hub at once: who gets through, in what time, in what memory.

    python deploy/load.py --learners 8 --exhaust

It makes accounts and starts a hub on this machine for that, and removes both. With
`--url`, it signs in at a hub that is there, with the slips that `seats.py` made.
Every learner signs in, starts a server, opens the lessons that the hub has laid in
their home, and runs each cell, all learners at the same time. Then a learner tries
what must be refused. With `--exhaust`, one more learner takes memory without end
meanwhile. The exit status says whether all went well.
"""

import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import re
import signal
import sys
import time

import load_report
import local_hub
import probes
from hub_client import Learner
from hub_kernel import HubError
from start_server import FOLDER

NOTEBOOKS = pathlib.Path(__file__).resolve().parent.parent / "notebooks"
LESSONS = ["05", "07"]
USAGE = """
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_maxrss * 1024, used.ru_utime + used.ru_stime]))
"""


def path_of(lesson):
    """Where a lesson is in a learner's home.

    Args:
        lesson: String, its two digits.

    Returns:
        String.

    Raises:
        ValueError: If there is no such lesson.
    """
    found = sorted(NOTEBOOKS.glob(f"{lesson}_*.ipynb"))
    if not re.fullmatch(r"\d\d", lesson) or not found:
        raise ValueError(
            f"Expected a lesson's two digits, such as 05. Received: {lesson!r}"
        )
    return f"{FOLDER}/{found[0].name}"


def code_cells(notebook):
    """The cells to run.

    Args:
        notebook: dict of the notebook format.

    Returns:
        list of strings.
    """
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    return [source for each in cells if (source := "".join(each["source"])).strip()]


def run_lesson(learner, path, leave_open=False):
    """Runs a lesson from top to bottom.

    Args:
        learner: `Learner` with a running server.
        path: String, in the learner's home.
        leave_open: Boolean, whether the kernel goes on, with its memory, as where
            somebody opens the next lesson and does not shut this one down.

    Returns:
        `load_report.LessonRun`.
    """
    start = time.monotonic()
    kernel, notebook = learner.open(path)
    done = load_report.LessonRun(path)
    for place, code in enumerate(code_cells(notebook), start=1):
        outcome = kernel.run(code)
        if outcome.error or outcome.died:
            what = outcome.error or "the kernel died"
            done.errors.append(f"cell {place}: {what}")
        if outcome.died:
            break
        done.cells += 1
    done.seconds = time.monotonic() - start
    if not done.errors and (told := kernel.run(USAGE).text):
        done.memory, done.cpu = json.loads(told)
    if not leave_open:
        kernel.close()
    return done


def attend(learner, paths, leave_open):
    """A learner's whole class.

    Args:
        learner: `Learner` with a running server.
        paths: list of strings, the lessons one after the other.
        leave_open: Boolean, as for `run_lesson`.

    Returns:
        list of `load_report.LessonRun`, as far as they came.
    """
    done = []
    for path in paths:
        sys.stderr.write(f"{learner.name} begins {path}\n")
        try:
            done.append(run_lesson(learner, path, leave_open))
        except (HubError, OSError) as error:
            done.append(load_report.LessonRun(path, errors=[str(error)]))
    return done


def arrive(learner):
    """Signs in and starts the server.

    Args:
        learner: `Learner`.

    Returns:
        Float, seconds.
    """
    start = time.monotonic()
    learner.sign_in()
    learner.start_server()
    return time.monotonic() - start


def look(probe, *learners):
    """Runs one of `probes`. A hub that does not answer is a finding, too.

    Args:
        probe: Function of learners.
        *learners: each a `Learner`.

    Returns:
        dict, what was tried to what was seen, and whether that is right.
    """
    try:
        return probe(*learners)
    except (HubError, OSError) as error:
        return {probe.__name__: (str(error), False)}


def hold_class(learners, hungry, paths, is_here, leave_open=False):
    """Everybody at once.

    Args:
        learners: list of `Learner`.
        hungry: list of `Learner` who take memory without end.
        paths: list of strings, the lessons.
        is_here: Boolean, whether this machine runs the hub, and can be watched.
        leave_open: Boolean, as for `run_lesson`.

    Returns:
        `load_report.Report`.
    """
    everybody = [*learners, *hungry]
    names = [each.name for each in everybody]
    with _everybody_at_once(len(everybody)) as pool:
        arrival = max(pool.map(arrive, everybody))
        with load_report.MemoryWatch(names if is_here else []) as watch:
            ends = [pool.submit(look, probes.exhaust, each) for each in hungry]
            runs = pool.map(lambda each: attend(each, paths, leave_open), learners)
            by_name = dict(zip(names, runs, strict=False))
    report = load_report.Report(by_name, arrival, watch)
    for end in ends:
        report.looked_at |= end.result()
    if len(learners) > 1:
        report.looked_at |= look(probes.trespass, *learners[:2])
    return report


@contextlib.contextmanager
def _everybody_at_once(count):
    """Threads. If the run is broken off, nobody waits for their lessons."""
    pool = concurrent.futures.ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def main(arguments=None):
    """The command line; see the module's text.

    Args:
        arguments: list of strings, or None for those of the process.

    Returns:
        Integer, 0 if all went well.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=2)
    parser.add_argument("--lessons", nargs="+", default=LESSONS, help="as in 05 07")
    parser.add_argument("--exhaust", action="store_true", help="one more learner")
    parser.add_argument("--leave-open", action="store_true", help="all lessons")
    parser.add_argument("--names", default="learner", help="how accounts begin")
    parser.add_argument("--url", help="of a hub that is there, with --slips")
    parser.add_argument("--slips", help="the page that seats.py made for it")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # remove accounts then, too
    try:
        report = _run(options)
    except (HubError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report)
    return 0 if report.is_well else 1


def _run(options):
    paths = [path_of(lesson) for lesson in options.lessons]
    count = options.learners + options.exhaust
    with _hub(options, count) as (url, passwords):
        everybody = [Learner(url, *seat) for seat in passwords.items()]
        learners, hungry = everybody[: options.learners], everybody[options.learners :]
        is_here, leave_open = not options.url, options.leave_open
        return hold_class(learners, hungry, paths, is_here, leave_open)


def _hub(options, count):
    """A hub that is there, or one of our own: its address, and name to password."""
    if not options.url:
        names = [f"{options.names}{number + 1}" for number in range(count)]
        return local_hub.running(names)
    seats = local_hub.read_slips(options.slips) if options.slips else {}
    if len(seats) < count:
        raise ValueError(
            f"Expected {count} seats with --url. Received: {len(seats)} in "
            f"--slips {options.slips}. `seats.py make {count}` makes them."
        )
    chosen = dict(list(seats.items())[:count])
    return contextlib.nullcontext((options.url, chosen))


if __name__ == "__main__":
    sys.exit(main())
