"""Tables that were changed since they were written are refused, whatever changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.util.parquet import digest, read_metadata, read_table, write_table
from bench.util.read_errors import Unfit

TABLE = pa.table({"name": ["a", "", "ü", None], "x": [1.5, float("nan"), None, -0.0], "n": [1, 2, 3, 4]})
META = {b"facts": b"f"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_table(tmp_path / "t.parquet", TABLE, META)
    return tmp_path / "t.parquet"


def test_a_table_comes_back_whole_or_by_the_columns_that_it_has(file: Path) -> None:
    found = read_table(file)
    assert found.drop(["x"]).equals(TABLE.drop(["x"]))
    assert [str(value) for value in found["x"].to_pylist()] == ["1.5", "nan", "None", "-0.0"]
    assert found.schema.metadata[b"facts"] == b"f"
    assert read_table(file, ["n", "none"]).column_names == ["n"]


def test_a_folder_whose_name_is_not_utf8_holds_tables(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.parquet")
    write_table(file, TABLE, META)
    assert read_table(file)["n"].to_pylist() == [1, 2, 3, 4]
    assert read_metadata(file)[b"facts"] == b"f"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.slice(0, 3), "it has 3 rows of 4"),
        (lambda t: pa.concat_tables([t, t.slice(3)]), "it has 5 rows of 4"),
        (lambda t: t.drop(["x"]), "its column x is missing"),
        (lambda t: t.set_column(2, "n", [[1, 2, 3, 5]]), "its column n is not what was written"),
        (lambda t: t.set_column(0, "name", [["a", "", None, "ü"]]), "its column name is not what was written"),
        (lambda t: t.append_column("more", [[0, 0, 0, 0]]), "its column more is not what was written"),
        (lambda t: t.take([1, 0, 2, 3]), "its column name is not what was written"),
    ],
)
def test_rows_columns_and_values_that_changed_are_noticed(
    file: Path, change: Callable[[pa.Table], pa.Table], told: str
) -> None:
    held = pq.read_table(file)
    pq.write_table(change(held).replace_schema_metadata(held.schema.metadata), file)
    with pytest.raises(Unfit) as refused:
        read_table(file)
    assert str(refused.value) == told


def test_no_flipped_bit_changes_a_value_that_is_read(file: Path) -> None:
    whole = file.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(4, footer):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            found = read_table(file)
        except Exception:
            continue
        assert all(digest(found.column(name)) == digest(TABLE.column(name)) for name in TABLE.column_names)


def test_a_table_from_before_digests_is_read_as_it_is(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "old.parquet")
    assert read_table(tmp_path / "old.parquet").num_rows == 4
