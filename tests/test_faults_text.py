"""Text is shown as text, files run no code, and low-rank adaptation stays as chosen."""

import contextlib
import html.parser
import pathlib
import sys
import types
import zipfile

import ipywidgets
import keras
import numpy as np
import pytest
from keras import layers

from tlcourse import bases, data, widgets
from tlcourse.bases import catalogue
from tlcourse.checks import exercise
from tlcourse.course import doctor, fetch, progress
from tlcourse.data.folder_report import printable
from tlcourse.features.worker import load_network
from tlcourse.models import structure
from tlcourse.teachable import GrowingClassifier
from tlcourse.widgets import FreezePanel, TeachingPanel, html_images, view
from tlcourse.widgets.prediction import Prediction
from tlcourse.yosinski import results

LESSON_13 = pathlib.Path(__file__).parent.parent / "lessons/src/13_your_own_images.py"
NAMES = [
    "<b>b<b> &amp; <script>f()",
    "<img src=x onerror=f()>",
    "\" onload='f()' x=\" ' onload=f()",
    r"$\foo$ a_b^c 100 % {x} %s _",
    "two\nlines\t\u202egnp\u200b\x1b[3m\x00",
    "x" * 40,
    "\udcff",  # which Keras does not take
]


class Skeleton(html.parser.HTMLParser):
    """The tags of a page with the names of their attributes, and its words."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, *(name for name, _ in attributes)))
        spoken = ("alt", "aria-label")
        self.words += "".join(f" {said}" for name, said in attributes if name in spoken)

    def handle_data(self, text):
        self.words += text


def shown(name):
    """A name as the widgets show it: in one line, and nothing in it invisible."""
    return printable(" ".join(name.split()))


@pytest.fixture(scope="module")
def classifier():
    pixels = keras.Input((8, 8, 3))
    vectors = layers.Dense(4)(layers.GlobalAveragePooling2D()(pixels))
    return GrowingClassifier(keras.Model(pixels, vectors))


@pytest.fixture(autouse=True)
def closed():
    yield
    ipywidgets.Widget.close_all()


# Each view, with a name wherever it takes one.


def catalogue_explorer(name, patch, _):
    known = next(iter(bases.CATALOGUE.values()))._replace(name=name)
    stages = {name: [catalogue.StageFigures(name, 7, 2, 30)]}
    patch.setattr(bases, "CATALOGUE", {name: known})
    patch.setattr(bases, "find", lambda *_: known)
    patch.setattr(catalogue, "shipped_stages", lambda: stages)
    return widgets.CatalogueExplorer(name)


def feature_map_viewer(name, *_):
    images = np.zeros((1, 8, 8, 3), "uint8")
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, 2)])
    return widgets.FeatureMapViewer(base, lambda pixels: pixels, images, [name])


def fetch_button(name, patch, _):
    patch.setattr(fetch, "missing", lambda: {name: name})

    def fail(report):
        report(name, 1, 2)
        raise ConnectionError(name)

    patch.setattr(fetch, "fetch_flowers", fail)
    made = widgets.FetchButton()
    made.button.click()
    return made


def panel_of(name):
    """A panel of a model, with the name wherever Keras takes it for a name."""
    dense = layers.Dense(2, name=name)
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), dense])
    model.name = name
    return FreezePanel(model)


def freeze_panel(name, *_):
    return panel_of(name)


def learning_rate_explorer(name, *_):
    return widgets.LearningRateExplorer({0.1: [[1.0, 2.0]]})


def teaching_panel(name, _, classifier):
    classifier.examples = {}
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 8, 8, 3), "uint8")
    classifier.add_dataset(data.Dataset(images, np.arange(4) % 2, (name, "b")))
    made = TeachingPanel(classifier)
    made.show_images(list(images[:1]))
    made.show_images(list(images))
    made.source.files.name, made.source.files.content = name, b"no picture"
    made.source.way.value = "files"
    made.source.files.sent = 1
    return made


def transfer_explorer(name, *_):
    curves = results.shipped()["near"]
    made = widgets.TransferExplorer({"near": curves, name: curves})
    made.split.value = name
    return made


def prediction(name, *_):
    made = Prediction(name, name, f"{name} 2", unit=name)
    made.field.value = name
    return made


VIEWS = {
    Prediction: prediction,
    widgets.CatalogueExplorer: catalogue_explorer,
    widgets.FeatureMapViewer: feature_map_viewer,
    widgets.FetchButton: fetch_button,
    FreezePanel: freeze_panel,
    widgets.LearningRateExplorer: learning_rate_explorer,
    TeachingPanel: teaching_panel,
    widgets.Cut: lambda *_: widgets.Cut(),
    widgets.ForgettingDial: lambda *_: widgets.ForgettingDial(),
    widgets.LabelSlider: lambda *_: widgets.LabelSlider(),
    widgets.Prompt: lambda *_: widgets.Prompt(),
    widgets.Teach: lambda *_: widgets.Teach(),
    widgets.TransferExplorer: transfer_explorer,
}
# No name in what they show; of pictures, the browser's tests see to it.
WORDLESS = {widgets.LearningRateExplorer}
WORDLESS |= {widgets.Cut, widgets.ForgettingDial, widgets.LabelSlider}
WORDLESS |= {widgets.Prompt, widgets.Teach}
SLOW = {widgets.TransferExplorer, widgets.LearningRateExplorer}  # half a second each


def every(kind):
    return {each for sub in kind.__subclasses__() for each in (sub, *every(sub))}


def inside(widget):
    return [widget, *(x for w in getattr(widget, "children", ()) for x in inside(w))]


def pages(shown_view):
    """The static form of a view, its drawn parts, and its messages, good and bad."""
    page = getattr(shown_view, "_repr_html_", str)()
    parts = [x.value for x in inside(shown_view.box) if type(x) is ipywidgets.HTML]
    return [page, *parts]


@pytest.mark.fault(21)
def test_every_view_is_in_the_table():
    pictures = widgets.pictures
    shared = {widgets.explorer.Explorer, pictures.Picture, pictures.MeasuredPicture}
    assert every(view.View) - shared == set(VIEWS)
    functions = vars(html_images).values()
    assert {x.__name__ for x in functions if isinstance(x, types.FunctionType)} == {
        *(
            "as_text",
            "printable",
            "figure_html",
            "data_url",
            "thumbnail",
            "image_html",
            "_png_url",
            "sharp_png",
            "table",
        ),
        *("prediction_bars", "_bar", "captioned_thumbnails"),
    }


@pytest.mark.fault(21)
@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.__name__)
def test_a_view_shows_names_as_text(kind, monkeypatch, classifier):
    names = NAMES[: -1 if kind is FreezePanel else None]
    names = NAMES[2:5] if kind in SLOW else names[: 1 if kind in WORDLESS else None]
    plain = VIEWS[kind]("word", monkeypatch, classifier)
    wanted = [Skeleton(page).tags for page in pages(plain)]
    for name in names:
        made = VIEWS[kind](name, monkeypatch, classifier)
        found = [Skeleton(page) for page in pages(made)]
        assert [page.tags for page in found] == wanted, name
        words = " ".join(page.words for page in found)
        assert kind in WORDLESS or shown(name) in words, name
        assert all(map(str.isprintable, words.replace("\n", ""))), name
        for each in inside(made.box):
            text = getattr(each, "description", "")
            assert not getattr(each, "description_allow_html", False)
            assert isinstance(each, ipywidgets.Button) or "$" not in text
            assert type(each).__name__ not in ("HTMLMath", "Label")
        for is_error in (False, True):
            made.say(name, is_error)
            said = Skeleton(made.message.value)
            assert said.tags == [("div", "role", "style")] and said.words == shown(name)
        ipywidgets.Widget.close_all()


@pytest.mark.fault(21)
def test_a_description_is_no_formula_and_in_ipywidgets_7_no_markup(monkeypatch):
    for is_text, wanted in ((True, "<b> ＄x＄"), (False, "&lt;b&gt; ＄x＄")):
        checkbox = types.SimpleNamespace(description_allow_html=False)
        known = types.SimpleNamespace(Checkbox=checkbox if is_text else object)
        monkeypatch.setattr(view, "ipywidgets", known)
        assert view.label("<b> $x$") == wanted


@pytest.mark.fault(21)
def test_jupyter_looks_for_no_formula_in_the_static_form_of_a_view():
    page = panel_of("word")._repr_mimebundle_()["text/html"]
    assert page.startswith('<div class="mathjax_ignore tex2jax_ignore">')


@pytest.mark.fault(21)
def test_reports_show_names_as_text(tmp_path, monkeypatch, capsys):
    names = [name.replace("\x00", "") for name in NAMES]
    for name in names:
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        keras.utils.save_img(folder / f"{name[:9]}.png", np.eye(8)[..., None])
        (folder / f"{name[:9]}.txt").touch()
    _, report = data.load_folder(tmp_path / "photos", (8, 8))
    lesson = types.SimpleNamespace(
        number="00",
        title=NAMES[0],
        file="x.ipynb",
        exercises={},
        teaching=1,
        practice=1,
    )
    monkeypatch.setattr(progress, "lessons", lambda: [lesson])
    monkeypatch.setattr(progress, "done", dict)
    course_map = Skeleton(progress.CourseMap()._repr_html_())
    assert NAMES[0] in course_map.words and ("a", "href") in course_map.tags
    assert not {"b", "script"} & {tag for tag, *_ in course_map.tags}
    monkeypatch.setenv("TLCOURSE_TRACK", names[4])
    told = "".join(map(str, doctor._track()))
    judge = exercise.find_exercise("12.1")
    told += exercise.problem(judge, NAMES[4], {}) + capsys.readouterr().out
    for text in (str(report), told):
        assert all(map(str.isprintable, text.replace("\n", "")))
    assert all(printable(name) in str(report) for name in names)


@pytest.mark.fault(21)
def test_a_class_is_found_again_by_the_name_that_was_shown(classifier):
    classifier.examples = {}
    images = np.arange(384).reshape(2, 8, 8, 3).astype("uint8")
    given = data.Dataset(images, np.arange(2), (NAMES[4], " b "))
    for _ in range(2):
        classifier.add_dataset(given)
    assert list(classifier.examples) == [shown(NAMES[4]), "b"]
    assert [len(had) for had in classifier.examples.values()] == [2, 2]


# Files that bring code along


@pytest.fixture
def hostile(tmp_path):
    """Files that are no harmless network, and the file that their code would write."""
    ran = tmp_path / "ran"

    def write(x, path=str(ran)):
        pathlib.Path(path).touch()
        return x

    @keras.saving.register_keras_serializable("elsewhere")
    class Own(layers.Layer):
        def call(self, x):
            return x

    pool = layers.GlobalAveragePooling2D
    first = {
        "lambda": layers.Lambda(lambda x: write(x), output_shape=(8, 8, 3)),
        "function": layers.Lambda(write, output_shape=(8, 8, 3)),
        "custom": Own(),
        "sound": layers.Conv2D(3, 1),
    }
    for name, layer in first.items():
        model = keras.Sequential([keras.Input((8, 8, 3)), layer, pool()])
        model.save(tmp_path / f"{name}.keras")
    keras.saving.get_custom_objects().pop("elsewhere>Own")
    ran.unlink(missing_ok=True)
    sound = (tmp_path / "sound.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(sound[:-40])
    (tmp_path / "empty.keras").touch()
    (tmp_path / "picture.keras").write_bytes(b"\x89PNG")
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as file:
        file.writestr("notes.txt", "hello")
    return tmp_path, ran


HOSTILE = {
    "lambda": "Lambda layer with Python code, which was not run",
    "function": "'write', which is not Keras's",
    "custom": "'Own', which is not Keras's",
    **dict.fromkeys(
        ("cut", "empty", "picture", "zip", "missing"), "is damaged, or not"
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, while it saves
@pytest.mark.fault(21)
def test_a_file_that_is_no_plain_network_is_refused_in_a_sentence_and_not_run(
    hostile, monkeypatch
):
    folder, ran = hostile
    script = LESSON_13.read_text("utf-8").split('script = """')[1].split('"""')[0]
    for name, words in HOSTILE.items():
        path = folder / f"{name}.keras"
        with pytest.raises(ValueError, match=f"(?s)Expected in .*Received: .*{words}"):
            load_network(path)
        monkeypatch.setattr(sys, "argv", ["use.py", str(folder / name), "x.png"])
        with pytest.raises(SystemExit, match=f"{name}.keras: damaged, or not of Keras"):
            exec(script, {})
        with pytest.raises(ValueError, match="Expected a `keras.Model`. Received: str"):
            GrowingClassifier(str(path))
        assert not ran.exists()
    assert load_network(folder / "sound.keras").output_shape == (None, 3)


# What trains is finer than the flag of a layer


def low_rank():
    """A frozen model with a dense layer in a nested model, and its two factors."""
    inner = keras.Sequential(
        [keras.Input((8,)), layers.Dense(8, name="narrow")], name="in"
    )
    model = keras.Sequential([keras.Input((8,)), inner, layers.Dense(2)])
    inner.layers[0].enable_lora(rank=1)
    return model, inner


def trainable(model):
    return {weight.path for weight in model.trainable_weights}


@pytest.mark.fault(10)
def test_looking_at_a_model_keeps_what_is_set_below_the_flags_of_layers():
    model, inner = low_rank()
    model.layers[1].kernel.trainable = False
    before = trainable(model)
    structure.find_structure(model)
    with pytest.raises(ValueError, match="unfreeze_from.*keeps that choice"):
        FreezePanel(model)
    assert trainable(model) == before


@pytest.mark.fault(10)
def test_a_click_keeps_what_code_has_set_below_the_flags_of_layers():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8), layers.Dense(2)])
    panel = FreezePanel(model)
    model.layers[0].kernel.trainable = False
    before = trainable(model)
    for name in ("freeze everything", "everything"):
        with contextlib.suppress(ValueError):  # ipywidgets 8 only logs it
            panel.do("preset", name)
    assert trainable(model) == before
    assert "8 of 72 numbers train" in panel.message.value
    assert "so that all 72 train" in panel.message.value
    model.layers[0].trainable = False  # the remedy
    model.layers[0].trainable = True
    panel.do("refresh")
    assert "trains 90 of 90" in repr(panel)
