"""How long a comparison takes: the whole of 41,000 images, and a bootstrap, each beside its peer in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
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


@pytest.mark.benchmark(group="compare", timer=time.process_time)
def test_41000_images_6_masks_2_variants(race: Callable[..., float], big_runs: Path) -> None:
    """Beside the least that it could take: reading the records once."""
    import pandas as pd

    files = sorted(big_runs.rglob("*.parquet"))
    assert len(compare(["baseline", "double_dg"], big_runs).rows) == (MASKS + 1) * METRICS
    race(
        lambda: compare(["baseline", "double_dg"], big_runs),
        lambda: [pd.read_parquet(file) for file in files],
        rounds=3,
        unit="comparisons",
        peer_name="pandas reading the records",
    )


@pytest.mark.benchmark(group="compare", timer=time.process_time)
def test_a_studentised_bootstrap(race: Callable[..., float]) -> None:
    """100 columns of 1,000 images, beside SciPy's plain percentile bootstrap of one of them, both 10,000 resamples."""
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).gamma(2.0, size=(1000, 100))
    race(
        lambda: intervals(values, np.ones_like(values)),
        lambda: bootstrap((values[:, 0],), np.mean, n_resamples=10_000, batch=500, method="percentile"),
        rounds=3,
        unit="calls",
        peer_name="scipy.stats.bootstrap of one column; ours does 100",
    )
