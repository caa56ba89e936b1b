"""From what a user writes (a name, ``name@seed``, or ``kind:argument``) to a method that fills holes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.util.errors import UsageError
from variants.method import Method, Network, Reference, ReferenceMethod
from variants.registry import UnknownName, variant

EXTERNAL = ("torchscript", "onnx", "python", "predictions")
"""Kinds of methods that come from outside. All but ``predictions`` run code of the user's choosing."""

FindWeights = Callable[[str, "int | None"], "tuple[Path, int]"]
"""(variant, seed or None) -> (weights, seed). Raises where there are none."""


def split_seed(spec: str) -> tuple[str, int | None]:
    """``double_dg@1`` to ("double_dg", 1); without a seed, None."""
    match = re.fullmatch(r"(.+)@(\d+)", spec)
    return (match[1], int(match[2])) if match else (spec, None)


def check_spec(spec: str) -> None:
    """Refuse a wrong name before anything heavy is imported. Raises UnknownName with the nearest ones."""
    kind, colon, argument = spec.partition(":")
    if colon:
        if kind not in EXTERNAL:
            kinds = ", ".join(f"{name}:" for name in EXTERNAL)
            raise UnknownName(f"unknown kind of method '{kind}:' in '{spec}': choose from {kinds} or a variant's name")
        if not argument:
            raise UnknownName(f"'{spec}' names no file: write {kind}:FILE")
        return
    name = split_seed(spec)[0]
    if name not in variant.names():
        variant.get(name)


def open_external(kind: str, argument: str, device: str) -> list[Method]:
    """The methods behind ``kind:argument``. Raises ExternalError."""
    if kind == "predictions":
        from bench.methods.predictions import open_predictions

        return list(open_predictions(Path(argument)))
    if kind == "torchscript":
        from bench.methods.torchscript import open_torchscript as opener
    elif kind == "onnx":
        from bench.methods.onnx import open_onnx as opener
    else:
        from bench.methods.python import open_python as opener
    return [opener(argument, device)]


def load_methods(
    spec: str, *, weights: FindWeights, checkpoint: Path | None = None, device: str = "cpu"
) -> list[Method]:
    """The methods that ``spec`` means: one, but for ``predictions:DIR``, which may hold several.

    Raises UnknownName, CheckpointError, or ExternalError.
    """
    check_spec(spec)
    kind, colon, argument = spec.partition(":")
    if colon:
        return open_external(kind, argument, device)
    name, seed = split_seed(spec)
    entry = variant.get(name)
    found = entry() if isinstance(entry, type) else entry
    if isinstance(found, Reference):
        return [ReferenceMethod(name, found)]
    if isinstance(found, Network):
        from variants.network_method import NetworkMethod

        file, seed = (checkpoint, seed or 0) if checkpoint is not None else weights(name, seed)
        return [NetworkMethod.load(name, found, file, seed=seed, device=device)]
    from bench.methods.callable import CallableMethod

    return [CallableMethod(name, found, device)]


def load_all(specs: Sequence[str], weights: FindWeights, checkpoint: Path | None, device: str) -> list[Method]:
    """The methods behind the specs, in order. Raises UsageError where two share name and seed."""
    methods: list[Method] = []
    for spec in specs:
        own = checkpoint if is_network(spec) else None
        methods += load_methods(spec, weights=weights, checkpoint=own, device=device)
    seen: set[tuple[str, int]] = set()
    for method in methods:
        if (method.name, method.seed) in seen:
            raise UsageError(f"{method.name} with seed {method.seed} is named twice: each method stands once in a run")
        seen.add((method.name, method.seed))
    return methods


def is_network(spec: str) -> bool:
    if ":" in spec:
        return False
    entry = variant.get(split_seed(spec)[0])
    return isinstance(entry, type) and issubclass(entry, Network)
