"""The rows of an evaluation as they are gathered: each value in its place, and what is still to be scored."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets.registry import Dataset
from bench.stages.block import Result, Task
from bench.stages.cells import Cell, Work, features_file, truths_file
from bench.stages.context import key_of
from tests.bench.stages.painted import IDS, made
from variants.method import Method

SETS = {"inception": "i"}


def cell(run: Path, mask: str = "rect", place: int = 0, samples: int = 1, sets: dict | None = None) -> Cell:
    method = Method()
    method.name, method.seed, method.samples = f"m{place}", 3, samples
    found = Cell(run, place, method, made("a set"), mask, {"suite": "s"}, True, sets)
    found.begin(["psnr", "l1"])
    return found


def row(image_id: str, sample: int = 0, failed: str = "", **more: Any) -> dict[str, Any]:
    values = {"psnr": 10.0 + sample, "l1": 0.5} | more
    return {"image_id": image_id, "sample": sample, "hole_area": 0.25, "failed": failed, **values}


def test_rows_are_in_the_data_sets_order_with_each_value_under_its_name(tmp_path):
    own = cell(tmp_path)
    own.put(2, row("c", failed="no number", psnr=math.nan, l1=math.nan))
    own.put(0, row("a", psnr=31.0))
    assert own.done == 2
    whose = {"variant": "m0", "seed": 3, "dataset": "a set", "mask": "rect"}
    first, second, third = own.rows()
    assert first == {**whose, "image_id": "a", "sample": 0, "hole_area": 0.25, "failed": "", "psnr": 31.0, "l1": 0.5}
    assert (second["image_id"], second["failed"]) == ("b", "")
    assert second["hole_area"] == 0
    assert all(math.isnan(second[name]) for name in ("psnr", "l1")), "not zero: it was never scored"
    assert (third["image_id"], third["failed"]) == ("c", "no number")
    assert all(math.isnan(third[name]) for name in ("psnr", "l1"))


def test_samples_have_rows_of_their_own_and_one_diversity_a_picture(tmp_path):
    own = cell(tmp_path, samples=2)
    for sample in (1, 0):
        own.put(1, row("b", sample, sample_diversity=7.5, failed="odd" * sample))
    assert own.done == 2
    found = own.rows()
    assert [(each["image_id"], each["sample"]) for each in found] == [(name, s) for name in IDS for s in (0, 1)]
    assert [each["psnr"] for each in found[2:4]] == [10.0, 11.0]
    assert [each["failed"] for each in found] == ["", "", "", "odd", "", ""]
    assert [each["sample_diversity"] for each in found[2:4]] == [7.5, 7.5]
    assert all(math.isnan(each["sample_diversity"]) for each in (*found[:2], *found[4:]))
    own.kept = True
    assert own.done == 6


def test_a_cell_says_where_its_files_lie(tmp_path):
    own = cell(tmp_path)
    assert own.key == ("m0", 3, "a set", "rect")
    assert own.file == tmp_path / "records/m0/seed-3/a_set-rect.parquet"
    assert own.set_file == tmp_path / "sets/m0/seed-3/a_set-rect.json"


# ---- tasks


def work(run: Path, sets: dict | None = None) -> Work:
    """Two methods under two mask types, of which one cell is kept."""
    cells = [cell(run, mask, place, sets=sets) for mask in ("rect", "circle") for place in (0, 1)]
    cells[1].kept = True
    return Work(run, 5, made("a set"), cells)


def test_tasks_name_what_is_to_be_scored_of_each_batch(tmp_path):
    wanted = {"rect": (0,), "circle": (0, 1)}
    assert list(work(tmp_path).tasks(2)) == [Task(5, (0, 1), wanted), Task(5, (2,), wanted)]
    assert list(work(tmp_path).tasks(3)) == [Task(5, (0, 1, 2), wanted)]


def test_apart_a_task_has_one_mask_type(tmp_path):
    assert list(work(tmp_path).tasks(8, apart=True)) == [
        Task(5, (0, 1, 2), {"rect": (0,)}),
        Task(5, (0, 1, 2), {"circle": (0, 1)}),
    ]


@pytest.mark.parametrize(
    ("there", "todo"),
    [
        ((0, 1), [(2,)]),
        ((0, 2), [(0, 1)]),  # one of the first batch lacks: the batch is scored again
        ((1, 2), [(0, 1)]),
        ((2,), [(0, 1)]),
        ((0, 1, 2), []),
    ],
)
def test_batches_of_which_every_row_is_there_are_not_scored_again(tmp_path, there, todo):
    own = cell(tmp_path)
    for index in there:
        own.put(index, row(IDS[index]))
    tasks = list(Work(tmp_path, 0, made("a set"), [own]).tasks(2))
    assert [task.indices for task in tasks] == todo
    assert all(task.todo == {"rect": (0,)} for task in tasks)


def test_a_batch_of_which_a_sample_lacks_is_scored_again(tmp_path):
    own = cell(tmp_path, samples=2)
    own.put(2, row("c", 1, sample_diversity=1.0))
    assert [task.indices for task in Work(tmp_path, 0, made("a set"), [own]).tasks(2)] == [(0, 1), (2,)]


# ---- results


def test_results_go_to_their_cell_picture_by_picture_and_features_to_their_rows(tmp_path):
    own = work(tmp_path, SETS)
    task = Task(5, (2, 0), {"rect": (0,), "circle": (1,)})
    truths = [np.array([20, 21], np.float32), np.array([0, 1], np.float32)]
    fills = {key: [t + 100 * k for t in truths] for k, key in enumerate(own.waiting, 1)}
    rows = {("rect", 0): [row("c", psnr=2.0), row("a", psnr=1.0)], ("circle", 1): [row("c", psnr=4.0)]}
    own.take(task, Result(rows, truths=truths, fills=fills))
    assert own.waiting["rect", 0].values[:, 0, 0].tolist()[::2] == [1.0, 2.0]
    assert own.waiting["circle", 1].values[2, 0].tolist() == [4.0, 0.5]
    assert own.waiting["circle", 0].done == 0
    assert own.truths.all()[[0, 2]].tolist() == [[0, 1], [20, 21]]
    assert own.waiting["rect", 0].features.all()[[0, 2]].tolist() == [[100, 101], [120, 121]]
    assert own.waiting["circle", 1].features.all()[[0, 2]].tolist() == [[300, 301], [320, 321]]
    own.flush()
    own.keep_features()
    assert np.load(tmp_path / "sets/a_set.npy")[2].tolist() == [20, 21]
    assert np.load(tmp_path / "sets/m0/seed-3/a_set-rect.npy")[2].tolist() == [120, 121]
    assert np.load(tmp_path / "sets/m1/seed-3/a_set-circle.npy")[0].tolist() == [300, 301]


def test_without_set_scores_nothing_of_features_is_kept(tmp_path):
    own = work(tmp_path)
    own.take(Task(5, (0,), {"rect": (0,)}), Result({("rect", 0): [row("a")]}))
    own.flush()
    own.keep_features()
    assert own.truths is None
    assert not (tmp_path / "sets").exists() and not (tmp_path / "cache").exists()


def test_features_of_an_empty_data_set_are_not_looked_for(tmp_path):
    data = Dataset("none", "test", None, [], lambda i: None)
    own = Cell(tmp_path, 0, Method(), data, "rect", {"suite": "s"}, True, SETS)
    own.begin(["psnr"])
    Work(tmp_path, 0, data, [own]).keep_features()
    assert not (tmp_path / "sets").exists()


def test_features_of_other_facts_lie_in_another_file(tmp_path):
    file = features_file(tmp_path, "a", 1)
    assert file == tmp_path / "cache/features" / f"{key_of('a', 1)[:32]}.npy"
    assert len({file, features_file(tmp_path, "a", 2), features_file(tmp_path, "b", 1)}) == 3
    assert truths_file(tmp_path, "a: b") == tmp_path / "sets/a__b.npy"
    one, other = (work(tmp_path, {"inception": name}).truths.file for name in ("i", "j"))
    assert one != other, "features of other weights"
    assert one != features_file(tmp_path, "a set", {"suite": "t", "inception": "i"})
    assert one == features_file(tmp_path, "a set", {"suite": "s", "inception": "i"})
