"""FD-DINOv2: its features by hand and by torchvision, its distance by SciPy, and what stands where there are none."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.backbones import DINOV2, WeightsError, sha256
from bench.backbones.dinov2 import resized
from bench.datasets.registry import Dataset
from bench.methods.load import load_methods
from bench.metrics.scorer import Scorer
from bench.set_metrics.dinov2 import extract, prepared
from bench.set_metrics.fd_dinov2 import fd_dinov2
from bench.set_metrics.features import Features
from bench.set_metrics.networks import NETWORKS
from bench.set_metrics.scorer import SetScorer
from bench.stages import score as runner
from bench.suites.suite import Suite
from tests.bench.dinov2_file import (
    WIDTH,
    features_by_hand,
    positions,
    random_state,
    small,
    stand_in,
    write_small_dinov2,
)

pytest.importorskip("timm")


def pictures(count: int, height: int = 40, width: int = 56) -> np.ndarray:
    """Ramps with noise, uint8."""
    rng = np.random.default_rng(count)
    ramp = np.linspace(0, 1, width)[None, :, None] * rng.random((count, 1, 1, 3))
    return np.round(255 * np.clip(ramp + rng.random((count, height, width, 3)) / 3, 0, 1)).astype(np.uint8)


def distance_by_scipy(a: np.ndarray, b: np.ndarray) -> float:
    """As dgm-eval computes it."""
    from scipy.linalg import sqrtm

    a, b = a.astype(np.float64), b.astype(np.float64)
    both = np.trace(sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real)
    apart = a.mean(0) - b.mean(0)
    return float(apart @ apart + np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False)) - 2 * both)


@pytest.mark.parametrize("size", [(40, 56), (300, 224), (224, 224), (500, 31)])
def test_pictures_are_prepared_as_torchvision_does_it_from_pillow(size):
    from PIL import Image
    from torchvision.transforms import Compose, InterpolationMode, Normalize, Resize, ToTensor

    mean, spread = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    theirs = Compose([Resize((224, 224), InterpolationMode.BICUBIC), ToTensor(), Normalize(mean, spread)])
    given = pictures(2, *size)
    expected = torch.stack([theirs(Image.fromarray(picture)) for picture in given])
    torch.testing.assert_close(prepared(given), expected, rtol=0, atol=1e-6)


def test_position_embeddings_are_resized_as_meta_does():
    state = random_state()
    found = resized(state["pos_embed"], 16)[0].numpy()
    np.testing.assert_allclose(found, positions(state["pos_embed"][0].double().numpy()), atol=5e-5)


def test_features_are_the_class_token_by_hand(tmp_path):
    state = random_state()
    file = write_small_dinov2(tmp_path, state)
    network, passed = small(sha256(file)).check(file)
    given = pictures(3)
    found = extract(network, given, "cpu")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, features_by_hand(state, given), atol=1e-4)
    assert found.std(0).max() > 0.1, "all pictures alike would prove nothing"
    assert passed == f"SHA-256 begins with {sha256(file)[:8]}, all {len(state)} tensors fit"


def test_the_distance_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 9)), rng.normal(size=(60, 9)) @ rng.normal(size=(9, 9)) + 0.3
    assert fd_dinov2(Features(a, b)) == pytest.approx(distance_by_scipy(a, b), rel=1e-9)


def evaluate(folder: Path, sets: SetScorer, count: int) -> dict:
    """The set scores of mean_fill on so many pictures, with the fills beside them."""
    images = pictures(count)
    suite = Suite((Dataset("made", "test", None, [f"p{i}" for i in range(count)], lambda i: images[i]),), ("rect",))
    methods = load_methods("mean_fill", weights=None)
    runner.evaluate(methods, suite, Scorer(["psnr"]), folder, {}, sets=sets, predictions=folder / "fills")
    return json.loads((folder / "sets/mean_fill/seed-0/made-rect.json").read_text())


def test_a_runs_distance_is_that_of_the_features_by_hand_of_truths_and_saved_fills(tmp_path, monkeypatch):
    from PIL import Image

    state = random_state()
    file = write_small_dinov2(tmp_path / "weights", state)
    stand_in(file, monkeypatch)
    count = WIDTH + 4  # SciPy's root wants covariances of full rank
    found = evaluate(tmp_path, SetScorer(["fd_dinov2"], weights_dir=file.parent), count)
    fills = [np.asarray(Image.open(tmp_path / "fills/mean_fill/rect" / f"p{i}.png")) for i in range(count)]
    expected = distance_by_scipy(*(features_by_hand(state, side) for side in (pictures(count), np.stack(fills))))
    assert found["values"]["fd_dinov2"] == pytest.approx(expected, rel=1e-3)
    assert expected > 1e-3
    assert found["facts"] == {"metrics": {"fd_dinov2": 1}, "dinov2": sha256(file), **rest(found)}


def rest(found: dict) -> dict:
    return {key: value for key, value in found["facts"].items() if key not in ("metrics", *NETWORKS)}


class Means(torch.nn.Module):
    """In Inception's place: the means of the channels."""

    def forward(self, given: torch.Tensor) -> tuple[torch.Tensor]:
        return (given.float().mean((2, 3)),)


class Fake:
    """A backbone that needs no file."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.network = network


@pytest.fixture
def both(tmp_path, monkeypatch):
    """A small DINOv2 and a stand-in for Inception of three features; where their weights are."""
    from bench.set_metrics import scorer

    file = write_small_dinov2(tmp_path / "weights")
    stand_in(file, monkeypatch)
    monkeypatch.setitem(NETWORKS, "inception", replace(NETWORKS["inception"], backbone=Fake(Means()), features=3))
    real_load, real_find = scorer.load, scorer.find
    monkeypatch.setattr(scorer, "load", lambda w, d: w.network if isinstance(w, Fake) else real_load(w, d))
    monkeypatch.setattr(scorer, "find", lambda w, d: None if isinstance(w, Fake) else real_find(w, d))
    return file.parent


def test_scores_of_two_networks_are_each_of_its_own_features(tmp_path, both):
    alone = [evaluate(tmp_path / name, SetScorer([name], weights_dir=both), 9) for name in ("fid", "fd_dinov2")]
    found = evaluate(tmp_path / "both", SetScorer(["fd_dinov2", "fid"], weights_dir=both), 9)
    for one in alone:
        for name, value in one["values"].items():
            assert found["values"][name] == pytest.approx(value, rel=1e-6)
    assert found["values"]["fid"] != pytest.approx(found["values"]["fd_dinov2"], rel=0.1)
    assert found["facts"]["dinov2"] and found["facts"]["inception"] == ""


def test_features_of_a_shard_give_the_same_scores_where_no_network_is(both):
    sets = SetScorer(["fid", "fd_dinov2"], weights_dir=both)
    truths, fills = sets.look(pictures(7)), sets.look(pictures(8)[:7])
    assert truths.shape == (7, 3 + WIDTH)
    apart = SetScorer(["fid", "fd_dinov2"], looks=False).scores(truths, fills, [False] * 7)
    assert apart == sets.scores(truths, fills, [False] * 7)


def test_one_networks_absence_empties_its_own_columns_alone(tmp_path, both, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("BENCH_WEIGHTS_DIR", raising=False)
    sets = SetScorer(["fid", "fd_dinov2"], weights_dir=tmp_path)
    assert list(sets.missing) == ["fd_dinov2"]
    assert "'bench weights fetch dinov2' (1218 MB)" in sets.missing["fd_dinov2"]
    found = evaluate(tmp_path, sets, 5)
    assert list(found["values"]) == ["fid"]
    # As before there was a second network: what is there stays valid.
    assert found["facts"] == {"metrics": {"fid": 1}, "inception": "", **rest(found)}


def test_without_timm_the_reason_is_timm_and_nothing_is_fetched(tmp_path, monkeypatch):
    from bench.cli.weights import fetch
    from bench.util import download

    monkeypatch.setattr(sys.modules["bench.backbones.backbone"], "find_spec", lambda name: None)
    monkeypatch.setattr(download, "download", lambda *_: pytest.fail("fetched"))
    sets = SetScorer(["fd_dinov2"], weights_dir=write_small_dinov2(tmp_path).parent)
    why = "dinov2 needs timm, which is not installed: pip install 'inpaint-bench[dinov2]'"
    assert sets.missing == {"fd_dinov2": why}
    with pytest.raises(WeightsError) as told:
        fetch("dinov2", None, tmp_path / "to")
    assert str(told.value) == why


def test_other_weights_than_the_published_are_refused(tmp_path):
    file = write_small_dinov2(tmp_path)
    with pytest.raises(WeightsError, match=r"is refused: its SHA-256 begins with .*, not d5383ea8"):
        small().check(file)
    state = random_state()
    for changed, said in (
        ({**state, "register_tokens": torch.zeros(1, 4, WIDTH)}, "register_tok"),
        ({name: value for name, value in state.items() if name != "norm.bias"}, "norm.bias"),
        ({**state, "cls_token": torch.zeros(1, 1, 5)}, "cls_token"),
    ):
        write_small_dinov2(tmp_path, changed)
        with pytest.raises(WeightsError, match=rf"does not hold dinov2 \(.*{said}"):
            small(sha256(file)).check(file)


def test_the_published_file_is_known_by_the_shape_of_its_position_embeddings():
    known = {"pos_embed": torch.empty(1, 1370, 1024, device="meta")}
    assert DINOV2.recognises(known)
    assert not DINOV2.recognises({"pos_embed": torch.empty(1, 1370, 768, device="meta")})
    assert not DINOV2.recognises({"patch": known["pos_embed"]})
