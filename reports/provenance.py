"""Where the numbers come from, and how to get them again."""

from __future__ import annotations

import shlex
from typing import Any

from reports.numbers import Numbers
from reports.scoreboard import millions, ranked
from reports.tables import Cell, Column, Row, Table

STAGES = {"train": "training", "evaluate": "scoring", "throughput": "speed", "samples": "pictures", "report": "report"}


def text(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)


def facts_table(key: str, caption: str, facts: dict[str, Any], first: str = "what") -> Table:
    rows = [Row(str(name), [Cell(text(value))]) for name, value in facts.items()]
    return Table(key, caption, [Column("value", "value", numeric=False)], rows, first, sortable=False)


def tables(numbers: Numbers) -> list[Table]:
    """Run, data, methods, metrics, timings, versions and machine, each where it is known."""
    m = numbers.manifest
    found = [
        facts_table(
            "run",
            "The run",
            {
                "name": m.get("name"),
                "started": m.get("created"),
                "finished": m.get("finished") or "still going on",
                "suite fingerprint": m.get("suite"),
                "suite seed": m.get("suite_seed"),
                "protocol": m.get("protocol"),
                "precision of the scored fills": m.get("precision"),
                "size": f"{m['size']} px" if m.get("size") else "every picture's own",
                "mask types": ", ".join(map(str, m.get("masks") or [])),
            },
        )
    ]
    git = m.get("git") or {}
    if git:
        found.append(facts_table("git", "Source", git))
    if m.get("datasets"):
        found.append(data_table(m["datasets"]))
    if m.get("variants"):
        found.append(method_table(numbers))
    if m.get("stages"):
        spent = {STAGES.get(k, k): f"{float(v):.1f} s" for k, v in m["stages"].items()}
        found.append(facts_table("timings", "Time spent", spent, "stage"))
    for key, caption, word in (("versions", "Versions", "package"), ("machine", "Machine", "what")):
        if m.get(key):
            found.append(facts_table(key, caption, m[key], word))
    if m.get("profile"):
        settings = {k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in m["profile"].items()}
        found.append(facts_table("profile", "Profile", settings, "key"))
    if numbers.measures:
        found.append(metric_table(numbers))
    return found


def data_table(datasets: list[dict[str, Any]]) -> Table:
    columns = [
        Column("split", "split", numeric=False),
        Column("count", "pictures"),
        Column("note", "where from", numeric=False),
    ]
    columns.append(Column("skipped", "skipped", numeric=False))
    rows = []
    for d in datasets:
        skipped = "; ".join(f"{file}: {why}" for file, why in (d.get("skipped") or []))
        rows.append(
            Row(
                str(d["name"]),
                [
                    Cell(text(d.get("split"))),
                    Cell(text(d.get("count")), float(d.get("count") or 0)),
                    Cell(text(d.get("note"))),
                    Cell(skipped or "none"),
                ],
            )
        )
    return Table("data", "Data", columns, rows, "data set", sortable=False)


def method_table(numbers: Numbers) -> Table:
    columns = [
        Column("kind", "kind", numeric=False),
        Column("seed", "seed"),
        Column("fills", "paints", numeric=False),
        Column("parameters", "parameters"),
        Column("weights", "weights, SHA-256", numeric=False),
        Column("what", "what it is", numeric=False),
    ]
    rows = []
    for m in ranked(numbers) or []:
        e = m.entry
        count = float(e.get("parameters") or 0)
        rows.append(
            Row(
                m.label,
                [
                    Cell(m.kind),
                    Cell(str(m.seed) if m.kind == "network" else "–"),
                    Cell(text(e.get("fills"))),
                    Cell(millions(count), count),
                    Cell(text(e.get("weights_sha256"))[:16], str(e.get("weights_sha256") or "")),
                    Cell(text(e.get("summary"))),
                ],
            )
        )
    return Table("weights", "Methods", columns, rows, sortable=False)


def metric_table(numbers: Numbers) -> Table:
    columns = [
        Column("region", "region", numeric=False),
        Column("unit", "unit", numeric=False),
        Column("direction", "better", numeric=False),
        Column("what", "what it measures", numeric=False),
        Column("reference", "agrees with", numeric=False),
    ]
    facts = numbers.manifest.get("metrics", {})
    missing = numbers.manifest.get("missing") or {}
    rows = []
    for name, m in numbers.measures.items():
        better = {"higher": "↑ higher", "lower": "↓ lower"}.get(m.direction, f"nearest to {m.target:g}")
        what = m.summary + (" Approximate." if m.approximate else "")
        if name in missing:
            what = f"{what} Empty here: {missing[name]}".strip()
        version = f"{m.reference} (version {facts.get(name, {}).get('version', 1)})" if m.reference else "–"
        rows.append(
            Row(name, [Cell(text(m.region)), Cell(m.unit or "–"), Cell(better), Cell(what or "–"), Cell(version)])
        )
    return Table("metrics", "Metrics", columns, rows, "metric", sortable=False)


def throughput_table(numbers: Numbers) -> Table | None:
    """Every row of throughput.parquet, with readable heads."""
    frame = numbers.run.throughput()
    if frame is None or not len(frame):
        return None
    heads = {
        "device": ("device", "", False),
        "precision": ("precision", "", False),
        "mode": ("mode", "", False),
        "resolution": ("side [px]", "", True),
        "batch": ("batch", "", True),
        "images_per_s": ("speed [img/s]", "↑", True),
        "latency_ms_p50": ("latency p50 [ms]", "↓", True),
        "latency_ms_p90": ("latency p90 [ms]", "↓", True),
        "latency_ms_p99": ("latency p99 [ms]", "↓", True),
        "peak_memory_mib": ("peak memory [MiB]", "↓", True),
        "gflops_per_image": ("GFLOP per image", "", True),
        "roofline_share": ("share of the roofline", "↑", True),
        "bound": ("bound by", "", False),
        "energy_j_per_image": ("energy [J per image]", "↓", True),
        "max_difference": ("largest difference [levels]", "↓", True),
    }
    for c in frame.columns:
        if c not in (*heads, "variant", "parameters", "seed"):
            heads[c] = (c.replace("_", " "), "", frame[c].dtype.kind in "fiu")
    shown = [c for c in heads if c in frame.columns and frame[c].notna().any()]
    columns = [Column(c, heads[c][0], heads[c][1], numeric=heads[c][2]) for c in shown]
    rows = []
    for _, line in frame.iterrows():
        cells = []
        for c in shown:
            value = line[c]
            if value is None or value != value:
                cells.append(Cell("–"))
            elif heads[c][2]:
                number = float(value)
                cells.append(Cell(f"{number:.0f}" if c in ("resolution", "batch") else f"{number:.4g}", number))
            else:
                cells.append(Cell(str(value), str(value)))
        rows.append(Row(str(line.get("variant", "")), cells))
    return Table("throughput", "Throughput", columns, rows)


def reproduce(numbers: Numbers) -> str:
    """Lines to paste into a shell at the root of a clone: install, run again, set beside this run."""
    m = numbers.manifest
    command = [str(word) for word in m.get("command") or []]
    if not command:
        return ""
    git = m.get("git") or {}
    lines = []
    if git.get("commit"):
        clean = git.get("state", "clean") in ("", "clean")
        lines.append(
            f"git checkout {shlex.quote(str(git['commit']))}" + ("" if clean else f"   # and {comment(git['state'])}")
        )
    lines.append("make install")
    lines.append(".venv/bin/" + shlex.join([command[0].rsplit("/", 1)[-1], *command[1:]]))
    return "\n".join(lines)


def comment(value: Any) -> str:
    """Text that stays inside a shell comment."""
    return " ".join(str(value).split())


def cell_commands(numbers: Numbers) -> dict[str, dict[str, str]]:
    """Method -> mask type -> the command that paints its fills again and saves them."""
    found: dict[str, dict[str, str]] = {}
    for m in numbers.members:
        if m.kind == "external" or (m.kind == "network" and not numbers.run.checkpoint(m.variant, m.seed)):
            continue
        several = m.label != m.variant
        for mask in numbers.masks:
            words = ["bench", "eval", f"{m.variant}@{m.seed}" if several else m.variant, "--run", numbers.run.name]
            words += ["--masks", mask, "--save-predictions", "fills"]
            found.setdefault(m.label, {})[mask] = shlex.join(words)
    return found
