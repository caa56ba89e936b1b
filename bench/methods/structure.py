"""Which ways of calling a model run at all: inputs, layout, type and size, tried from what is usual outwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from bench.methods.adapter import WrongAnswer
from bench.methods.callable import CallableMethod
from bench.methods.keys import Keys
from variants.errors import FillError
from variants.seeding import seed_call

INPUTS = (
    Keys(),
    Keys(input="concat"),
    Keys(input="masked"),
    Keys(order="mask,picture"),
    Keys(input="concat", order="mask,picture"),
    Keys(order="picture,mask"),  # where names were taken for another order
)
LAYOUTS = (Keys(), Keys(layout="nhwc"))
DTYPES = (Keys(), Keys(dtype="fp16"), Keys(dtype="uint8"), Keys(dtype="fp32"))
SIZES = (Keys(), *(Keys(size=(side, side)) for side in (512, 256, 64, 128, 32, 1024, 224, 384)))
MULTIPLES = (Keys(), Keys(multiple=32), Keys(multiple=64))


def structures(method: CallableMethod) -> list[Keys]:
    """What could be said more, the least first; what the user said himself stays."""
    said = method.keys_said
    found = {}
    for parts in product(INPUTS, LAYOUTS, DTYPES, (*MULTIPLES, *SIZES[1:])):
        keys = Keys()
        for part in parts:
            keys = keys.or_else(part)
        more = keys.said()
        if said.said().keys() & more.keys() or (method.facts.size and keys.size):
            continue
        if any(getattr(method.keys, name) == value for name, value in more.items()):
            continue
        found[keys] = len(more)
    return sorted(found, key=lambda keys: found[keys])


class Answer(NamedTuple):
    """What a model gave: raw, float32 (H, W, 3), what had to be said to read it, and whether it gave integers."""

    keys: Keys
    raw: np.ndarray
    integers: bool


def answer(method: CallableMethod, keys: Keys, image: np.ndarray, hole: np.ndarray) -> Answer | None:
    """What a model gives for a picture with ``keys`` said as well; None where it does not run."""
    for _ in range(3):
        trial = method.telling(keys.or_else(method.keys_said))
        try:
            # Ways of calling a model that draws at random are compared over the same draws.
            seed_call(0, "", "")
            raw = trial.paint(image[None], hole[None])[0]
            return Answer(keys, raw, trial.gives_integers)
        except WrongAnswer as error:
            more = error.keys.said()
            if not more or more.keys() & (keys.said().keys() | method.keys_said.said().keys()):
                return None
            keys = replace(keys, **more)
        except FillError:
            return None
    return None


def running(method: CallableMethod, image: np.ndarray, hole: np.ndarray, *, further: bool) -> Iterator[Answer]:
    """The first structure that runs and, with ``further``, other inputs and layouts that run by saying one thing."""
    first = None
    # A multiple keeps the pixels as they are; but where it happens to give a size that models are made for, that is it.
    for keys in sorted(structures(method), key=lambda keys: (len(keys.said()), pads_to_a_size(keys, hole.shape))):
        if first is not None and (not further or not is_near(keys, first)):
            continue
        found = answer(method, keys, image, hole)
        if found is not None and np.isfinite(found.raw).all():
            yield found
            if first is None:
                first = found.keys
                if not further:
                    return


def pads_to_a_size(keys: Keys, shape: tuple[int, ...]) -> bool:
    """Whether a picture of ``shape`` (height, width) padded to the multiple is of one of :data:`SIZES`.

    >>> pads_to_a_size(Keys(multiple=64), (500, 512)), pads_to_a_size(Keys(multiple=64), (64, 80))
    (True, False)
    """
    step = keys.multiple
    return step is not None and tuple(side + -side % step for side in shape) in [each.size for each in SIZES[1:]]


def is_near(keys: Keys, first: Keys) -> bool:
    """Whether it is the first that ran but for inputs or layout, and no longer than one thing more."""
    bare = replace(keys, input=None, order=None, layout=None, output=None)
    return bare == replace(first, input=None, order=None, layout=None, output=None) and len(keys.said()) <= 1 + len(
        first.said()
    )
