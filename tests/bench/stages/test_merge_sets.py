"""Scores of sets whose pictures were looked at in several shards: those of the whole, in the data set's order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.runs.manifest import DatasetEntry, Manifest, VariantEntry
from bench.runs.shards import Part, Shard
from bench.set_metrics.store import CELL, read_set, write_set
from bench.stages import merge as merging
from bench.stages.outcome import Outcome
from bench.stages.score import evaluate
from bench.util.errors import IncomparableError
from tests.bench.stages.painted import IDS, IMAGES, Means, Painter, Quarter, distance, made, noisy, restored

KEY = ("p", 0, "made", "rect")
PICTURES = [(0, "a", 0), (1, "b", 1), (2, "c", 0)]


def broken(images: np.ndarray) -> np.ndarray:
    """The second picture is not a number."""
    raw = noisy(images)
    raw[[np.array_equal(image, IMAGES[1]) for image in images]] = np.nan
    return raw


def shards(folder: Path, paint: Any, of: int = 2) -> list[Shard]:
    found = []
    for number in range(1, of + 1):
        part = Part(number, of)
        suite = Quarter((part.pick(made()),), ("rect",))
        evaluate([Painter("p", paint)], suite, Scorer(["psnr"]), part.folder(folder), {}, sets=Means(), part=True)
        found.append(Shard(part.folder(folder), part, {"made": [(p, IDS[p]) for p in part.positions(3)]}))
    return found


def joined(folder: Path, parts: list[Shard], failed: list[bool]) -> dict[str, Any]:
    assert merging.join_sets(folder, parts, KEY, PICTURES, failed, "made") == ["fid"]
    return json.loads((folder / "sets/p/seed-0/made-rect.json").read_text())


@pytest.mark.parametrize("of", [2, 4])
def test_the_score_is_of_all_pictures_also_where_a_shard_holds_none(tmp_path, of):
    found = joined(tmp_path / "run", shards(tmp_path / "run", noisy, of), [False] * 3)
    assert found["values"]["fid"] == pytest.approx(distance(IMAGES, restored(noisy)), rel=1e-3)
    assert [found[key] for key in ("variant", "seed", "dataset", "mask", "n", "failed")] == [*KEY, 3, 0]
    assert found["facts"]["metrics"] == {"fid": 1}


def test_the_picture_that_failed_is_left_out_whichever_shard_it_lies_in(tmp_path):
    found = joined(tmp_path / "run", shards(tmp_path / "run", broken), [False, True, False])
    assert found["values"]["fid"] == pytest.approx(distance(IMAGES[::2], restored(noisy)[::2]), rel=1e-3)
    assert (found["n"], found["failed"]) == (2, 1)


def test_shards_that_looked_otherwise_are_refused_and_without_set_scores_there_are_none(tmp_path):
    parts = shards(tmp_path / "run", noisy)
    files = [shard.path / "sets/p/seed-0/made-rect.json" for shard in parts]
    written = read_set(files[1])
    write_set(files[1], {key: written[key] for key in CELL}, {**written["facts"], "inception": "x"})
    with pytest.raises(IncomparableError, match="unlike set scores of p on made, rect"):
        joined(tmp_path / "run", parts, [False] * 3)
    for file in files:
        file.unlink()
    assert merging.join_sets(tmp_path / "run", parts, KEY, PICTURES, [False] * 3, "made") == []


# ---- what is said of the whole


def whole(folder: Path, noticed: list[dict[str, Any]], missing: list[dict[str, str]], **more: Any) -> Manifest:
    """The manifest of a run of two shards, with what each noticed, lacked and took."""
    for place, shard in enumerate(shards(folder, noisy)):
        shard.noticed, shard.missing, shard.notes = noticed[place : place + 1], missing[place], more["notes"][place]
        shard.write()
        manifest = Manifest(name="part", suite="s", masks=["rect"], variants=[VariantEntry("p")], datasets=more["data"])
        manifest.metrics = {"psnr": metric.get("psnr")}
        manifest.stages = {"evaluate": 1.25 + place}
        (shard.path / "run.json").write_text(json.dumps(manifest.as_json()))
    writer, _ = merging.merge(folder)
    writer.close()
    return writer.manifest


def test_the_run_says_what_its_shards_say_together(tmp_path):
    noticed = [
        {"variant": "p", "seed": 0, "drifted": 2, "extra": ["x", "y"], "low": -1.0, "high": 1.0},
        {"variant": "p", "seed": 0, "drifted": 1, "extra": ["y"], "low": 0.0, "high": 3.0},
    ]
    found = whole(
        tmp_path / "run",
        noticed,
        [{"l1": "no hole", "psnr": "no hole"}, {"psnr": "no hole"}],
        notes=[["one", "both"], ["both", "two"]],
        data=[DatasetEntry("made", count=3)],
    )
    assert list(found.metrics) == ["psnr"]
    assert found.missing == {"psnr": "no hole"}, "a column that another shard has is not empty"
    assert found.stages == {"evaluate": 3.5}
    assert found.notes[:3] == ["one", "both", "two"]
    clipped, drifted = found.variants[0].notes
    assert clipped.startswith("p returned values from -1 to 3")
    assert drifted.startswith("p changed known pixels in 3 fills")
    assert found.notes[3:6] == [clipped, drifted, "the column psnr is empty: no hole"]
    assert found.notes[6].startswith("fid is of fewer than 2,048 pictures (made 3)")
    assert len(found.notes) == 7


def test_what_another_method_noticed_is_not_this_ones():
    entries = [
        {"variant": "q", "seed": 0, "drifted": 2, "extra": ["x"], "low": -1.0, "high": 2.0},
        {"variant": "p", "seed": 1, "drifted": 4, "extra": ["x"], "low": -1.0, "high": 2.0},
    ]
    outcome = Outcome()
    method = merging.stand_in("p", 0)
    found = merging.noticed([Shard(Path(), Part(1, 1), {}, noticed=entries)], method, outcome)
    assert (found.extra, found.low, found.high, dict(outcome.drifted)) == ([], 0.0, 1.0, {})


def test_shards_that_are_absent_are_those_of_the_count_that_no_complete_one_has():
    there = [Shard(Path(), Part(2, 3), {}), Shard(Path(), Part(1, 2), {})]
    assert merging.absent(there, 3) == [Part(1, 3), Part(3, 3)]
    assert merging.absent(there, 2) == [Part(2, 2)]


@pytest.mark.parametrize(
    ("pairs", "count", "said"),
    [
        ([[(0, "a")], [(1, "a")]], 2, "made: a lie in more than one shard"),
        ([[(0, "a")], [(2, "b")]], 3, "made: the shards hold 2 of its 3 pictures"),
        ([[(0, "a")], [(0, "b")]], 2, "made: the shards hold 2 of its 2 pictures"),
    ],
)
def test_positions_that_lack_or_are_double_are_refused(pairs, count, said):
    with pytest.raises(IncomparableError, match=said):
        merging.pictures_of([Shard(Path(), Part(1, 1), {"made": own}) for own in pairs], "made", count, "made")


def test_facts_that_differ_are_named():
    assert merging.difference(b'{"a": 1, "b": 2, "c": 3}', b'{"d": 4, "b": 5, "c": 3}') == "a, b, d"
    assert merging.difference(b"", b'{"a": 1}') == "a"
