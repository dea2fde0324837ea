"""Reads one picture file as raw pixels, or says why it cannot be read.

Needs NumPy and Pillow alone: a copy of this file serves where the course is not.
"""

import contextlib
import io
import re
import textwrap
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

FORMATS = "JPEG MPO PNG GIF WEBP BMP TIFF PPM AVIF JPEG2000 QOI SGI PCX PSD".split()
MAX_PIXELS = 64_000_000  # of a file; more than 256 MB once it is decoded
# What people take for pictures: a pattern near its start, in lower case, and its name.
_OTHER_KINDS = {
    rb"\A....ftyp(hei|hev|mif1)": "HEIC, as telephones write it; save it as JPEG",
    rb"\A....ftypavif": "AVIF; save it as PNG or JPEG",
    rb"\A....ftypcrx|\Aii\*\0....cr|\Afujifilm|\Aiir[os]|\Aiiu\0": "raw",
    rb"\A....ftyp|\A\x1ae\xdf\xa3|\Ariff....avi ": "a film; save frames as PNG",
    rb"<(!doctype )?html": "a web page; the download of the picture failed",
    rb"<svg": "SVG, a drawing without pixels; save it as PNG",
    rb"\A%pdf|\A%!ps": "a document (PDF or PostScript); save its pictures as PNG",
    rb"\A.{128}dicm": "DICOM; read it with `pydicom` and save its pixels as PNG",
    rb"\A\x93numpy": "a NumPy array; `Image.fromarray(np.load(file)).save('x.png')`",
    rb"\A\x89hdf|\Acdf": "HDF5 or NetCDF; save its pictures as PNG",
    rb"\Asimple  =": "FITS; save its pixels as PNG",
    rb"\A#\?|\Av/1\x01": "HDR or EXR; save it as PNG",
    rb"\A\0\0\x01\0|\Aicns": "an icon; save it as PNG",
    rb"\A\xff\x0a|\A....jxl ": "JPEG XL; save it as PNG or JPEG",
    rb"\Add[sx] ": "DDS; save it as PNG",
    rb"\Aversion https://git-lfs": "a pointer of Git LFS; run `git lfs pull`",
    rb"\Apk\x03\x04": "a ZIP archive; unpack it first",
    rb"\Arar!|\A7z\xbc|\A\x1f\x8b": "an archive; unpack it first",
}
_RAW = "a raw photograph of a camera; export it as JPEG"
_HEADER = rb"(?s)\xff\xd8|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF....WEBP|BM....\0{4}"
_ENORMOUS = f"enormous: more than {MAX_PIXELS // 1_000_000} million pixels"


class UnreadablePicture(ValueError):
    """Says in a few words why a file gives no picture."""


class Picture(NamedTuple):
    """Pixels, uint8 `(height, width, 3)`, and what one should know about the file."""

    pixels: np.ndarray
    enlarged: bool  # it had fewer pixels than wanted
    has_more: bool  # pages or frames beyond the first, which alone is read


def read_image(path, size):
    """Reads the file of a picture as `load_folder` does: uint8 `(*size, 3)`."""
    with open(path, "rb") as file:
        found = decode(file.read(), tuple(size))
    if isinstance(found, str):
        raise UnreadablePicture(found)
    return found.pixels


def crop_and_resize(picture, size):
    """Crops the centre of a `PIL.Image` and resizes it: RGB, uint8 `(*size, 3)`."""
    return np.asarray(ImageOps.fit(_to_rgb(picture), size[::-1]))


def decode(content, size):
    """The first frame of a file as a `Picture`, or the reason why there is none."""
    if not content:
        return "empty file"
    with warnings.catch_warnings():
        # Pillow warns about odd metadata, and about sizes, which we check ourselves.
        warnings.simplefilter("ignore")
        Image.init()
        formats = [each for each in FORMATS if each in Image.OPEN]
        try:
            with Image.open(io.BytesIO(content), formats=formats) as picture:
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
    start = content[:1024].lower()
    for pattern, what in _OTHER_KINDS.items():
        if re.search(b"(?s)" + pattern, start):
            return f"not a picture that we read: {_RAW if what == 'raw' else what}"
    if content.endswith(b"TRUEVISION-XFILE.\0"):
        return "not a picture that we read: TGA; save it as PNG"
    if re.match(_HEADER, content):
        return _kind_of_tiff(content) or "broken: its header cannot be read"
    return "not a picture that we read: no JPEG, PNG, GIF, WebP, AVIF, BMP, TIFF, PPM"


def _kind_of_tiff(content):
    """What a sound TIFF that Pillow does not read holds, or None."""
    with contextlib.suppress(Exception):  # whatever a damaged header leads to
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        file = io.BytesIO(content)
        file.seek(tags.next)
        tags.load(file)
        bits, (kind, *_) = tags[258], tags.get(339, (1,))
        what = f"{len(bits)} bands of {bits[0]} bits{', floats' * (kind == 3)}"
        return (
            f"not a picture that we read: a TIFF of {what}; choose one or three bands, "
            "and save them as PNG of 8 bits"
        )


def _pixels(picture, size):
    tags = getattr(picture, "tag_v2", {})
    # A DNG, or a small preview before the picture proper, as cameras write it.
    if 50706 in tags or (tags.get(254) == 1 and 330 in tags):
        return f"not a picture that we read: {_RAW}"
    has_more = False
    with contextlib.suppress(Exception):  # broken later frames do not matter
        # MPO: a telephone's second view of the same; PSD: layers of one picture.
        has_more = picture.format not in ("MPO", "PSD") and picture.is_animated
        picture.seek(0)
    picture.draft(None, (2 * max(size),) * 2)  # need not decode all of a large JPEG
    picture.load()
    with contextlib.suppress(Exception):  # odd EXIF data: it stays as it is
        ImageOps.exif_transpose(picture, in_place=True)
    enlarged = picture.size[0] < size[1] or picture.size[1] < size[0]
    return Picture(crop_and_resize(picture, size), enlarged, has_more)


def _to_rgb(picture):
    if picture.mode.startswith(("I", "F")):
        levels = np.asarray(picture)
        is_16_bit = levels.dtype.itemsize == 2 or picture.format in ("PNG", "PPM")
        bits = getattr(picture, "tag_v2", {}).get(258, (16,))[0]  # 12, if it says so
        known = [2 ** min(bits, 16) - 1] if is_16_bit else [1, 255, 65535]
        picture = _from_deep_grey(levels, known)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _from_deep_grey(levels, ranges):
    """Scales the first of `ranges` that holds all levels, or their own, to 0..255."""
    grey = np.nan_to_num(levels.astype("float32"), posinf=0, neginf=0)
    low, high = grey.min(), grey.max()
    # A filter may have gone a little beyond a range.
    holding = [top for top in ranges if -top / 20 <= low and high <= 1.05 * top]
    low, high = (0, holding[0]) if holding else (low, high)
    scaled = (grey - low) * (255 / (high - low or 1))
    return Image.fromarray(scaled.round().clip(0, 255).astype("uint8"))
