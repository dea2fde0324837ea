"""Reads one picture file as raw pixels with Pillow, or says why it cannot be read."""

import contextlib
import io
import re
import textwrap
import warnings

import numpy as np
from PIL import Image, ImageOps

from tlcourse._util.quiet import held_back_stderr

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # JPEG includes MPO
MAX_PIXELS = 64_000_000  # of a file; more than 256 MB once it is decoded
MAX_BYTES = 256_000_000  # of a file
# What people take for pictures: a pattern near its start, in lower case, and its name.
_OTHER_KINDS = {
    rb"ftyp(hei|mif1)": "HEIC, as telephones write it; save it as JPEG",
    rb"ftypavif": "AVIF; save it as PNG or JPEG",
    rb"<(!doctype )?html": "a web page; the download of the picture failed",
    rb"<svg": "SVG, a drawing without pixels; save it as PNG",
    rb"%pdf": "PDF; save its pictures as PNG or JPEG",
    rb"pk\x03\x04": "a ZIP archive; unpack it first",
}
_HEADER = rb"(?s)\xff\xd8|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF....WEBP|BM....\0{4}"
_ENORMOUS = f"enormous: more than {MAX_PIXELS // 1_000_000} million pixels"


class UnreadablePicture(ValueError):
    """Says in a few words why a file gives no picture."""


def read_picture(content, size):
    """Decodes the first frame of a file: uint8 `(*size, 3)`, and if it was enlarged.

    Raises `UnreadablePicture`; what is enormous is refused before it is decoded.
    """
    # The library for TIFF writes about broken files to stderr, below Python. What is
    # held back is shown if an exception passes, so `_decode` returns its reason.
    is_tiff = content.startswith((b"II", b"MM"))
    with held_back_stderr() if is_tiff else contextlib.nullcontext():
        found = _decode(content, size)
    if isinstance(found, str):
        raise UnreadablePicture(found)
    return found


def crop_and_resize(picture, size):
    """Crops the centre of a `PIL.Image` and resizes it: RGB, uint8 `(*size, 3)`."""
    return np.asarray(ImageOps.fit(_to_rgb(picture), size[::-1]))


def _decode(content, size):
    """Pixels and whether they were enlarged, or the reason why there are none."""
    if not content:
        return "empty file"
    with warnings.catch_warnings():
        # Pillow warns about odd metadata, and about sizes, which we check ourselves.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    return f"{_ENORMOUS}, {width} x {height}"
                return _pixels(picture, size)
        except Image.DecompressionBombError:
            return _ENORMOUS
        except Image.UnidentifiedImageError:
            return _kind(content)
        except Exception as error:  # decoders raise many kinds on broken files
            text = str(error) or type(error).__name__
            return f"broken: {textwrap.shorten(text, 80)}"


def _kind(content):
    """What a file is that Pillow does not recognize, from its first bytes."""
    for pattern, what in _OTHER_KINDS.items():
        if re.search(pattern, content[:1024].lower()):
            return f"not a picture that we read: {what}"
    if re.match(_HEADER, content):
        return "broken: its header cannot be read"
    return "not a picture: no JPEG, PNG, GIF, WebP, BMP or TIFF"


def _pixels(picture, size):
    picture.draft(None, (2 * max(size),) * 2)  # need not decode all of a large JPEG
    picture.load()
    with contextlib.suppress(Exception):  # odd EXIF data: it stays as it is
        ImageOps.exif_transpose(picture, in_place=True)
    enlarged = picture.size[0] < size[1] or picture.size[1] < size[0]
    return crop_and_resize(picture, size), enlarged


def _to_rgb(picture):
    if picture.mode.startswith(("I", "F")):
        levels = np.asarray(picture)
        is_16_bit = levels.dtype.itemsize == 2 or picture.format == "PNG"
        picture = _from_deep_grey(levels, [65535] if is_16_bit else [1, 255, 65535])
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _from_deep_grey(levels, ranges):
    """Scales the first of `ranges` that holds all levels, or their own, to 0..255."""
    grey = np.nan_to_num(levels.astype("float32"), posinf=0, neginf=0)
    low, high = grey.min(), grey.max()
    holding = [top for top in ranges if low >= 0 and high <= top]
    low, high = (0, holding[0]) if holding else (low, high)
    scaled = (grey - low) * (255 / (high - low or 1))
    return Image.fromarray(scaled.round().clip(0, 255).astype("uint8"))
