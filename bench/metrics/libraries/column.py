"""From a name as ``torchmetrics:VisualInformationFidelity@hole`` to a column: declaration, loading, values.

A value is the library's own, of one picture at a time. ``@hole``: of the hole's bounding box, cut from both pictures,
its known pixels those of the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

from bench.metrics.declaration import Metric
from bench.metrics.libraries import from_pyiqa, from_torchmetrics
from bench.metrics.libraries.offer import Offer
from bench.util.errors import UsageError
from bench.util.no_downloads import no_downloads
from variants.registry import suggest

LIBRARIES: dict[str, Any] = {library.PACKAGE: library for library in (from_torchmetrics, from_pyiqa)}
MARK, HOLE = ":", "@hole"
PROBE = np.full((64, 64, 3), 128, np.uint8)


def is_outside(name: str) -> bool:
    """Whether a metric's name is one of another library's, ``library:name``.

    >>> is_outside("torchmetrics:TotalVariation"), is_outside("psnr")
    (True, False)
    """
    return MARK in name


@cache
def offers(library: str) -> dict[str, Offer]:
    """What a library has for single pictures, by its own names.

    >>> "fid" in offers("pyiqa")  # a score of whole sets
    False
    """
    return LIBRARIES[library].offers()


def _find(name: str) -> tuple[str, str, Offer]:
    """Library, its own name of the metric, and what it offers. Raises UnknownName with the nearest names, and
    UsageError where the library is not installed or the metric never has a value here."""
    library, _, rest = name.partition(MARK)
    if library not in LIBRARIES:
        raise suggest("library of metrics", library, LIBRARIES)
    own = rest.removesuffix(HOLE)
    there = offers(library)
    if not there:
        raise UsageError(f"{name} needs {library}, which is not installed: pip install 'inpaint-bench[{library}]'")
    if own not in there:
        raise suggest(f"metric of {library} for single pictures", own, there)
    if there[own].valueless:
        raise UsageError(f"{library}{MARK}{own} {there[own].valueless}")
    return library, own, there[own]


def column(name: str) -> Metric:
    """The declaration of the column called ``name``; nothing is loaded. Raises UnknownName with the nearest
    names, and UsageError where the library is not installed or the metric never has a value here.

    >>> from unittest.mock import patch
    >>> apart = Offer(higher=False, pair=True, summary="", call="Apart()", load=print)
    >>> with patch(f"{__name__}.offers", {"torchmetrics": {"Apart": apart}}.get):
    ...     entry = column("torchmetrics:Apart@hole")
    >>> entry.region, entry.direction, entry.label
    ('hole', 'lower', 'Apart (torchmetrics, hole)')
    """
    library, own, offer = _find(name)
    hole = name.endswith(HOLE)
    return Metric(
        name,
        region="hole" if hole else "image",
        direction="higher" if offer.higher else "lower",
        reference=f"{library} {offer.call}" + (", the hole's bounding box" if hole else ""),
        version=metadata.version(library),
        summary=offer.summary,
        label=f"{own} ({library}{', hole' if hole else ''})",
        batched=True,
        unavailable=lambda context: why if isinstance(why := _function_of(name, context), str) else None,
        compute=lambda cards, context: [_value(name, card, context) for card in cards],
        undefined=lambda card: card.reasons.get(name),
    )


def columns() -> dict[str, Metric]:
    """Every metric of the libraries that are installed, of whole pictures, but for those that never have a value here.

    >>> from unittest.mock import patch
    >>> apart = Offer(higher=False, pair=True, summary="", call="Apart()", load=print)
    >>> with patch(f"{__name__}.offers", {"torchmetrics": {"Apart": apart}, "pyiqa": {}}.get):
    ...     list(columns())
    ['torchmetrics:Apart']
    """
    there = [(library, own) for library in LIBRARIES for own, offer in offers(library).items() if not offer.valueless]
    return {name: column(name) for name in (f"{library}{MARK}{own}" for library, own in there)}


def _function_of(name: str, context: Any) -> Callable[..., Any] | str:
    """The library's function, loaded once a context, or why it cannot be had, in a sentence. Nothing is downloaded."""
    library, own, offer = _find(name)
    key = (library, own)
    if key not in context.cache:
        context.cache[key] = _loaded(library, own, offer, context.device)
    return context.cache[key]


def _loaded(library: str, own: str, offer: Offer, device: str) -> Callable[..., Any] | str:
    """The library's function, ready to call, or the reason why there is none."""
    with no_downloads() as wanted:
        try:
            function = offer.load(device)
        except Exception as error:
            return _why_not(library, own, error, wanted)
        # Some look for their weights at the first picture only; any other trouble with this one is of no account.
        try:
            _call(function, offer, [PROBE, PROBE], device)
        except Exception as error:
            if wanted:
                return _why_not(library, own, error, wanted)
    return function


def _call(function: Callable[..., Any], offer: Offer, pictures: Sequence[np.ndarray], device: str) -> float:
    """The library's value of a fill and its truth, uint8 (H, W, 3)."""
    import torch

    with torch.no_grad():
        return float(function(*[_tensor(picture, device) for picture in pictures[: 1 + offer.pair]]))


def _why_not(library: str, own: str, error: Exception, wanted: Sequence[str]) -> str:
    """Why a metric cannot be had, and what would help."""
    name = f"{library}{MARK}{own}"
    if wanted or any(_is_offline(cause) for cause in _causes(error)):
        what = f" ({wanted[0].rsplit('/', 1)[-1]})" if wanted else ""
        return f"{name} needs weights that are not here{what}: run 'bench weights fetch {name}'"
    if isinstance(error, ModuleNotFoundError):
        return f"{name} needs the Python module {error.name}, which is not installed"
    return f"{library} cannot build {own} ({_said(error)})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_offline(error: BaseException) -> bool:
    """Whether it says that a file is not in the cache of a hub that may not be asked."""
    kind = type(error).__name__
    return "offline" in kind.lower() or "LocalEntryNotFound" in kind or "huggingface.co" in str(error)


def fetch(name: str, device: str = "cpu") -> None:
    """Have the library load a metric and download what that needs to its own cache. Raises UsageError where it fails
    or the library is not installed, and UnknownName with the nearest names.

    >>> fetch("torchmetric:TotalVariation")
    Traceback (most recent call last):
    variants.errors.UnknownName: unknown library of metrics 'torchmetric': did you mean torchmetrics?
    """
    library, own, offer = _find(name)
    try:
        function = offer.load(device)
        _call(function, offer, [PROBE, PROBE], device)
    except Exception as error:
        raise UsageError(f"{library} could not load {own} ({_said(error)})") from error


def _said(error: Exception) -> str:
    """An exception in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _value(name: str, card: Any, context: Any) -> float:
    """The library's value of a card; NaN, with the reason on the card, where it gives none."""
    library, own, offer = _find(name)
    compute = _function_of(name, context)
    assert callable(compute), compute
    filled, truth = card.filled, card.truth.picture
    if name.endswith(HOLE):
        if not card.hole.area:
            card.reasons[name] = "the hole is empty"
            return math.nan
        box = card.hole.box
        truth = box.of(truth)
        filled = np.where(box.of(card.hole.mask)[..., None], box.of(filled), truth)
    try:
        found = _call(compute, offer, [filled, truth], context.device)
    except Exception as error:
        card.reasons[name] = f"{own} of {library} says: {_said(error)}"
        return math.nan
    if not math.isfinite(found):
        card.reasons[name] = f"{own} of {library} gives {found}"
    return found


def _tensor(picture: np.ndarray, device: str) -> Any:
    """float32 (1, 3, H, W) in [0, 1] of uint8 (H, W, 3)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].to(device).float() / 255
