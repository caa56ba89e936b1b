"""Which convention a model follows: tried on pictures whose answers are known.

What is looked at: whether it gives back the known pixels, how near it comes to what was under the hole, and whether it
touched the hole at all. How values are to be read (``out``) needs no call of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.methods.callable import CallableMethod
from bench.methods.keys import RANGES, Keys
from bench.methods.structure import answer, running
from variants.errors import ExternalError

Picture = tuple[np.ndarray, np.ndarray]
"""uint8 (H, W, 3) and its hole, bool (H, W)."""

BEST_KNOWN = 40.0
"""PSNR of known pixels, dB, beyond which they count as given back: what is lost to resizing and 8 bits is no fault."""

SAME = 0.05
"""Scores closer than this, dB, are one answer: the SPEC with the fewest keys gives it. So are those whose difference
from picture to picture is within :data:`ERRORS` standard errors."""

ERRORS = 2.0

CLOSE = 1.0
"""Ways this near the best, dB, are tried on more pictures."""

SURE, LIKELY = 1.0, 0.3
"""How far ahead of the next answer, dB, the best one must be."""

KNOWN = 5.0
"""Mean error of known pixels, 8-bit levels, up to which they count as given back."""

KEPT = 6
"""So many of the first picture's best are tried on the others."""

UNCHANGED = 0.01
"""A hole that differs by no more, on average and black to white being 1, is left as it was shown."""

COPIES = 0.05
"""Noise laid under the hole may show in the fill by this share, or the model sees the truth."""


@dataclass(frozen=True)
class Tried:
    """One way of calling a model, and what came of it.

    keys: what is said beyond the user's SPEC. known_error: mean absolute error of raw on known pixels, 8-bit levels.
    hole_psnr: dB, of raw in the hole. changed: whether the hole looks otherwise than it was shown. scores: of each
    picture, where it was tried on several.
    """

    keys: Keys
    known_error: float
    hole_psnr: float
    psnr_known: float
    changed: bool
    scores: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        """dB: how well hole and known pixels come out, alike; a hole left as it was shown is no fill."""
        return (self.hole_psnr + min(self.psnr_known, BEST_KNOWN)) / 2 - (0 if self.changed else 20)


@dataclass(frozen=True)
class Verdict:
    """What a probe found: the ways tried, best first, the SPEC to use, and how sure that is (sure, likely, unsure)."""

    spec: str
    sure: str
    why: str
    tried: tuple[Tried, ...]


def probe(
    method: CallableMethod,
    pictures: Sequence[Picture],
    report: Callable[[str], None] = lambda text: None,
    more: Callable[[], Sequence[Picture]] = tuple,
) -> Verdict:
    """more: further pictures, asked for where several ways come close. Raises ExternalError where the model runs in no
    way that is known here."""
    image, hole = pictures[0]
    found: list[Tried] = []
    for keys, *_ in running(method, image, hole, further=True):
        report(f"with '{keys}'" if keys != Keys() else "without keys")
        found += values(method, keys, pictures[0])
        if found and fits(ranked(found)[0], pictures[0]):
            break  # Other inputs and layouts could only run by chance.
    if not found:
        raise ExternalError(
            f"{method.name} works in none of the ways tried: write python:FILE.py:FUNCTION with a function "
            "(picture, hole) -> picture that calls it"
        )
    unlike = distinct(ranked(found))
    means = [on_all(method, one, pictures) for one in unlike[:KEPT]]
    best = max(one.score for one in means)
    near = [one for one in means if one.score > best - CLOSE]
    if len(near) > 1 and (further := more()):
        means = [on_all(method, one, [*pictures, *further]) if one in near else one for one in means]
    return judged(method, ranked(means), unlike[KEPT:], pictures)


def fits(one: Tried, picture: Picture) -> bool:
    """Whether it gives the known pixels back and fills better than the known pixels' mean colour."""
    return one.changed and one.known_error < KNOWN and one.hole_psnr > of_mean_colour(picture)


def of_mean_colour(picture: Picture) -> float:
    """PSNR, dB, of a hole filled with the mean colour of what is known."""
    image, hole = picture
    return psnr((image[~hole].mean(axis=0) - image[hole]) / 255)


def distinct(order: Sequence[Tried]) -> list[Tried]:
    """Of ways whose fills and known pixels come out the same, the first."""
    seen: dict[tuple[float, float, bool], Tried] = {}
    for one in order:
        seen.setdefault((round(one.hole_psnr, 2), round(one.known_error, 1), one.changed), one)
    return list(seen.values())


def values(method: CallableMethod, structure: Keys, picture: Picture) -> list[Tried]:
    """Ranges, polarity and what lies under the hole; then what else could be, of the best three."""
    first = [
        replace(structure, low_high_in=low_high, hole=value, blank=blank)
        for low_high in (None, *list(RANGES.values())[1:])
        for value in (None, 1 - (method.keys.hole or 0))
        for blank in (None, "0.5")
    ]
    found = tried_of(method, first, picture)
    best = [one.keys for one in ranked(found)[:3]]
    also: tuple[Keys, ...] = (Keys(blank="mean"), Keys(blank="keep"), Keys(channels="bgr"), Keys(order="mask,picture"))
    more = [one.or_else(keys) for keys in best for one in also]
    found += tried_of(method, more, picture)
    turned = ranked(found)[0].keys if found else Keys()
    if turned.order is None or turned.order == structure.order:
        return found
    # What was tried of the order that came first says nothing of this one.
    again = [replace(keys, order=turned.order) for keys in first]
    return found + tried_of(method, again, picture)


def tried_of(method: CallableMethod, wanted: Sequence[Keys], picture: Picture) -> list[Tried]:
    """Fill one picture by each set of keys that does not contradict the user's, each set once."""
    found = []
    said = method.keys_said.said()
    for keys in dict.fromkeys(without_defaults(method, keys) for keys in wanted):
        if said.keys() & keys.said().keys():
            continue
        settled = keys.or_else(method.keys)
        if settled.input == "masked" and (keys.hole is not None or keys.order is not None):
            continue
        if settled.dtype == "uint8" and keys.low_high_in is not None:
            continue
        found += readings(method, keys, picture)
    return found


def readings(method: CallableMethod, keys: Keys, picture: Picture) -> list[Tried]:
    """One call, its answer read in every range."""
    image, hole = picture
    stretched = replace(keys, low_high_out=(0.0, 1.0))
    fixed = method.keys_said.low_high_out is not None
    found = answer(method, keys if fixed else stretched, image, hole)
    if found is None:
        return []
    keys, raw, told = found
    if fixed:
        return [judge(keys, raw, method, picture)]
    ranges = [(0.0, 255.0)] if told else list(RANGES.values())
    default = (0.0, 255.0) if told else (0.0, 1.0)
    return [
        judge(
            replace(keys, low_high_out=None if pair == default else pair),
            (raw - pair[0]) / (pair[1] - pair[0]),
            method,
            picture,
            as_shown=as_shown(method, keys, raw, picture),
        )
        for pair in ranges
    ]


def as_shown(method: CallableMethod, keys: Keys, given: np.ndarray, picture: Picture) -> bool:
    """Whether the model's own numbers in the hole, ``given``, are those that it was shown there."""
    image, hole = picture
    settled = keys.or_else(method.keys)
    low, high = settled.low_high_in or (0.0, 1.0)
    shown = shown_under(image / np.float32(255), hole, settled.blank or "0") * (high - low) + low
    return bool(np.abs(given - shown)[hole].mean() <= UNCHANGED * (high - low))


def judge(keys: Keys, raw: np.ndarray, method: CallableMethod, picture: Picture, *, as_shown: bool = False) -> Tried:
    """as_shown: whether what is in the hole is known to be what was shown there."""
    image, hole = picture
    truth, raw = image / np.float32(255), np.clip(raw, 0, 1)
    error = raw - truth
    shown = shown_under(truth, hole, keys.or_else(method.keys).blank or "0")
    return Tried(
        keys,
        float(np.abs(error[~hole]).mean() * 255),
        psnr(error[hole]),
        psnr(error[~hole]),
        bool(np.abs(raw - shown)[hole].mean() > UNCHANGED) and not as_shown,
    )


def shown_under(truth: np.ndarray, hole: np.ndarray, blank: str) -> np.ndarray | float:
    """What a model sees under the hole, in [0, 1]."""
    if blank == "keep":
        return truth
    return truth[~hole].mean(axis=0) if blank == "mean" else float(blank)


def psnr(error: np.ndarray) -> float:
    """PSNR in dB of an error in units of [0, 1], capped at 100."""
    return float(-10 * np.log10(max(float(np.square(error, dtype=np.float64).mean()), 1e-10)))


def ranked(found: Sequence[Tried]) -> list[Tried]:
    """Best first, each SPEC once; of those that no picture tells apart, the one with the fewest keys."""
    rows = sorted(dict.fromkeys(found), key=lambda one: -one.score)
    order: list[Tried] = []
    while rows:
        alike = [one for one in rows if same(rows[0], one)]
        best = min(alike, key=lambda one: (len(one.keys.words()), -round(one.score, 3)))
        order.append(best)
        rows.remove(best)
    return order


def same(best: Tried, other: Tried) -> bool:
    """Whether the pictures do not tell which of two ways is better."""
    if best.score - other.score <= SAME:
        return True
    if len(best.scores) < 2 or len(best.scores) != len(other.scores):
        return False
    ahead = np.subtract(best.scores, other.scores)
    return bool(ahead.mean() <= ERRORS * ahead.std(ddof=1) / np.sqrt(len(ahead)))


def on_all(method: CallableMethod, one: Tried, pictures: Sequence[Picture]) -> Tried:
    """The same way on all pictures that it runs on."""
    answers = [(picture, answer(method, one.keys, *picture)) for picture in pictures]
    results = [judge(one.keys, found.raw, method, picture) for picture, found in answers if found is not None]
    return pooled(one.keys, results, changed=one.changed) if results else one


def pooled(keys: Keys, results: Sequence[Tried], *, changed: bool = True) -> Tried:
    """One way on several pictures as one: means, and each picture's score."""
    known, hole, near = (
        float(np.mean([getattr(one, name) for one in results])) for name in ("known_error", "hole_psnr", "psnr_known")
    )
    changed = changed and all(one.changed for one in results)
    return Tried(keys, known, hole, near, changed, tuple(one.score for one in results))


def without_defaults(method: CallableMethod, keys: Keys) -> Keys:
    """Only what the model's file and the plain convention do not say already."""
    return Keys(**{name: value for name, value in keys.said().items() if getattr(method.keys, name) != value})


def judged(
    method: CallableMethod, order: Sequence[Tried], rest: Sequence[Tried], pictures: Sequence[Picture]
) -> Verdict:
    """The SPEC to use. A way that lets the model see the truth is never it."""
    honest = [one for one in order if one.keys.blank != "keep" or not copies(method, one.keys, pictures[0])]
    if not honest:
        raise ExternalError(f"{method.name} copies what lies under the hole: it is not an inpainting model")
    best = honest[0]
    others = honest[1:]
    ahead = max(best.score - others[0].score, 0.0) if others else np.inf
    plain = np.mean([of_mean_colour(picture) for picture in pictures])
    spec = str((method.spec.adding(best.keys)) if method.spec else best.keys)
    if not any(one.changed for one in (*order, *rest)):
        spec, sure, why = str(method.spec or ""), "unsure", "it leaves the hole as it was shown, however it is called"
    elif not best.changed or best.hole_psnr < plain:
        sure, why = "unsure", "none fills better than the mean colour of the known pixels does"
    elif ahead >= SURE:
        sure, why = "sure", f"{ahead:.1f} dB ahead of the next" if others else "nothing else comes near"
    else:
        sure = "likely" if ahead >= LIKELY else "unsure"
        only = "" if sure == "likely" else "only "
        why = f"{only}{ahead:.1f} dB ahead of '{str(others[0].keys) or 'nothing said'}'"
    return Verdict(spec, sure, why, (best, *others, *rest))


def copies(method: CallableMethod, keys: Keys, picture: Picture) -> bool:
    """Whether what lies under the hole shows in the fill: tried with noise laid there."""
    image, hole = picture
    noise = np.random.default_rng(0).integers(-40, 41, image.shape)
    other = np.where(hole[..., None], np.clip(image.astype(np.int16) + noise, 0, 255), image).astype(np.uint8)
    one, two = answer(method, keys, image, hole), answer(method, keys, other, hole)
    if one is None or two is None:
        return True
    laid = (other.astype(np.float32) - image)[hole] / 255
    seen = (two.raw - one.raw)[hole]
    laid, seen = laid - laid.mean(axis=0), seen - seen.mean(axis=0)
    return bool(abs((laid * seen).sum()) > COPIES * np.square(laid).sum())


def known_pictures(side: int, count: int = 3, first: int = 0) -> list[Picture]:
    """Scenes of ``side`` pixels, from the ``first`` on, each with a square of a quarter of the side missing."""
    from bench.datasets.scenes.source import Scenes

    scenes = Scenes(0, "test", side)
    pictures = []
    for k in range(first, first + count):
        hole = np.zeros((side, side), bool)
        top, left = side * (2 + k % 3) // 8, side * (3 - k % 3) // 8
        hole[top : top + side // 4, left : left + side // 4] = True
        pictures.append((scenes.load(k), hole))
    return pictures
