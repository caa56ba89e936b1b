"""What ``[RUN:]VARIANT[@SEED]`` means, and in which run it is found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bench.comparison.sides import Side, Spec, parse_side, resolve_sides
from bench.util.errors import IncomparableError, UsageError
from tests.bench.fake_runs import fake_run

SCORES = {"psnr_hole": np.arange(8.0).reshape(4, 2)}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs, the last the newest: old (a@0, a@7, b), new (b, c), newest (d, telea)."""
    made: dict[str, list[tuple[str, int]]] = {
        "old": [("a", 0), ("a", 7), ("b", 0)],
        "new": [("b", 0), ("c", 3)],
        "newest": [("d", 0), ("telea", 0)],
    }
    for age, (name, members) in enumerate(made.items()):
        scores = {(v, seed): {"psnr_hole": SCORES["psnr_hole"] + seed} for v, seed in members}
        fake_run(tmp_path / name, scores, kinds={"telea": "reference"})
        os.utime(tmp_path / name / "run.json", (age + 1, age + 1))
    return tmp_path


def found(runs: Path, *texts: str) -> list[str]:
    return [f"{side.run.name}/{side.label}" for side in resolve_sides(list(texts), runs)]


@pytest.mark.parametrize(
    ("text", "run", "variant", "seed"),
    [
        ("a", None, "a", None),
        ("a@0", None, "a", 0),
        ("old:a@12", "old", "a", 12),
        ("C:/runs/old:a", "C:/runs/old", "a", None),
    ],
)
def test_a_side_is_a_run_a_variant_and_a_seed(text: str, run: str | None, variant: str, seed: int | None) -> None:
    assert parse_side(text) == Spec(text, run, variant, seed)


@pytest.mark.parametrize("text", ["", "a b", "a@", "a@x", "a@-1", ":a"])
def test_what_is_no_side_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid side"):
        parse_side(text)


def test_sides_without_a_run_share_the_newest_that_holds_them_all(runs: Path) -> None:
    assert found(runs, "a", "b") == ["old/a", "old/b"]
    assert found(runs, "c", "b") == ["new/c", "new/b"]
    assert found(runs, "a@7", "b") == ["old/a@7", "old/b"]


def test_where_no_run_holds_them_all_each_takes_the_newest_that_holds_it(runs: Path) -> None:
    assert found(runs, "a", "b", "d") == ["old/a", "new/b", "newest/d"]


def test_a_side_with_a_run_has_no_say_in_where_the_others_are_found(runs: Path) -> None:
    assert found(runs, "old:a", "b") == ["old/a", "new/b"]
    assert found(runs, "a", str(runs / "new") + ":b") == ["old/a", "new/b"]


def test_labels_tell_sides_apart(runs: Path) -> None:
    assert found(runs, "a@0", "a@7") == ["old/a@0", "old/a@7"]
    assert found(runs, "old:b", "new:b", "c") == ["old/old:b", "new/new:b", "new/c"]
    assert found(runs, "old:b", "old:b", "old:b") == ["old/old:b", "old/old:b#2", "old/old:b#3"]


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        (["a@3", "b"], UsageError, "'a@3': a has no seed 3 there, only 0, 7"),
        (["c@0", "b"], UsageError, "'c@0': c has no seed 0 there, only 3"),
        (["new:a", "b"], UsageError, "variant 'a'"),
        (["new:baseline", "b"], IncomparableError, "run new holds no baseline: train and score it"),
        (["baseline", "b"], IncomparableError, r"no run under .* holds baseline: train and score it"),
        (["cc", "b"], UsageError, "variant 'cc'"),
    ],
)
def test_what_no_run_holds_is_told_in_words(runs: Path, texts: list[str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        resolve_sides(texts, runs)


def test_a_side_holds_all_its_seeds_or_the_one_named(runs: Path) -> None:
    both, one = resolve_sides(["a", "a@7"], runs)
    assert (both.seeds, one.seeds) == ((0, 7), (7,))
    assert both.scores["scenes"].values[:, :, :, 0].tolist() == [(SCORES["psnr_hole"] + k).tolist() for k in (0, 7)]
    assert one.scores["scenes"].values[:, :, :, 0].tolist() == [(SCORES["psnr_hole"] + 7).tolist()]


def test_a_network_is_trained_and_a_reference_is_not(runs: Path) -> None:
    trained = {side.variant: side.trained for side in resolve_sides(["a", "b", "telea"], runs)}
    assert trained == {"a": True, "b": True, "telea": False}
    run = fake_run(runs / "more", {("x", 0): SCORES, ("y", 0): SCORES}, kinds={"x": "predictions"})
    run.manifest.variants = [entry for entry in run.manifest.variants if entry.name != "y"]
    assert not Side(run, "x", None, "x").trained
    assert Side(run, "y", None, "y").trained  # records alone: nothing says that it is not
