"""Our Adam against torch's plain one (not fused, no views), for weights and gradients of any layout."""

import itertools

import pytest
import torch
from torch import nn

from variants.adam import Adam, as_seen

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


def test_it_is_torchs_fused_one_and_on_the_processor_no_graph_records_it():
    (group,) = Adam([nn.Parameter(torch.ones(3))], 1e-2, (0.5, 0.999)).param_groups
    assert (group["fused"], group["capturable"], group["betas"]) == (True, False, (0.5, 0.999))
    assert type(group["lr"]) is float


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


def test_a_weight_that_learns_nothing_in_a_step_stays():
    weights = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 2, 3, 3).to(memory_format=torch.channels_last))]
    optimiser = Adam(weights, 1e-2, (0.5, 0.999))
    weights[0].grad = torch.ones(3)
    optimiser.step()
    # Adam's first update is the rate itself, against the gradient's sign (Kingma & Ba 2015).
    torch.testing.assert_close(weights[0].detach(), torch.full((3,), 0.99))
    assert torch.equal(weights[1].detach(), torch.ones(2, 2, 3, 3))
    optimiser.zero_grad()
    optimiser.step()
    torch.testing.assert_close(weights[0].detach(), torch.full((3,), 0.99))


def test_a_channels_last_weight_is_seen_as_it_lies_in_memory():
    weight = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).float().contiguous(memory_format=torch.channels_last)
    seen = as_seen(weight, weight)
    assert seen.is_contiguous() and seen.shape == (2, 4, 5, 3)
    assert torch.equal(seen.permute(0, 3, 1, 2), weight)
    plain = torch.zeros(2, 3, 4, 5)
    assert as_seen(plain, plain) is plain


def laid_out(tensor: torch.Tensor, layout: torch.memory_format) -> torch.Tensor:
    return tensor.detach().clone(memory_format=layout) if tensor.dim() == 4 else tensor.detach().clone()
