"""double_dg against the report's listing, written out here layer by layer on its state dict's names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from bench.methods.load import load_methods
from variants.blocks import MEAN, STD
from variants.registry import variant
from variants.weights import CheckpointError


def listing_state(width: int = 64, seed: int = 0) -> dict[str, torch.Tensor]:
    """A random state dict with the listing's key names and shapes at full width."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * (1.0 / np.prod(shape[1:])) ** 0.5

    state = {}
    w = width
    for stage in (1, 2):
        for i, (cin, cout) in enumerate([(6, w), (w, 2 * w), (2 * w, 4 * w)]):
            state[f"downscale{stage}.{i}.conv.0.weight"] = draw(cout, cin, 4, 4)
            state[f"downscale{stage}.{i}.conv.0.bias"] = draw(cout, 1)[:, 0]
        for i in range(3):
            for j in (0, 2):
                state[f"residual{stage}.{i}.conv.{j}.weight"] = draw(4 * w, 4 * w, 3, 3)
                state[f"residual{stage}.{i}.conv.{j}.bias"] = draw(4 * w, 1)[:, 0]
        for i, (cin, cout) in enumerate([(4 * w, 2 * w), (2 * w, w), (w, 3)]):
            state[f"upscale{stage}.{i}.conv.0.weight"] = draw(cin, cout, 4, 4)
            state[f"upscale{stage}.{i}.conv.0.bias"] = draw(cout, 1)[:, 0]
    return state


def listing_forward(
    state: dict[str, torch.Tensor], x: torch.Tensor, mask: torch.Tensor, linear: bool = False
) -> torch.Tensor:
    """The listing's forward pass: x normalised, mask 1 where known, (N, 3, H, W) both. linear: without the ReLU that
    ends each stage."""

    def stage(number: int, y: torch.Tensor) -> torch.Tensor:
        for i in range(3):
            name = f"downscale{number}.{i}.conv.0"
            y = F.leaky_relu(F.conv2d(y, state[name + ".weight"], state[name + ".bias"], stride=2, padding=1), 0.2)
        for i in range(3):
            name = f"residual{number}.{i}.conv"
            inner = F.relu(F.conv2d(y, state[name + ".0.weight"], state[name + ".0.bias"], padding=1))
            y = y + F.conv2d(inner, state[name + ".2.weight"], state[name + ".2.bias"], padding=1)
        for i in range(3):
            name = f"upscale{number}.{i}.conv.0"
            y = F.conv_transpose2d(y, state[name + ".weight"], state[name + ".bias"], stride=2, padding=1)
            if i < 2 or not linear:
                y = F.relu(y)
        return y

    x_masked = x * mask
    inpainted = x_masked + stage(1, torch.cat((x_masked, mask), 1)) * (1 - mask)
    return inpainted + stage(2, torch.cat((inpainted, mask), 1)) * (1 - mask)


def picture(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(3).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    hole = np.zeros((1, size, size), bool)
    hole[:, 10:40, 20:50] = True
    return image, hole


def reference_raw(state: dict[str, torch.Tensor], image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    x = (torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255 - mean) / std
    known = torch.from_numpy(~hole)[:, None].float().expand(-1, 3, -1, -1)
    return listing_forward(state, x, known).numpy()


def weights_at(file):
    return lambda name, seed: (file, 0)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_listing_state_dict_loads_unchanged_and_gives_the_listings_output(tmp_path, suffix):
    state = listing_state()
    file = tmp_path / f"generator.{suffix}"
    save_file(state, str(file)) if suffix == "safetensors" else torch.save(state, file)
    image, hole = picture()
    method = load_methods("double_dg", weights=weights_at(file))[0]
    mean, std = np.array(MEAN), np.array(STD)
    expected = reference_raw(state, image, hole)
    raw = method.fill(image, hole)
    normalised = (raw - mean) / std
    # raw is clipped to [0, 1]; where the listing's output is inside, the two agree.
    wanted = np.moveaxis(expected, 1, -1)
    inside = (wanted * std + mean > 1e-6) & (wanted * std + mean < 1 - 1e-6)
    assert inside[hole].mean() > 0.2
    # A batch is summed in another order than a picture alone, and by other kernels on other processors: 1e-5 was seen.
    assert np.abs(normalised - wanted)[inside].max() < 5e-5


@pytest.mark.parametrize(("name", "width"), [("double_dg", 64), ("double_dg_linear", 8)])
def test_network_output_equals_the_listing_before_clipping(name, width):
    state = listing_state(width, seed=1)
    network = variant.get(name)().network(width)
    network.load_state_dict(state)
    torch.manual_seed(0)
    x, known = torch.randn(2, 3, 48, 64), torch.ones(2, 3, 48, 64)
    known[:, :, 8:30, 20:50] = 0
    with torch.no_grad():
        ours, theirs = network.eval()(x * known, known), listing_forward(state, x, known, linear="linear" in name)
    assert (ours - theirs).abs().max() < 1e-5


def test_a_fill_is_never_darker_than_the_imagenet_mean_and_the_linear_variant_may_be(tmp_path):
    state = {key: value - 0.2 for key, value in listing_state(width=8).items()}
    file = tmp_path / "g.safetensors"
    save_file(state, str(file))
    image, hole = picture()
    floor = load_methods("double_dg", weights=weights_at(file))[0].fill(image, hole)[hole]
    free = load_methods("double_dg_linear", weights=weights_at(file))[0].fill(image, hole)[hole]
    assert (floor >= np.array(MEAN, np.float32) - 1e-6).all()
    assert (free < np.array(MEAN, np.float32) - 0.01).any()


def test_a_checkpoint_of_another_network_is_refused_in_one_sentence(tmp_path):
    file = tmp_path / "unet.pth"
    torch.save(variant.get("baseline")().network(8).state_dict(), file)
    with pytest.raises(CheckpointError, match=r"does not fit double_dg: it lacks 'downscale1"):
        load_methods("double_dg", weights=weights_at(file))


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch pwned",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, file)
    with pytest.raises(CheckpointError, match="refused"):
        load_methods("double_dg", weights=weights_at(file))
    assert not (tmp_path / "pwned").exists()


def test_wrapped_and_data_parallel_state_dicts_load(tmp_path):
    state = listing_state(width=8)
    file = tmp_path / "wrapped.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, file)
    assert load_methods("double_dg", weights=weights_at(file))[0].parameters == sum(v.numel() for v in state.values())
