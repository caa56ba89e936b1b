"""Features on disk: what was taken in is there, and only what fits is taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.set_metrics.gathered import Gathered

FEATURES = np.random.default_rng(0).random((5, 3)).astype(np.float32)


def filled(file: Path, rows: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Gathered:
    gathered = Gathered(file, 5)
    gathered.put(rows, FEATURES[list(rows)])
    return gathered


def test_rows_lie_at_their_pictures_whatever_the_order(tmp_path: Path) -> None:
    gathered = filled(tmp_path / "f.npy", (4, 0))
    gathered.put([2, 1, 3], FEATURES[[2, 1, 3]])
    np.testing.assert_array_equal(gathered.all(), FEATURES)


def test_a_stopped_set_goes_on(tmp_path: Path) -> None:
    filled(tmp_path / "f.npy", (0, 1)).flush()
    np.testing.assert_array_equal(filled(tmp_path / "f.npy", (2, 3, 4)).all(), FEATURES)


@pytest.mark.parametrize(
    "other",
    [np.ones((5, 4), np.float32), np.ones((4, 3), np.float32), np.ones((5, 3), np.float64), b"damaged", b""],
)
def test_what_does_not_fit_is_made_anew(tmp_path: Path, other: np.ndarray | bytes) -> None:
    file = tmp_path / "f.npy"
    if isinstance(other, bytes):
        file.write_bytes(other)
    else:
        np.save(file, other)
    found = filled(file, (1,)).all()
    assert (found.shape, found.dtype) == ((5, 3), np.float32)
    np.testing.assert_array_equal(found, np.where(np.arange(5)[:, None] == 1, FEATURES, 0))


def test_what_was_moved_is_read_and_goes_on_there(tmp_path: Path) -> None:
    gathered = filled(tmp_path / "f.npy", (0, 1))
    gathered.move(tmp_path / "deep" / "er" / "g.npy")
    gathered.put([2, 3, 4], FEATURES[2:])
    assert not (tmp_path / "f.npy").exists() and gathered.file == tmp_path / "deep" / "er" / "g.npy"
    np.testing.assert_array_equal(gathered.all(), FEATURES)


def test_nothing_taken_in_is_nothing_to_write(tmp_path: Path) -> None:
    Gathered(tmp_path / "f.npy", 5).flush()
    assert not list(tmp_path.iterdir())
