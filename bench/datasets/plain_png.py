"""The usual kind of PNG, read by OpenCV in two thirds of Pillow's time: 8-bit RGB with nothing beside its pixels.

Only a file that is sound from its first byte to its last is read here, so that both give the same pixels; whatever is
unusual or damaged is left to :mod:`bench.datasets.pictures`, which knows what to do with it, or what to say of it.
"""

from __future__ import annotations

import stat
import struct
import zlib
from pathlib import Path

import numpy as np

from bench.datasets.member import Member

SIGNATURE = b"\x89PNG\r\n\x1a\n"

PLAIN = struct.pack(">BBBBB", 8, 2, 0, 0, 0)
"""Of the header: 8 bits a channel, RGB, and no rows in another order."""

SILENT = frozenset([b"pHYs", b"tIME", b"gAMA", b"cHRM", b"sRGB", b"tEXt"])
"""Chunks that change no pixel for either reader; a colour profile, transparency and EXIF do."""

PROFILE = b"Raw profile type "
"""Begins a text that holds EXIF, and so may turn the picture."""

MOST_PIXELS = 1 << 25
"""Above which the other reader's checks of what is too large are asked."""


def read_plain_png(path: Path | Member) -> np.ndarray | None:
    """The picture in a file, uint8 RGB (H, W, 3), or None where it is not plainly such a PNG."""
    if path.suffix.lower() != ".png":
        return None
    try:
        # A named pipe would wait for ever to be opened.
        if isinstance(path, Path) and not stat.S_ISREG(path.stat().st_mode):
            return None
        content = path.read_bytes()
    except OSError:
        return None
    size = plain_size(content)
    if size is None:
        return None
    import cv2

    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.shape != (size[1], size[0], 3):
        return None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def plain_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) of a whole PNG of 8-bit RGB of which every chunk is sound and none changes how it looks."""
    if content[:8] != SIGNATURE or content[12:16] != b"IHDR" or content[24:29] != PLAIN:
        return None
    width, height = struct.unpack(">II", content[16:24])
    if not 0 < width * height <= MOST_PIXELS:
        return None
    place, end = 8, len(content)
    view = memoryview(content)
    while place + 12 <= end:
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        after = place + 12 + length
        if after > end or zlib.crc32(view[place + 4 : after - 4]) != struct.unpack(">I", content[after - 4 : after])[0]:
            return None
        if kind == b"IEND":
            return (width, height) if after == end else None
        if kind not in SILENT and kind != b"IDAT" and place != 8:
            return None
        if kind == b"tEXt" and content.startswith(PROFILE, place + 8):
            return None
        place = after
    return None
