"""Files that people have in their folders of images, made on the spot.

Each sound picture is RED above and BLUE below, or grey levels where its kind has no
colours; each broken one comes with the reason that is to be given.
"""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

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


def levels(top, bottom, dtype):
    array = np.full((SIDE, SIDE), bottom, dtype)
    array[: SIDE // 2] = top
    return Image.fromarray(array)


def turned(orientation, kind="JPEG", **options):
    """A picture that is upright only if the camera's note is heeded."""
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, 1)
    note = Image.Exif()
    note[ORIENTATION] = undo
    lying = halves()
    lying.info["exif"] = note.tobytes()
    lying = ImageOps.exif_transpose(lying)
    note[ORIENTATION] = orientation
    return saved(lying, kind, exif=note.tobytes(), **options)


def animated(kind, **options):
    other = Image.new("RGB", (SIDE, SIDE), (0, 255, 0))
    return saved(halves(), kind, save_all=True, append_images=[other], **options)


def clear_below(mode):
    picture = halves(mode="RGB").convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, SIDE // 2, SIDE, SIDE))
    return picture.convert(mode)


def palette_with_clear():
    picture = halves(0, 1, "P")
    picture.putpalette([*RED, 0, 0, 0])
    return saved(picture, "PNG", transparency=1)


def tiff_16_big_endian(claimed=SIDE):
    """Written by hand: Pillow writes little-endian only."""
    array = np.full((SIDE, SIDE), 40 * 257, ">u2")
    array[: SIDE // 2] = 200 * 257
    pixels = array.tobytes()
    tags = {256: claimed, 257: claimed, 258: 16, 259: 1, 262: 1, 273: 8}
    tags |= {277: 1, 278: claimed, 279: len(pixels)}
    fields = [struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags.items()]
    directory = struct.pack(">H", len(tags)) + b"".join(fields) + bytes(4)
    return b"MM\0*" + struct.pack(">I", 8 + len(pixels)) + pixels + directory


def chunk(kind, content):
    end = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + end


def png_of_size(width, height):
    """A PNG that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def over(content, at, form, *size):
    """Writes another size into a header."""
    size = struct.pack(form, *size)
    return content[:at] + size + content[at + len(size) :]


def jpeg_of_size(width, height):
    """A JPEG with another size written over its own."""
    content = saved(halves(), "JPEG")
    return over(content, content.index(b"\xff\xc0") + 5, ">HH", height, width)


def text_bomb():
    """A small PNG whose comment would grow to 100 MB."""
    comment = b"k\0\0" + zlib.compress(bytes(100_000_000), 9)
    content = saved(halves(), "PNG")
    return content[:33] + chunk(b"zTXt", comment) + content[33:]


def bad_crc():
    content = bytearray(saved(halves(), "PNG"))
    content[content.index(b"IDAT") + 8] ^= 255
    return bytes(content)


def with_profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return saved(halves(), "PNG", icc_profile=profile.tobytes())


def lab():
    from_rgb, to_lab = map(ImageCms.createProfile, ("sRGB", "LAB"))
    change = ImageCms.buildTransform(from_rgb, to_lab, "RGB", "LAB")
    return saved(ImageCms.applyTransform(halves(), change), "TIFF")


def cut(kind, keep=0.6, **options):
    """The first part of a file with much detail."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), "uint8")
    content = saved(Image.fromarray(noise), kind, **options)
    return content[: round(len(content) * keep)]


PURE = (255, 0, 0), (0, 0, 255)
GREY = LIGHT, DARK


@functools.lru_cache
def sound():
    """dict, file name to (bytes, colour above, colour below)."""
    red_blue, grey = halves(), halves(200, 40, "L")
    jpeg = saved(red_blue, "JPEG", quality=95)
    colours = {
        "plain.jpg": jpeg,
        "progressive.jpg": saved(red_blue, "JPEG", progressive=True),
        "is_a_jpeg.png": jpeg + b"2",
        "without_ending": jpeg + b"3",
        "wrong_ending.txt": jpeg + b"4",
        "rubbish_behind.jpg": jpeg + bytes(5000),
        "broken_exif.jpg": saved(red_blue, "JPEG", exif=b"Exif\0\0II*\0\xff\xff"),
        "rubbish_exif.jpg": saved(red_blue, "JPEG", exif=b"Exif\0\0rubbish"),
        **{f"orientation_{k}.jpg": turned(k) for k in range(1, 10)},
        "two_pictures.mpo": animated("MPO"),
        "large.jpg": saved(halves(side=1500), "JPEG"),
        "plain.png": saved(red_blue, "PNG"),
        "palette.png": saved(red_blue.convert("P"), "PNG"),
        "orientation.png": turned(6, "PNG"),
        "profile.png": with_profile(),
        "moving.png": animated("PNG"),
        "plain.gif": saved(red_blue, "GIF"),
        "moving.gif": animated("GIF", duration=50),
        "plain.webp": saved(red_blue, "WEBP", quality=95),
        "lossless.webp": saved(red_blue, "WEBP", lossless=True),
        "moving.webp": animated("WEBP", lossless=True),
        "orientation.webp": turned(8, "WEBP", lossless=True),
        "plain.bmp": saved(red_blue, "BMP"),
        "alpha.bmp": saved(red_blue.convert("RGBA"), "BMP"),
        "plain.tif": saved(red_blue, "TIFF"),
        "lab.tiff": lab(),
        "lzw.tiff": saved(red_blue, "TIFF", compression="tiff_lzw"),
        "jpeg_inside.tiff": saved(red_blue, "TIFF", compression="jpeg"),
        "pages.tiff": animated("TIFF"),
        "orientation.tiff": turned(3, "TIFF"),
        "naïve ünïcode 猫 🐈.png": saved(red_blue, "PNG", compress_level=1),
        "two\nlines.png": saved(red_blue, "PNG", compress_level=2),
        "100% 'quoted\" $(x) *.png": saved(red_blue, "PNG", compress_level=4),
        "x" * 240 + ".png": saved(red_blue, "PNG", compress_level=5),
        "right to \u202eleft.png": saved(red_blue, "PNG", compress_level=0),
        "tall.png": saved(red_blue.resize((48, 480)), "PNG"),
        "few_pixels.png": saved(red_blue.resize((2, 4), 0), "PNG"),
    }
    greys = {
        "grey.jpg": saved(grey, "JPEG"),
        "grey.png": saved(grey, "PNG"),
        "grey_alpha.png": saved(grey.convert("LA"), "PNG"),
        "grey_16_bit.png": saved(levels(200 * 257, 40 * 257, "uint16"), "PNG"),
        "grey.gif": saved(grey, "GIF"),
        "grey.webp": saved(grey, "WEBP"),
        "grey.bmp": saved(grey, "BMP"),
        "grey_16_bit.tiff": saved(levels(200 * 257, 40 * 257, "uint16"), "TIFF"),
        "grey_16_bit_big_endian.tiff": tiff_16_big_endian(),
        "grey_32_bit.tiff": saved(levels(200 * 257, 40 * 257, "int32"), "TIFF"),
        "grey_0_to_1.tiff": saved(levels(200 / 255, 40 / 255, "float32"), "TIFF"),
        "grey_0_to_255.tiff": saved(levels(200, 40, "float32"), "TIFF"),
    }
    half_clear = halves((*RED, 255), (0, 0, 0, 128), "RGBA")
    cmyk = halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK")
    fax = saved(halves(1, 0, "1"), "TIFF", compression="group4")
    wide = saved(levels(1e6, -1e6, "float32"), "TIFF")
    no_numbers = saved(levels(1, np.nan, "float32"), "TIFF")
    others = {
        "cmyk.jpg": (saved(cmyk, "JPEG", quality=95), *PURE),
        "cmyk.tiff": (saved(cmyk, "TIFF"), *PURE),
        "clear.png": (saved(clear_below("RGBA"), "PNG"), RED, WHITE),
        "half_clear.png": (saved(half_clear, "PNG"), RED, (127, 127, 127)),
        "clear_grey.png": (saved(clear_below("LA"), "PNG"), (87, 87, 87), WHITE),
        "clear_palette.png": (palette_with_clear(), RED, WHITE),
        "clear_colour.png": (saved(halves(), "PNG", transparency=BLUE), RED, WHITE),
        "clear.gif": (saved(clear_below("RGBA"), "GIF"), RED, WHITE),
        "clear.webp": (saved(clear_below("RGBA"), "WEBP", lossless=True), RED, WHITE),
        "clear.tiff": (saved(clear_below("RGBA"), "TIFF"), RED, WHITE),
        "one_bit.png": (saved(halves(1, 0, "1"), "PNG"), WHITE, BLACK),
        "one_bit.bmp": (saved(halves(0, 1, "1"), "BMP"), BLACK, WHITE),
        "fax.tiff": (fax, WHITE, BLACK),
        "wide_range.tiff": (wide, WHITE, BLACK),
        "not_a_number.tiff": (no_numbers, WHITE, BLACK),
    }
    coloured = {name: (content, RED, BLUE) for name, content in colours.items()}
    grey = {name: (content, *GREY) for name, content in greys.items()}
    return coloured | grey | others


@functools.lru_cache
def broken():
    """dict, file name to (bytes, what the reason has to say)."""
    rng = np.random.default_rng(1)
    cut_off = {
        "cut.jpg": cut("JPEG"),
        "cut.png": cut("PNG"),
        "cut.gif": cut("GIF", 0.5),
        "cut.webp": cut("WEBP"),
        "cut.bmp": cut("BMP"),
        "cut.tiff": cut("TIFF", compression="tiff_lzw"),
        "start_only.jpg": saved(halves(), "JPEG")[:20],
        "start_only.png": saved(halves(), "PNG")[:12],
        "start_only.gif": b"GIF89a",
        "start_only.webp": saved(halves(), "WEBP")[:14],
        "start_only.tiff": b"II*\0\x08\0\0\0",
        "bad_sum.png": bad_crc(),
        "no_pixels.png": png_of_size(0, 0),
        "wrong_size.jpg": jpeg_of_size(0, 10),
        "text_bomb.png": text_bomb(),
    }
    enormous = {
        "bomb.png": png_of_size(50_000, 50_000),
        "wide_bomb.png": png_of_size(2**31 - 1, 1),
        "little_bomb.png": png_of_size(9_000, 9_000),
        "bomb.jpg": jpeg_of_size(65_000, 65_000),
        "bomb.gif": over(saved(halves(), "GIF"), 6, "<HH", 60_000, 60_000),
        "bomb.bmp": over(saved(halves(), "BMP"), 18, "<ii", 40_000, 40_000),
        "bomb.tiff": tiff_16_big_endian(60_000),
        "bomb.webp": over(saved(halves(), "WEBP"), 26, "<HH", 16_383, 16_383),
    }
    others = {
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
        "array.npy": (b"\x93NUMPY\x01\0" + bytes(90), "not a picture"),
        "noise.jpg": (rng.bytes(3000), "not a picture"),
        "icon.ico": (saved(halves(), "ICO"), "not a picture"),
        "painting.psd": (b"8BPS\0\x01" + bytes(60), "not a picture"),
    }
    return (
        {name: (content, "broken") for name, content in cut_off.items()}
        | {name: (content, "enormous") for name, content in enormous.items()}
        | others
    )
