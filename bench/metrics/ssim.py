"""Structural similarity (Wang et al. 2004), of the picture and of the hole."""

from __future__ import annotations

from bench.metrics.card import Card
from bench.metrics.registry import metric
from bench.metrics.ssim_map import picture_and_hole

REFERENCE = "scikit-image structural_similarity, gaussian_weights, sigma 1.5, population covariance"


def too_small(card: Card) -> str | None:
    """Why pictures of this size have no SSIM, or None.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> grey = np.full((10, 16, 3), 90, np.uint8)
    >>> too_small(Card(Truth(grey), Hole(np.ones((10, 16), bool)), grey))
    'the pictures are smaller than the window of 11 pixels'
    """
    window = card.protocol.window
    if min(card.truth.shape) < window.smallest:
        return f"the pictures are smaller than the window of {window.side} pixels"
    return None


@metric(
    "ssim",
    label="SSIM",
    tolerance=0.005,
    protocols={
        "lama": {
            "reference": "saicinpainting SSIM: zeros beyond the border, mean over every pixel",
            "summary": "Structural similarity: mean of the map over channels and all pixels, zeros beyond the border.",
        },
        "mat": {"reference": "MAT cal_psnr_ssim_l1: Gaussian 11, 5 pixels cropped, which is native"},
        "aot": {
            "reference": "scikit-image structural_similarity of uint8 with its defaults (uniform window 7)",
            "summary": "Structural similarity, uniform window of 7: mean of the map, 3 pixels at the edges left out.",
        },
    },
    undefined=too_small,
    region="image",
    unit="",
    direction="higher",
    range=(-1.0, 1.0),
    reference=REFERENCE,
    version=1,
)
def ssim(card: Card) -> float:
    """Structural similarity: mean of the map over channels and pixels, 5 pixels along the edges left out.

    Gaussian window of 11 pixels, sigma 1.5. NaN where the picture is smaller than the window. Summaries give the
    mean of the pictures' values.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> grey, hole = np.full((16, 16, 3), 90, np.uint8), np.eye(16, dtype=bool)
    >>> ssim(Card(Truth(grey), Hole(hole), grey))
    1.0
    """
    return card.once(picture_and_hole)[0]


@metric(
    "ssim_hole",
    label="hole SSIM",
    rank=2,
    tolerance=0.005,
    protocols={
        "lama": {"reference": "mean over the hole of saicinpainting's zero-padded SSIM map"},
        "aot": {"reference": "mean over the hole of scikit-image's default SSIM map"},
    },
    undefined=too_small,
    region="hole",
    unit="",
    direction="higher",
    range=(-1.0, 1.0),
    reference=f"mean over the hole of the map (full=True) of {REFERENCE}",
    version=1,
)
def ssim_hole(card: Card) -> float:
    """Structural similarity in the hole: mean of the whole map, edges included, over the hole and channels.

    NaN for an empty hole, and where the picture is smaller than the window.

    >>> import numpy as np
    >>> from bench.metrics.card import Hole, Truth
    >>> grey, hole = np.full((16, 16, 3), 90, np.uint8), np.eye(16, dtype=bool)
    >>> ssim_hole(Card(Truth(grey), Hole(hole), grey)), ssim_hole(Card(Truth(grey), Hole(~hole & hole), grey))
    (1.0, nan)
    """
    return card.once(picture_and_hole)[1]
