"""From what a user writes (a name, ``name@seed``, or ``kind:argument``) to a method that fills holes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.methods.spec import Spec, parse_spec
from bench.util.guard import guarded
from variants.errors import ExternalError
from variants.method import Method, Network, Reference, ReferenceMethod
from variants.registry import variant

FindWeights = Callable[[str, "int | None"], "tuple[Path, int]"]
"""(variant, seed or None) -> (weights, seed). Raises where there are none."""


def split_seed(spec: str) -> tuple[str, int | None]:
    """``double_dg@1`` to ("double_dg", 1); without a seed, None."""
    match = re.fullmatch(r"(.+)@(\d+)", spec)
    return (match[1], int(match[2])) if match else (spec, None)


def check_spec(text: str) -> None:
    """Refuse a wrong name, kind or key before anything heavy is imported. Raises UnknownName with the nearest ones, or
    ExternalError."""
    spec = parse_spec(text)
    name = split_seed(spec.argument)[0]
    if not spec.kind and name not in variant.names():
        variant.get(name)


def open_external(spec: Spec, device: str) -> list[Method]:
    """The methods behind a SPEC with a kind. Raises ExternalError."""
    if spec.kind == "predictions":
        from bench.methods.predictions import open_predictions

        return list(open_predictions(Path(spec.argument).expanduser(), spec.pattern))
    if spec.kind == "torchscript":
        from bench.methods.torchscript import open_torchscript as opener
    elif spec.kind == "onnx":
        from bench.methods.onnx import open_onnx as opener
    else:
        from bench.methods.python import open_python as opener
    return [opener(spec, device)]


def load_methods(
    text: str, *, weights: FindWeights, checkpoint: Path | None = None, device: str = "cpu"
) -> list[Method]:
    """The methods that a SPEC means: one, but for ``predictions:DIR``, which may hold several.

    Raises UnknownName, CheckpointError or ExternalError.
    """
    check_spec(text)
    spec = parse_spec(text)
    found = open_external(spec, device) if spec.kind else [own_method(spec.argument, weights, checkpoint, device)]
    if spec.name and len(found) == 1:
        found[0].name = spec.name
    elif spec.name:
        # Their sub-folders may be mask types of the one that is named: the suite tells.
        for method in found:
            method.called = spec.name  # type: ignore[attr-defined]
    return found


def own_method(text: str, weights: FindWeights, checkpoint: Path | None, device: str) -> Method:
    """A registered variant or reference."""
    name = split_seed(text)[0]
    method = registered(text, weights, checkpoint, device)
    source = variant.plugin(name)
    if source is not None:
        method.content = source.digest()
        method.summary = f"{method.summary} ({source.what.removeprefix('the ')})".strip()
    return method


def registered(text: str, weights: FindWeights, checkpoint: Path | None, device: str) -> Method:
    """A registered variant or reference, ready to fill; raises ExternalError where what it needs is missing."""
    name, seed = split_seed(text)
    entry = variant.get(name)
    with guarded(variant, name):
        found = entry() if isinstance(entry, type) else entry
    if isinstance(found, Reference):
        if why := found.missing():
            raise ExternalError(f"{name} cannot be used: {why}")
        return ReferenceMethod(name, found)
    if isinstance(found, Network):
        from variants.network_method import NetworkMethod

        file, seed = (checkpoint, seed or 0) if checkpoint is not None else weights(name, seed)
        return NetworkMethod.load(name, found, file, seed=seed, device=device)
    from bench.methods.callable import CallableMethod

    return CallableMethod(name, found, device)


def load_all(specs: Sequence[str], weights: FindWeights, checkpoint: Path | None, device: str) -> list[Method]:
    """The methods behind the specs, in order. Raises UsageError where two share name and seed."""
    from bench.methods.predictions import refuse_namesakes

    methods: list[Method] = []
    single: list[Method] = []
    for spec in specs:
        own = checkpoint if is_network(spec) else None
        found = load_methods(spec, weights=weights, checkpoint=own, device=device)
        methods += found
        single += found if len(found) == 1 else []
        refuse_namesakes(single)
    return methods


def is_network(spec: str) -> bool:
    """Whether a SPEC names a registered network, which has weights to be trained or loaded."""
    parsed = parse_spec(spec)
    if parsed.kind:
        return False
    entry = variant.get(split_seed(parsed.argument)[0])
    return isinstance(entry, type) and issubclass(entry, Network)
