"""Faults of real life: keys, jobs, several outputs, and a machine that fails."""

import errno
import functools
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tlcourse import data, features
from tlcourse._util import atomic
from tlcourse.checks import check
from tlcourse.course import progress
from tlcourse.features import disk_cache, shards, sources

# Keras saves a model in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

layers, ops = keras.layers, keras.ops
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), "uint8")
DATASET = data.Dataset(IMAGES, np.arange(5) % 2, ("a", "é b"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "Müllers  Ordner, ж"
    monkeypatch.setenv("TLCOURSE_HOME", str(home))
    return home


def network(*extra):
    keras.utils.set_random_seed(0)
    pixels = keras.Input((6, 6, 3))
    x = layers.Rescaling(0.01, offset=-1.0)(pixels)
    for layer in extra:
        x = layer(x)
    return keras.Model(pixels, x)


def key(model):
    return disk_cache.find_key(model, IMAGES)[0]


def relu(x):
    """Not Keras's, though it is written down by the same name."""
    return x * 0.1


def normalized(mean):
    layer = layers.Normalization(mean=0.0, variance=1.0)
    model = network(layer)
    layer.mean = layer.mean + mean
    return model


def wrapped(slope):
    return network(layers.TimeDistributed(layers.LeakyReLU(negative_slope=slope)))


def half_before(names):
    return network(*(layers.ReLU(6, dtype=f"{names}16", name="float32") for _ in "a"))


PAIRS = {
    "multiplied": [lambda k=k: network(lambda x: x * k) for k in (2.0, 3.0)],
    "clipped": [lambda k=k: network(lambda x: ops.clip(x, -1, k)) for k in (0.1, 0.2)],
    "averaged": [lambda k=k: network(lambda x: ops.mean(x, axis=k)) for k in (1, 2)],
    "sliced": [lambda k=k: network(lambda x: x[:, k : k + 3]) for k in (0, 1)],
    "constants": [lambda k=k: network(lambda x: x + np.full(3, k)) for k in (1.0, 2.0)],
    "tensors in an attribute": [lambda k=k: normalized(k) for k in (0.0, 5.0)],
    "in a wrapper": [lambda k=k: wrapped(k) for k in (0.1, 0.9)],
    "named after a policy": [lambda k=k: half_before(k) for k in ("float", "bfloat")],
}


@pytest.mark.fault(13)
@pytest.mark.parametrize("name", PAIRS)
def test_networks_that_differ_in_one_thing_differ_in_the_key(name):
    first, second = (make() for make in PAIRS[name])
    assert key(first) != key(second)
    assert key(first) == key(PAIRS[name][0]())  # built again, although names count up


@pytest.mark.fault(13)
def test_what_does_not_change_the_features_does_not_change_the_key(tmp_path):
    model = network(layers.BatchNormalization(), lambda x: x + 1.0)
    before = key(model)
    model.save(tmp_path / "m.keras")
    model.trainable = False
    model.compile("adam", lambda truth, found: ops.mean(found - truth))
    loaded = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    assert before == key(model) == key(loaded)


@pytest.mark.fault(14)
@pytest.mark.parametrize("cache", [False, True])
def test_a_setting_of_an_operation_changed_in_place_is_in_the_features(cache):
    changed, fresh = (network(lambda x: ops.clip(x, -1.0, 9.0)) for _ in range(2))
    before = features.extract(changed, IMAGES, cache=cache)
    changed.operations[-1].x_max = fresh.operations[-1].x_max = -0.5
    found = features.extract(changed, IMAGES, cache=cache)
    assert not np.allclose(found, before)
    assert np.array_equal(found, features.extract(fresh, IMAGES))


@pytest.mark.fault(14)
def test_images_changed_in_place_are_computed_again():
    images, model = IMAGES.copy(), network()
    before = features.extract(model, images, cache=True)
    images[-1, -1, -1, -1] ^= 1
    assert not np.array_equal(features.extract(model, images, cache=True), before)
    turned = images.reshape(5, 3, 12, 3)  # the same bytes
    with pytest.raises(ValueError, match=r"\(None, 6, 6, 3\).*\(3, 12, 3\)"):
        features.extract(model, turned, cache=True)


@pytest.mark.fault(14)
def test_a_job_of_a_setting_that_is_lost_in_the_file_is_refused(tmp_path):
    model = network(layers.ELU())
    model.layers[-1].alpha = 4.0
    with pytest.raises(ValueError, match="saves as it is.*Build the network with"):
        shards.begin_job(model, sources.DatasetSource(DATASET), tmp_path / "job")
    assert not (tmp_path / "job").exists()


class BrokenConfig(layers.Layer):
    def call(self, x):
        return x * 2

    def get_config(self):
        return {"units": self.units}


def patched():
    layer = layers.ReLU()
    layer.call = functools.partial(lambda factor, x: x * factor, 2.0)
    return layer


def executed():
    names = {"Layer": layers.Layer}
    exec("class Doubles(Layer):\n  def call(self, x): return x * 2", names)
    return names["Doubles"]()


OWN = {
    "`activation`": lambda: layers.TimeDistributed(layers.Activation(relu)),
    "`call`": patched,
    "Doubles": executed,
    "BrokenConfig": BrokenConfig,
    "`kernel_initializer`": lambda: layers.Conv2D(
        1, 1, kernel_initializer=lambda shape, dtype: ops.ones(shape, dtype)
    ),
}


@pytest.mark.fault(15)
@pytest.mark.parametrize("reason", OWN)
@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_code_is_computed_every_time_and_no_job(reason, capsys, home, tmp_path):
    model = network(OWN[reason]())
    found = features.extract(model, IMAGES, cache=True)
    assert found.shape[0] == 5 and not home.exists()
    assert reason in capsys.readouterr().out
    with pytest.raises(ValueError, match="without code of yours.*Received"):
        shards.begin_job(model, sources.DatasetSource(DATASET), tmp_path / "job")
    assert not (tmp_path / "job").exists()


@pytest.mark.fault(15)
def test_a_class_of_keras_edited_in_the_notebook_is_code(monkeypatch):
    model = network(layers.ReLU())
    before = features.extract(model, IMAGES, cache=True)
    monkeypatch.setattr(layers.ReLU, "call", lambda self, x: ops.relu(x) * 7)
    found = features.extract(model, IMAGES, cache=True)
    np.testing.assert_allclose(found, 7 * before, rtol=1e-5)


def begin(folder):
    source = sources.DatasetSource(DATASET)
    return shards.begin_job(network(layers.Flatten()), source, folder, 2)


@pytest.mark.fault(16)
def test_links_are_followed_and_notes_nested_too_deep_are_refused(tmp_path):
    job = begin(tmp_path / "job")
    labels, notes = job.folder / "labels.npy", job.folder / "job.json"
    labels.rename(tmp_path / "labels.npy")
    labels.symlink_to(tmp_path / "labels.npy")
    assert shards.compute_here(job.folder).computed == 3
    np.save(tmp_path / "labels.npy", 1 - DATASET.labels)
    with pytest.raises(ValueError, match="changed: labels.npy"):
        shards.load_features(job.folder)
    notes.write_text("[" * 100_000)
    with pytest.raises(ValueError, match="damaged or edited"):
        shards.load_features(job.folder)


def subclassed():
    class Doubles(keras.Model):
        def call(self, x):
            return x * 2

    return Doubles()


@pytest.mark.fault(7)
def test_all_outputs_or_none(tmp_path):
    pixels, other = (keras.Input((6, 6, 3), name=name) for name in "ab")
    kind, age = layers.Flatten()(pixels), layers.GlobalMaxPooling2D()(pixels)
    wrong = (
        keras.Model(pixels, {"kind": kind, "age": age}),
        keras.Model(pixels, [kind, [age, kind]]),
        keras.Model([pixels, other], layers.Add()([pixels, other])),
        keras.Model({"a": pixels, "b": other}, layers.Add()([pixels, other])),
    )
    for model in wrong:
        for call in (
            lambda: features.extract(model, IMAGES, cache=True),  # noqa: B023
            lambda: shards.begin_job(
                model,  # noqa: B023
                sources.DatasetSource(DATASET),
                tmp_path / "job",
            ),
        ):
            with pytest.raises(ValueError, match="one input and one output.*Received"):
                call()
    first = keras.Model(wrong[0].inputs, wrong[0].outputs[0])  # the remedy
    assert features.extract(first, IMAGES).ndim == 2


@pytest.mark.fault(7)
def test_one_output_in_a_list_or_dict_a_free_size_and_no_images():
    pixels = keras.Input((6, 6, 3), name="image")
    flat = layers.Flatten()(pixels)
    for inputs in (pixels, [pixels], {"image": pixels}):
        for outputs in (flat, [flat], {"kind": flat}):
            model = keras.Model(inputs, outputs)
            found = features.extract(model, IMAGES)
            assert np.array_equal(found, IMAGES.reshape(5, -1))
            assert features.extract(model, IMAGES[:0]).shape == (0, 108)
    free = keras.Input((None, None, 3))
    model = keras.Model(free, layers.GlobalMaxPooling2D()(free))
    assert np.array_equal(features.extract(model, IMAGES), IMAGES.max((1, 2)))


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "make", [subclassed, lambda: keras.Sequential([layers.ReLU()])]
)
def test_a_model_whose_outputs_are_not_known_is_refused_with_a_remedy(make):
    model = make()
    with pytest.raises(ValueError, match=r"has been built.*keras.Input\(\(6, 6, 3\)\)"):
        features.extract(model, IMAGES)
    if make is keras.Sequential:
        model.add(layers.ReLU())
    inputs = keras.Input((6, 6, 3))
    found = features.extract(keras.Model(inputs, model(inputs)), IMAGES, cache=True)
    assert found.shape == IMAGES.shape
    fixed = keras.Input(batch_shape=(2, 6, 6, 3))
    for wrong in (fixed, keras.Input((9,))):
        with pytest.raises(ValueError, match="input is .*batches of any size"):
            features.extract(keras.Model(wrong, layers.ReLU()(wrong)), IMAGES)


KILLED = """
import os, signal
import numpy as np
from tlcourse import data
from tlcourse.course import progress

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

taught = data.Dataset(np.zeros((4, 8, 8, 3), "uint8"), np.arange(4) % 2, ("a", "b"))
for moment, write in (
    ("fsync", lambda: progress.record("5.1")),
    ("replace", lambda: progress.record("5.1")),
    ("replace", lambda: data.save_folder(taught, os.environ["TLCOURSE_HOME"] + "/t")),
):
    child = os.fork()
    if not child:
        setattr(os, moment, die)
        write()
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""


@pytest.mark.fault("dying")
def test_killed_inside_a_write_nothing_is_lost_and_the_next_one_works(home):
    progress.record("0.1")
    command = [sys.executable, "-W", "ignore", "-c", KILLED]
    died = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert died.stdout.split() == [b"9"] * 3
    assert len(list(home.rglob(".*.partial"))) == 3
    assert list(progress.done()) == ["0.1"] and not (home / "t").exists()
    progress.record("5.1")
    assert len(progress.done()) == 2
    data.save_folder(DATASET, home / "t")
    found, _ = data.load_folder(home / "t", (6, 6))
    assert sorted(found.images.sum((1, 2, 3))) == sorted(IMAGES.sum((1, 2, 3)))


@pytest.mark.fault("dying")
def test_on_a_full_disk_nothing_is_lost_and_it_is_said(home, monkeypatch, capsys):
    progress.record("5.1")
    job, model = begin(home / "job"), network()
    expected = features.extract(model, IMAGES)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        patch.setattr(os, "replace", fail)
        check("0.1", 42)
        assert "could not be saved" in capsys.readouterr().out
        found = features.extract(model, IMAGES, cache=True)
        for write in (
            lambda: shards.compute_here(job.folder),
            lambda: begin(home / "other"),
            lambda: data.save_folder(DATASET, home / "t"),
        ):
            with pytest.raises(OSError, match="No space left"):
                write()
    assert np.array_equal(found, expected) and list(progress.done()) == ["5.1"]
    left = {path.name for path in home.rglob("*") if "job" not in path.parent.name}
    assert left - {"features"} == {"job", "progress.json", "progress.lock"}
    assert job.missing() == [0, 1, 2] and shards.compute_here(job.folder).computed == 3


@pytest.mark.fault("dying")
def test_a_home_that_is_read_only_or_a_file_stops_nothing(home, monkeypatch, capsys):
    model = network()
    first = features.extract(model, IMAGES, cache=True)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        for name in ("utime", "unlink", "replace"):
            patch.setattr(os, name, refuse)
        patch.setattr(pathlib.Path, "mkdir", refuse)
        patch.setattr(pathlib.Path, "unlink", refuse)
        patch.setattr(keras.Model, "predict_on_batch", None)  # it is read
        assert np.array_equal(features.extract(model, IMAGES, cache=True), first)
        patch.undo()
    (path,) = disk_cache.folder().glob("*.npz")
    path.write_bytes(b"damaged")
    monkeypatch.setattr(pathlib.Path, "unlink", refuse)
    assert np.array_equal(features.extract(model, IMAGES, cache=True), first)
    monkeypatch.undo()
    monkeypatch.setenv("TLCOURSE_HOME", str(path))
    assert np.array_equal(features.extract(model, IMAGES, cache=True), first)
    check("0.1", 42)
    assert "could not be saved" in capsys.readouterr().out
    assert "Freeze" in repr(progress.CourseMap())


@pytest.mark.fault("dying")
def test_two_that_write_one_shard_at_once_leave_one_that_is_whole(home, monkeypatch):
    job, replace = begin(home / "job"), os.replace
    nested = []

    def between(source, target):
        if not nested:  # another worker does all of it, just before the name
            nested.append(target)
            shards.compute_here(job.folder)
        replace(source, target)

    monkeypatch.setattr(atomic.os, "replace", between)
    shards.compute_here(job.folder)
    assert nested and not list(job.folder.glob(".*.partial"))
    found = shards.load_features(job.folder)
    assert np.array_equal(
        found.features, features.extract(network(layers.Flatten()), IMAGES)
    )
