"""Trainings that come to nothing: what is noticed, when, and that healthy ones are left alone."""

from __future__ import annotations

import math

import pytest
import torch

from variants.errors import Diverged
from variants.watch import PATIENCE, Watch, spread

HEALTHY = {"mse": 0.1, "critic": 0.7}


@pytest.mark.parametrize("name", ["mse", "critic_local"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_noticed_at_once(name, value):
    with pytest.raises(Diverged, match=rf"x diverged at step 7: its loss '{name}' is {value}. Try --set precision"):
        Watch("x").look(7, {**HEALTHY, name: value}, 1.0, 1.0)


def test_fills_of_one_colour_end_a_training_when_they_last():
    watch = Watch("x")
    for step in range(1, PATIENCE):
        watch.look(step, HEALTHY, 0.0, 1.0)
    watch.look(PATIENCE, HEALTHY, 0.5, 1.0)  # it began to learn: the count begins anew
    for step in range(1, PATIENCE):
        watch.look(step, HEALTHY, 0.0, 1.0)
    with pytest.raises(Diverged, match="by step 9: it fills every hole with one colour"):
        watch.look(9, HEALTHY, 0.0, 1.0)


def test_fills_of_one_colour_are_right_where_the_truth_is_one_colour():
    watch = Watch("x")
    for step in range(50):
        watch.look(step, HEALTHY, 0.0, 1e-4)


def test_a_critic_at_zero_ends_a_training_when_it_lasts():
    watch = Watch("x")
    for step in range(1, PATIENCE):
        watch.look(step, {"mse": 0.1, "critic": 0.7, "critic_local": 0.0}, 1.0, 1.0)
    with pytest.raises(Diverged, match="by step 5: the loss of 'critic_local' is zero"):
        watch.look(5, {"mse": 0.1, "critic": 0.7, "critic_local": 0.0}, 1.0, 1.0)


def test_a_generator_without_error_is_no_fault():
    watch = Watch("x")
    for step in range(50):
        watch.look(step, {"mse": 0.0, "critic": 0.7}, 1.0, 1.0)


def test_the_spread_is_the_standard_deviation_in_the_holes_of_the_channel_that_varies_most():
    picture = torch.zeros(2, 3, 2, 2)
    hole = torch.zeros(2, 1, 2, 2)
    hole[0, 0, 0] = 1  # two pixels of the first picture
    picture[0, 1, 0] = torch.tensor([1.0, 3.0])  # mean 2, deviation 1
    picture[0, 2, 0] = torch.tensor([5.0, 5.5])
    picture[1] = torch.randn(3, 2, 2) * 100  # known: not looked at
    assert spread(picture, hole) == pytest.approx(1.0)
    assert spread(torch.full((2, 3, 2, 2), 0.3), hole) == pytest.approx(0.0, abs=1e-6)
