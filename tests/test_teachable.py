"""A classifier that grows, its examples, and the panel that shows it."""

import contextlib
import re
import threading
import types

import keras
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from IPython.core.events import EventManager, available_events

from tlcourse import data, training, widgets
from tlcourse.course.tracks import load_track
from tlcourse.data import sketches, symbols
from tlcourse.teachable.classifier import GrowingClassifier
from tlcourse.teachable.examples import ExampleSet
from tlcourse.widgets import view

NAMES = ("star", "spiral", "fish")


@pytest.fixture(scope="module")
def embed():
    return training.embedder(load_track("glyphs"))


@pytest.fixture
def classifier(embed):
    return GrowingClassifier(embed)


def drawing(name, seed, size=(64, 64)):
    return sketches.draw(symbols.sketch(name, seed), size)


@pytest.fixture
def taught(classifier):
    """Three drawings each of three symbols."""
    for name in NAMES:
        classifier.add_class(name)
        classifier.add(name, *(drawing(name, seed) for seed in range(3)))
    return classifier


def share_right(classifier, names=NAMES, seeds=range(100, 120)):
    right = []
    for name in names:
        found = [classifier.predict(drawing(name, seed)) for seed in seeds]
        right += [max(each, key=each.get) == name for each in found]
    return np.mean(right)


# The examples


class Collecting(RuleBasedStateMachine):
    """An `ExampleSet` beside a plain dict that does the same."""

    def __init__(self):
        super().__init__()
        self.examples, self.model, self.n = ExampleSet(), {}, 0

    names = st.sampled_from(["a", "b", "c", "d"])

    @rule(name=names)
    def add_class(self, name):
        if name in self.model:
            with pytest.raises(ValueError, match="Expected a new name"):
                self.examples.with_class(f" {name} ")
        else:
            self.examples = self.examples.with_class(f" {name} ")
            self.model[name] = []

    @rule(name=names)
    def add(self, name):
        self.n += 1
        if name in self.model:
            before = self.examples
            self.examples = before.with_example(name, self.n)
            assert before.counts == {k: len(v) for k, v in self.model.items()}
            self.model[name].append(self.n)
        else:
            with pytest.raises(ValueError, match="Expected a class"):
                self.examples.with_example(name, self.n)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), position=st.integers(-4, 4))
    def take_out(self, data, position):
        name = data.draw(st.sampled_from(sorted(self.model)))
        had = self.model[name]
        if -len(had) <= position < len(had):
            self.examples = self.examples.without_example(name, position)
            del had[position]
        else:
            with pytest.raises(ValueError, match="Expected an example"):
                self.examples.without_example(name, position)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), new=names)
    def rename(self, data, new):
        old = data.draw(st.sampled_from(sorted(self.model)))
        if new in self.model and new != old:
            with pytest.raises(ValueError, match="taken"):
                self.examples.with_renamed_class(old, new)
        else:
            self.examples = self.examples.with_renamed_class(old, new)
            pairs = self.model.items()
            self.model = {new if name == old else name: had for name, had in pairs}

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data):
        name = data.draw(st.sampled_from(sorted(self.model)))
        self.examples = self.examples.without_class(name)
        del self.model[name]

    @invariant()
    def they_agree(self):
        assert self.examples.class_names == tuple(self.model)
        assert {n: list(had) for n, had in self.examples.classes} == self.model


TestCollecting = Collecting.TestCase


@pytest.mark.parametrize("name", ["", "   ", "x" * 41])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="Expected a name of 1 to 40"):
        ExampleSet().with_class(name)


# The classifier


def test_three_drawings_of_each_symbol_are_enough(taught):
    assert share_right(taught) >= 0.95


def test_it_has_no_answer_before_there_are_two_classes(classifier):
    assert classifier.predict(drawing("star", 0)) == {}
    classifier.add_class("star")
    assert classifier.add("star", drawing("star", 0)) == 0
    classifier.add_class("fish")
    assert classifier.predict(drawing("star", 1)) == {}
    assert classifier.add("fish", drawing("fish", 0)) > 0
    assert set(classifier.predict(drawing("star", 1))) == {"star", "fish"}


def test_the_answers_are_probabilities(taught):
    found = taught.predict(drawing("fish", 50))
    assert tuple(found) == NAMES
    assert sum(found.values()) == pytest.approx(1)


def test_it_is_asked_before_it_is_told(classifier):
    for name in ("star", "spiral"):
        classifier.add_class(name)
        classifier.add(name, drawing(name, 0))
    assert classifier.first_predictions == []
    said = classifier.predict(drawing("spiral", 1))
    classifier.add("spiral", drawing("spiral", 1))
    told = [("spiral", max(said, key=said.get))]
    assert classifier.first_predictions == told
    classifier.add_class("fish")
    classifier.add("fish", drawing("fish", 0))  # it could not have said that
    assert classifier.first_predictions == told


def test_what_is_taken_out_leaves_no_trace(taught):
    before = taught.predict(drawing("star", 60))
    taught.add("star", drawing("fish", 9))
    assert taught.predict(drawing("star", 60)) != before
    taught.remove("star", 3)
    assert taught.predict(drawing("star", 60)) == before


def test_a_class_that_is_dropped_is_no_answer_any_more(taught):
    taught.remove_class("spiral")
    assert set(taught.predict(drawing("star", 60))) == {"star", "fish"}
    taught.remove_class("fish")
    assert taught.predict(drawing("star", 60)) == {}


def test_a_new_name_changes_no_number(taught):
    before = taught.predict(drawing("fish", 60))
    taught.rename_class("fish", "shark")
    after = taught.predict(drawing("fish", 60))
    assert list(before.values()) == list(after.values())
    assert tuple(after) == ("star", "spiral", "shark")
    assert {was for was, _ in taught.first_predictions} <= {"star", "spiral", "shark"}


def test_uneven_classes_do_not_drown_the_small_one(classifier):
    for name, n in (("star", 20), ("spiral", 1)):
        classifier.add_class(name)
        classifier.add(name, *(drawing(name, seed) for seed in range(n)))
    assert share_right(classifier, ("star", "spiral")) >= 0.95


@pytest.mark.parametrize("when", ["_new_head", "fit"])
def test_whoever_interrupts_it_has_answers_still(classifier, monkeypatch, when):
    for name in NAMES[:2]:
        classifier.add_class(name)
        classifier.add(name, symbols.draw(name, range(3), (64, 64)))
    classifier.add_class("house")

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner = classifier if when == "_new_head" else keras.Sequential
        patch.setattr(owner, when, interrupt)
        with pytest.raises(KeyboardInterrupt):
            classifier.add("house", drawing("house", 0))
    assert set(classifier.predict(drawing("star", 50))) == set(NAMES[:2])
    assert classifier.model().output_shape == (None, 2)
    classifier.add("house", drawing("house", 1))
    assert len(classifier.predict(drawing("star", 50))) == 3


def test_a_dataset_is_added_with_its_classes(classifier):
    classifier.add_class("fish")
    given = symbols.dataset(range(3), (64, 64), NAMES)
    assert classifier.add_dataset(given) > 0
    assert classifier.examples.counts == {"fish": 3, "star": 3, "spiral": 3}
    back = classifier.dataset()
    for name in NAMES:
        wanted = given.images[given.labels == given.class_names.index(name)]
        found = back.images[back.labels == back.class_names.index(name)]
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="Expected an image"):
        classifier.add_dataset(symbols.dataset(range(1), (32, 32), ("cup", "house")))
    with pytest.raises(ValueError, match="Expected a name of 1 to 40"):
        named = data.Dataset(given.images[:2], np.arange(2), ("cup", "c" * 41))
        classifier.add_dataset(named)
    assert "cup" not in classifier.examples.class_names


def test_the_base_is_not_changed(embed, taught):
    before = embed.get_weights()
    taught.add("star", drawing("star", 30))
    for a, b in zip(before, embed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_model_gives_the_same_answers_from_raw_pixels(taught):
    images = np.stack([drawing(name, 70) for name in NAMES])
    whole = taught.model()
    found = whole.predict(images, verbose=0)
    for row, image in zip(found, images, strict=True):
        np.testing.assert_allclose(row, list(taught.predict(image).values()), atol=1e-5)
    taught.add("fish", *(drawing("star", k) for k in range(9)))  # it goes on alone
    np.testing.assert_array_equal(whole.predict(images, verbose=0), found)


def test_the_examples_are_a_dataset(taught):
    taught.add_class("empty")
    found = taught.dataset()
    assert found.images.shape == (9, 64, 64, 3)
    assert found.class_names == NAMES
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_without_two_classes_there_is_no_dataset_and_no_model(classifier):
    for method in (classifier.dataset, classifier.model):
        with pytest.raises(ValueError, match="two classes with examples.*Received"):
            method()


WRONG = [((64, 64), "uint8"), ((64, 64, 3), "float32"), ((32, 32, 3), "uint8")]


@pytest.mark.parametrize(
    "image",
    [np.zeros(shape, kind) for shape, kind in WRONG],
    ids=["grey", "float", "small"],
)
def test_an_image_that_does_not_fit_is_refused_and_nothing_is_added(taught, image):
    with pytest.raises(ValueError, match="Expected an image uint8.*Received"):
        taught.add("star", drawing("star", 5), image)
    assert taught.examples.counts["star"] == 3


# The panel


@pytest.fixture
def panel(classifier):
    return widgets.TeachingPanel(classifier)


def teach(panel, name, seeds):
    """Makes a class and gives examples, as the panel's buttons do it."""
    if name not in panel.classifier.examples.class_names:
        panel.new.value = name
        panel.make.click()
    row = next(row for row in panel.rows if row.class_name == name)
    for seed in seeds:
        panel.source.pad.strokes = symbols.sketch(name, seed)
        row.add.click()
    return row


def test_drawing_and_pressing_the_button_teaches(panel):
    teach(panel, "star", range(3))
    teach(panel, "fish", range(3))
    assert panel.classifier.examples.counts == {"star": 3, "fish": 3}
    assert panel.source.pad.strokes == []
    panel.source.pad.strokes = symbols.sketch("fish", 40)
    assert "Looks like <b>fish</b>" in panel.found.value
    assert "right" in panel.score.value and "times of 2" in panel.score.value
    assert "Learnt anew" in panel.message.value


def test_without_a_picture_nothing_can_be_added(panel):
    row = teach(panel, "star", [])
    assert row.add.disabled
    panel.source.pad.strokes = symbols.sketch("star", 0)
    assert not row.add.disabled
    panel.source.pad.strokes = []
    assert row.add.disabled


def test_an_example_can_be_taken_out_and_a_class_dropped(panel):
    row = teach(panel, "star", range(3))
    kept = [each.image for each in panel.classifier.examples.of("star")]
    row.example.value = 1
    row.take_out.click()
    left = [each.image for each in panel.classifier.examples.of("star")]
    assert len(left) == 2
    np.testing.assert_array_equal(left[1], kept[2])
    assert row.example.label == "star 2" and len(row.example.options) == 2
    row.drop.click()
    assert panel.classifier.examples.class_names == () == panel.classes.children


def test_a_double_click_drops_one_class_and_what_is_late_goes_nowhere(panel):
    row = teach(panel, "star", range(2))
    teach(panel, "spiral", range(3))
    teach(panel, "fish", range(3))
    spiral = panel.rows[1]
    row.drop.click()
    row.drop.click()
    assert panel.classifier.examples.counts == {"spiral": 3, "fish": 3}
    panel.source.pad.strokes = symbols.sketch("spiral", 7)
    spiral.add.click()
    row.add.click()
    row.take_out.click()
    assert panel.classifier.examples.counts == {"spiral": 4, "fish": 3}
    assert "no class star any more" in panel.message.value


def test_what_was_taken_out_can_be_brought_back(panel):
    teach(panel, "fish", range(2))
    row = teach(panel, "star", range(3))
    before, answer = panel.classifier.examples, panel.classifier.predict
    said = answer(drawing("star", 9))
    assert panel.back.disabled
    row.drop.click()
    assert answer(drawing("star", 9)) == {}
    assert not panel.back.disabled
    panel.back.click()
    assert panel.classifier.examples is before and panel.back.disabled
    assert answer(drawing("star", 9)) == pytest.approx(said, abs=1e-5)
    panel.rows[1].take_out.click()
    teach(panel, "fish", [5])  # what came afterwards must not be lost
    assert panel.back.disabled
    panel.back.click()
    assert panel.classifier.examples.counts == {"fish": 3, "star": 2}


def test_a_second_panel_of_the_same_classifier_keeps_up(panel):
    row = teach(panel, "star", range(2))
    other = widgets.TeachingPanel(panel.classifier)
    row.drop.click()
    other.pad.strokes = symbols.sketch("star", 3)
    other.rows[0].add.click()
    assert "no class star any more" in other.message.value
    assert other.rows == []


def test_a_stroke_that_is_begun_too_soon_belongs_to_the_next_drawing(panel):
    first, second = symbols.sketch("house", 0), symbols.sketch("arrow", 0)
    row = teach(panel, "house", [])
    panel.source.pad.strokes = first
    row.add.click()
    panel.source.pad.strokes = [*first, second[0]]  # the browser had not heard of it
    assert panel.source.pad.strokes == second[:1]
    panel.source.pad.strokes = [*first, *second]
    assert panel.source.pad.strokes == second
    np.testing.assert_array_equal(panel.images[0], drawing("arrow", 0))
    panel.source.pad.strokes = first  # the same once more is a drawing
    assert panel.source.pad.strokes == first


def test_a_class_can_get_another_name_but_not_a_taken_one(panel):
    row = teach(panel, "star", range(1))
    teach(panel, "fish", range(1))
    row.name.value = "sun"
    assert panel.classifier.examples.class_names == ("sun", "fish")
    assert row.add.description == "Add to sun"
    with pytest.raises(ValueError, match="taken"):
        row.name.value = "fish"
    assert row.name.value == "sun"
    assert 'role="alert"' in panel.message.value


@pytest.mark.parametrize("order", ["name, press", "press, name", "name alone"])
def test_a_class_is_made_whatever_comes_first(panel, order):
    for step in order.split(", "):
        if step == "press":
            panel.make.click()
        else:
            panel.new.value = "star"
    assert panel.classifier.examples.class_names == ("star",)
    assert panel.new.value == "" and "alert" not in panel.message.value


def test_a_name_that_is_taken_is_refused_in_words_and_kept(panel):
    teach(panel, "star", [])
    with pytest.raises(ValueError, match="taken"):
        panel.new.value = "star"
    with contextlib.suppress(ValueError):  # ipywidgets 8 only logs it
        panel.make.click()
    assert 'role="alert"' in panel.message.value and panel.new.value == "star"


def test_ready_made_drawings_need_no_mouse(panel):
    panel.source.ready.value = "fish"
    first = panel.source.pad.strokes
    assert first and len(panel.images) == 1
    panel.source.another.click()
    assert panel.source.pad.strokes != first
    assert panel.images[0].shape == (64, 64, 3)


def jpeg(image):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="jpeg", quality=95)
    return file.getvalue()


def test_a_frame_of_the_camera_is_answered_and_acknowledged(panel):
    teach(panel, "star", range(2))
    row = teach(panel, "fish", range(2))
    panel.source.way.value = "camera"
    panel.source.camera.set_state({"frame": memoryview(jpeg(drawing("fish", 44))), "sent": 1})
    assert panel.source.camera.seen == 1
    assert "Looks like <b>fish</b>" in panel.found.value
    row.add.click()
    assert panel.classifier.examples.counts["fish"] == 3
    assert panel.images


def test_a_broken_frame_is_told_and_the_next_one_may_come(panel):
    panel.source.way.value = "camera"
    panel.source.camera.set_state({"frame": b"\xff\xd8 nothing", "sent": 1})
    assert panel.source.camera.seen == 1
    assert "broken" in panel.message.value


def frame(panel, name, seed):
    """The camera sends one more."""
    state = {"frame": memoryview(jpeg(drawing(name, seed)))}
    panel.source.camera.set_state(state | {"sent": panel.source.camera.sent + 1})


@pytest.fixture
def recording(panel):
    """Two classes; `star` has got the first of five frames."""
    teach(panel, "fish", range(2))
    row = teach(panel, "star", [])
    panel.source.way.value, panel.source.frames.value = "camera", 5
    panel.source.camera.set_state({"on": True})
    frame(panel, "star", 0)
    row.add.click()
    assert panel.classifier.examples.counts == {"fish": 2, "star": 1}
    assert "4 more" in panel.message.value
    return panel


def test_one_press_takes_the_frames_that_come(recording):
    for seed in range(1, 8):
        frame(recording, "star", seed)
    had = recording.classifier.examples.of("star")
    assert len({each.image.tobytes() for each in had}) == len(had) == 5
    assert "Learnt anew" in recording.message.value
    assert recording.source.camera.seen == recording.source.camera.sent


@pytest.mark.parametrize("what", ["off", "way", "drop", "rename", "other"])
def test_what_ends_a_recording(recording, what):
    fish, star = recording.rows
    frame(recording, "star", 1)
    if what == "off":
        recording.source.camera.set_state({"on": False})
    elif what == "way":
        recording.source.way.value = "draw"
        recording.source.way.value = "camera"
    elif what == "drop":
        fish.drop.click()
    elif what == "rename":
        star.name.value = "sun"
    else:
        recording.source.frames.value = 1
        fish.add.click()
    frame(recording, "star", 2)
    counts = recording.classifier.examples.counts
    assert counts.get("star", counts.get("sun")) == 2
    assert counts.get("fish") == {"drop": None, "other": 3}.get(what, 2)


def test_a_press_waits_for_the_cell_that_teaches(panel, monkeypatch):
    """Both at once would lose an example, or mix two trainings of one head."""
    shell = types.SimpleNamespace()
    shell.events = EventManager(shell, available_events)
    monkeypatch.setattr(view, "get_ipython", lambda: shell)
    panel = widgets.TeachingPanel(panel.classifier)
    row = teach(panel, "star", range(1))
    panel.source.pad.strokes = symbols.sketch("star", 1)
    press = threading.Thread(target=row.add.click)
    shell.events.trigger("pre_run_cell", None)
    press.start()
    press.join(2)  # it would have been done long ago
    assert press.is_alive() and panel.classifier.examples.counts == {"star": 1}
    panel.classifier.add("star", drawing("star", 2))
    shell.events.trigger("post_run_cell", None)
    press.join(10)
    assert panel.classifier.examples.counts == {"star": 3}


def choose(panel, *files):
    """Sends files as the browser does: name, and content or what went wrong."""
    for number, (name, content) in enumerate(files):
        state = {"name": name, "number": number, "left": len(files) - 1 - number}
        state |= {"content": b"", "problem": ""}
        state["problem" if isinstance(content, str) else "content"] = content
        panel.source.files.set_state(state | {"sent": panel.source.files.sent + 1})
        assert panel.source.files.seen == panel.source.files.sent


def test_files_are_added_together_and_bad_ones_are_named(panel):
    row = teach(panel, "star", [])
    panel.source.way.value = "files"
    good = [(f"{k}.jpg", memoryview(jpeg(drawing("star", k)))) for k in range(3)]
    bad = [("holiday.mov", b"no picture"), ("nothing.png", b""), ("x.tif", "too large")]
    choose(panel, *good, *bad)
    for said in ("holiday.mov: not", "nothing.png: empty", "x.tif: too large"):
        assert said in panel.message.value
    assert "3 pictures" in panel.seen.value
    row.add.click()
    assert panel.classifier.examples.counts == {"star": 3}
    assert panel.images == []
    choose(panel, ("one.jpg", jpeg(drawing("star", 9))))
    assert len(panel.images) == 1 and "alert" not in panel.message.value


def test_each_of_several_files_is_answered(panel):
    teach(panel, "star", range(3))
    teach(panel, "fish", range(3))
    panel.source.way.value = "files"
    names = ["star", "fish"] * 13
    choose(panel, *((f"{k}.jpg", jpeg(drawing(n, k))) for k, n in enumerate(names)))
    assert "26 pictures, the first 24" in panel.seen.value
    said = re.findall("<figcaption>(.*?) [0-9]+%</figcaption>", panel.found.value)
    assert said == names[:24]


def test_many_bad_files_do_not_fill_the_screen(panel):
    panel.source.way.value = "files"
    choose(panel, *((f"{k}.mov", b"no picture") for k in range(40)))
    assert "4.mov" in panel.message.value and "and 35 more" in panel.message.value
    assert "5.mov" not in panel.message.value.replace("35 more", "")


def test_another_way_in_begins_without_a_picture(panel):
    panel.source.pad.strokes = symbols.sketch("star", 0)
    panel.source.way.value = "files"
    assert panel.images == []
    assert panel.source.files in panel.source.inputs.children
    panel.source.way.value = "draw"  # what the pad shows is there again
    np.testing.assert_array_equal(panel.images[0], drawing("star", 0))


def test_what_code_has_changed_is_shown_after_a_refresh(panel):
    panel.classifier.add_class("star")
    panel.classifier.add("star", drawing("star", 0))
    panel.refresh()
    assert [row.class_name for row in panel.rows] == ["star"]
    assert "star (1)" in repr(panel)
    assert "1 example of star" in panel._repr_html_()


def test_names_are_shown_as_text_and_not_as_html(panel):
    teach(panel, "<b>x", [])
    assert "<b>x" not in panel._repr_html_()


def test_keras_is_what_learns(taught):
    """The same dense layer, by `fit`, on the same examples agrees."""
    mine = taught.dataset()
    model = keras.Sequential(
        [taught.embed, keras.layers.Dense(len(NAMES), activation="softmax")]
    )
    taught.embed.trainable = False
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(mine.images, mine.labels, epochs=60, verbose=0)
    images = np.stack([drawing(name, k) for name in NAMES for k in range(80, 90)])
    said = [max(f := taught.predict(image), key=f.get) for image in images]
    found = [NAMES[k] for k in model.predict(images, verbose=0).argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(said, found, strict=True)]) >= 0.9
