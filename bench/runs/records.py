"""Records on disk: one parquet file a (variant, seed, data set, mask type), with the facts it depends on inside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.util.files import file_safe, replacing

KEY = b"inpaint-bench"
IDENTITY = ("variant", "seed", "dataset", "mask", "image_id", "hole_area", "failed")


def record_file(run: Path, variant: str, seed: int, dataset: str, mask: str) -> Path:
    return run / "records" / variant / f"seed-{seed}" / f"{file_safe(dataset)}-{mask}.parquet"


def cell_of(row: dict[str, Any]) -> tuple[str, int, str, str]:
    """The variant, seed, data set and mask type that a row is of."""
    return row["variant"], row["seed"], row["dataset"], row["mask"]


def write_records(file: Path, rows: Sequence[dict[str, Any]], metrics: Sequence[str], facts: dict[str, Any]) -> None:
    """Write the rows with ``facts``: everything their values depend on, so that a later run can trust them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = ("variant", "dataset", "mask", "image_id", "failed")
    columns: dict[str, Any] = {}
    for name in IDENTITY:
        kind = pa.string() if name in text else pa.int64() if name == "seed" else pa.float64()
        columns[name] = pa.array([row[name] for row in rows], kind)
    for name in metrics:
        columns[name] = pa.array([row[name] for row in rows], pa.float64(), from_pandas=False)
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(facts, sort_keys=True).encode()})
    with replacing(file) as temporary:
        pq.write_table(table, temporary)


def failures(file: Path) -> list[tuple[str, str]]:
    """(image id, why) of the fills in ``file`` that could not be scored."""
    import pyarrow.parquet as pq

    rows = pq.read_table(file, columns=["image_id", "failed"]).to_pylist()
    return [(row["image_id"], row["failed"]) for row in rows if row["failed"]]


def up_to_date(file: Path, facts: dict[str, Any]) -> bool:
    """True where ``file`` holds records of exactly these facts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.is_file():
        return False
    try:
        metadata = pq.read_schema(file).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return False
    return metadata.get(KEY) == json.dumps(facts, sort_keys=True).encode()
