"""Which pictures of a folder are in which split, and what is made of them: by hashlib and Pillow in the test."""

from __future__ import annotations

import hashlib
import os
from itertools import count as numbers
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.collection import assign_splits
from bench.util.draws import uniforms
from tests.bench.datasets.folders import folder

NOISE = np.random.default_rng(0).integers(0, 256, (60, 91, 3), np.uint8)


def sha(name: str) -> float:
    """The first 8 bytes of sha256sum, the first counting least, as a share of all there are."""
    return sum(byte << (8 * k) for k, byte in enumerate(hashlib.sha256(name.encode()).digest()[:8])) / 2**64


def names(low: float, high: float, many: int) -> list[str]:
    """Names whose hash lies in a part of [0, 1), the lowest first."""
    found = islice((f"n{i}" for i in numbers() if low <= sha(f"n{i}") < high), many)
    return sorted(found, key=sha)


def fill(path: Path, stems: list[str]) -> None:
    for stem in stems:
        Image.new("RGB", (12, 10), (255, 0, 0)).save(path / f"{stem}.png")


def test_a_fifth_is_test_a_tenth_validation_and_the_rest_train() -> None:
    keys = [f"holiday/{i}" for i in range(400)]
    expected = {key: "test" if sha(key) < 0.2 else "validation" if sha(key) < 0.3 else "train" for key in keys}
    assert assign_splits(keys) == {key: (split,) for key, split in expected.items()}


def test_where_a_split_would_be_empty_the_nearest_hash_moves_over() -> None:
    def parts(*keys: list[str]) -> dict[str, list[str]]:
        every = [key for part in keys for key in part]
        splits = assign_splits(sorted(every))
        return {
            name: sorted((key for key in every if name in splits[key]), key=sha)
            for name in ("test", "validation", "train")
        }

    test, validation, train = names(0, 0.2, 3), names(0.2, 0.3, 3), names(0.3, 1, 3)
    assert parts(validation, train) == {"test": validation[:1], "validation": validation[1:], "train": train}
    assert parts(test, validation) == {"test": test, "validation": validation[:2], "train": validation[2:]}
    assert parts(test, train) == {"test": test, "validation": train[:1], "train": train[1:]}
    assert parts(train) == {"test": train[:1], "validation": train[1:2], "train": train[2:]}
    assert parts(test) == {"test": test[:1], "validation": test[1:2], "train": test[2:]}
    assert parts(test, train[:1]) == {"test": test[:2], "validation": test[2:], "train": train[:1]}
    assert parts(validation) == {"test": validation[:1], "validation": validation[1:2], "train": validation[2:]}
    # Of two, the one trained on also validates.
    assert parts(validation[:2]) == {"test": validation[:1], "validation": validation[1:2], "train": validation[1:2]}
    assert parts(test[:1], train[:1]) == {"test": test[:1], "validation": train[:1], "train": train[:1]}


def test_a_count_takes_the_lowest_hashes_and_says_so(tmp_path: Path) -> None:
    stems = [f"{i:02d}" for i in range(30)]
    fill(tmp_path, stems)
    data = folder(tmp_path, count=5)
    assert list(data.ids) == sorted(sorted(stems, key=sha)[:5]) != stems[:5]
    assert data.note == f"5 of 30 in {tmp_path}"
    assert folder(tmp_path).note == f"all 30 pictures of {tmp_path}"
    scored = sorted((stem for stem in stems if sha(stem) < 0.2), key=sha)
    assert len(scored) > 2
    assert list(folder(tmp_path, "test", count=2).ids) == sorted(scored[:2])
    # Only training goes on after its last picture.
    assert len(folder(tmp_path, "test", 8, 99)) == len(scored)


def test_the_note_counts_the_splits_and_the_crops(tmp_path: Path) -> None:
    stems = [f"{i:02d}" for i in range(30)]
    fill(tmp_path, stems)
    scored = sum(sha(stem) < 0.2 for stem in stems)
    held = sum(0.2 <= sha(stem) < 0.3 for stem in stems)
    trained = 30 - scored - held
    assert folder(tmp_path, "train", 8, 50).note == (
        f"{trained} train of 30 pictures in {tmp_path} (split by a hash of the name: {trained} train, {held} "
        f"validation, {scored} test); {50 - trained} more are crops of these at random"
    )


def test_the_note_says_where_a_split_is_none(tmp_path: Path) -> None:
    fill(tmp_path, ["one"])
    only = "used to train, validate and score alike, so scores are optimistic; add pictures for a proper split"
    assert folder(tmp_path, "test").note == f"1 picture of one name in {tmp_path}: {only}"
    fill(tmp_path, ["two"])
    split = f"of 2 pictures in {tmp_path} (split by a hash of the name: 1 train, 1 validation, 1 test)"
    assert folder(tmp_path, "test").note == f"1 test {split}"
    assert folder(tmp_path, "train").note == f"1 train {split}"
    spare = "too few to spare one: the validation picture is the one trained on"
    assert folder(tmp_path, "validation").note == f"1 validation {split}; {spare}"
    fill(tmp_path, ["three"])
    assert "too few" not in folder(tmp_path, "validation").note


def test_an_id_does_not_change_when_a_broken_file_of_its_stem_is_mended(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    (tmp_path / "a.jpg").write_bytes(b"broken")
    data = folder(tmp_path)
    assert list(data.ids) == ["a.png"]
    assert [name for name, _ in data.skipped] == ["a.jpg"]
    Image.new("RGB", (12, 10)).save(tmp_path / "a.jpg")
    assert list(folder(tmp_path).ids) == ["a.jpg", "a.png"]


def test_what_is_skipped_is_sorted_by_name(tmp_path: Path) -> None:
    fill(tmp_path, ["good"])
    for name in ("z.png", "b.png", "k.png"):
        (tmp_path / name).write_bytes(b"broken")
    assert [name for name, _ in folder(tmp_path).skipped] == ["b.png", "k.png", "z.png"]


@pytest.mark.parametrize("kept", ["bytes", "time"])
def test_a_file_that_was_replaced_is_looked_at_again(tmp_path: Path, kept: str) -> None:
    fill(tmp_path, ["a", "b"])
    assert len(folder(tmp_path)) == 2
    path = tmp_path / "a.png"
    before = path.stat()
    path.write_bytes(b"x" * (before.st_size + (kept == "time")))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + (kept == "bytes")))
    assert list(folder(tmp_path).ids) == ["b"]


# Training pictures ------------------------------------------------------------------------------------------


def square(pixels: np.ndarray, left: int, top: int, side: int, size: int) -> np.ndarray:
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC, box=box))


def drawn(pixels: np.ndarray, stem: str, turn: int, size: int) -> np.ndarray:
    """The crop of turn ``turn``: drawn from the picture's name, half of the shorter side or more."""
    u = uniforms(0, f"folder/{stem}", turn, 4)[0]
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    side = shorter // 2 + int(u[0] * (shorter - shorter // 2 + 1))
    left, top = int(u[1] * (width - side + 1)), int(u[2] * (height - side + 1))
    crop = square(pixels, left, top, side, size)
    return crop[:, ::-1] if u[3] < 0.5 else crop


def test_training_pictures_are_whole_first_then_crops_drawn_from_name_and_turn(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "beach.png")
    data = folder(tmp_path, "train", 16, 5)
    # Kept at twice the size: 60 pixels to 32, and 91 to 48.5….
    kept = np.asarray(Image.fromarray(NOISE).resize((49, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(data.load(0), square(kept, 8, 0, 32, 16))
    for turn in range(1, 5):
        np.testing.assert_array_equal(data.load(turn), drawn(kept, "beach", turn, 16))


def test_a_training_jpeg_is_decoded_small_but_not_below_twice_the_size(tmp_path: Path) -> None:
    smooth = Image.fromarray(NOISE[:8, :12]).resize((300, 200), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "beach.jpg", quality=95)
    # At 32 pixels 64 are needed: half of 200 has them, a quarter has not.
    with Image.open(tmp_path / "beach.jpg") as image:
        image.draft("RGB", (64, 64))
        assert image.size == (150, 100)
        kept = np.asarray(image.resize((96, 64), Image.Resampling.BICUBIC))
    data = folder(tmp_path, "train", 32, 3)
    np.testing.assert_array_equal(data.load(0), square(kept, 16, 0, 64, 32))
    np.testing.assert_array_equal(data.load(2), drawn(kept, "beach", 2, 32))
