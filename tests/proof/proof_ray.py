"""``bench run --launcher ray`` on a cluster of two nodes of one core: the run of one process, also where one of the
nodes is removed while it trains, or while it scores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from bench.runs.journal import JOURNAL
from bench.runs.records import KEY, read_records
from bench.runs.shards import FILE, Part, folder_of

ray = pytest.importorskip("ray")
ROOT = Path(__file__).parents[2]

NETWORKS = ("baseline", "double_dg")
SETTINGS = ("variants=baseline,double_dg,mean_fill,telea", "steps=200", "count=800", "precision=fp32")
"""Of the profile tiny. So many steps and pictures that a node can be removed in the middle of either."""

PATIENCE_S = 400


class Command:
    """``bench run`` into ``runs/name`` of a folder."""

    def __init__(self, folder: Path, name: str, *words: str, **variables: str) -> None:
        self.run = folder / "runs" / name
        self.said = folder / f"{name}.txt"
        sets = [word for setting in SETTINGS for word in ("--set", setting)]
        command = [
            sys.executable, "-m", "bench", "run", "--profile", "tiny", *sets, "--offline", "--no-throughput",
            "--checkpoint-every", "5", "--device", "cpu", "--runs-dir", str(folder / "runs"), "--out", name, *words,
        ]  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "BENCH_CACHE_DIR": str(folder / "cache"),
            **variables,
        }  # fmt: skip
        with self.said.open("w") as stream:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=stream)

    def until(self, there: Callable[[Path], bool]) -> None:
        """Wait until the run is as far as ``there`` says."""
        end = time.monotonic() + PATIENCE_S
        while not there(self.run):
            assert self.process.poll() is None and time.monotonic() < end, self.said.read_text()
            time.sleep(0.02)

    def end(self) -> Path:
        assert self.process.wait(PATIENCE_S) == 0, self.said.read_text()
        return self.run


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def whole(place) -> Path:
    return Command(place, "whole").end()


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.second = made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def same(one: Path, other: Path) -> None:
    """Weights, records with what they depend on, scores."""
    for name in NETWORKS:
        a, b = (load_file(run / "checkpoints" / name / "seed-0" / "generator.safetensors") for run in (one, other))
        assert a.keys() == b.keys() and all(a[key].equal(b[key]) for key in a), name
    files = [sorted(file.relative_to(run) for file in run.glob("records/**/*.parquet")) for run in (one, other)]
    assert files[0] == files[1] and len(files[0]) == 8
    for file in files[0]:
        a, b = (read_records(run / file) for run in (one, other))
        assert a.to_pandas().equals(b.to_pandas()), file
        assert a.schema.metadata[KEY] == b.schema.metadata[KEY], file
    a, b = (json.loads((run / "summary.json").read_text()) for run in (one, other))
    assert a["scores"] == b["scores"] and len(a["scores"]) > 100
    assert (other / "report.html").is_file() and not folder_of(other).exists()


def trainings_run(run: Path) -> bool:
    """Whether both have kept a state and neither is at its end."""
    folders = [run / "checkpoints" / name / "seed-0" for name in NETWORKS]
    states, ends = ([(folder / file).is_file() for folder in folders] for file in ("state.pt", "generator.safetensors"))
    assert not all(states) or not any(ends), "a training was at its end before both were in their middle"
    return all(states)


def shards_run(run: Path) -> bool:
    """Whether both have kept rows and neither is at its end."""
    folders = [Part(number, 2).folder(run) for number in (1, 2)]
    kept = [any((folder / JOURNAL).glob("*.parquet")) for folder in folders]
    assert not any((folder / FILE).is_file() for folder in folders), "a shard was at its end before both had kept rows"
    return all(kept)


def test_two_nodes_give_the_run_of_one_process(whole, cluster, place):
    same(whole, Command(place, "two", "--launcher", "ray", RAY_ADDRESS=cluster.address).end())


@pytest.mark.parametrize("middle", [trainings_run, shards_run])
def test_a_node_that_is_removed_costs_nothing(whole, cluster, place, middle):
    command = Command(place, middle.__name__, "--launcher", "ray", RAY_ADDRESS=cluster.address)
    command.until(middle)
    cluster.remove_node(cluster.second, allow_graceful=False)
    same(whole, command.end())
