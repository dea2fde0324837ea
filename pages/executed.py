"""Lessons with all their outputs; what has not changed is not run again."""

import hashlib
import importlib.metadata
import pathlib
import sys
import time

import nbformat

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "executed"
sys.path.insert(0, str(ROOT / "notebooks"))

import build  # noqa: E402  (the folder has to be on the path first)


def fingerprint(notebook):
    """Says whether a notebook would give the same outputs again, machine apart.

    Args:
        notebook: `nbformat.NotebookNode`.

    Returns:
        String, the same for the same code, package, data and libraries.
    """
    digest = hashlib.sha256(sys.version.encode())
    for name in ("keras", "matplotlib", "numpy"):
        digest.update(importlib.metadata.version(name).encode())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            digest.update(cell.source.encode() + b"\0")
    package = sorted((ROOT / "tlcourse").rglob("*.*"))
    for path in [*package, ROOT / "data" / "SHA256SUMS"]:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def executed(path, cache=CACHE):
    """A notebook with the outputs of all its cells.

    Args:
        path: `pathlib.Path` of the notebook.
        cache: `pathlib.Path` of a folder for what has been run; one file for each
            notebook stays in it.

    Returns:
        `nbformat.NotebookNode`, the notebook as it is now, and the seconds that it
        took, 0 if its outputs were there already.

    Raises:
        BuildError: If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    kept = cache / f"{path.stem}-{fingerprint(notebook)}.ipynb"
    start = time.monotonic()
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        ran = build.run(path, notebook)
        for old in cache.glob(f"{path.stem}-*.ipynb"):
            old.unlink()
        build.write(kept, ran)
        _put_outputs(ran, notebook)
        return notebook, time.monotonic() - start
    _put_outputs(nbformat.read(kept, as_version=4), notebook)
    return notebook, 0


def _put_outputs(ran, notebook):
    """The text may have changed since; the code has not."""
    outputs = [cell.outputs for cell in ran.cells if cell.cell_type == "code"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, shown in zip(code, outputs, strict=True):
        cell.outputs = shown
