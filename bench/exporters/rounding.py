"""How numbers are rounded, in every format and on pages. How many decimals a metric has, it declares itself."""

from __future__ import annotations

import math
from typing import Any

from bench.metrics.declaration import DECIMALS as UNIT_DECIMALS
from bench.metrics.declaration import UNITLESS_DECIMALS

DECIMALS = {"images/s": 1, "ms": 2, "MiB": 0, "%": 1, "×cal": 3}
"""Of what is no metric; metrics declare theirs (:class:`bench.metrics.declaration.Metric`)."""


def number(value: float | None, unit: str = "", signed: bool = False, digits: int | None = None) -> str:
    """A value with the decimals of :func:`decimals`; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return fixed(value, decimals(unit, digits), signed)


def fixed(value: float, digits: int, signed: bool = False) -> str:
    """A number with so many decimals; there is no negative zero.

    >>> fixed(-2.345, 1), fixed(-0.04, 1), fixed(0.04, 1, signed=True)
    ('-2.3', '0.0', '+0.0')
    """
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def typeset(value: float, digits: int) -> str:
    """The same with a real minus sign, as pages have it.

    >>> typeset(-2.345, 1)
    '−2.3'
    """
    return fixed(value, digits).replace("-", "−")


def decimals(unit: str, digits: int | None = None) -> int:
    """Decimals of what is compared. digits: those of the metric's tables, where a metric is at hand; scores without a
    unit get one more, as what is compared may differ in the last.

    >>> decimals("dB"), decimals(""), decimals("", 5), decimals("ms")
    (2, 4, 6, 2)
    """
    if digits is None:
        digits = DECIMALS.get(unit, UNIT_DECIMALS.get(unit, UNITLESS_DECIMALS))
    return digits if unit in DECIMALS or unit in UNIT_DECIMALS else digits + 1


def cell(row: dict[str, Any], key: str, signed: bool = False) -> str:
    """A value of a row of a comparison, with its metric's decimals."""
    return number(row[key], row["unit"], signed, row["decimals"])


def side_mean(row: dict[str, Any], side: str) -> str:
    """A side's mean in a row of a comparison; of a metric with a target, with the distance from it, which decides."""
    return off_by(row[f"{side}_mean"], row.get(f"{side}_distance"), row["unit"], row["decimals"])


def off_by(mean: float, distance: float | None, unit: str, digits: int | None = None) -> str:
    """
    >>> off_by(-0.4, 0.62, ""), off_by(20.125, None, "dB")
    ('-0.4000, off by 0.6200', '20.12')
    """
    text = number(mean, unit, digits=digits)
    return text if distance is None else f"{text}, off by {number(distance, unit, digits=digits)}"


def interval(row: dict[str, Any], unit: str = "", signed: bool = True) -> str:
    """The ends of an interval; of a row of a comparison with its metric's decimals."""
    low, high = (number(row[end], unit, signed, row.get("decimals")) for end in ("low", "high"))
    return f"[{low}, {high}]"


def p_value(p: float | None) -> str:
    """A p-value in three decimals, "<0.001" below that, a dash where there is none."""
    if p is None or math.isnan(p):
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit behind it."""
    text = number(value, unit)
    if not unit or text in "–∞":
        return text
    return f"{text}%" if unit == "%" else f"{text} {unit}"
