"""Exercises: right, wrong, and not answered."""

import json
import threading

import keras
import numpy as np
import pytest
from answers import ANSWERS, new_base, patients, track

from tlcourse.checks import check, hint, solution
from tlcourse.checks.exercise import find
from tlcourse.course import progress
from tlcourse.models import freezing
from tlcourse.training import tuning

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
    seen, right, wrongs = ANSWERS[name]()
    check(name, ..., **seen)
    assert "not answered yet" in capsys.readouterr().out
    assert progress.done() == {}
    messages = []
    for answer, words in wrongs:
        check(name, answer, **seen)
        said = capsys.readouterr().out
        assert said.startswith(f"{name}: not yet. ")
        assert words in said
        messages.append(said)
    assert len(set(messages)) >= 2
    assert progress.done() == {}
    check(name, right, **seen)
    assert capsys.readouterr().out.startswith(f"{name}: right. ")
    assert list(progress.done()) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_of_another_kind_is_told_so(name, capsys):
    seen, _, _ = ANSWERS[name]()
    check(name, object(), **seen)
    assert "Expected `answer` to be a" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_hint_and_a_solution(name, capsys):
    hint(name)
    assert len(capsys.readouterr().out) > 20
    solution(name)
    assert "answer = " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["5.9", "99.1", "five", "5", ""])
def test_an_unknown_exercise_is_an_error_that_says_so(name):
    with pytest.raises(ValueError, match="Expected the name of an exercise"):
        find(name)


def flags_of(seen, change):
    change(seen["base"])
    check("5.1", 1, **seen)


def test_5_1_looks_at_the_flags(capsys):
    seen, right, _ = ANSWERS["5.1"]()
    last = freezing.stages(seen["base"])[-1].name
    for change, words in (
        (freezing.freeze, "are frozen"),
        (lambda base: setattr(base, "trainable", True), "before the last two"),
        (lambda base: freezing.unfreeze_from(base, last), "are frozen"),
    ):
        flags_of(seen, change)
        assert words in capsys.readouterr().out
    second_last = freezing.stages(seen["base"])[-2].name
    freezing.unfreeze_from(seen["base"], second_last, batchnorm="awake")
    check("5.1", right, **seen)
    assert "BatchNormalization layers still train" in capsys.readouterr().out


def test_two_notebooks_may_note_progress_at_once(home):
    names = [f"{lesson}.{n}" for lesson in range(1, 9) for n in range(1, 4)]
    threads = [threading.Thread(target=progress.record, args=[n]) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(progress.done()) == set(names)
    assert not list(home.glob("*.partial"))


def test_a_spoilt_progress_file_is_left_alone_and_named(home, capsys):
    home.mkdir()
    (home / "progress.json").write_text("[1, 2")
    with pytest.raises(ValueError, match="Mend the file"):
        progress.done()
    check("0.1", 42)
    said = capsys.readouterr().out
    assert said.startswith("0.1: right")
    assert "could not be saved" in said
    assert (home / "progress.json").read_text() == "[1, 2"


def test_the_course_map_counts_what_is_done(home):
    progress.record("5.1")
    shown = progress.CourseMap()
    assert "05" in repr(shown) and "1 of 3" in repr(shown)
    assert "<caption>" in shown._repr_html_()
    assert json.loads((home / "progress.json").read_text()).keys() == {"5.1"}


def test_the_patients_of_lesson_12_have_what_the_answers_say():
    ward = patients()
    first, second, third = ward.values()
    right = dict(
        zip(map(bytes, track().train.images), track().train.labels, strict=True)
    )
    told = [right[bytes(image)] for image in first.train.images]
    assert np.mean(np.array(told) == first.train.labels) < 0.5
    assert freezing.trains(second.model).stale
    known = set(map(bytes, third.train.images))
    assert all(bytes(image) in known for image in third.held_out.images)
    accuracies = [tuning.accuracy(p.model, p.held_out) for p in (first, third)]
    assert accuracies[0] < 0.3 and accuracies[1] > 0.9
    assert isinstance(second.model, keras.Model) and new_base().name
    steps = -(-len(second.train) // 32)
    assert int(second.model.optimizer.iterations) == 2 * steps  # trained, flags changed


def test_an_unknown_patient_is_an_error():
    from tlcourse.training import clinic

    with pytest.raises(ValueError, match="Expected a patient"):
        clinic.patient("D", track())
