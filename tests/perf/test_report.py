"""The report: reading a large run's numbers, beside the plain way of loading it all into one frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.runs.reader import Run
from reports.numbers import Numbers, paired
from tests.reports.fake_run import fake_run

METRICS = ("psnr_hole", "ssim_hole", "lpips")
PICTURES = 3000
MASKS = ("standard", "rect", "circle", "ellipse")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("large") / "run"
    return Run.open(fake_run(folder, datasets=("scenes",), masks=MASKS, pictures=PICTURES, samples=0, summary=False))


def paired_gaps(run: Run) -> list[float]:
    """Every method against the first, mask types pooled, with intervals: what ties are judged on."""
    numbers = Numbers(run)
    first = numbers.labels[0]
    found = paired([numbers.gap(first, other, "scenes", m) for m in METRICS for other in numbers.labels[1:]])
    return [score.mean for score in found]


def plain_gaps(run: Run) -> list[float]:
    """The same means, without any interval, from one frame of all records."""
    frame = run.records()
    means = frame.groupby(["variant", "image_id"])[list(METRICS)].mean().unstack("variant")
    names = [m.label for m in Numbers(run).members]
    sign = {"psnr_hole": 1, "ssim_hole": 1, "lpips": -1}
    return [float((sign[m] * (means[m][names[0]] - means[m][other])).mean()) for m in METRICS for other in names[1:]]


@pytest.mark.benchmark(group="report", timer=time.process_time)
def test_paired_gaps_of_a_large_run(race: Callable[..., float], large: Run) -> None:
    np.testing.assert_allclose(paired_gaps(large), plain_gaps(large), atol=1e-9)
    race(
        lambda: paired_gaps(large),
        lambda: plain_gaps(large),
        items=PICTURES * len(MASKS) * 11,
        unit="records",
        rounds=3,
        peer_name="pandas, whole records, no intervals",
    )


@pytest.mark.benchmark(group="report", timer=time.process_time)
def test_a_whole_page(race: Callable[..., float], tmp_path: Path) -> None:
    """The page of a quick run, beside saving its figures alone as matplotlib does it."""
    from reports.build import build_report

    run = Run.open(fake_run(tmp_path / "quick", pictures=24, samples=2))

    def figures_alone() -> None:
        from matplotlib.figure import Figure

        for _ in range(40):
            axes = Figure(figsize=(6, 4), layout="constrained").subplots()
            axes.errorbar(np.arange(11), np.arange(11), yerr=1, fmt="o")
            axes.figure.savefig(tmp_path / "figure.svg")

    race(
        lambda: build_report(run, tmp_path / "report.html"),
        figures_alone,
        unit="pages",
        rounds=3,
        peer_name="forty matplotlib figures, saved as SVG",
    )
