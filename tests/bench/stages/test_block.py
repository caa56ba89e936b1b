"""A few pictures on their way: each method's own fills in the order asked for, whatever the sizes and samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.metrics.scorer import Scorer
from bench.stages.block import Bench, Task, visible
from bench.suites.suite import Suite
from tests.bench.stages.painted import IDS, IMAGES, Means, Painter, brighter, failing, features, quarter
from variants.method import Findings, Method

WIDTHS = (16, 16, 20, 16)
MIXED = [np.full((16, width, 3), 10 + 20 * k, np.uint8) for k, width in enumerate(WIDTHS)]
NAMES = ["p", "q", "r", "s"]


def mixed() -> Suite:
    """Four pictures, the third of another size."""
    return Suite((Dataset("mixed", "test", None, NAMES, lambda i: MIXED[i]),), ("rect", "circle"))


class Drawing(Method):
    """Sample s is ``step`` · s levels brighter than the picture."""

    def __init__(self, name: str, samples: int, step: int = 3, forks: bool = True) -> None:
        self.name, self.samples, self.step, self.forks = name, samples, step, forks
        self.asked: list[tuple[list[str], str, int]] = []

    def fill(self, images, holes, ids=None, mask=""):
        self.asked.append((ids, mask, self.sample))
        return ((images.astype(np.float32) + self.step * self.sample) / 255).astype(np.float32)


def bench(methods: list[Method], suite: Suite, device: str = "cpu", **more) -> Bench:
    return Bench(methods, suite, Scorer(["l1_hole", "psnr"], device=device), **more)


def levels(rows) -> list[tuple[str, int, float]]:
    """(picture, sample, error in the hole in levels)"""
    return [(row["image_id"], row["sample"], round(row["l1_hole"] * 255, 3)) for row in rows]


def test_each_method_draws_its_own_number_of_samples(tmp_path):
    methods = [Drawing("one", 1), Drawing("three", 3)]
    told: list[tuple[str, int]] = []
    task = Task(0, (0, 2), {"rect": (0, 1), "circle": (1,)})
    result = bench(methods, quarter(("rect", "circle"))).score(task, lambda *said: told.append(said), {})
    assert levels(result.rows["rect", 0]) == [("a", 0, 0), ("c", 0, 0)]
    expected = [(name, sample, 3 * sample) for sample in range(3) for name in ("a", "c")]
    assert levels(result.rows["rect", 1]) == levels(result.rows["circle", 1]) == expected
    assert ("circle", 0) not in result.rows
    assert told == [("made · rect", 4), ("made · rect", 2), ("made · rect", 2)] + [("made · circle", 2)] * 3
    # |0 - 3|, |0 - 6| and |3 - 6| over three pairs, in every row; a method that draws once has none.
    assert {row["sample_diversity"] for row in result.rows["rect", 1]} == {4.0}
    assert not any("sample_diversity" in row for row in result.rows["rect", 0])
    assert all(method.sample == 0 for method in methods)


def test_pictures_of_other_sizes_keep_their_places(tmp_path):
    sets = Means()
    method = Drawing("two", 2, step=5)
    result = bench([method], mixed(), sets=sets).score(Task(0, (0, 1, 2, 3), {"rect": (0,)}), lambda *_: None, {})
    # In groups of one size, sample by sample.
    order = [("p", "q"), ("r",), ("s",)]
    assert [(row["image_id"], row["sample"]) for row in result.rows["rect", 0]] == [
        (name, sample) for group in order for sample in (0, 1) for name in group
    ]
    assert {row["sample_diversity"] for row in result.rows["rect", 0]} == {5.0}
    assert np.array_equal(np.stack(result.truths), np.concatenate([features(image[None]) for image in MIXED]))
    # Features of first samples alone, which are the truth here.
    assert np.array_equal(np.stack(result.fills["rect", 0]), np.stack(result.truths))
    assert sets.looked == 4 + 4


def test_methods_that_fill_large_pictures_one_after_another_score_as_all_together(monkeypatch):
    def scored() -> tuple[dict, int]:
        own = bench([Drawing("one", 1), Drawing("two", 2, step=5)], quarter())
        together = []
        score_mask = own._score_mask
        own._score_mask = lambda part, data, mask, places, *rest: (
            together.append(len(places)),
            score_mask(part, data, mask, places, *rest),
        )[1]
        return own.score(Task(0, (0, 1), {"rect": (0, 1)}), lambda *_: None, {}).rows, max(together)

    usual, most = scored()
    assert most == 2
    monkeypatch.setattr("bench.stages.block.TOGETHER", 1)
    assert scored() == (usual, 1)


def test_what_fills_in_this_process_is_handed_on_in_the_pictures_order():
    here, there = Drawing("here", 2, forks=False), Drawing("there", 1)
    own = bench([there, here], mixed())
    task = Task(0, (1, 2, 3), {"rect": (0, 1), "circle": (0,)})
    raws = own.fill_here(task)
    assert sorted(raws) == [("rect", 1, 0), ("rect", 1, 1)]
    assert there.asked == []
    assert here.asked == [([name], "rect", sample) for name in "qrs" for sample in (0, 1)]
    for sample in (0, 1):
        found = [round(float(raw[0, 0, 0]) * 255) for raw in raws["rect", 1, sample]]
        assert found == [30 + 3 * sample, 50 + 3 * sample, 70 + 3 * sample]
    here.asked.clear()
    result = own.score(task, lambda *_: None, raws)
    assert here.asked == []
    expected = [("q", 0, 0), ("q", 1, 3), ("r", 0, 0), ("r", 1, 3), ("s", 0, 0), ("s", 1, 3)]
    assert levels(result.rows["rect", 1]) == expected
    assert here.sample == 0


def test_where_every_method_forks_nothing_is_filled_here():
    method = Drawing("there", 1)
    assert bench([method], mixed()).fill_here(Task(0, (0,), {"rect": (0,)})) == {}
    assert method.asked == []


def test_a_method_that_fails_begins_with_its_first_sample_again():
    method = Drawing("two", 2)
    own = bench([method], mixed())
    method.fill = lambda *given: 1 / 0
    with pytest.raises(ZeroDivisionError):
        own._fill(0, own.suite.batch(own.suite.datasets[0], "rect", [0], MIXED[:1]), "rect", 1)
    assert method.sample == 0


def test_only_the_first_sample_is_saved(tmp_path):
    methods = [Drawing("two", 2, step=50)]
    own = bench(methods, quarter(), predictions=tmp_path, restore_known=False)
    own.score(Task(0, (0, 1), {"rect": (0,)}), lambda *_: None, {})
    assert sorted(file.name for file in (tmp_path / "two/rect").iterdir()) == ["a.png", "b.png"]
    for name, image in zip(IDS[:2], IMAGES, strict=False):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "two/rect" / f"{name}.png")), image)


def test_features_are_of_what_is_scored_known_pixels_restored_or_not():
    for restored in (True, False):
        own = bench([Painter("p", brighter(4))], quarter(), sets=Means(), restore_known=restored)
        result = own.score(Task(0, (0,), {"rect": (0,)}), lambda *_: None, {})
        # Four levels over a quarter of the picture, or over all of it.
        assert result.fills["rect", 0][0] - result.truths[0] == pytest.approx([1, 1] if restored else [4, 4], abs=1e-4)


def test_a_failed_sample_leaves_its_picture_without_diversity_and_keeps_its_own_reason():
    found = Findings({("circle", "b"): "of another mask type"})
    method = Painter("p", failing(1), samples=2, found=found)
    rows = bench([method], quarter()).score(Task(0, (0, 1), {"rect": (0,)}), lambda *_: None, {}).rows["rect", 0]
    assert [row["failed"][:25] for row in rows] == ["", "the raw output holds NaN ", "", "the raw output holds NaN "]
    assert [row["sample_diversity"] for row in rows][::2] == [0, 0]
    assert all(math.isnan(row["sample_diversity"]) for row in rows[1::2])


def test_drift_is_counted_of_finished_pictures_that_could_be_scored_by_method():
    drifting = [Painter("raw", brighter(3)), Painter("f", failing(1, 3), gives_raw=False)]
    still = Painter("still", brighter(0), gives_raw=False)
    task = Task(0, (0, 1, 2), {"rect": (0, 1, 2)})
    result = bench([*drifting, still], quarter()).score(task, lambda *_: None, {})
    assert result.drifted == {1: 2}


def test_what_is_found_of_columns_is_handed_on_and_forgotten():
    own = bench([Painter("p", brighter(3))], quarter())
    result = own.score(Task(0, (0,), {"rect": (0,)}), lambda *_: None, {})
    assert result.found.valued == {"l1_hole", "psnr"}
    assert own.scorer.take_found().valued == set()


def test_a_metric_sees_finished_pictures_in_8_bits_and_anything_else_as_it_came():
    raw = np.stack([np.full((2, 2, 3), 0.5, np.float32), np.full((2, 2, 3), np.nan, np.float32)])
    eight = np.full((2, 2, 2, 3), 128, np.uint8)
    finished, own = Painter("f", brighter(0), gives_raw=False), Painter("m", brighter(0))
    assert [seen.dtype for seen in visible(own, raw, eight)] == [np.float32] * 2
    whole, broken = visible(finished, raw, eight)
    assert whole.dtype == np.uint8 and np.isnan(broken).all()


@pytest.mark.parametrize(
    ("scorer", "sets", "on_cpu"),
    [("cpu", None, True), ("cuda", None, False), ("cpu", "cuda", False), ("cpu", "cpu", True)],
)
def test_copies_may_score_only_where_nothing_is_on_a_gpu(scorer, sets, on_cpu):
    own = bench([], quarter(), device=scorer)
    if sets:
        own.sets = Means()
        own.sets.device = sets
    assert own.on_cpu == on_cpu
