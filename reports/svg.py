"""Matplotlib's SVG made fit for the page: no style attributes (the page's policy forbids them), colours that
follow the page's theme, text that stays text."""

from __future__ import annotations

import io
import re
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup, escape

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
DROPPED = {"metadata", "style"}

INK, SOFT, LINE, PAPER = "#010101", "#020202", "#030303", "#040404"
HUES = tuple(f"#0a0a{k:02x}" for k in range(8))
GREYS = tuple(f"#0b0b{k:02x}" for k in range(4))
THEME = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    PAPER: "var(--paper)",
    **{colour: f"var(--c{k})" for k, colour in enumerate(HUES)},
    **{colour: f"var(--g{k})" for k, colour in enumerate(GREYS)},
}
"""Colours that stand for a variable of the page's style; figures are drawn with these alone."""

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def colour_of(style: str) -> str:
    """The colour that stands for a class of the page (``k0``: a network's hue, ``r0``: a reference's grey)."""
    return HUES[int(style[1]) % 8] if style.startswith("k") else GREYS[int(style[1]) % 4]


def figure(width: int, height: int, left: int = 58) -> tuple[Any, Any]:
    """A matplotlib figure of so many CSS pixels, its axes in the page's colours.

    The margins are fixed (``left`` pixels for the ticks and the label): measuring them takes longer than drawing.
    """
    import matplotlib

    matplotlib.use("svg")
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        fig = Figure(figsize=(width / 72, height / 72), dpi=72)
        fig.subplots_adjust(left / width, 46 / height, 1 - 8 / width, 1 - 8 / height)
        axes = fig.subplots()
    return fig, axes


def inline(fig: Any, key: str, alt: str, css: str = "") -> Markup:
    """The figure as inline SVG. key: a prefix that keeps its ids apart from other figures' ids."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context(SETTINGS):
        fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(out.getvalue())
    clean(root, key)
    box = root.get("viewBox", "0 0 0 0").split()
    inner = "".join(ElementTree.tostring(child, encoding="unicode") for child in root)
    inner = inner.replace(f' xmlns="{SVG}"', "").replace(f' xmlns:xlink="{XLINK}"', "").replace("xlink:href", "href")
    return Markup(
        f'<svg class="chart plot {css}" viewBox="{" ".join(box)}" width="{box[2]}" height="{box[3]}" '
        f'role="img" aria-label="{escape(alt)}">{inner}</svg>'
    )


def clean(node: ElementTree.Element, key: str) -> None:
    """Turn style attributes into presentation attributes and prefix ids, downwards."""
    for child in list(node):
        if child.tag.removeprefix(f"{{{SVG}}}") in DROPPED:
            node.remove(child)
        else:
            clean(child, key)
    style = node.attrib.pop("style", "")
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if name.strip() in ("font", "font-family"):
            size = re.search(r"([\d.]+)px", value)
            if size:
                node.set("font-size", size[1])
            if "bold" in value:
                node.set("font-weight", "bold")
        elif value.strip():
            node.set(name.strip(), THEME.get(value.strip(), value.strip()))
    for name in ("fill", "stroke"):
        if node.get(name) in THEME:
            node.set(name, THEME[node.attrib[name]])
    if "id" in node.attrib:
        node.set("id", f"{key}-{node.attrib['id']}")
    for name in (f"{{{XLINK}}}href", "href"):
        if node.get(name, "").startswith("#"):
            node.set(name, f"#{key}-{node.attrib[name][1:]}")
    if "clip-path" in node.attrib:
        node.set("clip-path", node.attrib["clip-path"].replace("url(#", f"url(#{key}-"))
