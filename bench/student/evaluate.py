"""Measure the student against AlexNet-LPIPS on pictures that it never saw, and write the figures down.

    python -m bench.student.evaluate --kodak DIR --run RUN --weights-dir DIR --out FIGURES.md

Pictures: scenes of the test stream at 64 px; 64-px crops of the Kodak photographs and of scikit-image's test
photographs; the Kodak photographs at 256 px. Fills: the reference methods, the trained variants of a run, and
synthetic ones from right to garbage. Holes: five mask types.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from bench import backbones as weights
from bench.backbones.student import FILE, load_stack
from bench.masks.registry import draw
from bench.metrics import lpips_patch
from bench.metrics.card import Hole
from bench.student import pairs

MASKS = ("standard", "rect", "circle", "ellipse", "freeform")
REFERENCES = ("mean_fill", "telea", "navier_stokes", "biharmonic")
SYNTHETIC = ("noise", "blurred_truth", "shifted_truth", "pasted", "recoloured_truth", "noisy_truth", "patterned")
SEPARATED = 0.01
"""p of the paired t test under which the real LPIPS tells two methods apart."""

WANTED = {"scenes, 64 px": 0.018, "photo crops, 64 px": 0.020, "Kodak, 256 px": 0.012}
"""The largest mean error of LPIPS that a bundled student may have."""
RANK, SHIFT, PAIRS = 0.97, 0.006, 0.99
"""And its smallest Spearman correlation, largest mean shift either way, smallest share of separated pairs."""


@dataclass
class Values:
    """One value per (picture, mask, method), of the teacher and of the student; methods by name."""

    teacher: np.ndarray
    student: np.ndarray
    methods: list[str]

    def only(self, names: list[str]) -> Values:
        """The same distances of some of the methods, in the order of ``names``."""
        keep = [self.methods.index(name) for name in names]
        return Values(self.teacher[..., keep], self.student[..., keep], names)


def centre(picture: np.ndarray, side: int) -> np.ndarray:
    """Shorter side resized to ``side``, then the centre square."""
    import cv2

    scale = side / min(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    y, x = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return np.ascontiguousarray(small[y : y + side, x : x + side])


def _picture_sets(kodak: Path, few: bool) -> dict[str, list[np.ndarray]]:
    from bench.datasets.registry import open_dataset

    photographs = pairs.read_folder(kodak, leave_out=())
    scenes = open_dataset("scenes", "test", 64, 16 if few else 64)
    carried = open_dataset("photos", "test", 64, None)
    rng = np.random.default_rng(1)
    crops = [carried.load(index) for index in range(len(carried))]
    for picture in photographs:
        for side in (96, 192, 384):
            y, x = rng.integers(picture.shape[0] - side + 1), rng.integers(picture.shape[1] - side + 1)
            crops.append(centre(picture[y : y + side, x : x + side], 64))
    return {
        "scenes, 64 px": [scenes.load(index) for index in range(len(scenes))],
        "photo crops, 64 px": crops[:: 4 if few else 1],
        "Kodak, 256 px": [centre(picture, 256) for picture in photographs][:: 4 if few else 1],
    }


def fills_of(pictures: list[np.ndarray], holes: np.ndarray, run: Path | None, seed: int) -> dict[str, list[np.ndarray]]:
    """Filled pictures by method."""
    from variants.method import ReferenceMethod
    from variants.network_method import NetworkMethod
    from variants.registry import variant

    raws: dict[str, np.ndarray] = {}
    stacked = np.stack(pictures)
    for name in REFERENCES:
        if name == "biharmonic" and len(holes[0]) > 64:
            continue
        raws[name] = ReferenceMethod(name, variant.get(name)()).fill(stacked, holes) * 255
    files = sorted(run.glob("checkpoints/*/seed-0/generator.safetensors")) if run else []
    for file in files:
        name = file.parent.parent.name
        raws[name] = NetworkMethod.load(name, variant.get(name)(), file).fill(stacked, holes) * 255
    maker = pairs.Maker(pictures, [], seed)
    for name in SYNTHETIC:
        raws[name] = np.stack([pairs.FILLS[name](maker, *pair) for pair in zip(pictures, holes, strict=True)])
    return {
        name: [
            np.where(hole[..., None], np.rint(one.clip(0, 255)).astype(np.uint8), picture)
            for one, hole, picture in zip(raw, holes, pictures, strict=True)
        ]
        for name, raw in raws.items()
    }


def measure(stacks: list, pictures: list[np.ndarray], run: Path | None) -> Values:
    """Both distances of every fill of every picture under every mask, arrays (pictures · masks, methods)."""
    rows: list[list[list[float]]] = [[], []]
    names: list[str] = []
    side = len(pictures[0])
    for number, mask in enumerate(MASKS):
        holes = draw(mask, (side, side), 1000, range(len(pictures)))
        fills = fills_of(pictures, holes, run, seed=number)
        names = list(fills)
        for index, picture in enumerate(pictures):
            box = lpips_patch.Box(*Hole(holes[index]).box)
            for stack, found in zip(stacks, rows, strict=True):
                kept = lpips_patch.keep(stack, picture)
                mine = [fills[name][index] for name in names]
                found.append(lpips_patch.scores(stack, kept, picture, mine, box, None)[0])
        print(f"{mask} done", file=sys.stderr, flush=True)
    shape = (len(MASKS), len(pictures), len(names))
    return Values(np.array(rows[0]).reshape(shape), np.array(rows[1]).reshape(shape), names)


def ordered(values: Values) -> tuple[int, int]:
    """Pairs of methods, mask by mask, that the teacher separates: put the same way by the student, and in all."""
    from scipy.stats import ttest_rel

    right = total = 0
    for mask in range(len(MASKS)):
        for a, b in combinations(range(len(values.methods)), 2):
            difference = values.teacher[mask, :, a] - values.teacher[mask, :, b]
            if not difference.any() or ttest_rel(difference, np.zeros_like(difference)).pvalue >= SEPARATED:
                continue
            mine = (values.student[mask, :, a] - values.student[mask, :, b]).mean()
            total += 1
            right += bool(np.sign(mine) == np.sign(difference.mean()))
    return right, total


@dataclass(frozen=True)
class Figures:
    """How near the student's values are to the teacher's."""

    fills: int
    mean: float
    rank: float
    error: float
    shift: float
    right: int
    pairs: int

    def fails(self, name: str) -> list[str]:
        """What is not good enough for a student to be bundled."""
        found = [
            (self.rank >= RANK, f"Spearman {self.rank:.3f}"),
            (self.error <= WANTED[name], f"mean error {self.error:.4f}"),
            (abs(self.shift) <= SHIFT, f"mean shift {self.shift:+.4f}"),
            (self.right >= PAIRS * self.pairs, f"{self.right} of {self.pairs} pairs"),
        ]
        return [f"{name}: {text}" for good, text in found if not good]


def _figures_of(values: Values) -> Figures:
    from scipy.stats import spearmanr

    return Figures(
        values.teacher.size,
        float(values.teacher.mean()),
        float(spearmanr(values.teacher.ravel(), values.student.ravel())[0]),
        float(np.abs(values.teacher - values.student).mean()),
        float((values.student - values.teacher).mean()),
        *ordered(values),
    )


def _row_of(name: str, found: Figures) -> str:
    return (
        f"| {name} | {found.fills} | {found.mean:.3f} | {found.rank:.3f} | {found.error:.4f} | {found.shift:+.4f} "
        f"| {found.right} of {found.pairs} ({100 * found.right / max(found.pairs, 1):.1f} %) |"
    )


def method_rows(found: dict[str, Values]) -> str:
    """Per method: the real LPIPS and the student's error on each set of pictures."""
    names = list(dict.fromkeys(name for values in found.values() for name in values.methods))
    lines = [
        "| method | " + " | ".join(f"{title}: LPIPS, error, shift" for title in found) + " |",
        "| --- |" + " --- |" * len(found),
    ]
    for name in names:
        cells = []
        for values in found.values():
            if name not in values.methods:
                cells.append("")
                continue
            one = values.only([name])
            difference = one.student - one.teacher
            cells.append(f"{one.teacher.mean():.3f}, {np.abs(difference).mean():.4f}, {difference.mean():+.4f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


HEAD = """| pictures | fills | mean LPIPS | Spearman | mean error | mean shift | separated pairs ordered rightly |
| --- | --- | --- | --- | --- | --- | --- |"""


def report(found: dict[str, Values], about: dict[str, str]) -> str:
    """The figures as Markdown."""
    whole, methods, fails = [], [], []
    for name, values in found.items():
        figures = _figures_of(values)
        fails += figures.fails(name)
        whole.append(_row_of(name, figures))
        real = [method for method in values.methods if method not in SYNTHETIC]
        methods.append(_row_of(name, _figures_of(values.only(real))))
    wanted = ", ".join(f"{error} on {name}" for name, error in WANTED.items())
    verdict = f"not good enough ({'; '.join(fails)})" if fails else "good enough to be bundled"
    used = max((values.methods for values in found.values()), key=len)
    return f"""# The student's figures

Written by `python -m bench.student.evaluate`. `lpips_student` predicts AlexNet-LPIPS (v0.1) and is
approximate; these figures say how far. No picture here was learnt from.

Trained by `python -m bench.student.train` ({", ".join(f"{k} {v}" for k, v in about.items())}).
Masks: {", ".join(MASKS)}.

Wanted: a mean error of at most {wanted}; a Spearman correlation of at least {RANK}, a mean shift within
±{SHIFT}, and {PAIRS:.0%} of the separated pairs ordered rightly on each. Verdict: **{verdict}**.
A pair of methods is separated where the real LPIPS tells them apart under a mask (paired t test, p < {SEPARATED}).

## All fills

{", ".join(used)} (biharmonic at 64 px only).

{HEAD}
{chr(10).join(whole)}

## Reference methods and trained variants alone

{HEAD}
{chr(10).join(methods)}

## Method by method

{method_rows(found)}
"""


def main() -> None:
    """Measure, and write a Markdown table to ``--out`` or stdout."""
    parser = argparse.ArgumentParser(description="Measure the LPIPS student on unseen pictures.")
    parser.add_argument("--kodak", type=Path, required=True, help="folder of the Kodak photographs, PNG")
    parser.add_argument("--run", type=Path, help="run whose trained variants fill too")
    parser.add_argument("--weights-dir", type=Path, help="folder of the AlexNet backbone")
    parser.add_argument("--student", type=Path, default=FILE)
    parser.add_argument("--few", action="store_true", help="a quarter of the pictures")
    parser.add_argument("--out", type=Path, help="Markdown file to write (else stdout)")
    args = parser.parse_args()
    from safetensors import safe_open

    torch.set_num_threads(1)
    stacks = [weights.load(weights.backbone("alexnet"), args.weights_dir), load_stack(args.student)]
    with safe_open(args.student, "np") as file:
        about = dict(file.metadata() or {})
    found = {name: measure(stacks, some, args.run) for name, some in _picture_sets(args.kodak, args.few).items()}
    text = report(found, about)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
