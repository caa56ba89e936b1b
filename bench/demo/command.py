"""From what was asked for to a page that is served: methods, scores and the report's large view put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.demo import cards
from bench.demo.fills import Engine, Fill, pasted
from bench.demo.methods import gather
from bench.demo.server import Demo, open_demo
from bench.demo.visitor import Visitor
from bench.demo.window import paste
from bench.util.compositing import to_levels


def serve(
    specs: Sequence[str],
    runs: Path,
    *,
    size: int | None = None,
    device: str | None = None,
    weights_dir: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    inline: bool = False,
    browser: bool = False,
) -> Demo:
    """Load the methods and open the page. Raises UsageError and VariantError with a sentence."""
    cast = gather(specs, runs, device, size)
    engine = Engine(cast, weights_dir)
    engine.warm()
    return open_demo(engine, large_view, host=host, port=port, share=share, inline=inline, browser=browser)


def large_view(visitor: Visitor, engine: Engine) -> str:
    """The report's large view of a visitor's fills, a page of its own."""
    from reports.fill_viewer import Shown, fill_viewer

    assert visitor.picture is not None and visitor.hole is not None
    found = []
    for fill in visitor.fills:
        filled = pasted(visitor.picture, visitor.hole, fill, False)
        if filled is None:
            continue
        values = fill.scores.get(visitor.corrected) or fill.scores.get(False) or {}
        printed = {cards.printed(engine.metrics[name]): cards.number(v) for name, v in values.items() if np.isfinite(v)}
        corrected = pasted(visitor.picture, visitor.hole, fill, True) if fill.corrected is not None else None
        found.append(Shown(fill.label, filled, raw_of(visitor, fill), corrected, printed))
    return fill_viewer(visitor.name, visitor.picture, visitor.hole, found, truth=visitor.knows_truth)


def raw_of(visitor: Visitor, fill: Fill) -> np.ndarray | None:
    """The picture with all of its window as the method put it out; None where that shows nothing more."""
    if fill.raw is None or fill.cut is None or fill.small is None or visitor.picture is None:
        return None
    raw = to_levels(fill.raw)
    if np.array_equal(raw, fill.small):
        return None
    everywhere = np.ones(visitor.picture.shape[:2], bool)
    return paste(visitor.picture, everywhere, fill.cut.window, raw)
