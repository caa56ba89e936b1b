"""The paper's claims: each verdict follows the records, and only them."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from bench.runs.reader import Run
from reports.claims import CLAIMS, judge, scale_of, state
from reports.numbers import Numbers, Score
from tests.reports.fake_run import fake_run

SIX = ("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole", "double_dg")
INF = math.inf


@pytest.mark.parametrize(
    ("low", "high", "region", "expected"),
    [
        (0.1, 0.4, (0, INF), "holds"),
        (-0.4, -0.1, (0, INF), "does not hold"),
        (-0.1, 0.4, (0, INF), "undecided"),
        (-0.2, 0.3, (-0.5, 0.5), "holds"),
        (0.3, 0.7, (-0.5, 0.5), "undecided"),
        (0.6, 0.9, (-0.5, 0.5), "does not hold"),
        (math.nan, math.nan, (0, INF), "undecided"),
    ],
)
def test_an_interval_decides_only_when_it_lies_on_one_side(
    low: float, high: float, region: tuple[float, float], expected: str
) -> None:
    assert state(Score(0.0, low, high, 9), region) == expected


# Values for which every claim holds by hand; each test below breaks one.
TRUE = {
    "baseline": {"psnr_hole": 21.0, "ssim_hole": 0.60, "sharpness": math.log2(0.2), "colour_shift": 4.0,
                 "colour_shift_corrected": 1.5},
    "basic_gan": {"psnr_hole": 12.0, "ssim_hole": 0.10, "sharpness": math.log2(2.0), "colour_shift": 20.0},
    "gan_new_loss": {"psnr_hole": 20.0, "ssim_hole": 0.50, "sharpness": math.log2(1.5), "colour_shift": 5.0},
    "gan_res_mask": {"psnr_hole": 21.2, "ssim_hole": 0.62, "sharpness": math.log2(0.4), "colour_shift": 4.2},
    "gan_res_whole": {"psnr_hole": 20.5, "ssim_hole": 0.56, "sharpness": math.log2(0.3), "colour_shift": 4.3},
    "double_dg": {"psnr_hole": 22.0, "ssim_hole": 0.59, "sharpness": math.log2(0.5), "colour_shift": 1.6, "seam": 4.0},
}  # fmt: skip


def verdicts(path: Path, **changes: dict[str, float]) -> dict[str, str]:
    facts = {name: {**values, **changes.get(name, {})} for name, values in TRUE.items()}
    run = Run.open(fake_run(path, variants=SIX, datasets=("scenes",), pictures=10, samples=0, facts=facts))
    return {v.claim.statement: v.state for v in judge(Numbers(run))}


def test_every_claim_holds_where_the_records_bear_it_out(tmp_path: Path) -> None:
    assert set(verdicts(tmp_path / "r").values()) == {"holds"}


@pytest.mark.parametrize(
    ("start", "variant", "change"),
    [
        ("The baseline's fill is very blurred", "baseline", {"sharpness": math.log2(0.9)}),
        ("The baseline's colours", "baseline", {"colour_shift": 0.5}),
        ("Correcting the baseline's colour", "baseline", {"colour_shift_corrected": 3.5}),
        ("The GAN with pure MSE", "basic_gan", {"psnr_hole": 20.0}),
        ("With the new loss the outline", "gan_new_loss", {"ssim_hole": 0.05}),
        ("The new loss gives an incredibly noisy", "gan_new_loss", {"sharpness": math.log2(0.5)}),
        ("With the new loss the colour", "gan_new_loss", {"colour_shift": 0.3}),
        ("Residual blocks, hole only: performs", "gan_res_mask", {"psnr_hole": 23.0}),
        ("Residual blocks, hole only: sharper", "gan_res_mask", {"sharpness": math.log2(0.1)}),
        ("Residual blocks, hole only: colour", "gan_res_mask", {"colour_shift": 6.0}),
        ("Painting the whole picture leaves", "gan_res_whole", {"colour_shift": 8.0}),
        ("Painting the whole picture is worse", "gan_res_whole", {"psnr_hole": 22.5}),
        ("Two discriminators: no colour correction", "double_dg", {"colour_shift": 6.0}),
        ("Two discriminators: the seam", "double_dg", {"seam": 0.2}),
        ("Two discriminators: still a bit", "double_dg", {"sharpness": math.log2(1.4)}),
        ("Two discriminators: shapes lie", "double_dg", {"ssim_hole": 0.7}),
        ("The model with two discriminators", "double_dg", {"psnr_hole": 19.0}),
    ],
)
def test_a_claim_falls_when_its_own_metric_says_otherwise(
    tmp_path: Path, start: str, variant: str, change: dict[str, float]
) -> None:
    found = verdicts(tmp_path / "r", **{variant: change})
    assert [s for text, s in found.items() if text.startswith(start)] == ["does not hold"]


def test_a_run_without_any_of_the_six_has_no_claims(tmp_path: Path) -> None:
    run = Run.open(fake_run(tmp_path / "r", variants=("telea", "double_dg_linear"), pictures=4, samples=0))
    assert judge(Numbers(run)) == []


def test_it_is_said_at_what_scale_claims_were_tested_and_what_the_intervals_lack(tmp_path: Path) -> None:
    one = scale_of(Numbers(Run.open(fake_run(tmp_path / "one", variants=SIX, pictures=4, samples=0))))
    assert one.scale == (
        "on pictures of 64 px, with networks of 680 k to 1.90 M parameters, after 800 training steps, "
        "with 1 training seed"
    )
    assert one.caveat == "training noise is not in the interval"
    two = scale_of(Numbers(Run.open(fake_run(tmp_path / "two", variants=SIX, seeds=(0, 1), pictures=4, samples=0))))
    assert two.scale.endswith("with 2 training seeds")


def test_a_verdict_holds_training_noise_where_there_are_several_seeds(tmp_path: Path) -> None:
    """Trainings of double_dg that end 3 dB apart leave open whether it is ahead of the others by 0.8 dB on average."""
    folder = fake_run(
        tmp_path / "r", variants=SIX, datasets=("scenes",), seeds=(0, 1), pictures=10, samples=0, facts=TRUE
    )
    best = "The model with two discriminators performs best of the six."
    assert {v.claim.statement: v.state for v in judge(Numbers(Run.open(folder)))}[best] == "holds"
    for seed, shift in ((0, -1.5), (1, 1.5)):
        for file in (folder / "records" / "double_dg" / f"seed-{seed}").glob("*.parquet"):
            frame = pd.read_parquet(file)
            frame["psnr_hole"] += shift
            frame.to_parquet(file, index=False)
    assert {v.claim.statement: v.state for v in judge(Numbers(Run.open(folder)))}[best] == "undecided"


def test_a_claim_about_an_absent_variant_is_not_measured(tmp_path: Path) -> None:
    run = Run.open(fake_run(tmp_path / "r", variants=("baseline", "telea"), pictures=4, samples=0))
    found = judge(Numbers(run))
    assert len(found) == len(CLAIMS)
    assert {v.state for v in found if "double_dg" in str(v.claim.parts)} == {"not measured"}
    assert all(v.reason for v in found if v.state == "not measured")
