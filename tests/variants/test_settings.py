"""What each variant is trained with, as a table: a changed setting is a changed variant, and is changed here too."""

from __future__ import annotations

import dataclasses

import pytest

from variants.method import Network, Training
from variants.objectives import LeastSquaresAdversarial, Reconstruction, ReconstructionAdversarial
from variants.registry import variant

RECT = ("rect",)
SHAPES = ("rect", "circle", "ellipse")

# steps, epochs, learning rate at 32 channels and at 64, the critics' rate, mask types
SETTINGS = {
    "baseline": (900, 20, 3e-3, 1e-3, 2e-4, RECT),
    "basic_gan": (700, 20, 2e-3, 1e-3, 2e-4, RECT),
    "gan_new_loss": (700, 20, 3e-3, 1e-3, 5e-4, RECT),
    "gan_res_mask": (650, 20, 3e-3, 1e-3, 2e-4, RECT),
    "gan_res_whole": (650, 20, 2e-3, 1e-3, 2e-4, RECT),
    "double_dg": (750, 50, 1.5e-3, 5e-4, 2e-4, SHAPES),
    "double_dg_linear": (750, 50, 1.5e-3, 5e-4, 2e-4, SHAPES),
    "double_dg_perceptual": (750, 50, 1.5e-3, 5e-4, 2e-4, SHAPES),
}

# fills, sizes must be multiples of, what it learns by, weight of the critics' verdict, whether there is a local critic
LEARNING = {
    "baseline": ("whole", 16, Reconstruction, None, False),
    "basic_gan": ("whole", 16, LeastSquaresAdversarial, None, False),
    "gan_new_loss": ("whole", 16, ReconstructionAdversarial, 0.02, False),
    "gan_res_mask": ("hole", 16, ReconstructionAdversarial, 0.005, False),
    "gan_res_whole": ("whole", 16, ReconstructionAdversarial, 0.005, False),
    "double_dg": ("hole", 8, ReconstructionAdversarial, 0.002, True),
    "double_dg_linear": ("hole", 8, ReconstructionAdversarial, 0.002, True),
}


def test_every_network_is_in_the_tables():
    networks = {name for name, entry in variant.all().items() if isinstance(entry, type) and issubclass(entry, Network)}
    # What it learns by needs weights from outside: tests/variants/test_perceptual.py.
    assert networks == SETTINGS.keys() == LEARNING.keys() | {"double_dg_perceptual"}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_variants_training_settings(name):
    settings = variant.get(name)().training
    rates = settings.rate(32), settings.rate(64), settings.critic_lr
    assert (settings.steps, settings.epochs, *rates, settings.masks) == SETTINGS[name]
    assert (settings.betas, settings.warmup, settings.clip_norm) == ((0.5, 0.999), 0.05, None)


@pytest.mark.parametrize("name", LEARNING)
def test_what_a_variant_fills_and_learns_by(name):
    entry = variant.get(name)()
    objective = entry.objective(4)
    local = getattr(objective, "local_critic", None) is not None
    weight = getattr(objective, "adversarial", None)
    assert (entry.fills, entry.multiple, type(objective), weight, local) == LEARNING[name]
    # None does anything on the host that depends on the step, so a GPU may record a step and replay it.
    assert objective.replayable


@pytest.mark.parametrize("name", [name for name in LEARNING if name != "baseline"])
def test_critics_have_the_width_asked_for(name):
    objective = variant.get(name)().objective(6)
    assert objective.critic.score.in_features == 8 * 6


def test_the_report_width_and_those_above_32_take_the_wide_rate_where_there_is_one():
    both, one = Training(lr=4e-3, wide_lr=1e-3), Training(lr=4e-3)
    assert [both.rate(width) for width in (4, 32, 33, 64)] == [4e-3, 4e-3, 1e-3, 1e-3]
    assert [one.rate(width) for width in (32, 64)] == [4e-3, 4e-3]


def test_what_a_variant_is_trained_with_that_says_nothing():
    assert dataclasses.astuple(Training()) == (800, 20, 2e-3, 2e-4, (0.5, 0.999), 0.05, None, None, RECT)
