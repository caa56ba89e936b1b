"""``bench suite``: write a frozen suite for any tool to fill, and check one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import app
from bench.cli.options import Json, MaskPolarity, MaskThreshold, Size
from bench.util.errors import Exit, UsageError

suite_app = typer.Typer(
    help="Export pictures, holes and a manifest for any tool to fill, verify an export, or recognise masks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(suite_app, name="suite")


@suite_app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    data: Annotated[str, typer.Option("--data", help="scenes, photos, folder:PATH or suite:DIR.")] = "scenes",
    masks: Annotated[
        str, typer.Option("--masks", help="Mask types, comma-separated, all, folder:DIR of hole PNGs, or pool:DIR.")
    ] = "standard,rect,circle,ellipse",
    size: Size = None,
    count: Annotated[int | None, typer.Option("--count", help="Limit on pictures.")] = None,
    seed: Annotated[int, typer.Option("--seed", "--suite-seed", help="Seed of the holes.")] = 0,
    split: Annotated[
        str | None,
        typer.Option("--split", help="train, validation, test or all (default: test; your own pictures: all)."),
    ] = None,
    protocol: Annotated[str, typer.Option("--protocol", help="native, lama, mat, aot or brushbench.")] = "native",
    mask_polarity: MaskPolarity = None,
    mask_threshold: MaskThreshold = None,
    force: Annotated[bool, typer.Option("--force", help="Write even if the folder is not empty.")] = False,
    json_output: Json = False,
) -> None:
    """Write images/, holes/, masked/ and manifest.json (ids, digests, hole areas, how to score) into DIR."""
    from bench.datasets.registry import is_own, open_dataset
    from bench.metrics.protocol import find_protocol
    from bench.suites.export import export_suite, prepare
    from bench.suites.hole_file import Reading
    from bench.suites.suite import Suite, parse_masks
    from bench.util.progress import Reporter, say

    find_protocol(protocol)
    prepare(folder, force)
    reading = Reading(mask_polarity or "white", mask_threshold)
    parse_masks(masks, reading)
    for spec in (data, masks):
        source = Path(spec.partition(":")[2]).expanduser()
        if ":" in spec and source.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{source} is inside {folder}, the folder to write: name another")
    dataset = open_dataset(data, split or ("all" if is_own(data) else "test"), size, count)
    for name, why in dataset.skipped:
        say(f"warning: skipped {name}: {why}")
    suite = Suite.open([dataset], masks, seed, reading, protocol)
    with Reporter("export") as reporter:
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            reporter.update(suite.titles[dataset.name], done, len(dataset))

        manifest = export_suite(suite, folder, force, progress)
    for note in manifest["notes"]:
        say(f"note: {note}")
    facts = {
        "folder": str(folder),
        "suite": manifest["fingerprint"],
        "protocol": protocol,
        "seed": seed,
        "images": len(dataset),
        "masks": manifest["masks"],
    }
    if json_output:
        print(json.dumps(facts))
        return
    print(f"{folder}: {len(dataset)} pictures, holes of {', '.join(manifest['masks'])}")
    print(f"fingerprint {manifest['fingerprint']}")
    print(f"how to fill and score it: see {folder / 'manifest.json'}")


@suite_app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an exported suite.")],
    json_output: Json = False,
) -> int:
    """Verify every file of an exported suite: exit 0 if intact, else 1 with a list of differences."""
    from bench.datasets.suite_manifest import read_manifest
    from bench.suites.verify import verify_suite
    from bench.util.progress import Reporter

    total = len(read_manifest(folder)["images"])
    with Reporter("verify") as reporter:
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            reporter.update(str(folder), done, total)

        found = verify_suite(folder, progress)
    code = Exit.OK if found.whole else Exit.FAILED
    if json_output:
        facts = {
            "folder": str(folder),
            "whole": found.whole,
            "suite": found.fingerprint,
            "expected": found.expected,
            "missing": list(found.missing),
            "changed": [{"file": name, "how": how} for name, how in found.changed],
            "extra": list(found.extra),
        }
        print(json.dumps(facts))
        return code
    if found.whole:
        print(f"{folder}: intact, {total} pictures, fingerprint {found.fingerprint}")
        return code
    for word, lines in (
        ("missing", list(found.missing)),
        ("changed", [f"{name} ({how})" for name, how in found.changed]),
        ("extra", list(found.extra)),
    ):
        for line in lines:
            print(f"{word}: {line}")
    listed = len(found.missing) + len(found.changed) + len(found.extra)
    if found.fingerprint is None:
        seen = "no fingerprint: files are missing or unreadable"
    elif found.fingerprint == found.expected:
        seen = "the fingerprint of pictures and holes still matches"
    else:
        seen = f"the fingerprint is {found.fingerprint}"
    print(f"{folder}: not as exported ({listed} findings); {seen}, the manifest says {found.expected}")
    return code


@suite_app.command("masks")
def masks_of(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of hole files, or an exported suite.")],
    add: Annotated[str | None, typer.Option("--add", help="Keep these holes as a known set of this name.")] = None,
    title: Annotated[str, typer.Option("--title", help="With --add: a readable name of the set.")] = "",
    mask_polarity: MaskPolarity = None,
    mask_threshold: MaskThreshold = None,
    json_output: Json = False,
) -> None:
    """Recognise known masks in a folder by their bits, and print the digest of the set.

    bench suite masks nvidia_test --add nvidia_irregular_test --title 'NVIDIA irregular masks, test'

    Two folders of the same holes have the same digest, whatever their files, names and order.
    """
    from bench.datasets.folder import find_pictures
    from bench.suites.hole_file import Reading
    from bench.suites.mask_sets import MaskSet, add_set, keys_of, recognised
    from bench.util.progress import Reporter

    if not folder.is_dir():
        raise UsageError(f"there is no folder of holes at {folder}")
    root = folder / "holes" if (folder / "manifest.json").is_file() and (folder / "holes").is_dir() else folder
    files = [root / name for name in find_pictures(root)[0]]
    if not files:
        raise UsageError(f"no holes in {root}")
    reading = Reading(mask_polarity or "white", mask_threshold)
    with Reporter("masks") as reporter:
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            reporter.update(str(folder), done, len(files))

        keys = keys_of(files, lambda file: reading.hole(reading.levels(file)), progress)
    clauses = recognised(keys)
    digest = MaskSet("", "", frozenset(keys)).digest
    file = add_set(add, title, keys) if add is not None else None
    if json_output:
        facts = {"folder": str(folder), "files": len(files), "holes": len(keys), "digest": digest, "known": clauses}
        print(json.dumps({**facts, "file": str(file) if file else None}))
        return
    print(f"{folder}: {len(files):,} files, {len(keys):,} different holes, digest {digest}")
    for clause in clauses or ["are of no known set"]:
        print(f"these holes {clause}")
    if file is not None:
        print(f"kept as {file}")
