"""Every network of keras.applications: figures, files, preprocessing, training.

Six of different families are in `make test`; the others are marked as slow.
"""

import inspect
import os
import pathlib
import subprocess
import sys

import ipywidgets
import keras
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from tlcourse import bases, data, features, training
from tlcourse.course import fetch
from tlcourse.course.tracks import load_track
from tlcourse.models import freeze_state, freezing, heads, keras_code
from tlcourse.widgets import FreezePanel

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERIFY = pathlib.Path(os.environ.get("VERIFY", ROOT.parent / "shared" / "verify"))
needs_photographs = pytest.mark.skipif(
    not (VERIFY / "keras").is_dir(),
    reason=f"no ImageNet weights and photographs in {VERIFY}; set VERIFY",
)
saves = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras does it
DOWNLOADS = inspect.getmodule(keras.utils.get_file)  # where Keras looks it up
# The quickest of each family, without the two whose graphs are the largest.
FAMILIES = "VGG16 ResNet50V2 Xception MobileNet EfficientNetB0 ConvNeXtTiny".split()
LARGE = (
    "NASNetLarge EfficientNetB6 EfficientNetB7 EfficientNetV2M EfficientNetV2L "
    "ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge"
).split()
NARROW = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}}


def networks(but=()):
    """Names as parameters: those of FAMILIES, and the others, which are slow."""
    return [
        pytest.param(name, marks=[] if name in FAMILIES else pytest.mark.slow)
        for name in bases.NETWORKS
        if name not in but
    ]


@pytest.fixture
def memory_given_back():
    yield
    ipywidgets.Widget.close_all()
    keras.utils.clear_session(free_memory=True)


# Names, sizes, files


def test_there_is_a_row_for_every_network_of_keras_and_lesson_02_shows_17():
    known = {
        name
        for name in dir(keras.applications)
        if name[0].isupper() and callable(getattr(keras.applications, name))
    }
    assert set(bases.NETWORKS) == known
    assert len(bases.CATALOGUE) == 17


@pytest.mark.parametrize("name", bases.NETWORKS)
def test_usual_and_smallest_input_are_those_of_keras(name):
    network, build = bases.find(name), getattr(keras.applications, name)
    side, smallest = network.side, network.smallest
    with pytest.raises(ValueError, match=f"at least {smallest}x{smallest}"):
        build(input_shape=(smallest - 1, smallest, 3), weights=None, include_top=False)
    if not name.startswith("MobileNetV3"):  # these take any size, with their top, too
        with pytest.raises(ValueError, match=rf"should be \({side}, {side}, 3\)"):
            build(input_shape=(side + 1, side, 3))


@pytest.fixture
def asked(monkeypatch, memory_given_back):
    """The files that Keras asks for; it gets none, and loads none."""
    names = []
    monkeypatch.setattr(
        DOWNLOADS, "get_file", lambda name, *_, **__: names.append(name)
    )
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    return names


def plan(name, side, **options):
    """A network without numbers: the largest would take 1.4 GB."""
    build = getattr(keras.applications, name)
    with keras.StatelessScope(initialize_variables=False):
        return build(input_shape=(side, side, 3), include_top=False, **options)


@pytest.mark.parametrize("name", networks())
def test_the_file_and_the_parameters_are_those_of_keras(name, asked):
    network = bases.find(name)
    base = plan(name, network.side)
    assert asked == [bases.weights_file(name, base.input_shape[1:])]
    own = base.count_params() / 1e6
    assert own < network.millions + 0.05
    if not name.startswith(("VGG", "MobileNetV3")):  # their tops have more layers
        top = 1000 * (base.output_shape[-1] + 1) / 1e6
        assert own + top == pytest.approx(network.millions, abs=0.1)


MINIMAL = {"minimalistic": True}
WIDTHS = [("MobileNet", 128, {"alpha": 0.25}), ("MobileNetV2", 96, {"alpha": 0.35})]
WIDTHS += [("MobileNetV3Small", 224, {"alpha": 0.75})]
WIDTHS += [("MobileNetV3Large", 224, MINIMAL)]
OTHERS = [("MobileNet", side, {"alpha": 0.25}) for side in (96, 160, 192, 224)]
OTHERS += [("MobileNet", 128, {"alpha": alpha}) for alpha in (0.5, 0.75, 1)]
OTHERS += [("MobileNetV2", side, {"alpha": 0.35}) for side in (64, 128, 160, 192)]
OTHERS += [("MobileNetV2", 96, {"alpha": alpha}) for alpha in (0.5, 0.75, 1, 1.3, 1.4)]
OTHERS += [("MobileNetV3Small", 224, MINIMAL), ("MobileNetV3Large", 224, {})]


@pytest.mark.parametrize(
    "name, side, options",
    WIDTHS + [pytest.param(*each, marks=pytest.mark.slow) for each in OTHERS],
)
@pytest.mark.filterwarnings("ignore:.*Weights for input shape")
def test_the_file_of_each_width_and_size_is_that_of_keras(name, side, options, asked):
    plan(name, side, **options)
    assert asked == [bases.weights_file(name, (side, side, 3), **options)]


@pytest.mark.parametrize(
    "name, shape, options, said",
    [
        ("MobileNet", None, {"alpha": 0.35}, "0.25, 0.5, 0.75, 1.0.*0.35"),
        ("MobileNetV2", None, {"alpha": 0.25}, "0.35, 0.5, 0.75, 1.0, 1.3, 1.4.*0.25"),
        ("MobileNetV3Small", None, {"alpha": 0.5}, "0.75, 1.0,.*0.5"),
        ("MobileNetV3Small", None, MINIMAL | {"alpha": 0.75}, "of 1.0,.*0.75"),
        ("NASNetMobile", (96, 96, 3), {}, r"\(224, 224, 3\).*Received: \(96, 96"),
        ("NASNetLarge", (96, 96, 3), {}, r"\(331, 331, 3\).*Received: \(96, 96"),
    ],
)
def test_a_width_or_size_without_imagenet_weights_is_refused(
    name, shape, options, said
):
    with pytest.raises(ValueError, match=f"(?s){said}.*takes others"):
        bases.build(name, shape, **options)


# ImageNet weights from a cache


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def make_read_only(monkeypatch):
    """What a mounted cache looks like, to root too."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)


@saves
def test_imagenet_weights_come_from_a_cache_that_is_read_only(cache, monkeypatch):
    make_read_only(monkeypatch)
    shape = (32, 32, 3)
    saved = bases.build("MobileNet", shape, None, alpha=0.25)
    saved.save(cache / bases.weights_file("MobileNet", shape, alpha=0.25))
    built = bases.build("MobileNet", shape, alpha=0.25)
    assert all(map(np.array_equal, built.get_weights(), saved.get_weights()))


@saves
def test_efficientnet_scales_once_more_with_imagenet_weights(cache, monkeypatch):
    shape = (32, 32, 3)
    saved = bases.build("EfficientNetB0", shape, None)
    saved.save(cache / bases.find("EfficientNetB0").file)
    monkeypatch.setattr(DOWNLOADS, "get_file", lambda name, *_, **__: cache / name)
    base = bases.build("EfficientNetB0", shape)
    scales = [x for x in base.layers if isinstance(x, keras.layers.Rescaling)]
    assert len(scales) == 2  # one without ImageNet weights
    make_read_only(monkeypatch)
    with pytest.raises(PermissionError, match="read only.*set KERAS_HOME"):
        bases.build("EfficientNetB0", shape)


# Preprocessing


@pytest.mark.parametrize("name", bases.NETWORKS)
def test_preprocessing_is_that_of_keras(name):
    module = getattr(keras.applications, name).__module__.split(".")[-1]
    raw = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("float32")
    raw[0, 0], raw[0, 1] = 0, 255
    wanted = getattr(keras.applications, module).preprocess_input(raw.copy())
    found = keras.ops.convert_to_numpy(bases.preprocessing(name)(raw))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.ptp(wanted))


# From raw pixels to a trained head, and in the panel


@pytest.mark.usefixtures("memory_given_back")
@pytest.mark.parametrize("name", networks(but=LARGE))
def test_a_network_trains_its_head_and_is_shown_in_the_panel(name):
    keras.utils.set_random_seed(0)
    side = bases.find(name).smallest
    base = bases.build(name, (side, side, 3), None, **NARROW.get(name, {}))
    model = heads.wrap(base, 3, preprocess=bases.preprocessing(name))
    images = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), "uint8")
    freezing.freeze(base)
    before, head = base.get_weights(), model.layers[-1].get_weights()
    training.compile_for(model, 0.01).run_eagerly = True  # one step: no graph for it
    assert np.isfinite(model.train_on_batch(images, np.arange(4) % 3)[0])
    assert all(map(np.array_equal, before, base.get_weights()))
    assert not all(map(np.array_equal, head, model.layers[-1].get_weights()))
    pooled = keras.Model(model.input, model.layers[-2].output)
    vectors = keras.ops.convert_to_numpy(pooled(images.astype("float32")))
    assert vectors.shape == (4, base.output_shape[-1])
    assert np.isfinite(vectors).all() and np.ptp(vectors, axis=0).max() > 0
    panel_agrees(FreezePanel(model), model, base)


def panel_agrees(panel, model, base):
    """Parts hold each layer once; each preset and the code do as they say."""
    found = panel.summary.state.structure
    assert sum(map(found.parameters, found.parts)) == model.count_params()
    inside = [i for part in found.parts for i in part.units]
    assert sorted(inside) == list(range(len(found.units))) and len(found.parts) > 2
    for preset in freeze_state.PRESETS:
        panel.do("preset", preset)
        panel.do("compile")
        trainable = freezing.count(model.trainable_weights)
        assert panel.summary.state.trainable_parameters == trainable, preset
        assert panel.summary.status == "compiled as shown"
        code = keras_code.freeze_code(panel.summary.state)
        base.trainable = not base.trainable
        exec(code, {"model": model, "keras": keras})
        assert freezing.count(model.trainable_weights) == trainable, preset


# A saved model needs Keras, and nothing of ours

KINDS = ("MobileNetV2", "VGG16", "DenseNet121", "MobileNetV3Small")  # of pixels
ELSEWHERE = """
import sys

sys.modules["tlcourse"] = None  # cannot be imported
import keras
import numpy as np

for name in sys.argv[1:]:
    model = keras.saving.load_model(f"{name}.keras")  # in safe mode
    np.save(f"{name}-there.npy", model.predict(np.load("images.npy"), verbose=0))
"""


@saves
def test_a_saved_model_gives_the_same_where_tlcourse_is_not_installed(tmp_path):
    kinds = {network.pixels for network in bases.NETWORKS.values()}
    assert {bases.find(name).pixels for name in KINDS} == kinds
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    np.save(tmp_path / "images.npy", images)
    here, augment = {}, heads.augmentation(flip=True)
    for name in KINDS:
        base = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
        preprocess = bases.preprocessing(name)
        model = heads.wrap(base, 3, preprocess=preprocess, augment=augment)
        model.save(tmp_path / f"{name}.keras")
        here[name] = model.predict(images, verbose=0)
    command = [sys.executable, "-c", ELSEWHERE, *here]
    subprocess.run(command, cwd=tmp_path, check=True)
    for name, expected in here.items():
        there = np.load(tmp_path / f"{name}-there.npy")
        np.testing.assert_allclose(there, expected, rtol=0, atol=1e-6)


# Real weights, real photographs


@pytest.fixture
def verify(monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(VERIFY / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(VERIFY / "tfds"))


@needs_photographs
@pytest.mark.parametrize(
    "name, alpha, least",
    [
        ("MobileNet", 0.25, 0.78),
        pytest.param("MobileNetV2", 0.35, 0.83, marks=pytest.mark.slow),
    ],
)
def test_imagenet_features_tell_flowers_apart(name, alpha, least, verify):
    photographs = data.load_tfds("tf_flowers", (224, 224))
    base = bases.build(name, (224, 224, 3), alpha=alpha)
    model = heads.wrap(base, 5, preprocess=bases.preprocessing(name))
    pooled = keras.Model(model.input, model.get_layer("pool").output)
    vectors = features.extract(pooled, photographs.images)
    vectors, labels = vectors / vectors.std(), photographs.labels
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(vectors, labels)
    scores = [
        training.linear_probe(vectors[a], labels[a]).score(vectors[b], labels[b])
        for a, b in folds
    ]
    assert np.mean(scores) >= least


def written(folder):
    """All that changes when something in a folder is made, changed or removed."""
    paths = [folder, *sorted(folder.rglob("*"))]
    return [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths]


@needs_photographs
def test_the_flowers_track_only_reads(verify, tmp_path, monkeypatch, capsys):
    folder, names = tmp_path / "class", os.listdir(VERIFY / "keras" / "models")
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(names, "http://nowhere/"))
    fetch.fetch_flowers(lambda *_: None, folder)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)  # root could write all the same
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
    monkeypatch.delenv("TLCOURSE_TRACK", raising=False)
    before = written(folder)
    track = load_track()
    assert "flowers (weights and photographs are on disk)" in capsys.readouterr().out
    assert track.build_base().count_params() == 410_208
    assert track.build_complete()[1][985] == "daisy"
    assert written(folder) == before
