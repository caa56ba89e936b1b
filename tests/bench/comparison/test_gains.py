"""What one side gains over the other: by hand, and against SciPy's tests where training seeds are all that differs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.comparison.gains import gains, measure, unmoved
from bench.comparison.pairing import Pair
from bench.metrics.declaration import Metric

HIGHER = Metric("psnr", unit="dB", direction="higher", target=0.0)
LOWER = Metric("lpips", unit="", direction="lower", target=0.0)
NEAREST = Metric("shift", unit="levels", direction="nearest", target=1.0)
PICTURES = 5


def pair(
    reference: np.ndarray,
    candidate: np.ndarray,
    facts: tuple[Metric, ...] = (HIGHER,),
    variants: tuple[str, str] = ("a", "b"),
    seeds: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
) -> Pair:
    """Scores (seeds, images, masks, metrics) of two sides as a pair."""
    numbers = seeds or (tuple(range(len(reference))), tuple(range(len(candidate))))
    sides: Any = tuple(SimpleNamespace(variant=v, seeds=s) for v, s in zip(variants, numbers, strict=True))
    images, masks = reference.shape[1:3]
    failed = np.zeros((images, masks), int)
    names, area = np.arange(images).astype(str), np.full((images, masks), 0.1)
    masks_of = tuple("xyz"[:masks])
    return Pair(sides, "s", names, masks_of, facts, reference, candidate, (failed, failed), area, 0)


def shifted(shifts: np.ndarray) -> np.ndarray:
    """Scores that differ by picture and, by these shifts (seeds, masks), by seed: no other noise."""
    difficulty = np.random.default_rng(0).normal(20, 3, (1, PICTURES, shifts.shape[1]))
    return (difficulty + shifts[:, None])[..., None]


OURS = np.array([[0.1, 2.0], [-0.4, 1.0], [0.5, 4.5]])
THEIRS = np.array([[1.2, 0.3], [0.4, 0.9]])


@pytest.mark.parametrize("pooled_only", [False, True])
@pytest.mark.parametrize(("fact", "sign"), [(HIGHER, 1), (LOWER, -1)])
def test_where_only_seeds_differ_the_interval_and_p_are_welchs(fact: Metric, sign: int, pooled_only: bool) -> None:
    found = measure(pair(shifted(OURS), shifted(THEIRS), (fact,)), pooled_only=pooled_only)
    low, high = found.resampled.interval(0.9)
    columns = [(OURS.mean(1), THEIRS.mean(1))]
    if not pooled_only:
        columns = [*zip(OURS.T, THEIRS.T, strict=True), *columns]
    assert len(found.p) == len(columns)
    for k, (ours, theirs) in enumerate(columns):
        welch = stats.ttest_ind(sign * theirs, sign * ours, equal_var=False)
        between = welch.confidence_interval(0.9)
        assert found.resampled.mean[k] == pytest.approx(sign * (theirs.mean() - ours.mean()))
        assert found.p[k] == pytest.approx(welch.pvalue)
        assert [low[k], high[k]] == pytest.approx([between.low, between.high])


@pytest.mark.parametrize("turned", [False, True])
def test_one_side_of_one_seed_adds_no_noise_of_training(turned: bool) -> None:
    alone = np.zeros((1, 2))
    sides = (shifted(alone), shifted(OURS)) if turned else (shifted(OURS), shifted(alone))
    found = measure(pair(*sides))
    low, high = found.resampled.interval()
    for k, ours in enumerate([*OURS.T, OURS.mean(1)]):
        student = stats.ttest_1samp(ours if turned else -ours, 0)
        between = student.confidence_interval(0.95)
        assert found.p[k] == pytest.approx(student.pvalue)
        assert [low[k], high[k]] == pytest.approx([between.low, between.high])


@pytest.mark.parametrize("pooled_only", [False, True])
def test_the_same_seeds_of_the_same_variant_are_paired(pooled_only: bool) -> None:
    again = OURS + np.array([[0.3, 0.1], [0.4, 0.1], [0.2, 0.4]])
    found = measure(pair(shifted(OURS), shifted(again), variants=("a", "a")), pooled_only=pooled_only)
    low, high = found.resampled.interval()
    columns = [(again - OURS).mean(1)] if pooled_only else [*(again - OURS).T, (again - OURS).mean(1)]
    for k, change in enumerate(columns):
        between = stats.ttest_1samp(change, 0).confidence_interval(0.95)
        assert [low[k], high[k]] == pytest.approx([between.low, between.high])


@pytest.mark.parametrize(
    ("variants", "seeds"), [(("a", "b"), ((0, 1, 2), (0, 1, 2))), (("a", "a"), ((0, 1, 2), (3, 4, 5)))]
)
def test_other_seeds_or_variants_are_not_paired(
    variants: tuple[str, str], seeds: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    again = OURS + 0.3
    found = measure(pair(shifted(OURS), shifted(again), variants=variants, seeds=seeds))
    welch = stats.ttest_ind(again[:, 0], OURS[:, 0], equal_var=False)
    assert found.p[0] == pytest.approx(welch.pvalue)


def test_a_gain_is_the_mean_over_seeds_of_what_is_good() -> None:
    # Shifts of 0 and 2 about a target of 1 are off by 1 each, though their mean is on it.
    reference = np.array([0.0, 2.0]).reshape(2, 1, 1, 1)
    candidate = np.array([1.5, 1.5]).reshape(2, 1, 1, 1)
    assert gains(pair(reference, candidate, (NEAREST,))).tolist() == [[[0.5]]]
    assert gains(pair(candidate, reference, (NEAREST,))).tolist() == [[[-0.5]]]


def test_means_wins_and_losses_by_mask_and_pooled() -> None:
    nan = np.nan
    reference = np.array([[[1.0, 5.0], [2.0, nan]], [[3.0, 5.0], [4.0, 5.0]], [[5.0, 5.0], [6.0, 5.0]]])
    change = np.array([[[1.0, 0.0], [-1.0, nan]], [[5e-10, 2.0], [2.0, -5e-10]], [[-2.0, 0.0], [3.0, 0.0]]])
    found = measure(pair(reference[None], (reference + change)[None], (HIGHER, LOWER)))
    # Columns: x psnr, x lpips, y psnr, y lpips, all psnr, all lpips.
    assert found.reference_mean == pytest.approx([3, 5, 4, 5, 3.5, 5])
    assert found.candidate_mean == pytest.approx([8 / 3, 17 / 3, 16 / 3, 5, 4, 5.4], abs=1e-8)
    assert found.resampled.rows.tolist() == [3, 3, 3, 2, 6, 5]
    assert found.wins.tolist() == [1, 0, 2, 0, 3, 0]
    assert found.losses.tolist() == [1, 1, 1, 0, 2, 1]


def test_exactly_nothing_is_known_even_of_one_picture_and_only_where_there_is_one() -> None:
    reference = np.array([[3.0, 4.0, 5.0, np.nan]]).reshape(1, 1, 4, 1)
    candidate = reference + np.array([0.0, 1.0, 5e-10, 0.0]).reshape(1, 1, 4, 1)
    four = pair(reference[:, :, :3], candidate[:, :, :3])
    low, high = measure(four).resampled.interval()
    # One picture that changed has no interval; one that did not, or by less than counts, has all of it.
    assert [low.tolist()[k] for k in (0, 2)] == [high.tolist()[k] for k in (0, 2)] == [0, 0]
    assert np.isnan([low[1], high[1], low[3], high[3]]).all()
    empty = measure(pair(reference[:, :, 3:], candidate[:, :, 3:]))
    assert np.isnan(empty.resampled.mean).all()
    assert empty.resampled.rows.tolist() == [0, 0]


def test_a_small_change_of_all_pictures_is_a_change() -> None:
    reference = np.random.default_rng(0).normal(size=(1, 6, 1, 2))
    candidate = reference + np.array([1e-7, 0.0])
    found = measure(pair(reference, candidate, (HIGHER, LOWER)))
    low, high = found.resampled.interval()
    assert found.resampled.mean == pytest.approx([1e-7, 0, 1e-7, 0], rel=1e-6)
    assert [low[0], high[0]] == pytest.approx([1e-7, 1e-7], rel=1e-6)
    assert found.wins.tolist() == [6, 0, 6, 0]
    assert found.p == pytest.approx([2 / 2**6, 1, 2 / 2**6, 1])


@pytest.mark.parametrize(("change", "counted"), [(7e-10, 0), (1e-9, 0), (1.1e-9, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_picture_is_won_or_lost_by_more_than_a_billionth(change: float, counted: int, sign: int) -> None:
    found = measure(pair(np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 1), sign * change)))
    assert found.wins.tolist() == [counted * (sign > 0)] * 2
    assert found.losses.tolist() == [counted * (sign < 0)] * 2
    assert unmoved(np.full((1, 1, 1), sign * change)).tolist() == [not counted] * 2
