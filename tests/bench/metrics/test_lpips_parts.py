"""The parts of LPIPS, each against torch or the ``lpips`` package, and what a scorer keeps of it from call to call."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench import backbones as weights
from bench.backbones.lpips_network import Stack, Step, distance_map, normalise, unit
from bench.metrics import lpips as columns
from bench.metrics.box import Box
from bench.metrics.card import ScoringContext
from bench.metrics.lpips_patch import differing, hole_weights, reached, same_outside, upsampling
from bench.metrics.protocol import PROTOCOLS
from bench.metrics.scorer import Scorer

TRUTH = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)


# ---- geometry


def layer(kernel: int, stride: int, padding: int, ceil: bool) -> torch.nn.Module:
    if ceil:
        return torch.nn.MaxPool2d(kernel, stride, padding, ceil_mode=True)
    return torch.nn.Conv2d(1, 1, kernel, stride, padding)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(
    ("kernel", "padding", "ceil"),
    [
        (1, 0, False),
        (3, 1, False),
        (5, 2, False),
        (11, 2, False),
        (2, 0, False),
        (2, 0, True),
        (3, 0, True),
        (3, 1, True),
    ],
)
def test_a_layers_output_is_as_long_as_torchs(kernel: int, stride: int, padding: int, ceil: bool) -> None:
    module = layer(kernel, stride, padding, ceil)
    step = Step(kernel, stride, padding, ceil=ceil)
    for length in range(max(1, kernel - 2 * padding), 16):
        assert step.size(length) == module(torch.zeros(1, 1, length, length)).shape[2], length
    assert step.size(kernel - 2 * padding - 1) <= 0


@pytest.mark.parametrize(
    ("kernel", "stride", "channels", "high", "wide"),
    # The last two on either side of what goes as a matrix product: 24 and 25 rows of 24 windows of 3 · 3 · 113 values.
    [(11, 4, 3, 27, 43), (5, 1, 64, 5, 9), (3, 1, 7, 3, 3), (1, 1, 16, 1, 6), (3, 1, 113, 26, 26), (3, 1, 113, 27, 26)],
)
@pytest.mark.parametrize("biased", [True, False])
def test_a_convolution_of_a_part_is_torchs(
    kernel: int, stride: int, channels: int, high: int, wide: int, biased: bool
) -> None:
    drawn = torch.Generator().manual_seed(kernel * high + wide)
    # A part cut out of a larger one does not begin where its memory does.
    x = torch.randn(1, channels, high + 3, wide + 2, generator=drawn, dtype=torch.float64)[:, :, 2:-1, 1:-1]
    weight = torch.randn(6, channels, kernel, kernel, generator=drawn, dtype=torch.float64)
    bias = torch.randn(6, generator=drawn, dtype=torch.float64) if biased else None
    found = Step(kernel, stride, 2, weight, bias)(x, padding=0)
    wanted = F.conv2d(x, weight, bias, stride).relu()
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", [Step(11, 4, 2), Step(3, 2, 0), Step(3, 1, 1), Step(1, 1, 0), Step(2, 2, 0)])
def test_the_outputs_that_a_change_reaches_are_those_whose_windows_touch_it(step: Step) -> None:
    height, width = 37, 30
    size = (step.size(height), step.size(width))
    for box in (Box(0, 1, 0, 1), Box(36, 37, 29, 30), Box(5, 9, 17, 18), Box(0, 37, 0, 30), Box(13, 14, 2, 29)):
        sides = ((box.top, box.bottom, size[0]), (box.left, box.right, size[1]))
        wanted: list[int] = []
        for low, high, length in sides:
            starts = [place * step.stride - step.padding for place in range(length)]
            touched = [place for place, start in enumerate(starts) if start < high and start + step.kernel > low]
            if not touched:
                wanted = []
                break
            wanted += [touched[0], touched[-1] + 1]
        found = reached(step, box, size)
        assert found.empty if not wanted else found == tuple(wanted)


@pytest.mark.parametrize(("short", "long"), [(1, 7), (3, 7), (7, 7), (6, 64), (15, 64), (31, 97)])
def test_upsampling_is_torchs_bilinear_one(short: int, long: int) -> None:
    values = torch.rand(short, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(short))
    wanted = F.interpolate(values[None, None], size=(long, 1), mode="bilinear", align_corners=False)[0, 0]
    torch.testing.assert_close(upsampling(short, long, torch.device("cpu")) @ values, wanted, rtol=1e-6, atol=1e-6)


def test_pictures_are_normalised_as_the_package_does_it() -> None:
    import lpips

    levels = torch.from_numpy(TRUTH.transpose(2, 0, 1)[None].copy())
    wanted = lpips.ScalingLayer()(levels.float() / 255 * 2 - 1)
    torch.testing.assert_close(normalise(levels), wanted, rtol=1e-5, atol=1e-6)


def test_features_are_scaled_and_weighed_as_the_package_does_it() -> None:
    import lpips

    a, b = torch.rand(2, 1, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    a[:, :, 0, 0] *= 1e-9
    head = torch.tensor([0.1, 0.0, 2.0, 0.5, 1.0])
    ours = unit(a)
    theirs = lpips.normalize_tensor(a)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)
    wanted = ((theirs - lpips.normalize_tensor(b)) ** 2 * head[:, None, None]).sum(1)
    torch.testing.assert_close(distance_map(ours, unit(b), head), wanted, rtol=1e-5, atol=1e-7)


def two_taps() -> Stack:
    generator = torch.Generator().manual_seed(0)

    def conv(into: int, out: int) -> Step:
        weight = torch.randn(out, into, 3, 3, generator=generator)
        return Step(3, 2, 1, weight, torch.zeros(out), tap=True)

    return Stack((conv(3, 4), conv(4, 6)), (torch.rand(4, generator=generator), torch.rand(6, generator=generator)))


def test_a_distance_is_the_sum_over_taps_of_the_mean_over_places() -> None:
    stack = two_taps()
    x, y = torch.rand(2, 2, 3, 16, 12, generator=torch.Generator().manual_seed(3))
    wanted = torch.zeros(2)
    a, b = x, y
    for step, head in zip(stack.steps, stack.heads, strict=True):
        a, b = (F.relu(F.conv2d(side, step.weight, stride=2, padding=1)) for side in (a, b))
        units = [side / (side.norm(dim=1, keepdim=True) + 1e-10) for side in (a, b)]
        wanted += ((units[0] - units[1]) ** 2 * head[:, None, None]).sum(1).mean((1, 2))
    torch.testing.assert_close(stack.distances(x, y), wanted, rtol=1e-5, atol=1e-7)
    assert stack.sizes(16, 12) == [(8, 6), (4, 3)]
    assert stack.fits(1, 1) and not Stack((Step(3, 1, 0, tap=True),), stack.heads[:1]).fits(2, 9)


def test_the_weights_of_a_hole_give_the_mean_of_the_upsampled_map_over_it() -> None:
    hole = np.zeros((20, 24), bool)
    hole[3:9, 2:20] = hole[15, 23] = True
    found = hole_weights(two_taps(), hole)
    assert found is not None
    for weights_of_tap, size in zip(found, [(10, 12), (5, 6)], strict=True):
        values = torch.rand(1, 1, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        whole = F.interpolate(values, size=(20, 24), mode="bilinear", align_corners=False)[0, 0]
        wanted = float(whole.numpy()[hole].mean())
        assert float((weights_of_tap * values[0, 0]).sum()) == pytest.approx(wanted, rel=1e-6)
    assert hole_weights(two_taps(), np.zeros((20, 24), bool)) is None


# ---- what differs


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_the_box_of_a_change_holds_it_in_any_channel_and_touches_it(channel: int) -> None:
    filled = TRUTH.copy()
    filled[4, 7, channel] ^= 1
    filled[11, 20, channel] ^= 1
    assert differing(TRUTH, [filled]) == (4, 12, 7, 21)
    other = TRUTH.copy()
    other[19, 0, channel] ^= 1
    for fills in ([filled, other], [other, filled]):
        assert differing(TRUTH, fills) == (4, 20, 0, 21)
    assert differing(TRUTH, [TRUTH.copy()]).empty


@pytest.mark.parametrize("place", [(0, 12), (5, 12), (10, 12), (19, 12), (8, 0), (8, 9), (8, 15), (8, 23)])
def test_a_change_on_any_side_of_the_box_is_outside_it(place: tuple[int, int]) -> None:
    box = Box(6, 10, 10, 15)
    inside = TRUTH.copy()
    inside[6:10, 10:15] ^= 255
    assert same_outside(TRUTH, inside, box)
    inside[place] ^= 1
    assert not same_outside(TRUTH, inside, box)


# ---- the columns


def test_each_protocols_backbone_is_the_packages_net_of_that_name() -> None:
    found = {name: columns.backbone_of(ScoringContext(protocol=each)) for name, each in PROTOCOLS.items()}
    alike = dict.fromkeys(("native", "mat", "aot"), "alexnet")
    assert found == {**alike, "lama": "vgg16", "brushbench": "squeezenet1_1"}
    assert columns.BACKBONES == {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """A small stack in place of any backbone; what was loaded, from where."""
    seen: list[tuple[str, Any]] = []

    def load(which: Any, folder: Any) -> Stack:
        seen.append((which.name, folder))
        return two_taps()

    monkeypatch.setattr(weights, "load", load)
    return seen


def test_a_backbone_is_loaded_once_a_scorer_from_where_it_was_told(loads: list[tuple[str, Any]]) -> None:
    scorer = Scorer(["lpips", "lpips_hole"], weights_dir=Path("here"), protocol="lama")
    hole = np.eye(20, 24, dtype=bool)
    for _ in range(2):
        scorer.score("x", TRUTH, hole, [255 - TRUTH])
    assert loads == [("vgg16", Path("here"))]
    assert scorer.missing == {}


def test_without_a_backbone_both_columns_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def load(which: Any, folder: Any) -> Stack:
        tries.append(which)
        raise weights.WeightsError("nowhere to be found")

    monkeypatch.setattr(weights, "load", load)
    scorer = Scorer(["psnr", "lpips", "lpips_hole"])
    row = scorer.score("x", TRUTH, np.ones((20, 24), bool), [255 - TRUTH])[0]
    assert math.isnan(row["lpips"]) and math.isnan(row["lpips_hole"]) and row["psnr"] > 0
    assert scorer.missing == dict.fromkeys(["lpips", "lpips_hole"], "nowhere to be found")
    assert len(tries) == 1


def test_the_second_column_of_the_same_fills_costs_nothing_and_other_fills_get_their_own(
    loads: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    plain = columns.patch_scores

    def counted(stack: Any, key: str, cards: Any) -> Any:
        calls.append(len(cards))
        return plain(stack, key, cards)

    monkeypatch.setattr(columns, "patch_scores", counted)
    names = ["lpips", "lpips_hole"]
    hole = np.zeros((20, 24), bool)
    hole[4:12, 6:18] = True
    fills = [np.where(hole[..., None], np.uint8(level), TRUTH) for level in (0, 90, 255)]

    def value(filled: np.ndarray) -> tuple[float, float]:
        row = Scorer(names).score("x", TRUTH, hole, [filled])[0]
        return row["lpips"], row["lpips_hole"]

    alone = [value(filled) for filled in fills]
    assert calls == [1, 1, 1]
    assert len(set(alone)) == 3
    assert all(whole != inside for whole, inside in alone)
    scorer = Scorer(names)
    for chosen in ([0], [1], [0, 1], [1, 0], [2, 1, 0], [2, 1]):
        rows = scorer.score("x", TRUTH, hole, [fills[place] for place in chosen])
        assert [(row["lpips"], row["lpips_hole"]) for row in rows] == [alone[place] for place in chosen]
    assert calls[3:] == [1, 1, 2, 2, 3, 2]


def test_pictures_too_small_for_the_stack_have_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack((Step(25, 1, 0, torch.ones(1, 3, 25, 25), torch.zeros(1), tap=True),), (torch.ones(1),))
    monkeypatch.setattr(weights, "load", lambda *_: stack)
    row = Scorer(["lpips", "lpips_hole"]).score("x", TRUTH, np.ones((20, 24), bool), [255 - TRUTH])[0]
    assert math.isnan(row["lpips"]) and math.isnan(row["lpips_hole"])
