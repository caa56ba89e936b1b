"""Where the numbers come from, and how to get them again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from bench.runs.manifest import DatasetEntry, Manifest
from reports.numbers import Member, Numbers
from reports.scoreboard import millions, ranked
from reports.tables import Cell, Column, Row, Table

MOST_FAILURES = 200
REPAINTED = "repainted"
"""Where the page's commands save fills: not among those that somebody keeps in a folder called fills."""
FAILURE_COLUMNS = (("dataset", "data set"), ("mask", "mask type"), ("image_id", "picture"), ("why", "why"))
STAGES = {"train": "training", "evaluate": "scoring", "throughput": "speed", "samples": "pictures", "report": "report"}


def tool(m: Manifest) -> str:
    """The command as whoever made the run calls it: in a clone where make install puts it, else on the path."""
    return ".venv/bin/bench" if m.git.get("commit") else "bench"


def text(value: Any) -> str:
    """A fact as text; a dash where it is unknown or empty."""
    return "–" if value is None or value == "" else str(value)


def failures_table(numbers: Numbers) -> Table | None:
    """The fills that could not be scored, by name, with the reason; None where there are none."""
    found = numbers.failures(MOST_FAILURES)
    if not found:
        return None
    columns = [Column(key, title, numeric=False) for key, title in FAILURE_COLUMNS]
    rows = [Row(label, [Cell(text(v)) for v in rest]) for label, *rest in found]
    notes = [f"The first {MOST_FAILURES} are shown."] if len(found) == MOST_FAILURES else []
    return Table("failures", "Fills that could not be scored", columns, rows, notes=notes)


def _facts_table(key: str, caption: str, facts: dict[str, Any], first: str = "what") -> Table:
    rows = [Row(str(name), [Cell(text(value))]) for name, value in facts.items()]
    return Table(key, caption, [Column("value", "value", numeric=False)], rows, first, sortable=False)


def tables(numbers: Numbers) -> list[Table]:
    """Run, data, methods, metrics, timings, versions and machine, each where it is known."""
    m = numbers.manifest
    found = [
        _facts_table(
            "run",
            "The run",
            {
                "name": m.name,
                "started": m.created,
                "finished": m.finished or "still going on",
                "suite fingerprint": m.suite,
                "suite seed": m.suite_seed,
                "protocol": m.protocol,
                "precision of the scored fills": m.precision,
                "size": f"{m.size} px" if m.size else "every picture's own",
                "mask types": ", ".join(m.masks),
            },
        )
    ]
    if m.git:
        found.append(_facts_table("git", "Source", m.git))
    if m.datasets:
        found.append(_data_table(m.datasets))
    if m.trained_on:
        found.append(_data_table(m.trained_on, "trained-on", "Trained on"))
    if m.variants:
        found.append(_method_table(numbers))
    if m.stages:
        spent = {STAGES.get(k, k): f"{v:.1f} s" for k, v in m.stages.items()}
        found.append(_facts_table("timings", "Time spent", spent, "stage"))
    if m.versions:
        found.append(_facts_table("versions", "Versions", m.versions, "package"))
    if m.machine:
        found.append(_facts_table("machine", "Machine", m.machine))
    if m.profile:
        settings = {k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in m.profile.items()}
        found.append(_facts_table("profile", "Profile", settings, "key"))
    if numbers.measures:
        found.append(_metric_table(numbers))
    return found


def _data_table(datasets: Sequence[DatasetEntry], key: str = "data", caption: str = "Scored on") -> Table:
    columns = [
        Column("split", "split", numeric=False),
        Column("count", "pictures"),
        Column("note", "where from", numeric=False),
    ]
    columns.append(Column("skipped", "skipped", numeric=False))
    rows = []
    for d in datasets:
        skipped = "; ".join(f"{file}: {why}" for file, why in d.skipped)
        rows.append(
            Row(
                d.name,
                [
                    Cell(text(d.split)),
                    Cell(text(d.count), float(d.count)),
                    Cell(text(d.note)),
                    Cell(skipped or "none"),
                ],
            )
        )
    return Table(key, caption, columns, rows, "data set", sortable=False)


def _method_table(numbers: Numbers) -> Table:
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
        count = float(e.parameters)
        rows.append(
            Row(
                m.label,
                [
                    Cell(m.kind),
                    Cell(str(m.seed) if m.kind == "network" else "–"),
                    Cell(text(e.fills)),
                    Cell(millions(count), count),
                    Cell(text(e.weights_sha256)[:16], e.weights_sha256),
                    Cell(text(e.summary)),
                ],
            )
        )
    return Table("weights", "Methods", columns, rows, sortable=False)


def _metric_table(numbers: Numbers) -> Table:
    columns = [
        Column("region", "region", numeric=False),
        Column("unit", "unit", numeric=False),
        Column("direction", "better", numeric=False),
        Column("what", "what it measures", numeric=False),
        Column("reference", "agrees with", numeric=False),
    ]
    missing = numbers.manifest.missing
    rows = []
    for name, m in numbers.measures.items():
        better = {"higher": "↑ higher", "lower": "↓ lower"}.get(m.direction, f"nearest to {m.target:g}")
        what = m.summary + (" Approximate." if m.approximate else "")
        if name in missing:
            what = f"{what} Empty here: {missing[name]}".strip()
        version = f"{m.reference} (version {m.version})" if m.reference else "–"
        rows.append(
            Row(name, [Cell(text(m.region)), Cell(m.unit or "–"), Cell(better), Cell(what or "–"), Cell(version)])
        )
    return Table("metrics", "Metrics", columns, rows, "metric", sortable=False)


def reproduce(numbers: Numbers) -> str:
    """Lines to paste into a shell, at the root of a clone where the run was made in one: install, run again."""
    m = numbers.manifest
    if not m.command:
        return ""
    command, git = m.command, m.git
    lines = []
    if git.get("commit"):
        clean = git.get("state", "clean") in ("", "clean")
        lines.append(
            f"git checkout {shlex.quote(git['commit'])}" + ("" if clean else f"   # and {comment(git['state'])}")
        )
        lines.append("make install")
    else:
        lines.append(f"pip install inpaint-bench=={m.versions.get('inpaint-bench', '')}".removesuffix("=="))
    if (
        any(numbers.has(name) for name, m in numbers.measures.items() if m.group == "perceptual" and not m.approximate)
        and "--weights-dir" not in command
    ):
        lines.append(f"{tool(m)} weights fetch   # the backbone of the perceptual scores")
    lines.append(shlex.join([tool(m), *command[1:]]))
    return "\n".join(lines)


def comment(value: Any) -> str:
    """Text that stays inside a shell comment."""
    return " ".join(str(value).split())


def repainted(numbers: Numbers) -> dict[str, str]:
    """Method -> the folder that the commands of :func:`cell_commands` save its fills in, with a folder a mask type."""
    alone = {m.label: f"{target(m)}/{m.variant}" for m in numbers.members if is_own(numbers, m)}
    return {m.label: f"{REPAINTED}/{m.label}" for m in numbers.members} | alone


def target(m: Member) -> str:
    """Where a method's fills are saved when it is painted alone: each of several seeds in a folder of its own."""
    return REPAINTED if m.label == m.variant else f"{REPAINTED}/seed-{m.seed}"


def is_own(numbers: Numbers, m: Member) -> bool:
    """Whether a method can be painted again by its name, alone."""
    return m.kind == "reference" or bool(m.kind == "network" and numbers.run.checkpoint(m.variant, m.seed))


def cell_commands(numbers: Numbers) -> dict[str, dict[str, str]]:
    """Method -> mask type -> the command that paints its fills again and saves them."""
    found: dict[str, dict[str, str]] = {}
    path = numbers.run.path
    run = path.name if path.absolute().parent.name == "runs" else str(path)
    save = "--save-predictions"
    started = [tool(numbers.manifest), *numbers.manifest.options]
    made_by = without(numbers.manifest.command, save)
    for m in numbers.members:
        name = f"{m.variant}@{m.seed}" if m.label != m.variant else m.variant
        for mask in numbers.masks:
            if is_own(numbers, m):
                words = [*started, "eval", name, "--run", run, "--masks", mask, save, target(m)]
            elif numbers.manifest.action == "eval":
                # A model or weights from elsewhere: the whole evaluation again, as it names where they lie.
                words = [tool(numbers.manifest), *made_by[1:], save, REPAINTED]
            else:
                continue
            found.setdefault(m.label, {})[mask] = shlex.join(words)
    return found


def without(words: list[str], option: str) -> list[str]:
    """``words`` less an option and its value, written apart or as one."""
    kept = [word for k, word in enumerate(words) if word != option and (k == 0 or words[k - 1] != option)]
    return [word for word in kept if not word.startswith(f"{option}=")]
