"""Exercises: the modules of the lessons register them, `find_exercise` finds them."""

import dataclasses
import importlib
import importlib.util
import numbers
import re

EXERCISES = {}


@dataclasses.dataclass(frozen=True)
class Exercise:
    """The kind of an answer, a function that judges it, and texts for the learner.

    The kind is `"number"`, `"share"` (0 to 1), `"text"`, a class, or several. The judge
    takes an answer and what the lesson passed along. It returns None for a right
    answer, else what to look at.
    """

    kind: object
    judge: object
    hint: str
    praise: str

    def problem(self, answer, seen):
        """None if the answer is right, else what to look at."""
        return _wrong_kind(self.kind, answer) or self.judge(answer, **seen)


def exercise(name, kind):
    """Registers a judge, which `hint` and `praise` have decorated before."""

    def register(judge):
        EXERCISES[name] = Exercise(kind, judge, judge.hint, judge.praise)
        return judge

    return register


def hint(text):
    """Gives a judge the text that says how to begin."""
    return _attach("hint", text)


def praise(text):
    """Gives a judge the text that says what a right answer shows."""
    return _attach("praise", text)


def _attach(name, text):
    def attach(judge):
        setattr(judge, name, text)
        return judge

    return attach


def choice(name, right, hint, praise, **reasons):
    """Registers an exercise with lettered choices, and what speaks against each."""

    def judge(answer):
        letter = answer.strip().lower()
        letters = ", ".join(sorted([right, *reasons]))
        if letter != right:
            return reasons.get(letter, f"Choose one of the letters {letters}.")

    EXERCISES[name] = Exercise("text", judge, hint, praise)


def find_exercise(name):
    """Looks an exercise up, such as `"5.2"`; imports the module of its lesson."""
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
    if kind == "text" and not isinstance(answer, str):
        return f"Expected `answer` to be a text in quotes. {received}"
    if isinstance(kind, (type, tuple)) and not isinstance(answer, kind):
        names = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(each.__name__ for each in names)
        return f"Expected `answer` to be a {wanted}. {received}"
    return None


def is_close(a, b, tolerance=1e-6):
    """Whether two numbers agree, relative to the second; False for NaN."""
    return bool(abs(a - b) <= tolerance * abs(b))
