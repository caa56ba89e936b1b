"""What the runner saves, counts and tells beside the scores: predictions, hole areas, drift, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.metrics.scorer import Scorer
from bench.runs.writer import RunWriter
from bench.stages import score as runner
from bench.stages.outcome import Outcome, known_changed
from tests.bench.stages.painted import HOLES, IDS, IMAGES, Painter, brighter, failing, frame, quarter
from variants.method import Findings, Method


def evaluate(methods: list[Method], folder: Path, facts: dict[str, Any] | None = None, **more: Any) -> runner.Outcome:
    suite = more.pop("suite", quarter())
    return runner.evaluate(methods, suite, Scorer(["psnr_hole", "known_drift"]), folder, facts or {}, **more)


# ---- predictions


def saved(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(folder / f"{name}.png")) for name in IDS])


def test_a_saved_prediction_is_the_truth_where_known_and_the_rounded_fill_in_the_hole(tmp_path):
    suite = quarter(("rect", "circle"))
    evaluate([Painter("p", brighter(2.4))], tmp_path / "r", predictions=tmp_path / "s", suite=suite)
    for mask in ("rect", "circle"):
        pictures = saved(tmp_path / "s" / "p" / mask)
        np.testing.assert_array_equal(pictures[~HOLES], IMAGES[~HOLES])
        np.testing.assert_array_equal(pictures[HOLES], IMAGES[HOLES] + 2)


def test_fills_that_are_scored_as_they_are_are_saved_as_they_are(tmp_path):
    evaluate([Painter("p", brighter(3))], tmp_path / "r", predictions=tmp_path / "s", restore_known=False)
    np.testing.assert_array_equal(saved(tmp_path / "s" / "p" / "rect"), IMAGES + 3)


def test_a_fill_with_one_nan_is_not_saved(tmp_path):
    def paint(images: np.ndarray) -> np.ndarray:
        raw = images / 255
        raw[1, 0, 0, 0] = np.nan
        return raw

    evaluate([Painter("p", paint)], tmp_path / "r", predictions=tmp_path / "s")
    assert sorted(file.name for file in (tmp_path / "s/p/rect").iterdir()) == ["a.png", "c.png"]


# ---- records


def test_the_hole_area_is_the_share_of_missing_pixels(tmp_path):
    evaluate([Painter("p", brighter(0))], tmp_path)
    assert frame(tmp_path, "p")["hole_area"].tolist() == [0.25] * 3


def test_a_row_says_whose_it_is_and_scores_that_methods_own_fill(tmp_path):
    methods = [Painter("near", brighter(1)), Painter("far", brighter(5), seed=4)]
    evaluate(methods, tmp_path, suite=quarter(("rect", "circle"), ("made", "other")))
    for name, seed, levels in (("near", 0, 1), ("far", 4, 5)):
        for cell in ("made-rect", "made-circle", "other-rect", "other-circle"):
            rows = frame(tmp_path, name, seed, cell)
            assert list(rows.index) == IDS
            dataset, mask = cell.split("-")
            assert set(zip(rows["variant"], rows["seed"], rows["dataset"], rows["mask"], strict=True)) == {
                (name, seed, dataset, mask)
            }
            assert rows["psnr_hole"].tolist() == pytest.approx([20 * np.log10(255 / levels)] * 3, rel=1e-12)


def test_truths_of_two_data_sets_with_the_same_ids_are_not_mixed_up(tmp_path):
    seen: list[str] = []

    class Watching(Scorer):
        def score_batch(self, keys, *rest):
            seen.extend(keys)
            return super().score_batch(keys, *rest)

    suite = quarter(datasets=("made", "other"))
    runner.evaluate([Painter("p", brighter(1))], suite, Watching(["psnr"]), tmp_path, {})
    assert seen == ["made/a", "made/b", "made/c", "other/a", "other/b", "other/c"]


def test_raw_is_given_to_the_scorer_for_those_methods_that_have_one(tmp_path):
    """Finished pictures have none, unless to say that they hold NaN."""
    evaluate([Painter("raw", brighter(2)), Painter("finished", brighter(0), gives_raw=False)], tmp_path)
    assert frame(tmp_path, "raw")["known_drift"].tolist() == [2.0] * 3
    assert frame(tmp_path, "finished")["known_drift"].isna().all()


# ---- drift of finished pictures


def finished(paint: Callable[[np.ndarray], np.ndarray], **facts: Any) -> Painter:
    return Painter("f", paint, gives_raw=False, **facts)


def test_a_change_in_the_hole_alone_is_no_drift(tmp_path):
    method = finished(lambda images: np.where(HOLES[..., None], 1.0, images / 255))
    outcome = evaluate([method], tmp_path)
    assert frame(tmp_path, "f")["known_drift"].isna().all()
    assert (outcome.drifted, outcome.notes) == (Counter(), [])


def test_three_levels_darker_is_a_drift_of_exactly_three(tmp_path):
    """In 8 bits 17 - 20 would be 253."""
    method = finished(brighter(-3))
    outcome = evaluate([method], tmp_path)
    assert frame(tmp_path, "f")["known_drift"].tolist() == [3.0] * 3
    assert outcome.drifted == {"f by label": 3}
    assert len(outcome.notes) == 1
    assert outcome.notes[0].startswith("f by label changed known pixels in 3 fills")


def test_drift_is_the_mean_over_known_pixels_whatever_is_in_the_hole(tmp_path):
    def paint(images: np.ndarray) -> np.ndarray:
        raw = np.where(HOLES[..., None], 1.0, images / 255)
        raw[1, 0, 0] = (images[1, 0, 0] - 6.0) / 255
        return raw

    method = finished(paint)
    outcome = evaluate([method], tmp_path)
    drifted = frame(tmp_path, "f")["known_drift"]
    assert drifted["b"] == pytest.approx(6 / 144, rel=1e-12)
    assert drifted.isna().tolist() == [True, False, True]
    assert outcome.drifted == {"f by label": 1}


@pytest.mark.parametrize("where", [(0, 0, 2), (7, 15, 0), (3, 4, 1)])
def test_one_level_of_one_known_pixel_is_a_change_and_the_hole_is_none(where: tuple[int, int, int]) -> None:
    picture = np.zeros((8, 16, 3), np.uint8)
    picture[where] = 1
    hole = np.zeros((8, 16), bool)
    assert known_changed(np.zeros_like(picture), hole, picture)
    hole[where[:2]] = True
    assert not known_changed(np.zeros_like(picture), hole, picture)


@pytest.mark.parametrize(("darker", "why"), [(3, None), (0, "the finished pictures changed no known pixel")])
def test_the_run_says_that_the_drift_of_finished_pictures_is_empty_only_where_it_is(tmp_path, darker, why):
    scorer = Scorer(["psnr_hole", "known_drift"])
    runner.evaluate([finished(brighter(-darker))], quarter(), scorer, tmp_path, {})
    told = scorer.missing.get("known_drift")
    assert told is None if why is None else told.startswith(why)


# ---- failures


def test_failures_are_counted_by_reason_listed_by_picture_and_told_with_the_methods_own_words(tmp_path):
    problems = {("rect", "b"): "it would not", ("rect", "a"): "missing"}
    own = Painter("own", brighter(0), found=Findings(problems))
    bare = Painter("bare", lambda images: np.full(images.shape, np.nan))
    outcome = evaluate([own, bare], tmp_path)
    reason = "the raw output holds NaN or infinite values in 192 of 192 pixels"
    assert outcome.failed == Counter(
        {
            ("own by label", "rect", "it would not"): 1,
            ("own by label", "rect", "missing"): 1,
            ("bare by label", "rect", reason): 3,
        }
    )
    assert outcome.listed == {
        "own by label": ["rect/a: missing", "rect/b: it would not"],
        "bare by label": [f"rect/{name}: {reason}" for name in IDS],
    }
    assert outcome.partial
    rows = frame(tmp_path, "own")
    assert rows["failed"].tolist() == ["missing", "it would not", ""]
    assert rows["psnr_hole"].isna().tolist() == [True, True, False]


def test_failures_are_listed_in_the_data_sets_order_whatever_came_first(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 1)
    usual = runner.plan

    def planned(*given: Any) -> Any:
        """The last picture's row is there from before."""
        work = usual(*given)
        failed = {"sample": 0, "hole_area": 0.25, "failed": "before", "psnr_hole": np.nan, "known_drift": np.nan}
        work.cells[0].put(2, failed)
        return work

    monkeypatch.setattr(runner, "plan", planned)
    outcome = evaluate([Painter("p", lambda images: np.full(images.shape, np.nan))], tmp_path)
    assert [line[:7] for line in outcome.listed["p by label"]] == ["rect/a:", "rect/b:", "rect/c:"]


def test_files_that_are_not_as_they_should_be_are_listed_and_make_no_run_partial(tmp_path):
    method = Painter("p", brighter(0))
    method.found = Findings(extra=["rect/z.png", "rect/zz.png"])
    outcome = evaluate([method], tmp_path)
    assert outcome.listed == {
        "p by label": [f"rect/{name}.png: extra, belongs to no picture of the suite" for name in ("z", "zz")]
    }
    assert not outcome.partial
    method.found = Findings({("rect", "a"): "missing"}, method.found.extra)
    again = evaluate([method], tmp_path / "again")
    assert [line.split(":")[0] for line in again.listed["p by label"]] == ["rect/a", "rect/z.png", "rect/zz.png"]


def test_values_out_of_range_are_told_with_their_ends_in_order(tmp_path):
    methods = [Painter("wide", brighter(0), found=Findings(low=-1.5, high=255.0)), Painter("fine", brighter(0))]
    outcome = evaluate(methods, tmp_path)
    assert len(outcome.notes) == 1
    assert outcome.notes[0].startswith("wide by label returned values from -1.5 to 255, which were clipped to [0, 1]")


def test_failures_of_two_seeds_of_a_variant_are_told_apart_also_where_the_run_holds_the_other_already(tmp_path):
    class Broken(Method):
        name = "net"

        def fill(self, images, holes, ids=None, mask=""):
            return np.full(images.shape, np.nan, np.float32)

    pair = [Broken(), Broken()]
    pair[1].seed = 1
    assert sorted(evaluate(pair, tmp_path / "both").listed) == ["net@0", "net@1"]
    for among, label in (([("net", 0), ("net", 1)], "net@1"), ([("net", 1), ("other", 0)], "net")):
        assert list(evaluate([pair[1]], tmp_path / label, among=among).listed) == [label]


# ---- what is kept


def test_kept_records_bring_back_their_failures_and_are_reported_as_done(tmp_path):
    first = evaluate([Painter("p", failing(2), weights_sha256="w")], tmp_path)
    told: list[tuple[str, int]] = []
    again = Painter("p", failing(2), weights_sha256="w")
    second = evaluate([again], tmp_path, report=lambda text, pictures: told.append((text, pictures)))
    assert again.calls == []
    assert (second.failed, second.listed) == (first.failed, first.listed)
    assert second.partial
    assert told == [("", 3)]


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"weights_sha256": "w"}, True),
        ({"weights_sha256": "other"}, False),
        ({"weights_sha256": ""}, False),  # a function from outside, whose code may have changed
        ({"weights_sha256": "w", "gives_raw": False}, False),  # a folder of pictures
        ({"weights_sha256": "w", "seed": 1}, False),
    ],
)
def test_records_are_kept_for_the_same_weights_of_a_method_that_they_tell_all_about(tmp_path, facts, kept):
    evaluate([Painter("p", brighter(0), **{**facts, "weights_sha256": "w", "gives_raw": True, "seed": 0})], tmp_path)
    again = Painter("p", brighter(0), **facts)
    evaluate([again], tmp_path)
    assert (again.calls == []) is kept


def test_a_reference_is_kept_by_its_name_alone(tmp_path):
    for calls in (1, 0):
        method = Painter("p", brighter(0), kind="reference")
        evaluate([method], tmp_path)
        assert len(method.calls) == calls


@pytest.mark.parametrize("change", [{"restore_known": False}, {"facts": {"suite": "b"}}, {"predictions": True}])
def test_records_are_made_anew_where_known_pixels_facts_or_predictions_ask_for_it(tmp_path, change):
    evaluate([Painter("p", brighter(0), weights_sha256="w")], tmp_path, {"suite": "a"})
    again = Painter("p", brighter(0), weights_sha256="w")
    if "predictions" in change:
        change = {"predictions": tmp_path / "s"}
    evaluate([again], tmp_path, **{"facts": {"suite": "a"}, **change})
    assert len(again.calls) == 1


def test_only_the_methods_whose_records_are_not_there_fill(tmp_path):
    evaluate([Painter("p", brighter(1), weights_sha256="w")], tmp_path)
    kept, new = Painter("p", brighter(1), weights_sha256="w"), Painter("n", brighter(5), weights_sha256="w")
    evaluate([kept, new], tmp_path)
    assert (kept.calls, new.calls) == ([], [(IDS, "rect")])
    for name, levels in (("p", 1), ("n", 5)):
        assert frame(tmp_path, name)["psnr_hole"].tolist() == pytest.approx([20 * np.log10(255 / levels)] * 3)


def test_each_batch_is_reported_with_its_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 2)
    told: list[tuple[str, int]] = []
    evaluate([Painter("p", brighter(0))], tmp_path, report=lambda text, pictures: told.append((text, pictures)))
    assert told == [("made · rect", 2), ("made · rect", 1)]


def test_many_reasons_why_fills_failed_are_one_note(tmp_path) -> None:
    outcome = Outcome()
    for n in range(40):
        outcome.failed["mine", "rect", f"wrong size: 5×5, not {n + 10}×9"] = 1
    outcome.failed["mine", "circle", "missing"] = 2
    writer = RunWriter(tmp_path)
    runner.note_outcome(writer, outcome)
    assert writer.manifest.notes == [
        "mine: 2 fills of circle could not be scored (missing); they are excluded from the means",
        "mine: 40 fills of rect could not be scored (wrong size: 5×5, not 10×9, wrong size: 5×5, not 11×9, wrong size: "
        "5×5, not 12×9 and 37 more); they are excluded from the means",
    ]
