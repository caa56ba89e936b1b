"""``bench doctor``: whether this machine has what the harness needs, and what to do where it has not."""

from __future__ import annotations

import json

import typer

from bench.cli import app
from bench.cli.options import Json, RunsDir, WeightsDir


@app.command("doctor")
def doctor(weights_dir: WeightsDir = None, runs_dir: RunsDir = None, json_output: Json = False) -> None:
    """Check versions, hardware, LPIPS weights, disk and pictures; say what is missing and how to fix it."""
    from bench.commands.doctor import examine
    from bench.runs.reader import runs_dir as find_runs_dir

    checks = examine(weights_dir, find_runs_dir(runs_dir))
    if json_output:
        print(json.dumps([vars(check) for check in checks]))
    else:
        for check in checks:
            mark = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}[check.state]
            print(f"{mark}  {check.name}: {check.found}" + (f"\n         → {check.remedy}" if check.remedy else ""))
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(1)
