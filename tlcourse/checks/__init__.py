"""Exercises: check an answer, get a hint, see the solution."""

from IPython.display import display

from tlcourse.checks import (
    lessons_0_to_4,
    lessons_5_to_7,
    lessons_8_and_9,
    lessons_10_to_12,
    lessons_13_to_15,
)
from tlcourse.checks.exercise import Verdict, find_exercise, problem
from tlcourse.course import progress


def check(name, answer, **seen):
    """Shows whether an answer is right or what to look at, and notes a right one.

    Args:
        name: String, such as `"5.2"`.
        answer: Your answer; `...` for none yet.
        **seen: What the exercise is about, such as `model=model`; not changed.

    Raises:
        ValueError: If there is no such exercise.
    """
    judge = find_exercise(name)
    if answer is ...:
        display(Verdict(name, "not answered yet.", f"For a hint: hint({name!r})"))
    elif wrong := problem(judge, answer, seen):
        display(Verdict(name, "not yet.", wrong, "#D55E00"))
    else:
        display(Verdict(name, "right.", judge.praise, "#009E73"))
        try:
            progress.record(name)
        except (OSError, ValueError) as error:  # full disk, read-only home, bad file
            print(f"(Your progress could not be saved: {error})")


def hint(name):
    """Prints how to begin.

    Args:
        name: String, such as `"5.2"`.

    Raises:
        ValueError: If there is no such exercise.
    """
    print(f"{name}: {find_exercise(name).hint}")


def solution(name):
    """Prints code that solves an exercise.

    Args:
        name: String, such as `"5.2"`.

    Raises:
        ValueError: If there is no such exercise.
    """
    find_exercise(name)
    print(*(x.exercises[name] for x in progress.lessons() if name in x.exercises))
