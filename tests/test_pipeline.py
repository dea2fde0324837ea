"""From a source to a lesson, its solution, and what nbval compares."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

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

# %% tags=["claim"]
assert answer is ... or answer == 3
"""
SOURCES = sorted((pathlib.Path(build.__file__).parent / "src").glob("*.py"))
SOLUTION = "solutions/01_test.ipynb"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course of one source, built."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "lessons" / "src").mkdir(parents=True)
    (folder / "lessons" / "src" / "01_test.py").write_text(SOURCE)
    main(folder / "notebooks")
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """The notebooks of a copy that a test may spoil."""
    return pathlib.Path(shutil.copytree(built, tmp_path / "copy")) / "notebooks"


def read(path):
    return nbformat.read(path, as_version=4)


def outputs_in(path):
    """What each cell shows, and its number, without the cells that show nothing."""
    return [
        (place, cell.execution_count, cell.outputs[0].get("data"))
        for place, cell in enumerate(read(path).cells)
        if cell.get("outputs")
    ]


def bytes_in(folder):
    return [path.read_bytes() for path in sorted(folder.rglob("*.ipynb"))]


def edit(folder, old, new):
    assert old in SOURCE
    source = folder.parent / "lessons" / "src" / "01_test.py"
    source.write_text(SOURCE.replace(old, new))


def main(folder, *flags):
    build.main([*flags, "--folder", str(folder.parent / "lessons")])


def nbval_fails(folder, track="glyphs"):
    """The notebooks of a folder that nbval finds fault with."""
    report = folder.parent / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir=."]
    command += ["-p", "course_nbval", "--nbval-lax", "--nbval-current-env", "."]
    rules = pathlib.Path(__file__).resolve().parent / "offline"
    environment = {**os.environ, "TLCOURSE_TRACK": track, "PYTEST_ADDOPTS": ""}
    environment["PYTHONPATH"] = str(rules)
    ended = subprocess.run(
        [*command, f"--junitxml={report}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1, ended.stdout
    cases = ElementTree.parse(report).iter("testcase")
    failed = [case for case in cases if case.find("failure") is not None]
    return {re.match(r"\w+", case.get("classname"))[0] for case in failed}


def spoil(path, place, new):
    notebook = read(path)
    assert notebook.cells[place].outputs[0].data["text/plain"] != new
    notebook.cells[place].outputs[0].data["text/plain"] = new
    nbformat.write(notebook, path)


def test_a_lesson_asks_and_its_solution_answers_and_keeps_compared_outputs(folder):
    lesson, solution = read(folder / "01_test.ipynb"), read(folder / SOLUTION)
    assert lesson.cells[3].source == 'answer = ...\n\ncheck("1.1", answer)'
    assert solution.cells[4].source == 'check("1.1", answer)'
    assert [cells.tags(cell) for cell in lesson.cells] == [[]] * 5
    assert cells.tags(solution.cells[4]) == ["solution", "nbval-check-output"]
    assert [place for place, *_ in outputs_in(folder / SOLUTION)] == [1, 4, 5]
    for cell in lesson.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_building_again_gives_the_same_bytes_and_a_failing_cell_leaves_them(folder):
    main(folder, "--check")
    before = bytes_in(folder)
    main(folder, "--execute-all")
    assert bytes_in(folder) == before
    edit(folder, "1 + 1", "1 / 0")
    with pytest.raises(cells.BuildError, match="ZeroDivisionError"):
        main(folder)
    assert bytes_in(folder) == before


def test_edited_text_keeps_outputs_and_edited_code_only_if_asked_to(
    folder, monkeypatch
):
    monkeypatch.setattr(outputs, "run", lambda path, _: pytest.fail(f"{path} was run"))
    before = outputs_in(folder / SOLUTION)
    edit(folder, "A test", "Another test")
    main(folder)
    assert outputs_in(folder / SOLUTION) == before
    main(folder, "--check")
    edit(folder, "# %%\nprint(", '# %% [markdown]\n# More.\n\n# %%\nx = 1\nprint("",')
    unchanged = bytes_in(folder)
    with pytest.raises(pytest.fail.Exception, match="was run"):
        main(folder)
    assert bytes_in(folder) == unchanged
    main(folder, "--keep-outputs")
    _, counts, kept = zip(*outputs_in(folder / SOLUTION), strict=True)
    assert counts == (2, 6, 7) and list(kept) == [data for *_, data in before]
    main(folder, "--check")
    edit(folder, '# %%\nprint("not', '# %% tags=["nbval-check-output"]\nprint("not')
    with pytest.raises(pytest.fail.Exception, match="was run"):  # four are compared now
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


def test_nbval_runs_lessons_and_compares_solutions_by_what_holds_on_a_track(folder):
    edit(folder, 'print("not compared")', "1 / 0")
    solution = shutil.copy(folder / SOLUTION, folder / "good.ipynb")
    main(folder, "--keep-outputs")
    shutil.rmtree(folder / "solutions")
    for name, place, new in (("of_glyphs", 1, "3"), ("of_any", 5, "False")):
        spoil(shutil.copy(solution, folder / f"{name}.ipynb"), place, new)
    assert nbval_fails(folder) == {"01_test", "of_glyphs", "of_any"}
    assert nbval_fails(folder, "flowers") == {"01_test", "of_any"}


def test_what_the_text_says_is_asserted_after_its_cell_and_ships_nowhere(folder):
    (folder / "01_test.ipynb").unlink()
    for path in folder.rglob("*.ipynb"):
        assert "assert" not in path.read_text("utf-8")
    two = 'answer == 4\n\n# %% tags=["claim"]\nassert True'  # the first counts, too
    edit(folder, "answer is ... or answer == 3", two)
    assert nbval_fails(folder) == {"solutions"}  # with the true claim: see above


def test_every_solution_has_two_compared_cells_or_more_and_claims():
    for source in SOURCES:
        assert sum(map(cells.is_compared, cells.read_source(source))) >= 2, source
        claims = cells.read_claims(source).values()
        assert len(claims) >= 2 and all("\nassert " in f"\n{x}" for x in claims), source


QUIZ = """## Quiz

? What is `1 < 2`
  in Python?
+ `True` | It compares.
- Nothing | It is an expression.
"""


def test_a_quiz_becomes_choices_that_open():
    shown = cells.quiz(QUIZ)
    assert "**1. What is `1 < 2` in Python?**" in shown
    assert "<details><summary><code>True</code></summary><div style=" in shown
    assert '#009E73; padding-left: 8px"><b>Right.</b> It' in shown
    assert '"><b>No.</b> It is an expression.</div></details>' in shown
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
    assert "| do it | 5 + 7 |" in course.table([entry]).splitlines()[-1]
    source.write_text("# %% [markdown]\n# # 03 · A test\n")
    with pytest.raises(cells.BuildError, match="expected a header"):
        course.describe(source)


def test_readme_and_the_list_of_lessons_are_in_step():
    assert course.stale(SOURCES) == {}


def test_what_is_to_be_observed_is_closed_until_somebody_opens_it():
    text = "**Observe.** It fell.\n\nSo it did.\n\n## Next\n\n**Predict.** Up?"
    assert cells.fold(text) == (
        "<details><summary><b>Observe</b></summary>\n\nIt fell.\n\nSo it did.\n\n"
        "</details>\n\n## Next\n\n**Predict.** Up?"
    )
    assert cells.fold("# Title\n\nText.") == "# Title\n\nText."
