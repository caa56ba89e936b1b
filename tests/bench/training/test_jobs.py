"""How trainings are prepared, and judged while they run."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import variants.trainer
from bench.masks.registry import draw
from bench.training import schedule
from bench.training.batches import Batches
from bench.training.schedule import (
    at_a_time,
    plan_of,
    prepare_cpu,
    run_job,
    training_data,
    validation_data,
    work_of,
)
from tests.bench.training.jobs import job, profile
from variants.checkpoint_every import Every
from variants.registry import variant
from variants.session import Plan


@pytest.fixture
def opened(monkeypatch):
    calls = []
    monkeypatch.setattr(schedule, "open_dataset", lambda *given: calls.append(given))
    return calls


def test_what_is_trained_on_is_the_training_split_with_the_profiles_counts(opened):
    training_data(profile(train_data="scenes,photos", train_count="40,8"))
    assert opened == [("scenes", "train", 32, 40), ("photos", "train", 32, 8)]


@pytest.mark.parametrize(("data", "share"), [("scenes", 32), ("scenes,photos", 16), (",".join(["scenes"] * 40), 1)])
def test_settings_are_judged_by_32_pictures_of_the_validation_split(opened, data, share):
    validation_data(profile(train_data=data))
    assert set(opened) == {(name, "validation", 32, share) for name in data.split(",")}


def test_work_is_steps_times_weights():
    weights = sum(p.numel() for p in variant.get("double_dg")().network(4).parameters())
    assert work_of(job("double_dg", steps=10)) == 10 * weights
    assert work_of(job("double_dg", steps=30)) == 30 * weights


def test_a_plan_is_the_profiles(monkeypatch):
    monkeypatch.setattr("variants.session.best_precision", lambda device: f"best of {device}")
    given = plan_of("baseline", 2, 40, profile(), "cpu", 100)
    # 100 pictures are 6 whole batches of 16.
    assert given == Plan("baseline", 2, 4, 40, 16, "cpu", "best of cpu", 6, False, 1)
    assert plan_of("baseline", 2, 40, profile(precision="bf16"), "cpu", 100).precision == "bf16"
    assert plan_of("baseline", 2, 40, profile(), "cpu", 3).steps_per_epoch == 1
    assert plan_of("baseline", 2, 40, profile(threads=3), "cpu", 100).threads == 3


def test_threads_of_a_training_are_the_profiles_whatever_runs_beside_it(monkeypatch):
    # Four cores: as many trainings as their threads leave room for, or as --set workers says; never other threads.
    monkeypatch.setattr(schedule, "cores", lambda: 4)
    assert [at_a_time(profile(threads=threads)) for threads in (1, 2, 3, 8)] == [4, 2, 1, 1]
    assert at_a_time(profile(workers=3)) == 3
    for changes in ({}, {"workers": 1}, {"workers": 2}, {"variants": "baseline"}):
        assert plan_of("baseline", 0, 40, profile(**changes), "cpu", 100).threads == 1


@pytest.mark.parametrize(
    ("device", "steps", "compiled"),
    [("cuda", 5000, True), ("cuda:1", 9000, True), ("cuda", 4999, False), ("cpu", 9000, False)],
)
def test_long_trainings_on_a_gpu_are_compiled(device, steps, compiled):
    assert plan_of("baseline", 0, steps, profile(precision="bf16"), device, 100).compile == compiled


def test_a_cpu_that_trains_takes_its_threads_and_has_no_denormals():
    before = torch.get_num_threads()
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush denormals")
    torch.set_flush_denormal(False)
    tiny = torch.full((8,), 1e-30)
    try:
        assert (tiny * 1e-10).max() > 0
        prepare_cpu(before + 1)
        assert torch.get_num_threads() == before + 1
        assert (tiny * 1e-10).max() == 0
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


class Grey(nn.Module):
    """The ImageNet mean, which is 0 in normalised space."""

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


class Exact(nn.Module):
    """The one colour of all pictures."""

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return x.amax(dim=(2, 3), keepdim=True).expand_as(x)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """What run_job gave the trainer for double_dg@5 on 9 noisy pictures, judged by 4."""
    found = SimpleNamespace()

    def stand_in(entry, plan, source, folder, *, validate, report, stopping, every, tell) -> bool:
        found.__dict__.update(entry=entry, plan=plan, source=source, folder=folder, validate=validate)
        found.__dict__.update(report=report, stopping=stopping, every=every, tell=tell)
        return "the trainer's answer"

    monkeypatch.setattr(variants.trainer, "train", stand_in)
    monkeypatch.setattr(schedule, "prepare_cpu", lambda threads: found.__dict__.update(threads=threads))
    rng = np.random.default_rng(0)
    found.pool = rng.integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    found.pictures = rng.integers(200, 256, (4, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "pool.npy", found.pool)
    np.save(tmp_path / "validation.npy", found.pictures)
    files = {"folder": tmp_path / "out", "pool": tmp_path / "pool.npy", "validation": tmp_path / "validation.npy"}
    found.given = "a report", "a stop"
    found.job = job("double_dg", 5, 12, profile=profile(threads=3), every=Every(7.0), **files)
    found.answer = run_job(found.job, *found.given)
    return found


def test_a_job_is_handed_to_the_trainer_as_it_is(started):
    assert started.answer == "the trainer's answer"
    assert (type(started.entry).__name__, started.folder.name, started.threads) == ("DoubleDg", "out", 3)
    assert (started.report, started.stopping) == started.given
    assert (started.plan.name, started.plan.seed, started.plan.steps) == ("double_dg", 5, 12)
    assert (started.every, started.tell, started.plan.features) == (Every(7.0), schedule.say, "")
    assert started.plan.steps_per_epoch == 1, "9 pictures are less than a batch of 16"
    assert type(started.source) is Batches
    for given, expected in zip(
        started.source(2), Batches(started.pool, 16, 5, ("rect", "circle", "ellipse"))(2), strict=True
    ):
        np.testing.assert_array_equal(given, expected)


def test_features_that_are_handed_over_are_handed_in_and_named(started, monkeypatch):
    handed = []
    monkeypatch.setattr("variants.perceptual.hand_in", lambda give: handed.append(give()))
    features = SimpleNamespace(kind="vgg of the test")
    run_job(replace(started.job, features=features), None, None, print)
    assert handed == [features] and started.plan.features == "vgg of the test"
    assert started.tell is print


def test_a_process_of_several_takes_its_share_of_every_batch(started, monkeypatch):
    monkeypatch.setattr("variants.ranks.index", lambda: 1)
    monkeypatch.setattr("variants.ranks.size", lambda: 4)
    run_job(started.job, None, None)
    whole = Batches(started.pool, 16, 5, ("rect", "circle", "ellipse"))(2)
    for given, expected in zip(started.source(2), whole, strict=True):
        np.testing.assert_array_equal(given, expected[4:8])


def test_on_a_gpu_the_cpu_is_left_as_it_is(started, monkeypatch):
    monkeypatch.setattr("bench.training.resident.batches_for", lambda device, *given: device)
    monkeypatch.setattr(schedule, "prepare_cpu", lambda threads: pytest.fail("prepared"))
    run_job(replace(started.job, device="cuda:1", profile=profile(precision="bf16")), None, None)
    assert (started.source, started.plan.device, started.plan.threads) == ("cuda:1", "cuda:1", 1)


def test_validation_is_the_mean_psnr_of_the_holes(started):
    # double_dg fills the hole only, so errors elsewhere are nothing; this seed is one that no training draws from.
    holes = draw("rect", (32, 32), 7_000_002, range(4))
    grey = np.array((0.485, 0.456, 0.406))
    psnr = []
    for picture, hole in zip(started.pictures, holes, strict=True):
        error = np.mean((picture[hole] / 255 - grey) ** 2)
        psnr.append(10 * math.log10(1 / error))
    assert started.validate(Grey()) == pytest.approx(np.mean(psnr), abs=1e-4)
    assert np.ptp(psnr) > 0.01


def test_a_perfect_fill_is_worth_100_decibels(tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(variants.trainer, "train", lambda *given, validate, **options: found.append(validate))
    monkeypatch.setattr(schedule, "prepare_cpu", lambda threads: None)
    for name in ("pool", "validation"):
        np.save(tmp_path / f"{name}.npy", np.full((2, 32, 32, 3), 255, np.uint8))
    run_job(job(pool=tmp_path / "pool.npy", validation=tmp_path / "validation.npy"), None, None)
    assert found[0](Exact()) == pytest.approx(100)


def test_a_plan_says_whether_weights_are_averaged():
    assert plan_of("baseline", 0, 40, profile(ema=0.99), "cpu", 100).ema == 0.99
    assert plan_of("baseline", 0, 5000, profile(threads=3, precision="bf16"), "cuda", 100).threads == 1
