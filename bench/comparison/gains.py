"""What one side gains over the other: differences of a pair's scores in each metric's good direction, resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.comparison.pairing import Pair
from bench.statistics import intervals, paired, significance
from bench.statistics.intervals import Seeds
from bench.statistics.scores import clustered


def goodness(pair: Pair, values: np.ndarray) -> np.ndarray:
    """Scores turned so that higher is better, metric by metric (the last axis).

    >>> from types import SimpleNamespace as Facts
    >>> from bench.metrics.declaration import Metric
    >>> pair = Facts(facts=[Metric("error", direction="lower")])
    >>> goodness(pair, np.array([[2.0], [3.0]])).tolist()
    [[-2.0], [-3.0]]
    """
    turned = np.empty_like(values)
    for k, fact in enumerate(pair.facts):
        turned[..., k] = fact.goodness(values[..., k])
    return turned


def seed_noise(good: np.ndarray) -> Seeds:
    """A side's training noise, columns as :func:`clustered` lays them out; good: (seeds, images, masks, metrics).

    >>> noise = seed_noise(np.array([[1.0, 1.0], [3.0, 3.0]]).reshape(2, 2, 1, 1))  # two seeds, two images
    >>> noise.deviations.tolist()  # of the mask type and of all
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    parts = [[flat(part) for part in clustered(values)] for values in good]
    return intervals.seed_noise(*(np.stack(part) for part in zip(*parts, strict=True)))


def _training_noise(pair: Pair, first: int) -> tuple[Seeds, ...]:
    """What training seeds add to the noise of a difference, from the column ``first`` on: each side's own or, of the
    same variant trained from the same seeds in two runs, that of the differences seed by seed."""
    ours, theirs = goodness(pair, pair.reference), goodness(pair, pair.candidate)
    reference, candidate = pair.sides
    if reference.variant == candidate.variant and reference.seeds == candidate.seeds:
        return (seed_noise(theirs - ours).columns(slice(first, None)),)
    return tuple(seed_noise(side).columns(slice(first, None)) for side in (ours, theirs))


@dataclass(frozen=True)
class Measured:
    """Gains of a pair's candidate, columns laid out as (mask types and ``all``) x metrics.

    distances: both sides' mean distance from a metric's target, which a gain is the difference of;
    NaN of metrics without one. sums, counts: per image; wins, losses: pictures that got better and worse.
    """

    resampled: intervals.Resampled
    p: np.ndarray
    reference_mean: np.ndarray
    candidate_mean: np.ndarray
    distances: tuple[np.ndarray, np.ndarray]
    sums: np.ndarray
    counts: np.ndarray
    wins: np.ndarray
    losses: np.ndarray


def measure(pair: Pair, resamples: int = intervals.RESAMPLES, seed: int = 0, pooled_only: bool = False) -> Measured:
    """Intervals and p of the candidate's gain over the reference, in each metric's good direction; pooled_only:
    of the columns of ``all`` alone.

    >>> from types import SimpleNamespace as Facts
    >>> from bench.metrics.declaration import Metric
    >>> sides = Facts(variant="a", seeds=(0,)), Facts(variant="b", seeds=(0,))
    >>> before, after = np.array([5.0, 5.0]).reshape(1, 2, 1, 1), np.array([4.0, 2.0]).reshape(1, 2, 1, 1)
    >>> lower = [Metric("error", direction="lower")]
    >>> found = measure(Facts(sides=sides, masks=("rect",), facts=lower, reference=before, candidate=after))
    >>> found.resampled.mean.tolist(), found.wins.tolist()  # gains of 1 and 3, for the mask type and for all
    ([2.0, 2.0], [2, 2])
    """
    change = gains(pair)
    first = len(pair.masks) * len(pair.facts) if pooled_only else 0
    sums, counts = (flat(part)[:, first:] for part in clustered(change))
    noise = _training_noise(pair, first)
    resampled, p = paired.resampled(sums, counts, ~unmoved(change)[first:], noise, resamples, seed)
    means, distances = [], []
    nearest = np.array([fact.direction == "nearest" for fact in pair.facts])
    for values in (pair.reference, pair.candidate):
        off = np.where(nearest, -goodness(pair, values), 0.0)
        with np.errstate(invalid="ignore"):
            means.append(with_pooled(np.nansum(values.mean(0), axis=0))[first:] / resampled.rows)
            mean_off = with_pooled(np.nansum(off.mean(0), axis=0))[first:] / resampled.rows
        distances.append(np.where(np.resize(nearest, mean_off.shape), mean_off, np.nan))
    moved = (np.count_nonzero(change * sign > significance.TIE, axis=0) for sign in (1, -1))
    wins, losses = (with_pooled(count)[first:] for count in moved)
    return Measured(resampled, p, means[0], means[1], (distances[0], distances[1]), sums, counts, wins, losses)


def with_pooled(per_mask: np.ndarray) -> np.ndarray:
    """Totals (masks, metrics) with those of all masks below, flattened.

    >>> with_pooled(np.array([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4, 4, 6]
    """
    return np.concatenate([per_mask, per_mask.sum(0, keepdims=True)]).ravel()


def gains(pair: Pair) -> np.ndarray:
    """The candidate's gain on every picture over the seeds' means, (images, masks, metrics).

    >>> from types import SimpleNamespace as Facts
    >>> from bench.metrics.declaration import Metric
    >>> before, after = np.full((1, 1, 1, 1), 2.0), np.full((1, 1, 1, 1), 1.5)
    >>> gains(Facts(facts=[Metric("error", direction="lower")], reference=before, candidate=after)).tolist()
    [[[0.5]]]
    """
    return goodness(pair, pair.candidate).mean(0) - goodness(pair, pair.reference).mean(0)


def unmoved(change: np.ndarray) -> np.ndarray:
    """Per column, (mask types and ``all``) x metrics, whether no picture changed.

    >>> unmoved(np.array([[[0.0, 1.0]]])).tolist()  # one mask type and all, two metrics each
    [True, False, True, False]
    """
    moved = np.abs(np.nan_to_num(change)) > significance.TIE
    return ~np.concatenate([moved.any(0), moved.any((0, 1))[None]]).ravel()


def flat(part: np.ndarray) -> np.ndarray:
    """(images, …) as (images, columns).

    >>> flat(np.zeros((4, 3, 2))).shape
    (4, 6)
    """
    return part.reshape(len(part), -1)
