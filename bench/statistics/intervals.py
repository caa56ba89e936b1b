"""Intervals and tests for paired scores: every image is one cluster, whatever the number of masks and seeds.

The interval is the bootstrap-t (Efron & Tibshirani 1993, ch. 12; Hall 1988) over whole images, never narrower
than Student's: at 20 images the plain percentile bootstrap covers about 92 % of the time for well-behaved
differences and 86 % for skewed ones, this one 95 % and 93 % (docs/statistics.md has the figures).

Columns are independent problems (one per mask type and metric) that share their resamples: arrays are
(clusters, columns), and a cluster holds the sum and the count of its rows, so that unequal counts are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
GROUPS = 2_000
"""More clusters than this are merged at random into this many. Merged clusters are clusters still, so the
interval stays valid; its width is estimated to 1/sqrt(2 x 2,000) = 1.6 %, like 10,000 resamples estimate it."""
FEW = 8
"""Below this many clusters a resample holds too few distinct ones to be studentised: Student's t alone."""
CHUNK = 500


@dataclass(frozen=True)
class Resampled:
    """Means and what their intervals are read from, per column.

    mean, error, df: shape (columns,), NaN where a column has no rows; clusters, rows: how many it has.
    ratios: (resamples, columns among ``busy``), sorted: (mean* - mean) / error* of each resample.
    """

    mean: np.ndarray
    error: np.ndarray
    df: np.ndarray
    clusters: np.ndarray
    rows: np.ndarray
    ratios: np.ndarray
    busy: np.ndarray

    def interval(self, level: float | np.ndarray = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Both ends at a level, or at one level per column; NaN where fewer than two clusters have rows: one
        picture has no interval.

        >>> low, high = resample(np.array([[1.0], [3.0]]), np.ones((2, 1))).interval(0.95)
        >>> low.round(3).tolist(), high.round(3).tolist()  # 2 ± 12.706: mean, Student's t of one degree, error 1
        ([-10.706], [14.706])
        """
        bound = student(level, self.df)
        below, above = -bound, bound
        own = np.broadcast_to(level, self.mean.shape)[self.busy]
        lower, upper = tails(self.ratios, own, self.df[self.busy])
        below[self.busy] = np.fmin(below[self.busy], lower)
        above[self.busy] = np.fmax(above[self.busy], upper)
        return self.mean - above * self.error, self.mean - below * self.error

    def settled(self, still: np.ndarray) -> Resampled:
        """The same where ``still`` columns are known to be zero, exactly, even of a single cluster.

        >>> resample(np.zeros((1, 1)), np.ones((1, 1))).settled(np.array([True])).interval(0.95)[1].tolist()
        [0.0]
        """
        mean, error = (np.where(still, 0.0, part) for part in (self.mean, self.error))
        return replace(self, mean=mean, error=error, df=np.where(still, np.fmax(self.df, 1), self.df))


def student(level: np.ndarray | float, df: np.ndarray | float) -> np.ndarray:
    """The two-sided quantile of Student's t, NaN where df < 1.

    >>> student(0.95, np.array([1, 10])).round(3).tolist()
    [12.706, 2.228]
    """
    from scipy.special import stdtrit

    df = np.asarray(df, float)
    return np.where(df >= 1, stdtrit(np.maximum(df, 1.0), (1 + level) / 2), np.nan)


def weights(clusters: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each cluster is drawn in each resample: float32 (chunk, clusters), chunk after chunk.

    >>> drawn = next(weights(clusters=5, resamples=3, seed=0))
    >>> drawn.shape, drawn.sum(1).tolist()
    ((3, 5), [5.0, 5.0, 5.0])
    """
    rng = np.random.default_rng([seed, clusters])
    for start in range(0, resamples, CHUNK):
        count = min(CHUNK, resamples - start)
        drawn = rng.integers(0, clusters, size=(count, clusters), dtype=np.int64)
        drawn += (np.arange(count) * clusters)[:, None]
        tally = np.bincount(drawn.ravel(), minlength=count * clusters)
        yield tally.reshape(count, clusters).astype(np.float32)


def merged(seed: int, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arrays (clusters, columns) with clusters summed at random into at most GROUPS.

    >>> sums = merged(0, np.ones((3000, 1)))[0]
    >>> sums.shape, sums.sum().item()
    ((2000, 1), 3000.0)
    """
    count = len(arrays[0])
    if count <= GROUPS:
        return arrays
    order = np.random.default_rng([seed, count]).permutation(count)
    starts = np.linspace(0, count, GROUPS, endpoint=False).astype(int)
    return tuple(np.add.reduceat(array[order], starts, axis=0) for array in arrays)


def standard_errors(residuals: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of each column's mean, clusters being independent, and the number of clusters with rows.

    residuals: per cluster, sum of its rows less the mean times their count.

    >>> error, clusters = standard_errors(np.array([[-1.0], [1.0]]), np.ones((2, 1)))
    >>> error.tolist(), clusters.tolist()  # sqrt(2 x 2 / 1) / 2
    ([1.0], [2])
    """
    clusters = (counts > 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (residuals**2).sum(0) * clusters / (clusters - 1)
        return np.sqrt(spread) / counts.sum(0), clusters


class Intervals(NamedTuple):
    """A mean and its interval per column."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    clusters: np.ndarray
    rows: np.ndarray


def intervals(
    sums: np.ndarray, counts: np.ndarray, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Intervals:
    """Means of rows with their intervals at one level, as :func:`resample` takes them.

    >>> found = intervals(np.array([[1.0], [3.0]]), np.ones((2, 1)))
    >>> found.mean.tolist(), found.high.round(3).tolist(), found.clusters.tolist()
    ([2.0], [14.706], [2])
    """
    found = resample(sums, counts, resamples, seed)
    return Intervals(found.mean, *found.interval(level), found.clusters, found.rows)


def inside(
    span: tuple[float, float], mean: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of a mean's interval, cut off where no mean can be; span: the least and greatest value of a score.

    What is cut away cannot hold the true mean, so the interval holds it exactly as often as before.

    >>> low, high = inside((-1.0, 1.0), np.array([0.53]), np.array([-0.376]), np.array([1.44]))
    >>> low.tolist(), high.tolist()
    ([-0.376], [1.0])
    """
    least, greatest = span
    # Of scores beyond the span that their metric declares, the mean stays inside.
    return np.maximum(low, np.minimum(least, mean)), np.minimum(high, np.maximum(greatest, mean))


def resample(sums: np.ndarray, counts: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Resampled:
    """Means of rows, clusters resampled whole.

    sums, counts: (clusters, columns), the sum and the number of the rows that each cluster has in each column.

    >>> found = resample(np.array([[1.0], [6.0]]), np.array([[1], [2]]))  # 1; 3 and 3
    >>> found.mean.round(3).tolist(), found.clusters.tolist(), found.rows.tolist()
    ([2.333], [2], [3])
    """
    rows = counts.sum(0)
    total_clusters = (counts > 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(0) / rows
    sums, counts = merged(seed, np.asarray(sums, float), np.asarray(counts, float))
    residuals = sums - np.nan_to_num(mean) * counts
    error, clusters = standard_errors(residuals, counts)
    # Rounding leaves a trace of an error where all differences are equal: exactly nothing is meant.
    with np.errstate(invalid="ignore"):
        error = np.where(error <= 1e-12 * np.abs(mean), 0.0, error)
    busy = (clusters >= FEW) & (error > 0)
    ratios = _studentised(residuals[:, busy], counts[:, busy], resamples, seed)
    return Resampled(mean, error, clusters - 1.0, total_clusters, rows, np.sort(ratios, axis=0), busy)


def _studentised(residuals: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(mean* - mean) / error* of each resample of whole clusters, float32 (resamples, columns).

    NaN where a resample has no spread: one cluster many times over leaves nothing to studentise by.
    """
    clusters, columns = residuals.shape
    if not columns:
        return np.empty((resamples, 0), np.float32)
    scale = np.sqrt((residuals**2).mean(0))
    scaled = (residuals / scale).astype(np.float32)
    patterns, pattern = np.unique(counts.astype(np.float32), axis=1, return_inverse=True)
    pattern = pattern.reshape(-1)
    equal = bool((patterns == patterns[:1]).all())
    parts = [scaled, scaled**2]
    if not equal:
        parts += [scaled * counts.astype(np.float32), patterns, patterns**2]
    table, ends = np.concatenate(parts, axis=1), np.cumsum([part.shape[1] for part in parts])[:-1]
    used = (counts > 0).sum(0)
    ratios = np.empty((resamples, columns), np.float32)
    start = 0
    for drawn in weights(clusters, resamples, seed):
        first, second, *unequal = np.split(_multiplied(drawn, table), ends, axis=1)
        if equal:
            shift = first / clusters
            spread = second - clusters * shift**2
        else:
            cross, totals, squares = unequal[0], unequal[1][:, pattern], unequal[2][:, pattern]
            with np.errstate(invalid="ignore", divide="ignore"):
                shift = first / totals
            spread = second - 2 * shift * cross + shift**2 * squares
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = first / np.sqrt(spread * (used / (used - 1)))
        ratios[start : start + len(drawn)] = np.where(spread > 1e-5 * clusters, ratio, np.nan)
        start += len(drawn)
    return ratios


def _multiplied(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b on one thread: with several, their number (OMP_NUM_THREADS, the cores) would move the last bits."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        return cast(np.ndarray, a @ b)


def tails(ratios: np.ndarray, level: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper quantiles per column of sorted ratios, NaN left out. A tail of fewer than 10 resamples is
    not read but scaled, as Student's t scales, from the tail that holds 10.

    >>> ratios = np.linspace(-5, 5, 1001)[:, None]
    >>> low, high = tails(ratios, np.array([0.95]), np.array([30.0]))  # 25 of 1000 steps from either end
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([-4.75], [4.75])
    """
    tail = (1 - level) / 2
    readable = np.maximum(tail, 10 / len(ratios))
    factor = student(level, df) / student(1 - 2 * readable, df)
    kept = np.isfinite(ratios).sum(0)
    column = np.arange(ratios.shape[1])

    def quantile(share: np.ndarray) -> np.ndarray:
        position = np.maximum(share * (kept - 1), 0)
        left = np.floor(position).astype(int)
        right = np.minimum(left + 1, np.maximum(kept - 1, 0))
        low, high = ratios[left, column], ratios[right, column]
        return cast(np.ndarray, (low + (position - left) * (high - low)).astype(float))

    return quantile(readable) * factor, quantile(1 - readable) * factor


@dataclass(frozen=True)
class Seeds:
    """One side's training noise per column.

    deviations: seed means about their own mean, (seeds, columns). image_variance: how much of a seed mean's
    variance comes from the images it was scored on, (columns,): what the images' own error holds too.

    >>> noise = Seeds(np.array([[-1.0], [1.0]]), np.array([0.0]))  # seed means one below and one above their mean
    >>> noise.count, noise.known, noise.variance.tolist()  # 2 / (2 - 1), of a mean of two
    (2, True, [1.0])
    """

    deviations: np.ndarray
    image_variance: np.ndarray

    @property
    def count(self) -> int:
        """How many training seeds."""
        return len(self.deviations)

    @property
    def known(self) -> bool:
        """Whether there are several, so that training noise can be told."""
        return self.count > 1

    @property
    def variance(self) -> np.ndarray:
        """Of the side's mean over its seeds."""
        return (self.deviations**2).sum(0) / max(self.count - 1, 1) / self.count

    def columns(self, kept: np.ndarray | slice) -> Seeds:
        """The same of some columns: bool, indices or a slice.

        >>> Seeds(np.array([[-1.0, -2.0], [1.0, 2.0]]), np.zeros(2)).columns(slice(1, 2)).deviations.tolist()
        [[-2.0], [2.0]]
        """
        return Seeds(self.deviations[:, kept], self.image_variance[kept])

    def draws(self, resamples: int, rng: np.random.Generator) -> np.ndarray:
        """Shifts of the side's mean when its seeds are resampled, (resamples, columns). A few seeds resampled
        spread too little by (count - 1) / count; they are stretched by that.

        >>> shifts = Seeds(np.array([[-1.0], [1.0]]), np.zeros(1)).draws(1000, np.random.default_rng(0))
        >>> sorted({round(float(shift), 3) for shift in shifts[:, 0]})  # one seed twice, or each once; times sqrt(2)
        [-1.414, 0.0, 1.414]
        """
        drawn = rng.multinomial(self.count, np.full(self.count, 1 / self.count), size=resamples)
        stretch = np.sqrt(self.count / (self.count - 1))
        return (drawn / self.count) @ self.deviations * stretch


def seed_noise(sums: np.ndarray, counts: np.ndarray) -> Seeds:
    """Training noise from the clusters' sums and counts of every seed, (seeds, clusters, columns); the seeds
    were scored on the same rows, so their counts agree.

    >>> noise = seed_noise(np.array([[[1.0], [1.0]], [[3.0], [3.0]]]), np.ones((2, 2, 1)))  # seed means 1 and 3
    >>> noise.deviations.ravel().tolist(), noise.variance.tolist(), noise.image_variance.tolist()
    ([-1.0, 1.0], [1.0], [0.0])
    """
    count = len(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nan_to_num(sums.sum(1) / counts.sum(1))
    deviations = means - means.mean(0)
    apart = sums - sums.mean(0) - deviations[:, None] * counts
    errors = np.stack([standard_errors(residuals, counts[0])[0] for residuals in apart])
    return Seeds(deviations, np.nan_to_num((errors**2).sum(0) / max(count - 1, 1)))


def hierarchical(
    sums: np.ndarray,
    counts: np.ndarray,
    sides: tuple[Seeds, ...],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Resampled, np.ndarray]:
    """Means whose intervals hold training noise too, and the two-sided p of no difference.

    sums, counts: as in :func:`resample`, of differences between the sides' means over their seeds. Each
    resample draws images and, of every side that has several, training seeds; errors add in squares, with
    Welch and Satterthwaite's degrees of freedom.

    >>> noise = Seeds(np.array([[-1.0], [1.0]]), np.array([0.0]))
    >>> found, p = hierarchical(np.array([[1.0], [3.0]]), np.ones((2, 1)), (noise,))
    >>> found.mean.tolist(), found.error.round(3).tolist()  # images 1, seeds 1: the root of 1 + 1
    ([2.0], [1.414])
    """
    images = resample(sums, counts, resamples, seed)
    noisy = [side for side in sides if side.known]
    # Seeds differ by the images they were scored on too; what the seeds' part holds leaves the images' part.
    twice = np.sum([side.image_variance / side.count for side in noisy], axis=0)
    image_error = np.sqrt(np.maximum(images.error**2 - twice, 0))
    variances = [image_error**2, *(side.variance for side in noisy)]
    freedoms = [np.maximum(images.df, 1), *(np.full(len(images.mean), side.count - 1) for side in noisy)]
    total = np.sum(variances, axis=0)
    error = np.sqrt(total)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = total**2 / np.sum([v**2 / f for v, f in zip(variances, freedoms, strict=True)], axis=0)
    df = np.where(images.df < 1, np.nan, np.where(error > 0, np.maximum(df, 1.0), images.df))
    busy = images.busy & (error > 0)
    shifts = images.ratios[:, busy[images.busy]] * image_error[busy]
    rng = np.random.default_rng([seed, resamples, 2])
    # Sorted columns would pair large shifts of images with each other's seeds; the order is random again here.
    shifts = rng.permuted(shifts, axis=0)
    for side in noisy:
        shifts = shifts + side.columns(busy).draws(resamples, rng)
    ratios = np.sort(shifts / error[busy], axis=0)
    found = Resampled(images.mean, error, df, images.clusters, images.rows, ratios, busy)
    return found, two_sided_p(found)


def two_sided_p(found: Resampled) -> np.ndarray:
    """Student's p of a mean of zero; 1 where nothing is known.

    >>> found = resample(np.array([[1.0], [3.0]]), np.ones((2, 1)))
    >>> two_sided_p(found).round(3).tolist()  # t = 2 with one degree: 1 - 2 atan(2) / pi
    [0.295]
    """
    from scipy.special import stdtr

    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.abs(found.mean) / found.error
        p = 2 * stdtr(found.df, -score)
    return np.where((found.error > 0) & np.isfinite(p), p, 1.0)
