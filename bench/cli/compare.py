"""``bench compare``: which of two or more methods is better, by how much, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import app
from bench.cli.options import Export, Json, RunsDir, split
from bench.util.errors import Exit

if TYPE_CHECKING:
    from bench.comparison.compare import Comparison
    from bench.gate.verdict import Check


@app.command("compare")
def compare_command(
    sides: Annotated[
        list[str],
        typer.Argument(metavar="BASE NEW…", help="[RUN:]VARIANT[@SEED], the reference first (no RUN: the newest)."),
    ],
    fail_if: Annotated[
        list[str] | None,
        typer.Option("--fail-if", help="A rule, e.g. psnr_hole:0.2 or lpips[circle]:2%; exit 3 if one fails."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on undecided rules too.")] = False,
    common: Annotated[
        bool, typer.Option("--common", help="If the suites differ, compare the shared pictures and holes.")
    ] = False,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Metrics, comma-separated; all: every metric.")
    ] = None,
    masks: Annotated[str | None, typer.Option("--masks", help="Mask types, comma-separated (default: all).")] = None,
    by_area: Annotated[
        bool, typer.Option("--by-area", help="Rows by hole area (0–10 %, 10–20 %, …) instead of mask types.")
    ] = False,
    tolerance: Annotated[
        list[str] | None,
        typer.Option("--tolerance", help="METRIC=VALUE: smaller differences count as the same (repeatable)."),
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=1000, help="Bootstrap resamples.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the resampling.")] = 0,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write Markdown, for a pull request ('-': stdout).")
    ] = None,
    export: Export = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write an HTML report of the comparison.")] = None,
    json_output: Json = False,
    runs_dir: RunsDir = None,
) -> int:
    """Compare methods picture by picture: differences, intervals, tests and a verdict.

    bench compare baseline double_dg
    bench compare last_week:double_dg double_dg --fail-if 'psnr_hole:0.2'
    """
    from bench.comparison.compare import Options, compare_sides
    from bench.comparison.sides import resolve_sides
    from bench.comparison.tolerances import read_tolerances
    from bench.exporters.registry import chosen
    from bench.gate.rules import parse_rule
    from bench.gate.verdict import check_sides
    from bench.runs.reader import runs_dir as runs_folder
    from bench.util.files import write_text

    if len(sides) < 2:
        raise typer.BadParameter("name a reference and at least one candidate: bench compare baseline double_dg")
    if json_output and str(markdown) == "-":
        raise typer.BadParameter("--json and --markdown - both write to stdout: give --markdown a file")
    files = chosen(export or [], "comparison")
    rules = [parse_rule(text) for text in fail_if or []]
    found = resolve_sides(sides, runs_folder(runs_dir))
    known = list(dict.fromkeys(name for side in found for name in side.run.manifest.metrics))
    every = metrics == "all"
    options = Options(
        metrics=() if every else tuple(split(metrics) or ()),
        masks=tuple(split(masks) or ()),
        tolerances=read_tolerances(tolerance or [], known),
        common=common,
        resamples=resamples,
        seed=seed,
        by_area=by_area,
    )
    comparison = compare_sides(found, options)
    checked = check_sides(rules, found, options) if rules else None
    show(comparison, checked, strict, every or bool(options.metrics), markdown, json_output)
    for path, form in files:
        write_text(path, form.comparison(comparison, every or bool(options.metrics)))
    if html is not None:
        _write_html(comparison, html)
    if checked is not None and checked.exit(strict) == Exit.REGRESSION:
        return Exit.REGRESSION
    return Exit.PARTIAL if comparison.partial else Exit.OK


def show(
    comparison: Comparison, checked: Check | None, strict: bool, every: bool, markdown: Path | None, json_output: bool
) -> None:
    """Print the comparison, and the check if there is one, in the form asked for; write Markdown where asked."""
    import json

    from bench.exporters.markdown import check_markdown, comparison_markdown
    from bench.exporters.terminal import print_check, print_comparison
    from bench.util.files import write_text

    text = comparison_markdown(comparison, every)
    if checked is not None:
        text += "\n" + check_markdown(checked, strict)
    if markdown is not None and str(markdown) != "-":
        write_text(markdown, text)
    if json_output:
        content = comparison.as_json()
        if checked is not None:
            content["check"] = checked.as_json()
        print(json.dumps(content))
    elif markdown is not None and str(markdown) == "-":
        print(text, end="")
    else:
        print_comparison(comparison, every)
        if checked is not None:
            print_check(checked, strict)


def _write_html(comparison: Comparison, path: Path) -> None:
    import sys

    from reports.comparison import build_comparison

    build_comparison(comparison, path)
    print(f"wrote {path}", file=sys.stderr)
