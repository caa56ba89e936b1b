"""Scoring over a cluster: the shards of a run, each a Ray task on one core or GPU, joined into the run by the driver.

A task scores as ``bench eval --shard`` does, into its own folder beside the run, and goes on from there when it is
begun again. The driver holds the run's lock, counts what is scored, joins and removes the shards.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.profiles.profile import Profile
from bench.runs.journal import JOURNAL
from bench.runs.shards import FILE, Part, folder_of, read_shards
from bench.stages.cells import clear_cache
from bench.stages.context import Context
from bench.stages.merge import SAME, gather, join
from bench.stages.outcome import Outcome
from bench.stages.score import BATCH, all_kept, fills_wanted, score_methods
from bench.suites.suite import Suite
from bench.util.errors import BenchError
from bench.util.progress import Reporter
from bench.util.ray_tasks import Told, alive, await_all, connected, require, submit
from bench.util.words import counted

if TYPE_CHECKING:
    from bench.metrics.scorer import Scorer
    from bench.set_metrics.scorer import SetScorer


@dataclass(frozen=True)
class Order:
    """What a task scores: these methods, with the weights of ``run``, on a part of the suite. suite: its fingerprint.
    missing: metrics that cannot be computed."""

    profile: Profile
    specs: tuple[str, ...]
    run: Path
    part: Part
    device: str
    weights_dir: Path | None
    suite: str | None
    missing: frozenset[str]


def score_spread(
    context: Context, specs: Sequence[str], scorer: Scorer, sets: SetScorer, weights_dir: Path | None
) -> Outcome:
    """Score the methods that ``specs`` name over the cluster; as :func:`bench.stages.score.score_methods` otherwise.

    Raises BenchError where a shard failed, UsageError where no node has what one needs.
    """
    run = context.writer.path.absolute()
    if all_kept(context, scorer, sets):
        shutil.rmtree(folder_of(run), ignore_errors=True)
        return score_methods(context, scorer, sets)
    on_gpu = context.device.startswith("cuda")
    needs = {"num_cpus": 1, "num_gpus": int(on_gpu)}
    missing = frozenset({*scorer.missing, *sets.missing})
    for method in context.methods:
        method.suite_seed = context.suite.seed
    with context.writer.stage("evaluate"):
        with connected() as ray:
            require(needs, ray.nodes(), "shard")
            units = sum(int(node.get("GPU" if on_gpu else "CPU", 0)) for node in alive(ray.nodes()))
            parts = parts_of(run, context.suite, units)
            place = weights_dir.absolute() if weights_dir else None
            device = context.device.partition(":")[0]
            orders = [
                Order(context.profile, tuple(specs), run, part, device, place, context.writer.manifest.suite, missing)
                for part in parts
            ]
            await_shards(ray, orders, needs, fills_wanted(context.methods, context.suite))
        joint = gather(run, [shard for shard in read_shards(run) if shard.part.of == parts[0].of])
        first, own = joint.manifests[0], context.run.manifest
        unlike = [key for key in SAME if getattr(first, key) != getattr(own, key)]
        unlike += ["variants"] * (first.members != [(method.name, method.seed) for method in context.methods])
        if unlike:
            raise BenchError(f"the shards of {run.name} are not of this run ({', '.join(unlike)}): remove {run}.shards")
        outcome = join(context.writer, joint)
    clear_cache(run)
    shutil.rmtree(folder_of(run), ignore_errors=True)
    return outcome


def parts_of(run: Path, suite: Suite, units: int) -> list[Part]:
    """The shards to score: as many as there are folders of already, else one for each of ``units`` cores or GPUs, but
    no more than there are batches."""
    there = Counter(
        int(found[1]) for path in folder_of(run).glob("*") if (found := re.fullmatch(r"\d+-of-(\d+)", path.name))
    )
    batches = sum(-(-len(dataset) // BATCH) for dataset in suite.datasets)
    of = there.most_common(1)[0][0] if there else max(1, min(units, batches))
    return [Part(number, of) for number in range(1, of + 1)]


def await_shards(ray: object, orders: Sequence[Order], needs: Mapping[str, int], fills: int) -> None:
    """Score the shards, with progress. needs: what each asks for. Raises BenchError where some could not be scored."""
    from bench.training.together import visible

    problems: list[str] = []
    done = dict.fromkeys((order.part for order in orders), 0)
    with Reporter("score") as reporter:

        def look(order: Order) -> None:
            done[order.part] = max(done[order.part], scored(order.part.folder(order.run)))
            reporter.update("pictures", min(fills, sum(done.values())), fills, counted(len(orders), "shard"))

        def ended(order: Order, problem: str) -> None:
            if not problem and not visible(order.part.folder(order.run) / FILE):
                problem = f"{order.part.folder(order.run)} is not visible here: --out must name a shared folder"
            if problem:
                problems.append(f"shard {order.part}: {problem}")
            look(order)

        await_all(ray, submit(ray, score_there, needs, orders), ended, look)
    if problems:
        raise BenchError(f"scoring failed for {'; '.join(problems)}. The same command resumes.")


def scored(folder: Path) -> int:
    """How many fills the journal or the records of a shard hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows(files: Path) -> int:
        found = 0
        for file in files.rglob("*.parquet"):
            with contextlib.suppress(OSError, pa.ArrowException):  # being replaced
                found += pq.read_metadata(file).num_rows
        return found

    return max(rows(folder / JOURNAL), rows(folder / "records"))


def score_there(order: Order, plugins: str) -> Told:
    """The task."""
    from bench.training.together import visible
    from variants.atomic import CannotWrite
    from variants.errors import VariantError
    from variants.plugins import PLUGINS_ENV

    os.environ[PLUGINS_ENV] = plugins
    if not visible(order.run / "run.json"):
        return f"{order.run} is not on {platform.node()}: --out must name a shared folder", []
    try:
        score_shard(order)
    except (BenchError, VariantError, CannotWrite) as error:
        return str(error), []
    except Exception as error:
        return f"{type(error).__name__}: {error}", []
    return "", []


def score_shard(order: Order) -> None:
    """Score the part of the suite into its folder. Raises BenchError where this machine would score otherwise than
    the driver."""
    import torch

    from bench.methods.load import load_all
    from bench.methods.weights import weights_of
    from bench.runs.reader import Run
    from bench.runs.writer import RunWriter
    from bench.stages.prepare import suite_facts
    from bench.stages.score import open_scorers
    from bench.stages.score_shard import score_part
    from bench.suites.of_profile import open_suite

    # A process of the cluster that trained before this has it on, and fills would differ in their last bits.
    torch.set_flush_denormal(False)
    suite = open_suite(order.profile)
    start = suite_facts(suite, order.profile)
    here = platform.node()
    if start.suite != order.suite:
        raise BenchError(f"the pictures or holes on {here} are not those of the driver (another suite fingerprint)")
    methods = load_all(order.specs, weights_of(Run.open(order.run)), None, order.device)
    scorers = open_scorers(order.profile, order.weights_dir, order.device)
    refuse_other_missing(order.missing, {**scorers[0].missing, **scorers[1].missing}, here)
    writer = RunWriter(order.part.folder(order.run))
    try:
        writer.begin(start, wait=True)  # for a task whose node was lost, which may end later than it is begun again
        context = Context(order.profile, suite, writer, order.device, methods)
        score_part(context, order.part, lambda part: score_methods(part, *scorers, workers=1, part=True))
    finally:
        writer.close()


def refuse_other_missing(driver: frozenset[str], here: Mapping[str, str], node: str) -> None:
    """Raises BenchError where other metrics can be computed than on the driver."""
    if other := sorted(driver ^ set(here)):
        where = f"on the driver but not on {node}" if set(other) & set(here) else f"on {node} but not on the driver"
        raise BenchError(
            f"{', '.join(other)} can be computed {where}: --weights-dir or BENCH_WEIGHTS_DIR must name a shared folder"
        )
