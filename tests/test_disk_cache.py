"""Features: the numbers of `predict`, and a cache that never gives a wrong one."""

import itertools
import os
import pathlib
import random
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlcourse import features
from tlcourse.features import disk_cache

layers = keras.layers
ARRAY = np.arange(60, dtype="float32").reshape(5, 12)
SIDE = 8
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("TLCOURSE_CACHE_BYTES", raising=False)
    return tmp_path


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


def key(model, pixels=None):
    found, reason = disk_cache.find_key(model, images() if pixels is None else pixels)
    assert reason is None
    return found


# Extraction


@pytest.fixture(scope="module")
def model():
    return network(layers.BatchNormalization(), layers.Dropout(0.5))


@pytest.fixture
def batches(monkeypatch):
    """Sizes of the batches that are computed."""
    sizes, original = [], keras.Model.predict_on_batch

    def counting(self, x):
        sizes.append(len(x))
        return original(self, x)

    monkeypatch.setattr(keras.Model, "predict_on_batch", counting)
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
    assert batches == [4, 4, 4, 5, 5]  # and not 8 and 8


@pytest.mark.parametrize("side, batch", [(32, 256), (64, 256), (224, 32), (2000, 1)])
def test_the_batch_suits_the_size_of_the_images(side, batch):
    assert features.good_batch((side, side, 3)) == batch


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3)), images(2)[:, :4]])
def test_what_does_not_fit_is_refused(model, wrong):
    with pytest.raises(ValueError, match="Expected.*Received"):
        features.extract(model, wrong)


def test_a_second_extraction_is_read_and_another_one_is_not(model, batches):
    features.extract(model, images())
    assert not disk_cache.folder().exists()  # unless asked
    first = features.extract(model, images(), cache=True)
    batches.clear()
    assert np.array_equal(features.extract(model, images(), cache=True), first)
    assert batches == []
    other = features.extract(model, images(seed=1), cache=True)
    assert batches == [5] and not np.array_equal(other, first)


def test_the_cache_follows_the_weights(model):
    first = features.extract(model, images(), cache=True)
    began = model.get_weights()
    model.set_weights([weight + 0.1 for weight in began])
    moved = features.extract(model, images(), cache=True)
    model.set_weights(began)
    assert not np.allclose(moved, first)
    assert np.array_equal(features.extract(model, images(), cache=True), first)


def test_a_damaged_entry_is_computed_again(model, batches):
    first = features.extract(model, images(), cache=True)
    (path,) = files()
    path.write_bytes(path.read_bytes()[:-1])
    batches.clear()
    for _ in range(2):
        assert np.array_equal(features.extract(model, images(), cache=True), first)
    assert batches == [5]


# One key for one network: pairs that differ in one thing, two builds of each

VARIANTS = {
    "plain": lambda: network(),
    "units": lambda: network(units=5),
    "weights": lambda: network(seed=1),
    "activation": lambda: network(activation="elu"),
    "strides": lambda: network(strides=2),
    "dilation": lambda: network(dilation_rate=2),
    "relu called relu": lambda: network(layers.Activation("relu", name="relu")),
    "tanh called tanh": lambda: network(layers.Activation("tanh", name="tanh")),
    "pooling": lambda: network(layers.MaxPooling2D(2)),
    "mean pooling": lambda: network(layers.AveragePooling2D(2)),
    "ceiling": lambda: network(layers.ReLU(max_value=6.0)),
    "other ceiling": lambda: network(layers.ReLU(max_value=1.0)),
    "float16": lambda: network(dtype="mixed_float16"),
    "bfloat16": lambda: network(dtype="mixed_bfloat16"),
    "order": lambda: branches("ab"),
    "other order": lambda: branches("ba"),
    "the first twice": lambda: branches("aa"),
    "the second twice": lambda: branches("bb"),
}


def branches(order):
    """Two convolutions, and which of them go into a difference."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIDE, SIDE, 3))
    found = {name: layers.Conv2D(2, 3, name=name)(pixels) for name in "ab"}
    x = layers.Subtract()([found[name] for name in order])
    both = layers.Concatenate()([x, found["a"], found["b"]])
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(both))


@pytest.fixture(scope="module")
def keys():
    return {name: [key(make()) for _ in range(2)] for name, make in VARIANTS.items()}


def test_networks_share_a_key_if_and_only_if_they_are_the_same(keys):
    assert all(one == two for one, two in keys.values())  # names count up
    assert len({one for one, _ in keys.values()}) == len(VARIANTS)


def renamed(name):
    """A network whose layers all have a name that is also a setting."""
    pixels = keras.Input((SIDE, SIDE, 3), name=f"{name}_0")
    x = layers.Activation("relu", name=f"{name}_1")(pixels)
    return keras.Model(pixels, layers.Activation("tanh", name=name)(x), name="m")


@quick
@given(
    name=st.sampled_from(["relu", "tanh", "same", "valid", "float32", "mixed_float16"])
)
def test_a_name_is_not_taken_for_a_setting(name):
    assert key(renamed(name)) == key(renamed("any"))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16", "mixed_float16"])
def test_models_of_half_precision_are_cached_too(dtype, batches):
    half = network(dtype=dtype)
    first = features.extract(half, images(), cache=True)
    batches.clear()
    again = features.extract(half, images(), cache=True)
    assert not batches and again.dtype == first.dtype
    assert np.array_equal(again.astype("f4"), first.astype("f4"))


CHANGES = {
    "max_value": (lambda: layers.ReLU(max_value=6.0), 0.1),
    "activation": (lambda: layers.Activation("relu"), keras.activations.tanh),
    "negative_slope": (lambda: layers.LeakyReLU(0.3), 0.9),
    "scale": (lambda: layers.Rescaling(1.0), 2.0),
    "pool_size": (lambda: layers.MaxPooling2D((2, 2)), (1, 1)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("cache", [False, True])
def test_a_setting_changed_in_place_changes_the_features(name, cache):
    make, value = CHANGES[name]
    changed, layer = network(make()), None
    layer = changed.layers[1].layers[-1]
    before = features.extract(changed, images(), cache=cache)
    setattr(layer, name, value)
    found = features.extract(changed, images(), cache=cache)
    assert not np.allclose(found, before)
    fresh = network(make())  # one that was never traced
    setattr(fresh.layers[1].layers[-1], name, value)
    assert np.array_equal(features.extract(fresh, images()), found)
    setattr(layer, name, getattr(make(), name))
    assert np.array_equal(features.extract(changed, images(), cache=cache), before)


FACTOR = 1.0


class Scales(layers.Layer):
    """A layer as somebody writes it in a notebook."""

    def __init__(self):
        super().__init__()
        self.hidden = [1.0]

    def call(self, x):
        return x * FACTOR * self.hidden[0]


def patched():
    layer = layers.ReLU()
    layer.call = lambda x: x * FACTOR
    return layer


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Scales, "Scales"),
        (lambda: layers.Lambda(lambda x: x * FACTOR), "`function`"),
        (lambda: layers.Activation(lambda x: x * FACTOR), "`activation`"),
        (patched, "own, `call`"),
    ],
    ids=["custom layer", "Lambda", "activation", "patched"],
)
@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_code_is_not_kept_and_never_stale(make, reason, capsys, monkeypatch):
    own = network(make())
    before = features.extract(own, images(), cache=True)
    assert reason in capsys.readouterr().out
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    for cache in (True, False):
        found = features.extract(own, images(), cache=cache)
        np.testing.assert_allclose(found, 3 * before, rtol=1e-5)
    assert not files()


def test_other_pixels_have_another_key(model):
    pixels = images(600)
    before = key(model, pixels)
    for other in (pixels[::-1], pixels[:-1], pixels[:, :, ::-1]):
        assert key(model, other) != before
    pixels[-1, -1, -1, -1] ^= 1
    assert key(model, pixels) != before


def test_the_key_is_the_same_in_a_new_process(model):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import keras; keras.layers.Dense(1)\n"
        "from test_disk_cache import key, network\n"
        "print(key(network()))"
    )
    here = str(pathlib.Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", code, here], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == key(network())


# Reading and writing


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "bfloat16"])
@pytest.mark.parametrize("shape", [(5, 12), (60,), (0, 3), (3, 1, 20)])
def test_what_was_written_is_read(dtype, shape):
    array = np.arange(np.prod(shape)).astype(dtype).reshape(shape)[..., ::-1]
    assert disk_cache.load("a") is None
    assert disk_cache.save("a", array)
    found = disk_cache.load("a")
    assert found.dtype == array.dtype and np.array_equal(found, array)
    found[...] = 0  # a copy of its own
    assert np.array_equal(disk_cache.load("a"), array)


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


@quick
@given(share=st.floats(0, 1, exclude_max=True), rest=st.binary(max_size=9))
def test_a_file_that_is_cut_or_something_else_is_noticed(share, rest):
    disk_cache.save("a", ARRAY)
    (path,) = files()
    content = path.read_bytes()
    for spoilt in (content[: int(share * len(content))], rest):
        path.write_bytes(spoilt)
        assert disk_cache.load("a") is None
        assert not path.exists()


def test_the_oldest_goes_when_room_is_needed(monkeypatch):
    disk_cache.save("old", ARRAY)
    size = files()[0].stat().st_size
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", str(4 * size - 1))
    for age, name in ((300, "old"), (200, "middle"), (100, "new")):
        assert disk_cache.save(name, ARRAY)
        os.utime(disk_cache.folder() / f"{name}.npz", (time.time() - age,) * 2)
    assert np.array_equal(disk_cache.load("old"), ARRAY)  # used now
    assert disk_cache.save("newest", ARRAY)
    assert {path.stem for path in files()} == {"new", "newest", "old"}


def test_what_is_larger_than_the_limit_is_not_kept(monkeypatch):
    disk_cache.save("small", ARRAY)
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", "200")
    assert not disk_cache.save("a", ARRAY)
    assert disk_cache.load("a") is None
    assert np.array_equal(disk_cache.load("small"), ARRAY)


@pytest.mark.parametrize("text", ["", "2 GB", "-1", "1e9"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", text)
    with pytest.raises(ValueError, match="TLCOURSE_CACHE_BYTES.*Received"):
        disk_cache.save("a", ARRAY)


def test_a_full_disk_keeps_nothing_and_loses_nothing(monkeypatch):
    disk_cache.save("a", ARRAY)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert not disk_cache.save("a", ARRAY + 1)
    assert np.array_equal(disk_cache.load("a"), ARRAY)
    assert len(files()) == 1


def test_a_file_in_place_of_the_folder_keeps_nothing(home):
    (home / "features").write_text("in the way")
    assert not disk_cache.save("a", ARRAY)


# Killed, and two at once

WRITERS = """
import os, signal, sys
import numpy as np
from tlcourse.features import disk_cache

def write_for_ever(number):
    while True:
        for name in range(4):
            found = disk_cache.load(f"n{name}")
            if found is not None and not (found == name).all():
                os.write(1, b"wrong")
            disk_cache.save(f"n{name}", np.full((300 + number, 500), name, "float32"))

children = {}
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


def test_killed_at_fifty_moments_two_at_once_never_a_wrong_feature(monkeypatch):
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", "2000000")  # they evict each other's
    rng, pipe = random.Random(0), subprocess.PIPE
    writers = subprocess.Popen(
        [sys.executable, "-c", WRITERS], stdin=pipe, stdout=pipe, text=True
    )
    for moment in range(52):  # the first two only start
        print(moment % 2, file=writers.stdin, flush=True)
        time.sleep(rng.uniform(0, 0.05))
        for name in range(4):
            found = disk_cache.load(f"n{name}")
            assert found is None or (found == name).all()
    said, _ = writers.communicate(timeout=60)
    assert said == "" and writers.returncode == 0
    assert disk_cache.save("last", ARRAY)
