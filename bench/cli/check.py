"""``bench check``: hold a run against thresholds, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import app
from bench.cli.options import Export, Json, RunsDir, assignments
from bench.util.errors import Exit, UsageError

if TYPE_CHECKING:
    from bench.gate.verdict import Check

DEFAULT = Path("thresholds.toml")


@app.command("check")
def check_command(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Name or path of a run (default: newest).")] = None,
    thresholds: Annotated[
        Path | None, typer.Option("--thresholds", help="Threshold file (default: thresholds.toml, if present).")
    ] = None,
    against: Annotated[str | None, typer.Option("--against", help="Reference run for drops: a name or a path.")] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option("--map", help="NEW=OLD: compare the method NEW with OLD of the reference run (repeatable)."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option("--fail-if", help="A rule: psnr_hole:0.2, lpips[circle]:2%, double_dg.ssim_hole<0.45."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on undecided lines too.")] = False,
    init: Annotated[
        bool, typer.Option("--init", help="Write a threshold file from the run and its noise floor, and stop.")
    ] = False,
    noise: Annotated[
        list[str] | None,
        typer.Option("--noise", help="With --init: a repeat of the run, for the noise floor (repeatable)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --init: overwrite existing files.")] = False,
    common: Annotated[
        bool, typer.Option("--common", help="If the suites differ, check the shared pictures and holes.")
    ] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Also write JUnit XML.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write Markdown, for a pull request ('-': stdout).")
    ] = None,
    export: Export = None,
    json_output: Json = False,
    runs_dir: RunsDir = None,
) -> int:
    """Check a run against rules: pass, regression or undecided.

    bench check --thresholds thresholds.toml --against main
    bench check --fail-if 'double_dg.ssim_hole<0.45'

    Exit 0: no regression. 3: a regression (with --strict also an undecided line). 4: not comparable, or a rule
    that matched nothing. 5: no regression, but some fills could not be scored.
    """
    from bench.comparison.compare import Options
    from bench.exporters.registry import chosen
    from bench.gate.rules import parse_rule, read_thresholds
    from bench.gate.verdict import check_run
    from bench.runs.reader import find_run
    from bench.runs.reader import runs_dir as runs_folder
    from bench.util.files import write_text

    if json_output and str(markdown) == "-":
        raise typer.BadParameter("--json and --markdown - both write to stdout: give --markdown a file")
    if str(junit) == "-":
        raise typer.BadParameter("--junit needs a file: '-' is not one")
    folder = runs_folder(runs_dir)
    if init:
        return _write_thresholds(run, thresholds or DEFAULT, noise or [], folder, force)
    rules = [parse_rule(text) for text in fail_if or []]
    file = thresholds or (DEFAULT if not rules and DEFAULT.is_file() else None)
    held = read_thresholds(file) if file is not None else None
    if held is not None:
        rules = held.rules + rules
        strict = strict or held.strict
    if not rules:
        raise UsageError(
            f"nothing to check: give --thresholds FILE or --fail-if RULE ({DEFAULT} not found; "
            "bench check --init writes one)"
        )
    if against is None and held is not None and held.against is not None:
        beside = held.path.parent / held.against
        against = str(beside) if (beside / "run.json").is_file() else held.against
        if not any((place / "run.json").is_file() for place in (Path(against), folder / against)):
            raise UsageError(
                f"{held.path}: against names {held.against}, which is neither a folder beside the file nor a run: "
                "commit the folder that bench check --init wrote, or name a run with --against"
            )
    reference = find_run(against, folder) if against is not None else None
    files = chosen(export or [], "check")
    checked = check_run(rules, find_run(run, folder), reference, Options(common=common), assignments(renamed, "--map"))
    show(checked, strict, junit, markdown, json_output)
    for path, form in files:
        write_text(path, form.check(checked, strict))
    return checked.exit(strict)


def show(checked: Check, strict: bool, junit: Path | None, markdown: Path | None, json_output: bool) -> None:
    """Print the verdict in the form asked for, then write the files that were asked for."""
    import json

    from bench.exporters.junit import check_junit
    from bench.exporters.markdown import check_markdown
    from bench.exporters.terminal import print_check
    from bench.util.files import write_text

    text = check_markdown(checked, strict)
    if json_output:
        print(json.dumps(checked.as_json()))
    elif markdown is not None and str(markdown) == "-":
        print(text, end="")
    else:
        print_check(checked, strict)
    # After the verdict, which must be seen even where a file cannot be written.
    if junit is not None:
        write_text(junit, check_junit(checked, strict))
    if markdown is not None and str(markdown) != "-":
        write_text(markdown, text)


def _write_thresholds(run: str | None, path: Path, others: list[str], folder: Path, force: bool) -> int:
    import sys

    from bench.gate.noise import measure_noise
    from bench.gate.thresholds import write_threshold_file
    from bench.runs.reader import find_run

    found = find_run(run, folder)
    floor = measure_noise([found, *(find_run(other, folder) for other in others)])
    for written in write_threshold_file(path, found, floor, force):
        print(f"wrote {written}", file=sys.stderr)
    return Exit.OK
