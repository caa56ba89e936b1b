"""How many pictures a comparison needs: the size at which a difference would be told in most repetitions."""

from __future__ import annotations

import math
from bisect import bisect_left

from bench.statistics import intervals

POWER = 0.8
"""How often a comparison of that many new pictures decides, at least."""

MOST = 10**7
"""Pictures beyond which nobody goes."""


def pictures_needed(
    difference: float, image_error: float, images: int, lasting: float = 0.0, alpha: float = 0.05, power: float = POWER
) -> int | None:
    """The least number of pictures with which a true difference of that size is told from zero, p below ``alpha``, in a
    share ``power`` of repetitions; None where no number does.

    image_error: standard error of the mean difference over ``images`` pictures. lasting: the part of the standard error
    that more pictures do not shrink (training noise).

    >>> pictures_needed(0.5, image_error=0.1, images=100)  # spread 1: the textbooks' 31.4, and 2 for Student's t
    34
    >>> pictures_needed(0.5, image_error=0.1, images=100, lasting=0.3) is None
    True
    """
    from scipy.special import ndtri

    spread = image_error * math.sqrt(images)
    probit = float(ndtri(power))

    def enough(count: int) -> bool:
        reach = float(intervals.student(1 - alpha, count - 1)) + probit
        return reach * math.hypot(spread / math.sqrt(count), lasting) < abs(difference)

    # The exact test of signs cannot go below 2^(1 - n).
    least = math.floor(1 - math.log2(alpha)) + 1
    count = least + bisect_left(range(least, MOST + 1), True, key=enough)
    return count if count <= MOST else None


def to_decide(
    difference: float,
    tolerance: float,
    image_error: float,
    images: int,
    lasting: float = 0.0,
    alpha: float = 0.05,
    level: float = intervals.LEVEL,
) -> int | None:
    """The least number of pictures with which a true difference as seen gets a verdict: better or worse at ``alpha``,
    or, where it lies within the tolerance, same by an interval of that level.

    >>> to_decide(0.5, tolerance=0.1, image_error=0.1, images=100)  # as pictures_needed: no tolerance holds it
    34
    >>> to_decide(0.0, tolerance=0.0, image_error=0.1, images=100) is None
    True
    """
    told = pictures_needed(difference, image_error, images, lasting, alpha)
    inside = tolerance - abs(difference)
    # Both ends of the interval must lie within, so that each may fail half as often.
    power = (1 + POWER) / 2
    same = pictures_needed(inside, image_error, images, lasting, 1 - level, power) if inside > 0 else None
    return min((count for count in (told, same) if count is not None), default=None)
