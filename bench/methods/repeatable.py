"""Whether a model fills a picture the same when it is asked again, seeded alike. Where it does not, as it draws numbers
that cannot be seeded or keeps something from call to call, its scores are those of one run alone."""

from __future__ import annotations

import time

import numpy as np

from bench.methods.callable import CallableMethod, shortened
from bench.methods.probe import Picture
from variants.errors import FillError
from variants.seeding import seed_call

SLOWEST_S = 5.0
"""A model that takes longer for a picture is not asked again."""


def told_unsteady(method: CallableMethod, picture: Picture, name: str) -> str:
    """One sentence on a model that fills the picture otherwise at a second call; '' for one that does not, that fails
    or that is slow. name: the picture's id."""
    image, hole = picture
    trial = method.telling(method.keys_said)
    fills = []
    began = time.perf_counter()
    for _ in range(2):
        seed_call(method.suite_seed, "", name, 0)
        try:
            fills.append(np.clip(trial.paint(image[None], hole[None], [name])[0][hole], 0, 1))
        except FillError:
            return ""
        if time.perf_counter() - began > SLOWEST_S:
            return ""
    if not np.abs(fills[0] - fills[1]).max() * 255 > 1:  # NaN: the scores tell of it
        return ""
    # Without how far, which differs from run to run as well: it stands among the run's notes.
    what = f"{method.name} fills the same picture differently when called again"
    return shortened(f"{what}, though random numbers are seeded: its scores will differ from run to run", "")
