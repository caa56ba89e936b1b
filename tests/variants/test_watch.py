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


# Standard deviations at which a fill can be told from one colour, and at which the truth is another.
@pytest.mark.parametrize(
    ("shown", "truth", "noticed"),
    [(4e-4, 1.0, True), (4.01e-4, 1.0, False), (0.0, 4.01e-3, True), (0.0, 4e-3, False), (math.nan, 1.0, True)],
)
def test_what_counts_as_one_colour(shown, truth, noticed):
    watch = Watch("x")
    for step in range(1, 5):
        watch.look(step, HEALTHY, shown, truth)
    if noticed:
        with pytest.raises(Diverged, match="one colour"):
            watch.look(5, HEALTHY, shown, truth)
    else:
        watch.look(5, HEALTHY, shown, truth)


@pytest.mark.parametrize(("loss", "noticed"), [(0.99e-6, True), (1e-6, False)])
def test_a_critic_has_won_below_a_millionth_five_looks_in_a_row(loss, noticed):
    watch = Watch("x")
    for step, value in enumerate([loss] * 4 + [0.5] + [loss] * 4):
        watch.look(step, {"critic": value}, 1.0, 1.0)
    if noticed:
        with pytest.raises(Diverged, match="'critic' is zero"):
            watch.look(9, {"critic": loss}, 1.0, 1.0)
    else:
        watch.look(9, {"critic": loss}, 1.0, 1.0)


def test_pictures_without_a_hole_have_no_spread():
    assert spread(torch.randn(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)) == 0
    assert spread(torch.tensor([1.0, 3.0]).bfloat16().expand(1, 3, 1, 2), torch.ones(1, 1, 1, 2)) == 1
