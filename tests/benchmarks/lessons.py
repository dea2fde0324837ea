"""How long the lessons take and how much memory they need: a table.

    make bench                                     every lesson
    python tests/benchmarks/lessons.py 05 07       only these

Each lesson runs alone in a fresh kernel. Limits of the course on two cores and
the glyphs track: 90 s a lesson, 60 s a cell, 1,500 MB a kernel. Machines are
noisy, so this is no test: it marks what is over and leaves the judging to you.
"""

import argparse
import os
import pathlib
import threading
import time

import nbformat
import psutil
from nbclient import NotebookClient

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[2] / "notebooks"
LIMITS = {"total s": 90, "slowest s": 60, "peak MB": 1500}


class MemoryWatch(threading.Thread):
    """Remembers the most memory that a process had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.process, self.peak, self.running = psutil.Process(pid), 0, True

    def run(self):
        while self.running:
            try:
                self.peak = max(self.peak, self.process.memory_info().rss)
            except psutil.NoSuchProcess:
                return
            time.sleep(0.2)


def measure(path, verbose=False):
    """Runs one notebook: dict with the keys of `LIMITS`; `verbose` shows slow cells."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, resources={"metadata": {"path": path.parent}})
    seconds = []
    with client.setup_kernel():
        watch = MemoryWatch(client.km.provisioner.pid)
        watch.start()
        for place, cell in enumerate(notebook.cells):
            start = time.perf_counter()
            client.execute_cell(cell, place)
            seconds.append(time.perf_counter() - start)
            if verbose and seconds[-1] > 1:
                print(f"  {seconds[-1]:5.1f} s  {cell.source.splitlines()[-1]}")
        watch.running = False
    figures = (sum(seconds), max(seconds), watch.peak / 1e6)
    return dict(zip(LIMITS, figures, strict=True))


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers such as 05")
    parser.add_argument("--solutions", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="the slow cells too")
    options = parser.parse_args()
    os.environ.setdefault("TLCOURSE_TRACK", "glyphs")
    folder = NOTEBOOKS / "solutions" if options.solutions else NOTEBOOKS
    print(f"{'lesson':32}" + "".join(f"{name:>12}" for name in LIMITS))
    total = 0.0
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        if options.lessons and path.name[:2] not in options.lessons:
            continue
        figures = measure(path, options.verbose)
        total += figures["total s"]
        over = [name for name, limit in LIMITS.items() if figures[name] > limit]
        row = "".join(f"{value:12.1f}" for value in figures.values())
        print(f"{path.stem:32}{row}  {'over: ' * bool(over)}{', '.join(over)}")
    print(f"{'together':32}{total:12.1f}")


if __name__ == "__main__":
    main()
