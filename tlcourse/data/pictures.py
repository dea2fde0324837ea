"""Reads one picture file without what the library for TIFF writes to stderr."""

import contextlib

from tlcourse._util.quiet import held_back_stderr
from tlcourse.data.decoding import UnreadablePicture, decode

MAX_BYTES = 256_000_000  # of a file


def read_picture(content, size):
    """Decodes the first frame of a file: uint8 `(*size, 3)`, and what is to be said.

    Raises `UnreadablePicture`; what is enormous is refused before it is decoded.
    """
    # The library for TIFF writes about broken files to stderr, below Python. What is
    # held back is shown if an exception passes, so `decode` returns its reason.
    is_tiff = content.startswith((b"II", b"MM"))
    with held_back_stderr() if is_tiff else contextlib.nullcontext():
        found = decode(content, size)
    if isinstance(found, str):
        raise UnreadablePicture(found)
    return found.pixels, found
