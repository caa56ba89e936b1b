"""Folders of pictures: broken ones, names, sizes, splits, crops."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.datasets import collection
from bench.datasets.collection import assign_splits, name_pictures, share
from bench.datasets.pictures import read_picture
from bench.datasets.registry import open_dataset
from bench.util.errors import BenchError, UsageError
from tests.bench.datasets.folders import BLUE, GREEN, RED, folder, save

# What cannot be read ----------------------------------------------------------------------------------------


def test_broken_and_truncated_files_are_named_and_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    kinds = ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm")
    for kind in kinds:
        whole = tmp_path / f"whole.{kind}"
        Image.fromarray(noise).save(whole)
        content = whole.read_bytes()
        (tmp_path / f"half.{kind}").write_bytes(content[: len(content) // 2])
    (tmp_path / "deep.png").write_bytes(cv2.imencode(".png", noise.astype(np.uint16) * 257)[1].tobytes()[:9000])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpeg").write_text("not a picture")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    Image.fromarray(np.array([[0.5]], np.float32)).save(tmp_path / "float.tif")
    data = folder(tmp_path)
    assert sorted(data.ids) == sorted(f"whole.{kind}" for kind in kinds)
    named = dict(data.skipped)
    assert set(named) == {
        *(f"half.{kind}" for kind in kinds),
        *("deep.png", "empty.jpg", "text.jpeg", "gone.png", "pipe.png", "float.tif"),
    }
    assert "truncated" in named["half.jpg"] and "empty" in named["empty.jpg"] and "regular" in named["pipe.png"]
    assert "broken" in named["gone.png"] and "range" in named["float.tif"]
    assert all(why and "\n" not in why and str(tmp_path) not in why for why in named.values())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_exif_block_does_not_cost_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), RED).save(tmp_path / "odd.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    data = folder(tmp_path)
    assert data.skipped == () and data.load(0).shape == (8, 8, 3)


def test_a_folder_of_broken_pictures_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").write_bytes(b"y")
    with pytest.raises(UsageError, match=r"none of the 2 pictures .* a\.png") as caught:
        folder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("made", [False, True])
def test_an_empty_or_missing_folder_is_refused_in_a_sentence(tmp_path: Path, made: bool) -> None:
    path = tmp_path / "no such"
    if made:
        path.mkdir()
        (path / "readme.txt").write_text("x")
    with pytest.raises(UsageError, match="no pictures in" if made else "does not exist"):
        folder(path)


def test_a_file_or_no_path_is_refused_in_a_sentence(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="is a file"):
        folder(tmp_path / "a.png")
    with pytest.raises(UsageError, match="folder:PATH"):
        open_dataset("folder")


def test_a_picture_that_goes_away_after_opening_is_a_named_failure(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    data = folder(tmp_path, "test")
    (tmp_path / "a.png").unlink()
    with pytest.raises(BenchError, match=r"a\.png"):
        data.load(0)


def test_pictures_of_a_whole_folder_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "sub" / "a.png", (0, 9, 0))
    decoded: list[Path] = []
    plain = collection.read_picture
    monkeypatch.setattr(collection, "read_picture", lambda path: (decoded.append(path), plain(path))[1])
    data = folder(tmp_path, size=32)
    assert [data.load(i)[0, 0].tolist() for i in (0, 1, 0)] == [[255, 0, 0], [0, 9, 0], [255, 0, 0]]
    assert sorted(decoded) == [tmp_path / "a.png", tmp_path / "sub" / "a.png"]


# Names ------------------------------------------------------------------------------------------------------


def test_ids_are_sorted_paths_without_suffix_and_other_files_are_ignored(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.JPG", "a.b.png", "Zoë & co/straße 1.png", "c d.png"):
        save(tmp_path / name)
    for name in (".hidden.png", "._a.jpg", ".git/x.png", "__MACOSX/y.png", "b/notes.txt", "b/raw.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"?")
    data = folder(tmp_path)
    assert list(data.ids) == ["Zoë & co/straße 1", "a.b", "b/10", "b/2", "c d"]
    assert data.skipped == ()


def test_two_files_of_one_stem_keep_their_suffix() -> None:
    assert name_pictures(["a.jpg", "a.png", "b.png"]) == {"a.jpg": "a.jpg", "a.png": "a.png", "b.png": "b"}
    # The whole name of one may be the stem of a third.
    named = name_pictures(["a.jpg", "a.jpg.png", "a.png", "x/a.png"])
    assert named == {"a.jpg": "a.jpg", "a.jpg.png": "a.jpg.png", "a.png": "a.png", "x/a.png": "x/a"}


def test_links_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "round").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / "in")
    save(tmp_path / "elsewhere.png")
    (tmp_path / "linked.png").symlink_to(tmp_path / "elsewhere.png")
    assert list(folder(tmp_path).ids) == ["elsewhere", "in/a", "linked"]


def test_a_name_that_is_not_utf_8_is_skipped_by_name(tmp_path: Path) -> None:
    save(tmp_path / "good.png")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    data = folder(tmp_path)
    assert list(data.ids) == ["good"] and "UTF-8" in data.skipped[0][1]
    data.skipped[0][0].encode()


# Sizes ------------------------------------------------------------------------------------------------------


def test_without_a_size_pictures_keep_their_own(tmp_path: Path) -> None:
    save(tmp_path / "a.png", size=(30, 20))
    save(tmp_path / "b.png", size=(7, 9))
    assert [folder(tmp_path).load(i).shape for i in range(2)] == [(20, 30, 3), (9, 7, 3)]


def test_a_size_takes_the_centre_of_the_shorter_side(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :20], wide[:, 20:40], wide[:, 40:] = RED, GREEN, BLUE
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(wide.swapaxes(0, 1)).save(tmp_path / "b.png")
    data = folder(tmp_path, size=20)
    assert (data.batch([0, 1]) == GREEN).all()
    smaller = folder(tmp_path, size=10).batch([0, 1])
    assert smaller.shape == (2, 10, 10, 3) and (smaller[:, 3:7, 3:7] == GREEN).all()


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    # Black and white fields of one pixel: an even grey; every eighth pixel alone would be black or white.
    assert abs(folder(tmp_path, size=8).load(0).astype(int) - 127.5).max() < 3


def test_a_very_long_picture_does_not_need_the_memory_of_its_enlargement(tmp_path: Path) -> None:
    save(tmp_path / "strip.png", size=(20_000, 2))
    assert (folder(tmp_path, size=256).load(0) == RED).all()


def test_the_note_counts_pictures_that_had_to_be_enlarged(tmp_path: Path) -> None:
    save(tmp_path / "a.png", size=(100, 20))
    save(tmp_path / "b.png", size=(40, 40))
    data = folder(tmp_path, size=32)
    assert "1 smaller than 32 px, enlarged" in data.note
    assert data.load(0).shape == (32, 32, 3)
    assert "enlarged" not in folder(tmp_path, size=20).note


def test_a_picture_may_be_changed_without_harm_to_the_next_load(tmp_path: Path) -> None:
    save(tmp_path / "a.png", size=(16, 16))
    for data in (folder(tmp_path), folder(tmp_path, size=16), folder(tmp_path, "train", 16, 4)):
        data.load(0)[:] = 7
        assert (data.load(0) == RED).all()


# Splits -----------------------------------------------------------------------------------------------------


def test_splits_part_every_picture_and_adding_one_moves_no_other() -> None:
    keys = [f"p{i}" for i in range(500)]
    splits = assign_splits(keys)
    counts = {name: sum(parts == (name,) for parts in splits.values()) for name in ("train", "validation", "test")}
    assert sum(counts.values()) == 500
    assert 70 <= counts["test"] <= 130 and 30 <= counts["validation"] <= 75
    more = assign_splits([*keys, "another", "and another"])
    assert all(more[key] == splits[key] for key in keys)


@pytest.mark.parametrize("count", [3, 4, 5, 8, 12])
def test_no_split_of_a_small_folder_is_empty(count: int) -> None:
    for start in range(60):
        splits = assign_splits([f"{start}-{i}" for i in range(count)])
        held = [parts[0] for parts in splits.values()]
        assert all(len(parts) == 1 for parts in splits.values())
        assert set(held) == {"train", "validation", "test"}


def test_two_pictures_part_and_one_serves_for_all(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    assert {tuple(folder(tmp_path, split, 8).ids) for split in ("train", "validation", "test")} == {("a",)}
    assert "optimistic" in folder(tmp_path, "test", 8).note
    for start in range(20):
        splits = assign_splits([f"a{start}", f"b{start}"])
        assert sorted(splits.values()) == [("test",), ("train", "validation")]
    save(tmp_path / "b.png", BLUE)
    train, test = folder(tmp_path, "train", 8), folder(tmp_path, "test", 8)
    assert {*train.ids, *test.ids} == {"a", "b"} and len(train) == len(test) == 1
    assert "1 train, 1 validation, 1 test" in test.note


def test_the_share_of_a_name_is_its_sha_256() -> None:
    # printf beach | sha256sum begins so; read as a little-endian fraction.
    first = bytes.fromhex("ab36e84344729d2b")
    assert share("beach") == pytest.approx(sum(byte * 256.0 ** (k - 8) for k, byte in enumerate(first)), rel=1e-15)


def test_same_stem_never_parts_between_train_and_test(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"{i}.png")
        save(tmp_path / f"{i}.jpg")
    stems = [{name.split(".")[0] for name in folder(tmp_path, split, 8).ids} for split in ("train", "test")]
    assert not stems[0] & stems[1]


def test_a_smaller_count_is_part_of_a_larger_one(tmp_path: Path) -> None:
    for i in range(30):
        save(tmp_path / f"{i:02d}.png")
    few, more = folder(tmp_path, count=5), folder(tmp_path, count=20)
    assert len(few) == 5 and set(few.ids) < set(more.ids) and list(few.ids) == sorted(few.ids)
    assert len(folder(tmp_path, count=99)) == 30


# Training crops ---------------------------------------------------------------------------------------------


def gradient(path: Path, width: int, height: int) -> None:
    y, x = np.mgrid[:height, :width]
    Image.fromarray(np.stack([x * 255 // width, y * 255 // height, 0 * x], axis=2).astype(np.uint8)).save(path)


def test_training_goes_on_with_crops_after_the_last_picture(tmp_path: Path) -> None:
    for i in range(4):
        gradient(tmp_path / f"{i}.png", 90, 60)
    data = folder(tmp_path, "train", 16, 50)
    pictures = data.batch(range(50))
    n = len(folder(tmp_path, "train", 16))
    assert len(data) == 50 and len(set(data.ids)) == 50 and pictures.shape == (50, 16, 16, 3)
    assert data.ids[n] == f"{data.ids[0]}@1"
    assert len({picture.tobytes() for picture in pictures}) > 40
    mirrored = [int(picture[8, 0, 0]) > int(picture[8, -1, 0]) for picture in pictures[n:]]
    assert 0.2 < np.mean(mirrored) < 0.8
    # Half of the shorter side at least: a third of the height's gradient and more.
    assert all(int(picture[-1, 8, 1]) - int(picture[0, 8, 1]) > 100 for picture in pictures)
    assert np.array_equal(folder(tmp_path, "train", 16, 30).load(29), pictures[29])
    assert np.array_equal(pickle.loads(pickle.dumps(data)).load(41), pictures[41])


def test_numbered_crops_keep_clear_of_names_with_an_at_sign(tmp_path: Path) -> None:
    for name in ("a", "a@1", "b", "c", "d", "e"):
        save(tmp_path / f"{name}.png")
    data = folder(tmp_path, "train", 8, 40)
    assert len(set(data.ids)) == 40


def test_a_shrunk_jpeg_is_still_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    gradient(path, 960, 640)
    small = read_picture(path, at_least=64)
    assert 64 <= min(small.shape[:2]) < 640
    whole = np.asarray(Image.fromarray(read_picture(path)).resize(small.shape[1::-1], Image.Resampling.BOX))
    assert abs(small.astype(int) - whole).max() <= 6


def test_opening_a_folder_does_not_warn(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4))
    picture.putpalette([1, 2, 3] * 256)
    picture.save(tmp_path / "a.png", transparency=bytes([0, 100, 200]))
    # A tag that OpenCV's reader does not know.
    deep = np.full((4, 4, 3), 4096, np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", deep, photometric="rgb", extratags=[(65000, "H", 1, 6, True)])
    script = (
        "from bench.util.start import settle_process; settle_process();"
        f"from bench.datasets.registry import open_dataset; open_dataset('folder:{tmp_path}').load(1)"
    )
    done = subprocess.run([sys.executable, "-W", "default", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
