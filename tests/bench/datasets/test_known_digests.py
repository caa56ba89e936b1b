"""A folder's pictures are hashed as they are checked: the fingerprint loads none again and is that of the pictures."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.datasets import collection
from bench.datasets.registry import Dataset, open_dataset
from bench.runs.shards import Part
from bench.suites.suite import Suite


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number, (name, height, width) in enumerate([("b.png", 40, 56), ("a.jpg", 64, 48), ("sub/c.webp", 33, 70)]):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        mode = "L" if number == 0 else "RGB"
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).convert(mode).save(file)
    (tmp_path / "broken.png").write_bytes(b"x")
    return tmp_path


def opened(folder: Path, size: int | None) -> Dataset:
    return open_dataset(f"folder:{folder}", "all", size)


@pytest.mark.parametrize("size", [None, 32])
def test_the_digests_are_of_the_pictures_as_they_are_loaded(pictures: Path, size: int | None) -> None:
    dataset = opened(pictures, size)
    loaded = [dataset.load(i) for i in range(len(dataset))]
    wanted = [((p.shape[0], p.shape[1]), hashlib.sha256(p.tobytes()).hexdigest()) for p in loaded]
    assert list(dataset.digests) == wanted and len(wanted) == 3
    part = Part(2, 2).pick(dataset)
    assert part.ids == [dataset.ids[1]] and list(part.digests) == wanted[1:2]


@pytest.mark.parametrize("size", [None, 32])
def test_the_fingerprint_loads_none_of_them_and_is_that_of_the_pictures(pictures: Path, size: int | None) -> None:
    dataset = opened(pictures, size)

    def load(_: Any) -> np.ndarray:
        raise AssertionError("loaded again")

    plain = Suite((replace(dataset, digests=()),), ("rect", "circle")).fingerprint()
    found = Suite((replace(dataset, load=load, load_batch=load),), ("rect", "circle")).fingerprint(batch=2, workers=2)
    assert found == plain


def test_a_picture_that_was_changed_since_is_hashed_anew(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "MANY", 2)  # what was found is kept on disk too
    before = opened(pictures, None).digests
    collection._checked.clear()
    assert opened(pictures, None).digests == before
    Image.new("RGB", (56, 40), (1, 2, 3)).save(pictures / "b.png")
    after = opened(pictures, None).digests
    assert after[1] == ((40, 56), hashlib.sha256(bytes([1, 2, 3]) * 40 * 56).hexdigest())
    assert after[0] == before[0] and after[2] == before[2] and after[1] != before[1]


def test_a_picture_that_was_changed_at_the_same_length_and_time_is_hashed_anew(pictures: Path) -> None:
    file = pictures / "d.bmp"
    Image.new("RGB", (8, 8), (0, 0, 0)).save(file)
    opened(pictures, None)
    before = file.stat()
    Image.new("RGB", (8, 8), (7, 7, 7)).save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    dataset = opened(pictures, None)
    found = dict(zip(dataset.ids, dataset.digests, strict=True))
    assert found["d"] == ((8, 8), hashlib.sha256(bytes([7, 7, 7]) * 64).hexdigest())


@pytest.mark.parametrize(
    "text",
    [
        *("5", "null", "{}", "[", "[1, 2, 3]", '["abc", "abc", "abc"]', "[" * 10_000, "[[3, 2], [3, 2], [3, 2], null]"),
        '[[3, 2, ""], [3, 2, ""], [3, 2, ""], null]',
        '[{"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}]',
    ],
)
def test_what_the_cache_holds_instead_of_digests_is_passed_over(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(collection, "MANY", 2)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    wanted = opened(pictures, None).digests
    files = [*(tmp_path / "cache").rglob("*.json")]
    for file in files:
        file.write_text(text, encoding="utf-8")
    collection._checked.clear()
    assert opened(pictures, None).digests == wanted and files


def test_a_split_of_which_few_may_be_asked_for_is_not_hashed(pictures: Path) -> None:
    assert open_dataset(f"folder:{pictures}", "train", 32).digests == ()
