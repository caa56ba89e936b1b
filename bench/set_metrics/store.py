"""Set scores on disk: one JSON file a (variant, seed, data set, mask type), with the facts it depends on inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.util.files import file_safe, finite, write_json


def set_file(run: Path, variant: str, seed: int, dataset: str, mask: str) -> Path:
    return run / "sets" / variant / f"seed-{seed}" / f"{file_safe(dataset)}-{mask}.json"


def write_set(file: Path, content: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write values with ``facts``: everything they depend on, so that a later run can trust them."""
    write_json(file, {"schema": 1, **content, "facts": facts})


def up_to_date(file: Path, facts: dict[str, Any]) -> bool:
    """True where ``file`` holds values of exactly these facts."""
    try:
        return json.loads(file.read_text(encoding="utf-8")).get("facts") == finite(facts)
    except (OSError, ValueError, AttributeError):
        return False
