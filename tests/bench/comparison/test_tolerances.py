"""How much still counts as the same, as numbers written out, and how a user's own are read."""

from __future__ import annotations

import pytest

from bench.comparison.tolerances import read_tolerances, tolerance
from bench.metrics.declaration import Metric
from bench.metrics.registry import metric
from bench.util.errors import UsageError

KNOWN = [
    ("psnr", 0.1),
    ("psnr_hole_corrected", 0.1),
    ("ssim", 0.005),
    ("ssim_hole", 0.005),
    ("lpips", 0.005),
    ("lpips_hole", 0.005),
    ("l1", 0.001),
    ("l1_hole", 0.002),
    ("mse", 0.0002),
    ("mse_hole", 0.0005),
    ("colour_shift", 0.2),
    ("colour_shift_corrected", 0.2),
    ("colour_shift_r", 0.5),
    ("known_drift", 0.5),
    ("seam", 0.5),
    ("colour_shift_share", 0.02),
    ("colour_shift_share_corrected", 0.02),
    ("sharpness", 0.05),
]


@pytest.mark.parametrize(("name", "expected"), KNOWN)
def test_registered_metrics_have_their_tolerance(name: str, expected: float) -> None:
    assert tolerance(metric.get(name), 7.0) == expected


@pytest.mark.parametrize(("unit", "expected"), [("dB", 0.1), ("ΔE00", 0.2), ("levels", 0.5)])
def test_a_metric_that_declares_none_has_its_units(unit: str, expected: float) -> None:
    assert tolerance(Metric("mine", unit=unit), 7.0) == expected


def test_of_a_metric_without_either_it_is_a_hundredth_of_the_references_mean() -> None:
    mine = Metric("mine", direction="lower")
    assert tolerance(mine, 4.0) == tolerance(mine, -4.0) == pytest.approx(0.04)
    assert tolerance(mine, float("nan")) == 0


def test_what_a_metric_declares_comes_before_its_unit() -> None:
    assert tolerance(Metric("mine", unit="dB", tolerance=0.0), 7.0) == 0.0


def test_a_users_own_comes_first_and_holds_for_the_corrected_metric_too() -> None:
    wanted = {"ssim_hole": 0.3, "psnr_hole": 0.4, "colour_shift_corrected": 0.6}
    assert tolerance(metric.get("ssim_hole"), 7.0, wanted) == 0.3
    assert tolerance(metric.get("psnr_hole_corrected"), 7.0, wanted) == 0.4
    assert tolerance(metric.get("colour_shift_corrected"), 7.0, wanted) == 0.6
    assert tolerance(metric.get("colour_shift"), 7.0, wanted) == 0.2
    assert tolerance(metric.get("ssim_hole"), 7.0, {"ssim_hole": 0.0}) == 0


def test_options_are_read_as_numbers() -> None:
    told = ["psnr=0.05", " ssim = 5e-3 ", "l1=.5", "mse=2E+1", "psnr=0"]
    assert read_tolerances(told, ["psnr", "ssim", "l1", "mse"]) == {"psnr": 0.0, "ssim": 0.005, "l1": 0.5, "mse": 20.0}


@pytest.mark.parametrize(
    ("option", "said"),
    [("psnr=-0.1", "not METRIC=VALUE"), ("psnr=x", "not METRIC=VALUE"), ("psn=1", "did you mean psnr")],
)
def test_a_wrong_option_is_refused(option: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_tolerances([option], ["psnr"])
