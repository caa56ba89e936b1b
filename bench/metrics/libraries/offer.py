"""What a library offers under a name: facts that cost nothing to tell, and the function that loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Offer:
    """A metric of another library.

    higher: whether more is better. pair: it looks at the fill and at the truth; else at the fill alone. call: how it
    is built, as the library writes it. load: of a torch device, the function of float32 pictures in [0, 1],
    (1, 3, H, W) on that device, the fill first, that gives the library's tensor. It may raise anything. valueless: why
    it never has a value here, as the end of a sentence that its name begins; such a metric is not listed.
    """

    higher: bool
    pair: bool
    summary: str
    call: str
    load: Callable[[str], Callable[..., Any]]
    valueless: str = ""
