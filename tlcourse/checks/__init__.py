"""Exercises: check an answer, get a hint, see the solution."""

from tlcourse.checks.exercise import find_exercise
from tlcourse.course import progress


def check(name, answer, **seen):
    """Says whether an answer is right, and if not, what to look at.

    Args:
        name: String, such as `"5.2"`.
        answer: Your answer; `...` for none yet.
        **seen: What the exercise is about, such as `model=model`. The check
            looks at it and changes nothing.

    Returns:
        None. Prints one line; a right answer is noted in your progress file.

    Raises:
        ValueError: If there is no such exercise.
    """
    exercise = find_exercise(name)
    if answer is ...:
        print(f"{name}: not answered yet. For a hint: hint({name!r})")
        return
    problem = exercise.problem(answer, seen)
    if problem:
        print(f"{name}: not yet. {problem}")
        return
    print(f"{name}: right. {exercise.praise}")
    try:
        progress.record(name)
    except (OSError, ValueError) as error:  # full disk, read-only home, spoilt file
        print(f"(Your progress could not be saved: {error})")


def hint(name):
    """Says how to begin.

    Args:
        name: String, such as `"5.2"`.

    Returns:
        None. Prints the hint.

    Raises:
        ValueError: If there is no such exercise.
    """
    print(f"{name}: {find_exercise(name).hint}")


def solution(name):
    """Shows code that solves an exercise.

    Args:
        name: String, such as `"5.2"`.

    Returns:
        None. Prints the code.

    Raises:
        ValueError: If there is no such exercise.
    """
    find_exercise(name)
    code = {k: v for x in progress.lessons() for k, v in x.exercises.items()}
    print(code[name])
