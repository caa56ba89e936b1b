"""The chosen pictures as rows of a grid, every method a column, and each method's worst failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import numpy as np

from bench.exporters.rounding import typeset
from bench.runs.reader import Run
from bench.statistics.standing import ahead, measured
from reports.numbers import Numbers
from reports.pictures import Picture, Scene, Tally, scenes
from reports.scoreboard import ranked
from reports.tables import Cell, Column, Row, Table

RULES = ("standard", "random", "best", "worst", "disputed", "own")
"""Why a picture is shown, in the order in which a reader wants them."""

TALLEST = 2.5
"""The height of a picture in a grid, in widths of its column: a taller one is made narrower, with its shape."""


@dataclass
class GridCell:
    """One method's fill of one picture. number: the deciding score; text: as printed."""

    label: str
    anchor: str
    filled: Picture | None
    raw: Picture | None
    corrected: Picture | None
    number: float = float("nan")
    text: str = ""
    best: bool = False
    scores: dict[str, str] = field(default_factory=dict)


@dataclass
class GridRow:
    """A picture with its hole and every method's fill of it."""

    index: int
    anchor: str
    dataset: str
    mask: str
    image_id: str
    rule: str
    why: str
    hole_area: float
    scene: Scene
    cells: list[GridCell]

    def cell(self, label: str) -> GridCell | None:
        """The cell of one method; None where it has no fill of this picture."""
        return next((c for c in self.cells if c.label == label), None)


@dataclass(frozen=True)
class Worst:
    """The worst fill of a method under a mask type. row: where its pictures stand, if they were kept."""

    label: str
    dataset: str
    title: str
    mask: str
    image_id: str
    text: str
    value: float
    row: GridRow | None
    cell: GridCell | None


def anchor(*parts: str) -> str:
    """The fragment of a row or cell: readable, and safe for whatever the names hold."""
    return "cell/" + "/".join(quote(part, safe="") for part in parts)


BUDGET = 18_000_000
"""Bytes of pictures that the page holds; beyond it the rows that say least are left out."""
DISPENSABLE = ("best", "random", "disputed", "worst", "own")
"""Rules whose rows go first, in that order; the first pictures stay."""


def within_budget(rows: list[GridRow], budget: int = BUDGET) -> list[GridRow]:
    """The rows that fit, numbered anew."""
    total = sum(row.scene.weight for row in rows)
    kept = list(rows)
    for rule in DISPENSABLE:
        for row in [r for r in reversed(rows) if r.rule == rule]:
            if total <= budget:
                break
            total -= row.scene.weight
            kept.remove(row)
    return [replace(row, index=k) for k, row in enumerate(kept)]


def encoded(run: Run, tally: Tally) -> list[tuple[dict[str, Any], Scene]]:
    """The items of the index with their pictures, each picture once, those that cannot be read left out."""
    merged: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in run.samples:
        merged.setdefault((str(item["dataset"]), str(item["mask"]), str(item["image_id"])), item)
    asked = [(item["truth"], item["hole"], layers(item)) for item in merged.values()]
    found = scenes(run.path / "samples", asked, tally)
    return [(item, scene) for item, scene in zip(merged.values(), found, strict=True) if scene is not None]


def grid(numbers: Numbers, items: list[tuple[dict[str, Any], Scene]]) -> list[GridRow]:
    """The rows of the page, in the order of the run, as many as its budget holds."""
    order = {m.label: k for k, m in enumerate(ranked(numbers))}
    rows: list[GridRow] = []
    for item, scene in items:
        dataset, mask, image_id = str(item["dataset"]), str(item["mask"]), str(item["image_id"])
        rule = str(item.get("why") or "random")
        of = str(item.get("of") or "")
        cells = [
            cell_of(numbers, scene, dataset, mask, image_id, label)
            for label in sorted(item.get("fills", {}), key=lambda name: order.get(name, len(order)))
        ]
        _mark_best(numbers, cells)
        rows.append(
            GridRow(
                len(rows),
                anchor(dataset, mask, image_id),
                dataset,
                mask,
                image_id,
                "own" if of else rule if rule in RULES else "random",
                f"worst of {of}" if of else rule,
                float(item.get("hole_area") or 0),
                scene,
                cells,
            )
        )
    return within_budget(sorted(rows, key=lambda row: standing(numbers, row)))


def standing(numbers: Numbers, row: GridRow) -> tuple[int, int, int]:
    """Rows stand in the order of the run: by data set, mask type, picture; what it does not know comes last."""
    last = 10**9
    if row.dataset not in numbers.datasets or row.mask not in numbers.masks:
        return last, last, row.index
    place = numbers.places(row.dataset).get(row.image_id, last)
    return numbers.datasets.index(row.dataset), numbers.masks.index(row.mask), place


def layers(item: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(method, kind) -> file, of an item of the index."""
    return {
        (label, kind): str(fill[kind])
        for label, fill in item.get("fills", {}).items()
        for kind in ("filled", "raw", "corrected")
        if fill.get(kind)
    }


def cell_of(numbers: Numbers, scene: Scene, dataset: str, mask: str, image_id: str, label: str) -> GridCell:
    """One method's fill of one picture: its layers, and its scores where it was scored."""
    cell = GridCell(
        label,
        anchor(dataset, mask, image_id, label),
        scene.layers.get((label, "filled")),
        scene.layers.get((label, "raw")),
        scene.layers.get((label, "corrected")),
    )
    if label not in numbers.by_label or dataset not in numbers.datasets or mask not in numbers.masks:
        return cell
    place = numbers.places(dataset).get(image_id)
    if place is None:
        return cell
    k = numbers.masks.index(mask)
    decide = numbers.deciding
    for name in numbers.ranked:
        if not numbers.measures[name].whole:
            value = float(numbers.block(label, dataset, name)[place, k])
            if np.isfinite(value):
                m = numbers.measures[name]
                cell.scores[f"{m.heading} {m.arrow}"] = f"{typeset(value, m.digits)} {m.unit}".strip()
    if decide:
        cell.number = float(numbers.block(label, dataset, decide)[place, k])
        m = numbers.measures[decide]
        cell.text = f"{typeset(cell.number, min(m.digits, 1) if m.unit == 'dB' else m.digits)} {m.unit}".strip()
        if not np.isfinite(cell.number):
            cell.text = ""
    return cell


def _mark_best(numbers: Numbers, cells: list[GridCell]) -> None:
    decide = numbers.deciding
    if decide:
        measure = numbers.measures[decide]
        standings = {k: float(measure.goodness(c.number)) for k, c in enumerate(cells) if measured(c.number, measure)}
        for k in ahead(standings):
            cells[k].best = True


def groups(numbers: Numbers, rows: list[GridRow]) -> list[tuple[str, str, list[GridRow]]]:
    """(rule, title, rows) in the order in which a reader wants them."""
    judges = judges_of(numbers)
    holes = " and ".join(dict.fromkeys(row.mask for row in rows if row.rule == "standard"))
    several = len(numbers.datasets) > 1
    titles = {
        "standard": f"The first pictures{' of each data set' if several else ''}, {holes} hole",
        "random": "Drawn at random, by the suite's seed",
        "best": f"Best {judges}",
        "worst": f"Worst {judges}",
        "disputed": "Most disputed",
        "own": "Each method's own worst",
    }
    return [(rule, titles[rule], mine) for rule in RULES if (mine := [r for r in rows if r.rule == rule])]


def judges_of(numbers: Numbers) -> str:
    """Over whom pictures are best and worst: what is no reference, else all."""
    judges = [m for m in numbers.members if m.kind != "reference"] or numbers.members
    if len(judges) == 1:
        return f"of {judges[0].label}"
    kinds = {m.kind for m in judges}
    noun = "networks" if kinds == {"network"} else "methods" if kinds == {"reference"} else "models"
    return f"on average over the {noun}"


def worst_failures(numbers: Numbers, rows: list[GridRow]) -> list[Worst]:
    """For every method, data set and mask type, the picture that it failed worst on, from the records."""
    decide = numbers.deciding
    if decide is None:
        return []
    measure = numbers.measures[decide]
    place = {(r.dataset, r.mask, r.image_id): r for r in rows}
    found = []
    for dataset in numbers.datasets:
        for member in ranked(numbers):
            good = measure.goodness(numbers.block(member.label, dataset, decide))
            for k, mask in enumerate(numbers.masks):
                if not np.isfinite(good[:, k]).any():
                    continue
                index = int(np.nanargmin(good[:, k]))
                image_id = str(numbers.ids(dataset)[index])
                value = float(numbers.block(member.label, dataset, decide)[index, k])
                row = place.get((dataset, mask, image_id))
                text = f"{typeset(value, 1 if measure.unit == 'dB' else measure.digits)} {measure.unit}".strip()
                found.append(
                    Worst(
                        member.label,
                        dataset,
                        numbers.titles[dataset],
                        mask,
                        image_id,
                        text,
                        value,
                        row,
                        row.cell(member.label) if row else None,
                    )
                )
    return found


def worst_by_method(numbers: Numbers, worst: list[Worst]) -> list[dict[str, Any]]:
    """The worst failures laid out as the page shows them: a table a data set, method by mask type."""
    found = []
    for dataset in numbers.datasets:
        mine = {(w.label, w.mask): w for w in worst if w.dataset == dataset}
        lines = [
            (m, [mine.get((m.label, mask)) for mask in numbers.masks])
            for m in ranked(numbers)
            if any((m.label, mask) in mine for mask in numbers.masks)
        ]
        if lines:
            found.append({"title": numbers.titles[dataset], "masks": numbers.masks, "lines": lines})
    return found


def worst_table(worst: list[Worst]) -> Table | None:
    """The same as a plain table, for the exports."""
    if not worst:
        return None
    names = [("dataset", "data set"), ("mask", "mask type"), ("image_id", "picture")]
    columns = [Column(key, title, numeric=False) for key, title in names] + [Column("score", "score")]
    rows = [Row(w.label, [Cell(w.title), Cell(w.mask), Cell(w.image_id), Cell(w.text, w.value)]) for w in worst]
    return Table("worst", "Worst failure of every method, by data set and mask type", columns, rows)


def truths_css(rows: list[GridRow]) -> str:
    """Two classes for every row, of its pictures' shape: ``s``, the truth, and ``m``, its masked picture, on which
    fills are laid, so that the truth never stands where a fill is still to come."""
    lines = []
    for row in rows:
        truth, hole = f'url("{row.scene.truth.uri}")', f'url("{row.scene.hole.uri}")'
        shape = row.scene.width / row.scene.height
        tall = f";width:max(24px,var(--cell)*{shape * TALLEST:.4g})" if shape * TALLEST < 1 else ""
        lines.append(f".s{row.index},.m{row.index}{{aspect-ratio:{row.scene.width}/{row.scene.height}{tall}}}")
        lines.append(f".s{row.index}{{background-image:{truth}}}.m{row.index}{{background-image:{hole},{truth}}}")
    return "\n".join(lines)


def viewer_data(
    numbers: Numbers, rows: list[GridRow], commands: dict[str, dict[str, str]], originals: dict[str, str]
) -> dict[str, Any]:
    """What the large view needs beside the pictures that stand in the page already."""
    return viewer_of(rows_data(rows, originals, numbers.titles), commands)


def viewer_of(
    rows: list[dict[str, Any]], commands: Mapping[str, Mapping[str, str]] | None = None, truth: str = "truth"
) -> dict[str, Any]:
    """truth: what the picture that fills are set against is called."""
    return {"truth": truth, "commands": commands or {}, "rows": rows}


def rows_data(
    rows: list[GridRow], originals: Mapping[str, str], titles: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """titles: what people call a data set, where that is not its name."""
    return [
        {
            "anchor": row.anchor,
            "index": row.index,
            "dataset": (titles or {}).get(row.dataset, row.dataset),
            "mask": row.mask,
            "id": row.image_id,
            "why": row.why,
            "area": row.hole_area,
            "width": row.scene.width,
            "height": row.scene.height,
            "exact": row.scene.exact,
            "reduced": row.scene.reduced,
            "outline": row.scene.outline,
            "cells": [
                {
                    "label": c.label,
                    "anchor": c.anchor,
                    "raw": c.raw.uri if c.raw else None,
                    "corrected": c.corrected.uri if c.corrected else None,
                    "scores": c.scores,
                    "originals": {
                        kind: originals[f"{c.anchor}#{kind}"]
                        for kind in ("filled", "raw", "corrected")
                        if f"{c.anchor}#{kind}" in originals
                    },
                }
                for c in row.cells
                if c.filled
            ],
            "original": originals.get(row.anchor),
        }
        for row in rows
    ]
