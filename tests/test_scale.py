"""Features in shards: as computed here, whatever dies, whoever goes on."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import zipfile

import keras
import numpy as np
import odd_pictures
import pytest
import tensorflow_datasets as tfds

from tlcourse import data, features
from tlcourse.features import processes, shard_files, shards, sources

# Keras saves a model in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

SIZE = (8, 8)
RUNS = {"beam": shards.run, "here": shards.run_here}
of_runs = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


def network(units=4, seed=0):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(units, 3),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
        ]
    )


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, *SIZE, 3), "uint8")
    return data.Dataset(images, rng.integers(0, 3, 30), ("a", "b", "c"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "job"


def begin(model, dataset, folder, shard_size=4):
    return shards.begin(model, sources.InMemory(dataset), folder, shard_size)


def states(job):
    """Which shard was written when."""
    paths = job.folder.glob("features-*.npz")
    return {path.name: path.stat().st_mtime_ns for path in paths}


def check_equal(found, model, dataset):
    local = features.extract(model, dataset.images)
    np.testing.assert_allclose(found.features, local, rtol=0, atol=1e-6)
    assert found.features.dtype == local.dtype
    assert found.labels.tolist() == dataset.labels.tolist()
    assert found.labels.dtype == np.int64


# The same numbers as local ones


@of_runs
@pytest.mark.parametrize("shard_size", [1, 4, 30, 1000])
def test_a_dataset_gives_what_local_extraction_gives(
    run, shard_size, model, dataset, folder
):
    job = begin(model, dataset, folder, shard_size)
    report = run(folder)
    assert report.computed == report.shards == job.n_shards
    found = shards.read(folder)
    check_equal(found, model, dataset)
    assert found.keys.tolist() == [str(k) for k in range(30)]
    assert found.class_names == ("a", "b", "c")
    assert found.skipped == ()
    assert set(found.seconds) == {"read", "network", "write"}
    assert min(found.seconds.values()) > 0


def test_feature_maps_keep_their_shape(dataset, folder):
    inputs = keras.Input((*SIZE, 3))
    maps = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    begin(maps, dataset, folder)
    shards.run_here(folder)
    check_equal(shards.read(folder), maps, dataset)


def test_a_class_without_images_stays_a_class_of_a_dataset(model, dataset, folder):
    rest = dataset.take(dataset.labels != 1)
    begin(model, rest, folder)
    shards.run_here(folder)
    check_equal(shards.read(folder), model, rest)
    assert shards.read(folder).class_names == ("a", "b", "c")


def photos(folder):
    """Three classes of pictures; broken ones in two, and nothing else in a fourth."""
    rng = np.random.default_rng(1)
    for name in ("ant", "cow", "dog"):
        (folder / name).mkdir(parents=True)
        for k in range(5):
            image = rng.integers(0, 256, (12, 10, 3), "uint8")
            keras.utils.save_img(folder / name / f"{k}.png", image)
    (folder / "bad").mkdir()
    for place in ("ant/1x.jpg", "bad/1.png", "dog/9.gif"):
        (folder / place).write_bytes(b"\xff\xd8 the rest was lost")
    (folder / "notes.txt").write_text("not in a class")
    (folder / "cow" / "empty.png").write_bytes(b"")
    return folder


@of_runs
def test_a_folder_gives_what_load_folder_and_extract_give(run, model, tmp_path, folder):
    place = photos(tmp_path / "photos")
    local, report = data.load_folder(place, SIZE)
    shards.begin(model, sources.FromFolder(place, SIZE), folder, shard_size=3)
    run(folder)
    found = shards.read(folder)
    check_equal(found, model, local)
    assert found.keys.tolist() == list(report.files)
    assert found.class_names == local.class_names == ("ant", "cow", "dog")
    assert found.skipped == report.skipped
    assert len(found.skipped) == 5


def test_every_odd_picture_is_read_or_skipped_as_load_folder_does(
    model, tmp_path, folder
):
    place = tmp_path / "odd"
    (place / "plain").mkdir(parents=True)
    for k in range(2):
        keras.utils.save_img(place / "plain" / f"{k}.png", np.full((9, 9, 3), 99 * k))
    (place / "odd").mkdir()
    for name, (content, *_) in (odd_pictures.sound() | odd_pictures.broken()).items():
        (place / "odd" / name).write_bytes(content)
    local, report = data.load_folder(place, SIZE)
    shards.begin(model, sources.FromFolder(place, SIZE), folder, shard_size=7)
    shards.run_here(folder)
    found = shards.read(folder)
    check_equal(found, model, local)
    assert found.keys.tolist() == list(report.files)
    assert found.skipped == report.skipped


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A tiny dataset of TFDS, in several files, with an example without label."""
    home = tmp_path_factory.mktemp("tfds")
    image = tfds.features.Image(shape=(None, None, 3))
    label = tfds.features.ClassLabel(names=["cat", "dog", "owl"])

    def split(n, start=0):
        pixels = np.random.default_rng(start).integers(0, 256, (n, 10, 9, 3), "uint8")
        labels = np.resize([0, 1, 2, -1], n).tolist()
        pairs = zip(pixels, labels, strict=True)
        return list(enumerate({"image": x, "label": label} for x, label in pairs))

    tfds.dataset_builders.store_as_tfds_dataset(
        name="pets",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"image": image, "label": label}),
        split_datasets={"train": split(14), "test": split(6, 1)},
        data_dir=home,
        disable_shuffling=True,
    )
    return home


@of_runs
@pytest.mark.parametrize("split", ["train", "train[3:11]", "train[50%:]+test[:3]"])
def test_tfds_gives_what_load_tfds_and_extract_give(
    run, split, model, shelf, folder, monkeypatch
):
    monkeypatch.setenv("TFDS_DATA_DIR", str(shelf))
    local = data.load_tfds("pets", SIZE, split, per_class=None)
    source = sources.FromTfds("pets", SIZE, split)
    shards.begin(model, source, folder, shard_size=3)
    run(folder)
    found = shards.read(folder)
    check_equal(found, model, local)
    assert found.class_names == ("cat", "dog", "owl")
    for key, label in zip(found.keys, found.labels, strict=True):
        part, position = key.rstrip("]").split("[")
        one = data.load_tfds("pets", SIZE, f"{part}[{position}:{int(position) + 1}]")
        assert one.labels.tolist() == [label]
    assert {each.reason for each in found.skipped} == {"no label"}
    assert len(found.skipped) + len(found.keys) == source.n


def test_plain_numpy_reads_a_shard(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.run_here(folder)
    with np.load(job.path(1)) as box:
        assert box["keys"].tolist() == ["4", "5", "6", "7"]
        assert box["features"].shape == (4, 4)
        assert box["labels"].tolist() == dataset.labels[4:8].tolist()


def test_shards_are_read_one_by_one(model, dataset, folder):
    begin(model, dataset, folder, shard_size=8)
    shards.run_here(folder)
    parts = list(shards.read_shards(folder))
    assert [len(part.keys) for part in parts] == [8, 8, 8, 6]
    whole = shards.read(folder).features
    np.testing.assert_array_equal(np.concatenate([p.features for p in parts]), whole)


def test_all_batches_have_one_size(model, tmp_path, folder, monkeypatch):
    sizes, original = set(), keras.Model.predict_on_batch

    def counting(self, x):
        sizes.add(len(x))
        return original(self, x)

    monkeypatch.setattr(keras.Model, "predict_on_batch", counting)
    place = photos(tmp_path / "photos")
    shards.begin(model, sources.FromFolder(place, SIZE), folder, shard_size=4)
    shards.run_here(folder)
    assert sizes == {4}


# What dies


def dying(where):
    """Code that ends a process by `kill -9`, at an image or while a file is written."""
    return f"""
import os, signal
from tlcourse.features import sources
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def fsync(file):
    if len([n for n in os.listdir(FOLDER) if n.endswith(".npz")]) > 2: die()
def read(self, start, stop, original=sources.InMemory.read):
    for row in original(self, start, stop):
        if row.key == "13": die()
        yield row
if "{where}" == "image":
    sources.InMemory.read = read
else:
    os.fsync = fsync
"""


def run_code(code, folder):
    code = f"FOLDER = {str(folder)!r}\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@of_runs
@pytest.mark.parametrize("where", ["image", "file"])
def test_after_kill_9_a_run_goes_on_from_the_shards_that_are_whole(
    run, where, model, dataset, folder
):
    job = begin(model, dataset, folder)
    call = f"from tlcourse.features import shards; shards.{run.__name__}(FOLDER)"
    died = run_code(dying(where) + call, folder)
    assert died.returncode == -signal.SIGKILL, died.stderr
    before = states(job)
    assert len(before) == 3
    assert len(list(folder.glob(".*.partial"))) == (where == "file")
    with pytest.raises(ValueError, match="Expected 8 feature files.*Received: 3"):
        shards.read(folder)
    report = run(folder)
    assert (report.shards, report.computed) == (8, 5)
    assert str(report) == "5 shards computed, 3 were there already"
    assert before.items() <= states(job).items()
    check_equal(shards.read(folder), model, dataset)
    assert run(folder).computed == 0


@of_runs
def test_a_worker_that_dies_is_replaced(run, model, dataset, folder, monkeypatch):
    job = begin(model, dataset, folder)
    once = (
        f"FOLDER = {str(folder)!r}\nimport os, pathlib\n"
        "try:\n    pathlib.Path(FOLDER, 'died').touch(exist_ok=False)\n"
        "except FileExistsError:\n    pass\n"
        "else:\n" + "    ".join(dying("image").splitlines(keepends=True)) + "\n"
    )
    # The worker with image 13 has to be the one that dies: there is but one share.
    monkeypatch.setattr(processes, "CHILD", once + processes.CHILD)
    replaced = processes.run(job, job.missing(), 1, None, options_of(run))
    assert replaced == 1
    check_equal(shards.read(folder), model, dataset)


def options_of(run):
    return {"runner": "FnApiRunner"} if run is shards.run else None


@of_runs
def test_two_processes_give_the_same(run, model, dataset, folder):
    begin(model, dataset, folder)
    report = run(folder, workers=2)
    assert (report.computed, report.replaced) == (8, 0)
    check_equal(shards.read(folder), model, dataset)


def test_a_worker_that_always_dies_is_given_up_and_its_words_are_shown(
    model, dataset, folder, monkeypatch
):
    begin(model, dataset, folder)
    monkeypatch.setattr(processes, "CHILD", "raise SystemExit('no disk today')")
    # Both workers die; whose shard is the first to die too often is a race.
    with pytest.raises(RuntimeError, match="(?s)shard [0-9].*code 1.*no disk today"):
        shards.run_here(folder, workers=2)


def test_workers_end_when_who_began_them_is_gone(tmp_path):
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]],"
        " stdin=subprocess.PIPE, stdout=sys.stdout)\n"
        "child.stdin.write(b'{}\\n'); child.stdin.flush()\n"
        "open(sys.argv[2])"  # waits for the child, then dies with its pipe
    )
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    child = (
        "import time\nfrom tlcourse.features import processes\n"
        f"processes.shards.load = lambda folder: open({str(ready)!r}, 'w').close()\n"
        "processes.json.loads = lambda line: dict.fromkeys(('folder', 'shards', "
        "'options'))\n"
        "processes.compute = lambda *_: time.sleep(600)\n"
        "processes.child()"
    )
    command = [sys.executable, "-c", code, child, ready]
    # `run` reads until nobody holds the output any more: the child neither.
    subprocess.run(command, capture_output=True, timeout=120, check=True)


@of_runs
@pytest.mark.parametrize("at", ["network", "writing", "renaming"])
def test_what_raises_in_the_middle_leaves_whole_shards_only(
    run, at, model, dataset, folder, monkeypatch
):
    job = begin(model, dataset, folder)
    with monkeypatch.context() as patch:
        left = [3]

        def failing(original):
            def call(*arguments, **options):
                left[0] -= 1
                if left[0] < 0:
                    raise OSError("No space left on device")
                return original(*arguments, **options)

            return call

        place = {
            "network": (keras.Model, "predict_on_batch"),
            "writing": (np.lib.format, "write_array"),
            "renaming": (os, "replace"),
        }[at]
        patch.setattr(*place, failing(getattr(*place)))
        with pytest.raises((OSError, RuntimeError), match="No space left"):
            run(folder)
    assert all(zipfile.is_zipfile(folder / name) for name in states(job))
    assert not list(folder.glob(".*.partial"))
    before = states(job)
    assert run(folder).computed == 8 - len(before)
    assert before.items() <= states(job).items()
    check_equal(shards.read(folder), model, dataset)


# What is damaged, or belongs to something else


def test_a_shard_that_was_cut_off_is_computed_again(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.run_here(folder)
    content = job.path(2).read_bytes()
    for part in (content[:-30], content[:100], b""):
        job.path(2).write_bytes(part)
        with pytest.raises(ValueError, match="Received: 7 that are whole"):
            shards.read(folder)
        assert shards.run_here(folder).computed == 1
    check_equal(shards.read(folder), model, dataset)


def test_a_wrong_byte_in_a_shard_is_noticed(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.run_here(folder)
    content = bytearray(job.path(2).read_bytes())
    place = content.index(b"features.npy") + 200
    content[place] ^= 1
    job.path(2).write_bytes(content)
    with pytest.raises(ValueError, match="features-000002-of-000008.*Remove this file"):
        shards.read(folder)
    job.path(2).unlink()
    assert shards.run_here(folder).computed == 1
    check_equal(shards.read(folder), model, dataset)


def test_features_of_another_network_are_never_mixed_in(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.run_here(folder)
    with pytest.raises(ValueError, match="what differs: network[.] Name another"):
        begin(network(seed=1), dataset, folder)
    other = begin(network(seed=1), dataset, folder.with_name("other"))
    shards.run_here(other.folder)
    job.path(0).write_bytes(other.path(0).read_bytes())
    with pytest.raises(ValueError, match="which another job wrote"):
        shards.read(folder)


def test_other_images_are_another_job(model, dataset, folder):
    begin(model, dataset, folder)
    with pytest.raises(ValueError, match="differs: images"):
        begin(model, dataset.take(slice(None, None, -1)), folder)
    with pytest.raises(ValueError, match="differs: shard_size"):
        begin(model, dataset, folder, shard_size=5)
    assert begin(model, dataset, folder).key == shard_files.load(folder).key


def test_a_picture_that_was_changed_makes_another_job(model, tmp_path, folder):
    place = photos(tmp_path / "photos")
    shards.begin(model, sources.FromFolder(place, SIZE), folder, 4)
    shards.begin(model, sources.FromFolder(place, SIZE), folder, 4)
    keras.utils.save_img(place / "ant" / "0.png", np.zeros((12, 10, 3)))
    with pytest.raises(ValueError, match="differs: images"):
        shards.begin(model, sources.FromFolder(place, SIZE), folder, 4)


def test_a_folder_with_other_things_is_left_alone(model, dataset, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("all my work")
    with pytest.raises(ValueError, match="which holds other things"):
        begin(model, dataset, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_what_does_not_fit_is_refused(model, dataset, folder, tmp_path):
    large = sources.FromFolder(photos(tmp_path / "photos"), (9, 9))
    with pytest.raises(ValueError, match=r"images of \(8, 8, 3\).*\(9, 9, 3\)"):
        shards.begin(model, large, folder)
    for wrong in (0, -1, 2.5, True, "4"):
        with pytest.raises(ValueError, match="`shard_size`.*Received"):
            begin(model, dataset, folder, wrong)
    with pytest.raises(FileNotFoundError, match="`scale.begin` began a job"):
        shards.run_here(folder)
    begin(model, dataset, folder)
    with pytest.raises(ValueError, match="`workers`.*Received: 0"):
        shards.run_here(folder, workers=0)
    with pytest.raises(ValueError, match="workers of its own.*Received: 2"):
        shards.run(folder, workers=2, runner="FlinkRunner")


def test_a_model_with_two_outputs_is_refused(dataset, folder):
    inputs = keras.Input((*SIZE, 3))
    two = keras.Model(inputs, [keras.layers.Conv2D(2, 3)(inputs), inputs])
    with pytest.raises(ValueError, match="one output. Received: 2"):
        begin(two, dataset, folder)


def test_no_images_are_refused(model, dataset, folder):
    with pytest.raises(ValueError, match="at least one image"):
        begin(model, dataset.take(slice(0)), folder)


def test_a_folder_without_files_of_classes_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="without a file in such folders"):
        sources.FromFolder(tmp_path, SIZE)
    with pytest.raises(FileNotFoundError):
        sources.FromFolder(tmp_path / "b", SIZE)


def test_a_job_of_another_format_is_refused(model, dataset, folder):
    begin(model, dataset, folder)
    path = folder / shard_files.ABOUT
    path.write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="format 1. Received: 99"):
        shards.run_here(folder)


# Beam, and without it


def test_without_beam_it_says_what_to_install(model, dataset, folder, monkeypatch):
    begin(model, dataset, folder)
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert not shards.has_beam()
    with pytest.raises(ModuleNotFoundError, match=r'pip install "tlcourse\[scale\]"'):
        shards.run(folder)
    shards.run_here(folder)
    check_equal(shards.read(folder), model, dataset)


def test_importing_imports_no_beam():
    code = "import sys; from tlcourse.features import shards; print('apache_beam' in sys.modules)"
    shown = run_code(code, "")
    assert shown.stdout.strip() == "False", shown.stderr


def test_beam_takes_options_of_its_runner(model, dataset, folder):
    begin(model, dataset, folder)
    with pytest.raises(ValueError, match="NoSuchRunner"):
        shards.run(folder, runner="NoSuchRunner")
    mode = {"direct_running_mode": "multi_threading", "direct_num_workers": 2}
    assert shards.run(folder, runner="FnApiRunner", **mode).computed == 8
    check_equal(shards.read(folder), model, dataset)


def test_beam_leaves_logging_as_it_was_and_says_nothing(model, dataset, folder, capfd):
    import logging

    before = list(logging.root.handlers), logging.root.manager.disable
    begin(model, dataset, folder)
    shards.run(folder)
    assert (logging.root.handlers, logging.root.manager.disable) == before
    assert capfd.readouterr() == ("", "")


def test_the_network_travels_as_a_file_of_keras(model, dataset, folder):
    job = begin(model, dataset, folder)
    again = keras.saving.load_model(pathlib.Path(job.folder, shard_files.NETWORK))
    np.testing.assert_array_equal(
        again.predict(dataset.images, verbose=0),
        model.predict(dataset.images, verbose=0),
    )
