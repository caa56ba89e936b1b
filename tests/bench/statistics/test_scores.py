"""Records as arrays: every number at its picture, mask type and seed, and what run.json says of a metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.metrics.declaration import Metric
from bench.metrics.registry import metric
from bench.runs.manifest import Manifest
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.statistics.scores import Scores, clustered, load_scores
from bench.util.errors import BenchError
from tests.bench.fake_runs import fake_run


def facts(direction: str, target: float = 0.0) -> Metric:
    return Metric("m", unit="", direction=direction, target=target)


def test_goodness_turns_every_direction_so_that_more_is_better() -> None:
    values = np.array([-1.0, 2.0, 5.0])
    assert facts("higher").goodness(values).tolist() == [-1, 2, 5]
    assert facts("lower").goodness(values).tolist() == [1, -2, -5]
    assert facts("nearest", 3.0).goodness(values).tolist() == [-4, -1, -2]


@pytest.mark.parametrize(
    ("entry", "title", "target", "version"),
    [
        ({"unit": "dB", "direction": "higher", "version": 3}, "m [dB ↑]", 0.0, 3),
        ({"unit": "", "direction": "lower"}, "m [↓]", 0.0, 1),
        ({"direction": "nearest", "target": 1.5}, "m [→1.5]", 1.5, 1),
        ({"unit": "levels", "direction": "nearest", "target": None}, "m [levels →0]", 0.0, 1),
        ({"unit": "dB", "direction": "higher", "title": "another"}, "m [dB ↑]", 0.0, 1),
    ],
)
def test_what_run_json_says_of_a_metric(
    tmp_path: Path, entry: dict[str, Any], title: str, target: float, version: int
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"name": "r", "suite": None, "metrics": {"m": entry}}))
    found = Run.open(tmp_path).manifest.metrics["m"]
    assert (found.title, found.target, found.version) == (title, target, version)
    assert found.direction == entry["direction"]


def cell(seed: int, image: str, mask: str) -> float:
    """A score that tells where it belongs."""
    return 100 * seed + 10 * "kbz".index(image) + ["rect", "circle", "blob"].index(mask)


def written(path: Path, rows: list[dict[str, Any]], masks: tuple[str, ...] = ("rect", "circle")) -> Run:
    """A run whose records of variant a are these rows, in this order."""
    file = path / "records" / "a" / "seed-0" / "all.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), file)
    metrics = {name: metric.get(name) for name in ("psnr", "l1")}
    RunWriter(path, Manifest(name="r", suite=None, masks=list(masks), metrics=metrics)).write()
    return Run.open(path)


def row(seed: int, image: str, mask: str, **more: Any) -> dict[str, Any]:
    value = cell(seed, image, mask)
    known: dict[str, Any] = {"variant": "a", "seed": seed, "dataset": "scenes", "mask": mask, "image_id": image}
    return {
        **known,
        "hole_area": cell(0, image, mask) / 100,
        "failed": "",
        "l1": -value,
        "mse": value / 7,
        "psnr": value,
        **more,
    }


@pytest.fixture
def mixed(tmp_path: Path) -> Scores:
    """Two seeds, three pictures and three mask types, one not in run.json, in a disorder; one row is missing."""
    places = [
        (s, i, m) for m in ("blob", "circle", "rect") for i in "zkb" for s in (4, 2) if (s, i, m) != (4, "k", "rect")
    ]
    rows = [row(*place, note="x") for place in places]
    rows[0] |= {"failed": "x"}
    rows[1] |= {"failed": None}
    rows[3] |= {"psnr": float("inf")}
    return load_scores(written(tmp_path / "r", rows), "a")["scenes"]


def test_every_score_lies_at_its_seed_picture_and_mask_type(mixed: Scores) -> None:
    assert mixed.seeds == (2, 4)
    assert mixed.ids.tolist() == ["b", "k", "z"]
    assert mixed.masks == ("rect", "circle", "blob")  # run.json's order, then what it does not name
    assert mixed.columns == ("psnr", "l1", "mse")
    for s, seed in enumerate(mixed.seeds):
        for i, image in enumerate(mixed.ids):
            for m, mask in enumerate(mixed.masks):
                if (seed, image, mask) in {(4, "k", "rect"), (4, "z", "blob"), (4, "k", "blob")}:
                    continue
                value = cell(seed, image, mask)
                psnr = np.nan if (seed, image, mask) == (2, "k", "blob") else value
                assert mixed.values[s, i, m] == pytest.approx([psnr, -value, value / 7], nan_ok=True)
                assert mixed.hole_area[i, m] == cell(0, image, mask) / 100


def test_what_failed_what_is_infinite_and_what_is_missing_has_no_value(mixed: Scores) -> None:
    assert np.argwhere(mixed.failed).tolist() == [[1, 2, 2]]  # seed 4, picture z, blob; a null is no failure
    assert np.isnan(mixed.values[1, 2, 2]).all()
    assert np.argwhere(~mixed.present).tolist() == [[1, 1, 0]]  # seed 4, picture k, rect
    assert np.isnan(mixed.values[1, 1, 0]).all()
    lost = mixed.values[0, 1, 2]  # seed 2, picture k, blob: its PSNR is infinite
    assert np.isnan(lost[0])
    assert np.isfinite(lost[1:]).all()


def test_a_part_keeps_every_array_in_step(mixed: Scores) -> None:
    part = mixed.take(np.array([2, 1]), [2, 0], [1])
    assert part.ids.tolist() == ["z", "k"]
    assert (part.masks, part.columns, part.seeds) == (("blob", "rect"), ("l1",), (2, 4))
    assert part.values[..., 0] == pytest.approx(mixed.values[:, [2, 1]][:, :, [2, 0], 1], nan_ok=True)
    assert part.failed.tolist() == [[[False, False], [False, False]], [[True, False], [False, False]]]
    assert part.present.tolist() == [[[True, True], [True, True]], [[True, True], [True, False]]]
    assert part.hole_area == pytest.approx(mixed.hole_area[[2, 1]][:, [2, 0]])
    assert mixed.take(np.arange(3), [0, 1, 2], [0, 1, 2]) is mixed


def test_data_sets_are_kept_apart(tmp_path: Path) -> None:
    rows = [row(0, "k", "rect"), row(0, "k", "rect", dataset="photos", psnr=5.0), row(0, "b", "rect")]
    found = load_scores(written(tmp_path / "r", rows), "a")
    assert {name: scores.ids.tolist() for name, scores in found.items()} == {"photos": ["k"], "scenes": ["b", "k"]}
    assert found["photos"].values[0, 0, 0, 0] == 5
    assert found["scenes"].values[0, :, 0, 0].tolist() == [cell(0, "b", "rect"), cell(0, "k", "rect")]


def test_a_double_row_is_refused_by_its_place(tmp_path: Path) -> None:
    run = written(tmp_path / "r", [row(3, "k", "rect"), row(3, "z", "circle"), row(3, "z", "circle")])
    with pytest.raises(BenchError, match="a@3 twice on picture 'z' under mask type 'circle'"):
        load_scores(run, "a")


def test_records_without_failures_or_areas_are_read(tmp_path: Path) -> None:
    kept = [{k: v for k, v in row(0, i, "rect").items() if k not in {"failed", "hole_area"}} for i in "kb"]
    found = load_scores(written(tmp_path / "r", kept), "a")["scenes"]
    assert not found.failed.any()
    assert np.isnan(found.hole_area).all()
    assert load_scores(fake_run(tmp_path / "s", {("b", 0): {"psnr": np.ones((1, 2))}}), "a") == {}


def test_clusters_count_the_pictures_that_have_a_value() -> None:
    values = np.array([[[1.0], [2.0]], [[3.0], [np.nan]], [[np.nan], [np.nan]]])
    sums, counts = clustered(values)
    assert sums[..., 0].tolist() == [[1, 2, 3], [3, 0, 3], [0, 0, 0]]
    assert counts[..., 0].tolist() == [[1, 1, 2], [1, 0, 1], [0, 0, 0]]


def test_several_samples_of_a_hole_are_kept_and_their_mean_is_the_score(tmp_path: Path) -> None:
    drawn = {0: (20.0, 1.0), 1: (23.0, 2.0), 2: (29.0, 6.0)}
    rows = [
        row(seed, image, mask, sample=sample, psnr=psnr + seed, l1=l1, sample_diversity=cell(seed, image, mask))
        for sample, (psnr, l1) in sorted(drawn.items(), reverse=True)
        for image in "kb"
        for mask in ("circle", "rect")
        for seed in (0, 1)
    ]
    at = {(r["seed"], r["image_id"], r["mask"], r["sample"]): r for r in rows}
    at[0, "k", "rect", 1]["failed"] = "broke"
    at[1, "b", "circle", 2]["l1"] = float("nan")
    found = load_scores(written(tmp_path / "r", rows), "a")["scenes"]
    assert found.tries is not None
    assert found.columns == ("psnr", "l1", "mse"), "how much samples differ is no score"
    assert found.values.shape == (2, 2, 2, 3)
    assert found.tries.values.shape == (2, 2, 2, 3, 3)
    for s, i, m in np.ndindex(2, 2, 2):
        seed, image, mask = s, "bk"[i], ("rect", "circle")[m]
        assert found.tries.diversity[s, i, m] == cell(seed, image, mask)
        if (seed, image, mask) == (0, "k", "rect"):
            continue
        assert found.tries.values[s, i, m, :, 0].tolist() == [20 + seed, 23 + seed, 29 + seed]
        assert found.values[s, i, m, 0] == pytest.approx(24 + seed)
        l1 = float("nan") if (seed, image, mask) == (1, "b", "circle") else 3
        assert found.values[s, i, m, 1] == pytest.approx(l1, nan_ok=True)
    # A sample that failed or has no value leaves its picture none; the other samples keep theirs.
    assert np.isnan(found.values[0, 1, 0]).all()
    assert np.isnan(found.tries.values[0, 1, 0, 1]).all() and np.isfinite(found.tries.values[0, 1, 0, [0, 2]]).all()
    assert np.argwhere(found.failed).tolist() == [[0, 1, 0]]
    assert found.present.all()
    assert found.take(np.array([0]), [0, 1], [0, 1, 2]).tries is None
    assert found.take(np.arange(2), [0, 1], [0, 1, 2]).tries is found.tries


def test_without_their_diversity_samples_are_read_all_the_same(tmp_path: Path) -> None:
    rows = [row(0, "k", "rect", sample=sample) for sample in (0, 1)]
    found = load_scores(written(tmp_path / "r", rows), "a")["scenes"]
    assert found.tries is not None and np.isnan(found.tries.diversity).all()
    assert found.values.shape == (1, 1, 1, 3)


def test_one_sample_is_no_several(tmp_path: Path) -> None:
    rows = [row(0, image, "rect", sample=0, sample_diversity=1.0) for image in "kb"]
    found = load_scores(written(tmp_path / "r", rows), "a")["scenes"]
    assert found.tries is None and found.columns == ("psnr", "l1", "mse")


def test_a_picture_of_fewer_samples_than_others_is_refused(tmp_path: Path) -> None:
    rows = [row(0, "k", "rect", sample=sample) for sample in (0, 1)] + [row(0, "b", "rect", sample=0)]
    with pytest.raises(BenchError, match="2 samples of some pictures of a on scenes, and fewer of others"):
        load_scores(written(tmp_path / "r", rows), "a")


def test_only_the_columns_asked_for_are_read_and_records_without_one_have_no_value_of_it(tmp_path: Path) -> None:
    run = written(tmp_path / "r", [row(0, "k", "rect")])
    more = {**row(1, "k", "rect"), "added": 7.0}
    pq.write_table(pa.Table.from_pylist([more]), run.path / "records" / "a" / "seed-0" / "more.parquet")
    assert load_scores(run, "a")["scenes"].columns == ("psnr", "l1", "mse", "added")
    found = load_scores(run, "a", columns=("added", "psnr"))["scenes"]
    assert found.columns == ("psnr", "added")
    np.testing.assert_array_equal(found.values[:, 0, 0], [[cell(0, "k", "rect"), np.nan], [cell(1, "k", "rect"), 7]])
    assert (found.seeds, found.masks, found.hole_area.tolist()) == ((0, 1), ("rect",), [[0.0]])


def test_the_last_place_may_be_empty(tmp_path: Path) -> None:
    found = load_scores(written(tmp_path / "r", [row(0, "z", "rect"), row(0, "k", "circle")]), "a")["scenes"]
    assert found.present.tolist() == [[[False, True], [True, False]]]
