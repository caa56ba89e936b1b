"""Set scores on disk: one JSON file a (variant, seed, data set, mask type), with the facts it depends on inside."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from bench.util.errors import BenchError
from bench.util.files import file_safe, finite, write_json
from bench.util.progress import say
from bench.util.read_errors import Unfit, read_object, reading

CELL = ("variant", "seed", "dataset", "mask")


def set_file(run: Path, variant: str, seed: int, dataset: str, mask: str) -> Path:
    """Where the set scores of one cell lie."""
    return run / "sets" / variant / f"seed-{seed}" / f"{file_safe(dataset)}-{mask}.json"


def write_set(file: Path, content: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write values with ``facts``: everything they depend on, so that a later run can trust them; and a digest of it
    all."""
    whole = finite({"schema": 1, **content, "facts": facts})
    write_json(file, {**whole, "sha256": digest(whole)})


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of what a file of set scores holds, but for this digest."""
    own = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def read_set(file: Path, remedy: str = "score that set again") -> dict[str, Any]:
    """What :func:`write_set` wrote. Raises BenchError where it is damaged, or of another cell."""
    found = read_object(file, "scores of a set", remedy)
    with reading(file, "scores of a set", remedy):
        if "sha256" in found and found["sha256"] != digest(found):  # those from before have none
            raise Unfit("it is not what was written")
        own = file.parts[-4:-3] != ("sets",) or not {*CELL} <= found.keys()
        if not own and set_file(file.parents[3], *(found[key] for key in CELL)) != file:
            raise Unfit("it holds the scores of {}@{} on {}, {}".format(*(found[key] for key in CELL)))
    return found


def read_sets(run: Path) -> list[dict[str, Any]]:
    """The scores of all sets of a run; those that are damaged, which whoever shows them says, are left out."""
    found = []
    for file in sorted((run / "sets").rglob("*.json")):
        with contextlib.suppress(BenchError):
            found.append(read_set(file))
    return [entry for entry in found if {"dataset", "n", "failed", "values"} <= entry.keys()]


def up_to_date(file: Path, facts: dict[str, Any]) -> bool:
    """True where ``file`` holds values of exactly these facts. Of one that is damaged it is said."""
    if not file.exists():
        return False
    try:
        return read_set(file, "they are recreated").get("facts") == finite(facts)
    except BenchError as error:
        say(f"note: {error}")
        return False
