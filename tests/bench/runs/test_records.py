"""Records and set scores on disk: where they lie, what is in them, whether they are trusted again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.runs import records
from bench.runs.records import failures, record_file, write_records
from bench.set_metrics import store as sets
from bench.util.errors import BenchError
from bench.util.files import file_safe

FACTS = {"suite": "s", "metrics": {"psnr": 1}, "weights": "w"}


def row(**more: Any) -> dict[str, Any]:
    first = {"variant": "telea", "seed": 3, "dataset": "d", "mask": "rect", "image_id": "i", "hole_area": 0.25}
    return {**first, "failed": "", "psnr": 1 / 3, "unasked": 5.0, **more}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "deep" / "r.parquet"
    write_records(file, [row(), row(image_id="j", failed="NaN", psnr=math.nan)], ["psnr"], FACTS)
    return file


def test_every_method_seed_data_set_and_mask_type_has_a_file_of_its_own() -> None:
    run = Path("r")
    assert record_file(run, "v", 2, "d", "m") == Path("r/records/v/seed-2/d-m.parquet")
    assert sets.set_file(run, "v", 2, "folder:my pictures", "m") == Path("r/sets/v/seed-2/folder_my_pictures-m.json")
    assert record_file(run, "v", 2, "folder:a/b", "m") == Path("r/records/v/seed-2/folder_a_b-m.parquet")
    one = ("v", 2, "d", "m")
    for place, other in enumerate(("w", 3, "e", "n")):
        changed: Any = (*one[:place], other, *one[place + 1 :])
        assert record_file(run, *changed) != record_file(run, *one)
        assert sets.set_file(run, *changed) != sets.set_file(run, *one)


def test_names_keep_letters_digits_dots_and_underscores() -> None:
    assert file_safe("a.b_c1é: /-x") == "a.b_c1é____x"


def test_columns_come_back_in_order_with_their_types_and_all_their_digits(written: Path) -> None:
    table = pq.read_table(written)
    text, number = pa.string(), pa.float64()
    assert [(field.name, field.type) for field in table.schema] == [
        ("variant", text), ("seed", pa.int64()), ("dataset", text), ("mask", text), ("image_id", text),
        ("sample", pa.int64()), ("hole_area", number), ("failed", text), ("psnr", number),
    ]  # fmt: skip
    first, second = table.to_pylist()
    assert first == {**{key: value for key, value in row().items() if key != "unasked"}, "sample": 0}
    assert math.isnan(second["psnr"]), "a value that is not there is NaN, as in memory, not null"
    assert table["psnr"].null_count == 0


def test_records_from_before_samples_are_of_sample_0(written: Path) -> None:
    table = pq.read_table(written)
    pq.write_table(table.drop_columns("sample").replace_schema_metadata(None), written)
    assert records.read_records(written)["sample"].to_pylist() == [0, 0]
    assert records.read_records(written, ["psnr"]).column_names == ["psnr"]


def test_failures_are_the_rows_that_say_why(written: Path) -> None:
    assert failures(written) == [("j", "NaN")]


def test_records_are_trusted_for_exactly_the_facts_that_they_were_made_of(written: Path) -> None:
    assert records.up_to_date(written, FACTS)
    assert records.up_to_date(written, dict(reversed(FACTS.items()))), "the order of facts means nothing"
    for other in ({**FACTS, "weights": "x"}, {**FACTS, "more": 1}, {"suite": "s"}, {}):
        assert not records.up_to_date(written, other)


def test_files_that_are_not_there_not_whole_or_not_ours_are_not_trusted(written: Path, tmp_path: Path) -> None:
    assert not records.up_to_date(tmp_path / "none.parquet", FACTS)
    assert not records.up_to_date(tmp_path, FACTS)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(written.read_bytes()[:-20])
    assert not records.up_to_date(broken, FACTS)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    assert not records.up_to_date(tmp_path / "other.parquet", FACTS)


# ---- set scores


def test_a_set_file_is_content_facts_and_a_schema(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    sets.write_set(file, {"n": 2, "values": {"fid": math.nan}}, FACTS)
    found = json.loads(file.read_text())
    assert len(found.pop("sha256")) == 64
    assert found == {"schema": 1, "n": 2, "values": {"fid": None}, "facts": FACTS}


def test_a_set_file_is_trusted_for_its_own_facts_alone(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    assert not sets.up_to_date(file, FACTS)
    sets.write_set(file, {}, FACTS)
    assert sets.up_to_date(file, FACTS)
    assert not sets.up_to_date(file, {**FACTS, "weights": "x"})
    sets.write_set(file, {}, {"limit": math.inf})
    assert sets.up_to_date(file, {"limit": math.inf}), "infinity is stored as null and must be compared so"


@pytest.mark.parametrize("content", ["", "{", "[1]", "3", '"text"', "\xff"])
def test_a_set_file_that_is_no_object_is_made_anew(content: str, tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_bytes(content.encode("latin-1"))
    assert not sets.up_to_date(file, FACTS)


# ---- damage


def test_records_that_lost_rows_or_changed_are_refused_by_readers_and_made_anew(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = pq.read_table(written)
    pq.write_table(held.slice(0, 1), written)
    told = f"{written} cannot be read as records: it has 1 rows of 2"
    with pytest.raises(BenchError) as refused:
        records.read_records(written)
    assert str(refused.value).startswith(told)
    assert not records.up_to_date(written, FACTS)
    assert capsys.readouterr().err == f"note: {told}; they are recreated\n"


def test_records_of_fewer_pictures_than_the_suite_has_are_made_anew(written: Path) -> None:
    assert records.up_to_date(written, FACTS, 2)
    assert not records.up_to_date(written, FACTS, 3)


def test_a_table_of_another_kind_is_no_records(tmp_path: Path) -> None:
    pq.write_table(pa.table({"variant": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(BenchError, match="cannot be read as records: it lacks the column 'seed'"):
        records.read_records(tmp_path / "t.parquet")


@pytest.mark.parametrize("place", range(4))
def test_records_and_set_scores_of_another_cell_are_refused_where_they_were_copied_to(
    place: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("telea", 3, "d", "rect")
    other: Any = (*own[:place], ("mean_fill", 4, "e", "circle")[place], *own[place + 1 :])
    for file_of in (record_file, sets.set_file):
        file, copied = file_of(tmp_path, *own), file_of(tmp_path, *other)
        if file_of is record_file:
            write_records(file, [row()], ["psnr"], FACTS)
        else:
            sets.write_set(file, dict(zip(records.IDENTITY[:4], own, strict=True)), FACTS)
        kept, read = {
            record_file: (records.up_to_date, records.read_records),
            sets.set_file: (sets.up_to_date, sets.read_set),
        }[file_of]
        assert kept(file, FACTS) and read(file) is not None
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(file.read_bytes())
        capsys.readouterr()
        assert not kept(copied, FACTS)
        assert "telea@3 on d, rect" in capsys.readouterr().err
        with pytest.raises(BenchError, match="telea@3 on d, rect"):
            read(copied)


def test_a_changed_digit_in_set_scores_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    sets.write_set(file, {"values": {"fid": 12.5}}, FACTS)
    file.write_text(file.read_text().replace("12.5", "11.5"))
    assert not sets.up_to_date(file, FACTS)
    with pytest.raises(BenchError, match="it is not what was written"):
        sets.read_set(file)
