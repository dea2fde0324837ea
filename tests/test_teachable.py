"""The teachable classifier, its examples, and the panel that shows it."""

import copy
import io
import re
import threading
import types
from unittest.mock import Mock

import keras
import numpy as np
import pytest
from PIL import Image

from tlcourse import training, widgets
from tlcourse.course.tracks import load_track
from tlcourse.data import load_folder, sketches, symbols
from tlcourse.features import extract
from tlcourse.teachable import GrowingClassifier
from tlcourse.widgets import view

NAMES, SIZE = ("star", "spiral", "fish"), (64, 64)
TOO_LONG = types.SimpleNamespace(class_names=("cup", "c" * 41))


@pytest.fixture(scope="module")
def built():
    """A classifier whose heads stay compiled from one test to the next."""
    return GrowingClassifier(training.embedder(load_track("glyphs")))


@pytest.fixture
def classifier(built):
    fresh = copy.copy(built)
    fresh.first_predictions = []
    return fresh


def drawing(name, seed=0):
    return sketches.draw(symbols.sketch(name, seed), SIZE)


@pytest.fixture
def taught(classifier):
    """Three drawings each of three symbols."""
    classifier.add_dataset(symbols.dataset(range(3), SIZE, NAMES))
    return classifier


def counts(classifier):
    return {name: len(had) for name, had in classifier.examples.items()}


def share_right(classifier, model, test):
    found = model.predict(test.images, verbose=0).argmax(axis=1)
    said = np.take(list(classifier.examples), found)
    return np.mean(said == np.take(test.class_names, test.labels))


# The classifier


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda it: it.add_class(" star "), "not taken"),
        (lambda it: it.add_class("   "), "Expected a name of 1 to 40"),
        (lambda it: it.add_class("x" * 41), "Expected a name of 1 to 40"),
        (lambda it: it.rename_class("star", "fish"), "not taken"),
        (lambda it: it.rename_class("x", "y"), "Expected a class"),
        (lambda it: it.add("x", drawing("star")), "Expected a class .star, sp.*fish"),
        (lambda it: it.remove_class("x"), "Expected a class"),
        (lambda it: it.remove("star", 3), "Expected an example.*which has 3"),
        *(
            (lambda it, bad=bad: it.add("star", drawing("star"), bad), "an image uint8")
            for bad in (np.zeros(SIZE, "uint8"), np.zeros((*SIZE, 3), "float32"))
        ),
        (lambda it: it.add_dataset(symbols.dataset([0], (32, 32))), "an image uint8"),
        (lambda it: it.add_dataset(TOO_LONG), "Expected a name of 1 to 40"),
    ],
)
def test_what_it_cannot_do_is_refused_and_changes_nothing(taught, change, words):
    before = taught.examples
    with pytest.raises(ValueError, match=f"{words}.*Received"):
        change(taught)
    assert taught.examples is before


def test_it_predicts_nothing_before_there_are_two_classes(classifier):
    for method in (classifier.dataset, classifier.model):
        with pytest.raises(ValueError, match="two classes with examples.*Received"):
            method()
    classifier.add_class(" star ")
    assert classifier.add("star", drawing("star")) == 0
    classifier.add_class("fish")
    assert classifier.predict(drawing("star", 1)) == {}
    assert classifier.add("fish", drawing("fish")) > 0
    found = classifier.predict(drawing("star", 1))
    assert tuple(found) == ("star", "fish") and sum(found.values()) == pytest.approx(1)


def test_it_predicts_before_it_learns(classifier):
    for name in ("star", "spiral"):
        classifier.add_class(name)
        classifier.add(name, drawing(name))
    assert classifier.first_predictions == []
    found = classifier.predict(drawing("spiral", 1))
    classifier.add("spiral", drawing("spiral", 1))
    classifier.add_class("fish")
    classifier.add("fish", drawing("fish"))  # it could not have predicted that
    assert classifier.first_predictions == [("spiral", max(found, key=found.get))]


def test_what_is_taken_out_leaves_no_trace(taught):
    before, weights = taught.predict(drawing("star", 60)), taught.embed.get_weights()
    taught.add("star", drawing("fish", 9))
    assert taught.predict(drawing("star", 60)) != before
    taught.remove("star", 3)
    assert taught.predict(drawing("star", 60)) == before
    for a, b in zip(weights, taught.embed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # the base is not changed
    taught.remove_class("spiral")
    assert set(taught.predict(drawing("star", 60))) == {"star", "fish"}
    taught.remove_class("fish")
    assert taught.predict(drawing("star", 60)) == {}


def test_a_new_name_changes_no_number_and_no_order(taught):
    taught.add("fish", drawing("fish", 5))
    before = taught.predict(drawing("fish", 60))
    assert taught.rename_class("star", " star ") == "star"
    assert taught.rename_class("fish", " a  shark ") == "a shark"
    after = taught.predict(drawing("fish", 60))
    assert list(before.values()) == list(after.values())
    assert list(after) == list(taught.examples) == ["star", "spiral", "a shark"]
    (true, predicted), *_ = taught.first_predictions
    assert true == "a shark" and predicted in after


def test_uneven_classes_do_not_drown_the_small_one(classifier):
    for name, n in (("star", 20), ("spiral", 1)):
        classifier.add_class(name)
        classifier.add(name, symbols.draw(name, range(n), SIZE))
    test = symbols.dataset(range(100, 110), SIZE, ("star", "spiral"))
    assert share_right(classifier, classifier.model(), test) >= 0.95


def test_an_interrupted_training_leaves_the_old_head(classifier, monkeypatch):
    classifier.add_dataset(symbols.dataset(range(3), SIZE, NAMES[:2]))
    classifier.add_class("house")
    interrupt = Mock(side_effect=KeyboardInterrupt)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keras.Sequential, "fit", interrupt)
        classifier.add("house", drawing("house"))
    assert classifier.predict(drawing("star", 50)).keys() == set(NAMES[:2])
    assert classifier.model().output_shape == (None, 2)
    classifier.add("house", drawing("house", 1))
    assert len(classifier.predict(drawing("star", 50))) == 3


def test_a_dataset_is_added_with_its_classes_and_given_back(classifier):
    classifier.add_class("fish")
    classifier.add_class("empty")
    given = symbols.dataset(range(3), SIZE, NAMES)
    assert classifier.add_dataset(given) > 0
    assert counts(classifier) == {"fish": 3, "empty": 0, "star": 3, "spiral": 3}
    back = classifier.dataset()
    assert back.class_names == ("fish", "star", "spiral")
    for name in NAMES:
        wanted = given.images[given.labels == given.class_names.index(name)]
        found = back.images[back.labels == back.class_names.index(name)]
        np.testing.assert_array_equal(found, wanted)


def test_the_model_is_a_copy_that_predicts_the_same_from_raw_pixels(taught):
    images, model = np.stack([drawing(name, 70) for name in NAMES]), taught.model()
    found = model.predict(images, verbose=0)
    wanted = [list(taught.predict(image).values()) for image in images]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    taught.add("fish", symbols.draw("star", range(9), SIZE))
    np.testing.assert_array_equal(model.predict(images, verbose=0), found)


def test_three_drawings_are_enough_as_they_are_for_a_dense_layer_of_keras(taught):
    learn, test = taught.dataset(), symbols.dataset(range(100, 110), SIZE, NAMES)
    vectors = extract(taught.embed, learn.images)
    softmax = keras.layers.Dense(len(NAMES), activation="softmax")
    head = keras.Sequential([keras.Input(vectors.shape[1:]), softmax])
    head.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    head.fit(vectors, learn.labels, epochs=60, verbose=0)
    whole = keras.Sequential([keras.Input((*SIZE, 3)), taught.embed, head])
    for model in (taught.model(), whole):
        assert share_right(taught, model, test) >= 0.95


# The panel


@pytest.fixture
def panel(classifier):
    return widgets.TeachingPanel(classifier)


def teach(panel, name, seeds):
    """Makes a class and gives examples, as the panel's buttons do it."""
    if name not in panel.classifier.examples:
        panel.do("new", name)
    for seed in seeds:
        panel.source.pad.strokes = symbols.sketch(name, seed)
        panel.do("add", name)


def cards(panel):
    return {card["name"]: card for card in panel.cards.shown["cards"]}


def test_drawing_and_pressing_the_button_teaches(panel):
    teach(panel, "star", [])
    assert not cards(panel)["star"]["ready"]  # there is no drawing yet
    panel.source.pad.strokes = symbols.sketch("star", 0)
    assert cards(panel)["star"]["ready"]
    panel.source.pad.strokes = []
    assert not cards(panel)["star"]["ready"]
    teach(panel, "star", range(2))
    teach(panel, "fish", range(2))
    assert counts(panel.classifier) == {"star": 2, "fish": 2}
    assert panel.source.pad.strokes == []
    panel.source.pad.strokes = symbols.sketch("fish", 40)
    assert "Looks like <b>fish</b>" in panel.found.value
    assert "right" in panel.score.value and "times of 1" in panel.score.value
    assert "Learnt anew" in panel.message.value


def test_an_example_can_be_taken_out_and_a_class_dropped_once(panel):
    teach(panel, "star", range(3))
    teach(panel, "fish", range(2))
    kept = [each.image for each in panel.classifier.examples["star"]]
    panel.do("take_out", "star", 1)
    left = [each.image for each in panel.classifier.examples["star"]]
    np.testing.assert_array_equal(left, [kept[0], kept[2]])
    assert [k for k, _ in cards(panel)["star"]["examples"]] == [0, 1]
    other = widgets.TeachingPanel(panel.classifier)
    panel.do("drop", "star")
    panel.do("drop", "star")  # a double click
    assert counts(panel.classifier) == {"fish": 2} and list(cards(panel)) == ["fish"]
    panel.source.pad.strokes = symbols.sketch("fish", 7)
    panel.do("add", "fish")
    panel.do("add", "star")  # what is late goes nowhere
    panel.do("take_out", "star", 0)
    assert counts(panel.classifier) == {"fish": 3}
    assert "no class star any more" in panel.message.value
    other.source.pad.strokes = symbols.sketch("star", 3)
    other.do("add", "star")
    assert "no class star any more" in other.message.value
    assert list(cards(other)) == ["fish"]


def test_what_was_taken_out_can_be_brought_back_until_something_else_changes(panel):
    teach(panel, "fish", range(2))
    teach(panel, "star", range(3))
    before, answer = panel.classifier.examples, panel.classifier.predict
    said = answer(drawing("star", 9))
    assert not panel.cards.shown["can_bring_back"]
    panel.do("drop", "star")
    assert answer(drawing("star", 9)) == {} and panel.cards.shown["can_bring_back"]
    panel.do("back")
    assert panel.classifier.examples is before
    assert not panel.cards.shown["can_bring_back"]
    assert answer(drawing("star", 9)) == pytest.approx(said, abs=1e-5)
    panel.do("take_out", "star", 2)
    teach(panel, "fish", [5])
    assert not panel.cards.shown["can_bring_back"]
    panel.do("back")
    assert counts(panel.classifier) == {"fish": 3, "star": 2}


def test_a_stroke_that_is_begun_too_soon_belongs_to_the_next_drawing(panel):
    first, second = symbols.sketch("house", 0), symbols.sketch("arrow", 0)
    teach(panel, "house", [])
    panel.source.pad.strokes = first
    panel.do("add", "house")
    panel.source.pad.strokes = [*first, second[0]]  # the browser had not heard of it
    assert panel.source.pad.strokes == second[:1]
    panel.source.pad.strokes = [*first, *second]
    assert panel.source.pad.strokes == second
    np.testing.assert_array_equal(panel.images[0], drawing("arrow", 0))
    panel.source.pad.strokes = first  # the same once more is a drawing
    assert panel.source.pad.strokes == first


def test_a_class_can_get_another_name_but_not_a_taken_one(panel):
    teach(panel, "star", range(1))
    teach(panel, "fish", range(1))
    panel.do("rename", "star", "sun")
    assert counts(panel.classifier) == {"sun": 1, "fish": 1}
    assert cards(panel)["sun"]["said"] == "1 example of sun"
    for what in (("rename", "sun", " fish "), ("new", "sun"), ("new", "fish")):
        panel.do(*what)
        assert f"{what[-1].strip()} is taken. Choose" in panel.message.value
    panel.do("rename", "sun", "Sun")  # of its own name it may change the case
    panel.do("rename", "Sun", "sun")
    for name, said in (
        ("Fish", "Fish is taken"),
        ("", "Type a name"),
        (" \n ", "Type a name"),
        ("a" * 41, "41 characters. 40 are enough"),
    ):
        panel.do("new", name)
        assert said in panel.message.value
    assert counts(panel.classifier) == {"sun": 1, "fish": 1}


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras saves
def test_save_writes_a_folder_and_a_network_and_never_over_another(
    panel, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    teach(panel, "star", range(2))
    assert not panel.cards.shown["can_save"]
    teach(panel, "fish", range(2))
    assert panel.cards.shown["can_save"]
    for name in ("taught", "taught-2"):
        panel.do("save")
        assert f"4 examples in {name}/photos" in panel.message.value
        photos, _ = load_folder(tmp_path / name / "photos", size=SIZE)
        assert counts(panel.classifier) == dict.fromkeys(photos.class_names, 2)
        model = keras.saving.load_model(tmp_path / name / "network.keras")
        found = model.predict(drawing("fish", 9)[None], verbose=0)[0]
        known = panel.classifier.predict(drawing("fish", 9))
        assert found.tolist() == pytest.approx(list(known.values()), abs=1e-5)


def jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="jpeg", quality=95)
    return file.getvalue()


def send(widget, **state):
    """The browser sends one more frame or file; Python has to see it."""
    widget.set_state(state | {"sent": widget.sent + 1})
    assert widget.seen == widget.sent


def frame(panel, name, seed):
    send(panel.source.camera, frame=memoryview(jpeg(drawing(name, seed))))


@pytest.fixture
def recording(panel):
    """Two classes; `star` has got the first of five frames."""
    teach(panel, "fish", range(2))
    teach(panel, "star", [])
    panel.source.way.value, panel.source.frames.value = "camera", 5
    panel.source.camera.set_state({"on": True})
    frame(panel, "star", 0)
    panel.do("add", "star")
    assert counts(panel.classifier) == {"fish": 2, "star": 1}
    assert "4 more" in panel.message.value
    return panel


def test_one_press_takes_the_frames_that_come_and_a_broken_one_is_told(recording):
    for seed in range(1, 8):
        frame(recording, "star", seed)
    had = recording.classifier.examples["star"]
    assert len({each.image.tobytes() for each in had}) == len(had) == 5
    assert "Learnt anew" in recording.message.value
    frame(recording, "fish", 44)
    assert "Looks like <b>fish</b>" in recording.found.value
    send(recording.source.camera, frame=b"\xff\xd8 nothing")
    assert "broken" in recording.message.value and recording.images


@pytest.mark.parametrize(
    "end, expected",
    [
        (lambda it: it.source.camera.set_state({"on": False}), {"fish": 2, "star": 2}),
        (lambda it: it.source.way.set_trait("value", "draw"), {"fish": 2, "star": 2}),
        (lambda it: it.do("drop", "fish"), {"star": 2}),
        (lambda it: it.do("rename", "star", "sun"), {"fish": 2, "sun": 2}),
        (lambda it: it.do("add", "fish"), {"fish": 4, "star": 2}),
        (lambda it: it.do("hold", "star", False), {"fish": 2, "star": 2}),
    ],
)
def test_what_ends_a_recording(recording, end, expected):
    frame(recording, "star", 1)
    end(recording)
    recording.source.way.value = "camera"
    frame(recording, "star", 2)
    assert counts(recording.classifier) == expected


def test_a_press_waits_for_whoever_holds_the_lock_of_the_models(panel):
    """A running cell does; together, they would mix two trainings of one head."""
    teach(panel, "star", range(1))
    panel.source.pad.strokes = symbols.sketch("star", 1)
    press = threading.Thread(target=panel.do, args=("add", "star"))
    with view.model_lock():
        press.start()
        press.join(1)  # it would have been done long ago
        assert press.is_alive() and counts(panel.classifier) == {"star": 1}
    press.join(10)
    assert counts(panel.classifier) == {"star": 2}


def test_a_held_button_takes_frames_until_it_is_let_go_and_a_burst_counts_once(panel):
    teach(panel, "star", range(2))
    teach(panel, "fish", range(2))
    answered = len(panel.classifier.first_predictions)
    panel.source.way.value = "camera"
    panel.source.camera.set_state({"on": True})
    frame(panel, "star", 10)
    panel.do("hold", "star", True)
    for seed in range(11, 18):
        frame(panel, "star", seed)
    panel.do("hold", "star", False)
    frame(panel, "star", 18)
    assert counts(panel.classifier) == {"star": 10, "fish": 2}
    assert len(panel.classifier.first_predictions) == answered + 1
    assert f"times of {answered + 1}" in panel.score.value


def choose(panel, *files):
    """Sends files as the browser does: name, and content or what went wrong."""
    for number, (name, content) in enumerate(files):
        state = {"name": name, "number": number, "left": len(files) - 1 - number}
        state |= {"content": b"", "problem": ""}
        state["problem" if isinstance(content, str) else "content"] = content
        send(panel.source.files, **state)


def test_files_are_added_together_and_bad_ones_are_named(panel):
    teach(panel, "star", [])
    panel.source.way.value = "files"
    good = [(f"{k}.jpg", memoryview(jpeg(drawing("star", k)))) for k in range(3)]
    bad = [("holiday.mov", b"no picture"), ("nothing.png", b""), ("x.tif", "too large")]
    choose(panel, *good, *bad)
    for said in ("holiday.mov: not", "nothing.png: empty", "x.tif: too large"):
        assert said in panel.message.value
    assert "3 pictures" in panel.seen.value
    panel.do("add", "star")
    assert counts(panel.classifier) == {"star": 3} and panel.images == []
    choose(panel, ("one.jpg", jpeg(drawing("star", 9))))
    assert len(panel.images) == 1 and "alert" not in panel.message.value


def test_many_files_are_predicted_and_bad_ones_do_not_fill_the_screen(taught):
    panel, names = widgets.TeachingPanel(taught), ["star", "fish"] * 13
    panel.source.way.value = "files"
    choose(panel, *((f"{k}.jpg", jpeg(drawing(n, k))) for k, n in enumerate(names)))
    assert "26 pictures, the first 24" in panel.seen.value
    said = re.findall("<figcaption>(.*?) [0-9]+%</figcaption>", panel.found.value)
    assert said == names[:24]
    choose(panel, *((f"{k}.mov", b"no picture") for k in range(40)))
    assert re.findall("(.).mov", panel.message.value) == list("01234")
    assert "and 35 more" in panel.message.value


def test_another_way_in_begins_without_a_picture(panel):
    panel.source.ready.value = "fish"  # a drawing that needs no mouse
    first = panel.source.pad.strokes
    assert first and panel.images[0].shape == (*SIZE, 3)
    panel.source.another.click()
    assert panel.source.pad.strokes != first
    shown = panel.images
    panel.source.way.value = "files"
    assert panel.images == [] and panel.source.files in panel.source.inputs.children
    panel.source.way.value = "draw"  # what the pad shows is there again
    np.testing.assert_array_equal(panel.images, shown)


def test_what_code_has_changed_is_shown_after_a_refresh(panel):
    panel.classifier.add_class("star")
    panel.classifier.add("star", drawing("star", 0))
    panel.refresh()
    assert "star (1)" in repr(panel)
    assert "1 example of star" in panel._repr_html_()
    teach(panel, "<b>x", [])
    assert "<b>x" not in panel._repr_html_()
