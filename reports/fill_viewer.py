"""The large view of a report for one picture that was just filled: what the demo opens beside its fills."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reports.grids import GridCell, GridRow, anchor, rows_data, truths_css, viewer_of
from reports.page import asset, render
from reports.pictures import scene_of


@dataclass(frozen=True, eq=False)
class Shown:
    """A method's fill, uint8 (H, W, 3); raw and corrected where it has them. scores: as printed, by title."""

    label: str
    filled: np.ndarray
    raw: np.ndarray | None = None
    corrected: np.ndarray | None = None
    scores: dict[str, str] = field(default_factory=dict)


def fill_viewer(name: str, before: np.ndarray, hole: np.ndarray, shown: list[Shown], truth: bool = True) -> str:
    """A page, complete and without the network, that holds the fills of one hole, bool (H, W), and the large view.

    before: the picture that the hole was cut into. truth: whether it is an original, without fills of its own.
    """
    kinds = ("filled", "raw", "corrected")
    layers = {(s.label, kind): picture for s in shown for kind in kinds if (picture := getattr(s, kind)) is not None}
    scene = scene_of(before, hole, layers)
    cells = [
        GridCell(
            s.label,
            anchor("demo", s.label),
            filled=scene.layers.get((s.label, "filled")),
            raw=scene.layers.get((s.label, "raw")),
            corrected=scene.layers.get((s.label, "corrected")),
            scores=s.scores,
        )
        for s in shown
    ]
    row = GridRow(0, anchor("demo"), "demo", "painted", name, "standard", "by hand", float(hole.mean()), scene, cells)
    style = asset("style.css", "viewer.css") + truths_css([row])
    script = asset("page.js", "colour.js", "viewer.js")
    viewer = viewer_of(rows_data([row], {}), truth="truth" if truth else "before") | {"alone": True}
    return render("fills.html", style, script, row=row, viewer=viewer, name=name)
