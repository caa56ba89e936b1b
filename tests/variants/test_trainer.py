"""The trainer: repeatable, resumable, and honest about what it writes."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
import math

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from variants import trainer
from variants.atomic import CannotWrite
from variants.checkpoint_every import Every
from variants.errors import Diverged
from variants.graph import WARM_UP
from variants.method import Training
from variants.registry import variant
from variants.session import Plan, Session, learning_rate, to_device
from variants.trainer import train
from variants.weights import training_steps


def source(step: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(step)
    holes = np.zeros((4, 32, 32), bool)
    holes[:, 8:24, 8:24] = True
    return rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8), holes


def plan(name: str, steps: int = 12, seed: int = 0, precision: str = "fp32") -> Plan:
    return Plan(name, seed, width=4, steps=steps, batch=4, precision=precision, steps_per_epoch=6)


pytestmark = pytest.mark.usefixtures("one_thread")


def weights(folder):
    return load_file(str(folder / "generator.safetensors"))


@pytest.mark.parametrize("name", ["baseline", "double_dg"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path, name):
    entry = variant.get(name)()
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert train(entry, plan(name, seed=seed), source, tmp_path / folder)
    a, b, c = (weights(tmp_path / f) for f in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


@pytest.mark.parametrize("name", ["gan_new_loss", "double_dg"])
def test_a_training_that_was_stopped_ends_in_the_same_weights(tmp_path, name):
    entry = variant.get(name)()
    train(entry, plan(name), source, tmp_path / "whole")
    calls = iter(range(1000))
    stopped = train(entry, plan(name), source, tmp_path / "halves", stopping=lambda: next(calls) >= 5)
    assert not stopped
    assert not (tmp_path / "halves" / "generator.safetensors").exists()
    assert train(entry, plan(name), source, tmp_path / "halves")
    whole, halves = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(torch.equal(whole[key], halves[key]) for key in whole)


def test_the_weights_are_written_last_and_a_kill_before_them_changes_none(tmp_path, monkeypatch):
    entry = variant.get("baseline")()
    train(entry, plan("baseline"), source, tmp_path / "whole")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "save_generator", killed)
        with pytest.raises(KeyboardInterrupt):
            train(entry, plan("baseline"), source, tmp_path / "cut")
    assert sorted(file.name for file in (tmp_path / "cut").iterdir()) == ["history.csv", "state.pt"]
    assert train(entry, plan("baseline"), source, tmp_path / "cut")
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


@pytest.mark.parametrize("damage", ["", "step\n1\n", "nonsense"])
def test_a_stopped_training_has_every_row_of_its_history_whatever_became_of_the_file(tmp_path, damage):
    entry = variant.get("baseline")()
    calls = iter(range(1000))
    assert not train(entry, plan("baseline"), source, tmp_path, stopping=lambda: next(calls) >= 5)
    (tmp_path / "history.csv").write_text(damage)
    assert train(entry, plan("baseline"), source, tmp_path)
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert all(float(row["mse"]) > 0 for row in rows)


def test_a_folder_in_the_place_of_a_state_is_told_in_a_sentence(tmp_path):
    (tmp_path / "state.before.pt").mkdir()
    with pytest.raises(CannotWrite, match=r"state\.before\.pt cannot be written \(Is a directory\)"):
        train(variant.get("baseline")(), plan("baseline", steps=4), source, tmp_path, every=Every(steps=1))


def test_a_state_of_another_plan_is_not_continued(tmp_path):
    entry = variant.get("baseline")()
    train(entry, plan("baseline", steps=6), source, tmp_path)
    (tmp_path / "generator.safetensors").unlink()
    train(entry, plan("baseline", steps=8), source, tmp_path)
    steps = [int(row["step"]) for row in csv.DictReader((tmp_path / "history.csv").open())]
    assert steps[-1] == 8


def test_the_history_has_every_loss_and_the_validation_score(tmp_path):
    entry = variant.get("double_dg")()
    train(entry, plan("double_dg"), source, tmp_path, validate=lambda network: 12.5)
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    wanted = {"step", "epoch", "seconds", "images_per_s", "lr", "mse", "mse_hole", "adversarial", "critic"}
    assert wanted | {"critic_local", "validation_psnr_hole"} == set(rows[0])
    assert float(rows[-1]["validation_psnr_hole"]) == 12.5
    assert float(rows[-1]["epoch"]) == 2.0


def test_the_weights_file_says_what_it_is(tmp_path):
    train(variant.get("baseline")(), plan("baseline", steps=3), source, tmp_path)
    with safe_open(str(tmp_path / "generator.safetensors"), "pt") as file:
        assert json.loads(file.metadata()["training"]) == {"variant": "baseline", "width": 4, "step": 3, "seed": 0}
    assert training_steps(tmp_path / "generator.safetensors") == 3


def test_of_weights_from_elsewhere_no_steps_are_told(tmp_path):
    from safetensors.torch import save_file

    for name, noted in (("bare", None), ("odd", {"training": "[]"}), ("words", {"training": "long"})):
        save_file({"w": torch.zeros(1)}, tmp_path / f"{name}.safetensors", metadata=noted)
        assert training_steps(tmp_path / f"{name}.safetensors") == 0
    assert training_steps(tmp_path / "bare.pth") == 0


def test_the_learning_rate_warms_up_and_falls_along_half_a_cosine():
    settings = Training(warmup=0.05)
    rates = [learning_rate(settings, step, 200) for step in range(200)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[105] == pytest.approx(0.5 * (1 + math.cos(math.pi * 95 / 190)))
    assert rates[-1] < 1e-3


def test_learning_reduces_the_loss_in_bf16_too():
    session = Session(variant.get("baseline")(), plan("baseline", steps=60, precision="bf16"))
    ramp = np.broadcast_to(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], (4, 32, 32, 3)).copy()
    batch = to_device(ramp, source(0)[1], "cpu")
    losses = [float(session.step(*batch)["mse"]) for _ in range(60)]
    assert losses[-1] < losses[0] / 2


def test_the_critics_do_not_learn_from_the_generators_pass():
    session = Session(variant.get("gan_new_loss")(), plan("gan_new_loss"))
    session.step(*to_device(*source(0), "cpu"))
    # The critic's gradients are those of its own loss: real and fake, not the generator's wish to fool it.
    own = [p.grad.clone() for p in session.objective.parameters()]
    fresh = Session(variant.get("gan_new_loss")(), plan("gan_new_loss"))
    fresh.objective.generator_loss = lambda step: {"mse": (step.fake - step.target).square().mean()}
    fresh.step(*to_device(*source(0), "cpu"))
    assert all(torch.equal(a, p.grad) for a, p in zip(own, fresh.objective.parameters(), strict=True))


def test_a_diverging_training_stops_with_its_name_and_step(tmp_path):
    def broken(step: int):
        images, holes = source(step)
        return np.full(images.shape, np.nan, np.float32), holes

    with pytest.raises(Diverged, match="baseline diverged at step"):
        train(variant.get("baseline")(), plan("baseline"), broken, tmp_path)


def test_compiled_networks_learn_the_same_and_keep_their_names(tmp_path, monkeypatch):
    # Through the tracer and its autograd, but not through a C++ compiler, which a machine may lack.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    entry, plain = variant.get("gan_res_mask")(), plan("gan_res_mask", steps=4)
    assert train(entry, plain, source, tmp_path / "plain")
    assert train(entry, dataclasses.replace(plain, compile=True), source, tmp_path / "compiled")
    a, b = weights(tmp_path / "plain"), weights(tmp_path / "compiled")
    assert a.keys() == b.keys()
    assert all(torch.allclose(a[key], b[key], atol=1e-4) for key in a)


def test_a_state_from_before_the_optimisers_changed_is_not_continued(tmp_path):
    entry = variant.get("baseline")()
    calls = iter(range(1000))
    train(entry, plan("baseline"), source, tmp_path, stopping=lambda: next(calls) >= 5)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    del state["plan"]["format"]
    torch.save(state, tmp_path / "state.pt")
    seen = []
    train(entry, plan("baseline"), lambda step: (seen.append(step), source(step))[1], tmp_path)
    assert seen == list(range(12))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["baseline", "basic_gan", "double_dg"])
def test_replayed_steps_change_the_weights_as_plain_ones_do(name, monkeypatch):
    # Rounding makes two runs part, the sooner the coarser it is: no TF32, and sums in the same order each time.
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    entry = variant.get(name)()
    replayed, plain, again = sessions = [Session(entry, dataclasses.replace(plan(name), device="cuda")) for _ in "123"]
    for session in (plain, again):
        session.compute = session._compute
    losses = [[s.step(*to_device(*source(step), "cuda")) for step in range(8)] for s in sessions[:2]]
    for a, b in zip(*losses, strict=True):
        assert a.keys() == b.keys()
        assert all(float(a[key]) == pytest.approx(float(b[key]), rel=1e-3) for key in a)
    for step in range(7):
        again.step(*to_device(*source(step), "cuda"))
    a_step = distance(plain, again)
    again.step(*to_device(*source(7), "cuda"))
    # A step that was left out, or made twice, would show as one; two plain runs may part a little, too.
    assert distance(plain, replayed) < max(a_step / 10, 3 * distance(plain, again))


def distance(one: Session, other: Session) -> float:
    """Of their generators' weights, on average."""
    pairs = zip(one.generator.parameters(), other.generator.parameters(), strict=True)
    return float(torch.cat([(a - b).detach().abs().flatten() for a, b in pairs]).mean())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["baseline", "double_dg"])
def test_a_step_on_a_gpu_waits_for_nothing(name):
    session = Session(variant.get(name)(), dataclasses.replace(plan(name), device="cuda", precision="bf16"))
    batch = to_device(*source(0), "cuda")
    for _ in range(WARM_UP + 1):
        session.step(*batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        session.step(*batch)  # replayed
        session._compute(*batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
