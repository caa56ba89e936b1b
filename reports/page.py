"""Putting a page together: templates, inlined style and script, and the policy that forbids all else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def environment() -> Any:
    """The jinja2 environment: everything is escaped unless it is markup already."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env


def digest(text: str) -> str:
    """The source expression that lets exactly this inline text run."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which only the page's own style, script and pictures load."""
    return (
        f"default-src 'none'; img-src data:; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def render(template: str, style: str, script: str, **context: Any) -> str:
    """The finished page. ``style`` and ``script`` are put in as they are: they hold no outside text."""
    from markupsafe import Markup

    return (
        environment()
        .get_template(template)
        .render(style=Markup(style), script=Markup(script), policy=policy(style, script), **context)
    )


def asset(*names: str) -> str:
    """The text of files of ``assets``, one after the other."""
    return "\n".join((HERE / "assets" / name).read_text(encoding="utf-8") for name in names)
