"""What was sampled, as records: one row a cell (docs/throughput.md says what each column means)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench.throughput.ceilings import Ceilings
from bench.throughput.cell import TARGET, Cell
from bench.throughput.equivalence import mark
from bench.throughput.quantiles import median_interval, quantile, samples_needed
from bench.throughput.ranking import ranks

if TYPE_CHECKING:
    import pandas as pd


def table(cells: Sequence[Cell], ceilings: Ceilings) -> pd.DataFrame:
    """The rows of all cells, with the fastest faithful one of each (variant, resolution, batch) marked and ranked."""
    import pandas as pd

    frame = pd.DataFrame([row(cell, ceilings) for cell in cells])
    frame["fast"] = mark(frame)
    frame["rank"] = ranks(frame, [dict(zip(cell.turns, cell.loops, strict=True)) for cell in cells])
    return frame


def row(cell: Cell, ceilings: Ceilings) -> dict[str, Any]:
    """One record of throughput.parquet: medians of the cell's samples with intervals, beside the ceilings."""
    setting, cost = cell.setting, cell.cost
    seconds, fast, slow = median_interval(cell.loops)
    share, bound = ceilings.share(cost, setting.precision, seconds)
    clocks = [reading.clock_mhz for reading in cell.readings]
    heats = [reading.temperature_c for reading in cell.readings]
    return {
        "variant": cell.subject.name,
        "device": setting.device,
        "precision": setting.precision,
        "mode": setting.mode,
        "resolution": setting.resolution,
        "batch": setting.batch,
        "images_per_s": setting.batch / seconds,
        "images_per_s_low": setting.batch / slow,
        "images_per_s_high": setting.batch / fast,
        **latencies(cell),
        "peak_memory_mib": cell.peak_mib,
        "parameters": cell.subject.parameters,
        "threads": torch.get_num_threads(),
        "samples": len(cell.loops),
        "latency_samples": len(cell.singles),
        "settled": cell.settled,
        "first_call_s": cell.first_call_s,
        "gflops_per_image": positive(cost.flops / setting.batch / 1e9),
        "mib_moved_per_image": positive(cost.bytes / setting.batch / 2**20),
        "tflops_per_s": positive(cost.flops / seconds / 1e12),
        "ceiling_tflops_per_s": ceilings.flops.get(setting.precision, math.nan) / 1e12,
        "ceiling_gib_per_s": ceilings.bandwidth / 2**30,
        "roofline_share": share,
        "bound": bound,
        "max_difference": cell.max_difference,
        "mean_difference": cell.mean_difference,
        "within_one_level": cell.within_one_level,
        "energy_j_per_image": cell.joules_per_image,
        "clock_mhz": float(np.median(clocks)) if clocks else math.nan,
        "temperature_c": max(heats, default=math.nan),
        "throttled_samples": cell.throttled,
        "warnings": "; ".join(warnings(cell, share)),
    }


def latencies(cell: Cell) -> dict[str, float]:
    """Milliseconds that a single batch takes; percentiles only with the samples that they need."""
    p50, low, high = median_interval(cell.singles)
    p90, p99 = quantile(cell.singles, 0.9), quantile(cell.singles, 0.99)
    names = ("p50", "p50_low", "p50_high", "p90", "p99")
    return {f"latency_ms_{name}": 1e3 * s for name, s in zip(names, (p50, low, high, p90, p99), strict=True)}


def positive(value: float) -> float:
    """NaN for the cost of a method that cannot be looked into."""
    return value if value > 0 else math.nan


def warnings(cell: Cell, share: float) -> list[str]:
    """What a reader of the row has to know, each with its remedy. share: of the roofline."""
    found = list(cell.notes)
    median, low, high = median_interval(cell.loops)
    if not cell.loops:
        found.append("every sample was throttled: let the GPU cool, or lower its clocks")
    elif not cell.settled:
        width = max(high - median, median - low) / median
        known = f"is ±{width:.1%}" if not math.isnan(width) else "needs 6"
        found.append(
            f"time ran out after {len(cell.loops)} samples: the median's interval {known}, wanted ±{TARGET:.0%} "
            "(more: throughput --seconds)"
        )
    if share > 1.05:
        found.append(
            f"{share:.0%} of the roofline: the machine was slower while its ceilings were measured, or the network "
            "does less than was counted"
        )
    if cell.throttled:
        found.append(f"{cell.throttled} samples were dropped: the GPU was throttled")
    if cell.setting.batch == 1 and len(cell.singles) < samples_needed(0.99):
        found.append(f"p99 refused: {len(cell.singles)} of the {samples_needed(0.99)} samples it needs")
    return found
