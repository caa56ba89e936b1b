"""The HTML page of a comparison: the answer, every difference with its interval, and the pictures behind them."""

from __future__ import annotations

import math
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from bench.exporters.rounding import decimals, p_value, typeset
from bench.exporters.words import count
from bench.exporters.words import headline as headline_metrics
from bench.metrics.declaration import in_order as by_rank
from bench.statistics.scores import ALL
from bench.statistics.standing import winners
from bench.util.files import write_text
from reports.breakdown import spoken
from reports.charts import Dot, dot_panel, scatter_panel
from reports.grids import GridCell, GridRow, anchor, rows_data, truths_css, viewer_of
from reports.method_colours import sides
from reports.numbers import Score
from reports.pictures import Tally, scenes
from reports.plane import span_of
from reports.scoreboard import slug, written
from reports.tables import Cell, Column, Row, Table

if TYPE_CHECKING:
    from bench.comparison.compare import Comparison
    from bench.comparison.pairing import Pair

MARKS = {"better": "good", "worse": "bad"}
PLOTTED = 5
CHANGED = 6
"""Pictures shown that changed most, for better and for worse each."""
MOST_POINTS = 4000


def build_comparison(comparison: Comparison, path: Path) -> Path:
    """Write the page of a comparison to ``path`` and return it."""
    from reports import page

    rows, changes = pictures(comparison)
    titles = comparison.titles
    style = page.asset("style.css", "figures.css", "viewer.css") + truths_css(rows)
    script = page.asset("page.js", "colour.js", "viewer.js")
    parts = [part(comparison, pair, number) for number, pair in enumerate(comparison.pairs)]
    context: dict[str, Any] = {
        "comparison": comparison,
        "names": [side.label for side in comparison.sides],
        "headline": headline(comparison),
        "summary": summary(comparison),
        "parts": parts,
        "ranking": ranking(comparison),
        "changes": changes,
        "no_changes": "" if changes else why_unchanged(comparison),
        "rows": rows,
        "find": None,
        "styles": sides(s.label for s in comparison.sides),
        "viewer": viewer_of(rows_data(rows, {}, titles)),
        "titles": titles,
        "reload_s": None,
        "command": command(comparison, path),
        "runs": list({side.run.path: side.run for side in comparison.sides}.values()),
    }
    write_text(path, page.render("comparison.html", style, script, **context))
    return path


def command(comparison: Comparison, path: Path) -> str:
    """What writes this page again, from the folder that the runs were named from."""
    from bench.comparison.compare import Options

    options, plain = comparison.options, Options()
    words = ["bench", "compare", *(spec(side) for side in comparison.sides)]
    for flag, names in (("--metrics", options.metrics), ("--masks", options.masks)):
        words += [flag, ",".join(names)] if names else []
    for name, value in (options.tolerances or {}).items():
        words += ["--tolerance", f"{name}={value!r}"]
    words += ["--common"] if options.common else []
    words += ["--by-area"] if options.by_area else []
    words += ["--resamples", str(options.resamples)] if options.resamples != plain.resamples else []
    words += ["--seed", str(options.seed)] if options.seed != plain.seed else []
    return shlex.join([*words, "--html", path.name])


def spec(side: Any) -> str:
    """A side as ``bench compare`` takes it, RUN:VARIANT[@SEED]."""
    return f"{side.run.name}:{side.variant}" + ("" if side.seed is None else f"@{side.seed}")


def headline(comparison: Comparison) -> str:
    """Who is better by the first metric, by candidate and data set, in one sentence."""
    metric = headline_metrics(comparison.rows)[0]
    clauses = []
    several = len({row["dataset"] for row in comparison.rows}) > 1
    for row in comparison.rows:
        if row["metric"] == metric and row["mask"] == ALL:
            where = f" on {comparison.titles[row['dataset']]}" if several else ""
            clauses.append(f"{row['candidate']} is {words(row)}{where}")
    text = "; ".join(clauses)
    return (
        f"Against {comparison.sides[0].label}, by {label_of(comparison.rows, metric)}: {text}." if text else "Compared."
    )


def words(row: dict[str, Any]) -> str:
    """Verdict and difference in words, with the interval where there is one."""
    digits = _digits_of(row)
    unit = f" {row['unit']}" if row["unit"] else ""
    tail = (
        f"{typeset(row['difference'], digits)}{unit}"
        if row["difference"] < 0
        else f"+{typeset(row['difference'], digits)}{unit}"
    )
    if known(row):
        tail += f", 95 % interval {typeset(row['low'], digits)} to {typeset(row['high'], digits)}"
    return f"{ {'same': 'the same within tolerance'}.get(row['verdict'], row['verdict']) } ({tail})"


def known(row: dict[str, Any]) -> bool:
    """Whether a row has an interval."""
    return row["low"] is not None and not math.isnan(row["low"])


def _digits_of(row: dict[str, Any]) -> int:
    return decimals(row["unit"] or "", row["decimals"])


def label_of(rows: list[dict[str, Any]], metric: str) -> str:
    """The metric's name as the rows have it; StopIteration where no row is of it."""
    return next(str(row["label"]) for row in rows if row["metric"] == metric)


def title_of(row: dict[str, Any]) -> str:
    """Heading of a metric: label, unit, and an arrow for the better direction."""
    arrow = {"higher": "↑", "lower": "↓"}.get(row["direction"], "→")
    unit = f" [{row['unit']}]" if row["unit"] else ""
    return f"{row['label']}{unit} {arrow}"


def summary(comparison: Comparison) -> list[tuple[Table, Table | None]]:
    """Two tables a candidate and data set, mask types pooled: the metrics of interest, and all others."""
    tables = []
    for candidate, dataset in dict.fromkeys((r["candidate"], r["dataset"]) for r in comparison.rows):
        mine = [r for r in comparison.rows if (r["candidate"], r["dataset"], r["mask"]) == (candidate, dataset, ALL)]
        caption = f"{candidate} against {comparison.sides[0].label} on {comparison.titles[dataset]}"
        first = sorted((r for r in mine if r["rank"] is not None), key=lambda r: r["rank"])
        rest = [r for r in mine if r["rank"] is None]
        further = _rows_table(f"{caption}: further metrics", rest, "metric") if first and rest else None
        tables.append((_rows_table(caption, first or rest, "metric"), further))
    return tables


def mean_cell(row: dict[str, Any], side: str, digits: int) -> Cell:
    """A side's mean; of a metric with a target, with the distance from it, which decides."""
    mean, distance = row[f"{side}_mean"], row.get(f"{side}_distance")
    text = written(Score(mean, math.nan, math.nan, 0, math.nan if distance is None else distance), digits)
    return Cell(text, mean, distance=distance)


def would_decide(row: dict[str, Any]) -> str:
    """Of an undecided row, how many pictures would decide it, were the difference as seen; else nothing."""
    return f"{count(row['pictures_to_decide'])} would decide" if row["verdict"] == "undecided" else ""


def _rows_table(caption: str, rows: list[dict[str, Any]], first: str) -> Table:
    columns = [
        Column("reference", "reference"),
        Column("candidate", "candidate"),
        Column("difference", "difference, good direction"),
        Column("p_holm", "p (Holm)"),
        Column("effect", "effect size"),
        Column("wins", "wins / ties / losses"),
        Column("verdict", "verdict", numeric=False),
    ]
    lines = []
    for row in rows:
        digits = _digits_of(row)
        sign = "+" if row["difference"] > 0 else ""
        effect = row["effect_size"]
        p = row.get("p_holm", row["p"])
        lines.append(
            Row(
                title_of(row) if first == "metric" else str(row["mask"]),
                [
                    mean_cell(row, "reference", digits),
                    mean_cell(row, "candidate", digits),
                    Cell(
                        sign + typeset(row["difference"], digits),
                        row["difference"],
                        row["low"] if known(row) else None,
                        row["high"] if known(row) else None,
                        f"{typeset(row['low'], digits)} to {typeset(row['high'], digits)}" if known(row) else "",
                    ),
                    Cell(p_value(p), p),
                    Cell(
                        typeset(effect, 2) if math.isfinite(effect) else "–", effect if math.isfinite(effect) else None
                    ),
                    Cell(f"{row['wins']} / {row['ties']} / {row['losses']}", float(row["wins"])),
                    Cell(row["verdict"], detail=would_decide(row), mark=MARKS.get(row["verdict"], "")),
                ],
            )
        )
    return Table(slug(caption), caption, columns, lines, first)


def part(comparison: Comparison, pair: Pair, number: int) -> dict[str, Any]:
    """The forest plots and the scatter of one candidate on one data set."""
    reference, candidate = pair.sides
    rows = [r for r in comparison.rows if r["candidate"] == candidate.label and r["dataset"] == pair.dataset]
    style = sides(s.label for s in comparison.sides)[candidate.label]
    forests = []
    metrics = headline_metrics(rows)
    for metric in metrics[:PLOTTED]:
        mine = [r for r in rows if r["metric"] == metric]
        forests.append(forest(mine, style, metric, comparison.axis))
    title = comparison.titles[pair.dataset]
    pair_name = f"{candidate.label} against {reference.label} on {title} by {comparison.axis}"
    tables = [
        _rows_table(f"{label_of(rows, m)}: {pair_name}", [r for r in rows if r["metric"] == m], comparison.axis)
        for m in metrics[:PLOTTED]
    ]
    return {
        "title": f"{candidate.label} on {title}",
        "key": f"part{number}",
        "forests": forests,
        "scatters": [s for m in metrics[:2] if (s := scatter(pair, m)) is not None],
        "tables": tables,
        "pictures": len(pair.ids),
    }


def forest(rows: list[dict[str, Any]], style: str, metric: str, axis: str) -> Markup:
    """Differences with intervals, a line a mask type or bin of hole area; right of zero the candidate is better."""
    dots = []
    ends = [0.0]
    digits = _digits_of(rows[0])
    for row in rows:
        low, high = (row["low"], row["high"]) if known(row) else (math.nan, math.nan)
        score = Score(row["difference"], low, high, row["images"])
        dots.append(Dot(row["mask"], style, score))
        ends += [score.mean, low, high]
    low, high = span_of(ends, 0.08)
    unit = f" [{rows[0]['unit']}]" if rows[0]["unit"] else ""
    alt = f"Difference in {rows[0]['label']} by {axis}, positive is better: " + "; ".join(
        f"{d.label} {spoken(d.score, digits)}" for d in dots
    )
    return dot_panel(f"{rows[0]['label']}{unit}", dots, low, high, alt=alt, digits=digits, zero=0.0)


def scatter(pair: Pair, metric: str) -> Markup | None:
    """Candidate against reference, a point a picture and mask type."""
    names = [fact.name for fact in pair.facts]
    if metric not in names:
        return None
    k = names.index(metric)
    x, y = (means[..., k].ravel() for means in pair.means())
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if not len(x):
        return None
    fact = pair.facts[k]
    better = int((fact.goodness(y) > fact.goodness(x)).sum())
    title = fact.heading
    alt = (
        f"{title} of {pair.sides[1].label} against {pair.sides[0].label}, {len(x)} pictures under their holes: "
        f"{better} better, {len(x) - better} not"
    )
    step = max(1, math.ceil(len(x) / MOST_POINTS))
    x, y = x[::step], y[::step]
    good = fact.goodness(y) > fact.goodness(x)
    unit = f" [{fact.unit}]" if fact.unit else ""
    return scatter_panel(f"{title}{unit}", x, y, good, alt=alt, labels=(pair.sides[0].label, pair.sides[1].label))


def ranking(comparison: Comparison) -> Table | None:
    """Places per metric for three sides and more; sides that cannot be told apart share one."""
    if not comparison.ranking:
        return None
    shown = headline_metrics(comparison.rows)
    wanted = [r for r in comparison.ranking if r["metric"] in shown]
    wanted.sort(key=lambda r: shown.index(r["metric"]))
    several = len({r["dataset"] for r in wanted}) > 1
    columns = [
        Column(
            f"{r['metric']}-{slug(r['dataset'])}",
            f"{label_of(comparison.rows, r['metric'])}{', ' + comparison.titles[r['dataset']] if several else ''}",
        )
        for r in wanted
    ]
    digits = {row["metric"]: _digits_of(row) for row in comparison.rows}
    best = [winners(r["places"], comparison.facts[r["metric"]]) for r in wanted]
    lines = []
    for side in comparison.sides:
        cells = []
        for r, marked in zip(wanted, best, strict=True):
            place = next((p for p in r["places"] if p["side"] == side.label), None)
            cells.append(
                Cell(
                    f"{place['rank']}.",
                    float(place["rank"]),
                    detail=typeset(place["mean"], digits[r["metric"]])
                    + (f", off by {typeset(place['distance'], digits[r['metric']])}" if "distance" in place else ""),
                    mark="best" if side.label in marked else "",
                )
                if place
                else Cell("–")
            )
        lines.append(Row(side.label, cells))
    return Table("ranking", "Ranking; methods that cannot be told apart share a place", columns, lines)


# -- pictures ------------------------------------------------------------------------------------------


def pictures(comparison: Comparison) -> tuple[list[GridRow], list[dict[str, Any]]]:
    """The pictures kept by both sides' runs that changed most: the rows for the large view, and for every pair
    the rows for better and for worse."""
    asked: list[tuple[str, str, dict[tuple[str, str], str]]] = []
    plans: list[tuple[Pair, list[tuple[int, str, str, float, str]]]] = []
    for pair in comparison.pairs:
        found = changed(pair)
        plan = []
        for item, mask, image_id, gain, text in found:
            plan.append((len(asked), mask, image_id, gain, text))
            asked.append(item)
        plans.append((pair, plan))
    encoded = scenes(Path(), asked, Tally())
    rows: list[GridRow] = []
    changes = []
    for pair, plan in plans:
        better: list[GridRow] = []
        worse: list[GridRow] = []
        reference, candidate = pair.sides
        for number, mask, image_id, gain, text in plan:
            scene = encoded[number]
            if scene is None:
                continue
            key = (pair.dataset, mask, image_id, candidate.label)
            cells = [
                GridCell(
                    side.label,
                    anchor(*key, side.label),
                    scene.layers.get((side.label, "filled")),
                    scene.layers.get((side.label, "raw")),
                    scene.layers.get((side.label, "corrected")),
                    scores=scores_of(pair, place, mask, image_id),
                )
                for place, side in enumerate(pair.sides)
            ]
            for cell in cells:
                cell.text = next(iter(cell.scores.values()), "")
            area = float(np.mean([m for m in (hole_area(pair, mask, image_id),) if m == m] or [0.0]))
            row = GridRow(len(rows), anchor(*key), pair.dataset, mask, image_id, "changed", text, area, scene, cells)
            rows.append(row)
            (better if gain > 0 else worse).append(row)
        if better or worse:
            changes.append(
                {
                    "title": f"{candidate.label} against {reference.label} on {comparison.titles[pair.dataset]}",
                    "better": sorted(better, key=partial(gains, plan), reverse=True),
                    "worse": sorted(worse, key=partial(gains, plan)),
                }
            )
    return rows, changes


def why_unchanged(comparison: Comparison) -> str:
    """Why there is no picture to show, in a sentence."""
    bare = list(dict.fromkeys(side.run.name for side in comparison.sides if not side.run.samples))
    if bare:
        return f"No pictures to show: {', '.join(bare)} kept none. bench run keeps some, bench eval does with --report."
    return "No pictures to show: the runs kept none in common on which the sides differ."


def gains(plan: list[tuple[int, str, str, float, str]], row: GridRow) -> float:
    """The gain by which a picture was chosen for the grid."""
    return next(gain for _, mask, image_id, gain, _ in plan if (mask, image_id) == (row.mask, row.image_id))


def changed(pair: Pair) -> list[tuple[tuple[str, str, dict[tuple[str, str], str]], str, str, float, str]]:
    """(files, mask, picture, gain, words) of the kept pictures that changed most, both ways."""
    names = [fact.name for fact in pair.facts]
    metric = [*by_rank(facts := {fact.name: fact for fact in pair.facts}), *names][0]
    fact = facts[metric]
    x, y = (means[..., names.index(metric)] for means in pair.means())
    gain = fact.goodness(y) - fact.goodness(x)
    place = {str(name): k for k, name in enumerate(pair.ids)}
    kept: dict[tuple[str, str], list[Any]] = {}
    for side in pair.sides:
        label = side.run.label(side.variant, side.seeds[0]) if side.seeds else side.variant
        for item in side.run.samples:
            fill = item.get("fills", {}).get(label)
            if item["dataset"] == pair.dataset and fill and fill.get("filled"):
                kept.setdefault((str(item["mask"]), str(item["image_id"])), []).append((side, item, fill))
    found = []
    for (mask, image_id), parts in kept.items():
        if {id(p[0]) for p in parts} < {id(s) for s in pair.sides} or image_id not in place or mask not in pair.masks:
            continue
        value = float(gain[place[image_id], pair.masks.index(mask)])
        if not math.isfinite(value) or value == 0:
            continue
        root = parts[0][0].run.path / "samples"
        layers = {
            (side.label, kind): str((side.run.path / "samples" / name).resolve())
            for side, _, fill in parts
            for kind, name in fill.items()
            if name
        }
        files = (str((root / parts[0][1]["truth"]).resolve()), str((root / parts[0][1]["hole"]).resolve()), layers)
        unit = f" {fact.unit}" if fact.unit else ""
        text = f"{'+' if value > 0 else ''}{typeset(value, decimals(fact.unit, fact.digits))}{unit} {fact.heading}"
        found.append((files, mask, image_id, value, text))
    found.sort(key=lambda entry: entry[3])
    losers = [entry for entry in found if entry[3] < 0][:CHANGED]
    winners = [entry for entry in found[::-1] if entry[3] > 0][:CHANGED]
    return [*winners, *losers]


def scores_of(pair: Pair, side: int, mask: str, image_id: str) -> dict[str, str]:
    """One side's scores of one picture, as text under their headings; ranked metrics only."""
    k = list(map(str, pair.ids)).index(image_id)
    m = pair.masks.index(mask)
    found = {}
    for fact in sorted((fact for fact in pair.facts if fact.rank is not None), key=lambda fact: fact.order):
        value = float(pair.means()[side][k, m, pair.facts.index(fact)])
        if math.isfinite(value):
            found[f"{fact.heading} {fact.arrow}"] = f"{typeset(value, fact.digits)} {fact.unit}".strip()
    return found


def hole_area(pair: Pair, mask: str, image_id: str) -> float:
    """Share of the picture that is missing; NaN where the scores hold no such picture."""
    scores = pair.sides[0].scores[pair.dataset]
    ids = list(map(str, scores.ids))
    return float(scores.hole_area[ids.index(image_id), list(scores.masks).index(mask)]) if image_id in ids else math.nan
