"""Every network of keras.applications: figures, files, preprocessing, training."""

import os
import pathlib
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import imagenet_utils
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils
from sklearn.model_selection import RepeatedStratifiedKFold

from tlcourse import bases, data, features, training
from tlcourse.course import fetch
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERIFY = pathlib.Path(os.environ.get("VERIFY", ROOT.parent / "shared" / "verify"))
needs_photographs = pytest.mark.skipif(
    not (VERIFY / "keras").is_dir(),
    reason=f"no ImageNet weights and photographs in {VERIFY}; set VERIFY",
)
saves = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras does it
of_networks = pytest.mark.parametrize("name", bases.NETWORKS)


@pytest.fixture(autouse=True)
def memory_given_back():
    yield
    keras.utils.clear_session(free_memory=True)


class AskedForError(Exception):
    """What Keras asked for is known; it need not go on."""


# Names, sizes, files


def test_there_is_a_row_for_every_network_of_keras():
    known = {
        name
        for name in dir(keras.applications)
        if name[0].isupper() and callable(getattr(keras.applications, name))
    }
    assert set(bases.NETWORKS) == known


def test_lesson_02_shows_the_same_seventeen():
    assert (
        list(bases.CATALOGUE)
        == (
            "VGG16 VGG19 ResNet50 ResNet101 ResNet152 InceptionV3 Xception DenseNet121 "
            "DenseNet201 MobileNet MobileNetV2 EfficientNetB0 EfficientNetB3 "
            "EfficientNetV2B0 EfficientNetV2S ConvNeXtTiny ConvNeXtBase"
        ).split()
    )
    assert all(
        bases.NETWORKS[name] is bases.CATALOGUE[name] for name in bases.CATALOGUE
    )


@of_networks
def test_usual_and_smallest_input_are_those_of_keras(name, monkeypatch):
    network, asked = bases.find(name), {}

    def obtain(*_, default_size, min_size, **__):
        asked.update(default_size=default_size, min_size=min_size)
        raise AskedForError

    constructor = getattr(keras.applications, name)
    if name.startswith("MobileNetV3"):  # these check by themselves
        shape = (network.smallest - 1, network.smallest, 3)
        with pytest.raises(ValueError, match=f"at least {network.smallest}x"):
            constructor(input_shape=shape, weights=None, include_top=False)
        return
    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", obtain)
    with pytest.raises(AskedForError):
        constructor(weights=None, include_top=False)
    assert asked == {"default_size": network.side, "min_size": network.smallest}


@pytest.fixture
def asked(monkeypatch):
    """The files that Keras asks for; it gets none, and loads none."""
    names = []
    monkeypatch.setattr(
        file_utils, "get_file", lambda name, *_, **__: names.append(name)
    )
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    return names


def plan(name, side, **options):
    """A network without numbers: the largest would take 1.4 GB."""
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, name)(
            input_shape=(side, side, 3),
            include_top=False,
            weights="imagenet",
            **options,
        )


@of_networks
def test_the_file_and_the_parameters_are_those_of_keras(name, asked):
    network = bases.find(name)
    base = plan(name, network.side)
    assert asked == [bases.weights_file(name, base.input_shape[1:])]
    own = base.count_params() / 1e6
    assert own < network.millions + 0.05
    if not name.startswith(("VGG", "MobileNetV3")):  # their tops have more layers
        top = 1000 * (base.output_shape[-1] + 1) / 1e6
        assert own + top == pytest.approx(network.millions, abs=0.1)


@pytest.mark.parametrize(
    "name, side, options",
    [("MobileNet", side, {"alpha": 0.25}) for side in (96, 128, 160, 192, 224)]
    + [("MobileNet", 128, {"alpha": alpha}) for alpha in (0.5, 0.75, 1)]
    + [("MobileNetV2", side, {"alpha": 0.35}) for side in (64, 96, 128, 160, 192)]
    + [("MobileNetV2", 96, {"alpha": alpha}) for alpha in (0.5, 0.75, 1, 1.3, 1.4)]
    + [("MobileNetV3Small", 224, {"alpha": 0.75}), ("MobileNetV3Large", 224, {})]
    + [("MobileNetV3Small", 224, {"minimalistic": True})]
    + [("MobileNetV3Large", 224, {"minimalistic": True})],
)
@pytest.mark.filterwarnings("ignore:.*Weights for input shape")
def test_the_file_of_each_width_and_size_is_that_of_keras(name, side, options, asked):
    plan(name, side, **options)
    assert asked == [bases.weights_file(name, (side, side, 3), **options)]


@pytest.mark.parametrize(
    "name, options, known",
    [
        ("MobileNet", {"alpha": 0.35}, "0.25, 0.5, 0.75, 1.0"),
        ("MobileNetV2", {"alpha": 0.25}, "0.35, 0.5, 0.75, 1.0, 1.3, 1.4"),
        ("MobileNetV3Small", {"alpha": 0.5}, "0.75, 1.0"),
        ("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True}, "of 1.0"),
    ],
)
def test_a_width_without_imagenet_weights_is_refused(name, options, known):
    with pytest.raises(ValueError, match=rf"`alpha`.*{known}.*{name}.*Received: 0\."):
        bases.build(name, **options)


@pytest.mark.parametrize("name, side", [("NASNetMobile", 224), ("NASNetLarge", 331)])
def test_nasnet_takes_imagenet_weights_at_one_size_only(name, side):
    with pytest.raises(ValueError, match=rf"\({side}, {side}, 3\).*Received: \(96, 96"):
        bases.build(name, (96, 96, 3))
    with pytest.raises(FileNotFoundError, match=bases.find(name).file):
        bases.cached_weights(bases.weights_file(name, (side, side, 3)))


# ImageNet weights from a cache


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def read_only(monkeypatch):
    """What a mounted cache looks like, to root too."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)


def save_as_keras_did(model, path):
    """In the format of the files that Keras fetches."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


@saves
def test_imagenet_weights_come_from_a_cache_that_is_read_only(cache, read_only):
    shape = (32, 32, 3)
    saved = bases.build("MobileNet", shape, None, alpha=0.25)
    save_as_keras_did(saved, cache / bases.weights_file("MobileNet", shape, alpha=0.25))
    built = bases.build("MobileNet", shape, alpha=0.25)
    assert all(map(np.array_equal, built.get_weights(), saved.get_weights()))


@saves
def test_efficientnet_scales_once_more_with_imagenet_weights(cache, monkeypatch):
    file = cache / bases.find("EfficientNetB0").file
    shape = (32, 32, 3)
    save_as_keras_did(bases.build("EfficientNetB0", shape, None), file)
    monkeypatch.setattr(file_utils, "get_file", lambda name, *_, **__: cache / name)
    base = bases.build("EfficientNetB0", shape)
    scales = [x for x in base.layers if isinstance(x, keras.layers.Rescaling)]
    assert len(scales) == 2  # one without ImageNet weights
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(PermissionError, match="read only.*set KERAS_HOME"):
        bases.build("EfficientNetB0", shape)


# Preprocessing


@of_networks
def test_preprocessing_is_that_of_keras(name):
    module = getattr(keras.applications, name).__module__.split(".")[-1]
    raw = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("float32")
    raw[0, 0], raw[0, 1] = 0, 255
    wanted = getattr(keras.applications, module).preprocess_input(raw.copy())
    found = keras.ops.convert_to_numpy(bases.preprocessing(name)(raw))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.ptp(wanted))


# From raw pixels to a trained head

SMALL = {
    "VGG16": {},
    "ResNet50": {},
    "ResNet50V2": {},
    "InceptionV3": {},
    "InceptionResNetV2": {},
    "Xception": {},
    "DenseNet121": {},
    "MobileNet": {"alpha": 0.25},
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {},
    "MobileNetV3Large": {},
    "NASNetMobile": {},
    "EfficientNetB0": {},
    "EfficientNetB1": {},
    "EfficientNetV2B0": {},
    "ConvNeXtTiny": {},
}


def small(name, **options):
    """The network at its smallest input, wrapped, and a few raw pictures."""
    keras.utils.set_random_seed(0)
    side = bases.find(name).smallest
    base = bases.build(name, (side, side, 3), None, **SMALL[name])
    model = heads.wrap(base, 3, preprocess=bases.preprocessing(name), **options)
    shape = (4, side, side, 3)
    return model, base, np.random.default_rng(0).integers(0, 256, shape, "uint8")


@pytest.mark.parametrize("name", SMALL)
def test_a_network_gives_features_and_trains_its_head_on_raw_pixels(name):
    model, base, images = small(name)
    freezing.freeze(base)
    before, head = base.get_weights(), model.layers[-1].get_weights()
    training.compile_for(model, 0.01).run_eagerly = True  # one step: no graph for it
    assert np.isfinite(model.train_on_batch(images, np.arange(4) % 3)[0])
    assert all(map(np.array_equal, before, base.get_weights()))
    assert not all(map(np.array_equal, head, model.layers[-1].get_weights()))
    vectors = features.extract(
        keras.Model(model.input, model.layers[-2].output), images
    )
    assert vectors.shape == (4, base.output_shape[-1])
    assert np.isfinite(vectors).all() and np.ptp(vectors, axis=0).max() > 0


# A saved model needs Keras, and nothing of ours

KINDS = {
    "-1..1": "MobileNetV2",
    "caffe": "VGG16",
    "torch": "DenseNet121",
    "inside": "MobileNetV3Small",
}
ELSEWHERE = """
import sys

class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "tlcourse":
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
try:
    import tlcourse
except ImportError:
    print("no tlcourse")
import keras
import numpy as np

for name in sys.argv[1:]:
    model = keras.saving.load_model(f"{name}.keras")  # in safe mode
    np.save(f"{name}-there.npy", model.predict(np.load(f"{name}.npy"), verbose=0))
"""


@saves
def test_a_saved_model_gives_the_same_where_tlcourse_is_not_installed(tmp_path):
    assert {bases.find(name).pixels: name for name in KINDS.values()} == KINDS
    here = {}
    for name in KINDS.values():
        model, _, images = small(name, augment=heads.augmentation(flip=True))
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", images)
        here[name] = model.predict(images, verbose=0)
        keras.utils.clear_session(free_memory=True)
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *here],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert "no tlcourse" in ended.stdout
    for name, expected in here.items():
        there = np.load(tmp_path / f"{name}-there.npy")
        np.testing.assert_allclose(there, expected, rtol=0, atol=1e-6)


# Real weights, real photographs


@pytest.fixture
def verify(monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(VERIFY / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(VERIFY / "tfds"))


@pytest.fixture(scope="module")
def photographs():
    """Read once; 90 MB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(VERIFY / "tfds"))
        return data.load_tfds("tf_flowers", (224, 224))


@needs_photographs
@pytest.mark.parametrize(
    "name, alpha, least", [("MobileNetV2", 0.35, 0.83), ("MobileNet", 0.25, 0.78)]
)
def test_imagenet_features_tell_flowers_apart(name, alpha, least, verify, photographs):
    base = bases.build(name, (224, 224, 3), alpha=alpha)
    model = heads.wrap(base, 5, preprocess=bases.preprocessing(name))
    pooled = keras.Model(model.input, model.get_layer("pool").output)
    vectors = features.extract(pooled, photographs.images)
    vectors, labels = vectors / vectors.std(), photographs.labels
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    scores = [
        training.linear_probe(vectors[known], labels[known]).score(
            vectors[new], labels[new]
        )
        for known, new in folds.split(vectors, labels)
    ]
    print(f"{name} {alpha}: {np.mean(scores):.3f} +- {np.std(scores):.3f}")
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
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)  # so that pytest can remove it
