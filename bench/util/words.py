"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
