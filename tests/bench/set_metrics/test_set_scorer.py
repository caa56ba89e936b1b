"""The runner's sets: what is in them, what a stop or other weights do to them, when nothing is computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.backbones import WeightsError
from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.metrics.declaration import Metric
from bench.metrics.scorer import Scorer
from bench.set_metrics import scorer
from bench.set_metrics.scorer import SetScorer
from bench.stages import score as runner
from bench.suites.suite import Suite
from variants.method import Method

METRICS = ["fid", "p_ids", "u_ids"]


def suite(count: int = 7) -> Suite:
    rng = np.random.default_rng(0)
    images = np.clip(rng.integers(0, 256, (count, 24, 24, 3)) * rng.random((count, 1, 1, 3)), 0, 255).astype(np.uint8)
    ids = [f"noise-{i}" for i in range(count)]
    return Suite((Dataset("noise", "test", 24, ids, lambda i: images[i]),), ("rect", "circle"))


def run(folder: Path, sets: SetScorer | None = None, methods=("telea", "mean_fill"), **more) -> runner.Outcome:
    found = [m for spec in methods for m in (load_methods(spec, weights=None) if isinstance(spec, str) else [spec])]
    return runner.evaluate(found, suite(), Scorer(["psnr"]), folder, {}, sets=sets or SetScorer(METRICS), **more)


def files(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text() for f in sorted((folder / "sets").rglob("*.json"))}


def test_a_cells_fid_is_that_of_the_truths_and_the_fills_that_were_saved(tmp_path, small):
    from PIL import Image
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    run(tmp_path, predictions=tmp_path / "p")
    found = json.loads(files(tmp_path)["sets/telea/seed-0/noise-rect.json"])
    dataset = suite().datasets[0]
    sides = [
        np.stack([dataset.load(i) for i in range(7)]),
        np.stack([np.asarray(Image.open(tmp_path / "p/telea/rect" / f"{name}.png")) for name in dataset.ids]),
    ]
    features = [small()(torch.from_numpy(side).permute(0, 3, 1, 2))[0] for side in sides]
    stats = [fid_features_to_statistics(side) for side in features]
    expected = fid_statistics_to_metric(*stats, verbose=False)[KEY_METRIC_FID]
    assert found["values"]["fid"] == pytest.approx(expected, rel=1e-3, abs=1e-9)
    assert (found["n"], found["failed"]) == (7, 0)
    assert set(found["values"]) == set(METRICS)


def test_p_ids_counts_the_fills_that_beat_their_truths_not_the_other_way(monkeypatch, small):
    """The classifier's place is taken by one that says how bright a picture is: two fills of seven are brighter, four
    darker."""
    import sklearn.svm

    class Bright:
        def __init__(self, **_: object) -> None: ...

        def fit(self, features: np.ndarray, real: np.ndarray) -> Bright:
            return self

        def decision_function(self, features: np.ndarray) -> np.ndarray:
            return features[:, 0]

    monkeypatch.setattr(sklearn.svm, "LinearSVC", Bright)
    sets = SetScorer(["p_ids"])
    truths = np.full((7, 4, 4, 3), 100, np.uint8)
    fills = np.array([50, 150, 50, 1, 200, 99, 100], np.uint8)[:, None, None, None] + 0 * truths
    found = sets.scores(sets.look(truths), sets.look(fills), [False] * 7)
    assert found["values"]["p_ids"] == pytest.approx(2 / 7)


def test_truths_are_looked_at_once_a_data_set(tmp_path, small):
    run(tmp_path)
    # 7 truths, and 7 fills of two methods under each of two mask types, filled up to eights.
    assert small.seen == 8 + 2 * 16


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_values_do_not_depend_on_the_batch(tmp_path, monkeypatch, small, batch):
    run(tmp_path / "a")
    monkeypatch.setattr(runner, "BATCH", batch)
    run(tmp_path / "b")
    a, b = files(tmp_path / "a"), files(tmp_path / "b")
    assert len(a) == 4
    assert list(a) == list(b)
    for name in a:
        assert json.loads(a[name])["values"] == pytest.approx(json.loads(b[name])["values"], rel=1e-4)


def test_a_stopped_run_goes_on_to_the_same_files(tmp_path, monkeypatch, small):
    run(tmp_path / "whole")

    monkeypatch.setattr(runner, "BATCH", 3)
    told = []

    def stop(text: str, fills: int) -> None:
        told.append(text)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", report=stop)
    assert files(tmp_path / "stopped") == {}
    seen = small.seen
    run(tmp_path / "stopped")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    # The three pictures of the first batch are not looked at again: four truths and their fills, in two batches.
    assert small.seen - seen == 2 * (8 + 8 + 8)
    # As if it had stopped between a cell's records and its set.
    (tmp_path / "stopped/sets/telea/seed-0/noise-rect.json").unlink()
    run(tmp_path / "stopped")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert not (tmp_path / "stopped/cache").exists()


def test_features_of_other_weights_are_not_taken_for_those_of_a_stopped_run(tmp_path, monkeypatch, small):
    """The run of weights a stops, one of weights b overwrites as far and stops, and a goes on."""
    run(tmp_path / "whole")
    monkeypatch.setattr(runner, "BATCH", 3)
    real = scorer.SetScorer.look

    def stopped_after(batches: int) -> None:
        told = []

        def stop(text: str, fills: int) -> None:
            told.append(text)
            if len(told) > 2 * batches:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped", report=stop)

    stopped_after(2)
    monkeypatch.setattr(scorer, "sha256", lambda _: "bbbb")
    monkeypatch.setattr(scorer.SetScorer, "look", lambda self, pictures: real(self, pictures) + 1)
    stopped_after(1)
    monkeypatch.setattr(scorer, "sha256", lambda _: "aaaa")
    monkeypatch.setattr(scorer.SetScorer, "look", real)
    run(tmp_path / "stopped")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")


def test_what_is_there_is_kept_until_weights_or_versions_change(tmp_path, monkeypatch, small):
    run(tmp_path)
    seen = small.seen
    run(tmp_path)
    assert small.seen == seen
    monkeypatch.setattr(scorer, "sha256", lambda _: "bbbb")
    run(tmp_path)
    assert small.seen == 2 * seen
    assert all(json.loads(text)["facts"]["inception"] == "bbbb" for text in files(tmp_path).values())
    (tmp_path / "sets/telea/seed-0/noise-rect.json").write_text("{")
    run(tmp_path)
    assert json.loads(files(tmp_path)["sets/telea/seed-0/noise-rect.json"])["n"] == 7


class Sometimes(Method):
    """The truth, but NaN in the picture called noise-2."""

    name = "sometimes"

    def fill(self, images, holes, ids=None, mask=""):
        raw = (images / 255).astype(np.float32)
        raw[[i == "noise-2" for i in ids]] = np.nan
        return raw


def test_failed_fills_are_left_out_with_their_truths_and_counted(tmp_path, small):
    run(tmp_path, methods=(Sometimes(),))
    found = json.loads(files(tmp_path)["sets/sometimes/seed-0/noise-rect.json"])
    assert (found["n"], found["failed"]) == (6, 1)
    # With the seventh truth still in, the sets would differ.
    assert found["values"]["fid"] == pytest.approx(0, abs=1e-9)
    assert found["values"]["u_ids"] == 0.5


class Broken(Method):
    name = "broken"

    def fill(self, images, holes, ids=None, mask=""):
        return np.full(images.shape, np.nan, np.float32)


def test_a_set_of_nothing_has_no_value(tmp_path, small):
    run(tmp_path, methods=(Broken(),))
    found = json.loads(files(tmp_path)["sets/broken/seed-0/noise-rect.json"])
    assert found["values"] == {"fid": None, "p_ids": None, "u_ids": None}
    assert (found["n"], found["failed"]) == (0, 7)


def test_nothing_is_loaded_where_no_set_metric_is_asked_for(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the weights were looked for")

    monkeypatch.setattr(scorer, "load", refuse)
    sets = SetScorer([])
    run(tmp_path, sets)
    assert not sets.ready
    assert sets.missing == {}
    assert files(tmp_path) == {}


def test_without_weights_every_column_says_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("BENCH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    sets = SetScorer(weights_dir=tmp_path / "mine")
    assert set(sets.missing) == set(sets.metrics) > set(METRICS)
    for name, backbone in (("fid", "inception"), ("fd_dinov2", "dinov2")):
        for part in ("--weights-dir", "torch hub's cache", f"bench weights fetch {backbone}"):
            assert part in sets.missing[name]
    assert len({why for name, why in sets.missing.items() if name != "fd_dinov2"}) == 1


def test_values_of_earlier_fills_do_not_outlive_them(tmp_path, monkeypatch, small):
    run(tmp_path)
    assert len(files(tmp_path)) == 4

    def gone(*_):
        raise WeightsError("gone")

    monkeypatch.setattr(scorer, "load", gone)
    run(tmp_path, SetScorer(METRICS))
    assert len(files(tmp_path)) == 4
    run(tmp_path, SetScorer(METRICS), restore_known=False)
    assert files(tmp_path) == {}


# ---- one cell, by hand


def colour(*levels: int) -> np.ndarray:
    """A picture of one colour each, uint8 (N, 4, 4, 3): the small network's features are the level and no spread."""
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), 4, 4, 3)).copy()


def fid_of(truths: list[int], fills: list[int]) -> float:
    """Six features, of which three are the level / 255 and the others 0: 3 ((difference of means)² + (of spreads)²),
    but the covariance of three equal features has one eigenvalue, three times the variance."""
    a, b = np.array(truths) / 255, np.array(fills) / 255
    spread = (a.std(ddof=1) - b.std(ddof=1)) ** 2
    return 3 * ((a.mean() - b.mean()) ** 2 + spread)


def of_means(n: int, failed: int = 0, resampled: bool = True) -> tuple[dict, np.ndarray, np.ndarray]:
    """The scores of n features and so many failures by one metric: mean fill less half of the mean truth."""
    sets = SetScorer([])
    compute = lambda features: features.fills.mean() - features.truths.mean() / 2  # noqa: E731
    sets.metrics, sets.names = {"m": Metric("m", compute=compute, resampled=resampled)}, ["inception"]
    truths, fills = np.random.default_rng(n).random((2, n + failed, 1))
    return sets.scores(truths, fills, [k < failed for k in range(n + failed)]), truths[failed:], fills[failed:]


def test_values_are_of_fills_against_truths_without_what_failed():
    found, truths, fills = of_means(50, failed=3)
    assert found["values"]["m"] == pytest.approx(fills.mean() - truths.mean() / 2)
    assert (found["n"], found["failed"]) == (50, 3)


@pytest.mark.parametrize(("n", "told"), [(39, False), (40, True), (5000, True), (5001, False)])
def test_from_40_to_5000_pictures_values_have_intervals(n, told):
    assert ("left_out" in of_means(n)[0]) is told


def test_what_intervals_follow_from_are_the_values_without_each_twentieth():
    found, truths, fills = of_means(50, failed=3)
    group = np.random.default_rng(0).permutation(53) % 20  # of the whole data set, so the same under every mask type
    expected = [fills[group[3:] != g].mean() - truths[group[3:] != g].mean() / 2 for g in range(20)]
    assert found["left_out"]["m"] == pytest.approx(expected)
    assert of_means(50, resampled=False)[0]["left_out"] == {}


def test_without_weights_or_pictures_to_look_at_there_is_no_digest(monkeypatch):
    monkeypatch.setattr(scorer, "load", lambda *_: pytest.fail("loaded"))
    assert SetScorer([]).facts({}) == {"metrics": {}}
    features_alone = SetScorer(["fid"], looks=False)
    assert features_alone.facts({}) == {"metrics": {"fid": 1}} and not features_alone.ready
    assert features_alone.missing == {}


def test_a_network_that_was_handed_in_has_no_digest(monkeypatch, small):
    monkeypatch.setattr(scorer, "find", lambda *_: None)
    found = SetScorer(["fid"])
    assert found.ready and found.facts({})["inception"] == ""


def test_a_fill_that_failed_is_left_out_with_its_truth(small):
    sets = SetScorer(["fid"])
    found = sets.scores(sets.look(colour(10, 40, 100)), sets.look(colour(20, 60, 90)), [False, False, True])
    assert (found["n"], found["failed"]) == (2, 1)
    assert found["values"]["fid"] == pytest.approx(fid_of([10, 40], [20, 60]), rel=1e-4)


def test_one_picture_is_no_set_and_two_are(small):
    sets = SetScorer(["fid"])
    for failed, n in (([True, False, True], 1), ([True, False, False], 2)):
        found = sets.scores(sets.look(colour(1, 2, 30)), sets.look(colour(5, 6, 7)), failed)
        assert (found["n"], found["failed"]) == (n, 3 - n)
        assert np.isnan(found["values"]["fid"]) == (n == 1)


def test_pictures_are_looked_at_in_order_and_always_eight_at_a_time(small):
    sets = SetScorer(["fid"])
    levels = list(range(0, 250, 25))
    np.testing.assert_allclose(sets.look(colour(*levels))[:, 0] * 255, levels, rtol=1e-5)
    assert small.seen == 16


def test_what_values_depend_on_is_what_records_do_and_the_metrics_and_the_weights(small):
    facts = SetScorer(METRICS).facts({"suite": "s", "metrics": {"psnr": 9}, "weights": "w"})
    versions = dict.fromkeys(METRICS, 1)
    assert facts == {"suite": "s", "weights": "w", "metrics": versions, "inception": "aaaa"}


def test_each_methods_set_lies_under_its_own_name(tmp_path, small):
    run(tmp_path, methods=("mean_fill", Copier()))
    found = {name: json.loads(text) for name, text in files(tmp_path).items()}
    assert found["sets/copier/seed-5/noise-rect.json"]["values"]["fid"] == pytest.approx(0, abs=1e-9)
    assert found["sets/mean_fill/seed-0/noise-rect.json"]["values"]["fid"] > 1e-6
    for name, value in found.items():
        assert name == f"sets/{value['variant']}/seed-{value['seed']}/{value['dataset']}-{value['mask']}.json"


def test_a_method_that_may_have_changed_is_filled_again_though_its_set_is_there(tmp_path, small):
    run(tmp_path, methods=(Copier(),))
    seen = small.seen
    run(tmp_path, methods=(Copier(),))
    assert small.seen == 2 * seen


class Copier(Method):
    """The truth itself."""

    name = "copier"
    seed = 5

    def fill(self, images, holes, ids=None, mask=""):
        return (images / 255).astype(np.float32)
