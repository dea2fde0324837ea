"""Features: the numbers of `predict`, and a cache that never gives a wrong one."""

import itertools
import os
import pathlib
import random
import subprocess
import sys
import time
from unittest import mock

import keras
import numpy as np
import pytest

from tlcourse import features
from tlcourse.features import disk_cache

layers = keras.layers
ARRAY = np.arange(60, dtype="float32").reshape(5, 12)
SIDE = 8


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))


def files():
    return sorted(disk_cache.folder().glob("*"))


def images(n=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, SIDE, SIDE, 3)).astype("uint8")


def network(*extra, seed=0, units=4, **options):
    """A network of Keras's own layers, with a model inside."""
    keras.utils.set_random_seed(seed)
    inside = [layers.Rescaling(0.01), layers.Conv2D(units, 3, **options), *extra]
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *inside])
    pixels = keras.Input((SIDE, SIDE, 3))
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(inner(pixels)))


def key(model, pixels=images()):  # noqa: B008
    found, reason = disk_cache.find_key(model, pixels)
    assert reason is None
    return found


@pytest.fixture(scope="module")
def model():
    return network(layers.BatchNormalization(), layers.Dropout(0.5))


@pytest.fixture
def batches(monkeypatch):
    """Sizes of the batches that are computed."""
    sizes, original = [], keras.Model.predict_on_batch

    monkeypatch.setattr(
        keras.Model,
        "predict_on_batch",
        lambda self, x: sizes.append(len(x)) or original(self, x),
    )
    return sizes


@pytest.mark.parametrize("n", [0, 1, 5, 256, 257])
def test_features_are_those_of_predict(model, n):
    found = features.extract(model, images(n))
    assert found.dtype == np.float32 and found.shape == (n, 4)
    if n:
        expected = model.predict(images(n), verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_all_batches_have_one_size_and_each_image_counts_once(model, batches):
    assert features.extract(model, images(10), batch_size=4).shape == (10, 4)
    assert features.extract(model, images(9), batch_size=8).shape == (9, 4)
    large = keras.Sequential([keras.Input((224, 224, 3)), layers.MaxPooling2D(224)])
    features.extract(large, np.zeros((33, 224, 224, 3), "uint8"))  # at most 32
    assert batches == [4, 4, 4, 5, 5, 17, 17]


def test_what_does_not_fit_is_refused(model):
    two = keras.Model(model.inputs, [model.output, model.output])
    scaled, cropped = images().astype("float32"), images()[:, :4]
    for network_, wrong in ((model, scaled), (model, cropped), (two, images())):
        with pytest.raises(ValueError, match="Expected.*Received"):
            features.extract(network_, wrong)


def test_only_what_is_the_same_is_read_and_damage_is_computed_again(model, batches):
    features.extract(model, images())
    assert not disk_cache.folder().exists()  # unless asked
    first = features.extract(model, images(), cache=True)
    (path,) = files()
    began = model.get_weights()
    model.set_weights([weight + 0.1 for weight in began])
    moved = features.extract(model, images(), cache=True)
    model.set_weights(began)
    assert not np.allclose(moved, first)
    other = features.extract(model, images(seed=1), cache=True)
    assert batches == [5] * 4 and not np.array_equal(other, first)
    assert np.array_equal(features.extract(model, images(), cache=True), first)
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        assert np.array_equal(features.extract(model, images(), cache=True), first)
    assert batches == [5] * 5


def make_variants():
    """Networks each of which differs from the others in one thing."""
    yield from (network(units=units) for units in (4, 5))
    for name, value in {"seed": 1, "strides": 2, "dilation_rate": 2}.items():
        yield network(**{name: value})
    yield from (network(dtype=f"mixed_{kind}") for kind in ("float16", "bfloat16"))
    yield network(activation="elu")
    for name in ("relu", "tanh"):
        yield network(layers.Activation(name, name=name))
    for ceiling in (1.0, 6.0):
        yield network(layers.ReLU(max_value=ceiling))
    yield network(layers.MaxPooling2D(2))
    yield network(layers.AveragePooling2D(2))
    yield from map(branches, ("ab", "ba", "aa", "bb"))


def branches(order):
    """Two convolutions, and which of them go into a difference."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIDE, SIDE, 3))
    found = {name: layers.Conv2D(2, 3, name=name)(pixels) for name in "ab"}
    x = layers.Subtract()([found[name] for name in order])
    both = layers.Concatenate()([x, found["a"], found["b"]])
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(both))


@pytest.mark.fault(13)
def test_networks_share_a_key_if_and_only_if_they_are_the_same():
    first, second = ([key(each) for each in make_variants()] for _ in range(2))
    assert first == second  # although names count up
    assert len(set(first)) == len(first) == 18


@pytest.mark.fault(13)
def test_a_name_is_not_taken_for_a_setting():
    found = set()
    for name in ("any", "relu", "tanh", "same", "float32", "mixed_float16"):
        pixels = keras.Input((SIDE, SIDE, 3), name=f"{name}_0")
        x = layers.Activation("relu", name=f"{name}_1")(pixels)
        found.add(key(keras.Model(pixels, layers.Activation("tanh", name=name)(x))))
    assert len(found) == 1


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16", "mixed_float16"])
def test_models_of_half_precision_are_cached_too(dtype, batches):
    half = network(dtype=dtype)
    first, again = (features.extract(half, images(), cache=True) for _ in range(2))
    assert batches == [5] and again.dtype == first.dtype
    assert np.array_equal(again.astype("f4"), first.astype("f4"))


CHANGES = (
    ("max_value", layers.ReLU, 0.1),
    ("activation", lambda: layers.Activation("relu"), keras.activations.tanh),
    ("negative_slope", layers.LeakyReLU, 0.9),
    ("scale", lambda: layers.Rescaling(1.0), 2.0),
    ("pool_size", lambda: layers.MaxPooling2D((2, 2)), (1, 1)),
    ("mean", lambda: layers.Normalization(mean=0.0, variance=1.0), 5.0),
    ("alpha", layers.ELU, 4.0),
    ("axis", layers.Softmax, 1),
)


@pytest.mark.fault(14)
@pytest.mark.parametrize(("name", "make", "value"), CHANGES)
@pytest.mark.parametrize("cache", [False, True])
def test_a_setting_changed_in_place_changes_the_features(name, make, value, cache):
    changed, fresh = network(make()), network(make())  # one will never be traced
    layer, twin = (each.layers[1].layers[-1] for each in (changed, fresh))
    usual = getattr(layer, name)
    before = features.extract(changed, images(), cache=cache)
    setattr(layer, name, value)
    found = features.extract(changed, images(), cache=cache)
    assert not np.allclose(found, before)
    setattr(twin, name, value)
    assert np.array_equal(features.extract(fresh, images()), found)
    setattr(layer, name, usual)
    assert np.array_equal(features.extract(changed, images(), cache=cache), before)


FACTOR = 1.0


class Scales(layers.Layer):
    """A layer as somebody writes it in a notebook."""

    def call(self, x):
        return x * FACTOR


def patched():
    layer = layers.ReLU()
    layer.call = lambda x: x * FACTOR
    return layer


CODE = {
    "Scales": Scales,
    "`function`": lambda: layers.Lambda(lambda x: x * FACTOR),
    "`activation`": lambda: layers.Activation(lambda x: x * FACTOR),
    "own (`call`)": patched,
}


@pytest.mark.fault(15)
@pytest.mark.parametrize("reason", CODE)
@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_code_is_not_kept_and_never_stale(reason, capsys, monkeypatch):
    own = network(CODE[reason]())
    before = features.extract(own, images(), cache=True)
    assert reason in capsys.readouterr().out
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    for cache in (True, False):
        found = features.extract(own, images(), cache=cache)
        np.testing.assert_allclose(found, 3 * before, rtol=1e-5)
    assert not files()


def test_other_pixels_have_another_key(model):
    pixels = images(600)
    wrong = pixels.copy()
    wrong[-1, -1, -1, -1] ^= 1
    several = (pixels, pixels[::-1], pixels[:-1], pixels[:, :, ::-1], wrong)
    assert len({key(model, each) for each in several}) == 5


def test_the_key_is_the_same_in_a_new_process():
    code = "import test_disk_cache as t; t.layers.Dense(1); print(t.key(t.network()))"
    here = str(pathlib.Path(__file__).parent)
    run = subprocess.run([sys.executable, "-c", code], cwd=here, stdout=subprocess.PIPE)
    assert run.stdout.decode().strip() == key(network())


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "bfloat16"])
def test_what_was_written_is_read(dtype):
    assert disk_cache.load("a") is None
    for shape in ((5, 12), (60,), (0, 3), (3, 1, 20)):
        array = np.arange(np.prod(shape)).astype(dtype).reshape(shape)[..., ::-1]
        assert disk_cache.save("a", array)
        found = disk_cache.load("a")
        assert found.dtype == array.dtype and np.array_equal(found, array)
        found[...] = 0  # a copy of its own
        assert np.array_equal(disk_cache.load("a"), array)


@pytest.mark.fault("dying")
def test_every_single_wrong_bit_is_noticed():
    disk_cache.save("a", ARRAY)
    (path,) = files()
    whole, noticed = path.read_bytes(), 0
    for place, bit in itertools.product(range(len(whole)), range(8)):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        path.write_bytes(content)
        found = disk_cache.load("a")
        noticed += found is None
        assert found is None or np.array_equal(found, ARRAY), (place, bit)
        assert found is not None or not path.exists(), (place, bit)
    assert noticed > 8 * ARRAY.nbytes
    for spoilt in (*(whole[:end] for end in range(len(whole))), b"some text"):
        path.write_bytes(spoilt)  # cut off, or something else
        assert disk_cache.load("a") is None and not path.exists()


def test_the_oldest_goes_when_room_is_needed(monkeypatch):
    disk_cache.save("old", ARRAY)
    size = files()[0].stat().st_size
    monkeypatch.setattr(disk_cache, "LIMIT", 4 * size - 1)
    for age, name in ((300, "old"), (200, "middle"), (100, "new")):
        assert disk_cache.save(name, ARRAY)
        os.utime(disk_cache.folder() / f"{name}.npz", (time.time() - age,) * 2)
    assert np.array_equal(disk_cache.load("old"), ARRAY)  # used now
    assert disk_cache.save("newest", ARRAY)
    assert not disk_cache.save("huge", np.zeros(size, "float32"))
    assert {path.stem for path in files()} == {"new", "newest", "old"}


@pytest.mark.fault("dying")
def test_a_full_disk_keeps_nothing_and_loses_nothing(monkeypatch):
    disk_cache.save("a", ARRAY)
    full = mock.Mock(side_effect=OSError(28, "No space left on device"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert not disk_cache.save("a", ARRAY + 1)
    assert np.array_equal(disk_cache.load("a"), ARRAY)
    assert len(files()) == 1


WRITERS = """
import os, signal, sys
import numpy as np
from tlcourse.features import disk_cache

disk_cache.LIMIT = 2_000_000  # they evict each other's

def write_for_ever(number):
    while True:
        for name in range(4):
            found = disk_cache.load(f"n{name}")
            if found is not None and not (found == name).all():
                os.write(1, b"wrong")
            disk_cache.save(f"n{name}", np.full((300 + number, 500), name, "float32"))

children = {}
print("ready", flush=True)
for line in sys.stdin:  # a number: kill this writer, start it again
    number = int(line)
    if number in children:
        os.kill(children[number], signal.SIGKILL)
        os.waitpid(children[number], 0)
    children[number] = os.fork()
    if not children[number]:
        write_for_ever(number)
for child in children.values():
    os.kill(child, signal.SIGKILL)
"""


@pytest.mark.fault("dying")
def test_killed_at_fifty_moments_two_at_once_never_a_wrong_feature():
    rng, pipe = random.Random(0), subprocess.PIPE
    command = [sys.executable, "-c", WRITERS]
    writers = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert writers.stdout.readline() == "ready\n"
    seen = 0
    for moment in range(52):  # the first two only start
        print(moment % 2, file=writers.stdin, flush=True)
        time.sleep(rng.uniform(0, 0.05))
        for name in range(4):
            found = disk_cache.load(f"n{name}")
            assert found is None or (found == name).all()
            seen += found is not None
    assert seen > 20
    said, _ = writers.communicate(timeout=60)
    assert said == "" and writers.returncode == 0
    assert disk_cache.save("last", ARRAY)


@pytest.mark.fault(14)
def test_the_smallest_number_of_keras_is_part_of_the_name():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.UnitNormalization()])
    pixels = np.ones((1, 4, 4, 3), "uint8")
    before = disk_cache.find_key(model, pixels)
    usual = keras.config.epsilon()
    try:
        keras.config.set_epsilon(1e-3)
        assert disk_cache.find_key(model, pixels) != before
    finally:
        keras.config.set_epsilon(usual)
