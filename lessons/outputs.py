"""Outputs of notebooks: computed with nbclient, or taken over from what is stored."""

import os
import re
import tempfile

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import colab
from cells import COMPARED, BuildError, is_compared


def misplaced(notebook):
    """Compared cells without an output, and outputs of other cells, as strings."""
    found = []
    for place, cell in enumerate(notebook.cells):
        has_output = bool(cell.get("outputs") or cell.get("execution_count"))
        if is_compared(cell) and not (cell.outputs and cell.execution_count):
            found.append(f"cell {place} is compared and has no stored output")
        elif has_output and not is_compared(cell):
            found.append(f"cell {place} stores an output and is not compared")
    return found


def run(path, notebook):
    """A copy of a notebook with all its outputs, run by nbclient on the glyphs track.

    It runs in the folder of `path`, with an empty home for the learner's progress.
    Raises `BuildError` if a cell fails.
    """
    ran = nbformat.from_dict(notebook)
    client = NotebookClient(
        ran,
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # not that it uses TCP
    )
    try:
        with tempfile.TemporaryDirectory() as home:  # the author's progress is not ours
            ours = {"TLCOURSE_TRACK": "glyphs", "TLCOURSE_HOME": home}
            client.execute(env={**os.environ, **ours})
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        raise BuildError(f"{path}: a cell failed.\n{plain}") from None
    return ran


def keep_outputs(path, notebook, although_changed=False):
    """Takes over the stored outputs of the compared cells; returns whether it could.

    It can if the code is the same, or, with `although_changed`, if as many cells are
    compared as before.
    """
    if not path.is_file():
        return False
    stored = nbformat.read(path, as_version=4)
    outputs = [cell.outputs for cell in stored.cells if is_compared(cell)]
    if although_changed:
        alike = len(outputs) == sum(map(is_compared, notebook.cells))
    else:
        alike = _program(stored) == _program(notebook)
    if not alike or misplaced(stored):
        return False
    _store(notebook, outputs)
    return True


def _program(notebook):
    """What the outputs depend on: the code, where it stands, and what is compared."""
    return [
        (colab.without_stamp(cell.source), is_compared(cell))
        if cell.cell_type == "code"
        else None
        for cell in notebook.cells
    ]


def _store(notebook, outputs):
    """Puts outputs into the compared cells; nbval skips a cell without a count."""
    compared = [c for c in enumerate(notebook.cells, start=1) if is_compared(c[1])]
    for (count, cell), shown in zip(compared, outputs, strict=True):
        cell.outputs, cell.execution_count = shown, count
        for out in shown:
            if out.output_type == "execute_result":
                out.execution_count = count


def execute(path, notebook):
    """Runs a notebook and keeps the outputs of its compared cells."""
    ran = enumerate(run(path, notebook).cells)
    _store(notebook, [_text_of(path, *cell) for cell in ran if is_compared(cell[1])])


def _text_of(path, place, cell):
    outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    if not outputs or any("image/png" in out.get("data", {}) for out in outputs):
        raise BuildError(
            f"{path}: cell {place} is tagged {COMPARED}; expected an output of "
            f"text only. Received: {len(outputs)} outputs from\n{cell.source}"
        )
    return outputs
