"""Every U-Net variant's forward pass and the critic's, written out here layer by layer on their state dicts' names.

double_dg's stands in test_double_dg.py.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from variants.blocks import Critic
from variants.registry import variant

W = 4
RESIDUALS = {"baseline": 0, "basic_gan": 0, "gan_new_loss": 0, "gan_res_mask": 5, "gan_res_whole": 5}
"""Residual blocks in the middle: 19 convolution layers in all are 4 + 5 · 2 + 4 + 1."""

State = dict[str, Tensor]


def unet_shapes(residuals: int) -> dict[str, tuple[int, ...]]:
    """Every weight's name and shape: the first block has a bias and no BatchNorm, the others BatchNorm and no bias."""
    w = W
    shapes: dict[str, tuple[int, ...]] = {"down1.0.weight": (w, 6, 4, 4), "down1.0.bias": (w,)}
    for number, (cin, cout) in ((2, (w, 2 * w)), (3, (2 * w, 4 * w)), (4, (4 * w, 8 * w))):
        shapes |= {f"down{number}.0.weight": (cout, cin, 4, 4), **norm_shapes(f"down{number}.1", cout)}
    for i in range(residuals):
        for conv, norm in ((0, 1), (3, 4)):
            shapes[f"middle.{i}.body.{conv}.weight"] = (8 * w, 8 * w, 3, 3)
            shapes |= norm_shapes(f"middle.{i}.body.{norm}", 8 * w)
    for number, (cin, cout) in ((4, (8 * w, 4 * w)), (3, (8 * w, 2 * w)), (2, (4 * w, w)), (1, (2 * w, w))):
        shapes |= {f"up{number}.0.weight": (cin, cout, 4, 4), **norm_shapes(f"up{number}.1", cout)}
    return shapes | {"out.weight": (3, w, 3, 3), "out.bias": (3,)}


def norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    each = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**each, f"{name}.num_batches_tracked": ()}


def stirred(module: nn.Module) -> State:
    """Weights, offsets and running statistics that are all different from what a module begins with, in float64."""
    generator = torch.Generator().manual_seed(0)
    for name, value in module.double().state_dict().items():
        if value.is_floating_point():
            value.copy_(
                torch.randn(value.shape, generator=generator, dtype=torch.float64) * (0.3 if value.dim() > 1 else 0.5)
            )
        if name.endswith("running_var"):
            value.abs_().add_(0.2)
    return {name: value.clone() for name, value in module.state_dict().items()}


def batch_norm(state: State, name: str, y: Tensor, training: bool) -> Tensor:
    axes = (0, 2, 3)
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    if training:
        mean, var = y.mean(axes), y.var(axes, unbiased=False)
    y = (y - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + 1e-5)
    return y * state[f"{name}.weight"].view(1, -1, 1, 1) + state[f"{name}.bias"].view(1, -1, 1, 1)


def unet(state: State, residuals: int, x: Tensor, known: Tensor, training: bool) -> Tensor:
    def halve(number: int, y: Tensor) -> Tensor:
        y = F.conv2d(y, state[f"down{number}.0.weight"], None, stride=2, padding=1)
        return F.relu(batch_norm(state, f"down{number}.1", y, training))

    def double(number: int, y: Tensor) -> Tensor:
        y = F.conv_transpose2d(y, state[f"up{number}.0.weight"], None, stride=2, padding=1)
        return F.relu(batch_norm(state, f"up{number}.1", y, training))

    first = F.conv2d(
        torch.cat((x, known), 1), state["down1.0.weight"], state["down1.0.bias"], stride=2, padding=1
    ).clamp_min(0)
    second = halve(2, first)
    third = halve(3, second)
    y = halve(4, third)
    for i in range(residuals):
        inner = F.conv2d(y, state[f"middle.{i}.body.0.weight"], padding=1)
        inner = F.relu(batch_norm(state, f"middle.{i}.body.1", inner, training))
        inner = F.conv2d(inner, state[f"middle.{i}.body.3.weight"], padding=1)
        y = y + batch_norm(state, f"middle.{i}.body.4", inner, training)
    y = torch.cat((double(4, y), third), 1)
    y = torch.cat((double(3, y), second), 1)
    y = torch.cat((double(2, y), first), 1)
    return F.conv2d(double(1, y), state["out.weight"], state["out.bias"], padding=1)


def picture_and_known() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    known = torch.ones(2, 3, 32, 48, dtype=torch.float64)
    known[:, :, 8:20, 12:40] = 0
    return torch.randn(known.shape, generator=generator, dtype=torch.float64) * known, known


@pytest.mark.parametrize("name", RESIDUALS)
def test_a_state_dict_has_the_names_and_shapes_that_saved_weights_have(name):
    given = {key: tuple(value.shape) for key, value in variant.get(name)().network(W).state_dict().items()}
    assert given == unet_shapes(RESIDUALS[name])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", RESIDUALS)
def test_a_unets_output_is_that_of_its_layers_written_out(name, training):
    network = variant.get(name)().network(W).train(training)
    state = stirred(network)
    x, known = picture_and_known()
    # With gradients and without: skips are joined in two ways.
    expected = unet(state, RESIDUALS[name], x, known, training)
    given = network(x, known)
    torch.testing.assert_close(given.detach(), expected)
    if not training:
        with torch.no_grad():
            torch.testing.assert_close(network(x, known), expected)


def test_a_unets_gradients_are_those_of_its_layers_written_out():
    network = variant.get("gan_res_mask")().network(W).eval()
    state = stirred(network)
    leaves = {name: value.requires_grad_() for name, value in state.items() if value.is_floating_point()}
    x, known = picture_and_known()
    network(x, known).square().mean().backward()
    unet(leaves, 5, x, known, False).square().mean().backward()
    for name, weight in network.named_parameters():
        torch.testing.assert_close(
            weight.grad, leaves[name].grad, rtol=1e-6, atol=1e-9 * float(weight.grad.abs().max())
        )


@pytest.mark.parametrize("training", [False, True])
def test_a_critics_verdict_is_that_of_its_layers_written_out(training):
    critic = Critic(W).train(training)
    state = stirred(critic)
    x = picture_and_known()[0]
    y = F.relu(F.conv2d(x, state["features.0.0.weight"], state["features.0.0.bias"], stride=2, padding=1))
    for i in (1, 2, 3):
        y = F.conv2d(y, state[f"features.{i}.0.weight"], None, stride=2, padding=1)
        y = F.relu(batch_norm(state, f"features.{i}.1", y, training))
    expected = y.mean((2, 3)) @ state["score.weight"].T + state["score.bias"]
    given = critic(x)
    assert given.shape == (2, 1)
    torch.testing.assert_close(given.detach(), expected)


@pytest.mark.parametrize(("layer", "channels"), [(0, 3), (1, W), (2, 2 * W), (3, 4 * W)])
def test_a_critics_layers_double_their_channels_and_only_the_first_has_a_bias(layer, channels):
    state = Critic(W).state_dict()
    assert tuple(state[f"features.{layer}.0.weight"].shape) == (W * 2**layer, channels, 4, 4)
    assert (f"features.{layer}.0.bias" in state) == (layer == 0) == (f"features.{layer}.1.weight" not in state)
