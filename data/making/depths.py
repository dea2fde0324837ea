"""What the picture "The cut" shows: images at each depth of the base.

    python -m data.making.depths --out data

Two minutes on two CPU cores.
"""

import argparse
import base64
import io
import json
import pathlib

import keras
import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from data.making.curves import sheet
from tlcourse._util import atomic
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing

NAME = "depths.json"
IMAGES, QUERIES, NEAREST, MAPS = 120, 6, 5, 6
SHOT, MAP = 40, 32  # pixels of an image and of a map that are shown


def cuts(base):
    """dict, name of a depth to the layer that gives its maps; `None` for the pixels."""
    last = {stage.name: stage.layers[-1] for stage in freezing.stages(base)}
    return {"pixels": None, **last}


def maps_at(base, pixels, layer):
    """The maps of some images after a layer, `(n, h, w, channels)`."""
    if layer is None:
        return pixels
    return keras.ops.convert_to_numpy(keras.Model(base.input, layer.output)(pixels))


def vectors(maps):
    """A vector for each image: the mean of each map; pixels as they are, coarsely."""
    if maps.shape[-1] > 3:
        found = maps.mean(axis=(1, 2))
        return (found - found.mean(axis=0)) / (found.std(axis=0) + 1e-6)
    n, side = len(maps), maps.shape[1] // 4
    return maps.reshape(n, side, 4, side, 4, 3).mean(axis=(2, 4)).reshape(n, -1)


def nearest(found):
    """The images that lie nearest to each, by cosine, nearest first."""
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return np.argsort(-alike, axis=1, kind="stable")[:, :NEAREST]


def colour_apart(images, near):
    """How far neighbours lie apart in mean colour, as a share of any two images."""
    colours = images.mean(axis=(1, 2))
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    mine = np.take_along_axis(apart, near, axis=1).mean()
    return float(mine / apart[~np.eye(len(apart), dtype=bool)].mean())


def places(found, before):
    """A map of the images in two dimensions, 0 to 1, that starts from another."""
    start = PCA(2, random_state=0).fit_transform(found) if before is None else before
    start = 1e-2 * (start - start.mean(axis=0)) / start.std()
    made = TSNE(
        2, perplexity=12, init=start, random_state=0, metric="cosine", method="exact"
    ).fit_transform(found.astype("float64"))
    if before is not None:
        made = _turned(made, before)
    return made


def _turned(made, before):
    """The same map, turned and mirrored so that images move as little as may be."""
    one, other = made - made.mean(axis=0), before - before.mean(axis=0)
    left, _, right = np.linalg.svd(one.T @ other)
    return one @ left @ right


def in_frame(made):
    """From 0 to 1 in both directions, three digits."""
    low, high = made.min(axis=0), made.max(axis=0)
    return np.round((made - low) / (high - low), 3).tolist()


def picture_of(maps):
    """The strongest maps of some images in a grid, as an address that holds it."""
    rows = []
    for image in maps:
        order = np.argsort(-image.std(axis=(0, 1)), kind="stable")[:MAPS]
        rows.append(np.hstack([_grey(image[..., k]) for k in np.sort(order)]))
    file = io.BytesIO()
    Image.fromarray(np.vstack(rows)).save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _grey(plane):
    scaled = (plane - plane.min()) / max(np.ptp(plane), 1e-9)
    made = Image.fromarray((255 * scaled).round().astype("uint8"))
    inside = np.asarray(made.resize((MAP - 2, MAP - 2), Image.Resampling.NEAREST))
    return np.pad(inside, 1, constant_values=128)


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    out = parser.parse_args(arguments).out
    track = load_track("glyphs")
    shown = track.validation.few(IMAGES // len(track.class_names))
    base = track.build_base()
    pixels = keras.ops.convert_to_numpy(
        track.preprocess(shown.images.astype("float32"))
    )
    depths, before = [], None
    for name, layer in cuts(base).items():
        maps = maps_at(base, pixels, layer)
        found = vectors(maps)
        before, near = places(found, before), nearest(found)
        same = float(np.mean(shown.labels[near] == shown.labels[:, None]))
        depths.append(
            {
                "name": name,
                "shape": list(maps.shape[1:]),
                "same": round(same, 4),
                "colour": round(colour_apart(shown.images, near), 4),
                "places": in_frame(before),
                "nearest": near.tolist(),
                "maps": picture_of(maps[:QUERIES]) if layer else None,
            }
        )
        print(name, maps.shape[1:], depths[-1]["same"], depths[-1]["colour"])
    made = {
        "depths": depths,
        "queries": QUERIES,
        "labels": shown.labels.tolist(),
        "classes": track.class_names,
        "images": sheet(shown.images[None], SHOT),
    }
    with atomic.write_file(out / NAME) as file:
        file.write(json.dumps(made).encode() + b"\n")


if __name__ == "__main__":
    main()
