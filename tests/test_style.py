"""The limits of the house style for lessons; those for code are ruff's."""

import ast
import functools
import pathlib
import re
import statistics
import subprocess
import symtable
import sys

import pytest

import course
from cells import OWN, PLACEHOLDER, QUIZ, as_lesson, read_quiz, read_source, tags

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "lessons" / "src").glob("*.py"))
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
PICTURE = re.compile(r"^(Cut|ForgettingDial|LabelSlider|Prompt|Teach)\(", re.MULTILINE)
MINUTES = re.compile(r"\d+ minutes.* · builds on .* · ")

of_lessons = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


@functools.cache
def lesson(source):
    """The cells of a lesson as the learner gets them."""
    return as_lesson(read_source(source))


def cells(source, kind):
    """Their sources; a quiz and On your own have limits of their own."""
    return [
        cell.source
        for cell in lesson(source)
        if cell.cell_type == kind and not {QUIZ, OWN} & {*tags(cell)}
    ]


def own(source):
    """The cells On your own, which need nothing of the course."""
    return [c.source for c in read_source(source) if OWN in tags(c)]


def quizzes(source):
    return [c.source for c in lesson(source) if QUIZ in tags(c)]


def code_lines(cell):
    return len([line for line in cell.splitlines() if line.strip()])


def percentile_90(values):
    return sorted(values)[int(0.9 * (len(values) - 1))]


@of_lessons
def test_a_lesson_keeps_to_its_size(source):
    text, code = cells(source, "markdown"), cells(source, "code")
    lines = [code_lines(cell) for cell in code if not PICTURE.match(cell)]
    words = [len(cell.split()) for cell in text]
    asked = sum("predict(" in cell for cell in code)
    touched = sum(bool(PICTURE.search(cell)) for cell in code)
    assert len(lesson(source)) - asked - touched - 2 * len(own(source)) <= 40
    kinds = [cell.cell_type[0] for cell in lesson(source)]
    assert "ccc" not in "".join(kinds)
    assert sum(lines) <= 120
    assert statistics.median(lines) <= 5
    assert percentile_90(lines) <= 12
    assert max(lines) <= 20
    assert statistics.median(words) <= 60
    assert max(words) <= 150


@of_lessons
def test_a_lesson_has_its_parts_in_order(source):
    text = cells(source, "markdown")
    number = source.stem[:2]
    assert text[0].startswith(f"# {number} · ")
    assert "**You will be able to**" in text[0]
    assert MINUTES.search(text[0])
    whole = "\n".join(text)
    parts = (
        "**Observe.**",
        f"## ✎ Exercise {int(number)}.1",
        "## What to remember",
        "## Sources",
    )
    places = [whole.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert "## Sources" in text[-1]
    bullets = whole.split("## What to remember")[1].split("##")[0].count("\n- ")
    assert 2 <= bullets <= 4


@of_lessons
def test_predictions_are_entered_and_set_beside_the_result(source):
    code = "\n".join(cells(source, "code"))
    asked = re.findall(r"^(\w+) = predict\($", code, re.MULTILINE)
    asked += re.findall(r"^(\w+) = predict\(.+\)$", code, re.MULTILINE)
    assert 2 <= len(asked)
    for name in asked:
        assert f"{name}.compare(" in code, name


@of_lessons
def test_from_lesson_2_on_something_is_done_without_the_course(source):
    if int(source.stem[:2]) < 2:
        return
    (code,) = own(source)
    assert code_lines(code) <= 20
    assert "tlcourse" not in code and "keras" in code
    assert "## On your own" in "\n".join(cells(source, "markdown"))


def symbols(code):
    return symtable.symtable(code, "cell", "exec").get_symbols()


def looped(code):
    """The names that comprehensions set: Python 3.13 has them among its symbols."""
    loops = (x for x in ast.walk(ast.parse(code)) if isinstance(x, ast.comprehension))
    targets = (name for loop in loops for name in ast.walk(loop.target))
    return {name.id for name in targets if isinstance(name, ast.Name)}


@of_lessons
def test_what_is_done_alone_leaves_the_names_of_the_lesson_alone(source):
    """So cells above it can be run again after *Run all*."""
    loops = {"k", "layer", "name", "new", "old", "place"}
    for code in own(source):
        mine = {each.get_name() for each in symbols(code) if each.is_assigned()}
        for cell in cells(source, "code"):
            used = {each.get_name() for each in symbols(cell)}
            assert not (mine - loops - looped(code)) & used, cell


@of_lessons
def test_a_lesson_has_exercises_with_checks_and_a_quiz(source):
    number = int(source.stem[:2])
    exercises = course.describe(source)["exercises"]
    if number:
        assert 2 <= len(exercises) <= 4
        assert len(quizzes(source)) == 1
    assert list(exercises) == [f"{number}.{n + 1}" for n in range(len(exercises))]
    checked = [c for c in cells(source, "code") if c.startswith(PLACEHOLDER)]
    assert len(checked) == len(exercises)
    for cell, name in zip(checked, exercises, strict=True):
        assert f'check("{name}", answer' in cell


@of_lessons
def test_each_choice_of_a_quiz_has_a_reason_and_one_is_right(source):
    for text in quizzes(source):
        questions = read_quiz(text)
        assert 3 <= len(questions) <= 5
        for _, choices in questions:
            assert len(choices) >= 2
            assert sum(right for right, _, _ in choices) == 1
            assert all(reason for _, _, reason in choices)
        assert len(text.split()) <= 300


@of_lessons
def test_a_lesson_speaks_calmly_and_types_no_results(source):
    for cell in cells(source, "markdown") + quizzes(source):
        assert "!" not in re.sub(r"`[^`]*`", "", cell)
        assert not EMOJI.search(cell.replace("✎", ""))
        assert not re.search(r"\d\s*(%|percent|accuracy)|accuracy of \d", cell)


@of_lessons
def test_a_lesson_starts_the_course_has_help_and_writes_pictures_as_they_are(source):
    code = cells(source, "code")
    whole = "\n".join(code)
    assert code[0] == "import tlcourse\n\ntlcourse.start()"
    assert "tensorflow" not in whole
    assert "from tlcourse.checks import check, hint, solution\n" in whole
    for cell in code:  # by default, Keras stretches the contrast of each
        assert cell.count("save_img(") == cell.count("scale=False")


def test_a_lesson_runs_before_anything_is_answered(tmp_path):
    """No cell asks for a name that only a solution defines."""
    for source in SOURCES:
        code = [c.source for c in lesson(source) if c.cell_type == "code"]
        (tmp_path / source.name).write_text("\n".join(code), "utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821"]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
