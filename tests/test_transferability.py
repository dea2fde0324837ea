"""Yosinski's experiment: its pictures, its treatments, and the run of all of it."""

import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from data.making import transferability as making
from data.making.tables import read_rows
from tlcourse.data import load_glyph_archive
from tlcourse.yosinski import experiment, results, tasks
from tlcourse.yosinski.experiment import TREATMENTS, Experiment, Settings, Trainer

TINY = Settings(
    classes=4, per_class=12, unseen=5, epochs=2, batch=16, learning_rate=1e-2, warm_up=2
)

# The pictures


@pytest.mark.parametrize("split", tasks.SPLITS)
def test_the_tasks_share_no_character_and_depend_on_the_seed_only(split):
    scripts, east, west = load_glyph_archive().scripts, set(tasks.EAST), set(tasks.WEST)
    for seed in range(3):
        a, b = tasks.divide_characters(split, seed).values()
        assert len(a) == len(b) == 96 and not set(a) & set(b)
        assert np.array_equal(a, tasks.divide_characters(split, seed)["A"])
        assert set(a) != set(tasks.divide_characters(split, seed + 1)["A"])
        found = [{scripts[k] for k in half} for half in (a, b)]
        assert found == ([east, west] if split == "far" else [east | west] * 2)


def test_pictures_are_balanced_raw_pixels_from_one_seed():
    classes = tasks.divide_characters("near", 0, 4)["A"]
    drawn = tasks.draw_characters(classes, "training", 7, seed=3)
    assert drawn.images.shape == (28, 32, 32, 3)
    assert drawn.images.max() > 200 > 50 > drawn.images.min()
    assert np.bincount(drawn.labels).tolist() == [7] * 4
    names = load_glyph_archive().class_names
    assert drawn.class_names == tuple(names[k] for k in classes)
    others = ("training", 7, 3), ("training", 7, 4), ("unseen", 7, 3)
    drawn_again = [tasks.draw_characters(classes, *other).images for other in others]
    assert same([drawn.images] * 3, drawn_again) == [True, False, False]


def test_the_character_can_be_seen_on_every_picture():
    archive = load_glyph_archive()
    ink = archive.ink(np.arange(0, len(archive.labels), 97))
    pictures = tasks.draw_on_paper(ink, np.random.default_rng(0))
    bright = pictures.mean(axis=-1)
    darkest, lightest = np.percentile(bright, (2, 98), axis=(1, 2))
    assert (lightest - darkest > 35).all()


# The treatments


@pytest.fixture(scope="module")
def tiny():
    return Experiment("near", 0, TINY, Trainer(TINY))


def same(a, b):
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


def test_the_network_is_small_and_has_the_layers_it_says():
    network = experiment.network(96)
    weighted = [layer.name for layer in network.layers if layer.weights]
    assert tuple(weighted) == experiment.LAYERS and network.count_params() == 188_624


@pytest.mark.parametrize("cut", (1, 7))
@pytest.mark.parametrize("name", TREATMENTS)
def test_a_treatment_copies_freezes_and_leaves_random_what_it_says(tiny, name, cut):
    source, frozen = TREATMENTS[name]
    start, end = tiny.start(name, cut), tiny.train(name, cut)
    for half in "AB":
        copied = same(start, tiny.base(half))
        at_cut = copied[: 2 * cut]
        assert all(at_cut) if half == source else not any(at_cut[::2])
        assert not any(copied[2 * cut :: 2])  # kernels; all biases begin at 0
    unchanged = same(start, end)
    assert all(unchanged[: 2 * cut]) if frozen else not any(unchanged[: 2 * cut])
    assert not any(unchanged[2 * cut :])


def test_new_layers_are_the_same_for_all_treatments_and_cuts_of_a_seed(tiny):
    start = tiny.start("random", 1)
    for name, cut in (("AnB", 3), ("BnB+", 5), ("BnB", 7)):
        assert all(same(start, tiny.start(name, cut))[2 * cut :])
    assert not any(same(start, tiny.base("B"))[::2])


def test_b_trained_twice_goes_on_from_b(tiny):
    once, task = tiny.base("B"), tiny.task("B")
    expected = tiny.trainer.train(once, 0, task, (0, 4))
    twice = tiny.train("twice")
    assert all(same(expected, twice)) and not any(same(once, twice))


def test_the_loss_is_keras_s(tiny):
    weights, task = tiny.base("B"), tiny.task("B")
    model = experiment.network(TINY.classes)
    model.set_weights(weights)
    model.compile(loss="sparse_categorical_crossentropy")
    expected = model.evaluate(task.images, task.labels, verbose=0)
    assert tiny.trainer.loss(weights, task) == pytest.approx(expected, rel=1e-4)


def test_random_weights_are_he_s(tiny):
    weights = tiny.trainer.model.get_weights()
    new, again, other = (experiment.fresh(weights, seed) for seed in (0, 0, 1))
    for kernel, bias in zip(new[::2], new[1::2], strict=True):
        expected = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        assert abs(kernel.std() / expected - 1) < 0.15 and not bias.any()
    assert all(same(new, again)) and not any(same(new, other)[::2])


def test_frozen_layers_that_run_once_train_the_same_network(tiny):
    start = tiny.start("AnB", 3)
    expected = experiment.network(TINY.classes)
    expected.set_weights(start)
    for name in experiment.LAYERS[:3]:
        expected.get_layer(name).trainable = False
    _, top = tiny.trainer.cut(3)
    optimizer = keras.optimizers.Adam.from_config(top.optimizer.get_config())
    expected.compile(optimizer, "sparse_categorical_crossentropy")
    task, seed = tiny.task("B"), (0, 8)
    rng = np.random.default_rng(seed)
    for _ in range(TINY.epochs):
        at = rng.permutation(len(task))
        x, y = task.images[at], task.labels[at]
        expected.fit(x, y, batch_size=TINY.batch, shuffle=False, verbose=0)
    found = tiny.trainer.train(start, 3, task, seed)
    for a, b in zip(expected.get_weights(), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("treatment, cut", [("AnC", 1), ("AnB", 0), ("AnB", 8)])
def test_what_is_not_there_is_refused(tiny, treatment, cut):
    with pytest.raises(ValueError, match="Expected a treatment.*Received"):
        tiny.accuracy(treatment, cut)
    with pytest.raises(ValueError, match="Expected `split`.*Received"):
        Experiment("nearer", 0)


# The run of all of it


def run(work):
    jobs = making.plan(splits=("near",), seeds=(0,), cuts=(1,))
    making.train_missing(work, jobs, TINY)
    return (work / "transferability.csv").read_bytes()


@pytest.mark.slow  # two runs of the experiment, one in a process of its own
def test_a_killed_run_ends_in_the_same_table(tmp_path):
    here, table = str(pathlib.Path(__file__).parent), tmp_path / "transferability.csv"
    code = "import pathlib, sys; sys.path.insert(0, sys.argv[2])\n"
    code += "import test_transferability as it; it.run(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path), here]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    while not table.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert table.exists(), (tmp_path / "log").read_text()
    assert run(tmp_path) == run(tmp_path / "whole")


def test_a_new_table_is_read_with_its_losses_and_b_trained_twice(tmp_path):
    run(tmp_path)
    rows = read_rows(tmp_path / "transferability.csv")
    curves = results.read_curves(as_if_of_seven_cuts(rows))
    near = curves["near"]
    assert near.base.shape == near.twice.shape == near.losses["twice"].shape == (1,)
    assert near.tables["AnB"].shape == near.losses["AnB"].shape == (1, 7)
    by_job = {making.job_of(row): row for row in rows}
    found = by_job["near", 0, "twice", 0]
    assert near.twice[0] == float(found["accuracy"])
    assert near.losses["twice"][0] == float(found["loss"])


def as_if_of_seven_cuts(rows):
    for row in rows:
        whole = row["treatment"] in experiment.WHOLE
        yield from [row] * (1 if whole else len(experiment.CUTS))


def test_two_experiments_do_not_share_a_table(tmp_path):
    making.check_settings(tmp_path, TINY)
    making.check_settings(tmp_path, TINY)
    with pytest.raises(ValueError, match="Expected the settings.*Received.*--work"):
        making.check_settings(tmp_path, Settings())


def test_the_settings_that_were_shipped_are_read_as_they_were_written():
    read = results.shipped_settings()
    assert Settings(**vars(read)) == read
    made = making.settings_as_json(read)
    assert results.read_settings(made) == read
