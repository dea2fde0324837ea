"""On your own: what a learner copies needs nothing of the course."""

import pathlib
import re
import subprocess
import sys

import pytest

import cells

SOURCES = sorted(pathlib.Path(cells.__file__).parent.glob("src/[0-9][0-9]_*.py"))
# What would not be printed if nothing had been done.
SHOWN = {
    "03": r"from the file: .* 0%.*\nwithout it: .* [1-9]\d+%",
    "05": "base untouched: True\nhead moved: True",
    "07": r"true labels: (9\d|100)%",
    "08": r"Conv2D: [1-9]\d* of \d+ layers moved\nBatchNormalization: 0 of",
    "10": r"new images: (1.00|0.9\d), by guessing: 0.33",
    "12": "2 arrays should move, 2 did",
}
# In one process, as Keras takes seconds to import; each cell has names of its own.
RUN = """
import sys, time

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tlcourse":
            raise ImportError("a cell On your own wants tlcourse")

sys.meta_path.insert(0, Refuse())
import keras
for path in sys.argv[1:]:
    start = time.perf_counter()
    print(f"--- {path}", flush=True)
    keras.utils.set_random_seed(0)  # the scripts draw; a test needs no luck
    exec(compile(open(path).read(), path, "exec"), {"__name__": "__main__"})
    print(f"--- {time.perf_counter() - start:.1f} s", flush=True)
"""


def own_cells():
    """dict, the name of a lesson to its cell On your own."""
    found = {}
    for source in SOURCES:
        for cell in cells.read_source(source):
            if cells.OWN in cells.tags(cell):
                found[source.stem] = cell.source
    return found


def run(scripts, folder):
    """The process that has run scripts, a dict, in a folder of their own."""
    paths = []
    for name, code in scripts.items():
        paths.append(folder / f"{name}.py")
        paths[-1].write_text(code, "utf-8")
    command = [sys.executable, "-W", "ignore", "-c", RUN, *map(str, paths)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_every_script_brings_all_that_it_names(tmp_path):
    """Quick; nbval runs it in its lesson, the next test where there is no course."""
    scripts = own_cells()
    assert len(scripts) == 14
    for name, code in scripts.items():
        (tmp_path / f"{name}.py").write_text(code, "utf-8")
        assert "tlcourse" not in code and "print(" in code, name
    command = f"{sys.executable} -m ruff check --isolated --select F821,F401".split()
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_every_script_runs_without_the_course_and_prints_a_result(tmp_path):
    scripts = own_cells()
    done = run(scripts, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = done.stdout.split("--- ")[1::2]
    for name, part in zip(scripts, printed, strict=True):
        assert len(part.splitlines()) > 1, f"{part} prints nothing"
        assert re.search(SHOWN.get(name[:2], ""), part), part


def test_a_script_that_wants_the_course_is_found_out(tmp_path):
    done = run({"bad": "import tlcourse.data"}, tmp_path)
    assert done.returncode == 1 and "wants tlcourse" in done.stderr
