"""The main job, stage by stage: what ``bench run`` and ``bench train`` do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.profile import Profile
from bench.progress import say
from bench.runs.reader import Build
from bench.runs.writer import RunWriter


def with_data(profile: Profile, data: Sequence[str] | None) -> Profile:
    """The profile trained and scored on ``data`` instead of its own; counts are spread over them."""
    if not data:
        return profile
    from bench.pipeline import resolve_folder_spec

    specs = tuple(resolve_folder_spec(spec) for spec in data)
    return replace(
        profile,
        train_data=specs,
        train_count=(max(profile.train_count),) * len(specs),
        data=specs,
        count=(max(profile.count),) * len(specs),
    )


def run_profile(
    profile: Profile,
    *,
    data: Sequence[str] | None,
    folder: Callable[[str], Path],
    changed: bool,
    fresh: bool = False,
    throughput: bool = True,
    open_report: bool = False,
    device: str | None = None,
    weights_dir: Path | None = None,
    json_output: bool = False,
    build: Build | None = None,
) -> None:
    """Everything from pictures to report; prints where the report is."""
    began = time.perf_counter()
    check_names(profile)
    profile = with_data(profile, data)
    writer, suite, members = prepare(profile, folder, changed, fresh)
    from bench import pipeline
    from bench.runs.reader import Run

    where = pipeline.check_device(device)
    pipeline.train_missing(writer, profile, members.networks, where)
    run = Run.open(writer.path)
    methods = pipeline.load_all(members.specs, pipeline.weights_of(run), None, where)
    scorer, sets = pipeline.open_scorers(profile, weights_dir, where)
    outcome = pipeline.score_methods(writer, methods, suite, scorer, sets)
    if throughput:
        measure_speed(writer, profile, methods, where)
    pipeline.choose_samples(writer, methods, suite, profile.samples)
    report = pipeline.finish(writer, build)
    show(Run.open(writer.path), report, json_output, open_report)
    say(f"done in {time.perf_counter() - began:.0f} s ({stages(writer)})")
    if outcome.partial:
        failed = sum(outcome.failed.values())
        raise PartialError(f"{failed} fill{'s' * (failed > 1)} could not be scored; the report names what and why")


class PartialError(BenchError):
    """The work was done but for some pictures."""

    from bench.errors import Exit

    code = Exit.PARTIAL


def check_names(profile: Profile) -> None:
    """Refuse wrong variants, masks, metrics and data sets before anything heavy is imported."""
    from bench.datasets.registry import dataset
    from bench.metrics.registry import metric
    from bench.sets.registry import set_metric
    from bench.suites.suite import parse_masks
    from variants.registry import suggest, variant

    sources = [spec.partition(":")[0] for spec in (*profile.data, *profile.train_data)]
    for noun, known, names in (
        ("variant", variant.names(), profile.variants),
        ("metric", [*metric.names(), *set_metric.names()], profile.metrics),
        ("data set", dataset.names(), sources),
    ):
        for name in names:
            if name not in known:
                raise suggest(noun, name, known)
    parse_masks(",".join(profile.masks))


def require_size(profile: Profile) -> None:
    if profile.size is None:
        raise UsageError("a run that trains needs a size: networks learn from square pictures (--size 64)")


def prepare(profile: Profile, folder: Callable[[str], Path], changed: bool, fresh: bool):  # type: ignore[no-untyped-def]
    """Open the suite and the run folder; nothing is written before everything was found usable."""
    from bench import pipeline

    require_size(profile)
    members = pipeline.members_of(profile)
    suite = pipeline.open_suite(profile)
    path = folder(pipeline.run_name(profile, changed))
    facts = pipeline.suite_facts(suite, profile)
    writer = RunWriter(path)
    going_on = writer.begin(profile.as_dict(), facts, fresh)
    say(f"{'going on with' if going_on else 'writing'} {path}")
    pipeline.tell_of_suite(suite, writer)
    return writer, suite, members


def measure_speed(writer: RunWriter, profile: Profile, methods: Sequence, device: str) -> None:
    """throughput.parquet, unless the run holds one of these methods already."""
    from bench.throughput.stage import measure_methods

    file = writer.path / "throughput.parquet"
    wanted = sorted({method.name for method in methods})
    if file.is_file() and writer.manifest.get("throughput_of") == wanted:
        return
    with writer.stage("throughput"):
        measure_methods(methods, file, device=device, resolution=profile.size or 256, seconds=profile.throughput_s)
    writer.update(throughput_of=wanted)


def stages(writer: RunWriter) -> str:
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in writer.manifest["stages"].items())


def show(run, report: Path | None, json_output: bool, open_report: bool) -> None:  # type: ignore[no-untyped-def]
    """Results on stdout: JSON, or the table and where the report is."""
    if json_output:
        print(json.dumps(run.summary, ensure_ascii=False))
    else:
        from bench.exporters.scores_terminal import print_scores

        print_scores(run)
        if report is not None:
            print(f"report: {report}")
    if open_report and report is not None:
        import webbrowser

        webbrowser.open(report.resolve().as_uri())


def train_only(
    names: Sequence[str], profile: Profile, *, data: Sequence[str] | None, folder: Callable[[str], Path],
    changed: bool, fresh: bool, device: str | None,
) -> None:  # fmt: skip
    """``bench train``: the named networks of a profile, into the run that ``bench run`` goes on with."""
    profile = with_data(profile, data)
    wanted = networks_named(names, profile)
    from bench import pipeline

    writer, _, _ = prepare(profile, folder, changed, fresh)
    pipeline.train_missing(writer, profile, wanted, pipeline.check_device(device))
    for name, seed in wanted:
        print(writer.path / "checkpoints" / name / f"seed-{seed}" / "generator.safetensors")


def estimate_only(
    names: Sequence[str], profile: Profile, data: Sequence[str] | None, device: str | None, seconds: float,
    json_output: bool,
) -> None:  # fmt: skip
    """``bench train --estimate``: how long the named networks of a profile would train here; nothing is written."""
    profile = with_data(profile, data)
    wanted = networks_named(names, profile)
    require_size(profile)
    from bench import pipeline
    from bench.training.estimate import estimate_all
    from bench.training.table import show

    place = pipeline.check_device(device)
    programme = estimate_all(wanted, profile, place, *pipeline.shares_of(profile), seconds)
    if json_output:
        print(json.dumps(programme.as_dict()))
    else:
        show(programme)


def networks_named(names: Sequence[str], profile: Profile) -> list[tuple[str, int]]:
    """(variant, seed) of every training that ``names`` ask for. Raises UsageError where one needs no training."""
    from bench import pipeline
    from variants.load import split_seed

    check_names(replace(profile, variants=tuple(split_seed(name)[0] for name in names)))
    wanted: list[tuple[str, int]] = []
    for spec in names:
        name, seed = split_seed(spec)
        if not pipeline.is_network(name):
            raise UsageError(f"{name} needs no training: bench eval {name} scores it")
        wanted += [(name, s) for s in ([seed] if seed is not None else profile.seeds)]
    return wanted
