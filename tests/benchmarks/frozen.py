"""The frozen part once, and features at the machine's speed: ratios in one run.

    python tests/benchmarks/frozen.py [--quick]

Both sides of each ratio run in turn, five times; the median of the ratios counts, so
that a noisy machine harms both alike. What compiles is left out: the first epoch, or a
first call. Weights are random: time does not depend on
them. results.md in this folder has what was seen, and on which machine.
"""

import argparse
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np

import tlcourse
from tlcourse import features, training
from tlcourse.models import freezing, heads

# what, network, side, options, images, what trains, wanted ratio
TRAININGS = (
    ("MobileNetV2", 64, {"alpha": 0.35}, 2048, "head", 10),
    ("MobileNetV2", 224, {"alpha": 0.35}, 512, "head", 40),
    ("MobileNetV2", 224, {"alpha": 0.35}, 512, "last stage", 4),
    ("MobileNetV2", 64, {"alpha": 0.35}, 1024, "last block", 4),
    ("MobileNetV2", 64, {"alpha": 0.35}, 1024, "last stage", 4),
    ("MobileNetV2", 64, {"alpha": 0.35}, 1024, "everything", 0.95),
)
EXTRACTIONS = (
    ("MobileNetV2", 64, {"alpha": 0.35}, 2048, 1.4),
    ("MobileNetV2", 224, {"alpha": 0.35}, 256, 1.15),
    ("EfficientNetB0", 224, {}, 96, 1.1),
    ("ResNet50", 224, {}, 48, 0.97),
    ("InceptionV3", 299, {}, 32, 0.97),
    ("DenseNet121", 224, {}, 32, 0.97),
)
LAST_BLOCK = {"MobileNetV2": "block_16_expand"}


def build(name, side, options):
    """A base with random weights."""
    network = getattr(keras.applications, name)
    shape = (side, side, 3)
    return network(input_shape=shape, include_top=False, weights=None, **options)


def pixels(images, side):
    """Random images and labels."""
    rng = np.random.default_rng(0)
    shape = (images, side, side, 3)
    return rng.integers(0, 256, shape, "uint8"), np.arange(images) % 10


def seconds(call):
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(one, other, times):
    """Median ratio of the times of two calls, and their median seconds."""
    pairs = [(seconds(one), seconds(other)) for _ in range(times)]
    ratio = statistics.median(a / b for a, b in pairs)
    return ratio, *(statistics.median(each) for each in zip(*pairs, strict=True))


def an_epoch(train, model, x, y, epochs):
    """Seconds of an epoch after the first: the median of several."""
    ends = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: ends.append(time.perf_counter())
    )
    train(model, x, y, epochs=1 + epochs, verbose=0, callbacks=[clock])
    return float(np.median(np.diff(ends)))


def training_row(name, side, options, images, trains, times):
    """Ratio of `fit` to `fit_once_frozen`, for one epoch."""
    base = build(name, side, options)
    stages = freezing.stages(base)
    first = {
        "head": None,
        "last block": LAST_BLOCK[name],
        "last stage": stages[-1].name,
        "everything": stages[0].name,
    }[trains]
    freezing.freeze(base)
    if first:
        freezing.unfreeze_from(base, first)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)
    model = training.compile_for(heads.wrap(base, 10, "pool", scaled), 1e-4)
    x, y = pixels(images, side)
    pairs = []
    for _ in range(times):
        fit = an_epoch(keras.Model.fit, model, x, y, 2)
        pairs.append((fit, an_epoch(training.fit_once_frozen, model, x, y, 8)))
    ratios = [a / b for a, b in pairs]
    middle = [statistics.median(each) for each in zip(*pairs, strict=True)]
    return statistics.median(ratios), *middle


def extraction_row(name, side, options, images, times):
    """Ratio of `predict` with its own batch to `features.extract`."""
    base = build(name, side, options)
    pooled = keras.layers.GlobalAveragePooling2D()(base.output)
    model = keras.Model(base.input, pooled)
    x, _ = pixels(images, side)
    for call in (model.predict, lambda x, **_: features.extract(model, x)):
        call(x, verbose=0)  # compiles
    return in_turn(
        lambda: model.predict(x, verbose=0), lambda: features.extract(model, x), times
    )


def again_row(times):
    """Share of the first extraction that a second one takes, from the cache."""
    base = build("MobileNetV2", 64, {"alpha": 0.35})
    base = keras.Model(base.input, keras.layers.GlobalAveragePooling2D()(base.output))
    x, _ = pixels(2048, 64)
    shares = []
    for turn in range(times):
        x[0, 0, 0, 0] = turn  # other images: not in the cache
        first = seconds(lambda: features.extract(base, x, cache=True))
        second = seconds(lambda: features.extract(base, x, cache=True))
        shares += [second / first] if turn else []
    return statistics.median(shares)


def peak(what):
    """Gigabytes that a process needs at most that does nothing else."""
    command = [sys.executable, __file__, "--peak", what]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout.split()[-1])


def do(what):
    """Does one thing, and prints the most memory that was needed, gigabytes."""
    model = build("MobileNetV2", 224, {"alpha": 0.35})
    x, y = pixels(512, 224)
    if "fit" in what:
        freezing.freeze(model)
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)
        model = training.compile_for(heads.wrap(model, 10, "pool", scaled), 1e-4)
    calls = {
        "fit": lambda: model.fit(x, y, epochs=3, verbose=0),
        "fit_once_frozen": lambda: training.fit_once_frozen(model, x, y, epochs=3),
        "predict": lambda: model.predict(x, verbose=0),
        "extract": lambda: features.extract(model, x),
    }
    calls[what]()
    # Not `ru_maxrss`: that of the process that began this one counts there, too.
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1e6)


def show(what, both, ratio, wanted):
    """A row of the table."""
    print(f"{what:46}{both[0]:9.3f}{both[1]:9.3f}{ratio:8.2f}{wanted:8.2f}", flush=True)


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="once, not five times")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak:
        return do(asked.peak)
    times = 1 if asked.quick else 5
    tlcourse.start()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print(f"{'':46}{'plain':>9}{'ours':>9}{'ratio':>8}{'wanted':>8}")
    for *row, trains, wanted in TRAININGS:
        ratio, *both = training_row(*row, trains, times)
        show(f"an epoch, {row[0]}, {row[1]} px, {trains} trains", both, ratio, wanted)
        keras.utils.clear_session(free_memory=True)
    for *row, wanted in EXTRACTIONS:
        ratio, *both = extraction_row(*row, times)
        show(f"extraction, {row[0]}, {row[1]} px", both, ratio, wanted)
        keras.utils.clear_session(free_memory=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["TLCOURSE_HOME"] = home
        pathlib.Path(home).mkdir(exist_ok=True)
        print(f"{'second extraction / first':64}{again_row(times + 1):8.3f}{0.05:8.2f}")
    print(f"{'peak memory, GB (512 images of 224 px)':46}{'plain':>9}{'ours':>9}")
    for plain, ours in (("fit", "fit_once_frozen"), ("predict", "extract")):
        print(f"{plain + ', ' + ours:46}{peak(plain):9.2f}{peak(ours):9.2f}")


if __name__ == "__main__":
    main()
