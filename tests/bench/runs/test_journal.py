"""The journal of an evaluation: rows come back bit for bit, and only those of the same facts."""

from __future__ import annotations

import math

from bench.runs.journal import Journal

KEY = ("telea", 0, "made", "rect")


def row(image_id: str, psnr: float, failed: str = "") -> dict:
    own = dict(zip(("variant", "seed", "dataset", "mask"), KEY, strict=True))
    return {**own, "image_id": image_id, "hole_area": 0.25, "failed": failed, "psnr": psnr}


def test_rows_come_back_bit_for_bit(tmp_path):
    journal = Journal(tmp_path, ["psnr"], {KEY: "a"})
    journal.add([row("a", 0.1 + 0.2), row("b", math.nan, "why")])
    journal.flush()
    journal.add([row("c", 5.0)])
    journal.flush()
    found = list(Journal(tmp_path, ["psnr"], {KEY: "a"}).read())
    assert [r["image_id"] for r in found] == ["a", "b", "c"]
    assert found[0]["psnr"] == 0.1 + 0.2
    assert math.isnan(found[1]["psnr"])
    assert found[1]["failed"] == "why"


def test_rows_of_other_facts_or_cells_or_columns_do_not_come_back(tmp_path):
    journal = Journal(tmp_path, ["psnr"], {KEY: {"weights": "a"}})
    journal.add([row("a", 1.0)])
    journal.flush()
    assert list(Journal(tmp_path, ["psnr"], {KEY: {"weights": "b"}}).read()) == []
    assert list(Journal(tmp_path, ["psnr"], {("telea", 1, "made", "rect"): {"weights": "a"}}).read()) == []
    assert list(Journal(tmp_path, ["psnr", "ssim"], {KEY: {"weights": "a"}}).read()) == []
    assert len(list(Journal(tmp_path, ["psnr"], {KEY: {"weights": "a"}}).read())) == 1


def test_rows_of_a_method_that_may_change_are_not_kept(tmp_path):
    journal = Journal(tmp_path, ["psnr"], {})
    journal.add([row("a", 1.0)])
    journal.flush()
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_passed_over(tmp_path):
    journal = Journal(tmp_path, ["psnr"], {KEY: 1})
    for name in ("a", "b"):
        journal.add([row(name, 1.0)])
        journal.flush()
    first = sorted(tmp_path.iterdir())[0]
    first.write_bytes(first.read_bytes()[:200])
    assert [r["image_id"] for r in Journal(tmp_path, ["psnr"], {KEY: 1}).read()] == ["b"]


def test_what_goes_with_rows_is_on_disk_before_them(tmp_path):
    there = []
    journal = Journal(tmp_path, ["psnr"], {KEY: 1}, lambda: there.append(list(tmp_path.iterdir())))
    journal.flush()
    assert there == []
    journal.add([row("a", 1.0)])
    journal.flush()
    assert there == [[]]
