"""Yosinski's experiment: its pictures, its treatments, and the whole run."""

import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from data.making import transferability as making
from tlcourse.data.glyphs import load_glyph_archive
from tlcourse.yosinski import experiment, tasks
from tlcourse.yosinski.experiment import CUTS, TREATMENTS, Experiment, Settings, Trainer

TINY = Settings(
    classes=4, per_class=12, unseen=5, epochs=2, batch=16, rate=1e-2, warm_up=2
)

# The pictures


def scripts_of(classes):
    scripts = load_glyph_archive().scripts
    return {scripts[k] for k in classes}


@pytest.mark.parametrize("split", tasks.SPLITS)
@pytest.mark.parametrize("seed", range(3))
def test_the_halves_share_no_character(split, seed):
    halves = tasks.halves(split, seed)
    assert len(halves["A"]) == len(halves["B"]) == 96
    assert not set(halves["A"]) & set(halves["B"])
    again = tasks.halves(split, seed)
    assert np.array_equal(halves["A"], again["A"])
    other = tasks.halves(split, seed + 1)
    assert set(halves["A"]) != set(other["A"])


def test_near_mixes_the_scripts_and_far_keeps_them_apart():
    near, far = (tasks.halves(split, 0) for split in tasks.SPLITS)
    both = {*tasks.EAST, *tasks.WEST}
    assert scripts_of(near["A"]) == scripts_of(near["B"]) == both
    assert scripts_of(far["A"]) == set(tasks.EAST)
    assert scripts_of(far["B"]) == set(tasks.WEST)


def test_halves_refuse_what_there_is_not():
    for split, n in (("nearer", 96), ("near", 98), ("near", 1)):
        with pytest.raises(ValueError, match="Expected `split`.*Received"):
            tasks.halves(split, 0, n)


def test_pictures_are_balanced_raw_pixels_from_one_seed():
    classes = tasks.halves("near", 0, 4)["A"]
    drawn = tasks.draw(classes, "training", 7, seed=3)
    assert drawn.images.shape == (28, 32, 32, 3)
    assert drawn.images.max() > 200 > 50 > drawn.images.min()
    assert np.bincount(drawn.labels).tolist() == [7] * 4
    assert drawn.class_names == tuple(
        load_glyph_archive().class_names[k] for k in classes
    )
    again = tasks.draw(classes, "training", 7, seed=3)
    assert np.array_equal(drawn.images, again.images)
    for other in (("training", 7, 4), ("unseen", 7, 3)):
        assert not np.array_equal(drawn.images, tasks.draw(classes, *other).images)


def test_the_character_can_be_seen_on_every_picture():
    archive = load_glyph_archive()
    ink = archive.ink(np.arange(0, len(archive.labels), 97))
    pictures = tasks.on_paper(ink, np.random.default_rng(0)).astype(float)
    bright = pictures.mean(axis=-1)
    darkest, lightest = np.percentile(bright, (2, 98), axis=(1, 2))
    assert (lightest - darkest > 35).all()


# The treatments


@pytest.fixture(scope="module")
def tiny():
    return Experiment("near", 0, TINY, Trainer(TINY))


def same(a, b):
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


def kernels(weights):
    return weights[::2]


def test_the_network_is_small_and_has_the_layers_it_says():
    network = experiment.network(96)
    weighted = [layer.name for layer in network.layers if layer.weights]
    assert tuple(weighted) == experiment.LAYERS
    assert network.count_params() == 188_624
    assert "188,624" in experiment.network.__doc__


@pytest.mark.parametrize("cut", (1, 4, 7))
@pytest.mark.parametrize("name", TREATMENTS)
def test_a_treatment_copies_freezes_and_leaves_random_what_it_says(tiny, name, cut):
    source, frozen = TREATMENTS[name].source, TREATMENTS[name].frozen
    start, end = tiny.start(name, cut), tiny.train(name, cut)
    for half in "AB":
        copied = same(start, tiny.base(half))[: 2 * cut]
        assert all(copied) if half == source else not any(copied[::2])
        assert not any(kernels(same(start, tiny.base(half)))[cut:])
    unchanged = same(start, end)
    assert all(unchanged[: 2 * cut]) if frozen else not any(unchanged[: 2 * cut])
    assert not any(unchanged[2 * cut :])


def test_random_weights_are_he_s(tiny):
    weights = tiny.trainer.model.get_weights()
    new = experiment.fresh(weights, (0, 9))
    for kernel, bias in zip(new[::2], new[1::2], strict=True):
        assert not bias.any()
        expected = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        assert abs(kernel.std() / expected - 1) < 0.15
    assert all(same(new, experiment.fresh(weights, (0, 9))))
    assert not any(kernels(same(new, experiment.fresh(weights, (1, 9)))))


def test_frozen_layers_that_run_once_train_the_same_network(tiny):
    start = tiny.start("AnB", 3)
    expected = experiment.network(TINY.classes)
    expected.set_weights(start)
    for name in experiment.LAYERS[:3]:
        expected.get_layer(name).trainable = False
    live = tiny.trainer.parts(3)[1]
    optimizer = keras.optimizers.Adam.from_config(live.optimizer.get_config())
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


def test_what_was_trained_before_leaves_no_trace(tiny):
    first = tiny.train("AnB+", 2)
    tiny.train("BnB", 5)
    tiny.train("random", 2)
    assert all(same(first, tiny.train("AnB+", 2)))


def test_an_experiment_refuses_what_there_is_not(tiny):
    for treatment, cut in (("AnC", 1), ("AnB", 0), ("AnB", 8)):
        with pytest.raises(ValueError, match="Expected a treatment.*Received"):
            tiny.start(treatment, cut)


def test_accuracy_counts_what_is_right_in_unseen_fonts(tiny):
    weights, unseen = tiny.base("B"), tiny.task("B", "unseen")
    assert len(unseen) == TINY.classes * TINY.unseen
    network = experiment.network(TINY.classes)
    network.set_weights(weights)
    answers = network.predict(unseen.images, verbose=0).argmax(axis=1)
    assert tiny.accuracy("base") == pytest.approx((answers == unseen.labels).mean())


# The whole run


def jobs():
    return list(making.plan(splits=("near",), seeds=(0,), cuts=(1,)))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    work = tmp_path_factory.mktemp("whole")
    making.run(work, jobs(), TINY)
    return (work / "transferability.csv").read_bytes()


def test_the_plan_has_every_cut_treatment_division_and_seed():
    plan = list(making.plan())
    near, far = (sum(job[0] == split for job in plan) for split in ("near", "far"))
    assert len(set(plan)) == len(plan) == near + far
    assert near == 5 * (1 + len(TREATMENTS) * len(CUTS))
    assert far == 5 * (1 + 3 * len(CUTS))


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("moment", ("base", "training", "measuring", "table", "bases"))
def test_an_interrupted_run_ends_in_the_same_table(
    moment, uninterrupted, tmp_path, monkeypatch
):
    calls = []

    def break_off(original, at):
        def method(*arguments):
            calls.append(None)
            if len(calls) == at:
                raise Interrupted
            return original(*arguments)

        return method

    places = {
        "base": (Experiment, "base", 2),
        "training": (Trainer, "train", 5),
        "measuring": (Trainer, "accuracy", 3),
        "table": (making, "write", 4),
        "bases": (making, "read_bases", 1),
    }
    owner, name, at = places[moment]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, break_off(getattr(owner, name), at))
        with pytest.raises(Interrupted):
            making.run(tmp_path, jobs(), TINY)
    assert making.run(tmp_path, jobs(), TINY)
    assert (tmp_path / "transferability.csv").read_bytes() == uninterrupted


def test_a_killed_run_ends_in_the_same_table(uninterrupted, tmp_path):
    code = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_transferability import TINY, jobs, making\n"
        "making.run(pathlib.Path(sys.argv[1]), jobs(), TINY)"
    )
    here = str(pathlib.Path(__file__).parent)
    with open(tmp_path / "log", "w") as log:
        run = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), here], stdout=log, stderr=log
        )
    table = tmp_path / "transferability.csv"
    while not table.exists() and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert table.exists(), (tmp_path / "log").read_text()
    making.run(tmp_path, jobs(), TINY)
    assert table.read_bytes() == uninterrupted


def test_two_experiments_do_not_share_a_table(tmp_path):
    making.check_settings(tmp_path, TINY)
    making.check_settings(tmp_path, TINY)
    with pytest.raises(ValueError, match="Expected the settings.*Received.*--work"):
        making.check_settings(tmp_path, Settings())
