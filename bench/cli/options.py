"""Options that several commands share, and the reading of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.util.errors import UsageError

if TYPE_CHECKING:
    from bench.runs.reader import Run

RunsDir = Annotated[Path | None, typer.Option("--runs-dir", help="Where runs live (else BENCH_RUNS_DIR, else runs/).")]
WeightsDir = Annotated[
    Path | None,
    typer.Option("--weights-dir", help="Where LPIPS backbones lie (else BENCH_WEIGHTS_DIR, torch's cache)."),
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, … (default: a GPU if there is one).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]
ProfileName = Annotated[
    str, typer.Option("--profile", help="tiny, quick, standard, paper, or a TOML file of your own.")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE of the profile, e.g. --set batch=32 (repeatable).")
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", help="scenes, photos, folder:PATH, … (repeatable; default: the profile's)."),
]
Export = Annotated[
    list[Path] | None,
    typer.Option("--export", help="Also write a file; its suffix names the format: .md, .json, .csv, … (repeatable)."),
]
Size = Annotated[
    int | None, typer.Option("--size", help="Side in pixels: shorter side resized to it, then centre crop.")
]
Masks = Annotated[
    str | None,
    typer.Option(
        "--masks",
        help="Mask types, comma-separated, folder:DIR (named like the pictures), or pool:DIR (dealt out to them).",
    ),
]
MaskPolarity = Annotated[
    str | None,
    typer.Option("--mask-polarity", help="Colour of the hole in files: white or black (default: white)."),
]
MaskThreshold = Annotated[
    int | None,
    typer.Option("--mask-threshold", help="Grey above it is white: says that greys in hole files are meant."),
]


def out_path(text: str) -> Path:
    """``./NAME`` and ``NAME/`` are paths, which a Path forgets; a bare NAME is one of the runs."""
    return Path(text).absolute() if text.startswith("./") or text.endswith("/") else Path(text)


Out = Annotated[
    Path | None,
    typer.Option(
        "--out", parser=out_path, metavar="<path>", help="The run folder to write (a name stands under --runs-dir)."
    ),
]


def split(text: str | None) -> list[str] | None:
    """A comma-separated list, without blanks; None stays None."""
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else None


def assignments(sets: list[str] | None) -> dict[str, Any]:
    """``--set KEY=VALUE`` as a dictionary of texts. Raises UsageError for one without '='."""
    found: dict[str, Any] = {}
    for item in sets or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"--set {item} must be KEY=VALUE")
        found[key.strip()] = value.strip()
    return found


def check_directory(path: Path | None, flag: str) -> None:
    if path is not None and not path.is_dir():
        raise UsageError(f"{flag} {path} is no folder")


def build_page(run: Run) -> Path:
    """The report of a run: the one place where a command that makes runs meets what shows them."""
    from reports.build import build_report

    return build_report(run)
