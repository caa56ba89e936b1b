"""Engines and pictures for the demo's tests: references, which need no training."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from bench.demo.fills import Engine
from bench.demo.methods import Cast
from variants.method import Method


class Painter(Method):
    """Fills with one colour, and drifts by as many levels on what is known."""

    def __init__(self, name: str, colour: tuple[int, int, int], drift: int = 0) -> None:
        self.name, self.colour, self.drift = name, colour, drift
        self.weights_sha256 = name * 3
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        self.seen += list(zip(images.copy(), holes.copy(), strict=True))
        raw = (images.astype(np.float32) + self.drift) / 255
        raw[holes] = np.array(self.colour, np.float32) / 255
        return np.clip(raw, 0, 1)


@pytest.fixture
def red() -> Painter:
    return Painter("red", (200, 0, 0))


@pytest.fixture
def engine(red: Painter) -> Engine:
    return Engine(Cast([red, Painter("blue", (0, 0, 200), drift=10)], 32))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def box_hole(shape: tuple[int, int], top: int, bottom: int, left: int, right: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[top:bottom, left:right] = True
    return hole


def claim(width: int, height: int) -> bytes:
    """A small PNG whose header claims a size, as a bomb's does."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(5000))) + chunk(b"IEND", b"")
