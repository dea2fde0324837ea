"""Reads one picture file as raw pixels with Pillow, or says why it cannot be read."""

import contextlib
import io
import warnings

import numpy as np

from tlcourse._util.quiet import held_back_stderr

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # JPEG includes MPO
MAX_PIXELS = 64_000_000  # of a file; more than 256 MB once it is decoded
MAX_BYTES = 256_000_000  # of a file
# What people take for pictures: bytes near its start, in lower case, and its name.
_OTHER_KINDS = {
    b"ftyphei": "HEIC, as telephones write it; save it as JPEG",
    b"ftypmif1": "HEIC, as telephones write it; save it as JPEG",
    b"ftypavif": "AVIF; save it as PNG or JPEG",
    b"<html": "a web page; the download of the picture failed",
    b"<!doctype html": "a web page; the download of the picture failed",
    b"<svg": "SVG, a drawing without pixels; save it as PNG",
    b"%pdf": "PDF; save its pictures as PNG or JPEG",
    b"pk\x03\x04": "a ZIP archive; unpack it first",
}
_SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")
_ENORMOUS = f"enormous: more than {MAX_PIXELS // 1_000_000} million pixels"


class UnreadablePicture(ValueError):
    """Says in a few words why a file gives no picture."""


def read_picture(content, size):
    """Decodes the bytes of a file: uint8 `(*size, 3)`, and whether it was enlarged.

    Only the first frame or page counts. It is set upright, laid on white, cropped and
    resized. Grey levels of 16 bit keep their proportions; those of 32 bit are taken
    as 0..1, 0..255 or 0..65535, whichever holds them all, or else stretched from
    lowest to highest. Raises `UnreadablePicture`; whether a picture is enormous is
    seen from its header, before anything is decoded.
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
    from PIL import ImageOps

    return np.asarray(ImageOps.fit(_to_rgb(picture), size[::-1]))


def _decode(content, size):
    """Pixels and whether they were enlarged, or the reason why there are none."""
    from PIL import Image

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
            return f"broken: {_shorten(error)}"


def _kind(content):
    """What a file is that Pillow does not recognize, from its first bytes."""
    start = content[:1024]
    for sign, what in _OTHER_KINDS.items():
        if sign in start.lower():
            return f"not a picture that we read: {what}"
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    bitmap = start[:2] == b"BM" and start[6:10] == bytes(4)
    if start.startswith(_SIGNATURES) or webp or bitmap:
        return "broken: its header cannot be read"
    return "not a picture: no JPEG, PNG, GIF, WebP, BMP or TIFF"


def _shorten(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 80 else text[:77] + "..."


def _pixels(picture, size):
    picture.draft(None, (2 * max(size),) * 2)  # need not decode all of a large JPEG
    picture.load()
    _set_upright(picture)
    enlarged = picture.size[0] < size[1] or picture.size[1] < size[0]
    return crop_and_resize(picture, size), enlarged


def _set_upright(picture):
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception:  # odd EXIF data in a sound picture: it stays as it is
        picture.info.pop("exif", None)


def _to_rgb(picture):
    if picture.mode.startswith(("I", "F")):
        levels = np.asarray(picture)
        deep = levels.dtype.itemsize == 2 or picture.format == "PNG"
        return _from_deep_grey(levels, 65535 if deep else None)
    has_alpha = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if has_alpha or "transparency" in picture.info:
        return _on_white(picture)
    return picture.convert("RGB")


def _on_white(picture):
    from PIL import Image

    if picture.mode == "La":
        picture = picture.convert("LA")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _from_deep_grey(levels, white):
    from PIL import Image

    grey = np.nan_to_num(levels.astype("float32"), posinf=0, neginf=0)
    low, high = (0, white) if white else _range(grey, levels.dtype.kind == "f")
    scaled = (grey - low) * (255 / (high - low or 1))
    grey = scaled.round().clip(0, 255).astype("uint8")
    return Image.fromarray(grey).convert("RGB")


def _range(grey, is_float):
    """The grey levels that become black and white."""
    low, high = float(grey.min()), float(grey.max())
    for top in (1, 255, 65535) if is_float else (255, 65535):
        if low >= 0 and high <= top:
            return 0, top
    return low, high
