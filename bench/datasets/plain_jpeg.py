"""The usual kind of JPEG, decoded by OpenCV in half of Pillow's time: three colours in one scan.

Both carry libjpeg-turbo, so pixels are the same; a process asks once whether they are, since either may be built
otherwise. Only a scan that runs undisturbed to the end of the picture is read here: progressive files, and those that
are cut off or hold stray markers, are left to Pillow, which knows what to say of them.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

MARK = 0xFF
END = 0xD9

# In a scan no marker begins where one of these follows: a stuffed byte, a restart, filling.
NO_MARKER = np.zeros(256, bool)
NO_MARKER[[0x00, *range(0xD0, 0xD8), MARK]] = True


def read_plain_jpeg(image: Image.Image) -> np.ndarray | None:
    """The pixels of a picture that Pillow has opened and not loaded, uint8 RGB (H, W, 3), as they lie in the file.

    None where it is not plainly such a JPEG.
    """
    if image.format != "JPEG" or image.mode != "RGB" or not decoders_agree():
        return None
    return decode(image)


def decode(image: Image.Image) -> np.ndarray | None:
    """See :func:`read_plain_jpeg`."""
    import cv2

    stream = image.fp  # type: ignore[attr-defined]  # stands where the scan begins
    begin = stream.tell()
    stream.seek(0)
    content = np.frombuffer(stream.read(), np.uint8)
    stream.seek(begin)
    scan = content[begin:]
    follows = scan[1:][scan[:-1] == MARK]
    markers = follows[~NO_MARKER[follows]]
    if not len(markers) or markers[0] != END:
        return None
    try:
        pixels = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # too large for it
        return None
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


@cache
def decoders_agree() -> bool:
    """Whether OpenCV gives Pillow's pixels, tried on noise with whole and with halved colours."""
    from PIL import Image

    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 45, 3), np.uint8))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        stream = io.BytesIO()
        noise.save(stream, "JPEG", quality=90, subsampling=subsampling)
        with Image.open(stream) as image:
            found = decode(image)
            if found is None or not np.array_equal(found, np.asarray(image)):
                return False
    return True
