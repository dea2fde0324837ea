"""Features in shards: as computed at once, or refused, whatever dies or changes."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

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
WITH_BEAM = {"runner": "FnApiRunner"}


def network(seed=0, dtype=None, activation="relu", swapped=False):
    keras.utils.set_random_seed(seed)
    layers, inputs = keras.layers, keras.Input((*SIZE, 3))
    x = layers.Conv2D(4, 3, dtype=dtype)(layers.Rescaling(1 / 255)(inputs))
    y = layers.Activation(activation, name=activation)(layers.BatchNormalization()(x))
    x = layers.Dropout(0.5)(layers.Subtract()([y, x] if swapped else [x, y]))
    return keras.Model(inputs, layers.GlobalAveragePooling2D(dtype="float32")(x))


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


def begin_photos(model, photos, folder, shard_size=4):
    source = sources.FolderSource(photos, SIZE)
    return shards.begin_job(model, source, folder, shard_size)


def times(job):
    """When each shard was written."""
    paths = job.folder.glob("features-*.npz")
    return {path.name: path.stat().st_mtime_ns for path in paths}


def check_equal(found, model, dataset):
    local = features.extract(model, dataset.images)
    np.testing.assert_allclose(found.features, local, rtol=0, atol=1e-6)
    assert found.features.dtype == local.dtype
    assert found.labels.tolist() == dataset.labels.tolist()
    assert found.labels.dtype == np.int64
    assert found.class_names == dataset.class_names


# The same features as computed at once


@pytest.mark.parametrize("shard_size", [1, 4, 1000])
def test_a_dataset_gives_what_extract_gives(shard_size, model, dataset, folder):
    job = begin(model, dataset, folder, shard_size)
    report = shards.compute_here(folder)
    assert report.computed == report.shards == job.n_shards
    found = shards.load_features(folder)
    check_equal(found, model, dataset)
    assert found.keys.tolist() == [str(k) for k in range(30)]
    assert found.skipped == ()
    assert set(found.seconds) == {"read", "network", "write"}
    assert min(found.seconds.values()) > 0


def test_feature_maps_keep_their_shape_and_empty_classes_stay(model, dataset, folder):
    rest = dataset.take(dataset.labels != 1)
    maps = keras.Model(model.inputs, model.layers[2].output)
    begin(maps, rest, folder)
    shards.compute_here(folder)
    check_equal(shards.load_features(folder), maps, rest)


def test_a_folder_gives_what_load_folder_gives_in_batches_of_one_size(
    model, photos, folder, monkeypatch
):
    (photos / "odd").mkdir()
    for name, (content, *_) in (odd_pictures.SOUND | odd_pictures.BROKEN).items():
        (photos / "odd" / name).write_bytes(content)
    sizes, predict = set(), keras.Model.predict_on_batch

    def note_size(self, x):
        sizes.add(len(x))
        return predict(self, x)

    monkeypatch.setattr(keras.Model, "predict_on_batch", note_size)
    begin_photos(model, photos, folder, shard_size=7)
    shards.compute_here(folder)
    assert sizes == {7}
    found, (local, report) = (
        shards.load_features(folder),
        data.load_folder(photos, SIZE),
    )
    check_equal(found, model, local)
    assert found.keys.tolist() == list(report.files)
    assert found.class_names == ("ant", "cow", "dog", "odd")
    assert found.skipped == report.skipped


def test_shards_are_read_one_by_one_also_by_plain_numpy(model, dataset, folder):
    job = begin(model, dataset, folder, shard_size=8)
    shards.compute_here(folder)
    parts = list(shards.iterate_shards(folder))
    assert [len(part.keys) for part in parts] == [8, 8, 8, 6]
    at_once = shards.load_features(folder).features
    np.testing.assert_array_equal(np.concatenate([p.features for p in parts]), at_once)
    with np.load(job.path(3)) as box:
        assert box["keys"].tolist() == ["24", "25", "26", "27", "28", "29"]
        assert box["labels"].tolist() == dataset.labels[24:].tolist()
        np.testing.assert_array_equal(box["features"], parts[3].features)


# What Beam adds


def test_beam_gives_the_same_quietly_and_its_bar_moves(
    model, dataset, folder, monkeypatch, capfd
):
    monkeypatch.setattr(processes, "INTERVAL", 0.02)
    read = sources.DatasetSource.read_rows
    monkeypatch.setattr(
        sources.DatasetSource, "read_rows", lambda *a: time.sleep(0.1) or read(*a)
    )
    seen, bar = [], processes.bar

    def watched(*arguments, **options):
        line = bar(*arguments, **options | {"delay": 1000})
        monkeypatch.setattr(line, "update", lambda n: seen.append(line.n + n))
        return line

    monkeypatch.setattr(processes, "bar", watched)
    before = list(logging.root.handlers), logging.root.manager.disable
    begin(model, dataset, folder)
    assert shards.compute_with_beam(folder).computed == 8
    check_equal(shards.load_features(folder), model, dataset)
    assert len(set(seen) & set(range(1, 8))) > 3 and seen[-1] == 8
    assert (logging.root.handlers, logging.root.manager.disable) == before
    assert capfd.readouterr() == ("", "")


def test_beam_takes_options_of_its_runner(model, dataset, folder):
    begin(model, dataset, folder)
    with pytest.raises(ValueError, match="NoSuchRunner"):
        shards.compute_with_beam(folder, runner="NoSuchRunner")
    mode = {"direct_running_mode": "multi_threading", "direct_num_workers": 2}
    assert shards.compute_with_beam(folder, **WITH_BEAM, **mode).computed == 8
    check_equal(shards.load_features(folder), model, dataset)


def test_without_beam_it_says_what_to_install(model, dataset, folder, monkeypatch):
    begin(model, dataset, folder)
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert not shards.has_beam()
    with pytest.raises(ModuleNotFoundError, match=r'pip install "tlcourse\[scale\]"'):
        shards.compute_with_beam(folder)
    assert shards.compute_here(folder).computed == 8


# What dies

# `kill -9` while the fourth file is written.
DYING = """import os, pathlib, signal
def fsync(file):
    if len(list(FOLDER.glob("*.npz"))) > 2: os.kill(os.getpid(), signal.SIGKILL)
FOLDER, os.fsync = pathlib.Path({!r}), fsync
"""


def test_after_kill_9_a_run_goes_on_from_the_shards_that_are_whole(
    model, dataset, folder
):
    job = begin(model, dataset, folder)
    code = DYING.format(str(folder)) + "from tlcourse.features import shards\n"
    command = [sys.executable, "-c", code + "shards.compute_here(FOLDER)"]
    died = subprocess.run(command, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    before = times(job)
    assert len(before) == 3 and len(list(folder.glob(".*.partial"))) == 1
    with pytest.raises(ValueError, match="Expected 8 feature files.*Received: 3"):
        shards.load_features(folder)
    report = shards.compute_here(folder)
    assert (report.shards, report.computed) == (8, 5)
    assert str(report) == "5 shards computed, 3 were there already"
    assert before.items() <= times(job).items()
    check_equal(shards.load_features(folder), model, dataset)
    assert shards.compute_here(folder).computed == 0


def test_a_worker_that_dies_is_replaced(model, dataset, folder, monkeypatch):
    job = begin(model, dataset, folder)
    mark = f"pathlib.Path({str(folder)!r}, 'died')"
    dies_once = DYING.format(str(folder)) + (
        f"if {mark}.exists(): os.fsync = lambda file: None\n{mark}.touch()\n"
        "import sys, tlcourse.features.shards as _\n"
        "assert 'apache_beam' not in sys.modules\n"
    )
    monkeypatch.setattr(processes, "CHILD", dies_once + processes.CHILD)
    # One share only, so that it is sure to reach the fourth file.
    assert processes.compute_in_processes(job, job.missing(), 1) == 1
    check_equal(shards.load_features(folder), model, dataset)


@pytest.mark.slow  # starts two processes with TensorFlow and Beam
def test_two_processes_with_beam_give_the_same(model, dataset, folder):
    begin(model, dataset, folder)
    report = shards.compute_with_beam(folder, workers=2)
    assert (report.computed, report.replaced) == (8, 0)
    check_equal(shards.load_features(folder), model, dataset)


def test_a_worker_that_always_dies_is_given_up_and_its_words_are_shown(
    model, dataset, folder, monkeypatch
):
    begin(model, dataset, folder)
    monkeypatch.setattr(processes, "CHILD", "raise SystemExit('no disk today')")
    # Both workers die; whose shard is the first to die too often is a race.
    with pytest.raises(RuntimeError, match="(?s)shard [0-9].*code 1.*no disk today"):
        shards.compute_here(folder, workers=2)


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
        f"processes.load_job = lambda folder: open({str(ready)!r}, 'w').close()\n"
        "processes.json.loads = lambda line: dict.fromkeys(('folder', 'shards', "
        "'options'))\n"
        "processes.compute_here = lambda *_: time.sleep(600)\n"
        "processes.run_child()"
    )
    command = [sys.executable, "-c", code, child, ready]
    # `run` reads until nobody holds the output any more: the child neither.
    subprocess.run(command, capture_output=True, timeout=120, check=True)


def test_a_full_disk_leaves_whole_shards_only(model, dataset, folder, monkeypatch):
    job, write, calls = begin(model, dataset, folder), np.lib.format.write_array, []

    def fail_in_the_fourth_shard(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 20:
            raise OSError("No space left on device")
        return write(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", fail_in_the_fourth_shard)
        with pytest.raises(OSError, match="No space left"):
            shards.compute_here(folder)
    before = times(job)
    assert len(before) == 3 and not list(folder.glob(".*.partial"))
    assert shards.compute_here(folder).computed == 5
    assert before.items() <= times(job).items()
    check_equal(shards.load_features(folder), model, dataset)


# What is damaged, changed, or belongs to something else


def flip_a_bit(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_shard_that_is_cut_off_or_has_a_wrong_bit_is_noticed(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.compute_here(folder)
    content = job.path(2).read_bytes()
    for part in (content[:-30], b""):
        job.path(2).write_bytes(part)
        with pytest.raises(ValueError, match="Received: 7 that are whole"):
            shards.load_features(folder)
        assert shards.compute_here(folder).computed == 1
    flip_a_bit(job.path(2), content.index(b"features.npy") + 200)
    with pytest.raises(ValueError, match="features-000002-of-000008.*Remove this file"):
        shards.load_features(folder)
    job.path(2).unlink()
    assert shards.compute_here(folder).computed == 1
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
    "overwritten": (lambda ant: (ant / "0.png").write_bytes(b"x"), "changed: .*0.png"),
    "touched": (lambda ant: os.utime(ant / "0.png", ns=(1, 1)), "changed: .*0.png"),
    "renamed": (
        lambda ant: (ant / "0.png").rename(ant / "7.png"),
        "gone: .*0.png; new: .*7.png",
    ),
    "added": (lambda ant: shutil.copy(ant / "0.png", ant / "9.png"), "new: .*9.png"),
    "deleted": (lambda ant: (ant / "0.png").unlink(), "gone: .*ant/0.png"),
    "all gone": (lambda ant: shutil.rmtree(ant), "gone: .*0.png.* and 3 more"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_folder_that_changed_is_refused_until_it_is_put_back(
    change, reason, model, photos, folder, tmp_path
):
    job = begin_photos(model, photos, folder)
    shards.compute_here(folder)
    local, _ = data.load_folder(photos, SIZE)
    shutil.copytree(photos, tmp_path / "copy")
    change(photos / "ant")
    refuse_alike(reason, folder, lambda: begin_photos(model, photos, folder))
    check_equal(shards.load_features(folder, check_images=False), model, local)
    shutil.rmtree(photos)
    with pytest.raises(FileNotFoundError, match="photos, which does not exist"):
        shards.load_features(folder)
    shutil.copytree(tmp_path / "copy", photos)  # times of change included
    job.path(1).unlink()
    assert shards.compute_here(folder).computed == 1
    check_equal(shards.load_features(folder), model, local)


def test_a_file_that_changes_during_a_run_stops_it(photos):
    source = sources.FolderSource(photos, SIZE)
    rows = source.read_rows(0, source.n)
    assert next(rows).key == "ant/0.png"
    (photos / "ant" / "1.png").write_bytes(b"another picture")
    with pytest.raises(ValueError, match="ant/1.png, which has just changed"):
        next(rows)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda job: flip_a_bit(job / "images.npy", -9), "changed: images.npy"),
        (lambda job: flip_a_bit(job / "labels.npy", -9), "changed: labels.npy"),
        (lambda job: (job / "labels.npy").unlink(), "gone: labels.npy"),
        (lambda job: network(seed=1).save(job / jobs.NETWORK), "changed: network"),
        (lambda job: (job / jobs.NOTES).write_text(""), "damaged or edited"),
        (lambda job: (job / jobs.NOTES).write_bytes(b"\xff{"), "damaged or edited"),
        (lambda job: (job / jobs.NOTES).write_text("[1]"), "damaged or edited"),
        (lambda job: edit(job, format=99), "format 2. Received: 99"),
        (lambda job: edit(job, class_names=["c", "b", "a"]), "damaged or edited"),
    ],
)
def test_a_job_whose_own_files_changed_is_refused(
    change, reason, model, dataset, folder
):
    begin(model, dataset, folder)
    change(folder)
    refuse_alike(reason, folder, lambda: begin(model, dataset, folder))


def edit(folder, **changes):
    path = folder / jobs.NOTES
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seed": 0}, {"seed": 1}),
        ({"swapped": False}, {"swapped": True}),
        ({"activation": "relu"}, {"activation": "tanh"}),
        ({"dtype": "mixed_float16"}, {"dtype": "mixed_bfloat16"}),
    ],
)
def test_another_network_is_another_job_and_the_same_one_built_again_is_not(
    one, other, dataset, folder
):
    key = begin(network(**one), dataset, folder).key
    assert begin(network(**one), dataset, folder).key == key
    with pytest.raises(ValueError, match="what differs: network[.] Name another"):
        begin(network(**other), dataset, folder)


def test_other_images_are_another_job(model, dataset, folder):
    job = begin(model, dataset, folder)
    shards.compute_here(folder)
    with pytest.raises(ValueError, match="differs: shard_size"):
        begin(model, dataset, folder, shard_size=5)
    turned = dataset.take(slice(None, None, -1))
    with pytest.raises(ValueError, match="differs: images"):
        begin(model, turned, folder)
    other = begin(model, turned, folder.with_name("other"))
    shards.compute_here(other.folder)
    job.path(0).write_bytes(other.path(0).read_bytes())
    with pytest.raises(ValueError, match="which another job wrote"):
        shards.load_features(folder)


def test_features_of_bfloat16_are_kept_as_float32(dataset, folder):
    half = keras.layers.GlobalMaxPooling2D(dtype="bfloat16")
    begin(keras.Sequential([keras.Input((*SIZE, 3)), half]), dataset, folder)
    shards.compute_here(folder)
    found = shards.load_features(folder).features
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, dataset.images.max((1, 2)))


def test_what_does_not_fit_is_refused(model, dataset, folder, photos, tmp_path):
    large = sources.FolderSource(photos, (9, 9))
    with pytest.raises(ValueError, match=r"images of \(8, 8, 3\).*\(9, 9, 3\)"):
        shards.begin_job(model, large, folder)
    inputs = keras.Input((*SIZE, 3))
    with pytest.raises(ValueError, match="one output. Received: 2"):
        begin(keras.Model(inputs, [inputs, inputs]), dataset, folder)
    with pytest.raises(ValueError, match="at least one image"):
        begin(model, dataset.take(slice(0)), folder)
    for wrong in (0, -1, 2.5, True, "4"):
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
    with pytest.raises(ValueError, match="workers of its own.*Received: 2"):
        shards.compute_with_beam(folder, workers=2, runner="FlinkRunner")
