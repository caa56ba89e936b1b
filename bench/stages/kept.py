"""What of earlier trainings of a run is kept: only what was made of the same pictures and the same code, and is whole.

run.json holds under ``training`` what that is judged by. ``pictures``: ``listing`` (names, sizes and times of files, a
quick look) and ``sha256`` (of the pixels trained on). ``weights``: ``NAME@SEED`` to the SHA-256 of its file. ``code``:
``NAME@SEED`` to the digest of a plug-in's code.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.packed import pack
from bench.datasets.registry import Dataset
from bench.methods.weights import digest_told
from bench.runs.trained import WEIGHTS, training_folder, weights_file
from bench.stages.context import Context, key_of
from bench.stages.prepare import describe
from bench.training.schedule import training_data, validation_data
from bench.util.errors import BenchError, UsageError
from bench.util.progress import say
from variants.registry import variant
from variants.weights import sha256

POOLS = ("train.npy", "validation.npy")


def label_of(name: str, seed: int) -> str:
    """A training's name in run.json and in messages, NAME@SEED."""
    return f"{name}@{seed}"


def settle(context: Context, networks: Sequence[tuple[str, int]]) -> None:
    """Remove trainings of other code and weights that are damaged, and say so. Raises UsageError where the run was
    trained on other pictures."""
    told = context.writer.manifest.training
    for name, seed in networks:
        folder = training_folder(context.writer.path, name, seed)
        label, file = label_of(name, seed), folder / WEIGHTS
        code = told.get("code", {}).get(label)
        if folder.exists() and code is not None and code != code_of(name):
            say(f"note: the code of {name} was changed since {label} was trained: it is trained again")
            shutil.rmtree(folder)
            forget(context, name, seed)
        elif file.exists() or file.is_symlink():
            if file.is_dir():
                raise BenchError(f"{file} is a folder, not weights: move it away")
            expected = digest_told(context.writer.manifest, name, seed)
            if not file.is_file() or (expected and sha256(file) != expected):
                say(f"note: {file} does not match its SHA-256 in run.json: it is recreated")
                file.unlink()
                forget(context, name, seed)
    pictures = told.get("pictures")
    finished = [pair for pair in networks if weights_file(context.writer.path, *pair).is_file()]
    # Pictures that come out of a file of the user's, or a folder of them.
    if pictures and len(finished) == len(networks) and any(":" in spec for spec in context.profile.train_data):
        parts = training_data(context.profile)
        if listing_of(parts) != pictures.get("listing"):
            pools(context, parts)
            clear(context)


def pools(context: Context, parts: list[Dataset] | None = None) -> tuple[Path, Path]:
    """The pictures to train and to validate on, as files that the trainings map. Raises UsageError where other
    trainings of the run saw others."""
    writer, profile = context.writer, context.profile
    cache, size = writer.path / "cache", profile.size or 0
    parts = training_data(profile) if parts is None else parts
    told = writer.manifest.training.get("pictures") or {}
    file = pack(parts, size, cache / POOLS[0])
    digest = digest_of(file)
    if told and told.get("sha256") != digest:
        # The file may be damaged, or of a run that was killed.
        remove(file)
        file = pack(parts, size, cache / POOLS[0])
        digest = digest_of(file)
    if told and told.get("sha256") != digest:
        clear(context)
        raise UsageError(
            f"the pictures that the run {writer.path} is trained on have changed since: name another --out, or start "
            "over with --fresh"
        )
    update(context, pictures={"listing": listing_of(parts), "sha256": digest})
    writer.update(trained_on=[describe(dataset) for dataset in parts])
    remove(cache / POOLS[1])
    return file, pack(validation_data(profile), size, cache / POOLS[1])


def clear(context: Context) -> None:
    """Remove the pictures that lie in the run."""
    for name in POOLS:
        remove(context.writer.path / "cache" / name)


def begin(context: Context, networks: Sequence[tuple[str, int]]) -> None:
    """Take down the code that trainings begin, or go on, with."""
    own = {label_of(name, seed): code for name, seed in networks if (code := code_of(name))}
    if own:
        update(context, code={**context.writer.manifest.training.get("code", {}), **own})


def note(context: Context, networks: Sequence[tuple[str, int]]) -> None:
    """Take down the digests of the weights that are there."""
    files = {label_of(*pair): weights_file(context.writer.path, *pair) for pair in networks}
    found = {label: sha256(file) for label, file in files.items() if file.is_file()}
    told = context.writer.manifest.training.get("weights", {})
    if found and {**told, **found} != told:
        update(context, weights={**told, **found})


def forget(context: Context, name: str, seed: int) -> None:
    """Weights that are made anew may be others: those of another machine are."""
    told = context.writer.manifest.training
    label = label_of(name, seed)
    update(
        context,
        **{key: {k: v for k, v in told[key].items() if k != label} for key in ("weights", "code") if key in told},
    )
    variants = [
        dataclasses.replace(entry, weights_sha256="") if (entry.name, entry.seed) == (name, seed) else entry
        for entry in context.writer.manifest.variants
    ]
    context.writer.update(variants=variants)


def update(context: Context, **values: Any) -> None:
    """Change some facts of the run's training in run.json and keep the others."""
    context.writer.update(training={**context.writer.manifest.training, **values})


def code_of(name: str) -> str:
    """Digest of a plug-in's code; empty of our own variants, whose version is the package's."""
    source = variant.plugin(name)
    return source.digest() if source is not None else ""


def listing_of(parts: Sequence[Dataset]) -> str:
    """What data sets look like without opening a picture: names, sizes and times of files."""
    return key_of(
        [part.recipe() if part.recipe is not None else [part.name, part.split, part.size, len(part)] for part in parts]
    )


def digest_of(pool: Path) -> str:
    """SHA-256 of the pixels in a pool; empty where it is none."""
    if not pool.is_file():
        return ""
    try:
        return sha256(pool) if np.load(pool, mmap_mode="r").dtype == np.uint8 else ""
    except (OSError, ValueError, EOFError):
        return ""


def remove(path: Path) -> None:
    """Delete a file or a whole folder; of a link only the link goes, and what is not there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
