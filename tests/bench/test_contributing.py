"""The examples in CONTRIBUTING.md do what they say, and what they register shows up wherever its kind is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.command import bench

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)

LISTED = """
import json
from bench.cli import listing

print(json.dumps({kind: [row["name"] for row in getattr(listing, kind)()] for kind in (
    "variants", "masks", "metrics", "datasets", "formats")}))
"""

CHECKS = """
import numpy as np
from bench.masks.registry import draw
from bench.metrics.scorer import Scorer
from variants.registry import variant

assert variant.get("mine")().network(4) is not None
holes = draw("stripe", (16, 32), 0, range(3))
assert holes.shape == (3, 16, 32) and (holes.mean((1, 2)) == 4 / 32).all()
truth = np.full((16, 32, 3), 100, np.uint8)
filled = truth.copy()
hole = np.zeros((16, 32), bool)
hole[4, 4:6] = True
filled[4, 5, 1] = 83
filled[0, 0] = 0  # outside the hole: not looked at
assert Scorer(["worst_error"]).score("x", truth, hole, [filled])[0]["worst_error"] == 17
"""


@pytest.fixture(scope="session")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every example in mine.py, the metric without a rank in further.py, and a run that used them."""
    folder = tmp_path_factory.mktemp("plugged")
    (folder / "mine.py").write_text("\n\n".join(EXAMPLES), encoding="utf-8")
    example = next(text for text in EXAMPLES if "@metric" in text)
    unranked = re.sub(r" *rank=.*\n", "", example).replace("worst_error", "worst_further")
    (folder / "further.py").write_text(unranked.replace("worst error", "worst further"), encoding="utf-8")
    words = "eval telea mean_fill --data scenes --data grey --masks stripe --size 32 --count 4 --report --out r"
    done = bench(*PLUGINS, *words.split(), "--export", "out.tsv", cwd=folder, env={"COLUMNS": "120"})
    assert done.returncode == 0, done.stderr
    (folder / "shown.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


PLUGINS = ("--plugin", "mine.py", "--plugin", "further.py")


@pytest.fixture(scope="session")
def page(plugged: Path) -> str:
    return (plugged / "runs/r/report.html").read_text(encoding="utf-8")


def figure(page: str, name: str) -> str:
    """The table of that id in the report."""
    found = re.search(rf'<figure[^>]*id="table-{name}".*?</figure>', page, re.S)
    assert found, f"the report has no table {name}"
    return found[0]


def headers(page: str, name: str) -> str:
    """The head row of a table in the report."""
    return figure(page, name).split("</thead>")[0]


def test_no_example_is_longer_than_30_lines() -> None:
    assert len(EXAMPLES) == 5
    assert max(len(text.splitlines()) for text in EXAMPLES) < 30


def test_the_page_names_every_room() -> None:
    house = PAGE.read_text(encoding="utf-8").split("## Add a variant")[0]
    rooms = {folder.parent.name for folder in (PAGE.parent / "bench").glob("*/__init__.py")}
    assert not [room for room in rooms if f"{room}/" not in house]


def test_the_examples_are_found_and_do_what_they_say(plugged: Path) -> None:
    # Registering happens in a process of its own, so that no other test meets the examples.
    env = {**os.environ, "BENCH_PLUGINS": str(plugged / "mine.py")}
    done = subprocess.run([sys.executable, "-c", CHECKS + LISTED], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    wanted = {"variants": "mine", "masks": "stripe", "metrics": "worst_error", "datasets": "grey", "formats": "tsv"}
    assert not {kind: name for kind, name in wanted.items() if name not in listed[kind]}


def test_the_example_format_writes_the_run(plugged: Path) -> None:
    lines = (plugged / "out.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "variant\tseed\tdataset\tmask\tmetric\tmean"
    # Grey pictures are even, so the mean of their known pixels is every level of the hole.
    assert any(line.startswith("mean_fill\t0\tgrey\tstripe\tworst_error\t0") for line in lines)


def test_a_ranked_metric_is_in_the_table_of_eval_and_an_unranked_one_is_not(plugged: Path) -> None:
    shown = (plugged / "shown.txt").read_text(encoding="utf-8")
    assert "worst_error" in shown and "worst_further" not in shown


def test_compare_shows_a_ranked_metric_with_its_own_tolerance(plugged: Path) -> None:
    # No plug-in is named: a finished run says itself what its metrics are.
    done = bench("compare", "r:telea", "r:mean_fill", "--markdown", "c.md", "--json", cwd=plugged)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    tolerances = {row["metric"]: row["tolerance"] for row in rows}
    # As CONTRIBUTING declares; levels have 0.5 otherwise.
    assert tolerances["worst_error"] == 2.0
    table = (plugged / "c.md").read_text(encoding="utf-8")
    assert "worst\\_error" in table
    assert "worst\\_further" not in table, "a metric without a rank stands in the default table"
    assert "worst_further" in tolerances


def test_the_report_shows_a_ranked_metric_in_every_main_table_and_an_unranked_one_below(page: str) -> None:
    for dataset in ("grey", "scenes"):
        first, more = headers(page, f"methods-{dataset}"), headers(page, f"methods-{dataset}-more")
        assert "worst error" in first and "worst error" not in more
        assert "worst further" in more and "worst further" not in first


def test_the_report_breaks_a_ranked_metric_down_by_mask(page: str) -> None:
    assert "worst error" in figure(page, "masks-scenes-worst_error")
    assert ">worst error ↓</label>" in page, "the tab that opens the table names the metric otherwise"
    assert 'id="table-masks-scenes-worst_further"' not in page


def test_the_grid_of_the_report_prints_a_ranked_metric_with_each_picture(page: str) -> None:
    scores = re.findall(r'"worst error \\u2193":"([\d.]+) levels"', page)
    # Two methods on two data sets of four pictures and one mask type.
    assert len(scores) == 16
    assert '"worst further \\u2193"' not in page
