"""Several processes that train one network: the same training as one process's, but for rounding."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.variants.ranks_worker import on_ranks
from variants import ranks
from variants.registry import variant
from variants.session import Plan, Session, to_device
from variants.trainer import train

BATCH = 4


pytestmark = pytest.mark.usefixtures("one_thread")


def source(step: int, rank: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """This rank's share of four pictures. Their holes are of very unlike sizes, so that a mean of the ranks' means over
    their own holes would be far from the mean over all."""
    rng = np.random.default_rng(step)
    holes = np.zeros((BATCH, 32, 32), bool)
    for k, side in enumerate((2, 4, 16, 28)):
        holes[k, 1 : 1 + side, 2 : 2 + side] = True
    pictures = rng.integers(0, 256, (BATCH, 32, 32, 3), dtype=np.uint8)
    # Unlike brightness, so that BatchNorm's statistics of one rank's share are not those of the batch.
    pictures[2:] //= 3
    own = slice(rank * BATCH // size, (rank + 1) * BATCH // size)
    return pictures[own], holes[own]


def trained(name: str, folder: Path, steps: int, rank: int, size: int) -> None:
    plan = Plan(name, 0, width=4, steps=steps, batch=BATCH)
    assert train(variant.get(name)(), plan, functools.partial(source, rank=rank, size=size), folder / f"of-{size}")


def curve(folder: Path, size: int) -> dict[str, list[float]]:
    with (folder / f"of-{size}" / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = [name for name in rows[0] if name not in ("step", "epoch", "seconds", "images_per_s", "lr")]
    return {name: [float(row[name]) for row in rows] for name in names}


@pytest.mark.parametrize("name", ["double_dg", "gan_res_mask"])
def test_two_ranks_learn_as_one_process_does_with_the_same_batch(tmp_path, name):
    for size in (1, 2):
        on_ranks(size, tmp_path, functools.partial(trained, name, tmp_path, 6))
    one, two = (curve(tmp_path, size) for size in (1, 2))
    assert one.keys() == two.keys() and {"mse", "mse_hole", "adversarial", "critic"} <= one.keys()
    for key in one:
        # Rounding grows from step to step; a wrong mean or statistic is off by per cents at once.
        assert two[key] == pytest.approx(one[key], rel=2e-4, abs=2e-6), key
    a, b = (load_file(str(tmp_path / f"of-{size}" / "generator.safetensors")) for size in (1, 2))
    assert all(torch.allclose(a[key].float(), b[key].float(), atol=2e-3) for key in a)


def normalised(rank: int, size: int) -> list[np.ndarray]:
    torch.manual_seed(1)
    x = torch.randn(6, 3, 5, 4) * torch.tensor([1.0, 5.0, 0.1]).view(1, 3, 1, 1) + 7
    weight = torch.randn(6, 3, 5, 4)
    norm = ranks.join_statistics(nn.BatchNorm2d(3))
    own = slice(rank * 6 // size, (rank + 1) * 6 // size)
    x = x[own].clone().requires_grad_()
    y = norm(x)
    (y * weight[own]).sum().backward()
    norm.eval()
    return [t.detach().numpy() for t in (y, x.grad, norm.running_mean, norm.running_var, norm(x))]


def test_batchnorm_over_ranks_is_torchs_over_the_whole_batch(tmp_path):
    whole = normalised(0, 1)
    parts = on_ranks(3, tmp_path, normalised)
    for place in (0, 1, 4):  # outputs, gradients, outputs in evaluation
        np.testing.assert_allclose(np.concatenate([part[place] for part in parts]), whole[place], atol=2e-5)
    for part in parts:
        np.testing.assert_allclose(part[2], whole[2], rtol=1e-5)
        np.testing.assert_allclose(part[3], whole[3], rtol=1e-5)


def handed(folder: Path, rank: int, size: int) -> list[float]:
    session = Session(variant.get("double_dg")(), Plan("double_dg", rank, width=4, steps=4, batch=BATCH))
    session.step(*to_device(*source(0, 0, 1), "cpu"))
    found = ranks.handed_out(session.state() if rank == 0 else None, "cpu")
    session.restore(found)
    return [float(sum(w.double().sum() for w in session.generator.state_dict().values())), float(session.step_count)]


def test_what_rank_0_goes_on_from_every_rank_goes_on_from(tmp_path):
    # Each began with a seed of its own.
    one, two = on_ranks(2, tmp_path, functools.partial(handed, tmp_path))
    assert one == two
