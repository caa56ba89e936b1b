"""How long a comparison takes: the whole of 41,000 images, and a bootstrap beside SciPy's in the same run."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from bench.comparison.compare import compare
from bench.statistics.intervals import intervals
from tests.bench.fake_runs import fake_run

IMAGES, MASKS, METRICS = 41_000, 6, 15


@pytest.fixture(scope="module")
def big_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("big")
    rng = np.random.default_rng(0)
    base = rng.normal(20, 3, (IMAGES, MASKS))
    names = ["psnr_hole", "ssim_hole", "lpips", "colour_shift_r", *(f"metric_{i}" for i in range(METRICS - 4))]
    scores = {
        (variant, 0): {name: base + rng.normal(0.05 * better, 1, (IMAGES, MASKS)) for name in names}
        for better, variant in enumerate(("baseline", "double_dg"))
    }
    fake_run(folder / "big", scores, masks=tuple(f"mask_{i}" for i in range(MASKS)))
    return folder


def test_41000_images_6_masks_2_variants_compare_within_5_seconds(benchmark, big_runs: Path) -> None:  # type: ignore[no-untyped-def]
    comparison = benchmark.pedantic(compare, args=(["baseline", "double_dg"], big_runs), rounds=3)
    assert len(comparison.rows) == (MASKS + 1) * METRICS
    assert benchmark.stats.stats.min < 5


def test_a_studentised_bootstrap_of_100_columns_takes_less_than_scipys_percentile_of_10(benchmark) -> None:  # type: ignore[no-untyped-def]
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).gamma(2.0, size=(1000, 100))
    began = time.perf_counter()
    for column in values.T[:10]:
        bootstrap((column,), np.mean, n_resamples=10_000, batch=500, method="percentile")
    theirs = time.perf_counter() - began
    benchmark.pedantic(intervals, args=(values, np.ones_like(values)), rounds=3, warmup_rounds=1)
    ours = benchmark.stats.stats.min
    benchmark.extra_info["times_faster_per_column"] = round(10 * theirs / ours, 1)
    assert ours < theirs
