"""Every scored picture with its scores, packed small: what the page searches, filters and sorts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.grids import GridRow
from reports.numbers import Numbers
from reports.scoreboard import GROUPS, ranked

BUDGET = 16_000_000
"""Bytes of scores in the page; beyond it the metrics of the lowest rank are left out, never the first."""
AREA_DIGITS = 4
NOTHING = {2: -(2**15), 4: -(2**31)}
"""By bytes of a number: what stands for no value."""


def packed(values: np.ndarray, digits: int) -> dict[str, Any]:
    """Numbers as the tables print them, ``digits`` decimals, in whole numbers of two or four bytes each, base64."""
    whole = np.rint(values * 10.0**digits)
    there = np.isfinite(whole)
    size = 2 if np.abs(whole[there]).max(initial=0) < -NOTHING[2] else 4
    limit = -NOTHING[size] - 1
    kept = np.where(there, np.clip(whole, -limit, limit), NOTHING[size]).astype(f"<i{size}")
    return {"bytes": size, "digits": digits, "data": base64.b64encode(kept.tobytes()).decode()}


def find_data(numbers: Numbers, rows: Sequence[GridRow], budget: int = BUDGET) -> dict[str, Any] | None:
    """What the section is drawn from; None where no picture has a score.

    scores: by data set, metric and method, of (pictures, mask types), packed. kept: (data set, picture, mask type, row)
    of those whose pictures are in the page. left_out: metrics that would have made the page too large.
    """
    names = [n for n in (*numbers.ranked, *numbers.further) if not numbers.measures[n].whole]
    if not names or not numbers.datasets:
        return None
    members = ranked(numbers)
    cells = sum(len(numbers.ids(d)) for d in numbers.datasets) * len(numbers.masks) * len(members)
    # Two bytes a number, four characters for three bytes.
    shown = names[: max(1, int(budget / max(1, cells * 2 * 4 / 3)))]
    measures = [numbers.measures[name] for name in shown]
    numbers.read(shown)
    datasets = [
        {
            "name": name,
            "title": numbers.titles[name],
            "ids": numbers.ids(name).tolist(),
            "areas": packed(numbers.areas(name), AREA_DIGITS),
            "scores": [
                [packed(numbers.block(m.label, name, measure.name), measure.digits) for m in members]
                for measure in measures
            ],
        }
        for name in numbers.datasets
    ]
    place = {name: number for number, name in enumerate(numbers.datasets)}
    kept = [
        [place[row.dataset], numbers.places(row.dataset)[row.image_id], numbers.masks.index(row.mask), row.index]
        for row in rows
        if row.dataset in place and row.mask in numbers.masks and row.image_id in numbers.places(row.dataset)
    ]
    return {
        "masks": numbers.masks,
        "methods": [{"label": m.label, "kind": m.kind} for m in members],
        "kinds": {kind: title.split(",")[0].lower() for kind, title in GROUPS.items()},
        "metrics": [
            {
                "name": m.name,
                "heading": m.heading,
                "arrow": m.arrow,
                "unit": m.unit,
                "direction": m.direction,
                "target": m.target,
                "digits": m.digits,
            }
            for m in measures
        ],
        "datasets": datasets,
        "kept": kept,
        "left_out": [numbers.measures[name].heading for name in names[len(shown) :]],
    }
