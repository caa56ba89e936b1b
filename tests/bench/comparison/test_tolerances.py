"""How much still counts as the same, as numbers written out, and how a user's own are read."""

from __future__ import annotations

import pytest

from bench.comparison.tolerances import read_tolerances, tolerance
from bench.statistics.scores import Facts
from bench.util.errors import UsageError

KNOWN = [
    ("psnr", "dB", 0.1),
    ("psnr_hole_corrected", "dB", 0.1),
    ("ssim", "", 0.005),
    ("ssim_hole", "", 0.005),
    ("ssim_hole_corrected", "", 0.005),
    ("lpips", "", 0.005),
    ("lpips_hole", "", 0.005),
    ("l1", "", 0.001),
    ("l1_hole", "", 0.002),
    ("l1_hole_corrected", "", 0.002),
    ("mse", "", 0.0002),
    ("mse_hole", "", 0.0005),
    ("colour_shift", "ΔE00", 0.2),
    ("colour_shift_r", "levels", 0.5),
    ("known_drift", "8-bit levels", 0.5),
    ("colour_shift_share", "", 0.02),
    ("sharpness", "log₂", 0.02),
]


def of(name: str, mean: float = 7.0, wanted: dict[str, float] | None = None, unit: str = "") -> float:
    return tolerance(Facts(name, unit, "lower", 0.0, 1, name), mean, wanted)


@pytest.mark.parametrize(("name", "unit", "expected"), KNOWN)
def test_known_metrics_and_units_have_their_tolerance(name: str, unit: str, expected: float) -> None:
    assert of(name, unit=unit) == expected


def test_of_an_unknown_metric_it_is_a_hundredth_of_the_references_mean() -> None:
    assert of("mine", 4.0) == of("mine", -4.0) == pytest.approx(0.04)
    assert of("mine", float("nan")) == 0


def test_a_users_own_comes_first_and_holds_for_the_corrected_metric_too() -> None:
    wanted = {"ssim_hole": 0.3, "psnr_hole": 0.4, "l1_hole_corrected": 0.6}
    assert of("ssim_hole", wanted=wanted) == 0.3
    assert of("psnr_hole_corrected", unit="dB", wanted=wanted) == 0.4
    assert of("l1_hole_corrected", wanted=wanted) == 0.6
    assert of("l1_hole", wanted=wanted) == 0.002
    assert of("ssim_hole", wanted={"ssim_hole": 0.0}) == 0


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
