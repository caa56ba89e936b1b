"""Trainings over a Ray cluster of two nodes of one core, one of them removed while it trains."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from safetensors.torch import load_file

from bench.profiles.profile import load_profile
from bench.training.cluster import train_on_ray
from bench.training.train import Job
from variants.resume import Every

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
    train_on_ray(whole, lambda progress: None)

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
    train_on_ray(lost, lambda progress: None)
    thread.join()
    # Both were in the middle when the node went.
    assert removed == [[False, False]]
    for one, other in zip(whole, lost, strict=True):
        a, b = (load_file(job.folder / "generator.safetensors") for job in (one, other))
        assert a.keys() == b.keys() and all(a[key].equal(b[key]) for key in a)


PROFILE = {"variants": "mean_fill,telea", "count": "400", "size": "32", "metrics": "psnr,ssim"}


def scored(folder, fill):
    """A run of references alone, scored by ``fill(context, scorers)``: its records as tables."""
    from bench.methods.load import load_all
    from bench.runs.records import read_records
    from bench.stages.prepare import members_of, prepare
    from bench.stages.score import open_scorers

    profile = load_profile("tiny", PROFILE)
    context = prepare(profile, members_of(profile), lambda name: folder, False, False, "cpu", False)
    context.methods = load_all(profile.variants, None, None, "cpu")
    fill(context, open_scorers(profile, None, "cpu"))
    context.writer.close()
    return {file.relative_to(folder): read_records(file) for file in sorted((folder / "records").rglob("*.parquet"))}


def test_two_nodes_score_as_one_process_does(cluster, tmp_path):
    from bench.runs.shards import folder_of
    from bench.stages.score import score_methods
    from bench.stages.spread import score_spread

    whole = scored(tmp_path / "whole", lambda context, scorers: score_methods(context, *scorers, workers=1))
    names = PROFILE["variants"].split(",")
    spread = scored(tmp_path / "spread", lambda context, scorers: score_spread(context, names, *scorers, None))
    assert not folder_of(tmp_path / "spread").exists()
    assert whole.keys() == spread.keys() and len(whole) > 1
    for file, table in whole.items():
        assert table.to_pandas().equals(spread[file].to_pandas()), file
        assert table.schema.metadata == spread[file].schema.metadata, file
