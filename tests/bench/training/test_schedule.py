"""What each training step sees."""

from __future__ import annotations

import numpy as np
import pytest

from bench.masks.registry import draw
from bench.profiles.profile import load_profile
from bench.training.batches import HOLE_SEED, Batches
from bench.training.schedule import steps_of


def pool(count: int = 10) -> np.ndarray:
    """Pictures that tell their number (red) and their left from their right (green)."""
    images = np.zeros((count, 16, 16, 3), np.uint8)
    images[..., 0] = np.arange(count)[:, None, None]
    images[:, :, :8, 1] = 255
    return images


def numbers(images: np.ndarray) -> list[int]:
    return [int(image[0, 0, 0]) for image in images]


def test_every_picture_is_seen_once_an_epoch_in_a_new_order():
    batches = Batches(pool(), batch=4, seed=0, masks=("rect",))
    seen = [n for step in range(5) for n in numbers(batches(step)[0])]
    assert sorted(seen[:10]) == sorted(seen[10:20]) == list(range(10))
    assert seen[:10] != seen[10:20]


def test_a_step_is_the_same_whatever_was_asked_before():
    one, other = (Batches(pool(), 4, 0, ("rect", "circle")) for _ in range(2))
    for step in range(7):
        one(step)
    for a, b in zip(one(3), other(3), strict=True):
        assert np.array_equal(a, b)


def test_about_half_of_the_pictures_are_mirrored():
    batches = Batches(pool(), batch=50, seed=0, masks=("rect",))
    mirrored = np.concatenate([batches(step)[0][:, 0, 0, 1] == 0 for step in range(8)])
    assert 0.4 < mirrored.mean() < 0.6


def test_another_seed_sees_other_pictures_and_holes():
    a, b = (Batches(pool(), 8, seed, ("rect",))(0) for seed in (0, 1))
    assert numbers(a[0]) != numbers(b[0])
    assert not np.array_equal(a[1], b[1])


def test_holes_that_are_scored_are_not_those_trained_on():
    holes = Batches(pool(), 8, 0, ("rect",))(0)[1]
    assert np.array_equal(holes, draw("rect", (16, 16), HOLE_SEED, range(8)))
    assert not np.array_equal(holes, draw("rect", (16, 16), 0, range(8)))


def test_all_training_mask_types_take_part():
    kinds = ("rect", "circle", "ellipse")
    _, holes = Batches(pool(), 60, 0, kinds)(0)
    shares = [
        sum(np.array_equal(hole, draw(kind, (16, 16), HOLE_SEED, [i])[0]) for i, hole in enumerate(holes)) / 60
        for kind in kinds
    ]
    assert min(shares) > 0.15


@pytest.mark.parametrize(
    ("profile", "overrides", "name", "pictures", "steps"),
    [
        # 41,000 pictures, batch 64: 20 epochs are 12,812.5 steps, 50 are 32,031.25.
        ("paper", {}, "baseline", 41000, 12812),
        ("paper", {}, "double_dg", 41000, 32031),
        ("quick", {"epochs": 2}, "baseline", 160, 20),
        ("quick", {"steps": 7}, "double_dg", 1000, 7),
        ("quick", {"epochs": 2}, "double_dg", 160, 20),
        ("quick", {"epochs": 1}, "baseline", 1, 1),
        # Its own 900 and 750 steps, scaled.
        ("quick", {"steps_scale": 0.5}, "baseline", 1000, 450),
        ("quick", {"steps_scale": 2}, "double_dg", 1000, 1500),
        ("quick", {"steps_scale": 0.0001}, "baseline", 1000, 1),
    ],
)
def test_the_number_of_steps_follows_the_profile(profile, overrides, name, pictures, steps):
    assert steps_of(name, load_profile(profile, overrides), pictures) == steps
