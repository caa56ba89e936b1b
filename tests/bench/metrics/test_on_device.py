"""Scores of a batch, learned metrics on a device, against those of each picture alone. The device is the processor
unless a GPU is there: the code is the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench import backbones as weights
from bench.backbones.lpips_network import Stack
from bench.metrics import on_device as on_device_module
from bench.metrics.card import Card, Hole, Truth
from bench.metrics.registry import Metric, metric
from bench.metrics.scorer import Row, Scorer

PLAIN = [name for name in metric.names() if not name.startswith("lpips")]
TOLERANCE = 1e-6

Work = tuple[list[str], list[np.ndarray], list[np.ndarray], list[list[np.ndarray]], list[list[np.ndarray | None]]]


def on_device(names: list[str], protocol: str = "native", device: str = "cpu") -> Scorer:
    scorer = Scorer(names, protocol=protocol, device=device)
    scorer.batches = True
    return scorer


def soft(shape: tuple[int, int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def hole_kinds(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    height, width = shape
    found = {kind: np.zeros(shape, bool) for kind in ("box", "empty", "full", "pixel", "corner")}
    found["box"][height // 4 : height // 2, width // 5 : width // 2] = True
    found["full"][:] = True
    found["pixel"][height // 2, width // 2] = True
    found["corner"][: height // 3, width // 2 :] = True
    found["scattered"] = np.random.default_rng(3).random(shape) < 0.2
    return found


def methods(truth: np.ndarray, hole: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Fills and raws: a colour cast, noise, an exact fill, one level of grey (which the quick fit refuses), a finished
    picture, one whose known pixels are changed, a raw with NaN, one with infinity, one out of range."""
    height, width = hole.shape
    one = np.float32
    cast = np.clip(0.8 * truth / 255 + 0.07, 0, 1).astype(one)
    noise = np.random.default_rng(9).random(truth.shape).astype(one)
    exact = (truth / one(255)).astype(one)
    grey = np.full(truth.shape, 0.4, one) + one(0.01) * noise
    nan, inf = cast.copy(), cast.copy()
    nan[height // 2, width // 2, 1], inf[0, 0, 2] = np.nan, np.inf
    wild = 3 * noise - 1
    raws: list[np.ndarray | None] = [cast, noise, exact, grey, None, cast, nan, inf, wild]
    painted = [cast, noise, exact, grey, cast[::-1], cast, cast, cast, np.clip(wild, 0, 1)]
    fills = [np.where(hole[..., None], np.rint(255 * each).astype(np.uint8), truth) for each in painted]
    fills[5] = np.rint(255 * cast).astype(np.uint8)
    return fills, raws


def work(shape: tuple[int, int] = (40, 52)) -> Work:
    every = list(hole_kinds(shape).values())
    truths = [soft(shape, seed) for seed in range(len(every))]
    both = [methods(truth, hole) for truth, hole in zip(truths, every, strict=True)]
    keys = [str(place) for place in range(len(every))]
    return keys, truths, every, [fills for fills, _ in both], [raws for _, raws in both]


def assert_same(batch: list[list[Row]], single: list[list[Row]], names: list[str]) -> None:
    assert [len(rows) for rows in batch] == [len(rows) for rows in single]
    for place, (ours, wanted) in enumerate(zip(batch, single, strict=True)):
        for method, (row, other) in enumerate(zip(ours, wanted, strict=True)):
            assert row["failed"] == other["failed"]
            for name in names:
                assert row[name] == pytest.approx(other[name], abs=TOLERANCE, nan_ok=True), (place, method, name)


# ---- equality


@pytest.mark.parametrize("shape", [(40, 52), (10, 30)])
def test_a_batch_scores_like_its_pictures_alone(shape: tuple[int, int]) -> None:
    given = work(shape)
    assert_same(on_device(PLAIN).score_batch(*given), Scorer(PLAIN).score_batch(*given), PLAIN)


def test_pictures_of_several_sizes_and_fills_of_wrong_ones_go_into_one_batch() -> None:
    first, second = work((40, 52)), work((33, 30))
    given: Any = tuple([*a, *b] for a, b in zip(first, second, strict=True))
    given = ([str(place) for place in range(len(given[0]))], *given[1:])
    given[3][0][1] = given[3][0][1][:-1]
    batch = on_device(PLAIN).score_batch(*given)
    assert "39 x 52 x 3" in batch[0][1]["failed"]
    assert_same(batch, Scorer(PLAIN).score_batch(*given), PLAIN)


def test_empty_columns_are_explained_as_without_a_batch() -> None:
    given = tuple(part[1:3] for part in work())
    batch, single = on_device(PLAIN), Scorer(PLAIN)
    batch.score_batch(*given)
    single.score_batch(*given)
    assert batch.missing == single.missing and batch.missing


def test_pictures_go_to_the_device_whole_and_as_many_as_fit() -> None:
    def group(fills: int, side: int = 100) -> list[Card]:
        truth, hole = Truth(np.zeros((side, side, 3), np.uint8)), Hole(np.zeros((side, side), bool))
        return [Card(truth, hole, truth.picture) for _ in range(fills)]

    def taken(groups: list[list[Card]]) -> list[list[int]]:
        return [[len(each) for each in chunk] for chunk in on_device_module.chunks(groups)]

    # 2^22 pixels are 419 fills of 100 x 100.
    assert taken([group(n) for n in (210, 200, 9, 1, 419, 420, 3)]) == [[210, 200, 9], [1], [419], [420], [3]]
    assert taken([group(2, 1024), group(2, 1024), group(1, 1024)]) == [[2, 2], [1]]


def test_a_users_metric_sees_on_a_batched_card_whether_known_pixels_changed() -> None:
    facts: dict[str, Any] = {"region": "hole", "unit": "", "direction": "lower", "range": (0, 1), "reference": "none"}

    def changed(card: Card) -> float:
        return float(card.known_changed)

    own = Metric(name="changed", version=1, summary="", compute=changed, **facts)
    scorer = on_device(["psnr"])
    scorer.metrics["changed"] = own
    scorer._single.append(own)
    truth = soft((40, 52), 1)
    hole = hole_kinds((40, 52))["box"]
    fills = [np.where(hole[..., None], np.uint8(9), truth) for _ in range(2)]
    fills[1][0, 0, 2] ^= 1
    (rows,) = scorer.score_batch(["x"], [truth], [hole], [fills])
    assert [row["changed"] for row in rows] == [0.0, 1.0]


# ---- learned metrics


def random_stack() -> Any:
    torch.manual_seed(0)
    shapes = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    features = {}
    for index, (out, into, kernel) in shapes.items():
        features[f"features.{index}.weight"] = torch.randn(out, into, kernel, kernel) * (2 / (into * kernel**2)) ** 0.5
        features[f"features.{index}.bias"] = 0.1 * torch.randn(out)
    return weights.build(weights.BACKBONES["alexnet"], features)


def with_lpips(scorer: Scorer) -> Scorer:
    """The scorer with LPIPS over random features."""
    for name in ("lpips", "lpips_hole"):
        scorer.metrics[name] = metric.get(name)
    scorer._batched = [metric.get(name) for name in ("lpips", "lpips_hole")]
    scorer._unavailable = {}
    scorer.context.cache["lpips:alexnet"] = random_stack().to(scorer.context.device)
    return scorer


@pytest.mark.parametrize("shape", [(40, 52), (30, 40)])
@pytest.mark.parametrize("at_once", [1 << 22, 20 * 40 * 52])
def test_lpips_of_a_batch_is_that_of_its_pictures_alone(
    shape: tuple[int, int], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_device_module, "CHUNK_PIXELS", at_once)
    given = work(shape)
    batch = with_lpips(on_device([])).score_batch(*given)
    single = with_lpips(Scorer([])).score_batch(*given)
    assert_same(batch, single, ["lpips", "lpips_hole"])
    assert batch[0][2]["lpips"] == (0.0 if shape == (40, 52) else pytest.approx(math.nan, nan_ok=True))


def test_a_truths_features_are_computed_once_however_many_fills_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = with_lpips(on_device([]))
    seen = []
    plain = Stack.taps
    monkeypatch.setattr(Stack, "taps", lambda stack, x: (seen.append(len(x)), plain(stack, x))[1])
    scorer.score_batch(*work())
    assert seen == [6 + 6 * 9]


def test_metrics_that_know_no_device_are_computed_as_ever() -> None:
    """What a user registers looks at pixels, alone or with the cards of its picture."""
    facts: dict[str, Any] = {"region": "hole", "unit": "", "direction": "lower", "range": (0, 1), "reference": "none"}

    def lightest(card: Card) -> float:
        return float(card.in_hole.max(initial=0)) + float(card.truth.picture[0, 0, 0])

    def rank(cards: list[Card], context: Any) -> list[float]:
        return [float(place) for place, _ in enumerate(cards)]

    own = [
        Metric(name="lightest", version=1, summary="", compute=lightest, **facts),
        Metric(name="rank", version=1, summary="", compute=rank, batched=True, **facts),
    ]
    found = []
    for scorer in (on_device(["psnr"]), Scorer(["psnr"])):
        scorer.metrics.update({entry.name: entry for entry in own})
        scorer._single.append(own[0])
        scorer._batched.append(own[1])
        found.append(scorer.score_batch(*work()))
    assert_same(*found, names=["psnr", "lightest", "rank"])
    assert [row["rank"] for row in found[0][0] if not row["failed"]] == [0, 1, 2, 3, 4, 5, 6]


# ---- no waiting, and nothing done twice


class NoWaiting(TorchDispatchMode):
    """Refuses every operation whose result the host must know before it can go on."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique", "item")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__.split(".")[0]
        assert name not in self.WAITS, f"{name} waits for the device"
        if name in ("index", "index_put_"):
            assert all(at is None or at.dtype != torch.bool for at in args[1]), "a mask as an index waits"
        return func(*args, **(kwargs or {}))


@contextmanager
def transfers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows came back in each transfer."""
    seen: list[int] = []
    plain = on_device_module.fetch

    def fetch(table: torch.Tensor) -> np.ndarray:
        seen.append(len(table))
        return plain(table)

    monkeypatch.setattr(on_device_module, "fetch", fetch)
    yield seen


def test_a_batch_comes_back_in_one_transfer_and_waits_for_nothing_before(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = with_lpips(on_device(PLAIN))
    monkeypatch.setattr(on_device_module, "CHUNK_PIXELS", 20 * 40 * 52)
    with transfers(monkeypatch) as seen, NoWaiting():
        rows = scorer.score_batch(*work())
    assert seen == [sum(len(each) for each in rows)]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_larger_batch_waits_no_more_often() -> None:
    """And gives the same card."""
    given = work((64, 80))
    few: Any = tuple(part[:2] for part in given)
    scorer = with_lpips(Scorer(PLAIN, device="cuda"))
    assert scorer.batches
    names = [*PLAIN, "lpips", "lpips_hole"]
    assert_same(scorer.score_batch(*given), with_lpips(Scorer(PLAIN)).score_batch(*given), names)
    counts = []
    torch.cuda.set_sync_debug_mode("warn")
    try:
        for part in (few, given):
            # Python tells of each place once, unless asked for every time.
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                scorer.score_batch(*part)
            counts.append(len([one for one in told if "synchroniz" in str(one.message)]))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert counts[0] == counts[1]
