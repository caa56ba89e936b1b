"""LPIPS beside the ``lpips`` package, and the whole card with LPIPS beside the loop that people write.

The loop: per picture scikit-image's PSNR and SSIM, then the package's LPIPS. Ours: every registered column.
Both run in turns, in processor time, on one thread, every cache cold, and through the same AlexNet: without its
weights nothing is raced.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch

from bench import backbones as weights
from bench.masks.registry import draw
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer

SIDE = 256
TRUTHS = 2
MASKS = ("rect", "ellipse", "freeform", "lama_medium")


@pytest.fixture(autouse=True)
def backbone() -> None:
    if weights.find(weights.BACKBONES["alexnet"], None) is None:
        pytest.skip("no AlexNet weights: bench weights fetch alexnet, or BENCH_WEIGHTS_DIR where they lie")


@lru_cache
def package() -> Any:
    """The package's AlexNet-LPIPS, over the backbone that ours looks through."""
    import lpips
    import torchvision

    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    layers = torchvision.models.alexnet(weights=None).features
    file = weights.find(weights.BACKBONES["alexnet"], None)
    assert file is not None
    features = weights.read_features(file)
    layers.load_state_dict({key.removeprefix("features."): value for key, value in features.items()})
    for part in model.net.children():
        for name, _ in list(part.named_children()):
            setattr(part, name, layers[int(name)])
    return model


def fills_of(truth: np.ndarray, hole: np.ndarray) -> list[np.ndarray]:
    """Six fills: two classical, mean, noise, blur, shift."""
    import cv2

    painted = [
        cv2.inpaint(truth, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA),
        cv2.inpaint(truth, hole.astype(np.uint8), 3, cv2.INPAINT_NS),
        np.broadcast_to(truth[~hole].mean(0).astype(np.uint8), truth.shape),
        np.random.default_rng(0).integers(0, 256, truth.shape, dtype=np.uint8),
        cv2.GaussianBlur(truth, (0, 0), 4),
        np.roll(truth, (9, 17), (0, 1)),
    ]
    return [np.where(hole[..., None], raw, truth) for raw in painted]


@lru_cache
def work(masks: tuple[str, ...]) -> list[tuple[str, np.ndarray, np.ndarray, list[np.ndarray]]]:
    """(key, truth, hole, fills) of every truth under every mask."""
    import skimage.data

    found = []
    for index, picture in enumerate((skimage.data.astronaut(), skimage.data.coffee())[:TRUTHS]):
        truth = np.ascontiguousarray(picture[60 : 60 + SIDE, 120 : 120 + SIDE])
        for name in masks:
            hole = draw(name, (SIDE, SIDE), 0, [index])[0]
            found.append((str(index), truth, hole, fills_of(truth, hole)))
    return found


def packages_lpips(truth: np.ndarray, filled: np.ndarray) -> float:
    a, b = (torch.from_numpy(side.transpose(2, 0, 1)[None] / np.float32(127.5) - 1) for side in (truth, filled))
    with torch.no_grad():
        return float(package()(a, b))


def loop(masks: tuple[str, ...], scikit: bool) -> list[float]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    found = []
    for _, truth, _, fills in work(masks):
        for filled in fills:
            if scikit:
                peak_signal_noise_ratio(truth, filled)
                structural_similarity(
                    truth, filled, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
                )
            found.append(packages_lpips(truth, filled))
    return found


def ours(masks: tuple[str, ...], names: list[str] | None) -> list[float]:
    """A new scorer, so that nothing is kept but the loaded weights."""
    scorer = Scorer(names)
    scorer.context.cache["lpips:alexnet"] = loaded()
    found = []
    for key, truth, hole, fills in work(masks):
        raws = [filled / np.float32(255) for filled in fills] if names is None else None
        found += [row["lpips"] for row in scorer.score(key, truth, hole, fills, raws)]
    return found


@lru_cache
def loaded() -> Any:
    scorer = Scorer(["lpips"])
    return scorer.context.cache["lpips:alexnet"]


def race(benchmark: Any, masks: tuple[str, ...], names: list[str] | None, scikit: bool) -> tuple[float, float]:
    """Seconds a fill, ours and the loop's, the best of several turns each; both give the same LPIPS."""
    torch.set_num_threads(1)
    theirs: list[float] = []
    expected: list[float] = []

    def turn() -> None:
        start = time.process_time()
        expected[:] = loop(masks, scikit)
        theirs.append(time.process_time() - start)

    loop(masks[:1], scikit)
    found = ours(masks, names)
    benchmark.pedantic(ours, args=(masks, names), setup=turn, rounds=3)
    assert found == pytest.approx(expected, abs=1e-6), "a race between unlike values means nothing"
    return benchmark.stats.stats.min / len(found), min(theirs) / len(found)


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("masks", [("rect",), ("ellipse",), ("freeform",), ("lama_thin",)], ids=lambda masks: masks[0])
def test_lpips_beside_the_package(masks: tuple[str, ...], benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = race(benchmark, masks, ["lpips", "lpips_hole"], scikit=False)
    benchmark.extra_info["ratio"] = theirs / mine
    with capsys.disabled():
        print(
            f"\nlpips and lpips_hole, {masks[0]}: {mine * 1e3:.1f} ms a fill, package {theirs * 1e3:.1f} ms, ", end=""
        )
        print(f"ratio {theirs / mine:.1f}")
    assert theirs > mine * 1.2


@pytest.mark.benchmark(timer=time.process_time)
def test_the_whole_card_with_lpips_beside_the_loop(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = race(benchmark, MASKS, None, scikit=True)
    benchmark.extra_info["ratio"] = theirs / mine
    with capsys.disabled():
        print(
            f"\nthe whole card ({len(metric.names())} columns, LPIPS with them): {mine * 1e3:.1f} ms a fill, ", end=""
        )
        print(f"scikit-image's PSNR and SSIM and the lpips package {theirs * 1e3:.1f} ms, ratio {theirs / mine:.1f}")
    assert theirs > mine * 2
