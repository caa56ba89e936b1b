"""What this machine offers the harness, check by check, each with its remedy where it falls short."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.runs import provenance

FREE_GIB = 2.0


@dataclass(frozen=True)
class Check:
    """state: ``ok``, ``warning`` (a column or a speed is lost) or ``failed`` (bench run cannot work)."""

    name: str
    state: str
    found: str
    remedy: str = ""


def examine(weights_dir: Path | None, runs: Path) -> list[Check]:
    """All checks, in the order in which they are printed; each shortcoming comes with its remedy."""
    return [
        _packages(),
        _hardware(),
        _precision(),
        _perceptual(weights_dir),
        *_set_scores(weights_dir),
        _pictures(),
        _disk(runs),
        _browser(),
    ]


def _packages() -> Check:
    found = provenance.versions()
    missing = [name for name, version in found.items() if version == "not installed"]
    text = ", ".join(f"{name} {found[name]}" for name in ("python", "torch", "torchvision", "numpy", "scikit-image"))
    if missing:
        return Check("packages", "failed", f"missing: {', '.join(missing)}", "make install, or pip install -e .")
    return Check("packages", "ok", text)


def _hardware() -> Check:
    import torch

    text = f"{provenance.processor()}, {provenance.cores()} cores, {provenance.memory_gib()} GiB"
    if torch.cuda.is_available():
        return Check("hardware", "ok", f"{text}; {torch.cuda.get_device_name(0)}")
    return Check("hardware", "ok", f"{text}; no GPU: use the quick profile; the paper profile needs one")


def _precision() -> Check:
    import torch

    from variants.session import best_precision

    device = "cuda" if torch.cuda.is_available() else "cpu"
    best = best_precision(device)
    if best == "bf16":
        return Check("training precision", "ok", f"bf16 autocast on {device}: native hardware support")
    return Check("training precision", "ok", f"fp32 on {device}: no native bf16, training takes about twice as long")


def _perceptual(weights_dir: Path | None) -> Check:
    from bench.metrics.registry import metric
    from bench.metrics.scorer import Scorer

    names = [name for name, entry in metric.all().items() if entry.group == "perceptual" and not entry.approximate]
    why = next(iter(Scorer(names, weights_dir=weights_dir).missing.values()), "")
    if why:
        return Check("LPIPS backbone", "warning", why, "bench weights fetch, or bench weights add FILE")
    return Check("LPIPS backbone", "ok", "AlexNet found and checked")


def _set_scores(weights_dir: Path | None) -> list[Check]:
    from bench.backbones.backbone import find
    from bench.set_metrics.networks import NETWORKS
    from bench.set_metrics.registry import set_metric

    checks = []
    for name, network in NETWORKS.items():
        columns = [metric for metric, entry in set_metric.all().items() if entry.features == name]
        many = len(columns) > 1
        if not network.backbone.buildable:
            lacking = f"{network.backbone.package} is not installed"
            remedy = f"pip install 'inpaint-bench[{name}]'"
        else:
            lacking = "" if find(network.backbone, weights_dir) else "not found"
            remedy = f"bench weights fetch {name}"
        told = f"{lacking}: {', '.join(columns)} {'stay' if many else 'stays'} empty ({remedy})"
        found = f"found: {', '.join(columns)} {'are' if many else 'is'} computed"
        checks.append(Check(f"{network.title} weights", "ok", told if lacking else found))
    return checks


def _pictures() -> Check:
    from bench.datasets.registry import open_dataset
    from bench.profiles.profile import load_profile

    profile = load_profile("quick")
    try:
        counts = [
            len(open_dataset(spec, "test", 64, count)) for spec, count in zip(profile.data, profile.count, strict=True)
        ]
    except Exception as error:
        return Check(
            "pictures", "failed", f"the quick profile's pictures cannot be read: {error}", "reinstall scikit-image"
        )
    told = ", ".join(f"{count} {spec}" for spec, count in zip(profile.data, counts, strict=True))
    return Check("pictures", "ok", f"{told} held out")


def _disk(runs: Path) -> Check:
    place = runs if runs.exists() else Path.cwd()
    free = shutil.disk_usage(place).free / 2**30
    if not os.access(place, os.W_OK):
        return Check("disk", "failed", f"{place} cannot be written to", "choose another --runs-dir")
    if free < FREE_GIB:
        return Check("disk", "warning", f"{free:.1f} GiB free for runs", "free space, or choose another --runs-dir")
    return Check("disk", "ok", f"{free:.0f} GiB free for runs")


def _browser() -> Check:
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return Check("browser", "ok", "none can be opened here: copy report.html (one file) to a machine with a screen")
    return Check("browser", "ok", "bench report --open shows the report")
