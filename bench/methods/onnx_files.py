"""The files that an ONNX model is made of: its own, and those that it names as the place of its weights.

Told from the bytes, as neither onnx nor onnxruntime needs to be loaded to find out whether a model has changed.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from pathlib import Path

from variants.weights import sha256

LOCATION = re.compile(rb"\x0a\x08location\x12([\x80-\xff]?[\x00-\x7f])")
"""The entry ``location`` of a tensor whose values lie in another file, in protobuf, and its value's length."""


def weight_files(file: Path) -> list[Path]:
    """The files that hold weights of the model in ``file``, by name, whether they are there or not; none where its own
    file holds them all."""
    if file.stat().st_size == 0:
        return []
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = set()
        for match in LOCATION.finditer(content):
            length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(match[1]))
            names.add(content[match.end() : match.end() + length])
    return [file.parent / name for name in sorted(text.decode("utf-8", "replace") for text in names)]


def digest(file: Path) -> str:
    """SHA-256 of the model: of its file, or, where weights lie in others, of the digests of all."""
    beside = weight_files(file)
    if not beside:
        return sha256(file)
    each = [f"{other.name} {sha256(other) if other.is_file() else 'missing'}" for other in beside]
    return hashlib.sha256("\n".join([sha256(file), *each]).encode()).hexdigest()
