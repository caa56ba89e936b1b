"""The fingerprint of a suite: what exactly is hashed.

It is the SHA-256 of a short text, which anyone can write down from the pictures and holes alone::

    inpaint-bench suite 2
    protocol <name>
    <digest of a data set>            one line per data set, sorted

The digest of a data set is the SHA-256 of its own text: a line for each picture in the data set's order, then
for each mask type, sorted by name, a line for each hole in the same order::

    image <id as JSON> <height>x<width> <pixels>
    hole <mask> <id as JSON> <height>x<width> <bits>

``pixels`` is the SHA-256 of the uint8 RGB values row by row. ``bits`` is that of the hole packed row by row,
eight pixels to a byte, the first in the highest bit, 1 where the picture is missing; rows follow each other
without a gap, and zeros fill the last byte. Digests are in lower-case hex, JSON is plain ASCII, every line
ends in one newline. The names of data sets, the seed and the file format are left out: whoever has the same
pictures, holes and protocol has the same suite.

The number is of how holes are drawn. In version 1 a drawn hole hung on its picture's position, in version 2 on its id
(:func:`picture_key`). A suite that was exported in version 1 keeps its number and its fingerprint: its holes lie in
files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np

VERSION = 2
VERSIONS = (1, 2)


def picture_digest(image: np.ndarray) -> str:
    """Hex SHA-256 of a picture's values, uint8 (H, W, 3), row by row."""
    return hashlib.sha256(np.ascontiguousarray(image)).hexdigest()


def hole_digest(hole: np.ndarray) -> str:
    """Hex SHA-256 of a hole's bits, bool (H, W), packed row by row."""
    return hashlib.sha256(np.packbits(hole)).hexdigest()


def image_line(image_id: str, shape: Sequence[int], digest: str) -> str:
    """The line that a picture adds to what is hashed: id, height x width, SHA-256 of its pixels."""
    return f"image {json.dumps(image_id)} {shape[0]}x{shape[1]} {digest}\n"


def hole_line(mask: str, image_id: str, shape: Sequence[int], digest: str) -> str:
    """The line that a hole adds to what is hashed: mask type, id, height x width, SHA-256 of its bits."""
    return f"hole {mask} {json.dumps(image_id)} {shape[0]}x{shape[1]} {digest}\n"


def text_digest(lines: Iterable[str]) -> str:
    """Hex SHA-256 of lines, taken one at a time."""
    whole = hashlib.sha256()
    for line in lines:
        whole.update(line.encode())
    return whole.hexdigest()


def picture_key(image_id: str) -> int:
    """What a picture's holes are drawn by: the first 8 bytes of the SHA-256 of its id, little-endian, halved so that it
    fits a signed 64-bit integer."""
    return int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8], "little") >> 1


def pair_key(picture: str, hole: str) -> int:
    """A picture with its hole, of their digests, as :func:`picture_key` makes a number of a text."""
    return picture_key(f"{picture} {hole}")


def suite_digest(protocol: str, datasets: Iterable[str], version: int = VERSION) -> str:
    """The fingerprint, from the digests of the data sets."""
    head = [f"inpaint-bench suite {version}\n", f"protocol {protocol}\n"]
    return text_digest([*head, *(f"{digest}\n" for digest in sorted(datasets))])
