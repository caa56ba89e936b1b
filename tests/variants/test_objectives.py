"""Losses against hand calculation."""

from __future__ import annotations

import math

import pytest
import torch

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


def test_pure_adversarial_loss_has_no_reconstruction_term():
    torch.manual_seed(0)
    step = Step(*(torch.rand(2, 3, 32, 32) if i != 1 else torch.ones(2, 1, 32, 32) for i in range(4)))
    assert set(LeastSquaresAdversarial(4).generator_loss(step)) == {"adversarial"}


def test_double_critics_see_the_picture_and_the_surroundings_of_the_hole():
    torch.manual_seed(0)
    step = Step(*(torch.rand(2, 3, 32, 32) if i != 1 else torch.ones(2, 1, 32, 32) for i in range(4)))
    objective = ReconstructionAdversarial(4, adversarial=0.1, local=True)
    assert set(objective.critic_loss(step)) == {"critic", "critic_local"}


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
