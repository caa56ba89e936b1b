"""VGG16's features as a loss: torchvision's own network and transforms are the reference; weights here are random."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import cfgs, make_layers

from variants import perceptual
from variants.blocks import normalise
from variants.errors import CheckpointError
from variants.objectives import Step, crop_around_hole
from variants.perceptual import IMAGENET1K_FEATURES, IMAGENET1K_V1, Features, Weights, distance
from variants.registry import variant


@pytest.fixture(scope="module")
def reference():
    torch.manual_seed(0)
    return make_layers(cfgs["D"])  # all of VGG16's features


def state_of(reference) -> dict[str, torch.Tensor]:
    return {f"features.{key}": value for key, value in reference.state_dict().items()}


@pytest.fixture
def handed(reference, tmp_path):
    file = tmp_path / "vgg16.pth"
    torch.save(state_of(reference), file)
    perceptual.hand_in(lambda: Weights(file, IMAGENET1K_V1))
    yield file
    perceptual.hand_in(lambda: None)


@pytest.mark.parametrize("kind", [IMAGENET1K_V1, IMAGENET1K_FEATURES])
def test_features_are_torchvisions_with_the_preprocessing_of_each_file(reference, kind):
    picture = torch.rand(2, 3, 32, 32)
    transforms = VGG16_Weights[kind].transforms()
    mean, std = (torch.tensor(t).view(1, 3, 1, 1) for t in (transforms.mean, transforms.std))
    x = (picture - mean) / std
    expected = []
    with torch.no_grad():
        for index, layer in enumerate(reference[:16]):
            x = layer(x)
            if index in (3, 8, 15):
                expected.append(x.clone())
        found = Features(state_of(reference), kind).raw(normalise(picture))
    for have, want in zip(found, expected, strict=True):
        # torchvision writes Oxford's mean down to five digits: 0.48235 · 255 = 122.99925, and Oxford's is 123.68.
        torch.testing.assert_close(have, want, rtol=0.05 if kind == IMAGENET1K_FEATURES else 1e-4, atol=0.5)


def test_the_distance_by_hand():
    # Features of length 1: (1, 0) against (0, 1) are 2 apart, (1, 0) against itself 0; half of the places differ.
    a = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    b = a.clone()
    b[..., 1] = torch.tensor([0.0, 1.0]).view(1, 2, 1)
    assert distance(lambda x: [x], b, a) == pytest.approx(1.0)
    assert distance(lambda x: [x, a], b, a) == pytest.approx(0.5)


def test_it_learns_by_features_and_keeps_them_out_of_its_critics_and_its_state(handed):
    objective = variant.get("double_dg_perceptual")().objective(4)
    plain = variant.get("double_dg")().objective(4)
    assert objective.state_dict().keys() == plain.state_dict().keys()
    target = torch.randn(2, 3, 32, 32)
    fake = torch.randn(2, 3, 32, 32, requires_grad=True)
    hole = torch.zeros(2, 1, 32, 32)
    hole[:, :, 8:20, 8:20] = 1
    losses = objective.generator_loss(Step(target, hole, fake, fake))
    assert losses.keys() == {*plain.generator_loss(Step(target, hole, fake, fake)), "perceptual"}
    losses["perceptual"].backward()
    assert fake.grad.abs().sum() > 0
    assert objective.generator_loss(Step(target, hole, target, target))["perceptual"] == 0


def test_features_go_where_the_objective_goes(handed):
    objective = variant.get("double_dg_perceptual")().objective(4).to(torch.float64)
    assert {p.dtype for p in objective.features.module.parameters()} == {torch.float64}


def test_without_weights_it_says_what_it_lacks():
    entry = variant.get("double_dg_perceptual")()
    assert entry.missing() == "it needs VGG16's weights: bench weights fetch vgg16, or bench weights add FILE"
    with pytest.raises(CheckpointError, match="double_dg_perceptual cannot be trained: it needs VGG16's weights"):
        entry.objective(4)


def test_a_file_of_another_network_is_refused_in_a_sentence(tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="does not hold VGG16's features"):
        perceptual.load(Weights(file, IMAGENET1K_V1))


def test_each_vector_of_features_has_length_1_and_none_stays_none(reference):
    features = Features(state_of(reference), IMAGENET1K_V1)
    features.raw = lambda x: [x]
    given = torch.zeros(1, 2, 1, 3)
    given[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    given[0, :, 0, 1] = torch.tensor([3e-5, -4e-5])
    (found,) = features(given)
    torch.testing.assert_close(found[0, :, 0].T, torch.tensor([[0.6, 0.8], [0.6, -0.8], [0.0, 0.0]]), rtol=1e-3, atol=0)


def test_the_truths_features_learn_nothing():
    fake, target = (torch.ones(1, 2, 1, 1, requires_grad=True) for _ in "12")
    distance(lambda x: [2 * x], 3 * fake, target).backward()
    assert target.grad is None and fake.grad is not None


def test_double_dgs_loss_and_half_the_distance_of_features(handed):
    torch.manual_seed(0)
    entry = variant.get("double_dg_perceptual")()
    assert entry.learns_by_features
    assert not any(variant.get(name)().learns_by_features for name in ("baseline", "gan_res_mask", "double_dg"))
    objective = entry.objective(4)
    fake, target = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    hole = torch.zeros(2, 1, 32, 32)
    hole[:, :, 8:20, 8:20] = 1
    losses = objective.generator_loss(Step(target, hole, fake, fake))
    torch.testing.assert_close(losses["perceptual"], 0.5 * distance(objective.features, fake, target))
    fooled = [
        torch.nn.functional.softplus(-critic(seen)).mean()
        for critic, seen in ((objective.critic, fake), (objective.local_critic, crop_around_hole(fake, hole)))
    ]
    torch.testing.assert_close(losses["adversarial"], 0.002 * sum(fooled) / 2)
    assert objective.to(torch.float64).critic.score.weight.dtype == torch.float64
    assert objective.local_critic.features[0][0].weight.dtype == torch.float64
