"""Shards: the same records as of the whole, whatever their number and order; what does not belong is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bench.commands.evaluate import evaluate_methods
from bench.commands.merge import merge_run
from bench.runs.records import KEY
from bench.runs.shards import Part
from bench.util.errors import IncomparableError, PartialError, UsageError
from tests.bench.stages.request import request

COUNT = 7
MASKS = "rect,circle"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, finished fills of them of which one is missing and one is none of theirs, and the whole run."""
    root = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        picture = rng.integers(0, 250, (24, 24, 3), dtype=np.uint8)
        for folder in ("data", "fills/rect", "fills/circle"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            if (folder, i) != ("fills/rect", 2):
                Image.fromarray(picture + 5 * (folder != "data")).save(root / folder / f"p{i}.png")
    Image.fromarray(picture).save(root / "fills/rect/other.png")
    with pytest.raises(PartialError):
        score(root, "whole", None)
    return root


def score(root: Path, out: str, shard: str | None, **more: bool) -> None:
    specs = ("telea", f"predictions:{root / 'fills'}")
    evaluate_methods(
        request(
            methods=specs,
            data=(f"folder:{root / 'data'}",),
            masks=MASKS,
            metrics=("psnr", "ssim_hole", "known_drift"),
            out=root / out,
            runs=root,
            shard=shard,
            workers=1,
            **more,
        )
    )


def same_run(a: Path, b: Path) -> None:
    files = sorted(file.relative_to(a) for file in (a / "records").rglob("*.parquet"))
    assert len(files) == 4
    assert files == sorted(file.relative_to(b) for file in (b / "records").rglob("*.parquet"))
    for file in files:
        pd.testing.assert_frame_equal(pd.read_parquet(a / file), pd.read_parquet(b / file), check_exact=True)
        assert (
            pq.read_schema(a / file).metadata[b"inpaint-bench"] == pq.read_schema(b / file).metadata[b"inpaint-bench"]
        )
    one, other = (json.loads((run / "run.json").read_text()) for run in (a, b))
    for key in ("suite", "notes", "missing", "partly", "variants", "metrics", "masks", "datasets"):
        assert one[key] == other[key], key
    one, other = (json.loads((run / "summary.json").read_text()) for run in (a, b))
    assert one["scores"] == other["scores"]


@pytest.mark.parametrize("order", [(1,), (2, 1), (3, 1, 2), (8, 2, 7, 1, 3, 6, 5, 4)])
def test_shards_in_any_order_give_the_run_of_the_whole(place, order, capsys):
    out = f"of{len(order)}"
    for number in order[:-1]:
        score(place, out, f"{number}/{len(order)}")
        assert not (place / out).exists()
        assert "still to be scored" in capsys.readouterr().err
    with pytest.raises(PartialError, match="1 fill could not be scored"):
        score(place, out, f"{order[-1]}/{len(order)}")
    said = capsys.readouterr()
    assert "fills: 1 × extra, belongs to no picture of the suite (rect/other.png)" in said.err
    assert f"records: {place / out}" in said.out
    same_run(place / "whole", place / out)


def test_a_shard_that_is_scored_again_changes_nothing(place):
    score(place, "again", "1/2")
    score(place, "again", "1/2")
    for _ in range(2):
        with pytest.raises(PartialError):
            score(place, "again", "2/2")
    same_run(place / "whole", place / "again")


def test_what_is_said_of_changed_known_pixels_outlasts_the_merging(place):
    with pytest.raises(PartialError):
        score(place, "unpasted", "1/1", restore_known=False)
    notes = json.loads((place / "unpasted" / "run.json").read_text())["notes"]
    assert [note for note in notes if "changed known pixels" in note and note.endswith("they are scored as they are")]


@pytest.fixture
def two(place: Path, tmp_path: Path) -> Path:
    """A copy of two complete shards that may be spoilt."""
    if not (place / "of2.shards").is_dir():
        score(place, "of2", "1/2")
        with pytest.raises(PartialError):
            score(place, "of2", "2/2")
    shutil.copytree(place / "of2.shards", tmp_path / "run.shards")
    return tmp_path / "run"


def change(two: Path, spoil) -> None:
    file = two.with_name("run.shards") / "2-of-2/records/telea/seed-0/folder-rect.parquet"
    table = spoil(pq.read_table(file))
    pq.write_table(table.replace_schema_metadata({KEY: table.schema.metadata[KEY]}), file)


def test_rows_that_are_missing_are_named(two):
    change(two, lambda table: table.slice(1))
    with pytest.raises(IncomparableError, match="rows are missing: p1 of telea on data, rect in shard 2/2"):
        merge_run(two)
    assert not two.exists()


def test_rows_that_are_double_are_named(two):
    change(two, lambda table: pa.concat_tables([table, table.slice(2, 1)]))
    with pytest.raises(IncomparableError, match="double rows: p5 of telea on data, rect in shard 2/2"):
        merge_run(two)


def test_rows_of_other_facts_are_named(two):
    def other(table: pa.Table) -> pa.Table:
        facts = json.loads(table.schema.metadata[KEY])
        return table.replace_schema_metadata({KEY: json.dumps({**facts, "weights": "x"}).encode()})

    change(two, other)
    with pytest.raises(IncomparableError, match=r"unlike rows: telea on data, rect .* 2/2 than in 1/2 \(weights\)"):
        merge_run(two)


def test_records_that_are_missing_are_named(two):
    (two.with_name("run.shards") / "1-of-2/records/telea/seed-0/folder-circle.parquet").unlink()
    with pytest.raises(IncomparableError, match="shard 1/2 has no records of telea on data, circle"):
        merge_run(two)


def test_a_shard_that_is_missing_is_named(two):
    shutil.rmtree(two.with_name("run.shards") / "1-of-2")
    with pytest.raises(IncomparableError, match="run lacks the shards 1/2"):
        merge_run(two)


def test_shards_of_other_counts_or_suites_are_refused(two, place):
    shutil.copytree(place / "of2.shards/1-of-2", two.with_name("run.shards") / "1-of-3")
    file = two.with_name("run.shards") / "1-of-3/shard.json"
    file.write_text(file.read_text().replace('"of": 2', '"of": 3'))
    with pytest.raises(IncomparableError, match="shards of 2 and of 3"):
        merge_run(two)
    shutil.rmtree(file.parent)
    manifest = two.with_name("run.shards") / "2-of-2/run.json"
    manifest.write_text(manifest.read_text().replace('"suite_seed": 0', '"suite_seed": 1'))
    with pytest.raises(IncomparableError, match="shards 1/2 and 2/2 of run are unlike: profile, suite_seed differ"):
        merge_run(two)


def test_nothing_to_merge_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no shards of"):
        merge_run(tmp_path / "run")


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", ""])
def test_a_wrong_shard_is_refused(text):
    with pytest.raises(UsageError, match="must be I/N with I from 1 to N, as 3/16"):
        Part.parse(text)


def test_torchruns_environment_is_read_where_there_are_several_processes(monkeypatch):
    for rank, size, expected in (("1", "4", Part(2, 4)), ("0", "1", None), ("", "", None), ("4", "4", None)):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", size)
        assert Part.of_environment() == expected


@pytest.mark.parametrize("of", [1, 2, 3, 8])
def test_every_picture_belongs_to_one_shard(of):
    positions = [p for number in range(1, of + 1) for p in Part(number, of).positions(COUNT)]
    assert sorted(positions) == list(range(COUNT))
