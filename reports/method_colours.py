"""Which colour a method has, the same in every figure, table and grid of a page (its values: assets/figures.css).

Networks have hues, references greys; both go round when there are more methods than colours.
"""

from __future__ import annotations

from collections.abc import Iterable

from reports.numbers import Numbers

HUES, GREYS = 8, 4


def hue(k: int) -> str:
    """The class of the k-th network, side of a comparison or curve.

    >>> hue(0), hue(9)
    ('k0', 'k1')
    """
    return f"k{k % HUES}"


def styles(numbers: Numbers) -> dict[str, str]:
    """The class of each method by its label; the seeds of a variant share theirs, and so do its failed trainings."""
    hues: dict[str, str] = {}
    greys: dict[str, str] = {}
    for member in numbers.members:
        if member.kind == "reference":
            greys.setdefault(member.variant, f"r{len(greys) % GREYS}")
        else:
            hues.setdefault(member.variant, hue(len(hues)))
    return {m.label: (hues | greys)[m.variant] for m in numbers.members}


def sides(labels: Iterable[str]) -> dict[str, str]:
    """The class of each side of a comparison by its label, in their order."""
    return {label: hue(k) for k, label in enumerate(labels)}
