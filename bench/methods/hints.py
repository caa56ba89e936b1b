"""Ways of calling a model that give plausible pictures and worse scores: values in [-1, 1], what lies under the hole,
the order of the channels. None is plainly wrong, so none is refused: where another fits better, it is said."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from bench.methods.callable import CallableMethod
from bench.methods.keys import Keys
from bench.methods.probe import Picture, Tried, copies, judge, pooled, same
from bench.methods.structure import answer

SLOWEST_S = 0.15
"""A model that takes longer for a picture is not called another thirty times: ``bench probe`` is there for it."""

LEAST = 0.1
"""dB of hole PSNR from which another way is spoken of."""

SIGNED = Keys(low_high_in=(-1.0, 1.0), low_high_out=(-1.0, 1.0))

OTHERS = (
    SIGNED,
    Keys(blank="0.5").or_else(SIGNED),
    Keys(blank="0.5"),
    Keys(blank="mean"),
    Keys(blank="keep"),
    Keys(channels="bgr"),
)


def hint(method: CallableMethod, pictures: Sequence[Picture]) -> str:
    """One sentence that ends in the SPEC to write, where every sign is that the model wants to be called otherwise; ''
    where there is none. What the user said himself is believed, and so is what the file tells."""
    said = method.keys_said.or_else(method.facts).said().keys()
    others = [keys for keys in OTHERS if not said & keys.said().keys()]
    if method.keys.dtype == "uint8":
        others = [keys for keys in others if keys.low_high_in is None]
    if not others or len(pictures) < 2 or method.wants_ids:
        return ""
    began = time.perf_counter()
    plain = tried(method, Keys(), pictures[:1])
    if plain is None or time.perf_counter() - began > SLOWEST_S:
        return ""
    plain = tried(method, Keys(), pictures)
    found = [one for keys in others if (one := tried(method, keys, pictures)) is not None]
    if plain is None:
        return ""
    better = [one for one in found if one.changed and ahead(one, plain) >= LEAST and not same(one, plain)]
    for one in sorted(better, key=lambda one: -one.score):
        if one.keys.blank != "keep" or not copies(method, one.keys, pictures[0]):
            what = f"{method.name} fills {ahead(one, plain):.1f} dB better when called otherwise; if it was trained so"
            return method.advised(what, one.keys)
    return ""


def ahead(one: Tried, other: Tried) -> float:
    """dB of hole PSNR, or what is lost on known pixels where that is more."""
    return min(one.hole_psnr - other.hole_psnr, 2 * (one.score - other.score))


def tried(method: CallableMethod, keys: Keys, pictures: Sequence[Picture]) -> Tried | None:
    """A way on all pictures; None where it fails on one."""
    found = []
    for picture in pictures:
        given = answer(method, keys, *picture)
        if given is None or given.keys != keys or not np.isfinite(given.raw).all():
            return None
        found.append(judge(keys, given.raw, method, picture))
    return pooled(keys, found)
