"""Makes the lessons and their solutions from lessons/src.

    python lessons/build.py             all lessons whose sources changed
    python lessons/build.py 05 07       only these
    python lessons/build.py --check     writes nothing: are they in step?
    python lessons/build.py --keep-outputs
    python lessons/build.py --execute-all

A source is py:percent. A cell tagged `solution` stays as it is in the solutions; in
the lesson `answer = ...` stands there, and its call of `check`. A cell tagged `quiz`
becomes choices that open, and what stands after `**Observe.**` a text that opens.
A cell tagged `own` needs nothing of the course; the tests run it alone. A cell tagged
`claim` asserts what the text says of the cell before it: nbval runs it, and it is in no
notebook. colab.py adds the lines for Colab.

A lesson is stored without outputs, which would answer its predictions, and is never
run here. In the solutions a cell tagged `nbval-check-output` keeps its output,
computed here on the glyphs track, and nbval compares it. Solutions whose code has
not changed keep their outputs; the others are run.

`--keep-outputs` takes over the stored outputs although the code has changed: the
first compared cell gets what the first one had, and so on. Use it after a change
that leaves outputs as they are, such as a renamed function, and let nbval verify
them afterwards. Solutions with more or fewer compared cells than before are run.
"""

import argparse
import hashlib
import pathlib
import sys

import nbformat

import colab
import course
from cells import (
    QUIZ,
    BuildError,
    as_lesson,
    fold,
    is_compared,
    quiz,
    read_source,
    tags,
    write_text,
)
from outputs import execute, keep_outputs, misplaced

HERE = pathlib.Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def assemble(name, cells):
    """Makes a notebook without outputs; the same name and cells give the same bytes."""
    made = [_fresh_cell(name, place, cell) for place, cell in enumerate(cells)]
    notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
    notebook.nbformat_minor = 5
    return notebook


def _fresh_cell(name, place, cell):
    digest = hashlib.sha256(f"{name}\n{place}\n{cell.source}".encode()).hexdigest()
    is_code = cell.cell_type == "code"
    make = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
    metadata = {"tags": list(tags(cell))} if tags(cell) else {}
    source = cell.source
    if not is_code:
        source = quiz(source) if QUIZ in tags(cell) else fold(source)
    return make(source, id=digest[:12], metadata=metadata)


def place_of(source):
    """Where the notebook of a source goes: `notebooks`, beside `lessons`."""
    return source.parent.parent.parent / "notebooks"


def wanted(source):
    """What a source should give: dict, path of each notebook to the notebook."""
    root, cells = place_of(source), read_source(source)
    lesson, solved = f"{source.stem}.ipynb", f"solutions/{source.stem}.ipynb"
    made = {solved: cells, lesson: as_lesson(cells)}  # if a run fails, none is written
    for file, its_cells in made.items():
        colab.stamp(its_cells, file, colab.read(source.parent.parent))
    return {root / file: assemble(file, its_cells) for file, its_cells in made.items()}


def problems(path, expected):
    """What differs in a stored notebook from `expected`, outputs apart: strings."""
    if not path.is_file():
        return [f"{path}: not there"]
    stored = nbformat.read(path, as_version=4)
    found = misplaced(stored)
    if nbformat.writes(_blank(stored)) != nbformat.writes(expected):
        found.insert(0, _first_difference(stored, expected))
    return [f"{path}: {problem}" for problem in found]


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
    """What is out of step in a folder, given all its sources: a list of strings."""
    notebooks = [pair for source in sources for pair in wanted(source).items()]
    found = [line for pair in notebooks for line in problems(*pair)]
    names = {path for path, _ in notebooks}
    for root in {place_of(source) for source in sources}:
        strays = {*root.glob("*.ipynb"), *root.glob("solutions/*.ipynb")} - names
        found += [f"{path}: has no source in src" for path in sorted(strays)]
    return found


def write(path, notebook):
    """Writes a valid notebook, completely or not at all."""
    nbformat.validate(notebook)
    write_text(path, nbformat.writes(notebook) + "\n")


def build(source, execute_all=False, although_changed=False):
    """Writes the notebooks of a source that are out of step with it."""
    for path, notebook in wanted(source).items():
        if not execute_all and not problems(path, notebook):
            print(f"{path.name}: in step")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)  # the kernel starts in it
        if any(map(is_compared, notebook.cells)) and (
            execute_all or not keep_outputs(path, notebook, although_changed)
        ):
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
    parser.add_argument("--keep-outputs", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE)
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    sources, every = _choose(folder, options.lessons), _choose(folder, [])
    stale = course.stale(every) if folder == HERE else {}
    if options.check:
        _refuse(check(every) + [f"{path}: out of step" for path in stale])
        print(f"{len(every)} lessons and their solutions are in step with src")
        return
    for path, text in stale.items():
        write_text(path, text)
    for source in sources:
        build(source, options.execute_all, options.keep_outputs)


def _refuse(found):
    if found:
        raise BuildError("\n".join([*found, "`make notebooks` brings them in step."]))


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(str(error))
