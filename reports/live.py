"""A report that keeps up with a run that is going on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.runs.reader import Run
from bench.util.errors import BenchError
from reports.build import gather, write_page


def watch_run(
    path: Path, page: Path, every_s: float, *, compare: Run | None = None, opened: Callable[[Path], None] | None = None
) -> None:
    """Write the page whenever the run has changed, until the run is finished; Ctrl-C ends it earlier.

    The page reloads itself at the same pace. ``opened`` is called once, when it is there. Returns without writing
    for a run that is finished.
    """
    seen: object = None
    first = True
    while True:
        run = Run.open(path)
        if run.manifest.finished:
            return
        now = state(path, page)
        if now != seen:
            try:
                write_page(gather(run, compare=compare, beside=page.parent, reload_s=max(2, round(every_s))), page)
                seen = now
                print(f"wrote {page}", file=sys.stderr, flush=True)
            except (OSError, ValueError, BenchError) as error:
                # A file may vanish or be half a run's worth while it is read: the next look finds it whole.
                print(f"not yet: {error}", file=sys.stderr, flush=True)
            if first and opened and page.is_file():
                opened(page)
                first = False
        time.sleep(every_s)


def state(path: Path, page: Path) -> frozenset[tuple[str, int, int]]:
    """Every file of the run with its size and time: equal as long as nothing has changed."""
    found = set()
    for file in path.rglob("*"):
        if file.name.startswith(".") or file == page:
            continue
        try:
            facts = file.stat()
        except OSError:
            continue
        if file.is_file():
            found.add((str(file), facts.st_size, facts.st_mtime_ns))
    return frozenset(found)
