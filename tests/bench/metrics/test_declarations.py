"""What every column declares, written out once more: a wrong direction or target turns better into worse everywhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.metrics.declaration import of_json
from bench.metrics.protocol import AOT, LAMA, NATIVE, PROTOCOLS, Window
from bench.metrics.registry import Metric, MetricRegistry, metric
from bench.set_metrics.registry import set_metric, split_names

DIRECTIONS = {
    "colour_shift": ("lower", 0),
    "colour_shift_b": ("nearest", 0),
    "colour_shift_b_corrected": ("nearest", 0),
    "colour_shift_corrected": ("lower", 0),
    "colour_shift_g": ("nearest", 0),
    "colour_shift_g_corrected": ("nearest", 0),
    "colour_shift_r": ("nearest", 0),
    "colour_shift_r_corrected": ("nearest", 0),
    "colour_shift_share": ("lower", 0),
    "colour_shift_share_corrected": ("lower", 0),
    "known_drift": ("lower", 0),
    "l1": ("lower", 0),
    "l1_hole": ("lower", 0),
    "lpips": ("lower", 0),
    "lpips_hole": ("lower", 0),
    "lpips_student": ("lower", 0),
    "lpips_student_hole": ("lower", 0),
    "mse": ("lower", 0),
    "mse_hole": ("lower", 0),
    "psnr": ("higher", 0),
    "psnr_hole": ("higher", 0),
    "psnr_hole_corrected": ("higher", 0),
    "seam": ("nearest", 0),
    "sharpness": ("nearest", 0),
    "ssim": ("higher", 0),
    "ssim_hole": ("higher", 0),
}
SETS = {
    "coverage": ("higher", 0),
    "density": ("higher", 0),
    "fd_dinov2": ("lower", 0),
    "fid": ("lower", 0),
    "kid": ("lower", 0),
    "kid_error": ("lower", 0),
    "p_ids": ("higher", 0),
    "precision": ("higher", 0),
    "recall": ("higher", 0),
    "u_ids": ("higher", 0),
}
SETTINGS = {"seam": "seam", "known_drift": "known", "colour_shift": "hole", "sharpness": "hole"}


def declared(registry: MetricRegistry) -> dict[str, tuple[str, float]]:
    return {name: (entry.direction, entry.target) for name, entry in registry.all().items()}


def test_every_metric_is_judged_in_the_direction_and_about_the_target_that_its_meaning_asks_for() -> None:
    assert declared(metric) == DIRECTIONS
    assert declared(set_metric) == SETS


def test_a_column_is_of_the_region_that_its_name_says() -> None:
    for name, entry in metric.all().items():
        wanted = next((region for start, region in SETTINGS.items() if name.startswith(start)), None)
        assert entry.region == (wanted or ("hole" if "_hole" in name else "image")), name


def test_the_columns_that_finished_pictures_cannot_have_are_the_corrected_ones() -> None:
    raw = {name for name, entry in metric.all().items() if entry.needs_raw}
    assert raw == {name for name in DIRECTIONS if name.endswith("_corrected")}


def test_values_lie_in_the_units_and_ranges_that_the_formulas_give() -> None:
    inf = math.inf
    for name, entry in metric.all().items():
        if name.startswith("psnr"):
            wanted = ("dB", (0, 100))
        elif name.startswith("ssim"):
            wanted = ("", (-1, 1))
        elif name.removesuffix("_corrected") == "colour_shift":
            wanted = ("ΔE00", (0, 120))
        elif name.startswith("lpips"):  # a sum over layers of distances, each weighted by what was fitted
            wanted = ("", (0, inf))
        elif entry.direction == "nearest":
            wanted = ("", (-10, 10)) if name == "sharpness" else ("levels", (-255, 255))
        else:
            wanted = ("levels", (0, 255)) if name == "known_drift" else ("", (0, 1))
        assert (entry.unit, entry.range) == wanted, name
    assert {name: entry.range for name, entry in set_metric.all().items()} == {
        "coverage": (0, 1),
        "density": (0, inf),
        "fd_dinov2": (0, inf),
        "fid": (0, inf),
        "kid": (-inf, inf),
        "kid_error": (0, inf),
        "precision": (0, 1),
        "recall": (0, 1),
        "p_ids": (0, 1),
        "u_ids": (0, 0.5),
    }


# ---- what is made of a declaration


def made(direction: str, unit: str = "", **more: Any) -> Metric:
    return Metric("x", "hole", unit, direction, (0, 1), "none", 1, "", compute=lambda card: 0.0, **more)


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (made("higher"), [2.0, 0.0, -3.0]),
        (made("lower"), [-2.0, 0.0, 3.0]),
        (made("nearest"), [-2.0, 0.0, -3.0]),
        (made("nearest", target=1.0), [-1.0, -1.0, -4.0]),
    ],
)
def test_goodness_grows_towards_what_is_better(entry: Metric, wanted: list[float]) -> None:
    assert entry.goodness([2, 0, -3]).tolist() == wanted


@pytest.mark.parametrize(
    ("unit", "declared", "mean", "wanted"),
    [
        ("dB", None, 30.0, 0.1),
        ("ΔE00", None, 9.0, 0.2),
        ("levels", None, 9.0, 0.5),
        ("dB", 0.3, 30.0, 0.3),  # its own goes first
        ("", None, 0.8, 0.008),  # a hundredth of the mean where no unit tells
        ("", None, -0.8, 0.008),
        ("", None, float("nan"), 0.0),
    ],
)
def test_means_are_the_same_within_the_tolerance_declared_or_the_units_or_a_share(
    unit: str, declared: float | None, mean: float, wanted: float
) -> None:
    assert made("lower", unit, tolerance=declared).same_within(mean) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("told", "read"), [(None, (-np.inf, np.inf)), ([0, None], (0, np.inf)), ([None, 5], (-np.inf, 5)), ([0, 1], (0, 1))]
)
def test_an_end_of_the_range_that_run_json_leaves_open_is_infinite(told: object, read: tuple[float, float]) -> None:
    assert of_json("x", {"direction": "lower", "range": told}).range == read


def test_titles_show_unit_and_direction() -> None:
    assert made("higher", "dB").title == "x [dB ↑]"
    assert made("lower").title == "x [↓]"
    assert made("nearest", "levels").title == "x [levels →0]"
    assert made("nearest", target=1.0).title == "x [→1]"


def test_what_registers_is_entered_with_its_first_line_and_its_facts() -> None:
    registry = MetricRegistry("nothing", "bench.set_metrics", "thing")
    facts: dict[str, Any] = {"region": "hole", "unit": "", "direction": "lower", "range": (0, 1), "reference": "none"}

    @registry("mine", version=3, **facts)
    def mine(card: Any) -> float:
        """What it is.

        And more.
        """
        return 0.5

    entry = registry.get("mine")
    assert (entry.name, entry.summary, entry.version, entry.compute) == ("mine", "What it is.", 3, mine)
    assert (entry.target, entry.needs_raw, entry.batched, entry.approximate) == (0, False, False, False)


def test_names_are_told_apart_into_metrics_of_pictures_and_of_sets() -> None:
    assert split_names(["fid", "psnr", "nonsense", "u_ids", "psnr", "fid"]) == (["psnr", "nonsense"], ["fid", "u_ids"])


# ---- the protocols


def test_each_protocol_has_the_window_backbone_and_l1_of_its_evaluator() -> None:
    gaussian = Window(kind="gaussian", side=11, sigma=1.5, border="reflect", crop=5, sample=False)
    assert Window() == gaussian
    table = {p.name: (p.window, p.lpips, p.l1, p.version) for p in PROTOCOLS.values()}
    assert table == {
        "native": (gaussian, "alex", "mean", 1),
        "mat": (gaussian, "alex", "mean", 1),
        "lama": (Window("gaussian", 11, 1.5, "zero", 0, False), "vgg", "mean", 1),
        "aot": (Window("uniform", 7, 1.5, "reflect", 3, True), "alex", "relative", 1),
        "brushbench": (gaussian, "squeeze", "mean", 1),
    }


def test_a_window_reaches_half_its_side_and_needs_its_side_unless_zeros_lie_beyond() -> None:
    assert [(p.window.reach, p.window.smallest) for p in (NATIVE, LAMA, AOT)] == [(5, 11), (5, 1), (3, 7)]


def test_metrics_say_where_protocols_differ() -> None:
    changed = {
        protocol: {name for name, entry in metric.all().items() if protocol in (entry.protocols or {})}
        for protocol in PROTOCOLS
    }
    assert changed == {
        "native": set(),
        "lama": {"ssim", "ssim_hole", "lpips", "lpips_hole"},
        "mat": {"psnr", "ssim", "l1"},
        "aot": {"ssim", "ssim_hole", "l1"},
        "brushbench": {"psnr", "mse", "lpips", "lpips_hole"},
    }
    for protocol, network in (("lama", "VGG-16"), ("brushbench", "SqueezeNet")):
        for name in ("lpips", "lpips_hole"):
            assert network in (metric.get(name).protocols or {})[protocol]["reference"]
    for name in ("lpips", "lpips_hole"):
        assert "lpips 0.1.4, net='alex'" in metric.get(name).reference


def test_learned_metrics_are_batched_and_say_why_they_are_missing() -> None:
    batched = {name for name, entry in metric.all().items() if entry.batched}
    assert batched == {name for name in DIRECTIONS if name.startswith("lpips")}
    assert all(metric.get(name).unavailable and metric.get(name).on_device for name in batched)
