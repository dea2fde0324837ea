"""Registers the exercises: for each a judge, and what it says to the learner."""

import dataclasses
import functools
import html
import math
import numbers
import textwrap

EXERCISES = {}
KINDS = {"number": numbers.Real, "share": numbers.Real, "text": str}
WORDS = {numbers.Real: "number", str: "text in quotes"}
LONGEST = 400  # characters that are read; Keras's errors may hold a whole array


def exercise(name, *kinds):
    """Registers a judge of such answers; it returns None, or what to look at."""

    def register(judge):
        EXERCISES[name] = judge
        judge.kinds = kinds
        return judge

    return register


def _attach(name, text):
    def attach(judge):
        setattr(judge, name, text)
        return judge

    return attach


hint = functools.partial(_attach, "hint")  # how to begin
praise = functools.partial(_attach, "praise")  # what a right answer shows


def find_exercise(name):
    """The judge of an exercise such as `"5.2"`."""
    if name not in EXERCISES:
        raise ValueError(
            f"Expected the name of an exercise, such as '5.2'. Received: {name!r}"
        )
    return EXERCISES[name]


def problem(judge, answer, seen):
    """None if an answer is right, else what to look at; never an error."""
    kinds = tuple(KINDS.get(kind, kind) for kind in judge.kinds)
    if not isinstance(answer, kinds) or isinstance(answer, bool):
        names = " or ".join(WORDS.get(kind, kind.__name__) for kind in kinds)
        return f"Expected `answer` to be a {names}. Received: {type(answer).__name__}."
    if "share" in judge.kinds and not 0 <= answer <= 1:
        return "A share lies between 0 and 1. Divide by the whole."
    try:
        wrong = judge(answer, **seen)
    except Exception as error:  # such as that of a model without an input
        wrong = f"The check could not look at this. Python says: {error}"
    return wrong and textwrap.shorten(wrong, LONGEST)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What `check` says, with a coloured edge where there are colours."""

    name: str
    word: str
    text: str
    colour: str = "#7A7A7A"

    def __repr__(self):
        return f"{self.name}: {self.word} {self.text}"

    def _repr_html_(self):
        style = f"border-left: 6px solid {self.colour}; padding-left: 8px"
        said = f"<b>{self.name}: {self.word}</b> {html.escape(self.text)}"
        return f'<div style="{style}">{said}</div>'


def is_close(a, b, tolerance=1e-6):
    """Whether two numbers agree, relative to the larger; False for NaN."""
    return math.isclose(a, b, rel_tol=tolerance)
