"""Random numbers that depend on (seed, stream, index) and on nothing else.

A counter-based generator (SplitMix64, Steele, Lea & Flood 2014) in plain 64-bit integer arithmetic: the
same draw whatever the batch size, worker, shard, platform or library version, and vectorised over indices.
"""

from __future__ import annotations

import hashlib

import numpy as np

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    return z ^ (z >> np.uint64(31))


def stream_key(seed: int, stream: str) -> int:
    """A 64-bit key of a named stream of a seed, by SHA-256 of both."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "little")


def bits(seed: int, stream: str, indices: np.ndarray | int, count: int) -> np.ndarray:
    """Random 64-bit words, shape (len(indices), count), uint64; row i depends on indices[i] alone."""
    index = np.atleast_1d(np.asarray(indices)).astype(np.uint64)[:, None]
    column = np.arange(1, count + 1, dtype=np.uint64)[None, :]
    with np.errstate(over="ignore"):
        start = _mix(np.uint64(stream_key(seed, stream)) + _GAMMA * (index + np.uint64(1)))
        return _mix(start + _GAMMA * column)


def uniforms(seed: int, stream: str, indices: np.ndarray | int, count: int) -> np.ndarray:
    """Uniform draws in [0, 1), shape (len(indices), count), float64 (53 random bits each)."""
    return (bits(seed, stream, indices, count) >> np.uint64(11)) * 2.0**-53


def integers(u: np.ndarray, low: np.ndarray | int, high: np.ndarray | int) -> np.ndarray:
    """Map uniforms to integers in [low, high], both ends included; int64."""
    low, high = np.asarray(low), np.asarray(high)
    return (low + np.floor(u * (high - low + 1))).astype(np.int64)
