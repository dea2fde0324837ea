"""Measures the house: prints the table of the floor plan.

    python tests/house.py
"""

import ast
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tlcourse"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
PRIVATE = re.compile(
    r"keras\.src|from keras import src"
    r"|\b_(functional|nodes_by_depth|flatten_layers|seed_generators|keras_mask"
    r"|non_trainable_variables|call_has_training_arg|inbound_nodes|tracker)\b"
)


def modules():
    """Paths of the package's modules."""
    return sorted(PACKAGE.rglob("*.py"))


def lines(path):
    """Number of lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def docstring_lines(path):
    """Number of lines that docstrings take in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    firsts = [node.body[0] for node in documented if ast.get_docstring(node)]
    return sum(first.end_lineno - first.lineno + 1 for first in firsts)


def room(name):
    """The room that a module of the package is in."""
    return name.split(".")[1] if "." in name else "__init__"


def arrows():
    """Which room imports which: dict, a pair of rooms to the number of imports."""
    import grimp

    graph = grimp.build_graph("tlcourse", cache_dir=None)
    found = collections.Counter()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            found[room(module), room(other)] += room(module) != room(other)
    return {pair: number for pair, number in found.items() if number}


def floors(pairs):
    """Rooms in the longest chain of imports, the package's own two files aside."""
    below = collections.defaultdict(set)
    for upper, lower in pairs:
        if not upper.startswith("__"):
            below[upper].add(lower)

    def height(name):
        return 1 + max(map(height, below[name]), default=0)

    return max(map(height, list(below)))


def collected():
    """Number of tests that pytest finds, notebooks aside."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    return int(re.search(r"(\d+)(?:/\d+)? tests collected", shown)[1])


def table():
    """Rows of the floor plan: what, before, wanted, and a function for now."""
    pairs = arrows()
    tests = sorted((ROOT / "tests").rglob("*.py"))
    private = [path for path in modules() if PRIVATE.search(path.read_text("utf-8"))]
    entries = [p for p in PACKAGE.iterdir() if p.name != "__pycache__"]
    return [
        ("entries at the top of tlcourse/", "65", "at most 14", len(entries)),
        ("floors", "11", "at most 6", floors(pairs)),
        ("arrows between rooms", "197", "at most 70", len(pairs)),
        ("lines", "13,400", "at most 9,500", sum(map(lines, modules()))),
        (
            "lines of docstring",
            "3,800",
            "at most 2,000",
            sum(map(docstring_lines, modules())),
        ),
        (
            "modules over 250 lines",
            "12",
            "0",
            sum(lines(path) > 250 for path in modules()),
        ),
        ("modules with private names of Keras", "several", "0", len(private)),
        ("tests: lines", "10,800", "at most 8,000", sum(map(lines, tests))),
        ("tests: collected", "2,011", "", collected()),
    ]


def main():
    """Prints the table."""
    for row in table():
        print("{:36} {:>8} {:>14} {:>8,}".format(*row))


if __name__ == "__main__":
    main()
