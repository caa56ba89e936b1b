"""Throughput in the JSON form of pytest-benchmark, so that its ``compare`` reads it beside other benchmarks."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np

VERSION = "5.1.0"
"""The version of pytest-benchmark whose form this is."""


def pytest_benchmark(cells: list[dict[str, Any]], environment: dict[str, str]) -> dict[str, Any]:
    """The document. cells: dictionaries of ``row`` and ``seconds``, the samples of seconds a batch."""
    return {
        "machine_info": {**environment, "node": "", "cpu": {"brand_raw": environment.get("processor", "")}},
        "commit_info": {
            "id": environment.get("git_commit") or "unversioned",
            "dirty": environment.get("git_state", "clean") != "clean",
            "time": None,
            "author_time": None,
            "project": "inpaint-bench",
            "branch": "(unknown)",
        },
        "benchmarks": [benchmark(cell["row"], cell["seconds"]) for cell in cells],
        "datetime": datetime.datetime.now(datetime.UTC).isoformat(),
        "version": VERSION,
    }


def benchmark(row: dict[str, Any], seconds: list[float]) -> dict[str, Any]:
    """One row as an entry of pytest-benchmark's JSON; NaN and infinity become null, ``seconds`` are the samples."""
    setting = "/".join(str(row[key]) for key in ("device", "precision", "mode", "resolution", "batch"))
    kept = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
    return {
        "group": setting,
        "name": f"{row['variant']}[{setting}]",
        "fullname": f"bench throughput::{row['variant']}[{setting}]",
        "params": {key: row[key] for key in ("precision", "mode", "resolution", "batch")},
        "param": setting,
        "extra_info": kept,
        "options": {
            "disable_gc": False, "timer": "perf_counter", "min_rounds": 1, "max_time": 0.0, "min_time": 0.0,
            "warmup": True,
        },
        "stats": statistics(seconds),
    }  # fmt: skip


def statistics(seconds: list[float]) -> dict[str, Any]:
    """pytest-benchmark's figures: quartiles, Tukey's outliers, operations a second."""
    values = np.sort(np.asarray(seconds, float))
    q1, median, q3 = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    inside = values[(values >= low) & (values <= high)]
    mean = float(values.mean())
    stddev = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    far = int(((values < mean - stddev) | (values > mean + stddev)).sum())
    outside = int(len(values) - len(inside))
    return {
        "min": float(values[0]), "max": float(values[-1]), "mean": mean, "stddev": stddev, "rounds": len(values),
        "median": median, "iqr": q3 - q1, "q1": q1, "q3": q3, "iqr_outliers": outside, "stddev_outliers": far,
        "outliers": f"{far};{outside}", "ld15iqr": float(inside[0]), "hd15iqr": float(inside[-1]),
        "ops": 1 / mean, "total": float(values.sum()), "iterations": 1, "data": [float(v) for v in values],
    }  # fmt: skip
