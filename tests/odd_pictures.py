"""Files that people have in their folders of images, made on the spot.

Each sound picture is RED above and BLUE below, or grey levels where its kind has no
colours; each broken one comes with the reason that is to be given.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

RED, BLUE = (220, 30, 30), (30, 30, 220)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LIGHT, DARK = (200, 200, 200), (40, 40, 40)
SIDE = 48
ORIENTATION = 0x0112


def halves(top=RED, bottom=BLUE, mode="RGB", side=SIDE):
    picture = Image.new(mode, (side, side), bottom)
    picture.paste(top, (0, 0, side, side // 2))
    return picture


def saved(picture, kind, **options):
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def levels(top, bottom, dtype, kind="TIFF"):
    array = np.full((SIDE, SIDE), bottom, dtype)
    array[: SIDE // 2] = top
    return saved(Image.fromarray(array), kind)


def turned(orientation, kind="JPEG"):
    """A picture that is upright only if the camera's note is heeded."""
    note, lying = Image.Exif(), halves()
    note[ORIENTATION] = {6: 8, 8: 6}.get(orientation, orientation)  # undoes it
    lying.info["exif"] = note.tobytes()
    lying = ImageOps.exif_transpose(lying)
    note[ORIENTATION] = orientation
    return saved(lying, kind, exif=note.tobytes())


def animated(kind):
    other = Image.new("RGB", (SIDE, SIDE), (0, 255, 0))
    return saved(halves(), kind, save_all=True, append_images=[other])


def clear_below(kind, mode="RGBA", alpha=0, **options):
    picture = halves((*RED, 255), (0, 0, 0, alpha), "RGBA")
    return saved(picture.convert(mode), kind, **options)


def patched(kind, at, form, *numbers):
    """A sound picture with other numbers, such as another size, in its header."""
    content, numbers = saved(halves(), kind), struct.pack(form, *numbers)
    at = content.index(b"\xff\xc0") + 5 if kind == "JPEG" else at
    content = content[:at] + numbers + content[at + len(numbers) :]
    if kind != "PNG":
        return content
    header_sum = struct.pack(">I", zlib.crc32(content[12:29]))
    return content[:29] + header_sum + content[33:]


def text_bomb():
    """A small PNG whose comment would grow to 100 MB."""
    comment = PngImagePlugin.PngInfo()
    comment.add_text("k", "\0" * 100_000_000, zip=True)
    return saved(halves(), "PNG", pnginfo=comment)


def cut(kind, **options):
    """The first half of a file with much detail."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), "uint8")
    content = saved(Image.fromarray(noise), kind, **options)
    return content[: len(content) // 2]


PLAIN, GREY = halves(), halves(200, 40, "L")
JPEG, TIFF = saved(PLAIN, "JPEG", quality=95), saved(PLAIN, "TIFF")
NAMES = ["naïve ünïcode 猫 🐈.png", "two\nlines.png", "100% 'quoted\" $(x) *.png"]
NAMES += ["x" * 240 + ".png", "right to \u202eleft.png"]
COLOURED = {
    **{f"plain.{kind}": saved(PLAIN, kind) for kind in ("PNG", "GIF", "BMP", "TIFF")},
    **{f"orientation_{k}.jpg": turned(k) for k in range(1, 10)},
    **{f"orientation.{kind}": turned(6, kind) for kind in ("PNG", "TIFF")},
    **{f"several.{kind}": animated(kind) for kind in ("GIF", "MPO", "TIFF", "PNG")},
    **{name: saved(PLAIN, "PNG", compress_level=k) for k, name in enumerate(NAMES)},
    "is_a_jpeg.png": JPEG,
    "without_ending": JPEG + b"2",
    "wrong_ending.txt": JPEG + b"3",
    "rubbish_behind.jpg": JPEG + bytes(5000),
    "broken_exif.jpg": saved(PLAIN, "JPEG", exif=b"Exif\0\0II*\0\xff\xff"),
    "rubbish_exif.jpg": saved(PLAIN, "JPEG", exif=b"Exif\0\0rubbish"),
    "large.jpg": saved(halves(side=1500), "JPEG"),
    "palette.png": saved(PLAIN.convert("P"), "PNG"),
    "plain.webp": saved(PLAIN, "WEBP", quality=95),
    "lzw.tiff": saved(PLAIN, "TIFF", compression="tiff_lzw"),
    "jpeg_inside.tiff": saved(PLAIN, "TIFF", compression="jpeg"),
    "tall.png": saved(PLAIN.resize((48, 480)), "PNG"),
    "few_pixels.png": saved(PLAIN.resize((2, 4), 0), "PNG"),
}
GREYS = {
    "grey.jpg": saved(GREY, "JPEG"),
    "grey.png": saved(GREY, "PNG"),
    "grey_alpha.png": saved(GREY.convert("LA"), "PNG"),
    "grey_16_bit.png": levels(200 * 257, 40 * 257, "uint16", "PNG"),
    "grey_16_bit.tiff": levels(200 * 257, 40 * 257, "uint16"),
    "grey_16_bit_big_endian.tiff": levels(200 * 257, 40 * 257, ">u2"),
    "grey_32_bit.tiff": levels(200 * 257, 40 * 257, "int32"),
    "grey_0_to_1.tiff": levels(200 / 255, 40 / 255, "float32"),
    "grey_0_to_255.tiff": levels(200, 40, "float32"),
}
CMYK = halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK")
# File name to (bytes, colour above, colour below).
SOUND = {
    **{name: (content, RED, BLUE) for name, content in COLOURED.items()},
    **{name: (content, LIGHT, DARK) for name, content in GREYS.items()},
    "cmyk.jpg": (saved(CMYK, "JPEG", quality=95), (255, 0, 0), (0, 0, 255)),
    "half_clear.png": (clear_below("PNG", alpha=128), RED, (127, 127, 127)),
    "clear_grey.png": (clear_below("PNG", "LA"), (87, 87, 87), WHITE),
    "clear_colour.png": (saved(PLAIN, "PNG", transparency=BLUE), RED, WHITE),
    "clear.gif": (clear_below("GIF"), RED, WHITE),
    "clear.webp": (clear_below("WEBP", lossless=True), RED, WHITE),
    "one_bit.png": (saved(halves(1, 0, "1"), "PNG"), WHITE, BLACK),
    "wide_range.tiff": (levels(1e6, -1e6, "float32"), WHITE, BLACK),
    "not_a_number.tiff": (levels(1, np.nan, "float32"), WHITE, BLACK),
}
CUT_OFF = {
    **{f"cut.{kind}": cut(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP")},
    "cut.tiff": cut("TIFF", compression="tiff_lzw"),
    **{f"start.{kind}": saved(PLAIN, kind)[:12] for kind in ("JPEG", "PNG", "WEBP")},
    **{f"start.{kind}": saved(PLAIN, kind)[:8] for kind in ("GIF", "TIFF")},
    "bad_sum.png": patched("PNG", 45, "B", 0),
    "no_pixels.png": patched("PNG", 16, ">II", 0, 0),
    "wrong_size.jpg": patched("JPEG", 0, ">HH", 10, 0),
    "text_bomb.png": text_bomb(),
}
ENORMOUS = {
    "bomb.png": patched("PNG", 16, ">II", 50_000, 50_000),
    "little_bomb.png": patched("PNG", 16, ">II", 9_000, 9_000),
    "bomb.jpg": patched("JPEG", 0, ">HH", 65_000, 65_000),
    "bomb.gif": patched("GIF", 6, "<HH", 60_000, 60_000),
    "bomb.bmp": patched("BMP", 18, "<ii", 40_000, 40_000),
    "bomb.tiff": TIFF.replace(b"\1\0\0\0\x30\0", b"\1\0\0\0\x60\xea"),
    "bomb.webp": patched("WEBP", 26, "<HH", 16_383, 16_383),
}
# File name to (bytes, what the reason has to say).
BROKEN = {
    **{name: (content, "broken") for name, content in CUT_OFF.items()},
    **{name: (content, "enormous") for name, content in ENORMOUS.items()},
    "empty.jpg": (b"", "empty file"),
    "notes.txt": (b"Rex, the dog, in May", "not a picture"),
    "page.jpg": (b"<!DOCTYPE html><html>Not found", "web page"),
    "drawing.svg": (b'<?xml version="1.0"?><svg width="4"/>', "SVG"),
    "paper.pdf": (b"%PDF-1.7\n", "PDF"),
    "photos.zip": (b"PK\x03\x04" + bytes(40), "ZIP archive; unpack"),
    "telephone.heic": (bytes(4) + b"ftypheic" + bytes(40), "HEIC.*JPEG"),
    "modern.avif": (bytes(4) + b"ftypavif" + bytes(40), "AVIF"),
    "film.mp4": (bytes(4) + b"ftypisom" + bytes(40), "not a picture"),
    "sound.wav": (b"RIFF" + bytes(4) + b"WAVE" + bytes(40), "not a picture"),
    "icon.ico": (saved(PLAIN, "ICO"), "not a picture"),
}
