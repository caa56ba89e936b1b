"""Ids that follow from their number, made when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True)
class Numbered(Sequence[str]):
    """``prefix`` and a number of five digits or more: a list of 41,000 ids that takes no memory."""

    prefix: str
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        numbers = range(self.length)[i]
        if isinstance(numbers, range):
            return [f"{self.prefix}{number:05d}" for number in numbers]
        return f"{self.prefix}{numbers:05d}"
