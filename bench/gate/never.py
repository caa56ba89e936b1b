"""Rules that no result could break: they pass whatever happens, and a reader should know."""

from __future__ import annotations

import math

from bench.gate.rules import Rule
from bench.metrics.declaration import Metric


def never_fails(rule: Rule, fact: Metric) -> list[str]:
    """A sentence about a rule whose limit lies at or beyond the end of its metric's range; none about any other.

    >>> from bench.gate.rules import parse_rule
    >>> likeness = Metric("likeness", range=(-1.0, 1.0))
    >>> never_fails(parse_rule("likeness:2"), likeness)
    ["The rule 'likeness:2' can never fail: likeness lies between -1 and 1."]
    >>> never_fails(parse_rule("likeness:2%"), likeness), never_fails(parse_rule("likeness<-0.9"), likeness)
    ([], [])
    """
    least, greatest = fact.range
    if rule.kind == "floor":
        vain = rule.amount <= least
    elif rule.kind == "ceiling":
        vain = rule.amount >= greatest
    elif rule.percent:
        # A score that cannot get below nothing loses all of itself at most.
        vain = fact.direction == "higher" and least >= 0 and rule.amount >= 100
    elif fact.direction == "nearest":
        vain = rule.amount >= max(greatest - fact.target, fact.target - least)
    else:
        vain = rule.amount >= greatest - least
    if not vain:
        return []
    ends = f"between {least:g} and {greatest:g}" if math.isfinite(greatest) else f"at {least:g} or above"
    return [f"The rule '{rule.text}' can never fail: {fact.name} lies {ends}."]
