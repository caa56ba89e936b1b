"""The packed scores that the page searches: as printed elsewhere, and never too many."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest

from bench.runs.reader import Run
from reports.build import Report
from reports.find import find_data, packed
from reports.numbers import Numbers


def unpacked(found: dict[str, object]) -> np.ndarray:
    kind = {2: "<i2", 4: "<i4"}[int(str(found["bytes"]))]
    whole = np.frombuffer(base64.b64decode(str(found["data"])), kind).astype(float)
    whole[whole == np.iinfo(kind).min] = np.nan
    return whole / 10.0 ** int(str(found["digits"]))


@pytest.mark.parametrize(("largest", "size"), [(327.0, 2), (328.0, 4), (2e6, 4)])
def test_numbers_come_back_as_they_are_printed_in_as_few_bytes_as_hold_them(largest: float, size: int) -> None:
    values = np.array([[20.126, -0.004], [np.nan, largest]])
    found = packed(values, 2)
    assert found["bytes"] == size
    np.testing.assert_array_equal(unpacked(found), [20.13, 0.0, np.nan, largest])


def test_what_no_number_of_four_bytes_holds_is_the_largest_there_is() -> None:
    np.testing.assert_array_equal(unpacked(packed(np.array([1e12, -np.inf]), 0)), [2147483647, np.nan])


def test_every_picture_has_the_score_of_its_record(quick: Run, report: Report) -> None:
    found = report.context["find"]
    frame = pd.read_parquet(quick.path / "records" / "telea" / "seed-0" / "scenes-circle.parquet")
    place = [m["label"] for m in found["methods"]].index("telea")
    metric = [m["name"] for m in found["metrics"]].index("psnr_hole")
    values = unpacked(found["datasets"][0]["scores"][metric][place]).reshape(-1, len(found["masks"]))
    assert found["datasets"][0]["ids"] == frame["image_id"].tolist()
    np.testing.assert_array_equal(values[:, found["masks"].index("circle")], frame["psnr_hole"].round(2))


def test_metrics_of_low_rank_go_where_there_are_too_many_pictures_and_the_page_says_so(small: Run) -> None:
    numbers = Numbers(small)
    whole = find_data(numbers, [], budget=10**9)
    least = find_data(numbers, [], budget=1)
    assert whole and least
    assert whole["left_out"] == []
    assert [m["name"] for m in least["metrics"]] == [whole["metrics"][0]["name"]]
    assert least["left_out"] == [m["heading"] for m in whole["metrics"][1:]]
