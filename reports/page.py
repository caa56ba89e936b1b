"""Putting a page together: templates, inlined style and script, and the policy that forbids all else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from bench.util.files import utf8

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
    env.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    env.filters |= {
        "groups": groups,
        "data_uri": _data_uri,
        "breakable": breakable,
        "seconds": seconds,
        "together": together,
        "day": lambda text: str(text)[:16].replace("T", " "),
    }
    return env


def groups(rows: list[Any]) -> list[tuple[str, list[Any]]]:
    """Rows by their group, groups in the order in which they come."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return list(found.items())


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};charset=utf-8;base64," + base64.b64encode(utf8(text)).decode()


def breakable(name: str) -> Any:
    """A method's name that may be broken after its underscores."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in str(name).split("_"))


def together(text: str) -> str:
    """Numbers with what they count, so that no line ends between them."""
    return re.sub(r"(?<=\d) (?=[^\W\d]|%)", "\u00a0", str(text))


def seconds(value: float) -> str:
    """A duration rounded to seconds, minutes (from 2 min) or hours (from 2 h)."""
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.0f} h"


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
