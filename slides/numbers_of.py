"""The numbers that deck.md has in double braces, each computed or from data/."""

import charts
import headlines
import keras
import looks
import matplotlib
import numpy as np

from tlcourse.models import freezing, heads
from tlcourse.training import shipped_gains
from tlcourse.yosinski import results


def deck():
    """dict, name to the text that stands in its place, and `drawn_with`."""
    parts = (gpt3(), networks(), base(), wrapper(), learnt(), tuned(), why())
    found = {name: text for part in parts for name, text in part.items()}
    return found | {"drawn_with": f"matplotlib {matplotlib.__version__}"}


def _two(value):
    return f"{value:.2f}"


def gpt3():
    """Lesson 01."""
    years = headlines.years_needed()
    return {
        "years_gpt3": f"{round(years['175B'], -3):,.0f}",
        "months_resnet": f"{12 * years['ResNet50']:.0f}",
        "speed": f"{headlines.SPEED / 1e9:.0f} billion",
        "growth": f"{headlines.SIZES['175B'] / headlines.SIZES['Small']:,.0f}",
    }


def networks():
    """Lesson 02."""
    vgg, resnet = charts.stage_counts()
    return {
        "vgg_total": f"{sum(vgg.values()) / 1e6:.0f} million",
        "vgg_dense": f"{vgg['dense 1'] / 1e6:.0f} million",
        "vgg_share": f"{100 * vgg['dense 1'] / sum(vgg.values()):.0f}",
        "resnet_total": f"{sum(resnet.values()):,}",
        "resnet_top": f"{resnet['top'] / 1e6:.0f} million",
    }


def base():
    """Lessons 03 to 05: our base, its stages, and what trains."""
    whole = looks.base()
    model = heads.wrap(whole, len(looks.track().class_names))
    model.trainable = True
    default = looks.track().build_base("random").trainable
    count = freezing.count(model.layers[-1].trainable_weights)
    return {
        "default_trainable": str(default),
        "base_total": f"{whole.count_params():,}",
        "base_out": " x ".join(map(str, whole.output_shape[1:])),
        "classes_known": f"{len(looks.complete()[1])}",
        "head_count": f"{count:,}",
    }


def wrapper():
    """Lesson 06: two recipes, and softmax twice."""
    sure = np.zeros((1, 10), "float32")
    sure[0, 0] = 20.0
    twice = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = float(twice(np.array([0]), np.asarray(keras.ops.softmax(sure))))
    flat, pool = 7 * 7 * 2048 * 5 + 5, 2048 * 5 + 5
    return {
        "flatten": f"{flat:,}",
        "pool": f"{pool:,}",
        "times_smaller": f"{flat / pool:.0f}",
        "softmax_twice": _two(loss),
    }


def learnt():
    """Lessons 03, 04 and 07: what features are worth."""
    random, trained = looks.alike()
    right, same = looks.right_by_scale(), looks.same_class()
    at = looks.COUNTS.index(10)
    tables = {k: table[at, 0] for k, table in looks.label_tables().items()}
    return {
        "alike_random": _two(random),
        "alike_trained": _two(trained),
        "scale_right": _two(right["-1 to 1, as trained"]),
        "scale_half": _two(right["0 to 1"]),
        "scale_raw": _two(right["0 to 255"]),
        "near_features": _two(same["features"]),
        "near_pixels": _two(same["pixels"]),
        "near_random": _two(same["random"]),
        "ten_trained": _two(tables["trained base"]),
        "ten_scratch": _two(tables["from scratch"]),
        "ten_pixels": _two(tables["raw pixels"]),
        "ten_random": _two(tables["random base"]),
    }


def tuned():
    """Lesson 09: the grids."""
    near, far = (100 * shipped_gains(task)[1] for task in ("near", "far"))
    return {
        "near_gain": f"{near.mean(axis=1).max():.1f}",
        "near_spread": f"{near.std(axis=1, ddof=1).max():.1f}",
        "far_gain": f"{far.mean(axis=1).max():.0f}",
        "far_least": f"{far[1:].min():.0f}",
    }


def why():
    """Lesson 11."""
    near, far = (results.shipped()[name] for name in ("near", "far"))
    lost, far_lost = near.specificity.mean(axis=0), far.specificity.mean(axis=0)
    general = int(np.flatnonzero(lost < 0.02).max()) + 1
    return {
        "base_b": _two(near.base.mean()),
        "general": f"{general}",
        "lost_fc7": _two(lost[6]),
        "far_fc7": _two(far_lost[6]),
        "broken_fc7": _two(near.freezing_cost.mean(axis=0)[6]),
        "random_7": _two(near.tables["random"].mean(axis=0)[6]),
        "a7b": _two(near.tables["AnB"].mean(axis=0)[6]),
    }
