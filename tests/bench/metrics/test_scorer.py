"""The scorer: what goes in, what comes out, and what becomes of what cannot be scored."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest

from bench.metrics import scorer as scorer_module
from bench.metrics.card import Card, Hole, ScoringContext, Truth
from bench.metrics.registry import Metric, metric
from bench.metrics.scorer import Scorer, learned_values
from bench.metrics.scratch import SCRATCH
from variants.registry import UnknownName

PLAIN = [name for name in metric.names() if not name.startswith("lpips")]
RNG = np.random.default_rng(1)


def picture(height: int = 40, width: int = 52) -> np.ndarray:
    return cv2.GaussianBlur(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 1.5)


def hole_of(height: int = 40, width: int = 52) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    hole[height // 4 : height // 2, width // 5 : width // 2] = True
    return hole


def fill(truth: np.ndarray, hole: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    raw = np.clip(0.9 * truth / 255 + level, 0, 1).astype(np.float32)
    return np.where(hole[..., None], np.rint(raw * 255).astype(np.uint8), truth), raw


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Equal to the last bit, NaN equal to NaN."""
    return a.keys() == b.keys() and all(a[k] == b[k] or (a[k] != a[k] and b[k] != b[k]) for k in a)


# ---- names


def test_a_wrong_metric_name_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(UnknownName, match="psnr_hole"):
        Scorer(["psnr_hol"])


def test_a_wrong_protocol_name_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(UnknownName, match="lama"):
        Scorer(["psnr"], protocol="llama")


def test_every_metric_says_what_it_is() -> None:
    for name, entry in metric.all().items():
        assert entry.region in ("image", "hole", "seam", "known"), name
        assert entry.direction in ("higher", "lower", "nearest"), name
        assert entry.range[0] < entry.range[1], name
        assert entry.reference and entry.summary.endswith(".") and entry.version >= 1, name


# ---- what a row depends on


def test_a_row_is_the_same_alone_in_company_and_in_any_order() -> None:
    truth, hole = picture(), hole_of()
    fills, raws = zip(*(fill(truth, hole, level) for level in (0.0, 0.05, 0.2)), strict=True)
    together = Scorer(PLAIN).score("x", truth, hole, fills, raws)
    backwards = Scorer(PLAIN).score("x", truth, hole, fills[::-1], raws[::-1])[::-1]
    alone = [Scorer(PLAIN).score("x", truth, hole, [f], [r])[0] for f, r in zip(fills, raws, strict=True)]
    for a, b, c in zip(together, backwards, alone, strict=True):
        assert same(a, b) and same(a, c)


def test_a_row_does_not_depend_on_what_was_scored_before() -> None:
    scorer, truth, hole = Scorer(PLAIN), picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    first = scorer.score("x", truth, hole, [filled], [raw])[0]
    scorer.score("y", picture(64, 30), hole_of(64, 30), [picture(64, 30)])
    scorer.score("x", truth, ~hole, [filled], [raw])
    assert same(first, scorer.score("x", truth, hole, [filled], [raw])[0])


def test_a_row_does_not_depend_on_the_number_of_threads() -> None:
    truth, hole = picture(300, 280), hole_of(300, 280)
    filled, raw = fill(truth, hole, 0.1)
    threads = cv2.getNumThreads()
    try:
        rows = []
        for count in (1, 4):
            cv2.setNumThreads(count)
            rows.append(Scorer(PLAIN).score("x", truth, hole, [filled], [raw])[0])
    finally:
        cv2.setNumThreads(threads)
    assert same(*rows)


def test_a_finished_picture_scores_like_the_method_that_made_it_to_the_last_bit() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    made, finished = Scorer(PLAIN).score("x", truth, hole, [filled, filled], [raw, None])
    without = [name for name in PLAIN if not metric.get(name).needs_raw and name != "known_drift"]
    assert same({k: made[k] for k in without}, {k: finished[k] for k in without})
    assert {name for name in PLAIN if math.isnan(finished[name])} == set(PLAIN) - set(without)


def test_views_and_other_memory_layouts_score_like_copies() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    turned = [np.asfortranarray(array) for array in (truth, hole, filled, raw)]
    mirrored = [array[:, ::-1].copy()[:, ::-1] for array in (truth, hole, filled, raw)]
    wanted = Scorer(PLAIN).score("x", truth, hole, [filled], [raw])[0]
    for t, h, f, r in (turned, mirrored):
        assert same(wanted, Scorer(PLAIN).score("x", t, h, [f], [r])[0])


def test_nothing_that_was_given_is_changed() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    before = [array.copy() for array in (truth, hole, filled, raw)]
    Scorer(PLAIN).score("x", truth, hole, [filled], [raw])
    for now, then in zip((truth, hole, filled, raw), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_key_used_again_for_another_picture_does_not_bring_back_the_first() -> None:
    scorer, hole = Scorer(["ssim"]), hole_of()
    first, second = picture(), picture()
    scorer.score("x", first, hole, [second])
    assert scorer.score("x", second, hole, [second])[0]["ssim"] == 1.0


def test_kept_truths_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer_module, "KEPT_PIXELS", 3 * 40 * 52)
    scorer = Scorer(["ssim"])
    for index in range(9):
        scorer.score(str(index), picture(), hole_of(), [picture()])
    assert list(scorer._truths) == ["6", "7", "8"]


# ---- what cannot be scored


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("inside", [True, False], ids=["in the hole", "where known"])
def test_a_raw_output_that_is_not_finite_fails_alone_and_says_why(value: float, inside: bool) -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    broken = raw.copy()
    broken[12 if inside else 0, 12, 1] = value
    assert hole[12, 12]
    good, bad = Scorer(PLAIN).score("x", truth, hole, [filled, filled], [raw, broken])
    assert good["failed"] == "" and good["psnr_hole"] > 0
    assert "NaN or infinite values in 1 of 2080 pixels" in bad["failed"]
    assert all(math.isnan(bad[name]) for name in PLAIN)


def test_a_raw_output_that_is_not_finite_fails_where_there_is_no_known_pixel_left() -> None:
    truth, hole = picture(), np.ones((40, 52), bool)
    filled, raw = fill(truth, hole, 0.1)
    raw[3, 3] = np.nan
    assert Scorer(PLAIN).score("x", truth, hole, [filled], [raw])[0]["failed"]


def test_fills_of_another_size_or_kind_fail_and_name_both_sizes() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    rows = Scorer(PLAIN).score(
        "x",
        truth,
        hole,
        [filled[:-1], filled.astype(np.float32), filled, filled],
        [None, None, raw[:, :-2], raw],
    )
    assert "39 x 52 x 3" in rows[0]["failed"] and "40 x 52 x 3" in rows[0]["failed"]
    assert "float32" in rows[1]["failed"]
    assert "40 x 50 x 3" in rows[2]["failed"]
    assert rows[3]["failed"] == ""


@pytest.mark.parametrize(
    ("truth", "hole"),
    [
        (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), bool)),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool)),
        (np.zeros((0, 8, 3), np.uint8), np.zeros((0, 8), bool)),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9), bool)),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)),
    ],
)
def test_a_truth_or_hole_of_the_wrong_kind_is_a_programming_error(truth: np.ndarray, hole: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        Scorer(["psnr"]).score("x", truth, hole, [])


# ---- holes and pictures at the edge


def test_no_row_is_nan_without_a_reason_and_reasons_name_the_cause() -> None:
    truth = picture()
    for hole, cause in ((np.zeros((40, 52), bool), "hole is empty"), (np.ones((40, 52), bool), "no known pixel")):
        scorer = Scorer(PLAIN)
        filled, raw = fill(truth, hole, 0.1)
        row = scorer.score("x", truth, hole, [filled], [raw])[0]
        empty = {name for name in PLAIN if math.isnan(row[name])}
        assert row["failed"] == "" and empty and empty == set(scorer.missing)
        assert all(cause in why for why in scorer.missing.values())


def test_a_full_hole_has_every_score_that_needs_no_known_pixel() -> None:
    truth, hole = picture(), np.ones((40, 52), bool)
    filled, raw = fill(truth, hole, 0.1)
    row = Scorer(PLAIN).score("x", truth, hole, [filled], [raw])[0]
    assert row["psnr"] == row["psnr_hole"]
    assert {name for name in PLAIN if math.isnan(row[name])} == {
        "seam",
        "known_drift",
        *(name for name in PLAIN if name.endswith("_corrected")),
    }


@pytest.mark.parametrize(
    ("side", "protocol", "scored"),
    [(10, "native", False), (11, "native", True), (6, "aot", False), (7, "aot", True), (1, "lama", True)],
)
def test_pictures_under_the_window_have_no_ssim_and_the_scorer_says_so(side: int, protocol: str, scored: bool) -> None:
    scorer = Scorer(["ssim", "ssim_hole", "psnr"], protocol=protocol)
    truth, hole = picture(side, 30), np.zeros((side, 30), bool)
    hole[0, 0] = True
    row = scorer.score("x", truth, hole, [np.where(hole[..., None], np.uint8(9), truth)])[0]
    assert row["psnr"] > 0
    assert math.isnan(row["ssim"]) is not scored and math.isnan(row["ssim_hole"]) is not scored
    assert ("window" in scorer.missing.get("ssim", "")) is not scored


def test_constant_pictures_are_scored() -> None:
    truth, hole = np.full((40, 52, 3), 77, np.uint8), hole_of()
    filled = np.where(hole[..., None], np.uint8(87), truth)
    row = Scorer(PLAIN).score("x", truth, hole, [filled], [(filled / 255).astype(np.float32)])[0]
    assert {name for name in PLAIN if math.isnan(row[name])} == {"sharpness"}
    assert row["colour_shift_share"] == 1.0


def test_a_column_that_gets_a_value_later_is_no_longer_called_missing() -> None:
    scorer, truth, hole = Scorer(["psnr", "psnr_hole"]), picture(), hole_of()
    scorer.score("x", truth, np.zeros_like(hole), [truth])
    assert set(scorer.missing) == {"psnr_hole"}
    scorer.score("x", truth, hole, [truth])
    assert scorer.missing == {}


# ---- why a column is empty


def why(names: list[str], truth: np.ndarray, hole: np.ndarray, fills: Any, raws: Any = None, **more: Any) -> Any:
    scorer = Scorer(names, **more)
    scorer.score("x", truth, hole, fills, raws)
    return scorer.missing


def test_each_reason_is_the_one_that_holds() -> None:
    truth, hole, nothing = picture(), hole_of(), np.zeros((40, 52), bool)
    filled, raw = fill(truth, hole, 0.1)
    flat = np.full((40, 52, 3), 9, np.uint8)
    drift = "known_drift"
    assert why([drift], truth, hole, [filled]) == {
        drift: "needs the raw output, which finished pictures do not have"
    }  # fmt: skip
    assert why(["psnr_hole"], truth, nothing, [truth]) == {"psnr_hole": "the hole is empty"}
    assert why([drift], truth, ~nothing, [filled], [raw]) == {
        drift: "the hole covers the picture: no known pixel is left"
    }  # fmt: skip
    assert why(["sharpness"], flat, hole, [flat]) == {
        "sharpness": "the truth is constant in the hole, so there is no detail to compare with"
    }
    dot = np.zeros((40, 52), bool)
    dot[3, 3] = True
    assert why(["sharpness"], truth, dot, [truth]) == {"sharpness": "no two neighbouring pixels lie in the hole"}
    exact = dict.fromkeys(["colour_shift_share"], "the fills are exact there: no error to take a share of")
    assert why(["colour_shift_share"], truth, hole, [truth]) == exact
    assert why(["seam"], truth, nothing, [truth]) == {"seam": "the hole is empty"}
    small = hole_of(10, 30)
    assert why(["ssim", "ssim_hole"], picture(10, 30), small, [picture(10, 30)]) == dict.fromkeys(
        ["ssim", "ssim_hole"], "the pictures are smaller than the window of 11 pixels"
    )
    assert why(["ssim_hole"], picture(8, 30), np.zeros((8, 30), bool), [picture(8, 30)], protocol="lama") == {
        "ssim_hole": "the hole is empty"
    }


def test_raw_is_not_called_missing_where_one_fill_has_it() -> None:
    truth, hole = picture(), np.ones((40, 52), bool)
    filled, raw = fill(truth, hole, 0.1)
    found = why(["known_drift"], truth, hole, [filled, filled], [None, raw])
    assert found == {"known_drift": "the hole covers the picture: no known pixel is left"}


def test_one_value_among_the_fills_is_enough_and_the_latest_reason_is_told() -> None:
    truth, hole = picture(), hole_of()
    filled, _ = fill(truth, hole, 0.1)
    assert why(["colour_shift_share"], truth, hole, [truth, filled]) == {}
    scorer = Scorer(["psnr_hole"])
    assert scorer.missing == {}
    scorer.score("x", truth, hole, [filled[:-1]])
    assert scorer.missing == {}, "a failed fill is no reason"
    scorer.score("x", truth, np.zeros_like(hole), [truth])
    assert set(scorer.missing) == {"psnr_hole"}


def test_why_some_fills_have_no_value_is_kept_where_others_have_one() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    exact = "the fills are exact there: no error to take a share of"
    first, second = (Scorer(["psnr_hole", "colour_shift_share", "psnr_hole_corrected"]) for _ in range(2))
    first.score("x", truth, hole, [truth, filled, filled], [None, None, raw])
    # A method without raw outputs has no corrected score of any fill: that is no reason why means are of few.
    assert first.partly == {"colour_shift_share": [exact]}
    second.score("x", truth, np.zeros_like(hole), [truth])
    assert second.partly == {}
    first.add_found(second.take_found())
    assert first.partly == {
        "colour_shift_share": [exact, "the hole is empty"],
        "psnr_hole": ["the hole is empty"],
    }


def test_failures_say_which_size_is_whose() -> None:
    truth, hole = picture(), hole_of()
    filled, raw = fill(truth, hole, 0.1)
    rows = Scorer(["psnr"]).score("x", truth, hole, [filled[:-1], filled, filled / 255], [None, raw[:, :-2], None])
    assert [row["failed"] for row in rows] == [
        "the fill is 39 x 52 x 3, the picture 40 x 52 x 3",
        "the raw output is 40 x 50 x 3, the picture 40 x 52 x 3",
        "the fill is float64, not 8-bit",
    ]


# ---- what is computed where, and what is kept


def test_batches_go_to_cuda_devices_alone() -> None:
    assert [Scorer(["psnr"], device=name).batches for name in ("cpu", "mps", "cuda", "cuda:1")] == [
        False,
        False,
        True,
        True,
    ]


def test_the_protocol_without_a_name_is_the_native_one() -> None:
    assert Scorer(["psnr"]).protocol.name == "native"
    assert list(Scorer(["ssim", "psnr", "ssim"]).metrics) == ["ssim", "psnr"]
    assert list(Scorer(PLAIN).metrics) == PLAIN


def test_a_batch_without_raw_outputs_is_scored_picture_by_picture() -> None:
    truths = [picture(), picture(30, 20)]
    holes = [hole_of(), hole_of(30, 20)]
    fills = [[truth, 255 - truth] for truth in truths]
    rows = Scorer(["psnr"]).score_batch(["a", "b"], truths, holes, fills)
    assert [[row["psnr"] for row in each] for each in rows] == [
        [100.0, Scorer(["psnr"]).score("x", truth, hole, [255 - truth])[0]["psnr"]]
        for truth, hole in zip(truths, holes, strict=True)
    ]


def test_learned_values_that_are_known_of_some_fills_alone_are_computed() -> None:
    truth, hole = Truth(picture()), Hole(hole_of())
    cards = [Card(truth, hole, truth.picture) for _ in range(2)]

    def compute(given: list[Card], context: Any) -> list[float]:
        return [5.0] * len(given)

    facts: dict[str, Any] = {"region": "hole", "unit": "", "direction": "lower", "range": (0, 1), "reference": "none"}
    entry = Metric(name="learned", version=1, summary="", compute=compute, batched=True, **facts)
    cards[0].keep(compute, 3.0)
    assert list(learned_values(entry, cards, ScoringContext())) == [5.0, 5.0]
    cards[1].keep(compute, 4.0)
    assert list(learned_values(entry, cards, ScoringContext())) == [3.0, 4.0]


def test_truths_of_32_pictures_of_256_pixels_are_kept_and_the_longest_unused_goes_first() -> None:
    scorer, square = Scorer(["psnr"]), np.zeros((256, 256, 3), np.uint8)
    kept = [scorer._truth(str(number), square) for number in range(32)]
    assert scorer._truth("0", square) is kept[0]
    scorer._truth("new", square)
    assert list(scorer._truths) == [*(str(number) for number in range(2, 32)), "0", "new"]
    scorer._truth("large", np.zeros((256 * 20, 256, 3), np.uint8))
    assert list(scorer._truths) == [*(str(number) for number in range(22, 32)), "0", "new", "large"]


def test_the_last_truth_stays_however_large() -> None:
    scorer, large = Scorer(["psnr"]), np.zeros((256 * 33, 256, 3), np.uint8)
    assert scorer._truth("large", large) is scorer._truth("large", large)


def test_arrays_are_used_again_unless_they_are_large_or_of_another_thread() -> None:
    first = SCRATCH.array("test", (4, 5), np.float32)
    assert first.shape == (4, 5) and first.dtype == np.float32
    assert np.shares_memory(first, SCRATCH.array("test", (2, 10), np.uint8))
    assert not np.shares_memory(first, SCRATCH.array("other", (4, 5), np.float32))
    large = SCRATCH.array("test", (1 << 23, 2), np.uint8)
    assert not np.shares_memory(large, SCRATCH.array("test", (1 << 23, 2), np.uint8))
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(SCRATCH.array, "test", (4, 5), np.float32).result()
    assert not np.shares_memory(first, theirs)


def test_pixels_that_are_not_finite_are_counted_once_whatever_their_channels() -> None:
    truth, hole = picture(), hole_of()
    _, raw = fill(truth, hole, 0.02)
    raw[0, 0] = np.nan
    raw[3, 4, 1] = np.inf
    row = Scorer(["psnr"]).score("a", truth, hole, [truth], [raw])[0]
    assert row["failed"] == f"the raw output holds NaN or infinite values in 2 of {40 * 52} pixels"
