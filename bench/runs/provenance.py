"""Where a run's numbers come from: versions, machine, source state, command line."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "inpaint-bench",
    "torch",
    "torchvision",
    "lpips",
    "torch-fidelity",
    "scikit-image",
    "scikit-learn",
    "opencv-python-headless",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "pillow",
)


def versions() -> dict[str, str]:
    """Package -> installed version; python's own beside them."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor() -> str:
    """The processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_gib() -> float:
    """Main memory in GiB; 0 where the system does not tell."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def machine() -> dict[str, str]:
    """What the numbers depend on of this machine: system, processor, cores, memory, GPU."""
    facts = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": str(cores()),
        "memory_gib": str(memory_gib()),
    }
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            facts["gpu"] = torch.cuda.get_device_name(0)
            facts["cuda"] = str(torch.version.cuda)
    return facts


def git(folder: Path) -> dict[str, str]:
    """Commit and state of the source tree that ``folder`` is in; empty where it is in none, or, as an installed
    package may, merely lies in somebody's."""

    def ask(*words: str) -> str:
        try:
            done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = ask("rev-parse", "HEAD")
    if not commit or not ask("ls-files", "--", "."):
        return {}
    changed = ask("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "state": f"{len(changed.splitlines())} files changed" if changed else "clean"}


def command_line() -> list[str]:
    """The command as it was typed, the program by its bare name."""
    return ["bench", *sys.argv[1:]]
