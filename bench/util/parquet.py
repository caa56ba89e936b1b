"""Parquet files that hold their own digest: rows or columns that are missing and bits that changed are noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.util.files import replacing
from bench.util.read_errors import Unfit, require_regular

if TYPE_CHECKING:
    import pyarrow as pa

CONTENT = b"inpaint-bench content"
"""Key of the metadata: ``{"rows": N, "columns": {name: digest}}``. Files from before have none."""

LIMIT_MIB = 16 * 1024


def write_table(file: Path, table: pa.Table, metadata: Mapping[bytes, bytes], **options: Any) -> None:
    """Write ``table`` with ``metadata``, a checksum a page and a digest a column. options: of pyarrow's writer."""
    import pyarrow.parquet as pq

    content = {"rows": table.num_rows, "columns": {name: digest(table.column(name)) for name in table.column_names}}
    own = {**metadata, CONTENT: json.dumps(content).encode()}
    with replacing(file) as temporary, temporary.open("wb") as stream:
        pq.write_table(table.replace_schema_metadata(own), stream, write_page_checksum=True, **options)


def read_table(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in ``file``, or those of ``columns`` that it has. Raises Unfit where it is not what was written, and
    whatever pyarrow raises for damage (:func:`bench.util.read_errors.reading` turns all of it into a sentence)."""
    import pyarrow.parquet as pq

    require_regular(file, LIMIT_MIB)
    # By an open file: pyarrow takes only paths that are UTF-8.
    with file.open("rb") as stream, pq.ParquetFile(stream, page_checksum_verification=True) as opened:
        names = opened.schema_arrow.names
        if len(set(names)) != len(names):
            raise Unfit("it has two columns with the same name")
        found = opened.read(None if columns is None else [name for name in columns if name in names])
        rows = opened.metadata.num_rows
    written = (found.schema.metadata or {}).get(CONTENT)
    if written is None:
        return found
    content = json.loads(written)
    missing = [name for name in content["columns"] if name not in names]
    if missing:
        raise Unfit(f"its column {missing[0]} is missing")
    if rows != content["rows"]:
        raise Unfit(f"it has {rows:,} rows of {content['rows']:,}")
    for name in found.column_names:
        if content["columns"].get(name) != digest(found.column(name)):
            raise Unfit(f"its column {name} is not what was written")
    return found


def read_metadata(file: Path) -> dict[bytes, bytes]:
    """What was written beside the rows. Raises as :func:`read_table`."""
    import pyarrow.parquet as pq

    require_regular(file, LIMIT_MIB)
    with file.open("rb") as stream:
        return dict(pq.read_schema(stream).metadata or {})


def digest(column: Any) -> str:
    """SHA-256, the first 16 hex digits, of a column's type, nulls and values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = hashlib.sha256(str(column.type).encode())
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if array.null_count:
        found.update(str(pc.indices_nonzero(array.is_null()).to_pylist()).encode())
        array = array.drop_null()
    if pa.types.is_string(array.type):
        _, ends, letters = array.buffers()
        if len(array):
            places = np.frombuffer(ends, np.int32)[array.offset : array.offset + len(array) + 1]
            found.update(np.ascontiguousarray(places - places[0]))
            found.update(memoryview(letters)[places[0] : places[-1]] if places[-1] > places[0] else b"")
    elif pa.types.is_primitive(array.type) and array.type.bit_width % 8 == 0:
        width = array.type.bit_width // 8
        data = array.buffers()[1]
        if data is not None:
            found.update(memoryview(data)[array.offset * width : (array.offset + len(array)) * width])
    else:
        found.update(json.dumps(array.to_pylist(), default=str).encode())
    return found.hexdigest()[:16]
