"""The stage around the runner: what records depend on, what the manifest learns, progress, and scores of sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.metrics.scorer import Scorer
from bench.profiles.profile import load_profile
from bench.runs.manifest import Manifest, VariantEntry
from bench.runs.reader import Run
from bench.runs.records import KEY
from bench.runs.writer import RunWriter
from bench.set_metrics.registry import set_metric
from bench.set_metrics.scorer import SetScorer
from bench.set_metrics.store import write_set
from bench.stages import score as runner
from bench.stages.block import Task
from bench.stages.context import Context
from bench.stages.workers import Workers
from bench.suites.suite import Suite
from tests.bench.stages.painted import (
    IMAGES,
    Means,
    Painter,
    brighter,
    distance,
    failing,
    frame,
    noisy,
    quarter,
    restored,
)
from variants.method import Findings, Method

METRICS = ["psnr", "l1_hole"]
NO_SETS = SetScorer([])


class Stage:
    """Scores methods into one run, as often as asked."""

    def __init__(self, folder: Path, suite: Suite | None = None) -> None:
        self.writer = RunWriter(folder, Manifest(name="run", suite="fingerprint", precision="bf16"))
        self.suite = suite or quarter()
        self.profile = load_profile("tiny")
        self.earlier: list[Run] = []

    def __call__(self, *methods: Method, device: str = "cpu", sets: SetScorer = NO_SETS, **more: Any) -> runner.Outcome:
        self.writer.write()
        context = Context(self.profile, self.suite, self.writer, device, methods, self.earlier)
        scorer = more.pop("scorer", None) or Scorer(METRICS)
        return runner.score_methods(context, scorer, sets, **{"workers": 1, **more})

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.writer.path / "run.json").read_text())

    def facts(self, name: str = "p") -> dict[str, Any]:
        file = self.writer.path / "records" / name / "seed-0/made-rect.parquet"
        return json.loads(pq.read_schema(file).metadata[KEY])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "run")


def known(name: str = "p", levels: float = 1, **facts: Any) -> Painter:
    """A method that is told by its weights."""
    return Painter(name, brighter(levels), **{"weights_sha256": "w", **facts})


# ---- what records depend on


def test_records_say_all_that_their_values_depend_on(stage):
    stage(known(convention="hole=1", content="c", samples=1), scorer=Scorer(METRICS, protocol="lama"))
    assert stage.facts() == {
        "suite": "fingerprint", "protocol": "lama", "precision": "bf16", "metrics": {"psnr": 1, "l1_hole": 1},
        "weights": "w", "restore_known": True, "convention": "hole=1", "content": "c",
    }  # fmt: skip


def test_a_device_other_than_the_processor_is_part_of_it_without_its_number(stage):
    stage(known(), device="cuda:1", restore_known=False)
    assert (stage.facts()["device"], stage.facts()["restore_known"]) == ("cuda", False)


def test_a_metric_that_cannot_be_computed_is_no_part_of_it(stage, monkeypatch):
    scorer = Scorer(METRICS)
    monkeypatch.setattr(scorer, "_unavailable", {"psnr": "its weights are missing"})
    stage(known(), scorer=scorer)
    assert stage.facts()["metrics"] == {"l1_hole": 1}
    assert stage.manifest["missing"] == {"psnr": "its weights are missing"}
    assert stage.manifest["notes"] == ["the column psnr is empty: its weights are missing"]


# ---- what the manifest learns


def test_the_manifest_lists_methods_of_before_and_of_now_with_what_they_are(stage):
    stage.writer.manifest.variants = [VariantEntry("old", 1, notes=["told before"]), VariantEntry("p", 0, "network")]
    stage(known(kind="external", summary="paints", fills="hole", parameters=7, gives_raw=True))
    old, new = stage.manifest["variants"]
    assert (old["name"], old["seed"], old["notes"]) == ("old", 1, ["told before"])
    expected = {
        "name": "p", "seed": 0, "kind": "external", "summary": "paints", "fills": "hole", "parameters": 7,
        "weights_sha256": "w", "gives_raw": True, "notes": [],
    }  # fmt: skip
    assert {key: new[key] for key in expected} == expected
    assert list(stage.manifest["metrics"]) == METRICS
    assert list(stage.manifest["stages"]) == ["evaluate"]


def test_failures_are_counted_in_a_note_and_what_was_noticed_stands_with_its_method(stage):
    bad = Painter("bad", failing(1), weights_sha256="w", found=Findings(low=-2.0))
    outcome = stage(known(), bad)
    clipped = (
        "bad by label returned values from -2 to 1, which were clipped to [0, 1]: does it work in 0-255 or [-1, 1]?"
    )
    failed = (
        "bad by label: 1 fill of rect could not be scored (the raw output holds NaN or infinite values in 192 of 192 "
        "pixels); it is excluded from the means"
    )
    assert stage.manifest["notes"] == [failed, clipped]
    assert [entry["notes"] for entry in stage.manifest["variants"]] == [[], [clipped]]
    assert outcome.partial
    assert list(outcome.findings) == [("p", 0), ("bad", 0)]


class Broken(Method):
    name, kind, weights_sha256 = "net", "network", "w"

    def fill(self, images, holes, ids=None, mask=""):
        return np.full(images.shape, np.nan, np.float32)


@pytest.mark.parametrize(("held", "label"), [(("net", 1), "net@0"), (("net", 0), "net"), (("other", 1), "net")])
def test_a_method_is_told_from_other_seeds_of_its_name_that_the_run_holds(stage, held, label):
    stage.writer.manifest.variants = [VariantEntry(*held)]
    assert list(stage(Broken()).listed) == [label]


def test_predictions_lie_where_they_were_asked_for(stage, tmp_path):
    stage(known(), predictions=tmp_path / "saved")
    assert sorted(file.name for file in (tmp_path / "saved/p/rect").iterdir()) == ["a.png", "b.png", "c.png"]


def test_what_a_kept_method_was_told_of_stays_and_of_one_scored_anew_is_forgotten(stage):
    told = Findings(low=-2.0)
    stage(known("kept", found=told), known("anew", found=told))
    outcome = stage(known("kept"), known("anew", weights_sha256="other"))
    kept, anew = stage.manifest["variants"]
    assert kept["notes"][0].startswith("kept by label returned values from -2 to 1")
    assert anew["notes"] == []
    assert list(outcome.kept) == ["kept by label"]


def test_results_of_an_earlier_run_come_with_what_they_were_told_of(stage, tmp_path):
    first = Stage(tmp_path / "first")
    first(known(found=Findings(high=3.0)))
    stage.earlier = [Run.open(tmp_path / "first")]
    method = known()
    stage(method)
    assert method.calls == []
    assert stage.manifest["variants"][0]["notes"] == first.manifest["variants"][0]["notes"] != []


def test_reasons_of_empty_columns_are_told_once_with_all_their_columns():
    writer = RunWriter(Path(), Manifest(name="r", suite=None))
    runner.note_missing(writer, {"a": "no weights", "b": "no hole", "c": "no weights"})
    assert writer.manifest.notes == ["the columns a, c are empty: no weights", "the column b is empty: no hole"]


def test_why_a_column_is_empty_is_still_said_where_all_results_are_kept(stage, tmp_path):
    columns = ["psnr", "colour_shift_share"]
    exact = known("p", 0)
    for _ in range(3):
        stage(exact, scorer=Scorer(columns))
        assert stage.manifest["missing"] == {
            "colour_shift_share": "the fills are exact there: no error to take a share of"
        }
    after = Stage(tmp_path / "after")
    after.earlier = [Run.open(stage.writer.path)]
    after(exact, scorer=Scorer(columns))
    assert list(after.manifest["missing"]) == ["colour_shift_share"]
    stage(exact, known("q", 9), scorer=Scorer(columns))
    assert stage.manifest["missing"] == {}


def test_only_data_sets_of_fewer_pictures_than_features_are_told_of():
    writer = RunWriter(Path(), Manifest(name="r", suite=None))
    runner.note_small_sets(writer, {"many": 2048}, ["fid"])
    assert writer.manifest.notes == []
    runner.note_small_sets(writer, {"many": 2048, "few": 2047, "fewer": 5}, ["fid", "kid"])
    assert writer.manifest.notes[0].startswith(
        "fid, kid are of fewer than 2,048 pictures (few 2,047, fewer 5): Fréchet "
    )


# ---- progress and processes


def test_progress_counts_every_fill_and_those_that_are_there(stage, monkeypatch, tmp_path):
    told: list[tuple] = []
    monkeypatch.setattr(runner.Reporter, "update", lambda self, *said: told.append(said))
    stage.suite = quarter(("rect", "circle"), ("made", "other"))
    stage(known("p"))
    told.clear()
    stage(known("p"), known("q", samples=2))
    # (1 + 2 samples) x 2 data sets x 2 mask types x 3 pictures, of which p's are kept.
    assert {total for _, _, total, _ in told} == {36}
    assert [done for _, done, _, _ in told] == [12, 15, 18, 21, 24, 27, 30, 33, 36]
    assert {task for task, *_ in told} == {"pictures"}
    assert [text for *_, text in told] == [""] + [
        f"{d} · {m}" for d in ("made", "other") for m in ("rect", "circle") for _ in "12"
    ]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How many processes were asked for and with which tasks; one does it."""
    seen: dict[str, Any] = {}

    class Alone(Workers):
        def __init__(self, bench, count, report):
            seen["count"] = count
            super().__init__(bench, 1, report)

        def score(self, tasks):
            seen["tasks"] = list(tasks)
            return super().score(iter(seen["tasks"]))

    monkeypatch.setattr(runner, "Workers", Alone)
    return seen


@pytest.mark.parametrize(("asked", "profile", "count"), [(3, 2, 3), (None, 2, 2), (None, None, 5)])
def test_the_commands_number_of_processes_goes_before_the_profiles_and_that_before_the_cores(
    stage, handed, monkeypatch, asked, profile, count
):
    monkeypatch.setattr(runner, "cores", lambda: 5)
    stage.profile = replace(stage.profile, workers=profile)
    stage(known(), workers=asked)
    assert handed["count"] == count


@pytest.mark.parametrize(("batch", "workers", "apart"), [(2, 2, False), (2, 3, True), (1, 3, False), (8, 1, False)])
def test_mask_types_are_dealt_out_apart_where_there_are_fewer_batches_than_processes(
    tmp_path, handed, monkeypatch, batch, workers, apart
):
    monkeypatch.setattr(runner, "BATCH", batch)
    runner.evaluate([known()], quarter(("rect", "circle")), Scorer(METRICS), tmp_path, {}, workers=workers)
    parts = [(start, min(start + batch, 3)) for start in range(0, 3, batch)]
    todo = [{"rect": (0,)}, {"circle": (0,)}] if apart else [{"rect": (0,), "circle": (0,)}]
    assert handed["tasks"] == [Task(0, tuple(range(*part)), each) for part in parts for each in todo]


def test_batches_of_a_data_set_that_is_done_do_not_count(tmp_path, handed, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 2)
    runner.evaluate([known()], quarter(("rect", "circle")), Scorer(METRICS), tmp_path, {})
    suite = quarter(("rect", "circle"), ("made", "other"))
    runner.evaluate([known()], suite, Scorer(METRICS), tmp_path, {}, workers=3)
    assert [task.todo for task in handed["tasks"]] == [{"rect": (0,)}, {"circle": (0,)}] * 2


def test_a_method_is_told_the_suites_seed(tmp_path):
    suite = replace(quarter(), seed=9)
    method = known()
    runner.evaluate([method], suite, Scorer(METRICS), tmp_path, {})
    assert method.suite_seed == 9


def test_nothing_of_the_way_is_left_in_the_run(tmp_path):
    runner.evaluate([known()], quarter(), Scorer(METRICS), tmp_path, {}, sets=Means())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records", "sets"]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/other").write_text("of someone else")
    runner.evaluate([known(levels=2, weights_sha256="v")], quarter(), Scorer(METRICS), tmp_path, {})
    assert (tmp_path / "cache/other").read_text() == "of someone else"


# ---- scores of sets


def found(folder: Path, name: str = "p") -> dict[str, Any]:
    return json.loads((folder / "sets" / name / "seed-0/made-rect.json").read_text())


def test_the_score_of_a_set_is_of_truths_and_restored_fills(stage):
    outcome = stage(Painter("p", noisy, weights_sha256="w"), sets=Means())
    fills = restored(noisy)
    written = found(stage.writer.path)
    assert written["values"]["fid"] == pytest.approx(distance(IMAGES, fills), rel=1e-3)
    assert (written["n"], written["failed"], outcome.partial) == (3, 0, False)
    assert (written["variant"], written["seed"], written["dataset"], written["mask"]) == ("p", 0, "made", "rect")
    assert written["facts"] == {**stage.facts(), "metrics": {"fid": 1}}
    assert list(stage.manifest["metrics"]) == [*METRICS, "fid"]
    assert stage.manifest["notes"][0].startswith("fid is of fewer than 2,048 pictures (made 3)")


def test_a_fill_that_failed_is_left_out_of_its_set_with_its_truth(tmp_path):
    def paint(images: np.ndarray) -> np.ndarray:
        raw = noisy(images)
        raw[1] = np.nan
        return raw

    runner.evaluate([Painter("p", paint)], quarter(), Scorer(METRICS), tmp_path, {}, sets=Means())
    fills = restored(noisy)
    written = found(tmp_path)
    assert (written["n"], written["failed"]) == (2, 1)
    assert written["values"]["fid"] == pytest.approx(distance(IMAGES[::2], fills[::2]), rel=1e-3)


def test_records_without_the_set_scores_that_are_wanted_are_made_anew_and_the_same_are_kept(tmp_path):
    for sets, calls in ((None, 1), (Means(), 1), (Means(), 0), (None, 0)):
        method = known()
        outcome = runner.evaluate([method], quarter(), Scorer(METRICS), tmp_path, {}, sets=sets)
        assert (len(method.calls), list(outcome.kept) == []) == (calls, calls == 1)
    written = found(tmp_path)
    write_set(tmp_path / "sets/p/seed-0/made-rect.json", written, {**written["facts"], "inception": "other"})
    method = known()
    runner.evaluate([method], quarter(), Scorer(METRICS), tmp_path, {}, sets=Means())
    assert len(method.calls) == 1


def test_set_scores_of_earlier_fills_go_where_fills_are_made_anew_without_them(tmp_path):
    kept = tmp_path / "sets/p/seed-0/made-rect.json"
    runner.evaluate([known()], quarter(), Scorer(METRICS), tmp_path, {}, sets=Means())
    assert kept.is_file()
    runner.evaluate([known(levels=2, weights_sha256="v")], quarter(), Scorer(METRICS), tmp_path, {})
    assert not kept.exists()


def test_a_score_of_too_few_pictures_is_missing_with_its_condition_and_not_told_of_as_biased(stage):
    # Three pictures: FID has a value of two, KID of four.
    sets = Means()
    sets.metrics = {name: set_metric.get(name) for name in ("fid", "kid")}
    stage(known(), sets=sets)
    assert stage.manifest["missing"] == {"kid": "it needs 4 pictures, and there are 3"}
    column, biased = stage.manifest["notes"]
    assert column == "the column kid is empty: it needs 4 pictures, and there are 3"
    assert biased.startswith("fid is of fewer than 2,048 pictures (made 3)")


def test_a_score_that_only_another_method_has_is_not_called_missing(stage, capsys):
    # The run holds a value of another method, on a larger data set.
    other = {"variant": "q", "seed": 0, "dataset": "large", "mask": "rect", "n": 9, "failed": 0, "values": {"kid": 0.5}}
    write_set(stage.writer.path / "sets/q/seed-0/large-rect.json", other, {})
    sets = Means()
    sets.metrics = {name: set_metric.get(name) for name in ("fid", "kid")}
    stage(known(), sets=sets)
    told = "kid has no value on made: 4 pictures are needed, and there are 3"
    assert stage.manifest["missing"] == {}
    assert stage.manifest["notes"][0] == told
    assert f"note: {told}\n" in capsys.readouterr().err


def test_without_weights_there_are_no_set_scores(stage):
    sets = Means()
    sets.ready = False
    sets.missing = {"fid": "no weights"}
    stage(known(), sets=sets)
    assert not (stage.writer.path / "sets").exists()
    assert sets.looked == 0
    assert stage.manifest["missing"] == {"fid": "no weights"}
    assert stage.manifest["notes"] == ["the column fid is empty: no weights"]


@pytest.mark.parametrize(("device", "said"), [("cpu", True), ("cuda", False)])
def test_how_long_set_scores_take_is_said_where_a_processor_looks(stage, capsys, device, said):
    sets = Means()
    sets.device = device
    stage(known("p"), known("q"), sets=sets)
    # Three truths, and three fills of each.
    assert ("note: fid passes up to 9 pictures through Inception" in capsys.readouterr().err) is said


def test_a_part_keeps_features_and_leaves_scores_and_findings_to_whoever_joins_them(tmp_path):
    method = known(found=Findings(extra=["rect/z.png"]))
    outcome = runner.evaluate([method], quarter(), Scorer(METRICS), tmp_path, {}, sets=Means(), part=True)
    assert np.load(tmp_path / "sets/made.npy").shape == (3, 2)
    one = np.load(tmp_path / "sets/p/seed-0/made-rect.npy") - np.load(tmp_path / "sets/made.npy")
    np.testing.assert_allclose(one, 0.25, atol=1e-4)
    assert "values" not in found(tmp_path)
    assert outcome.listed == {}
    assert outcome.findings["p", 0].extra == ["rect/z.png"]


@pytest.mark.parametrize(("part", "kept"), [(False, True), (True, False)])
def test_finished_pictures_are_looked_at_again_for_a_part_since_drift_is_not_in_their_rows(tmp_path, part, kept):
    for _ in "12":
        method = known(gives_raw=False, content="c")
        runner.evaluate([method], quarter(), Scorer(METRICS), tmp_path, {}, part=part)
    assert (method.calls == []) is kept


@pytest.mark.parametrize(
    ("names", "pictures", "sets"),
    [
        (("psnr", "fid", "l1_hole"), ["psnr", "l1_hole"], ["fid"]),
        (("psnr",), ["psnr"], []),
        (("fid",), [], ["fid"]),
        ((), None, None),  # every one there is
    ],
)
def test_the_profiles_metrics_are_split_into_those_of_pictures_and_of_sets(monkeypatch, names, pictures, sets):
    given = []
    for scorer in ("Scorer", "SetScorer"):
        monkeypatch.setattr(runner, scorer, lambda names, **more: given.append((names, more)))
    profile = replace(load_profile("tiny"), metrics=names, protocol="lama")
    runner.open_scorers(profile, Path("weights"), "cuda")
    more = {"weights_dir": Path("weights"), "device": "cuda"}
    assert given == [(pictures, {"protocol": "lama", **more}), (sets, more)]


def test_rows_stand_for_the_hole_of_their_own_picture(tmp_path):
    runner.evaluate([known()], quarter(), Scorer(["l1_hole"]), tmp_path, {})
    assert frame(tmp_path, "p")["l1_hole"].tolist() == pytest.approx([1 / 255] * 3, rel=1e-9)
