"""The runner: pictures × mask types × methods, filled, rounded to 8 bits, scored, recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench.metrics.declaration import Metric
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.profiles.profile import Profile
from bench.runs.journal import JOURNAL, Journal
from bench.runs.manifest import VariantEntry, all_reasons
from bench.runs.provenance import cores
from bench.runs.reader import Run
from bench.runs.records import IDENTITY, cell_of, failures, up_to_date, write_records
from bench.runs.writer import RunWriter
from bench.set_metrics import store as set_store
from bench.set_metrics.registry import split_names
from bench.set_metrics.scorer import ENOUGH, SetScorer
from bench.set_metrics.too_few import too_few
from bench.stages.block import Bench, Report
from bench.stages.cells import Cell, Work, clear_cache
from bench.stages.context import Context, settings_of
from bench.stages.outcome import Outcome
from bench.stages.reuse import notes_of, take_over
from bench.stages.workers import Workers
from bench.suites.suite import Suite
from bench.util.errors import BenchError
from bench.util.progress import Reporter, say
from bench.util.tf32 import matmul_precision
from bench.util.words import counted, some
from variants.method import Method, tell_apart

BATCH = 8

MOST_REASONS = 3
"""Why fills of a mask type could not be scored: how many reasons a note names."""


def evaluate(
    methods: Sequence[Method],
    suite: Suite,
    scorer: Scorer,
    run: Path,
    facts: dict[str, Any],
    *,
    sets: SetScorer | None = None,
    restore_known: bool = True,
    predictions: Path | None = None,
    among: Iterable[tuple[str, int]] = (),
    earlier: Sequence[Run] = (),
    workers: int = 1,
    part: bool = False,
    report: Report = lambda text, fills: None,
) -> Outcome:
    """Score every method on the suite into ``run``; records that are there for the same facts are kept, and what an
    evaluation that was killed had scored.

    facts: what all records depend on (suite, protocol, metric versions). sets: scores of whole sets, taken on the
    way; where it has no weights, values of earlier fills are dropped. restore_known: known pixels come from the
    truth (the default); otherwise fills are scored as they are. predictions: where to save the filled pictures as
    ``<variant>/<mask>/<id>.png``. among: (name, seed) of all that the run holds. earlier: runs whose results may be
    taken over. workers: processes. part: the suite is a part of another, so features are kept in place of set scores,
    and findings are left to whoever joins the parts. report(text, n): n more fills were done.
    """
    tell_apart(methods, among)
    for method in methods:
        method.suite_seed = suite.seed
    outcome = Outcome()
    wanted = sets if sets is not None and sets.ready else None
    bench = Bench(methods, suite, scorer, wanted, restore_known, predictions)
    works = [plan(run, number, bench, facts, earlier, outcome, part) for number in range(len(suite.datasets))]
    waiting = {cell.key: cell for work in works for cell in work.waiting.values()}
    # What is noticed of finished pictures is not in their rows.
    known = {key: [cell.facts, cell.set_facts] for key, cell in waiting.items() if cell.known and cell.method.gives_raw}

    def flush_features() -> None:
        for work in works:
            work.flush()

    journal = Journal(run / JOURNAL, list(scorer.metrics), known, flush_features)
    indices = {work.dataset.name: work.index for work in works}
    for row in journal.read():
        index = indices[row["dataset"]].get(row["image_id"])
        if index is not None:
            waiting[cell_of(row)].put(index, row)
    if done := sum(cell.done for work in works for cell in work.cells):
        report("", done)
    # Where there are fewer batches than processes, the mask types of a batch are dealt out apart.
    apart = sum(-(-len(work.dataset) // BATCH) for work in works if work.waiting) < workers
    tasks = (task for work in works for task in work.tasks(BATCH, apart))
    try:
        with Workers(bench, workers, report) as hands, contextlib.closing(hands.score(tasks)) as results:
            current = 0
            for task, result in results:
                while current < task.dataset:
                    complete(works[current], scorer, wanted, outcome, part)
                    current += 1
                works[current].take(task, result)
                scorer.add_found(result.found)
                for place, count in result.drifted.items():
                    outcome.drifted[methods[place].label] += count
                for rows in result.rows.values():
                    journal.add(rows)
            found = hands.findings()
            for work in works[current:]:
                complete(work, scorer, wanted, outcome, part)
    except BaseException:
        with contextlib.suppress(OSError, BenchError):
            journal.flush()
        raise
    clear_cache(run)
    for place, method in enumerate(methods):
        outcome.findings[method.name, method.seed] = found[place]
        if not part:
            outcome.note_findings(method, found[place], restore_known, scorer.metrics)
    return outcome


def fills_wanted(methods: Sequence[Method], suite: Suite) -> int:
    """How many fills an evaluation scores, samples counted."""
    return sum(method.samples for method in methods) * sum(len(suite.masks_of(d)) * len(d) for d in suite.datasets)


def plan(
    run: Path,
    number: int,
    bench: Bench,
    facts: dict[str, Any],
    earlier: Sequence[Run],
    outcome: Outcome,
    part: bool,
) -> Work:
    """The cells of a data set, and which of them are there already."""
    dataset = bench.suite.datasets[number]
    cells = []
    for mask in bench.suite.masks_of(dataset):
        for place, method in enumerate(bench.methods):
            own = {
                **facts,
                "weights": method.weights_sha256,
                "restore_known": bench.restore_known,
                **settings_of(method),
            }
            # What is noticed of finished pictures is not in their rows, and the parts are to be joined with it.
            known = bench.predictions is None and is_known(method) and (method.gives_raw or not part)
            cell = Cell(run, place, method, dataset, mask, own, known, bench.sets.facts(own) if bench.sets else None)
            cell.kept = known and up_to_date(cell.file, own, len(dataset) * method.samples)
            if cell.kept and cell.set_facts is not None:
                cell.kept = set_store.up_to_date(cell.set_file, cell.set_facts)
            source = None
            if known and not cell.kept:
                source = take_over(cell, earlier)
                cell.kept = source is not None
            if cell.kept:
                outcome.note_kept(method, source)
            else:
                cell.begin(list(bench.scorer.metrics))
            cells.append(cell)
    return Work(run, number, dataset, cells)


def is_known(method: Method) -> bool:
    """Its name and a digest say what it fills with: not so of a function whose code may have changed."""
    if method.kind != "external" and method.gives_raw:
        return True
    return bool(method.content or (method.gives_raw and method.weights_sha256))


def complete(work: Work, scorer: Scorer, sets: SetScorer | None, outcome: Outcome, part: bool) -> None:
    """Write the records and set scores (of a part: the features) of a data set of which every picture is scored."""
    if part:
        work.keep_features()
    for cell in work.cells:
        if cell.kept:
            failed = failures(cell.file)
        else:
            failed = [(work.dataset.ids[index], why) for (index, _), why in sorted(cell.failed.items())]
            write_records(cell.file, cell.rows(), list(scorer.metrics), cell.facts)
            if sets is None or cell.features is None or work.truths is None or cell.set_facts is None:
                cell.set_file.unlink(missing_ok=True)
            else:
                identity = dict(zip(IDENTITY, cell.key, strict=False))
                without = [(index, 0) in cell.failed for index in range(len(work.dataset))]
                found = {} if part else sets.scores(work.truths.all(), cell.features.all(), without)
                set_store.write_set(cell.set_file, identity | found, cell.set_facts)
        for image_id, why in failed:
            outcome.note_failure(cell.method, cell.mask, image_id, why)


def open_scorers(profile: Profile, weights_dir: Path | None, device: str) -> tuple[Scorer, SetScorer]:
    """The scorers of pictures and of sets for the profile's metrics, every one where it names none."""
    single, whole = split_names(profile.metrics)
    every = not profile.metrics
    scorer = Scorer(None if every else single, protocol=profile.protocol, weights_dir=weights_dir, device=device)
    return scorer, SetScorer(None if every else whole, weights_dir=weights_dir, device=device)


def score_methods(
    context: Context,
    scorer: Scorer,
    sets: SetScorer,
    *,
    restore_known: bool = True,
    predictions: Path | None = None,
    workers: int | None = None,
    part: bool = False,
) -> Outcome:
    """Evaluate into the run, with progress; the manifest learns of methods, metrics and what is missing. workers:
    processes; None: the profile's, or as many as there are cores. part: the context's suite is a part of the run's."""
    writer, methods, suite = context.writer, context.methods, context.suite
    manifest = writer.manifest
    facts = facts_of(context, scorer)
    known = {(entry.name, entry.seed): entry for entry in manifest.variants}
    before = {key: entry.notes for key, entry in known.items()}
    known.update({(method.name, method.seed): describe_method(method) for method in methods})
    metrics = {name: replace(entry, code=code_of(name)) for name, entry in scorer.metrics.items()}
    writer.update(variants=list(known.values()), metrics={**metrics, **sets.metrics})
    with writer.stage("evaluate"), Reporter("score") as reporter:
        total = fills_wanted(methods, suite)
        done = 0

        def report(text: str, pictures: int) -> None:
            nonlocal done
            done += pictures
            reporter.update("pictures", done, total, text)

        if sets.ready and sets.device == "cpu":
            most = total + sum(len(dataset) for dataset in suite.datasets)
            passes, them = ("passes", "it") if len(sets.computed) == 1 else ("pass", "them")
            say(
                f"note: {', '.join(sets.computed)} {passes} up to {most:,} pictures through {sets.title}, about "
                f"{sets.seconds:g} s each on a processor core; omit {them} from --metrics to skip this"
            )
        # Else a GPU convolves in TF32, and fills differ from a CPU's by a level here and there.
        with matmul_precision("fp32"):
            outcome = evaluate(
                methods, suite, scorer, writer.path, facts, sets=sets,
                restore_known=restore_known, predictions=predictions, among=known, earlier=context.earlier,
                workers=workers or context.profile.workers or cores(), part=part, report=report,
            )  # fmt: skip
    for method in methods:
        key = method.name, method.seed
        for source in outcome.kept.get(method.label, {}).values():
            for text in before.get(key, []) if source is None else notes_of(source, method):
                outcome.tell(method, text)
        known[key] = replace(known[key], notes=outcome.told.get(method.label, []))
    writer.update(variants=list(known.values()))
    missing = {**reasons_kept(outcome, writer.manifest.missing, scorer), **scorer.missing, **sets.missing}
    writer.update(partly=partly_of(outcome, writer.manifest.partly, scorer))
    note_outcome(writer, outcome)
    counts = {dataset.name: len(dataset) for dataset in suite.datasets}
    writer.update(missing=note_columns(writer, missing, sets.computed if sets.ready else {}, counts, part))
    return outcome


def reasons_kept(outcome: Outcome, here: Mapping[str, str], scorer: Scorer) -> dict[str, str]:
    """Why columns are empty in all results that were kept, where nothing that was scored now has a value either.

    here: what the run said before; other runs that results came from say it themselves.
    """
    sources = {path: source for kept in outcome.kept.values() for path, source in kept.items()}
    said = [here if source is None else source.manifest.missing for source in sources.values()]
    first = said[0] if said else {}
    return {
        name: why
        for name, why in first.items()
        if name in scorer.metrics and not scorer.has_values(name) and all(name in other for other in said)
    }


def partly_of(outcome: Outcome, here: Mapping[str, Sequence[str]], scorer: Scorer) -> dict[str, list[str]]:
    """Why some fills have no value of a column, by column, of what was scored now and of results that were kept.

    here: what the run said before."""
    sources = {path: source for kept in outcome.kept.values() for path, source in kept.items()}
    said = [here if source is None else source.manifest.partly for source in sources.values()]
    return all_reasons([scorer.partly, *said], scorer.metrics)


def facts_of(context: Context, scorer: Scorer) -> dict[str, Any]:
    """What all records depend on."""
    manifest = context.writer.manifest
    facts = {
        "suite": manifest.suite,
        "protocol": str(scorer.protocol),
        "precision": manifest.precision,
        "metrics": {name: version_of(name) for name in scorer.metrics if name not in scorer.missing},
    }
    if not context.device.startswith("cpu"):
        facts["device"] = context.device.partition(":")[0]
    return facts


def all_kept(context: Context, scorer: Scorer, sets: SetScorer) -> bool:
    """Whether the run holds all that :func:`score_methods` would write."""
    tell_apart(context.methods)
    bench = Bench(context.methods, context.suite, scorer, sets if sets.ready else None, True, None)
    facts, run = facts_of(context, scorer), context.writer.path
    works = (plan(run, n, bench, facts, (), Outcome(), False) for n in range(len(context.suite.datasets)))
    return all(cell.kept for work in works for cell in work.cells)


def note_outcome(writer: RunWriter, outcome: Outcome) -> None:
    """Fills that could not be scored, and what was noticed of methods, as notes of the run."""
    cells: dict[tuple[str, str], dict[str, int]] = {}
    for (label, mask, why), count in sorted(outcome.failed.items()):
        cells.setdefault((label, mask), {})[why] = count
    for (label, mask), reasons in cells.items():
        # Wrong sizes differ from picture to picture: a note for each would be as long as the data set.
        if len(reasons) > MOST_REASONS:
            reasons = {some(list(reasons), MOST_REASONS): sum(reasons.values())}
        for why, count in reasons.items():
            them = "it is" if count == 1 else "they are"
            fills = counted(count, "fill")
            writer.note(f"{label}: {fills} of {mask} could not be scored ({why}); {them} excluded from the means")
    for text in outcome.notes:
        writer.note(text)


def note_columns(
    writer: RunWriter,
    missing: Mapping[str, str],
    whole: Mapping[str, Metric],
    counts: Mapping[str, int],
    part: bool = False,
) -> dict[str, str]:
    """Note why columns are empty, and what is to be said of scores of few pictures; why each is empty, by name.

    missing: what is known of that so far. whole: the scores of whole sets that were computed. counts: pictures of each
    data set. part: of a part, whose sets are not scored yet.
    """
    found = {**missing, **(note_too_few(writer, whole) if whole and not part else {})}
    note_missing(writer, found)
    note_small_sets(writer, counts, [name for name in whole if name not in found])
    return found


def note_missing(writer: RunWriter, missing: Mapping[str, str]) -> None:
    """Why columns are empty, as notes of the run."""
    for why in dict.fromkeys(missing.values()):
        names = [name for name in missing if missing[name] == why]
        writer.note(
            f"the {'column' if len(names) == 1 else 'columns'} {', '.join(names)} "
            f"{'is' if len(names) == 1 else 'are'} empty: {why}"
        )


def note_too_few(writer: RunWriter, metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Why scores of whole sets are empty for want of pictures; those that are empty on some data sets only, as notes.

    Those that the run holds of other methods count too: a column that one of them has is not empty.
    """
    titles = writer.manifest.titles
    entries = [
        {**entry, "dataset": titles.get(entry["dataset"], entry["dataset"])}
        for entry in set_store.read_sets(writer.path)
    ]
    missing, notes = too_few(metrics, entries)
    for text in notes:
        writer.note(text)
        say(f"note: {text}")  # tables show only what is empty on all data sets
    return missing


def note_small_sets(writer: RunWriter, counts: Mapping[str, int], names: Sequence[str]) -> None:
    """counts: pictures of each data set."""
    titles = writer.manifest.titles
    few = [f"{titles.get(name, name)} {count:,}" for name, count in counts.items() if count < ENOUGH]
    if few and names:
        writer.note(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} of fewer than {ENOUGH:,} pictures "
            f"({', '.join(few)}): Fréchet distances are biased upwards, and a linear classifier separates so few "
            "fills from truths whatever they look like, so compare them only at equal counts (KID too: too low)"
        )


def version_of(name: str) -> int | str:
    """A metric's version; of a plug-in's with the digest of its code, which may change without one."""
    entry, code = metric.get(name), code_of(name)
    return f"{entry.version}+{code}" if code else entry.version


def code_of(name: str) -> str:
    """Digest of the code of a plug-in's metric; empty of our own, whose version says it."""
    source = metric.plugin(name)
    return source.digest() if source is not None else ""


def describe_method(method: Method) -> VariantEntry:
    """What run.json says of a method."""
    return VariantEntry(**{key.name: getattr(method, key.name) for key in fields(VariantEntry) if key.name != "notes"})
