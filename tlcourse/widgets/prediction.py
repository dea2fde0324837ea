"""A prediction: said before a cell runs, and set beside what came out."""

import numbers
import re

import ipywidgets
from IPython.display import display

from tlcourse.plots.style import number
from tlcourse.widgets.html_images import as_text
from tlcourse.widgets.view import View, label, shows_errors

SAID = {}  # question: answer; running a cell again forgets nothing
BARE = re.compile(r"[-+]?[\d., ]*\d")  # a number that came without its unit


def predict(question, *choices, unit=""):
    """Asks for a prediction, and shows it until `compare` sets it beside the result.

    Nobody has to answer: the cells below run all the same.

    Args:
        question: String.
        choices: Strings to choose from; without any, a number is asked for.
        unit: String after the number, such as `"%"` or `"seconds"`.

    Returns:
        `Prediction`.

    Raises:
        ValueError: If there is one choice only, or two are equal.
    """
    made = Prediction(question, *choices, unit=unit)
    display(made)
    return made


class Prediction(View):
    """Choices, or a field for a number; it works from the keyboard alone."""

    def __init__(self, question, *choices, unit=""):
        super().__init__()
        if len(choices) == 1 or len(set(choices)) < len(choices):
            raise ValueError(
                "Expected two or more different choices, or none for a number. "
                f"Received: {choices!r}"
            )
        self.question, self.choices, self.unit = question, choices, unit
        self.field = self._choices() if choices else self._number()
        self.field.observe(self._keep, names="value")
        asked = re.sub("`([^`]+)`", r"<code>\1</code>", as_text(question))
        title = ipywidgets.HTML(f"<b>Predict.</b> {asked}")
        self.box = ipywidgets.VBox([title, self.field, self.message])

    def _choices(self):
        options = [(label(choice), choice) for choice in self.choices]
        said = self.said if self.said in self.choices else None
        layout = {"width": "auto", "max_width": "100%"}
        return ipywidgets.RadioButtons(options=options, value=said, layout=layout)

    def _number(self):
        said = self.said or ""
        hint = f"a number{self.unit and f', in {self.unit}'}".replace(", in of", " of")
        return ipywidgets.Text(value=said, placeholder=hint, continuous_update=False)

    @property
    def said(self):
        """The choice, or the number as it was typed, or None."""
        return SAID.get((self.question, self.choices))

    @shows_errors
    def _keep(self, change):
        said = change["new"] or None
        if said and not self.choices and not any(map(str.isdecimal, said)):
            text = f"Expected a number, such as 25. Received: {said}"
            return self.say(text, is_error=True)
        SAID[self.question, self.choices] = said
        self.say("Noted. Now run the next cells." if said else "")

    def _shown(self, value):
        """With its unit, if it is a number that has none."""
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        text = number(value) if is_number else str(value)
        return f"{text} {self.unit}".strip() if BARE.fullmatch(text) else text

    def compare(self, result):
        """Prints what was said and what came out, one under the other.

        Args:
            result: Number in the question's unit, or one of its choices.

        Raises:
            ValueError: If the question has choices and this is none of them.
        """
        if self.choices and result not in self.choices:
            raise ValueError(
                f"Expected one of {', '.join(self.choices)}. Received: {result!r}"
            )
        said = self._shown(self.said or "(nothing)")
        print(f"you said:  {said}\nmeasured:  {self._shown(result)}")

    def __repr__(self):
        what = " / ".join(self.choices) or f"a number {self.unit}".rstrip()
        return f"Predict. {self.question} ({what})"
