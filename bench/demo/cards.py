"""What the page shows of a visitor, as HTML: fills with time and scores, links to save, a sentence of status."""

from __future__ import annotations

import math
from html import escape

from bench.demo.fills import Fill
from bench.demo.visitor import Visitor
from bench.metrics.registry import Metric

SMALL = 320
"""Pictures up to this side are shown with their pixels, not smoothed."""


def address(visitor: Visitor, what: str) -> str:
    """Where a thing of a visitor lies, relative to the page; another one whenever it changed."""
    return f"visitor/{visitor.token}/{what}?{visitor.serial}-{visitor.drawn}-{visitor.painted}"


def cards(visitor: Visitor, metrics: dict[str, Metric]) -> str:
    """A card for each fill, and a sentence below them; an invitation to paint while there is none."""
    if not visitor.fills:
        return '<p class="empty">Paint on the picture, and every method fills the hole here.</p>'
    chosen = visitor.fill
    parts = [card(visitor, place, fill, metrics, fill is chosen) for place, fill in enumerate(visitor.fills)]
    return f'<div class="cards">{"".join(parts)}</div><p class="note">{escape(note(visitor))}</p>'


def card(visitor: Visitor, place: int, fill: Fill, metrics: dict[str, Metric], chosen: bool) -> str:
    """One method's fill: time, picture with links to view and save it, scores; or why it failed."""
    label = escape(fill.label)
    several = len(visitor.fills) > 1
    head = f"<header><h2>{label}</h2>"
    if fill.problem:
        body = f'</header><p class="problem">{escape(fill.problem)}.</p>'
    else:
        assert visitor.picture is not None
        corrected = visitor.corrected
        small = max(visitor.picture.shape[:2]) <= SMALL
        source = escape(address(visitor, f"fill-{place}-{int(corrected)}.png"))
        # Anchors as the large view gives them: the address names the fill that is shown first.
        large = escape(address(visitor, "large.html")) + f"#cell/demo/{label}"
        body = (
            f'<p class="time">{duration(fill.seconds)}</p></header>'
            f'<a href="{large}" data-large aria-label="Large view of {label}">'
            f'<img src="{source}" alt="{escape(visitor.name)}, filled by {label}"{" class=small" * small}></a>'
        )
        body += scores(fill.scores.get(corrected, {}), metrics)
        if corrected and fill.corrected is None:
            body += '<p class="note">Paints the hole only, or without a colour error to correct by.</p>'
    return f'<article class="card{" chosen" * (chosen and several)}">{head}{body}</article>'


def scores(values: dict[str, float], metrics: dict[str, Metric]) -> str:
    """Scores as a table; what is NaN or infinite is left out, and without a value there is no table."""
    lines = [
        f'<tr><th scope="row">{escape(printed(metrics[name]))}</th><td>{number(value)}</td></tr>'
        for name, value in values.items()
        if math.isfinite(value)
    ]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def printed(metric: Metric) -> str:
    """A metric as the report's tables head it."""
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{metric.heading}{unit}{' ≈' * metric.approximate} {metric.arrow}"


def duration(seconds: float) -> str:
    """Milliseconds below one second, else seconds with one decimal."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def number(value: float) -> str:
    """Two decimals from 2 upwards, three below, where scores such as LPIPS differ."""
    return f"{value:.2f}" if abs(value) >= 2 else f"{value:.3f}"


def note(visitor: Visitor) -> str:
    """At what size, and what the scores are against."""
    cut = visitor.fills[0].cut
    assert cut is not None
    height, width = cut.window.shape
    box = cut.window.box
    full = (box.bottom - box.top, box.right - box.left)
    size = f"Filled at {width} × {height} px"
    if full != cut.window.shape:
        size += f", pasted into {full[1]} × {full[0]} px of the picture"
    if visitor.knows_truth:
        return f"{size}. Scores are against the picture that was opened, at the size it was filled at."
    return f"{size}. No scores: what belongs under the hole is no longer known."


def saves(visitor: Visitor) -> str:
    """Save and the hole as links; without an address where there is nothing to save."""
    ready = bool(visitor.steps) or visitor.fill is not None
    links = []
    for words, what, there in (
        ("Save picture", "save.png", ready),
        ("Save hole", "hole.png", visitor.hole is not None),
    ):
        if there:
            links.append(f'<a href="{escape(address(visitor, what))}" download>{words}</a>')
        else:
            links.append(f'<a role="link" aria-disabled="true">{words}</a>')
    return "".join(links)


def status(text: str, error: bool = False) -> str:
    """A line that screen readers announce; ``error`` sets it in the colour of errors."""
    return f'<p role="status"{" class=error" if error else ""}>{escape(text)}</p>'
