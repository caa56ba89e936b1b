"""Palettes: the colours of air, water and light by day, at sunset, at dusk and under an overcast sky."""

from __future__ import annotations

import numpy as np

KEYS = ("zenith", "upper", "horizon", "glow", "sun", "cloud", "cloud_shade", "sea_far", "sea_near", "light", "shade")

DAY, SUNSET, DUSK, OVERCAST = range(4)
MOODS = ("day", "sunset", "dusk", "overcast")

# Each row is one palette, in the order of KEYS. ``light`` and ``shade`` multiply what an object is painted
# in: on its lit side, and in its own shadow.
PALETTES = {
    "day": [
        "2b68ae 6aa6d9 d3e7ee fff3d6 fffbe8 ffffff a9bccb 86b2c4 17566f fff6e6 7488a3",
        "1d58a6 569ddd dcedf4 fff6de fffdf0 ffffff 9fb6cb 74a9c6 0e4a78 fffaf0 6c84a8",
        "3f7db5 93bdd6 f0e9d8 ffeec4 fff6d8 fffaf0 b7b3b0 a3bcc0 2c6577 fff0d2 7c8698",
        "2686c6 78c4e6 e2f4ee fff8e0 fffdf0 ffffff acc6d2 7cc3c9 127f88 fffaee 7394a8",
        "456f9e 86abcc d9dfe2 fff4dc fffaec f7f8f8 96a4b2 8aa7b6 27536b fbf3e4 76879b",
    ],
    "sunset": [
        "33507f c8807f ffc46c ffb04a fff3c8 ffc79a 7a5a77 d9a27c 32466a ffb878 54506f",
        "4c4a87 df7f80 ffb682 ff9a62 fff0d0 ffb7a0 73588a d98f86 3c4674 ffa886 55507a",
        "6b88a9 e7bd84 ffe09c ffd070 fff8dc ffe3b8 a08e90 dcbf94 4a6878 ffd79c 6a6c7c",
        "292c56 a5435c ff7c40 ff6a30 ffe0a0 f2806a 4a3054 b4544e 2a2b4c ff8c58 413a5c",
        "5a7ba6 d9a99c ffd2a0 ffc080 fff6d8 ffd2c0 8d7c94 cba89c 3f5f80 ffc898 606484",
    ],
    "dusk": [
        "0e1b3a 2d4874 b58c92 d99a80 f4e6d0 6a6f92 2a3350 6f7690 111f3a 8c8fb4 39405e",
        "141b3e 4b4b82 da8e7c f0946c ffe8c8 8a6a8c 2f2b50 94788a 1a2144 b890a0 3c3a5c",
        "0a1428 1d3c5e 6f95aa 8fb0b8 f0f4f0 50708a 1c2e44 54788c 0b1c30 7c98ac 2c3c50",
        "1f1d45 6a4a82 e8a088 f8a878 ffecd0 a8748c 3c3058 a88490 24234a c89aa0 423c60",
    ],
    "overcast": [
        "7b8996 a4aeb7 cdd3d6 e2e4e2 f0f0ec e2e5e6 828d97 a2aeb4 44575f dfe3e6 8a949e",
        "59656f 848f99 b9c1c5 d0d4d4 e6e8e6 bcc3c8 56626d 8a979e 33464e c4cbd0 727d87",
        "99a3a9 bac2c5 dcdfde eaebe6 f4f4ee eef0ef a3abae b8c0c1 5f7074 e8e8e4 989fa4",
        "6b7d90 9fb0bd d6d9d2 ece4ce f6eed8 dfe2e0 7a8894 9db0b6 3a5866 e2e0d8 808c98",
    ],
}


def parse(palette: str) -> list[list[float]]:
    """Colours written as "rrggbb rrggbb …", as [red, green, blue] in [0, 1]."""
    return [[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in palette.split()]


TABLES = [np.array([parse(palette) for palette in PALETTES[mood]]) for mood in MOODS]


def colours_of(mood: np.ndarray, u: np.ndarray) -> dict[str, np.ndarray]:
    """Colours by key, each (N, 3): two palettes of the mood mixed, then tinted a little; u: (N, 6) uniforms."""
    mixed = np.empty((len(mood), len(KEYS), 3))
    for i, number in enumerate(mood):
        table = TABLES[number]
        first = int(u[i, 0] * len(table))
        second = int(u[i, 1] * len(table))
        mixed[i] = table[first] + (table[second] - table[first]) * (u[i, 2] * 0.5)
    mixed *= 1 + 0.07 * (u[:, None, 3:6] - 0.5)
    return {key: np.minimum(mixed[:, k], 1) for k, key in enumerate(KEYS)}
