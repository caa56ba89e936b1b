"""Finished pictures against the suite: layouts as people have them, wrong polarity, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.methods.predictions import Predictions, settle_layout
from bench.stages.check_predictions import check_polarity, require_fills, summary
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from variants.errors import UnknownName

IDS = ["ffhq/1", "ffhq/2", "places/1"]
TRUTH = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
DATA = Dataset("faces", "test", 32, IDS, lambda i: TRUTH[i])
SUITE = Suite((DATA,), ("rect",))
HOLES = SUITE.holes(DATA, "rect", range(3), [(32, 32)] * 3)


def save(folder: Path, name: str, pixels: np.ndarray) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def opened(spec: str, masks: tuple[str, ...] = ("rect",)) -> list[Predictions]:
    return settle_layout(load_methods(spec, weights=None), masks)


def levels(method: Predictions, mask: str = "rect") -> list[int]:
    """The level of each fill, which was saved as one grey; -1 where there is none."""
    raw = method.fill(TRUTH, np.stack(HOLES), IDS, mask)
    return [round(float(picture[0, 0, 0]) * 255) if np.isfinite(picture).all() else -1 for picture in raw]


def grey(level: int) -> np.ndarray:
    return np.full((32, 32, 3), level, np.uint8)


def test_ids_with_folders_lie_below_their_mask_type(tmp_path: Path) -> None:
    for level, image_id in enumerate(IDS):
        save(tmp_path / "fills" / "rect", f"{image_id}.png", grey(level))
        save(tmp_path / "fills" / "circle", f"{image_id}.png", grey(10 + level))
    (method,) = opened(f"predictions:{tmp_path / 'fills'}", ("circle", "rect"))
    assert (method.name, levels(method), levels(method, "circle")) == ("fills", [0, 1, 2], [10, 11, 12])
    assert method.findings().extra == []


def test_folders_of_methods_stay_methods_of_their_own(tmp_path: Path) -> None:
    for level, name in enumerate(("lama", "mat")):
        save(tmp_path / name / "rect", "ffhq/1.png", grey(level))
    assert [(m.name, levels(m)[0]) for m in opened(f"predictions:{tmp_path}")] == [("lama", 0), ("mat", 1)]


def test_a_flat_folder_holds_the_fills_of_the_only_mask_type(tmp_path: Path) -> None:
    for level, image_id in enumerate(IDS):
        save(tmp_path, f"{image_id}.png", grey(level))
    (method,) = opened(f"predictions:{tmp_path}")
    assert levels(method) == [0, 1, 2]
    require_fills([method], SUITE)
    (unsure,) = opened(f"predictions:{tmp_path}", ("rect", "circle"))
    assert levels(unsure) == [-1, -1, -1]


def test_files_named_by_a_pattern_are_found_by_it(tmp_path: Path) -> None:
    for level, image_id in enumerate(IDS):
        folder, name = image_id.split("/")
        save(tmp_path / "rect" / folder, f"case{name}_output.jpg", grey(40 * level))
    for pattern in ("case{id}_output.jpg", "case{id}_output"):
        (method,) = opened(f"mine=predictions:{tmp_path}?name={pattern}")
        assert (method.name, levels(method)) == ("mine", [0, 40, 80])
    with pytest.raises(UsageError, match=r"name=case.png must hold \{id\} once"):
        opened(f"predictions:{tmp_path}?name=case.png")
    with pytest.raises(UnknownName, match="take only name="):
        opened(f"predictions:{tmp_path}?hole=0")


def test_a_folder_without_a_single_fill_says_what_it_has_instead(tmp_path: Path) -> None:
    for number in range(18):
        save(tmp_path / "flat", f"{number}.png", grey(0))
    suite = Suite((DATA,), ("rect", "circle"))
    with pytest.raises(UsageError, match=r"none of the 6 fills \(rect/ffhq/1, .*18 files lie in the folder"):
        require_fills(opened(f"predictions:{tmp_path / 'flat'}", suite.masks), suite)
    save(tmp_path / "other", "thick/1.png", grey(0))
    with pytest.raises(UsageError, match="it has the folders thick"):
        require_fills(opened(f"predictions:{tmp_path / 'other'}", suite.masks), suite)
    save(tmp_path / "named", "rect/FFHQ/1.png", grey(0))
    with pytest.raises(UsageError, match=r"it has rect/FFHQ/1\.png \("):
        require_fills(opened(f"predictions:{tmp_path / 'named'}", suite.masks), suite)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_fills_that_leave_the_hole_and_paint_the_rest_are_of_the_wrong_polarity(tmp_path: Path, ending: str) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 32).astype(np.uint8)[:, None, None], (32, 32, 3))
    data = Dataset("faces", "test", 32, IDS, lambda i: np.ascontiguousarray(smooth))
    suite = Suite((data,), ("rect",))
    for image_id, hole in zip(IDS, HOLES, strict=True):
        save(tmp_path / "turned", f"{image_id}.{ending}", np.where(hole[..., None], smooth, grey(128)))
        save(tmp_path / "right", f"{image_id}.{ending}", np.where(hole[..., None], grey(128), smooth))
        save(tmp_path / "whole", f"{image_id}.{ending}", grey(128))
        save(tmp_path / "truth", f"{image_id}.{ending}", np.ascontiguousarray(smooth))
    with pytest.raises(UsageError, match=r"turned equals the truth in the holes of .* in 3 of 3 .*--force-pol"):
        check_polarity(opened(f"predictions:{tmp_path / 'turned'}"), suite)
    for fine in ("right", "whole", "truth"):
        check_polarity(opened(f"predictions:{tmp_path / fine}"), suite)


def test_of_hole_files_the_other_polarity_is_named(tmp_path: Path) -> None:
    for index, (image_id, hole) in enumerate(zip(IDS, HOLES, strict=True)):
        save(tmp_path / "holes", f"{image_id}.png", np.where(hole, 0, 255).astype(np.uint8))
        save(tmp_path / "fills", f"{image_id}.png", np.where(hole[..., None], grey(128), TRUTH[index]))
    suite = Suite.open([DATA], f"folder:{tmp_path / 'holes'}")
    with pytest.raises(UsageError, match="--mask-polarity black, or score them anyway with --force-polarity"):
        check_polarity(opened(f"predictions:{tmp_path / 'fills'}", suite.masks), suite)


def test_fills_that_are_further_off_outside_the_holes_are_scored_with_a_note(tmp_path: Path) -> None:
    data = Dataset("faces", "test", 32, ["a"], lambda i: grey(100))
    hole = np.arange(32)[:, None] < 16 * np.ones(32)
    save(tmp_path / "holes", "a.png", np.where(hole, 255, 0).astype(np.uint8))
    suite = Suite.open([data], f"folder:{tmp_path / 'holes'}")
    # 6 levels off outside and 3 inside: a poor JPEG around a very good fill, or holes of the other polarity.
    save(tmp_path / "fills", "a.png", np.where(hole[..., None], grey(103), grey(106)))
    assert check_polarity(opened(f"predictions:{tmp_path / 'fills'}", suite.masks), suite) == [
        "fills lies further from the truth outside the holes of 'holes' than in them, in 1 of 1 pictures looked at; "
        "if the holes have the wrong polarity, score them with --mask-polarity black"
    ]
    save(tmp_path / "fills", "a.png", np.where(hole[..., None], grey(105), grey(106)))
    assert check_polarity(opened(f"predictions:{tmp_path / 'fills'}", suite.masks), suite) == []


@pytest.mark.parametrize("outside", [0, 255])
def test_the_holes_part_alone_on_one_colour_is_no_sign_of_the_other_polarity(tmp_path: Path, outside: int) -> None:
    for image_id, truth, hole in zip(IDS, TRUTH, HOLES, strict=True):
        near = np.where(truth > 127, truth - 3, truth + 3).astype(np.uint8)
        save(tmp_path, f"{image_id}.png", np.where(hole[..., None], near, grey(outside)))
    assert check_polarity(opened(f"predictions:{tmp_path}"), SUITE) == []
    # Whoever leaves the hole exactly as it is has painted the rest.
    for image_id, truth, hole in zip(IDS, TRUTH, HOLES, strict=True):
        save(tmp_path, f"{image_id}.png", np.where(hole[..., None], truth, grey(outside)))
    with pytest.raises(UsageError, match="equals the truth in the holes"):
        check_polarity(opened(f"predictions:{tmp_path}"), SUITE)


def test_what_is_wrong_with_many_fills_is_a_count_and_three_examples() -> None:
    lines = [f"rect/{number}: missing" for number in range(54)] + ["rect/x: wrong size: 5×5, not 9×9"]
    assert summary(lines) == [
        "54 × missing (rect/0, rect/1, rect/2 and 51 more)",
        "1 × wrong size: 5×5, not 9×9 (rect/x)",
    ]


def test_of_many_reasons_the_most_frequent_are_told_and_the_rest_counted() -> None:
    lines = [f"rect/{n}: wrong size: 5×5, not {n}×9" for n in range(10, 30)] + ["rect/a: missing", "rect/b: missing"]
    told = summary(lines)
    assert told[0] == "2 × missing (rect/a, rect/b)"
    assert len(told) == 9
    assert told[-1] == "13 × 13 other reasons"
