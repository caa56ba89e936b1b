"""Big pictures go through a network in tiles, which give what the whole gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from variants import network_method
from variants.network_method import NetworkMethod
from variants.reach import reach
from variants.registry import variant


# A block of 16 pixels, backwards: out 3x3 and four transposed convolutions of 4, stride 2, need cells -1 to 1 of 16
# pixels; n convolutions of 3x3 there, n cells more; four convolutions of 4, stride 2, take i to 2i - 1 … 2i + 2.
# Without residual blocks: 1 -> 4 -> 10 -> 22 -> 46, and -1 -> -3 -> -7 -> -15 -> -31: 31 on either side of 0 … 15.
# With five (10 convolutions): -11 -> -23 -> -47 -> -95 -> -191.
@pytest.mark.parametrize(("name", "pixels"), [("baseline", 31), ("gan_res_mask", 191)])
def test_the_reach_of_a_u_net_is_what_its_layers_say(name: str, pixels: int) -> None:
    entry = variant.get(name)()
    assert reach(entry.network(2), entry.multiple) == pixels


class Whole(nn.Module):
    """Looks at the mean of the whole picture."""

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return x + x.mean(dim=(2, 3), keepdim=True)


def test_a_network_that_looks_at_the_whole_picture_has_no_reach() -> None:
    assert reach(Whole(), 8) is None


@pytest.mark.parametrize("name", ["baseline", "gan_res_whole", "double_dg"])
def test_tiles_give_what_the_whole_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = variant.get(name)()
    torch.manual_seed(0)
    method = NetworkMethod(name, entry, entry.network(2))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 219, 453, 3), dtype=np.uint8)
    hole = np.zeros((1, 219, 453), bool)
    hole[:, 20:200, 40:420] = True
    whole = method.fill(image, hole)
    monkeypatch.setattr(network_method, "WHOLE", 0)
    monkeypatch.setattr(network_method, "TILE", 48)
    tiled = method.fill(image, hole)
    assert np.abs(tiled - whole).max() < 1e-5
    # Without what the network looks at around a tile, its edges would show: the test can fail.
    monkeypatch.setitem(method.__dict__, "reach", 0)
    assert np.abs(method.fill(image, hole) - whole).max() > 1e-4


class Skewed(nn.Module):
    """A convolution of 5 whose BatchNorms, with and without memory, leave nothing above zero unless they are reset."""

    def __init__(self, centre: float) -> None:
        super().__init__()
        self.first = nn.BatchNorm2d(3)
        self.first.running_mean.fill_(centre)
        self.first.running_var.fill_(1e-12)
        self.other = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 3, 5, padding=2)
        nn.init.constant_(self.conv.weight, -1.0)

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.relu(self.other(self.first(x))))


@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_what_a_network_has_learnt_does_not_hide_how_far_it_looks(centre: float) -> None:
    network = Skewed(centre)
    assert reach(network, 8) == 2
    assert network.first.running_mean[0].item() == centre and network.conv.weight[0, 0, 0, 0].item() == -1


class OneSided(nn.Module):
    """Looks at what lies ``shift`` pixels away in one direction."""

    def __init__(self, shift: tuple[int, int], weight: float = 1.0) -> None:
        super().__init__()
        self.shift = shift
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return x + self.weight * torch.roll(x, self.shift, (2, 3))


@pytest.mark.parametrize("shift", [(0, 7), (0, -7), (7, 0), (-7, 0)])
def test_the_farthest_look_to_any_side_counts(shift: tuple[int, int]) -> None:
    assert reach(OneSided(shift), 8) == 7
    assert reach(OneSided(shift, weight=-1.0), 8) == 7, "what is subtracted is looked at"


@pytest.mark.parametrize(("shift", "found"), [(255, 255), (256, None)])
def test_half_the_strips_half_is_the_farthest_that_is_told_from_the_whole(shift: int, found: int | None) -> None:
    # Strips are 1,024 long.
    assert reach(OneSided((0, shift)), 8) == found


def test_a_network_that_does_not_look_has_no_reach_that_could_be_found() -> None:
    class Blind(nn.Module):
        def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
            return known + 0 * x

    assert reach(Blind(), 8) is None


def test_a_network_that_looks_at_its_own_pixel_alone_reaches_nowhere() -> None:
    assert reach(OneSided((0, 0)), 8) == 0
