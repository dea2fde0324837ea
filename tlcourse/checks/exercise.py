"""What an exercise is, and where it is found."""

import dataclasses
import importlib
import importlib.util
import numbers
import re

EXERCISES = {}


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise and how to judge an answer.

    Args:
        name: String, such as `"5.2"`.
        kind: `"number"`, `"share"` (0 to 1), `"text"`, `"choice"`, or a class.
        hint: String, how to begin.
        right: String, what a right answer shows.
        judge: Function of an answer and what was seen; gives None if it is
            right, else a string: what to look at.
    """

    name: str
    kind: object
    hint: str
    right: str
    judge: object

    def problem(self, answer, seen):
        """None if the answer is right, else what to look at."""
        return _wrong_kind(self.kind, answer) or self.judge(answer, **seen)


def exercise(name, kind, hint, right):
    """Registers the function below it as the judge of an exercise.

    Args:
        name: String, such as `"5.2"`.
        kind: See `Exercise`.
        hint: String.
        right: String.

    Returns:
        A decorator.
    """

    def register(judge):
        EXERCISES[name] = Exercise(name, kind, hint, right, judge)
        return judge

    return register


def find(name):
    """Looks an exercise up; imports the module of its lesson.

    Args:
        name: String, such as `"5.2"`.

    Returns:
        `Exercise`.

    Raises:
        ValueError: If there is no such exercise.
    """
    found = re.fullmatch(r"(\d+)\.\d+", str(name))
    module = f"tlcourse.checks.lesson_{int(found[1]):02}" if found else None
    if found and importlib.util.find_spec(module):
        importlib.import_module(module)
    if name not in EXERCISES:
        raise ValueError(
            "Expected the name of an exercise as its heading has it, such as "
            f"'5.2'. Received: {name!r}"
        )
    return EXERCISES[name]


def _wrong_kind(kind, answer):
    received = f"Received: {type(answer).__name__}."
    is_number = isinstance(answer, numbers.Real) and not isinstance(answer, bool)
    if kind in ("number", "share") and not is_number:
        return f"Expected `answer` to be a number. {received}"
    if kind == "share" and not 0 <= answer <= 1:
        return "A share lies between 0 and 1. Divide by the whole."
    if kind in ("text", "choice") and not isinstance(answer, str):
        return f"Expected `answer` to be a text in quotes. {received}"
    if isinstance(kind, (type, tuple)) and not isinstance(answer, kind):
        names = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(each.__name__ for each in names)
        return f"Expected `answer` to be a {wanted}. {received}"
    return None


def near(a, b, tolerance=1e-6):
    """Whether two numbers agree.

    Args:
        a: Number.
        b: Number.
        tolerance: Float, relative to `b`.

    Returns:
        Boolean; False where one is not a number.
    """
    return bool(abs(a - b) <= tolerance * abs(b))


def chosen(answer, right, reasons):
    """Judges a choice.

    Args:
        answer: String, the letter chosen.
        right: String, the right letter.
        reasons: dict, each wrong letter to what speaks against it.

    Returns:
        None if the choice is right, else a string.
    """
    letter = answer.strip().lower()
    letters = ", ".join(sorted([right, *reasons]))
    if letter == right:
        return None
    return reasons.get(letter, f"Choose one of the letters {letters}.")
