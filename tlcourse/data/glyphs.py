"""Ink and paper: the pictures of the embedded track.

NumPy, SciPy and one random generator, so that a digit looks the same on every
machine and backend.
"""

import dataclasses

import numpy as np

from tlcourse._util import assets

SIDE = 64  # of the picture, pixels


def on_paper(scans, rng):
    """Places each scan on paper: place, size, tilt, ink, paper, shade, noise.

    Args:
        scans: float or int `(n, s, s)`, 0 (paper) to 16 (ink).
        rng: `numpy.random.Generator`.

    Returns:
        uint8 `(n, 64, 64, 3)`, 0..255.
    """
    return np.stack([_scene(scan / 16.0, rng) for scan in scans])


def plain(scans):
    """The scans as they are: centred, 56 pixels high, dark on white.

    Args:
        scans: float or int `(n, s, s)`, 0 (paper) to 16 (ink).

    Returns:
        uint8 `(n, 64, 64, 3)`, 0..255, three equal channels.
    """
    return np.stack([_grey(_place(scan / 16.0, 56, 0, (0, 0))) for scan in scans])


def _grey(ink):
    return np.repeat((255 - np.round(ink * 255))[..., None], 3, -1).astype("uint8")


def _scene(scan, rng):
    height = rng.uniform(36, 60)
    tilt = np.deg2rad(rng.uniform(-25, 25))
    room = (SIDE - height) / 2
    ink = _place(scan, height, tilt, rng.uniform(-room, room, 2))
    pen, paper = _two_colours(rng)
    ramp = np.linspace(-1, 1, SIDE)
    across, down = rng.normal(0, 0.08, 2)
    shade = (across * ramp[None, :] + down * ramp[:, None])[..., None]
    picture = paper + ink[..., None] * (pen - paper) + shade
    picture += rng.normal(0, 0.02, picture.shape)
    return np.round(np.clip(picture, 0, 1) * 255).astype("uint8")


def _two_colours(rng):
    """Ink and paper that differ in brightness by at least 0.3 of 1."""
    while True:
        pen, paper = rng.uniform(0, 1, (2, 3))
        if abs(pen.mean() - paper.mean()) > 0.3:
            return pen, paper


def _place(scan, height, tilt, shift):
    """Draws a scan `height` pixels high, tilted about its centre and shifted.

    Args:
        scan: float `(s, s)`, 0..1.
        height: Float, pixels of the whole scan.
        tilt: Float, radians.
        shift: Two floats, pixels to the right and down.

    Returns:
        float `(SIDE, SIDE)`, 0..1.
    """
    from scipy import ndimage

    scale = scan.shape[0] / height
    scan = np.pad(scan, 1)  # strokes that touch the scan's edge end softly
    cos, sin = np.cos(tilt) * scale, np.sin(tilt) * scale
    matrix = np.array([[cos, sin], [-sin, cos]])
    centre = (SIDE - 1) / 2 + np.asarray(shift)[::-1]
    offset = (scan.shape[0] - 1) / 2 - matrix @ centre
    ink = ndimage.affine_transform(scan, matrix, offset, (SIDE, SIDE), order=3)
    return np.clip(1.6 * ink - 0.2, 0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class GlyphArchive:
    """Typeset characters, as shipped: ink only, no colours.

    Args:
        packed: uint8 `(n, 1152)`, 48 x 48 pixels, two 4-bit levels to a byte.
        labels: int64 `(n,)`.
        unseen: bool `(n,)`, whether the font was kept from the base's training.
        class_names: tuple of characters.
        scripts: tuple of strings, the script of each class.
    """

    packed: np.ndarray
    labels: np.ndarray
    unseen: np.ndarray
    class_names: tuple
    scripts: tuple

    def ink(self, positions):
        """uint8 `(len(positions), 48, 48)`, 0 (paper) to 255 (ink)."""
        packed = self.packed[positions]
        levels = np.stack([packed >> 4, packed & 15], axis=-1)
        return (levels * np.uint8(17)).reshape(-1, 48, 48)

    def part(self, name):
        """`"training"` or `"unseen"` fonts, a `GlyphArchive`."""
        keep = self.unseen == (name == "unseen")
        return dataclasses.replace(
            self,
            packed=self.packed[keep],
            labels=self.labels[keep],
            unseen=self.unseen[keep],
        )


def load_glyph_archive(path=None):
    """Reads the shipped characters.

    Args:
        path: File, or None for the shipped one.

    Returns:
        `GlyphArchive`.
    """
    with np.load(path or assets.shipped("glyphs.npz"), allow_pickle=False) as file:
        return GlyphArchive(
            file["packed"],
            file["labels"].astype("int64"),
            file["unseen"][file["fonts"]],
            tuple(file["class_names"].tolist()),
            tuple(file["scripts"].tolist()),
        )
