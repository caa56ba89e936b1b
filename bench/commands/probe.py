"""What ``bench probe`` does: load a model, try the ways to call it on pictures whose answers are known, tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.util.errors import UsageError

if TYPE_CHECKING:
    from bench.methods.probe import Verdict

SIDE = 128
"""Pixels; a model of one size is shown pictures of that size."""

FURTHER = 9
"""Pictures on which ways that come close are tried, beyond the first three."""

SHOWN = 12
"""Rows of the table on a terminal."""


def probe_spec(text: str, device: str | None, size: int | None, json_output: bool) -> None:
    """Raises UsageError for what is no model from outside, ExternalError where it runs in no known way."""
    from bench.methods.load import check_spec, load_methods
    from bench.methods.spec import parse_spec

    check_spec(text)
    spec = parse_spec(text)
    if spec.kind not in ("torchscript", "onnx", "python"):
        raise UsageError(f"'{text}' needs no probing: name a model, torchscript:FILE, onnx:FILE or python:MODULE:NAME")
    from bench.methods.callable import CallableMethod
    from bench.methods.device import check_device
    from bench.methods.probe import known_pictures, probe
    from bench.methods.structure import structures
    from bench.util.progress import say
    from bench.util.tf32 import matmul_precision

    def no_weights(name: str, seed: int | None) -> Any:
        raise AssertionError(name)

    (method,) = load_methods(text, weights=no_weights, device=check_device(device))
    assert isinstance(method, CallableMethod)
    side = size or (max(method.keys.size) if method.keys.size else SIDE)
    ways = len(structures(method))
    say(f"trying up to {ways:,} conventions on {method.name}, with scenes of {side} px; a slow model takes minutes")
    with matmul_precision("fp32"):
        verdict = probe(
            method, known_pictures(side), lambda keys: say(f"it runs {keys}"),
            lambda: known_pictures(side, FURTHER, 3),
        )  # fmt: skip
    if json_output:
        print(json.dumps(document(verdict), ensure_ascii=False))
    else:
        show(verdict)


def document(verdict: Verdict) -> dict[str, Any]:
    """What ``--json`` prints."""
    rows = [
        {
            "keys": str(one.keys),
            "known_error_levels": one.known_error,
            "hole_psnr_db": one.hole_psnr,
            "hole_changed": one.changed,
        }
        for one in verdict.tried
    ]
    return {"schema": 1, "spec": verdict.spec, "sure": verdict.sure, "why": verdict.why, "tried": rows}


def show(verdict: Verdict) -> None:
    """Print the best attempts as a table and, below it, the SPEC to use."""
    from rich.table import Table

    from bench.exporters.console import terminal

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("keys", overflow="fold")
    for title in (r"error of known pixels \[levels ↓]", r"hole PSNR \[dB ↑]", "hole changed"):
        table.add_column(title, justify="right")
    for one in verdict.tried[:SHOWN]:
        changed = "yes" if one.changed else "no"
        table.add_row(str(one.keys) or "(none)", f"{one.known_error:.1f}", f"{one.hole_psnr:.2f}", changed)
    terminal().print(table)
    print(f"{verdict.sure} ({verdict.why}); use: '{verdict.spec}'")
