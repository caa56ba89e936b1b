"""Throughput in the report: figures as they were measured, warnings that can be read, nothing passed over."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.runs.reader import Run
from reports import speed, speed_figures
from reports.build import build_report
from reports.numbers import Numbers
from tests.reports.fake_run import fake_run

LATE = "time ran out after {} samples: the median's interval is ±{}%, wanted ±1% (more: throughput --seconds)"


def rows() -> pd.DataFrame:
    """Nine rows of one method: three batch sizes at 64 and 96 px, and three of the calibration."""
    lines = []
    for number, (variant, side, batch) in enumerate(
        [("baseline", side, batch) for side in (64, 96) for batch in (1, 4, 16)] + [("calibration", 64, 8)] * 3
    ):
        lines.append(
            {
                "variant": variant, "device": "cpu", "precision": "bf16", "mode": "eager", "resolution": side,
                "batch": batch, "fast": batch == 16, "images_per_s": 1234.0, "images_per_s_low": 1100.0,
                "images_per_s_high": 1500.0, "latency_ms_p50": 3.0, "gflops_per_image": 1.0,
                "mib_moved_per_image": 2.0, "tflops_per_s": 0.2, "ceiling_tflops_per_s": 0.4,
                "ceiling_gib_per_s": 30.0, "roofline_share": 0.5, "bound": "compute", "max_difference": 1.0,
                "mean_difference": 0.0125, "within_one_level": 0.99951,
                "warnings": LATE.format(6 + number, f"{10.5 - number}") + ("; one of its own" if number == 4 else ""),
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


@pytest.fixture
def run(tmp_path) -> Run:
    folder = fake_run(tmp_path / "run", variants=["baseline", "telea"], throughput=False)
    table = pa.Table.from_pandas(rows(), preserve_index=False)
    metadata = {**table.schema.metadata, b"remarks": json.dumps(["no time for <compile>: left out"]).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "throughput.parquet")
    return Run.open(folder)


def test_warnings_that_differ_in_their_numbers_alone_are_read_one_by_one(run):
    table = speed.warnings_table(Numbers(run))
    assert [(row.name, row.cells[0].text) for row in table.rows] == [
        (
            "time ran out after 6 to 14 samples: the median's interval is ±2.5 to 10.5%, wanted ±1% "
            "(more: throughput --seconds)",
            "7 of 9 rows",
        ),
        ("one of its own", "baseline, bf16, eager, 96 px, batch 4"),
    ]


def test_a_setting_is_shown_without_its_interval_its_mark_or_how_far_its_pictures_are(run):
    table = speed.throughput_table(Numbers(run))
    keys = [column.key for column in table.columns]
    cells = dict(zip(keys, table.rows[2].cells, strict=True))
    assert (cells["images_per_s"].text, cells["images_per_s"].detail) == ("1\u202f230", "1\u202f100 to 1\u202f500")
    assert cells["images_per_s"].mark == "best"
    assert [row.cells[keys.index("images_per_s")].mark for row in table.rows].count("best") == 2
    assert (cells["mean_difference"].text, cells["within_one_level"].text) == ("0.0125", "99.95 %")
    assert cells["roofline_share"].text == "50 %"


def test_a_figure_has_no_intervals_or_no_share_of_the_roof(run):
    numbers = Numbers(run)
    curves = speed_figures.batch_curves(numbers)
    assert [title for title, _ in curves] == ["cpu, bf16, eager, 64 px", "cpu, bf16, eager, 96 px"]
    bare = rows().drop(columns=["images_per_s_low", "images_per_s_high"])
    bare.to_parquet(run.path / "throughput.parquet", index=False)
    without = speed_figures.batch_curves(Numbers(run))
    # Three batch sizes in a wide and a narrow drawing; a whisker each.
    assert [str(drawn).count('class="whisker ') for _, drawn in curves] == [6, 6]
    assert [str(drawn).count('class="whisker ') for _, drawn in without] == [0, 0]
    (_, roof), _ = speed_figures.rooflines(numbers)
    assert "50 % baseline" in roof
    assert speed.ceilings(numbers) == "bf16 0.4 TFLOP/s, copying 30 GiB/s"


def test_the_page_passes_over_what_was_not_measured(run):
    page = build_report(run).read_text(encoding="utf-8")
    assert "<li>no time for &lt;compile&gt;: left out</li>" in page
    assert "bf16 0.4 TFLOP/s, copying 30 GiB/s" in page
