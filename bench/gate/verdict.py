"""The gate: rules held against a run, each line pass, regression or undecided.

A line is a regression where the interval excludes what the rule allows, a pass where the interval lies within,
and undecided between. The intervals are of 95 %, and wider for lines whose tolerance lies within their noise: a
check in which nothing changed raises a false alarm at most once in 100, however many lines it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from bench.comparison.compare import Options
from bench.comparison.sides import Side
from bench.gate import speed
from bench.gate.lines import Line, Target, quality_jobs, quality_lines, speed_line
from bench.gate.never import never_fails
from bench.gate.rules import Rule
from bench.gate.sets import is_set, require_limit, set_lines
from bench.runs.reader import Run
from bench.statistics.scores import ALL
from bench.util.errors import Exit, IncomparableError, UsageError
from variants.registry import suggest

SCHEMA = 1
FALSE_ALARMS = 0.01
"""Of a whole check, where nothing has changed."""

Matched = list[tuple[Side, Side | None]]
"""Candidates, each with its reference or None."""


@dataclass(frozen=True)
class Check:
    """A finished check. partial: some fills could not be scored, or a variant has gone."""

    run: str
    against: str | None
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    partial: bool = False

    @property
    def state(self) -> str:
        """The worst of its lines: regression before undecided before pass."""
        states = {line.state for line in self.lines}
        return next((state for state in ("regression", "undecided") if state in states), "pass")

    def exit(self, strict: bool = False) -> Exit:
        """The exit code; strict: undecided fails too."""
        if self.state == "regression" or (strict and self.state == "undecided"):
            return Exit.REGRESSION
        return Exit.PARTIAL if self.partial else Exit.OK

    def as_json(self) -> dict[str, Any]:
        """What ``bench check --json`` prints."""
        return {
            "schema": SCHEMA,
            "state": self.state,
            "run": self.run,
            "against": self.against,
            "partial": self.partial,
            "rules": [line.as_json() for line in self.lines],
            "notes": self.notes,
        }


def check(
    rules: list[Rule], matched: Callable[[Rule], Matched], run: str, against: str | None, options: Options | None = None
) -> Check:
    """Hold rules against sides; ``matched`` tells which sides a rule is about.

    Raises UsageError for an unknown name, IncomparableError for a rule that matches nothing, for a drop without
    a reference, and for sides that were measured differently.
    """
    options = options or Options()
    targets = [target for rule in rules for target in expand(rule, matched(rule), against)]
    timed = [target for target in targets if speed.is_speed(target.rule.metric)]
    whole = [target for target in targets if is_set(target.rule.metric)]
    jobs, notes, partial = quality_jobs([t for t in targets if t not in timed and t not in whole], options.common)
    limits, remarks, lacking = set_lines(whole)
    notes, partial = notes + remarks, partial or lacking
    # Lines that did not move cannot be alarms, so they take no share of the 1 % from the others.
    alarms = FALSE_ALARMS / max(1, len(timed) + sum(job.open_lines() for job in jobs))
    lines = quality_lines(jobs, options, alarms) + limits + [speed_line(target, alarms) for target in timed]
    order = {id(rule): place for place, rule in enumerate(rules)}
    lines.sort(key=lambda line: order[id(line.rule)])
    for rule in rules:
        if not any(line.rule is rule for line in lines):
            why = next(
                (why for side, _ in matched(rule) if (why := missing(side.run, rule.metric))), "it has no value there"
            )
            raise IncomparableError(
                f"{rule.where}: rule '{rule.text}' matched nothing of {rule.metric}: {why}; measure it, or take the "
                "rule out"
            )
    for line in lines:
        fact = line.target.candidate.run.manifest.metrics.get(line.rule.metric)
        notes += [fact.caveat] if fact is not None and fact.caveat else []
        notes += never_fails(line.rule, fact or speed.fact(line.rule.metric))
    return Check(run, against, lines, list(dict.fromkeys(notes)), partial)


def missing(run: Run, metric: str) -> str:
    """Why a run has no values of a metric, if it says so."""
    return run.manifest.missing.get(metric, "")


def check_run(
    rules: list[Rule],
    run: Run,
    reference: Run | None,
    options: Options | None = None,
    renamed: Mapping[str, str] | None = None,
) -> Check:
    """Hold rules against a run, drops against the same variants of the reference run.

    renamed: variant -> what it is called in the reference run. Raises UsageError for a name that is not there.
    """
    theirs_of = require_there(renamed or {}, run, reference)
    held, theirs = run.members(), reference.members() if reference else []
    names, others = variants_of(run), variants_of(reference) if reference else []
    if not names:
        raise IncomparableError(f"the run {run.name} holds no records yet: finish it with bench run")

    def side(home: Run, variant: str, seed: int | None) -> Side:
        return Side(home, variant, seed, variant if seed is None else f"{variant}@{seed}")

    pooled: dict[tuple[str, int | None], tuple[Side, Side | None]] = {}
    for variant, seed in [*((name, None) for name in names), *held]:
        old = theirs_of.get(variant, variant)
        known = old in others if seed is None else (old, seed) in theirs
        other = side(reference, old, seed) if reference and known else None
        pooled.setdefault((variant, seed), (side(run, variant, seed), other))

    def matched(rule: Rule) -> Matched:
        name, _, seed = (rule.variant or "*").partition("@")
        found = [
            pair
            for (variant, own), pair in pooled.items()
            if fnmatchcase(variant, name) and (own is not None and fnmatchcase(str(own), seed) if seed else own is None)
        ]
        if not found:
            there = {*names, *(f"{v}@{s}" for v, s in held if seed)}
            raise rule.wrong(str(suggest("variant", str(rule.variant), there)))
        return found

    found = check(rules, matched, run.name, reference.name if reference else None, options)
    held_to = [theirs_of.get(name, name) for name in names]
    gone = [name for name in others if name not in {*held_to, *names}]
    left = [name for name in names if name in others and name not in held_to]
    new = [name for name, old in zip(names, held_to, strict=True) if others and old not in others]
    notes = [f"In {reference.name} but not in {run.name}: {', '.join(gone)}."] if reference and gone else []
    notes += [f"Nothing is compared with {', '.join(left)} of {reference.name} (--map)."] if reference and left else []
    notes += [f"Not in {reference.name}, so not compared with it: {', '.join(new)}."] if reference and new else []
    if reference and reference.path.resolve() == run.path.resolve() and held_to == names:
        notes.append(f"{run.name} is compared with itself, so nothing can have changed.")
    # Who scores or times a few methods by hand means these few; a whole run that lost one has not done its work.
    whole = run.manifest.action not in ("eval", "throughput")
    return replace(found, notes=notes + found.notes, partial=found.partial or (whole and bool(gone)))


def require_there(renamed: Mapping[str, str], run: Run, reference: Run | None) -> Mapping[str, str]:
    """The same names. Raises UsageError for one that its run does not hold, or where there is no reference."""
    if renamed and reference is None:
        raise UsageError("--map names methods of a reference run: name that run with --against RUN")
    for home, names in ((run, renamed.keys()), (reference, renamed.values())):
        for name in names:
            if home is not None and name not in variants_of(home):
                raise UsageError(f"--map: {suggest('variant', name, variants_of(home))}")
    return renamed


def variants_of(run: Run) -> list[str]:
    """The variants that a run scored or, as ``bench throughput --out`` does, timed alone."""
    return list(dict.fromkeys([*(variant for variant, _ in run.members()), *speed.timed(run)]))


def check_sides(rules: list[Rule], sides: list[Side], options: Options | None = None) -> Check:
    """Hold rules against the candidates of a comparison, the first side being the reference of all."""
    reference, *candidates = sides

    def matched(rule: Rule) -> Matched:
        names = {name for side in candidates for name in (side.variant, f"{side.variant}@{side.seeds[0]}", side.label)}
        wanted = rule.variant or "*"
        found: Matched = [
            (side, reference)
            for side in candidates
            if any(
                fnmatchcase(name, wanted)
                for name in (
                    side.variant,
                    side.label,
                    *(f"{side.variant}@{s}" for s in side.seeds if len(side.seeds) == 1),
                )
            )
        ]
        if not found:
            raise rule.wrong(str(suggest("variant", wanted, names)))
        return found

    return check(rules, matched, candidates[0].run.name, reference.label, options)


def expand(rule: Rule, sides: Matched, against: str | None) -> list[Target]:
    """Everything a rule is about. Raises UsageError for a name that is not there, IncomparableError for a drop
    without a reference."""
    if is_set(rule.metric):
        require_limit(rule)
    if rule.kind == "drop":
        if against is None:
            raise IncomparableError(
                f"{rule.where}: rule '{rule.text}' compares with a reference: name one with --against RUN"
            )
        sides = [pair for pair in sides if pair[1] is not None]
        if not sides:
            raise IncomparableError(
                f"{rule.where}: rule '{rule.text}': {against} holds none of the variants it names "
                "(--map NEW=OLD compares other names)"
            )
    candidates = [side for side, _ in sides]
    if speed.is_speed(rule.metric):
        speed.require_names(rule, [side.run for side in candidates])
        return [Target(rule, a, b, "", place) for a, b in sides for place in speed.places(a, rule)]
    require_metric(rule, candidates)
    masks = {mask for side in candidates for scores in side.scores.values() for mask in scores.masks}
    pattern = ALL if rule.mask is None else rule.mask
    if pattern != ALL and not any(fnmatchcase(mask, pattern) for mask in masks):
        raise rule.wrong(str(suggest("mask type", pattern, {*masks, ALL})))
    found = []
    for candidate, reference in sides:
        for dataset, scores in candidate.scores.items():
            names = [ALL] if pattern == ALL else [mask for mask in scores.masks if fnmatchcase(mask, pattern)]
            found += [Target(rule, candidate, reference, dataset, mask) for mask in names]
    return found


def require_metric(rule: Rule, sides: list[Side]) -> None:
    """Raises IncomparableError where the run lacks the rule's metric, UnknownName where there is no such metric."""
    facts = {name: fact for side in sides for name, fact in side.run.manifest.metrics.items()}
    if rule.metric not in facts:
        from bench.metrics.registry import metric

        if rule.metric in metric.names() or is_set(rule.metric):
            raise IncomparableError(
                f"{rule.where}: rule '{rule.text}' matched nothing: {sides[0].run.name} was not scored with "
                f"{rule.metric}; score it, or remove the rule"
            )
        raise rule.wrong(f"{suggest('metric', rule.metric, {*facts, *metric.names(), *speed.NAMES})}")
    direction = facts[rule.metric].direction
    if rule.kind == "floor" and direction == "lower":
        raise rule.wrong(f"{rule.metric} is lower-is-better, so its limit is a ceiling: {rule.metric}>{rule.amount:g}")
    if rule.kind == "ceiling" and direction == "higher":
        raise rule.wrong(f"{rule.metric} is higher-is-better, so its limit is a floor: {rule.metric}<{rule.amount:g}")
