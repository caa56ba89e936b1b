"""Which pictures and holes a step sees, drawn here once more in plain whole numbers."""

from __future__ import annotations

import hashlib

import numpy as np

from bench.masks.registry import draw
from bench.training.batches import Batches

MASKS = ("rect", "circle", "ellipse")
SIDE, PICTURES, BATCH, SEED = 16, 10, 7, 3


def splitmix(seed: int, stream: str, index: int, column: int) -> int:
    """SplitMix64 (Steele, Lea & Flood 2014), from a key per stream, index and column."""
    gamma, word = 0x9E3779B97F4A7C15, 2**64 - 1

    def mix(z: int) -> int:
        z &= word
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & word
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
        return z ^ (z >> 31)

    key = int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "little")
    return mix(mix(key + gamma * (index + 1)) + gamma * column)


def sample(pool: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture and the hole of a running number."""
    epoch, place = divmod(number, PICTURES)
    order = sorted(range(PICTURES), key=lambda i: splitmix(SEED, f"training order {epoch}", i, 1) >> 11)
    picture = pool[order[place]]
    if splitmix(SEED, "training sample", number, 1) % 2:
        picture = picture[:, ::-1]
    kind = MASKS[(splitmix(SEED, "training sample", number, 2) >> 32) % 3]
    # Seeds of training holes begin at 7,000,003, far from those of suites.
    return picture, draw(kind, (SIDE, SIDE), 7_000_003 + SEED, [number])[0]


def test_batches_are_those_of_the_written_rule():
    pool = np.random.default_rng(0).integers(0, 256, (PICTURES, SIDE, SIDE, 3), dtype=np.uint8)
    batches = Batches(pool, BATCH, SEED, MASKS)
    for step in range(6):  # over four epochs, whose ends lie within batches
        images, holes = batches(step)
        expected = [sample(pool, step * BATCH + k) for k in range(BATCH)]
        np.testing.assert_array_equal(images, [image for image, _ in expected])
        np.testing.assert_array_equal(holes, [hole for _, hole in expected])
        assert images.dtype == np.uint8 and holes.dtype == bool


def test_the_pool_is_never_written_to():
    pool = np.random.default_rng(0).integers(0, 256, (PICTURES, SIDE, SIDE, 3), dtype=np.uint8)
    pool.setflags(write=False)
    Batches(pool, 64, SEED, MASKS)(0)
