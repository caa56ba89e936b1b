"""Losses against hand calculation."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from variants.objectives import (
    LeastSquaresAdversarial,
    Reconstruction,
    ReconstructionAdversarial,
    Step,
    bce,
    crop_around_hole,
    least_squares,
)


def step_of(error: float) -> Step:
    """A 4×4 picture of zeros whose 2×2 hole is off by ``error``; known pixels are right."""
    hole = torch.zeros(1, 1, 4, 4)
    hole[..., 1:3, 1:3] = 1
    fake = hole.expand(-1, 3, -1, -1) * error
    return Step(torch.zeros(1, 3, 4, 4), hole, fake, fake)


def test_reconstruction_is_the_mean_over_the_picture_and_over_the_hole():
    losses = Reconstruction().generator_loss(step_of(2.0))
    assert losses["mse"].item() == pytest.approx(4 * 4 / 16)
    assert losses["mse_hole"].item() == pytest.approx(4.0)


def test_bce_of_an_undecided_critic_is_log_two():
    assert bce(torch.zeros(3, 1), True).item() == pytest.approx(math.log(2))
    assert bce(torch.full((1, 1), 2.0), False).item() == pytest.approx(math.log(1 + math.e**2))


def test_least_squares_measures_the_distance_to_the_label():
    assert least_squares(torch.tensor([[0.25]]), True).item() == pytest.approx(0.5625)
    assert least_squares(torch.tensor([[0.25]]), False).item() == pytest.approx(0.0625)


def softplus(x: float) -> float:
    """What cross-entropy charges for a verdict of −x on a real picture, or of x on a fake one."""
    return math.log(1 + math.exp(x))


class MeanOf(nn.Module):
    """A critic whose verdict is the mean of the picture, times ``scale``."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x.mean(dim=(1, 2, 3))[:, None]


def painted(inside: float, outside: float) -> torch.Tensor:
    """64 px, ``inside`` in the hole of :func:`local_step`, a quarter of the side, ``outside`` around it."""
    picture = torch.full((2, 3, 64, 64), outside)
    picture[:, :, 16:32, 32:48] = inside
    return picture


def local_step() -> Step:
    """Whole pictures have the means .5 (truth), −1 (fake) and 9 (what the network put out); in the hole, ±2."""
    hole = painted(1, 0)[:, :1]
    outside = [(16 * mean - inside) / 15 for mean, inside in ((0.5, 2.0), (-1.0, -2.0), (9.0, 9.0))]
    return Step(painted(2, outside[0]), hole, painted(9, outside[2]), painted(-2, outside[1]))


def sees_only_the_hole(objective: ReconstructionAdversarial) -> None:
    """A local critic that reads the middle of its crop, where the hole is, undisturbed by the crop's rim."""
    objective.local_critic = nn.Sequential(MiddleOf(), MeanOf())


class MiddleOf(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., 4:-4, 4:-4]


def test_the_error_of_known_pixels_counts_in_the_picture_and_not_in_the_hole():
    step = step_of(2.0)
    step.fake = step.fake.clone()
    step.fake[..., 0, :] = 3.0  # a row of known pixels
    losses = Reconstruction().generator_loss(step)
    assert losses["mse"].item() == pytest.approx((4 * 4 + 4 * 9) / 16)
    assert losses["mse_hole"].item() == pytest.approx(4.0)


def test_the_fill_is_learnt_from_and_not_what_the_network_put_out():
    step = step_of(2.0)
    step.output = step.output + 5
    assert Reconstruction().generator_loss(step)["mse"].item() == pytest.approx(4 * 4 / 16)


def test_a_tiny_hole_weighs_little_beside_a_large_one_and_no_hole_is_no_error():
    hole = torch.zeros(2, 1, 4, 4)
    hole[0, :, :1, :1] = 1
    hole[1, :, :3, :3] = 1
    fake = torch.zeros(2, 3, 4, 4)
    fake[0], fake[1] = 10.0, 1.0
    given = Reconstruction().generator_loss(Step(torch.zeros_like(fake), hole, fake, fake))
    # One pixel of error 10² and nine of error 1.
    assert given["mse_hole"].item() == pytest.approx((100 + 9) / 10)
    none = Reconstruction().generator_loss(Step(torch.zeros_like(fake), torch.zeros_like(hole), fake, fake))
    assert none["mse_hole"].item() == 0


def test_no_critic_takes_part_in_pure_reconstruction():
    assert Reconstruction().critic_loss(step_of(2.0)) is None
    assert list(Reconstruction().parameters()) == []


def test_least_squares_losses_by_hand():
    objective = LeastSquaresAdversarial(4)
    objective.critic = MeanOf()
    # Verdicts: .5 on the truth, which should be 1; −1 on the fake, which the critic wants at 0, the generator at 1.
    assert objective.critic_loss(local_step())["critic"].item() == pytest.approx((0.5**2 + 1) / 2)
    losses = objective.generator_loss(local_step())
    assert list(losses) == ["adversarial"]  # the report's "pure MSE loss": nothing on the pixels
    assert losses["adversarial"].item() == pytest.approx(2.0**2)


@pytest.mark.parametrize("weight", [0.1, 1.0])
def test_cross_entropy_losses_of_one_critic_by_hand(weight):
    objective = ReconstructionAdversarial(4, adversarial=weight)
    objective.critic = MeanOf()
    critic = objective.critic_loss(local_step())
    assert list(critic) == ["critic"]
    assert critic["critic"].item() == pytest.approx((softplus(-0.5) + softplus(-1)) / 2)
    losses = objective.generator_loss(local_step())
    assert list(losses) == ["mse", "mse_hole", "adversarial"]
    assert losses["adversarial"].item() == pytest.approx(weight * softplus(1), rel=1e-5)
    assert losses["mse_hole"].item() == pytest.approx(4.0**2)  # not weighted: −2 for 2 in the hole


def test_a_critic_that_is_nearly_fooled_costs_the_generator_little():
    objective = ReconstructionAdversarial(4, adversarial=0.1)
    nn.init.zeros_(objective.critic.score.weight)
    nn.init.constant_(objective.critic.score.bias, 2.0)
    given = objective.generator_loss(local_step())["adversarial"].item()
    assert given == pytest.approx(0.1 * math.log(1 + math.exp(-2)), rel=1e-5)
    assert given == pytest.approx(0.01269, abs=5e-6)


def test_cross_entropy_losses_of_a_global_and_a_local_critic_by_hand():
    objective = ReconstructionAdversarial(4, adversarial=0.1, local=True)
    objective.critic = MeanOf()
    sees_only_the_hole(objective)
    critic = objective.critic_loss(local_step())
    assert critic["critic"].item() == pytest.approx((softplus(-0.5) + softplus(-1)) / 2)
    assert critic["critic_local"].item() == pytest.approx((softplus(-2) + softplus(-2)) / 2)
    fooled = objective.generator_loss(local_step())["adversarial"].item()
    assert fooled == pytest.approx(0.1 * (softplus(1) + softplus(2)) / 2)


def test_a_local_critic_is_there_when_asked_for_and_is_another_one():
    assert ReconstructionAdversarial(4, adversarial=0.1).local_critic is None
    both = ReconstructionAdversarial(4, adversarial=0.1, local=True)
    assert both.local_critic is not both.critic
    assert sum(1 for _ in both.parameters()) == 2 * sum(1 for _ in both.critic.parameters())


def test_the_local_critic_sees_a_square_around_the_hole():
    picture = torch.zeros(1, 3, 64, 64)
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 8:24, 40:56] = 1
    picture[..., 8:24, 40:56] = 1
    crop = crop_around_hole(picture, hole)
    assert crop.shape == (1, 3, 32, 32)
    # A 16-pixel hole is a quarter of the side, so the crop is the hole and nothing else (but for the rim).
    assert crop[..., 2:-2, 2:-2].min() == pytest.approx(1.0)


def test_the_local_crop_of_a_hole_in_the_corner_stays_inside_the_picture():
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., :4, 60:] = 1
    assert crop_around_hole(torch.ones(1, 3, 64, 64), hole)[..., 1:-1, 1:-1].min() == pytest.approx(1.0)


def hole_at(rows: slice, columns: slice, height: int = 64, width: int = 64) -> torch.Tensor:
    hole = torch.zeros(1, 1, height, width)
    hole[:, :, rows, columns] = 1
    return hole


def noise(height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("hole", "rows", "columns"),
    [
        # 32 px is half of the side, so the crop has the picture's own pixels.
        (hole_at(slice(10, 42), slice(20, 32)), slice(10, 42), slice(10, 42)),  # upright: widened about column 26
        (hole_at(slice(20, 32), slice(6, 38)), slice(10, 42), slice(6, 38)),  # lying: heightened about row 26
        (hole_at(slice(16, 48), slice(0, 4)), slice(16, 48), slice(0, 32)),  # at the left edge: moved inside
        (hole_at(slice(16, 48), slice(60, 64)), slice(16, 48), slice(32, 64)),
        (hole_at(slice(0, 2), slice(8, 40)), slice(0, 32), slice(8, 40)),
        (hole_at(slice(62, 64), slice(8, 40)), slice(32, 64), slice(8, 40)),
    ],
    ids=["upright", "lying", "left", "right", "top", "bottom"],
)
def test_the_crop_of_an_oblong_hole_is_the_square_of_its_longer_side(hole, rows, columns):
    picture = noise()
    torch.testing.assert_close(crop_around_hole(picture, hole), picture[:, :, rows, columns], rtol=0, atol=1e-5)


def test_two_pieces_of_a_hole_are_in_one_crop():
    hole = hole_at(slice(8, 12), slice(4, 8)) + hole_at(slice(36, 40), slice(30, 36))
    torch.testing.assert_close(crop_around_hole(noise(), hole), noise()[:, :, 8:40, 4:36], rtol=0, atol=1e-5)


@pytest.mark.parametrize("hole", [torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)], ids=["none", "all"])
def test_without_a_hole_or_with_nothing_else_the_crop_is_the_whole_picture_at_half_the_side(hole):
    torch.testing.assert_close(crop_around_hole(noise(), hole), F.avg_pool2d(noise(), 2), rtol=0, atol=1e-5)


def test_a_tiny_holes_crop_is_a_quarter_of_the_side():
    # Centred on row 30 and column 22: 16 px, shown at twice their size. The rim sees beyond the crop.
    crop = crop_around_hole(noise(), hole_at(slice(29, 31), slice(21, 23)))
    around = F.interpolate(noise()[:, :, 21:39, 13:31], scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(crop, around[:, :, 2:-2, 2:-2], rtol=0, atol=1e-5)


def test_the_crop_of_an_oblong_picture_has_its_shape():
    # 16 of 32 rows are a half; the crop is 16 rows and half of the 128 columns about column 70.
    picture = noise(32, 128)
    crop = crop_around_hole(picture, hole_at(slice(4, 20), slice(60, 80), 32, 128))
    torch.testing.assert_close(crop, picture[:, :, 4:20, 38:102], rtol=0, atol=1e-5)
    # 64 of 128 columns are a half, and the 8 rows are widened to 16 about row 12.
    crop = crop_around_hole(picture, hole_at(slice(8, 16), slice(20, 84), 32, 128))
    torch.testing.assert_close(crop, picture[:, :, 4:20, 20:84], rtol=0, atol=1e-5)


def test_a_small_pictures_crop_has_16_pixels_a_side():
    assert crop_around_hole(noise(24, 20), torch.ones(1, 1, 24, 20)).shape == (1, 3, 16, 16)


def test_every_picture_of_a_batch_is_cropped_around_its_own_hole():
    holes = torch.cat((hole_at(slice(0, 32), slice(0, 32)), hole_at(slice(30, 62), slice(8, 40))))
    crops = crop_around_hole(noise().repeat(2, 1, 1, 1), holes)
    torch.testing.assert_close(crops[0], noise()[0, :, :32, :32], rtol=0, atol=1e-5)
    torch.testing.assert_close(crops[1], noise()[0, :, 30:62, 8:40], rtol=0, atol=1e-5)
