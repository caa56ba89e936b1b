"""Giving a card the sums that a device made, so that its metrics need not look at pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.metrics.card import Card, Colours, Patch, Sums
from bench.metrics.correction import corrected_patch, repaint
from bench.metrics.drift import Drift, measure_drift
from bench.metrics.error import level_total
from bench.metrics.seam import fill_steps
from bench.metrics.sharpness import fill_energy
from bench.metrics.ssim_map import picture_and_hole

Row = Mapping[str, np.ndarray]


def hand_over(card: Card, row: Row) -> None:
    """``row``: one fill's figures by name (:func:`bench.metrics.on_device.figures.figures`), float64 (width,) each."""
    hole, kept = card.hole, card.hole.kept
    card.hole_sums = sums("hole", row, hole.area)
    card.image_sums = sums("image", row, hole.mask.size)
    card.known_changed = card.image_sums.absolutes != card.hole_sums.absolutes
    card.colours = colours(row["colours"])
    kept["colours"] = colours(row["truth colours"])
    kept["sharpness"] = whole(row["truth energy"])
    kept["seam"] = whole(row["pairs"]), whole(row["truth steps"])
    card.keep(level_total, whole(row["levels"]))
    card.keep(fill_energy, whole(row["energy"]))
    card.keep(fill_steps, whole(row["steps"]))
    picture, in_hole = row["ssim"].tolist()
    card.keep(picture_and_hole, (picture, in_hole))
    if card.raw is not None:
        drifted = drift(row, hole.known)
        card.keep(measure_drift, drifted)
        card.keep(corrected_patch, correction(card, row, drifted))


def drift(row: Row, known: int) -> Drift:
    if whole(row["broken"]):
        return Drift(known, float("nan"))
    absolute = whole(row["drift"])
    if not absolute:
        return Drift(known, 0.0)
    return Drift(known, absolute, *(colours(row[name]) for name in ("q", "qq", "drift squares")))


def correction(card: Card, row: Row, drifted: Drift) -> Patch | None:
    raw, hole = card.raw, card.hole
    if raw is None or not hole.area or not hole.known:
        return None
    if drifted.q is None:
        return card
    fitted = row["fitted"].reshape(3, 2)
    patch = Patch(card.truth, hole, lambda: repaint(raw, hole, fitted))
    patch.hole_sums = sums("corrected", row, hole.area)
    patch.colours = colours(row["corrected colours"])
    return patch


def sums(region: str, row: Row, pixels: int) -> Sums:
    return Sums(pixels, whole(row[f"{region} squares"]), whole(row[f"{region} absolutes"]))


def whole(values: np.ndarray) -> int:
    (value,) = values
    return int(value)


def colours(values: np.ndarray) -> Colours:
    red, green, blue = (int(value) for value in values)
    return red, green, blue
