"""The pictures a report shows: chosen by rule from the records, filled once more, saved.

For each data set: the first pictures with the standard hole (the lighthouse grid), and for each mask type one
at random by seed, the best and the worst on average, those that methods disagree on most, and each method's
own worst. Fills are deterministic, so what is shown is what was scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.metrics.colour_correction import correct
from bench.metrics.declaration import Metric, in_order
from bench.runs.reader import Run
from bench.stages.context import Context, identity_of, key_of
from bench.stages.score import BATCH
from bench.suites.suite import Suite
from bench.util.compositing import composite, png, to_levels
from bench.util.draws import uniforms
from bench.util.errors import BenchError
from bench.util.files import write_bytes, write_json
from bench.util.progress import Reporter, say
from bench.util.read_errors import Unfit, read_object, reading
from bench.util.tf32 import matmul_precision
from variants.method import Method
from variants.weights import sha256

if TYPE_CHECKING:
    import pandas as pd

LIGHTHOUSE_ROWS = 5
"""Rows of the first grid, for each data set."""
FEW = 4
"""Of so many methods, who looks for what one fails and another does not is shown more than one picture."""


@dataclass(frozen=True)
class Choice:
    """One picture to show. why: the rule that chose it; of: whose worst it is, or empty."""

    dataset: str
    mask: str
    image_id: str
    why: str
    of: str = ""


def choose(run: Run, suite: Suite, rows: int, metric: str | None = None) -> list[Choice]:
    """What to show of a run, in order and without repeats (the first rule that names a picture keeps it)."""
    records = run.records()
    if records.empty:
        return []
    facts = run.manifest.metrics
    metric = metric or deciding_metric(records, facts)
    networks = {entry.name for entry in run.manifest.variants if entry.kind != "reference"}
    choices: list[Choice] = []
    for dataset in suite.datasets:
        masks = suite.masks_of(dataset)
        first = "standard" if "standard" in masks else masks[0]
        count = max(rows, min(LIGHTHOUSE_ROWS, len(dataset)))
        choices += [Choice(dataset.name, first, image_id, "standard") for image_id in list(dataset.ids)[:count]]
    if rows == 0:
        return choices
    for dataset in suite.datasets:
        for mask in suite.masks_of(dataset):
            cell = records[(records["dataset"] == dataset.name) & (records["mask"] == mask)]
            if len(cell):
                choices += by_rule(cell, dataset.name, mask, metric, networks, suite.seed, facts.get(metric))
    kept: dict[tuple[str, str, str], Choice] = {}
    for choice in choices:
        kept.setdefault((choice.dataset, choice.mask, choice.image_id), choice)
    return list(kept.values())


def deciding_metric(records: pd.DataFrame, facts: Mapping[str, Metric]) -> str:
    """The metric that says best and worst: the first by rank that has values."""
    for name in [*in_order(facts), *in_order(facts, ranked=False)]:
        if name in records and records[name].notna().any():
            return name
    return "hole_area"


def by_rule(
    cell: pd.DataFrame, dataset: str, mask: str, metric: str, networks: set[str], seed: int, entry: Metric | None = None
) -> list[Choice]:
    """The pictures to show of one cell, each with why: a drawn one, the extremes, the most disputed."""
    good = cell.copy()
    if entry is not None:
        good[metric] = entry.goodness(good[metric])
    table = good.pivot_table(index="image_id", columns=["variant", "seed"], values=metric, sort=True)
    if table.empty:
        return []
    of_networks = table[[column for column in table.columns if column[0] in networks]]
    judged = of_networks if of_networks.shape[1] else table
    # One network disagrees with nobody but the references.
    rivals = of_networks if of_networks.shape[1] > 1 else table
    spread = rivals.std(axis=1, ddof=0)
    disputed = spread[spread > 0].nlargest(3 if table.shape[1] <= FEW else 1).index
    lot = int(uniforms(seed, f"sample {dataset} {mask}", 0, 1)[0, 0] * len(table))
    mean = judged.mean(axis=1)
    found = [
        Choice(dataset, mask, table.index[lot], "random"),
        Choice(dataset, mask, mean.idxmax(), "best"),
        Choice(dataset, mask, mean.idxmin(), "worst"),
        *(Choice(dataset, mask, image_id, "disputed") for image_id in disputed),
    ]
    for column in table.columns:
        found.append(Choice(dataset, mask, table[column].idxmin(), "worst", of=str(column[0])))
    return found


def save_samples(
    run: Run,
    suite: Suite,
    methods: Sequence[Method],
    choices: Sequence[Choice],
    label: Callable[[Method], str],
    report: Callable[[int], None] = lambda pictures: None,
) -> None:
    """Fill the chosen pictures with every method and write samples/ (docs/run-folder.md)."""
    folder = run.path / "samples"
    items: list[dict[str, Any]] = []
    for number, (choice, image, hole, raws) in enumerate(filled_choices(suite, methods, choices)):
        stem = f"{number:03d}"
        write_bytes(folder / stem / "truth.png", png(image))
        write_bytes(folder / stem / "hole.png", png(np.where(hole, np.uint8(255), np.uint8(0))))
        fills: dict[str, Any] = {}
        for method, raw in zip(methods, raws, strict=True):
            if not np.isfinite(raw).all():
                continue
            filled = composite(image, hole, raw)
            files = {"filled": filled}
            if method.gives_raw and method.fills == "whole":
                files["raw"] = to_levels(raw)
                corrected = correct(image, hole, filled, raw)
                if corrected is not None:
                    files["corrected"] = corrected
            entry: dict[str, str | None] = {"filled": None, "raw": None, "corrected": None}
            for kind, picture in files.items():
                name = f"{stem}/{label(method)}-{kind}.png"
                write_bytes(folder / name, png(picture))
                entry[kind] = name
            fills[label(method)] = entry
        items.append(
            {
                "dataset": choice.dataset,
                "mask": choice.mask,
                "image_id": choice.image_id,
                "why": choice.why,
                "of": choice.of,
                "hole_area": float(hole.mean()),
                "truth": f"{stem}/truth.png",
                "hole": f"{stem}/hole.png",
                "fills": fills,
            }
        )
        report(1)
    digests = {name: sha256(folder / name) for item in items for name in files_of(item)}
    write_json(folder / "index.json", {"schema": 1, "items": items, "sha256": digests})


def files_of(item: dict[str, Any]) -> list[str]:
    """The files of an item of index.json, relative to samples/."""
    fills = [name for fill in item["fills"].values() for name in fill.values() if name]
    return [item["truth"], item["hole"], *fills]


def filled_choices(
    suite: Suite, methods: Sequence[Method], choices: Sequence[Choice]
) -> Iterator[tuple[Choice, np.ndarray, np.ndarray, list[np.ndarray]]]:
    """Each choice in order with its picture, its hole, and every method's raw output; neighbours of one mask type and
    size are filled together, which networks do faster than one by one."""
    datasets = {dataset.name: dataset for dataset in suite.datasets}
    places = {name: {image_id: i for i, image_id in enumerate(d.ids)} for name, d in datasets.items()}
    loaded = []
    for choice in choices:
        dataset = datasets[choice.dataset]
        index = places[choice.dataset][choice.image_id]
        image = dataset.load(index)
        loaded.append((choice, image, suite.holes(dataset, choice.mask, [index], [image.shape[:2]])[0]))
    for _, group in groupby(loaded, key=lambda entry: (entry[0].dataset, entry[0].mask, entry[1].shape)):
        together = list(group)
        for start in range(0, len(together), BATCH):
            part = together[start : start + BATCH]
            images, holes = np.stack([image for _, image, _ in part]), np.stack([hole for _, _, hole in part])
            ids = [choice.image_id for choice, _, _ in part]
            raws = [method.fill(images, holes, ids, part[0][0].mask) for method in methods]
            for k, (choice, image, hole) in enumerate(part):
                yield choice, image, hole, [raw[k] for raw in raws]


def whole(run: Run) -> bool:
    """Whether the list of sample pictures and every file of it are as they were written. Of what is not it is said."""
    file = run.path / "samples" / "index.json"
    if not file.exists():
        return False
    try:
        # Those that are damaged are left out of it.
        there = {name for item in run.samples for name in files_of(item)}
        with reading(file, "the list of sample pictures", "they are recreated"):
            if there != read_object(file, "the list of sample pictures").get("sha256", {}).keys():
                raise Unfit("its pictures are not those that were written")
    except BenchError as error:
        say(f"note: {error}")
        return False
    return True


def choose_samples(context: Context) -> None:
    """Choose and fill the pictures of the report, unless the run holds exactly these already."""
    run, suite, methods = context.run, context.suite, context.methods
    choices = choose(run, suite, context.profile.samples)
    key = key_of(context.writer.manifest.suite, identity_of(methods), [vars(choice) for choice in choices])
    if context.writer.manifest.samples == key and whole(run):
        return
    with context.writer.stage("samples"), Reporter("pictures") as reporter:
        done = 0

        def report(pictures: int) -> None:
            nonlocal done
            done += pictures
            reporter.update("for the report", done, len(choices))

        with matmul_precision("fp32"):
            save_samples(run, suite, methods, choices, lambda m: run.label(m.name, m.seed), report)
    context.writer.update(samples=key)
