"""The look of the page: the report's colours and letters, light and dark, with nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import Any

from bench.demo.samples import names, sample
from bench.demo.window import shown
from bench.masks.registry import mask

ASSETS = Path(__file__).parent / "assets"
LIGHT = {"paper": "#ffffff", "raised": "#f6f7f8", "ink": "#1b1f24", "soft": "#59616b", "line": "#dde1e5",
         "accent": "#0a5c83"}  # fmt: skip
DARK = {"paper": "#121518", "raised": "#1a1e22", "ink": "#e7e9ec", "soft": "#a3acb6", "line": "#2d333a",
        "accent": "#7cc4e8"}  # fmt: skip
PLACES = {
    "paper": "body_background_fill background_fill_primary block_background_fill input_background_fill "
    "button_secondary_background_fill checkbox_background_color block_label_background_fill",
    "raised": "background_fill_secondary button_secondary_background_fill_hover checkbox_label_background_fill "
    "checkbox_label_background_fill_hover checkbox_label_background_fill_selected",
    "ink": "body_text_color block_title_text_color block_label_text_color button_secondary_text_color "
    "checkbox_label_text_color checkbox_label_text_color_selected",
    "soft": "body_text_color_subdued block_info_text_color",
    "line": "border_color_primary block_border_color input_border_color button_secondary_border_color "
    "checkbox_border_color checkbox_label_border_color",
    "accent": "button_primary_background_fill button_primary_background_fill_hover button_primary_border_color "
    "checkbox_background_color_selected checkbox_border_color_selected checkbox_border_color_focus "
    "input_border_color_focus link_text_color slider_color",
}
"""The report's colour names, and what of Gradio's takes each."""


FRAME = "<style>@media (max-width: 640px) { .main.fillable { padding: .5rem .2rem !important; } }</style>"
"""What lies outside of the page's own elements, where its style sheet does not reach."""


def theme() -> Any:
    """A Gradio theme in the report's colours."""
    import gradio as gr

    values: dict[str, str] = {}
    for name, places in PLACES.items():
        for place in places.split():
            values[place], values[f"{place}_dark"] = LIGHT[name], DARK[name]
    values |= {"button_primary_text_color": LIGHT["paper"], "button_primary_text_color_dark": DARK["paper"]}
    for place in ("block_shadow", "button_primary_shadow", "button_secondary_shadow", "input_shadow"):
        values[place] = values[f"{place}_dark"] = "none"
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "Menlo", "Consolas", "monospace"]
    return gr.themes.Base(font=fonts, font_mono=mono, radius_size="sm", spacing_size="sm").set(**values)


def asset(name: str) -> str:
    """Text of a file of the page: style, script or template."""
    return (ASSETS / name).read_text(encoding="utf-8")


def editor_html() -> str:
    """The editor's elements, with the samples and mask types there are."""
    samples = "".join(
        f'<button type="button" data-sample="{name}" aria-label="Sample: {name}" title="{name}">'
        f'<img src="{_thumbnail(name)}" alt=""></button>'
        for name in names()
    )
    kinds = sorted(mask.names(), key=lambda name: (name != "standard", name))
    masks = "".join(f'<button type="button" data-mask="{escape(k)}">{escape(k)}</button>' for k in kinds)
    return asset("editor.html").replace("@SAMPLES@", samples).replace("@MASKS@", masks)


def _thumbnail(name: str) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(shown(sample(name), 96)).save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
