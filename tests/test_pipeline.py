"""From a source to a lesson, its solution, and what nbval compares."""

import os
import pathlib
import shutil
import subprocess
import sys

import nbformat
import pytest

import build
import course

SOURCE = """# %% [markdown]
# # 01 · A test

# %% tags=["nbval-check-output"]
1 + 1

# %%
print("not compared")

# %% tags=["solution"]
answer = 3
answer

# %% tags=["nbval-check-output", "any-track"]
isinstance(answer, int) or answer is ...
"""
NOTEBOOKS = pathlib.Path(build.__file__).parent
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


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


def check(folder):
    build.main(["--check", "--folder", str(folder)])


def nbval(path, track="glyphs"):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(path.parent), "--nbval-lax", "--nbval-current-env"]
    environment = {**os.environ, "TLCOURSE_TRACK": track}
    return subprocess.run(
        [*command, str(path)], env=environment, capture_output=True, text=True
    )


def spoil(path, place, old, new):
    notebook = nbformat.read(path, as_version=4)
    cell = notebook.cells[place]
    cell.outputs[0].data["text/plain"] = new
    assert old != new
    nbformat.write(notebook, path)


def test_the_lesson_asks_and_the_solution_answers(folder):
    lesson = nbformat.read(folder / "01_test.ipynb", as_version=4)
    solution = nbformat.read(folder / "solutions" / "01_test.ipynb", as_version=4)
    assert lesson.cells[3].source == "answer = ..."
    assert solution.cells[3].source == "answer = 3\nanswer"


def test_only_compared_cells_keep_their_output(folder):
    lesson = nbformat.read(folder / "01_test.ipynb", as_version=4)
    stored = [bool(cell.get("outputs")) for cell in lesson.cells]
    assert stored == [False, True, False, False, True]


def test_building_again_gives_the_same_bytes(folder):
    path = folder / "01_test.ipynb"
    before = path.read_bytes()
    build.main(["--execute-all", "--folder", str(folder)])
    assert path.read_bytes() == before


def test_a_fresh_build_is_in_step(folder):
    check(folder)


def test_an_edited_source_is_noticed(folder):
    source = folder / "src" / "01_test.py"
    source.write_text(SOURCE.replace("1 + 1", "1 + 2"))
    with pytest.raises(build.BuildError, match="cell 1 differs"):
        check(folder)


def test_an_edited_notebook_is_noticed(folder):
    path = folder / "01_test.ipynb"
    path.write_text(path.read_text().replace("A test", "Another test"))
    with pytest.raises(build.BuildError, match="cell 0 differs"):
        check(folder)


def test_a_stray_notebook_is_noticed(folder):
    shutil.copy(folder / "01_test.ipynb", folder / "02_stray.ipynb")
    with pytest.raises(build.BuildError, match="no source"):
        check(folder)


def test_a_failing_cell_leaves_the_old_notebook(folder):
    before = (folder / "01_test.ipynb").read_bytes()
    (folder / "src" / "01_test.py").write_text(SOURCE.replace("1 + 1", "1 / 0"))
    with pytest.raises(build.BuildError, match="ZeroDivisionError"):
        build.main(["--folder", str(folder)])
    assert (folder / "01_test.ipynb").read_bytes() == before


def test_nbval_passes_a_fresh_build(folder):
    assert nbval(folder / "01_test.ipynb").returncode == 0


def test_nbval_fails_when_a_compared_output_is_changed(folder):
    spoil(folder / "01_test.ipynb", 1, "2", "3")
    ended = nbval(folder / "01_test.ipynb")
    assert ended.returncode == 1
    assert "1 failed" in ended.stdout


def test_on_the_other_track_only_any_track_cells_are_compared(folder):
    path = folder / "01_test.ipynb"
    spoil(path, 1, "2", "3")
    assert nbval(path, "flowers").returncode == 0
    spoil(path, 4, "True", "False")
    assert nbval(path, "flowers").returncode == 1


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_has_two_compared_cells_or_more(path):
    lesson = nbformat.read(path, as_version=4)
    assert sum(map(build.is_compared, lesson.cells)) >= 2


QUIZ = """## Quiz

? What is `1 < 2`
  in Python?
+ `True` | It compares.
- Nothing | It is an expression.
"""


def test_a_quiz_becomes_choices_that_open():
    shown = build.quiz(QUIZ)
    assert "**1. What is `1 < 2` in Python?**" in shown
    assert "<details><summary><code>True</code></summary>Right. It" in shown
    assert "<summary>Nothing</summary>No. It is an expression.</details>" in shown


@pytest.mark.parametrize("line", ["+ right without a reason", "* what"])
def test_a_quiz_with_an_unknown_line_is_refused(line):
    with pytest.raises(build.BuildError, match="Expected in a quiz"):
        build.read_quiz(f"? Question\n{line}")


def test_a_placeholder_keeps_the_check_and_its_tags():
    make = build.nbformat.v4.new_code_cell
    cell = make('answer = 3\n\ncheck("1.1", answer)')
    cell.metadata = {"tags": ["solution", "nbval-check-output"]}
    (kept,) = build.without_solutions([cell])
    assert kept.source == 'answer = ...\n\ncheck("1.1", answer)'
    assert build.tags(kept) == ["nbval-check-output"]


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


def test_a_header_without_minutes_is_refused(tmp_path):
    source = tmp_path / "03_test.py"
    source.write_text("# %% [markdown]\n# # 03 · A test\n")
    with pytest.raises(build.BuildError, match="expected a header"):
        course.describe(source)


def test_readme_and_the_list_of_lessons_are_in_step():
    assert course.stale(sorted((NOTEBOOKS / "src").glob("*.py"))) == {}
