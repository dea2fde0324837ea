"""A whole class at a hub at once: who gets through, in what time, in what memory.

    python deploy/load.py --learners 8 --exhaust

It makes accounts and starts a hub on this machine for that, and removes both. With
`--url`, it signs in at a hub that is there; the password is in $TLCOURSE_PASSWORD.
Every learner signs in, starts a server, opens the lessons that the hub has laid in
their home, and runs each cell, all learners at the same time. Then a learner tries
what must be refused. With `--exhaust`, one more learner takes memory without end
meanwhile. The exit status says whether all went well.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import secrets
import signal
import sys
import time

import load_report
import local_hub
from hub_client import HubError, Learner

NOTEBOOKS = pathlib.Path(__file__).resolve().parent.parent / "notebooks"
LESSONS = ["05", "07"]
HEAD_START = 60  # seconds of the lessons before memory is taken without end
USAGE = """
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_maxrss * 1024, used.ru_utime + used.ru_stime]))
"""
EXHAUST = """
blocks = []
while True:
    blocks.append(b"x" * 50_000_000)
"""
WRITE = """
import os
with open(os.path.expanduser("~/private.txt"), "w") as file:
    file.write({secret!r})
os.chmod(file.name, 0o644)
print(file.name)
"""
# What the second learner tries; each prints what came of it.
ATTEMPTS = {
    "read a file of another learner": (
        "import pathlib\nprint(pathlib.Path({path!r}).read_text())"
    ),
    "write into the course's data": (
        "import os\nopen(os.environ['TLCOURSE_DATA'] + '/new', 'w').close()\n"
        "print('done')"
    ),
    "change the course's package": (
        "import tlcourse\nopen(tlcourse.__file__, 'a').close()\nprint('done')"
    ),
}


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
    return f"tlcourse/{found[0].name}"


def code_cells(notebook):
    """The cells to run.

    Args:
        notebook: dict of the notebook format.

    Returns:
        list of strings.
    """
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    return [source for each in cells if (source := "".join(each["source"])).strip()]


def run_lesson(learner, path):
    """Runs a lesson from top to bottom, and shuts its kernel down.

    Args:
        learner: `Learner` with a running server.
        path: String, in the learner's home.

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
    if not done.errors:
        done.memory, done.cpu = json.loads(kernel.run(USAGE).text)
    kernel.close()
    return done


def attend(learner, paths):
    """A learner's whole class.

    Args:
        learner: `Learner` with a running server.
        paths: list of strings, the lessons one after the other.

    Returns:
        list of `load_report.LessonRun`, as far as they came.
    """
    done = []
    for path in paths:
        print(f"{learner.name} begins {path}", file=sys.stderr)
        try:
            done.append(run_lesson(learner, path))
        except (HubError, OSError) as error:
            done.append(load_report.LessonRun(path, errors=[str(error)]))
    return done


def trespass(owner, other):
    """Lets a learner try what must be refused.

    Args:
        owner: `Learner` with a running server; gets a file that all may read.
        other: `Learner` with a running server.

    Returns:
        dict, what was tried to what came of it, and whether it was refused.
    """
    secret = secrets.token_hex(8)
    kernel = owner.start_kernel("private.ipynb")
    path = kernel.run(WRITE.format(secret=secret)).text.strip()
    kernel.close()
    kernel, tried = other.start_kernel("curious.ipynb"), {}
    for what, code in ATTEMPTS.items():
        outcome = kernel.run(code.format(path=path))
        leaked = secret in outcome.text or "done" in outcome.text
        tried[what] = outcome.error or outcome.text.strip(), not leaked
    kernel.close()
    answer = other.session.get(f"{owner.home}/api/contents/private.txt", timeout=60)
    tried["ask another learner's server"] = (
        f"status {answer.status_code}",
        answer.status_code in (401, 403, 404) and secret not in answer.text,
    )
    return tried


def exhaust(learner):
    """Takes memory until the kernel ends, then asks whether its learner can go on.

    Args:
        learner: `Learner` with a running server.

    Returns:
        dict, what was looked at to what was seen, and whether that is right.
    """
    time.sleep(HEAD_START)
    kernel = learner.start_kernel("hungry.ipynb")
    outcome = kernel.run(EXHAUST)
    ended = "the kernel died" if outcome.died else outcome.error
    right = outcome.died or outcome.error.startswith("MemoryError")
    waited = learner.start_server()
    text = learner.start_kernel("again.ipynb").run("print('alive')").text
    return {
        "memory without end": (ended, right),
        "the same learner goes on": (f"after {waited:.0f} s", "alive" in text),
    }


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


def hold_class(learners, hungry, paths, is_here):
    """Everybody at once.

    Args:
        learners: list of `Learner`.
        hungry: list of `Learner` who take memory without end.
        paths: list of strings, the lessons.
        is_here: Boolean, whether this machine runs the hub, and can be watched.

    Returns:
        `load_report.Report`.
    """
    everybody = [*learners, *hungry]
    names = [each.name for each in everybody]
    with concurrent.futures.ThreadPoolExecutor(len(everybody)) as pool:
        arrivals = list(pool.map(arrive, everybody))
        with load_report.MemoryWatch(names if is_here else []) as watch:
            ends = [pool.submit(exhaust, each) for each in hungry]
            runs = pool.map(lambda each: attend(each, paths), learners)
            report = load_report.Report(
                dict(zip(names, runs, strict=False)), max(arrivals), watch
            )
    for end in ends:
        report.looked_at |= end.result()
    if len(learners) > 1:
        report.looked_at |= trespass(*learners[:2])
    return report


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
    parser.add_argument("--names", default="learner", help="how accounts begin")
    parser.add_argument("--url", help="of a hub that is there")
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
    names = [f"{options.names}{number + 1}" for number in range(count)]
    there = contextlib.nullcontext((options.url, os.environ.get("TLCOURSE_PASSWORD")))
    with there if options.url else local_hub.running(names) as (url, password):
        everybody = [Learner(url, name, password) for name in names]
        learners, hungry = everybody[: options.learners], everybody[options.learners :]
        return hold_class(learners, hungry, paths, is_here=not options.url)


if __name__ == "__main__":
    sys.exit(main())
