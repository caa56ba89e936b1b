"""Trainings over a Ray cluster of two nodes of one core, one of them removed while it trains."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from safetensors.torch import load_file

from bench.profiles.profile import load_profile
from bench.training.cluster import launcher
from bench.training.train import Job
from variants.state import Every

ray = pytest.importorskip("ray")
STEPS = 150


def jobs(folder, seeds) -> list[Job]:
    profile = load_profile("tiny", {"width": 8, "batch": 16, "precision": "fp32"})
    pools = [folder / name for name in ("train.npy", "validation.npy")]
    for pool, count in zip(pools, (64, 8), strict=True):
        np.save(pool, np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8))
    return [
        Job("double_dg", seed, STEPS, folder / f"seed-{seed}", *pools, profile, "cpu", Every(seconds=None, steps=5))
        for seed in seeds
    ]


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.second = made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_that_is_removed_costs_no_training(cluster, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "lost").mkdir()
    whole = jobs(tmp_path / "whole", (0, 1))
    launcher("ray")(whole, lambda progress: None)

    lost = jobs(tmp_path / "lost", (0, 1))
    removed = []

    def remove() -> None:
        until = time.monotonic() + 60
        while not all((job.folder / "state.pt").is_file() for job in lost) and time.monotonic() < until:
            time.sleep(0.02)
        removed.append([(job.folder / "generator.safetensors").is_file() for job in lost])
        cluster.remove_node(cluster.second, allow_graceful=False)

    thread = threading.Thread(target=remove)
    thread.start()
    launcher("ray")(lost, lambda progress: None)
    thread.join()
    # Both were in the middle when the node went.
    assert removed == [[False, False]]
    for one, other in zip(whole, lost, strict=True):
        a, b = (load_file(job.folder / "generator.safetensors") for job in (one, other))
        assert a.keys() == b.keys() and all(a[key].equal(b[key]) for key in a)
