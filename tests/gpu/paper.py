"""A short run of the paper profile on drawn scenes, by the real command, with a real report."""

from __future__ import annotations

import csv
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.gpu.marked import ROOT
from tests.gpu.page import Page
from tests.gpu.sizes import Sizes

REFERENCES = ("mean_fill", "telea")


def measure(page: Page, sizes: Sizes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "paper"
        words = command(sizes, run)
        print("$", " ".join(words), flush=True)
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told: list[str] = []
        reader = threading.Thread(target=pass_on, args=(process.stdout, told), daemon=True)
        reader.start()
        ended = ""
        try:
            if process.wait(timeout=max(1.0, page.left)):
                reader.join(timeout=5)
                ended = f"It ended with exit code {process.returncode}: {told[-1] if told else 'without a word'}"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended = "It was ended before it was done: the time was up."
        page.say(
            f"`bench run --profile paper` with {sizes.trained_on:,} scenes, {sizes.steps} steps a variant and "
            f"{sizes.count} pictures of each of {len(sizes.masks)} mask types, {sizes.side} px, width {sizes.width}, "
            f"batch {sizes.batch}:"
        )
        if ended:
            page.put(ended)
        if (run / "run.json").is_file():
            tell(page, run)
        for name in ("report.html", "summary.json"):
            if (run / name).is_file():
                shutil.copy(run / name, page.out / name)


def pass_on(stream: Any, told: list[str]) -> None:
    for line in stream:
        print(line, end="", flush=True)
        told += [line.strip()] if line.strip() else []


def command(sizes: Sizes, run: Path) -> list[str]:
    settings = {
        "variants": ",".join((*sizes.variants, *REFERENCES)), "size": sizes.side, "width": sizes.width,
        "batch": sizes.batch, "steps": sizes.steps, "train_count": sizes.trained_on, "data": "scenes",
        "count": sizes.count, "masks": ",".join(sizes.masks), "samples": 2,
    }  # fmt: skip
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    words = [sys.executable, "-m", "bench.cli", "run", "--profile", "paper", "--device", sizes.device]
    return [*words, "--no-throughput", "--out", f"{run}", *sets]


def tell(page: Page, run: Path) -> None:
    """The stages' seconds, and a row for each method: how fast it trained, how well it fills."""
    stages = json.loads((run / "run.json").read_text(encoding="utf-8"))["stages"]
    page.put(", ".join(f"{name} {seconds:.0f} s" for name, seconds in stages.items()) + ".")
    if not (run / "summary.json").is_file():
        return
    scores = json.loads((run / "summary.json").read_text(encoding="utf-8"))["scores"]
    page.table("method", "img/s in training", "hole PSNR [dB]", "hole SSIM", "LPIPS")
    for name in dict.fromkeys(score["variant"] for score in scores):
        history = run / "checkpoints" / name / "seed-0" / "history.csv"
        rates = list(csv.DictReader(history.open(encoding="utf-8"))) if history.is_file() else []
        last = [float(row["images_per_s"]) for row in rates[len(rates) // 2 :]]
        means = [mean_of(scores, name, column) for column in ("psnr_hole", "ssim_hole", "lpips")]
        page.row(f"`{name}`", statistics.median(last) if last else "", *means)


def mean_of(scores: list[dict[str, Any]], name: str, column: str) -> float:
    """Over all mask types; NaN where the column is empty."""
    wanted = {"variant": name, "mask": "all", "metric": column}
    means = [score["mean"] for score in scores if all(score[key] == value for key, value in wanted.items())]
    return means[0] if means and means[0] is not None else math.nan
