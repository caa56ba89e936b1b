"""Holes from picture files: pairing, polarity, grey, sizes, and what is said of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.suites.hole_file import PLAIN, Reading
from bench.suites.hole_folder import HoleFolder, folder_types, some
from bench.suites.suite import Suite, parse_masks
from bench.util.errors import UsageError

HOLE = np.zeros((10, 12), bool)
HOLE[2:5, 3:9] = True


def grey(hole: np.ndarray) -> Image.Image:
    return Image.fromarray(hole.astype(np.uint8) * 255)


def dataset(ids: list[str]) -> Dataset:
    return Dataset("photos", "test", None, ids, lambda index: np.full((10, 12, 3), index, np.uint8))


def put(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def alpha(hole: np.ndarray, colour: int) -> Image.Image:
    """One colour everywhere, opaque in the hole only."""
    picture = np.full((*hole.shape, 4), colour, np.uint8)
    picture[..., 3] = hole * 255
    return Image.fromarray(picture)


KINDS: dict[str, Callable[[], Image.Image]] = {
    "grey": lambda: grey(HOLE),
    "black and white": lambda: grey(HOLE).convert("1"),
    "RGB": lambda: grey(HOLE).convert("RGB"),
    "palette": lambda: grey(HOLE).convert("RGB").convert("P"),
    "16 bits": lambda: Image.fromarray(HOLE.astype(np.uint16) * 65535),
    "opaque alpha": lambda: grey(HOLE).convert("RGBA"),
    "transparent where known": lambda: alpha(HOLE, 255),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read_as_the_same_hole(kind: str, tmp_path: Path) -> None:
    put(tmp_path / "a.png", KINDS[kind]())
    folder = HoleFolder("mine", tmp_path)
    np.testing.assert_array_equal(folder.read("a", (10, 12)), HOLE)
    said = ["holes of 'mine' with transparent pixels, read as known: 1 (a.png)"]
    assert folder.notes() == (said if kind.startswith("transparent") else [])


def test_holes_that_cover_most_of_their_pictures_may_be_what_is_known(tmp_path: Path) -> None:
    for name, rows in (("a", 6), ("b", 5)):  # of ten: 60 % and 50 % of each picture
        put(tmp_path / f"{name}.png", grey(np.arange(10)[:, None].repeat(12, axis=1) < rows))
    folder, black = HoleFolder("mine", tmp_path), HoleFolder("mine", tmp_path, Reading("black"))
    folder.read("b", (10, 12))
    assert folder.notes() == []
    for each in (folder, black):
        each.read("a", (10, 12))
    said = "cover 55% of their pictures on average: if white is what is known, use --mask-polarity black"
    assert folder.notes() == [f"the holes of 'mine' {said}"]
    assert black.notes() == []


def test_black_polarity_turns_the_hole_and_keeps_transparent_pixels_known(tmp_path: Path) -> None:
    put(tmp_path / "a.png", grey(~HOLE))
    put(tmp_path / "b.png", alpha(HOLE, 0))
    folder = HoleFolder("mine", tmp_path, Reading("black"))
    np.testing.assert_array_equal(folder.read("a", (10, 12)), HOLE)
    np.testing.assert_array_equal(folder.read("b", (10, 12)), HOLE)
    with pytest.raises(UsageError, match="unknown mask polarity 'blak': choose white or black"):
        Reading("blak")


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_a_turned_hole_is_read_as_a_viewer_shows_it(suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # what is stored must be turned a quarter clockwise
    options = {"lossless": True} if suffix == "webp" else {}
    grey(np.rot90(HOLE)).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    np.testing.assert_array_equal(HoleFolder("mine", tmp_path).read("a", (10, 12)), HOLE)


def test_16_bits_are_parted_in_the_middle(tmp_path: Path) -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    put(tmp_path / "a.png", Image.fromarray(deep))
    for polarity in ("white", "black"):
        hole = HoleFolder("mine", tmp_path, Reading(polarity, 127)).read("a", (256, 256))
        np.testing.assert_array_equal(hole, (deep >= 32768) == (polarity == "white"))


def test_grey_is_parted_at_127_and_said(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for name in "abcdefg":
        put(tmp_path / f"{name}.png", Image.fromarray(ramp))
    put(tmp_path / "clean.png", grey(HOLE))
    folder = HoleFolder("mine", tmp_path, Reading("white", 127))
    for name in "abcdefg":
        np.testing.assert_array_equal(folder.read(name, (16, 16)).ravel(), np.arange(256) >= 128)
    folder.read("clean", (10, 12))
    (note,) = folder.notes()
    assert "holes of 'mine' with grey pixels, read as white above 127 and as black up to it: 7 (a.png, b.png" in note
    assert "and 2 more" in note
    assert "clean" not in note
    turned = HoleFolder("mine", tmp_path, Reading("black", 127))
    np.testing.assert_array_equal(turned.read("a", (16, 16)).ravel(), np.arange(256) < 128)


def test_empty_holes_are_allowed_and_said_and_full_ones_are_allowed(tmp_path: Path) -> None:
    # Values 0 and 1 in place of 0 and 255: a common slip, which the note makes plain.
    put(tmp_path / "slip.png", Image.fromarray(HOLE.astype(np.uint8)))
    put(tmp_path / "full.png", Image.new("L", (12, 10), 255))
    folder = HoleFolder("mine", tmp_path)
    assert not folder.read("slip", (10, 12)).any()
    assert folder.read("full", (10, 12)).all()
    notes = folder.notes()
    assert "empty holes of 'mine', whose scores of the hole stay empty: 1 (slip.png)" in notes[-1]
    assert "the brightest pixel of slip.png is 1 of 255" in notes[-1]
    assert not any("full" in note for note in notes)


def test_a_hole_that_is_empty_in_black_names_its_darkest_pixel(tmp_path: Path) -> None:
    for name, level in (("b", 200), ("a", 130), ("c", 255)):
        put(tmp_path / f"{name}.png", Image.fromarray(np.array([[level, 255]], np.uint8)))
    folder = HoleFolder("mine", tmp_path, Reading("black"))
    for name in "bca":
        assert not folder.read(name, (1, 2)).any()
    assert "stay empty: 3 (a.png, b.png, c.png); the darkest pixel of a.png is 130 of 255" in folder.notes()[-1]


def test_up_to_five_names_are_listed() -> None:
    assert some(list("abcde")) == "a, b, c, d, e"
    assert some(list("abcdef")) == "a, b, c, d, e and 1 more"


def test_a_dot_in_an_id_is_no_suffix(tmp_path: Path) -> None:
    put(tmp_path / "v1.png", grey(HOLE))
    folder = HoleFolder("mine", tmp_path)
    assert folder.find("v1.5") is None
    assert folder.find("v1.jpg") == tmp_path / "v1.png"
    put(tmp_path / "v1.5.png", grey(HOLE))
    assert HoleFolder("mine", tmp_path).find("v1.5") == tmp_path / "v1.5.png"


def test_spare_holes_are_those_of_the_last_pictures_asked_for(tmp_path: Path) -> None:
    put(tmp_path / "a.png", grey(HOLE))
    put(tmp_path / "b.png", grey(HOLE))
    folder = HoleFolder("mine", tmp_path)
    folder.require(["a"])
    assert "left out: 1 (b.png)" in folder.notes()[0]
    folder.require(["a", "b"])
    assert folder.notes() == []


def test_a_suite_knows_its_pictures_folders_from_mask_types(tmp_path: Path) -> None:
    put(tmp_path / "mine" / "day" / "a.png", grey(HOLE))
    assert Suite.open([dataset(["day/a"])], f"folder:{tmp_path / 'mine'}").masks == ("mine",)
    assert Suite.open([dataset(["a"])], f"folder:{tmp_path / 'mine'}").masks == ("day",)


def test_a_hole_of_another_size_names_the_file_and_both_sizes(tmp_path: Path) -> None:
    put(tmp_path / "a.png", Image.new("L", (12, 9), 255))
    suite = Suite.open([dataset(["a"])], f"folder:{tmp_path}")
    with pytest.raises(UsageError, match=r"a\.png is 12x9 pixels but its picture 'a' is 12x10 pixels"):
        suite.fingerprint()


def test_an_unreadable_hole_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    suite = Suite.open([dataset(["a"])], f"folder:{tmp_path}")
    with pytest.raises(UsageError, match=r"a\.png cannot be read as a picture"):
        suite.fingerprint()


def test_missing_holes_are_listed_before_anything_is_done(tmp_path: Path) -> None:
    put(tmp_path / "b.png", grey(HOLE))
    with pytest.raises(UsageError, match=r"no hole for 7 of 8 pictures \(a, c, d, e, f and 2 more\)"):
        Suite.open([dataset(list("abcdefgh"))], f"folder:{tmp_path}")


def test_holes_that_belong_to_no_picture_are_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "deep/stray"):
        put(tmp_path / f"{name}.png", grey(HOLE))
    suite = Suite.open([dataset(["b", "x/a"])], f"folder:{tmp_path}")
    (note,) = suite.notes()
    assert "belong to no picture of the suite and were left out: 2 (c.png, deep/stray.png)" in note
    (tmp_path / "c.png").unlink()
    (tmp_path / "deep" / "stray.png").unlink()
    assert Suite.open([dataset(["b", "x/a"])], f"folder:{tmp_path}").notes() == []


def test_holes_pair_by_relative_path_first_then_by_stem(tmp_path: Path) -> None:
    paired = {"day/a": np.roll(HOLE, 1), "night/a": np.roll(HOLE, 2), "b": np.roll(HOLE, 3), "x/c": np.roll(HOLE, 4)}
    put(tmp_path / "day" / "a.png", grey(paired["day/a"]))
    put(tmp_path / "night" / "a.bmp", grey(paired["night/a"]))
    put(tmp_path / "deep" / "b.png", grey(paired["b"]))
    put(tmp_path / "c.PNG", grey(paired["x/c"]))
    put(tmp_path / "nobody.png", grey(HOLE))
    folder = HoleFolder("mine", tmp_path)
    for image_id, hole in paired.items():
        np.testing.assert_array_equal(folder.read(image_id, (10, 12)), hole)
    # An id keeps its picture's suffix where two pictures share the rest.
    np.testing.assert_array_equal(folder.read("c.jpg", (10, 12)), paired["x/c"])
    assert folder.find("d") is None


def test_a_hole_that_could_be_either_of_two_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "day" / "a.png", grey(HOLE))
    put(tmp_path / "night" / "a.png", grey(HOLE))
    with pytest.raises(UsageError, match=r"'a' could have any of 2 holes .*day/a\.png or night/a\.png"):
        HoleFolder("mine", tmp_path).require(["a"])
    put(tmp_path / "day" / "a.bmp", grey(HOLE))
    with pytest.raises(UsageError, match=r"two holes with the same name .*a\.bmp and a\.png"):
        HoleFolder("mine", tmp_path)


def test_sub_folders_are_mask_types_unless_they_mirror_the_pictures(tmp_path: Path) -> None:
    put(tmp_path / "rect" / "day" / "a.png", grey(HOLE))
    put(tmp_path / "My strokes" / "day" / "a.png", grey(np.roll(HOLE, 1)))
    suite = Suite.open([dataset(["day/a"])], f"folder:{tmp_path}")
    assert suite.masks == ("my_strokes", "rect")
    pictures = dataset(["day/a"])
    np.testing.assert_array_equal(suite.holes(pictures, "my_strokes", [0], [(10, 12)])[0], np.roll(HOLE, 1))
    np.testing.assert_array_equal(suite.holes(pictures, "rect", [0], [(10, 12)])[0], HOLE)
    # The picture's own folder: one mask type.
    own = folder_types(str(tmp_path / "rect"), ids=["day/a"])
    assert [folder.name for folder in own] == ["rect"]
    # A hole beside the sub-folders: one mask type.
    put(tmp_path / "b.png", grey(HOLE))
    assert len(folder_types(str(tmp_path))) == 1


def test_folder_names_become_mask_names(tmp_path: Path) -> None:
    for given, name in (("Größe 2-a", "gr_e_2_a"), ("all", "all_holes"), ("…", "holes")):
        put(tmp_path / given / "a.png", grey(HOLE))
        assert [folder.name for folder in folder_types(str(tmp_path / given))] == [name]
    put(tmp_path / "two" / "a-b" / "a.png", grey(HOLE))
    put(tmp_path / "two" / "a_b" / "a.png", grey(HOLE))
    with pytest.raises(UsageError, match="would both be 'a_b': rename one"):
        folder_types(str(tmp_path / "two"))


def test_hidden_files_are_no_holes(tmp_path: Path) -> None:
    put(tmp_path / "a.png", grey(HOLE))
    put(tmp_path / ".thumbs" / "a.png", grey(HOLE))
    (tmp_path / "._a.png").write_bytes(b"resource fork")
    assert HoleFolder("mine", tmp_path).find("a") == tmp_path / "a.png"


@pytest.mark.parametrize(
    ("folder", "words"), [("", "no folder of holes"), ("nowhere", "no folder of holes at"), (".", "no holes in")]
)
def test_a_folder_that_is_not_there_or_empty_is_refused(
    folder: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=words):
        folder_types(folder)


def test_notes_of_a_suite_are_whole_after_its_fingerprint(tmp_path: Path) -> None:
    put(tmp_path / "0.png", Image.new("L", (12, 10), 200))
    put(tmp_path / "1.png", Image.new("L", (12, 10), 0))
    suite = Suite.open([dataset(["0", "1"])], f"folder:{tmp_path}")
    assert suite.notes() == []
    suite.fingerprint()
    assert ["grey" in suite.notes()[0], "empty" in suite.notes()[1]] == [True, True]


def photograph(height: int = 96, width: int = 128) -> np.ndarray:
    """A colour photograph, uint8 (height, width, 3)."""
    import skimage.data

    return np.asarray(Image.fromarray(skimage.data.chelsea()).resize((width, height)))


def soft(hole: np.ndarray) -> Image.Image:
    """A hole with edges as an editor's soft brush leaves them."""
    from PIL import ImageFilter

    return grey(hole).filter(ImageFilter.GaussianBlur(1))


def test_a_photograph_is_no_hole_in_colour_in_grey_and_with_its_alpha_erased(tmp_path: Path) -> None:
    colour = photograph()
    erased = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
    erased[30:60, 40:80, 3] = 0
    put(tmp_path / "a.png", Image.fromarray(colour))
    put(tmp_path / "b.png", Image.fromarray(colour).convert("L"))
    put(tmp_path / "c.png", Image.fromarray(erased))
    put(tmp_path / "d.jpg", Image.fromarray(colour))
    folder = HoleFolder("mine", tmp_path)
    for name in "abcd":
        with pytest.raises(UsageError, match=rf"{name}\.\w+ looks like a photograph, not a hole .*--mask-threshold N"):
            folder.read(name, (96, 128))
    meant = HoleFolder("mine", tmp_path, Reading(threshold=90))
    np.testing.assert_array_equal(meant.read("b", (96, 128)), np.asarray(Image.fromarray(colour).convert("L")) > 90)
    with pytest.raises(UsageError, match="--mask-threshold 255 must be from 0 to 254"):
        Reading(threshold=255)


def test_holes_with_soft_or_jpeg_edges_and_labels_are_no_photographs(tmp_path: Path) -> None:
    from bench.masks.registry import draw

    for index, hole in enumerate(draw("lama_thin", (128, 128), 0, range(8))):
        put(tmp_path / f"soft{index}.png", soft(hole))
        put(tmp_path / f"jpeg{index}.jpg", grey(hole).convert("RGB"))
        put(tmp_path / f"label{index}.png", Image.fromarray(np.where(hole, 200, 60).astype(np.uint8)))
        folder = HoleFolder("mine", tmp_path)
        assert (folder.read(f"jpeg{index}", (128, 128)) == hole).mean() > 0.98
        assert (folder.read(f"label{index}", (128, 128)) == hole).all()
        assert (folder.read(f"soft{index}", (128, 128)) == hole).mean() > 0.9


def test_holes_named_as_lamas_tools_do_pair_with_the_picture_beside_them(tmp_path: Path) -> None:
    for name in ("k1", "k2"):
        put(tmp_path / f"{name}.jpg", Image.fromarray(photograph(10, 12)))
    put(tmp_path / "k1_mask001.png", grey(HOLE))
    put(tmp_path / "k2_mask.png", grey(~HOLE))
    folder = HoleFolder("mine", tmp_path)
    folder.require(["k1", "k2"])
    np.testing.assert_array_equal(folder.read("k1", (10, 12)), HOLE)
    np.testing.assert_array_equal(folder.read("k2", (10, 12)), ~HOLE)
    assert folder.notes() == []
    put(tmp_path / "k1_mask002.png", grey(HOLE))
    with pytest.raises(UsageError, match=r"'k1' has 2 holes in .*k1_mask001.png and k1_mask002.png: --data lama:DIR"):
        HoleFolder("mine", tmp_path).require(["k1"])


def test_links_to_folders_of_holes_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "a.png", grey(HOLE))
    (tmp_path / "holes").mkdir()
    (tmp_path / "holes" / "rect").symlink_to(tmp_path / "elsewhere")
    assert [folder.name for folder in folder_types(str(tmp_path / "holes"))] == ["rect"]


def test_holes_of_0_and_1_are_read_with_a_threshold(tmp_path: Path) -> None:
    put(tmp_path / "a.png", Image.fromarray(HOLE.astype(np.uint8)))
    np.testing.assert_array_equal(HoleFolder("mine", tmp_path, Reading(threshold=0)).read("a", (10, 12)), HOLE)


def test_holes_named_by_a_pattern_are_found_by_it(tmp_path: Path) -> None:
    put(tmp_path / "day" / "case7_hole.png", grey(HOLE))
    (folder,) = folder_types(f"{tmp_path}?name=case{{id}}_hole.png", ids=["day/case7_hole"])
    np.testing.assert_array_equal(folder.read("day/7", (10, 12)), HOLE)
    with pytest.raises(UsageError, match=r"has the name of its picture, case8_hole.png"):
        folder.require(["8"])


def test_holes_whose_names_are_not_utf8_are_left_out_and_said(tmp_path: Path) -> None:
    put(tmp_path / "a.png", grey(HOLE))
    name = os.fsdecode(b"caf\xe9.png")
    put(tmp_path / name, grey(HOLE))
    assert HoleFolder("mine", tmp_path).notes() == [
        r"files of 'mine' that cannot be read and were left out: 1 (caf\udce9.png: its name is not valid UTF-8)"
    ]


def test_a_folder_without_a_hole_that_can_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.heic").touch()
    said = rf"no holes in {tmp_path} that can be read \(1 cannot; a.heic: HEIC is not read: convert it to PNG or JPEG\)"
    for masks in (f"folder:{tmp_path}", f"pool:{tmp_path}"):
        with pytest.raises(UsageError, match=said):
            parse_masks(masks, PLAIN)
