"""Set scores on disk: one JSON file a (variant, seed, data set, mask type), with the facts it depends on inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.util.errors import BenchError
from bench.util.files import file_safe, finite, write_json
from bench.util.progress import say
from bench.util.reading import read_object


def set_file(run: Path, variant: str, seed: int, dataset: str, mask: str) -> Path:
    """Where the set scores of one cell lie."""
    return run / "sets" / variant / f"seed-{seed}" / f"{file_safe(dataset)}-{mask}.json"


def write_set(file: Path, content: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write values with ``facts``: everything they depend on, so that a later run can trust them."""
    write_json(file, {"schema": 1, **content, "facts": facts})


def read_set(file: Path) -> dict[str, Any]:
    """What :func:`write_set` wrote. Raises BenchError."""
    return read_object(file, "scores of a set", "score that set again")


def up_to_date(file: Path, facts: dict[str, Any]) -> bool:
    """True where ``file`` holds values of exactly these facts. Of one that is damaged it is said."""
    if not file.exists():
        return False
    try:
        return read_object(file, "scores of a set", "they are made anew").get("facts") == finite(facts)
    except BenchError as error:
        say(f"note: {error}")
        return False
