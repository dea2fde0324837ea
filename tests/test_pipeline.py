"""From a source to a lesson, its solution, and what nbval compares."""

import os
import pathlib
import shutil
import subprocess
import sys

import nbformat
import pytest

import build
import cells
import course
import outputs

SOURCE = """# %% [markdown]
# # 01 · A test

# %% tags=["nbval-check-output"]
1 + 1

# %%
print("not compared")

# %% tags=["solution"]
answer, check = 3, print

# %% tags=["solution", "nbval-check-output"]
check("1.1", answer)

# %% tags=["nbval-check-output", "any-track"]
isinstance(answer, int)
"""
NOTEBOOKS = pathlib.Path(build.__file__).parent
SOURCES = sorted((NOTEBOOKS / "src").glob("*.py"))
SOLUTION = "solutions/01_test.ipynb"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with one source, built."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "src").mkdir()
    (folder / "src" / "01_test.py").write_text(SOURCE)
    shutil.copy(NOTEBOOKS / "conftest.py", folder)
    build.main(["--folder", str(folder)])
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy of it that a test may spoil."""
    return pathlib.Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.fixture
def never_run(monkeypatch):
    """No notebook may be run."""

    def refuse(path, notebook):
        raise AssertionError(f"{path} was run")

    monkeypatch.setattr(outputs, "run", refuse)


def read(path):
    return nbformat.read(path, as_version=4)


def outputs_in(path):
    return [cell.get("outputs") or None for cell in read(path).cells]


def bytes_in(folder):
    return [path.read_bytes() for path in sorted(folder.rglob("*.ipynb"))]


def edit(folder, old, new):
    assert old in SOURCE
    (folder / "src" / "01_test.py").write_text(SOURCE.replace(old, new))


def main(folder, *flags):
    build.main([*flags, "--folder", str(folder)])


def passes_nbval(path, track="glyphs"):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(path.parent.parent), "--nbval-lax", str(path)]
    environment = {**os.environ, "TLCOURSE_TRACK": track}
    ended = subprocess.run(
        [*command, "--nbval-current-env"], env=environment, capture_output=True
    )
    assert ended.returncode in (0, 1), ended.stdout
    return not ended.returncode


def spoil(path, place, new):
    notebook = read(path)
    assert notebook.cells[place].outputs[0].data["text/plain"] != new
    notebook.cells[place].outputs[0].data["text/plain"] = new
    nbformat.write(notebook, path)


def test_a_lesson_asks_and_its_solution_answers(folder):
    lesson, solution = read(folder / "01_test.ipynb"), read(folder / SOLUTION)
    assert lesson.cells[3].source == 'answer = ...\n\ncheck("1.1", answer)'
    assert solution.cells[4].source == 'check("1.1", answer)'
    assert [cells.tags(cell) for cell in lesson.cells] == [[]] * 5
    assert cells.tags(solution.cells[4]) == ["solution", "nbval-check-output"]


def test_only_compared_cells_of_the_solution_keep_their_output(folder):
    kept = [place for place, out in enumerate(outputs_in(folder / SOLUTION)) if out]
    assert kept == [1, 4, 5]
    for cell in read(folder / "01_test.ipynb").cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_building_again_gives_the_same_bytes(folder):
    main(folder, "--check")
    before = bytes_in(folder)
    main(folder, "--execute-all")
    assert bytes_in(folder) == before


def test_an_edited_text_keeps_the_outputs_and_nothing_is_run(folder, never_run):
    before = outputs_in(folder / SOLUTION)
    edit(folder, "A test", "Another test")
    main(folder)
    assert outputs_in(folder / SOLUTION) == before
    main(folder, "--check")


def test_edited_code_keeps_outputs_only_if_asked_to(folder, never_run):
    old = [out for out in outputs_in(folder / SOLUTION) if out]
    edit(folder, "# %%\nprint(", '# %% [markdown]\n# More.\n\n# %%\nx = 1\nprint("",')
    before = bytes_in(folder)
    with pytest.raises(AssertionError, match="was run"):
        main(folder)
    assert bytes_in(folder) == before
    main(folder, "--keep-outputs")
    kept = [cell for cell in read(folder / SOLUTION).cells if cell.get("outputs")]
    assert [cell.execution_count for cell in kept] == [2, 6, 7]
    assert [cell.outputs[0].get("data") for cell in kept] == [
        out[0].get("data") for out in old
    ]
    main(folder, "--check")
    edit(folder, '# %%\nprint("not', '# %% tags=["nbval-check-output"]\nprint("not')
    with pytest.raises(AssertionError, match="was run"):  # four are compared now
        main(folder, "--keep-outputs")


def test_what_is_out_of_step_is_noticed(folder):
    def told():
        with pytest.raises(cells.BuildError) as error:
            main(folder, "--check")
        return str(error.value)

    lesson = folder / "01_test.ipynb"
    edit(folder, "1 + 1", "1 + 2")
    assert "cell 1 differs from its source" in told()
    edit(folder, "1 + 1", "1 + 1")
    lesson.write_text(lesson.read_text().replace("A test", "Another test"))
    assert "cell 0 differs from its source" in told()
    shutil.copy(folder / SOLUTION, lesson)
    assert "cell 0 has another id" in told()
    main(folder)
    notebook = read(lesson)
    notebook.cells[1].execution_count = 2
    nbformat.write(notebook, lesson)
    assert "cell 1 stores an output" in told()
    shutil.copy(lesson, folder / "02_stray.ipynb")
    assert "02_stray.ipynb: has no source" in told()


def test_a_failing_cell_leaves_the_old_notebooks(folder):
    before = bytes_in(folder)
    edit(folder, "1 + 1", "1 / 0")
    with pytest.raises(cells.BuildError, match="ZeroDivisionError"):
        main(folder)
    assert bytes_in(folder) == before


def test_nbval_compares_solutions_and_on_another_track_what_holds_on_any(folder):
    assert passes_nbval(folder / SOLUTION)
    spoil(folder / SOLUTION, 1, "3")
    assert not passes_nbval(folder / SOLUTION)
    assert passes_nbval(folder / SOLUTION, "flowers")
    spoil(folder / SOLUTION, 5, "False")
    assert not passes_nbval(folder / SOLUTION, "flowers")


def test_nbval_runs_lessons(folder):
    edit(folder, 'print("not compared")', "1 / 0")
    main(folder, "--keep-outputs")
    assert not passes_nbval(folder / "01_test.ipynb")


def test_every_solution_has_two_compared_cells_or_more():
    for source in SOURCES:
        compared = sum(map(cells.is_compared, cells.read_source(source)))
        assert compared >= 2, source


QUIZ = """## Quiz

? What is `1 < 2`
  in Python?
+ `True` | It compares.
- Nothing | It is an expression.
"""


def test_a_quiz_becomes_choices_that_open():
    shown = cells.quiz(QUIZ)
    assert "**1. What is `1 < 2` in Python?**" in shown
    assert "<details><summary><code>True</code></summary>Right. It" in shown
    assert "<summary>Nothing</summary>No. It is an expression.</details>" in shown
    for line in ("+ right without a reason", "* what"):
        with pytest.raises(cells.BuildError, match="Expected in a quiz"):
            cells.read_quiz(f"? Question\n{line}")


def test_the_course_map_is_collected_from_the_headers(tmp_path):
    source = tmp_path / "03_test.py"
    header = "# # 03 · A test\n#\n# **You will be able to** do\n# it.\n#\n"
    minutes = "# 5 minutes, and 7 for the exercises · builds on lesson 02 · a CPU\n"
    solution = '# %% tags=["solution"]\nanswer = 3\n\ncheck("3.1", answer)\n'
    source.write_text(f"# %% [markdown]\n{header}{minutes}\n{solution}")
    entry = course.describe(source)
    assert entry["exercises"] == {"3.1": "answer = 3"}
    row = course.table([entry]).splitlines()[-1]
    assert "| do it | 5 + 7 | lesson 02 |" in row
    source.write_text("# %% [markdown]\n# # 03 · A test\n")
    with pytest.raises(cells.BuildError, match="expected a header"):
        course.describe(source)


def test_readme_and_the_list_of_lessons_are_in_step():
    assert course.stale(SOURCES) == {}
