"""What of earlier trainings is kept: nothing that was made of other pictures or other code, or that was damaged."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.methods.weights import weights_of
from bench.profiles.profile import load_profile
from bench.runs.manifest import Manifest, VariantEntry
from bench.runs.writer import RunWriter
from bench.stages import kept
from bench.stages.context import Context
from bench.stages.train import train_missing
from bench.util.errors import BenchError, UsageError

ONE = [("baseline", 0)]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A run on a folder of seven pictures, about to be trained."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(7):
        picture = np.full((20, 20, 3), 30 * number, np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    profile = replace(
        load_profile("tiny"), train_data=(f"folder:{folder}",), train_count=(8,), size=16, variants=("baseline",)
    )
    writer = RunWriter(tmp_path / "run", Manifest(name="run", suite=None))
    writer.write()
    suite: Any = None
    return Context(profile, suite, writer)


def trained(context: Context, weights: bytes = b"weights") -> Path:
    """As after a training."""
    kept.pools(context)
    kept.clear(context)
    kept.begin(context, ONE)
    file = kept.weights_file(context.writer.path, *ONE[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(weights)
    kept.note(context, ONE)
    return file


def test_a_finished_training_is_kept_as_long_as_it_fits(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    file = trained(context)
    capsys.readouterr()
    kept.settle(context, ONE)
    assert file.read_bytes() == b"weights"
    assert weights_of(context.run)("baseline", 0) == (file, 0)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("finished", [True, False])
def test_a_training_on_pictures_that_were_replaced_since_is_refused(context: Context, finished: bool) -> None:
    file = trained(context)
    if not finished:  # killed: a state is there, no weights
        file.unlink()
    folder = Path(context.profile.train_data[0].partition(":")[2])
    for number in range(7):
        Image.fromarray(np.full((20, 20, 3), 255 - 30 * number, np.uint8)).save(folder / f"{number}.png")
    again = (lambda: kept.settle(context, ONE)) if finished else (lambda: kept.pools(context))
    with pytest.raises(UsageError, match=r"the pictures that the run .* is trained on have changed since"):
        again()


def test_pictures_that_were_only_touched_are_the_same(context: Context) -> None:
    file = trained(context)
    folder = Path(context.profile.train_data[0].partition(":")[2])
    for picture in folder.iterdir():
        os.utime(picture, (1, 1))
    kept.settle(context, ONE)
    assert file.is_file()


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_pool_that_a_killed_run_left_damaged_is_made_anew(context: Context, damage: bytes | None) -> None:
    pool, _ = kept.pools(context)
    whole = pool.read_bytes()
    pool.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)
    assert kept.pools(context)[0].read_bytes() == whole


def test_weights_that_are_not_those_of_run_json_are_refused_and_made_anew(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    file = trained(context)
    kept.update(context, weights={**context.writer.manifest.training["weights"], "baseline@1": "0" * 64})
    file.write_bytes(b"Weights")
    with pytest.raises(BenchError, match=r"generator\.safetensors is not the file that run was made with"):
        weights_of(context.run)("baseline", 0)
    capsys.readouterr()
    kept.settle(context, ONE)
    assert not file.exists()
    # Trained again they may be others; what is known of other trainings stays.
    assert context.writer.manifest.training["weights"] == {"baseline@1": "0" * 64}
    assert capsys.readouterr().err == f"note: {file} does not match its SHA-256 in run.json: it is recreated\n"
    trained(context, b"of another machine")
    assert weights_of(context.run)("baseline", None) == (file, 0)


def test_weights_of_a_run_from_before_are_held_against_what_was_scored(context: Context) -> None:
    file = trained(context)
    entry = VariantEntry("baseline", 0, "network", weights_sha256="0" * 64)
    context.writer.update(training={}, variants=[entry])
    with pytest.raises(BenchError, match="is not the file"):
        weights_of(context.run)("baseline", 0)
    kept.settle(context, ONE)
    assert not file.exists()
    assert context.writer.manifest.variants[0].weights_sha256 == ""


@pytest.mark.parametrize("finished", [True, False])
def test_a_plug_in_whose_code_was_edited_is_trained_again(
    context: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], finished: bool
) -> None:
    monkeypatch.setattr(kept, "code_of", lambda name: "before")
    file = trained(context)
    (file.parent / "state.pt").write_bytes(b"state")
    if not finished:
        file.unlink()
    kept.settle(context, ONE)
    assert (file.parent / "state.pt").is_file()
    monkeypatch.setattr(kept, "code_of", lambda name: "after")
    kept.settle(context, ONE)
    assert not file.parent.exists()
    training = context.writer.manifest.training
    assert "baseline@0" not in {**training["code"], **training.get("weights", {})}
    assert training["pictures"]["sha256"]
    assert "the code of baseline was changed since baseline@0 was trained" in capsys.readouterr().err


def test_other_methods_keep_the_digest_of_their_weights(context: Context) -> None:
    file = trained(context)
    file.write_bytes(b"Weights")
    entries = [VariantEntry("baseline", seed, "network", weights_sha256="0" * 64) for seed in (0, 1)]
    context.writer.update(variants=[*entries, VariantEntry("double_dg", 0, "network", weights_sha256="1" * 64)])
    kept.settle(context, ONE)
    found = {(entry.name, entry.seed): entry.weights_sha256[:1] for entry in context.writer.manifest.variants}
    assert found == {("baseline", 0): "", ("baseline", 1): "0", ("double_dg", 0): "1"}


def test_pictures_are_looked_at_again_where_any_of_them_come_from_files(context: Context) -> None:
    trained(context)
    context.profile = replace(context.profile, train_data=("scenes", *context.profile.train_data), train_count=(2, 8))
    with pytest.raises(UsageError, match="have changed since"):
        kept.settle(context, ONE)


def test_drawn_pictures_lie_in_the_run_until_they_are_cleared(context: Context) -> None:
    context.profile = replace(context.profile, train_data=("scenes",), train_count=(3,))
    pools = kept.pools(context)
    assert [pool.relative_to(context.writer.path).as_posix() for pool in pools] == [
        "cache/train.npy",
        "cache/validation.npy",
    ]
    assert np.load(pools[0]).shape == (3, 16, 16, 3)
    other = pools[0].with_name("other.npy")
    other.touch()
    kept.clear(context)
    assert not any(pool.exists() for pool in pools) and other.exists()
    assert context.writer.manifest.training["pictures"]["sha256"]


def test_a_pool_that_is_no_picture_has_no_digest(tmp_path: Path) -> None:
    file = tmp_path / "pool.npy"
    np.save(file, np.zeros((2, 4, 4, 3), np.float32))
    assert kept.digest_of(file) == kept.digest_of(tmp_path / "none.npy") == ""
    np.save(file, np.zeros((2, 4, 4, 3), np.uint8))
    assert kept.digest_of(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_lies_in_a_files_place_is_removed_folder_or_link(tmp_path: Path) -> None:
    (tmp_path / "folder/inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    kept.remove(tmp_path / "link")
    assert (tmp_path / "folder/inside").is_dir()
    kept.remove(tmp_path / "folder")
    kept.remove(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_weights_is_refused(context: Context) -> None:
    file = trained(context)
    file.unlink()
    file.mkdir()
    with pytest.raises(BenchError, match="is a folder, not weights"):
        kept.settle(context, ONE)


def test_digests_of_several_trainings_stand_side_by_side(context: Context) -> None:
    trained(context)
    other = kept.weights_file(context.writer.path, "baseline", 1)
    other.parent.mkdir(parents=True)
    other.write_bytes(b"other")
    kept.note(context, [("baseline", 1), ("baseline", 2)])
    digests = {f"baseline@{seed}": hashlib.sha256(text).hexdigest() for seed, text in ((0, b"weights"), (1, b"other"))}
    assert context.writer.manifest.training["weights"] == digests


@pytest.mark.parametrize("put", [os.mkfifo, lambda file: file.symlink_to("/dev/zero")])
def test_a_pool_that_is_no_regular_file_is_made_anew(context: Context, put: Any) -> None:
    whole = {file: np.load(file) for file in kept.pools(context)}
    for file in whole:
        file.unlink()
        put(file)
    assert all(np.array_equal(np.load(file), whole[file]) for file in kept.pools(context))


def test_pools_of_a_run_that_was_killed_after_its_last_training_are_swept(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(context)
    left = context.writer.path / "cache" / kept.POOLS[0]
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"pool")
    train_missing(context, ONE)
    assert not left.exists()
