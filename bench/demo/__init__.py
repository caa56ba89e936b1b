"""The interactive demo: open a picture, paint a hole, see every method fill it, confirm, revert, save.

In a notebook: ``import bench.demo; bench.demo.show("double_dg")``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def show(*specs: str, size: int | None = None, device: str | None = None, runs: str | Path | None = None) -> Any:
    """Open the demo in a notebook, below the cell; the methods are named as for ``bench eval``.

    Returns the page being served: ``.close()`` ends it. size: the side in pixels that holes are filled at (default:
    that of the training). runs: where runs live (default: BENCH_RUNS_DIR, else ``runs``).
    """
    from bench.demo.command import serve
    from bench.runs.reader import runs_dir

    return serve(specs, runs_dir(Path(runs) if runs else None), size=size, device=device, inline=True)
