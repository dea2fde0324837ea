"""Exercises of lesson 01."""

from tlcourse.checks.exercise import choice, exercise, hint, is_close, praise


@exercise("1.1", "number")
@hint("300 billion times the share is what was read of it. How large is it?")
@praise("Each book was read about twice.")
def epochs_of_books(answer):
    if is_close(answer, 300 * 0.08 / 55, 0.01):
        return "That is Books2. Books1 is smaller."
    if is_close(answer, 300 * 0.08, 0.01):
        return "So many billion tokens were read of it. How often is that all of it?"
    if is_close(answer, 12 / (300 * 0.08), 0.01):
        return "Upside down: divide what was read by what there is."
    if not is_close(answer, 300 * 0.08 / 12, 0.01):
        return "Tokens shown, times the share, divided by the tokens of the source."


@exercise("1.2", "number")
@hint("6 for each parameter and token. The table counts parameters in millions.")
@praise("Large, and yet a thousandth of the largest.")
def work_of_the_smallest(answer):
    if is_close(answer, 125e6 * 300e9, 0.01):
        return "One for each parameter and token. It takes about six."
    if is_close(answer, 6 * 125 * 300e9, 0.01) or is_close(answer, 6 * 125 * 300, 0.01):
        return "125 is in millions, and 300 in billions."
    if not is_close(answer, 6 * 125e6 * 300e9, 0.01):
        return "Six times parameters times tokens."


choice(
    "1.3",
    "b",
    hint="Where was something learnt for one task and used for another?",
    praise="The features are repurposed; the last layer is new.",
    a="It starts from random numbers: nothing comes from elsewhere.",
    c="The same task, and nothing is trained any more: that is just use.",
)
