"""Options shared by several commands, and their parsing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.util.errors import UsageError

if TYPE_CHECKING:
    from bench.runs.reader import Run

RunsDir = Annotated[Path | None, typer.Option("--runs-dir", help="Folder of runs (else BENCH_RUNS_DIR, else runs/).")]
WeightsDir = Annotated[
    Path | None,
    typer.Option("--weights-dir", help="Folder of LPIPS and VGG16 weights (else BENCH_WEIGHTS_DIR, torch's cache)."),
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, … (default: a GPU if present).")]
Json = Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")]
ProfileName = Annotated[str, typer.Option("--profile", help="tiny, quick, standard, paper, or your own TOML file.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="Override a profile setting, e.g. --set batch=32 (repeatable).")
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", help="scenes, photos, places205, folder:PATH, … (repeatable; default: the profile's)."),
]
Export = Annotated[
    list[Path] | None,
    typer.Option("--export", help="Also write a file; the suffix sets the format: .md, .json, .csv, … (repeatable)."),
]
CheckpointEvery = Annotated[
    str | None,
    typer.Option(
        "--checkpoint-every",
        metavar="STEPS|TIME",
        help="How often a training keeps its state: 500 (steps), 30s, 10m, 1h, or both: 500,10m (default: 20s).",
    ),
]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="Also write what trainings report for TensorBoard (docs/scale.md).")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another process writes the run.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Scoring processes (default: one per core).")]
Size = Annotated[int | None, typer.Option("--size", help="Side in pixels: resize the shorter side, then centre crop.")]
Masks = Annotated[
    str | None,
    typer.Option(
        "--masks",
        help="Mask types, comma-separated, folder:DIR (matched to pictures by name), or pool:DIR (assigned to them).",
    ),
]
MaskPolarity = Annotated[
    str | None,
    typer.Option("--mask-polarity", help="Colour of the hole in mask files: white or black (default: white)."),
]
MaskThreshold = Annotated[
    int | None,
    typer.Option("--mask-threshold", help="Accept grey mask files: greys above this level count as white."),
]


def out_path(text: str) -> Path:
    """``./NAME`` and ``NAME/`` are paths, which Path would drop; a bare NAME is a run."""
    return Path(text).absolute() if text.startswith("./") or text.endswith("/") else Path(text)


Out = Annotated[
    Path | None,
    typer.Option(
        "--out", parser=out_path, metavar="<path>", help="The run folder to write (a bare name goes under --runs-dir)."
    ),
]


def split(text: str | None) -> list[str] | None:
    """A comma-separated list, without blanks, each part once; None stays None.

    >>> split("psnr, ssim,,psnr")
    ['psnr', 'ssim']
    """
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip())) if text is not None else None


def assignments(sets: list[str] | None, flag: str = "--set") -> dict[str, Any]:
    """``--set KEY=VALUE`` as a dictionary of texts. Raises UsageError for one without '='."""
    found: dict[str, Any] = {}
    for item in sets or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"{flag} {item} must be {'KEY=VALUE' if flag == '--set' else 'NEW=OLD'}")
        found[key.strip()] = value.strip()
    return found


def check_directory(path: Path | None, flag: str) -> None:
    """Raises UsageError, naming the flag, where a folder was given that does not exist."""
    if path is not None and not path.is_dir():
        raise UsageError(f"{flag} {path} is not a folder")


def check_workers(count: int | None) -> None:
    """Raises UsageError for fewer than one worker; None leaves the count to the command."""
    if count is not None and count < 1:
        raise UsageError(f"--workers {count} must be at least 1")


def build_page(run: Run) -> Path:
    """The HTML report of a run. Only here do commands that make runs touch the reports package."""
    from reports.build import build_report

    return build_report(run)
