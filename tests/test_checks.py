"""Exercises: right, wrong, and not answered; and the patients of lesson 12."""

import concurrent.futures

import keras
import numpy as np
import pytest
from answers import ANSWERS, answers_to

from tlcourse.checks import check, hint, solution
from tlcourse.course import progress
from tlcourse.training import clinic

NAMES = [name for lesson in progress.lessons() for name in lesson.exercises]
layers = keras.layers
ODD = [object(), keras.Model, keras.Sequential(), np.float64("nan"), np.array(None)]
ODD += [10**400, -1, "", "?", [], ["?"], (), (None, 2, 3), {}, {"?": "?"}, True, print]
ODD += [None, 1j, "x" * 10_000, "\x1b[31m<b>$\\foo$", b"x", {1}, [[1], [2, 3]], [...]]
ODD += [["a"] * 3, [float("nan")] * 3, {1: float("nan")}, {("AnB", 6): None}, range(3)]
ODD += [keras.Sequential([keras.layers.Dense(3)]), keras.losses.Loss, np.zeros(0)]
ODD += [np.array([None, {}]), np.zeros((999, 999)), np.full((1, 64, 64, 3), np.nan)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("name", sorted({*NAMES, *ANSWERS}))
def test_an_exercise_knows_right_wrong_and_not_answered_and_has_a_hint(name, capsys):
    right, wrongs, seen = answers_to(name)

    def said(answer):
        check(name, answer, **seen)
        return capsys.readouterr().out

    assert "not answered yet" in said(...)
    assert "Expected `answer` to be a" in said(object())
    messages = [said(answer) for answer, _ in wrongs]
    for message, (_, words) in zip(messages, wrongs, strict=True):
        assert message.startswith(f"{name}: not yet. ") and words in message
    assert len(set(messages)) >= 2
    for odd in map(said, ODD):
        assert odd.startswith(f"{name}: not yet. ") and odd.count("\n") == 1
        assert len(odd) < 450
    assert progress.done() == {}
    assert said(right).startswith(f"{name}: right. ")
    assert list(progress.done()) == [name]
    hint(name)
    assert len(capsys.readouterr().out) > 20
    solution(name)
    assert "answer = " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["5.9", "99.1", "five", "5", ""])
def test_an_unknown_exercise_is_an_error_that_says_so(name):
    for ask in (hint, solution, lambda name: check(name, 1)):
        with pytest.raises(ValueError, match="Expected the name of an exercise"):
            ask(name)


def test_5_1_looks_at_the_flags(capsys):
    right, _, seen = answers_to("5.1")
    base, head = seen["base"], seen["model"].layers[-1]
    kinds = (layers.BatchNormalization, layers.DepthwiseConv2D, layers.Conv2D)
    norm, depthwise, first = (
        next(x for x in base.layers if type(x) is kind) for kind in kinds
    )
    for layer, flag, words in (
        (norm, True, "BatchNormalization layers"),
        (norm, False, "right"),
        (first, True, "layers of the base"),
        (first, False, "right"),
        (depthwise, False, "are frozen"),
        (depthwise, True, "right"),
        (head, False, "dense layer is frozen"),
        (head, True, "right"),
        (base, False, "set last"),
    ):
        layer.trainable = flag
        check("5.1", right, **seen)
        assert words in capsys.readouterr().out


@pytest.mark.fault("dying")
def test_two_notebooks_may_note_progress_at_once(home):
    with concurrent.futures.ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(progress.record, NAMES))
    assert set(progress.done()) == set(NAMES)
    assert not list(home.glob("*.partial"))


def test_patient_a_of_lesson_12_learns_labels_that_are_not_its_own():
    _, _, seen = answers_to("12.1")
    vectors, labels = seen["few"]
    model = clinic.patient_a(vectors, labels)
    assert np.mean(model.predict(vectors, verbose=0).argmax(axis=1) == labels) < 0.6


def test_patient_b_of_lesson_12_leaves_the_rest_as_it_is(capsys):
    _, _, seen = answers_to("12.2")
    check("12.2", clinic.patient_b, **seen)
    assert "is 0.0" in capsys.readouterr().out


def test_a_patient_shows_its_code(capsys):
    clinic.show(clinic.patient_a)
    assert "def patient_a(vectors, labels):" in capsys.readouterr().out
