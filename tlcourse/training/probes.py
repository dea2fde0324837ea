"""Linear classifiers on features, on a random network's, and on pixels."""

import functools

import keras
import numpy as np

from tlcourse.data import draw_few, words
from tlcourse.features import extract


@functools.lru_cache(maxsize=1)  # the next dataset needs the same one
def embedder(track, weights="pretrained"):
    """A `Track`'s base, `"pretrained"` or `"random"`, with pooling, as a `keras.Model`.

    From pixels `(batch, *input_shape)` in 0..255 to vectors `(batch, features)`.
    """
    base = track.build_base(weights)
    pixels = keras.Input(base.input_shape[1:], name="pixels")
    x = base(track.preprocess(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def vectors(track, dataset, kind):
    """One vector per image: what a linear classifier gets to see.

    Args:
        track: `Track`.
        dataset: `Dataset`.
        kind: `"features"` (trained base), `"random"` (the same architecture,
            never trained) or `"pixels"`.

    Returns:
        float32 `(len(dataset), d)`.

    Raises:
        ValueError: If `kind` is something else.
    """
    if kind == "pixels":
        step = max(1, dataset.images.shape[1] // 32)
        small = dataset.images[:, ::step, ::step]
        return small.reshape(len(dataset), -1).astype("float32") / 255
    if kind not in ("features", "random"):
        raise ValueError(
            f"Expected `kind` 'features', 'random' or 'pixels'. Received: {kind!r}"
        )
    weights = "pretrained" if kind == "features" else "random"
    return extract(embedder(track, weights), dataset.images)


def linear_probe(vectors, labels):
    """Fits a logistic regression with an L2 penalty on vectors `(n, d)`, labels `(n,)`.

    Newton's method takes a tenth of the default solver's time. Returns a scikit-learn
    classifier; `.score(vectors, labels)` is its accuracy, 0..1.

    Source: Alain & Bengio 2016 (arXiv 1610.01644), the linear probe.
    """
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=0.1, solver="newton-cg", tol=1e-3)
    return probe.fit(vectors, labels)


def probe_sweep(pool, held_out, counts, draws=5):
    """Accuracy of a linear probe against labels per class.

    Args:
        pool: pair of vectors `(n, d)` and a `Dataset` with their labels, to
            draw the labelled examples from.
        held_out: the same, to measure on.
        counts: Sequence of integers, labels per class.
        draws: Integer, draws for each count.

    Returns:
        float `(len(counts), draws)`, accuracies 0..1.
    """
    pool[1].check_classes(held_out[1])
    sizes = [len(each) for each in (*pool, *held_out)]
    least = np.bincount(pool[1].labels, minlength=len(pool[1].class_names)).min()
    if sizes[::2] != sizes[1::2] or not 0 < min(counts) <= max(counts) <= least:
        raise ValueError(
            f"Expected vectors for {sizes[1::2]} images, and counts from 1 to {least}, "
            f"the smallest class. Received: {sizes[::2]}, counts {list(counts)}"
        )
    scale = pool[0].std()  # one number, so that all kinds meet the same penalty
    table = np.empty((len(counts), draws))
    for row, per_class in enumerate(counts):
        for draw in range(draws):
            at = draw_few(pool[1].labels, per_class, seed=draw)
            probe = linear_probe(pool[0][at] / scale, pool[1].labels[at])
            table[row, draw] = probe.score(held_out[0] / scale, held_out[1].labels)
    return table


def position_probes(features, draws=3):
    """Two linear judges of whether a text ends within code, a string or a comment.

    One sees `features(texts)`, `(n, d)`, one counts of up to four of the last sixty
    characters. Returns a dict, `"features"` and `"counts"` to accuracies by draw.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    new, truth = words.load_positions("held out", 100)
    found, asked = {"features": [], "counts": []}, features(new)
    for seed in range(draws):
        texts, labels = words.load_positions("training", 30, seed)
        probe = LogisticRegression(C=0.01, max_iter=2000).fit(features(texts), labels)
        found["features"].append(probe.score(asked, truth))
        ends = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
        counted = ends.fit_transform([text[-60:] for text in texts])
        control = LogisticRegression(C=100, max_iter=2000).fit(counted, labels)
        counted = ends.transform([text[-60:] for text in new])
        found["counts"].append(control.score(counted, truth))
    return found
