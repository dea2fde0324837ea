"""Exercises of lesson 11."""

import numbers

from tlcourse.checks.exercise import exercise, hint, praise
from tlcourse.yosinski.experiment import CUTS, TREATMENTS

CLOSE = 0.06  # of an accuracy: another machine rounds otherwise


@exercise("11.1", "number")
@hint("`specificity.mean(axis=0) < 0.02` is a row of seven; the cuts are 1 to 7.")
@praise("Up to there the layers are general. Behind it, they are about A.")
def last_general_cut(answer, curves):
    cheap = [
        n
        for n, lost in zip(CUTS, curves.specificity.mean(0), strict=True)
        if lost < 0.02
    ]
    if answer not in CUTS:
        return f"Expected a number of layers, 1 to {CUTS[-1]}. Received: {answer}."
    if answer > max(cheap):
        return "Copying so many from A loses more than that."
    if answer < max(cheap):
        return "That is cheap, but so are more layers. Look further right."


@exercise("11.2", dict)
@hint("`{('AnB', 6): experiment.accuracy('AnB', 6)}`, with a cut of your own.")
@praise("Your point lies where five seeds said it would.")
def one_more_point(answer, curves, mine):
    if len(answer) != 1:
        return f"Expected one point. Received: {len(answer)}."
    (key, accuracy), *_ = answer.items()
    if not (isinstance(key, tuple) and len(key) == 2):
        return "The key is a treatment and a cut, such as `('AnB', 6)`."
    treatment, cut = key
    if treatment not in TREATMENTS or cut not in CUTS:
        return f"Treatments: {', '.join(TREATMENTS)}. Cuts: 1 to {CUTS[-1]}."
    if key in mine:
        return "That one you have already. Take another cut or treatment."
    if not isinstance(accuracy, numbers.Real) or not 0 <= accuracy <= 1:
        return "The value should be an accuracy, 0 to 1."
    expected = curves.tables[treatment][0, cut - 1]
    if abs(accuracy - expected) > CLOSE:
        return f"The shipped run has {expected:.3f} there. Is it the same treatment?"


@exercise("11.3", "text")
@hint("In which of them is the task the same, and still something is frozen?")
@praise("Same task, frozen copies: what is lost cannot be about the task.")
def the_control(answer):
    name = answer.strip()
    if name not in TREATMENTS:
        return f"Take one of {', '.join(TREATMENTS)}."
    if name in ("AnB", "AnB+"):
        return "Its layers learnt another task. Two reasons come together there."
    if name == "BnB+":
        return "Nothing is frozen there, so parts that belong together can meet again."
    if name == "random":
        return "Its layers learnt nothing. That shows what training is worth at all."
