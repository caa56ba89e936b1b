"""Making A/A runs: the same profile again and again, from other training seeds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.util.errors import BenchError


def repeat_runs(profile: str, count: int, folder: Path) -> list[str]:
    """Run ``profile`` ``count`` times, seeds 0, 1, …; the paths of the runs, which are gone on with if there.

    Raises BenchError where one fails.
    """
    made = []
    for seed in range(count):
        out = folder / f"noise-{Path(profile).stem}-{seed}"
        words = ["run", "--profile", profile, "--seeds", str(seed), "--out", str(out.absolute())]
        print(f"bench: A/A run {seed + 1} of {count}: bench {' '.join(words)}", file=sys.stderr)
        code = "from bench.cli import main\nif __name__ == '__main__':\n    main()"
        done = subprocess.run([sys.executable, "-c", code, *words], stdout=sys.stderr)
        if done.returncode not in (0, 5):
            raise BenchError(f"A/A run {seed + 1} of {count} ended with exit {done.returncode}: see its message above")
        made.append(str(out))
    return made
