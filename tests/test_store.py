"""The cache of features: never a wrong one, whatever happens to it."""

import gc
import os
import pathlib
import random
import subprocess
import sys
import time
import weakref

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlcourse.features import disk_cache

ARRAY = np.arange(60, dtype="float32").reshape(5, 12)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("TLCOURSE_CACHE_BYTES", raising=False)
    return tmp_path


def files():
    return sorted(disk_cache.folder().glob("*"))


def network(units=4, seed=0, activation="relu", scale=1.0):
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Rescaling(scale),
        keras.layers.Conv2D(units, 3, activation=activation),
        keras.layers.GlobalAveragePooling2D(),
    ]
    inner = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    pixels = keras.Input((8, 8, 3))
    return keras.Model(pixels, inner(pixels))


def images(seed=0, n=5):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 8, 8, 3)).astype("uint8")


# Keys


def test_the_same_network_has_the_same_key_whatever_its_layers_are_called():
    assert disk_cache.key(network(), images()) == disk_cache.key(network(), images())


@pytest.mark.parametrize(
    "change",
    [{"units": 5}, {"seed": 1}, {"activation": "elu"}, {"scale": 0.5}],
    ids=lambda change: next(iter(change)),
)
def test_another_network_has_another_key(change):
    assert disk_cache.key(network(), images()) != disk_cache.key(
        network(**change), images()
    )


def test_a_weight_that_moves_changes_the_key():
    model = network()
    before = disk_cache.key(model, images())
    weight = model.weights[-1]
    weight.assign(weight + 1e-7)
    assert disk_cache.key(model, images()) != before


def test_a_setting_that_changes_by_hand_changes_the_key():
    model = network()
    before = disk_cache.key(model, images())
    assert disk_cache.key(model, images()) == before
    model.layers[-1].layers[0].scale = 2.0
    assert disk_cache.key(model, images()) != before


@pytest.mark.parametrize(
    "name, values",
    [
        ("strides", [(1, 1), (2, 2), (2, 2), (1, 1)]),
        ("activation", [keras.activations.relu, keras.activations.elu] * 2),
    ],
)
def test_a_setting_that_is_an_object_is_told_from_another(name, values):
    model = network()
    layer, keys = model.layers[1].layers[1], []
    for value in values:
        setattr(layer, name, value)
        keys.append(disk_cache.key(model, images()))
    assert [key == keys[0] for key in keys] == [v == values[0] for v in values]


def test_another_object_in_the_same_place_is_another():
    """What is new may lie where the old one was, and has its id then."""

    class Thing:
        pass

    thing = Thing()
    seen = disk_cache._seen(thing)
    assert disk_cache._seen(thing) == seen
    del thing
    others = [Thing() for _ in range(1000)]
    assert all(disk_cache._seen(other) != seen for other in others)


def test_keys_keep_no_model_alive():
    model = network()
    disk_cache.key(model, images())
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_other_pixels_have_another_key():
    model, pixels = network(), images(n=600)
    before = disk_cache.key(model, pixels)
    assert disk_cache.key(model, pixels[::-1]) != before
    assert disk_cache.key(model, pixels[:-1]) != before
    assert disk_cache.key(model, pixels[:, :, ::-1]) != before
    pixels[-1, -1, -1, -1] ^= 1
    assert disk_cache.key(model, pixels) != before


def test_the_key_is_the_same_in_a_new_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import keras; keras.layers.Dense(1)\n"
        "from test_store import images, network, disk_cache\n"
        "print(disk_cache.key(network(), images()))"
    )
    here = str(pathlib.Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", code, here], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == disk_cache.key(network(), images())


# Reading and writing


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", ">f8"])
@pytest.mark.parametrize("shape", [(5, 12), (60,), (0, 3), (3, 1, 20)])
def test_what_was_written_is_read(dtype, shape):
    array = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    assert disk_cache.read("a") is None
    assert disk_cache.write("a", array)
    found = disk_cache.read("a")
    assert found.dtype == array.dtype and np.array_equal(found, array)
    found[...] = 0  # a copy of its own
    assert np.array_equal(disk_cache.read("a"), array)


def test_an_array_with_gaps_is_written_whole():
    assert disk_cache.write("a", ARRAY[::2, ::-1])
    assert np.array_equal(disk_cache.read("a"), ARRAY[::2, ::-1])


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_single_wrong_bit_is_noticed(at, bit):
    disk_cache.write("a", ARRAY)
    path = disk_cache.folder() / "a.features"
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    path.write_bytes(content)
    found = disk_cache.read("a")
    assert found is None or np.array_equal(found, ARRAY)
    assert found is not None or not path.exists()


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(share=st.floats(0, 1, exclude_max=True), rest=st.binary(max_size=9))
def test_a_file_that_is_cut_or_goes_on_is_noticed(share, rest):
    disk_cache.write("a", ARRAY)
    path = disk_cache.folder() / "a.features"
    content = path.read_bytes()
    for spoilt in (content[: int(share * len(content))], content + b"x" + rest, rest):
        path.write_bytes(spoilt)
        assert disk_cache.read("a") is None
        assert not path.exists()


def test_the_oldest_goes_when_room_is_needed(monkeypatch):
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", "1500")
    for age, name in ((300, "old"), (200, "middle"), (100, "new")):
        assert disk_cache.write(name, ARRAY)
        then = time.time() - age
        os.utime(disk_cache.folder() / f"{name}.features", (then, then))
    assert np.array_equal(disk_cache.read("old"), ARRAY)  # used now
    assert disk_cache.write("newest", ARRAY)
    assert {path.stem for path in files()} == {"new", "newest", "old"}
    assert disk_cache.read("middle") is None
    assert sum(path.stat().st_size for path in files()) <= 1500


def test_what_is_larger_than_the_limit_is_not_kept(monkeypatch):
    disk_cache.write("small", ARRAY)
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", "495")
    assert not disk_cache.write("a", ARRAY)
    assert disk_cache.read("a") is None
    assert np.array_equal(disk_cache.read("small"), ARRAY)


@pytest.mark.parametrize("text", ["", "2 GB", "-1", "1e9"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv("TLCOURSE_CACHE_BYTES", text)
    with pytest.raises(ValueError, match="TLCOURSE_CACHE_BYTES.*Received"):
        disk_cache.write("a", ARRAY)


def test_what_was_left_half_written_is_cleared_away():
    disk_cache.write("a", ARRAY)
    for age, name in ((10, "young.tmp"), (2 * disk_cache.ABANDONED, "old.tmp")):
        (disk_cache.folder() / name).write_bytes(b"half")
        os.utime(disk_cache.folder() / name, (time.time() - age,) * 2)
    disk_cache.write("b", ARRAY)
    assert {path.name for path in files()} == {"a.features", "b.features", "young.tmp"}


def test_a_full_disk_keeps_nothing_and_loses_nothing(monkeypatch):
    disk_cache.write("a", ARRAY)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert not disk_cache.write("a", ARRAY + 1)
    assert np.array_equal(disk_cache.read("a"), ARRAY)
    assert len(files()) == 1


def test_a_file_in_place_of_the_folder_keeps_nothing(home):
    (home / "features").write_text("in the way")
    assert not disk_cache.write("a", ARRAY)


# Killed, and two at once

WRITERS = """
import os, signal, sys
import numpy as np
from tlcourse.features import disk_cache

def write_for_ever(number):
    while True:
        for name in range(4):
            found = disk_cache.read(f"n{name}")
            if found is not None and not (found == name).all():
                os.write(1, b"wrong")
            disk_cache.write(f"n{name}", np.full((300 + number, 500), name, "float32"))

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
    seen = 0
    for moment in range(52):  # the first two only start
        print(moment % 2, file=writers.stdin, flush=True)
        time.sleep(rng.uniform(0, 0.05))
        for name in range(4):
            found = disk_cache.read(f"n{name}")
            assert found is None or (found == name).all()
            seen += found is not None
    said, _ = writers.communicate(timeout=60)
    assert said == "" and writers.returncode == 0
    assert disk_cache.write("last", ARRAY)
    assert np.array_equal(disk_cache.read("last"), ARRAY)
