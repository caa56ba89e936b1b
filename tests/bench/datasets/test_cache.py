"""The cache of decoded pictures: its limit, what it keeps, and that no one can spoil what it holds."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bench.datasets.cache import PictureCache

KIB_400 = (400, 1024)


class Reader:
    """Pictures of 400 KiB, and which were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, key: str) -> np.ndarray:
        self.read.append(key)
        return np.full(KIB_400, ord(key), np.uint8)


def test_what_came_first_stays_and_what_there_is_no_room_for_is_read_again() -> None:
    cache, reader = PictureCache(1), Reader()
    # Two of 400 KiB fit in one MiB, three do not.
    for key in "abcabc":
        assert cache.get(key, reader)[0, 0] == ord(key)
    assert reader.read == ["a", "b", "c", "c"]
    assert cache.used == sum(pixels.nbytes for pixels in cache.pictures.values()) == 2 * 400 * 1024
    # What is taken out makes room.
    cache.pop("a")
    for key in "cc":
        cache.get(key, reader)
    assert reader.read == ["a", "b", "c", "c", "c"]


def test_a_picture_larger_than_the_limit_is_kept_where_it_is_the_only_one() -> None:
    cache, read = PictureCache(1), []

    def large(key: str) -> np.ndarray:
        read.append(key)
        return np.zeros((2, 2**20), np.uint8)

    assert cache.get("a", large) is cache.get("a", large)
    cache.get("b", large)
    assert read == ["a", "b"] and list(cache.pictures) == ["a"]


def test_what_is_kept_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        PictureCache().get("a", Reader())[0, 0] = 1


def test_a_worker_gets_it_empty_with_the_same_limit() -> None:
    cache = PictureCache(7)
    cache.get("a", Reader())
    other = pickle.loads(pickle.dumps(cache))
    assert (other.limit_mib, other.used, len(other.pictures)) == (7, 0, 0)
    assert PictureCache().limit_mib == 256


def test_a_picture_taken_out_no_longer_counts_and_one_that_is_not_there_takes_nothing() -> None:
    cache, reader = PictureCache(1), Reader()
    for key in "ab":
        cache.get(key, reader)
    assert cache.pop("c") is None and cache.used == 2 * 400 * 1024
    taken = cache.pop("a")
    assert taken is not None and taken[0, 0] == ord("a")
    assert cache.pop("a") is None and cache.used == 400 * 1024
