"""Filling pictures with a network beside the plain way: fp32, eager, no channels_last, BatchNorms in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bench.throughput.settings import Setting, native_bf16
from bench.throughput.subjects import Subject, inputs, prepare
from variants.network_method import NetworkMethod
from variants.registry import variant

BATCH = 16


@pytest.mark.benchmark(group="inference", timer=time.process_time)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("width", [16, 64])
@pytest.mark.parametrize("name", ["baseline", "double_dg"])
def test_filling_pictures(name: str, width: int, precision: str, race: Callable[..., float], benchmark: Any) -> None:
    if precision == "bf16" and not native_bf16("cpu"):
        pytest.skip("this processor has no bfloat16 of its own")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    entry = variant.get(name)()
    subject = Subject.of(NetworkMethod(name, entry, entry.network(width)))
    plain = Setting("cpu", "fp32", "contiguous", 64, BATCH)
    fast = Setting("cpu", precision, "folded", 64, BATCH)
    slow_call, fast_call = prepare(subject, plain), prepare(subject, fast)
    images, holes = inputs(plain, 1)[0]

    def run(call: Callable[..., torch.Tensor]) -> np.ndarray:
        with torch.inference_mode():
            return call(images, holes).numpy()

    off = np.abs(run(fast_call).astype(int) - run(slow_call)).max(axis=-1)
    benchmark.extra_info["within_one_level"] = float((off <= 1).mean())
    wanted = 2.0 if precision == "bf16" else None
    race(lambda: run(fast_call), lambda: run(slow_call), items=BATCH, unit="pictures", wanted=wanted, rounds=7,
         peer_name="fp32, eager, NCHW")  # fmt: skip
