"""Which code is mutated, and which tests must notice."""

from __future__ import annotations

from pathlib import Path

from tests.mutants.edits import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]

ROOMS: dict[str, tuple[str, ...]] = {
    "bench/metrics": ("tests/parity",),
    "bench/set_metrics": ("tests/parity/test_set_scores.py",),
    "bench/statistics": ("tests/test_examples.py",),
    "bench/comparison": ("tests/test_examples.py",),
    "bench/gate": (),
    "bench/suites": (),
    "bench/datasets": ("tests/bench/suites",),
    "bench/masks": (),
    "bench/util/draws.py": ("tests/bench/masks",),
    "bench/util/files.py": (),
    "bench/profiles": (),
    "bench/stages/score.py": ("tests/bench/stages/test_outcome.py", "tests/bench/stages/test_merge.py"),
    "bench/stages/outcome.py": ("tests/bench/stages/test_reuse.py",),
    "bench/stages/block.py": ("tests/bench/stages/test_outcome.py", "tests/bench/stages/test_several_fills.py"),
    "bench/stages/cells.py": ("tests/bench/stages/test_outcome.py", "tests/bench/stages/test_score.py"),
    "bench/stages/merge.py": (),
    "bench/stages/several_fills.py": (),
    "bench/stages/kept.py": (),
    "bench/methods": (),
    "bench/training": (),
    "variants": (),
}
"""Each with the tests that it has beside its mirror: bench/gate → tests/bench/gate, bench/util/draws.py →
tests/bench/util/test_draws*.py. A room that moves is renamed here and nowhere else."""


def mirror_of(room: str) -> list[str]:
    path = ROOT / "tests" / room
    mirror = sorted(path.parent.glob(f"test_{path.stem}*.py")) if path.suffix else [path] if path.exists() else []
    return [*(place.relative_to(ROOT).as_posix() for place in mirror), *ROOMS[room]]


def mutants_of(room: str) -> list[Mutant]:
    path = ROOT / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    names = {file.relative_to(ROOT).as_posix(): file for file in files}
    return [m for name, file in names.items() for m in mutants(file, name)]
