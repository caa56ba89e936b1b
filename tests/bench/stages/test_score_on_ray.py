"""Scoring over a cluster: the records of one process, whatever the shards. Ray is a stand-in that calls at once."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench.methods.load import load_all
from bench.methods.weights import weights_of
from bench.profiles.profile import load_profile
from bench.runs.records import KEY, read_records
from bench.runs.shards import Part, folder_of
from bench.runs.trained import weights_file
from bench.stages.context import Context
from bench.stages.prepare import members_of, prepare
from bench.stages.score import open_scorers, score_methods
from bench.stages.score_on_ray import Order, parts_of, score_spread, score_there, scored
from bench.statistics.summary import write_summary
from bench.util.errors import BenchError, UsageError

SPECS = ("mean_fill", "baseline")
PROFILE = load_profile(
    "tiny",
    {
        "size": 16,
        "width": 4,
        "count": "19",
        "masks": "rect,circle",
        "variants": ",".join(SPECS),
        "metrics": "psnr,ssim_hole,lpips",
    },
)


class RayError(Exception):
    pass


class Ray:
    """Ray's functions that are used: tasks run as they are handed over, and end as ``fate`` says where it does."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, cores, fate):
        self.cores, self.fate, self.parts, self.endings = cores, fate, [], []

    def is_initialized(self):
        return True

    def nodes(self):
        alive = {"Alive": True, "Resources": {"CPU": self.cores / 2}}
        return [alive, alive, {"Alive": False, "Resources": {"CPU": 9.0}}]

    def remote(self, *, num_cpus, num_gpus, max_retries):
        assert (num_cpus, num_gpus, max_retries) == (1, 0, 3)

        def wrap(function):
            def submit(order, plugins):
                self.parts.append(str(order.part))
                self.endings.append(self.fate(order) or function(order, plugins))
                return len(self.endings) - 1

            return SimpleNamespace(remote=submit)

        return wrap

    def wait(self, references, *, num_returns=1, timeout=None):
        return references[:1], references[1:]

    def get(self, reference):
        if isinstance(self.endings[reference], Exception):
            raise self.endings[reference]
        return self.endings[reference]


@pytest.fixture
def ray(monkeypatch):
    def made(cores=2.0, fate=lambda order: None):
        fake = Ray(cores, fate)
        monkeypatch.setitem(sys.modules, "ray", fake)
        return fake

    return made


def begun(run: Path) -> Context:
    """A run whose trainings are done."""
    from safetensors.torch import save_file

    from variants.registry import variant

    torch.manual_seed(0)
    file = weights_file(run, "baseline", 0)
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"variant": "baseline", "width": 4, "step": 9, "seed": 0}
    context = prepare(PROFILE, members_of(PROFILE), lambda name: run, False, False, "cpu", False)
    save_file(variant.get("baseline")().network(4).state_dict(), file, metadata={"training": json.dumps(facts)})
    context.methods = load_all(SPECS, weights_of(context.run), None, "cpu")
    return context


def end(context: Context) -> None:
    context.writer.finish()
    write_summary(context.run)
    context.writer.close()


@pytest.fixture(scope="module", autouse=True)
def no_weights(tmp_path_factory):
    """LPIPS is not at hand, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCH_WEIGHTS_DIR", raising=False)
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("hub")))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The run that one process scored."""
    context = begun(tmp_path_factory.mktemp("whole") / "r")
    score_methods(context, *open_scorers(PROFILE, None, "cpu"), workers=1)
    end(context)
    return context.writer.path


def spread_over(context: Context):
    return score_spread(context, SPECS, *open_scorers(PROFILE, None, "cpu"), None)


def same(a: Path, b: Path) -> None:
    files = sorted(file.relative_to(a) for file in (a / "records").rglob("*.parquet"))
    assert len(files) == 4
    assert files == sorted(file.relative_to(b) for file in (b / "records").rglob("*.parquet"))
    for file in files:
        one, other = read_records(a / file), read_records(b / file)
        assert one.to_pandas().equals(other.to_pandas())
        assert one.schema.metadata[KEY] == other.schema.metadata[KEY]
    one, other = (json.loads((run / "run.json").read_text()) for run in (a, b))
    for key in ("suite", "notes", "missing", "variants", "metrics", "masks", "datasets", "profile"):
        assert one[key] == other[key], key
    one, other = (json.loads((run / "summary.json").read_text()) for run in (a, b))
    assert one["scores"] == other["scores"]


@pytest.mark.parametrize(("cores", "parts"), [(2.0, ["1/2", "2/2"]), (64.0, ["1/3", "2/3", "3/3"])])
def test_shards_on_a_cluster_give_the_run_of_one_process(ray, whole, tmp_path, cores, parts):
    fake = ray(cores)
    context = begun(tmp_path / "r")
    spread_over(context)
    end(context)
    # 19 pictures are three batches.
    assert fake.parts == parts
    same(whole, tmp_path / "r")
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["r"]


def test_a_shard_that_is_lost_is_named_and_the_same_command_scores_it_alone(ray, whole, tmp_path):
    ray(fate=lambda order: RayError("gone") if order.part.number == 2 else None)
    context = begun(tmp_path / "r")
    with pytest.raises(BenchError, match=r"scoring failed for shard 2/2: its worker was lost \(RayError\)\. The same"):
        spread_over(context)
    first = next(Part(1, 2).folder(tmp_path / "r").rglob("*.parquet"))
    written = first.stat().st_mtime_ns
    kept = []

    def look(order: Order) -> None:
        kept.append(first.stat().st_mtime_ns)

    fake = ray(64.0, look)
    spread_over(context)
    end(context)
    assert fake.parts == ["1/2", "2/2"], "as many as there are folders of"
    assert kept == [written, written]
    same(whole, tmp_path / "r")


def test_what_is_scored_is_not_handed_over_again(ray, tmp_path):
    context = begun(tmp_path / "r")
    ray()
    spread_over(context)
    fake = ray()
    outcome = spread_over(context)
    context.writer.close()
    assert fake.parts == [] and set(outcome.kept) == {"mean_fill", "baseline"}


@pytest.fixture
def order(tmp_path) -> Order:
    context = begun(tmp_path / "r")
    context.writer.close()
    missing = frozenset().union(*(scorer.missing for scorer in open_scorers(PROFILE, None, "cpu")))
    return Order(PROFILE, SPECS, tmp_path / "r", Part(1, 2), "cpu", None, context.writer.manifest.suite, missing)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"suite": "x"}, "another suite fingerprint"),
        ({"missing": frozenset()}, "lpips can be computed on the driver but not on "),
        ({"missing": frozenset({"lpips", "psnr"})}, "psnr can be computed on .* but not on the driver"),
        ({"specs": ("basic_gan",)}, "holds no trained weights of basic_gan"),
    ],
)
def test_a_node_that_would_score_otherwise_says_so_and_writes_nothing(order, change, why):
    problem, _ = score_there(dataclasses.replace(order, **change), "")
    assert re.search(why, problem)
    assert not folder_of(order.run).exists()


def test_a_node_without_the_shared_folder_says_so(order, monkeypatch):
    monkeypatch.setattr("bench.training.together.visible", lambda file: False)
    assert "--out must name a shared folder" in score_there(order, "")[0]


def test_denormals_are_kept_where_a_training_went_before(order):
    torch.set_flush_denormal(True)
    try:
        assert score_there(order, "") == ("", [])
        tiny = torch.full((1,), 1e-40)
        assert (tiny * 0.5).item() > 0
    finally:
        torch.set_flush_denormal(False)


def test_progress_counts_the_fills_in_a_shards_files(order):
    folder = order.part.folder(order.run)
    assert scored(folder) == 0
    score_there(order, "")
    assert scored(folder) == 10 * 2 * 2


def test_more_shards_than_batches_are_never_made(order):
    assert [str(part) for part in parts_of(order.run, SimpleNamespace(datasets=[range(8)]), 5)] == ["1/1"]
    assert len(parts_of(order.run, SimpleNamespace(datasets=[range(9), range(1)]), 5)) == 3
    assert len(parts_of(order.run, SimpleNamespace(datasets=[range(99)]), 0)) == 1


def test_a_cluster_without_a_core_is_refused(ray, tmp_path):
    ray(0.0)
    context = begun(tmp_path / "r")
    with pytest.raises(UsageError, match="No node of the Ray cluster has 1 core, which each shard needs"):
        spread_over(context)
    context.writer.close()
