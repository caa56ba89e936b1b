"""The lines of a gate: what a rule measures of one variant, data set and mask type, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.comparison.compare import Options, narrowed
from bench.comparison.gains import flat, gains, goodness, measure, seed_noise, unmoved
from bench.comparison.pairing import Pair, pair_sides
from bench.comparison.sides import Side
from bench.gate import speed
from bench.gate.rules import Rule
from bench.metrics.declaration import Metric
from bench.statistics import intervals
from bench.statistics.scores import ALL, clustered
from bench.util.files import finite

NORMAL_DF = 1e6


class Reading(NamedTuple):
    """A measured value and its interval; NaN ends where there is none."""

    measured: float
    low: float
    high: float


@dataclass(frozen=True)
class Target:
    """What a rule means in a run: one column of a variant's scores or, with ``mask`` a cell, of its speeds."""

    rule: Rule
    candidate: Side
    reference: Side | None
    dataset: str
    mask: str

    @property
    def title(self) -> str:
        """What people call the data set; empty of speeds."""
        return self.candidate.run.manifest.titles.get(self.dataset, self.dataset)


@dataclass(frozen=True)
class Line:
    """One rule held against one target.

    reading: of a drop, how much worse than the reference, in ``unit`` (negative is better); of a floor or
    ceiling, the mean. level: of the interval. look: the file to look into. why: what keeps the line from being
    decided, if anything.
    """

    target: Target
    state: str
    reading: Reading
    unit: str
    level: float
    reference_mean: float
    candidate_mean: float
    look: str
    why: str = ""

    @property
    def rule(self) -> Rule:
        """The rule that it judges."""
        return self.target.rule

    def as_json(self) -> dict[str, Any]:
        """An entry of ``rules`` in ``bench check --json``."""
        return finite(
            {
                "rule": self.rule.text,
                "state": self.state,
                "measured": self.reading.measured,
                "allowed": self.rule.amount,
                "low": self.reading.low,
                "high": self.reading.high,
                "level": self.level,
                "kind": self.rule.kind,
                "unit": self.unit,
                "variant": self.target.candidate.label,
                "dataset": self.target.dataset,
                "mask": self.target.mask,
                "metric": self.rule.metric,
                "reference_mean": self.reference_mean,
                "candidate_mean": self.candidate_mean,
                "where": self.rule.where,
                "look": self.look,
                "why": self.why,
            }
        )


def judged(rule: Rule, reading: Reading) -> str:
    """The state of a line; undecided where there is no interval."""
    if rule.kind == "floor":
        outside, inside = reading.high < rule.amount, reading.low >= rule.amount
    else:
        outside, inside = reading.low > rule.amount, reading.high <= rule.amount
    return "regression" if outside else "pass" if inside else "undecided"


@dataclass(frozen=True)
class Job:
    """The targets of one variant on one data set, and the scores they are read from. drop: against a reference."""

    pair: Pair
    targets: list[Target]
    drop: bool

    def open_lines(self) -> int:
        """How many of its lines could raise a false alarm: not those of drops where no picture changed."""
        still = unmoved(gains(self.pair)) if self.drop else np.zeros(0, bool)
        columns = [locate(self.pair, target)[0] for target in self.targets]
        return sum(not (self.drop and still[column]) for column in columns)


def quality_jobs(targets: list[Target], common: bool | None) -> tuple[list[Job], list[str], bool]:
    """The targets of scores put beside their scores, notes, and whether some fills are in no mean."""
    jobs: list[Job] = []
    notes: list[str] = []
    partial = False
    groups: dict[tuple[Side, bool], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.candidate, target.rule.kind == "drop"), []).append(target)
    for (candidate, is_drop), group in groups.items():
        if is_drop:
            assert group[0].reference is not None
            pairs, remarks = pair_sides(group[0].reference, candidate, common)
            notes += remarks
        else:
            pairs = [alone(candidate, dataset) for dataset in candidate.scores]
        for pair in pairs:
            names = {fact.name for fact in pair.facts}
            there = [t for t in group if t.dataset == pair.dataset and t.rule.metric in names]
            there = [t for t in there if t.mask in (*pair.masks, ALL)]
            if there:
                wanted = tuple({target.rule.metric for target in there})
                jobs.append(Job(narrowed(pair, Options(metrics=wanted)), there, is_drop))
                remarks = left_out(pair, common)
                notes += remarks
                partial = partial or bool(remarks)
    return jobs, notes, partial


def quality_lines(jobs: list[Job], options: Options, alarms: float) -> list[Line]:
    """The lines of scores; the targets of one job share one set of resamples. alarms: how often one line may be
    a false alarm where nothing changed."""
    found = [drop_lines(job, options, alarms) if job.drop else limit_lines(job, options, alarms) for job in jobs]
    return [line for lines in found for line in lines]


def line_level(margin: float, error: float, df: float, alarms: float) -> float:
    """The level of a line's interval: 95 %, or as much more as keeps false alarms to ``alarms``.

    Where nothing changed the measured drop is noise of standard ``error``; it is an alarm where it exceeds the
    ``margin`` allowed by the interval's reach. A wide margin leaves 95 % enough; a margin inside the noise does not.
    """
    from scipy.special import stdtr, stdtrit

    if not (error > 0 and df >= 1 and np.isfinite(margin)):
        return intervals.LEVEL
    reach = float(stdtrit(df, 1 - alarms)) - margin / error
    return max(intervals.LEVEL, 2 * float(stdtr(df, reach)) - 1)


def left_out(pair: Pair, common: bool | None) -> list[str]:
    """Sentences about the fills that are in no mean."""
    candidate, failed = pair.sides[1].label, int(pair.failed[1].sum())
    title = pair.sides[1].run.manifest.titles.get(pair.dataset, pair.dataset)
    found = [f"{candidate} failed on {failed} pictures of {title}; they are excluded from the means."] if failed else []
    if pair.missing and not common:
        found.append(f"{pair.missing} fills of {candidate} on {title} are missing on one side.")
    return found


def alone(side: Side, dataset: str) -> Pair:
    """A side's scores paired with zeros, so that limits are measured like drops."""
    scores = side.scores[dataset]
    facts = [fact for name, fact in side.run.manifest.metrics.items() if name in scores.columns]
    values = scores.values[..., [scores.columns.index(fact.name) for fact in facts]]
    complete = np.where(np.isfinite(values).all(0), values, np.nan)
    failed = scores.failed.sum(0)
    missing = int((~scores.present).any(0).sum())
    return Pair(
        (side, side),
        dataset,
        scores.ids,
        scores.masks,
        tuple(facts),
        np.zeros_like(complete[:1]),
        complete,
        (np.zeros_like(failed), failed),
        scores.hole_area,
        missing,
    )


def drop_lines(job: Job, options: Options, alarms: float) -> list[Line]:
    """Lines of rules that compare with a reference; alarms: the false alarm rate allowed of each line."""
    pair = job.pair
    measured = measure(pair, options.resamples, options.seed)
    found = measured.resampled
    lines = []
    for target in job.targets:
        column, fact = locate(pair, target)
        if not found.rows[column]:
            continue
        base = abs(reference_goodness(pair, target, fact)) if target.rule.percent else 100.0
        margin = target.rule.amount * base / 100 if target.rule.percent else target.rule.amount
        level = line_level(margin, found.error[column], found.df[column], alarms)
        low, high = found.interval(level)
        # How much worse, so turned about; adding 0.0 turns a negative zero.
        reading = Reading(*(-float(part[column]) + 0.0 for part in (found.mean, high, low)))
        unit = fact.unit
        if target.rule.percent:
            reading, unit = Reading(*(share(value, base) for value in reading)), "%"
        means = float(measured.reference_mean[column]), float(measured.candidate_mean[column])
        lines.append(line(target, reading, unit, level, *means))
    return lines


def share(value: float, base: float) -> float:
    """A value in percent of a base; any change from nothing is infinite."""
    if value == 0:
        return 0.0
    return 100 * value / base if base > 0 else float(np.copysign(np.inf, value))


def reference_goodness(pair: Pair, target: Target, fact: Metric) -> float:
    """The reference's mean that a percentage is of; of a metric with a target, its mean distance from it."""
    values = goodness(pair, pair.reference).mean(0)[..., pair.facts.index(fact)]
    if target.mask != ALL:
        values = values[:, pair.masks.index(target.mask)]
    return float(np.nanmean(values))


def limit_lines(job: Job, options: Options, alarms: float) -> list[Line]:
    """Lines of floors and ceilings; alarms: as of :func:`drop_lines`."""
    pair = job.pair
    settings = (options.resamples, options.seed)
    sums, counts = (flat(part) for part in clustered(pair.candidate.mean(0)))
    if len(pair.candidate) > 1:
        found, _ = intervals.hierarchical(sums, counts, (seed_noise(pair.candidate),), *settings)
    else:
        found = intervals.resample(sums, counts, *settings)
    lines = []
    for target in job.targets:
        column, fact = locate(pair, target)
        if found.rows[column]:
            level = line_level(0.0, found.error[column], found.df[column], alarms)
            reading = Reading(*(float(part[column]) for part in (found.mean, *found.interval(level))))
            lines.append(line(target, reading, fact.unit, level, float("nan"), reading.measured))
    return lines


def locate(pair: Pair, target: Target) -> tuple[int, Metric]:
    """The column of a target among (mask types and ``all``) x metrics, and its metric."""
    names, masks = [fact.name for fact in pair.facts], [*pair.masks, ALL]
    place = names.index(target.rule.metric)
    return masks.index(target.mask) * len(names) + place, pair.facts[place]


def line(
    target: Target, reading: Reading, unit: str, level: float, reference_mean: float, candidate_mean: float
) -> Line:
    """A line with its verdict, and why it has no interval where it has none."""
    why = "" if np.isfinite(reading.low) or np.isfinite(reading.high) else "one picture has no interval"
    state = judged(target.rule, reading)
    return Line(target, state, reading, unit, level, reference_mean, candidate_mean, look(target), why)


def look(target: Target) -> str:
    """Where the pictures behind a line are: the run's report if it has one, else the records."""
    side = target.candidate
    if (side.run.path / "report.html").is_file():
        return str(side.run.path / "report.html")
    mask = "*" if target.mask == ALL else target.mask
    folder = side.run.path / "records" / side.variant / f"seed-{side.seeds[0]}"
    return str(folder / f"{target.dataset}-{mask}.parquet")


def speed_line(target: Target, alarms: float) -> Line:
    """The line of a rule about speed, as a ratio to the calibration workload."""
    found = speed.measure(target.rule, target.candidate, target.reference, target.mask)
    # On the scale of logarithms, where a ratio's error lives; timings are many, so normal.
    worst = 1 + (-1 if found.higher else 1) * target.rule.amount / 100
    margin = abs(float(np.log(worst))) if found.drop and worst > 0 else 0.0
    level = line_level(margin, found.error, NORMAL_DF, alarms)
    reading = Reading(*found.reading(level))
    file = str(target.candidate.run.path / "throughput.parquet")
    state = judged(target.rule, reading)
    return Line(target, state, reading, found.unit, level, found.reference, found.candidate, file, found.why)
