"""Exercises: right, wrong, and not answered; and the patients of lesson 12."""

import threading

import numpy as np
import pytest
from answers import ANSWERS, answers_to, track

from tlcourse.checks import check, hint, solution
from tlcourse.checks.exercise import find_exercise
from tlcourse.course import progress
from tlcourse.models import freezing
from tlcourse.training import clinic, fine_tuning

NAMES = sorted(
    (name for lesson in progress.lessons() for name in lesson.exercises),
    key=lambda name: [int(part) for part in name.split(".")],
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_every_exercise_of_the_lessons_is_tried_here():
    assert set(NAMES) == set(ANSWERS)


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_knows_right_wrong_and_not_answered(name, capsys):
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
    assert progress.done() == {}
    assert said(right).startswith(f"{name}: right. ")
    assert list(progress.done()) == [name]


def test_every_exercise_has_a_hint_and_a_solution(capsys):
    for name in NAMES:
        hint(name)
        assert len(capsys.readouterr().out) > 20, name
        solution(name)
        assert "answer = " in capsys.readouterr().out, name


@pytest.mark.parametrize("name", ["5.9", "99.1", "five", "5", ""])
def test_an_unknown_exercise_is_an_error_that_says_so(name):
    with pytest.raises(ValueError, match="Expected the name of an exercise"):
        find_exercise(name)


def test_5_1_looks_at_the_flags(capsys):
    right, _, seen = answers_to("5.1")
    base = seen["base"]
    second_last, last = (stage.name for stage in freezing.stages(base)[-2:])

    def all_but_batchnorm():
        freezing.unfreeze_from(base, second_last)

    def with_batchnorm():
        all_but_batchnorm()
        norms = filter(freezing.is_batchnorm, base.layers)
        list(norms)[-1].trainable = True

    for change, words in (
        (lambda: freezing.freeze(base), "are frozen"),
        (lambda: setattr(base, "trainable", True), "before the last two"),
        (lambda: freezing.unfreeze_from(base, last), "are frozen"),
        (with_batchnorm, "BatchNormalization layers still train"),
        (all_but_batchnorm, "right"),  # and so it stays for other tests
    ):
        change()
        check("5.1", right, **seen)
        assert words in capsys.readouterr().out


def test_two_notebooks_may_note_progress_at_once(home):
    names = [f"{lesson}.{n}" for lesson in range(1, 9) for n in range(1, 4)]
    threads = [threading.Thread(target=progress.record, args=[n]) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(progress.done()) == set(names)
    assert not list(home.glob("*.partial"))


def test_the_patients_of_lesson_12_have_what_the_answers_say():
    first, second, third = (clinic.patient(name, track()) for name in "ABC")
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
        clinic.patient("D", track())
