"""Finding a picture in a report: filters, sorting, the walk through the list, and the address that holds it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.runs.reader import Run
from reports.build import build_report
from tests.browser.conftest import Watched
from tests.reports.fake_run import fake_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def frame(run: Run) -> pd.DataFrame:
    return run.records()


def answered(page: Any) -> None:
    """The list has followed what was asked of it, however long that took."""
    page.locator("#find:not([aria-busy])").wait_for()


def choose(page: Any, **fields: str) -> None:
    for name, value in fields.items():
        control = page.locator(f'#find-form [name="{name.rstrip("_")}"]')
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    answered(page)


def listed(page: Any) -> list[tuple[str, ...]]:
    """(picture, mask type, data set) of every row of the list, all of them shown."""
    while page.locator("#find-more").is_visible():
        page.locator("#find-more").click()
    heads = page.locator("#find-table tbody th").all()
    found = []
    for head in heads:
        words = head.locator("span").all_inner_texts()
        dataset, _, mask = words[1].partition(", ")
        found.append((words[0], mask, dataset))
    return found


def count(page: Any) -> int:
    return int(page.locator("#find-count").inner_text().split(" ")[0])


def test_the_three_that_one_method_fails_and_another_does_not_stand_on_top(watched: Watched, tmp_path: Path) -> None:
    names = ("double_dg", "telea")
    folder = fake_run(
        tmp_path / "r", variants=names, datasets=("scenes",), masks=("rect",), pictures=1000, samples=0, summary=False
    )
    file = folder / "records" / "double_dg" / "seed-0" / "scenes-rect.parquet"
    records = pd.read_parquet(file)
    planted = ["0123", "0456", "0789"]
    records.loc[records["image_id"].isin(planted), "psnr_hole"] = [3.0, 2.0, 1.0]
    records.to_parquet(file, index=False)
    page = watched.page
    page.goto(build_report(Run.open(folder)).as_uri())
    choose(page, fails="double_dg", not_="telea")
    assert sorted(name for name, *_ in listed(page)[:3]) == planted
    choose(page, limit="5")
    assert sorted(name for name, *_ in listed(page)) == planted
    assert page.locator("#find-table tbody").inner_text().count("no picture kept") == 3
    assert "--save-predictions" in page.locator("#find-command").inner_text()
    assert watched.complaints == []


def test_filters_leave_what_the_records_say(watched: Watched, report: str, frame: pd.DataFrame) -> None:
    page = watched.page
    page.goto(report)
    one = frame[frame["variant"] == "telea"]
    assert count(page) == len(one)
    choose(page, data="photos", mask="circle", from_="20", id="3")
    expected = one[
        (one["dataset"] == "photos")
        & (one["mask"] == "circle")
        & (one["hole_area"].round(4) >= 0.2)
        & one["image_id"].str.contains("3")
    ]
    assert {name for name, *_ in listed(page)} == set(expected["image_id"])
    page.locator("#find-form [type=reset]").click()
    assert count(page) == len(one)


@pytest.mark.parametrize(("metric", "target"), [("psnr_hole", None), ("lpips", None), ("sharpness", 0.0)])
def test_rows_are_sorted_by_any_metric_those_with_a_target_by_distance(
    watched: Watched, report: str, frame: pd.DataFrame, metric: str, target: float | None
) -> None:
    page = watched.page
    page.goto(report)
    choose(page, score=metric, sort="method:telea", data="scenes", mask="circle")
    rows = frame[(frame["variant"] == "telea") & (frame["dataset"] == "scenes") & (frame["mask"] == "circle")]
    bad = -rows[metric] if metric == "psnr_hole" else (rows[metric] - target).abs() if target == 0 else rows[metric]
    expected = rows["image_id"][bad.sort_values(ascending=False).index].tolist()
    assert [name for name, *_ in listed(page)] == expected
    choose(page, order="best")
    assert [name for name, *_ in listed(page)] == expected[::-1]


@pytest.mark.parametrize(
    ("group", "members"),
    [
        ("all", ("baseline", "basic_gan", "gan_res_whole", "double_dg", "mean_fill", "telea")),
        ("network", ("baseline", "basic_gan", "gan_res_whole", "double_dg")),
        ("reference", ("mean_fill", "telea")),
    ],
)
def test_means_and_disputes_are_of_all_methods_or_of_networks_or_of_references(
    watched: Watched, report: str, frame: pd.DataFrame, group: str, members: tuple[str, ...]
) -> None:
    page = watched.page
    page.goto(report)
    rows = frame[(frame["dataset"] == "scenes") & (frame["mask"] == "circle") & frame["variant"].isin(members)]
    table = rows.pivot_table(index="image_id", columns="variant", values="psnr_hole")
    choose(page, data="scenes", mask="circle", sort=f"mean:{group}")
    assert listed(page)[0][0] == table.mean(axis=1).idxmin()
    choose(page, sort=f"spread:{group}")
    assert listed(page)[0][0] == table.std(axis=1, ddof=0).idxmax()


def kept(run: Run, mask: str) -> set[str]:
    return {i["image_id"] for i in run.samples if (i["dataset"], i["mask"]) == ("scenes", mask)}


def test_arrow_keys_follow_the_list_and_the_address_brings_it_all_back(
    watched: Watched, run: Run, report: str, frame: pd.DataFrame
) -> None:
    page = watched.page
    page.goto(report)
    choose(page, data="scenes", mask="circle", sort="method:baseline")
    rows = frame[(frame["variant"] == "baseline") & (frame["dataset"] == "scenes") & (frame["mask"] == "circle")]
    worst_first = rows.sort_values("psnr_hole")["image_id"]
    expected = [name for name in worst_first if name in kept(run, "circle")]
    page.locator("#find-table a.cell").first.click()
    seen = []
    for _ in expected:
        seen.append(page.locator("#viewer-title").inner_text().split(" ")[0])
        page.keyboard.press("ArrowDown")
    assert seen == expected
    page.locator("#v-a").select_option("telea")
    page.locator("#v-b").select_option("baseline")
    page.keyboard.press("d")
    address, title = page.url, page.locator("#viewer-title").inner_text()
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("dialog#viewer[open]")
    assert page.locator("#viewer-title").inner_text() == title
    assert (page.locator("#v-a").input_value(), page.locator("#v-b").input_value()) == ("telea", "baseline")
    assert page.locator("[data-mode=side]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#find-form [name=mask]").input_value() == "circle"
    assert page.evaluate("location.hash").startswith("#find?")


def test_next_disputed_is_the_one_on_which_methods_differ_most(
    watched: Watched, run: Run, report: str, frame: pd.DataFrame
) -> None:
    page = watched.page
    page.goto(report)
    choose(page, data="scenes", mask="circle")
    rows = frame[(frame["dataset"] == "scenes") & (frame["mask"] == "circle")]
    spread = rows.pivot_table(index="image_id", columns="variant", values="psnr_hole").std(axis=1, ddof=0)
    order = [name for name in spread.sort_values(ascending=False).index if name in kept(run, "circle")]
    page.locator("#find-table a.cell").first.click()
    while page.locator("#viewer-title").inner_text().split(" ")[0] != order[-1]:
        page.keyboard.press("ArrowDown")
    seen = []
    for _ in order:
        page.keyboard.press("n")
        seen.append(page.locator("#viewer-title").inner_text().split(" ")[0])
    assert seen == order


def test_a_hidden_method_is_gone_from_lists_and_pictures(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    page.locator("#find details summary").click()
    page.locator('#find-methods input[value="basic_gan"]').uncheck()
    answered(page)
    assert "basic_gan" not in page.locator("#find-table thead").text_content()
    assert not page.locator('#grid a.cell[id$="/basic_gan"]').first.is_visible()
    page.locator('#grid a.cell[id$="/baseline"]').first.click()
    page.keyboard.press("ArrowRight")
    assert page.locator("#v-b").input_value() == "gan_res_whole"


def test_tables_are_sorted_over_all_methods_when_asked(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    box = page.locator("#table-methods-scenes").get_by_label("Sort over all methods")
    box.check()
    cells = page.locator("#table-methods-scenes tbody tr:not(.group) > :nth-child(2)").all()
    found = [float(cell.get_attribute("data-value")) for cell in cells]
    assert found == sorted(found, reverse=True)
    assert len(found) == 6
    box.uncheck()
    references = page.locator("#table-methods-scenes tbody").nth(1).locator("tr:not(.group) > th").all_text_contents()
    assert set(references) == {"mean_fill", "telea"}
    assert np.isfinite(found).all()
