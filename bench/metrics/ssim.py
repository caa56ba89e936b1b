"""Structural similarity (Wang et al. 2004), of the picture and of the hole."""

from __future__ import annotations

from bench.metrics.card import Card
from bench.metrics.registry import metric
from bench.metrics.ssim_map import picture_and_hole

REFERENCE = "scikit-image structural_similarity, gaussian_weights, sigma 1.5, population covariance"


@metric("ssim", region="image", unit="", direction="higher", range=(-1.0, 1.0), reference=REFERENCE, version=1)
def ssim(card: Card) -> float:
    """Structural similarity: mean of the map over channels and pixels, 5 pixels along the edges left out.

    Gaussian window of 11 pixels, sigma 1.5. NaN where the picture is smaller than the window. Summaries give the
    mean of the pictures' values.
    """
    return card.once(picture_and_hole)[0]


@metric(
    "ssim_hole",
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
    """
    return card.once(picture_and_hole)[1]
