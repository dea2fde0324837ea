"""What nbval compares, on which track, and what it asserts besides."""

import functools
import os
import pathlib
import sys
import tempfile
from collections import defaultdict

import nbformat
import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "lessons"))
from cells import read_claims  # noqa: E402

os.environ.setdefault("TLCOURSE_TRACK", "glyphs")
HOME = tempfile.TemporaryDirectory()  # checks passed here are not the user's
os.environ["TLCOURSE_HOME"] = HOME.name


@pytest.hookimpl
def pytest_collectstart(collector):
    """Leaves stderr out of the comparison: logs go there."""
    if collector.name.endswith(".ipynb"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    """Outputs are stored for glyphs; elsewhere only `any-track` is compared."""
    items[:] = [each for item in items for each in (item, *claims_after(item))]
    if os.environ["TLCOURSE_TRACK"] == "glyphs":
        return
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and "any-track" not in cell.metadata.get("tags", []):
            item.options["check"] = False


def claims_after(item):
    """What the source of a notebook asserts after a cell: none or one cell more."""
    claims = claims_of(item.path) if hasattr(item, "cell") else {}
    if claims and item.cell_num in claims:
        claim = nbformat.v4.new_code_cell(claims[item.cell_num])
        more = {"cell": claim, "cell_num": item.cell_num, "options": defaultdict(bool)}
        name = f"{item.name}, what the text says"
        yield type(item).from_parent(item.parent, name=name, **more)


@functools.cache
def claims_of(path):
    """The claims of a notebook, read from the source beside it."""
    solved = path.parent.name == "solutions"
    root = path.parents[2 if solved else 1]
    source = root / "lessons" / "src" / f"{path.stem}.py"
    return read_claims(source, solved) if source.is_file() else {}
