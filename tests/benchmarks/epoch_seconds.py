"""How well the freeze panel estimates the seconds of an epoch: a table.

    python tests/benchmarks/epoch_seconds.py

Three networks, three choices of what trains. The estimate is calibrated for each
network, as the panel's button does, before and after; in between each choice is
compiled and trained for real. Wanted: a ratio from 1/1.5 to 1.5. Machines are noisy,
so this is no test.
"""

import argparse
import statistics
import time

import keras
import numpy as np

import tlcourse
from tlcourse.models import costs, freeze_state, heads

NETWORKS = (
    ("MobileNetV2", 64, {"alpha": 0.35}),
    ("ResNet50", 64, {}),
    ("EfficientNetB0", 96, {}),
)
CHOICES = (("head only", 1), ("last stages", 2), ("all but BatchNorm", 1))
BATCH = 16
LIMIT = 1.5


def build(name, side, options):
    """A wrapped network with random weights: time does not depend on them."""
    build = getattr(keras.applications, name)
    base = build(
        input_shape=(side, side, 3), include_top=False, weights=None, **options
    )
    return heads.wrap(base, 10, "pool", keras.layers.Rescaling(1 / 127.5, offset=-1))


def measured(model, images, labels):
    """Median seconds of an epoch; the first one compiles and does not count."""
    model.compile("adam", "sparse_categorical_crossentropy")
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        model.fit(images, labels, BATCH, verbose=0)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def rows(network, images):
    """Name of the choice, estimate and measurement, for each choice."""
    name, side, options = network
    model = build(name, side, options)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (images, side, side, 3), "uint8")
    y = np.arange(images) % 10
    state = freeze_state.read(model)
    timings = [costs.measure(state, BATCH)]
    chosen = [state.preset(choice, n) for choice, n in CHOICES]
    seconds = []
    for one in chosen:
        one.apply()
        seconds.append(measured(model, x, y))
    timings.append(costs.measure(state, BATCH))  # the machine may have changed
    for (choice, n), one, found in zip(CHOICES, chosen, seconds, strict=True):
        cost = costs.of(one, BATCH)
        estimate = statistics.mean(each.epoch(cost, images) for each in timings)
        yield f"{choice} ({n})" if "stages" in choice else choice, estimate, found


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=160, help="in an epoch")
    options = parser.parse_args()
    tlcourse.start()
    print(
        f"{'network':16}{'trains':20}{'estimated s':>12}{'measured s':>12}{'ratio':>8}"
    )
    worst = 1.0
    for network in NETWORKS:
        for choice, estimate, seconds in rows(network, options.images):
            ratio = estimate / seconds
            worst = max(worst, ratio, 1 / ratio)
            print(
                f"{network[0]:16}{choice:20}{estimate:12.2f}{seconds:12.2f}{ratio:8.2f}"
            )
        keras.utils.clear_session(free_memory=True)
    print(f"worst factor {worst:.2f}, wanted at most {LIMIT}")


if __name__ == "__main__":
    main()
