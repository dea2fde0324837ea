"""Features in shards: as computed at once, or refused, whatever dies or changes."""

import json
import os
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import odd_pictures
import pytest

from tlcourse import data, features
from tlcourse.features import job as jobs
from tlcourse.features import processes, shards, sources

# Keras saves a model in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

SIZE = (8, 8)


def network(seed=0, activation="relu", swapped=False):
    keras.utils.set_random_seed(seed)
    layers, inputs = keras.layers, keras.Input((*SIZE, 3))
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(inputs))
    y = layers.Activation(activation, name=activation)(layers.BatchNormalization()(x))
    x = layers.Dropout(0.5)(layers.Subtract()([y, x] if swapped else [x, y]))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


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


@pytest.fixture
def photos(tmp_path):
    """Three classes of pictures; broken ones in two, and nothing else in a fourth."""
    folder, rng = tmp_path / "photos", np.random.default_rng(1)
    for name in ("ant", "bad", "cow", "dog"):
        (folder / name).mkdir(parents=True)
        for k in range(5 if name != "bad" else 0):
            image = rng.integers(0, 256, (12, 10, 3), "uint8")
            keras.utils.save_img(folder / name / f"{k}.png", image)
    for place in ("ant/1x.jpg", "bad/1.png", "dog/9.gif"):
        (folder / place).write_bytes(b"\xff\xd8 the rest was lost")
    (folder / "notes.txt").write_text("not in a class")
    (folder / "cow" / "empty.png").write_bytes(b"")
    return folder


def begin(model, dataset, folder, shard_size=4):
    return shards.begin_job(model, sources.DatasetSource(dataset), folder, shard_size)


def begin_photos(model, photos, folder):
    return shards.begin_job(model, sources.FolderSource(photos, SIZE), folder, 7)


def times(job):
    """When each shard was written."""
    return {path: path.stat().st_mtime_ns for path in job.folder.glob("features-*.npz")}


def check_equal(found, model, dataset):
    local = features.extract(model, dataset.images)
    np.testing.assert_allclose(found.features, local, rtol=0, atol=1e-6)
    assert found.features.dtype == local.dtype
    assert found.labels.tolist() == dataset.labels.tolist()
    assert found.labels.dtype == np.int64
    assert found.class_names == dataset.class_names


@pytest.mark.parametrize("shard_size", [1, 8, 1000])
def test_a_dataset_gives_what_extract_gives(shard_size, model, dataset, folder):
    job = begin(model, dataset, folder, shard_size)
    report = shards.compute_here(folder)
    assert report.computed == report.shards == job.n_shards
    found, parts = shards.load_features(folder), list(shards.iterate_shards(folder))
    check_equal(found, model, dataset)
    assert found.keys.tolist() == [str(k) for k in range(30)]
    assert set(found.seconds) == {"read", "network", "write"}
    assert min(found.seconds.values()) > 0
    at_once = np.concatenate([part.features for part in parts])
    np.testing.assert_array_equal(at_once, found.features)
    with np.load(job.path(job.n_shards - 1)) as box:  # plain NumPy reads it
        for name in ("features", "labels", "keys"):
            np.testing.assert_array_equal(box[name], getattr(parts[-1], name))


def test_a_folder_gives_what_load_folder_gives_in_batches_of_one_size(
    model, photos, folder, monkeypatch
):
    (photos / "odd").mkdir()
    for name, (content, *_) in (odd_pictures.SOUND | odd_pictures.BROKEN).items():
        (photos / "odd" / name).write_bytes(content)
    sizes, predict = set(), keras.Model.predict_on_batch

    monkeypatch.setattr(
        keras.Model,
        "predict_on_batch",
        lambda self, x: sizes.add(len(x)) or predict(self, x),
    )
    begin_photos(model, photos, folder)
    shards.compute_here(folder)
    assert sizes == {7}
    found = shards.load_features(folder)
    local, report = data.load_folder(photos, SIZE)
    check_equal(found, model, local)
    assert found.keys.tolist() == list(report.files)
    assert found.class_names == ("ant", "cow", "dog", "odd")
    assert found.skipped == report.skipped


def test_beam_gives_the_same_quietly_and_its_bar_moves(
    model, dataset, folder, monkeypatch, capfd
):
    line, seen = processes.bar(8, "Computing", delay=1000), []
    monkeypatch.setattr(line, "update", lambda n: seen.append(line.n + n))
    monkeypatch.setattr(processes, "bar", lambda *_, **options: line)
    begin(model, dataset, folder)
    mode = {"direct_running_mode": "multi_threading", "direct_num_workers": 2}
    assert shards.compute_with_beam(folder, **mode).computed == 8
    check_equal(shards.load_features(folder), model, dataset)
    assert seen[0] == 0 and seen[-1] == 8
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow  # three more processes with TensorFlow and Beam
def test_two_processes_with_beam_give_the_same_and_what_a_runner_says_is_shown(
    model, dataset, folder, monkeypatch
):
    begin(model, dataset, folder)
    monkeypatch.setattr(processes, "MAX_DEATHS", 1)
    with pytest.raises(RuntimeError, match="NoSuchRunner"):
        shards.compute_with_beam(folder, runner="NoSuchRunner")
    assert shards.compute_with_beam(folder, workers=2) == (8, 8, 0)
    check_equal(shards.load_features(folder), model, dataset)


def test_without_beam_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert not shards.has_beam()
    with pytest.raises(ModuleNotFoundError, match=r'pip install "tlcourse\[scale\]"'):
        shards.compute_with_beam(folder)


# `kill -9`, once in the folder, when so many files are there and one half.
DYING = """import os, pathlib, signal
def fsync(file):
    if len(list(FOLDER.glob("*.npz"))) == {} and not (FOLDER / "{}").exists():
        (FOLDER / "{}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
FOLDER, os.fsync = pathlib.Path({!r}), fsync
"""


def test_after_kill_9_a_run_goes_on_and_a_worker_that_dies_is_replaced(
    model, dataset, folder, monkeypatch
):
    job = begin(model, dataset, folder)
    code = DYING.format(3, "one", "one", str(folder))
    code += "from tlcourse.features import shards; shards.compute_here(FOLDER)"
    died = subprocess.run([sys.executable, "-c", code])
    assert died.returncode == -signal.SIGKILL
    before = times(job)
    assert len(before) == 3 and len(list(folder.glob(".*.partial"))) == 1
    with pytest.raises(ValueError, match="Expected 8 feature files.*Received: 3"):
        shards.load_features(folder)
    code = DYING.format(6, "two", "two", str(folder)) + processes.CHILD
    monkeypatch.setattr(processes, "CHILD", code)
    # One share only, so that it is sure to reach the seventh file.
    assert processes.compute_in_processes(job, job.missing(), 1) == 1
    report = str(shards.compute_here(folder))
    assert report == "0 shards computed, 8 were there already"
    assert before.items() <= times(job).items()
    check_equal(shards.load_features(folder), model, dataset)


def test_a_worker_that_always_dies_is_given_up_and_its_words_are_shown(
    model, dataset, folder, monkeypatch
):
    begin(model, dataset, folder)
    monkeypatch.setattr(processes, "CHILD", "raise SystemExit('no disk today')")
    # Both workers die; whose shard is the first to die too often is a race.
    with pytest.raises(RuntimeError, match="(?s)shard [0-9].*code 1.*no disk today"):
        shards.compute_here(folder, workers=2)


def test_a_worker_ends_when_who_began_it_is_gone(model, dataset, folder):
    begin(model, dataset, folder)
    code = (
        "import time\nfrom tlcourse.features import processes\n"
        "processes.compute_here = lambda *_: time.sleep(600)\nprocesses.run_child()"
    )
    task = json.dumps({"folder": str(folder), "shards": [0], "options": None}) + "\n"
    ended = subprocess.run(  # closes the input, as the end of a process does
        [sys.executable, "-c", code],
        input=task,
        text=True,
        timeout=120,
        stderr=subprocess.PIPE,
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr


def flip_a_bit(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.fault("dying")
def test_a_shard_cut_off_wrong_or_another_jobs_is_noticed(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.compute_here(folder)
    content = job.path(2).read_bytes()
    job.path(2).write_bytes(content[:-30])
    with pytest.raises(ValueError, match="Received: 7 that are whole"):
        shards.load_features(folder)
    assert shards.compute_here(folder).computed == 1
    flip_a_bit(job.path(2), content.index(b"features.npy") + 200)
    with pytest.raises(ValueError, match="features-000002-of-000008.*Remove this file"):
        shards.load_features(folder)
    turned = dataset.take(slice(None, None, -1))
    other = begin(model, turned, folder.with_name("other"))
    shards.compute_here(other.folder)
    job.path(2).write_bytes(other.path(2).read_bytes())
    with pytest.raises(ValueError, match="which another job wrote"):
        shards.load_features(folder)
    shutil.copy(job.path(0), job.path(1))
    with pytest.raises(ValueError, match="shard 1 .*000001.*another shard"):
        shards.load_features(folder)
    job.path(1).write_bytes(b"")
    job.path(2).unlink()
    assert job.missing() == [1, 2]
    assert shards.compute_here(folder).computed == 2
    check_equal(shards.load_features(folder), model, dataset)


def refuse_alike(reason, folder, begin_again):
    """Whoever works with a job refuses it, for the reason given."""
    for call in (
        begin_again,
        lambda: shards.compute_here(folder),
        lambda: shards.compute_with_beam(folder),
        lambda: shards.load_features(folder),
    ):
        with pytest.raises(ValueError, match=f"(?s){reason}.*another folder"):
            call()


CHANGES = {
    "changed: .*/0.png": lambda ant: (ant / "0.png").write_bytes(b"x"),
    "changed: .*t/0.png": lambda ant: os.utime(ant / "0.png", ns=(1, 1)),
    "gone: .*0.png; new: .*7.png": lambda ant: os.rename(ant / "0.png", ant / "7.png"),
    "new: .*9.png": lambda ant: shutil.copy(ant / "0.png", ant / "9.png"),
    "gone: .*ant/0.png": lambda ant: (ant / "0.png").unlink(),
    "gone: .*0.png.* and 3 more": shutil.rmtree,
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("reason", CHANGES)
def test_a_folder_that_changed_is_refused_until_it_is_put_back(
    reason, model, photos, folder, tmp_path
):
    job = begin_photos(model, photos, folder)
    shards.compute_here(folder)
    assert job.source.keys[0] == "ant/0.png"
    local, _ = data.load_folder(photos, SIZE)
    shutil.copytree(photos, tmp_path / "copy")
    CHANGES[reason](photos / "ant")
    refuse_alike(reason, folder, lambda: begin_photos(model, photos, folder))
    if "0.png" in reason:  # as a run does that is under way
        with pytest.raises(ValueError, match="ant/0.png, which has just changed"):
            job.source.read_image(0)
    shutil.rmtree(photos)
    with pytest.raises(FileNotFoundError, match="photos, which does not exist"):
        shards.load_features(folder)
    shutil.copytree(tmp_path / "copy", photos)  # times of change included
    job.path(1).unlink()
    assert shards.compute_here(folder).computed == 1
    check_equal(shards.load_features(folder), model, local)


def edit(folder, **changes):
    path = folder / jobs.NOTES
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("changed: images.npy", lambda job: flip_a_bit(job / "images.npy", -9)),
        ("changed: labels.npy", lambda job: flip_a_bit(job / "labels.npy", -9)),
        ("gone: labels.npy", lambda job: (job / "labels.npy").unlink()),
        ("changed: network", lambda job: network(seed=1).save(job / jobs.NETWORK)),
        ("damaged or edited", lambda job: (job / jobs.NOTES).write_bytes(b"\xff{")),
        ("damaged or edited", lambda job: (job / jobs.NOTES).write_text("[1]")),
        ("damaged or edited", lambda job: edit(job, class_names=["c", "b", "a"])),
        ("of format 4.*another version", lambda job: edit(job, format=99)),
    ],
)
def test_a_job_with_changed_files_is_refused(reason, change, model, dataset, folder):
    begin(model, dataset, folder)
    change(folder)
    refuse_alike(reason, folder, lambda: begin(model, dataset, folder))


@pytest.mark.fault(13)
def test_another_network_shards_or_images_are_another_job(dataset, folder):
    job = begin(network(), dataset, folder)
    assert begin(network(), dataset, folder) == job  # the same one, built again
    for name, value in {"seed": 1, "swapped": True, "activation": "tanh"}.items():
        with pytest.raises(ValueError, match="what differs: network[.] Name another"):
            begin(network(**{name: value}), dataset, folder)
    with pytest.raises(ValueError, match="differs: shard_size"):
        begin(network(), dataset, folder, shard_size=5)
    with pytest.raises(ValueError, match="differs: images"):
        begin(network(), dataset.take(slice(None, None, -1)), folder)


def test_maps_keep_their_shape_empty_classes_stay_and_bfloat16_becomes_float32(
    model, dataset, folder
):
    rest = dataset.take(dataset.labels != 1)
    maps = keras.Model(model.inputs, model.layers[2].output)
    half = keras.layers.GlobalMaxPooling2D(dtype="bfloat16")
    largest = keras.Sequential([keras.Input((*SIZE, 3)), half])
    for network_, place in ((maps, folder), (largest, folder / "half")):
        begin(network_, rest, place)
        shards.compute_here(place)
    check_equal(shards.load_features(folder), maps, rest)
    found = shards.load_features(folder / "half").features
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rest.images.max((1, 2)))


def test_what_does_not_fit_is_refused(model, dataset, folder, photos, tmp_path):
    large = sources.FolderSource(photos, (9, 9))
    with pytest.raises(ValueError, match=r"\(None, 8, 8, 3\).*images of \(9, 9, 3\)"):
        shards.begin_job(model, large, folder)
    inputs = keras.Input((*SIZE, 3))
    with pytest.raises(ValueError, match="one output.*outputs: 2"):
        begin(keras.Model(inputs, [inputs, inputs]), dataset, folder)
    with pytest.raises(ValueError, match="at least one image"):
        begin(model, dataset.take(slice(0)), folder)
    for wrong in (0, -1, 2.5, "4"):
        with pytest.raises(ValueError, match="`shard_size`.*Received"):
            begin(model, dataset, folder, wrong)
    with pytest.raises(FileNotFoundError, match="`shards.begin_job` began a job"):
        shards.compute_here(folder)
    folder.mkdir()
    (folder / "thesis.txt").write_text("all my work")
    with pytest.raises(ValueError, match="which holds other things"):
        begin(model, dataset, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match="without a file in such folders"):
        sources.FolderSource(tmp_path / "empty", SIZE)
    with pytest.raises(ValueError, match="`workers`.*Received: 0"):
        shards.compute_here(folder, workers=0)
