"""From a run folder to one offline HTML file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.runs.reader import Run
from bench.util.files import write_bytes, write_text
from reports.tables import Table


@dataclass
class Report:
    """Everything the page shows, gathered before any of it is written. tables: all of them, for the exports, and notes:
    what stands above them."""

    context: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    style: str = ""
    notes: list[str] = field(default_factory=list)


def build_report(
    run: Run, path: Path | None = None, *, full_resolution: Path | None = None, compare: Run | None = None
) -> Path:
    """Write the report of ``run`` (default: ``report.html`` in its folder) and return its path.

    Copes with a run that is still going on: what is not there yet is said to be missing.
    full_resolution: a folder to put the chosen pictures in, unchanged, and to link to. compare: another run to
    set beside. Raises IncomparableError where that one was measured differently.
    """
    path = path or run.path / "report.html"
    return write_page(gather(run, compare=compare, full_resolution=full_resolution, beside=path.parent), path)


def write_page(report: Report, path: Path) -> Path:
    """Render the page with style and scripts inlined, and write it to ``path``."""
    from reports import page

    style = page.asset("style.css", "figures.css", "viewer.css", "find.css") + report.style
    script = page.asset("page.js", "colour.js", "find.js", "viewer.js")
    write_text(path, page.render("report.html", style, script, **report.context))
    return path


def gather(
    run: Run,
    *,
    compare: Run | None = None,
    full_resolution: Path | None = None,
    beside: Path | None = None,
    reload_s: int | None = None,
) -> Report:
    """Read the run and lay out what the page shows.

    beside: where the page will lie, for links to the originals. reload_s: the page loads itself again that often.
    """
    from reports import (
        breakdown,
        claims,
        colour_shift,
        figures,
        find,
        grids,
        method_colours,
        progress,
        provenance,
        scoreboard,
        speed,
        speed_figures,
    )
    from reports.numbers import Numbers
    from reports.other_run import compared
    from reports.pictures import Tally

    numbers = Numbers(run)
    tally = Tally()
    datasets = numbers.datasets
    # Encoding pictures leaves the interpreter free for the numbers, on another core.
    with ThreadPoolExecutor(1) as background:
        pictures = background.submit(grids.encoded, run, tally)
        metrics = scoreboard.main_metrics(numbers)
        leads = {d: scoreboard.leads(numbers, d, metrics) for d in datasets}
        broken_down = breakdown.shown(numbers)
        per_dataset = [section(numbers, d, leads[d], metrics, broken_down) for d in datasets]
    rows = grids.grid(numbers, pictures.result())
    worst = grids.worst_failures(numbers, rows)
    densities, floors = colour_shift.luminance_panels(numbers, tally.counts)
    validation, losses = figures.training(numbers)
    other = compared(run, compare) if compare else None
    verdicts, tested = claims.judge(numbers), claims.scale_of(numbers)
    speed_table = speed.throughput_table(numbers)
    speed_warnings = speed.warnings_table(numbers)
    failures = provenance.failures_table(numbers)
    facts = provenance.tables(numbers)
    originals = copy_originals(run, rows, full_resolution, beside or run.path) if full_resolution else {}
    found = find.find_data(numbers, rows)
    warnings = scoreboard.warnings(numbers)
    context: dict[str, Any] = {
        "run": run,
        "manifest": run.manifest,
        "numbers": numbers,
        "styles": method_colours.styles(numbers),
        "warnings": warnings,
        "verdict": scoreboard.verdict(numbers, leads),
        "datasets": per_dataset,
        "progress": progress.progress(run) if not run.manifest.finished else None,
        "reload_s": reload_s,
        "rows": rows,
        "find": found,
        "left_out": len({(i["dataset"], i["mask"], i["image_id"]) for i in run.samples}) - len(rows),
        "groups": grids.groups(numbers, rows),
        "worst": worst,
        "worst_tables": grids.worst_by_method(numbers, worst),
        "claims": verdicts,
        "claims_table": claims.table(verdicts, tested),
        "tested": tested,
        "densities": densities,
        "floors": floors,
        "validation": validation,
        "losses": losses,
        "batches": speed_figures.batch_curves(numbers),
        "roofs": speed_figures.rooflines(numbers),
        "failures": failures,
        "ceilings": speed.ceilings(numbers),
        "speed_remarks": run.throughput_remarks(),
        "speed_warnings": speed_warnings,
        "throughput": speed_table,
        "facts": facts,
        "size_key": figures.size_key(numbers),
        "reproduce": provenance.reproduce(numbers),
        "viewer": grids.viewer_data(numbers, rows, provenance.cell_commands(numbers), originals)
        | {"find": found, "painted": provenance.repainted(numbers)},
        "beside": other,
    }
    tables = [t for part in per_dataset for t in part["tables"]]
    tables += [context["claims_table"], grids.worst_table(worst), speed_table, speed_warnings, failures, *facts]
    tables += other["tables"] if other else []
    return Report(context, [t for t in tables if t is not None], grids.truths_css(rows), warnings)


def plotted(numbers: Any, metrics: list[str]) -> list[str]:
    """The two metrics that are set against speed: a perceptual one first, where there is one."""
    single = [name for name in metrics if not numbers.measures[name].whole]
    return sorted(single, key=lambda name: numbers.measures[name].group != "perceptual")[:2]


def section(numbers: Any, dataset: str, leads: Any, metrics: list[str], broken_down: list[str]) -> dict[str, Any]:
    """All that is shown of one data set."""
    from reports import areas, breakdown, colour_shift, figures, scoreboard

    overall = scoreboard.overall(numbers, dataset, leads, metrics)
    rest = [m for m in numbers.measures if m not in metrics and numbers.has(m)]
    more = scoreboard.overall(numbers, dataset, {}, rest) if rest else None
    if more:
        more.key += "-more"
        more.caption = f"Further metrics on {numbers.titles[dataset]}, {scoreboard.pooled_words(numbers)}"
    bins = areas.binned(numbers, dataset)
    parts = []
    for metric in broken_down:
        measure = numbers.measures[metric]
        parts.append(
            {
                "metric": measure,
                "masks": breakdown.mask_panels(numbers, dataset, metric),
                "heat": breakdown.heat_map(numbers, dataset, metric),
                "areas": areas.area_panels(numbers, dataset, bins, measure) if bins and not measure.whole else [],
                "areas_table": areas.area_table(numbers, dataset, bins, measure)
                if bins and not measure.whole
                else None,
            }
        )
    shift = colour_shift.shift_table(numbers, dataset)
    plots = [
        (numbers.measures[m], plot)
        for m in plotted(numbers, broken_down)
        if (plot := figures.quality_speed(numbers, dataset, m)) is not None
    ]
    tables = [overall, more, *(p["heat"] for p in parts), *(p["areas_table"] for p in parts), shift]
    return {
        "title": numbers.titles[dataset],
        "key": scoreboard.slug(dataset),
        "overall": overall,
        "more": more,
        "plots": plots,
        "parts": parts,
        "shifts": colour_shift.shift_panels(numbers, dataset),
        "shift_table": shift,
        "tables": [t for t in tables if t is not None],
    }


def copy_originals(run: Run, rows: list[Any], folder: Path, page: Path) -> dict[str, str]:
    """Put the samples' PNG files into ``folder``; anchor of a row or cell -> link from the folder ``page``."""
    links: dict[str, str] = {}
    places = {(r.dataset, r.mask, r.image_id): r for r in rows}
    folder.mkdir(parents=True, exist_ok=True)
    for item in run.samples:
        row = places.get((str(item["dataset"]), str(item["mask"]), str(item["image_id"])))
        if row is None or row.anchor in links:
            continue
        wanted = {f"{row.anchor}": item["truth"], f"{row.anchor}#hole": item["hole"]}
        for cell in row.cells:
            for kind, name in (item["fills"].get(cell.label) or {}).items():
                if name:
                    wanted[f"{cell.anchor}#{kind}"] = name
        for key, name in wanted.items():
            source = (run.path / "samples" / name).resolve()
            if not source.is_relative_to((run.path / "samples").resolve()) or not source.is_file():
                continue
            target = folder / source.relative_to((run.path / "samples").resolve())
            if target.resolve() != source:
                write_bytes(target, source.read_bytes())
            links[key] = quote(os.path.relpath(target.resolve(), page.resolve()))
    return links
