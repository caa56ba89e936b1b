"""A picture file that lies inside a tar archive, read where it lies."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Member:
    """``size`` bytes of the uncompressed archive ``tar``, from ``offset`` on."""

    tar: Path
    name: str
    offset: int
    size: int

    def read_bytes(self) -> bytes:
        """The whole file. Raises OSError where the archive ends before it."""
        with self.tar.open("rb") as stream:
            stream.seek(self.offset)
            content = stream.read(self.size)
        if len(content) < self.size:
            raise OSError("the archive ends before it")
        return content

    def open(self) -> io.BytesIO:
        """The file's bytes as a stream, as Path.open gives it."""
        return io.BytesIO(self.read_bytes())

    @property
    def suffix(self) -> str:
        """What the name ends in, as Path.suffix gives it, dot included."""
        return Path(self.name).suffix

    def __str__(self) -> str:
        return f"{self.tar}:{self.name}"
