"""Records on disk: one parquet file a (variant, seed, data set, mask type), with the facts it depends on inside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.util.errors import BenchError
from bench.util.files import file_safe
from bench.util.parquet import read_table, write_table
from bench.util.progress import say
from bench.util.read_errors import Unfit, reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KEY = b"inpaint-bench"
AGAIN = "rerun the command that made the run: it regenerates what is damaged"
IDENTITY = ("variant", "seed", "dataset", "mask", "image_id", "sample", "hole_area", "failed")
NEEDED = IDENTITY[:5]
CONTENT = "content"
"""The column that tells pictures of one name apart: :func:`bench.datasets.fingerprint.pair_key`. Records from before it
lack it."""
DIVERSITY = "sample_diversity"
"""The column of how much a picture's samples differ, the same in each of its rows; only where it has several."""


def record_file(run: Path, variant: str, seed: int, dataset: str, mask: str) -> Path:
    """Where the records of one cell lie."""
    return run / "records" / variant / f"seed-{seed}" / f"{file_safe(dataset)}-{mask}.parquet"


def cell_of(row: dict[str, Any]) -> tuple[str, int, str, str]:
    """The variant, seed, data set and mask type that a row is of."""
    return row["variant"], row["seed"], row["dataset"], row["mask"]


def write_records(file: Path, rows: Sequence[dict[str, Any]], metrics: Sequence[str], facts: dict[str, Any]) -> None:
    """Write the rows with ``facts``: everything their values depend on, so that a later run can trust them."""
    import pyarrow as pa

    text = ("variant", "dataset", "mask", "image_id", "failed")
    columns: dict[str, Any] = {}
    for name in IDENTITY:
        kind = pa.string() if name in text else pa.int64() if name in ("seed", "sample") else pa.float64()
        columns[name] = pa.array([row.get(name, 0) if name == "sample" else row[name] for row in rows], kind)
    if all(CONTENT in row for row in rows):
        columns[CONTENT] = pa.array([row[CONTENT] for row in rows], pa.int64())
    if "samples" in facts or any(DIVERSITY in row for row in rows):
        columns[DIVERSITY] = pa.array([row.get(DIVERSITY) for row in rows], pa.float64(), from_pandas=False)
    for name in metrics:
        columns[name] = pa.array([row[name] for row in rows], pa.float64(), from_pandas=False)
    write_table(file, pa.table(columns), {KEY: json.dumps(facts, sort_keys=True).encode()})


def read_records(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The records in ``file``, or those of ``columns`` that it has; those from before samples are of sample 0. Raises
    BenchError where they are damaged: rows or columns missing, values that are not those written."""
    import pyarrow as pa

    with reading(file, "records", AGAIN, limit_mib=None):
        table = read_table(file, columns)
        missing = [name for name in NEEDED if name not in table.column_names and (columns is None or name in columns)]
        if missing:
            raise Unfit(f"it lacks the column '{missing[0]}'")
        require_own(file, table)
        if "sample" not in table.column_names and (columns is None or "sample" in columns):
            table = table.append_column("sample", pa.array([0] * table.num_rows, pa.int64()))
        return table


def require_own(file: Path, table: pa.Table) -> None:
    """Raises Unfit where a file that is called after a cell holds the records of another: it was copied there."""
    named = file.parts[-4:-3] == ("records",) and "-" in file.stem
    if named and table.num_rows and set(NEEDED) <= {*table.column_names}:
        cell = cell_of(table.slice(0, 1).to_pylist()[0])
        if record_file(file.parents[3], *cell) != file:
            raise Unfit("it holds the records of {}@{} on {}, {}".format(*cell))


def mean_over_samples(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a picture: the mean of each column over its samples, NaN where one of them has no value; failed where one
    of them is."""
    if not frame["sample"].any():
        return frame
    keys = list(NEEDED)
    groups = frame.groupby(keys, sort=False)
    found = frame[frame["sample"] == 0].set_index(keys)
    numbers = [name for name in frame.columns if name != "sample" and frame[name].dtype.kind == "f"]
    there = groups[numbers].count().eq(groups.size(), axis=0)
    found[numbers] = groups[numbers].mean().where(there)
    if "failed" in frame:
        found["failed"] = groups["failed"].max()
    return found.reset_index()[list(frame.columns)]


def failures(file: Path) -> list[tuple[str, str]]:
    """(image id, why) of the fills in ``file`` that could not be scored."""
    rows = read_records(file, ["image_id", "failed"]).to_pylist()
    return [(row["image_id"], row["failed"]) for row in rows if row["failed"]]


def up_to_date(file: Path, facts: dict[str, Any], rows: int | None = None) -> bool:
    """True where ``file`` holds ``rows`` records of exactly these facts. Of one that is damaged it is said."""
    if not file.exists():
        return False
    try:
        with reading(file, "records", "they are recreated", limit_mib=None):
            table = read_table(file)
            own = (table.schema.metadata or {}).get(KEY) == json.dumps(facts, sort_keys=True).encode()
            if own and rows not in (None, table.num_rows):
                raise Unfit(f"it has {table.num_rows:,} rows of {rows:,}")
            require_own(file, table)
            return own
    except BenchError as error:
        say(f"note: {error}")
        return False
