"""LPIPS of a large picture in tiles is that of the whole picture, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.backbones.lpips_network import Stack, Step
from bench.metrics import lpips as columns
from bench.metrics import lpips_tiles
from bench.metrics.card import Card, Hole, Truth

ALEX = ((11, 4, 2), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 1, 1))
VGG = ((3, 1, 1), (3, 1, 1), (2, 2, 0), (3, 1, 1), (2, 2, 0), (3, 1, 1))
SQUEEZE = ((3, 2, 0), (3, 2, 0), (1, 1, 0), (3, 1, 1), (3, 2, 0), (1, 1, 0))
POOLINGS = {"alex": (1, 3), "vgg": (2, 4), "squeeze": (1, 4)}


def stack_of(net: str) -> Stack:
    """The layers of a backbone in small, with random weights, in float64: every convolution but 1 x 1 is compared."""
    generator = torch.Generator().manual_seed(0)
    steps, heads, channels = [], [], 3
    for number, (kernel, stride, padding) in enumerate({"alex": ALEX, "vgg": VGG, "squeeze": SQUEEZE}[net]):
        if number in POOLINGS[net]:
            steps.append(Step(kernel, stride, padding, ceil=net == "squeeze"))
            continue
        weight = torch.randn(4, channels, kernel, kernel, generator=generator, dtype=torch.float64)
        bias = torch.randn(4, generator=generator, dtype=torch.float64)
        steps.append(Step(kernel, stride, padding, weight / kernel, bias, tap=kernel > 1))
        channels = 4
        if kernel > 1:
            heads.append(torch.rand(4, generator=generator, dtype=torch.float64))
    return Stack(tuple(steps), tuple(heads))


@pytest.fixture
def pictures():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 256, (131, 170, 3), dtype=np.uint8)
    hole = np.zeros(truth.shape[:2], bool)
    hole[60:90, 3:50] = hole[125:, 160:] = True
    fills = [np.where(hole[..., None], rng.integers(0, 256, truth.shape, dtype=np.uint8), truth) for _ in range(2)]
    return truth, hole, [*fills, truth]


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
@pytest.mark.parametrize("tile", [24, 40, 64, 500])
def test_tiles_give_what_the_whole_picture_gives(net, tile, pictures, monkeypatch):
    truth, hole, fills = pictures
    stack = stack_of(net)
    monkeypatch.setattr(lpips_tiles, "TILE", tile)
    share = torch.from_numpy(hole / hole.sum())
    maps = [stack.maps(stack.input(truth[None]), stack.input(filled[None])) for filled in fills]
    # LPIPS' map over the hole: every tap's, upsampled to the picture.
    up = [[F.interpolate(m[:, None], truth.shape[:2], mode="bilinear")[0, 0] for m in each] for each in maps]
    weights = lpips_tiles.hole_weights(stack, hole)
    whole, inside = lpips_tiles.scores(stack, truth, fills, weights)
    np.testing.assert_allclose(whole, [float(sum(m.mean() for m in each)) for each in maps], rtol=1e-12)
    np.testing.assert_allclose(inside, [float(sum((m * share).sum() for m in each)) for each in up], rtol=1e-6)
    assert whole[2] == inside[2] == 0
    assert lpips_tiles.hole_weights(stack, hole & False) is None
    assert np.isnan(lpips_tiles.scores(stack, truth, fills, None)[1]).all()


def test_only_tiles_that_see_a_difference_are_computed(pictures, monkeypatch):
    truth, _, _ = pictures
    monkeypatch.setattr(lpips_tiles, "TILE", 24)
    seen = []
    monkeypatch.setattr(lpips_tiles, "taps", lambda *given: seen.append(given) or iter(()))
    other = truth.copy()
    other[2, 2] ^= 255
    lpips_tiles.scores(stack_of("vgg"), truth, [other], None)
    assert len(seen) == 2  # the truth and the fill, in the first of 5 x 7 tiles


def test_large_pictures_go_in_tiles_and_others_as_they_did(pictures, monkeypatch):
    truth, hole, fills = pictures
    stack = stack_of("alex")
    cards = [Card(Truth(truth), Hole(hole), filled) for filled in fills]
    expected = columns.patch_scores(stack, "a", cards)
    assert cards[0].truth.kept
    monkeypatch.setattr(lpips_tiles, "WHOLE", truth[..., 0].size - 1)
    monkeypatch.setattr(lpips_tiles, "TILE", 48)
    again = [Card(Truth(truth), Hole(hole), filled) for filled in fills]
    found = columns.patch_scores(stack, "a", again)
    assert not again[0].truth.kept  # nothing of the size of the picture stays
    np.testing.assert_allclose(found, expected, rtol=1e-9)
