"""A prediction is kept, and set beside the result."""

import pytest

from tlcourse.widgets import predict, prediction


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(prediction, "SAID", {})


def ask(*choices, unit=""):
    return predict("How many?", *choices, unit=unit)


def test_a_choice_is_kept_when_the_cell_runs_again(capsys):
    ask("none", "all").field.value = "all"
    again = ask("none", "all")
    assert again.said == again.field.value == "all"
    capsys.readouterr()
    again.compare("none")
    assert capsys.readouterr().out == "you said:  all\nmeasured:  none\n"


def test_without_an_answer_the_result_is_shown_all_the_same(capsys):
    guess = ask(unit="%")
    capsys.readouterr()
    guess.compare(93.4)
    assert capsys.readouterr().out == "you said:  (nothing)\nmeasured:  93.4 %\n"


@pytest.mark.parametrize(
    "typed, shown", [("40", "40 %"), ("40 %", "40 %"), ("1,5", "1,5 %")]
)
def test_a_number_is_shown_as_it_was_typed_with_its_unit(typed, shown, capsys):
    guess = ask(unit="%")
    guess.field.value = typed
    assert "Noted" in guess.message.value
    guess.compare(12345)
    assert f"you said:  {shown}\nmeasured:  12,345 %\n" in capsys.readouterr().out


def test_what_is_no_number_is_refused_and_what_was_said_stays():
    guess = ask()
    guess.field.value = "40"
    guess.field.value = "many"
    assert "Received: many" in guess.message.value
    assert guess.said == "40"


def test_a_prediction_can_be_taken_back():
    guess = ask()
    guess.field.value = "40"
    guess.field.value = ""
    assert guess.said is None and guess.message.value == ""


def test_without_widgets_it_is_a_line_of_text():
    guess = ask("none", "all")
    assert repr(guess) == "Predict. How many? (none / all)"
    assert "none / all" in guess._repr_mimebundle_()["text/html"]
    assert repr(ask(unit="seconds")) == "Predict. How many? (a number seconds)"


@pytest.mark.parametrize("choices", [("one",), ("one", "one")])
def test_choices_differ(choices):
    with pytest.raises(ValueError, match="two or more different"):
        ask(*choices)


def test_a_result_is_one_of_the_choices():
    with pytest.raises(ValueError, match="one of none, all. Received: 'some'"):
        ask("none", "all").compare("some")


@pytest.mark.parametrize(
    "unit, hint",
    [("", "a number"), ("%", "a number, in %"), ("of 40", "a number of 40")],
)
def test_an_empty_field_says_what_goes_into_it(unit, hint):
    assert ask(unit=unit).field.placeholder == hint


def test_code_in_a_question_looks_like_code_and_nothing_else_does():
    title = predict("Does `fit` move <b> & all?", "no", "yes").box.children[0].value
    assert "Does <code>fit</code> move &lt;b&gt; &amp; all?" in title
