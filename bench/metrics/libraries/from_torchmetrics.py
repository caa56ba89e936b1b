"""The image metrics of torchmetrics: its own classes, by their own names."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from bench.metrics.libraries.offer import Offer
from bench.util.words import first_sentence

PACKAGE = "torchmetrics"
SEVERAL = "imgs"
"""What a score of whole sets calls the pictures that it is given."""

LOWER_AFTER_ALL = ("SpectralDistortionIndex",)
"""Classes whose ``higher_is_better`` is wrong (torchmetrics 1.9): D_lambda of Alparone et al. 2008 is 0 at its best."""

GREY = {"PeakSignalNoiseRatioWithBlockedEffect": "takes grey pictures only, and scores are of colour pictures"}
"""Why classes never have a value of colour pictures."""


def offers() -> dict[str, Offer]:
    """Every class of torchmetrics.image whose ``update`` takes one picture, or a picture and its truth.

    >>> found = offers()
    >>> "VisualInformationFidelity" in found, "FrechetInceptionDistance" in found  # the second is of whole sets
    (True, False)
    """
    import torchmetrics.image as library

    classes = {name: getattr(library, name) for name in sorted(library.__all__)}
    return {name: offer for name, cls in classes.items() if inspect.isclass(cls) and (offer := _offer_of(cls))}


def _offer_of(cls: Any) -> Offer | None:
    """None for scores of whole sets, of generators, and of more than the picture and its truth."""
    from torch import Tensor

    taken = list(inspect.signature(cls.update).parameters.values())[1:]
    if len(taken) > 2 or taken[0].name == SEVERAL or any(one.annotation is not Tensor for one in taken):
        return None
    given = _arguments(cls)
    shown = ", ".join(f"{key}={value}" for key, value in given.items())
    return Offer(
        higher=bool(cls.higher_is_better) and cls.__name__ not in LOWER_AFTER_ALL,
        pair=len(taken) == 2,
        summary=first_sentence(cls.__doc__),
        call=f"{cls.__name__}({shown})",
        load=lambda device: _value_of(cls, given, device),
        valueless=GREY.get(cls.__name__, ""),
    )


def _arguments(cls: Any) -> dict[str, Any]:
    """What the constructor is told of pictures in [0, 1], where it asks; else its defaults stand."""
    asked = inspect.signature(cls.__init__).parameters
    given: dict[str, Any] = {}
    if "data_range" in asked:
        given["data_range"] = 1.0
    if "normalize" in asked and asked["normalize"].default is False:
        given["normalize"] = True  # of the class of learned distances, which wants [-1, 1] otherwise
    return given


def _value_of(cls: Any, given: dict[str, Any], device: str) -> Callable[..., Any]:
    """A new instance for each picture, as some keep the size of the last one through a reset; a network is kept."""

    def new() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what piles up from picture to picture, which is nothing here
            return cls(**given).to(device)

    first = new()
    learned = any(True for _ in first.parameters())

    def value(*pictures: Any) -> Any:
        metric = first if learned else new()
        metric.reset()
        metric.update(*pictures)
        return metric.compute()

    return value
