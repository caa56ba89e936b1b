"""The rules of a gate: one line of text each, the same in a threshold file and after ``--fail-if``.

    [VARIANT[@SEED].]METRIC[[MASK]]:AMOUNT[%]     fails when the metric is worse than the reference by more
    [VARIANT[@SEED].]METRIC[[MASK]]<VALUE         fails when the metric's mean is below
    [VARIANT[@SEED].]METRIC[[MASK]]>VALUE         fails when it is above

METRIC is a column's name, ``torchmetrics:CLASS@hole`` among them. ``VARIANT`` and ``MASK`` may hold ``*`` and ``?``;
without a variant every variant is meant, without a mask type all of them pooled. Which direction is worse is known from
the metric.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bench.util.errors import UsageError
from bench.util.read_errors import Unfit, require_regular, why
from variants.registry import suggest

GRAMMAR = re.compile(
    r"""(?:(?P<variant>[^\s\[\]:<>=]+)\.)?
        (?P<metric>[a-z]+:[A-Za-z][A-Za-z0-9_+-]*(?:@hole)?|[A-Za-z_][A-Za-z0-9_]*)
        (?:\[(?P<mask>[^\[\]]*)\])?
        \s*(?P<kind>[:<>])\s*
        (?P<amount>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<percent>%?)""",
    re.VERBOSE,
)
KINDS = {":": "drop", "<": "floor", ">": "ceiling"}
FORMS = "write METRIC:AMOUNT, METRIC[MASK]:AMOUNT%, VARIANT.METRIC<VALUE or METRIC>VALUE"
LIMIT_MIB = 16
KEYS = ("fail_if", "against", "strict")


@dataclass(frozen=True)
class Rule:
    """kind: ``drop`` (against a reference), ``floor`` or ``ceiling`` (of the mean). amount: in the metric's unit,
    or in percent of the reference's mean. where: the file and line, or the option, it was read from."""

    text: str
    variant: str | None
    metric: str
    mask: str | None
    kind: str
    amount: float
    percent: bool
    where: str

    def wrong(self, why: str) -> UsageError:
        """The error that names the rule and its place."""
        return UsageError(f"{self.where}: rule '{self.text}': {why}")


def parse_rule(text: str, where: str = "--fail-if") -> Rule:
    """Raises UsageError saying what of the rule cannot be read."""
    match = GRAMMAR.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{where}: '{text}' is not a rule ({broken(text)}): {FORMS}")
    part = match.groupdict()
    rule = Rule(
        text.strip(),
        part["variant"],
        part["metric"],
        part["mask"].strip() if part["mask"] is not None else None,
        KINDS[part["kind"]],
        float(part["amount"]),
        bool(part["percent"]),
        where,
    )
    if rule.mask == "":
        raise rule.wrong("name a mask type in the brackets, or omit them to pool all")
    if not math.isfinite(rule.amount):
        raise rule.wrong(f"{part['amount']} is larger than any number here, so nothing could fail it")
    if rule.kind == "drop" and rule.amount < 0:
        raise rule.wrong("the allowed drop must be 0 or more")
    if rule.percent and rule.kind != "drop":
        raise rule.wrong(
            "a percentage is relative to a reference, so use ':'; a floor or ceiling is a value of the metric"
        )
    return rule


def broken(text: str) -> str:
    """What of a text keeps it from being a rule."""
    if not text.strip():
        return "it is empty"
    if not re.search(r"[:<>]", text):
        return "it has no ':', '<' or '>'"
    if text.count("[") != text.count("]"):
        return "a bracket is not closed"
    amount = re.split(r"[:<>]", text)[-1].strip()
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*%?", amount):
        return f"'{amount}' is not a number" if amount else "the number is missing"
    name = re.split(r"[:<>\[]", text)[0].strip()
    return f"'{name}' is not a metric's name" if name else "the metric's name is missing"


@dataclass(frozen=True)
class Thresholds:
    """A threshold file: its rules, and the run they compare with unless the command names one."""

    path: Path
    rules: list[Rule]
    against: str | None
    strict: bool


def read_thresholds(path: Path) -> Thresholds:
    """Read a threshold file. Raises UsageError with the line number of what is wrong."""
    try:
        require_regular(path, LIMIT_MIB)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, Unfit) as error:
        hint = "bench check --init writes one" if isinstance(error, FileNotFoundError) else "name a text file"
        raise UsageError(f"the threshold file {path} cannot be read ({why(error)}): {hint}") from error
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    for key in content:
        if key not in KEYS:
            raise UsageError(f"{path} line {key_line(text, key)}: {suggest('key', key, KEYS)}")
    fail_if, against, strict = content.get("fail_if", []), content.get("against"), content.get("strict", False)
    if not isinstance(fail_if, list) or not all(isinstance(rule, str) for rule in fail_if):
        raise UsageError(f"{path} line {key_line(text, 'fail_if')}: fail_if is a list of rules in quotes: {FORMS}")
    if not fail_if:
        raise UsageError(f'{path} holds no rule: add some, as in fail_if = ["psnr_hole:0.2"]')
    if against is not None and not isinstance(against, str):
        raise UsageError(f"{path} line {key_line(text, 'against')}: against is the name or path of a run, in quotes")
    if not isinstance(strict, bool):
        raise UsageError(f"{path} line {key_line(text, 'strict')}: strict is true or false")
    rules, start = [], 0
    for rule in fail_if:
        start = place(text, rule, start)
        rules.append(parse_rule(rule, f"{path} line {text.count(chr(10), 0, start) + 1}"))
        start += 1
    return Thresholds(path, rules, against, strict)


def key_line(text: str, key: str) -> int:
    """The line that sets a key, or opens a table of its name."""
    match = re.search(rf"^\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]", text, re.MULTILINE)
    return text.count("\n", 0, match.start() + len(match.group()) - 1) + 1 if match else 1


def place(text: str, rule: str, start: int) -> int:
    """Where a rule stands in the file's text: after ``start``, in quotes, on a line that is no comment."""
    pattern = rf"[\"']{re.escape(rule)}[\"']"
    for match in re.compile(pattern).finditer(text, start):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if "#" not in re.sub(r"\"[^\"]*\"|'[^']*'", "", line):
            return match.start()
    return start
