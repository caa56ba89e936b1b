"""Where trained weights are found: the run named, or the newest run that holds them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from bench.methods.weights import weights_anywhere, weights_of
from bench.runs.manifest import VariantEntry
from bench.runs.reader import Run
from bench.util.errors import BenchError, UsageError
from tests.bench.fake_runs import fake_run


def trained(folder: Path, name: str, age: int, *cells: str) -> Path:
    """A run with these ``variant/seed-k`` under checkpoints, last written ``age`` seconds before others."""
    run = fake_run(folder / name, {("a", 0): {"psnr": np.zeros((2, 2))}})
    for cell in cells:
        (run.path / "checkpoints" / cell).mkdir(parents=True)
        (run.path / "checkpoints" / cell / "generator.safetensors").write_bytes(b"")
    os.utime(run.path / "run.json", (1000 - age, 1000 - age))
    return run.path / "checkpoints"


def test_the_newest_run_that_holds_them_is_taken_with_its_lowest_seed(tmp_path: Path) -> None:
    trained(tmp_path, "newest", 0, "other/seed-0")
    middle = trained(tmp_path, "middle", 10, "a/seed-10", "a/seed-2")
    oldest = trained(tmp_path, "oldest", 20, "a/seed-0")
    find = weights_anywhere(tmp_path)
    assert find("a", None) == (middle / "a/seed-2/generator.safetensors", 2)
    assert find("a", 10) == (middle / "a/seed-10/generator.safetensors", 10)
    assert find("a", 0) == (oldest / "a/seed-0/generator.safetensors", 0)


@pytest.mark.parametrize(("seed", "named"), [(None, "a"), (3, "a@3")])
def test_weights_that_no_run_holds_are_named_with_what_makes_them(tmp_path: Path, seed: int | None, named: str) -> None:
    trained(tmp_path, "r", 0, "a/seed-0" if seed else "b/seed-0")
    with pytest.raises(UsageError, match=f"of {named} under .*bench train a"):
        weights_anywhere(tmp_path)("a", seed)


def test_a_run_named_is_the_only_one_that_is_asked(tmp_path: Path) -> None:
    trained(tmp_path, "newer", 0, "b/seed-0")
    own = trained(tmp_path, "own", 10, "a/seed-4")
    find = weights_of(Run.open(own.parent))
    assert find("a", None) == (own / "a/seed-4/generator.safetensors", 4)
    with pytest.raises(UsageError, match="own"):
        find("b", None)


@pytest.mark.parametrize("told", ["training", "variants"])
@pytest.mark.parametrize("right", [True, False])
def test_weights_must_be_those_that_the_run_was_made_with(tmp_path: Path, told: str, right: bool) -> None:
    own = trained(tmp_path, "own", 0, "a/seed-4") / "a/seed-4/generator.safetensors"
    digest = hashlib.sha256(b"" if right else b"other").hexdigest()
    run = Run.open(tmp_path / "own")
    if told == "training":
        run.manifest.training = {"weights": {"a@4": digest}}
        run.manifest.variants = [VariantEntry("a", 4, "network", weights_sha256="of an older training")]
    else:
        others = [VariantEntry("a", 3, "network", weights_sha256="x"), VariantEntry("a", 4, "reference")]
        run.manifest.variants = [*others, VariantEntry("a", 4, "network", weights_sha256=digest)]
    if right:
        assert weights_of(run)("a", 4) == (own, 4)
    else:
        with pytest.raises(BenchError, match=r"is not the file that own was made with"):
            weights_of(run)("a", 4)


def test_weights_of_a_run_that_keeps_no_digest_are_taken(tmp_path: Path) -> None:
    trained(tmp_path, "own", 0, "a/seed-4")
    run = Run.open(tmp_path / "own")
    run.manifest.variants = [VariantEntry("a", 4, "reference", weights_sha256="x"), VariantEntry("b", 4, "network")]
    assert weights_of(run)("a", 4)[1] == 4


def test_a_seed_that_a_run_lacks_is_named_with_its_variant(tmp_path: Path) -> None:
    own = trained(tmp_path, "own", 0, "a/seed-2")
    with pytest.raises(UsageError, match="own holds no trained weights of a@7"):
        weights_of(Run.open(own.parent))("a", 7)
