"""Exercises of lesson 09."""

from tlcourse.checks.exercise import exercise, hint, is_close, praise


@exercise("9.1", "share")
@hint("As in the loop, with `stages[-2].name`, `[5]`, `draws=[0]` and `epochs=3`.")
@praise("One cell more. One draw, so do not build on it.")
def one_more_cell(answer, found):
    keys = set(found)
    if not any(rate for _, _, rate in keys):
        return "Nothing was tuned. Give `rates=[1e-4]`."
    if {(count, draw) for count, draw, _ in keys} != {(5, 0)}:
        return "Five labels and the draw 0 only. `found` should be your own result."
    if is_close(answer, found[5, 0, 0.0]) and not is_close(answer, found[5, 0, 1e-4]):
        return "That is the frozen head. Take the entry with your rate."
    if not is_close(answer, found[5, 0, 1e-4]):
        return "The answer is `found[5, 0, 1e-4]`: labels, draw, rate."


@exercise("9.2", "text")
@hint("Print `gained[0]`. Is the gain there in every draw?")
@praise("Quick, and the chosen depth gains in some draws only.")
def depth_for_one_label(answer, names):
    if answer not in names:
        return f"Take a name from `names`: {', '.join(names)}."
    if answer == names[-1]:
        return "That is the slowest, and there is no time. Is its gain worth it?"
    if answer != names[0]:
        return "A cheaper row is about as good, and can be relied on as much."
