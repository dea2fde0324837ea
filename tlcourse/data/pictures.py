"""Reads one picture file of any usual kind as raw pixels, or says why not."""

import contextlib
import io
import warnings

import numpy as np

from tlcourse._util.quiet import held_back_stderr
from tlcourse.data.dataset import fit_picture

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # JPEG includes MPO
MAX_PIXELS = 64_000_000  # of a file; more than 256 MB where it is decoded
MAX_BYTES = 256_000_000  # of a file
WHITE = (255, 255, 255, 255)
# What people take for pictures, by what is among the first bytes, in small letters.
_OTHERS = {
    b"ftyphei": "HEIC, as telephones write it; save it as JPEG",
    b"ftypmif1": "HEIC, as telephones write it; save it as JPEG",
    b"ftypavif": "AVIF; save it as PNG or JPEG",
    b"<html": "a web page; the download of the picture failed",
    b"<!doctype html": "a web page; the download of the picture failed",
    b"<svg": "SVG, a drawing without pixels; save it as PNG",
    b"%pdf": "PDF; save its pictures as PNG or JPEG",
    b"pk\x03\x04": "a ZIP archive; unpack it first",
}
_SIGNS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")


class UnreadablePicture(ValueError):
    """Says in a few words why a file gives no picture."""


def read_picture(content, size):
    """Decodes a picture, sets it upright, cuts and scales it.

    Only the first frame or page counts. Transparent parts become white. Grey levels
    of 16 bit keep their proportions; those of 32 bit are taken as 0..1, 0..255 or
    0..65535, whichever holds them all, or else stretched from lowest to highest.

    Args:
        content: bytes of a JPEG, PNG, GIF, WebP, BMP or TIFF file.
        size: `(height, width)` wanted, pixels.

    Returns:
        uint8 `(height, width, 3)`, 0..255, and a boolean: whether it had fewer
        pixels than that and was enlarged.

    Raises:
        UnreadablePicture: If the content is no whole picture, or an enormous one:
            that is seen from its header, before anything is decoded.
    """
    # The library for TIFF writes about broken files to stderr, below Python.
    is_tiff = content.startswith((b"II", b"MM"))
    with held_back_stderr() if is_tiff else contextlib.nullcontext():
        found = _decode(content, size)
    if isinstance(found, str):
        raise UnreadablePicture(found)
    return found


def _decode(content, size):
    """Pixels and whether they were enlarged, or a string: why there are none."""
    from PIL import Image

    if not content:
        return "empty file"
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, and of sizes that we look at ourselves.
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
            return f"broken: {_short(error)}"


_ENORMOUS = f"enormous: more than {MAX_PIXELS // 1_000_000} million pixels"


def _kind(content):
    start = content[:1024]
    for sign, what in _OTHERS.items():
        if sign in start.lower():
            return f"not a picture that we read: {what}"
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    bitmap = start[:2] == b"BM" and start[6:10] == bytes(4)
    if start.startswith(_SIGNS) or webp or bitmap:
        return "broken: its header cannot be read"
    return "not a picture: no JPEG, PNG, GIF, WebP, BMP or TIFF"


def _short(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 80 else text[:77] + "..."


def _pixels(picture, size):
    side = 2 * max(size)
    picture.draft(None, (side, side))  # a large JPEG need not be decoded in full
    picture.load()
    _set_upright(picture)
    enlarged = picture.size[0] < size[1] or picture.size[1] < size[0]
    return fit_picture(_as_rgb(picture), size), enlarged


def _set_upright(picture):
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception:  # odd EXIF data in a sound picture: it stays as it lies
        picture.info.pop("exif", None)


def _as_rgb(picture):
    if picture.mode.startswith(("I", "F")):
        levels = np.asarray(picture)
        deep = levels.dtype.itemsize == 2 or picture.format == "PNG"
        return _from_deep_grey(levels, 65535 if deep else None)
    clear = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if clear or "transparency" in picture.info:
        return _on_white(picture)
    return picture.convert("RGB")


def _on_white(picture):
    from PIL import Image

    if picture.mode == "La":
        picture = picture.convert("LA")
    picture = picture.convert("RGBA")
    paper = Image.new("RGBA", picture.size, WHITE)
    return Image.alpha_composite(paper, picture).convert("RGB")


def _from_deep_grey(levels, white):
    from PIL import Image

    grey = np.nan_to_num(levels.astype("float32"), posinf=0, neginf=0)
    low, high = (0, white) if white else _range(grey, levels.dtype.kind == "f")
    scaled = (grey - low) * (255 / (high - low or 1))
    grey = scaled.round().clip(0, 255).astype("uint8")
    return Image.fromarray(grey).convert("RGB")


def _range(grey, is_float):
    """The levels that become black and white."""
    low, high = float(grey.min()), float(grey.max())
    for top in (1, 255, 65535) if is_float else (255, 65535):
        if low >= 0 and high <= top:
            return 0, top
    return low, high
