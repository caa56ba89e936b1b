"""A synthetic run folder, shaped as docs/run-folder.md describes: what the report's tests open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from bench.metrics.registry import metric
from bench.runs.manifest import DatasetEntry, Manifest, VariantEntry
from bench.runs.writer import RunWriter

# name -> kind, fills, hole PSNR, sharpness, signed colour shift, img/s, parameters: typical of a quick run.
VARIANTS: dict[str, tuple[str, str, float, float, float, float, int]] = {
    "baseline": ("network", "whole", 21.5, 0.45, -3.0, 900.0, 680_000),
    "basic_gan": ("network", "whole", 14.2, 2.10, 12.0, 890.0, 680_000),
    "gan_new_loss": ("network", "whole", 21.0, 0.70, -4.0, 895.0, 680_000),
    "gan_res_mask": ("network", "hole", 21.3, 0.66, -2.5, 610.0, 1_450_000),
    "gan_res_whole": ("network", "whole", 20.9, 0.60, -2.8, 605.0, 1_450_000),
    "double_dg": ("network", "hole", 18.9, 0.55, 15.0, 420.0, 1_900_000),
    "double_dg_linear": ("network", "hole", 21.0, 0.58, 1.0, 418.0, 1_900_000),
    "mean_fill": ("reference", "hole", 16.5, 0.02, 0.5, 9000.0, 0),
    "telea": ("reference", "hole", 20.4, 0.35, 0.3, 1500.0, 0),
    "navier_stokes": ("reference", "hole", 20.2, 0.33, 0.2, 1450.0, 0),
    "biharmonic": ("reference", "hole", 19.8, 0.80, 0.1, 12.0, 0),
}
DATASETS = ("scenes", "photos")
MASKS = ("standard", "rect", "circle", "ellipse")

METRICS = (
    "psnr",
    "psnr_hole",
    "ssim",
    "ssim_hole",
    "l1_hole",
    "mse",
    "mse_hole",
    "lpips",
    "colour_shift",
    "colour_shift_r",
    "colour_shift_g",
    "colour_shift_b",
    "colour_shift_share",
    "colour_shift_corrected",
    "colour_shift_r_corrected",
    "colour_shift_g_corrected",
    "colour_shift_b_corrected",
    "sharpness",
    "seam",
    "known_drift",
)
NEED_RAW = {name for name in METRICS if name.endswith("_corrected")} | {"known_drift"}


def fake_run(
    path: Path,
    *,
    variants: Sequence[str] = tuple(VARIANTS),
    datasets: Sequence[str] = DATASETS,
    masks: Sequence[str] = MASKS,
    pictures: int = 40,
    size: int = 64,
    seeds: Sequence[int] = (0,),
    ids: Sequence[str] | None = None,
    samples: int = 5,
    throughput: bool = True,
    finished: bool = True,
    no_lpips: str | None = None,
    suite: str = "5a17e" + "0" * 59,
    shift: float = 0.0,
    summary: bool = True,
    facts: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Write a run folder at ``path`` and return it.

    ids: picture ids of every data set (default ``0000``…); samples: rows of the lighthouse grid;
    no_lpips: why LPIPS is missing, None when it is there; shift: added to every network's hole PSNR;
    facts: variant -> column -> value that all its records get, plus a little noise that differs by picture.
    """
    path.mkdir(parents=True, exist_ok=True)
    names = list(ids) if ids is not None else [f"{i:04d}" for i in range(pictures)]
    members = [(v, s) for v in variants for s in (seeds if VARIANTS[v][0] == "network" else (0,))]
    label = {(v, s): v if sum(m[0] == v for m in members) == 1 else f"{v}@{s}" for v, s in members}
    scores = write_records(path, members, datasets, masks, names, no_lpips, shift, facts or {})
    if summary:
        write_summary(path, scores, suite)
    for variant, seed in members:
        if VARIANTS[variant][0] == "network":
            write_history(path / "checkpoints" / variant / f"seed-{seed}", VARIANTS[variant][2])
    if throughput:
        write_throughput(path, list(variants))
    if samples:
        write_samples(path, [label[m] for m in members], datasets, masks, names, size, samples, scores)
    manifest = Manifest(
        name=path.name,
        command=["bench", "run", "--profile", "quick", "--out", path.name],
        created="2025-01-02T10:00:00+00:00",
        finished="2025-01-02T10:05:41+00:00" if finished else None,
        profile={"name": "quick", "size": size, "width": 0.25, "steps": 800, "batch": 16},
        suite=suite,
        size=size,
        datasets=[DatasetEntry(d, count=len(names), note=f"{d} made up for a test") for d in datasets],
        masks=list(masks),
        variants=[
            VariantEntry(
                name=v,
                seed=s,
                kind=VARIANTS[v][0],
                summary=f"what {v} is, in a sentence",
                fills=VARIANTS[v][1],
                parameters=VARIANTS[v][6],
                weights_sha256=hashlib.sha256(v.encode()).hexdigest() if VARIANTS[v][0] == "network" else "",
            )
            for v, s in members
        ],
        metrics={
            name: replace(
                metric.get(name),
                reference="a reference library",
                version=1,
                summary=f"what {name} measures",
            )
            for name in METRICS
        },
        missing={"lpips": no_lpips} if no_lpips else {},
        notes=["2 pictures of photos are smaller than the hole and were left out."],
        stages={"train": 190.2, "evaluate": 44.1, "throughput": 30.5, "report": 3.0} if finished else {},
        versions={"inpaint-bench": "0.1.0", "python": "3.12.1", "torch": "2.11.0", "numpy": "2.4.0"},
        machine={"system": "a system", "processor": "a processor", "cores": "2", "memory_gib": "16", "gpu": "none"},
        git={"commit": "0123456789abcdef0123456789abcdef01234567", "state": "clean"},
    )
    RunWriter(path, manifest).write()
    return path


def write_records(
    path: Path,
    members: list[tuple[str, int]],
    datasets: Sequence[str],
    masks: Sequence[str],
    ids: list[str],
    no_lpips: str | None,
    shift: float,
    facts: Mapping[str, Mapping[str, float]],
) -> dict[tuple[str, int, str, str], pd.DataFrame]:
    frames = {}
    for d, dataset in enumerate(datasets):
        for m, mask in enumerate(masks):
            shared = np.random.default_rng([d, m])
            area = np.full(len(ids), 0.25) if mask == "standard" else shared.uniform(0.02, 0.5, len(ids))
            ease = shared.normal(0, 2.5, len(ids)) - 8 * (area - 0.25)
            for variant, seed in members:
                frame = member_frame(variant, seed, (d, m), area, ease, shift)
                for column, value in facts.get(variant, {}).items():
                    frame[column] = value + np.linspace(-0.01, 0.01, len(ids))
                if no_lpips:
                    frame["lpips"] = np.nan
                frame.insert(0, "variant", variant)
                frame.insert(1, "seed", seed)
                frame.insert(2, "dataset", dataset)
                frame.insert(3, "mask", mask)
                frame.insert(4, "image_id", ids)
                file = path / "records" / variant / f"seed-{seed}" / f"{dataset}-{mask}.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                frame.to_parquet(file, index=False)
                frames[variant, seed, dataset, mask] = frame
    return frames


def member_frame(
    variant: str, seed: int, place: tuple[int, int], area: np.ndarray, ease: np.ndarray, shift: float
) -> pd.DataFrame:
    kind, fills, psnr, sharp, colour, _, _ = VARIANTS[variant]
    n = len(area)
    random = np.random.default_rng([list(VARIANTS).index(variant), seed, *place])
    hole = psnr + ease + random.normal(0, 0.8, n) - 1.5 * place[0] + (shift if kind == "network" else 0)
    mse_hole = 10 ** (-hole / 10)
    signed = {c: colour * f + random.normal(0, 4, n) for c, f in (("r", 1.0), ("g", 0.8), ("b", 0.6))}
    magnitude = np.sqrt(sum(v**2 for v in signed.values()) / 3) / 2.5
    own = kind == "network" and fills == "whole"
    left = {c: v * (0.4 if own else 1.0) for c, v in signed.items()}
    frame = {
        "hole_area": area,
        "failed": [""] * n,
        "psnr": -10 * np.log10(mse_hole * area),
        "psnr_hole": hole,
        "ssim": 1 - area * 0.9 / (1 + np.exp((hole - 16) / 4)),
        "ssim_hole": 1 / (1 + np.exp(-(hole - 20) / 4)),
        "l1_hole": np.sqrt(mse_hole) * 0.8,
        "mse": mse_hole * area,
        "mse_hole": mse_hole,
        "lpips": np.clip(area * (0.9 - 0.03 * hole) + 0.05 * abs(sharp - 1), 0, 1),
        "colour_shift": magnitude,
        **{f"colour_shift_{c}": v for c, v in signed.items()},
        "colour_shift_share": np.clip(0.2 + abs(colour) / 40 + random.normal(0, 0.05, n), 0, 1),
        "colour_shift_corrected": magnitude * (0.4 if own else 1.0),
        **{f"colour_shift_{c}_corrected": v for c, v in left.items()},
        "sharpness": np.log2(sharp * np.exp(random.normal(0, 0.2, n))),
        "seam": 3 + abs(colour) * 0.4 + random.normal(0, 1, n),
        "known_drift": np.abs(random.normal(6, 2, n)) if own else np.zeros(n),
    }
    if kind == "reference":
        frame |= {name: np.full(n, np.nan) for name in NEED_RAW}
    return pd.DataFrame(frame)


def write_summary(path: Path, frames: dict[tuple[str, int, str, str], pd.DataFrame], suite: str) -> None:
    groups: dict[tuple[str, int, str, str], list[pd.DataFrame]] = {}
    for (variant, seed, dataset, mask), frame in frames.items():
        groups.setdefault((variant, seed, dataset, mask), []).append(frame)
        groups.setdefault((variant, seed, dataset, "all"), []).append(frame)
    scores = []
    for (variant, seed, dataset, mask), parts in groups.items():
        frame = pd.concat(parts)
        for name in METRICS:
            values = frame[name].dropna()
            half = 1.96 * values.std() / np.sqrt(max(len(values), 1))
            mean = values.mean()
            scores.append(
                {
                    "variant": variant,
                    "seed": seed,
                    "dataset": dataset,
                    "mask": mask,
                    "metric": name,
                    "mean": None if np.isnan(mean) else float(mean),
                    "low": None if np.isnan(mean) else float(mean - half),
                    "high": None if np.isnan(mean) else float(mean + half),
                    "n": len(values),
                }
            )
    summary = {"schema": 1, "suite": suite, "protocol": "native", "scores": scores, "throughput": []}
    (path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def write_history(folder: Path, level: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.safetensors").write_bytes(b"weights")
    steps = np.arange(20, 801, 20)
    random = np.random.default_rng(int(level * 10))
    frame = pd.DataFrame(
        {
            "step": steps,
            "epoch": steps / 100,
            "seconds": steps * 0.15,
            "images_per_s": 100.0,
            "lr": 3e-3 * (1 - steps / 800),
            "mse": 0.3 * np.exp(-steps / 150) + 0.02 + random.normal(0, 0.002, len(steps)),
            "adversarial": 0.7 + random.normal(0, 0.05, len(steps)),
            "validation_psnr_hole": [level - 8 * np.exp(-s / 200) if s % 100 == 0 else np.nan for s in steps],
        }
    )
    frame.to_csv(folder / "history.csv", index=False)


def write_throughput(path: Path, variants: list[str]) -> None:
    rows = [
        {
            "variant": v,
            "device": "cpu",
            "precision": "fp32",
            "mode": "eager",
            "resolution": 64,
            "batch": batch,
            "images_per_s": VARIANTS[v][5] * batch / (batch + 2),
            "latency_ms_p50": 1000 / VARIANTS[v][5] * (batch + 2),
            "peak_memory_mib": 40.0 + batch,
            "parameters": VARIANTS[v][6],
        }
        for v in variants
        for batch in (1, 4, 16)
    ]
    pd.DataFrame(rows).to_parquet(path / "throughput.parquet", index=False)


def choose_samples(
    datasets: Sequence[str],
    masks: Sequence[str],
    ids: list[str],
    count: int,
    scores: dict[tuple[str, int, str, str], pd.DataFrame],
) -> list[tuple[str, str, str, str, str]]:
    """(data set, mask, picture, why, of): the rules of a run, every picture named once."""
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    for dataset in datasets:
        for name in ids[:count]:
            found[dataset, masks[0], name] = ("standard", "")
    for dataset in datasets:
        for mask in masks:
            table = pd.DataFrame(
                {
                    key[:2]: frame.set_index("image_id")["psnr_hole"]
                    for key, frame in scores.items()
                    if key[2:] == (dataset, mask)
                }
            )
            networks = [c for c in table.columns if VARIANTS[c[0]][0] == "network"] or list(table.columns)
            mean, spread = table[networks].mean(axis=1), table[networks].std(axis=1, ddof=0)
            for name, why, of in [
                (ids[len(ids) // 2], "random", ""),
                (mean.idxmax(), "best", ""),
                (mean.idxmin(), "worst", ""),
                (spread.idxmax(), "disputed", ""),
                *((table[c].idxmin(), "worst", c[0]) for c in networks),
            ]:
                found.setdefault((dataset, mask, name), (why, of))
    return [(*key, *value) for key, value in found.items()]


def write_samples(
    path: Path,
    labels: list[str],
    datasets: Sequence[str],
    masks: Sequence[str],
    ids: list[str],
    size: int,
    count: int,
    scores: dict[tuple[str, int, str, str], pd.DataFrame],
) -> None:
    items: list[dict[str, Any]] = []
    for dataset, mask, name, why, of in choose_samples(datasets, masks, ids, count, scores):
        k, stem = ids.index(name), f"{len(items):03d}"
        folder = path / "samples" / stem
        folder.mkdir(parents=True, exist_ok=True)
        truth, hole = picture(size, k + (100 if dataset == "photos" else 0)), hole_of(mask, size, k)
        Image.fromarray(truth).save(folder / "truth.png")
        Image.fromarray((hole * 255).astype(np.uint8)).save(folder / "hole.png")
        fills: dict[str, dict[str, str | None]] = {}
        for n, label in enumerate(labels):
            kind, covers, *_ = VARIANTS[label.split("@")[0]]
            raw = raw_fill(truth, label, k)
            filled = np.where(hole[..., None], raw, truth)
            fills[label] = {"filled": f"{stem}/{n}.png", "raw": None, "corrected": None}
            Image.fromarray(filled).save(folder / f"{n}.png")
            if kind == "network" and covers == "whole":
                fixed = np.clip(raw.astype(int) - 4, 0, 255).astype(np.uint8)
                fills[label] |= {"raw": f"{stem}/{n}-raw.png", "corrected": f"{stem}/{n}-corrected.png"}
                Image.fromarray(raw).save(folder / f"{n}-raw.png")
                Image.fromarray(np.where(hole[..., None], fixed, truth)).save(folder / f"{n}-corrected.png")
        items.append(
            {
                "dataset": dataset,
                "mask": mask,
                "image_id": name,
                "why": why,
                "of": of,
                "hole_area": float(hole.mean()),
                "truth": f"{stem}/truth.png",
                "hole": f"{stem}/hole.png",
                "fills": fills,
            }
        )
    (path / "samples" / "index.json").write_text(json.dumps({"schema": 1, "items": items}), encoding="utf-8")


def picture(size: int, index: int) -> np.ndarray:
    """A lighthouse on a hill by the sea, roughly; uint8 (size, size, 3)."""
    random = np.random.default_rng(index)
    y, x = np.mgrid[0:size, 0:size] / size
    sky = np.stack([0.45 + 0.4 * y, 0.6 + 0.25 * y, 0.9 - 0.15 * y], -1)
    scene = sky + 0.04 * np.sin(9 * x + 14 * y + index)[..., None]
    horizon = 0.6 + 0.1 * random.random()
    sea = np.array([0.1, 0.3, 0.45]) + 0.08 * np.sin(60 * y + 8 * x)[..., None]
    scene = np.where((y > horizon)[..., None], sea, scene)
    centre = 0.35 + 0.3 * random.random()
    hill = y > 1 - 0.35 * np.exp(-(((x - centre) / 0.25) ** 2))
    scene = np.where(hill[..., None], np.array([0.25, 0.4, 0.2]), scene)
    tower = (abs(x - centre) < 0.05 + 0.03 * y) & (y > 0.25) & (y < 0.8)
    bands = np.where((np.floor(y * 12) % 2 == 0)[..., None], np.array([0.9, 0.9, 0.88]), np.array([0.75, 0.15, 0.1]))
    scene = np.where(tower[..., None], bands, scene)
    scene = scene + random.normal(0, 0.015, scene.shape)
    return (np.clip(scene, 0, 1) * 255).round().astype(np.uint8)


def hole_of(mask: str, size: int, index: int) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size] / size
    random = np.random.default_rng(1000 + index)
    cx, cy = (0.5, 0.5) if mask == "standard" else tuple(random.uniform(0.35, 0.65, 2))
    if mask in ("circle", "ellipse"):
        rx, ry = (0.22, 0.22) if mask == "circle" else tuple(random.uniform(0.12, 0.32, 2))
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
    half = 0.25 if mask == "standard" else random.uniform(0.1, 0.3)
    return (abs(x - cx) < half) & (abs(y - cy) < half)


def raw_fill(truth: np.ndarray, label: str, index: int) -> np.ndarray:
    """What a method of that name might paint over the whole picture; uint8 like ``truth``."""
    from scipy.ndimage import gaussian_filter

    _, _, psnr, sharp, colour, _, _ = VARIANTS[label.split("@")[0]]
    random = np.random.default_rng([list(VARIANTS).index(label.split("@")[0]), index])
    if label.startswith("mean_fill"):
        return np.broadcast_to(truth.mean((0, 1)).round().astype(np.uint8), truth.shape)
    blur = max(0.5, (24 - psnr) * truth.shape[0] / 128)
    image = gaussian_filter(truth.astype(float), (blur, blur, 0)) + colour
    if sharp > 0.65:
        image += random.normal(0, 14 * sharp, truth.shape)
    if label.startswith("double_dg") and not label.endswith("linear"):
        image = np.maximum(image, [124, 116, 104])
    return np.clip(image, 0, 255).round().astype(np.uint8)
