"""Comparing sides picture by picture: differences with their intervals, tests, verdicts, a ranking.

Everything here is plain data; the terminal, Markdown, JSON and the HTML page print the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from bench.comparison.gains import measure
from bench.comparison.pairing import Pair, pair_sides
from bench.comparison.sides import Side, resolve_sides
from bench.comparison.tolerances import tolerance
from bench.masks.areas import AREA_BINS, area_places
from bench.metrics.declaration import Metric
from bench.metrics.registry import metric as known_metrics
from bench.runs.manifest import shared_titles
from bench.set_metrics.registry import set_metric
from bench.statistics import intervals, sample_size, significance
from bench.statistics.scores import ALL
from bench.util.errors import IncomparableError, UsageError
from bench.util.files import finite
from variants.registry import suggest

SCHEMA = 1
SIGNIFICANT = 0.05
"""A side is called better or worse only where Holm's p is below this and the interval leaves out zero."""

FEWEST, UNLIKE = 2, 5
"""Training seeds: with that few on one side and that many on the other Welch's interval is too short."""


@dataclass(frozen=True)
class Options:
    """metrics, masks: names to keep, empty for all (``all`` is always kept); tolerances: by metric name.
    common: of different suites, keep the shared pairs; None where whoever asks cannot choose that.
    by_area: rows by hole area, mask types pooled, in place of rows by mask type."""

    metrics: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    tolerances: dict[str, float] | None = None
    common: bool | None = None
    level: float = intervals.LEVEL
    resamples: int = intervals.RESAMPLES
    seed: int = 0
    by_area: bool = False


@dataclass(frozen=True)
class Comparison:
    """A finished comparison.

    rows: one per (candidate, data set, mask type, metric) against the reference, as DESIGN fixes them.
    matrix: one per pair of sides, mask types pooled; ranking: places per metric, ties sharing one.
    pairs: the scores themselves, reference against each candidate, by data set. notes: sentences for the
    reader. partial: some pictures could not be scored, or only one side has them.
    """

    sides: list[Side]
    pairs: list[Pair]
    rows: list[dict[str, Any]]
    matrix: list[dict[str, Any]]
    ranking: list[dict[str, Any]]
    notes: list[str]
    partial: bool
    options: Options

    @property
    def titles(self) -> dict[str, str]:
        """What people call each data set."""
        return shared_titles(side.run.manifest for side in self.sides)

    @property
    def facts(self) -> dict[str, Metric]:
        """What the metrics of the rows mean, by name."""
        return {fact.name: fact for pair in self.pairs for fact in pair.facts}

    @property
    def axis(self) -> str:
        """What the rows other than ``all`` are by."""
        return "hole area" if self.options.by_area else "mask type"

    def as_json(self) -> dict[str, Any]:
        """What ``bench compare --json`` prints."""
        reference = self.sides[0]
        return finite(
            {
                "schema": SCHEMA,
                "suite": reference.run.manifest.suite,
                "protocol": reference.run.manifest.protocol,
                "reference": reference.label,
                "sides": [
                    {"label": s.label, "run": s.run.name, "variant": s.variant, "seeds": list(s.seeds)}
                    for s in self.sides
                ],
                "interval": {
                    "level": self.options.level,
                    "resamples": self.options.resamples,
                    "cluster": "image",
                    "seed": self.options.seed,
                },
                "rows": self.rows,
                "matrix": self.matrix,
                "ranking": self.ranking,
                "notes": self.notes,
                "partial": self.partial,
            }
        )


def compare(texts: list[str], folder: Path, options: Options | None = None) -> Comparison:
    """Compare the sides named, the first being the reference.

    Raises UsageError for wrong names, IncomparableError where sides were measured differently or share nothing.
    """
    if len(texts) < 2:
        raise UsageError("compare takes a reference and at least one candidate: bench compare baseline double_dg")
    return compare_sides(resolve_sides(texts, folder), options or Options())


def compare_sides(sides: list[Side], options: Options) -> Comparison:
    """The comparison of sides that are resolved; the first is the reference. Raises IncomparableError."""
    notes: list[str] = []
    kept: list[Pair] = []
    found: list[dict[str, Any]] = []
    for left, right in combinations(range(len(sides)), 2):
        pairs, remarks = pair_sides(sides[left], sides[right], options.common)
        notes += remarks
        pairs = [narrowed(pair, options) for pair in pairs]
        for pair in pairs:
            if options.by_area and left == 0:
                found += _area_rows(pair, options)
            found += _pair_rows(pair, options, pooled_only=left > 0 or options.by_area)
        if left == 0:
            kept += pairs
    if not found:
        raise IncomparableError("the sides share no metric with values: score both with the same metrics")
    judge(found)
    count_pictures(found, options.level)
    reference = sides[0].label
    rows = [
        {key: value for key, value in row.items() if key != "reference"}
        for row in found
        if row["reference"] == reference
    ]
    matrix = [row for row in found if row["mask"] == ALL] if len(sides) > 2 else []
    notes += _side_notes(sides, kept)
    partial = any(pair.failed[0].any() or pair.failed[1].any() for pair in kept)
    partial = partial or (not options.common and any(pair.missing for pair in kept))
    return Comparison(sides, kept, rows, matrix, ranking(sides, found), list(dict.fromkeys(notes)), partial, options)


def narrowed(pair: Pair, options: Options) -> Pair:
    """The pair with the metrics and mask types asked for. Raises UsageError for one that is not there.

    >>> from bench.metrics.declaration import Metric
    >>> values, none = np.zeros((1, 1, 2, 2)), np.zeros((1, 2), bool)
    >>> facts = Metric("a"), Metric("b")
    >>> pair = Pair((), "scenes", np.arange(1), ("rect", "circle"), facts, values, values, (none, none), none, 0)
    >>> kept = narrowed(pair, Options(metrics=("b",), masks=("rect",)))
    >>> [fact.name for fact in kept.facts], kept.masks, kept.reference.shape
    (['b'], ('rect',), (1, 1, 1, 1))
    """
    for name in options.metrics:
        if name in set_metric.names():
            raise UsageError(
                f"{name} is one value of a whole set of fills, so there are no pictures to pair: read it in the "
                "tables of bench eval and bench report, and hold it to a limit with bench check"
            )
    for wanted, there, noun in (
        (options.metrics, [fact.name for fact in pair.facts], "metric"),
        (options.masks, [*pair.masks, ALL], "mask type"),
    ):
        for name in wanted:
            if name not in there and noun == "metric" and name in known_metrics.names():
                raise UsageError(f"{name}: not every side was scored with it")
            if name not in there:
                raise UsageError(f"{suggest(noun, name, there)}")
    if not options.metrics and not set(options.masks) - {ALL}:
        return pair
    metrics = [i for i, fact in enumerate(pair.facts) if not options.metrics or fact.name in options.metrics]
    masks = [i for i, mask in enumerate(pair.masks) if not set(options.masks) - {ALL} or mask in options.masks]
    return replace(
        pair,
        masks=tuple(pair.masks[i] for i in masks),
        facts=tuple(pair.facts[i] for i in metrics),
        reference=pair.reference[:, :, masks][..., metrics],
        candidate=pair.candidate[:, :, masks][..., metrics],
        failed=(pair.failed[0][:, masks], pair.failed[1][:, masks]),
        hole_area=pair.hole_area[:, masks],
    )


def _area_rows(pair: Pair, options: Options) -> list[dict[str, Any]]:
    """One row per bin of hole area and metric, mask types pooled; the bin stands in place of the mask type."""
    places = area_places(pair.hole_area)
    found = []
    for place, name in enumerate(AREA_BINS):
        rows = places == place
        if rows.any():
            found += [{**row, "mask": name} for row in _pair_rows(pair.only(rows), options, pooled_only=True)]
    return found


def _pair_rows(pair: Pair, options: Options, pooled_only: bool = False) -> list[dict[str, Any]]:
    """One row per mask type (``all`` last) and metric that has a shared value; not yet judged."""
    measured = measure(pair, options.resamples, options.seed, pooled_only)
    low, high = measured.resampled.interval(options.level)
    reference, candidate = pair.sides
    with np.errstate(invalid="ignore", divide="ignore"):
        image_means = measured.sums / measured.counts
    masks = [ALL] if pooled_only else [*pair.masks, ALL]
    columns = np.flatnonzero(measured.resampled.rows)
    rank_p = dict(zip(columns, significance.wilcoxon_p(image_means[:, columns]), strict=True))
    effect = significance.effect_size(image_means)
    residuals = measured.sums - np.nan_to_num(measured.resampled.mean) * measured.counts
    image_error, _ = intervals.standard_errors(residuals, measured.counts)
    found = []
    for column in columns:
        m, k = divmod(column, len(pair.facts))
        fact = pair.facts[k]
        mean = float(measured.reference_mean[column])
        failed = [int(f.sum() if masks[m] == ALL else f[:, m].sum()) for f in pair.failed]
        off = [float(part[column]) for part in measured.distances]
        # Of a metric with a target the distance from it decides, not the mean.
        distances = {"reference_distance": off[0], "candidate_distance": off[1]} if fact.direction == "nearest" else {}
        found.append(
            {
                "reference": reference.label,
                "candidate": candidate.label,
                "dataset": pair.dataset,
                "mask": masks[m],
                "metric": fact.name,
                "unit": fact.unit,
                "direction": fact.direction,
                "title": fact.title,
                "label": fact.heading,
                "rank": fact.rank,
                "decimals": fact.digits,
                "reference_mean": mean,
                "candidate_mean": float(measured.candidate_mean[column]),
                **distances,
                "difference": float(measured.resampled.mean[column]),
                "low": float(low[column]),
                "high": float(high[column]),
                "error": float(measured.resampled.error[column]),
                "image_error": float(image_error[column]),
                "p": float(measured.p[column]),
                "p_wilcoxon": float(rank_p[column]),
                "effect_size": float(effect[column]),
                "wins": int(measured.wins[column]),
                "ties": int(measured.resampled.rows[column] - measured.wins[column] - measured.losses[column]),
                "losses": int(measured.losses[column]),
                "n": int(measured.resampled.rows[column]),
                "images": int(measured.resampled.clusters[column]),
                "reference_failed": failed[0],
                "candidate_failed": failed[1],
                "tolerance": tolerance(fact, mean, options.tolerances),
                **({"approximate": True, "mean_error": fact.mean_error} if fact.approximate else {}),
            }
        )
    return found


def judge(rows: list[dict[str, Any]]) -> None:
    """Add Holm's p and the verdict. A family is one metric: its data sets, mask types and pairs of sides.

    Metrics are different questions, and so alike in their answers that one family of all would hide most of them.

    >>> found = {"metric": "psnr_hole", "tolerance": 0.1}
    >>> rows = [{**found, "low": 0.2, "high": 0.4, "p": 0.01}, {**found, "low": 0.2, "high": 0.4, "p": 0.06}]
    >>> judge(rows)
    >>> [(row["p_holm"], row["verdict"]) for row in rows]
    [(0.02, 'better'), (0.06, 'undecided')]
    """
    for metric in dict.fromkeys(row["metric"] for row in rows):
        family = [row for row in rows if row["metric"] == metric]
        adjusted = significance.holm(np.array([row["p"] for row in family]))
        for row, p in zip(family, adjusted, strict=True):
            row["p_holm"] = float(p)
            row["verdict"] = verdict(row["low"], row["high"], row["tolerance"], float(p))


def count_pictures(rows: list[dict[str, Any]], level: float) -> None:
    """Add how many pictures an undecided row would need: to be decided were the difference as seen, and to show a
    difference of the tolerance's size; None where it is decided, or no number of pictures would do. level: of the
    intervals, which must leave out zero too.

    >>> seen = {"difference": 0.5, "tolerance": 0.1, "error": 0.1, "image_error": 0.1, "images": 100, "p": 0.2}
    >>> rows = [{"metric": "score", "verdict": "undecided", **seen}]
    >>> count_pictures(rows, level=0.95)
    >>> rows[0]["pictures_to_decide"], rows[0]["pictures_for_tolerance"]  # (2.8 / 0.5)^2 and (2.8 / 0.1)^2, and 2
    (34, 787)
    """
    for row in rows:
        row["pictures_to_decide"] = row["pictures_for_tolerance"] = None
        if row["verdict"] != "undecided":
            continue
        # Holm's step: as many rows as are no more certain than this one.
        steps = sum(other["metric"] == row["metric"] and other["p"] >= row["p"] for other in rows)
        lasting = float(np.sqrt(max(0.0, row["error"] ** 2 - row["image_error"] ** 2)))
        noise = (row["image_error"], row["images"], lasting, min(SIGNIFICANT / steps, 1 - level))
        row["pictures_to_decide"] = sample_size.to_decide(row["difference"], row["tolerance"], *noise, level)
        row["pictures_for_tolerance"] = sample_size.pictures_needed(row["tolerance"], *noise)


def verdict(low: float, high: float, tolerance: float, p: float) -> str:
    """same: the interval lies within the tolerance. better, worse: it lies on one side of zero and Holm's p is
    below 0.05. undecided: neither, or too few pictures for an interval.

    >>> verdict(-0.05, 0.08, tolerance=0.1, p=0.5), verdict(0.2, 0.4, tolerance=0.1, p=0.01)
    ('same', 'better')
    >>> verdict(0.2, 0.4, tolerance=0.1, p=0.2)
    'undecided'
    """
    if -tolerance <= low and high <= tolerance:
        return "same"
    if p < SIGNIFICANT and low > 0:
        return "better"
    if p < SIGNIFICANT and high < 0:
        return "worse"
    return "undecided"


def ranking(sides: list[Side], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Places per data set and metric, mask types pooled: 1 + the number of sides that are better by verdict, so
    sides that cannot be told apart share a place. Empty for two sides.

    >>> means = {"reference": "a", "reference_mean": 1.0, "candidate": "b", "candidate_mean": 2.0, "difference": 1.0}
    >>> row = {"dataset": "d", "mask": "all", "metric": "m", "title": "m", "verdict": "better", **means}
    >>> [place["side"] for place in ranking(["a", "b", "c"], [row])[0]["places"]], ranking(["a", "b"], [row])
    (['b', 'a'], [])
    """
    return places_of([row for row in rows if row["mask"] == ALL]) if len(sides) > 2 else []


def places_of(pooled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Places per data set and metric, from a judged row for each pair of sides.

    >>> row = {"dataset": "d", "metric": "m", "title": "m", "reference": "a", "reference_mean": 1.0}
    >>> better = {**row, "candidate": "b", "candidate_mean": 2.0, "difference": 1.0, "verdict": "better"}
    >>> [(place["side"], place["rank"]) for place in places_of([better])[0]["places"]]
    [('b', 1), ('a', 2)]
    >>> [(place["side"], place["rank"]) for place in places_of([{**better, "verdict": "undecided"}])[0]["places"]]
    [('b', 1), ('a', 1)]
    """
    found = []
    for dataset, metric in dict.fromkeys((row["dataset"], row["metric"]) for row in pooled):
        there = [row for row in pooled if (row["dataset"], row["metric"]) == (dataset, metric)]
        means: dict[str, dict[str, float]] = {}
        beaten: dict[str, int] = {}
        gain: dict[str, float] = {}
        for row in there:
            for side in ("reference", "candidate"):
                label = row[side]
                told = {"mean": row[f"{side}_mean"], "distance": row.get(f"{side}_distance")}
                means.setdefault(label, {key: value for key, value in told.items() if value is not None})
                beaten.setdefault(label, 0)
            if row["verdict"] == "better":
                beaten[row["reference"]] += 1
            elif row["verdict"] == "worse":
                beaten[row["candidate"]] += 1
            gain.setdefault(row["reference"], 0.0)
            gain[row["candidate"]] = gain.get(row["candidate"], 0.0) + row["difference"]
            gain[row["reference"]] -= row["difference"]
        order = sorted(means, key=lambda label: (beaten[label], -gain[label]))
        places = [{"side": label, "rank": 1 + beaten[label], **means[label]} for label in order]
        found.append({"dataset": dataset, "metric": metric, "title": there[0]["title"], "places": places})
    return found


def _side_notes(sides: list[Side], pairs: list[Pair]) -> list[str]:
    """What a reader must know before believing the numbers."""
    notes = []
    titles = shared_titles(side.run.manifest for side in sides)
    single = [side.label for side in sides if side.trained and len(side.seeds) == 1]
    several = [f"{side.label} {len(side.seeds)}" for side in sides if len(side.seeds) > 1]
    if several:
        notes.append(f"The intervals include training noise, from training seeds: {', '.join(several)}.")
    counts = {side.label: len(side.seeds) for side in sides if len(side.seeds) > 1}
    few = [label for label, count in counts.items() if count == FEWEST]
    if few and max(counts.values()) >= UNLIKE:
        notes.append(
            f"Only {FEWEST} training seeds of {', '.join(few)} against {max(counts.values())}: where training noise is "
            "most of the error, 90 to 93 of 100 intervals hold the truth, not 95; train as many of each."
        )
    if single:
        notes.append(
            f"One training seed of {', '.join(single)}: training noise, 0.2-0.4 dB of PSNR in our trials, is not in "
            "the interval; train more seeds to include it."
        )
    for run in {side.run.path: side.run for side in sides}.values():
        reasons: dict[str, list[str]] = {}
        for metric, why in run.manifest.missing.items():
            if metric not in set_metric.names():  # of which there are no pictures to pair
                reasons.setdefault(why, []).append(metric)
        notes += [f"Empty in {run.name}: {', '.join(metrics)} ({why})." for why, metrics in reasons.items()]
    notes += [fact.caveat for pair in pairs for fact in pair.facts if fact.caveat]
    for pair in pairs:
        reference, candidate = pair.sides
        if reference.run.path == candidate.run.path and (reference.variant, reference.seeds) == (
            candidate.variant,
            candidate.seeds,
        ):
            notes.append(f"{reference.label} and {candidate.label} are the same records, so nothing can differ.")
        for side, failed in zip(pair.sides, pair.failed, strict=True):
            if failed.any():
                notes.append(
                    f"{side.label} failed on {int(failed.sum())} pictures of {titles[pair.dataset]}; they are "
                    "excluded from the means."
                )
        if pair.missing:
            notes.append(
                f"{pair.missing} fills of {titles[pair.dataset]} are on one side only "
                f"({reference.label}, {candidate.label})."
            )
        if len(pair.ids) < 20:
            notes.append(
                f"Only {len(pair.ids)} images of {titles[pair.dataset]}: intervals are wide and rare failures may be "
                "missed."
            )
    return notes
