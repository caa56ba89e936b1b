"""What the paper that introduced the six variants says of them, each claim tested.

A statement is read as a region of a measured quantity. It holds where the 95 % interval of the quantity lies
inside the region, does not hold where it lies outside, and is undecided where it straddles the border.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bench.exporters.rounding import typeset
from bench.statistics.intervals import Seeds, inside, seed_noise
from bench.statistics.paired import pooled
from bench.util.words import counted
from reports.numbers import Member, Numbers, Score, paired
from reports.scoreboard import millions
from reports.tables import Cell, Column, Row, Table

INF = math.inf
VISIBLE = 1.0
"""ΔE00 from which two colours side by side are told apart."""
ALIKE_COLOUR = 0.5
ALIKE_DB = 0.5
GARBAGE_DB = -5.0
"""Under the baseline: an error energy of more than three times the baseline's."""


@dataclass(frozen=True)
class Claim:
    """A statement, the metric that decides it, and the region in which the measured quantity bears it out.

    parts: the quantities, each a sum of terms (weight, variant, metric). ``res_best`` and ``res_worst`` stand
    for the better and the worse of the two residual variants, ``other_best`` for the best of the other five.
    names: of several quantities.
    """

    statement: str
    metric: str
    rule: str
    parts: tuple[tuple[tuple[float, str, str], ...], ...]
    region: tuple[float, float]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A tested claim. state: holds, does not hold, undecided, or not measured."""

    claim: Claim
    state: str
    measured: tuple[str, ...]
    pictures: int
    reason: str = ""


def one(variant: str, metric: str) -> tuple[tuple[float, str, str], ...]:
    """The mean of one metric of a variant, as terms of a claim: (factor, variant, metric)."""
    return ((1.0, variant, metric),)


def less(a: str, b: str, metric: str, of_b: str | None = None) -> tuple[tuple[float, str, str], ...]:
    """``a`` minus ``b``, as terms of a claim; ``of_b`` takes another metric of ``b``."""
    return ((1.0, a, metric), (-1.0, b, of_b or metric))


CLAIMS = (
    Claim(
        "The baseline's fill is very blurred.",
        "sharpness",
        "less than half of the truth's gradient energy",
        (one("baseline", "sharpness"),),
        (-INF, -1.0),
    ),
    Claim(
        "The baseline's colours do not match.",
        "colour_shift",
        f"colour shift above {VISIBLE:g} ΔE00, which is visible",
        (one("baseline", "colour_shift"),),
        (VISIBLE, INF),
    ),
    Claim(
        "Correcting the baseline's colour from the known pixels removes most of the colour error.",
        "colour_shift_corrected",
        "corrected shift less half of the uncorrected one below 0",
        (((1.0, "baseline", "colour_shift_corrected"), (-0.5, "baseline", "colour_shift")),),
        (-INF, 0.0),
    ),
    Claim(
        "The GAN with pure MSE loss gives garbage.",
        "psnr_hole",
        f"more than {-GARBAGE_DB:g} dB below the baseline",
        (less("basic_gan", "baseline", "psnr_hole"),),
        (-INF, GARBAGE_DB),
    ),
    Claim(
        "With the new loss the outline of the lighthouse shows again.",
        "ssim_hole",
        "structure above the pure-MSE GAN's",
        (less("gan_new_loss", "basic_gan", "ssim_hole"),),
        (0.0, INF),
    ),
    Claim(
        "The new loss gives an incredibly noisy fill.",
        "sharpness",
        "more gradient energy than the truth",
        (one("gan_new_loss", "sharpness"),),
        (0.0, INF),
    ),
    Claim(
        "With the new loss the colour is still poor.",
        "colour_shift",
        f"colour shift above {VISIBLE:g} ΔE00, which is visible",
        (one("gan_new_loss", "colour_shift"),),
        (VISIBLE, INF),
    ),
    Claim(
        "Residual blocks, hole only: performs much like the baseline.",
        "psnr_hole",
        f"within ±{ALIKE_DB:g} dB of the baseline",
        (less("gan_res_mask", "baseline", "psnr_hole"),),
        (-ALIKE_DB, ALIKE_DB),
    ),
    Claim(
        "Residual blocks, hole only: sharper than the baseline.",
        "sharpness",
        "gradient energy above the baseline's",
        (less("gan_res_mask", "baseline", "sharpness"),),
        (0.0, INF),
    ),
    Claim(
        "Residual blocks, hole only: colour error like the baseline's.",
        "colour_shift",
        f"within ±{ALIKE_COLOUR:g} ΔE00 of the baseline",
        (less("gan_res_mask", "baseline", "colour_shift"),),
        (-ALIKE_COLOUR, ALIKE_COLOUR),
    ),
    Claim(
        "Painting the whole picture leaves the colour error as it is with the hole only.",
        "colour_shift",
        f"gan_res_whole within ±{ALIKE_COLOUR:g} ΔE00 of gan_res_mask",
        (less("gan_res_whole", "gan_res_mask", "colour_shift"),),
        (-ALIKE_COLOUR, ALIKE_COLOUR),
    ),
    Claim(
        "Painting the whole picture is worse than painting the hole only.",
        "psnr_hole",
        "gan_res_whole below gan_res_mask",
        (less("gan_res_whole", "gan_res_mask", "psnr_hole"),),
        (-INF, 0.0),
    ),
    Claim(
        "Two discriminators: no colour correction is needed.",
        "colour_shift",
        f"double_dg at most {ALIKE_COLOUR:g} ΔE00 above what the baseline keeps after correction",
        (less("double_dg", "baseline", "colour_shift", "colour_shift_corrected"),),
        (-INF, ALIKE_COLOUR),
    ),
    Claim(
        "Two discriminators: the seam is still visible.",
        "seam",
        "step across the hole's edge more than 1 level above the truth's",
        (one("double_dg", "seam"),),
        (1.0, INF),
    ),
    Claim(
        "Two discriminators: still a bit blurred.",
        "sharpness",
        "less gradient energy than the truth",
        (one("double_dg", "sharpness"),),
        (-INF, 0.0),
    ),
    Claim(
        "Two discriminators: shapes lie between those of the two residual variants.",
        "ssim_hole",
        "above the worse and below the better of gan_res_mask and gan_res_whole",
        (less("double_dg", "res_worst", "ssim_hole"), less("res_best", "double_dg", "ssim_hole")),
        (0.0, INF),
        names=("above the worse: ", "below the better: "),
    ),
    Claim(
        "The model with two discriminators performs best of the six.",
        "psnr_hole",
        "above the best of the other five",
        (less("double_dg", "other_best", "psnr_hole"),),
        (0.0, INF),
    ),
)


SIX = ("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole", "double_dg")
"""The variants that the statements are of."""


def judge(numbers: Numbers) -> list[Verdict]:
    """Every claim with its verdict, all mask types and data sets pooled, pictures drawn whole; none where the run
    has none of the six variants."""
    if not any(m.variant in SIX for m in numbers.members):
        return []
    asked: list[tuple[Claim, list[Quantity] | str]] = [(claim, quantities(numbers, claim)) for claim in CLAIMS]
    every = [quantity for _, found in asked if not isinstance(found, str) for quantity in found]
    certain = [q.values for q in every if not q.noise]
    together = iter(paired(certain))
    scores = iter([paired([q.values], q.noise)[0] if q.noise else next(together) for q in every])
    verdicts = []
    for claim, found in asked:
        if isinstance(found, str):
            verdicts.append(Verdict(claim, "not measured", (), 0, found))
            continue
        mine = [ranged(next(scores), parts, numbers) for parts in claim.parts]
        states = [state(score, claim.region) for score in mine]
        worst = next(s for s in ("does not hold", "undecided", "holds") if s in states)
        show = printed(numbers, claim)
        verdicts.append(
            Verdict(
                claim,
                worst,
                tuple(n + show(s) for n, s in zip(claim.names or ("",), mine, strict=True)),
                min(s.n for s in mine),
            )
        )
    return verdicts


def ranged(score: Score, terms: tuple[tuple[float, str, str], ...], numbers: Numbers) -> Score:
    """Of a metric's own mean, the interval ends where the metric's range does, as in every table."""
    if len(terms) > 1:
        return score
    low, high = inside(numbers.measures[terms[0][2]].range, *map(np.asarray, (score.mean, score.low, score.high)))
    return replace(score, low=float(low), high=float(high))


def state(score: Score, region: tuple[float, float]) -> str:
    """The verdict: "holds" if the interval lies in the claimed region, "does not hold" if outside, else "undecided"."""
    low, high = region
    if math.isnan(score.low):
        return "undecided"
    if low <= score.low and score.high <= high:
        return "holds"
    return "does not hold" if score.high < low or score.low > high else "undecided"


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a claim is decided by, per picture of all data sets and mask type. noise: of the training of every variant
    in it that has several seeds."""

    values: np.ndarray
    noise: tuple[Seeds, ...]


def quantities(numbers: Numbers, claim: Claim) -> list[Quantity] | str:
    """The claim's quantities, or why they cannot be had."""
    found = []
    for terms in claim.parts:
        parts: dict[str, np.ndarray] = {}
        for weight, role, metric in terms:
            variant = resolve(numbers, role, metric)
            if variant is None or not any(m.variant == variant for m in numbers.members):
                return f"{variant or 'the residual variants'} not in this run"
            if metric not in numbers.measures or not numbers.has(metric):
                return f"{metric} was not measured"
            parts[variant] = parts.get(variant, 0.0) + weight * by_seed(numbers, variant, metric)
        total = sum((part.mean(0) for part in parts.values()), np.zeros(1))
        if not np.isfinite(total).any():
            return f"{claim.metric} has no value for it"
        noise = [training_noise(np.where(np.isnan(total), np.nan, p)) for p in parts.values() if len(p) > 1]
        found.append(Quantity(total, tuple(noise)))
    return found


def training_noise(values: np.ndarray) -> Seeds:
    """From (seeds, pictures, masks)."""
    sums, counts, _ = pooled(list(values))
    return seed_noise(sums.T[..., None], counts.T[..., None])


def by_seed(numbers: Numbers, variant: str, metric: str) -> np.ndarray:
    """A variant's values, (seeds, pictures of all data sets, masks)."""
    labels = [m.label for m in numbers.members if m.variant == variant]
    return np.stack([np.concatenate([numbers.block(n, d, metric) for d in numbers.datasets]) for n in labels])


def resolve(numbers: Numbers, role: str, metric: str) -> str | None:
    """The variant that a role stands for, by the means over everything."""
    roles = {
        "res_best": ("gan_res_mask", "gan_res_whole"),
        "res_worst": ("gan_res_mask", "gan_res_whole"),
        "other_best": SIX[:-1],
    }
    if role not in roles:
        return role
    there = {m.variant for m in numbers.members}
    if metric not in numbers.measures or not set(roles[role]) <= there:
        return None
    good = numbers.measures[metric].goodness
    means = {v: float(good(np.nanmean(by_seed(numbers, v, metric).mean(0)))) for v in roles[role]}
    return (min if role == "res_worst" else max)(means, key=lambda v: means[v])


def printed(numbers: Numbers, claim: Claim) -> Callable[[Score], str]:
    """How the claim's quantity is written: a factor, or a number with its unit (differences with a sign)."""
    unit = numbers.measures[claim.metric].unit
    digits = numbers.measures[claim.metric].digits
    signed = len(claim.parts[0]) > 1
    # A ratio is told as a factor.
    logarithmic = numbers.measures[claim.metric].scale == "log2"

    def number(value: float) -> str:
        if logarithmic:
            return f"×{2**value:.2f}"
        return ("+" if signed and value > 0 else "") + typeset(value, digits)

    def text(score: Score) -> str:
        tail = "" if logarithmic or not unit else f" {unit}"
        if math.isnan(score.low):
            return number(score.mean) + tail
        return f"{number(score.mean)}{tail} [{number(score.low)} to {number(score.high)}]"

    return text


@dataclass(frozen=True)
class Scale:
    """At what scale the claims were tested, in words, and what the intervals leave out (empty: nothing)."""

    scale: str
    caveat: str


def scale_of(numbers: Numbers) -> Scale:
    """What a reader must know before carrying a verdict over to other trainings."""
    ours = [m for m in numbers.members if m.variant in SIX]
    counts = sorted(float(m.entry.parameters) for m in ours if m.entry and m.entry.parameters)
    seeds = {m.variant: sum(o.variant == m.variant for o in ours) for m in ours}
    size = numbers.manifest.size
    lengths = sorted({trained_steps(numbers, m) for m in ours} - {0})
    ends = list(dict.fromkeys(millions(count) for count in counts[:1] + counts[-1:]))
    steps = list(dict.fromkeys(f"{count:,}".replace(",", "\u202f") for count in lengths[:1] + lengths[-1:]))
    fewest, most = min(seeds.values(), default=0), max(seeds.values(), default=0)
    words = [
        f"on pictures of {size} px" if size else "on pictures of their own size",
        f"with networks of {' to '.join(ends)} parameters" if ends else "",
        f"after {' to '.join(steps)} training steps" if steps else "",
        f"with {counted(fewest, 'training seed')}" if fewest == most else f"with {fewest} to {most} training seeds",
    ]
    caveat = "training noise is not in the interval" if fewest == 1 else ""
    return Scale(", ".join(word for word in words if word), caveat)


def trained_steps(numbers: Numbers, member: Member) -> int:
    """How long a member was trained: as run.json says, else the run's own curves or profile; 0 where none does."""
    history = None if member.entry.steps else numbers.run.history(member.variant, member.seed)
    if history is not None and len(history) and "step" in history:
        return int(history["step"].max())
    return member.entry.steps or int(numbers.manifest.profile.get("steps") or 0)


def table(verdicts: list[Verdict], scale: Scale) -> Table | None:
    """The claims as a table; the page prints it with marks."""
    if not verdicts:
        return None
    columns = [
        Column("metric", "decided by", numeric=False),
        Column("rule", "holds if", numeric=False),
        Column("measured", "measured [95 % interval]", numeric=False),
        Column("pictures", "pictures"),
        Column("verdict", "verdict", numeric=False),
    ]
    rows = [
        Row(
            v.claim.statement,
            [
                Cell(v.claim.metric),
                Cell(v.claim.rule),
                Cell("; ".join(v.measured) or v.reason),
                Cell(str(v.pictures), float(v.pictures)),
                Cell(v.state),
            ],
        )
        for v in verdicts
    ]
    notes = [f"In this run, {scale.scale}." + (f" One training seed: {scale.caveat}." if scale.caveat else "")]
    return Table("claims", "The paper's claims, tested", columns, rows, "statement", notes, sortable=False)
