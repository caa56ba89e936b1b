"""Our Adam against torch's plain one (not fused, no views), for weights and gradients of any layout."""

import itertools

import pytest
import torch
from torch import nn

from variants.adam import Adam

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize(("weight_layout", "gradient_layout"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_updates_are_those_of_torchs_plain_adam(weight_layout, gradient_layout):
    torch.manual_seed(0)
    start = [torch.randn(8, 6, 3, 3), torch.randn(5, 1, 4, 4), torch.randn(7, 3), torch.randn(4)]
    ours = [nn.Parameter(laid_out(weight, weight_layout)) for weight in start]
    plain = [nn.Parameter(weight.clone()) for weight in start]
    mine = Adam(ours, 1e-2, (0.5, 0.999))
    theirs = torch.optim.Adam(plain, lr=1e-2, betas=(0.5, 0.999), fused=False, foreach=False)
    for rate in (1e-2, 5e-3, 1e-3):
        mine.rate = theirs.param_groups[0]["lr"] = rate
        mine.zero_grad()
        assert all(weight.grad is None for weight in ours)
        for a, b in zip(ours, plain, strict=True):
            b.grad = torch.randn_like(b)
            a.grad = laid_out(b.grad, gradient_layout)
        mine.step()
        theirs.step()
        assert mine.rate == pytest.approx(rate)
    for a, b in zip(ours, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_the_state_is_taken_up_again():
    torch.manual_seed(0)
    gradients = [torch.randn(8, 6, 3, 3).to(memory_format=torch.channels_last) for _ in range(4)]

    def weights(restart: bool) -> torch.Tensor:
        weight = nn.Parameter(torch.ones(8, 6, 3, 3).to(memory_format=torch.channels_last))
        optimiser = Adam([weight], 1e-2, (0.9, 0.999))
        for step, gradient in enumerate(gradients):
            if restart and step == 2:
                state, optimiser = optimiser.state_dict(), Adam([weight], 1.0, (0.9, 0.999))
                optimiser.load_state_dict(state)
            weight.grad = gradient.clone()
            optimiser.step()
        return weight.detach()

    assert torch.equal(weights(restart=True), weights(restart=False))


def laid_out(tensor: torch.Tensor, layout: torch.memory_format) -> torch.Tensor:
    return tensor.detach().clone(memory_format=layout) if tensor.dim() == 4 else tensor.detach().clone()
