"""The generator against SplitMix64's published numbers, in Python's own whole numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from bench.util import draws

ALL_64 = 2**64 - 1


def splitmix64(state: int) -> Iterator[int]:
    """As Steele, Lea and Flood (2014) and Vigna's public-domain C have it."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & ALL_64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & ALL_64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & ALL_64
        yield z ^ (z >> 31)


def nth(state: int, n: int) -> int:
    return next(islice(splitmix64(state), n, None))


def key(text: str) -> int:
    return sum(byte << (8 * k) for k, byte in enumerate(hashlib.sha256(text.encode()).digest()[:8]))


def test_the_numbers_here_are_the_published_ones() -> None:
    # The reference implementation's first outputs from the seed 1234567.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert list(islice(splitmix64(1234567), 4)) == published


@pytest.mark.parametrize(("seed", "stream"), [(0, "mask/rect"), (7, "folder/Zoë"), (-1, "")])
def test_a_row_is_splitmix64_from_a_seed_of_its_own(seed: int, stream: str) -> None:
    indices = [0, 1, 5, 2**40]
    found = draws.bits(seed, stream, np.array(indices), 6)
    assert found.dtype == np.uint64
    for index, row in zip(indices, found.tolist(), strict=True):
        start = nth(key(f"{seed}/{stream}"), index) if index < 10 else None
        if start is None:
            # The state moves on by the same step each time, so that far ones need no loop.
            start = nth((key(f"{seed}/{stream}") + index * 0x9E3779B97F4A7C15) & ALL_64, 0)
        assert row == list(islice(splitmix64(start), 6))
    assert draws.bits(seed, stream, 5, 6).tolist() == found[2:3].tolist()


def test_uniforms_are_the_upper_53_bits() -> None:
    words = draws.bits(3, "x", np.arange(4), 5).tolist()
    expected = [[(word >> 11) / 2**53 for word in row] for row in words]
    assert draws.uniforms(3, "x", np.arange(4), 5).tolist() == expected


def test_integers_reach_both_ends_evenly() -> None:
    u = np.array([0.0, 0.2499999, 0.25, 0.5, 0.75, 1 - 2.0**-53])
    assert draws.integers(u, 3, 6).tolist() == [3, 3, 4, 5, 6, 6]
    assert draws.integers(u, -2, -2).tolist() == [-2] * 6
    assert draws.integers(u[[0, 5]], np.array([0, 10]), np.array([9, 12])).tolist() == [0, 12]
    assert draws.integers(u, 0, 1).dtype == np.int64
