"""``bench data``: data sets that are fetched or added, and checks of any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import app
from bench.cli.options import Json
from bench.util.errors import Exit, UsageError

if TYPE_CHECKING:
    from bench.datasets.archive import Archive

data_app = typer.Typer(
    help="Data sets: add or fetch one, verify any.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set that comes as an archive: places205.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a data set of another archive.")]


@data_app.command("list")
def list_data(json_output: Json = False) -> None:
    """List data sets, and whether those that come as an archive are installed."""
    from bench.cli.listing import summary_of
    from bench.datasets.archive import archive
    from bench.datasets.registry import dataset

    rows: list[dict[str, Any]] = []
    for name, opener in dataset.all().items():
        row: dict[str, Any] = {
            "name": name,
            "summary": summary_of(opener),
            "pictures": None,
            "folder": None,
            "here": None,
        }
        if name in archive.names():
            facts = archive.get(name)().facts()
            row |= {"here": facts is not None, "pictures": facts["pictures"] if facts else None}
        rows.append(row)
    if json_output:
        print(json.dumps(rows))
        return
    from rich.table import Table

    from bench.exporters.console import terminal

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "here", "summary"):
        table.add_column(column, overflow="fold")
    for row in rows:
        here = "" if row["here"] is None else f"{row['pictures']:,} pictures" if row["here"] else "no"
        table.add_row(row["name"], here, row["summary"])
    terminal().print(table)


@data_app.command("add")
def add(
    name: Name,
    archive: Annotated[Path, typer.Option("--archive", help="The archive, a .tar or .tar.gz file.")],
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Unpack an archive that you have into the data folder (BENCH_DATA_DIR).

    bench data add places205 --archive testSetPlaces205_resize.tar.gz
    """
    from bench.datasets.archive import owned

    which = find(name)
    with owned(which):
        _take_in(which, archive, force, json_output)


@data_app.command("fetch")
def fetch(
    name: Name,
    url: Annotated[
        list[str] | None, typer.Option("--url", help="A mirror of the archive (repeatable: tried in order).")
    ] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="Expected SHA-256 of the archive, or its first digits.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the archive after unpacking it.")] = False,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Download an archive and add it; an interrupted download resumes."""
    from bench.datasets.archive import owned
    from bench.util.download import download, from_mirrors, shown
    from bench.util.progress import Reporter, say

    which = find(name)
    for address in url or ():
        if not address.startswith(("http://", "https://")):
            raise UsageError(f"--url {address} must begin with http:// or https://")
    prefix = (sha256 or which.sha256).lower()
    if prefix.strip("0123456789abcdef") or len(prefix) > 64:
        raise UsageError(f"--sha256 {sha256} is not a SHA-256: give up to 64 hexadecimal digits")
    with owned(which):
        if which.facts() is not None and not force:
            say(f"{which.name} is already in {which.folder}; --force fetches it again")
            tell(which, json_output)
            return
        if which.download.is_file():
            say(f"{which.download} exists; adding it")
        else:
            with Reporter("fetch") as reporter:
                report, size = shown(reporter, name), None if url else which.bytes
                fetched = from_mirrors(
                    list(url or which.urls),
                    lambda address: download(address, which.download, prefix, report, size),
                )
            say(f"SHA-256 {fetched}")
        try:
            _take_in(which, which.download, force, json_output)
        except UsageError:
            which.download.unlink()
            raise
        if not keep:
            which.download.unlink()


@data_app.command("verify")
def verify(
    spec: Annotated[str, typer.Argument(metavar="DATA", help="places205, folder:DIR, shards:PATTERN, …")],
    json_output: Json = False,
) -> int:
    """Check every picture: of an added archive against its SHA-256, of other data by decoding it.

    Exit 0: all is well. 1: what is missing, changed or unreadable is listed.
    """
    from bench.datasets import archive as archives
    from bench.datasets.registry import open_dataset

    if spec in archives.archive.names():
        with reporting("verify", spec) as report:
            found = archives.verify(find(spec), report)
        wrong = [*(("missing", name) for name in found.missing), *(("changed", name) for name in found.changed)]
        wrong += [("extra", name) for name in found.extra]
        pictures = found.pictures
    else:
        data = open_dataset(spec, "all")
        wrong = [(f"unreadable ({why})", name) for name, why in data.skipped]
        pictures = len(data) + len(data.skipped)
    if json_output:
        findings = [{"file": name, "how": how} for how, name in wrong]
        print(json.dumps({"data": spec, "pictures": pictures, "whole": not wrong, "findings": findings}))
    else:
        for how, name in wrong:
            print(f"{how}: {name}")
        outcome = f"{len(wrong):,} finding{'s' * (len(wrong) > 1)}" if wrong else "all as they should be"
        print(f"{spec}: {pictures:,} pictures, {outcome}")
    return Exit.FAILED if wrong else Exit.OK


@data_app.command("cache")
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove them all; runs recreate what they need.")] = False,
    json_output: Json = False,
) -> None:
    """List the decoded pictures that runs share (BENCH_CACHE_DIR), or remove them."""
    from bench.datasets import packed
    from bench.util.places import cache_folder
    from bench.util.words import counted

    freed = packed.clear() if clear else 0
    rows = packed.listed()
    total = sum(row["bytes"] for row in rows)
    if json_output:
        print(json.dumps({"folder": str(cache_folder()), "bytes": total, "freed": freed, "packs": rows}))
        return
    if clear:
        print(f"{cache_folder()}: removed {freed / 1e6:,.1f} MB")
        return
    for row in rows:
        print(f"{row['bytes'] / 1e6:,.1f} MB, used {row['used']}: {'; '.join(row.get('of', ['?']))}")
    print(
        f"{cache_folder()}: {counted(len(rows), 'pack')}, {total / 1e6:,.1f} MB"
        + " (--clear removes them)" * bool(rows)
    )


def find(name: str) -> Archive:
    """The data set NAME as an archive; raises UsageError, with those that come as one, where it does not."""
    from bench.datasets.archive import archive
    from bench.datasets.registry import dataset

    if name in dataset.names() and name not in archive.names():
        raise UsageError(f"{name} is not available as an archive; available: {', '.join(archive.names())}")
    return archive.get(name)()


def _take_in(which: Archive, file: Path, force: bool, json_output: bool) -> None:
    from bench.datasets.archive import add
    from bench.util.progress import say

    if file.is_file() and file.stat().st_size != which.bytes:
        say(f"warning: {file} is {file.stat().st_size:,} bytes, not the {which.bytes:,} of the published archive")
    with reporting("unpack", which.name) as report:
        add(which, file, force, report)
    tell(which, json_output)


def tell(which: Archive, json_output: bool) -> None:
    """Print what was unpacked: count, size, folder and the archive's SHA-256."""
    facts = which.facts()
    assert facts is not None
    if json_output:
        print(json.dumps({**facts, "folder": str(which.folder)}))
        return
    size = f"{facts['bytes'] / 1e9:.2f} GB" if facts["bytes"] > 1e8 else f"{facts['bytes'] / 1e6:.2f} MB"
    print(f"{which.name}: {facts['pictures']:,} pictures ({size}) in {which.folder}")
    print(f"archive SHA-256 {facts['archive_sha256']}")
    if facts["pictures"] != which.pictures:
        print(f"the published archive holds {which.pictures:,} pictures: name the count beside your scores")
    print(f"use it with --data {which.name}")


class reporting:  # noqa: N801 - used as a function: with reporting("fetch", name) as report
    """Progress in bytes or pictures, as (done, total), on stderr."""

    def __init__(self, stage: str, name: str) -> None:
        from bench.util.progress import Reporter

        self.reporter, self.stage, self.name = Reporter(stage), stage, name

    def __enter__(self) -> Callable[[int, int], None]:
        self.reporter.__enter__()
        return self.report

    def report(self, done: int, total: int) -> None:
        """Show progress: pictures while verifying, else MB; a total of 0 is unknown."""
        per, unit = (1.0, "pictures") if self.stage == "verify" else (1e6, "MB")
        note = f"{done / per:,.0f} of {total / per:,.0f} {unit}" if total else f"{done / per:,.0f} {unit}"
        self.reporter.update(self.name, done, total or done + 1, note)

    def __exit__(self, *error: object) -> None:
        self.reporter.__exit__(*error)  # type: ignore[arg-type]
