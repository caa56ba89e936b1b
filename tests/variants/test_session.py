"""One training step against the same step in plain torch: torchvision normalises, torch's Adam, losses written out."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from variants import session as session_module
from variants.method import Network, Training
from variants.objectives import Objective, Reconstruction, crop_around_hole
from variants.registry import variant
from variants.session import Plan, Session, best_precision, learning_rate, to_device, total

STEPS = 40
FACTORS = (0.5, 1.0, 1.0, 0.5 * (1 + math.cos(math.pi / 38)))
"""Of the learning rate: 5 % of 40 steps warm up, then half a cosine."""

# learning rate, critics' rate, weight of their verdict
RATES = {
    "baseline": (3e-3, None, None),
    "basic_gan": (2e-3, 2e-4, 1.0),
    "gan_new_loss": (3e-3, 5e-4, 0.02),
    "gan_res_mask": (3e-3, 2e-4, 0.005),
    "gan_res_whole": (2e-3, 2e-4, 0.005),
    "double_dg": (1.5e-3, 2e-4, 0.002),
    "double_dg_linear": (1.5e-3, 2e-4, 0.002),
}
COPY_KNOWN = ("gan_res_mask", "double_dg", "double_dg_linear")


pytestmark = pytest.mark.usefixtures("one_thread")


def plan(name: str, **changes) -> Plan:
    return Plan(**{"name": name, "seed": 0, "width": 4, "steps": STEPS, "batch": 4, **changes})


def batch(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    holes = torch.zeros(4, 1, 32, 32)
    for i in range(4):
        holes[i, :, 4 + i : 18 + i, 8 + step : 20 + step] = 1
    return torch.rand(4, 3, 32, 32, generator=generator), holes


def verdict(name: str, critic: nn.Module, picture: Tensor, real: bool) -> Tensor:
    logits = critic(picture)
    if name == "basic_gan":
        return (logits - float(real)).square().mean()
    return F.softplus(-logits if real else logits).mean()


class Plain:
    """A variant's training in plain torch."""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.network = copy.deepcopy(session.generator)
        self.critics = copy.deepcopy(session.objective)
        lr, critic_lr, self.weight = RATES[name]
        self.adam = torch.optim.Adam(self.network.parameters(), lr=lr, betas=(0.5, 0.999))
        self.critic_adam = None
        if critic_lr is not None:
            self.critic_adam = torch.optim.Adam(self.critics.parameters(), lr=critic_lr, betas=(0.5, 0.999))
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(adam, lambda step: FACTORS[step] if step < len(FACTORS) else 0.0)
            for adam in (self.adam, self.critic_adam)
            if adam is not None
        ]

    def views(self, picture: Tensor, hole: Tensor) -> list[tuple[nn.Module, Tensor]]:
        pairs = [(self.critics.critic, picture)]
        if self.name.startswith("double_dg"):
            pairs.append((self.critics.local_critic, crop_around_hole(picture, hole)))
        return pairs

    def step(self, images: Tensor, hole: Tensor) -> dict[str, float]:
        losses = {}
        target = normalize(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        known = (1 - hole).repeat(1, 3, 1, 1)
        output = self.network(target * known, known)
        fake = torch.where(hole > 0, output, target) if self.name in COPY_KNOWN else output
        if self.critic_adam is not None:
            self.critic_adam.zero_grad()
            for key, (critic, real), (_, false) in zip(
                ("critic", "critic_local"), self.views(target, hole), self.views(fake.detach(), hole), strict=False
            ):
                loss = (verdict(self.name, critic, real, True) + verdict(self.name, critic, false, False)) / 2
                loss.backward()
                losses[key] = loss.item()
            self.critic_adam.step()
        terms = {}
        if self.name != "basic_gan":
            error = (fake - target).square()
            terms["mse"] = error.mean()
            terms["mse_hole"] = error[hole.expand_as(error) > 0].sum() / (3 * hole.sum())
        if self.critic_adam is not None:
            fooled = [verdict(self.name, critic, seen, True) for critic, seen in self.views(fake, hole)]
            terms["adversarial"] = self.weight * sum(fooled) / len(fooled)
        self.adam.zero_grad()
        sum(terms.values()).backward()
        self.adam.step()
        for schedule in self.schedules:
            schedule.step()
        return losses | {key: value.item() for key, value in terms.items()}


def alike(ours: nn.Module, theirs: nn.Module, rate: float) -> None:
    """Weights are the same to a hundredth of one update, but for a few: Adam divides by the gradient's own size, so
    where it is nothing but rounding, so is the update."""
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        apart = (a.double() - b.double()).abs() > 0.01 * rate + 1e-4 * b.abs()
        assert apart.double().mean() < 0.02, name


@pytest.mark.parametrize("name", RATES)
def test_steps_change_weights_and_give_losses_as_plain_torch_does(name):
    session = Session(variant.get(name)(), plan(name))
    plain = Plain(name, session)
    for step in range(3):
        given = session.step(*batch(step))
        expected = plain.step(*batch(step))
        assert given.keys() == expected.keys()
        for key, value in expected.items():
            assert given[key].item() == pytest.approx(value, rel=2e-3, abs=1e-6), (step, key)
        alike(session.generator, plain.network, RATES[name][0])
        if plain.critic_adam is not None:
            alike(session.objective, plain.critics, RATES[name][1])
    assert session.step_count == 3
    # The critics learn again in the next step.
    assert all(weight.requires_grad for weight in session.objective.parameters())


def test_the_learning_rate_by_hand():
    settings = Training(warmup=0.05)
    assert [learning_rate(settings, step, STEPS) for step in range(4)] == pytest.approx(FACTORS)
    # 30 steps warm up for 1.5, that is 2; 21 for 1.05, that is 1. The last step is nearly nothing.
    assert [learning_rate(settings, step, 30) for step in range(2)] == [0.5, 1.0]
    assert learning_rate(settings, 0, 21) == 1.0
    assert learning_rate(settings, 21 // 2 + 1, 21) == pytest.approx(0.5 * (1 + math.cos(math.pi * 10 / 20)))
    assert learning_rate(settings, STEPS - 1, STEPS) == pytest.approx(0.5 * (1 + math.cos(math.pi * 37 / 38)))
    assert learning_rate(settings, 0, 1) == 1.0


@pytest.mark.parametrize(("width", "rate"), [(32, 3e-3), (64, 1e-3)])
def test_a_wide_network_takes_the_wide_rate(width, rate):
    with torch.device("meta"):
        session = Session(variant.get("baseline")(), plan("baseline", width=width, device="meta"))
    assert session.optimiser.rate == rate


class Steep(Objective):
    """A loss whose gradients are large."""

    def generator_loss(self, step):
        return {"steep": 1e3 * step.fake.square().mean()}


class Clipped(Network):
    training = Training(clip_norm=0.25)

    def network(self, width: int) -> nn.Module:
        return variant.get("baseline")().network(width)

    def objective(self, width: int) -> Objective:
        return Steep()


def norm_of_gradients(module: nn.Module) -> float:
    return math.sqrt(sum(float(weight.grad.double().square().sum()) for weight in module.parameters()))


def test_gradients_are_clipped_to_the_norm_asked_for():
    session = Session(Clipped(), plan("clipped"))
    session.step(*batch(0))
    assert norm_of_gradients(session.generator) == pytest.approx(0.25, rel=1e-4)


def test_gradients_are_not_clipped_where_it_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(Clipped, "training", Training())
    session = Session(Clipped(), plan("clipped"))
    session.step(*batch(0))
    assert norm_of_gradients(session.generator) > 1


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_networks_compute_in_the_precision_of_the_plan(precision, dtype):
    session = Session(variant.get("gan_new_loss")(), plan("gan_new_loss", precision=precision))
    seen = []
    for module in (session.generator.out, session.objective.critic.score):
        module.register_forward_hook(lambda module, given, out: seen.append(out.dtype))
    losses = session.step(*batch(0))
    # The generator once; the critic on the truth, on the fake, and for the generator.
    assert seen == [dtype] * 4
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


def test_what_the_network_may_see_has_its_hole_blank_and_known_pixels_marked():
    session = Session(variant.get("baseline")(), plan("baseline"))
    seen = []
    session.generator.register_forward_pre_hook(lambda module, given: seen.append(given))
    images, holes = batch(0)
    session.step(images, holes)
    x, known = seen[0]
    inside = holes.expand(-1, 3, -1, -1) > 0
    assert (x[inside] == 0).all() and (known[inside] == 0).all() and (known[~inside] == 1).all()
    expected = normalize(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    torch.testing.assert_close(x[~inside], expected[~inside])


@pytest.mark.parametrize("name", COPY_KNOWN)
def test_variants_that_fill_the_hole_hand_over_the_truth_where_it_is_known(name):
    session = Session(variant.get(name)(), plan(name))
    seen = []
    learn = session.objective.generator_loss
    session.objective.generator_loss = lambda step: (seen.append(step), learn(step))[1]
    session.step(*batch(0))
    step = seen[0]
    known = step.hole.expand_as(step.fake) == 0
    assert torch.equal(step.fake[known], step.target[known])
    assert torch.equal(step.fake[~known], step.output[~known])
    assert not torch.equal(step.fake[~known], step.target[~known])


def test_the_variant_that_learns_least_squares_hands_over_the_whole_picture():
    session = Session(variant.get("basic_gan")(), plan("basic_gan"))
    seen = []
    learn = session.objective.critic_loss
    session.objective.critic_loss = lambda step: (seen.append(step), learn(step))[1]
    session.step(*batch(0))
    assert torch.equal(seen[0].fake, seen[0].output)
    assert not seen[0].fake.requires_grad


def test_pictures_are_in_order_and_white_is_one():
    images = np.zeros((1, 2, 3, 3), np.uint8)
    images[0, 0, 2] = (255, 51, 102)  # top right
    holes = np.zeros((1, 2, 3), bool)
    holes[0, 1, 0] = True  # bottom left
    image, hole = to_device(images, holes, "cpu")
    assert image.shape == (1, 3, 2, 3) and hole.shape == (1, 1, 2, 3)
    assert image.dtype == hole.dtype == torch.float32
    assert image[0, :, 0, 2].tolist() == pytest.approx([1.0, 0.2, 0.4])
    assert image[0, 0, 0, 2] == 1.0
    assert image.sum() == pytest.approx(1.6)
    assert hole[0, 0].tolist() == [[0, 0, 0], [1, 0, 0]]
    assert torch.equal(image, to_device(torch.from_numpy(images), torch.from_numpy(holes), "cpu")[0])


@pytest.mark.parametrize(("supported", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_takes_bf16_where_it_multiplies_it(monkeypatch, supported, precision):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert best_precision("cuda") == best_precision("cuda:1") == precision


@pytest.mark.parametrize(
    ("amx", "avx512", "precision"), [(False, False, "fp32"), (True, False, "bf16"), (False, True, "bf16")]
)
def test_a_cpu_takes_bf16_where_one_of_two_units_multiplies_it(monkeypatch, amx, avx512, precision):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    assert best_precision("cpu") == precision


def test_losses_are_added_up_in_full_precision():
    parts = [torch.tensor(256.0, dtype=torch.bfloat16), torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(0.5)]
    # bfloat16 has eight bits: 257 is not among its numbers.
    assert total(parts).item() == 257.5


def test_networks_and_critics_begin_in_training_mode_and_with_the_seed_alone():
    sessions = []
    for disturbed in (1, 2):
        torch.manual_seed(disturbed)
        sessions.append(Session(variant.get("double_dg")(), plan("double_dg", seed=3)))
    assert all(module.training for module in (*sessions[0].generator.modules(), *sessions[0].objective.modules()))
    one, other = (
        [*session.generator.state_dict().values(), *session.objective.state_dict().values()] for session in sessions
    )
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_without_critics_there_is_nothing_to_learn_for_them():
    session = Session(variant.get("baseline")(), plan("baseline"))
    assert isinstance(session.objective, Reconstruction)
    assert session.critic_optimiser is None and session.state()["critic_optimiser"] is None
    assert set(session.step(*batch(0))) == {"mse", "mse_hole"}


def test_the_running_mean_of_weights_by_hand():
    session = Session(variant.get("gan_res_mask")(), plan("gan_res_mask", ema=0.75))
    key = "out.weight"
    seen = []
    for step in range(3):
        session.step(*batch(step))
        seen.append(session.generator.state_dict()[key].clone())
    # Weights of the steps 1, 2 and 3 count as 0.75² : 0.75 : 1.
    expected = (0.5625 * seen[0] + 0.75 * seen[1] + seen[2]) / (0.5625 + 0.75 + 1)
    with session.handed_over() as generator:
        torch.testing.assert_close(generator.state_dict()[key], expected)
    assert torch.equal(session.generator.state_dict()[key], seen[2])
    other = Session(variant.get("gan_res_mask")(), plan("gan_res_mask", ema=0.75))
    other.restore(session.state())
    with other.handed_over() as generator:
        torch.testing.assert_close(generator.state_dict()[key], expected)


def test_without_a_running_mean_the_last_weights_are_handed_over():
    session = Session(variant.get("baseline")(), plan("baseline"))
    session.step(*batch(0))
    last = session.generator.out.weight.detach().clone()
    with session.handed_over() as generator:
        assert generator is session.generator and torch.equal(generator.out.weight, last)


def test_before_the_first_step_the_first_weights_are_handed_over_and_after_it_the_second():
    session = Session(variant.get("baseline")(), plan("baseline", ema=0.9))
    first = {name: value.clone() for name, value in session.generator.state_dict().items()}
    with session.handed_over() as generator:
        for name, value in generator.state_dict().items():
            torch.testing.assert_close(value, first[name], rtol=0, atol=0)
    session.step(*batch(0))
    # The mean of one is that one.
    second = {name: value.clone() for name, value in session.generator.state_dict().items()}
    with session.handed_over() as generator:
        for name, value in generator.state_dict().items():
            torch.testing.assert_close(value, second[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("wanted", [True, False])
def test_networks_and_critics_are_compiled_where_the_plan_says_so_once_torch_was_told(monkeypatch, wanted):
    told: list[object] = []
    monkeypatch.setattr(session_module, "prepare_compiling", lambda: told.append("prepared"))
    monkeypatch.setattr(nn.Module, "compile", lambda self: told.append(self))
    session = Session(variant.get("double_dg")(), plan("double_dg", compile=wanted))
    objective = session.objective
    parts = ["prepared", session.generator, objective.critic, objective.local_critic]
    assert told == (parts if wanted else [])


def test_what_a_session_saves_is_all_that_a_second_one_needs_to_go_on_alike():
    one = Session(variant.get("double_dg")(), plan("double_dg", seed=3, ema=0.5))
    for step in range(2):
        one.step(*batch(step))
    saved = copy.deepcopy(one.state())
    assert saved["step"] == 2
    other = Session(variant.get("double_dg")(), plan("double_dg", seed=4, ema=0.5))
    other.restore(saved)
    for step in (2, 3):
        first, second = one.step(*batch(step)), other.step(*batch(step))
        assert {key: value.item() for key, value in first.items()} == {k: v.item() for k, v in second.items()}
    for part in ("generator", "objective", "mean"):
        a, b = one.state()[part], other.state()[part]
        assert all(torch.equal(a[key], b[key]) for key in a), part
