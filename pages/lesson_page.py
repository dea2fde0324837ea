"""A lesson with its outputs as the HTML of a page."""

import html
import itertools

import texts
from executed import build

WIDGET = "application/vnd.jupyter.widget-view+json"
STILL = (
    "A control panel, as it looks before anybody touches it. In JupyterLab it works."
)
UNSEEN = "Here is a control panel. In JupyterLab it works."


def body(notebook, reader):
    """The cells of a lesson; answers are closed until somebody opens them.

    Args:
        notebook: `nbformat.NotebookNode` with the solutions and all outputs.
        reader: `texts.Reader` of this page.

    Returns:
        String, HTML.

    Raises:
        ValueError: If a picture has no alternative text.
    """
    parts = []
    for is_answer, cells in itertools.groupby(notebook.cells, _is_answer):
        run = list(cells)
        if is_answer:
            parts.append(_exercise(run, reader))
        else:
            parts += [_cell(cell, reader) for cell in run]
    return "".join(parts)


def _is_answer(cell):
    return "solution" in build.tags(cell)


def _exercise(run, reader):
    """What the learner gets, and behind a click the answer with its outputs."""
    (given,) = build.without_solutions(run)
    answer = "".join(_code(cell, reader) for cell in run)
    return (
        f'<div class="cell">{texts.coloured(given.source)}</div>'
        f'<details class="answer"><summary>Show an answer</summary>{answer}</details>'
    )


def _cell(cell, reader):
    if cell.cell_type == "code":
        return _code(cell, reader)
    kind = "quiz" if build.QUIZ in build.tags(cell) else "text"
    return f'<div class="{kind}">{reader.html(cell.source)}</div>'


def _code(cell, reader):
    shown = "".join(output(out, reader) for out in _merged(cell.outputs))
    label = '<p class="unseen">Output:</p>' if shown else ""
    return f'<div class="cell">{texts.coloured(cell.source)}{label}{shown}</div>'


def _merged(outputs):
    """What a cell wrote in several pieces, in one."""
    for name, group in itertools.groupby(outputs, lambda out: out.get("name")):
        if name is None:
            yield from group
        else:
            text = "".join(out.text for out in group)
            yield {"output_type": "stream", "name": name, "text": text}


def output(out, reader):
    """One output of a cell.

    Args:
        out: dict, as nbformat has it.
        reader: `texts.Reader` of this page.

    Returns:
        String, HTML; empty if there is nothing to see.

    Raises:
        ValueError: If it is a picture without an alternative text.
    """
    if out["output_type"] == "stream":
        return _lines(out["text"])
    if out["output_type"] == "error":
        return _lines("\n".join(out["traceback"]))
    data, is_widget = out["data"], WIDGET in out["data"]
    note = f'<p class="note">{STILL if "text/html" in data else UNSEEN}</p>'
    if "text/html" in data:
        shown = f'<div class="paper">{reader.placed(data["text/html"])}</div>'
    else:
        shown = _without_html(data, out["metadata"], is_widget)
    return (note if is_widget else "") + shown


def _lines(text):
    text = texts.console(text)
    return f'<pre class="out">{text}</pre>' if text else ""


def _without_html(data, metadata, is_widget):
    if "image/png" in data:
        words = metadata.get("image/png", {}).get("alt")
        if not words:
            raise ValueError(
                "Expected pictures with words, as `tlcourse.start` gives them. "
                f"Received: {data.get('text/plain', 'a PNG')}"
            )
        source = f"data:image/png;base64,{data['image/png']}"
        return (
            f'<div class="paper"><img alt="{html.escape(words)}" src="{source}"></div>'
        )
    return "" if is_widget else _lines(data.get("text/plain", ""))
