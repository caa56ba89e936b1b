"""What ``bench eval`` does: settle the suite and the weights, score, tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.request import Request as Request
from bench.commands.results import tell
from bench.commands.settings import check_names
from bench.datasets.registry import SPLITS
from bench.exporters.registry import chosen
from bench.profiles.profile import Profile, load_profile, replace_checked
from bench.runs.reader import Run, find_run, find_runs, out_folder
from bench.util.errors import UsageError
from bench.util.files import write_json
from bench.util.imports import import_early
from bench.util.progress import say
from bench.util.read_errors import Unfit, read_object, reading
from bench.util.words import some

if TYPE_CHECKING:
    from bench.runs.shards import Part
    from bench.stages.context import Context
    from bench.stages.outcome import Outcome


def evaluate_methods(request: Request) -> None:
    """Score and print. Raises UsageError and its like before anything is written."""
    from bench.methods.load import check_spec

    for spec in request.methods:
        check_spec(spec)
    for flag, value in (("--samples", request.samples), ("--count", request.count)):
        if value is not None and value < 1:
            raise UsageError(f"{flag} {value} must be at least 1")
    part = part_of(request)
    source = find_run(request.run, request.runs) if request.run else newest_training(request)
    profile, split = settle(request, source)
    check_names(replace(profile, variants=()))
    files = chosen(request.export, "scores")
    from bench.commands.unchanged import FILE, any_asked, digest_of, remember, told_before
    from bench.suites.of_profile import open_suite, refuse_shared_ids

    suite, asked = None, ""
    if any_asked(request):
        suite = open_suite(profile, split)
        asked = digest_of(request, profile, split, suite, source)
        before = told_before(request, asked)
        if before is not None:
            tell_again(*before, request, files)
            return
    from bench.commands.saved_fills import refuse_target
    from bench.methods.device import check_device
    from bench.methods.first_picture import check_first
    from bench.methods.load import is_network, load_all
    from bench.methods.predictions import settle_layout
    from bench.methods.weights import weights_anywhere, weights_of
    from bench.runs.writer import RunWriter
    from bench.stages.check_predictions import check_polarity, require_fills
    from bench.stages.context import Context, identity_of, key_of
    from bench.stages.fetch_backbone import fetch_or_tell
    from bench.stages.finish import finish
    from bench.stages.prepare import refuse_to_lose, suite_facts, tell_of_suite
    from bench.stages.reuse import digest_fills, earlier_runs
    from bench.stages.samples import choose_samples
    from bench.stages.score import open_scorers, score_methods
    from bench.stages.score_shard import score_part
    from bench.stages.several_fills import settle_samples

    networks = [spec for spec in request.methods if is_network(spec)]
    if request.checkpoint is not None and len(networks) != 1:
        raise UsageError("--checkpoint holds the weights of one network: name exactly one variant")
    anywhere = request.device is None and needs_no_device(profile)
    if suite is None:
        if not anywhere:
            import_early(["torch"])
        suite = open_suite(profile, split)
    device = "cpu" if anywhere else check_device(request.device)
    weights = weights_of(source) if source and request.run else weights_anywhere(request.runs)
    methods = load_all(request.methods, weights, request.checkpoint, device)
    fetch_or_tell(profile, request.weights_dir, request.fetch)
    scorers = open_scorers(profile, request.weights_dir, device)
    if request.save_predictions is not None or any(not method.gives_raw for method in methods):
        refuse_shared_ids(suite)
    methods = settle_layout(methods, suite.masks)
    if request.save_predictions is not None:
        refuse_target(request.save_predictions, methods, profile)
    require_fills(methods, suite)
    doubtful = [] if request.force_polarity else check_polarity(methods, suite)
    changed, advice = check_first(methods, suite)
    changed = [*doubtful, *changed]
    digest_fills(methods, suite)
    asked = asked or digest_of(request, profile, split, suite, source)
    sampled_once = settle_samples(methods, suite, request.samples)
    start = suite_facts(suite, profile)
    key = key_of(profile.as_dict(), identity_of(methods), request.restore_known, start.suite)
    run = out_folder(request.out, request.runs, f"eval-{key[:8]}")
    if not request.fresh:
        refuse_to_lose(run, scorers[0])
    writer = RunWriter(part.folder(run) if part else run)
    writer.begin(start, request.fresh, wait=request.wait)
    (writer.path / FILE).unlink(missing_ok=True)
    say(f"writing {writer.path}" + (f", shard {part}" if part else ""))
    tell_of_suite(suite, writer)
    for text in advice:
        say(f"note: {text}")
    for text in (*changed, *sampled_once):
        say(f"note: {text}")
        writer.note(text)
    if request.save_predictions is not None:
        values = profile.as_dict()
        settled = {key: values[key] for key in SUITE_KEYS if key in values}
        write_json(request.save_predictions / SUITE_FILE, {"suite": start.suite, "split": split, "profile": settled})
    earlier = [] if request.fresh or part else earlier_runs(request.runs, writer.manifest, writer.path)
    context = Context(profile, suite, writer, device, methods, earlier)

    def score(context: Context) -> Outcome:
        return score_methods(
            context,
            *scorers,
            restore_known=request.restore_known,
            predictions=request.save_predictions,
            workers=request.workers,
            part=part is not None,
        )

    if part:
        score_part(context, part, score)
        merge_if_last(run, part, request)
        return
    outcome = score(context)
    for text in outcome.notes:
        say(f"note: {text}")
    if outcome.kept:
        say(f"note: {told_kept(outcome.kept)}; --fresh rescores them")
    if request.build:
        choose_samples(context)
    report = finish(context, request.build)
    if not outcome.partial and not outcome.listed:
        remember(context.run, asked, [*advice, *changed, *sampled_once, *outcome.notes])
    tell(context.run, report, outcome, files, request.json_output)


def tell_again(run: Run, said: Sequence[str], request: Request, files: Sequence[tuple[Path, Any]]) -> None:
    """What an evaluation that was made before prints, from its run."""
    from bench.stages.outcome import Outcome

    labels = [entry.name for entry in run.manifest.variants]
    for text in said:
        say(f"note: {text}")
    say(f"note: {told_kept({label: {None: None} for label in labels})}; --fresh rescores them")
    tell(run, None, Outcome(), files, request.json_output)


def needs_no_device(profile: Profile) -> bool:
    """Finished pictures and no learned metric: asking for a GPU would take longer than much of the work."""
    from bench.methods.spec import parse_spec
    from bench.metrics.registry import metric

    finished = all(parse_spec(spec).kind == "predictions" for spec in profile.variants)
    plain = [name in metric.names() and not metric.get(name).batched for name in profile.metrics]
    return finished and bool(plain) and all(plain)


def part_of(request: Request) -> Part | None:
    """The shard that was asked for, or torchrun's; None: the whole."""
    from bench.runs.shards import Part

    if request.shard is not None:
        return Part.parse(request.shard)
    found = Part.of_environment()
    if found is not None:
        say(f"note: RANK and WORLD_SIZE are set, so this is --shard {found}")
    return found


def merge_if_last(run: Path, part: Part, request: Request) -> None:
    """Join the shards where all are complete, else say which are not."""
    from bench.commands.merge import merge_run
    from bench.runs.shards import read_shards
    from bench.stages.merge import absent

    if missing := [str(other) for other in absent(read_shards(run), part.of)]:
        if request.json_output:
            print(json.dumps({"schema": 1, "shard": str(part), "merged": False, "missing": missing}))
        say(f"shard {part} is complete; still to be scored: {some(missing)} (the last one joins them)")
        return
    merge_run(run, build=request.build, json_output=request.json_output, export=request.export, wait=True)


def told_kept(kept: Mapping[str, Mapping[Path | None, Any]]) -> str:
    """Whose results stand from before, and where they were made."""
    runs: dict[str, list[str]] = {}
    for label, sources in kept.items():
        for path in sources:
            runs.setdefault("here" if path is None else f"in {path.name}", []).append(label)
    return "; ".join(
        f"{some(labels)} {'was' if len(labels) == 1 else 'were'} scored before, {where}"
        for where, labels in runs.items()
    )


def newest_training(request: Request) -> Run | None:
    """The newest run that trained one of the methods asked for, or, where none of them is trained, anything."""
    from bench.methods.load import split_seed
    from bench.methods.spec import parse_spec

    specs = [parse_spec(text) for text in request.methods]
    runs = [run for run in find_runs(request.runs) if any((run.path / "checkpoints").glob("*/*/*.safetensors"))]
    for run in runs:
        if any(not spec.kind and run.checkpoint(*split_seed(spec.argument)) for spec in specs):
            return run
    return runs[0] if runs else None


SUITE_FILE = "suite.json"
"""Lies beside saved predictions and says which suite they are of."""


def suite_of_predictions(request: Request) -> dict[str, Any] | None:
    """The suite that saved predictions were made on, where a folder of them says so."""
    from bench.methods.spec import parse_spec

    for spec in map(parse_spec, request.methods):
        if spec.kind == "predictions":
            folder = Path(spec.argument).expanduser()
            for file in (folder / SUITE_FILE, folder.parent / SUITE_FILE):
                if file.is_file():
                    what, remedy = "the suite of saved predictions", "remove it, and say --data and --masks instead"
                    found = read_object(file, what, remedy, UsageError)
                    with reading(file, what, remedy, UsageError):
                        if not isinstance(found["profile"], dict) or found["split"] not in (*SPLITS, "all"):
                            raise Unfit("its profile or split is none")
                    return found
    return None


def settle(request: Request, source: Run | None) -> tuple[Profile, str]:
    """The suite to score on, as a profile, and the split: the run's own suite unless told otherwise."""
    from bench.methods.load import is_network

    quick = load_profile("quick")
    kept = source.manifest.profile if source else {}
    saved = None if request.data or request.run else suite_of_predictions(request)
    if saved is not None:
        kept = saved["profile"]
    base = replace_checked(quick, {key: kept[key] for key in SUITE_KEYS if key in kept}) if kept else quick
    base = replace(base, name="eval", variants=request.methods)
    split = saved["split"] if saved else "test"
    # A method that no run trains has seen none of a run's pictures.
    learned = kept.get("train_data", ()) if request.run or any(map(is_network, request.methods)) else ()
    if request.suite is not None:
        base = with_suite_file(base, request, learned)
    elif base.suite_entries and not request.data:
        said = (request.masks, request.size, request.polarity, request.threshold, request.count)
        if any(value is not None for value in said):
            raise UsageError("this suite's data sets have masks of their own: give --data too, or another --suite")
    if request.data:
        base = replace(base, suite_entries=())
        from bench.datasets.registry import absolute_spec, is_own

        specs = tuple(absolute_spec(spec) for spec in request.data)
        count = request.count or 0
        base = replace(base, data=specs, count=tuple(count or default_count(spec) for spec in specs), size=None)
        split = "test"
        own = [spec for spec in specs if is_own(spec)]
        if own and not any(spec in learned for spec in own):
            split = "all" if len(own) == len(specs) else "test"
        elif own:
            say("note: the variants were trained on these pictures; only those held out are scored")
    elif request.count and not base.suite_entries:
        base = replace(base, count=(request.count,) * len(base.data))
    if request.size is not None:
        if request.size < 1:
            raise UsageError(f"--size {request.size} must be at least 1")
        base = replace(base, size=request.size)
    exported = [spec.partition(":")[2] for spec in request.data if spec.startswith("suite:")]
    if exported:
        # An exported suite brings its own holes and protocol; naming others makes it another suite.
        from bench.datasets.suite_manifest import read_manifest

        base = replace(base, masks=(f"folder:{exported[0]}",), protocol=read_manifest(Path(exported[0]))["protocol"])
    beside = [spec.partition(":")[2] for spec in base.data if request.data and spec.startswith("lama:")]
    if beside:
        base = replace(base, masks=(f"folder:{beside[0]}",))
    if request.masks is not None:
        base = replace(base, masks=(request.masks,))
    if request.polarity is not None:
        base = replace(base, mask_polarity=request.polarity)
    if request.threshold is not None:
        base = replace(base, mask_threshold=request.threshold)
    if request.seed is not None:
        base = replace(base, suite_seed=request.seed)
    if request.protocol is not None:
        base = replace(base, protocol=request.protocol)
    if request.metrics:
        base = replace(base, metrics=request.metrics)
    return base, split


def with_suite_file(profile: Profile, request: Request, trained_on: Sequence[str]) -> Profile:
    """The profile scored on the data sets of a suite file. Raises UsageError where arguments say the same otherwise."""
    from bench.suites.suite_file import read_suite_file

    assert request.suite is not None
    given = {"--data": request.data, "--masks": request.masks, "--size": request.size}
    given |= {"--mask-polarity": request.polarity, "--mask-threshold": request.threshold}
    for flag, value in given.items():
        if value not in (None, ()):
            raise UsageError(f"{flag} and --suite both say what is scored: write it into {request.suite}")
    entries = read_suite_file(request.suite, trained_on)
    counts = [entry.count or request.count or default_count(entry.data) for entry in entries]
    return replace(
        profile,
        suite_entries=tuple(replace(e, count=n).text() for e, n in zip(entries, counts, strict=True)),
        data=tuple(entry.data for entry in entries),
        count=tuple(counts),
        masks=tuple(dict.fromkeys(entry.masks for entry in entries)),
        size=None,
    )


SUITE_KEYS = (
    *("suite_entries", "data", "count", "size", "masks"),
    *("mask_polarity", "mask_threshold", "suite_seed", "protocol"),
)

EVERY = 10**9
"""A count that no folder reaches."""


def default_count(spec: str) -> int:
    """As many as the quick profile scores of what it knows, which may be endless; else all pictures."""
    quick = load_profile("quick")
    return dict(zip(quick.data, quick.count, strict=True)).get(spec, EVERY)
