"""How fast the variants fill: precisions, modes, batch sizes, and how close that is to the card's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.gpu.page import Page
from tests.gpu.sizes import Sizes

HEAD = ("variant", "precision", "mode", "batch", "img/s", "±", "p50 ms", "MiB", "TFLOP/s", "roofline", "levels off")


def measure(page: Page, sizes: Sizes) -> None:
    from bench.commands.throughput import untrained
    from bench.throughput.settings import sensible_precisions

    members = {name: untrained(name, sizes.width) for name in sizes.variants}
    few = [members[name] for name in sizes.looked_into]
    precisions, graphs = sensible_precisions(sizes.device), ["graphs"] if sizes.gpu else []
    page.say(
        f"Fills at {sizes.side} px, width {sizes.width}, random weights. *levels off*: the largest and the mean "
        "difference from eager fp32's pictures; `*`: the fastest of a variant and batch with 99.9 % of the pixels "
        "within one level."
    )
    page.table(*HEAD, words=3)
    share = page.left / 10 if sizes.gpu else 0.2
    with page.attempt("every variant"):
        rows(page, sizes, list(members.values()), [sizes.batch], precisions, ["eager", "folded"], 5.5 * share)
    with page.attempt("single pictures"):
        rows(
            page,
            sizes,
            few,
            [1],
            list(dict.fromkeys(["fp32", native(sizes.device)])),
            ["eager", "folded", *graphs],
            1.2 * share,
        )
    with page.attempt("the sweep"):
        sweep = [b for b in (2, 8, 32, 128, 256, 512) if b <= sizes.largest]
        rows(page, sizes, few, sweep, [native(sizes.device)], ["folded", "eager"], 1.5 * share)
    for member in few if sizes.gpu else []:
        if page.left < 2 * share:
            page.put(f"| `{member.name}` compiled: no time left |")
            continue
        with page.attempt(f"{member.name} compiled"):
            rows(page, sizes, [member], [sizes.batch], [native(sizes.device)], ["compile"], 0.5 * share)


def native(device: str) -> str:
    from bench.throughput.settings import sensible_precisions

    return "bf16" if "bf16" in sensible_precisions(device) else "fp32"


def rows(
    page: Page, sizes: Sizes, members: Sequence[Any], batches: Sequence[int], precisions: Sequence[str],
    modes: Sequence[str], seconds: float,
) -> list[str]:  # fmt: skip
    """Measure together, and a row for each; what was remarked."""
    from bench.throughput.measure import run
    from bench.throughput.memory import release
    from bench.throughput.plan import Report, make_plan
    from bench.throughput.settings import CALIBRATION

    plan = make_plan(sizes.device, [sizes.side], batches, precisions, modes, seconds)
    said: list[str] = []
    result = run(members, replace(plan, energy=False), Report(said.append))
    for row in result.frame.to_dict(orient="records"):
        if row["variant"] != CALIBRATION:
            page.row(*cells(row))
    for sentence in said:
        print(sentence, flush=True)
    for member in members:
        member.prepared.clear()
    release(sizes.device)
    first = result.frame.drop_duplicates("precision").itertuples()
    print("ceilings:", ", ".join(f"{r.precision} {r.ceiling_tflops_per_s:.3g} TFLOP/s" for r in first), flush=True)
    return list(result.remarks)


def cells(row: dict[str, Any]) -> list[Any]:
    value, low, high = row["images_per_s"], row["images_per_s_low"], row["images_per_s_high"]
    off = row["max_difference"]
    return [
        f"`{row['variant']}`",
        row["precision"] + ("*" if row["fast"] else ""),
        row["mode"] + (f" ({row['first_call_s']:.0f} s)" if row["mode"] == "compile" else ""),
        row["batch"],
        value,
        "–" if low != low else f"{50 * (high - low) / value:.1f} %",
        row["latency_ms_p50"],
        row["peak_memory_mib"],
        row["tflops_per_s"],
        "–" if row["roofline_share"] != row["roofline_share"] else f"{row['roofline_share']:.0%} {row['bound']}",
        "–" if off != off else f"{off:.0f}, {row['mean_difference']:.2g}",
    ]
