"""What ranks exchange, by hand: this process is one of two, and the other's messages are known numbers.

What comes of it in several processes stands in test_ranks.py.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from variants import ranks
from variants.objectives import Reconstruction, Step
from variants.registry import variant
from variants.session import Plan, Session, to_device


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A second rank that always sends what this one does."""
    known = SimpleNamespace(rank=0, sent=[])
    monkeypatch.setattr(ranks.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(ranks.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(ranks.dist, "get_rank", lambda: known.rank)
    monkeypatch.setattr(ranks.dist, "all_reduce", lambda tensor: tensor.mul_(2))
    monkeypatch.setattr(ranks.dist, "broadcast", lambda tensor, source: known.sent.append((tensor.clone(), source)))
    return known


def test_alone_nothing_is_exchanged():
    value = torch.ones(3)
    assert (ranks.size(), ranks.index()) == (1, 0)
    assert ranks.total(value) is value
    assert ranks.means({"a": 2.0}, "cpu") == {"a": 2.0}
    state = {"step": 3}
    assert ranks.handed_out(state, "cpu") is state
    ranks.share_gradients([nn.Parameter(torch.ones(2))])
    module = ranks.join_statistics(nn.Sequential(nn.BatchNorm2d(3)))
    assert type(module[0]) is nn.BatchNorm2d


def test_a_total_is_of_all_ranks_and_so_are_its_gradients(twin):
    value = torch.tensor([1.0, -2.0], requires_grad=True)
    found = ranks.total(value)
    assert found.tolist() == [2, -4] and value.tolist() == [1, -2]
    (found * torch.tensor([3.0, 5.0])).sum().backward()
    assert value.grad.tolist() == [6, 10]


def test_gradients_become_their_mean_each_in_its_own_shape(twin, monkeypatch):
    weights = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(2))]
    weights[0].grad, weights[2].grad = torch.arange(6.0).view(2, 3), torch.tensor([7.0, 8.0])

    def other(message: Tensor) -> None:
        assert message.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
        message += 10

    monkeypatch.setattr(ranks.dist, "all_reduce", other)
    ranks.share_gradients(weights)
    assert weights[0].grad.tolist() == [[5, 5.5, 6], [6.5, 7, 7.5]]
    assert weights[1].grad is None
    assert weights[2].grad.tolist() == [8.5, 9]


def test_means_keep_their_names(twin, monkeypatch):
    monkeypatch.setattr(ranks.dist, "all_reduce", lambda tensor: tensor.add_(torch.tensor([1.0, 5.0])))
    assert ranks.means({"a": 2.0, "b": 4.0}, "cpu") == {"a": 1.5, "b": 4.5}


@pytest.mark.parametrize("state", [{"step": 3, "weights": torch.arange(4.0)}, None])
def test_the_first_ranks_state_is_that_of_every_rank(twin, monkeypatch, state):
    first = ranks.handed_out(state, "cpu")
    sent = [tensor for tensor, source in twin.sent if source == 0]
    assert len(sent) == len(twin.sent) == (2 if state else 1)
    assert int(sent[0]) == (len(sent[1]) if state else 0)
    twin.rank = 1
    messages = iter(sent)
    monkeypatch.setattr(ranks.dist, "broadcast", lambda tensor, source: tensor.copy_(next(messages)))
    for found in (first, ranks.handed_out({"step": 99}, "cpu")):
        if state is None:
            assert found is None
        else:
            assert found.keys() == state.keys() and found["step"] == 3
            assert torch.equal(found["weights"], state["weights"])


# ---- statistics


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    x = torch.randn(3, 2, 5, 4, dtype=torch.float64) * torch.tensor([1.0, 5.0]).view(1, 2, 1, 1) + 7
    return x, torch.randn(3, 2, 5, 4, dtype=torch.float64)


def torchs(norm: nn.BatchNorm2d, x: Tensor, weight: Tensor) -> list[Tensor]:
    """Output, gradients and what is remembered."""
    x = x.clone().requires_grad_()
    y = norm(x)
    (y * weight).sum().backward()
    return [y.detach(), x.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var]


def norm(momentum: float | None = 0.1) -> nn.BatchNorm2d:
    module = nn.BatchNorm2d(2, momentum=momentum)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.5, 2.0]))
        module.bias.copy_(torch.tensor([-1.0, 3.0]))
    return module


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics in float64, so that they can be compared to the last digits."""
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("momentum", [0.1, None])
def test_statistics_over_two_ranks_with_the_same_pictures_are_torchs_over_all_of_them(twin, momentum):
    x, weight = batch()
    whole, ours = norm(momentum).double(), ranks.join_statistics(norm(momentum).double())
    assert type(ours) is ranks.JointBatchNorm
    for other in (x.flip(0) * 2 + 1, x):
        whole.zero_grad()
        ours.zero_grad()
        expected = torchs(whole, torch.cat((other, other)), torch.cat((weight, weight)))
        found = torchs(ours, other, weight)
    for place in (0, 1):
        torch.testing.assert_close(found[place], expected[place][:3], rtol=1e-9, atol=1e-9)
    for place in (2, 3):  # the sum over two ranks is the whole's
        torch.testing.assert_close(2 * found[place], expected[place], rtol=1e-9, atol=1e-9)
    for place in (4, 5):
        torch.testing.assert_close(found[place], expected[place], rtol=1e-6, atol=0)
    assert int(ours.num_batches_tracked) == 2
    torch.testing.assert_close(ours.eval()(x), whole.eval()(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dimensions", [(), (5,), (5, 4), (2, 3, 4)])
def test_any_number_of_dimensions_and_half_precision(twin, dimensions):
    kind = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(dimensions)]
    torch.manual_seed(0)
    x = torch.randn(4, 2, *dimensions)
    ours = ranks.join_statistics(nn.Sequential(kind(2, affine=False, track_running_stats=False)))
    assert type(ours[0]) is ranks.JointBatchNorm
    torch.testing.assert_close(ours(x), kind(2, affine=False)(torch.cat((x, x)))[:4], rtol=1e-5, atol=1e-5)
    assert ours(x.bfloat16()).dtype == torch.bfloat16


def test_a_single_value_a_channel_has_no_variance_that_could_be_remembered(twin, monkeypatch):
    monkeypatch.setattr(ranks.dist, "get_world_size", lambda: 2)
    ours = ranks.join_statistics(nn.BatchNorm1d(1))
    monkeypatch.setattr(ranks, "size", lambda: 1)
    ours(torch.full((1, 1), 3.0))
    assert ours.running_mean.item() == pytest.approx(0.3)
    assert ours.running_var.item() == pytest.approx(0.9)


def test_the_error_in_holes_is_over_the_pixels_of_all_ranks(twin, monkeypatch):
    # This rank has 4 missing pixels of 3 channels, the other 12: 16 in all, so 8 a rank.
    monkeypatch.setattr(ranks.dist, "all_reduce", lambda tensor: tensor.add_(12 * 3))
    hole = torch.zeros(1, 1, 4, 4)
    hole[..., 1:3, 1:3] = 1
    fake = hole.expand(-1, 3, -1, -1) * 2.0
    losses = Reconstruction().generator_loss(Step(torch.zeros(1, 3, 4, 4), hole, fake, fake))
    # Squared errors of 4 in 4 pixels and 3 channels, over 3 x 8.
    assert losses["mse_hole"].item() == pytest.approx(4 * 4 * 3 / (8 * 3))


def test_a_step_of_two_ranks_with_the_same_pictures_is_that_of_one(twin, monkeypatch):
    def stepped(together: bool) -> dict[str, Tensor]:
        if not together:
            monkeypatch.setattr(ranks, "size", lambda: 1)
        session = Session(variant.get("double_dg")(), Plan("double_dg", 0, width=4, steps=4, batch=2))
        rng = np.random.default_rng(0)
        holes = np.zeros((2, 32, 32), bool)
        holes[:, 4:14, 6:20] = True
        losses = session.step(*to_device(rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8), holes, "cpu"))
        return {**losses, **session.generator.state_dict()}

    two, one = stepped(True), stepped(False)
    assert two.keys() == one.keys()
    for name, value in two.items():
        torch.testing.assert_close(value, one[name], rtol=1e-4, atol=3e-4, msg=name)
