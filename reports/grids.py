"""The chosen pictures: read from the run's samples, encoded as WebP, laid out as rows of methods."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reports.numbers import Numbers

LOSSLESS_SIDE = 128
"""Pictures up to this side are stored without loss, so that the pixel values shown are true."""


@dataclass
class Picture:
    """A picture as a data URI with its size in pixels."""

    uri: str
    width: int
    height: int
    exact: bool


@dataclass
class GridCell:
    label: str
    anchor: str
    filled: Picture | None
    raw: Picture | None = None
    corrected: Picture | None = None
    score: str = ""


@dataclass
class GridRow:
    """A picture with its hole and every method's fill."""

    key: str
    dataset: str
    mask: str
    image_id: str
    why: list[str]
    hole_area: float
    truth: Picture
    hole: Picture
    cells: list[GridCell] = field(default_factory=list)


def encode(file: Path) -> Picture | None:
    """The picture as WebP: lossless where small. None where the file cannot be read."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.load()
            picture = image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
    except (OSError, ValueError):
        return None
    exact = max(picture.size) <= LOSSLESS_SIDE
    out = io.BytesIO()
    picture.save(
        out, "WEBP", **({"lossless": True, "quality": 60} if exact else {"quality": 84, "method": 3})
    )
    uri = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
    return Picture(uri, *picture.size, exact)


def anchor(dataset: str, mask: str, image_id: str, label: str = "") -> str:
    """The fragment of a cell: readable, and safe for whatever the names hold."""
    parts = [quote(part, safe="") for part in (dataset, mask, image_id, label) if part]
    return "cell/" + "/".join(parts)


def grid(numbers: Numbers) -> list[GridRow]:
    """The rows in the order of the index; pictures that cannot be read are left out."""
    items = numbers.run.samples()
    root = numbers.run.path / "samples"
    merged: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in items:
        key = (str(item["dataset"]), str(item["mask"]), str(item["image_id"]))
        known = merged.setdefault(key, {**item, "why": []})
        if item.get("why") and item["why"] not in known["why"]:
            known["why"].append(item["why"])
    files = {name for item in merged.values() for name in files_of(item)}
    with ThreadPoolExecutor(4) as pool:
        pictures = dict(zip(files, pool.map(lambda name: encode(root / name), files), strict=True))
    rows = []
    for (dataset, mask, image_id), item in merged.items():
        truth, hole = pictures.get(item["truth"]), pictures.get(item["hole"])
        if truth is None or hole is None:
            continue
        row = GridRow(
            anchor(dataset, mask, image_id),
            dataset,
            mask,
            image_id,
            item["why"],
            float(item.get("hole_area") or 0),
            truth,
            hole,
        )
        for label, fill in item.get("fills", {}).items():
            row.cells.append(
                GridCell(
                    label,
                    anchor(dataset, mask, image_id, label),
                    pictures.get(fill.get("filled") or ""),
                    pictures.get(fill.get("raw") or ""),
                    pictures.get(fill.get("corrected") or ""),
                    score_of(numbers, label, dataset, mask, image_id),
                )
            )
        rows.append(row)
    return rows


def files_of(item: dict[str, Any]) -> list[str]:
    names = [item["truth"], item["hole"]]
    for fill in item.get("fills", {}).values():
        names += [fill.get(kind) for kind in ("filled", "raw", "corrected")]
    return [name for name in names if name]


def score_of(numbers: Numbers, label: str, dataset: str, mask: str, image_id: str) -> str:
    place = numbers.places(dataset).get(image_id) if dataset in numbers.datasets else None
    if place is None or label not in numbers.by_label:
        return ""
    value = numbers.values(label, dataset, mask, "psnr_hole")[place]
    return "" if value != value else f"{value:.1f} dB"
