"""``bench eval predictions:`` as a whole process, start included, beside the scripts that people write.

Both score the same PNG files (:data:`PICTURES` photographs of 256 px, each filled under two mask types), with all
cores, in turns. In seconds of the wall clock, as a user waits: on a busy machine look at the ratios alone.
``BENCH_PERF_PICTURES`` sets another number of pictures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import backbones as weights
from bench.datasets.fingerprint import picture_key
from bench.masks.registry import draw
from bench.profiles.profile import load_profile
from tests.perf.test_scorecard import photographs

PICTURES = int(os.environ.get("BENCH_PERF_PICTURES", "400"))
MASKS = ("rect", "circle")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(0)
    sources = photographs()
    seed = load_profile("quick").suite_seed
    for folder in ("truth", *MASKS):
        (root / folder if folder == "truth" else root / "fills" / folder).mkdir(parents=True)
    for i in range(PICTURES):
        # Rolled and mirrored, so that none is like another and all are as hard to decode.
        picture = np.roll(sources[i % len(sources)], tuple(rng.integers(0, 256, 2)), (0, 1))[:, :: 1 - 2 * (i % 2)]
        cv2.imwrite(str(root / f"truth/p{i:04d}.png"), picture[..., ::-1])
        for mask in MASKS:
            # The hole that the picture is scored with, so that both sides see the same fill.
            hole = draw(mask, picture.shape[:2], seed, [picture_key(f"p{i:04d}")])[0]
            filled = np.where(hole[..., None], cv2.GaussianBlur(picture, (0, 0), 4), picture)
            cv2.imwrite(str(root / f"fills/{mask}/p{i:04d}.png"), filled[..., ::-1])
    return root


def seconds(words: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run([sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return time.perf_counter() - began


def ours(place: Path, metrics: str | None, *more: str) -> Callable[[], float]:
    words = ["-m", "bench.cli", "eval", f"predictions:{place / 'fills'}", "--data", f"folder:{place / 'truth'}"]
    words += ["--masks", ",".join(MASKS), "--out", "out", "--fresh", *more]
    return lambda: seconds(words + (["--metrics", metrics] if metrics else []), place)


def peer(place: Path, what: str) -> Callable[[], float]:
    words = [str(ROOT / "tests/perf/peer_script.py"), str(place / "truth"), str(place / "fills"), what]
    return lambda: seconds(words, place)


CARD = "psnr,psnr_hole,ssim,ssim_hole,l1_hole,mse,mse_hole,lpips,lpips_hole,colour_shift,sharpness,seam,known_drift"

RACES = {
    "PSNR and SSIM": ("psnr,ssim", "psnr_ssim", 5.0, "torchmetrics, two loader workers"),
    "LPIPS": ("lpips", "lpips", 2.5, "lpips in batches of 16, two loader workers"),
    "whole card": (CARD, "all", 4.0, "torchmetrics' PSNR and SSIM, and lpips"),
}


@pytest.mark.benchmark(group="whole process")
@pytest.mark.parametrize("name", list(RACES))
def test_scoring_finished_pictures(name: str, place: Path, race) -> None:  # type: ignore[no-untyped-def]
    metrics, what, wanted, peer_name = RACES[name]
    if "lpips" in metrics and weights.find(weights.BACKBONES["alexnet"], None) is None:
        pytest.skip("no AlexNet weights: bench weights fetch alexnet, or BENCH_WEIGHTS_DIR where they lie")
    race(
        ours(place, metrics),
        peer(place, what),
        items=PICTURES * len(MASKS),
        unit="fills",
        wanted=wanted,
        rounds=3,
        peer_name=peer_name,
        self_timed=True,
    )


@pytest.mark.benchmark(group="whole process")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_two_processes_beside_one(place: Path, race) -> None:  # type: ignore[no-untyped-def]
    race(
        ours(place, CARD.replace("lpips,lpips_hole,", ""), "--workers", "2"),
        ours(place, CARD.replace("lpips,lpips_hole,", ""), "--workers", "1"),
        items=PICTURES * len(MASKS),
        unit="fills",
        wanted=1.8,
        rounds=3,
        peer_name="--workers 1",
        self_timed=True,
    )
