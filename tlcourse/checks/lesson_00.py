"""The exercise that shows how exercises work."""

from tlcourse.checks.exercise import exercise, hint, praise


@exercise("0.1", "number")
@hint("Twenty-one, and twenty-one again.")
@praise("So it is.")
def twice_21(answer):
    if answer == 23:
        return "That is 2 plus 21. Multiply."
    if answer != 42:
        return "Write `answer = 2 * 21` and run the cell again."
