"""The metrics of pyiqa (an extra): what its ``create_metric`` builds, by its own names."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics.libraries.offer import Offer
from bench.util.no_downloads import replaced

PACKAGE = "pyiqa"
SETS = ("FID", "InceptionScore")
"""The kinds of its scores of whole sets, which it lists among those of pictures."""

SEED = 123
"""pyiqa's own default, for the few that draw random crops."""


def offers() -> dict[str, Offer]:
    """Every metric of single pictures, from pyiqa's table alone: the package itself takes seconds to import.

    >>> "fid" in offers()  # a score of whole sets
    False
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return {}
    table = importlib.util.spec_from_file_location(
        "pyiqa_table", Path(spec.origin).with_name("default_model_configs.py")
    )
    assert table is not None and table.loader is not None
    module = importlib.util.module_from_spec(table)
    table.loader.exec_module(module)
    entries = module.DEFAULT_CONFIGS
    single = [name for name in sorted(entries) if entries[name]["metric_opts"]["type"] not in SETS]
    return {name: offer_of(name, entries[name]) for name in single}


def offer_of(name: str, entry: dict[str, Any]) -> Offer:
    """An entry of pyiqa's table as an offer.

    >>> offer = offer_of("apart", {"metric_mode": "FR", "lower_better": True, "score_range": "0, ~1"})
    >>> offer.higher, offer.pair, offer.summary, offer.call
    (False, True, 'Against the truth, about 0 to 1.', "create_metric('apart')")
    """
    pair = entry.get("metric_mode") == "FR"
    # An open end, or a range for each of several outputs, is left out.
    ends = re.fullmatch(r"~?(-?[\d.]+), *~?(-?[\d.]+)", entry.get("score_range", ""))
    span = f", about {ends[1]} to {ends[2]}" if ends else ""
    return Offer(
        higher=not entry.get("lower_better", False),
        pair=pair,
        summary=f"{'Against the truth' if pair else 'Of the fill alone'}{span}.",
        call=f"create_metric('{name}')",
        load=lambda device: _loaded(name, device),
    )


def _loaded(name: str, device: str) -> Callable[..., Any]:
    """pyiqa's metric on a device, read from files of tensors only."""
    import torch

    with _quiet():
        import pyiqa

        # Files of weights may hold tensors only, whatever pyiqa asks for.
        with replaced(torch, "load", partial(only_tensors, torch.load)):
            metric = pyiqa.create_metric(name, device=torch.device(device))

    def value(*pictures: Any) -> Any:
        with _quiet(), seeded(torch):
            return metric(*pictures)

    return value


def only_tensors(load: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """``torch.load`` that runs no code from files.

    >>> only_tensors(lambda file, **options: options, "weights.pth", weights_only=False)
    {'weights_only': True}
    """
    return load(*args, **{**options, "weights_only": True})


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pyiqa tells of what it loads on stdout, where results belong."""
    logging.getLogger(PACKAGE).setLevel(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@contextlib.contextmanager
def seeded(torch: Any) -> Iterator[None]:
    """The same random numbers for each picture, and none taken from whoever draws beside it.

    >>> import torch
    >>> with seeded(torch):
    ...     random.random() == random.Random(123).random()
    True
    """
    kept = np.random.get_state(), random.getstate()
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        np.random.seed(SEED)
        random.seed(SEED)
        try:
            yield
        finally:
            np.random.set_state(kept[0])
            random.setstate(kept[1])
