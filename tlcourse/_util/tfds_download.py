"""Lets TFDS fetch and prepare a dataset, in a process that can be ended.

Without a network TFDS waits for minutes and cannot be interrupted. So its process is
ended when nothing grows and nothing is computed.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tlcourse._util import assets
from tlcourse._util.progress import bar

STALLED = 60  # seconds without progress
NO_SUCH_DATASET, NO_CONNECTION = 3, 4  # exit codes
GRACE = 5  # seconds to clean up in
NOTHING = subprocess.DEVNULL
NETWORK = "Is there a network, and a proxy to be named in HTTPS_PROXY?"


def prepare(name, folder, report=None):
    """Fetches and prepares a dataset in TFDS's `folder`, and returns its own folder.

    `report` is called with the bytes on disk so far; None draws them as a line. After
    `STALLED` seconds without progress it raises a ConnectionError.
    """
    _set_damaged_aside(name, folder)
    options = {"bar_format": "{desc}: {n_fmt}B on disk", "disable": bool(report)}
    line = bar(None, name, unit_scale=True, delay=0, **options)
    with line, tempfile.TemporaryFile("w+") as output:
        streams = {"stdout": output} | dict.fromkeys(("stderr", "stdin"), NOTHING)
        child = subprocess.Popen(_command(name, folder), env=_environment(), **streams)
        try:
            _wait(child, name, folder, report or (lambda n: line.update(n - line.n)))
        finally:
            _end(child)
        output.seek(0)
        return _outcome(name, child.returncode, output.read())


def _set_damaged_aside(name, folder):
    """Renames what is damaged; where it lies, TFDS would prepare nothing."""
    for path in assets.dataset_versions(name, folder):
        if not assets.is_complete(path):
            aside = path.with_name(f"damaged-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)


def _command(name, folder):
    return [sys.executable, "-m", "tlcourse._util.tfds_download", name, str(folder)]


def _environment():
    paths = filter(None, [str(assets.REPOSITORY), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _wait(child, name, folder, report):
    """Waits for the end; raises if nothing happens for too long."""
    had, before, moved = _bytes(folder, name), None, time.monotonic()
    while child.poll() is None:
        looked = time.monotonic()
        now = _bytes(folder, name), _tenths_computed(child.pid)
        if now != before:
            report(max(0, now[0] - had))
            moved, before = time.monotonic(), now
        elif time.monotonic() - moved > STALLED:
            raise ConnectionError(
                f"Expected TFDS to fetch `{name}`. Received: nothing for {STALLED} "
                f"seconds, so it was ended. {NETWORK} One that is on disk needs none."
            )
        _pause(child, max(0.5, 10 * (time.monotonic() - looked)))


def _pause(child, seconds):
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)


def _bytes(folder, name):
    """What TFDS has written by now for downloads and for this dataset."""
    total = 0
    for part in ("downloads", name.split("/")[0]):
        for path, _, files in os.walk(folder / part):
            for file in files:
                with contextlib.suppress(OSError):  # renamed in the meantime
                    total += os.path.getsize(os.path.join(path, file))
    return total


def _tenths_computed(pid):
    """Tenths of a second that a process has computed; none once it has ended."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return round(10 * sum(psutil.Process(pid).cpu_times()[:2]))
    return 0


def _end(child):
    """Ends the process, if it has not ended; it may remove what is half done."""
    child.terminate()
    _pause(child, GRACE)
    child.kill()
    child.wait()


def _outcome(name, code, output):
    """The folder in the last line that the process wrote, or the error there."""
    try:
        text = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        text, code = f"the process ended with {code}", 1
    if code == 0:
        return pathlib.Path(text)
    if code == NO_SUCH_DATASET:
        raise ValueError(f"Expected a dataset of TFDS. Received: {name!r}. {text}")
    if code == NO_CONNECTION:
        raise ConnectionError(
            f"Expected TFDS to fetch `{name}`. Received: {text} {NETWORK} And is there "
            "room on the disk?"
        )
    raise RuntimeError(f"Expected TFDS to prepare `{name}`. Received: {text}")


def main(name, folder):
    """The process: prints its folder or an error as JSON, and gives an exit code."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    try:
        builder = tfds.builder(name, data_dir=folder)
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many kinds; the parent tells of it
        print(json.dumps(f"{type(error).__name__}: {' '.join(str(error).split())}"))
        if isinstance(error, tfds.core.DatasetNotFoundError):
            return NO_SUCH_DATASET
        return NO_CONNECTION if isinstance(error, OSError) else 1
    print(json.dumps(str(builder.data_path)))
    return 0


if __name__ == "__main__":
    # TFDS removes what is half done when an exception passes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main(*sys.argv[1:]))
