"""The bench command as a user types it, for the tests of this folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

TINY = [
    "--profile", "tiny", "--size", "32",
    "--set", "steps=6", "--set", "train_count=48", "--set", "count=6", "--set", "width=4",
]  # fmt: skip


KEPT = ("BENCH_WEIGHTS_DIR", "BENCH_CACHE_DIR", "BENCH_DATA_DIR")


def bench(
    *words: str, cwd: Path, env: dict[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run the bench command as a user would, in ``cwd``."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BENCH_") or key in KEPT}
    return subprocess.run(
        [sys.executable, "-c", "from bench.cli import main\nif __name__ == '__main__':\n    main()", *words],
        cwd=cwd,
        env={**clean, "OMP_NUM_THREADS": "1", "BENCH_OFFLINE": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def hear_ctrl_c() -> None:
    """For ``preexec_fn``: what a shell runs in the background ignores Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
