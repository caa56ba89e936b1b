"""``bench new``: a file to begin a plug-in from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app


class Kind(StrEnum):
    """Kinds of plug-ins that a template exists for."""

    variant = "variant"
    metric = "metric"
    mask = "mask"
    dataset = "dataset"


@app.command("new")
def new(
    kind: Annotated[Kind, typer.Argument(help="What to create.")],
    name: Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and _.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")] = Path(),
) -> None:
    """Write NAME.py, a plug-in that works, and test_NAME.py, the test that it passes.

    bench new mask stripes
    bench --plugin stripes.py eval telea --masks stripes
    """
    from bench.scaffold import write_new

    file, test = write_new(kind.value, name, out)
    use = {
        "variant": f"run --variants {name},baseline",
        "metric": f"eval telea --metrics {name}",
        "mask": f"eval telea --masks {name}",
        "dataset": f"eval telea --data {name}",
    }[kind.value]
    print(f"{file}: use it with  bench --plugin {file} {use}")
    print(f"{test}: try it with  python -m pytest {test}")
