"""Colour in numbers: sRGB to CIE L*a*b* (D65, 2 degrees), and the CIEDE2000 difference, of single colours."""

from __future__ import annotations

import math
from collections.abc import Sequence

WHITE = (0.95047, 1.0, 1.08883)
"""D65, 2-degree observer, as scikit-image and the sRGB standard (IEC 61966-2-1) have it."""

TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)

Lab = tuple[float, float, float]


def lab(levels: Sequence[float]) -> Lab:
    """L*a*b* of an sRGB colour given in 8-bit levels (fractions allowed).

    >>> round(lab((255, 255, 255))[0], 3)
    100.0
    """
    r, g, b = (linear_light(level / 255) for level in levels)
    x, y, z = (bend((row[0] * r + row[1] * g + row[2] * b) / white) for row, white in zip(TO_XYZ, WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def linear_light(value: float) -> float:
    """An sRGB value in [0, 1] as linear light (IEC 61966-2-1).

    >>> linear_light(0.0), linear_light(1.0)
    (0.0, 1.0)
    >>> round(linear_light(0.5), 4)
    0.214
    """
    return ((value + 0.055) / 1.055) ** 2.4 if value > 0.04045 else value / 12.92


def bend(t: float) -> float:
    """CIE L*a*b*'s cube root, linear near black.

    >>> bend(1.0), round(bend(0.0), 4)
    (1.0, 0.1379)
    """
    return t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116


def delta_e_2000(first: Lab, second: Lab) -> float:
    """The CIEDE2000 colour difference (Sharma, Wu & Dalal 2005), kL = kC = kH = 1.

    >>> round(delta_e_2000((50, 2.6772, -79.7751), (50, 0, -82.7485)), 4)  # the paper's first pair
    2.0425
    """
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma7 = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + (1 - math.sqrt(chroma7 / (chroma7 + 25**7))) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1 = math.atan2(b1, a1) % math.tau if c1 else 0.0
    h2 = math.atan2(b2, a2) % math.tau if c2 else 0.0

    turn, h_mean = 0.0, h1 + h2
    if c1 * c2:
        turn = h2 - h1
        h_mean = (h1 + h2) / 2
        if abs(h2 - h1) > math.pi:
            turn += math.tau if h2 < h1 else -math.tau
            h_mean += math.pi if h1 + h2 < math.tau else -math.pi
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(turn / 2)

    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(h_mean - math.radians(30))
        + 0.24 * math.cos(2 * h_mean)
        + 0.32 * math.cos(3 * h_mean + math.radians(6))
        - 0.20 * math.cos(4 * h_mean - math.radians(63))
    )
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / math.sqrt(20 + (l_mean - 50) ** 2)
    s_c = 1 + 0.045 * c_mean
    s_h = 1 + 0.015 * c_mean * t
    swing = math.radians(30) * math.exp(-(((math.degrees(h_mean) - 275) / 25) ** 2))
    r_t = -2 * math.sqrt(c_mean**7 / (c_mean**7 + 25**7)) * math.sin(2 * swing)
    lightness, chroma, hue = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    # Rounding can take a difference of zero just below it.
    return math.sqrt(max(0.0, lightness**2 + chroma**2 + hue**2 + r_t * chroma * hue))
