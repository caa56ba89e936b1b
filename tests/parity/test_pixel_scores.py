"""PSNR, SSIM and colour difference against scikit-image, and the protocol presets against what the published
evaluators compute, on real photographs with real fills."""

from __future__ import annotations

import importlib.metadata
import math
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from packaging.version import Version
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.masks.registry import draw
from bench.metrics.colour import delta_e_2000, lab
from bench.metrics.scorer import Scorer
from tests.bench.metrics.plain import windowed_ssim

SIDE = 256
MASKS = ("rect", "ellipse", "border")


class Case(NamedTuple):
    label: str
    truth: np.ndarray
    hole: np.ndarray
    filled: np.ndarray
    raw: np.ndarray


def test_the_reference_is_the_version_that_the_figures_are_of() -> None:
    assert Version(importlib.metadata.version("scikit-image")) >= Version("0.25")


@lru_cache
def photographs() -> list[np.ndarray]:
    """Crops of the photographs in BENCH_PHOTOS_DIR, or of those that scikit-image carries."""
    folder = os.environ.get("BENCH_PHOTOS_DIR")
    files = sorted(Path(folder).rglob("*.png")) if folder else []
    files = files[:: max(1, len(files) // 4)][:4]
    pictures = [cv2.imread(str(file))[:, :, ::-1] for file in files] or [
        data.astronaut(),
        data.coffee(),
        data.chelsea(),
        data.rocket(),
    ]
    return [np.ascontiguousarray(picture[20 : 20 + SIDE, 60 : 60 + SIDE]) for picture in pictures]


def painters() -> dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """Fills by name: (truth, hole) -> what a method would put out over the whole picture, uint8."""
    rng = np.random.default_rng(0)
    return {
        "telea": lambda t, h: cv2.inpaint(t, h.astype(np.uint8), 3, cv2.INPAINT_TELEA),
        "navier_stokes": lambda t, h: cv2.inpaint(t, h.astype(np.uint8), 3, cv2.INPAINT_NS),
        "mean": lambda t, h: np.broadcast_to(t[~h].mean(axis=0), t.shape).astype(np.uint8),
        "blur and shift": lambda t, h: np.clip(cv2.GaussianBlur(t, (0, 0), 3) * 0.9 + 12, 0, 255).astype(np.uint8),
        "garbage": lambda t, h: rng.integers(0, 256, t.shape, dtype=np.uint8),
    }


@lru_cache
def cases() -> list[Case]:
    found = []
    fractions = np.random.default_rng(1)
    for number, truth in enumerate(photographs()):
        for mask in MASKS:
            hole = draw(mask, (SIDE, SIDE), 7, [number])[0]
            for name, paint in painters().items():
                levels = paint(truth, hole)
                filled = np.where(hole[..., None], levels, truth)
                # Networks do not put out whole levels.
                raw = np.clip((levels + fractions.uniform(-0.49, 0.49, truth.shape)) / 255, 0, 1).astype(np.float32)
                found.append(Case(f"{number}-{mask}-{name}", truth, hole, filled, raw))
    return found


def scored(protocol: str, *names: str) -> Iterator[tuple[Case, dict[str, float]]]:
    """Rows of every case, or of every third for the presets, whose references are slow."""
    scorer = Scorer(names, protocol=protocol)
    for case in cases()[:: 1 if protocol == "native" else 3]:
        row = scorer.score(case.label, case.truth, case.hole, [case.filled], [case.raw])[0]
        assert row["failed"] == ""
        yield case, row


def worst(record: Callable[[str, object], None], name: str, differences: list[float], allowed: float) -> None:
    record(name, f"{max(differences):.1e}")
    assert len(differences) >= 20
    assert max(differences) < allowed


def gaussian(case: Case) -> tuple[float, np.ndarray]:
    whole, similarity = structural_similarity(
        case.truth / 255.0,
        case.filled / 255.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=2,
        full=True,
    )
    return float(whole), similarity


def test_psnr_is_scikit_images(record_property: Callable[[str, object], None]) -> None:
    """scikit-image 0.26 peak_signal_noise_ratio, to 1e-5 dB."""
    whole, hole = [], []
    for case, row in scored("native", "psnr", "psnr_hole"):
        whole.append(abs(row["psnr"] - peak_signal_noise_ratio(case.truth, case.filled)))
        there = peak_signal_noise_ratio(case.truth[case.hole], case.filled[case.hole])
        hole.append(abs(row["psnr_hole"] - there))
    worst(record_property, "psnr", whole, 1e-5)
    worst(record_property, "psnr_hole", hole, 1e-5)


def test_ssim_is_scikit_images_gaussian_one(record_property: Callable[[str, object], None]) -> None:
    """scikit-image 0.26 structural_similarity, Gaussian weights, of the picture and of its map over the hole, to
    1e-5."""
    whole, hole = [], []
    for case, row in scored("native", "ssim", "ssim_hole"):
        theirs, similarity = gaussian(case)
        whole.append(abs(row["ssim"] - theirs))
        hole.append(abs(row["ssim_hole"] - similarity[case.hole].mean()))
    worst(record_property, "ssim", whole, 1e-6)
    worst(record_property, "ssim_hole", hole, 1e-6)


@pytest.mark.parametrize(
    ("shape", "colour", "hole", "paint"),
    [
        ((76, 106), (6, 155, 143), (21, 47, 45, 35), (160, 170, 131)),
        ((139, 116), (29, 143, 47), (39, 4, 41, 48), (7, 3, 74)),
    ],
)
def test_ssim_of_flat_pictures_is_as_exact(
    shape: tuple[int, int], colour: tuple[int, ...], hole: tuple[int, ...], paint: tuple[int, ...]
) -> None:
    # Variances of 0 are differences of large means: what is made in float32 was off by 1.6e-6 here.
    truth = np.full((*shape, 3), colour, np.uint8)
    top, left, high, wide = hole
    mask = np.zeros(shape, bool)
    mask[top : top + high, left : left + wide] = True
    filled = np.where(mask[..., None], np.uint8(paint), truth)
    picture, similarity = gaussian(Case("flat", truth, mask, filled, filled / np.float32(255)))
    (row,) = Scorer(["ssim", "ssim_hole"]).score("flat", truth, mask, [filled])
    assert row["ssim"] == pytest.approx(picture, abs=1e-6)
    assert row["ssim_hole"] == pytest.approx(similarity[mask].mean(), abs=1e-6)


def test_colour_shift_is_scikit_images_ciede2000(record_property: Callable[[str, object], None]) -> None:
    """scikit-image 0.26 rgb2lab and deltaE_ciede2000 of the hole's mean colours, to 1e-4."""
    found = []
    for case, row in scored("native", "colour_shift"):
        means = [picture[case.hole].mean(axis=0) / 255 for picture in (case.truth, case.filled)]
        found.append(abs(row["colour_shift"] - float(deltaE_ciede2000(*(rgb2lab(mean) for mean in means)))))
    worst(record_property, "colour_shift", found, 1e-4)


def test_single_colours_have_scikit_images_differences_all_over_the_cube() -> None:
    """scikit-image 0.26 rgb2lab and deltaE_ciede2000, greys and near-greys (whose hue is all but undefined) too."""
    rng = np.random.default_rng(3)
    first = rng.uniform(0, 255, (400, 3))
    second = np.concatenate([rng.uniform(0, 255, (200, 3)), np.clip(first[200:] + rng.normal(0, 1, (200, 3)), 0, 255)])
    first[:20] = first[:20, :1]
    second[10:30] = second[10:30, :1]
    theirs = deltaE_ciede2000(rgb2lab(first / 255), rgb2lab(second / 255))
    ours = [delta_e_2000(lab(a), lab(b)) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_the_corrected_psnr_is_scikit_images_after_a_numpy_fit(record_property: Callable[[str, object], None]) -> None:
    """numpy.polyfit on the known pixels of raw, then scikit-image 0.26 peak_signal_noise_ratio over the hole."""
    found = []
    for case, row in scored("native", "psnr_hole_corrected"):
        known = ~case.hole
        painted = np.empty((case.hole.sum(), 3))
        for c in range(3):
            raw, truth = case.raw[known][:, c].astype(float), case.truth[known][:, c] / 255
            gain, offset = np.polyfit(raw, truth, 1) if raw.std() > 1e-3 else (1.0, truth.mean() - raw.mean())
            painted[:, c] = gain * case.raw[case.hole][:, c] + offset
        levels = np.rint(255 * np.clip(painted, 0, 1)).astype(np.uint8)
        found.append(abs(row["psnr_hole_corrected"] - peak_signal_noise_ratio(case.truth[case.hole], levels)))
    worst(record_property, "psnr_hole_corrected", found, 5e-3)


def test_lama_is_a_zero_padded_convolution_in_torch(record_property: Callable[[str, object], None]) -> None:
    """SSIM as LaMa's evaluator has it: an 11 x 11 Gaussian of 1.5 with zeros beyond the border, pictures in [0, 1],
    the mean over every pixel and channel. In torch's float32, as it computes, that is off by up to 1e-4; in float64,
    by SciPy, it is ours."""
    bell = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    single, double = [], []
    for case, row in scored("lama", "ssim"):
        single.append(abs(row["ssim"] - torch_ssim(case)))
        exact = windowed_ssim(case.truth, case.filled, bell / bell.sum(), "constant", 1.0).mean()
        double.append(abs(row["ssim"] - exact))
    worst(record_property, "ssim (lama, float32)", single, 5e-4)
    worst(record_property, "ssim (lama, float64)", double, 1e-6)


def torch_ssim(case: Case) -> float:
    bell = torch.exp(-((torch.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    bell = bell / bell.sum()
    kernel = torch.outer(bell, bell).expand(3, 1, 11, 11)

    def filtered(picture: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(picture, kernel, padding=5, groups=3)

    x, y = (torch.from_numpy(side.transpose(2, 0, 1)[None] / 255).float() for side in (case.truth, case.filled))
    mx, my = filtered(x), filtered(y)
    vx, vy, cov = filtered(x * x) - mx**2, filtered(y * y) - my**2, filtered(x * y) - mx * my
    top = (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2)
    return float((top / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2))).mean())


def test_mat_is_the_whole_picture_in_double_precision(record_property: Callable[[str, object], None]) -> None:
    """PSNR, SSIM and L1 as MAT's evaluator has them: levels in float64, OpenCV's 2-D Gaussian, 5 pixels cropped."""
    kernel = cv2.getGaussianKernel(11, 1.5)
    window = kernel @ kernel.T
    differences = []
    for case, row in scored("mat", "psnr", "ssim", "l1"):
        x, y = case.truth.astype(np.float64), case.filled.astype(np.float64)

        def filtered(picture: np.ndarray) -> np.ndarray:
            return cv2.filter2D(picture, -1, window)[5:-5, 5:-5]

        mx, my = filtered(x), filtered(y)
        vx, vy, cov = filtered(x * x) - mx**2, filtered(y * y) - my**2, filtered(x * y) - mx * my
        top = (2 * mx * my + 2.55**2) * (2 * cov + 7.65**2)
        differences += [
            abs(row["psnr"] - 20 * math.log10(255 / math.sqrt(((x - y) ** 2).mean()))),
            abs(row["ssim"] - (top / ((mx**2 + my**2 + 2.55**2) * (vx + vy + 7.65**2))).mean()),
            abs(row["l1"] - np.abs(x / 255 - y / 255).mean()),
        ]
    worst(record_property, "psnr, ssim, l1 (mat)", differences, 1e-6)


def test_aot_is_scikit_images_default_and_a_relative_l1(record_property: Callable[[str, object], None]) -> None:
    """AOT-GAN's evaluator: scikit-image 0.26 structural_similarity of uint8 with its defaults, and the sum of
    absolute errors over the sum of both pictures."""
    differences = []
    for case, row in scored("aot", "psnr", "ssim", "ssim_hole", "l1"):
        whole, similarity = structural_similarity(case.truth, case.filled, channel_axis=2, full=True)
        x, y = case.truth.astype(np.float32), case.filled.astype(np.float32)
        differences += [
            abs(row["psnr"] - peak_signal_noise_ratio(case.truth, case.filled)),
            abs(row["ssim"] - whole),
            abs(row["ssim_hole"] - similarity[case.hole].mean()),
            abs(row["l1"] - float(np.sum(np.abs(x - y)) / np.sum(x + y))),
        ]
    worst(record_property, "psnr, ssim, l1 (aot)", differences, 1e-6)


def test_brushbench_is_the_known_region_before_it_is_restored(record_property: Callable[[str, object], None]) -> None:
    """BrushNet's evaluator: both pictures times the known mask, float32 in [0, 1]; squared errors of all channels over
    the number of known pixels; PSNR of that, 1000 where it is below 1e-10."""
    errors, decibels = [], []
    for case, row in scored("brushbench", "psnr", "mse"):
        known = (~case.hole[..., None]).astype(np.float32)
        # What a method puts out reaches the evaluator as a file of 8 bits.
        own, truth = (side.astype(np.float32) / 255 * known for side in (np.rint(case.raw * 255), case.truth))
        mse = float(((own - truth) ** 2).sum() / known.sum())
        errors.append(abs(row["mse"] - mse))
        # Methods that copy the known pixels are among the cases.
        decibels.append(abs(row["psnr"] - (1000 if mse < 1e-10 else 20 * math.log10(1 / math.sqrt(mse)))))
    worst(record_property, "mse (brushbench)", errors, 1e-6)
    worst(record_property, "psnr (brushbench)", decibels, 1e-4)


@pytest.mark.parametrize("metric", ["ssim", "l1"])
def test_the_presets_differ_from_each_other_by_more_than_any_tolerance(metric: str) -> None:
    """Else the tests above could not tell them apart."""
    means = {
        name: np.mean([row[metric] for _, row in scored(name, metric)])
        for name in (("native", "lama", "aot") if metric == "ssim" else ("native", "aot"))
    }
    values = sorted(means.values())
    assert min(np.diff(values)) > 1e-4
