"""``bench eval``'s arguments with nothing given."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from bench.commands.evaluate import Request


def request(**given: Any) -> Request:
    nothing = {
        field.name: () if field.name in ("data", "metrics") else False if "bool" in str(field.type) else None
        for field in fields(Request)
        if field.default is MISSING
    }
    return Request(**{**nothing, "restore_known": True, **given})
