"""A look at a model's first fill: whether it runs, and whether its convention is plainly another than was said."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bench.methods.callable import CallableMethod, shortened
from bench.methods.hints import hint
from bench.methods.keys import RANGES, Keys
from bench.methods.memory_needed import TooLarge
from bench.methods.probe import KNOWN, Picture, ranked, shown_under, tried_of
from bench.methods.repeatable import told_unsteady
from bench.methods.structure import answer, running
from bench.suites.suite import Suite
from variants.errors import ExternalError, FillError
from variants.method import Method

LOOKED_AT = 4
"""Pictures that are looked at."""

MOST_KEYS = 4
"""How often a model is looked at again with what was found wrong mended."""

DRIFT = 2.0
"""Levels by which known pixels must change to be spoken of: less is rounding and resizing."""

FLAT = 1e-3
"""An answer that varies by less, black to white being 1, is of one colour."""

BEYOND = 0.9
"""Share of pixels far outside black to white from which the range is plainly another."""

REPAINTED, UNTOUCHED = 0.05, 0.02
"""Mean change of known pixels, and of the hole, that show a mask read the other way round."""


def check_first(methods: Iterable[Method], suite: Suite) -> tuple[list[str], list[str]]:
    """Raises ExternalError with the SPEC to write where a method from outside is plainly called in the wrong way.

    Returns what to note of the run, and advice that is only said: whether there is time to look for a better way of
    calling a model depends on the machine, and what stands in a run must not."""
    callables = [method for method in methods if isinstance(method, CallableMethod) and method.spec is not None]
    if not callables:
        return [], []
    for dataset in suite.datasets:
        for mask in suite.masks_of(dataset):
            part = next(iter(suite.batches(dataset, mask, LOOKED_AT)), None)
            if part is not None and part.holes[0].any() and not part.holes[0].all():
                pictures = list(zip(part.images, part.holes, strict=True))
                fit = [(image, hole) for image, hole in pictures if hole.any() and not hole.all()]
                drifts = [check_convention(method, pictures[0], part.ids[0]) for method in callables]
                notes = [told_drift(m, levels) for m, levels in zip(callables, drifts, strict=True)]
                notes += [told_unsteady(method, pictures[0], part.ids[0]) for method in callables]
                advice = [hint(method, fit) for method in callables]
                return [text for text in notes if text], [text for text in advice if text]
    return [], []


def told_drift(method: CallableMethod, levels: float) -> str:
    """What known pixels lost on the first picture, in 8-bit levels, where that is more than rounding."""
    if not levels >= DRIFT:  # NaN: nothing was learnt
        return ""
    return shortened(
        f"{method.name} changed the known pixels by {levels:.0f} levels on average on the first picture",
        f": if it should not, find out what it expects with bench probe '{method.spec}'",
    )


def check_convention(method: CallableMethod, picture: Picture, name: str = "") -> float:
    """How far it changes known pixels, in levels; NaN where it fails, as it will on its first pictures.

    Raises ExternalError: one sentence that ends in what to write, all of it. What the user said himself is believed.

    name: the picture's id.
    """
    found = look(method, picture, name)
    if isinstance(found, float):
        return found
    what, keys = found
    raise ExternalError(method.advised(what, completed(method, keys, picture, name)))


def completed(method: CallableMethod, keys: Keys, picture: Picture, name: str) -> Keys:
    """``keys`` and what would be asked for once they are said."""
    for _ in range(MOST_KEYS):
        try:
            found = look(method.telling(keys.or_else(method.keys_said)), picture, name)
        except ExternalError:
            break
        if isinstance(found, float):
            break
        keys = keys.or_else(found[1])
    return keys


def look(method: CallableMethod, picture: Picture, name: str) -> float | tuple[str, Keys]:
    """What is plainly wrong and the keys that would mend it, or else how far known pixels change.

    Raises ExternalError for what no keys would mend."""
    image, hole = picture
    trial = method.telling(method.keys_said)
    try:
        raw = trial.paint(image[None], hole[None], [name])[0]
    except TooLarge as error:
        raise ExternalError(str(error)) from error
    except FillError as error:
        found = next(iter(running(method, image, hole, further=False)), None)
        if found is None:
            return np.nan  # It fails on its first pictures as well, where the failure is told.
        return bare(str(error)), found.keys
    if not np.isfinite(raw).all():
        return np.nan
    truth = image / np.float32(255)
    for wrong in (polarity(method, raw, picture), value_range(method, raw, truth, hole, trial.gives_integers)):
        if wrong is not None:
            return f"{method.name} {wrong[0]}", wrong[1]
    wrong = drifted(method, raw, truth, hole, picture)
    if wrong is not None:
        return f"{method.name} {wrong[0]}", wrong[1]
    wrong = overdriven(method, raw, hole, picture)
    if wrong is not None:
        return f"{method.name} {wrong[0]}", wrong[1]
    if np.ptp(raw) < FLAT and np.ptp(truth) > 0.1 and not method.keys_said.said():
        raise ExternalError(
            shortened(
                f"{method.name} returned a single colour everywhere", f": find out why with bench probe '{method.spec}'"
            )
        )
    return known_error(raw, truth, hole)


def known_error(raw: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    """Mean absolute error on known pixels, 8-bit levels."""
    return float(np.abs(np.clip(raw, 0, 1) - truth)[~hole].mean() * 255)


def bare(message: str) -> str:
    """A failure without its own advice."""
    return message.split("; find out what it expects with")[0].split(": write '")[0]


def value_range(
    method: CallableMethod, raw: np.ndarray, truth: np.ndarray, hole: np.ndarray, integers: bool
) -> tuple[str, Keys] | None:
    """Read in another range, the answer gives the known pixels back, or lies between black and white at all."""
    if method.keys_said.low_high_out is not None:
        return None
    low, high = (0.0, 255.0) if integers else (0.0, 1.0)
    given = raw * (high - low) + low
    here = float(np.abs(np.clip(raw, 0, 1) - truth)[~hole].mean())
    for pair in RANGES.values():
        again = (given - pair[0]) / (pair[1] - pair[0])
        outside = share_beyond(raw)
        error = float(np.abs(np.clip(again, 0, 1) - truth)[~hole].mean())
        if pair == (low, high) or share_beyond(again) > 0.1:
            continue
        if (here > REPAINTED and error < here / 4) or outside > BEYOND:
            return f"returned values from {given.min():.3g} to {given.max():.3g}", Keys(low_high_out=pair)
    return None


def drifted(
    method: CallableMethod, raw: np.ndarray, truth: np.ndarray, hole: np.ndarray, picture: Picture
) -> tuple[str, Keys] | None:
    """The known pixels come back changed, and do not where values are given in another range."""
    said = method.keys_said
    here = known_error(raw, truth, hole)
    if here < KNOWN or said.low_high_in is not None or said.low_high_out is not None or method.keys.dtype == "uint8":
        return None
    ways = [Keys(low_high_in=pair, blank=blank) for pair in list(RANGES.values())[1:] for blank in (None, "0.5")]
    found = [one for one in tried_of(method, ways, picture) if one.changed and one.known_error < min(KNOWN, here / 4)]
    if not found:
        return None
    return f"changed the known pixels by {here:.0f} levels on average", ranked(found)[0].keys


def overdriven(method: CallableMethod, raw: np.ndarray, hole: np.ndarray, picture: Picture) -> tuple[str, Keys] | None:
    """The known pixels come back and the fill is far beyond black or white, as where a model copies the one and paints
    the other: in another range both are right. Raises ExternalError where they are in none."""
    said = method.keys_said
    if said.low_high_in is not None or said.low_high_out is not None or share_beyond(raw[hole]) <= BEYOND:
        return None
    for pair in list(RANGES.values())[1:]:
        keys = Keys(low_high_in=pair, low_high_out=pair)
        other = answer(method, keys, *picture)
        if other is None or share_beyond(other.raw[hole]) > 1 - BEYOND:
            continue
        if known_error(other.raw, picture[0] / np.float32(255), hole) < KNOWN:
            return f"returned values from {raw.min():.3g} to {raw.max():.3g} in the hole", keys
    if np.mean((raw[hole] < -1) | (raw[hole] > 2)) > BEYOND:
        raise ExternalError(
            shortened(
                f"{method.name} returned values from {raw.min():.3g} to {raw.max():.3g} and nearly all of the hole "
                "would be clipped",
                f": find out why with bench probe '{method.spec}'; out=0,1 clips",
            )
        )
    return None


def share_beyond(raw: np.ndarray) -> float:
    """The share of values that lie far outside black to white."""
    return float(np.mean((raw < -0.05) | (raw > 1.05)))


def polarity(method: CallableMethod, raw: np.ndarray, picture: Picture) -> tuple[str, Keys] | None:
    """The known pixels are repainted and the hole is left as it was shown: and not so with the mask turned round."""
    image, hole = picture
    if method.keys_said.hole is not None or method.keys.input == "masked":
        return None
    truth = image / np.float32(255)
    shown = shown_under(truth, hole, method.keys.blank or "0")
    if not looks_turned(raw, truth, shown, hole):
        return None
    keys = Keys(hole=1 - (method.keys.hole or 0))
    other = answer(method, keys, image, hole)
    if other is None or looks_turned(other.raw, truth, shown, hole):
        return None
    return "repainted the known pixels and left the hole unchanged", keys


def looks_turned(raw: np.ndarray, truth: np.ndarray, shown: np.ndarray | float, hole: np.ndarray) -> bool:
    """Whether the known pixels were repainted and the hole kept, as by a mask read the other way round."""
    raw = np.clip(raw, 0, 1)
    left = float(np.abs(raw - shown)[hole].mean())
    return left < UNTOUCHED and float(np.abs(raw - truth)[~hole].mean()) > REPAINTED
