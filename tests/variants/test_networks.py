"""The networks and how they are applied: layers, widths, padding, and independence of the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from variants.network_method import NetworkMethod
from variants.registry import variant

NETWORKS = ["baseline", "gan_res_mask", "double_dg", "double_dg_linear"]


def method(name: str, width: int = 4, seed: int = 0) -> NetworkMethod:
    torch.manual_seed(seed)
    entry = variant.get(name)()
    return NetworkMethod(name, entry, entry.network(width))


def pictures(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    holes = np.zeros((count, height, width), bool)
    holes[:, height // 4 : height // 2, width // 4 : width // 2] = True
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8), holes


@pytest.mark.parametrize("name", ["gan_res_mask", "gan_res_whole"])
def test_the_residual_variants_have_the_reports_19_convolution_layers(name):
    network = variant.get(name)().network(8)
    assert sum(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in network.modules()) == 19


@pytest.mark.parametrize(("name", "width"), [("baseline", 64), ("double_dg", 64), ("double_dg", 16)])
def test_width_sets_the_channels_after_the_first_halving(name, width):
    entry = variant.get(name)()
    state = entry.network(width).state_dict()
    assert state[entry.first_layer].shape[0] == width
    assert entry.width_of(state) == width


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fill_does_not_depend_on_the_batch_it_went_through(name):
    images, holes = pictures(11, 48, 32)
    together = method(name).fill(images, holes)
    alone = np.concatenate([method(name).fill(images[i : i + 1], holes[i : i + 1]) for i in range(11)])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_that_the_network_does_not_divide_are_padded_and_cropped_back(name):
    images, holes = pictures(2, 37, 51)
    raw = method(name).fill(images, holes)
    assert raw.shape == (2, 37, 51, 3)
    assert raw.min() >= 0
    assert raw.max() <= 1


@pytest.mark.parametrize("name", [*NETWORKS, "gan_new_loss", "basic_gan", "gan_res_whole"])
def test_what_lies_under_the_hole_cannot_be_seen(name):
    images, holes = pictures(2, 32, 32)
    other = np.where(holes[..., None], 255 - images, images).astype(np.uint8)
    assert np.array_equal(method(name).fill(images, holes), method(name).fill(other, holes))


@pytest.mark.parametrize("name", ["gan_res_mask", "double_dg"])
def test_variants_that_fill_the_hole_only_copy_known_pixels(name):
    images, holes = pictures(2, 32, 32)
    raw = method(name).fill(images, holes)
    assert np.array_equal(np.rint(raw[~holes] * 255).astype(np.uint8), images[~holes])


def test_variants_that_fill_the_whole_picture_change_known_pixels():
    images, holes = pictures(2, 32, 32)
    assert not np.allclose(method("baseline").fill(images, holes)[~holes], images[~holes] / 255, atol=0.02)
