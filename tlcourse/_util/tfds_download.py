"""Lets TFDS fetch and prepare a dataset, in a process that can be ended.

Without a network TFDS waits for minutes and cannot be interrupted. So it works in
a process of its own, and that is ended when nothing grows and nothing is computed.

python -m tlcourse._util.tfds_download NAME FOLDER    that process
"""

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

STALLED = 60  # seconds without progress
NO_SUCH_DATASET, NO_CONNECTION = 3, 4  # exit codes
GRACE = 5  # seconds to clean up in


def prepare(name, folder, timeout=STALLED, report=None):
    """Fetches and prepares a dataset; a line shows how far that is.

    Args:
        name: String, as in the catalogue of TFDS.
        folder: `pathlib.Path`, where TFDS keeps its datasets.
        timeout: Seconds without any progress after which it is given up.
        report: Function of the bytes that have come to the disk, called in place of
            the line, or None.

    Returns:
        `pathlib.Path` of the prepared dataset.

    Raises:
        ValueError: If TFDS has no dataset of that name.
        ConnectionError: If it does not get on, or the other side does not answer.
        RuntimeError: If TFDS fails otherwise, with its words.
    """
    _set_aside(name, folder)
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            _command(name, folder),
            stdout=said,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            _wait(child, name, folder, timeout, report or _line(name))
        finally:
            _end(child)
            if not report:
                print()
        said.seek(0)
        return _outcome(name, child.returncode, said.read())


def _set_aside(name, folder):
    """Renames what is damaged; where it lies, TFDS would prepare nothing."""
    for path in assets.damaged_datasets(name, folder):
        aside = path.with_name(f"damaged-{path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)


def _command(name, folder):
    return [sys.executable, "-m", "tlcourse._util.tfds_download", name, str(folder)]


def _environment():
    package = str(pathlib.Path(__file__).resolve().parent.parent.parent)
    paths = filter(None, [package, os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _line(name):
    def line(n_bytes):
        print(f"\r{name}: {n_bytes / 1e6:.1f} MB on disk", end="", flush=True)

    return line


def _wait(child, name, folder, timeout, report):
    """Waits for the end; raises if nothing happens for too long."""
    moved, before, had = time.monotonic(), (-1, 0), _bytes(folder, name)
    while child.poll() is None:
        looked = time.monotonic()
        now = _bytes(folder, name), _seconds_computed(child.pid)
        if now[0] != before[0]:
            report(max(0, now[0] - had))
        if now[0] != before[0] or now[1] > before[1] + 0.1:
            moved, before = time.monotonic(), now
        elif time.monotonic() - moved > timeout:
            raise ConnectionError(
                f"Expected TFDS to fetch `{name}`. Received: nothing for {timeout} "
                "seconds, so it was ended. Is there a network, and a proxy to be "
                "named in HTTPS_PROXY? A dataset that is on disk needs none."
            )
        _pause(child, max(0.5, 10 * (time.monotonic() - looked)))


def _pause(child, seconds):
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _bytes(folder, name):
    """What TFDS has written by now for downloads and for this dataset."""
    total = 0
    for part in ("downloads", name.split("/")[0]):
        for path, _, files in os.walk(folder / part):
            for file in files:
                try:
                    total += os.stat(os.path.join(path, file)).st_size
                except OSError:
                    continue  # renamed in the meantime
    return total


def _seconds_computed(pid):
    import psutil

    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:  # it has just ended
        return 0
    return used.user + used.system


def _end(child):
    """Ends the process; first it may remove what is half done."""
    if child.poll() is None:
        child.terminate()
        _pause(child, GRACE)
    if child.poll() is None:
        child.kill()
        child.wait()


def _outcome(name, code, said):
    lines = said.strip().splitlines()
    text = lines[-1] if lines else f"the process ended with {code}"
    try:
        text = json.loads(text)
    except ValueError:
        code = code or 1
    if code == 0:
        return pathlib.Path(text)
    if code == NO_SUCH_DATASET:
        raise ValueError(
            f"Expected a dataset that TFDS has. Received: {name!r}. {text}"
        )
    if code == NO_CONNECTION:
        raise ConnectionError(
            f"Expected TFDS to fetch `{name}`. Received: {text} Is there a network, "
            "a proxy to be named in HTTPS_PROXY, and room on the disk?"
        )
    raise RuntimeError(f"Expected TFDS to prepare `{name}`. Received: {text}")


def main(name, folder):
    """Prepares a dataset in this process.

    Args:
        name: String.
        folder: String.

    Returns:
        Integer, the exit code. Prints the dataset's folder, or what went wrong, as
        JSON on the last line.
    """
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    try:
        builder = tfds.builder(name, data_dir=folder)
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many kinds; the parent tells of it
        lost = isinstance(error, tfds.core.DatasetNotFoundError)
        print(json.dumps(f"{type(error).__name__}: {' '.join(str(error).split())}"))
        return NO_SUCH_DATASET if lost else _code(error)
    print(json.dumps(str(builder.data_path)))
    return 0


def _code(error):
    return NO_CONNECTION if isinstance(error, OSError) else 1


if __name__ == "__main__":
    # TFDS removes what is half done when an exception passes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main(*sys.argv[1:]))
