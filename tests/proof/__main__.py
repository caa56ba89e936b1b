"""``make proof``: what a run survives, counted by outcome (docs/reliability.md)."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.proof.parts import PARTS, Part
from tests.proof.world import facts, make, told, warm


def prove(share: float, seed: int, chosen: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Every case of the parts (``share`` of them): part -> (what was done, verdict)."""
    warm()
    found = {}
    with tempfile.TemporaryDirectory(prefix="bench-proof-") as folder:
        for name in ("BENCH_CACHE_DIR", "BENCH_DATA_DIR"):
            os.environ[name] = str(Path(folder) / name)
        world = Path(folder) / "world"
        make(world)
        expected = told(world, lambda: facts(world / "runs" / "r"))
        for name in chosen or list(PARTS):
            attack, count = PARTS[name]
            part = Part(world, expected, Path(folder), seed)
            found[name], began = [], time.monotonic()
            for what, verdict in attack(part, max(1, round(share * count))):
                found[name].append((what, verdict))
                if len(found[name]) % 100 == 0:
                    print(f"  {name}: {len(found[name])}", file=sys.stderr, flush=True)
                if verdict not in ("right", "refused"):
                    print(f"  {what}: {verdict}", file=sys.stderr, flush=True)
            print(f"{line(name, found[name])} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def line(name: str, cases: list[tuple[str, str]]) -> str:
    right, refused = (sum(verdict == word for _, verdict in cases) for word in ("right", "refused"))
    return f"| {name} | {len(cases):,} | {right:,} | {refused:,} | {len(cases) - right - refused:,} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]}: choose from {', '.join(PARTS)}")
    found = prove(options.share, options.seed, options.parts)
    print("| attack | cases | right | refused in a sentence | failures |\n| :-- | --: | --: | --: | --: |")
    for name, cases in found.items():
        print(line(name, cases))
    return int(any(verdict not in ("right", "refused") for cases in found.values() for _, verdict in cases))


if __name__ == "__main__":
    sys.exit(main())
