"""Exercises: right, wrong, and not answered; and the patients of lesson 12."""

import concurrent.futures
import dataclasses

import keras
import numpy as np
import pytest
from answers import ANSWERS, answers_to, track

from tlcourse.checks import check, hint, solution
from tlcourse.course import progress
from tlcourse.models import freezing
from tlcourse.training import clinic, fine_tuning

NAMES = [name for lesson in progress.lessons() for name in lesson.exercises]
ODD = [object(), keras.Model, keras.Sequential(), np.float64("nan"), np.array(None)]
ODD += [10**400, -1, "", "?", [], ["?"], (), (None, 2, 3), {}, {"?": "?"}, True, print]


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
    assert all(said(odd).startswith(f"{name}: not yet. ") for odd in ODD)
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
    base = seen["base"]
    second_last, last = (stage.name for stage in freezing.stages(base)[-2:])
    norm = [layer for layer in base.layers if freezing.is_batchnorm(layer)][-1]
    for change, words in (
        (lambda: freezing.freeze(base), "are frozen"),
        (lambda: setattr(base, "trainable", True), "before the last two"),
        (lambda: freezing.unfreeze_from(base, last), "are frozen"),
        (lambda: freezing.unfreeze_from(base, second_last), "right"),
        (lambda: setattr(norm, "trainable", True), "BatchNormalization layers still"),
        (lambda: setattr(norm, "trainable", False), "right"),
    ):
        change()
        check("5.1", right, **seen)
        assert words in capsys.readouterr().out


def test_two_notebooks_may_note_progress_at_once(home):
    with concurrent.futures.ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(progress.record, NAMES))
    assert set(progress.done()) == set(NAMES)
    assert not list(home.glob("*.partial"))


def test_the_patients_of_lesson_12_have_what_the_answers_say():
    small = dataclasses.replace(track(), validation=track().validation.few(10))
    first, second, third = (clinic.patient(name, small) for name in "ABC")
    pairs = zip(track().train.images, track().train.labels, strict=True)
    right = {bytes(image): label for image, label in pairs}
    labels = np.array([right[bytes(image)] for image in first.train.images])
    assert np.mean(labels == first.train.labels) < 0.5
    assert freezing.trains(second.model).stale
    known = set(map(bytes, third.train.images))
    assert all(bytes(image) in known for image in third.held_out.images)
    accuracies = [fine_tuning.accuracy(p.model, p.held_out) for p in (first, third)]
    assert accuracies[0] < 0.3 and accuracies[1] > 0.9
    steps = -(-len(second.train) // 32)
    assert int(second.model.optimizer.iterations) == 2 * steps  # trained, flags changed
    with pytest.raises(ValueError, match="Expected a patient"):
        clinic.patient("D", small)
