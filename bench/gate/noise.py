"""The noise floor: how far scores move when nothing was changed, measured by A/A runs.

An instance of a variant is one (run, training seed). Instances of the same weights on the same suite agree
exactly, so their floor is zero; instances trained anew, from the same or another seed, show training noise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.comparison.gains import flat
from bench.comparison.pairing import require_comparable
from bench.comparison.tolerances import tolerance
from bench.gate import speed
from bench.metrics.declaration import Metric
from bench.runs.manifest import shared_titles
from bench.runs.reader import Run
from bench.statistics import intervals
from bench.statistics.sample_size import MOST
from bench.statistics.scores import ALL, Scores, clustered, load_scores
from bench.util.errors import IncomparableError
from bench.util.files import finite

BEYOND = 0.01
"""How often two instances of the same differ by more than the floor, in one direction."""
CAUGHT = 0.96
"""How often a drop of twice the suggested tolerance is aimed to be caught: one in a hundred more than is promised, for
what the normal approximation leaves out."""


@dataclass(frozen=True)
class Noise:
    """The floor of one variant, data set, mask type and metric.

    run_sd: standard deviation of the mean from instance to instance. floor: what the difference of two
    instances stays within 99 times in 100. image_error: standard error of such a difference over the images,
    which the interval of a comparison holds anyway. tolerance: the default tolerance, raised to the floor and
    to where a drop of twice as much is caught 95 times in 100. pictures: how many would let the default tolerance
    stand, 1 where any number would, as there is no image error; None where none would (run-to-run noise alone
    exceeds it, or no number below ten million is enough), or it was not measured.
    """

    variant: str
    dataset: str
    mask: str
    metric: str
    unit: str
    title: str
    rank: int | None
    instances: int
    images: int
    mean: float
    run_sd: float
    floor: float
    image_error: float
    tolerance: float
    pictures: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain values, NaN as null."""
        return finite(asdict(self))


@dataclass(frozen=True)
class NoiseFloor:
    """What differs between runs in which nothing changed. speeds: percent by variant. titles: what people call the data
    sets."""

    runs: list[str]
    rows: list[Noise]
    speeds: dict[str, float]
    notes: list[str]
    titles: dict[str, str]

    @property
    def known(self) -> bool:
        """Whether anything was scored twice."""
        return any(row.instances > 1 for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """What ``bench noise --json`` prints."""
        rows = [row.as_json() for row in self.rows]
        return finite(
            {"schema": 1, "runs": self.runs, "rows": rows, "speed_drop_percent": self.speeds, "notes": self.notes}
        )


@dataclass(frozen=True)
class Spread:
    """One variant's instances side by side: column means of the goodness (instances, columns), the plain mean of
    all, and the pairs' image errors (NaN of a single image)."""

    variant: str
    scores: Scores
    facts: list[Metric]
    means: np.ndarray
    mean: np.ndarray
    image_error: np.ndarray
    trained: bool


def measure_noise(runs: list[Run], redrawn: bool = False) -> NoiseFloor:
    """The noise floor of runs of the same thing, or of the seeds within one run.

    redrawn: the runs' holes were drawn from different suite seeds; what moves then is told too, but holds for
    comparing such runs only. Raises IncomparableError for runs that were measured differently.
    """
    notes = []
    for other in runs[1:]:
        if not redrawn:
            require_comparable(runs[0], other)
    spreads = [
        spread
        for variant in dict.fromkeys(variant for variant, _ in runs[0].members())
        for spread in spreads_of(variant, runs, redrawn)
    ]
    several = [spread for spread in spreads if len(spread.means) > 1]
    if not several:
        notes.append(
            "No variant was scored twice, so run-to-run noise is unknown: train several seeds "
            "(bench run --seeds 0,1,2) or name more runs."
        )
    elif 0 < sum(len(spread.means) - 1 for spread in several if spread.trained) < 3:
        notes.append("Fewer than four A/A instances of trained variants: the floor is wide because it is uncertain.")
    uncertain = dict.fromkeys(s.variant for s in several if not s.trained and len(s.means) < 4 and moves(s))
    if uncertain:
        whose = "its floor is" if len(uncertain) == 1 else "their floors are"
        notes.append(
            f"Fewer than four A/A instances of {', '.join(uncertain)}: {whose} wide because "
            f"{'it is' if len(uncertain) == 1 else 'they are'} uncertain."
        )
    rows = [row for spread in spreads for row in noise_rows(spread, pooled(several, spread))]
    titles = shared_titles(run.manifest for run in runs)
    return NoiseFloor([run.name for run in runs], rows, speed_floor(runs), notes, titles)


def moves(spread: Spread) -> bool:
    """Whether any mean differs from instance to instance."""
    return bool((np.ptp(spread.means, axis=0) > 0).any())


def spreads_of(variant: str, runs: list[Run], redrawn: bool) -> list[Spread]:
    """A variant's instances by data set, on the pictures that all of them scored."""
    tables = [(run, load_scores(run, variant)) for run in runs if any(v == variant for v, _ in run.members())]
    facts = [fact for name, fact in runs[0].manifest.metrics.items()]
    titles = shared_titles(run.manifest for run in runs)
    found = []
    for dataset in tables[0][1]:
        there = [scores[dataset] for _, scores in tables if dataset in scores]
        first = there[0]
        ids, masks = first.ids, list(first.masks)
        for other in there[1:]:
            ids = np.intersect1d(ids, other.ids)
            masks = [mask for mask in masks if mask in other.masks]
        kept = [fact for fact in facts if all(fact.name in scores.columns for scores in there)]
        if not len(ids) or not masks or not kept:
            raise IncomparableError(f"the runs share no scored picture of {variant} on {titles[dataset]}")
        parts = []
        for scores in there:
            rows = np.searchsorted(scores.ids, ids)
            part = scores.take(
                rows, [scores.masks.index(mask) for mask in masks], [scores.columns.index(fact.name) for fact in kept]
            )
            parts.append(part)
        values = np.concatenate([part.values for part in parts])
        good = np.stack([fact.goodness(values[..., k]) for k, fact in enumerate(kept)], axis=-1)
        good = np.where(np.isfinite(good).all(0), good, np.nan)
        found.append(spread(variant, parts[0], kept, values, good, trained(runs[0], variant)))
    return found


def trained(run: Run, variant: str) -> bool:
    """Whether a variant is a network, so that training adds noise."""
    kinds = [entry.kind for entry in run.manifest.variants if entry.name == variant]
    return not kinds or kinds[0] == "network"


def spread(
    variant: str, scores: Scores, facts: list[Metric], values: np.ndarray, good: np.ndarray, is_trained: bool
) -> Spread:
    """How a variant's instances differ on one data set. values, good: (instances, images, masks, metrics)."""
    means = [column_means(instance) for instance in good]
    errors = []
    for left in range(len(good)):
        for right in range(left + 1, len(good)):
            sums, counts = (flat(part) for part in clustered(good[right] - good[left]))
            mean = np.nan_to_num(means[right] - means[left])
            errors.append(intervals.standard_errors(sums - mean * counts, counts)[0])
    blank = np.zeros(len(means[0]))
    error = np.sqrt(np.mean(np.square(errors), axis=0)) if errors else blank
    plain = np.where(np.isfinite(good), values, np.nan).mean(0)
    return Spread(variant, scores, facts, np.stack(means), column_means(plain), error, is_trained)


def column_means(values: np.ndarray) -> np.ndarray:
    """Means over (images, masks, metrics) by mask type and then pooled, flattened; NaN left out."""
    sums, counts = (flat(part) for part in clustered(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums.sum(0) / counts.sum(0)


def pooled(several: list[Spread], like: Spread) -> tuple[np.ndarray, int]:
    """Standard deviation over instances, pooled over the trained variants of a data set, and its degrees of
    freedom; of a method without training, its own."""
    group = [s for s in several if s.scores.dataset == like.scores.dataset and s.means.shape[1] == like.means.shape[1]]
    group = [s for s in group if s.trained] if like.trained else [s for s in group if s is like]
    df = sum(len(s.means) - 1 for s in group)
    if not df:
        return np.zeros(like.means.shape[1]), 0
    return np.sqrt(sum(((s.means - s.means.mean(0)) ** 2).sum(0) for s in group) / df), df


def noise_rows(spread: Spread, pool: tuple[np.ndarray, int]) -> list[Noise]:
    """The noise of each mask type and metric; pool: standard deviation over all variants and its degrees of freedom."""
    pool_sd, df = pool
    own = spread.means.std(0, ddof=1) if len(spread.means) > 1 else np.zeros(spread.means.shape[1])
    bound = float(intervals.student(1 - 2 * BEYOND, df)) if df else 0.0
    floors = bound * np.sqrt(2) * np.fmax(own, pool_sd)
    far = reach(len(spread.scores.ids))
    found = []
    for column, mean in enumerate(spread.mean):
        m, k = divmod(column, len(spread.facts))
        if not np.isfinite(mean):
            continue
        fact = spread.facts[k]
        error = float(spread.image_error[column])
        least = tolerance(fact, float(mean))
        found.append(
            Noise(
                spread.variant,
                spread.scores.dataset,
                [*spread.scores.masks, ALL][m],
                fact.name,
                fact.unit,
                fact.title,
                fact.rank,
                len(spread.means),
                len(spread.scores.ids),
                float(mean),
                float(own[column]),
                float(floors[column]),
                error,
                rounded_up(max(least, float(floors[column]), far * np.nan_to_num(error))),
                enough(least, float(floors[column]), error, len(spread.scores.ids)) if len(spread.means) > 1 else None,
            )
        )
    return found


def reach(images: int) -> float:
    """The tolerance, in measured image errors, at which a drop of twice as much is caught 95 times in 100.

    Caught is what is left of the drop beyond the tolerance and the interval: one tolerance less the interval's
    t errors has to exceed the noise, and both errors are themselves estimates, each off by 1 in sqrt(df): by
    heavy tails, such as scores have, 1.4 times what normal ones would be.
    """
    from scipy.special import ndtri

    df = max(images - 1, 1)
    interval = float(intervals.student(intervals.LEVEL, df))
    found = interval
    for _ in range(30):
        found = interval + float(ndtri(CAUGHT)) * np.sqrt(1 + (found**2 + interval**2) / df)
    return float(found)


def enough(least: float, floor: float, error: float, images: int) -> int | None:
    """The least number of pictures with which a drop of twice the tolerance ``least`` is caught 95 times in 100, where
    ``images`` of them leave the image error ``error`` (NaN: of too few to know): 1 where there is none at all."""
    if np.isnan(error) or floor > least:
        return None
    if error == 0:
        return 1
    if least <= 0:
        return None
    count = 2
    while count < MOST and reach(count) * error * np.sqrt(images / count) > least:
        count = max(count + 1, int(count * 1.02))
    return count if count < MOST else None


def rounded_up(value: float) -> float:
    """To two significant digits."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / step - 1e-9) * step:.10g}")


def speed_floor(runs: list[Run]) -> dict[str, float]:
    """Per variant, the drop in percent of its speed ratio that A/A runs stay within; empty for one run."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for variant, place, value in speed.ratios(run):
            ratios.setdefault((variant, place), []).append(np.log(value))
    several = {key: values for key, values in ratios.items() if len(values) > 1}
    df = sum(len(values) - 1 for values in several.values())
    if not df:
        return {}
    pool = np.sqrt(sum(np.var(values) * len(values) for values in several.values()) / df)
    bound = float(intervals.student(1 - 2 * BEYOND, df)) * np.sqrt(2)
    floors: dict[str, float] = {}
    for (variant, _), values in several.items():
        drop = 100 * float(-np.expm1(-bound * max(pool, np.std(values, ddof=1))))
        floors[variant] = max(floors.get(variant, 0.0), drop)
    return floors
