"""The proof that the gate neither cries wolf nor sleeps: run by hand, figures to docs/gate-proof.md.

    python tests/perf/gate_proof.py [--photos DIR] [--retrained] [--write docs/gate-proof.md]

Simulated runs go through the same files and functions as real ones. With ``--photos`` (a folder of pictures, or
BENCH_PHOTOS_DIR) real fills of real photographs are compared with fills of the same method in other holes; with
``--retrained`` small networks are trained from many seeds, compared, and damaged. An hour at most on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from fake_runs import fake_run

from bench.comparison.compare import Options
from bench.exporters.rounding import number
from bench.gate.noise import measure_noise, reach
from bench.gate.rules import parse_rule
from bench.gate.verdict import check_run
from bench.runs.reader import Run
from bench.statistics.intervals import hierarchical, intervals, seed_noise
from bench.statistics.scores import load_scores

MASKS = ("rect", "circle", "ellipse")
METRICS = ("psnr_hole", "ssim_hole", "lpips")
REAL_METRICS = ("psnr_hole", "ssim_hole", "l1_hole", "colour_shift")
REAL_METHODS = ("telea", "navier_stokes", "mean_fill")
QUICK = Options(resamples=4_000)
"""Fewer resamples than the 10,000 of a real check: the tails are a little noisier, the proof a little harder."""

Table = tuple[str, list[str], list[list[str]]]


def percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f} %" if of else "–"


# --- coverage -------------------------------------------------------------------------------------------------


def populations(rng: np.random.Generator) -> dict[str, tuple[Callable[[tuple[int, int]], np.ndarray], float]]:
    """Distributions of differences and their true means."""
    return {
        "normal": (lambda s: rng.normal(size=s), 0.0),
        "heavy tails (t, 3 df)": (lambda s: rng.standard_t(3, size=s), 0.0),
        "skewed (exponential)": (lambda s: rng.exponential(size=s), 1.0),
        "very skewed (lognormal)": (lambda s: rng.lognormal(0, 1, size=s), float(np.exp(0.5))),
        "7 of 10 unchanged": (lambda s: rng.normal(size=s) * (rng.random(s) < 0.3), 0.0),
    }


def coverage() -> Table:
    rng = np.random.default_rng(1)
    sizes = (20, 50, 200, 3000)
    rows = []
    for name, (draw, truth) in populations(rng).items():
        cells = [name]
        for size in sizes:
            columns = 2000 if size <= 200 else 500
            values = draw((size, columns))
            found = intervals(values, np.ones_like(values), resamples=QUICK.resamples)
            cells.append(percent(int(((found.low <= truth) & (truth <= found.high)).sum()), columns))
        rows.append(cells)
    rows.append(["6 mask types of an image, alike"] + [clustered_coverage(rng, size) for size in sizes])
    return "How often a 95 % interval holds the truth", ["differences", *(f"{n} images" for n in sizes)], rows


def clustered_coverage(rng: np.random.Generator, size: int) -> str:
    columns = 2000 if size <= 200 else 300
    image = rng.normal(size=(size, 1, columns))
    there = rng.random((size, 6, columns)) < 0.9
    rows = np.where(there, image + 0.6 * rng.standard_t(4, size=(size, 6, columns)), 0.0)
    found = intervals(rows.sum(1), there.sum(1).astype(float), resamples=QUICK.resamples)
    return percent(int(((found.low <= 0) & (found.high >= 0)).sum()), columns)


def seeds_coverage() -> Table:
    rng = np.random.default_rng(2)
    rows = []
    images, columns = 48, 1500
    for seeds in ((2, 2), (3, 3), (5, 5), (3, 5)):
        cells = [f"{seeds[0]} and {seeds[1]}"]
        for noise in (0.05, 0.2, 0.4):
            taste = rng.normal(size=(2, 1, images, columns))
            sides = [
                0.7 * taste[side]
                + noise * rng.normal(size=(count, 1, columns))
                + rng.normal(size=(count, images, columns))
                for side, count in enumerate(seeds)
            ]
            change = sides[1].mean(0) - sides[0].mean(0)
            ones = np.ones_like(change)
            noises = tuple(seed_noise(side, np.ones_like(side)) for side in sides)
            low, high = hierarchical(change, ones, noises, QUICK.resamples)[0].interval()
            alone = intervals(change, ones, resamples=1000)
            held, images_only = (int(((a <= 0) & (b >= 0)).sum()) for a, b in ((low, high), (alone.low, alone.high)))
            cells.append(f"{percent(held, columns)} ({percent(images_only, columns)})")
        rows.append(cells)
    header = ["training seeds a side", *(f"training noise {n} dB" for n in (0.05, 0.2, 0.4))]
    return "With training seeds: 95 % intervals (in brackets: of images alone)", header, rows


# --- simulated runs -------------------------------------------------------------------------------------------


def simulated(rng: np.random.Generator, base: np.ndarray, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Scores of one run: of an image's fills some move together, some alone, with heavy tails."""
    images = len(base)
    psnr = base + shift + 0.4 * rng.normal(size=(images, 1)) + 0.5 * rng.standard_t(4, size=base.shape)
    return {
        "psnr_hole": psnr,
        "ssim_hole": 1 / (1 + np.exp(-(psnr - 18) / 6)),
        "lpips": 0.12 * np.exp(-(psnr - 20) / 12 + 0.15 * rng.normal(size=base.shape)),
    }


ERROR_DB = float(np.sqrt(2 * (0.4**2 + 0.5**2 * 2 / 3)))
"""Standard deviation of an image's mean difference between two such runs (t with 4 df has variance 2)."""


def two_runs(folder: Path, rng: np.random.Generator, images: int, shift: float = 0.0) -> tuple[Run, Run]:
    base = rng.normal(20, 3, (images, len(MASKS)))
    old = fake_run(folder / "old", {("net", 0): simulated(rng, base)}, masks=MASKS)
    new = fake_run(folder / "new", {("net", 0): simulated(rng, base, shift)}, masks=MASKS)
    return old, new


def simulated_alarms(count: int) -> Table:
    rows = []
    for images in (20, 48, 124):
        cells = [str(images)]
        for width in (0.0, 0.5, 1.0, 3.6):
            rng = np.random.default_rng([images, int(10 * width)])
            alarms = lines = 0
            rules = tolerant_rules(width, images)
            for _ in range(count):
                with tempfile.TemporaryDirectory() as folder:
                    old, new = two_runs(Path(folder), rng, images)
                    checked = check_run(rules, new, old, QUICK)
                    alarms += checked.state == "regression"
                    lines = len(checked.lines)
            cells.append(f"{alarms} of {count}")
        rows.append(cells)
    header = ["images", *(f"tolerance {w:g} standard errors" for w in (0.0, 0.5, 1.0, 3.6))]
    return f"Simulated A/A checks of {lines} lines each that raised an alarm", header, rows


def tolerant_rules(width: float, images: int) -> list[Any]:
    """Rules for three metrics, pooled and by mask type, allowing ``width`` standard errors of the pooled PSNR."""
    decibel = width * ERROR_DB / np.sqrt(images)
    # The other metrics' slopes at the middle of their range: 1/24 a dB for SSIM, 1/12 of 0.12 for LPIPS.
    allowed = {"psnr_hole": decibel, "ssim_hole": decibel / 24, "lpips": decibel * 0.01}
    return [parse_rule(f"{m}{mask}:{a:.6f}") for m, a in allowed.items() for mask in ("", "[*]")]


def simulated_catches(count: int) -> Table:
    rows = []
    for images in (20, 48, 124):
        rng = np.random.default_rng([images, 77])
        tolerance = 0.0
        caught = alarms = 0
        for _ in range(count):
            with tempfile.TemporaryDirectory() as folder:
                old, again = two_runs(Path(folder), rng, images)
                tolerance = suggested(old, again)
                rules = [parse_rule(f"psnr_hole:{tolerance:.6f}")]
                old, new = two_runs(Path(folder), rng, images, shift=-2 * tolerance)
                caught += check_run(rules, new, old, QUICK).state == "regression"
                old, new = two_runs(Path(folder), rng, images)
                alarms += check_run(rules, new, old, QUICK).state == "regression"
        rows.append([str(images), f"{tolerance:.2f} dB", percent(caught, count), f"{alarms} of {count}"])
    return (
        "A drop of twice the tolerance, the tolerance being what one A/A pair suggests",
        ["images", "tolerance (of the last)", "caught", "alarms without a drop"],
        rows,
    )


def suggested(first: Run, second: Run, metric: str = "psnr_hole", variant: str = "net") -> float:
    """What ``bench noise`` suggests for intervals to hold: one reach, and the noise of 95 in 100."""
    for row in measure_noise([first, second], redrawn=True).rows:
        if (row.metric, row.mask, row.variant) == (metric, "all", variant):
            return row.image_error * reach(row.images)
    raise LookupError(metric)


# --- real pictures --------------------------------------------------------------------------------------------


def bench(*words: str, folder: Path) -> None:
    code = "from bench.cli import main\nif __name__ == '__main__':\n    main()"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"bench {' '.join(words)}: {done.stderr[-400:]}")


def real_runs(photos: Path, folder: Path, seeds: int) -> list[Run]:
    """The references' fills of the same photographs in holes of one suite seed each; kept if there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        if not (folder / "runs" / f"aa-{seed}" / "summary.json").is_file():
            bench(
                "eval", *REAL_METHODS, "--data", f"folder:{photos}", "--size", "96", "--masks", ",".join(MASKS),
                "--suite-seed", str(seed), "--metrics", ",".join(REAL_METRICS), "--out", f"aa-{seed}",
                folder=folder,
            )  # fmt: skip
    return [relabelled(Run.open(folder / "runs" / f"aa-{seed}"), folder / "alike") for seed in range(seeds)]


def relabelled(run: Run, folder: Path) -> Run:
    """The run's scores as those of one suite, so that other holes of the same photographs pass for the same."""
    found = {name: next(iter(load_scores(run, name).values())) for name in REAL_METHODS}
    some = found[REAL_METHODS[0]]
    scores = {
        (name, 0): {metric: table.values[0, :, :, table.columns.index(metric)] for metric in REAL_METRICS}
        for name, table in found.items()
    }
    ids = [str(name) for name in some.ids]
    return fake_run(folder / run.name, scores, masks=some.masks, ids=ids, dataset=some.dataset)


def pairs(runs: list[Run]) -> Iterator[tuple[Run, Run]]:
    """Disjoint pairs, so that comparisons are independent but for the photographs."""
    return zip(runs[::2], runs[1::2], strict=False)


def real_alarms(runs: list[Run]) -> Table:
    rows = []
    for method in REAL_METHODS:
        tolerances = {m: suggested(runs[0], runs[1], m, method) for m in REAL_METRICS}
        cells = [method]
        for width in (0.0, 0.25, 1.0):
            rules = [
                parse_rule(f"{method}.{m}{mask}:{width * t:.6f}") for m, t in tolerances.items() for mask in ("", "[*]")
            ]
            states = [check_run(rules, new, old, QUICK).state for old, new in pairs(runs)]
            cells.append(f"{states.count('regression')} of {len(states)}")
        caught = 0
        rule = [parse_rule(f"{method}.psnr_hole:{tolerances['psnr_hole']:.6f}")]
        for old, new in pairs(runs):
            with lowered(new, method, 2 * tolerances["psnr_hole"]) as worse:
                caught += check_run(rule, worse, old, QUICK).state == "regression"
        cells.append(f"{caught} of {len(runs) // 2} ({2 * tolerances['psnr_hole']:.2f} dB)")
        rows.append(cells)
    header = [
        "method",
        "alarms, no tolerance",
        "alarms, ¼ of the suggested",
        "alarms, the suggested",
        "caught: PSNR less twice the suggested",
    ]
    return "Real A/A: the same method on the same photographs in other holes, 16 lines a check", header, rows


@contextlib.contextmanager
def lowered(run: Run, variant: str, decibel: float) -> Iterator[Run]:
    """The run with every PSNR of a variant lower by so much."""
    scores = next(iter(load_scores(run, variant).values()))
    place = scores.columns.index("psnr_hole")
    values = scores.values[0, :, :, place] - decibel
    with tempfile.TemporaryDirectory() as folder:
        yield fake_run(
            Path(folder) / run.name,
            {(variant, 0): {"psnr_hole": values}},
            masks=scores.masks,
            ids=[str(name) for name in scores.ids],
            dataset=scores.dataset,
        )


def real_coverage(runs: list[Run]) -> Table:
    """Differences of telea and mean_fill on every photograph as a population to draw images from."""
    scores = [
        [next(iter(load_scores(run, name).values())).values[0] for name in ("telea", "mean_fill")] for run in runs
    ]
    change = np.concatenate([b - a for a, b in scores])[..., :3]
    truth = change.mean((0, 1))
    rng = np.random.default_rng(5)
    rows = []
    for size in (20, 50, 124):
        cells = [str(size)]
        for k in range(3):
            drawn = change[rng.integers(0, len(change), (size, 2000)), :, k]
            found = intervals(drawn.sum(2), np.full(drawn.shape[:2], float(drawn.shape[2])), resamples=QUICK.resamples)
            cells.append(percent(int(((found.low <= truth[k]) & (found.high >= truth[k])).sum()), 2000))
        rows.append(cells)
    return "95 % intervals of images drawn from real differences", ["images", *REAL_METRICS[:3]], rows


# --- retrained networks ---------------------------------------------------------------------------------------

TRAINED = ("baseline", "double_dg")


def retrained(folder: Path, seeds: int) -> list[Run]:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        if not (folder / "runs" / f"seed-{seed}" / "summary.json").is_file():
            bench(
                "run", "--profile", "tiny", "--variants", ",".join(TRAINED), "--seeds", str(seed),
                "--set", "count=48", "--set", "steps=30", "--no-throughput", "--out", f"seed-{seed}", folder=folder,
            )  # fmt: skip
    # One name for all: each is a retraining of the same thing.
    return [Run.open(folder / "runs" / f"seed-{seed}") for seed in range(seeds)]


def retrained_alarms(runs: list[Run]) -> Table:
    floor = measure_noise(runs[:4])
    allowed = {
        (row.variant, row.metric): row.tolerance
        for row in floor.rows
        if row.mask == "all" and row.metric in ("psnr_hole", "ssim_hole", "l1_hole", "colour_shift")
    }
    rows = []
    for variant in TRAINED:
        rules = [parse_rule(f"{v}.{m}:{t}") for (v, m), t in allowed.items() if v == variant]
        states = [check_run(rules, new, old, QUICK).state for old, new in pairs(runs[4:])]
        told = f"{allowed[variant, 'psnr_hole']:g} dB"
        rows.append([variant, told, f"{states.count('regression')} of {len(states)}"])
    header = ["network", "PSNR tolerance from four other seeds", "alarms"]
    return "Real A/A: networks trained again from another seed, 4 lines a check", header, rows


# --- damage ---------------------------------------------------------------------------------------------------

DAMAGED = (
    "run", "--profile", "tiny", "--variants", ",".join(TRAINED), "--set", "steps=400", "--set", "count=48",
    "--no-throughput",
)  # fmt: skip
RULES = ("psnr_hole:0.2", "ssim_hole:0.01")


def damage(folder: Path) -> Table:
    """A run, the same scored again, and the same with its weights rounded."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "runs" / "whole"
    if not (whole / "summary.json").is_file():
        bench(*DAMAGED, "--out", "whole", folder=folder)
    rows = []
    for bits in (None, 8, 6, 4, 3, 2):
        name = "again" if bits is None else f"bits-{bits}"
        copy = folder / "runs" / name
        if not (copy / "summary.json").is_file():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(whole, copy, ignore=shutil.ignore_patterns("records", "cache", "summary.json", "samples"))
            for file in copy.glob("checkpoints/*/*/generator.safetensors"):
                if bits is not None:
                    round_weights(file, bits)
            bench(*DAMAGED, "--out", name, folder=folder)
        checked = check_run([parse_rule(rule) for rule in RULES], Run.open(copy), Run.open(whole))
        cells = ["scored again" if bits is None else f"{bits} bits"]
        for variant in TRAINED:
            own = [line for line in checked.lines if line.target.candidate.variant == variant]
            cells.append(f"{number(own[0].reading.measured, 'dB')} dB: {', '.join(line.state for line in own)}")
        rows.append([*cells, str(int(checked.exit()))])
    header = ["weights", *(f"{name}: PSNR drop, states" for name in TRAINED), "exit code"]
    return f"Damage: weights rounded, rules {' and '.join(RULES)}", header, rows


def round_weights(file: Path, bits: int) -> None:
    """Round every weight tensor to 2^bits - 1 even steps between its extremes."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(file, "pt") as opened:
        facts = opened.metadata()
    tensors = load_file(file)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.ndim > 1:
            step = tensor.abs().max() / (2 ** (bits - 1) - 1)
            tensors[name] = (tensor / step).round() * step
    save_file(tensors, file, metadata=facts)


# --- the page -------------------------------------------------------------------------------------------------


def markdown(tables: list[Table], seconds: float) -> str:
    parts = [PREFACE]
    for title, header, rows in tables:
        lines = [
            f"## {title}",
            "",
            f"| {' | '.join(header)} |",
            f"| {' | '.join([':--'] + ['--:'] * (len(header) - 1))} |",
        ]
        parts.append("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]))
    return "\n\n".join([*parts, f"Made in {seconds / 60:.0f} minutes."]) + "\n"


PREFACE = """# Does the gate cry wolf, and does it wake up?

Written by `python tests/perf/gate_proof.py --photos DIR --retrained --write docs/gate-proof.md`. What is promised:
without a change at most one check in 100 raises an alarm; a drop of twice the tolerance that `bench noise` suggests
is caught 95 times in 100; a 95 % interval holds the truth 93 to 97 times in 100."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=os.environ.get("BENCH_PHOTOS_DIR"))
    parser.add_argument("--retrained", action="store_true")
    parser.add_argument("--count", type=int, default=400, help="simulated checks of each kind")
    parser.add_argument("--seeds", type=int, default=24, help="real runs of each kind")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "gate-proof")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    tables = [coverage(), seeds_coverage(), simulated_alarms(options.count), simulated_catches(4 * options.count)]
    if options.photos:
        runs = real_runs(Path(options.photos).resolve(), options.work / "real", options.seeds)
        tables += [real_coverage(runs), real_alarms(runs)]
    if options.retrained:
        tables += [retrained_alarms(retrained(options.work / "retrained", options.seeds))]
        tables += [damage(options.work / "damage")]
    text = markdown(tables, time.perf_counter() - began)
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
