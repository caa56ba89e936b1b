"""Paired tests: could the two sides be the same? One p per column; an image is one observation."""

from __future__ import annotations

import numpy as np

EXACT = 14
"""Up to this many images that differ, all 2^n sign flips are counted; beyond, the saddlepoint formula."""
RANKS_EXACT = 50
TIE = 1e-9
"""Scores closer than this are equal: below what any two machines agree on, above nothing of meaning."""


def sign_flip_p(sums: np.ndarray) -> np.ndarray:
    """Two-sided p of the paired permutation test of the mean: were the sides the same, each image's
    difference could as well have the other sign.

    sums: (images, columns), every image's summed difference. Exact for up to 14 images that differ; for more,
    the saddlepoint approximation of the permutation distribution (Robinson 1982, in Barndorff-Nielsen's form),
    which needs no random flips and so has no smallest p that a correction for many tests would swallow.

    >>> sign_flip_p(np.array([[1.0], [2.0], [3.0]])).tolist()  # 2 of 8 sign patterns
    [0.25]
    """
    sums = np.where(np.abs(sums) <= TIE, 0.0, sums)
    different = (sums != 0).sum(0)
    p = np.ones(sums.shape[1])
    for column in np.flatnonzero((different > 0) & (different <= EXACT)):
        p[column] = exact_flip_p(sums[sums[:, column] != 0, column])
    many = different > EXACT
    if many.any():
        p[many] = saddlepoint_flip_p(sums[:, many])
    return p


def exact_flip_p(values: np.ndarray) -> float:
    """The share of all sign patterns whose sum is at least as far from zero.

    >>> exact_flip_p(np.array([1.0, 2.0]))  # sums 3, 1, -1, -3
    0.5
    """
    patterns = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
    flipped = (2.0 * patterns - 1.0) @ values
    return float(np.mean(np.abs(flipped) >= np.abs(values.sum()) * (1 - 1e-9)))


def saddlepoint_flip_p(sums: np.ndarray) -> np.ndarray:
    """The same for many images, columns at once.

    >>> bool(saddlepoint_flip_p(np.ones((20, 1)))[0] == 2 / 2**20)  # all of one sign: 2 of 2^20 patterns
    True
    """
    from scipy.special import ndtr

    unit = np.sqrt((sums**2).mean(0))
    scaled, reached = np.abs(sums) / unit, np.abs(sums.sum(0)) / unit
    one_sided = reached >= scaled.sum(0) * (1 - 1e-9)
    # The tilt at which flipped sums average what was reached; the average is concave in it, so Newton's steps
    # come from below and never overshoot.
    tilt = np.zeros(sums.shape[1])
    for _ in range(60):
        leaning = np.tanh(tilt * scaled)
        slope = (scaled**2 * (1 - leaning**2)).sum(0)
        step = (reached - (scaled * leaning).sum(0)) / np.maximum(slope, 1e-300)
        tilt = np.minimum(tilt + np.maximum(step, 0.0), 64.0)
        if (step <= 1e-9).all():
            break
    turned = tilt * scaled
    log_cosh = turned + np.log1p(np.exp(-2 * turned)) - np.log(2.0)
    root = np.sqrt(np.maximum(2 * (tilt * reached - log_cosh.sum(0)), 0.0))
    spread = tilt * np.sqrt((scaled**2 / np.cosh(np.minimum(turned, 300)) ** 2).sum(0))
    plain = reached / np.sqrt(len(sums))
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = root + np.log(spread / root) / root
    score = np.where(plain > 0.05, corrected, plain)
    p = np.minimum(2 * ndtr(-score), 1.0)
    every = 2.0 ** (1 - (scaled > 0).sum(0).clip(max=1000))
    return np.where(one_sided, every, np.maximum(p, every))


def wilcoxon_p(means: np.ndarray) -> np.ndarray:
    """Two-sided p of Wilcoxon's signed-rank test per column of (images, columns), NaN and zeros left out.

    Exact up to 50 images without ties, else normal with the ties' correction: scipy.stats.wilcoxon's numbers,
    without the second that importing scipy.stats takes. 1 where nothing differs.

    >>> wilcoxon_p(np.array([[1.0], [2.0], [3.0]])).tolist()
    [0.25]
    """
    return np.array([signed_rank_p(column) for column in means.T])


def signed_rank_p(values: np.ndarray) -> float:
    """Wilcoxon's two-sided p of one column of differences, ties left out; 1 where none differs.

    >>> signed_rank_p(np.array([1.0, 2.0, 3.0]))  # 2 of 8 sign patterns
    0.25
    """
    from scipy.special import ndtr

    values = values[np.abs(values) > TIE]
    count = len(values)
    if not count:
        return 1.0
    size = np.abs(values)
    order = np.argsort(size)
    ordered = size[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, count))
    ranks = np.repeat(starts + (lengths + 1) / 2, lengths)
    positive = ranks[values[order] > 0].sum()
    middle = count * (count + 1) / 4
    if count <= RANKS_EXACT and len(starts) == count:
        return exact_rank_p(count, round(min(positive, 2 * middle - positive)))
    variance = middle * (2 * count + 1) / 6 - (lengths.astype(float) ** 3 - lengths).sum() / 48
    return float(2 * ndtr(-abs(positive - middle) / np.sqrt(variance)))


def exact_rank_p(count: int, smaller: int) -> float:
    """Twice the share of the 2^count sign patterns whose positive ranks sum to ``smaller`` or less.

    >>> exact_rank_p(3, 0), exact_rank_p(3, 1)
    (0.25, 0.5)
    """
    ways = np.zeros(smaller + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return float(min(1.0, 2 * ways.sum() / 2.0**count))


def effect_size(means: np.ndarray) -> np.ndarray:
    """Cohen's d of paired scores per column of (images, columns): the mean difference in units of the
    differences' own spread; 0 where nothing differs, NaN where it has no spread or there is one image.

    >>> effect_size(np.array([[1.0], [2.0], [3.0]])).tolist()  # mean 2, spread 1
    [2.0]
    """
    count = np.isfinite(means).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(means, 0) / count
        spread = np.sqrt(np.nansum((means - mean) ** 2, 0) / (count - 1))
        effect = np.where(spread > TIE, mean / spread, np.nan)
    return np.where((np.abs(mean) <= TIE) & (count > 1), 0.0, effect)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment (Holm 1979) of a family of p-values; NaN is no member of the family.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()  # 3 x 0.01; 2 x 0.03; never below the one before
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    members = np.flatnonzero(np.isfinite(p))
    ordered = members[np.argsort(p[members], kind="stable")]
    steps = p[ordered] * np.arange(len(ordered), 0, -1)
    adjusted[ordered] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
