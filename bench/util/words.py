"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5


def some(names: Sequence[str], shown: int = SHOWN) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
