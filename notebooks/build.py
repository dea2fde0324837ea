"""Makes the lessons and their solutions from notebooks/src.

    python notebooks/build.py             all lessons whose sources changed
    python notebooks/build.py 05 07       only these
    python notebooks/build.py --check     writes nothing: are they in step?
    python notebooks/build.py --execute-all

A source is py:percent. A cell tagged `solution` is whole in the solutions; in the
lesson `answer = ...` stands there, and its call of `check`. A cell tagged `quiz`
becomes choices that open. A cell tagged `nbval-check-output` keeps its
output, computed here on the glyphs track, and nbval compares it; every other
cell is stored without one. A lesson whose code has not changed keeps its outputs.
colab.py adds the lines for Colab.
"""

import argparse
import hashlib
import html
import os
import pathlib
import re
import sys
import tempfile

import jupytext
import nbformat

HERE = pathlib.Path(__file__).resolve().parent
COMPARED = "nbval-check-output"
QUIZ = "quiz"
PLACEHOLDER = "answer = ..."
CHECK_CALL = re.compile(r'^check\("(?s:.*)\Z', re.MULTILINE)
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


class BuildError(Exception):
    """Something that an author has to mend; the message says what."""


def tags(cell):
    """The tags of a cell, a list of strings."""
    return cell.metadata.get("tags", [])


def is_compared(cell):
    """Whether nbval compares the output of a cell."""
    return cell.cell_type == "code" and COMPARED in tags(cell)


def read_source(path):
    """Reads a py:percent source.

    Args:
        path: `pathlib.Path`.

    Returns:
        list of notebook cells with their tags, without ids and outputs.

    Raises:
        BuildError: If the file has no cells.
    """
    cells = jupytext.reads(path.read_text("utf-8"), fmt="py:percent").cells
    if not cells:
        raise BuildError(f"{path}: expected cells that begin with `# %%`, found none")
    return cells


def without_solutions(cells):
    """The cells as the learner gets them.

    Args:
        cells: list of cells.

    Returns:
        list of cells; each run of solution cells has become one placeholder,
        with the run's call of `check` and the tags of its last cell.
    """
    kept = []
    for before, cell in zip([None, *cells], cells, strict=False):
        if "solution" not in tags(cell):
            kept.append(cell)
        elif before is None or "solution" not in tags(before):
            kept.append(nbformat.v4.new_code_cell(PLACEHOLDER))
        if "solution" in tags(cell):
            _place_check(kept[-1], cell)
    return kept


def _place_check(placeholder, cell):
    call = CHECK_CALL.search(cell.source)
    placeholder.source = f"{PLACEHOLDER}\n\n{call[0]}" if call else PLACEHOLDER
    others = [tag for tag in tags(cell) if tag != "solution"]
    placeholder.metadata = {"tags": others} if others else {}


def solution_runs(cells):
    """The neighbouring solution cells of each exercise.

    Args:
        cells: list of cells.

    Returns:
        list of lists of cells.
    """
    runs = []
    for before, cell in zip([None, *cells], cells, strict=False):
        if "solution" in tags(cell):
            if before is None or "solution" not in tags(before):
                runs.append([])
            runs[-1].append(cell)
    return runs


def read_quiz(text):
    """Reads the questions of a quiz.

    Args:
        text: String of lines `? question`, `+ right | why`, `- wrong | why not`;
            a line that begins with two spaces goes on with the one before.

    Returns:
        list of pairs: a question, and its list of (right, choice, reason).

    Raises:
        BuildError: If a line is none of these.
    """
    questions = []
    joined = re.sub(r"\n {2,}", " ", text)
    for line in filter(None, map(str.strip, joined.splitlines())):
        mark, _, rest = line.partition(" ")
        choice, bar, reason = rest.partition(" | ")
        if mark == "?":
            questions.append((rest, []))
        elif mark in ("+", "-") and bar and questions:
            questions[-1][1].append((mark == "+", choice, reason))
        elif not line.startswith("#"):
            raise BuildError(
                "Expected in a quiz: `? question`, `+ right | why`, `- wrong | why "
                f"not`. Received: {line}"
            )
    return questions


def quiz(text):
    """A quiz as Markdown whose choices open: no JavaScript, no kernel.

    Args:
        text: String, see `read_quiz`.

    Returns:
        String.
    """
    parts = ["## Quiz\n\nOpen the answer that you would give."]
    for number, (question, choices) in enumerate(read_quiz(text), start=1):
        parts += ["<br>"] * (number > 1)
        parts.append(f"**{number}. {question}**")
        parts += [
            f"<details><summary>{as_html(choice)}</summary>"
            f"{'Right.' if right else 'No.'} {as_html(reason)}</details>"
            for right, choice, reason in choices
        ]
    return "\n\n".join(parts)


def as_html(text):
    """Plain text with `code` in it as HTML.

    Args:
        text: String.

    Returns:
        String, HTML.
    """
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def assemble(name, cells):
    """Makes a notebook without outputs; the same cells give the same bytes.

    Args:
        name: String that tells this notebook from all others, for the ids.
        cells: list of cells.

    Returns:
        `nbformat.NotebookNode`, format 4.5.
    """
    made = [_fresh_cell(name, place, cell) for place, cell in enumerate(cells)]
    notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
    notebook.nbformat_minor = 5
    return notebook


def _fresh_cell(name, place, cell):
    digest = hashlib.sha256(f"{name}\n{place}\n{cell.source}".encode()).hexdigest()
    is_code = cell.cell_type == "code"
    make = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
    metadata = {"tags": list(tags(cell))} if tags(cell) else {}
    source = quiz(cell.source) if QUIZ in tags(cell) else cell.source
    return make(source, id=digest[:12], metadata=metadata)


def wanted(source):
    """What a source should give.

    Args:
        source: `pathlib.Path` of notebooks/src/NN_name.py.

    Returns:
        dict, `pathlib.Path` of each notebook to the notebook without outputs.
    """
    import colab

    root = source.parent.parent
    lesson, solved = f"{source.stem}.ipynb", f"solutions/{source.stem}.ipynb"
    made = {lesson: without_solutions(read_source(source)), solved: read_source(source)}
    for file, cells in made.items():
        colab.stamp(cells, file, colab.read(root))
    return {root / file: assemble(file, cells) for file, cells in made.items()}


def problems(path, expected):
    """Compares a stored notebook with what its source gives, outputs apart.

    Args:
        path: `pathlib.Path` of the stored notebook.
        expected: notebook without outputs, from `wanted`.

    Returns:
        list of strings, empty if the notebook is in step.
    """
    if not path.is_file():
        return [f"{path}: not there"]
    stored = nbformat.read(path, as_version=4)
    found = _output_problems(stored)
    if nbformat.writes(_blank(stored)) != nbformat.writes(expected):
        found.insert(0, _first_difference(stored, expected))
    return [f"{path}: {problem}" for problem in found]


def _output_problems(notebook):
    found = []
    for place, cell in enumerate(notebook.cells):
        has_output = bool(cell.get("outputs") or cell.get("execution_count"))
        if is_compared(cell) and not (cell.outputs and cell.execution_count):
            found.append(f"cell {place} is compared and has no stored output")
        elif has_output and not is_compared(cell):
            found.append(f"cell {place} stores an output and is not compared")
    return found


def _blank(notebook):
    blank = nbformat.from_dict(notebook)
    for cell in blank.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return blank


def _first_difference(stored, expected):
    pairs = enumerate(zip(stored.cells, expected.cells, strict=False))
    for place, (here, there) in pairs:
        if here.source != there.source:
            return f"cell {place} differs from its source:\n{here.source}"
        if here.get("id") != there.id or here.metadata != there.metadata:
            return f"cell {place} has another id or other tags than its source"
    if len(stored.cells) != len(expected.cells):
        return f"{len(stored.cells)} cells; the source has {len(expected.cells)}"
    return "its metadata or format differ from what is generated"


def check(sources):
    """Looks for notebooks that are out of step with their sources.

    Args:
        sources: list of `pathlib.Path`, all the sources of one folder.

    Returns:
        list of strings, empty if every notebook is in step.
    """
    notebooks = [pair for source in sources for pair in wanted(source).items()]
    found = [line for pair in notebooks for line in problems(*pair)]
    names = {path for path, _ in notebooks}
    for root in {source.parent.parent for source in sources}:
        strays = {*root.glob("*.ipynb"), *root.glob("solutions/*.ipynb")} - names
        found += [f"{path}: has no source in src" for path in sorted(strays)]
    return found


def run(path, notebook):
    """Runs a notebook on the glyphs track.

    Args:
        path: `pathlib.Path` of where the notebook lies, or will lie.
        notebook: `nbformat.NotebookNode`; stays as it is.

    Returns:
        `nbformat.NotebookNode`, the same with all outputs.

    Raises:
        BuildError: If a cell fails.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    ran = nbformat.from_dict(notebook)
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        ran,
        timeout=600,
        resources=resources,
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


def keep_outputs(path, notebook):
    """Takes over the stored outputs, if the code that gave them is the same.

    Args:
        path: `pathlib.Path` of the stored notebook.
        notebook: notebook from `wanted`; its compared cells get their outputs.

    Returns:
        Bool, whether it did.
    """
    if not path.is_file():
        return False
    stored = nbformat.read(path, as_version=4)
    if _output_problems(stored) or _program(stored) != _program(notebook):
        return False
    for here, there in zip(stored.cells, notebook.cells, strict=True):
        if is_compared(there):
            there.outputs, there.execution_count = here.outputs, here.execution_count
    return True


def _program(notebook):
    """What the outputs depend on: the code, where it stands, and what is compared."""
    import colab

    return [
        (colab.without_stamp(cell.source), is_compared(cell))
        if cell.cell_type == "code"
        else None
        for cell in notebook.cells
    ]


def execute(path, notebook):
    """Runs a notebook and keeps the compared outputs.

    Args:
        path: `pathlib.Path` of where the notebook will lie.
        notebook: notebook from `wanted`; its compared cells get their outputs.

    Raises:
        BuildError: If a cell fails, or a compared cell shows no text.
    """
    ran = run(path, notebook)
    for place, cell in enumerate(notebook.cells):
        if is_compared(cell):
            cell.outputs = _text_outputs(path, place, ran.cells[place])
            cell.execution_count = place + 1  # nbval skips a cell without one


def _text_outputs(path, place, cell):
    outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    if not outputs or any("image/png" in out.get("data", {}) for out in outputs):
        raise BuildError(
            f"{path}: cell {place} is tagged {COMPARED}; expected an output of "
            f"text only. Received: {len(outputs)} outputs from\n{cell.source}"
        )
    for out in outputs:
        if out.output_type == "execute_result":
            out.execution_count = place + 1
    return outputs


def write(path, notebook):
    """Writes a notebook, whole or not at all.

    Args:
        path: `pathlib.Path`; in a folder that exists.
        notebook: `nbformat.NotebookNode`.
    """
    nbformat.validate(notebook)
    write_text(path, nbformat.writes(notebook) + "\n")


def write_text(path, text):
    """Writes a file, whole or not at all.

    Args:
        path: `pathlib.Path`; in a folder that exists.
        text: String.
    """
    partial = path.with_suffix(".partial")
    partial.write_text(text, "utf-8", newline="\n")
    partial.replace(path)


def build(source, always=False):
    """Writes the notebooks of a source that are out of step with it.

    Args:
        source: `pathlib.Path`.
        always: Bool; also those in step, with their outputs computed anew.

    Raises:
        BuildError: See `read_source` and `execute`.
    """
    for path, notebook in wanted(source).items():
        if not always and not problems(path, notebook):
            print(f"{path.name}: in step")
            continue
        path.parent.mkdir(exist_ok=True)  # the kernel starts in it
        kept = not always and keep_outputs(path, notebook)
        if not kept and any(is_compared(cell) for cell in notebook.cells):
            execute(path, notebook)
        write(path, notebook)
        print(f"{path.parent.name}/{path.name}: written")


def _choose(folder, numbers):
    chosen = sorted((folder / "src").glob("[0-9][0-9]_*.py"))
    known = {source.name[:2] for source in chosen}
    unknown = [number for number in numbers if number not in known]
    if unknown or not chosen:
        raise BuildError(
            f"Expected numbers of lessons in {folder / 'src'}: "
            f"{', '.join(sorted(known)) or 'there are none'}. Received: {unknown}"
        )
    return [source for source in chosen if not numbers or source.name[:2] in numbers]


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers such as 05")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--execute-all", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE)
    options = parser.parse_args(arguments)
    sources = _choose(options.folder.resolve(), options.lessons)
    every = _choose(options.folder.resolve(), [])
    ours = options.folder.resolve() == HERE
    import course

    if not options.check:
        if ours:
            for path, text in course.stale(every).items():
                write_text(path, text)
        for source in sources:
            build(source, options.execute_all)
        return
    found = check(every)
    if ours:
        found += [f"{path}: out of step" for path in course.stale(every)]
    if found:
        raise BuildError("\n".join([*found, "`make notebooks` brings them in step."]))
    print(f"{len(sources)} lessons and their solutions are in step with src")


if __name__ == "__main__":
    import build as module  # one BuildError, also for course.py

    try:
        module.main()
    except module.BuildError as error:
        sys.exit(str(error))
