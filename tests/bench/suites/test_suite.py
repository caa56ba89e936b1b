"""The suite: holes per picture, batches, and a fingerprint that anyone can recompute."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.masks.registry import draw, mask
from bench.suites.export import how_to_score
from bench.suites.suite import Suite, parse_masks
from bench.util.errors import UsageError
from variants.registry import UnknownName

ALL = ("border", "circle", "ellipse", "freeform", "half", "lama_medium", "lama_thick", "lama_thin", "rect", "standard")


def patterns(shapes: list[tuple[int, int]], name: str = "patterns") -> Dataset:
    """Pictures by a rule that any language can follow."""

    def load(index: int) -> np.ndarray:
        height, width = shapes[index]
        y, x, c = np.ogrid[:height, :width, :3]
        return ((7 * y + 13 * x + 31 * c + 17 * index) % 256).astype(np.uint8)

    return Dataset(name, "test", None, [f"shapes/{i:02d}" for i in range(len(shapes))], load)


def key(image_id: str) -> int:
    """What a picture's holes are drawn by, as docs/suite.md says: 63 bits of the SHA-256 of its id."""
    return int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8], "little") // 2


SQUARES = patterns([(64, 64)] * 9)
MIXED = patterns([(64, 64), (48, 80), (48, 80), (64, 64), (8, 8), (33, 65), (48, 80)])

# Frozen: whoever computes these pictures and holes in any release must get them.
GOLDEN_SQUARES = "8ea0620eb4530752917a5ad238ebfc8112b0109f656a5e915d5f12a46073de1a"
GOLDEN_MIXED = "d8d39630caac3c4e94f0f8c6eaf9c4fdd722db1f8d042e01adf1e4b81b993269"


@pytest.mark.parametrize(("batch", "workers"), [(1, 1), (4, 1), (9, 3), (100, 2), (2, 8)])
@pytest.mark.parametrize(("dataset", "golden"), [(SQUARES, GOLDEN_SQUARES), (MIXED, GOLDEN_MIXED)])
def test_fingerprint_is_the_frozen_one_whatever_batch_and_workers(
    dataset: Dataset, golden: str, batch: int, workers: int
) -> None:
    assert Suite((dataset,), ALL).fingerprint(batch, workers) == golden


def test_fingerprint_is_what_its_definition_says() -> None:
    """The text of bench.datasets.fingerprint, written down with nothing but hashlib, json and NumPy."""

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    texts = []
    for dataset in (MIXED, SQUARES):
        pictures = [dataset.load(i) for i in range(len(dataset))]
        lines = [
            f"image {json.dumps(i)} {p.shape[0]}x{p.shape[1]} {sha(p.tobytes())}"
            for i, p in zip(dataset.ids, pictures, strict=True)
        ]
        for name in ("circle", "rect"):
            for image_id, picture in zip(dataset.ids, pictures, strict=True):
                flags = draw(name, picture.shape[:2], 5, [key(image_id)])[0].ravel().tolist()
                flags += [False] * (-len(flags) % 8)
                packed = bytes(
                    sum(flag << (7 - k) for k, flag in enumerate(flags[i : i + 8])) for i in range(0, len(flags), 8)
                )
                height, width = picture.shape[:2]
                lines.append(f"hole {name} {json.dumps(image_id)} {height}x{width} {sha(packed)}")
        texts.append(sha("".join(f"{line}\n" for line in lines).encode()))
    expected = sha("".join(f"{line}\n" for line in ["inpaint-bench suite 2", "protocol mat", *sorted(texts)]).encode())
    assert Suite((SQUARES, MIXED), ("rect", "circle"), seed=5, protocol="mat").fingerprint() == expected


def test_fingerprint_sees_every_pixel_hole_name_and_protocol_and_nothing_else() -> None:
    suite = Suite((SQUARES,), ("rect", "circle"))
    base = suite.fingerprint()

    def dotted(index: int) -> np.ndarray:
        image = SQUARES.load(index)
        image[63, 63, 2] ^= index == 8
        return image

    unlike = [
        Suite((replace(SQUARES, load=dotted),), ("rect", "circle")),
        Suite((replace(SQUARES, ids=[*SQUARES.ids[:-1], "other"]),), ("rect", "circle")),
        Suite((patterns([(64, 64)] * 8),), ("rect", "circle")),
        Suite((SQUARES,), ("rect",)),
        Suite((SQUARES,), ("rect", "ellipse")),
        Suite((SQUARES,), ("rect", "circle"), seed=1),
        Suite((SQUARES,), ("rect", "circle"), protocol="lama"),
        Suite((SQUARES, MIXED), ("rect", "circle")),
        # The same bytes in another shape.
        Suite((replace(SQUARES, load=lambda i: SQUARES.load(i).reshape(32, 128, 3)),), ("rect", "circle")),
    ]
    found = [other.fingerprint() for other in unlike]
    assert len({base, *found}) == 1 + len(unlike)
    alike = [
        Suite((SQUARES,), ("circle", "rect")),
        Suite((replace(SQUARES, name="other", note="moved", split="all"),), ("rect", "circle")),
    ]
    assert [other.fingerprint() for other in alike] == [base, base]
    two = Suite((SQUARES, MIXED), ("rect",)).fingerprint()
    assert Suite((MIXED, SQUARES), ("rect",)).fingerprint() == two


def test_fingerprint_loads_each_picture_once_and_is_kept() -> None:
    loaded: list[int] = []
    lock = threading.Lock()

    def load(index: int) -> np.ndarray:
        with lock:
            loaded.append(index)
        return SQUARES.load(index)

    counts: list[int] = []
    suite = Suite((replace(SQUARES, load=load),), ALL)
    suite.fingerprint(batch=4, workers=2, progress=counts.append)
    suite.fingerprint()
    assert sorted(loaded) == list(range(9))
    assert sum(counts) == 9


def test_pictures_of_one_size_are_loaded_together() -> None:
    asked: list[list[int]] = []

    def together(indices) -> np.ndarray:  # type: ignore[no-untyped-def]
        asked.append(list(indices))
        return np.stack([SQUARES.load(i) for i in indices])

    fast = replace(SQUARES, size=64, load_batch=together)
    assert Suite((fast,), ("rect",)).fingerprint(batch=4) == Suite((SQUARES,), ("rect",)).fingerprint()
    assert asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


@pytest.mark.parametrize("batch", [1, 2, 3, 16])
def test_batches_keep_the_order_and_never_mix_sizes(batch: int) -> None:
    suite = Suite((MIXED,), ("lama_thin",), seed=4)
    parts = list(suite.batches(MIXED, "lama_thin", batch))
    assert [i for part in parts for i in part.indices] == list(range(7))
    assert [i for part in parts for i in part.ids] == list(MIXED.ids)
    for part in parts:
        assert len({image.shape for image in part.images}) == 1
        assert len(part.images) <= batch
        for index, image, hole in zip(part.indices, part.images, part.holes, strict=True):
            np.testing.assert_array_equal(image, MIXED.load(index))
            np.testing.assert_array_equal(hole, draw("lama_thin", image.shape[:2], 4, [key(MIXED.ids[index])])[0])
    if batch == 16:
        assert [part.indices for part in parts] == [[0], [1, 2], [3], [4], [5], [6]]


def test_holes_belong_to_pictures_in_whatever_order_they_are_asked() -> None:
    suite = Suite((MIXED,), ("ellipse",))
    shapes = [MIXED.load(i).shape for i in range(7)]
    forth = suite.holes(MIXED, "ellipse", range(7), shapes)
    back = suite.holes(MIXED, "ellipse", range(6, -1, -1), shapes[::-1])
    for one, other, shape in zip(forth, back[::-1], shapes, strict=True):
        assert one.shape == shape[:2]
        np.testing.assert_array_equal(one, other)


def test_adding_removing_and_reordering_pictures_changes_no_other_hole() -> None:
    def holes(ids: list[str]) -> dict[str, bytes]:
        data = Dataset("any", "test", 32, ids, lambda index: np.zeros((32, 32, 3), np.uint8))
        found = Suite((data,), ("rect", "lama_thick"), seed=3)
        return {
            f"{name} {image_id}": hole.tobytes()
            for name in found.masks
            for image_id, hole in zip(ids, found.holes(data, name, range(len(ids)), [(32, 32)] * len(ids)), strict=True)
        }

    base = holes(["c", "d/e", "z"])
    assert len(set(base.values())) == 6
    for other in (["a", "c", "d/e", "z"], ["d/e", "z"], ["z", "c", "d/e"], ["z", "neu", "c"]):
        grown = holes(other)
        shared = base.keys() & grown.keys()
        assert shared == {name for name in base if name.split(" ")[1] in other}
        assert all(grown[name] == base[name] for name in shared)
        assert not {*base.values()} & {hole for name, hole in grown.items() if name not in base}


def test_a_suite_with_a_wrong_mask_type_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean circle"):
        Suite((SQUARES,), ("circel",))


def test_mask_lists_are_read_without_blanks_and_doubles() -> None:
    assert parse_masks("rect, circle,,rect") == (("rect", "circle"), ())
    assert parse_masks("all")[0] == tuple(mask.names()) == ALL
    assert parse_masks("circle,all")[0] == ("circle", *(name for name in ALL if name != "circle"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rcet", "unknown mask type 'rcet': did you mean rect"),
        ("rect,lama_thik", "lama_thick"),
        ("zzzz", "choose from border, circle"),
        ("folders:x", "folder:DIR"),
    ],
)
def test_wrong_mask_names_are_answered_with_the_nearest(text: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        parse_masks(text)


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_mask_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no mask type"):
        parse_masks(text)


def test_a_folder_named_like_a_chosen_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rect").mkdir()
    Image.new("L", (8, 8), 255).save(tmp_path / "rect" / "a.png")
    with pytest.raises(UsageError, match="two mask types are named 'rect'"):
        parse_masks(f"rect,folder:{tmp_path / 'rect'}")
    assert parse_masks(f"circle,folder:{tmp_path / 'rect'}")[0] == ("circle", "rect")


def test_a_folder_with_a_comma_in_its_name_is_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "strokes, by hand"
    folder.mkdir()
    Image.new("L", (8, 8), 255).save(folder / "a.png")
    names, folders = parse_masks(f"folder:{folder}")
    assert names == ("strokes_by_hand",)
    assert folders[0].folder == folder


def test_whoever_fills_an_exported_suite_is_told_which_scores_see_known_pixels_as_they_come():
    assert "restored from images/ first, but not for lpips, mse, psnr;" in how_to_score("brushbench")["known_pixels"]
    assert "restored from images/ first; how far" in how_to_score("native")["known_pixels"]
