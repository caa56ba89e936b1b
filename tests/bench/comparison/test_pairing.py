"""Which pictures of two sides stand beside each other, and which cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.comparison.pairing import Pair, pair_sides, short
from bench.comparison.sides import Side
from bench.metrics.declaration import Metric
from bench.runs.reader import Run
from bench.util.errors import IncomparableError
from tests.bench.fake_runs import fake_run

NAMES = [f"p{i}" for i in range(8)]
PSNR = np.arange(16.0).reshape(8, 2)


def side(run: Run, variant: str = "a", seed: int | None = None) -> Side:
    return Side(run, variant, seed, f"{run.name}:{variant}")


def scored(path: Path, count: int = 8, start: int = 0, offset: float = 0.0, **more: Any) -> Side:
    """Variant a on some of the pictures; score = 2 x picture + mask type (+ offset), LPIPS its negative."""
    values = PSNR[start : start + count] + offset
    names = NAMES[start : start + count]
    return side(fake_run(path, {("a", 0): {"psnr_hole": values, "lpips": -values}}, ids=names, **more))


def paired(reference: Side, candidate: Side, common: bool | None = None) -> tuple[Pair, list[str]]:
    pairs, notes = pair_sides(reference, candidate, common)
    assert len(pairs) == 1
    return pairs[0], notes


def test_pictures_that_one_side_lacks_are_left_out_and_counted(tmp_path: Path) -> None:
    pair, notes = paired(scored(tmp_path / "r", 5), scored(tmp_path / "s", 5, start=3, offset=0.5))
    assert pair.ids.tolist() == ["p3", "p4"]
    assert pair.reference[0, :, :, 1].tolist() == PSNR[3:5].tolist()  # after LPIPS, by name
    assert pair.candidate[0, :, :, 1].tolist() == (PSNR[3:5] + 0.5).tolist()
    # Eight pictures under two mask types are held by either; two are shared.
    assert pair.missing == 16 - 4
    assert notes == []


def test_mask_types_and_metrics_that_one_side_lacks_are_left_out(tmp_path: Path) -> None:
    ours = side(
        fake_run(
            tmp_path / "r", {("a", 0): {"psnr_hole": PSNR, "lpips": PSNR}, ("b", 0): {"psnr_hole": PSNR}}, ids=NAMES
        )
    )
    pair, _ = paired(ours, Side(ours.run, "b", None, "b"))
    assert [fact.name for fact in pair.facts] == ["psnr_hole"]
    pair, _ = paired(Side(ours.run, "b", None, "b"), ours)
    assert [fact.name for fact in pair.facts] == ["psnr_hole"]
    one = fake_run(tmp_path / "s", {("a", 0): {"psnr_hole": PSNR[:, 1:]}}, masks=("circle",), ids=NAMES)
    for pair in (paired(ours, side(one))[0], paired(side(one), ours)[0]):
        assert pair.masks == ("circle",)
        assert pair.reference[0, :, 0, 0].tolist() == pair.candidate[0, :, 0, 0].tolist() == PSNR[:, 1].tolist()
        assert pair.missing == 8


def test_a_data_set_that_one_side_lacks_is_left_out(tmp_path: Path) -> None:
    scored(tmp_path / "r", dataset="photos")
    both = scored(tmp_path / "r", dataset="scenes")
    assert [pair.dataset for pair in pair_sides(both, scored(tmp_path / "s"))[0]] == ["scenes"]
    assert [pair.dataset for pair in pair_sides(both, both)[0]] == ["photos", "scenes"]


def test_mask_types_of_other_names_are_named(tmp_path: Path) -> None:
    one, other = scored(tmp_path / "r", masks=("p", "q")), scored(tmp_path / "s", masks=("v", "w"))
    with pytest.raises(IncomparableError, match="r:a was scored under p, q and s:a under v, w: holes are paired"):
        pair_sides(one, other)


def test_sides_that_share_no_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IncomparableError, match="r:a and s:a share no scored picture"):
        pair_sides(scored(tmp_path / "r", 4), scored(tmp_path / "s", 4, start=4))
    other = scored(tmp_path / "t", areas=np.full((8, 2), 0.3), suite="cd" * 32)
    with pytest.raises(IncomparableError, match="share no scored picture"):
        pair_sides(scored(tmp_path / "r"), other, common=True)


def seeds(path: Path, missing: int, areas: np.ndarray | None = None) -> Side:
    """Variant a of two seeds, the second of which lacks the last pictures."""
    fake_run(path, {("a", 0): {"psnr_hole": PSNR}}, ids=NAMES, areas=areas)
    kept = 8 - missing
    run = fake_run(
        path,
        {("a", 1): {"psnr_hole": PSNR[:kept] + 1}},
        ids=NAMES[:kept],
        areas=None if areas is None else areas[:kept],
    )
    return side(run)


@pytest.mark.parametrize("turned", [False, True])
def test_a_picture_that_one_seed_lacks_is_not_shared(tmp_path: Path, turned: bool) -> None:
    sides = (seeds(tmp_path / "r", 2), scored(tmp_path / "s"))
    pair, _ = paired(*sides[::-1] if turned else sides)
    assert pair.missing == 4
    for values in (pair.reference, pair.candidate):
        assert np.isfinite(values[:, :6]).all()
        assert np.isnan(values[:, 6:]).all()


def test_a_picture_counts_as_held_where_any_seed_has_it(tmp_path: Path) -> None:
    pair, _ = paired(seeds(tmp_path / "r", 2), scored(tmp_path / "s", 4))
    assert pair.ids.tolist() == NAMES[:4]
    assert pair.missing == 16 - 8


def test_a_picture_that_one_side_lacks_under_one_mask_type_is_counted(tmp_path: Path) -> None:
    whole = scored(tmp_path / "r")
    fake_run(tmp_path / "s", {("a", 0): {"psnr_hole": PSNR[:, :1]}}, masks=("rect",), ids=NAMES)
    some = side(fake_run(tmp_path / "s", {("a", 0): {"psnr_hole": PSNR[:7, 1:]}}, masks=("circle",), ids=NAMES[:7]))
    assert paired(whole, some)[0].missing == paired(some, whole)[0].missing == 1


def test_holes_that_differ_are_told_only_where_both_sides_have_the_picture(tmp_path: Path) -> None:
    areas = np.full((8, 2), 0.1)
    areas[0, 0] = 0.101  # both sides have it
    areas[7, 1] = 0.4  # the second seed lacks it
    pair, notes = paired(seeds(tmp_path / "r", 1, areas), scored(tmp_path / "s"))
    assert notes == ["1 pair of scenes with the same name but different pixels is left out."]
    assert np.argwhere(np.isnan(pair.candidate[0, :, :, 0])).tolist() == [[0, 0], [7, 0], [7, 1]]
    areas[0, 0] = 0.1
    assert paired(seeds(tmp_path / "r", 1, areas), scored(tmp_path / "s"))[1] == []


def test_pictures_whose_hole_is_not_recorded_are_taken(tmp_path: Path) -> None:
    unknown = np.full((8, 2), np.nan)
    pair, notes = paired(scored(tmp_path / "r", areas=unknown), scored(tmp_path / "s"))
    assert (pair.missing, notes) == (0, [])
    assert np.isfinite(pair.reference).all()


def test_a_picture_has_a_value_only_where_every_seed_of_both_sides_has_one(tmp_path: Path) -> None:
    entries = {(name, seed): {"psnr_hole": PSNR + seed} for name in "ab" for seed in (0, 1)}
    for picture, key in enumerate(entries):
        entries[key]["psnr_hole"][picture, 0] = np.nan
    run = fake_run(tmp_path / "r", entries, ids=NAMES)
    pair, _ = paired(side(run, "a"), side(run, "b"))
    for values in (pair.reference, pair.candidate):
        assert np.isnan(values[:, :4, 0]).all()
        assert np.isfinite(values[:, 4:, 0]).all()
        assert np.isfinite(values[:, :, 1]).all()
    assert pair.missing == 0
    ours, theirs = pair.means()
    assert ours[4:, :, 0].tolist() == theirs[4:, :, 0].tolist() == (PSNR[4:] + 0.5).tolist()


def test_failures_are_counted_by_seed_and_side_on_shared_pictures(tmp_path: Path) -> None:
    broken = {key: np.zeros((8, 2), bool) for key in (("a", 0), ("a", 1), ("b", 0), ("b", 1))}
    broken["a", 0][[0, 3], 0] = broken["a", 1][0, 0] = True
    broken["b", 0][[1, 7], 1] = broken["b", 1][[1, 2], 1] = True
    run = fake_run(tmp_path / "r", {key: {"psnr_hole": PSNR} for key in broken}, ids=NAMES, failed=broken)
    pair, _ = paired(side(run, "a"), side(run, "b"))
    assert pair.failed[0].tolist() == [[2, 0], [0, 0], [0, 0], [1, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
    assert pair.failed[1].tolist() == [[0, 0], [0, 2], [0, 1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 1]]
    # Where the other seed lacks the picture it is not shared, so its failure is not counted either.
    run = fake_run(tmp_path / "r", {("c", 0): {"psnr_hole": PSNR}}, ids=NAMES)
    run = fake_run(tmp_path / "r", {("c", 1): {"psnr_hole": PSNR[:3]}}, ids=NAMES[:3])
    for pair, place in ((paired(side(run, "a"), side(run, "c"))[0], 0), (paired(side(run, "c"), side(run, "a"))[0], 1)):
        assert pair.failed[place].sum() == 2


def test_some_rows_alone_keep_their_scores_and_failures(tmp_path: Path) -> None:
    broken = np.zeros((8, 2), bool)
    broken[:2] = True
    run = fake_run(
        tmp_path / "r",
        {(name, 0): {"psnr_hole": PSNR} for name in "ab"},
        ids=NAMES,
        failed={(name, 0): broken for name in "ab"},
    )
    rows = np.zeros((8, 2), bool)
    rows[[1, 4], [0, 1]] = True
    part = paired(side(run, "a"), side(run, "b"))[0].only(rows)
    for values, failed in zip((part.reference, part.candidate), part.failed, strict=True):
        assert np.argwhere(np.isfinite(values)).tolist() == [[0, 4, 1, 0]]
        assert np.argwhere(failed).tolist() == [[1, 0]]


@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (2, 1)])
def test_metrics_of_other_versions_are_told_whichever_is_newer(tmp_path: Path, ours: int, theirs: int) -> None:
    sides = (
        scored(tmp_path / "r", versions={"lpips": ours}),
        scored(tmp_path / "s", versions={"lpips": theirs}),
    )
    with pytest.raises(IncomparableError, match=rf"metric version of lpips \({ours} in r, {theirs} in s\)"):
        pair_sides(*sides)
    pair, notes = paired(*sides, common=True)
    assert [fact.name for fact in pair.facts] == ["psnr_hole"]
    assert notes == [f"Left out, measured by different versions: lpips ({ours} in r, {theirs} in s)."]


def test_code_that_was_edited_under_the_same_version_is_told_and_still_compared(tmp_path: Path) -> None:
    def coded(name: str, code: str, version: int = 1) -> Side:
        other = Metric("lpips", direction="lower", version=version, code=code)
        return scored(tmp_path / name, metrics={"psnr_hole": Metric("psnr_hole"), "lpips": other})

    ours = coded("r", "aa" * 32)
    pair, notes = paired(ours, coded("s", "bb" * 32))
    assert [fact.name for fact in pair.facts] == ["psnr_hole", "lpips"]
    assert notes == [
        "The code of lpips is not the same in r and s, though the version is: the difference may be the metric's own; "
        "score both with the same code."
    ]
    assert paired(ours, coded("t", "aa" * 32))[1] == []
    assert paired(ours, coded("u", ""))[1] == [], "of a run that does not say, nothing is known"
    with pytest.raises(IncomparableError, match="metric version of lpips"):
        pair_sides(ours, coded("v", "bb" * 32, version=2))


def test_what_differs_is_named_and_mended_only_where_it_can_be(tmp_path: Path) -> None:
    ours, suite = scored(tmp_path / "r"), "cd" * 32
    other = scored(tmp_path / "s", suite=suite)
    with pytest.raises(IncomparableError) as refusal:
        pair_sides(ours, other, common=False)
    assert "suite fingerprint (abababababab in r, cdcdcdcdcdcd in s)" in str(refusal.value)
    assert str(refusal.value).endswith("or --common for the shared pairs")
    with pytest.raises(IncomparableError) as refusal:
        pair_sides(ours, other)
    assert str(refusal.value).endswith("score both the same way")
    for change in (
        {"protocol": "lama"},
        {"precision": "fp16"},
        {"suite": suite, "size": 32},
        {"suite": suite, "suite_seed": 5},
    ):
        other = scored(tmp_path / "s", **change)
        with pytest.raises(IncomparableError) as refusal:
            pair_sides(ours, other, common=False)
        assert "--common" not in str(refusal.value)
        with pytest.raises(IncomparableError, match="--common does not help"):
            pair_sides(ours, other, common=True)


def test_of_other_suites_pairs_without_a_key_of_their_pixels_are_said_to_be_paired_by_name(tmp_path: Path) -> None:
    pair, notes = paired(scored(tmp_path / "r"), scored(tmp_path / "s", 5, suite="cd" * 32), common=True)
    assert (pair.ids.tolist(), pair.missing) == (NAMES[:5], 6)
    assert len(notes) == 1 and "paired by name and hole area alone" in notes[0]


def test_a_picture_that_was_replaced_under_its_name_is_no_shared_pair(tmp_path: Path) -> None:
    ours, theirs = scored(tmp_path / "r"), scored(tmp_path / "s", suite="cd" * 32)
    for each in (ours, theirs):
        object.__setattr__(each.scores["scenes"], "content", np.arange(1, 17).reshape(8, 2))
    assert paired(ours, theirs, common=True)[1] == []
    theirs.scores["scenes"].content[2] += 100  # another picture, under holes of the same area
    pair, notes = paired(ours, theirs, common=True)
    assert notes == ["2 pairs of scenes with the same name but different pixels are left out."]
    assert np.isnan(pair.candidate[0, 2]).all() and np.isfinite(np.delete(pair.candidate[0], 2, axis=0)).all()


def test_only_fingerprints_are_shortened() -> None:
    assert short("ab" * 32) == "abababababab"
    assert short("a protocol of many words") == "a protocol of many words"
    assert short(None) == "None"
