"""A run from suite to report: train what is missing, evaluate, measure speed, choose pictures, write the report.

Every stage looks at what the run folder already holds for the same settings and does the rest, so the same
command after an interruption ends in the same records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.datasets.registry import Dataset, open_dataset
from bench.methods.load import load_methods, split_seed
from bench.metrics.scorer import Scorer
from bench.profiles.profile import Profile
from bench.runs.provenance import cores
from bench.runs.reader import Build, Run, find_runs
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import split_names
from bench.set_metrics.scorer import ENOUGH, SetScorer
from bench.stages.score import Outcome, evaluate
from bench.suites.suite import Suite
from bench.util.errors import UsageError
from bench.util.precision import matmul_precision
from bench.util.progress import Reporter, say
from variants.method import Method, Network
from variants.registry import variant


@dataclass(frozen=True)
class Members:
    """What a run compares: networks to be trained, as (name, seed), and all specs in the order of the tables."""

    specs: tuple[str, ...]
    networks: tuple[tuple[str, int], ...]


def members_of(profile: Profile) -> Members:
    """Each network with each seed, each reference once. Raises UnknownName for a wrong variant."""
    specs: list[str] = []
    networks: list[tuple[str, int]] = []
    for name in profile.variants:
        if name not in variant.names():
            variant.get(name)
    for name in profile.variants:
        entry = variant.get(name)
        if isinstance(entry, type) and issubclass(entry, Network):
            networks += [(name, seed) for seed in profile.seeds]
            specs += [f"{name}@{seed}" for seed in profile.seeds]
        else:
            specs.append(name)
    return Members(tuple(specs), tuple(networks))


def open_suite(profile: Profile, split: str = "test", polarity: str = "white") -> Suite:
    """The pictures and holes that a profile is scored on."""
    datasets = tuple(
        open_dataset(spec, split, profile.size, count) for spec, count in zip(profile.data, profile.count, strict=True)
    )
    datasets = named_apart(datasets, profile.data)
    return Suite.open(datasets, ",".join(profile.masks), profile.suite_seed, polarity, profile.protocol)


def named_apart(datasets: tuple[Dataset, ...], specs: Sequence[str]) -> tuple[Dataset, ...]:
    """The data sets under names of their own: of two folders, each takes its folder's name along."""
    names = [dataset.name for dataset in datasets]
    if len(set(names)) == len(names):
        return datasets
    labels = [
        f"{name}_{Path(spec.partition(':')[2]).name}" if names.count(name) > 1 else name
        for name, spec in zip(names, specs, strict=True)
    ]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice:
        raise UsageError(f"two data sets would both be called {twice}: name each once, in folders of different names")
    return tuple(replace(dataset, name=label) for dataset, label in zip(datasets, labels, strict=True))


def refuse_shared_ids(suite: Suite) -> None:
    """Finished pictures are named by id alone. Raises UsageError where two data sets share one."""
    seen: dict[str, str] = {}
    for dataset in suite.datasets:
        for image_id in dataset.ids:
            if image_id in seen:
                raise UsageError(
                    f"{seen[image_id]} and {dataset.name} both hold a picture called {image_id}, and predictions are "
                    "named by it: score them one after the other"
                )
        seen.update(dict.fromkeys(dataset.ids, dataset.name))


def describe(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "split": dataset.split,
        "count": len(dataset),
        "note": dataset.note,
        "skipped": [list(pair) for pair in dataset.skipped],
    }


def suite_facts(suite: Suite, profile: Profile) -> dict[str, Any]:
    """What run.json says of the suite, fingerprint and all."""
    return {
        "suite": suite.fingerprint(),
        "protocol": profile.protocol,
        "precision": "fp32",
        "suite_seed": profile.suite_seed,
        "size": profile.size,
        "datasets": [describe(dataset) for dataset in suite.datasets],
        "masks": list(suite.masks),
    }


def tell_of_suite(suite: Suite, writer: RunWriter) -> None:
    """Warn of pictures that were skipped and of what was found odd in holes."""
    for dataset in suite.datasets:
        if dataset.skipped:
            names = "; ".join(f"{name} ({why})" for name, why in dataset.skipped[:5])
            more = f" and {len(dataset.skipped) - 5} more" if len(dataset.skipped) > 5 else ""
            count = f"{len(dataset.skipped)} picture{'s' if len(dataset.skipped) > 1 else ''}"
            text = f"{dataset.name}: {count} could not be read and left out: {names}{more}"
            writer.note(text)
            say(f"warning: {text}")
    for text in suite.notes():
        writer.note(text)
        say(f"note: {text}")


def shares_of(profile: Profile) -> tuple[int, int]:
    """(trainings at a time, threads of each) on the CPU.

    Threads change sums in their last bits: a training gets as many alone, after a stop, as among the others.
    """
    workers = profile.workers or cores()
    return workers, max(1, cores() // max(1, min(workers, len(members_of(profile).networks))))


def train_missing(writer: RunWriter, profile: Profile, networks: Sequence[tuple[str, int]], device: str) -> None:
    """Train every (variant, seed) that the run holds no finished weights of."""
    from bench.training.train import Job, steps_of, train_all, training_data, validation_data, write_pool

    checkpoints, cache = writer.path / "checkpoints", writer.path / "cache"
    missing = [
        (name, seed)
        for name, seed in networks
        if not (checkpoints / name / f"seed-{seed}" / "generator.safetensors").is_file()
    ]
    if not missing:
        return
    with writer.stage("train"):
        say(f"preparing {sum(profile.train_count):,} training pictures at {profile.size} px")
        parts = training_data(profile)
        writer.update(trained_on=[describe(dataset) for dataset in parts])
        pool = write_pool(parts, profile.size or 0, cache / "train.npy")
        validation = write_pool(validation_data(profile), profile.size or 0, cache / "validation.npy")
        pictures = sum(len(dataset) for dataset in parts)
        workers, threads = shares_of(profile)
        jobs = [
            Job(name, seed, steps_of(name, profile, pictures), checkpoints / name / f"seed-{seed}", pool, validation,
                profile, device, threads)
            for name, seed in missing
        ]  # fmt: skip
        total = sum(job.steps for job in jobs)
        done = dict.fromkeys([(job.name, job.seed) for job in jobs], 0)
        several = len(profile.seeds) > 1
        with Reporter("train") as reporter:

            def report(progress: Any) -> None:
                done[progress.name, progress.seed] = progress.step
                label = f"{progress.name}@{progress.seed}" if several else progress.name
                if not progress.done:
                    note = f"loss {progress.loss:.4f}, {progress.images_per_s:,.0f} img/s"
                    reporter.update(label, progress.step, progress.steps, note)
                reporter.update("all", sum(done.values()), total)

            train_all(jobs, workers, report)
    for file in (pool, validation):
        file.unlink(missing_ok=True)


def weights_of(run: Run) -> Any:
    """A finder of weights in one run (see bench.methods.load)."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        file = run.checkpoint(name, seed)
        if file is None:
            raise UsageError(f"the run {run.name} holds no trained weights of {name}")
        return file, int(file.parent.name.removeprefix("seed-"))

    return find


def weights_anywhere(folder: Path) -> Any:
    """A finder of weights in the newest run of ``folder`` that holds them."""

    def find(name: str, seed: int | None) -> tuple[Path, int]:
        for run in find_runs(folder):
            file = run.checkpoint(name, seed)
            if file is not None:
                return file, int(file.parent.name.removeprefix("seed-"))
        wanted = name if seed is None else f"{name}@{seed}"
        raise UsageError(
            f"no trained weights of {wanted} under {folder}: bench train {name} makes them, "
            "or give a file with --checkpoint"
        )

    return find


def load_all(specs: Sequence[str], weights: Any, checkpoint: Path | None, device: str) -> list[Method]:
    """The methods behind the specs, in order. Raises UsageError where two share name and seed."""
    methods: list[Method] = []
    for spec in specs:
        own = checkpoint if is_network(spec) else None
        methods += load_methods(spec, weights=weights, checkpoint=own, device=device)
    seen: set[tuple[str, int]] = set()
    for method in methods:
        if (method.name, method.seed) in seen:
            raise UsageError(f"{method.name} with seed {method.seed} is named twice: each method stands once in a run")
        seen.add((method.name, method.seed))
    return methods


def is_network(spec: str) -> bool:
    if ":" in spec:
        return False
    entry = variant.get(split_seed(spec)[0])
    return isinstance(entry, type) and issubclass(entry, Network)


def open_scorers(profile: Profile, weights_dir: Path | None, device: str) -> tuple[Scorer, SetScorer]:
    """The scorers of pictures and of sets for the profile's metrics, every one where it names none."""
    single, whole = split_names(profile.metrics)
    every = not profile.metrics
    scorer = Scorer(None if every else single, protocol=profile.protocol, weights_dir=weights_dir, device=device)
    return scorer, SetScorer(None if every else whole, weights_dir=weights_dir, device=device)


def score_methods(
    writer: RunWriter,
    methods: Sequence[Method],
    suite: Suite,
    scorer: Scorer,
    sets: SetScorer,
    *,
    restore_known: bool = True,
    predictions: Path | None = None,
) -> Outcome:
    """Evaluate into the run, with progress; the manifest learns of methods, metrics and what is missing."""
    manifest = writer.manifest
    facts = {
        "suite": manifest["suite"],
        "protocol": str(scorer.protocol),
        "precision": manifest["precision"],
        "metrics": {name: entry.version for name, entry in scorer.metrics.items() if name not in scorer.missing},
    }
    known = {(entry["name"], entry["seed"]): entry for entry in manifest["variants"]}
    known.update({(method.name, method.seed): describe_method(method) for method in methods})
    writer.update(variants=list(known.values()), metrics=describe_metrics(scorer, sets))
    with writer.stage("evaluate"), Reporter("score") as reporter:
        total = len(methods) * len(suite.masks) * sum(len(d) for d in suite.datasets)
        done = 0

        def report(text: str, pictures: int) -> None:
            nonlocal done
            done += pictures
            reporter.update("pictures", done, total, text)

        if sets.ready and sets.device == "cpu":
            most = total + sum(len(dataset) for dataset in suite.datasets)
            say(
                f"note: {', '.join(sets.metrics)} want up to {most:,} pictures looked at by Inception, about a quarter "
                "of a second each on a processor core; --metrics without them leaves that out"
            )
        # Else a GPU convolves in TF32, and fills differ from a CPU's by a level here and there.
        with matmul_precision("fp32"):
            outcome = evaluate(
                methods, suite, scorer, writer.path, facts, sets=sets,
                restore_known=restore_known, predictions=predictions, report=report,
            )  # fmt: skip
    for (label, mask, why), count in sorted(outcome.failed.items()):
        writer.note(f"{label}: {count} fills of {mask} could not be scored ({why}); they are in no mean")
    for text in outcome.notes:
        writer.note(text)
    missing = {**scorer.missing, **sets.missing}
    for why in dict.fromkeys(missing.values()):
        names = [name for name in missing if missing[name] == why]
        writer.note(
            f"the {'column' if len(names) == 1 else 'columns'} {', '.join(names)} "
            f"{'is' if len(names) == 1 else 'are'} empty: {why}"
        )
    if sets.ready:
        note_small_sets(writer, suite, list(sets.metrics))
    writer.update(missing=missing)
    return outcome


def note_small_sets(writer: RunWriter, suite: Suite, names: Sequence[str]) -> None:
    few = [f"{dataset.name} {len(dataset):,}" for dataset in suite.datasets if len(dataset) < ENOUGH]
    if few:
        writer.note(
            f"{', '.join(names)} are of fewer than {ENOUGH:,} pictures ({', '.join(few)}): FID comes out too high, and "
            "a linear classifier tells so few fills from truths whatever they look like, so compare these values only "
            "at the same count"
        )


def describe_method(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "seed": method.seed,
        "kind": method.kind,
        "summary": method.summary,
        "fills": method.fills,
        "parameters": method.parameters,
        "weights_sha256": method.weights_sha256,
        "gives_raw": method.gives_raw,
    }


def describe_metrics(scorer: Scorer, sets: SetScorer) -> dict[str, Any]:
    """What run.json says of the metrics; ``of`` tells scores of pictures from those of whole sets."""
    keys = ("region", "unit", "direction", "target", "range", "reference", "version", "summary", "title", "approximate")
    return {
        name: {key: list(v) if isinstance(v := getattr(entry, key), tuple) else v for key in keys} | {"of": of}
        for of, metrics in (("picture", scorer.metrics), ("set", sets.metrics))
        for name, entry in metrics.items()
    }


def choose_samples(writer: RunWriter, methods: Sequence[Method], suite: Suite, rows: int) -> None:
    """Choose and fill the pictures of the report, unless the run holds exactly these already."""
    from bench.stages.samples import choose, save_samples

    run = Run.open(writer.path)
    choices = choose(run, suite, rows)
    identity = json.dumps([[vars(c) for c in choices], [(m.name, m.seed, m.weights_sha256) for m in methods]])
    digest = hashlib.sha256((identity + writer.manifest["suite"]).encode()).hexdigest()
    if writer.manifest.get("samples") == digest and (writer.path / "samples" / "index.json").is_file():
        return
    with writer.stage("samples"), Reporter("pictures") as reporter:
        done = 0

        def report(pictures: int) -> None:
            nonlocal done
            done += pictures
            reporter.update("for the report", done, len(choices))

        with matmul_precision("fp32"):
            save_samples(run, suite, methods, choices, lambda m: run.label(m.name, m.seed), report)
    writer.update(samples=digest)


def finish(writer: RunWriter, build: Build | None) -> Path | None:
    """summary.json, then report.html; returns the report's path."""
    from bench.statistics.summary import write_summary

    with writer.stage("report"):
        writer.finish()
        write_summary(Run.open(writer.path))
        return build(Run.open(writer.path)) if build else None


def run_name(profile: Profile, changed: bool) -> str:
    """The run's default name: the profile's, with a mark of the settings where they were changed."""
    if not changed:
        return profile.name
    text = json.dumps(profile.as_dict(), sort_keys=True)
    return f"{profile.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def resolve_folder_spec(spec: str) -> str:
    """``folder:PATH`` with an absolute path, so that run.json says where; other specs as they are."""
    name, colon, argument = spec.partition(":")
    return f"{name}:{Path(argument).resolve()}" if colon and name == "folder" and argument else spec


def default_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str | None) -> str:
    """The torch device to use. Raises UsageError for one that is not there."""
    if device is None or device == "auto":
        return default_device()
    import torch

    kind, _, number = device.partition(":")
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if kind not in there or (number and not number.isdecimal()):
        raise UsageError(f"'{device}' is no device: choose cpu, cuda, cuda:1 (its number) or mps")
    if int(number or 0) >= there[kind]:
        found = (
            f"{there[kind]} {kind} device{'s' if there[kind] > 1 else ''}, counted from 0" if there[kind] else "none"
        )
        raise UsageError(f"there is no device '{device}' here (torch finds {found}): --device cpu works everywhere")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"the device '{device}' cannot be used: {str(error).splitlines()[0]}") from error
    return device
