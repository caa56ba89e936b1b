"""Everything that wants a GPU, in one command: ``python -m tests.gpu`` (``make gpu``), from a plain checkout.

    python -m tests.gpu --out DIR                     all parts in --minutes, the page at the end and in DIR/gpu.md
    python -m tests.gpu --parts training,card         only these
    python -m tests.gpu --tiny --device cpu           the same in little, to see that it runs

Each part is a process of its own with a share of the time, so that one that fails, hangs or breaks the device leaves
the others alone. What it knows is in DIR/gpu.md within seconds, and everything it prints is in DIR/gpu.log.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import TextIO

from tests.gpu.marked import ROOT
from tests.gpu.page import Page
from tests.gpu.sizes import Sizes, tiny

PARTS = {"marked": 0.13, "training": 0.36, "speed": 0.16, "card": 0.10, "large": 0.05, "paper": 0.20}
"""The parts in their order, and their shares of the time. What one does not need goes to those after it."""

SPARE_S = 3.0
"""Seconds before its end at which a part should be through by itself."""


def main(words: list[str] | None = None) -> int:
    asked = arguments(words)
    if asked.only:
        return one(asked.only, asked)
    names = [name.strip() for name in asked.parts.split(",")]
    wrong = [name for name in names if name not in PARTS]
    if wrong:
        print(f"There is no part '{wrong[0]}'. Choose from {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    if asked.device.startswith("cuda") and not cards():
        print("torch sees no CUDA device. To see the command run without one: --tiny --device cpu.", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * asked.minutes
    whole = True
    with tempfile.TemporaryDirectory() as folder, (asked.out / "gpu.log").open("w", encoding="utf-8") as log:
        pages = {"card's name": Path(folder) / "head.md", **{name: Path(folder) / f"{name}.md" for name in names}}
        pages["card's name"].write_text(head(asked), encoding="utf-8")
        for place, name in enumerate(names):
            share = PARTS[name] / sum(PARTS[other] for other in names[place:])
            seconds = max(1.0, share * (ends - time.monotonic()))
            ended = run_part(name, seconds, asked, pages, log)
            if ended:
                whole = False
                with pages[name].open("a", encoding="utf-8") as stream:
                    stream.write(f"\n`{name}` {ended}\n")
            assemble(pages, asked.out)
    print((asked.out / "gpu.md").read_text(encoding="utf-8"))
    return 0 if whole else 1


def cards() -> int:
    import torch

    return torch.cuda.device_count()


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description="Measure everything that wants a GPU.")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder for gpu.md, gpu.log and the report")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=7.2, help="for all parts together (default: %(default)s)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu (default: %(default)s)")
    parser.add_argument("--tiny", action="store_true", help="tiny pictures and networks: to see that it runs")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ends", type=float, help=argparse.SUPPRESS)
    return parser.parse_args(words)


def one(name: str, asked: argparse.Namespace) -> int:
    """A part, in this process."""
    part = importlib.import_module(f"tests.gpu.{name}")
    page = Page(asked.page, asked.ends, asked.out)
    part.measure(page, tiny(asked.device) if asked.tiny else Sizes(asked.device))
    return 0


def run_part(name: str, seconds: float, asked: argparse.Namespace, pages: dict[str, Path], log: TextIO) -> str:
    """A part in a process of its own, what it prints passed on; how it ended, empty where that was well."""
    print(f"== {name}, {seconds:.0f} s", flush=True)
    words = [
        sys.executable, "-u", "-m", "tests.gpu", "--only", name, "--page", str(pages[name]),
        "--ends", f"{time.time() + seconds - SPARE_S:.1f}", "--out", str(asked.out.resolve()), "--device", asked.device,
    ]  # fmt: skip
    process = subprocess.Popen(
        words + ["--tiny"] * asked.tiny, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip
    last = [""]

    def pass_on() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            last[0] = line.strip() or last[0]
            log.write(line)
            log.flush()
            print(line, end="", flush=True)

    reader = threading.Thread(target=pass_on, daemon=True)
    reader.start()
    ends = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(0.2)
        assemble(pages, asked.out)
    late = process.poll() is None
    if late:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reader.join(timeout=5)
    if late:
        return f"was ended after {seconds:.0f} s, its time."
    return f"failed: {last[0][:300]}" if process.returncode else ""


def assemble(pages: dict[str, Path], out: Path) -> None:
    """What is known, as one page."""
    there = [file.read_text(encoding="utf-8").strip() for file in pages.values() if file.is_file()]
    (out / "gpu.md").write_text("\n\n".join(part for part in there if part) + "\n", encoding="utf-8")


def head(asked: argparse.Namespace) -> str:
    """The heading: where all was measured. The driver is asked, so that no device is opened here."""
    from bench.runs import provenance

    name, driver = provenance.processor(), ""
    if asked.device.startswith("cuda"):
        words = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        try:
            cards = subprocess.run(words, capture_output=True, text=True, timeout=30).stdout.splitlines()
            name, _, driver = cards[int(asked.device.partition(":")[2] or 0)].partition(", ")
        except (OSError, subprocess.TimeoutExpired, IndexError) as error:
            name = f"an unknown card (nvidia-smi: {error})"
    told = [f"torch {metadata.version('torch')}", f"driver {driver}" if driver else "", f"{provenance.cores()} cores"]
    source = provenance.git(ROOT)
    told.append(f"commit {source.get('commit', 'unknown')[:7]}")
    if source.get("state", "clean") != "clean":
        told[-1] += f" with {source['state']}"
    little = ", tiny sizes that say nothing of speed" if asked.tiny else ""
    return f"## Measured on {name}\n\n`make gpu`{little}: {', '.join(word for word in told if word)}.\n"


if __name__ == "__main__":
    sys.exit(main())
